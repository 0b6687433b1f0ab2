//! Files that a document shows whole, between two markers: `<!-- file:path -->`, the path from the document's folder.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

const BEGIN: &str = "<!-- file:";
const END: &str = "<!-- file:end -->";

/// The document with each of these files as it is now.
pub(super) fn with_files(text: &str, folder: &Path) -> Result<String> {
    let mut fresh = String::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once(BEGIN) {
        let (path, from) = from.split_once(" -->\n").context("a `file:` marker without an end")?;
        let (_, after) = from.split_once(END).with_context(|| format!("{path} without {END}"))?;
        let file = folder.join(path);
        let shown = fs::read_to_string(&file)
            .with_context(|| format!("cannot read {}, which is to be shown", file.display()))?;
        let language = file.extension().unwrap_or_default().to_string_lossy();
        let _ = write!(
            fresh,
            "{before}{BEGIN}{path} -->\n```{language}\n{}\n```\n{END}",
            shown.trim_end()
        );
        rest = after;
    }
    fresh.push_str(rest);
    Ok(fresh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_shown_as_they_are_now() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let begin = format!("{BEGIN}Cargo.toml -->");
        let text = format!("1\n{begin}\nold\n{END}\n2\n{begin}\n{END}\n");
        let fresh = with_files(&text, folder).unwrap();
        let shown = format!("{begin}\n```toml\n{}\n```\n{END}", manifest.trim_end());
        assert_eq!(fresh, format!("1\n{shown}\n2\n{shown}\n"));
        assert_eq!(with_files(&fresh, folder).unwrap(), fresh);
    }

    #[test]
    fn half_a_pair_and_a_file_that_is_not_there_are_errors() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(with_files("a\n", here).unwrap(), "a\n");
        assert!(with_files(&format!("{BEGIN}no-such-file.c -->\n{END}"), here).is_err());
        assert!(with_files(&format!("{BEGIN}Cargo.toml -->\n"), here).is_err());
    }
}
