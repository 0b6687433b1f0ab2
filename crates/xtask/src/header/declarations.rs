//! The functions of the header: their macros, and their documentation as Doxygen reads it.
//!
//! In the Rust documentation of a function, a paragraph that begins with `` `name`: `` is about a parameter, one that
//! begins with `Returns` about the result, and `Threads:` and `Since:` are what they say.

use anyhow::{Context, Result, bail};

/// What is said of a parameter that the documentation of its function does not name: its type says it all.
const USUAL: [(&str, &str); 16] = [
    ("config", "the config to change."),
    ("value", "the value."),
    ("url", "the URL."),
    ("path", "the path of the file."),
    ("milliseconds", "the limit, in milliseconds."),
    ("attempts", "the number of attempts."),
    ("base", "the first bound, in milliseconds."),
    ("cap", "the largest bound, in milliseconds."),
    ("yes", "0 for no, any other value for yes."),
    ("product", "the product and its version."),
    ("user_data", "passed to the function each time."),
    ("client", "the client."),
    ("batch", "the batch."),
    ("outcome", "the outcome."),
    ("code", "the number, such as MPT_OK."),
    ("kind", "the number, such as MPT_OUTCOME_DELETED."),
];

/// Rewrites every documented function of a header that cbindgen wrote.
pub(super) fn finish(header: &str) -> Result<String> {
    let mut done = String::with_capacity(header.len() * 2);
    let mut rest = header;
    while let Some(begin) = rest.find("/**\n") {
        done += &rest[..begin];
        let (comment, after) =
            rest[begin..].split_once(" */\n").context("a comment of the header does not end")?;
        let is_function = after
            .lines()
            .next()
            .is_some_and(|line| line.contains(" mpt_") || line.contains("*mpt_"))
            && !after.starts_with(['#', 't', '\n', ' ', '/']);
        // `typedef` begins with a `t`; no function returns a type that does.
        if is_function {
            let (declaration, after) =
                after.split_once(";\n").context("a declaration of the header does not end")?;
            let function = Function::read(declaration)?;
            done += &function.documentation(comment)?;
            done += &function.declaration();
            rest = after;
        } else {
            done += comment;
            done += " */\n";
            rest = after;
        }
    }
    Ok(callbacks(&(done + rest)))
}

/// Gives the types of callbacks their calling convention. One that must not throw says so where C++ has a way to.
fn callbacks(header: &str) -> String {
    let line = |line: &str| {
        let line = match line.split_once(" (*mpt_") {
            Some((before, after)) if line.starts_with("typedef ") => {
                format!("{before} (MPT_CALL *mpt_{after}")
            }
            _ => line.to_owned(),
        };
        match line.strip_suffix(';') {
            Some(poll) if line.contains("*mpt_poll_callback)") => format!("{poll} MPT_NOEXCEPT;\n"),
            _ => line + "\n",
        }
    };
    header.lines().map(line).collect()
}

/// A function as the header declares it.
struct Function<'a> {
    returns: &'a str,
    name: &'a str,
    parameters: Vec<String>,
}

impl Function<'_> {
    fn read(declaration: &str) -> Result<Function<'_>> {
        let (before, parameters) =
            declaration.split_once('(').with_context(|| format!("no function: {declaration}"))?;
        let parameters = parameters.trim_end().strip_suffix(')').context("no end of parameters")?;
        let start = before.rfind([' ', '*']).context("a function without a type")? + 1;
        let one = |parameter: &str| parameter.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Function {
            returns: before[..start].trim_end(),
            name: &before[start..],
            parameters: parameters.split(',').map(one).collect(),
        })
    }

    fn parameter_names(&self) -> impl Iterator<Item = &str> {
        let names = self.parameters.iter().map(|parameter| {
            let start = parameter.rfind([' ', '*']).map_or(0, |at| at + 1);
            &parameter[start..]
        });
        names.filter(|name| *name != "void")
    }

    /// A setter's error is kept, and reported by mpt_client_new: nobody need look at each.
    fn may_be_ignored(&self) -> bool {
        self.returns == "void" || self.name.starts_with("mpt_config_set_")
    }

    fn declaration(&self) -> String {
        const WIDTH: usize = 118;
        let result = if self.may_be_ignored() { "" } else { "MPT_NODISCARD " };
        let space = if self.returns.ends_with('*') { "" } else { " " };
        let head = format!("{result}MPT_API {}{space}MPT_CALL {}(", self.returns, self.name);
        let parameters = self.parameters.join(", ");
        if head.len() + parameters.len() + 2 <= WIDTH {
            return format!("{head}{parameters});\n");
        }
        let mut lines = vec![String::from("   ")];
        for (index, parameter) in self.parameters.iter().enumerate() {
            let comma = if index + 1 < self.parameters.len() { "," } else { "" };
            let last = lines.last_mut().expect("there is a line");
            if last.len() + parameter.len() + 3 > WIDTH {
                lines.push(format!("    {parameter}{comma}"));
            } else {
                *last += &format!(" {parameter}{comma}");
            }
        }
        format!("{head}\n{});\n", lines.join("\n"))
    }

    /// The comment in Doxygen's words. Fails where a parameter or the version that brought the function is not in it.
    fn documentation(&self, comment: &str) -> Result<String> {
        let mut text = String::from("/**\n");
        let mut described = Vec::new();
        // `Returns:` says it; without that, the first sentence that begins with `Returns` does.
        let mut returns = false;
        let apart = comment.contains("\n * Returns: ");
        let mut since = false;
        let lines: Vec<&str> = comment.lines().skip(1).collect();
        let is_item = |line: &str| {
            line.starts_with(" * `") && line.contains("`: ")
                || line.starts_with(" * `") && line.contains("`, `")
                || ["Returns", "Threads: ", "Since: "]
                    .iter()
                    .any(|word| line[2..].trim_start().starts_with(word))
        };
        for (index, line) in lines.iter().enumerate() {
            let starts = index == 0 || *lines[index - 1] == *" *" || is_item(line);
            let said = line.strip_prefix(" * ").unwrap_or_default();
            if let Some((names, about)) = said
                .strip_prefix('`')
                .filter(|_| is_item(line))
                .and_then(|said| said.split_once("`: "))
            {
                let names: Vec<&str> = names.split("`, `").collect();
                for name in &names {
                    text += &format!(" * @param {name} {about}\n");
                }
                described.extend(names.into_iter().map(str::to_owned));
            } else if let Some(about) = said.strip_prefix("Returns: ") {
                text += &format!(" * @return {about}\n");
                returns = true;
            } else if let Some(about) =
                said.strip_prefix("Returns ").filter(|_| starts && !returns && !apart)
            {
                text += &format!(" * @return {about}\n");
                returns = true;
            } else if let Some(about) = said.strip_prefix("Threads: ") {
                text += &format!(" * @note Threads: {about}\n");
            } else if let Some(about) = said.strip_prefix("Since: ") {
                for name in self.parameter_names() {
                    if !described.iter().any(|known| known == name) {
                        let usual = USUAL.iter().find(|(usual, _)| *usual == name);
                        let (_, about) = usual.with_context(|| {
                            format!("the documentation of {} says nothing of `{name}`", self.name)
                        })?;
                        text += &format!(" * @param {name} {about}\n");
                    }
                }
                if !returns && self.name.starts_with("mpt_config_set_") {
                    text += " * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.\n";
                    returns = true;
                }
                text += &format!(" * @since {about}\n");
                since = true;
            } else {
                text += line;
                text.push('\n');
            }
        }
        if !since {
            bail!("the documentation of {} does not say since when it is there", self.name);
        }
        if !returns && self.returns != "void" {
            bail!("the documentation of {} does not say what it returns", self.name);
        }
        // A tag, to Doxygen.
        Ok(text.replace('<', "\\<").replace("\n *\n * @since", "\n * @since") + " */\n")
    }
}

#[cfg(test)]
mod tests {
    use super::finish;

    const PLAIN: &str = "/**\n * Does it.\n *\n * `text`: what to do.\n * Returns: a code.\n * Since: 1.0.0\n */\n\
                         mpt_code mpt_do(struct mpt_client *client,\n                 const char *text);\n";

    #[test]
    fn a_function_has_its_macros_and_its_documentation_in_doxygens_words() {
        assert_eq!(
            finish(PLAIN).unwrap(),
            "/**\n * Does it.\n *\n * @param text what to do.\n * @return a code.\n * @param client the client.\n \
             * @since 1.0.0\n */\nMPT_NODISCARD MPT_API mpt_code MPT_CALL mpt_do(struct mpt_client *client, const char *text);\n"
        );
    }

    #[test]
    fn what_is_not_said_of_a_function_is_found() {
        for missing in [" * `text`: what to do.\n", " * Returns: a code.\n", " * Since: 1.0.0\n"] {
            assert!(finish(&PLAIN.replace(missing, "")).is_err(), "{missing}");
        }
    }
}
