//! How tests run the program: arguments in; exit status, standard output and standard error out.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use mpt_tokens_sandbox::Sandbox;
use serde_json::Value;

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema = include_str!("../../../../docs/outcome.schema.json");
    jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap()
});

/// Whether a line is as the schema says. Every line of JSON that a test sees goes through here.
pub(crate) fn outcome(line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap_or_else(|why| panic!("{line}: {why}"));
    let errors: Vec<String> = SCHEMA.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{line}\nis not as the schema says: {errors:?}");
    value
}

/// The outcomes that a run printed as NDJSON.
pub(crate) fn outcomes(stdout: &[u8]) -> Vec<Value> {
    std::str::from_utf8(stdout).unwrap().lines().map(outcome).collect()
}

/// The program, without anything of the environment that it could read.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mpt-tokens"));
    for name in [
        "MPT_API_TOKEN",
        "MPT_API_BASE_URL",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "https_proxy",
        "http_proxy",
        "all_proxy",
        "no_proxy",
        "NO_COLOR",
        "CLICOLOR_FORCE",
    ] {
        command.env_remove(name);
    }
    command.env("COLUMNS", "100").stdin(Stdio::null());
    command
}

/// The program, set up for a sandbox.
pub(crate) fn program_for(sandbox: &Sandbox) -> Command {
    let mut command = program();
    command.env("MPT_API_BASE_URL", sandbox.base_url()).env("MPT_API_TOKEN", sandbox.api_token());
    command
}

/// One whole run as text: arguments, exit status, standard output, standard error. What differs from run to run is
/// named instead.
pub(crate) fn transcript(command: &mut Command) -> String {
    transcript_with(command, "")
}

/// As [`transcript`], with something on standard input.
pub(crate) fn transcript_with(command: &mut Command, input: &str) -> String {
    let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    let mut text = format!("$ mpt-tokens {}\n", arguments.join(" "));
    let api = command
        .get_envs()
        .find(|(name, _)| *name == "MPT_API_BASE_URL")
        .and_then(|(_, value)| Some(value?.to_str()?.to_owned()));
    let output = run(command, input);
    let _ = writeln!(text, "? {}", output.status.code().expect("it was not killed"));
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        let printed = String::from_utf8(bytes.clone()).unwrap();
        if printed.is_empty() {
            continue;
        }
        let _ = writeln!(text, "-- {name}");
        for line in printed.lines() {
            if name == "stdout" && line.starts_with("{\"") {
                let _ = writeln!(text, "{}", steady(outcome(line)));
            } else {
                let _ = writeln!(text, "{line}");
            }
        }
    }
    if let Some(api) = api {
        text = text.replace(&api, "[API]");
    }
    timeless(&text)
}

pub(crate) fn run(command: &mut Command, input: &str) -> Output {
    if input.is_empty() {
        return command.output().unwrap();
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input closes it; what it then says is what the test looks at.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// An outcome without its times and trace ids.
fn steady(mut value: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members.iter_mut() {
                    match name.as_str() {
                        "elapsed_ms" | "waited_ms" => *value = 0.into(),
                        "at" => *value = "2026-01-01T00:00:00.000Z".into(),
                        "trace_id" if value.is_string() => *value = "[TRACE]".into(),
                        "traceId" => *value = "[TRACE]".into(),
                        _ => walk(value),
                    }
                }
            }
            Value::Array(list) => list.iter_mut().for_each(walk),
            _ => {}
        }
    }
    walk(&mut value);
    value
}

/// `in 0.1 s` is `in [TIME]`, and the port of a sandbox inside the program is not told.
pub(crate) fn timeless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut line = line.to_owned();
        if let Some(start) = line.find(" in ").map(|at| at + 4) {
            let rest = &line[start..];
            if let Some(len) = rest.find(" s").filter(|len| rest[..*len].parse::<f64>().is_ok()) {
                line.replace_range(start..start + len + 2, "[TIME]");
            }
        }
        if let Some(start) = line.find("http://127.0.0.1:") {
            let end = line[start + 17..].find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
            line.replace_range(start..start + 17 + end, "[API]");
        }
        out.push_str(&line);
    }
    out
}
