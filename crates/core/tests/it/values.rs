//! What is a token value: in every spelling it is refused as an id, and its secret is never shown.

use mpt_tokens::{
    ApiToken, BatchItem, BatchOptions, Client, Code, TokenId, find_values, redact_values,
};
use mpt_tokens_sandbox::Sandbox;
use proptest::prelude::*;
use rstest::rstest;

const ID: &str = "TKN-1111-2222";
const SECRET: &str = "abcdefghijklmnopqrst";

/// Every spelling stands for a way that a value is copied.
#[rstest]
#[case::usual("idt:TKN-1111-2222:abcdefghijklmnopqrst", "idt:TKN-1111-2222:<redacted>")]
#[case::no_prefix("TKN-1111-2222:abcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::eight("TKN-1111-2222:abcdefgh", "TKN-1111-2222:<redacted>")]
#[case::three_groups("TKN-1111-2222-3333:abcdefghijklmnopqrst", "TKN-1111-2222-3333:<redacted>")]
#[case::small_letters("tkn-1111-2222:abcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::percent("TKN-1111-2222%3Aabcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::percent_twice(
    "idt%253ATKN-1111-2222%253aabcdefghijklmnopqrst",
    "idt:TKN-1111-2222:<redacted>"
)]
#[case::percent_thrice("TKN-1111-2222%25253Aabcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::percent_all("%54%4B%4E%2D1111%2D2222%3Aabcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::json(r"TKN-1111-2222\u003aabcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::json_twice(
    r"idt\\u003aTKN-1111-2222\\u003aabcdefghijklmnopqrst",
    "idt:TKN-1111-2222:<redacted>"
)]
#[case::hex(r"TKN-1111-2222\x3aabcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::rust(r"TKN-1111-2222\u{3a}abcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::html("TKN-1111-2222&#58;abcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::html_hex("TKN-1111-2222&#x3A;abcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::html_name(
    "idt&colon;TKN-1111-2222&colon;abcdefghijklmnopqrst",
    "idt:TKN-1111-2222:<redacted>"
)]
#[case::fullwidth_colon("TKN-1111-2222\u{ff1a}abcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::modifier_colon(
    "idt\u{a789}TKN-1111-2222\u{a789}abcdefghijklmnopqrst",
    "idt:TKN-1111-2222:<redacted>"
)]
#[case::ratio("TKN-1111-2222\u{2236}abcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::triangular_colon("TKN-1111-2222\u{2d0}abcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::hebrew_colon("TKN-1111-2222\u{5c3}abcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::percent_fullwidth("TKN-1111-2222%EF%BC%9Aabcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::json_fullwidth(r"TKN-1111-2222\uff1aabcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::fullwidth_all(
    "\u{ff34}\u{ff2b}\u{ff2e}\u{ff0d}1111\u{ff0d}2222\u{ff1a}abcdefghijklmnopqrst",
    "TKN-1111-2222:<redacted>"
)]
#[case::zero_width("TKN-1111-2222:abcde\u{200b}fghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::zero_width_colon(
    "TKN-1111-2222\u{200b}:\u{200b}abcdefghijklmnopqrst",
    "TKN-1111-2222:<redacted>"
)]
#[case::zero_width_id(
    "T\u{2060}KN-1111\u{ad}-2222:abcdefghijklmnopqrst",
    "TKN-1111-2222:<redacted>"
)]
#[case::marked("\u{feff}TKN-1111-2222:abcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::zero_width_twice(
    "i\u{200d}dt:TKN-1111-2222:abcdefg\u{200d}hijklmnopqrst",
    "idt:TKN-1111-2222:<redacted>"
)]
#[case::escaped_zero_width(r"TKN-1111-2222:abcde\u200bfghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::other_dash("TKN\u{2011}1111\u{2013}2222:abcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::other_letters("\u{422}\u{41a}N-1111-2222:abcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::spaces("TKN-1111-2222 : abcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::wrapped("idt:TKN-1111-2222:abcdefghij\nklmnopqrst", "idt:TKN-1111-2222:<redacted>")]
#[case::wrapped_early("TKN-1111-2222:abcd\r\n  efghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::wrapped_at_the_colon(
    "idt:TKN-1111-2222:\nabcdefghijklmnopqrst",
    "idt:TKN-1111-2222:<redacted>"
)]
#[case::wrapped_before_the_colon(
    "TKN-1111-2222\n:abcdefghijklmnopqrst",
    "TKN-1111-2222:<redacted>"
)]
#[case::utf16(
    "T\u{0}K\u{0}N\u{0}-\u{0}1\u{0}-\u{0}2\u{0}:\u{0}a\u{0}b\u{0}c\u{0}d\u{0}e\u{0}f\u{0}g\u{0}h\u{0}",
    "TKN-1-2:<redacted>"
)]
#[case::comma("TKN-1111-2222,abcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::semicolon("TKN-1111-2222;abcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::equals("TKN-1111-2222=abcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::tab("TKN-1111-2222\tabcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::member("\"TKN-1111-2222\": \"abcdefghijklmnopqrst\"", "TKN-1111-2222:<redacted>")]
#[case::mark_that_is_no_tab("\\tkn-0-0&#58;a0AA000a", "TKN-0-0:<redacted>")]
#[case::redacted("TKN-1111-2222:<redacted>", "TKN-1111-2222:<redacted>")]
#[case::setting("MPT_API_TOKEN=TKN-1111-2222:abcdefghijklmnopqrst", "TKN-1111-2222:<redacted>")]
#[case::url(
    "https://h.example/?t=TKN-1111-2222%3Aabcdefghijklmnopqrst",
    "TKN-1111-2222:<redacted>"
)]
fn a_value_is_no_id(#[case] text: &str, #[case] shown: &str) {
    let error = TokenId::new(text).unwrap_err();
    assert_eq!(error.shown(), shown);
    assert!(error.to_string().contains("is a token value, not a token id"), "{error}");
    let item = BatchItem::from(text);
    for told in [error.to_string(), format!("{error:?}"), format!("{item:?}")] {
        assert!(!(0..SECRET.len() - 4).any(|at| told.contains(&SECRET[at..at + 4])), "{told}");
    }
}

/// Nor does it get through a client, alone or in a batch, to the log or to the server.
#[rstest]
#[case("TKN-1111-2222:abcdefghijklmnopqrst")]
#[case("TKN-1111-2222%3aabcdefghijklmnopqrst")]
#[case("TKN-1111-2222:abcdefghij\nklmnopqrst")]
fn a_value_is_not_sent(#[case] text: &str) {
    let sandbox = Sandbox::start().unwrap();
    let client = Client::builder()
        .base_url(sandbox.base_url())
        .api_token(sandbox.api_token())
        .missing_ok(true)
        .build()
        .unwrap();
    let error = client.delete_token(text).unwrap_err();
    assert_eq!(
        (error.code(), error.id()),
        (Code::InvalidTokenId, Some("TKN-1111-2222:<redacted>"))
    );
    let outcomes: Vec<_> = client.batch([text], &BatchOptions::new()).unwrap().collect();
    assert_eq!(outcomes[0].code(), Code::InvalidTokenId);
    assert!(!format!("{error:?} {outcomes:?}").contains("klmnop"));
    assert_eq!(sandbox.stats().connections, 0);
}

#[rstest]
#[case::id("TKN-1111-2222")]
#[case::row("TKN-1000-0003,owner,Active")]
#[case::note("TKN-1000-0004 found in CI")]
#[case::short("TKN-1111-2222:note")]
#[case::words("TKN-1000-0003 production, deployed")]
#[case::two("TKN-1000-0003, TKN-1000-0004")]
#[case::date("TKN-1000-0003 2026-01-02")]
#[case::one_group("TKN-1111:abcdefghijklmnopqrst")]
#[case::letters("TKN-ok-1:abcdefghijklmnopqrst")]
#[case::no_digits("TKN--:abcdefghijklmnopqrst")]
#[case::prefix_only("idt:TKN-1111-2222")]
#[case::other("ALS-1111-2222:abcdefghijklmnopqrst")]
fn other_text_is_no_value(#[case] text: &str) {
    assert_eq!(TokenId::new(text).unwrap().as_str(), text);
    assert!(find_values(text).is_empty());
    assert_eq!(redact_values(text), text);
}

#[rstest]
#[case::usual("idt:TKN-1111-2222:abcdefghijklmnopqrst")]
#[case::quoted("\"idt:TKN-1111-2222:abcdefghijklmnopqrst\"")]
#[case::bearer("Bearer idt:TKN-1111-2222:abcdefghijklmnopqrst")]
#[case::no_prefix("TKN-1111-2222:abcdefghijklmnopqrst")]
#[case::percent("idt%3ATKN-1111-2222%3Aabcdefghijklmnopqrst")]
#[case::json(r"idt\u003atkn-1111-2222\u003aabcdefghijklmnopqrst")]
#[case::colons("IDT\u{ff1a}TKN-1111-2222\u{a789}abcdefghijklmnopqrst")]
#[case::zero_width("\u{feff}idt:TKN-1111-2222:abcde\u{200b}fghijklmnopqrst")]
fn a_value_is_read_in_any_spelling(#[case] text: &str) {
    let server = Sandbox::builder().secret(SECRET).tokens([ID]).record(8).start().unwrap();
    let token = ApiToken::from_text(text).unwrap();
    assert_eq!(token.token_id(), Some(ID));
    let client = Client::builder()
        .base_url(server.base_url())
        .api_token(server.api_token())
        .build()
        .unwrap();
    client.delete_token(ID).unwrap();
    let _ = client.prove_deleted(&token).unwrap();
    let asked = format!("Bearer idt:{ID}:{SECRET}");
    let recorded = server.recorded();
    assert!(recorded.iter().any(|request| request.header("authorization") == Some(&*asked)));
}

/// A value in another form is asked about in the API's own: in its own it would be answered 401 in any case.
#[test]
fn a_proof_asks_with_the_value_as_the_api_knows_it() {
    let sandbox = Sandbox::builder().tokens([ID]).start().unwrap();
    let client = Client::builder()
        .base_url(sandbox.base_url())
        .api_token(sandbox.api_token())
        .build()
        .unwrap();
    let value = sandbox.value_of(ID).replace("idt:", "").replace(':', "%3A");
    let proof = client.prove_deleted(&ApiToken::new(value).unwrap()).unwrap();
    assert!(!proof.is_proven(), "the token was alive: {proof}");
    assert_eq!(sandbox.truth(ID).requests, 1);
}

#[test]
fn a_value_with_more_around_it_is_none() {
    for text in [
        "MPT_API_TOKEN=idt:TKN-1111-2222:abcdefghijklmnopqrst",
        "idt:TKN-1111-2222:abcdefghijklmnopqrst # found in CI",
        "src/a.env:3: TKN-1111-2222:abcdefghijklmnopqrst",
        "TKN-1111-2222",
        "",
    ] {
        assert!(ApiToken::from_text(text).is_none(), "{text}");
    }
}

#[test]
fn values_are_found_where_they_stand() {
    let text = "a \"idt:TKN-1-1:abcdefgh\", b=TKN-2-2%3Aabcdefghi&c idt:TKN-3-3:abcdefgh$x TKN-4-4: abcdefgh";
    let found = find_values(text);
    let told: Vec<_> = found
        .iter()
        .map(|found| (found.token_id(), &text[found.range()], found.value().is_some()))
        .collect();
    assert_eq!(
        told,
        [
            ("TKN-1-1", "idt:TKN-1-1:abcdefgh", true),
            ("TKN-2-2", "TKN-2-2%3Aabcdefghi", true),
            ("TKN-3-3", "idt:TKN-3-3:abcdefgh", false),
        ]
    );
    assert_eq!(
        redact_values(text),
        "a \"idt:TKN-1-1:<redacted>\", b=TKN-2-2:<redacted> idt:TKN-3-3:<redacted> TKN-4-4:<redacted>"
    );
}

/// A value, and one of the ways in which it may be written.
fn spelled() -> impl Strategy<Value = (String, String)> {
    let way = prop::sample::select(vec![
        ":", "%3A", "%3a", "%253A", r"\u003a", r"\\u003A", "\u{ff1a}", "\u{a789}", "&#58;",
    ]);
    let unseen = prop::sample::select(vec!["", "\u{200b}", "\u{ad}", "\u{feff}", "\u{202e}"]);
    let id = "(idt:)?TKN-[0-9]{1,4}-[0-9]{1,4}(-[0-9]{4})?";
    (id, "[A-Za-z0-9]{8,40}", way, unseen, any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(id, secret, way, unseen, at, small)| {
            let mut text = format!("{id}:{secret}");
            text.insert_str(at.index(text.len()), unseen);
            if small {
                text = text.replace("TKN", "tkn");
            }
            (text.replace(':', way), secret)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_part_of_a_secret_is_shown(
        (text, secret) in spelled(),
        before in "[ -~\n]{0,10}",
        after in "([ \n,;].{0,10})?",
    ) {
        let whole = format!("{before}{text}{after}");
        let error = TokenId::new(whole.as_str()).unwrap_err();
        let told = format!("{error} {error:?}");
        let redacted = redact_values(&text);
        for part in secret.as_bytes().windows(8) {
            let part = std::str::from_utf8(part).unwrap();
            // By chance, the text before has it.
            prop_assume!(!before.contains(part) && !after.contains(part));
            prop_assert!(!told.contains(part), "{told}");
            prop_assert!(!redacted.contains(part), "{redacted}");
        }
        let token = ApiToken::from_text(&text).unwrap();
        prop_assert!(text.to_ascii_uppercase().replace(|c: char| !c.is_ascii(), "").contains("TKN"));
        prop_assert!(token.token_id().unwrap().starts_with("TKN-"));
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>(), odd in r"[%\\&#xu{};:0-9a-fTKNidt\-]{0,60}") {
        for text in [text, odd] {
            let _ = (find_values(&text), redact_values(&text), TokenId::new(text.as_str()), ApiToken::from_text(&text));
        }
    }

    #[test]
    fn what_is_usual_is_an_id(text in "[A-Za-z0-9._-]{1,40}") {
        if TokenId::unusual_at(&text).is_none() {
            prop_assert_eq!(TokenId::new(text.as_str()).unwrap().segment(), text);
        }
    }
}

#[rstest]
#[case("TKN-1671-0642", None)]
#[case("TKN-1671-0642-0001", None)]
#[case("a1b2.c_d", None)]
#[case("TKN-1671-0642,owner", Some(13))]
#[case("\"TKN-1671-0642\"", Some(0))]
#[case("tkn-1671-0642", Some(0))]
#[case("TkN-1671-0642", Some(1))]
#[case("TKN-1000-0001.TKN-1000-0002", Some(14))]
#[case("x-TKN-1000-0001", Some(2))]
#[case("TKN-1671-0642.", Some(13))]
#[case("-TKN", Some(0))]
#[case("..", Some(0))]
#[case("TKN\u{2011}1", Some(3))]
#[case("a~b", Some(1))]
#[case("", None)]
fn what_an_id_looks_like(#[case] text: &str, #[case] at: Option<usize>) {
    assert_eq!(TokenId::unusual_at(text), at);
}
