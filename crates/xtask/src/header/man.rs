//! `crates/capi/man`: the manual pages of section 3, made from the comments of the header, one for each function and
//! type, and `mpt_tokens(3)` for what all of them share.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};

use comment::Comment;
use page::{Page, capital, escaped};

mod comment;
mod page;

/// The pages that list the constants of a group, and the group's `@name`.
const GROUPS: [(&str, &str); 4] = [
    ("mpt_code", "Codes"),
    ("mpt_outcome_kind", "Outcomes"),
    ("mpt_log_record", "Levels"),
    ("mpt_log_record", "Events"),
];

/// The pages by their file names.
pub(super) fn generate(header: &str) -> Result<BTreeMap<String, String>> {
    let items = items(header)?;
    let names: BTreeSet<&str> = items.iter().filter_map(Item::name).collect();
    ensure!(names.len() > 60, "only {} functions and types in the header", names.len());
    let mut pages = BTreeMap::new();
    for item in &items {
        if let Some(name) = item.name() {
            pages.insert(format!("{name}.3"), item.page(name, &names, &items)?);
        }
    }
    pages.insert("mpt_tokens.3".to_owned(), overview(header, &items, &names)?);
    Ok(pages)
}

/// A comment, and the declaration that it is about.
struct Item<'a> {
    comment: Comment<'a>,
    declaration: &'a str,
    /// The `@name` of the group that it is in.
    group: &'a str,
}

fn items(header: &str) -> Result<Vec<Item<'_>>> {
    let mut items = Vec::new();
    let mut group = "";
    let mut rest = header;
    while let Some((_, after)) = rest.split_once("/**") {
        let (comment, after) = after.split_once("*/").context("a comment does not end")?;
        rest = after;
        if comment.contains("@}") {
            group = "";
        } else if let Some((_, name)) = comment.split_once("@name ") {
            group = name.lines().next().unwrap_or_default().trim();
        } else if !comment.contains("@file") {
            let declaration = declaration(after)?;
            rest = &after[1 + declaration.len()..];
            items.push(Item { comment: Comment::read(comment), declaration, group });
        }
    }
    Ok(items)
}

/// The declaration or macro that follows a comment.
fn declaration(after: &str) -> Result<&str> {
    let text = after.strip_prefix('\n').context("nothing follows a comment")?;
    let first = text.lines().next().unwrap_or_default();
    let end = if first.starts_with('#') {
        first.len()
    } else if first.starts_with("typedef struct") && first.ends_with('{') {
        let end = text.find("\n} ").context("a struct does not end")? + 3;
        end + text[end..].find(';').context("a struct has no name")? + 1
    } else {
        text.find(';').context("a declaration does not end")? + 1
    };
    Ok(&text[..end])
}

impl<'a> Item<'a> {
    /// Its name, if it has a page: functions and types have.
    fn name(&self) -> Option<&'a str> {
        let declaration = self.declaration;
        if declaration.starts_with('#') {
            return None;
        }
        let before = match declaration.split_once("(MPT_CALL *") {
            Some((_, callback)) => callback.split(')').next()?,
            None if declaration.starts_with("typedef ") => declaration.strip_suffix(';')?,
            None => declaration.split('(').next()?,
        };
        let name = before.rsplit([' ', '*', '\n']).next()?;
        name.starts_with("mpt_").then_some(name)
    }

    fn is_type(&self) -> bool {
        self.declaration.starts_with("typedef ")
    }

    fn page(&self, name: &str, names: &BTreeSet<&str>, items: &[Item]) -> Result<String> {
        let comment = &self.comment;
        let mut page = Page::new(name, &comment.brief());
        page.section("SYNOPSIS");
        page.code(&format!("#include <mpt_tokens.h>\n\n{}", self.synopsis()));
        page.section("DESCRIPTION");
        if comment.paragraphs.is_empty() {
            page.paragraph(&format!("Returns {}", comment.returns), name, names);
        }
        for text in &comment.paragraphs {
            page.paragraph(text, name, names);
        }
        for (parameter, about) in &comment.parameters {
            page.tagged(&format!("\\fI{}\\fR", escaped(parameter)), about, name, names);
        }
        if self.declaration.contains("{\n") {
            page.section("MEMBERS");
            for (member, comment) in members(self.declaration)? {
                page.tagged(
                    &format!("\\fB{}\\fR", escaped(member)),
                    &comment.paragraphs[0],
                    name,
                    names,
                );
                for more in &comment.paragraphs[1..] {
                    page.inner(more, name, names);
                }
            }
        }
        if !comment.returns.is_empty() && !comment.paragraphs.is_empty() {
            page.section("RETURN VALUE");
            page.paragraph(&capital(&comment.returns), name, names);
        }
        for (_, group) in GROUPS.iter().filter(|(of, _)| *of == name) {
            page.section(&group.to_uppercase());
            for item in items.iter().filter(|item| item.group == *group) {
                let (constant, number) =
                    item.constant().context("a group has more than constants")?;
                let shown = format!("\\fB{}\\fR ({})", escaped(constant), escaped(number));
                page.tagged(&shown, &capital(&item.comment.paragraphs.join(" ")), name, names);
            }
        }
        if !comment.notes.is_empty() {
            page.section("NOTES");
            for text in &comment.notes {
                page.paragraph(text, name, names);
            }
        }
        if !comment.since.is_empty() {
            page.section("HISTORY");
            page.paragraph(&format!("Since version {}.", comment.since), name, names);
        }
        if self.is_type() {
            let with = |item: &&Item| !item.is_type() && item.first_type() == Some(name);
            page.see.extend(items.iter().filter(with).filter_map(Item::name).map(str::to_owned));
        }
        Ok(page.finish(name))
    }

    /// The declaration without the macros that are for compilers.
    fn synopsis(&self) -> String {
        let mut text = self.declaration.to_owned();
        for word in ["MPT_NODISCARD ", "MPT_API ", "MPT_CALL ", " MPT_NOEXCEPT"] {
            text = text.replace(word, "");
        }
        let mut lines = String::new();
        let mut in_comment = false;
        for line in text.lines() {
            in_comment |= line.trim_start().starts_with("/**");
            if !in_comment {
                let _ = writeln!(lines, "{line}");
            }
            in_comment &= !line.trim_end().ends_with("*/");
        }
        lines
    }

    /// The library's type that a function's first parameter points to.
    fn first_type(&self) -> Option<&str> {
        let (_, parameters) = self.declaration.split_once('(')?;
        let first = parameters.split([',', ')']).next()?.trim().trim_start_matches("const ");
        first.trim_start_matches("struct ").split([' ', '*']).next()
    }

    fn constant(&self) -> Option<(&'a str, &'a str)> {
        self.declaration.strip_prefix("#define ")?.split_once(' ')
    }
}

/// The members of a struct, each with its comment.
fn members(declaration: &str) -> Result<Vec<(&str, Comment<'_>)>> {
    let mut members = Vec::new();
    let mut rest = declaration;
    while let Some((_, after)) = rest.split_once("/**") {
        let (comment, after) = after.split_once("*/").context("a comment does not end")?;
        let (member, after) = after.split_once(';').context("a member does not end")?;
        let name = member.rsplit([' ', '*']).next().unwrap_or_default();
        members.push((name.split('[').next().unwrap_or_default(), Comment::read(comment)));
        rest = after;
    }
    Ok(members)
}

fn overview(header: &str, items: &[Item], names: &BTreeSet<&str>) -> Result<String> {
    let (_, text) = header.split_once("@file mpt_tokens.h\n").context("the header has no @file")?;
    let (text, _) = text.split_once("*/").context("a comment does not end")?;
    let comment = Comment::read(text);
    let mut page = Page::new("mpt_tokens", &comment.brief());
    page.section("SYNOPSIS");
    page.code("#include <mpt_tokens.h>\n");
    page.paragraph(
        "Compile and link with what `pkg-config --cflags --libs mpt_tokens` says.",
        "",
        names,
    );
    page.section("DESCRIPTION");
    for text in &comment.paragraphs {
        // How the header is made is for those who change it.
        if text.starts_with("Made from ") {
            continue;
        }
        match text.split_once(": ") {
            Some((subject, about)) if subject.len() < 20 => {
                let _ = writeln!(page.text, ".SS {}", escaped(subject));
                page.paragraph(&capital(about), "", names);
            }
            _ => page.paragraph(text, "", names),
        }
    }
    for (title, types) in [("TYPES", true), ("FUNCTIONS", false)] {
        page.section(title);
        for item in items.iter().filter(|item| item.is_type() == types) {
            let Some(name) = item.name() else { continue };
            page.tagged(
                &format!("\\fB{}\\fR(3)", escaped(name)),
                &item.comment.brief(),
                "mpt_tokens",
                names,
            );
        }
    }
    page.section("ENVIRONMENT");
    page.paragraph(
        "Only mpt_config_new_from_env and mpt_config_set_proxy_from_env read it.",
        "",
        names,
    );
    page.see.clear();
    page.see.extend(["mpt_client_new", "mpt_delete_token", "mpt_delete_tokens"].map(str::to_owned));
    Ok(page.finish("mpt_tokens"))
}

#[cfg(test)]
mod tests {
    use super::items;

    #[test]
    fn functions_types_and_callbacks_have_names() {
        let header = "/** A. */\n#define MPT_A 1\n/** B. */\ntypedef struct mpt_b {\n    /** C. */\n    int c;\n} mpt_b;\n\
                      /** D. */\ntypedef int (MPT_CALL *mpt_d)(void *x);\n/** E. */\nMPT_API struct mpt_b *MPT_CALL mpt_e(\n    int x);\n";
        let items = items(header).unwrap();
        let names: Vec<_> = items.iter().map(|item| item.name()).collect();
        assert_eq!(names, [None, Some("mpt_b"), Some("mpt_d"), Some("mpt_e")]);
    }
}
