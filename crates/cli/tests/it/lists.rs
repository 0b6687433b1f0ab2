//! What a list may hold, line by line: what is sent, what is told, and the exit status.

use std::fs;

use mpt_tokens_sandbox::Sandbox;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::Value;

use crate::program::{outcomes, program_for};

/// The secret of every value below: no eight characters of it may be seen anywhere.
const SECRET: &str = "abcdefghijklmnopqrst";

/// What a run with a list did.
struct Run {
    status: Option<i32>,
    /// The ids that left, in order.
    sent: Vec<String>,
    told: Vec<Value>,
    stderr: String,
}

/// Runs the program with a list against a sandbox where TKN-1000-0001 to TKN-1000-0009 exist.
fn run(list: &[u8], args: &[&str]) -> Run {
    let sandbox = Sandbox::builder().secret(SECRET).numbered(9).record(1_000).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (path, journal) = (folder.path().join("list.txt"), folder.path().join("journal"));
    fs::write(&path, list).unwrap();
    let mut command = program_for(&sandbox);
    command.args(["delete", "--yes", "--concurrency", "1", "--format", "ndjson"]).args(args);
    let output = command.arg("--journal").arg(&journal).arg("--from").arg(&path).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let kept = fs::read_to_string(&journal).unwrap_or_default();
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    for part in SECRET.as_bytes().windows(8) {
        let part = std::str::from_utf8(part).unwrap();
        assert!(!format!("{stdout}{stderr}{kept}").contains(part), "{stdout}{stderr}{kept}");
    }
    let sent = sandbox.recorded().into_iter().map(|request| {
        assert!(!request.target.contains("abcdefgh"), "{}", request.target);
        let segment = request.target.rsplit('/').next().unwrap();
        percent_encoding::percent_decode_str(segment).decode_utf8().unwrap().into_owned()
    });
    // A proof asks for the same id again.
    let mut sent: Vec<String> = sent.collect();
    sent.dedup();
    assert_eq!(sandbox.strays(), Vec::<String>::new());
    Run { status: output.status.code(), sent, told: outcomes(&output.stdout), stderr }
}

/// Lists that are taken: what was sent, and what came of each.
#[rstest]
#[case::ids("TKN-1000-0001\nTKN-1000-0002\n", &[], 0, "TKN-1000-0001 TKN-1000-0002", "deleted deleted")]
#[case::no_last_line_end("TKN-1000-0001\nTKN-1000-0002", &[], 0, "TKN-1000-0001 TKN-1000-0002", "deleted deleted")]
#[case::windows("TKN-1000-0001\r\nTKN-1000-0002\r\n", &[], 0, "TKN-1000-0001 TKN-1000-0002", "deleted deleted")]
#[case::comments("# leavers\n\n  \nTKN-1000-0001\n#TKN-1000-0002\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::mark("\u{feff}TKN-1000-0001\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::spaces("  TKN-1000-0001\t\n\u{a0}TKN-1000-0002\u{a0}\n", &[], 0, "TKN-1000-0001 TKN-1000-0002", "deleted deleted")]
#[case::quoted("\"TKN-1000-0001\",\n'TKN-1000-0002'\n`TKN-1000-0003`,\n", &[], 0, "TKN-1000-0001 TKN-1000-0002 TKN-1000-0003", "deleted deleted deleted")]
#[case::comma("TKN-1000-0001,\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::twice("TKN-1000-0001\nTKN-1000-0001\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::other_shape("TKN-ok-1\nabc.def_9\n", &[], 4, "TKN-ok-1 abc.def_9", "deleted not_deleted")]
#[case::three_groups("TKN-1000-0001-0002\n", &[], 4, "TKN-1000-0001-0002", "not_deleted")]
#[case::missing("TKN-9999-0001\n", &[], 4, "TKN-9999-0001", "not_deleted")]
#[case::missing_ok("TKN-9999-0001\n", &["--missing-ok"], 0, "TKN-9999-0001", "gone")]
#[case::missing_and_worse("TKN-9999-0001\nTKN-403-1\n", &[], 1, "TKN-9999-0001 TKN-403-1", "not_deleted not_deleted")]
#[case::missing_and_unknown("TKN-9999-0001\nTKN-501-1\n", &["--patience", "0"], 3, "TKN-9999-0001 TKN-501-1", "not_deleted unknown")]
#[case::value("idt:TKN-1000-0001:abcdefghijklmnopqrst\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::value_no_prefix("TKN-1000-0001:abcdefghijklmnopqrst\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::value_small("idt:tkn-1000-0001:abcdefghijklmnopqrst\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::value_percent("idt%3ATKN-1000-0001%3Aabcdefghijklmnopqrst\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::value_percent_twice("TKN-1000-0001%253Aabcdefghijklmnopqrst\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::value_json("idt\\u003aTKN-1000-0001\\u003aabcdefghijklmnopqrst\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::value_colons("idt\u{ff1a}TKN-1000-0001\u{a789}abcdefghijklmnopqrst\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::value_unseen("idt:TKN-1000-0001:abcdefghij\u{200b}klmnopqrst\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::value_bearer("Bearer idt:TKN-1000-0001:abcdefghijklmnopqrst\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::value_quoted("\"idt:TKN-1000-0001:abcdefghijklmnopqrst\",\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::value_and_id("idt:TKN-1000-0001:abcdefghijklmnopqrst\nTKN-1000-0002\n", &[], 0, "TKN-1000-0001 TKN-1000-0002", "deleted deleted")]
#[case::value_any_id("TKN-1000-0001:abcdefghijklmnopqrst\n", &["--any-id"], 0, "TKN-1000-0001", "deleted")]
#[case::value_proven("TKN-1000-0001%3Aabcdefghijklmnopqrst\n", &["--prove"], 0, "TKN-1000-0001", "deleted")]
#[case::object("{\"id\":\"TKN-1000-0001\"}\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::object_any("{\"id\":\"x?y,z\"}\n", &["--missing-ok"], 4, "x?y,z", "not_deleted")]
#[case::object_row("{\"id\":\"TKN-1000-0001,owner\"}\n", &["--missing-ok"], 4, "TKN-1000-0001,owner", "not_deleted")]
#[case::object_more("{\"id\":\"TKN-1000-0001\",\"name\":\"CI\",\"n\":[1,null,true,2.5]}\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::object_same_nested("{\"id\":\"TKN-1000-0001\",\"token\":{\"id\":\"TKN-1000-0001\"}}\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::object_value("{\"Raw\":\"idt:TKN-1000-0001:abcdefghijklmnopqrst\"}\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::object_value_deep("{\"a\":[{\"b\":{\"c\":\"idt:TKN-1000-0001:abcdefghijklmnopqrst\"}}]}\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::object_value_over_id("{\"id\":\"finding-77\",\"Secret\":\"idt:TKN-1000-0001:abcdefghijklmnopqrst\"}\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::object_value_in_text("{\"id\":\"f-1\",\"Match\":\"token: \\\"idt:TKN-1000-0001:abcdefghijklmnopqrst\\\"\"}\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::object_value_as_id("{\"id\":\"TKN-1000-0001:abcdefghijklmnopqrst\"}\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::object_value_and_its_id("{\"id\":\"TKN-1000-0001\",\"Raw\":\"idt:TKN-1000-0001:abcdefghijklmnopqrst\"}\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::object_value_twice("{\"Match\":\"t=idt:TKN-1000-0001:abcdefghijklmnopqrst;\",\"Secret\":\"idt:TKN-1000-0001:abcdefghijklmnopqrst\"}\n", &["--prove"], 0, "TKN-1000-0001", "deleted")]
#[case::unknown_before("{\"id\":\"TKN-9999-0001\",\"outcome\":\"unknown\",\"code\":\"timeout\"}\n", &[], 0, "TKN-9999-0001", "gone")]
#[case::not_deleted_before("{\"id\":\"TKN-1000-0001\",\"outcome\":\"not_deleted\",\"code\":\"forbidden\"}\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::deleted_before("{\"id\":\"TKN-1000-0001\",\"outcome\":\"deleted\",\"code\":\"ok\"}\nTKN-1000-0002\n", &[], 0, "TKN-1000-0002", "deleted")]
#[case::gone_before("{\"id\":\"TKN-1000-0001\",\"outcome\":\"gone\",\"code\":\"ok\"}\n", &[], 0, "", "")]
#[case::unknown_then_deleted("{\"id\":\"TKN-1000-0001\",\"outcome\":\"unknown\",\"code\":\"timeout\"}\n{\"id\":\"TKN-1000-0001\",\"outcome\":\"deleted\",\"code\":\"ok\"}\n", &[], 0, "", "")]
#[case::outcome_of_others("{\"id\":\"TKN-1000-0001\",\"outcome\":\"deleted\"}\n", &[], 0, "TKN-1000-0001", "deleted")]
#[case::any_row("TKN-1000-0001 and more\n", &["--any-id", "--missing-ok"], 4, "TKN-1000-0001 and more", "not_deleted")]
#[case::any_query("x?y#f\n", &["--any-id"], 4, "x?y#f", "not_deleted")]
#[case::any_small("tkn-1000-0001\n", &["--any-id", "--missing-ok"], 4, "tkn-1000-0001", "not_deleted")]
#[case::any_other_script("\u{43a}\u{43b}\u{44e}\u{447}\n", &["--any-id"], 4, "\u{43a}\u{43b}\u{44e}\u{447}", "not_deleted")]
#[case::empty_allowed("", &["--allow-empty"], 0, "", "")]
#[case::comments_allowed("# nobody\n", &["--allow-empty"], 0, "", "")]
fn a_list_that_is_taken(
    #[case] list: &str,
    #[case] args: &[&str],
    #[case] status: i32,
    #[case] sent: &str,
    #[case] outcomes: &str,
) {
    let run = run(list.as_bytes(), args);
    let ids = if sent.contains(" and ") { vec![sent] } else { sent.split_whitespace().collect() };
    assert_eq!(run.sent, ids, "{}", run.stderr);
    let told: Vec<&str> = run.told.iter().map(|line| line["outcome"].as_str().unwrap()).collect();
    assert_eq!(told, outcomes.split_whitespace().collect::<Vec<_>>(), "{}", run.stderr);
    assert_eq!(run.status, Some(status), "{}", run.stderr);
}

/// Lists that are not: nothing is sent, and each bad line is named.
#[rstest]
#[case::row("TKN-1000-0001,owner,Active\n", &["1:14 `,`"])]
#[case::row_quoted("\"TKN-1000-0001\",\"owner\"\n", &["1:15 `\"`"])]
#[case::row_semicolon("TKN-1000-0001;owner\n", &["1:14 `;`"])]
#[case::row_tab("TKN-1000-0001\towner\n", &["1:14 U+0009"])]
#[case::row_pipe("| TKN-1000-0001 | owner |\n", &["1:1 `|`"])]
#[case::note("TKN-1000-0001\nTKN-1000-0002 found in CI\n", &["2:14 ` `"])]
#[case::comment_behind("TKN-1000-0001 # leaver\n", &["1:14 ` `"])]
#[case::two_ids("TKN-1000-0001 TKN-1000-0002\n", &["1:14 ` `"])]
#[case::two_ids_comma("TKN-1000-0001,TKN-1000-0002\n", &["1:14 `,`"])]
#[case::two_ids_joined("TKN-1000-0001-TKN-1000-0002\n", &["1:15 `T`"])]
#[case::numbered("1. TKN-1000-0001\n", &["1:3 ` `"])]
#[case::bullet("- TKN-1000-0001\n", &["1:1 `-`"])]
#[case::url("https://api.example/api-tokens/TKN-1000-0001\n", &["1:6 `:`"])]
#[case::path("api-tokens/TKN-1000-0001\n", &["1:11 `/`"])]
#[case::brackets("[TKN-1000-0001]\n", &["1:1 `[`"])]
#[case::angle("<TKN-1000-0001>\n", &["1:1 `<`"])]
#[case::parentheses("(TKN-1000-0001)\n", &["1:1 `(`"])]
#[case::half_quoted("\"TKN-1000-0001\n", &["1:1 `\"`"])]
#[case::typographic("\u{201c}TKN-1000-0001\u{201d}\n", &["1:1 U+201C"])]
#[case::other_dash("TKN\u{2011}1000\u{2011}0001\n", &["1:4 U+2011"])]
#[case::en_dash("TKN-1000\u{2013}0001\n", &["1:9 U+2013"])]
#[case::other_letter("\u{422}KN-1000-0001\n", &["1:1 U+0422"])]
#[case::zero_width("TKN-1000-0001\u{200b}\n", &["1:14 U+200B"])]
#[case::soft_hyphen("TKN-\u{ad}1000-0001\n", &["1:5 U+00AD"])]
#[case::small("tkn-1000-0001\n", &["1:1 `t`"])]
#[case::mixed("Tkn-1000-0001\n", &["1:2 `k`"])]
#[case::full_stop("TKN-1000-0001.\n", &["1:14 `.`"])]
#[case::dots("..\n", &["1:1 `.`"])]
#[case::tilde("TKN-429~2-1\n", &["1:8 `~`"])]
#[case::escape("TKN-1000-0001\u{1b}[31m\n", &["1:14 U+001B"])]
#[case::setting("TOKEN_ID=TKN-1000-0001\n", &["1:9 `=`"])]
#[case::yaml("id: TKN-1000-0001\n", &["1:3 `:`"])]
#[case::short_secret("TKN-1000-0001:abc\n", &["1:14 `:`"])]
#[case::value_setting("MPT_API_TOKEN=idt:TKN-1000-0001:abcdefghijklmnopqrst\n", &["1:15 "])]
#[case::value_place("src/a.env:3: idt:TKN-1000-0001:abcdefghijklmnopqrst\n", &["1:14 "])]
#[case::value_comment("idt:TKN-1000-0001:abcdefghijklmnopqrst # CI\n", &["1:1 "])]
#[case::value_row("TKN-1000-0001,abcdefghijklmnopqrst\n", &["1 "])]
#[case::value_space("TKN-1000-0001 abcdefghijklmnopqrst\n", &["1 "])]
#[case::value_member("\"TKN-1000-0001\": \"abcdefghijklmnopqrst\"\n", &["1 "])]
#[case::two_values("idt:TKN-1000-0001:abcdefghijklmnopqrst idt:TKN-1000-0002:abcdefghijklmnopqrst\n", &["1:1 "])]
#[case::wrapped("idt:TKN-1000-0001:abcdefghij\nklmnopqrst\n", &["2 "])]
#[case::wrapped_apart("idt:TKN-1000-0001:abcdefghij\n\n# more\nklmnopqrst\n", &["4 "])]
#[case::wrapped_aside("# idt:TKN-1000-0001:abcdefghij\nklmnopqrst\n", &["2 "])]
#[case::wrapped_aside_marked("TKN-1000-0001\n\u{feff}# idt:TKN-1000-0001:abcdefghij\nklmnopqrst\n", &["3 "])]
#[case::wrapped_aside_marked_late("\n \u{feff} #idt:TKN-1000-0001:abcdefghij\nklmnopqrst\n", &["3 "])]
#[case::wrapped_at_the_colon("idt:TKN-1000-0001:\nabcdefghijklmnopqrst\n", &["1:4 `:`"])]
#[case::wrapped_before_the_colon("TKN-1000-0001\n:abcdefghijklmnopqrst\n", &["2:1 `:`"])]
#[case::wrapped_in_the_id("idt:TKN-1000-\n0001:abcdefghijklmnopqrst\n", &["1:4 `:`", "2:5 `:`"])]
#[case::report("[\n {\n  \"Secret\": \"idt:TKN-1000-0001:abcdefghijklmnopqrst\",\n }\n]\n", &["4:2 is not a JSON"])]
#[case::no_object("{TKN-1000-0001}\n", &["1:2 "])]
#[case::cut_off("{\"id\":\"TKN-1000-0001\"}\n{\"id\":\"TKN-1000-0002\",\"outc", &["2 "])]
#[case::two_objects("{\"id\":\"TKN-1000-0001\"} {\"id\":\"TKN-1000-0002\"}\n", &["1:24 "])]
#[case::no_id("{\"name\":\"TKN-1000-0001\"}\n", &["1 "])]
#[case::id_of_numbers("{\"id\":7}\n", &["1 "])]
#[case::id_nested("{\"token\":{\"id\":\"TKN-1000-0001\"}}\n", &["1 "])]
#[case::id_twice("{\"id\":\"TKN-1000-0001\",\"id\":\"TKN-1000-0002\"}\n", &["1 "])]
#[case::id_empty("{\"id\":\"\"}\n", &["1 "])]
#[case::id_redacted("{\"id\":\"TKN-1000-0001:<redacted>\",\"outcome\":\"not_deleted\"}\n", &["1 "])]
#[case::id_slash("{\"id\":\"TKN-1000-0001/x\"}\n", &["1 "])]
#[case::id_and_another_inside("{\"id\":\"finding-77\",\"token\":{\"id\":\"TKN-1000-0001\"}}\n", &["1 "])]
#[case::id_and_another_beside("{\"id\":\"finding-77\",\"tokenId\":\"TKN-1000-0001\"}\n", &["1 "])]
#[case::id_and_another_token("{\"id\":\"TKN-1000-0001\",\"by\":{\"id\":\"TKN-1000-0002\"}}\n", &["1 "])]
#[case::id_and_value_of_another("{\"id\":\"TKN-1000-0002\",\"Raw\":\"idt:TKN-1000-0001:abcdefghijklmnopqrst\"}\n", &["1 "])]
#[case::values_of_two("{\"a\":\"idt:TKN-1000-0001:abcdefghijklmnopqrst\",\"b\":[\"idt:TKN-1000-0002:abcdefghijklmnopqrst\"]}\n", &["1 "])]
#[case::values_of_two_in_one("{\"id\":\"f\",\"m\":\"idt:TKN-1000-0001:abcdefghijklmnopqrst idt:TKN-1000-0002:abcdefghijklmnopqrst\"}\n", &["1 "])]
#[case::deep(&format!("{}1{}\n", "{\"a\":".repeat(500), "}".repeat(500)), &["1 "])]
#[case::long(&format!("{}\nTKN-1000-0001,x\n", "x".repeat(2_000_000)), &["1 ", "2:14 `,`"])]
#[case::long_id(&format!("{}\n", "x".repeat(257)), &["1 "])]
#[case::good_and_bad("TKN-1000-0001\n\nTKN-1000-0002,x\nidt:TKN-1000-0003:abcdefghijklmnopqrst\n{\"id\":1}\n", &["3:14 `,`", "5 "])]
fn a_list_that_is_refused(#[case] list: &str, #[case] places: &[&str]) {
    for args in [&["--missing-ok"][..], &["--dry-run"], &["--sandbox"]] {
        let run = run(list.as_bytes(), args);
        assert_eq!((run.status, run.sent.len(), run.told.len()), (Some(2), 0, 0), "{}", run.stderr);
        let lines: Vec<&str> =
            run.stderr.lines().filter(|line| line.starts_with("  line ")).collect();
        assert_eq!(lines.len(), places.len(), "{}", run.stderr);
        for (line, place) in lines.iter().zip(places) {
            let (at, what) = place.split_once(' ').unwrap();
            let at = at.replace(':', ", column ");
            assert!(line.starts_with(&format!("  line {at}")), "{line}: {place}");
            assert!(line.contains(what), "{line}: {place}");
        }
    }
}

#[rstest]
#[case::not_text(b"TKN-1000-0001\n\xff\xfe\n", &[2])]
#[case::utf16_big(b"\0T\0K\0N\0-\0\x31\0\n", &[1])]
#[case::nul(b"TKN-1000-0001\0\n", &[1])]
fn a_list_that_is_no_text(#[case] list: &[u8], #[case] lines: &[u64]) {
    let run = run(list, &[]);
    assert_eq!((run.status, run.sent.len()), (Some(2), 0), "{}", run.stderr);
    for line in lines {
        assert!(run.stderr.contains(&format!("  line {line}")), "{}", run.stderr);
    }
}

#[rstest]
#[case::nothing(b"")]
#[case::blank(b"\n  \n\t\n")]
#[case::comments(b"# TKN-1000-0001\n")]
#[case::mark("\u{feff}".as_bytes())]
fn an_empty_list_is_a_mistake(#[case] list: &[u8]) {
    for args in [&[][..], &["--dry-run"], &["--quiet"]] {
        let run = run(list, args);
        assert_eq!(run.status, Some(2), "{}", run.stderr);
        assert!(run.stderr.contains("--allow-empty"), "{}", run.stderr);
    }
}

/// All bad lines are counted, the first ten are named.
#[test]
fn many_bad_lines_are_counted() {
    let list: String = (1..=250).map(|n| format!("TKN-1000-{n:04},x\n")).collect();
    let run = run(list.as_bytes(), &[]);
    assert_eq!(run.stderr.matches("  line ").count(), 10, "{}", run.stderr);
    assert!(run.stderr.contains("error: 250 lines in ") && run.stderr.contains("  and 240 more\n"));
}

#[rstest]
#[case::row(&["TKN-1000-0001,owner"], "argument 1, column 14: `,`")]
#[case::second(&["TKN-1000-0001", "TKN-1000-0002 x"], "argument 2, column 14: ` `")]
#[case::dots(&[".."], "argument 1, column 1: `.`")]
#[case::small(&["tkn-1000-0001"], "argument 1, column 1: `t`")]
#[case::empty(&[""], "argument 1: names no token")]
#[case::slash_any(&["--any-id", "a/b"], "argument 1: names no token")]
#[case::value(&["TKN-1000-0001:abcdefghijklmnopqrst"], "given as an argument, where every user")]
#[case::value_percent(&["TKN-1000-0001%3Aabcdefghijklmnopqrst"], "given as an argument")]
#[case::value_any(&["--any-id", "TKN-1000-0001:abcdefghijklmnopqrst"], "given as an argument")]
#[case::value_wrapped(&["TKN-1000-0001:abcdefghij\nklmnopqrst"], "given as an argument")]
fn an_argument_that_is_refused(#[case] args: &[&str], #[case] told: &str) {
    let sandbox = Sandbox::builder().numbered(9).start().unwrap();
    let mut command = program_for(&sandbox);
    let output = command.args(["delete", "--yes", "--missing-ok"]).args(args).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), sandbox.stats().requests), (Some(2), 0), "{stderr}");
    assert!(stderr.contains(told), "{stderr}");
    assert!(!stderr.contains("abcdefgh") && !stderr.contains("klmnopqr"), "{stderr}");
}

/// A piece of a list: good, bad and broken, with the secret in all kinds of company.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let fixed = prop::sample::select(vec![
        "TKN-1000-0001",
        "TKN-1000-0002",
        "TKN-1000-0004:",
        "\n",
        "\n",
        "\n",
        "\r\n",
        ",",
        " ",
        ";",
        ":",
        "%3A",
        "%",
        "idt:TKN-1000-0003:abcdefghijklmnopqrst",
        "TKN-1000-0003:abcdefghijklmnopqrst",
        "TKN-1000-0003%3aabcdefghijklmnopqrst",
        "tkn-1000-0003\u{ff1a}abcdefghijklmnopqrst",
        "TKN-1000-0003\\u003aabcdefghijklmnopqrst",
        "TKN-1000-0003:abcdefghij\u{200b}klmnopqrst",
        "idt:TKN-1000-0003:abcdefghij\nklmnopqrst\n",
        "TKN-1000-0003:\nabcdefghijklmnopqrst\n",
        "\\u003a",
        "\"",
        "'",
        "{\"id\":\"",
        "\"}",
        "{\"Raw\":\"",
        "id\n",
        "token,name\n",
        "id\tsecret\n",
        "\t",
        "[\"",
        "\"]",
        "\",\"",
        "{\"data\":[",
        "]}",
        "idt:",
        "tkn-",
        "\u{200b}",
        "\u{ff1a}",
        "\u{feff}",
        "#",
        "/",
        "..",
        "\0",
    ]);
    prop_oneof![
        8 => fixed.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ]
}

proptest! {
    // Under wine, starting a program takes most of a second.
    #![proptest_config(ProptestConfig {
        cases: if cfg!(windows) { 15 } else { 150 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever bytes a list has: what leaves is an id that stands in it as such, and `run` looks for the secret.
    #[test]
    fn any_bytes_are_a_list(
        pieces in prop::collection::vec(piece(), 0..8),
        any_id in any::<bool>(),
    ) {
        let list = pieces.concat();
        let run = run(&list, if any_id { &["--any-id", "--prove"] } else { &["--prove"] });
        let text = String::from_utf8_lossy(&list).to_ascii_uppercase();
        // What nobody sees is dropped from a value, and JSON may escape its text.
        let text: String = text.chars().filter(|c| !"\u{200b}\u{feff}".contains(*c)).collect();
        for id in &run.sent {
            let plain = id.to_ascii_uppercase().replace(['\u{200b}', '\u{feff}'], "");
            let stands = text.contains(&plain) || text.replace("\\U003A", ":").contains(&plain);
            prop_assert!(stands, "{id:?} in {list:?}");
            prop_assert!(any_id || id.is_ascii() || text.contains("{"), "{id:?} in {list:?}");
        }
        prop_assert!(run.status != Some(2) || run.sent.is_empty(), "{}", run.stderr);
    }
}
