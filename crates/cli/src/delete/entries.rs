//! The tokens that a list names, one after the other, whatever its shape: lines, a table, or JSON.
//!
//! The shape is known from how the text begins, and only where that is sure; a list is lines otherwise. Of a list,
//! its longest line, row or element is kept in memory at a time, and the beginning that tells its shape.

use std::io::{self, BufRead};

use mpt_tokens::BatchItem;
use zeroize::Zeroizing;

use crate::delete::bytes::Bytes;
use crate::delete::decode::{Text, append};
use crate::delete::fault::{Place, Trouble};
use crate::delete::json::{Kind, Part, Parts, is_report};
use crate::delete::line::{self, Reading};
use crate::delete::table::{Header, Row, Rows};

/// The longest line that is read, in bytes: scanners print whole findings.
pub(crate) const LONGEST: usize = 1024 * 1024;

/// How much of a text is looked at first to know its shape; more where the first line is longer.
const LOOK: usize = 4 * 1024;

/// What stands between the columns of tables.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// A reader of the tokens in a list.
pub(crate) struct Entries {
    shape: Shape,
    reading: Reading,
    column: Option<String>,
}

enum Shape {
    /// Nobody looked yet.
    Bytes(Bytes),
    Lines(Text<Bytes>, u64),
    Table(Rows<Text<Bytes>>, Header),
    Json(Parts<Text<Bytes>>),
    Over,
}

/// What the beginning of a text tells.
enum Beginning {
    Lines,
    Json,
    /// A table, its delimiter, and where its header is.
    Table {
        delimiter: u8,
        skip: usize,
        line: u64,
    },
}

impl Entries {
    /// A reader; `column` names that of a table, and says that it is one.
    pub(crate) fn new(bytes: Bytes, any_id: bool, column: Option<&str>) -> Entries {
        let reading = Reading { any_id, after_value: false };
        Entries { shape: Shape::Bytes(bytes), reading, column: column.map(str::to_owned) }
    }

    fn begin(&mut self, bytes: Bytes) -> Result<Shape, Trouble> {
        let mut text = Text::new(bytes)?;
        let mut least = LOOK;
        let beginning = loop {
            let looked = text.look(least)?;
            let is_whole = looked.len() < least;
            if let Some(beginning) = self.beginning(looked, is_whole)? {
                break beginning;
            }
            if is_whole || looked.len() > LONGEST {
                break Beginning::Lines;
            }
            least *= 2;
        };
        match beginning {
            Beginning::Json | Beginning::Lines if self.column.is_some() => Err(self.no_column(1)),
            Beginning::Json => Ok(Shape::Json(Parts::new(text))),
            Beginning::Lines => Ok(Shape::Lines(text, 0)),
            Beginning::Table { delimiter, skip, line } => {
                text.consume(skip);
                let mut rows = Rows::new(text, delimiter, line);
                let header = match rows.next() {
                    Some(row) => Header::new(&row?, self.column.as_deref())?,
                    None => return Err(self.no_column(line)),
                };
                Ok(Shape::Table(rows, header))
            }
        }
    }

    fn no_column(&self, line: u64) -> Trouble {
        Trouble::fault(
            Place::line(line),
            "does not have the column that --column names: expected a header, with the columns divided by commas, \
             semicolons or tabs",
        )
    }

    /// What this beginning tells; `None` if more of it is needed.
    fn beginning(&self, bytes: &[u8], is_whole: bool) -> Result<Option<Beginning>, Trouble> {
        let (mut skip, mut line, mut delimiters) = (0, 0, DELIMITERS.to_vec());
        loop {
            line += 1;
            let rest = &bytes[skip..];
            if rest.is_empty() {
                return Ok(is_whole.then_some(Beginning::Lines));
            }
            let end = rest.iter().position(|byte| *byte == b'\n');
            // A list is often one line without an end in sight; so is a report, which is told by more of it.
            let is_cut = end.is_none() && !is_whole;
            let first = rest.trim_ascii_start();
            if first.starts_with(b"[") {
                return Ok(match first[1..].trim_ascii_start().first() {
                    None if !is_whole => None,
                    Some(b'"' | b'{' | b'[' | b']') => Some(Beginning::Json),
                    _ => Some(Beginning::Lines),
                });
            }
            if is_cut && first.starts_with(b"{") && rest.len() > LONGEST {
                return Ok(Some(Beginning::Json));
            }
            if is_cut {
                return Ok(None);
            }
            let len = end.map_or(rest.len(), |end| end + 1);
            let Ok(text) = std::str::from_utf8(&rest[..len]) else {
                return Ok(Some(Beginning::Lines));
            };
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                skip += len;
                continue;
            }
            // What spreadsheets write before the header.
            if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter] = *text.as_bytes() {
                delimiters = vec![delimiter];
                skip += len;
                continue;
            }
            if text.starts_with('{') {
                let is_json = match serde_json::from_str::<serde::de::IgnoredAny>(text) {
                    Ok(_) => is_report(text.as_bytes()),
                    // It goes on in the next line.
                    Err(error) => error.is_eof(),
                };
                return Ok(Some(if is_json { Beginning::Json } else { Beginning::Lines }));
            }
            if self.reading.any_id && self.column.is_none() {
                return Ok(Some(Beginning::Lines));
            }
            let columns = |delimiter: &u8| {
                let row = Rows::new(text.as_bytes(), *delimiter, 1).next()?.ok()?;
                Header::is_one(&row, self.column.as_deref()).then_some(row.fields.len())
            };
            let counts = delimiters.iter().map(|delimiter| (columns(delimiter), *delimiter));
            // Of two with as many columns, the first.
            let best = counts.rev().filter(|(count, _)| count.is_some()).max_by_key(|it| it.0);
            return match best {
                Some((_, delimiter)) => Ok(Some(Beginning::Table { delimiter, skip, line })),
                None if self.column.is_some() => Err(self.no_column(line)),
                None => Ok(Some(Beginning::Lines)),
            };
        }
    }

    fn line(&mut self, text: &[u8], number: u64) -> Result<Option<BatchItem>, Trouble> {
        let place = Place::line(number);
        if text.len() > LONGEST {
            return Err(Trouble::fault(place, "is longer than a mebibyte"));
        }
        let Ok(text) = std::str::from_utf8(text) else {
            return Err(Trouble::fault(place, "is not UTF-8"));
        };
        if text.contains('\0') {
            return Err(Trouble::fault(
                place,
                "has a NUL character, as UTF-16 text does: expected UTF-8, or UTF-16 that begins with a byte order mark",
            ));
        }
        let text = text.trim_end_matches(['\n', '\r']);
        let item =
            line::item(text, self.reading).map_err(|fault| Trouble::in_text(place, fault))?;
        self.reading.after_value = match &item {
            Some(item) => item.value.is_some(),
            None => self.reading.after_value || line::is_value_aside(text),
        };
        Ok(item)
    }

    fn row(&mut self, row: &Row, header: &Header) -> Result<Option<BatchItem>, Trouble> {
        let item = header.item(row, self.reading)?;
        if let Some(item) = &item {
            self.reading.after_value = item.value.is_some();
        }
        Ok(item)
    }

    fn part(&self, part: &Part) -> Result<Option<BatchItem>, Trouble> {
        let fault = |fault| Trouble::in_text(part.place, fault);
        let Ok(text) = std::str::from_utf8(&part.text) else {
            return Err(Trouble::fault(part.place, "is not UTF-8"));
        };
        match part.kind {
            Kind::Around => line::no_value(text).map(|()| None).map_err(fault),
            kind => line::element(text, kind == Kind::Finding, self.reading.any_id).map_err(fault),
        }
    }

    /// The next one of a shape; the inner `None` is for what names nothing.
    fn pull(&mut self, shape: &mut Shape) -> Option<Result<Option<BatchItem>, Trouble>> {
        match shape {
            Shape::Bytes(_) | Shape::Over => None,
            Shape::Lines(text, number) => match next_line(text) {
                Ok(None) => None,
                Ok(Some(line)) => {
                    *number += 1;
                    Some(self.line(&line, *number))
                }
                Err(error) => Some(Err(error.into())),
            },
            Shape::Table(rows, header) => {
                let next = rows.next()?;
                self.reading.after_value |= rows.value_aside();
                Some(next.and_then(|row| self.row(&row, header)))
            }
            Shape::Json(parts) => Some(parts.next()?.and_then(|part| self.part(&part))),
        }
    }
}

impl Iterator for Entries {
    type Item = Result<BatchItem, Trouble>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut shape = std::mem::replace(&mut self.shape, Shape::Over);
        if let Shape::Bytes(bytes) = shape {
            match self.begin(bytes) {
                Ok(begun) => shape = begun,
                Err(trouble) => return Some(Err(trouble)),
            }
        }
        let next = loop {
            match self.pull(&mut shape) {
                Some(Ok(None)) => {}
                Some(Ok(Some(item))) => break Some(Ok(item)),
                Some(Err(trouble)) => break Some(Err(trouble)),
                None => break None,
            }
        };
        if !matches!(next, None | Some(Err(Trouble::Broken(_)))) {
            self.shape = shape;
        }
        next
    }
}

/// The next line with its end; of one that is too long, one byte more than a line may have.
fn next_line(text: &mut impl BufRead) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut line = Zeroizing::new(Vec::new());
    loop {
        let looked = text.fill_buf()?;
        let end = looked.iter().position(|byte| *byte == b'\n');
        let len = end.map_or(looked.len(), |end| end + 1);
        let is_over = end.is_some() || looked.is_empty();
        let room = LONGEST + 1 - line.len();
        append(&mut line, &looked[..len.min(room)]);
        text.consume(len);
        if is_over {
            return Ok((!line.is_empty()).then_some(line));
        }
    }
}
