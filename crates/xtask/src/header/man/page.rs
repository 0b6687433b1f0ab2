//! A manual page, and text as roff has it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A page as it grows.
pub(super) struct Page {
    pub(super) text: String,
    /// The other pages that it names.
    pub(super) see: BTreeSet<String>,
}

impl Page {
    pub(super) fn new(name: &str, brief: &str) -> Self {
        let version = mpt_tokens::VERSION;
        let text = format!(
            ".\\\" SPDX-License-Identifier: MIT OR Apache-2.0\n\
             .\\\" Made from include/mpt_tokens.h by `cargo xtask header`.\n\
             .TH {} 3 \"\" \"mpt\\-tokens {version}\" \"mpt\\-tokens\"\n.nh\n.ad l\n.SH NAME\n{} \\- {}\n",
            name.to_uppercase(),
            escaped(name),
            escaped(brief)
        );
        Self { text, see: BTreeSet::new() }
    }

    pub(super) fn section(&mut self, title: &str) {
        let _ = writeln!(self.text, ".SH {title}");
    }

    pub(super) fn code(&mut self, code: &str) {
        let _ = writeln!(self.text, ".nf\n{}.fi", escaped(code));
    }

    pub(super) fn paragraph(&mut self, text: &str, own: &str, names: &BTreeSet<&str>) {
        if !self.text.ends_with(".fi\n")
            && self.text.lines().next_back().is_some_and(|line| line.starts_with(".S"))
        {
            // The first of a section.
        } else {
            self.text += ".PP\n";
        }
        self.words(text, own, names);
    }

    pub(super) fn tagged(&mut self, tag: &str, text: &str, own: &str, names: &BTreeSet<&str>) {
        let _ = writeln!(self.text, ".TP\n{tag}");
        self.words(text, own, names);
    }

    pub(super) fn inner(&mut self, text: &str, own: &str, names: &BTreeSet<&str>) {
        self.text += ".IP\n";
        self.words(text, own, names);
    }

    /// Text, each sentence on a line of its own, with the names in it marked.
    fn words(&mut self, text: &str, own: &str, names: &BTreeSet<&str>) {
        let mut line = String::new();
        let mut code = false;
        let words: Vec<&str> = text.split(' ').collect();
        for (index, word) in words.iter().enumerate() {
            if !line.is_empty() {
                line.push(' ');
            }
            line += &self.word(word, &mut code, own, names);
            let ends = word.ends_with(['.', '?'])
                && words.get(index + 1).is_some_and(|next| {
                    next.starts_with(|letter: char| letter.is_ascii_uppercase() || letter == '`')
                });
            if ends && !code {
                self.line(&std::mem::take(&mut line));
            }
        }
        self.line(&line);
    }

    /// A line, in several where it is long.
    fn line(&mut self, line: &str) {
        const WIDTH: usize = 79;
        let mut width = 0;
        for (index, word) in line.split(' ').enumerate() {
            if index > 0 {
                let fits = width + word.len() < WIDTH;
                self.text.push(if fits { ' ' } else { '\n' });
                width = if fits { width + 1 } else { 0 };
            }
            // A dot or a quote at the start would be a request.
            if width == 0 && word.starts_with(['.', '\'']) {
                self.text += "\\&";
            }
            self.text += word;
            width += word.len();
        }
        self.text.push('\n');
    }

    fn word(&mut self, word: &str, code: &mut bool, own: &str, names: &BTreeSet<&str>) -> String {
        let mut marked = String::new();
        for (index, part) in word.split('`').enumerate() {
            if index > 0 {
                *code = !*code;
                marked += if *code { "\\fI" } else { "\\fR" };
            }
            let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            let start = part.find("mpt_").or_else(|| part.find("MPT_")).unwrap_or(part.len());
            let length =
                part[start..].find(|letter| !is_name(letter)).unwrap_or(part.len() - start);
            let (name, after) = part[start..].split_at(length);
            marked += &escaped(&part[..start]);
            if *code || name.is_empty() {
                marked += &escaped(name);
            } else if names.contains(name) && name != own && !after.starts_with(".h") {
                self.see.insert(name.to_owned());
                let _ = write!(marked, "\\fB{}\\fR(3)", escaped(name));
            } else {
                let _ = write!(marked, "\\fB{}\\fR", escaped(name));
            }
            marked += &escaped(after);
        }
        marked
    }

    pub(super) fn finish(mut self, own: &str) -> String {
        self.see.insert("mpt_tokens".to_owned());
        self.see.remove(own);
        self.section("SEE ALSO");
        let see: Vec<String> =
            self.see.iter().map(|name| format!(".BR {} (3)", escaped(name))).collect();
        let _ = writeln!(self.text, "{}", see.join(" ,\n"));
        self.text
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    if text.starts_with("mpt_") {
        text.to_owned()
    } else {
        first.into_iter().chain(letters).collect()
    }
}

/// Text as roff has it. Doxygen's escape of a tag is taken out first.
pub(super) fn escaped(text: &str) -> String {
    let text = text.replace("\\<", "<").replace('\\', "\\e").replace('-', "\\-");
    text.replace("'", "\\(aq").replace('^', "\\(ha").replace('~', "\\(ti")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn text_is_not_taken_for_requests() {
        assert_eq!(escaped("a-b\\c\\<d>"), "a\\-b\\ec<d>");
    }
}
