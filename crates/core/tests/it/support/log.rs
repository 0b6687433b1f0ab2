//! A logger at trace level that takes every record of every crate, and looks for the secret in it.
//!
//! ureq's protocol crate logs what it reads and writes as rows of a hex dump, 16 bytes a row. The rows are put
//! together again here: a secret spread over rows is a secret shown.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, Once};

use log::{LevelFilter, Log, Metadata, Record};

use super::{SECRET, TOKEN};

static RECORDS: AtomicUsize = AtomicUsize::new(0);
static LEAKS: Mutex<Vec<String>> = Mutex::new(Vec::new());

thread_local! {
    /// What this thread's last rows of hex dump said together.
    static DUMP: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

struct Watchful;

impl Log for Watchful {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        if QUIET.get() {
            return;
        }
        RECORDS.fetch_add(1, Ordering::Relaxed);
        let text = record.args().to_string();
        if let Some(secret) = found_in(text.as_bytes()) {
            leak(format!("{}: {secret} in `{text}`", record.target()));
        }
        DUMP.with_borrow_mut(|dump| match row(&text) {
            Some(bytes) => {
                dump.extend(bytes);
                if let Some(secret) = found_in(dump) {
                    leak(format!("{}: {secret} in a hex dump", record.target()));
                    dump.clear();
                }
                // Enough to know a secret by that has only begun.
                let kept = dump.len().min(2 * TOKEN.len());
                dump.drain(..dump.len() - kept);
            }
            None => dump.clear(),
        });
    }

    fn flush(&self) {}
}

fn leak(what: String) {
    LEAKS.lock().unwrap().push(what);
}

/// The bytes of a row such as `4845 4c4c 4f-- HELLO`; `None` when it is not one.
fn row(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut groups = text.split(' ');
    for _ in 0..8 {
        let group = groups.next()?.as_bytes();
        if group.len() != 4 {
            return None;
        }
        for pair in group.chunks(2) {
            if pair != b"--" {
                bytes.push(u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?);
            }
        }
    }
    Some(bytes)
}

/// The name of the first way of writing the secret that is in these bytes.
fn found_in(bytes: &[u8]) -> Option<&'static str> {
    static SPELLINGS: LazyLock<[(&str, String); 4]> = LazyLock::new(|| {
        let in_url = SECRET.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D");
        [
            ("the API token", TOKEN.to_owned()),
            ("the secret", SECRET.to_owned()),
            ("the secret in JSON", SECRET.replace('/', "\\/")),
            ("the secret in a URL", in_url),
        ]
    });
    SPELLINGS.iter().find(|(_, needle)| memmem(bytes, needle.as_bytes())).map(|(name, _)| *name)
}

fn memmem(bytes: &[u8], needle: &[u8]) -> bool {
    let first = needle[0];
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == first) {
        rest = &rest[at..];
        if rest.starts_with(needle) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

/// Takes every record of this process from now on.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Watchful).unwrap();
        log::set_max_level(LevelFilter::Trace);
    });
}

/// Does not listen to this thread, as long as what is given back lives: for requests so long that their dump would
/// take minutes, and for what a log may show.
#[must_use]
pub(crate) fn quiet() -> Quiet {
    QUIET.set(true);
    Quiet
}

pub(crate) struct Quiet;

impl Drop for Quiet {
    fn drop(&mut self) {
        QUIET.set(false);
    }
}

/// How many records came so far.
pub(crate) fn records() -> usize {
    RECORDS.load(Ordering::Relaxed)
}

/// Fails when any record of this process held the secret.
#[track_caller]
pub(crate) fn assert_no_leak() {
    let leaks = LEAKS.lock().unwrap();
    assert!(leaks.is_empty(), "the log shows {leaks:#?}");
}

/// Fails when a text that a person may see holds the secret.
#[track_caller]
pub(crate) fn assert_no_secret(shown: &str) {
    if let Some(secret) = found_in(shown.as_bytes()) {
        panic!("{secret} stands in `{shown}`");
    }
}

#[test]
fn the_log_watches() {
    assert_eq!(
        row("4845 4c4c 4f-- ---- ---- ---- ---- ---- HELLO").as_deref(),
        Some(&b"HELLO"[..])
    );
    assert_eq!(row("DELETE http://127.0.0.1"), None);
    assert!(found_in(format!("Bearer {TOKEN}").as_bytes()).is_some());
    assert!(found_in(b"pr00f-secret").is_none());
}
