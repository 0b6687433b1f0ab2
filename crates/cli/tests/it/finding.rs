//! `mpt-tokens find`: whole command lines, and what is searched.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::Value;
use snapbox::{assert_data_eq, file};

use crate::program::{program, run};

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema = include_str!("../../../../docs/find.schema.json");
    jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap()
});

/// The lines of `find --format ndjson`, each as the schema says.
pub(crate) fn lines(stdout: &[u8]) -> Vec<Value> {
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        let errors: Vec<_> = SCHEMA.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{line}\nis not as the schema says: {errors:?}");
        value
    };
    std::str::from_utf8(stdout).unwrap().lines().map(line).collect()
}

fn find(folder: &Path, args: &[&str], input: &str) -> Output {
    run(program().current_dir(folder).arg("find").args(args), input)
}

/// One whole run as text, with a number in place of each fingerprint.
fn transcript(folder: &Path, args: &[&str], input: &str) -> String {
    let output = find(folder, args, input);
    let mut text = format!("$ mpt-tokens find {}\n", args.join(" "));
    let _ = writeln!(text, "? {}", output.status.code().unwrap());
    let mut known = Vec::new();
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            let _ = write!(text, "-- {name}\n{}", without_fingerprints(bytes, &mut known));
        }
    }
    if args.contains(&"--json") {
        lines(&output.stdout);
    }
    text
}

fn without_fingerprints(text: &[u8], known: &mut Vec<String>) -> String {
    let text = std::str::from_utf8(text).unwrap();
    let is_one = |word: &str| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut words = Vec::new();
    for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if !is_one(bare) {
            words.push(word.to_owned());
            continue;
        }
        let number = known.iter().position(|known| known == bare).unwrap_or_else(|| {
            known.push(bare.to_owned());
            known.len() - 1
        });
        words.push(word.replace(bare, &format!("[PRINT-{}]", number + 1)));
    }
    words.concat()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("app/.env", "MODE=test\nMPT_API_TOKEN=idt:TKN-1000-0001:s3cret-of-one\n");
    write(
        "app/client.ts",
        "const token = \"idt:TKN-1000-0001:s3cret-of-one\";\n// TKN-1000-0004 is dead\n",
    );
    write(
        "app/old.ts",
        "a(\"ü\", 'TKN-1000-0001:an-0lder-s3cret')\n// idt:TKN-1000-0002:s3cr...\n",
    );
    write(".gitignore", "*.log\n");
    write(
        "run.log",
        "got idt%3ATKN-1000-0003%3As3cret-of-three, again idt%3ATKN-1000-0003%3As3cret-of-three\n",
    );
    write("none.md", "Set `MPT_API_TOKEN` to `idt:TKN-XXXX-XXXX:<secret>`.\n");
    folder
}

/// `SNAPSHOTS=overwrite` writes them anew. They have the words and the paths of Unix.
#[test]
#[cfg(unix)]
fn whole_runs() {
    let folder = folder();
    let run = |args: &[&str]| transcript(folder.path(), args, "");
    let text = [
        run(&[]),
        run(&["--json", "app"]),
        run(&["-q", "app/client.ts", "run.log"]),
        run(&["--skip-hidden", "."]),
        run(&["--skip-ignored", "--skip-hidden", "app", "run.log"]),
        run(&["none.md"]),
        run(&["none.md", "/proc/self/mem", "nowhere", "app/.env"]),
        transcript(folder.path(), &["-"], "a\nb idt:TKN-1000-0001:s3cret-of-one\n"),
        transcript(folder.path(), &[], "idt:TKN-1000-0001:s3cret-of-one\n"),
        run(&["--format", "yaml"]),
    ];
    // As musl words it.
    let text = text.join("\n").replace("I/O error", "Input/output error");
    assert!(!text.contains("s3cret"), "{text}");
    assert_data_eq!(text, file!["snapshots/find.txt"].raw());
}

fn places(output: &Output) -> Vec<String> {
    let lines = lines(&output.stdout);
    let places = lines.iter().filter(|line| line["kind"] == "place");
    places
        .map(|line| {
            let path = line["path"].as_str().unwrap();
            let path = if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() };
            format!("{path}:{}:{}", line["line"], line["column"])
        })
        .collect()
}

/// Ignored and hidden files are searched, what git has compressed is not, and no link is followed.
#[test]
fn what_is_searched_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let value = "x idt:TKN-1000-0001:s3cret-of-one\n";
    fs::write(folder.path().join(".gitignore"), "*\n").unwrap();
    for path in [".env", ".git/config", ".git/objects/ab/cdef", "objects/a", "b.gz", "c.bin"] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value).unwrap();
    }
    fs::write(folder.path().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::write(folder.path().join("c.bin"), [b"\0\x01\xff\n", value.as_bytes()].concat()).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("secret"), value).unwrap();
    #[cfg(unix)]
    {
        let (secret, link) = (elsewhere.path().join("secret"), folder.path().join("link"));
        std::os::unix::fs::symlink(elsewhere.path(), link).unwrap();
        std::os::unix::fs::symlink(secret, folder.path().join("d")).unwrap();
    }
    // On Windows a link needs a right of its own.
    #[cfg(windows)]
    fs::rename(elsewhere.path().join("secret"), folder.path().join(".git/objects/d")).unwrap();
    let run = |args: &[&str]| places(&find(folder.path(), args, ""));
    let all = [".env:1:3", ".git/config:1:3", "b.gz:1:3", "c.bin:2:3", "objects/a:1:3"];
    assert_eq!(run(&["--json"]), all);
    assert_eq!(run(&["--json", "--skip-hidden"]), all[2..]);
    assert!(run(&["--json", "--skip-ignored"]).is_empty());
    // What is named is searched, whatever it is.
    #[cfg(unix)]
    assert_eq!(run(&["--json", "d", ".git/objects"]), ["d:1:3", ".git/objects/ab/cdef:1:3"]);
    #[cfg(windows)]
    assert_eq!(
        run(&["--json", ".git/objects"]),
        [".git/objects/ab/cdef:1:3", ".git/objects/d:1:3"]
    );
}

#[test]
fn gzip_is_unpacked_and_a_damaged_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    // What `printf 'a\nidt:TKN-1000-0001:s3cret-of-one\n' | gzip -n` makes.
    let deflated =
        miniz_oxide::deflate::compress_to_vec(b"a\nidt:TKN-1000-0001:s3cret-of-one\n", 6);
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    packed.extend(&deflated);
    let cut = packed.clone();
    fs::write(folder.path().join("cut.gz"), cut).unwrap();
    let output = find(folder.path(), &["--json"], "");
    assert_eq!(places(&output), ["cut.gz:2:1"]);
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: `cut.gz` cannot be read: "), "{stderr}");
}

/// Windows has no such names.
#[test]
#[cfg(unix)]
fn a_path_does_not_steer_the_terminal() {
    use std::os::unix::ffi::OsStrExt;

    let folder = tempfile::tempdir().unwrap();
    let name = std::ffi::OsStr::from_bytes(b"a\x1b[31m\n\xff");
    fs::write(folder.path().join(name), "idt:TKN-1000-0001:s3cret-of-one").unwrap();
    let stdout = String::from_utf8(find(folder.path(), &[], "").stdout).unwrap();
    assert!(stdout.starts_with("a\\u{1b}[31m\\u{a}\u{fffd}:1:1: TKN-1000-0001 "), "{stdout}");
    assert_eq!(stdout.lines().count(), 1);
}

/// Fingerprints are of one run: they tell values apart, and are of no use to anyone who has only them.
#[test]
fn fingerprints_differ_from_run_to_run() {
    let folder = folder();
    let prints = || -> Vec<String> {
        let lines = lines(&find(folder.path(), &["--json", "app"], "").stdout);
        let values = lines.iter().filter(|line| line["kind"] == "value");
        values.map(|line| line["fingerprint"].as_str().unwrap().to_owned()).collect()
    };
    let (one, two) = (prints(), prints());
    assert_eq!((one.len(), two.len()), (2, 2));
    assert!(one[0] != one[1] && one != two, "{one:?} {two:?}");
}

/// `mpt-tokens find | head -1` ends, and says that something was found.
#[test]
fn nobody_reads_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let text = "idt:TKN-1000-0001:s3cret-of-one\n".repeat(100_000);
    for name in 0..20 {
        fs::write(folder.path().join(name.to_string()), &text).unwrap();
    }
    let mut child = program()
        .current_dir(folder.path())
        .arg("find")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(1), &b""[..]));
}

#[test]
fn the_history_of_a_repository() {
    mpt_tokens_tools::needs!(mpt_tokens_tools::GIT);
    let folder = tempfile::tempdir().unwrap();
    let git = |args: &[&str]| {
        let output = Command::new("git")
            .current_dir(folder.path())
            .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "--quiet"]);
    for (text, message) in [("T=idt:TKN-1000-0001:s3cret-of-one\n", "add"), ("T=\n", "remove")] {
        fs::write(folder.path().join("config"), text).unwrap();
        git(&["add", "config"]);
        git(&["commit", "--quiet", "-m", message]);
    }
    assert_eq!(find(folder.path(), &["-q"], "").status.code(), Some(0));
    let output = find(folder.path(), &["--json", "-"], &git(&["log", "-p", "--all"]));
    let found = lines(&output.stdout);
    assert_eq!(found.last().unwrap()["places"], 2, "{found:?}");
}

#[test]
fn the_schema_is_printed() {
    let output = program().args(["schema", "--find"]).output().unwrap();
    assert_eq!(output.stdout, include_bytes!("../../../../docs/find.schema.json"));
}
