//! What a caller can hand in: ids, base URLs, API tokens, limits. Each is refused with a sentence, or reaches the
//! server as exactly what was meant.

use std::time::Duration;

use mpt_tokens::{
    ApiToken, CaBundle, Client, Code, DEFAULT_BASE_URL, DeleteOptions, Endpoint, OutcomeKind,
    Proxy, TokenId,
};
use mpt_tokens_sandbox::{MAIN_TOKEN_ID, Sandbox};
use rstest::rstest;

const COLLECTION: &str = "/public/v1/accounts/api-tokens/";

fn client(sandbox: &Sandbox) -> Client {
    Client::builder().base_url(sandbox.base_url()).api_token(sandbox.api_token()).build().unwrap()
}

#[rstest]
#[case::ordinary("TKN-1671-0642", "TKN-1671-0642")]
#[case::unreserved("a-b.c_d~e", "a-b.c_d~e")]
#[case::query("x?y=1", "x%3Fy%3D1")]
#[case::fragment("x#f", "x%23f")]
#[case::space("a b", "a%20b")]
#[case::not_ascii("ünï", "%C3%BCn%C3%AF")]
#[case::dots_inside("a..b", "a..b")]
#[case::three_dots("...", "...")]
#[case::plus("a+b", "a%2Bb")]
#[case::quotes("\"'`", "%22%27%60")]
#[case::emoji("🔑", "%F0%9F%94%91")]
#[case::colon("a:b", "a%3Ab")]
#[case::bracket("[a]", "%5Ba%5D")]
#[case::ellipsis("\u{2026}", "%E2%80%A6")]
#[case::other_dash("TKN\u{2011}1", "TKN%E2%80%911")]
#[case::row("TKN-1000-0003,owner,Active", "TKN-1000-0003%2Cowner%2CActive")]
#[case::note("TKN-1000-0004 found in CI", "TKN-1000-0004%20found%20in%20CI")]
fn an_id_reaches_the_server_as_that_very_id(#[case] id: &str, #[case] segment: &str) {
    let sandbox = Sandbox::builder().tokens([id]).record(4).start().unwrap();
    let deletion = client(&sandbox).delete_token(id).unwrap();
    assert_eq!(deletion.kind(), OutcomeKind::Deleted);
    assert_eq!(deletion.id(), Some(id));
    let recorded = sandbox.recorded();
    assert_eq!(recorded.len(), 1);
    assert_eq!(recorded[0].method, "DELETE");
    assert_eq!(recorded[0].target, format!("{COLLECTION}{segment}"));
    assert_eq!(sandbox.truth(id).deleted_by, Some(1));
    assert_eq!(sandbox.strays(), Vec::<String>::new());
}

#[test]
fn an_id_of_256_bytes_is_taken() {
    let id = "x".repeat(256);
    let sandbox = Sandbox::builder().tokens([id.as_str()]).start().unwrap();
    assert_eq!(client(&sandbox).delete_token(&id).unwrap().kind(), OutcomeKind::Deleted);
}

#[rstest]
#[case::empty("", "the token id is empty")]
#[case::dot(".", "`.` would reach another resource")]
#[case::dots("..", "`..` would reach another resource")]
#[case::line_break("TKN-0000-0002\r\nX: y", "has a control character")]
#[case::nul("TKN-0000\0", "has a control character")]
#[case::escape("\u{1b}[2J", "has a control character")]
#[case::c1("TKN\u{85}", "has a control character")]
#[case::long(&"x".repeat(300), "has 300 bytes: expected at most 256")]
#[case::long_in_bytes(&"ü".repeat(129), "has 258 bytes: expected at most 256")]
#[case::token_value("idt:TKN-1671-0642:s3cret-s3cret", "is a token value, not a token id")]
#[case::bearer("Bearer idt:TKN-1671-0642:s3cret-s3cret", "is a token value, not a token id")]
#[case::quoted("\"idt:TKN-1671-0642:s3cret-s3cret\"", "is a token value, not a token id")]
#[case::other_letters("IDT:TKN-1671-0642:s3cret-s3cret", "is a token value, not a token id")]
#[case::setting("T=idt:TKN-1671-0642:s3cret-s3cret\r", "is a token value, not a token id")]
#[case::long_value(&format!("idt:TKN:s3cret{}", "x".repeat(300)), "is a token value, not a token id")]
#[case::slash("a/b", "has `/`, which a server or a proxy may take for a part of the path")]
#[case::backslash("a\\b", "has `\\`")]
#[case::percent("%2e%2e", "has `%`")]
#[case::semicolon("a;b=c", "has `;`")]
#[case::way_up("../x", "has `/`")]
#[case::way_up_encoded("..%2Fusers%2FUSR-1", "has `%`")]
#[case::way_up_encoded_twice("..%252Fusers", "has `%`")]
#[case::url("https://elsewhere.example/", "has `/`")]
#[case::fullwidth_slash("a\u{ff0f}b", "(U+FF0F)")]
#[case::fullwidth_backslash("a\u{ff3c}b", "(U+FF3C)")]
#[case::fullwidth_percent("a\u{ff05}2fb", "(U+FF05)")]
#[case::fullwidth_semicolon("a\u{ff1b}b", "(U+FF1B)")]
#[case::small_percent("a\u{fe6a}2fb", "(U+FE6A)")]
#[case::greek_question_mark("a\u{37e}b", "(U+037E)")]
#[case::care_of("\u{2105}", "(U+2105)")]
#[case::half("\u{bd}", "(U+00BD)")]
#[case::division_slash("a\u{2215}b", "(U+2215)")]
#[case::fullwidth_dots("\u{ff0e}\u{ff0e}", "would reach another resource")]
#[case::two_dot_leader("\u{2025}", "would reach another resource")]
#[case::dots_and_nothing_seen(".\u{200b}.", "would reach another resource")]
#[case::dots_and_spaces(" .. ", "would reach another resource")]
fn an_id_that_could_do_harm_is_refused(#[case] id: &str, #[case] expected: &str) {
    let sandbox = Sandbox::start().unwrap();
    let error = client(&sandbox).delete_token(id).unwrap_err();
    assert_eq!((error.code(), error.kind()), (Code::InvalidTokenId, OutcomeKind::NotDeleted));
    assert!(error.to_string().contains(expected), "{error}");
    assert!(!error.to_json().contains("s3cret"), "{error:?}");
    assert!(!error.to_string().chars().any(char::is_control), "{error}");
    assert_eq!(sandbox.stats().connections, 0);
}

#[rstest]
#[case::plain(
    DEFAULT_BASE_URL,
    "https://api.platform.softwareone.com/public/v1/accounts/api-tokens/T"
)]
#[case::slash("https://h.example/", "https://h.example/public/v1/accounts/api-tokens/T")]
#[case::slashes("https://h.example///", "https://h.example/public/v1/accounts/api-tokens/T")]
#[case::public("https://h.example/public", "https://h.example/public/v1/accounts/api-tokens/T")]
#[case::pasted("https://h.example/public/v1", "https://h.example/public/v1/accounts/api-tokens/T")]
#[case::pasted_slash(
    "https://h.example/public/v1/",
    "https://h.example/public/v1/accounts/api-tokens/T"
)]
#[case::whole_path(
    "https://h.example/public/v1/accounts/api-tokens",
    "https://h.example/public/v1/accounts/api-tokens/T"
)]
#[case::whole_path_behind_a_prefix(
    "https://h.example/mpt/public/v1/accounts/api-tokens/",
    "https://h.example/mpt/public/v1/accounts/api-tokens/T"
)]
#[case::prefix("https://h.example/mpt", "https://h.example/mpt/public/v1/accounts/api-tokens/T")]
#[case::prefix_pasted(
    "https://h.example/mpt/public/v1",
    "https://h.example/mpt/public/v1/accounts/api-tokens/T"
)]
#[case::port("https://h.example:8443", "https://h.example:8443/public/v1/accounts/api-tokens/T")]
#[case::default_port("https://h.example:443", "https://h.example/public/v1/accounts/api-tokens/T")]
#[case::upper_case("HTTPS://H.Example", "https://h.example/public/v1/accounts/api-tokens/T")]
#[case::around("  https://h.example\n", "https://h.example/public/v1/accounts/api-tokens/T")]
#[case::ipv6(
    "https://[2001:db8::1]:8443",
    "https://[2001:db8::1]:8443/public/v1/accounts/api-tokens/T"
)]
#[case::loopback("http://127.0.0.1:8080", "http://127.0.0.1:8080/public/v1/accounts/api-tokens/T")]
#[case::loopback_net("http://127.9.9.9", "http://127.9.9.9/public/v1/accounts/api-tokens/T")]
#[case::loopback_v6("http://[::1]:8080", "http://[::1]:8080/public/v1/accounts/api-tokens/T")]
#[case::localhost("http://localhost:8080", "http://localhost:8080/public/v1/accounts/api-tokens/T")]
#[case::punycode(
    "https://xn--mnchen-3ya.example",
    "https://xn--mnchen-3ya.example/public/v1/accounts/api-tokens/T"
)]
#[case::upper_case_punycode(
    "https://XN--Mnchen-3YA.example:8443/mpt",
    "https://xn--mnchen-3ya.example:8443/mpt/public/v1/accounts/api-tokens/T"
)]
#[case::underscore(
    "https://mpt_api.example",
    "https://mpt_api.example/public/v1/accounts/api-tokens/T"
)]
#[case::backslashes(
    "https:\\\\h.example\\mpt",
    "https://h.example/mpt/public/v1/accounts/api-tokens/T"
)]
#[case::short_address("http://127.1", "http://127.0.0.1/public/v1/accounts/api-tokens/T")]
fn a_good_base_url(#[case] given: &str, #[case] expected: &str) {
    let endpoint = Endpoint::new(given, false).unwrap();
    assert_eq!(endpoint.token_url(&TokenId::new("T").unwrap()), expected);
}

#[rstest]
#[case::empty("", "is empty")]
#[case::blank("  ", "is empty")]
#[case::no_scheme("api.platform.softwareone.com", "is not a URL")]
#[case::host_and_port("localhost:8080", "is not http or https")]
#[case::ftp("ftp://h.example", "is not http or https")]
#[case::file("file:///etc/passwd", "is not http or https")]
#[case::user("https://user@h.example", "has user info")]
#[case::password("https://user:s3cret-s3cret@h.example", "has user info")]
#[case::query("https://h.example?token=s3cret-s3cret", "has a query")]
#[case::empty_query("https://h.example/?", "has a query")]
#[case::fragment("https://h.example/#x", "has a fragment")]
#[case::other_letters("https://münchen.example", "not ASCII")]
#[case::letters_that_look_alike("https://аpi.platform.softwareone.com", "not ASCII")]
#[case::other_letters_in_the_path("https://h.example/mü", "not ASCII")]
#[case::inner_space("https://h.example/a b", "has a space or a control character")]
#[case::line_break("https://h.exa\nmple/", "has a space or a control character")]
#[case::plain_http("http://h.example", "would send the API token unencrypted")]
#[case::not_loopback("http://localhost.h.example", "would send the API token unencrypted")]
#[case::private("http://192.168.0.1", "would send the API token unencrypted")]
#[case::any("http://0.0.0.0", "would send the API token unencrypted")]
#[case::no_host("https://", "is not a URL")]
#[case::port("https://h.example:99999", "is not a URL")]
#[case::brace("https://{account}.example", "has a host with characters that no host name has")]
#[case::encoded_host("https://h%2eexample", "has a host with characters")]
#[case::quoted("https://\"h.example\"", "has a host with characters")]
#[case::brackets("https://[h.example]", "has a host with characters")]
#[case::bracket("https://[::1", "has a host with characters")]
#[case::not_an_address("https://[1:2]", "is not a URL")]
#[case::comma("https://a,b", "has a host with characters")]
#[case::backslash("https:\\\\h,x\\y", "has a host with characters")]
#[case::behind_user_info("https://user:s3cret-s3cret@h{x", "has a host with characters")]
#[case::a_token(
    "https://h.example/public/v1/accounts/api-tokens/TKN-1",
    "has the path of the API tokens in it"
)]
#[case::no_version("https://h.example/accounts/api-tokens", "has the path of the API tokens in it")]
#[case::long(&format!("https://h.example/{}", "p".repeat(2040)), "is longer than 2048 bytes")]
fn a_base_url_that_cannot_be_used(#[case] given: &str, #[case] expected: &str) {
    let error = Client::builder().api_token("t").base_url(given).build().unwrap_err();
    assert_eq!((error.code(), error.kind()), (Code::InvalidConfig, OutcomeKind::NotDeleted));
    assert!(error.to_string().contains(expected), "{error}");
    assert!(
        error.to_string().contains("expected one such as `https://api.platform.softwareone.com`")
    );
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    assert_eq!(error.id(), None);
}

#[test]
fn plain_http_elsewhere_can_be_allowed() {
    Client::builder()
        .api_token("t")
        .base_url("http://h.example")
        .allow_plain_http(true)
        .build()
        .unwrap();
}

/// A token that does not name itself is known by its text.
#[rstest]
#[case::itself("s3cret-opaque-s3cret")]
#[case::inside("id=s3cret-opaque-s3cret;")]
#[case::cut_when_shown(&format!("{}s3cret-opaque-s3cret{}", "x".repeat(50), "x".repeat(200)))]
fn the_api_token_in_use_is_no_id(#[case] id: &str) {
    let sandbox = Sandbox::start().unwrap();
    let builder = Client::builder().base_url(sandbox.base_url()).api_token("s3cret-opaque-s3cret");
    let error = builder.build().unwrap().delete_token(id).unwrap_err();
    assert_eq!((error.code(), error.kind()), (Code::InvalidTokenId, OutcomeKind::NotDeleted));
    assert!(error.to_string().contains("holds the API token in use"), "{error}");
    assert_eq!(error.id(), Some("<redacted>"));
    assert!(!error.to_json().contains("s3cret"), "{error:?}");
    assert_eq!(sandbox.stats().connections, 0);
}

/// What is refused now may have been deleted before.
#[test]
fn the_own_token_after_a_lost_answer_is_not_said_to_be_alive() {
    let sandbox = Sandbox::start().unwrap();
    let options = DeleteOptions::new().after_lost_answer(true);
    let error = client(&sandbox).delete_token_with(MAIN_TOKEN_ID, &options).unwrap_err();
    assert_eq!((error.code(), error.kind()), (Code::OwnToken, OutcomeKind::Unknown));
    assert!(error.to_string().contains("it may be deleted"), "{error}");
}

#[rstest]
#[case::plain("abc.def", "abc.def")]
#[case::bearer("Bearer abc", "abc")]
#[case::lower("bearer abc", "abc")]
#[case::around(" \tabc\n", "abc")]
#[case::bearer_around("  Bearer   abc \r\n", "abc")]
#[case::looks_like_it("Bearerabc", "Bearerabc")]
fn an_api_token_goes_out_as_it_was_meant(#[case] given: &str, #[case] expected: &str) {
    let sandbox = Sandbox::builder().record(1).start().unwrap();
    let client = Client::builder().base_url(sandbox.base_url()).api_token(given).build().unwrap();
    let error = client.delete_token("TKN-ok-1").unwrap_err();
    assert_eq!(error.code(), Code::Unauthorized);
    let sent = sandbox.recorded()[0].header("authorization").unwrap().to_owned();
    assert_eq!(sent, format!("Bearer {expected}"));
}

#[rstest]
#[case::empty("", "is empty")]
#[case::blank(" \n", "is empty")]
#[case::bearer("Bearer ", "is empty")]
#[case::line_break("abc\ndef", "has a space or a control character inside")]
#[case::injection("abc\r\nX-Evil: 1", "has a space or a control character inside")]
#[case::space("abc def", "has a space or a control character inside")]
#[case::nul("abc\0", "has a space or a control character inside")]
#[case::not_ascii("abcü", "has a character outside ASCII")]
fn an_api_token_that_cannot_be_a_header(#[case] given: &str, #[case] expected: &str) {
    assert!(ApiToken::new(given).unwrap_err().to_string().contains(expected));
    let error = Client::builder().api_token(given).build().unwrap_err();
    assert_eq!((error.code(), error.kind()), (Code::InvalidConfig, OutcomeKind::NotDeleted));
    assert!(error.to_string().contains(expected), "{error}");
    assert!(!error.to_string().contains("abc"), "{error}");
}

#[test]
fn a_client_without_a_token_says_where_it_comes_from() {
    let error = Client::builder().build().unwrap_err();
    assert_eq!(error.to_string(), "the API token is empty: set MPT_API_TOKEN or give one");
}

#[rstest]
#[case::form("idt:TKN-1671-0642:abc", Some("TKN-1671-0642"))]
#[case::colons("idt:TKN-1671-0642:a:b:c", Some("TKN-1671-0642"))]
#[case::no_prefix("TKN-1671-0642:s3cret-s3cret", Some("TKN-1671-0642"))]
#[case::no_prefix_no_secret("TKN-1671-0642:abc", None)]
#[case::three_groups("idt:TKN-1671-0642-0001:abc", Some("TKN-1671-0642-0001"))]
#[case::three_groups_no_prefix("TKN-1671-0642-0001:s3cret-s3cret", Some("TKN-1671-0642-0001"))]
#[case::percent("idt%3ATKN-1671-0642%3as3cret-s3cret", Some("TKN-1671-0642"))]
#[case::percent_twice("idt%253ATKN-1671-0642%253As3cret-s3cret", Some("TKN-1671-0642"))]
#[case::json("idt\\u003aTKN-1671-0642\\u003As3cret-s3cret", Some("TKN-1671-0642"))]
#[case::small("idt:tkn-1671-0642:s3cret-s3cret", Some("TKN-1671-0642"))]
#[case::more("token=idt:TKN-1671-0642:s3cret-s3cret", None)]
#[case::no_secret("idt:TKN-1671-0642:", None)]
#[case::no_id("idt::abc", None)]
#[case::jwt("eyJh.eyJz.abc", None)]
fn a_value_names_its_own_token(#[case] value: &str, #[case] id: Option<&str>) {
    assert_eq!(ApiToken::new(value).unwrap().token_id(), id);
}

#[test]
fn the_own_token_is_refused_unless_allowed() {
    let sandbox = Sandbox::start().unwrap();
    let own = mpt_tokens_sandbox::MAIN_TOKEN_ID;
    // A server may not care for case, or for white space around an id.
    for spelling in [
        own,
        &own.to_lowercase(),
        &format!(" {own} "),
        &own.replace('T', "t"),
        &format!("\u{feff}{own}"),
        &format!("{own}\u{200b}"),
        &own.replace('-', "-\u{ad}"),
        &own.replace('-', "\u{2011}"),
        &own.replace("TKN", "\u{ff34}\u{ff2b}\u{ff2e}"),
    ] {
        let error = client(&sandbox).delete_token(spelling).unwrap_err();
        assert_eq!((error.code(), error.kind()), (Code::OwnToken, OutcomeKind::NotDeleted));
    }
    assert_eq!(sandbox.stats().connections, 0);

    let options = mpt_tokens::DeleteOptions::new().allow_own_token(true);
    let deletion = client(&sandbox).delete_token_with(own, &options).unwrap();
    assert_eq!(deletion.kind(), OutcomeKind::Deleted);
    let after = client(&sandbox).delete_token("TKN-ok-1").unwrap_err();
    assert_eq!(after.code(), Code::Unauthorized);
}

#[test]
fn a_request_says_who_asks_and_in_which_trace() {
    let sandbox = Sandbox::builder().record(1).start().unwrap();
    let client = Client::builder()
        .base_url(sandbox.base_url())
        .api_token(sandbox.api_token())
        .user_agent("my-job/1.0")
        .build()
        .unwrap();
    let parent = "00-9e02a91b64ac56904703a3a69ea9101d-56be90a29d0b0b25-01".parse().unwrap();
    let options = mpt_tokens::DeleteOptions::new().trace_parent(parent);
    let deletion = client.delete_token_with("TKN-ok-1", &options).unwrap();
    assert_eq!(deletion.trace_id(), Some("9e02a91b64ac56904703a3a69ea9101d"));
    let request = &sandbox.recorded()[0];
    let expected = format!("my-job/1.0 mpt-tokens/{}", mpt_tokens::VERSION);
    assert_eq!(request.header("user-agent"), Some(expected.as_str()));
    let traceparent = request.header("traceparent").unwrap();
    assert!(traceparent.starts_with("00-9e02a91b64ac56904703a3a69ea9101d-"), "{traceparent}");
    assert!(traceparent.ends_with("-01"), "{traceparent}");
    assert!(!traceparent.contains("56be90a29d0b0b25"), "{traceparent}");
    assert_eq!(request.header("accept-encoding"), Some("identity"));
    for absent in ["content-length", "content-type", "transfer-encoding"] {
        assert_eq!(request.header(absent), None, "{absent}");
    }
}

#[rstest]
#[case::no_attempts(Client::builder().attempts(0), "the attempts are 0: expected 1 to 100")]
#[case::many_attempts(Client::builder().attempts(101), "the attempts are 101")]
#[case::no_time(Client::builder().timeout(Duration::ZERO), "the timeout is 0ns")]
#[case::too_long(Client::builder().timeout(Duration::MAX), "and at most a day")]
#[case::attempt(Client::builder().attempt_timeout(Duration::ZERO), "the attempt timeout is 0ns")]
#[case::connect(Client::builder().connect_timeout(Duration::ZERO), "the connect timeout is 0ns")]
#[case::backoff(Client::builder().backoff(Duration::MAX, Duration::ZERO), "the backoff is longer than a day")]
#[case::backoff_upside_down(
    Client::builder().backoff(Duration::from_secs(5), Duration::from_secs(1)),
    "the base of the backoff, 5s, is longer than its cap, 1s: expected the shorter one first"
)]
fn a_limit_out_of_range(#[case] builder: mpt_tokens::ClientBuilder, #[case] expected: &str) {
    let error = builder.api_token("t").build().unwrap_err();
    assert_eq!((error.code(), error.kind()), (Code::InvalidArgument, OutcomeKind::NotDeleted));
    assert!(error.to_string().contains(expected), "{error}");
}

#[rstest]
#[case::user_agent(Client::builder().user_agent("a\r\nX: y"), "the user agent is not one line")]
#[case::proxy(Client::builder().proxy("not a url"), "the proxy is not a URL")]
#[case::socks(Client::builder().proxy("socks5://h.example:1080"), "the proxy is not an http or https proxy")]
#[case::ca_file(Client::builder().ca_file("/nonexistent.pem"), "the CA file `/nonexistent.pem` cannot be read")]
fn a_setting_that_cannot_be_used(
    #[case] builder: mpt_tokens::ClientBuilder,
    #[case] expected: &str,
) {
    let error = builder.api_token("t").build().unwrap_err();
    assert_eq!((error.code(), error.kind()), (Code::InvalidConfig, OutcomeKind::NotDeleted));
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn a_ca_bundle_must_hold_certificates() {
    let empty = CaBundle::from_pem(b"").unwrap_err().to_string();
    assert!(empty.contains("is empty"), "{empty}");
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let broken = CaBundle::from_pem(broken).unwrap_err().to_string();
    assert!(broken.contains("a broken certificate"), "{broken}");
    let torn = CaBundle::from_pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n").unwrap_err().to_string();
    assert!(torn.contains("has no end"), "{torn}");
}

#[test]
fn a_proxy_never_shows_its_password() {
    let proxy = Proxy::new("http://user:s3cret-s3cret@proxy.example:3128").unwrap();
    assert_eq!(format!("{proxy:?}"), "Proxy(proxy.example:3128)");
}

/// An id that was checked before is taken wherever an id is, and every checked input is read by `parse`.
#[test]
fn checked_inputs_are_taken_as_they_are() {
    let sandbox = Sandbox::builder().tokens(["TKN-1-1", "TKN-1-2", "TKN-1-3"]).start().unwrap();
    let endpoint: Endpoint = sandbox.base_url().parse().unwrap();
    let token: ApiToken = sandbox.api_token().parse().unwrap();
    let client = Client::builder()
        .base_url(endpoint.base_url())
        .api_token(sandbox.api_token())
        .build()
        .unwrap();
    assert_eq!(token.token_id(), Some(MAIN_TOKEN_ID));
    let id: TokenId = "TKN-1-1".parse().unwrap();
    assert!(!client.is_own_token(&id));
    client.delete_token(&id).unwrap();
    client.delete_token(String::from("TKN-1-2")).unwrap();
    let id: TokenId = "TKN-1-3".parse().unwrap();
    let outcomes: Vec<_> = client.batch([&id], &mpt_tokens::BatchOptions::new()).unwrap().collect();
    assert!(outcomes[0].is_success());
    assert!("..".parse::<TokenId>().is_err());
    assert!("".parse::<ApiToken>().is_err());
    assert!("http://api.example.test".parse::<Endpoint>().is_err());
    assert!("socks5://127.0.0.1:1".parse::<Proxy>().is_err());
    let error = "00-0-0-01".parse::<mpt_tokens::TraceParent>().unwrap_err();
    assert!(error.to_string().contains("expected `00-"), "{error}");
}
