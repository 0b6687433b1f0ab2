//! A comment of the header, as Doxygen reads it.

/// A comment as Doxygen reads it.
#[derive(Default)]
pub(super) struct Comment<'a> {
    pub(super) paragraphs: Vec<String>,
    pub(super) parameters: Vec<(&'a str, String)>,
    pub(super) returns: String,
    pub(super) notes: Vec<String>,
    pub(super) since: String,
}

impl<'a> Comment<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        let mut comment = Self::default();
        // Where a line that begins with no command goes on.
        let mut open: Option<Part> = None;
        for line in text.lines() {
            let line = line.trim_start().trim_start_matches('*').trim();
            if line.is_empty() {
                open = None;
                continue;
            }
            let (word, about) = line.split_once(' ').unwrap_or((line, ""));
            let part = match word {
                "@param" => {
                    let (name, about) = about.split_once(' ').unwrap_or((about, ""));
                    comment.parameters.push((name, String::new()));
                    comment.add(Part::Parameter, about);
                    Part::Parameter
                }
                "@return" => comment.add(Part::Returns, about),
                "@note" => {
                    comment.notes.push(String::new());
                    comment.add(Part::Note, about)
                }
                "@since" => comment.add(Part::Since, about),
                // What a type says of its threads or its result is a paragraph of its own.
                _ if open.is_none() || ["Threads:", "Returns:"].contains(&word) => {
                    comment.paragraphs.push(String::new());
                    comment.add(Part::Paragraph, line)
                }
                _ => comment.add(open.unwrap_or(Part::Paragraph), line),
            };
            open = Some(part);
        }
        comment
    }

    fn add(&mut self, part: Part, text: &str) -> Part {
        let whole = match part {
            Part::Paragraph => self.paragraphs.last_mut().expect("one was begun"),
            Part::Parameter => &mut self.parameters.last_mut().expect("one was begun").1,
            Part::Note => self.notes.last_mut().expect("one was begun"),
            Part::Returns => &mut self.returns,
            Part::Since => &mut self.since,
        };
        if !whole.is_empty() {
            whole.push(' ');
        }
        *whole += text;
        part
    }

    /// What it is about, for the first line of a page and for lists.
    pub(super) fn brief(&self) -> String {
        let text = match self.paragraphs.first() {
            Some(text) => text.clone(),
            None => format!("Returns {}", self.returns),
        };
        let end = [". ", ": ", "; ", ", as ", ", such as ", ", for example ", " ("]
            .iter()
            .filter_map(|stop| text.find(stop))
            .min();
        let text =
            text[..end.unwrap_or(text.len())].trim_end_matches(['.', ':', ';']).replace('`', "");
        let mut letters = text.chars();
        let first = letters.next().map(|letter| letter.to_ascii_lowercase());
        first.into_iter().chain(letters).collect()
    }
}

#[derive(Clone, Copy)]
enum Part {
    Paragraph,
    Parameter,
    Returns,
    Note,
    Since,
}

#[cfg(test)]
mod tests {
    use super::Comment;

    #[test]
    fn a_comment_has_its_parts() {
        let comment = Comment::read(
            "\n * Does it. And\n * more.\n *\n * Threads: any.\n * @param id the\n * id.\n * @return a code.\n * @since 1.0.0\n ",
        );
        assert_eq!(comment.paragraphs, ["Does it. And more.", "Threads: any."]);
        assert_eq!(comment.parameters, [("id", "the id.".to_owned())]);
        assert_eq!((comment.returns.as_str(), comment.since.as_str()), ("a code.", "1.0.0"));
        assert_eq!(comment.brief(), "does it");
    }
}
