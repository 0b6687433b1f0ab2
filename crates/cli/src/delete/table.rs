//! The rows of a table: CSV (RFC 4180), and the same with semicolons or tabs, as spreadsheets write them.
//!
//! Stricter than libraries are: where a quote is not closed, or text stands behind one that is, they put several rows
//! into one field. Of these rows, tokens would be lost.

use std::io::{self, BufRead};

use mpt_tokens::BatchItem;
use zeroize::Zeroizing;

use crate::delete::decode::append;
use crate::delete::fault::{Place, Trouble};
use crate::delete::line::{self, Reading};

/// The longest row, in bytes.
const LONGEST: usize = 1024 * 1024;

/// A field of a row, without its quotes.
pub(crate) type Field = Zeroizing<String>;

/// A row, and where its fields are.
pub(crate) struct Row {
    pub(crate) fields: Vec<Field>,
    pub(crate) places: Vec<Place>,
}

/// A reader of rows. Blank lines, and lines that begin with `#`, are none.
pub(crate) struct Rows<R> {
    input: R,
    place: Place,
    delimiter: u8,
    is_value_aside: bool,
}

/// What ended a field.
#[derive(PartialEq, Eq)]
enum End {
    Delimiter,
    Row,
}

impl<R: BufRead> Rows<R> {
    /// A reader that begins at a line.
    pub(crate) fn new(input: R, delimiter: u8, line: u64) -> Rows<R> {
        Rows { input, place: Place::line(line), delimiter, is_value_aside: false }
    }

    fn look(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn skip(&mut self, byte: u8) {
        self.input.consume(1);
        self.place.pass(byte);
    }

    /// Whether a token value was commented out since it was asked last: its rest may be the next row.
    pub(crate) fn value_aside(&mut self) -> bool {
        std::mem::take(&mut self.is_value_aside)
    }

    fn skip_comment(&mut self) -> io::Result<()> {
        let mut comment = Zeroizing::new(Vec::new());
        while let Some(byte) = self.look()?.filter(|byte| *byte != b'\n') {
            self.skip(byte);
            if comment.len() < LONGEST {
                append(&mut comment, &[byte]);
            }
        }
        self.is_value_aside |= line::is_value_aside(&String::from_utf8_lossy(&comment));
        Ok(())
    }

    fn skip_line(&mut self) -> io::Result<()> {
        while let Some(byte) = self.look()? {
            self.skip(byte);
            if byte == b'\n' {
                break;
            }
        }
        Ok(())
    }

    /// White space that is no delimiter.
    fn skip_blanks(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.look()? {
                Some(byte) if (byte == b' ' || byte == b'\t') && byte != self.delimiter => {
                    self.skip(byte);
                }
                next => return Ok(next),
            }
        }
    }

    fn row(&mut self) -> Result<Option<Row>, Trouble> {
        loop {
            match self.skip_blanks()? {
                None => return Ok(None),
                Some(b'\n' | b'\r') => self.skip_line()?,
                Some(b'#') => self.skip_comment()?,
                Some(_) => break,
            }
        }
        let mut row = Row { fields: Vec::new(), places: Vec::new() };
        let mut left = LONGEST;
        loop {
            self.skip_blanks()?;
            let place = self.place;
            let mut bytes = Zeroizing::new(Vec::new());
            let read = self.field(&mut bytes, &mut left);
            let end = match read {
                Ok(end) => end,
                Err(Trouble::Fault(at, what)) => {
                    if self.place.column > 1 {
                        self.skip_line()?;
                    }
                    return Err(Trouble::Fault(at, what));
                }
                Err(broken) => return Err(broken),
            };
            let Ok(text) = std::str::from_utf8(&bytes) else {
                if end != End::Row {
                    self.skip_line()?;
                }
                return Err(Trouble::fault(place, "is not UTF-8"));
            };
            row.fields.push(Zeroizing::new(text.trim().to_owned()));
            row.places.push(place);
            if end == End::Row {
                return Ok(Some(row));
            }
        }
    }

    fn field(&mut self, bytes: &mut Zeroizing<Vec<u8>>, left: &mut usize) -> Result<End, Trouble> {
        let start = self.place;
        let is_quoted = self.look()? == Some(b'"');
        if is_quoted {
            self.skip(b'"');
        }
        let mut is_open = is_quoted;
        loop {
            let Some(byte) = self.look()? else {
                if is_open {
                    return Err(Trouble::fault(start, "begins with a quote that is not closed"));
                }
                return Ok(End::Row);
            };
            if *left == 0 {
                return Err(Trouble::fault(
                    start,
                    "makes the row longer than a mebibyte: a quote may not be closed",
                ));
            }
            *left -= 1;
            if is_open {
                self.skip(byte);
                if byte != b'"' {
                    append(bytes, &[byte]);
                } else if self.look()? == Some(b'"') {
                    self.skip(b'"');
                    append(bytes, b"\"");
                } else {
                    is_open = false;
                    self.skip_blanks()?;
                }
                continue;
            }
            match byte {
                b'\n' => {
                    self.skip(byte);
                    return Ok(End::Row);
                }
                b'\r' => self.skip(byte),
                _ if byte == self.delimiter => {
                    self.skip(byte);
                    return Ok(End::Delimiter);
                }
                b'"' => {
                    return Err(Trouble::fault(
                        self.place,
                        "has a quote in the middle of a field: expected the whole field in quotes, and `\"\"` for a \
                         quote in it",
                    ));
                }
                _ if is_quoted => {
                    return Err(Trouble::fault(self.place, "has text behind a quoted field"));
                }
                _ => {
                    self.skip(byte);
                    append(bytes, &[byte]);
                }
            }
        }
    }
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = Result<Row, Trouble>;

    fn next(&mut self) -> Option<Result<Row, Trouble>> {
        self.row().transpose()
    }
}

/// Which column of a table names the tokens.
pub(crate) struct Header {
    names: Vec<String>,
    chosen: usize,
    /// Whether it was chosen by name: it may hold ids of any shape then.
    is_chosen_by_name: bool,
}

impl Header {
    /// Whether a row is a header for sure: it has the column of that name, or one that names tokens, and it names no
    /// token itself.
    pub(crate) fn is_one(row: &Row, column: Option<&str>) -> bool {
        row.fields.iter().any(|field| is_meant(field, column))
            && !row.fields.iter().any(|field| line::may_be_token(field))
    }

    /// The header in a row that is one.
    pub(crate) fn new(row: &Row, column: Option<&str>) -> Result<Header, Trouble> {
        let names: Vec<String> = row.fields.iter().map(|field| field.to_string()).collect();
        let meant: Vec<usize> =
            (0..names.len()).filter(|at| is_meant(&names[*at], column)).collect();
        match meant[..] {
            [chosen] => Ok(Header { names, chosen, is_chosen_by_name: column.is_some() }),
            [_, other, ..] => Err(Trouble::fault(
                row.places[other],
                "is a second column that could name the tokens: say which by --column, and let no two have one name",
            )),
            [] => Err(Trouble::fault(row.places[0], "has no column that names tokens")),
        }
    }

    /// What a row names; `None` for an empty one.
    pub(crate) fn item(&self, row: &Row, reading: Reading) -> Result<Option<BatchItem>, Trouble> {
        let Row { fields, places } = row;
        if fields.iter().all(|field| field.is_empty()) {
            return Ok(None);
        }
        let (found, expected) = (fields.len(), self.names.len());
        if let Some(extra) = (expected..found).find(|at| !fields[*at].is_empty()) {
            let what = format!(
                "is field {} of a row, where the header has {expected}: a field with a delimiter in it must be in quotes",
                extra + 1
            );
            return Err(Trouble::fault(places[extra], what));
        }
        if found < expected {
            let s = if found == 1 { "" } else { "s" };
            let what = format!("is a row of {found} field{s}, where the header has {expected}");
            return Err(Trouble::fault(places[0], what));
        }
        let fields = &fields[..expected];
        line::row(&self.names, fields, self.chosen, self.is_chosen_by_name, reading)
            .map(Some)
            .map_err(|fault| Trouble::in_text(places[self.chosen], fault))
    }
}

/// Whether a column is the one of that name or, without a name, one that names tokens: id, token, token_id.
fn is_meant(name: &str, column: Option<&str>) -> bool {
    if let Some(column) = column {
        return name.to_lowercase() == column.trim().to_lowercase();
    }
    let plain: String = name.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).collect();
    ["id", "token", "tokenid"].iter().any(|known| plain.eq_ignore_ascii_case(known))
}
