//! Whether a text is one for people, or code that slipped through: a variant, a struct, a list of bytes.

/// What is written so in prose, too.
const NAMES: [&str; 2] = ["subjectAltName", "OpenSSL"];

/// The part of a text that looks as if it were written for debugging. What stands in backticks is quoted, and may be
/// anything.
pub(crate) fn code_in(text: &str) -> Option<String> {
    let prose: String = text.split('`').step_by(2).collect::<Vec<_>>().join(" ");
    for word in prose.split(|c: char| c.is_whitespace() || "\"',;:/".contains(c)) {
        let bare = word.trim_matches(|c: char| "().[]{}".contains(c));
        let camel = bare
            .as_bytes()
            .windows(2)
            .any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
        let call = word.contains('(') && !word.starts_with('(');
        let none = matches!(bare, "None" | "Some" | "Ok" | "Err");
        if (camel && !NAMES.contains(&bare)) || call || none || word.contains("::") {
            return Some(word.to_owned());
        }
    }
    for mark in [" { ", " {", "{ ", "[0", "[1", "[2", "\\\"", "\\u{"] {
        if prose.contains(mark) {
            return Some(mark.to_owned());
        }
    }
    None
}

/// Fails where a text has code in it, or nothing at all.
#[track_caller]
pub(crate) fn assert_prose(text: &str) {
    assert!(!text.trim().is_empty());
    assert_eq!(code_in(text), None, "{text}");
    assert!(!text.contains("  ") && !text.contains("( ") && !text.contains("()"), "{text}");
}

#[test]
fn code_is_found() {
    for code in [
        "InvalidCertificate(UnknownIssuer)",
        "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
        "received fatal alert: HandshakeFailure",
        "it is Some { line: 1 }",
        "a line of [1, 2, 3]",
        "DnsName(\"a.example\")",
    ] {
        assert!(code_in(code).is_some(), "{code}");
    }
    for prose in [
        "the certificate is for `DnsName(x)`: no name in its subjectAltName (see RFC 5280)",
        "No such file or directory (os error 2)",
        "expired on Wed, 01 Jan 2020 00:00:00 GMT: it needs a new one",
        "the answer to attempt 2 was lost; run again",
    ] {
        assert_eq!(code_in(prose), None, "{prose}");
    }
}
