//! On a terminal: the question, the bar, colours, and interrupts.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use mpt_tokens_sandbox::{MAIN_TOKEN_ID, Sandbox, Status, numbered_id};
use rstest::rstest;
use snapbox::{assert_data_eq, file};

use crate::program::{outcomes, program, program_for, timeless};
use crate::pty::{CTRL_C, CTRL_D, Ended, Terminal};

const LONG: Duration = Duration::from_secs(60);
const QUESTION: &str = "delete? [y/N]";

fn sandbox() -> Sandbox {
    Sandbox::builder().numbered(9).start().unwrap()
}

fn delete(sandbox: &Sandbox, args: &str) -> Command {
    let mut command = program_for(sandbox);
    command.arg("delete").args(args.split_whitespace());
    command
}

/// A session: a command, what is typed at the question if one is expected, and how it ends.
fn session(sandbox: &Sandbox, args: &str, keys: Option<&str>) -> (String, Ended) {
    let terminal = Terminal::start(delete(sandbox, args));
    if let Some(keys) = keys {
        terminal.wait_for(QUESTION);
        terminal.keys(keys);
    }
    let ended = terminal.end();
    let told = timeless(&ended.told(&sandbox.base_url()));
    (format!("$ mpt-tokens delete {args}\n{told}"), ended)
}

#[test]
fn the_question_shows_what_will_happen_and_takes_an_answer() {
    let five =
        "TKN-1000-0001 TKN-1000-0002 TKN-1000-0003 TKN-1000-0004 TKN-1000-0005 --concurrency 1";
    let mut text = Vec::new();
    for (args, keys, deleted) in [
        (five, "y\n", 5),
        (five, "YES\n", 5),
        (five, "n\n", 0),
        (five, "\n", 0),
        (five, "yes please\n", 0),
        (five, CTRL_D, 0),
        (five, CTRL_C, 0),
        ("TKN-1000-0001", "y\n", 1),
        ("TKN-1000-0001", "n\n", 0),
    ] {
        let sandbox = sandbox();
        let (told, _) = session(&sandbox, args, Some(keys));
        assert_eq!(sandbox.stats().deleted, deleted, "{told}");
        assert_eq!(sandbox.stats().requests, deleted, "{told}");
        text.push(told);
    }
    let own = format!("{MAIN_TOKEN_ID} TKN-1000-0001 --concurrency 1");
    text.push(session(&sandbox(), &own, Some("y\n")).0);
    text.push(session(&sandbox(), &format!("{own} --allow-own-token"), Some("y\n")).0);
    let twice = "TKN-1000-0001 TKN-1000-0002 TKN-1000-0001 TKN-0000-0001 --prove --concurrency 1";
    text.push(session(&sandbox(), twice, Some("n\n")).0);
    // Nothing is asked where nothing is deleted, or where it was said already.
    text.push(session(&sandbox(), &format!("{five} --yes"), None).0);
    text.push(session(&sandbox(), &format!("{five} --dry-run"), None).0);
    assert_data_eq!(text.join("\n"), file!["snapshots/terminal-question.txt"].raw());
}

/// A journal is looked at before the question: what it knows is told, and why it cannot be used.
#[test]
fn the_question_tells_what_the_journal_knows() {
    let sandbox = sandbox();
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let with = |args: &str| {
        let mut command = delete(&sandbox, args);
        command.arg("--journal").arg(&journal);
        command
    };
    let refused = Terminal::start(with("TKN-1000-0001 TKN-1000-0002"));
    refused.wait_for(QUESTION);
    refused.keys("n\n");
    assert_eq!(refused.end().status.code(), Some(1));
    assert!(!journal.exists(), "nothing was to be done, so nothing is to be recorded");
    assert!(with("TKN-1000-0001 --yes").output().unwrap().status.success());

    let terminal = Terminal::start(with("TKN-1000-0001 TKN-1000-0002"));
    terminal.wait_for("the journal lists 1 token as dead");
    terminal.wait_for(QUESTION);
    terminal.keys("y\n");
    let ended = terminal.end();
    assert_eq!(ended.status.code(), Some(0));
    assert!(ended.screen.contains("1 deleted, 1 already done"), "{}", ended.screen);

    let terminal = Terminal::start(with("TKN-1000-0003 --base-url http://127.0.0.1:9"));
    let ended = terminal.end();
    assert_eq!(ended.status.code(), Some(2));
    assert!(ended.screen.contains("use a journal of its own"), "{}", ended.screen);
    assert!(!ended.screen.contains(QUESTION), "{}", ended.screen);
}

/// What was not asked about is not deleted.
#[test]
fn a_list_that_changes_while_the_question_stands_is_not_deleted() {
    let sandbox = sandbox();
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("ids.txt");
    fs::write(&list, "TKN-1000-0001\nTKN-1000-0002\n").unwrap();
    let mut command = delete(&sandbox, "--from");
    command.arg(&list);
    let terminal = Terminal::start(command);
    terminal.wait_for(QUESTION);
    fs::write(&list, "TKN-1000-0001\nTKN-1000-0002\nTKN-1000-0003\n").unwrap();
    terminal.keys("y\n");
    let ended = terminal.end();
    assert_eq!(ended.status.code(), Some(2));
    assert!(ended.screen.contains("was changed during the run"), "{}", ended.screen);
    assert_eq!(sandbox.stats().requests, 0);
}

/// Outcomes of every kind, then a call that hangs: the bar stays where it is until it is interrupted.
const MIXED: &str = "--patience 0 TKN-1000-0001 TKN-1000-0002 TKN-answerlost-1 TKN-403-1 TKN-503.503-1 \
                     TKN-answersilent.always-1 --yes --attempts 2 --concurrency 1";

#[test]
fn the_bar_counts_by_outcome_until_it_is_interrupted() {
    let sandbox = sandbox();
    let terminal = Terminal::start(delete(&sandbox, MIXED));
    let counts = "2 deleted, 1 gone, 1 not_deleted, 1 unknown";
    terminal.wait_for(counts);
    terminal.wait_for("5/6");
    let screen = terminal.screen();
    let bar = screen.lines().find(|line| line.contains(counts)).unwrap();
    let words: Vec<&str> = bar.split_whitespace().collect();
    let rate = words.iter().find_map(|word| word.strip_suffix("/s")).unwrap();
    assert!(rate.parse::<u64>().is_ok(), "{bar}");
    assert!(words.contains(&"ETA"), "{bar}");

    terminal.keys(CTRL_C);
    let told = timeless(&terminal.end().told(&sandbox.base_url()));
    // The `^C` that the terminal shows takes the bar's line from it: the bar of that moment stays, and has a rate.
    // Whether the hint comes before the end is a matter of milliseconds.
    let told: String = told
        .split_inclusive('\n')
        .filter(|line| !line.contains("ETA") && !line.contains("interrupt again to quit at once"))
        .collect();
    assert_data_eq!(
        format!("$ mpt-tokens delete {MIXED}\n{told}"),
        file!["snapshots/terminal-interrupt.txt"].raw()
    );
}

#[test]
fn the_bar_goes_at_the_end() {
    let sandbox = sandbox();
    let args = "TKN-1000-0001 TKN-slow~400-1 TKN-1000-0002 --yes --any-id --concurrency 1";
    let terminal = Terminal::start(delete(&sandbox, args));
    terminal.wait_for("ETA");
    let ended = terminal.end();
    assert_eq!(ended.status.code(), Some(0));
    assert!(!ended.screen.contains("ETA"), "{}", ended.screen);
    assert!(ended.screen.contains("3 tokens in "), "{}", ended.screen);
}

#[test]
fn the_bar_tells_why_it_stands_still() {
    let sandbox = sandbox();
    let args = "TKN-1000-0001 TKN-429~40-1 TKN-1000-0002 --yes --any-id --concurrency 1";
    let terminal = Terminal::start(delete(&sandbox, args));
    terminal.wait_for(" s by the API (429)");
    assert!(terminal.screen().contains("1 deleted, paused "), "{}", terminal.screen());
    terminal.keys(CTRL_C);
    let ended = terminal.end();
    assert_eq!(ended.status.code(), Some(130));
    assert!(ended.screen.contains("not_deleted  TKN-429~40-1"), "{}", ended.screen);
}

/// What is typed is read to its end first, as every list is.
#[test]
fn a_list_that_is_typed_is_read_to_its_end() {
    let sandbox = sandbox();
    let terminal = Terminal::start(delete(&sandbox, "--from - --yes"));
    terminal.keys("TKN-1000-0001\nTKN-1000-0002\n");
    terminal.keys(CTRL_D);
    let ended = terminal.end();
    assert_eq!(ended.status.code(), Some(0));
    assert!(ended.screen.contains("2 tokens in "), "{}", ended.screen);
}

#[rstest]
fn there_is_no_bar_where_none_is_wanted(#[values("--no-progress", "--quiet")] flag: &str) {
    let sandbox = sandbox();
    let terminal = Terminal::start(delete(&sandbox, &format!("{MIXED} {flag}")));
    terminal.wait_for("TKN-403-1");
    assert!(sandbox.wait_for_requests("TKN-answersilent.always-1", 1, LONG));
    terminal.keys(CTRL_C);
    let ended = terminal.end();
    assert_eq!(ended.status.code(), Some(130));
    assert!(!ended.bytes.contains("ETA") && !ended.bytes.contains("/s"), "{}", ended.bytes);
}

/// Standard error decides: a bar is for who looks at it, and lines in a file are not disturbed by it.
#[test]
fn the_bar_is_on_standard_error_and_nowhere_else() {
    let sandbox = sandbox();
    let mut terminal = Terminal::start_without_stdout(
        delete(&sandbox, &format!("{MIXED} --format ndjson")),
        Stdio::piped(),
    );
    let mut stdout = terminal.stdout();
    terminal.wait_for("5/6");
    terminal.keys(CTRL_C);
    let mut lines = Vec::new();
    stdout.read_to_end(&mut lines).unwrap();
    assert_eq!(outcomes(&lines).len(), 6);
    assert_eq!(terminal.end().status.code(), Some(130));

    let sandbox = self::sandbox();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stderr");
    let stderr = fs::File::create(&path).unwrap();
    let terminal = Terminal::start_without_stderr(delete(&sandbox, MIXED), stderr.into());
    terminal.wait_for("TKN-403-1");
    assert!(sandbox.wait_for_requests("TKN-answersilent.always-1", 1, LONG));
    terminal.keys(CTRL_C);
    assert_eq!(terminal.end().status.code(), Some(130));
    let told = fs::read_to_string(&path).unwrap();
    assert!(told.contains("6 tokens in ") && !told.contains("ETA"), "{told}");
    assert!(!told.contains('\u{1b}'), "{}", told.escape_debug());
}

#[rstest]
#[case::a_terminal(&[], true)]
#[case::no_color(&[("NO_COLOR", "1")], false)]
#[case::no_color_that_is_empty(&[("NO_COLOR", "")], true)]
fn colours_are_for_terminals_that_want_them(#[case] env: &[(&str, &str)], #[case] colours: bool) {
    let sandbox = sandbox();
    let mut command =
        delete(&sandbox, "TKN-1000-0001 TKN-403-1 --yes --no-progress --concurrency 1");
    command.envs(env.iter().copied());
    let ended = Terminal::start(command).end();
    for (word, colour) in [("deleted    ", 32), ("not_deleted", 31)] {
        let painted = format!("\u{1b}[{colour}m{word}\u{1b}[0m");
        assert_eq!(ended.bytes.contains(&painted), colours, "{}", ended.bytes.escape_debug());
    }
    assert_eq!(ended.bytes.contains('\u{1b}'), colours, "{}", ended.bytes.escape_debug());

    let mut command = program();
    command.args(["delete", "--help"]).envs(env.iter().copied());
    let help = Terminal::start(command).end();
    assert_eq!(help.bytes.contains('\u{1b}'), colours, "{}", help.bytes.escape_debug());
}

/// Who types a token value would show it to everybody who looks.
#[test]
fn a_token_is_not_read_from_a_terminal() {
    let sandbox = sandbox();
    let ended = Terminal::start(delete(&sandbox, "TKN-1000-0001 --token-file -")).end();
    assert_eq!(ended.status.code(), Some(2));
    assert!(ended.screen.contains("give it through a pipe or a file"), "{}", ended.screen);
}

/// A run that cannot end, since nobody takes its output, is left by the second interrupt; the journal is whole, and
/// the next run ends the work.
#[test]
#[cfg(target_os = "linux")]
fn the_second_interrupt_leaves_at_once_and_the_journal_is_whole() {
    const COUNT: u64 = 200;
    let sandbox = Sandbox::builder().numbered(COUNT).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (list, journal) = (folder.path().join("ids.txt"), folder.path().join("journal"));
    fs::write(&list, (1..=COUNT).map(|n| numbered_id(n) + "\n").collect::<String>()).unwrap();
    let with = |args: &str| {
        let mut command = delete(&sandbox, args);
        command.arg("--from").arg(&list).arg("--journal").arg(&journal);
        command
    };
    let (unread, mut stdout) = std::io::pipe().unwrap();
    let size = rustix::pipe::fcntl_setpipe_size(&unread, 4096).unwrap();
    // Full from the start: not even the first line fits.
    stdout.write_all(&vec![b'\n'; size]).unwrap();
    let terminal = Terminal::start_without_stdout(with("--yes --format ndjson"), stdout.into());
    assert!(sandbox.wait_for_requests(&numbered_id(1), 1, LONG));
    terminal.keys(CTRL_C);
    terminal.wait_for("interrupt again to quit at once");
    assert!(is_alive(terminal.pid()));
    terminal.keys(CTRL_C);
    let ended = terminal.end();
    assert_eq!(ended.status.code(), Some(130), "{}", ended.screen);
    drop(unread);

    for line in fs::read_to_string(&journal).unwrap().split_inclusive('\n') {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        if line["outcome"] == "deleted" {
            assert_eq!(sandbox.truth(line["id"].as_str().unwrap()).status, Status::Deleted);
        }
    }
    let output = with("--yes --quiet").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(sandbox.stats().deleted, COUNT);
}

#[cfg(target_os = "linux")]
fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}/fd/1")).exists()
}
