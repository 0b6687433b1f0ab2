//! The journal: what is on disk when, what a next run makes of it, and what it refuses to touch.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use mpt_tokens::{
    ApiToken, Batch, BatchItem, BatchOptions, BatchSummary, Client, Code, Damage, Journal, Outcome,
    OutcomeKind, Pull,
};
use mpt_tokens_sandbox::{MAIN_TOKEN_ID, Sandbox, Status, numbered_id};
use rstest::rstest;
use serde_json::Value;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("run.journal")
    }

    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path()).unwrap();
        assert!(text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// A journal for `sandbox` as an earlier run left it, with `tail` after its last whole line.
    fn with(sandbox: &Sandbox, lines: &str, tail: impl AsRef<[u8]>) -> Place {
        let place = Place::new();
        let lines: String = lines.lines().map(sealed).collect();
        let whole = format!("{}{lines}", header(&sandbox.base_url(), MAIN_TOKEN_ID));
        fs::write(place.path(), [whole.as_bytes(), tail.as_ref()].concat()).unwrap();
        place
    }
}

fn header(base_url: &str, token_id: &str) -> String {
    sealed(&format!(
        r#"{{"journal":"mpt-tokens","version":2,"base_url":"{base_url}","token_id":"{token_id}"}}"#
    ))
}

/// An object as a line of a journal: with its checksum and its end.
fn sealed(object: &str) -> String {
    let members = object.strip_suffix('}').unwrap();
    format!("{members},\"crc32c\":\"{:08x}\"}}\n", crc32c(members.as_bytes()))
}

/// CRC-32C as RFC 3720 defines it, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ ((sum & 1) * 0x82f6_3b78))
    })
}

fn client(sandbox: &Sandbox) -> Client {
    Client::builder().base_url(sandbox.base_url()).api_token(sandbox.api_token()).build().unwrap()
}

fn open(place: &Place, sandbox: &Sandbox) -> Journal {
    Journal::open(place.path(), &client(sandbox)).unwrap()
}

fn drain<I>(mut batch: Batch<I>) -> (BTreeMap<String, Outcome>, BatchSummary)
where
    I: Iterator,
    I::Item: Into<Pull>,
{
    let outcomes =
        batch.by_ref().map(|outcome| (outcome.id().unwrap().to_owned(), outcome)).collect();
    (outcomes, batch.summary())
}

fn run(
    sandbox: &Sandbox,
    journal: &Journal,
    ids: &[&str],
) -> (BTreeMap<String, Outcome>, BatchSummary) {
    let options = BatchOptions::new().journal(journal.clone());
    drain(client(sandbox).batch(ids.iter().copied(), &options).unwrap())
}

#[test]
fn a_journal_holds_an_intent_and_an_outcome_for_each_token_tried() {
    let sandbox = Sandbox::start().unwrap();
    let place = Place::new();
    let journal = open(&place, &sandbox);
    assert_eq!(journal.resumed(), None);
    let (_, summary) = run(&sandbox, &journal, &["TKN-ok-1", "TKN-403-1", "..", "TKN-ok-1"]);
    assert_eq!((summary.total, summary.duplicates), (3, 1));
    let mut lines = place.lines();
    assert_eq!(lines[0]["base_url"], sandbox.base_url());
    assert_eq!(lines[0]["token_id"], MAIN_TOKEN_ID);
    assert!(lines[1]["run"].is_string());
    let text =
        |line: &Value| format!("{} {}", line["id"], line.get("intent").unwrap_or(&line["outcome"]));
    let mut rest: Vec<String> = lines.split_off(2).iter().map(text).collect();
    for id in ["TKN-403-1", "TKN-ok-1"] {
        let place_of =
            |what: &str| rest.iter().position(|line| *line == format!("\"{id}\" \"{what}\""));
        let kind = if id == "TKN-ok-1" { "deleted" } else { "not_deleted" };
        assert!(place_of("delete").unwrap() < place_of(kind).unwrap(), "{rest:?}");
    }
    rest.sort();
    assert_eq!(rest.len(), 4, "{rest:?}");
}

#[test]
fn what_is_dead_is_not_asked_again_and_what_is_open_is_asked_as_a_lost_answer() {
    let sandbox = Sandbox::builder().tokens(["TKN-1-6"]).start().unwrap();
    let place = Place::with(
        &sandbox,
        r#"{"id":"TKN-1-1","intent":"delete"}
{"id":"TKN-1-1","outcome":"deleted","code":"ok","http_status":204}
{"id":"TKN-1-2","intent":"delete"}
{"id":"TKN-1-2","outcome":"gone","code":"ok","http_status":404}
{"id":"TKN-1-3","intent":"delete"}
{"id":"TKN-1-4","intent":"delete"}
{"id":"TKN-1-4","outcome":"not_deleted","code":"not_found","http_status":404}
{"id":"TKN-1-5","intent":"delete"}
{"id":"TKN-1-5","outcome":"unknown","code":"timeout","http_status":null}
{"id":"TKN-1-6","intent":"delete"}
{"id":"TKN-403.always-7","intent":"delete"}
"#,
        "",
    );
    let ids = [
        "TKN-1-1",
        "TKN-1-2",
        "TKN-1-3",
        "TKN-1-4",
        "TKN-1-5",
        "TKN-1-6",
        "TKN-403.always-7",
        "TKN-1-1",
    ];
    let journal = open(&place, &sandbox);
    let resumed = journal.resumed().unwrap();
    assert_eq!((resumed.dead, resumed.open), (2, 4));
    let (outcomes, summary) = run(&sandbox, &journal, &ids);
    let found: Vec<_> =
        outcomes.iter().map(|(id, outcome)| (id.as_str(), outcome.kind())).collect();
    assert_eq!(
        found,
        [
            ("TKN-1-3", OutcomeKind::Gone),
            ("TKN-1-4", OutcomeKind::NotDeleted),
            ("TKN-1-5", OutcomeKind::Gone),
            ("TKN-1-6", OutcomeKind::Deleted),
            ("TKN-403.always-7", OutcomeKind::Unknown),
        ]
    );
    assert_eq!((summary.already_done, summary.duplicates), (2, 1));
    assert_eq!(sandbox.stats().requests, 5);

    // The same journal, once more in the same process, and then by another.
    let (outcomes, summary) = run(&sandbox, &journal, &ids);
    assert_eq!(outcomes.len(), 2, "only what lives, or may live, is asked again");
    assert_eq!(summary.already_done, 5);
    drop(journal);
    let journal = open(&place, &sandbox);
    assert_eq!(journal.resumed().unwrap().dead, 5);
    assert_eq!(run(&sandbox, &journal, &ids).1.already_done, 5);
}

#[test]
fn what_was_skipped_was_not_tried_by_the_next_runs_lights_either() {
    let sandbox = Sandbox::builder().numbered(100).start().unwrap();
    let place = Place::new();
    let journal = open(&place, &sandbox);
    let options = BatchOptions::new().journal(journal.clone());
    let mut batch = client(&sandbox).batch((1..=100).map(numbered_id), &options).unwrap();
    batch.next().unwrap();
    batch.stop();
    let (outcomes, _) = drain(batch);
    let skipped =
        outcomes.values().filter(|outcome| outcome.code() == Code::Skipped).count() as u64;
    drop((journal, options));
    let journal = open(&place, &sandbox);
    let resumed = journal.resumed().unwrap();
    assert_eq!(resumed.open, 0);
    assert_eq!(resumed.dead, 1 + outcomes.len() as u64 - skipped);
    let options = BatchOptions::new().journal(journal);
    let (outcomes, summary) =
        drain(client(&sandbox).batch((1..=100).map(numbered_id), &options).unwrap());
    assert!(outcomes.values().all(|outcome| outcome.kind() == OutcomeKind::Deleted));
    assert_eq!(summary.deleted + summary.already_done, 100);
    assert_eq!(sandbox.stats().requests, 100, "a token that was known to be dead was asked again");
}

#[rstest]
#[case::half_a_line(r#"{"id":"TKN-1-2","inte"#)]
#[case::no_end_of_line(sealed(r#"{"id":"TKN-1-2","intent":"delete"}"#).trim_end().to_owned())]
#[case::zeros("\0\0\0\0\0\0\0\0")]
#[case::half_a_line_and_zeros("{\"id\":\"TKN-1-2\",\"inte\0\0\0")]
#[case::many_zeros("\0".repeat(200_000))]
#[case::half_a_line_and_many_zeros(format!("{{\"id\":\"TK{}", "\0".repeat(200_000)))]
#[case::half_a_character("{\"id\":\"\u{fffd}")]
fn a_torn_end_is_taken_away(#[case] torn: impl AsRef<[u8]>) {
    let sandbox = Sandbox::builder().tokens(["TKN-1-1", "TKN-1-2"]).start().unwrap();
    let whole = "{\"id\":\"TKN-1-1\",\"intent\":\"delete\"}\n{\"id\":\"TKN-1-1\",\"outcome\":\"deleted\"}\n";
    let place = Place::with(&sandbox, whole, torn);
    let journal = open(&place, &sandbox);
    let resumed = journal.resumed().unwrap();
    assert_eq!((resumed.dead, resumed.damage), (1, None));
    let (outcomes, _) = run(&sandbox, &journal, &["TKN-1-1", "TKN-1-2"]);
    assert_eq!(outcomes["TKN-1-2"].kind(), OutcomeKind::Deleted);
    drop(journal);
    assert_eq!(open(&place, &sandbox).resumed().unwrap().dead, 2);
    place.lines();
}

/// More than a torn end: what was there may have been on disk, and its request may have left.
#[rstest]
#[case::a_line_whose_end_was_changed([sealed(r#"{"id":"TKN-1-2","intent":"delete"}"#).trim_end(), "\u{b}"].concat())]
#[case::other_text("buy milk")]
#[case::zeros_and_more("\0\0\0{")]
#[case::a_long_text("x".repeat(200_000))]
fn an_end_that_is_more_than_torn_is_damaged(#[case] tail: String) {
    let sandbox = Sandbox::start().unwrap();
    let place = Place::with(&sandbox, "{\"id\":\"TKN-1-1\",\"outcome\":\"deleted\"}\n", &tail);
    let journal = open(&place, &sandbox);
    let resumed = journal.resumed().unwrap();
    assert_eq!(resumed.dead, 1);
    let damage = resumed.damage.unwrap();
    assert_eq!((damage.lines, damage.first, damage.last), (1, 3, 3));
    let (outcomes, _) = run(&sandbox, &journal, &["TKN-1-1", "TKN-1-2", "TKN-ok-1"]);
    assert_eq!(outcomes.len(), 2);
    let outcome = &outcomes["TKN-1-2"];
    assert_eq!((outcome.kind(), outcome.code()), (OutcomeKind::Unknown, Code::NotFound));
    assert!(outcome.message().contains("a damaged line of the journal"), "{}", outcome.message());
    drop(journal);
    // What follows is not glued to it, and is not forgotten.
    let resumed = open(&place, &sandbox).resumed().unwrap();
    assert_eq!((resumed.dead, resumed.damage), (2, Some(damage)));
}

#[rstest]
#[case::empty("")]
#[case::one_byte("{")]
#[case::half(r#"{"journal":"mpt-tokens","version":2,"ba"#)]
#[case::half_and_zeros("{\"journal\":\"mpt-tokens\",\"vers\0\0\0")]
#[case::zeros("\0\0\0\0\0\0\0\0")]
fn a_first_line_that_was_torn_is_written_again(#[case] torn: &str) {
    let sandbox = Sandbox::start().unwrap();
    let place = Place::new();
    fs::write(place.path(), torn).unwrap();
    let journal = open(&place, &sandbox);
    assert_eq!(journal.resumed(), None);
    assert_eq!(place.lines()[0]["journal"], "mpt-tokens");
}

#[rstest]
#[case::notes("buy milk\n", "is not a journal, and was not changed")]
#[case::notes_without_end("buy milk", "is not a journal, and was not changed")]
#[case::json("{\"id\":\"TKN-1-1\"}\n", "is not a journal, and was not changed")]
#[case::many_zeros("\0".repeat(100_000), "is not a journal, and was not changed")]
#[case::before(
    "{\"journal\":\"mpt-tokens\",\"version\":1,\"base_url\":\"x\"}\n",
    "has format 1, of a version before"
)]
#[case::later(
    "{\"journal\":\"mpt-tokens\",\"version\":3,\"base_url\":\"x\"}\n",
    "has format 3, which"
)]
#[case::elsewhere(
    header("https://elsewhere.example", MAIN_TOKEN_ID),
    "is for `https://elsewhere.example`"
)]
#[case::damaged(header("http://127.0.0.1", MAIN_TOKEN_ID).to_uppercase().replace("\"JOURNAL\":\"MPT-TOKENS", "\"journal\":\"mpt-tokens"), "is damaged in its first two lines")]
fn what_is_not_a_journal_for_this_api_is_left_as_it_is(
    #[case] text: impl Into<String>,
    #[case] why: &str,
) {
    let text = text.into();
    let sandbox = Sandbox::start().unwrap();
    let place = Place::new();
    fs::write(place.path(), &text).unwrap();
    let error = Journal::open(place.path(), &client(&sandbox)).unwrap_err();
    assert!(error.to_string().contains(why), "{error}");
    assert_eq!(error.code(), Code::InvalidConfig);
    assert_eq!(fs::read_to_string(place.path()).unwrap(), text);
}

/// A damaged line says nothing, and what it may have been about is in doubt: neither skipped, nor `gone`, nor
/// `not_deleted`, also when it is asked again.
#[test]
fn a_damaged_line_is_told_and_puts_what_it_may_have_been_about_in_doubt() {
    let sandbox = Sandbox::builder().tokens(["TKN-1-5"]).start().unwrap();
    let place = Place::with(
        &sandbox,
        r#"{"id":"TKN-1-1","outcome":"deleted"}
{"id":"TKN-1-2","intent":"delete"}
{"id":"TKN-1-3","outcome":"not_deleted"}
{"id":"TKN-1-9","outcome":"deleted"}
{"id":"TKN-1-6","intent":"delete"}
{"id":"TKN-1-7","outcome":"not_deleted"}
"#,
        "",
    );
    let text = fs::read_to_string(place.path()).unwrap();
    fs::write(place.path(), text.replace("TKN-1-9", "TKN-1-8")).unwrap();
    let ids: Vec<String> = (1..=8).map(|n| format!("TKN-1-{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    for again in [false, true] {
        let journal = open(&place, &sandbox);
        let resumed = journal.resumed().unwrap();
        let Damage { lines, first, last, .. } = resumed.damage.unwrap();
        assert_eq!((lines, first, last), (1, 5, 5));
        let (outcomes, summary) = run(&sandbox, &journal, &ids);
        let told: Vec<_> =
            outcomes.iter().map(|(id, outcome)| (id.as_str(), outcome.kind())).collect();
        let settled = [("TKN-1-5", OutcomeKind::Deleted), ("TKN-1-6", OutcomeKind::Gone)];
        let expected: Vec<_> = [
            ("TKN-1-2", OutcomeKind::Unknown),
            ("TKN-1-3", OutcomeKind::Unknown),
            ("TKN-1-4", OutcomeKind::Unknown),
            settled[0],
            settled[1],
            ("TKN-1-7", OutcomeKind::NotDeleted),
            ("TKN-1-8", OutcomeKind::Unknown),
        ]
        .into_iter()
        .filter(|row| !again || !settled.contains(row))
        .collect();
        assert_eq!(told, expected);
        assert_eq!(summary.already_done, if again { 3 } else { 1 });
    }
    // The caller may say that what is not there is as good as deleted.
    let journal = open(&place, &sandbox);
    let options = BatchOptions::new().journal(journal).missing_ok(true);
    let (outcomes, _) = drain(client(&sandbox).batch(ids, &options).unwrap());
    assert!(outcomes.values().all(|outcome| outcome.kind() == OutcomeKind::Gone));
}

/// Every bit of a journal is changed in turn: no living token counts as dead, and none that is dead as alive.
#[test]
fn no_bit_that_flips_makes_the_journal_lie() {
    let sandbox = Sandbox::builder().tokens(["TKN-1-1"]).start().unwrap();
    let dead = ["TKN-1-1", "TKN-answerlost-1", "TKN-answer502.403.always-1"];
    let alive = ["TKN-403.always-1", "TKN-404.always-1"];
    let ids = [dead.as_slice(), &alive].concat();
    let place = Place::new();
    run(&sandbox, &open(&place, &sandbox), &ids[..2]);
    run(&sandbox, &open(&place, &sandbox), &ids);
    let sound = fs::read(place.path()).unwrap();
    for id in dead {
        assert_eq!(sandbox.truth(id).status, Status::Deleted);
    }

    let flipped = Place::new();
    let client = client(&sandbox);
    let mut flips = 0_u64;
    // Under wine it is one bit of each byte.
    let bits = crate::support::size(8) as usize;
    for byte in 0..sound.len() {
        for bit in (0..bits).map(|bit| (bit + byte) % 8) {
            let mut bytes = sound.clone();
            bytes[byte] ^= 1 << bit;
            fs::write(flipped.path(), &bytes).unwrap();
            let journal = Journal::look(flipped.path(), &client)
                .unwrap_or_else(|error| panic!("bit {bit} of byte {byte}: {error}"));
            assert!(journal.resumed().unwrap().damage.is_some(), "bit {bit} of byte {byte}");
            let options = BatchOptions::new().journal(journal);
            let asked: Vec<_> = client.dry_run(ids.iter().copied(), &options).unwrap().collect();
            for id in alive {
                let asked = asked.iter().any(|outcome| outcome.id() == Some(id));
                assert!(asked, "bit {bit} of byte {byte}: {id} counts as dead");
            }
            flips += 1;
        }
        // One bit in every fourth byte goes on to the requests, and to a run after that one.
        if byte % 4 != 0 {
            continue;
        }
        let bit = byte / 4 % 8;
        let mut bytes = sound.clone();
        bytes[byte] ^= 1 << bit;
        fs::write(flipped.path(), &bytes).unwrap();
        for _ in 0..2 {
            let (outcomes, _) = run(&sandbox, &open(&flipped, &sandbox), &ids);
            for (id, outcome) in &outcomes {
                let lie = match outcome.kind() {
                    OutcomeKind::Deleted | OutcomeKind::Gone => alive.contains(&id.as_str()),
                    OutcomeKind::NotDeleted => dead.contains(&id.as_str()),
                    OutcomeKind::Unknown => false,
                };
                assert!(!lie, "bit {bit} of byte {byte}: {}", outcome.message());
            }
        }
    }
    assert!(flips > crate::support::size(1_500), "{flips}");
    for id in alive {
        assert_ne!(sandbox.truth(id).status, Status::Deleted);
    }
}

/// What one account cannot see is `gone` for it, and may live for another.
#[rstest]
#[case::named("idt:TKN-0000-0002:some-other-secret", "is of a run with the token `TKN-0000-0001`")]
#[case::unnamed("some-other-secret", "would be made with a token without an id")]
fn a_journal_belongs_to_one_token(#[case] other: &str, #[case] why: &str) {
    let sandbox = Sandbox::start().unwrap();
    let place = Place::new();
    let with = |token: &str| {
        Client::builder().base_url(sandbox.base_url()).api_token(token).build().unwrap()
    };
    let journal = open(&place, &sandbox);
    let error = Journal::look(place.path(), &with(other)).unwrap_err();
    assert!(error.to_string().contains(why), "{error}");
    let options = BatchOptions::new().journal(journal);
    let error = with(other).batch(["TKN-1-1"], &options).unwrap_err();
    assert!(error.to_string().contains(why), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");

    // The other way round; and two values without an id are told apart by a digest, which is another in each journal.
    let (one, two) = (Place::new(), Place::new());
    for place in [&one, &two] {
        drop(Journal::open(place.path(), &with(other)).unwrap());
        drop(Journal::open(place.path(), &with(other)).unwrap());
        assert!(Journal::open(place.path(), &client(&sandbox)).is_err());
        assert!(Journal::open(place.path(), &with("a-third-secret")).is_err());
        assert!(!fs::read_to_string(place.path()).unwrap().contains("secret"));
    }
    if !other.starts_with("idt:") {
        assert_ne!(one.lines()[0]["token_hmac"], two.lines()[0]["token_hmac"]);
    }
}

#[test]
fn a_journal_in_use_is_refused_until_its_run_has_ended() {
    let sandbox = Sandbox::start().unwrap();
    let place = Place::new();
    let journal = open(&place, &sandbox);
    let error = Journal::open(place.path(), &client(&sandbox)).unwrap_err();
    assert!(error.to_string().contains("is in use by another run"), "{error}");
    drop(journal);
    open(&place, &sandbox);
}

#[test]
fn a_journal_serves_one_batch_at_a_time_and_one_base_url() {
    let sandbox = Sandbox::builder().numbered(4).start().unwrap();
    let place = Place::new();
    let journal = open(&place, &sandbox);
    let options = BatchOptions::new().journal(journal.clone());
    let batch = client(&sandbox).batch((1..=2).map(numbered_id), &options).unwrap();
    let error = client(&sandbox).batch(["TKN-1-1"], &options).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.to_string().contains("is in use by another batch"), "{error}");
    drop(batch);
    let (_, summary) = drain(client(&sandbox).batch((1..=2).map(numbered_id), &options).unwrap());
    assert_eq!(summary.total + summary.already_done, 2);

    let elsewhere =
        Client::builder().base_url("http://127.0.0.1:9").api_token("x").build().unwrap();
    let error = elsewhere.batch(["TKN-1-1"], &options).unwrap_err();
    assert_eq!(error.code(), Code::InvalidConfig);
}

#[rstest]
#[case::a_folder("", "is not a file")]
#[case::no_such_folder("missing/run.journal", "cannot be opened")]
fn a_place_that_cannot_be_written_is_refused(#[case] name: &str, #[case] why: &str) {
    let sandbox = Sandbox::start().unwrap();
    let place = Place::new();
    let error = Journal::open(place.folder.path().join(name), &client(&sandbox)).unwrap_err();
    assert!(error.to_string().contains(why), "{error}");
}

#[test]
fn looking_at_a_journal_changes_nothing_and_tells_what_would_be_done() {
    let sandbox = Sandbox::start().unwrap();
    let place =
        Place::with(&sandbox, "{\"id\":\"TKN-1-1\",\"outcome\":\"deleted\"}\n", "{\"id\":\"to");
    let before = fs::read(place.path()).unwrap();
    let journal = Journal::look(place.path(), &client(&sandbox)).unwrap();
    let options = BatchOptions::new().journal(journal);
    let mut would_do = client(&sandbox).dry_run(["TKN-1-1", "TKN-1-2"], &options).unwrap();
    let outcomes: Vec<Outcome> = would_do.by_ref().collect();
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0].id(), Some("TKN-1-2"));
    assert_eq!(would_do.already_done(), 1);
    assert_eq!(fs::read(place.path()).unwrap(), before);
    let error = client(&sandbox).batch(["TKN-1-2"], &options).unwrap_err();
    assert!(error.to_string().contains("open it for a batch"), "{error}");
    assert_eq!(sandbox.stats().requests, 0);

    let nowhere = place.folder.path().join("nowhere");
    assert_eq!(Journal::look(&nowhere, &client(&sandbox)).unwrap().resumed(), None);
    assert!(!nowhere.exists());
}

/// The intent is written before the request leaves: seen while the server holds the answer back.
#[rstest]
fn an_intent_is_on_disk_while_its_request_is_under_way(#[values(1, 8)] concurrency: usize) {
    let sandbox = Sandbox::start().unwrap();
    let place = Place::new();
    let journal = open(&place, &sandbox);
    let cancel = mpt_tokens::Cancel::new();
    let options = BatchOptions::new().concurrency(concurrency).journal(journal).cancel(&cancel);
    let id = "TKN-answersilent.always-1";
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert!(sandbox.wait_for_requests(id, 1, std::time::Duration::from_secs(30)));
            let lines = place.lines();
            cancel.cancel();
            assert_eq!(lines.last().unwrap()["intent"], "delete");
            assert_eq!(lines.last().unwrap()["id"], id);
        });
        let (outcomes, _) = drain(client(&sandbox).batch([id], &options).unwrap());
        assert_eq!(outcomes[id].kind(), OutcomeKind::Unknown);
    });
    assert_eq!(place.lines().last().unwrap()["outcome"], "unknown");
    assert_eq!(sandbox.truth(id).status, Status::Deleted);
}

#[test]
fn a_value_that_is_given_as_an_id_is_in_no_journal() {
    let sandbox = Sandbox::start().unwrap();
    let place = Place::new();
    let journal = open(&place, &sandbox);
    let (outcomes, _) = run(&sandbox, &journal, &["idt:TKN-1-1:very-secret"]);
    assert_eq!(outcomes.values().next().unwrap().code(), Code::InvalidTokenId);
    assert!(!fs::read_to_string(place.path()).unwrap().contains("secret"));
}

fn with_value(sandbox: &Sandbox, id: &str) -> BatchItem {
    let mut item = BatchItem::from(id);
    item.value = Some(ApiToken::new(sandbox.value_of(id)).unwrap());
    item
}

/// A proof that failed is asked for again, and one that was had is not: the journal knows of both.
#[rstest]
fn the_journal_knows_what_is_proven(#[values(1, 8)] concurrency: usize) {
    let ids = ["TKN-ok.503-1", "TKN-ok-2", "TKN-ok-3"];
    let sandbox = Sandbox::start().unwrap();
    let place = Place::new();
    let client = Client::builder()
        .base_url(sandbox.base_url())
        .api_token(sandbox.api_token())
        .attempts(1)
        .build()
        .unwrap();
    let run = |values: &[&str]| {
        let options = BatchOptions::new()
            .concurrency(concurrency)
            .journal(Journal::open(place.path(), &client).unwrap())
            .prove(true);
        let items = ids.map(|id| match values.contains(&id) {
            true => with_value(&sandbox, id),
            false => BatchItem::from(id),
        });
        let (outcomes, summary) = drain(client.batch(items, &options).unwrap());
        let proven: Vec<_> = outcomes
            .values()
            .map(|outcome| {
                let proven = outcome.proof().map(mpt_tokens::Proof::is_proven);
                (outcome.id().unwrap().to_owned(), outcome.kind(), proven)
            })
            .collect();
        (proven, summary.total, summary.already_done, summary.without_value)
    };
    let told = |id: &str, kind, proven| (id.to_owned(), kind, proven);
    let (first, total, done, without) = run(&ids[..2]);
    let deleted = OutcomeKind::Deleted;
    assert_eq!(
        first,
        [
            told("TKN-ok-2", deleted, Some(true)),
            told("TKN-ok-3", deleted, None),
            told("TKN-ok.503-1", deleted, Some(false)),
        ]
    );
    assert_eq!((total, done, without), (3, 0, 1));
    // Only what is not proven, and only with a value.
    let again = vec![told("TKN-ok.503-1", deleted, Some(true))];
    assert_eq!(run(&ids[..2]), (again, 0, 3, 1));
    let requests = sandbox.stats().requests;
    assert_eq!(run(&ids[..2]), (vec![], 0, 3, 1));
    assert_eq!(sandbox.stats().requests, requests, "what is proven was asked for again");
    let last = vec![told("TKN-ok-3", deleted, Some(true))];
    assert_eq!(run(&ids), (last, 0, 3, 0));
    assert_eq!(run(&[]), (vec![], 0, 3, 0));
}

/// A value that comes after its id is kept for the proof, whether the token is under way or done.
#[rstest]
fn a_value_that_comes_after_its_id_proves_it(#[values(1, 8)] concurrency: usize) {
    let sandbox = Sandbox::builder().numbered(50).start().unwrap();
    let id = "TKN-1000-0001";
    for gap in [0, 40] {
        let sandbox =
            if gap == 0 { &sandbox } else { &Sandbox::builder().numbered(50).start().unwrap() };
        let options = BatchOptions::new().concurrency(concurrency).prove(true);
        let others = (2..2 + gap).map(|n| BatchItem::from(numbered_id(n)));
        let items = [BatchItem::from(id), BatchItem::from(id)]
            .into_iter()
            .chain(others)
            .chain([with_value(sandbox, id), with_value(sandbox, id)]);
        let mut batch = client(sandbox).batch(items, &options).unwrap();
        let outcomes: Vec<Outcome> =
            batch.by_ref().filter(|outcome| outcome.id() == Some(id)).collect();
        let summary = batch.summary();
        let told: Vec<_> = outcomes
            .iter()
            .map(|outcome| (outcome.kind(), outcome.proof().map(mpt_tokens::Proof::is_proven)))
            .collect();
        assert_eq!(told, [(OutcomeKind::Deleted, None), (OutcomeKind::Deleted, Some(true))]);
        assert!(outcomes[1].attempts().is_empty());
        assert_eq!((summary.total, summary.duplicates), (gap + 1, 3));
        assert_eq!((summary.deleted, summary.gone, summary.without_value), (gap + 1, 0, gap));
    }
}
