//! The parts of a JSON text that can name tokens: the elements of a list, and objects. One after the other, so that a
//! list of any length needs the memory of its longest element.

use std::io::{self, BufRead};

use zeroize::Zeroizing;

use crate::delete::decode::append;
use crate::delete::fault::{Place, Trouble};

/// The longest element, in bytes: a finding with the text around it.
pub(crate) const LONGEST: usize = 1024 * 1024;

/// How deeply objects and lists may be nested: as in `serde_json`.
const DEEPEST: usize = 128;

/// Where reports have their findings, and the API its tokens; `[]` stands for any element.
const LISTS: &[&[&str]] = &[
    // A list that the API gives.
    &["data"],
    // SARIF.
    &["runs", "[]", "results"],
    // GitLab's reports.
    &["vulnerabilities"],
    // Kingfisher, and others.
    &["findings"],
    &["results"],
];

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An element of a list, or an object by itself.
    Item,
    /// A finding in the list of a report: its `id` may be its own.
    Finding,
    /// What stands around the list of a report.
    Around,
}

/// A part of the text, as it stands there.
pub(crate) struct Part {
    pub(crate) text: Zeroizing<Vec<u8>>,
    pub(crate) place: Place,
    pub(crate) kind: Kind,
}

/// A reader of parts.
pub(crate) struct Parts<R> {
    input: R,
    place: Place,
    list: Option<List>,
    around: Option<Around>,
    is_over: bool,
}

struct List {
    place: Place,
    /// Whether the last thing was an element, and not a comma.
    behind_element: bool,
}

/// An object that may be a report, up to here and without its findings.
struct Around {
    text: Zeroizing<Vec<u8>>,
    place: Place,
    frames: Vec<Frame>,
    is_report: bool,
}

enum Frame {
    List,
    /// With the name of the member, where its value is expected.
    Object {
        name: Option<Zeroizing<String>>,
        is_value: bool,
    },
}

impl Around {
    /// Whether a list that begins here is one of findings.
    fn is_at_findings(&self) -> bool {
        let is = |frame: &Frame, name: &str| match frame {
            Frame::List => name == "[]",
            Frame::Object { name: found, is_value } => {
                *is_value && found.as_ref().is_some_and(|found| found.as_str() == name)
            }
        };
        LISTS.iter().any(|path| {
            path.len() == self.frames.len()
                && self.frames.iter().zip(*path).all(|(frame, name)| is(frame, name))
        })
    }
}

const TOO_LONG: &str = "is longer than a mebibyte";

const CUT_OFF: &str = "is cut off: the JSON that begins here does not end";

impl<R: BufRead> Parts<R> {
    pub(crate) fn new(input: R) -> Parts<R> {
        Parts { input, place: Place::line(1), list: None, around: None, is_over: false }
    }

    fn look(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn skip(&mut self, byte: u8) {
        self.input.consume(1);
        self.place.pass(byte);
    }

    fn look_past_space(&mut self) -> io::Result<Option<u8>> {
        while let Some(byte) = self.look()? {
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.skip(byte);
        }
        Ok(None)
    }

    /// The next part; `None` at the end, and after text that is not JSON.
    fn part(&mut self) -> Result<Option<Part>, Trouble> {
        loop {
            let part = if self.list.is_some() {
                self.element()?
            } else if self.around.is_some() {
                self.object()?
            } else {
                let place = self.place;
                match self.look_past_space()? {
                    None => return Ok(None),
                    Some(b'[') => {
                        self.skip(b'[');
                        self.list = Some(List { place, behind_element: false });
                    }
                    Some(b'{') => {
                        let place = self.place;
                        let text = Zeroizing::new(Vec::new());
                        self.around =
                            Some(Around { text, place, frames: Vec::new(), is_report: false });
                    }
                    Some(_) => {
                        return Err(Trouble::fault(
                            self.place,
                            "is no JSON, as what is before it: expected only JSON, or one token on each line",
                        ));
                    }
                }
                None
            };
            if let Some(part) = part {
                return Ok(Some(part));
            }
        }
    }

    /// The next element of a list.
    fn element(&mut self) -> Result<Option<Part>, Trouble> {
        let next = self.look_past_space()?;
        let place = self.place;
        let Some(list) = &mut self.list else { return Ok(None) };
        let Some(byte) = next else { return Err(Trouble::fault(list.place, CUT_OFF)) };
        match byte {
            b']' => {
                self.list = None;
                if let Some(around) = &mut self.around {
                    append(&mut around.text, b"]");
                }
                self.skip(b']');
                Ok(None)
            }
            b',' if list.behind_element => {
                list.behind_element = false;
                self.skip(b',');
                Ok(None)
            }
            b',' | b'}' | b':' => {
                Err(Trouble::fault(place, "is not JSON: expected an element of a list, or its end"))
            }
            _ if list.behind_element => Err(Trouble::fault(
                place,
                "is not JSON: expected a comma between the elements of a list",
            )),
            _ => {
                list.behind_element = true;
                let kind = if self.around.is_some() { Kind::Finding } else { Kind::Item };
                let mut text = Zeroizing::new(Vec::new());
                match self.value(&mut text, place)? {
                    true => Ok(Some(Part { text, place, kind })),
                    false => Err(Trouble::fault(place, TOO_LONG)),
                }
            }
        }
    }

    /// Takes a whole value; gives whether it was short enough.
    fn value(&mut self, text: &mut Zeroizing<Vec<u8>>, place: Place) -> Result<bool, Trouble> {
        let (mut depth, mut length) = (0_usize, 0);
        let mut keep = |text: &mut Zeroizing<Vec<u8>>, byte: u8| {
            length += 1;
            if length <= LONGEST {
                append(text, &[byte]);
            }
        };
        loop {
            let Some(byte) = self.look()? else {
                return if depth > 0 {
                    Err(Trouble::fault(place, CUT_OFF))
                } else {
                    Ok(length <= LONGEST)
                };
            };
            match byte {
                b'"' => {
                    self.string(place, |byte| keep(text, byte))?;
                    if depth == 0 {
                        return Ok(length <= LONGEST);
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 0 => return Ok(length <= LONGEST),
                b',' if depth == 0 => return Ok(length <= LONGEST),
                _ if depth == 0 && byte.is_ascii_whitespace() => return Ok(length <= LONGEST),
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.skip(byte);
            keep(text, byte);
            if depth == 0 && matches!(byte, b'}' | b']') {
                return Ok(length <= LONGEST);
            }
        }
    }

    /// Takes a string, with its quotes.
    fn string(&mut self, place: Place, mut keep: impl FnMut(u8)) -> Result<(), Trouble> {
        let mut is_escaped = true;
        loop {
            let Some(byte) = self.look()? else { return Err(Trouble::fault(place, CUT_OFF)) };
            self.skip(byte);
            keep(byte);
            match byte {
                b'"' if !is_escaped => return Ok(()),
                // Also the quote that it begins with.
                _ => is_escaped = byte == b'\\' && !is_escaped,
            }
        }
    }

    /// Goes on with an object, to its end or to a list of findings.
    fn object(&mut self) -> Result<Option<Part>, Trouble> {
        let Some(mut around) = self.around.take() else { return Ok(None) };
        loop {
            let Some(byte) = self.look()? else {
                return Err(Trouble::fault(around.place, CUT_OFF));
            };
            if around.text.len() > LONGEST || around.frames.len() > DEEPEST {
                let what = "is longer than a mebibyte, or nested too deeply, and no report that is known here: give it \
                            with --leaked-in";
                return Err(Trouble::fault(around.place, what));
            }
            if byte == b'"' {
                let start = around.text.len();
                self.string(around.place, |byte| append(&mut around.text, &[byte]))?;
                if let Some(Frame::Object { name, is_value: false }) = around.frames.last_mut() {
                    *name = serde_json::from_slice(&around.text[start..]).ok().map(Zeroizing::new);
                }
                continue;
            }
            let begins_findings = byte == b'[' && around.is_at_findings();
            self.skip(byte);
            append(&mut around.text, &[byte]);
            match byte {
                b'[' if begins_findings => {
                    around.is_report = true;
                    self.list = Some(List { place: self.place, behind_element: false });
                    self.around = Some(around);
                    return Ok(None);
                }
                b'[' => around.frames.push(Frame::List),
                b'{' => around.frames.push(Frame::Object { name: None, is_value: false }),
                b']' | b'}' => {
                    around.frames.pop();
                }
                b':' | b',' => {
                    if let Some(Frame::Object { is_value, .. }) = around.frames.last_mut() {
                        *is_value = byte == b':';
                    }
                }
                _ => {}
            }
            if around.frames.is_empty() {
                let kind = if around.is_report { Kind::Around } else { Kind::Item };
                return Ok(Some(Part { text: around.text, place: around.place, kind }));
            }
        }
    }
}

impl<R: BufRead> Iterator for Parts<R> {
    type Item = Result<Part, Trouble>;

    fn next(&mut self) -> Option<Result<Part, Trouble>> {
        if self.is_over {
            return None;
        }
        let part = self.part().transpose();
        // An element that is too long was skipped; anything else that is wrong hides where the next one begins.
        let goes_on = matches!(&part, Some(Ok(_)))
            || matches!(&part, Some(Err(Trouble::Fault(_, what))) if what == TOO_LONG);
        self.is_over = !goes_on;
        part
    }
}

/// Whether a text is the beginning of a report, whose findings are in a list.
pub(crate) fn is_report(text: &[u8]) -> bool {
    let mut parts = Parts::new(text);
    matches!(parts.next(), Some(Ok(part)) if part.kind != Kind::Item)
        || parts.around.is_some_and(|around| around.is_report)
}
