//! The shapes of lists that people have, by `--from`: which ids are sent, and what is refused and why.

use std::fs;

use mpt_tokens_sandbox::Sandbox;
use proptest::prelude::*;
use rstest::rstest;
use snapbox::assert_data_eq;

use crate::program::{program_for, transcript};

const VALUE: &str = "idt:TKN-1000-0012:abcdefghijklmnopqrst";

/// What a run with a list sends, or its standard error.
fn sent(list: &[u8], args: &[&str]) -> Result<Vec<String>, String> {
    let sandbox = Sandbox::builder()
        .secret("abcdefghijklmnopqrst")
        .numbered(20)
        .record(1_000)
        .start()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    fs::write(&path, list).unwrap();
    let mut command = program_for(&sandbox);
    command.args(["delete", "--yes", "--concurrency", "1", "--from"]).arg(&path).args(args);
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let all = format!("{stderr}{}", String::from_utf8(output.stdout).unwrap());
    assert!(!all.contains("abcdefgh"), "{all}");
    let sent: Vec<String> = sandbox
        .recorded()
        .into_iter()
        .map(|request| request.target.rsplit('/').next().unwrap().to_owned())
        .collect();
    if output.status.code() == Some(2) {
        assert_eq!(sent, Vec::<String>::new(), "{stderr}");
        return Err(stderr.replace(&path.display().to_string(), "[LIST]"));
    }
    Ok(sent)
}

fn ids(numbers: &[u32]) -> Vec<String> {
    numbers.iter().map(|number| format!("TKN-1000-{number:04}")).collect()
}

/// By gzip, with an empty member before it.
fn gzip(plain: &[u8]) -> Vec<u8> {
    let member = |plain: &[u8]| {
        let mut bytes = vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3];
        bytes.extend(b"list.txt\0");
        bytes.extend(miniz_oxide::deflate::compress_to_vec(plain, 6));
        let check = !plain.iter().fold(!0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
        });
        bytes.extend(check.to_le_bytes());
        bytes.extend(u32::try_from(plain.len()).unwrap().to_le_bytes());
        bytes
    };
    [member(b""), member(plain)].concat()
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(bytes).collect()
}

#[rstest]
#[case::portal("Id,Name,Status,Created\nTKN-1000-0001,CI deploy,Active,2026-01-02\nTKN-1000-0002,\"Backup, nightly\",Active,2026-01-03\n", &[], &[1, 2])]
#[case::not_first("name,token_id\r\nCI,TKN-1000-0001\r\nBackup,TKN-1000-0002\r\n", &[], &[1, 2])]
#[case::semicolons("Name;Token ID\nCI;TKN-1000-0001\n\"a;b\";TKN-1000-0002\n", &[], &[1, 2])]
#[case::tabs("name\ttoken\nCI\tTKN-1000-0001\n\tTKN-1000-0002\n", &[], &[1, 2])]
#[case::told_delimiter("sep=;\nId;Name\nTKN-1000-0001;a,b\n", &[], &[1])]
#[case::one_column("id\nTKN-1000-0001\n\nTKN-1000-0002\n", &[], &[1, 2])]
#[case::one_column_quoted("\"Token_Id\"\n\"TKN-1000-0001\"\n'TKN-1000-0002',\n", &[], &[1, 2])]
#[case::comments("# export\nId,Name\nTKN-1000-0001,CI\n#TKN-1000-0002,CI\n,\n", &[], &[1])]
#[case::spaces(" Id , Name \n TKN-1000-0001 , \"CI\" \n\u{a0}TKN-1000-0002\u{a0},x\n", &[], &[1, 2])]
#[case::trailing("Id,Name,\nTKN-1000-0001,CI,,,\n", &[], &[1])]
#[case::lines_in_a_field("Name,Id\n\"two\nlines, and \"\"quotes\"\"\",TKN-1000-0001\n", &[], &[1])]
#[case::a_field_like_a_comment("Name,Id\n\"a\n# b\",TKN-1000-0001\n", &[], &[1])]
#[case::by_name("key,owner,note\nTKN-1000-0001,me,x\n", &["--column", "KEY"], &[1])]
#[case::by_name_of_two("id,token_id\n17,TKN-1000-0001\n", &["--column", "token_id"], &[1])]
#[case::by_name_any_id("id,key\n17,TKN-1000-0001\n", &["--column", "key", "--any-id"], &[1])]
#[case::values("token,file\nidt:TKN-1000-0001:abcdefghijklmnopqrst,a.env\nTKN-1000-0002,b\n", &[], &[1, 2])]
#[case::value_over_id("id,secret\nfinding-77,idt:TKN-1000-0001:abcdefghijklmnopqrst\n", &[], &[1])]
#[case::value_in_a_field("id,match\nfinding-77,\"token: \"\"idt:TKN-1000-0001:abcdefghijklmnopqrst\"\"\"\n", &[], &[1])]
#[case::array("[\"TKN-1000-0001\", \"TKN-1000-0002\"]", &[], &[1, 2])]
#[case::array_lines("[\n  \"TKN-1000-0001\",\n  \"TKN-1000-0002\",\n]\n", &[], &[1, 2])]
#[case::array_values("[\"idt:TKN-1000-0001:abcdefghijklmnopqrst\"]", &[], &[1])]
#[case::array_objects("[{\"id\":\"TKN-1000-0001\"},\n{\"id\": \"TKN-1000-0002\", \"x\": [\"]}\\\"\"]}]\n", &[], &[1, 2])]
#[case::array_empty("[]", &["--allow-empty"], &[])]
#[case::arrays("[\"TKN-1000-0001\"]\n[\"TKN-1000-0002\"]\n", &[], &[1, 2])]
#[case::pretty_objects("{\n  \"id\": \"TKN-1000-0001\"\n}\n{\n  \"id\": \"TKN-1000-0002\"\n}\n", &[], &[1, 2])]
#[case::lines_of_json("{\"id\":\"TKN-1000-0001\"}\n\n# more\n{\"id\":\"TKN-1000-0002\"}\n", &[], &[1, 2])]
#[case::of_the_api("{\"$meta\":{\"pagination\":{\"total\":2}},\"data\":[{\"id\":\"TKN-1000-0001\",\"name\":\"a\"},{\"id\":\"TKN-1000-0002\"}]}", &[], &[1, 2])]
#[case::gitleaks("[\n {\n  \"RuleID\": \"mpt\",\n  \"Match\": \"token: \\\"idt:TKN-1000-0001:abcdefghijklmnopqrst\\\"\",\n  \"Secret\": \"idt:TKN-1000-0001:abcdefghijklmnopqrst\",\n  \"Tags\": []\n }\n]\n", &["--prove"], &[1])]
#[case::sarif("{\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{\"rules\":[{\"id\":\"mpt\"}]}},\"results\":[{\"ruleId\":\"mpt\",\"locations\":[{\"physicalLocation\":{\"region\":{\"snippet\":{\"text\":\"idt:TKN-1000-0001:abcdefghijklmnopqrst\"}}}}]}]},{\"results\":[]}]}", &[], &[1])]
#[case::gitlab("{\"version\":\"15.0.0\",\n\"vulnerabilities\":[{\"id\":\"0123abcd\",\"raw_source_code_extract\":\"idt:TKN-1000-0001:abcdefghijklmnopqrst\"}],\n\"scan\":{\"type\":\"secret_detection\"}}", &[], &[1])]
#[case::mark("\u{feff}Id,Name\nTKN-1000-0001,CI\n", &[], &[1])]
#[case::mark_json("\u{feff}[\"TKN-1000-0001\"]", &[], &[1])]
fn a_shape_that_is_taken(#[case] list: &str, #[case] args: &[&str], #[case] numbers: &[u32]) {
    let expected = Ok(ids(numbers));
    let sent = |list: &[u8]| {
        let mut sent = sent(list, args);
        if let Ok(sent) = &mut sent {
            // A proof asks for the same id again.
            sent.dedup();
        }
        sent
    };
    assert_eq!(sent(list.as_bytes()), expected);
    assert_eq!(sent(&gzip(list.as_bytes())), expected, "gzip");
    let text = list.trim_start_matches('\u{feff}');
    assert_eq!(sent(&utf16(text, u16::to_le_bytes)), expected, "UTF-16");
    assert_eq!(sent(&gzip(&utf16(text, u16::to_be_bytes))), expected, "UTF-16, gzip");
    let windows = text.replace("\r\n", "\n").replace('\n', "\r\n");
    assert_eq!(sent(windows.as_bytes()), expected, "CRLF");
}

#[rstest]
#[case::no_header("TKN-1000-0001,owner\nTKN-1000-0002 found in CI\n", &[], &["line 1, column 14: `,`", "line 2, column 14: ` `"])]
#[case::no_header_named("Name,Status\nTKN-1000-0001,CI\n", &[], &["line 1, column 5: `,`", "line 2, column 14: `,`"])]
#[case::two_columns("id,token_id\n1,TKN-1000-0001\n", &[], &["line 1, column 4: is a second column"])]
#[case::same_column("key,key\nTKN-1000-0001,x\n", &["--column", "key"], &["line 1, column 5: is a second column"])]
#[case::not_tokens("id,name\nUSR-1,x\nTKN-1000-0001,y\nfinding-7,z\n", &[], &["line 2, column 1: does not look like", "line 4, column 1: does not"])]
#[case::short_row("id,name\nTKN-1000-0001\n", &[], &["line 2, column 1: is a row of 1 field,"])]
#[case::long_row("id,name\nTKN-1000-0001,a,b\n", &[], &["line 2, column 17: is field 3"])]
#[case::no_id("id,name\n,x\n", &[], &["line 2, column 1: has no token id"])]
#[case::open_quote("id,name\nTKN-1000-0001,\"a\nTKN-1000-0002,b\n", &[], &["line 2, column 15: begins with a quote"])]
#[case::late_quote("id,name\nTKN-1000-0001,\"a\nTKN-1000-0002,\"b\"\n", &[], &["line 3, column 16: has text behind"])]
#[case::quote_inside("id,name\nTKN-1000-0001,5\" disk\nTKN-1000-0002,x,y\n", &[], &["line 2, column 16: has a quote", "line 3, column 17: is field 3"])]
#[case::cells("id,name\nTKN-1000-0001 TKN-1000-0002,a\n\"TKN-1000-0003,x\",b\n", &[], &["line 2, column 14: ` `", "line 3, column 14: `,`"])]
#[case::value_and_more("id\nidt:TKN-1000-0001:\n", &[], &["line 2, column 4: `:`"])]
#[case::value_of_another("id,secret\nTKN-1000-0002,idt:TKN-1000-0001:abcdefghijklmnopqrst\n", &[], &["line 2, column 1: names one token"])]
#[case::wrapped("token\nidt:TKN-1000-0001:abcdefghij\nklmnopqrst\n", &[], &["line 3, column 1: may be the rest"])]
#[case::wrapped_by_name("key\nidt:TKN-1000-0001:abcdefghij\nklmnopqrst\n", &["--column", "key"], &["line 3, column 1: may be the rest"])]
#[case::wrapped_aside("key\n#idt:TKN-1000-0001:abcdefghij\nklmnopqrst\n", &["--column", "key"], &["line 3, column 1: may be the rest"])]
#[case::zero_width("id,n\nTKN-1000-0001\u{200b},x\n", &[], &["line 2, column 14: U+200B (zero width space, invisible)"])]
#[case::look_alike("[\"TKN-1000\u{2013}0001\"]", &[], &["line 1, column 11: U+2013 (en dash, looks like `-`)"])]
#[case::zero_width_object("{\"id\":\"TKN-1000-0001\u{200b}\"}", &[], &["line 1, column 1: has an `id` with U+200B (zero width"])]
#[case::other_letter_object("[{\"id\":\"\u{422}KN-1000-0001\"}]", &[], &["line 1, column 2: has an `id` with U+0422 (looks like `T`)"])]
#[case::no_such_column("id,name\nTKN-1000-0001,x\n", &["--column", "key"], &["line 1, column 1: does not have the column"])]
#[case::column_of_lines("TKN-1000-0001\n", &["--column", "id"], &["line 1, column 1: does not have the column"])]
#[case::column_of_json("[\"TKN-1000-0001\"]", &["--column", "id"], &["line 1, column 1: does not have the column"])]
#[case::column_of_values("idt:TKN-1000-0001:abcdefghijklmnopqrst,id\nTKN-1000-0002,x\n", &["--column", "id"], &["line 1, column 1: does not have"])]
#[case::elements("[\"TKN-1000-0001\", 7, null, [\"TKN-1000-0002\"], \"\", {\"name\":\"x\"}]", &[], &["line 1, column 19: is no token", "column 22: is no token", "column 28: is no token", "column 47: names no token", "column 51: has no token id"])]
#[case::cut_array("[\"TKN-1000-0001\",\n \"TKN-1000-0002\"", &[], &["line 1, column 1: is cut off"])]
#[case::cut_element("[\"TKN-1000-0001\",\n {\"id\":\"TKN-1000-0002", &[], &["line 2, column 2: is cut off"])]
#[case::cut_object("{\n \"id\":\"TKN-1000-0002\"\n", &[], &["line 1, column 1: is cut off"])]
#[case::no_comma("[\"TKN-1000-0001\" \"TKN-1000-0002\"]", &[], &["line 1, column 18: is not JSON: expected a comma"])]
#[case::commas("[\"TKN-1000-0001\",, \"TKN-1000-0002\"]", &[], &["line 1, column 18: is not JSON"])]
#[case::more_behind("[\"TKN-1000-0001\"]\nTKN-1000-0002\n", &[], &["line 2, column 1: is no JSON"])]
#[case::bad_element("[\n {\"id\":\"TKN-1000-0001\"},\n {\"id\":TKN},\n {\n  \"id\":\n   x }]", &[], &["line 3, column 8: is not a JSON object", "line 6, column 4: is not a JSON object"])]
#[case::redacted("{\"vulnerabilities\":[{\"id\":\"0123abcd\",\"raw\":\"REDACTED\"}]}", &[], &["line 1, column 21: has no token value, and an `id`"])]
#[case::value_around("{\"note\":\"idt:TKN-1000-0001:abcdefghijklmnopqrst\",\"data\":[{\"id\":\"TKN-1000-0002\"}]}", &[], &["line 1, column 1: holds a token value outside"])]
#[case::hashes("{\n\"results\":{\"a.env\":[{\"type\":\"x\",\"hashed_secret\":\"0123\",\"line_number\":1}]}\n}", &[], &["line 1, column 1: has only hashes"])]
#[case::two_in_one("{\"runs\":[{\"results\":[{\"a\":\"idt:TKN-1000-0001:abcdefghijklmnopqrst idt:TKN-1000-0002:abcdefghijklmnopqrst\"}]}]}", &[], &["line 1, column 22: holds the values of two"])]
fn a_shape_that_is_refused(#[case] list: &str, #[case] args: &[&str], #[case] told: &[&str]) {
    for args in [&["--missing-ok"][..], &["--dry-run"]].map(|more| [args, more].concat()) {
        let stderr = sent(list.as_bytes(), &args).unwrap_err();
        let lines: Vec<&str> = stderr.lines().filter(|line| line.starts_with("  line ")).collect();
        assert_eq!(lines.len(), told.len(), "{stderr}");
        for (line, told) in lines.iter().zip(told) {
            assert!(line.contains(told), "{line}: {told}");
        }
    }
}

#[rstest]
#[case::zip(b"PK\x03\x04more", "save the list as CSV")]
#[case::zstd(b"\x28\xb5\x2f\xfdmore", "unpack it first")]
#[case::gzip(b"\x1f\x8b\x08\0\0\0\0\0", "as gzip it is damaged: it ends too early")]
fn a_file_that_is_no_list(#[case] list: &[u8], #[case] told: &str) {
    let stderr = sent(list, &[]).unwrap_err();
    assert!(stderr.contains("`[LIST]` cannot be read") && stderr.contains(told), "{stderr}");
}

/// What tells the shape may be far from the beginning.
#[rstest]
#[case::list(format!("[\"TKN-1000-0001\",{}\"TKN-1000-0002\"]", " ".repeat(2_000_000)))]
#[case::list_begins_late(format!("{}[\"TKN-1000-0001\",\"TKN-1000-0002\"]", "\n ".repeat(5_000)))]
#[case::list_element_late(format!("[{}\"TKN-1000-0001\",\"TKN-1000-0002\"]", "\n ".repeat(5_000)))]
#[case::long_element(format!("[{{\"id\":\"TKN-1000-0001\",\"x\":\"{}\"}},\"TKN-1000-0002\"]", "y".repeat(900_000)))]
#[case::report(format!(
    "{{\"runs\":[{{\"results\":[{{\"a\":\"idt:TKN-1000-0001:abcdefghijklmnopqrst\",\"x\":\"{0}\"}},{{\"a\":\"\
     idt:TKN-1000-0002:abcdefghijklmnopqrst\",\"x\":\"{0}\"}}]}}]}}",
    "y".repeat(600_000)
))]
#[case::header(format!("id,{}\nTKN-1000-0001,{1}\nTKN-1000-0002,{1}\n", vec!["name"; 2_000].join(","), vec!["x"; 2_000].join(",")))]
#[case::comments(format!("{}id,name\nTKN-1000-0001,x\nTKN-1000-0002,x\n", "# more\n".repeat(2_000)))]
fn a_shape_that_is_told_late(#[case] list: String) {
    assert_eq!(sent(list.as_bytes(), &[]), Ok(ids(&[1, 2])));
    assert_eq!(sent(&gzip(list.as_bytes()), &[]), Ok(ids(&[1, 2])));
}

/// The API token itself, as editors and PowerShell write it.
#[test]
fn a_token_file_is_decoded_as_lists_are() {
    let sandbox = Sandbox::builder().numbered(20).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let token = sandbox.api_token();
    let marked = format!("\u{feff}{token}\r\n");
    let files = [
        marked.into_bytes(),
        utf16(&token, u16::to_le_bytes),
        utf16(&format!("{token}\r\n"), u16::to_be_bytes),
    ];
    for (number, bytes) in (1..).zip(files) {
        fs::write(&path, bytes).unwrap();
        let mut command = program_for(&sandbox);
        command.env_remove("MPT_API_TOKEN").args(["delete", &format!("TKN-1000-{number:04}")]);
        let output = command.arg("--token-file").arg(&path).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{number}: {stderr}");
    }
}

#[test]
fn whole_runs() {
    let sandbox = Sandbox::builder().secret("abcdefghijklmnopqrst").numbered(20).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, list: &[u8], args: &str| {
        let path = folder.path().join(name);
        fs::write(&path, list).unwrap();
        let mut command = program_for(&sandbox);
        command.args(["delete", "--yes", "--concurrency", "1", "--from"]).arg(&path);
        command.args(args.split_whitespace());
        let parent = format!("{}{}", folder.path().display(), std::path::MAIN_SEPARATOR);
        transcript(&mut command).replace(&parent, "")
    };
    let text = [
        run(
            "portal.csv",
            b"Id,Name,Status\nTKN-1000-0001,CI,Active\nTKN-1000-0002,\"a, b\",Active\n",
            "",
        ),
        run("tabs.tsv", &utf16("Name\tKey\nCI\tTKN-1000-0003\n", u16::to_le_bytes), "--column key"),
        run("list.json", b"[\n  \"TKN-1000-0004\",\n  \"TKN-1000-0005\"\n]\n", ""),
        run(
            "list.txt.gz",
            &gzip(b"\xef\xbb\xbf\"TKN-1000-0006\",\r\n  TKN-1000-0007\xc2\xa0\r\n"),
            "",
        ),
        run("ids.ndjson", b"{\"id\":\"TKN-1000-0008\"}\n{\"id\":\"TKN-1000-0009\"}\n", "--dry-run"),
        run(
            "gitleaks.json",
            format!("[{{\"RuleID\":\"mpt\",\"Secret\":\"{VALUE}\"}}]").as_bytes(),
            "",
        ),
        run(
            "csv-missing-ok.txt",
            b"TKN-1000-0003,owner\nTKN-1000-0004 found in CI\n",
            "--missing-ok",
        ),
        run(
            "bad.csv",
            b"Id,Name\nTKN-1000-0010,a,b\n,c\nTKN-1000-0011\nTKN\xe2\x80\x911000-0012,d\n",
            "",
        ),
        run(
            "bad.json",
            b"[\"TKN-1000-0010\",\n {\"id\": 7},\n {\"id\": \"TKN-1000-0011\xe2\x80\x8b\"}",
            "",
        ),
        run("book.xlsx", b"PK\x03\x04", ""),
    ];
    assert_data_eq!(text.join("\n"), snapbox::file!["snapshots/shapes.txt"].raw());
}

/// How a list of ids is written.
fn written(ids: &[String], shape: u8, quote: bool) -> String {
    let q = if quote { "\"" } else { "" };
    let lines = |line: &dyn Fn(&String) -> String| ids.iter().map(line).collect::<String>();
    match shape {
        0 => lines(&|id| format!("{q}{id}{q}\n")),
        1 => lines(&|id| format!("\u{a0} {q}{id}{q}, \r\n")),
        2 => format!("ID,name\n{}", lines(&|id| format!("{q}{id}{q},\"x, \"\"y\"\"\n\"\n"))),
        3 => format!("a;b;token_id\n{}", lines(&|id| format!("1;;{q}{id}{q}\r\n"))),
        4 => format!("Token\tb\n{}", lines(&|id| format!("{q}{id}{q}\tz\n"))),
        5 => serde_json::to_string(ids).unwrap(),
        6 => serde_json::to_string_pretty(ids).unwrap(),
        7 => lines(&|id| format!("{{\"id\":\"{id}\",\"n\":[1,{{}}]}}\n")),
        8 => format!(
            "[{}]",
            ids.iter().map(|id| format!("{{\"id\":\"{id}\"}}")).collect::<Vec<_>>().join(" ,\n")
        ),
        _ => format!(
            "{{\"data\": [{}], \"$meta\": {{}}}}",
            ids.iter().map(|id| format!("{{\n\"id\":\n\"{id}\"}}")).collect::<Vec<_>>().join(",")
        ),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the shape and the encoding: the same ids.
    #[test]
    fn every_shape_names_the_same_ids(
        numbers in prop::collection::btree_set(1_u32..20, 1..8),
        shape in 0_u8..10,
        quote in any::<bool>(),
        encoding in 0_u8..4,
        packed in any::<bool>(),
    ) {
        let ids = ids(&numbers.into_iter().collect::<Vec<_>>());
        let text = written(&ids, shape, quote);
        let bytes = match encoding {
            0 => text.into_bytes(),
            1 => format!("\u{feff}{text}").into_bytes(),
            2 => utf16(&text, u16::to_le_bytes),
            _ => utf16(&text, u16::to_be_bytes),
        };
        let bytes = if packed { gzip(&bytes) } else { bytes };
        prop_assert_eq!(sent(&bytes, &[]), Ok(ids));
    }
}
