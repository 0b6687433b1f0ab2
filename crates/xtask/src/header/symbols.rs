//! `contrib/packaging/debian/libmpt-tokens1.symbols`: each function, and the version that brought it.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

/// Makes it from the header.
pub(super) fn generate(header: &str) -> Result<String> {
    let value = |name: &str| {
        let line = header.lines().find_map(|line| line.strip_prefix(&format!("#define {name} ")));
        line.with_context(|| format!("the header has no {name}"))
    };
    let abi = value("MPT_ABI_VERSION")?;
    let mut functions = BTreeMap::new();
    let mut since = None;
    for line in header.lines() {
        if let Some(version) = line.strip_prefix(" * @since ") {
            since = Some(version);
        } else if let Some((_, rest)) = line.split_once("MPT_CALL mpt_") {
            let name = rest.split('(').next().unwrap_or_default();
            let version = since.take().with_context(|| format!("mpt_{name} has no @since"))?;
            functions.insert(name, version);
        }
    }
    let head = format!(
        "libmpt_tokens.so.{abi} libmpt-tokens{abi} #MINVER#\n* Build-Depends-Package: libmpt-tokens-dev\n"
    );
    let lines = functions.iter().map(|(name, since)| format!(" mpt_{name}@Base {since}\n"));
    Ok(head + &lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::generate;

    #[test]
    fn every_function_has_its_version() {
        let header = "#define MPT_ABI_VERSION 2\n/**\n * @since 1.0.0\n */\nMPT_API int MPT_CALL mpt_b(void);\n\
                      /**\n * @since 1.1.0\n */\nMPT_API struct mpt_x *MPT_CALL mpt_a(\n    int x);\n";
        assert_eq!(
            generate(header).unwrap(),
            "libmpt_tokens.so.2 libmpt-tokens2 #MINVER#\n* Build-Depends-Package: libmpt-tokens-dev\n \
             mpt_a@Base 1.1.0\n mpt_b@Base 1.0.0\n"
        );
        assert!(generate(&header.replace(" * @since 1.1.0\n", "")).is_err());
    }
}
