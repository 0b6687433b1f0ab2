//! `mpt-tokens delete --leaked-in`: whole command lines, and what the API saw.

use std::fs;
use std::process::Command;

use mpt_tokens_sandbox::{MAIN_TOKEN_ID, Sandbox, Status};
use snapbox::{assert_data_eq, file};
use tempfile::TempDir;

use crate::program::{outcomes, program_for, transcript, transcript_with};

/// A folder with the values of two tokens, two of one of them, and that of the token in use.
fn leak(sandbox: &Sandbox) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: String| fs::write(folder.path().join(path), text).unwrap();
    let (one, two) = (sandbox.value_of("TKN-1000-0001"), sandbox.value_of("TKN-1000-0002"));
    write(".env", format!("A=1\nTOKEN={one}\n"));
    write("a.log", format!("x {two}\nx {two}\nx {two}\nx {two}\n"));
    write("b.json", format!("{{\"old\":\"idt:TKN-1000-0002:an-0lder-s3cret\",\"one\":\"{one}\"}}"));
    write("c.md", "e.g. `idt:TKN-1000-0009:xxxxxxxxxxxx` or TKN-1000-0008\n".to_owned());
    write("own.txt", sandbox.api_token());
    folder
}

fn delete(sandbox: &Sandbox, folder: &TempDir, args: &str) -> Command {
    let mut command = program_for(sandbox);
    command.current_dir(folder.path()).args(["delete", "--concurrency", "1"]);
    command.args(args.split_whitespace());
    command
}

/// `SNAPSHOTS=overwrite` writes them anew. They have the words of Unix about files.
#[test]
#[cfg(unix)]
fn whole_runs() {
    let run = |args: &str| {
        let sandbox = Sandbox::builder().numbered(9).start().unwrap();
        let folder = leak(&sandbox);
        transcript(&mut delete(&sandbox, &folder, args))
    };
    let pipe = |args: &str| {
        let sandbox = Sandbox::builder().numbered(9).start().unwrap();
        let folder = leak(&sandbox);
        let text = format!("+x = '{}'\r\n", sandbox.value_of("TKN-1000-0003"));
        transcript_with(&mut delete(&sandbox, &folder, args), &text)
    };
    let text = [
        run("--leaked-in .env --leaked-in a.log --leaked-in b.json --yes"),
        run("--leaked-in . --yes"),
        run("--leaked-in . --yes --allow-own-token"),
        run("--leaked-in . --dry-run"),
        run("--leaked-in .env"),
        run("--leaked-in .env TKN-1000-0004 TKN-1000-0001 --yes --quiet"),
        run("--leaked-in .env --leaked-in /proc/self/mem --yes"),
        run("--leaked-in .env --leaked-in nowhere --yes"),
        run("--leaked-in c.md --yes"),
        run("--leaked-in c.md --yes --allow-empty"),
        run("--leaked-in . --skip-hidden --yes --format ndjson"),
        pipe("--leaked-in - --yes"),
        pipe("--leaked-in -"),
        pipe("--leaked-in - --from - --yes"),
    ];
    // As musl words it.
    let text = text.join("\n").replace("I/O error", "Input/output error");
    assert!(!text.contains("secret") && !text.contains("s3cret"), "{text}");
    assert_data_eq!(text, file!["snapshots/leaked-in.txt"].raw());
}

/// On a terminal it shows what was found, and asks, even about one token.
#[test]
#[cfg(unix)]
fn it_asks_on_a_terminal() {
    use crate::pty::Terminal;

    for (keys, deleted) in [("y\n", 1), ("n\n", 0)] {
        let sandbox = Sandbox::builder().numbered(9).start().unwrap();
        let folder = leak(&sandbox);
        let terminal = Terminal::start(delete(&sandbox, &folder, "--leaked-in .env"));
        terminal.wait_for("delete? [y/N]");
        terminal.keys(keys);
        let ended = terminal.end();
        let told = ended.told(&sandbox.base_url());
        assert!(told.contains("TKN-1000-0001  .env:2:7"), "{told}");
        assert!(told.contains("about to delete 1 token at"), "{told}");
        assert!(!told.contains("sandbox-secret"), "{told}");
        assert_eq!(sandbox.stats().deleted, deleted, "{told}");
    }
}

/// Each value of a token is proven, not only the first one.
#[test]
fn two_values_of_one_token_are_both_proven() {
    let sandbox = Sandbox::builder().numbered(9).start().unwrap();
    let folder = leak(&sandbox);
    let args = "--leaked-in a.log --leaked-in b.json --yes --format ndjson";
    let output = delete(&sandbox, &folder, args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = outcomes(&output.stdout);
    assert!(told.iter().all(|outcome| outcome["proof"]["proven"] == true), "{told:?}");
    // The DELETE; then one value, the same with the API token, and the other value.
    assert_eq!(sandbox.truth("TKN-1000-0002").requests, 4);
    assert_eq!(sandbox.truth("TKN-1000-0001").requests, 3);
}

/// Of two values, the one that is not proven is told of: another value of the token in use, which is gone itself, has
/// nothing to compare with.
#[test]
fn a_value_that_is_not_proven_is_told() {
    let (own, other) = ("OWN", format!("idt:{MAIN_TOKEN_ID}:an-0lder-s3cret"));
    for text in [format!("{own}\n{other}\n"), format!("{other}\n{own}\n"), other.clone()] {
        let sandbox = Sandbox::start().unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), text.replace(own, &sandbox.api_token())).unwrap();
        let args = "--leaked-in a --yes --allow-own-token";
        let output = delete(&sandbox, &folder, args).output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(3), "{stdout}");
        assert!(stdout.starts_with("deleted ") && stdout.contains("not proven"), "{stdout}");
    }
}

/// With a journal, a run that was interrupted goes on: nothing is sent again for what is proven.
#[test]
fn a_journal_knows_what_is_proven() {
    let sandbox = Sandbox::builder().numbered(9).start().unwrap();
    let folder = leak(&sandbox);
    let run = || {
        let args = "--leaked-in a.log --leaked-in b.json --yes --journal run.journal";
        delete(&sandbox, &folder, args).output().unwrap().status.code()
    };
    assert_eq!(run(), Some(0));
    let requests = sandbox.stats().requests;
    assert_eq!(run(), Some(0));
    assert_eq!(sandbox.stats().requests, requests);
    let journal = fs::read_to_string(folder.path().join("run.journal")).unwrap();
    assert!(!journal.contains("secret") && !journal.contains("s3cret"));
}

/// The token in use goes last, whatever it stands beside.
#[test]
fn the_own_token_goes_last() {
    let sandbox = Sandbox::builder().numbered(9).start().unwrap();
    let folder = leak(&sandbox);
    let args = "--leaked-in own.txt --leaked-in . --yes --allow-own-token --format ndjson";
    let output = delete(&sandbox, &folder, args).output().unwrap();
    let told = outcomes(&output.stdout);
    assert_eq!(told.len(), 3);
    assert_eq!(told[2]["id"], MAIN_TOKEN_ID);
    assert_eq!(sandbox.truth(MAIN_TOKEN_ID).status, Status::Deleted);
}
