//! What one line of a list names: an id, a value, or an object.

use std::fmt;

use mpt_tokens::{ApiToken, BatchItem, OutcomeKind, TokenId, character_in_words, find_values};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

/// Why a line, or an argument, names no token: never with what stands in it, but for one character.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// How many lines below the first one.
    pub(crate) line: u64,
    /// Which character of the line it is, counted from 1.
    pub(crate) column: Option<usize>,
    pub(crate) what: String,
}

impl Fault {
    pub(crate) fn new(what: impl Into<String>) -> Fault {
        Fault { line: 0, column: None, what: what.into() }
    }

    /// A fault at a byte of a part of the line.
    fn at(line: &str, part: &str, byte: usize, what: String) -> Fault {
        let before = part.as_ptr() as usize - line.as_ptr() as usize + byte;
        Fault { line: 0, column: Some(line[..before].chars().count() + 1), what }
    }
}

/// How lines are read, and what the one before was.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reading {
    /// Whether every line is an id, whatever it looks like.
    pub(crate) any_id: bool,
    /// Whether the line before was a value: this one may be the rest of it.
    pub(crate) after_value: bool,
}

/// Whether a line that names nothing holds a value all the same: one that was commented out.
pub(crate) fn is_value_aside(line: &str) -> bool {
    bare(line).starts_with('#') && TokenId::new(line).is_err_and(|invalid| invalid.is_token_value())
}

/// A line without the blanks around it, and without the mark of a file that was added to another.
fn bare(line: &str) -> &str {
    line.trim().trim_start_matches('\u{feff}').trim_start()
}

/// What a line names; `None` for a blank one and a comment.
pub(crate) fn item(line: &str, reading: Reading) -> Result<Option<BatchItem>, Fault> {
    let text = bare(line);
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    if text.starts_with('{') && (!reading.any_id || text.ends_with('}')) {
        return object(text, false, reading.any_id).map_err(|fault| behind(line, text, fault));
    }
    // As it stands in a file of settings, or in a list of a scanner.
    let bare = text.trim_end_matches(',').trim();
    let text = match unquoted(bare) {
        Some(quoted) => quoted,
        None if reading.any_id => text,
        None => bare,
    };
    plain(line, text, reading).map(Some).map_err(|fault| behind(line, text, fault))
}

/// What stands in quotes.
fn unquoted(text: &str) -> Option<&str> {
    let inside =
        ['"', '\'', '`'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    inside.map(str::trim)
}

/// A fault without a column is that of the whole part of the line.
fn behind(line: &str, part: &str, fault: Fault) -> Fault {
    let blanks = line[..part.as_ptr() as usize - line.as_ptr() as usize].chars().count();
    let is_object = part.starts_with('{');
    let column = match fault.column {
        Some(column) if is_object => blanks + column,
        Some(column) => column,
        None => blanks + 1,
    };
    Fault { column: Some(column), ..fault }
}

/// What an element of a JSON list names, or an object by itself. That of a report may have an `id` that is its own.
pub(crate) fn element(
    text: &str,
    is_finding: bool,
    any_id: bool,
) -> Result<Option<BatchItem>, Fault> {
    if text.starts_with('{') {
        return object(text, is_finding, any_id);
    }
    if !text.starts_with('"') {
        return Err(Fault::new("is no token: expected a string, or an object with an `id`"));
    }
    let Ok(string) = serde_json::from_str::<String>(text).map(Zeroizing::new) else {
        return Err(Fault::new("is not JSON: expected a string"));
    };
    let item = plain(&string, string.trim(), Reading { any_id, after_value: false });
    item.map(Some).map_err(|fault| {
        // Behind the quote, where nothing in it is escaped.
        Fault { column: Some(fault.column.unwrap_or(0) + 1), ..fault }
    })
}

/// Fails for a JSON text that holds a token value.
pub(crate) fn no_value(text: &str) -> Result<(), Fault> {
    if value_in(&texts_of(text)?)?.is_some() {
        return Err(Fault::new(
            "holds a token value outside of its list: expected a report as the scanner wrote it; or give the file with \
             --leaked-in, which takes every value in it",
        ));
    }
    Ok(())
}

/// Whether a text is, or holds, what names a token.
pub(crate) fn may_be_token(text: &str) -> bool {
    names_token(text) || TokenId::new(text).is_err_and(|invalid| invalid.is_token_value())
}

/// What a row of a table names: as an object with the fields as members, but for what an id may look like.
pub(crate) fn row(
    names: &[String],
    fields: &[Zeroizing<String>],
    chosen: usize,
    is_chosen_by_name: bool,
    reading: Reading,
) -> Result<BatchItem, Fault> {
    let texts: Vec<Text> = (names.iter().zip(fields).enumerate())
        .map(|(at, (name, text))| {
            let name = if at == chosen { "id" } else { name };
            Text { depth: 1, member: Some(name.to_owned()), text: text.clone() }
        })
        .collect();
    let field = unquoted(&fields[chosen]).unwrap_or(&fields[chosen]);
    if let Some((token_id, value)) = value_in(&texts)? {
        return of_leak(token_id, value, Some(field), &texts);
    }
    if field.is_empty() {
        return Err(Fault::new("has no token id in its column"));
    }
    let item = plain(field, field, reading)?;
    if !is_chosen_by_name && !names_token(field) {
        return Err(Fault::new(
            "does not look like the id of a token, TKN-1671-0642: name the column of the tokens by --column",
        ));
    }
    check_others(field, &texts)?;
    let mut item = item;
    told(&mut item, &texts);
    Ok(item)
}

/// What an argument names.
pub(crate) fn argument(id: &str, any_id: bool) -> Result<BatchItem, Fault> {
    plain(id, id, Reading { any_id, after_value: false })
}

fn plain(line: &str, text: &str, reading: Reading) -> Result<BatchItem, Fault> {
    // Only a whole value can be told from the text around it, and only with a whole value is a 401 proof.
    if let Some(value) = ApiToken::from_text(text) {
        return Ok(of_value(value));
    }
    let id = TokenId::new(text);
    if id.as_ref().is_err_and(mpt_tokens::InvalidTokenId::is_token_value) {
        let what = "holds a token value and more: expected only the value, or only the id";
        let column =
            find_values(line).first().map(|found| line[..found.range().start].chars().count() + 1);
        return Err(Fault { line: 0, column, what: what.to_owned() });
    }
    if reading.after_value && !names_token(text) {
        return Err(Fault::new(
            "may be the rest of the token value in the line before: expected each value on one line, and an id after \
             a value to look like TKN-1671-0642",
        ));
    }
    let unusual = TokenId::unusual_at(text);
    if let (Some(at), false) = (unusual, reading.any_id) {
        let c = text[at..].chars().next().unwrap_or_default();
        return Err(Fault::at(line, text, at, unusual_character(text, c)));
    }
    id.map_err(|invalid| Fault::new(format!("names no token: {invalid}")))?;
    Ok(of_id(text))
}

fn unusual_character(text: &str, c: char) -> String {
    let c = character_in_words(c);
    if names_token(text) && !text.trim_start().starts_with("TKN") {
        return format!("{c} where an id has a capital letter: expected one such as TKN-1671-0642");
    }
    format!("{c} is not expected there in a token id")
}

/// A 404 for what does not look like an id means that it is none, not that a token is gone.
fn of_id(id: &str) -> BatchItem {
    let mut item = BatchItem::from(id);
    if TokenId::unusual_at(id).is_some() {
        item.missing_ok = Some(false);
    }
    item
}

fn of_value(value: ApiToken) -> BatchItem {
    let mut item = BatchItem::from(value.token_id().unwrap_or_default());
    item.value = Some(value);
    item
}

/// Whether it begins as the ids of tokens do.
fn names_token(id: &str) -> bool {
    id.trim_start().get(..4).is_some_and(|start| start.eq_ignore_ascii_case("TKN-"))
}

/// Whether it is the id of a token and nothing else.
fn is_numbered(id: &str) -> bool {
    names_token(id) && id.trim()[4..].bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// A text somewhere in an object.
struct Text {
    depth: usize,
    /// The member that it is the value of; none for the name of a member.
    member: Option<String>,
    text: Zeroizing<String>,
}

impl Text {
    fn is(&self, name: &str) -> bool {
        self.depth == 1 && self.member.as_deref() == Some(name)
    }

    fn is_scan(&self) -> bool {
        self.depth == 2 && self.name_is("schema") && self.text.starts_with("kingfisher.")
    }

    fn name_is(&self, name: &str) -> bool {
        self.member.as_deref().is_some_and(|member| member.eq_ignore_ascii_case(name))
    }
}

/// The texts of a JSON object.
fn texts_of(object: &str) -> Result<Vec<Text>, Fault> {
    let mut texts = Vec::new();
    let mut reader = serde_json::Deserializer::from_str(object);
    let walked = Walk { texts: &mut texts, depth: 0, member: None }.deserialize(&mut reader);
    if let Err(error) = walked.and_then(|()| reader.end()) {
        if error.is_eof() {
            return Err(Fault::new(
                "is cut off: a JSON object begins but does not end, as when a run could not finish writing",
            ));
        }
        let what = "is not a JSON object: expected an object with the member `id`, on one line";
        let line = error.line().saturating_sub(1) as u64;
        return Err(Fault { line, column: Some(error.column().max(1)), what: what.to_owned() });
    }
    Ok(texts)
}

/// What an object names; `None` for one that kingfisher writes below its findings, about the scan.
fn object(line: &str, is_finding: bool, any_id: bool) -> Result<Option<BatchItem>, Fault> {
    let texts = texts_of(line)?;
    let value = value_in(&texts)?;
    let mut ids = texts.iter().filter(|text| text.is("id")).map(|text| text.text.as_str());
    let id = ids.next();
    if ids.any(|other| Some(other) != id) {
        return Err(Fault::new("has two `id` members: expected one"));
    }
    match (value, id) {
        (Some((token_id, value)), id) => of_leak(token_id, value, id, &texts).map(Some),
        (None, _) if texts.iter().any(|text| text.name_is("hashed_secret")) => Err(Fault::new(
            "has only hashes of secrets, as detect-secrets writes them: look for the values in the files that it \
                 names, with --leaked-in",
        )),
        (None, None) if texts.iter().any(|text| text.is_scan()) => Ok(None),
        (None, None) => Err(Fault::new(
            "has no token id: expected the member `id`, a string, or a token value that is not redacted",
        )),
        (None, Some(id)) => {
            if let (Some(at), false) = (TokenId::deceptive_at(id), any_id) {
                let c = character_in_words(id[at..].chars().next().unwrap_or_default());
                return Err(Fault::new(format!(
                    "has an `id` with {c}, which deceives whoever reads it: expected the id as the API gives it, or \
                     --any-id"
                )));
            }
            if is_finding && !any_id && !names_token(id) {
                return Err(Fault::new(
                    "has no token value, and an `id` that is not a token's: expected a report that shows the secrets",
                ));
            }
            check_others(id, &texts)?;
            TokenId::new(id).map_err(|invalid| Fault::new(format!("names no token: {invalid}")))?;
            let mut item = of_id(id);
            told(&mut item, &texts);
            Ok(Some(item))
        }
    }
}

/// The value is what leaked; an `id` beside it is the finding's, unless it is a token's, too.
fn of_leak(
    token_id: String,
    value: Option<ApiToken>,
    id: Option<&str>,
    texts: &[Text],
) -> Result<BatchItem, Fault> {
    let own = id.filter(|id| names_token(id) && ApiToken::from_text(id).is_none());
    if own.is_some_and(|id| id.trim() != token_id) {
        return Err(Fault::new(
            "names one token in `id` and holds the value of another: expected one of them",
        ));
    }
    let mut item = value.map_or_else(|| BatchItem::from(token_id.as_str()), of_value);
    if own.is_some() {
        told(&mut item, texts);
    }
    Ok(item)
}

/// Fails where the id of another token stands beside one.
fn check_others(id: &str, texts: &[Text]) -> Result<(), Fault> {
    let is_other = |text: &&Text| {
        let is_id = text.name_is("id");
        is_numbered(&text.text) && text.text.trim() != id && (is_id || !names_token(id))
    };
    if texts.iter().filter(|text| text.member.is_some()).any(|text| is_other(&text)) {
        return Err(Fault::new(
            "has an `id`, and the id of a token elsewhere: expected an object that names one token",
        ));
    }
    Ok(())
}

/// The one token whose value is in an object, and the value where it can be told from the text around it.
fn value_in(texts: &[Text]) -> Result<Option<(String, Option<ApiToken>)>, Fault> {
    let mut found: Option<(String, Option<ApiToken>, bool)> = None;
    for text in texts {
        let whole = ApiToken::from_text(&text.text);
        let is_whole = whole.is_some();
        let values = match whole {
            Some(value) => vec![(value.token_id().unwrap_or_default().to_owned(), Some(value))],
            None => find_values(&text.text)
                .into_iter()
                .map(|value| (value.token_id().to_owned(), value.value().cloned()))
                .collect(),
        };
        for (id, value) in values {
            match &mut found {
                None => found = Some((id, value, is_whole)),
                Some((known, ..)) if *known != id => {
                    return Err(Fault::new("holds the values of two tokens: expected one"));
                }
                // A value that is a member by itself is surer than one in the middle of a text.
                Some((_, kept, kept_whole)) if kept.is_none() || (is_whole && !*kept_whole) => {
                    (*kept, *kept_whole) = (value, is_whole);
                }
                Some(_) => {}
            }
        }
    }
    Ok(found.map(|(id, value, _)| (id, value)))
}

/// What an earlier run told of the token: a line of its output says what came of it.
fn told(item: &mut BatchItem, texts: &[Text]) {
    let text = |name: &str| texts.iter().find(|text| text.is(name)).map(|text| text.text.as_str());
    let outcome = text("outcome")
        .and_then(|name| OutcomeKind::ALL.into_iter().find(|outcome| outcome.name() == name));
    // It could not tell: if the token is not there now, that request has deleted it.
    item.after_lost_answer = outcome == Some(OutcomeKind::Unknown);
    item.known_dead = outcome.is_some_and(OutcomeKind::is_success) && text("code") == Some("ok");
}

/// Collects the texts of a JSON value, also of members that come twice.
struct Walk<'a> {
    texts: &'a mut Vec<Text>,
    depth: usize,
    member: Option<String>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        let text = Zeroizing::new(text.to_owned());
        self.texts.push(Text { depth: self.depth, member: self.member, text });
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let depth = self.depth + 1;
        while list
            .next_element_seed(Walk { texts: self.texts, depth, member: self.member.clone() })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let depth = self.depth + 1;
        while let Some(name) = members.next_key::<String>()? {
            let text = Zeroizing::new(name.clone());
            self.texts.push(Text { depth, member: None, text });
            members.next_value_seed(Walk { texts: self.texts, depth, member: Some(name) })?;
        }
        Ok(())
    }
}
