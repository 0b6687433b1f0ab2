use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// What becomes of these bytes, given in pieces of `step`: the answer and what is left behind it.
fn read(bytes: &[u8], step: usize, closed: bool) -> Result<Option<(Received, Vec<u8>)>, NotHttp> {
    let mut reader = Reader::new(Whose::Server);
    let mut at = 0;
    while at < bytes.len() {
        let part = &bytes[at..bytes.len().min(at + step)];
        at += part.len();
        if let Some(received) = reader.take(part, |_| {})? {
            let rest = [&reader.rest()[..], &bytes[at..]].concat();
            return Ok(Some((received, rest)));
        }
    }
    if !closed {
        return Ok(None);
    }
    Ok(reader.end(|_| {})?.map(|received| (received, Vec::new())))
}

const JSON: &str = r#"{"title":"no"}"#;

/// Answers whose end is certain: the connection goes on behind them.
#[rstest]
#[case::no_content("204 No Content\r\n\r\n", "")]
#[case::no_content_of_length_0("204 No Content\r\nContent-Length: 0\r\n\r\n", "")]
#[case::not_modified("304 Not Modified\r\n\r\n", "")]
#[case::redirect_without_a_body("302 Found\r\nContent-Length: 0\r\n\r\n", "")]
#[case::length("404 Not Found\r\nContent-Length: 14\r\n\r\n{\"title\":\"no\"}", JSON)]
#[case::length_with_zeros(
    "404 Not Found\r\ncontent-LENGTH: \t00014 \r\n\r\n{\"title\":\"no\"}",
    JSON
)]
#[case::chunks(
    "404 Not Found\r\nTransfer-Encoding: Chunked\r\n\r\n4\r\n{\"ti\r\nA\r\ntle\":\"no\"}\r\n0\r\n\r\n",
    JSON
)]
#[case::chunk_extension(
    "404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\ne;a=\"b\" ;c\r\n{\"title\":\"no\"}\r\n0;x\r\n\r\n",
    JSON
)]
#[case::chunk_with_zeros(
    "404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000000000000000000000e\r\n{\"title\":\"no\"}\r\n000\r\n\r\n",
    JSON
)]
#[case::trailers(
    "404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n{\"title\":\"no\"}\r\n0\r\nX: y\r\nContent-Length: 3\r\n\r\n",
    JSON
)]
#[case::kept("404 Not Found\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", "")]
fn a_certain_end(
    #[case] answer: &str,
    #[case] body: &str,
    #[values("", "100 Continue\r\nX: y\r\n\r\n", "103 Early Hints\r\nLink: </a>\r\n\r\n")]
    interim: &str,
    #[values(1, 7, 10_000)] step: usize,
) {
    let interim = if interim.is_empty() { String::new() } else { format!("HTTP/1.1 {interim}") };
    let bytes = format!("{interim}{interim}HTTP/1.1 {answer}");
    let (received, rest) = read(bytes.as_bytes(), step, false).unwrap().unwrap();
    assert_eq!(received.status.to_string(), answer[..3]);
    assert_eq!(&*received.body, body.as_bytes());
    assert!(received.reusable && rest.is_empty(), "{received:?}");
    // What follows at once is nobody's, and the connection is not trusted any more.
    let more = format!("{bytes}HTTP/1.1 204 No Content\r\n\r\n");
    let (received, rest) = read(more.as_bytes(), 10_000, false).unwrap().unwrap();
    assert!(!received.reusable);
    assert_eq!(rest, b"HTTP/1.1 204 No Content\r\n\r\n");
}

/// Answers that are believed, and end the connection: where they end is not certain, or it is said to end.
#[rstest]
#[case::coding_and_length(
    "HTTP/1.1 404 N\r\nTransfer-Encoding: gzip\r\nContent-Length: 14\r\n\r\n{\"title\":\"no\"}"
)]
#[case::identity_and_length(
    "HTTP/1.1 404 N\r\nContent-Length: 14\r\nTransfer-Encoding: identity\r\n\r\n{\"title\":\"no\"}"
)]
#[case::almost_chunked(
    "HTTP/1.1 404 N\r\nContent-Length: 14\r\nTransfer-Encoding: xchunked\r\n\r\n{\"title\":\"no\"}"
)]
#[case::chunked_with_a_parameter(
    "HTTP/1.1 404 N\r\nContent-Length: 14\r\nTransfer-Encoding: chunked;a\r\n\r\n{\"title\":\"no\"}"
)]
#[case::empty_coding(
    "HTTP/1.1 404 N\r\nContent-Length: 14\r\nTransfer-Encoding:\r\n\r\n{\"title\":\"no\"}"
)]
#[case::chunked_in_http10(
    "HTTP/1.0 404 N\r\nContent-Length: 14\r\nTransfer-Encoding: chunked\r\n\r\n{\"title\":\"no\"}"
)]
#[case::chunks_and_length(
    "HTTP/1.1 404 N\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n{\"title\":\"no\"}\r\n0\r\n\r\n"
)]
#[case::gzip_and_chunked(
    "HTTP/1.1 404 N\r\nTransfer-Encoding: gzip, chunked\r\n\r\ne\r\n{\"title\":\"no\"}\r\n0\r\n\r\n"
)]
#[case::chunked_and_gzip(
    "HTTP/1.1 404 N\r\nTransfer-Encoding: chunked, gzip\r\n\r\ne\r\n{\"title\":\"no\"}\r\n0\r\n\r\n"
)]
#[case::chunked_twice(
    "HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n{\"title\":\"no\"}\r\n0\r\n\r\n"
)]
#[case::padded_size(
    "HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\ne  \r\n{\"title\":\"no\"}\r\n0\r\n\r\n"
)]
#[case::lengths("HTTP/1.1 404 N\r\nContent-Length: 14, 14\r\n\r\n{\"title\":\"no\"}")]
#[case::length_twice(
    "HTTP/1.1 404 N\r\nContent-Length: 14\r\nContent-Length: 14\r\n\r\n{\"title\":\"no\"}"
)]
#[case::http10("HTTP/1.0 404 N\r\nContent-Length: 14\r\n\r\n{\"title\":\"no\"}")]
#[case::http10_kept(
    "HTTP/1.0 404 N\r\nConnection: keep-alive\r\nContent-Length: 14\r\n\r\n{\"title\":\"no\"}"
)]
#[case::http12("HTTP/1.2 404 N\r\nContent-Length: 14\r\n\r\n{\"title\":\"no\"}")]
#[case::http19("HTTP/1.9 404 N\r\nContent-Length: 14\r\n\r\n{\"title\":\"no\"}")]
#[case::closed(
    "HTTP/1.1 404 N\r\nConnection: x, Close\r\nContent-Length: 14\r\n\r\n{\"title\":\"no\"}"
)]
#[case::bare_line_feeds("HTTP/1.1 404 N\nContent-Length: 14\n\n{\"title\":\"no\"}")]
#[case::empty_line_before("\r\nHTTP/1.1 404 N\r\nContent-Length: 14\r\n\r\n{\"title\":\"no\"}")]
fn an_end_that_is_not_certain(#[case] answer: &str, #[values(1, 7, 10_000)] step: usize) {
    let (received, _) = read(answer.as_bytes(), step, false).unwrap().unwrap();
    assert_eq!((received.status, &*received.body), (404, JSON.as_bytes()));
    assert!(!received.reusable, "{received:?}");
}

/// The same where the status alone is read.
#[rstest]
#[case("HTTP/1.1 204 N\r\nContent-Length: 5\r\n\r\n", 204)]
#[case("HTTP/1.1 204 N\r\nTransfer-Encoding: chunked\r\n\r\n", 204)]
#[case("HTTP/1.1 304 N\r\nContent-Length: 5\r\n\r\n", 304)]
#[case("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200)]
#[case("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", 200)]
#[case("HTTP/1.1 302 Found\r\n\r\n", 302)]
#[case("HTTP/1.1 101 Switching Protocols\r\n\r\n", 101)]
#[case("HTTP/1.0 204 N\r\n\r\n", 204)]
fn a_status_alone(#[case] answer: &str, #[case] status: u16) {
    let (received, _) = read(answer.as_bytes(), 10_000, false).unwrap().unwrap();
    assert_eq!((received.status, received.body.len(), received.reusable), (status, 0, false));
}

/// What is complete only because the connection ended.
#[rstest]
#[case::no_length("HTTP/1.1 404 N\r\n\r\n{\"title\":\"no\"}", true)]
#[case::coding("HTTP/1.1 404 N\r\nTransfer-Encoding: x\r\n\r\n{\"title\":\"no\"}", true)]
#[case::without_trailers(
    "HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n{\"title\":\"no\"}\r\n0\r\n",
    true
)]
#[case::half_a_trailer(
    "HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n{\"title\":\"no\"}\r\n0\r\nX: y\r",
    true
)]
#[case::length("HTTP/1.1 404 N\r\nContent-Length: 15\r\n\r\n{\"title\":\"no\"}", false)]
#[case::chunks_without_the_last(
    "HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n{\"title\":\"no\"}\r\n",
    false
)]
#[case::half_the_last_chunk(
    "HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n{\"title\":\"no\"}\r\n0\r",
    false
)]
#[case::half_a_head("HTTP/1.1 404 N\r\nContent-Length: 0\r\n", false)]
#[case::nothing("", false)]
fn the_end_of_the_connection(#[case] answer: &str, #[case] complete: bool) {
    assert!(read(answer.as_bytes(), 10_000, false).unwrap().is_none());
    let received = read(answer.as_bytes(), 10_000, true).unwrap().map(|(received, _)| received);
    assert_eq!(received.is_some(), complete);
    assert!(
        received.is_none_or(|received| !received.reusable && *received.body == *JSON.as_bytes())
    );
}

/// No answer at all.
#[rstest]
#[case::interim_length(
    "HTTP/1.1 103 E\r\nContent-Length: 27\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
)]
#[case::interim_coding("HTTP/1.1 100 C\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
#[case::folded("HTTP/1.1 204 N\r\nX: a\r\n b\r\n\r\n")]
#[case::folded_length("HTTP/1.1 404 N\r\nContent-Length:\r\n 14\r\n\r\n{\"title\":\"no\"}")]
#[case::space_before_colon("HTTP/1.1 404 N\r\nContent-Length : 14\r\n\r\n{\"title\":\"no\"}")]
#[case::tab_before_colon("HTTP/1.1 404 N\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n")]
#[case::space_before_a_field("HTTP/1.1 404 N\r\n Content-Length: 14\r\n\r\n{\"title\":\"no\"}")]
#[case::bare_carriage_return(
    "HTTP/1.1 404 N\r\nX: a\rContent-Length: 14\r\n\r\n{\"title\":\"no\"}"
)]
#[case::null("HTTP/1.1 404 N\r\nContent-Length: 14\0\r\n\r\n{\"title\":\"no\"}")]
#[case::no_colon("HTTP/1.1 404 N\r\nContent-Length 14\r\n\r\n{\"title\":\"no\"}")]
#[case::lengths_differ("HTTP/1.1 404 N\r\nContent-Length: 14\r\nContent-Length: 15\r\n\r\n")]
#[case::list_differs("HTTP/1.1 404 N\r\nContent-Length: 14, 15\r\n\r\n")]
#[case::length_empty("HTTP/1.1 404 N\r\nContent-Length:\r\n\r\n")]
#[case::length_signed("HTTP/1.1 404 N\r\nContent-Length: +14\r\n\r\n{\"title\":\"no\"}")]
#[case::length_spaced("HTTP/1.1 404 N\r\nContent-Length: 1 4\r\n\r\n{\"title\":\"no\"}")]
#[case::length_huge("HTTP/1.1 404 N\r\nContent-Length: 18446744073709551616\r\n\r\n")]
#[case::length_beside_chunks(
    "HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n0\r\n\r\n"
)]
#[case::size_signed("HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n")]
#[case::size_prefixed("HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n")]
#[case::size_indented("HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n 2\r\n{}\r\n0\r\n\r\n")]
#[case::size_underscored("HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n0_2\r\n{}\r\n")]
#[case::size_empty("HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n\r\n{}\r\n0\r\n\r\n")]
#[case::size_only_extension("HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n;a\r\n{}\r\n")]
#[case::size_with_a_space_inside("HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n1 0\r\n{}")]
#[case::size_too_large(
    "HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n{}\r\n"
)]
#[case::size_ended_by_a_line_feed("HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n2\n{}\r\n")]
#[case::extension_ended_by_a_line_feed(
    "HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n2;a\n{}\r\n"
)]
#[case::carriage_return_in_an_extension(
    "HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n2;a\rb\r\n{}\r\n"
)]
#[case::data_too_long("HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n")]
#[case::data_ended_by_a_line_feed("HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\n0")]
#[case::http2("HTTP/2 204\r\n\r\n")]
#[case::version_10("HTTP/1.10 204 N\r\n\r\n")]
#[case::status_99("HTTP/1.1 099 N\r\n\r\n")]
fn no_answer(#[case] bytes: &str, #[values(1, 10_000)] step: usize) {
    assert!(read(bytes.as_bytes(), step, true).is_err());
}

/// What never ends is ended.
#[rstest]
#[case::interim("", "HTTP/1.1 100 Continue\r\n\r\n")]
#[case::field("HTTP/1.1 404 N\r\nX: ", "y")]
#[case::fields("HTTP/1.1 404 N\r\n", "X: y\r\n")]
#[case::empty_lines("", "\r\n")]
#[case::size("HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n", "0")]
#[case::extension("HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n2;", "a")]
#[case::space("HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n2", " ")]
fn a_flood(#[case] begin: &str, #[case] again: &str) {
    let bytes = begin.to_owned() + &again.repeat(2 * MAX_HEAD / again.len());
    assert!(read(bytes.as_bytes(), 1_000, false).is_err());
}

/// Trailers, too, but the answer was complete before them.
#[test]
fn a_flood_of_trailers() {
    let begin = "HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n".to_owned();
    let bytes = begin + &"X: y\r\n".repeat(MAX_HEAD);
    let (received, _) = read(bytes.as_bytes(), 1_000, false).unwrap().unwrap();
    assert_eq!((&*received.body, received.reusable), (&b"{}"[..], false));
}

/// A body is read up to its bound, however its end is told; then the connection ends.
#[rstest]
#[case::length("Content-Length: 99999999\r\n\r\n", "")]
#[case::until_close("\r\n", "")]
#[case::chunks("Transfer-Encoding: chunked\r\n\r\n", "5f5e0ff\r\n")]
fn a_body_without_end(#[case] framing: &str, #[case] before: &str) {
    let head = format!("HTTP/1.1 404 N\r\n{framing}{before}");
    let bytes = [head.as_bytes(), &vec![b'x'; 2 * MAX_BODY]].concat();
    let (received, _) = read(&bytes, 16_000, false).unwrap().unwrap();
    assert_eq!((received.body.len(), received.reusable), (MAX_BODY, false));
}

/// The fields that are kept, with secrets in them made unreadable.
#[test]
fn fields_and_masks() {
    let answer = "HTTP/1.1 401 N\r\nContent-Type: application/json\r\nRetry-After: 1\r\n\
        WWW-Authenticate: Bearer s3cret\r\nwww-authenticate: Basic\r\nX-Other: s3cret\r\nContent-Length: 6\r\n\r\ns3cret";
    let mask = |bytes: &mut [u8]| {
        while let Some(at) = bytes.windows(6).position(|window| window == b"s3cret") {
            bytes[at..at + 6].fill(b'*');
        }
    };
    let received = Reader::new(Whose::Server).take(answer.as_bytes(), mask).unwrap().unwrap();
    let values = |name| received.fields.get_all(name).iter().collect::<Vec<_>>();
    assert_eq!(values(WWW_AUTHENTICATE), ["Bearer ******", "Basic"]);
    assert_eq!(values(CONTENT_TYPE), ["application/json"]);
    assert_eq!(values(RETRY_AFTER), ["1"]);
    assert_eq!(received.fields.len(), 4);
    assert_eq!(&*received.body, b"******");
}

proptest! {
    /// However an answer is cut, the same is read, and the same is left.
    #[test]
    fn cuts_make_no_difference(
        bytes in prop_oneof![
            "(HTTP/1\\.[0-3] (10[03]|204|404|200) x\r?\n((Content-Length|Transfer-Encoding|Connection|X): ?(0|5|chunked|close|gzip)\r\n){0,3}\r\n){1,3}[0-3](;a)?\r\n[a-c]{0,5}(\r\n)?0\r\n(X: y\r\n)?\r\n",
            "[ -~\r\n]{0,80}",
        ],
        step in 1_usize..40,
        closed: bool,
    ) {
        let show = |result: Result<Option<(Received, Vec<u8>)>, NotHttp>| {
            result.map(|found| found.map(|(received, rest)| {
                let Received { status, body, closes, reusable, .. } = received;
                // What comes in the same piece as the end makes the connection useless; else it is found later.
                (status, body.to_vec(), closes, reusable && rest.is_empty(), rest)
            }))
        };
        let whole = show(read(bytes.as_bytes(), bytes.len().max(1), closed));
        prop_assert_eq!(show(read(bytes.as_bytes(), step, closed)), whole);
    }

    /// Bytes, whatever they are, are read without a panic, and no more than there are.
    #[test]
    fn anything(bytes in prop::collection::vec(any::<u8>(), 0..300), step in 1_usize..50) {
        let head = b"HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for bytes in [bytes.clone(), [head, bytes].concat()] {
            if let Ok(Some((received, rest))) = read(&bytes, step, true) {
                prop_assert!(received.body.len() + rest.len() <= bytes.len());
            }
        }
    }
}
