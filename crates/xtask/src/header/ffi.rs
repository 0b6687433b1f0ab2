//! `include/mpt_tokens.ffi.h`: the header for cffi, LuaJIT, SWIG and their like. No preprocessor, no comment but the
//! first, and each constant in an `enum`.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};

const ABOUT: &str = "\
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The declarations of mpt_tokens.h for tools without a C preprocessor: cffi (ffi.cdef), LuaJIT (ffi.cdef), SWIG, PHP.
 * Made by `cargo xtask header`. mpt_tokens.h says what each function does, who owns what, and what threads may share.
 * MPT_BATCH_OPTIONS_INIT and MPT_DELETE_OPTIONS_INIT are not here: set `size` to the size of the struct, and the rest to
 * zero.
 */
";

/// Makes it from the other header.
pub(super) fn generate(header: &str) -> Result<String> {
    let header = without_comments(header)?;
    let mut enums = String::new();
    let mut rest = String::new();
    let mut lines = header.lines();
    while let Some(line) = lines.next() {
        if let Some(definition) = line.strip_prefix("#define ") {
            let mut whole = definition.to_owned();
            while whole.ends_with('\\') {
                whole.pop();
                whole += lines.next().context("a macro does not end")?;
            }
            if let Some((name, value)) = constant(&whole) {
                let _ = writeln!(enums, "    {name} = {value},");
            }
        } else if line.starts_with('#') {
            let mut line = line;
            while line.ends_with('\\') {
                line = lines.next().context("a directive does not end")?;
            }
        } else if !matches!(line.trim(), "extern \"C\" {" | "}")
            && !line.starts_with("MPT_STATIC_ASSERT_(")
        {
            rest += line.trim_end();
            rest.push('\n');
        }
    }
    for word in ["MPT_NODISCARD ", "MPT_API ", "MPT_CALL ", " MPT_NOEXCEPT"] {
        rest = rest.replace(word, "");
    }
    let lines: Vec<&str> = rest.lines().filter(|line| !line.is_empty()).collect();
    let rest = lines.join("\n");
    if let Some(line) = lines.iter().find(|line| line.contains("MPT_") || line.contains('#')) {
        bail!("a macro is left in mpt_tokens.ffi.h: {line}");
    }
    let enums = enums.trim_end().trim_end_matches(',');
    Ok(format!("{ABOUT}\nenum {{\n{enums}\n}};\n\n{rest}\n"))
}

/// A macro that stands for a number.
fn constant(definition: &str) -> Option<(&str, &str)> {
    let (name, value) = definition.split_once(' ')?;
    let value = value.trim();
    let digits = value.trim_start_matches('(').trim_end_matches(')').trim_start_matches('-');
    let number = digits.strip_prefix("0x").unwrap_or(digits);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_number && digits.as_bytes()[0].is_ascii_digit()).then_some((name, value))
}

fn without_comments(text: &str) -> Result<String> {
    let mut left = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("/*") {
        left += before;
        rest = comment.split_once("*/").context("a comment does not end")?.1;
    }
    Ok(left + rest)
}

#[cfg(test)]
mod tests {
    use super::generate;

    #[test]
    fn constants_are_in_an_enum_and_no_macro_is_left() {
        let made = generate(
            "/** A. */\n#define MPT_A 1\n#define MPT_B (-1)\n#define MPT_TEXT \"1\"\n#define MPT_F(a) \\\n    (a)\n\
             #ifdef __cplusplus\nextern \"C\" {\n#endif\nMPT_NODISCARD MPT_API int MPT_CALL mpt_f(void);\n\
             #ifdef __cplusplus\n}\n#endif\n",
        )
        .unwrap();
        assert!(
            made.ends_with("\nenum {\n    MPT_A = 1,\n    MPT_B = (-1)\n};\n\nint mpt_f(void);\n"),
            "{made}"
        );
        assert!(generate("MPT_ODD int mpt_f(void);\n").is_err());
    }
}
