//! What messages show of ids, paths and URLs: nothing that a terminal could take for an order, or a reader not see.

use std::ops::ControlFlow;
use std::path::Path;

use mpt_tokens::{
    ApiToken, BatchItem, BatchOptions, CaBundle, Client, Code, DeleteOptions, Journal, Outcome,
    OutcomeKind, is_unprintable,
};
use mpt_tokens_sandbox::{MAIN_TOKEN_ID, Sandbox};

use crate::support::{TOKEN, once};

/// C0, C1, bidirectional controls, separators of lines, and what has no width.
const ODD: [&str; 12] = [
    "\u{1b}[2J",
    "\r",
    "\u{7f}",
    "\u{9b}31m",
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
    "\u{ad}",
    "\u{feff}",
    "\u{2028}",
    "\u{3164}",
    "\u{e0041}",
];

fn client(sandbox: &Sandbox) -> Client {
    Client::builder().base_url(sandbox.base_url()).api_token(sandbox.api_token()).build().unwrap()
}

/// Fails where a text has such a character, or does not name them.
fn assert_fit(text: &str, odd: &str) {
    let bad = text.chars().find(|c| is_unprintable(*c));
    assert_eq!(bad, None, "{}", text.escape_debug());
    let named: String = odd
        .chars()
        .map(|c| if is_unprintable(c) { c.escape_unicode().to_string() } else { c.to_string() })
        .collect();
    assert!(text.contains(&named), "`{named}` is not in `{text}`");
}

fn assert_outcome(outcome: &Outcome, odd: &str, kind: OutcomeKind) {
    assert_eq!(outcome.kind(), kind, "{outcome:?}");
    assert_fit(outcome.message(), odd);
}

#[test]
fn of_one_call() {
    for odd in ODD {
        let id = format!("TKN-{odd}-1");
        let sandbox = Sandbox::builder().tokens([id.as_str()]).start().unwrap();
        let client = client(&sandbox);
        let missing_ok = DeleteOptions::new().missing_ok(true);
        let deleted: Outcome = client.delete_token(&id).into();
        if deleted.code() == Code::InvalidTokenId {
            // A control character: the message is all that there is.
            assert_outcome(&deleted, odd, OutcomeKind::NotDeleted);
        } else {
            assert_outcome(&deleted, odd, OutcomeKind::Deleted);
            let missing: Outcome = client.delete_token(&id).into();
            assert_outcome(&missing, odd, OutcomeKind::NotDeleted);
            let gone: Outcome = client.delete_token_with(&id, &missing_ok).into();
            assert_outcome(&gone, odd, OutcomeKind::Gone);
            let after = DeleteOptions::new().after_lost_answer(true);
            let unknown: Outcome = once("http://127.0.0.1:9").delete_token_with(&id, &after).into();
            assert_outcome(&unknown, odd, OutcomeKind::Unknown);
        }
        for refused in [format!("..{odd}"), format!("a/{odd}"), format!("{TOKEN}{odd}")] {
            let outcome: Outcome = client.delete_token(&refused).into();
            assert_eq!(outcome.code(), Code::InvalidTokenId, "{refused:?}");
            let bad = outcome.message().chars().find(|c| is_unprintable(*c));
            assert_eq!(bad, None, "{}", outcome.message().escape_debug());
        }
        let own: Outcome = client.delete_token(format!("{MAIN_TOKEN_ID}{odd}")).into();
        let bad = own.message().chars().find(|c| is_unprintable(*c));
        assert_eq!((own.kind(), bad), (OutcomeKind::NotDeleted, None), "{}", own.message());
    }
}

#[test]
fn of_a_batch() {
    for odd in ODD {
        let id = format!("TKN-{odd}-1");
        let sandbox = Sandbox::builder().tokens([id.as_str()]).start().unwrap();
        let client = client(&sandbox);
        let mut item = BatchItem::from(id.as_str());
        // Another token's value: there is no proof, and that says why.
        item.value = Some(ApiToken::new(TOKEN).unwrap());
        let options = BatchOptions::new().prove(true);
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("list.journal");
        for replayed in [false, true] {
            let options =
                options.clone().replay(true).journal(Journal::open(&journal, &client).unwrap());
            client
                .delete_tokens([item.clone()], &options, |outcome| {
                    assert_fit(outcome.message(), odd);
                    if outcome.is_success() {
                        assert_eq!(outcome.from_journal(), replayed);
                        let proof = outcome.proof().expect("a proof was asked for");
                        assert_fit(&proof.to_string(), odd);
                    }
                    ControlFlow::Continue(())
                })
                .unwrap();
        }
        // Pulled, and not tried.
        let stopped = BatchOptions::new().concurrency(1);
        let ids = ["TKN-1-1", id.as_str(), id.as_str()];
        client
            .delete_tokens(ids, &stopped, |outcome| {
                if outcome.id() == Some(&id) {
                    assert_fit(outcome.message(), odd);
                }
                ControlFlow::Break(())
            })
            .unwrap();
    }
}

#[test]
fn of_paths_and_urls() {
    let sandbox = Sandbox::start().unwrap();
    let client = client(&sandbox);
    for odd in ODD {
        let path = format!("/nowhere/{odd}");
        let path = Path::new(&path);
        let journal = Journal::open(path, &client).unwrap_err();
        assert_fit(&journal.to_string(), odd);
        assert_fit(mpt_tokens::Error::from(journal).message(), odd);
        let bundle = CaBundle::from_file(path).unwrap_err();
        assert_fit(&bundle.to_string(), odd);
        for url in [format!("https://{odd}"), format!("ftp://x/{odd}"), format!("https://x/?{odd}")]
        {
            if let Err(error) = Client::builder().base_url(url).api_token(TOKEN).build() {
                let bad = error.message().chars().find(|c| is_unprintable(*c));
                assert_eq!(bad, None, "{}", error.message().escape_debug());
            }
        }
        assert_fit(mpt_tokens::Error::invalid_argument(format!("`{odd}`")).message(), odd);
    }
}
