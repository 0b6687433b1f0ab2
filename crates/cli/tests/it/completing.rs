//! The completions, in the shells that they are for: what each offers is asked of the shell itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mpt_tokens_tools::{BASH, FISH, Tool, ZSH, needs};
use rstest::rstest;

use crate::program::program;

/// The script of a shell, in a file.
fn script(folder: &Path, shell: &str) -> PathBuf {
    let output = program().args(["completions", shell]).output().unwrap();
    assert!(output.status.success());
    let path = folder.join(shell);
    fs::write(&path, output.stdout).unwrap();
    path
}

/// What a shell prints.
fn told(shell: &str, args: &[&str]) -> String {
    let output = Command::new(shell).args(args).env("TERM", "dumb").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn tool(shell: &str) -> Tool {
    match shell {
        "bash" => BASH,
        "fish" => FISH,
        _ => unreachable!("{shell} is not asked here"),
    }
}

/// What is offered after `mpt-tokens` and these words, of which the last is being typed.
fn offered(shell: &str, words: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let script = script(folder.path(), shell);
    let script = script.display();
    let typed = format!("mpt-tokens {}", words.join(" "));
    let text = match shell {
        "bash" => {
            let (last, count) = (words.last().unwrap(), words.len());
            let before = if count > 1 { words[count - 2] } else { "mpt-tokens" };
            let list = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
            // As readline calls it: the command, the word that is typed, and the word before it.
            told(
                "bash",
                &[
                    "--norc",
                    "-c",
                    &format!(
                        "set -u; source '{script}'; complete -p mpt-tokens > '{script}.registered'; \
                         COMP_WORDS=(mpt-tokens {list}); COMP_CWORD={count}; COMP_LINE='{typed}'; \
                         function=$(sed 's/.*-F \\([^ ]*\\) .*/\\1/' '{script}.registered'); \
                         \"$function\" mpt-tokens '{last}' '{before}'; printf '%s\\n' \"${{COMPREPLY[@]}}\""
                    ),
                ],
            )
        }
        "fish" => told("fish", &["-N", "-c", &format!("source '{script}'; complete -C '{typed}'")]),
        _ => unreachable!("{shell} is not asked here"),
    };
    let words = text.lines().filter_map(|line| line.split_whitespace().next());
    words.map(str::to_owned).collect()
}

#[rstest]
#[case::verbs(&[""], &["delete", "sandbox", "completions", "man", "schema"])]
#[case::a_verb(&["del"], &["delete"])]
#[case::options_of_delete(&["delete", "--"], &["--from", "--journal", "--output", "--prove", "--base-url"])]
#[case::one_option_of_delete(&["delete", "--jou"], &["--journal"])]
#[case::after_an_id(&["delete", "TKN-1-1", "--con"], &["--concurrency"])]
#[case::options_of_sandbox(&["sandbox", "--"], &["--port", "--tokens", "--faults", "--fault-rate", "--outage"])]
#[case::values(&["delete", "--format", ""], &["text", "ndjson"])]
fn what_a_shell_offers(
    #[case] words: &[&str],
    #[case] expected: &[&str],
    #[values("bash", "fish")] shell: &str,
) {
    needs!(tool(shell));
    let offered = offered(shell, words);
    for word in expected {
        assert!(offered.iter().any(|offered| offered == word), "no {word} in {offered:?}");
    }
}

/// For fish, clap writes no values of what has no option's name.
#[test]
fn bash_offers_the_shells() {
    needs!(BASH);
    let offered = offered("bash", &["completions", ""]);
    for shell in ["bash", "zsh", "fish"] {
        assert!(offered.iter().any(|offered| offered == shell), "no {shell} in {offered:?}");
    }
}

/// zsh offers on a terminal only: that its script is taken, and knows the options, is what can be asked without one.
#[test]
fn zsh_takes_its_script() {
    needs!(ZSH);
    let folder = tempfile::tempdir().unwrap();
    let script = script(folder.path(), "zsh");
    let load = format!(
        "autoload -U compinit && compinit -D -u && source '{}' && which _mpt-tokens",
        script.display()
    );
    let function = told("zsh", &["-f", "-c", &load]);
    assert!(function.contains("--journal") && function.contains("--port"), "{function}");
}

/// The synopsis of each verb has the values of its options.
#[test]
fn the_manual_shows_what_each_option_takes() {
    let output = program().arg("man").output().unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    let bare =
        ["\\fB", "\\fI", "\\fR", "\\"].iter().fold(page, |page, mark| page.replace(mark, ""));
    let synopsis = |verb: &str| {
        let start = format!("mpt-tokens {verb} ");
        bare.lines().find(|line| line.starts_with(&start)).unwrap().to_owned()
    };
    for part in [
        "[--from FILE|-]",
        "[-y|--yes]",
        "[--journal FILE]",
        "[--format text|ndjson]",
        "[--timeout DUR]",
        "[--proxy URL|none]",
        "[-v|--verbose]",
        "[ID]...",
    ] {
        assert!(synopsis("delete").contains(part), "{part}: {}", synopsis("delete"));
    }
    assert!(synopsis("sandbox").contains("[--token ID]"), "{}", synopsis("sandbox"));
    assert!(synopsis("completions").ends_with("bash|elvish|fish|powershell|zsh"), "{bare}");
}
