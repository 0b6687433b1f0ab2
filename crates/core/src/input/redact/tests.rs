use proptest::prelude::*;

use super::*;

fn met(own: ApiToken) -> Secrets {
    Secrets::new(Some(Arc::new(own)))
}

/// A text in which each character may be percent-encoded, in either case.
fn encoded(text: String) -> impl Strategy<Value = String> {
    let length = text.len();
    prop::collection::vec(0..3_u8, length).prop_map(move |ways| {
        let write = |(c, way): (char, u8)| match way {
            0 => c.to_string(),
            1 => format!("%{:02x}", u32::from(c)),
            _ => format!("%{:02X}", u32::from(c)),
        };
        text.chars().zip(ways).map(write).collect()
    })
}

/// A token value, and itself or its secret part as a server may write it.
fn echoes() -> impl Strategy<Value = (ApiToken, String, String)> {
    ("TKN-[0-9]{4}-[0-9]{4}", "[!-9;-~]{8,40}").prop_flat_map(|(id, secret)| {
        let value = format!("idt:{id}:{secret}");
        let token = ApiToken::new(value.clone()).unwrap();
        (Just(token), prop_oneof![encoded(value), encoded(secret.clone())], Just(secret))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_echo_is_taken_out((token, echo, secret) in echoes(), before in "[^%]{0,20}", after in any::<String>()) {
        let clean = met(token).redact(&format!("{before}{echo}{after}{echo}"));
        prop_assert!(!clean.contains(&echo), "{clean}");
        prop_assert!(!clean.contains(&secret), "{clean}");
        prop_assert!(clean.contains(REDACTED));
    }

    #[test]
    fn a_part_that_was_cut_off_is_taken_out(
        (token, _, secret) in echoes(),
        cut in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        before in "[ -~ü]{0,20}",
    ) {
        let (one, other) = (cut.0.index(secret.len() + 1), cut.1.index(secret.len() + 1));
        let part = &secret[one.min(other)..one.max(other)];
        prop_assume!(part.len() >= SHORTEST);
        let clean = met(token).redact(&format!("{before} {part}… and more"));
        prop_assert!(!clean.contains(part), "{clean}");
        prop_assert!(clean.contains(REDACTED) && clean.ends_with("… and more"), "{clean}");
    }

    #[test]
    fn other_text_stays(text in "[a-z %:0-9]{0,100}") {
        let token = ApiToken::new("idt:TKN-1671-0642:SECRET-SECRET").unwrap();
        prop_assert_eq!(met(token).redact(&text), text);
    }
}

/// Its name, and how it is written.
type Spelling = (&'static str, fn(&str) -> String);

/// How servers and what stands before them write a text into another one.
fn spellings() -> Vec<Spelling> {
    fn each(text: &str, write: impl Fn(u32) -> String) -> String {
        text.chars().map(|c| write(u32::from(c))).collect()
    }
    fn base64(bytes: &[u8], last: [u8; 2]) -> String {
        let digit = |n: u32| match n as u8 {
            n @ 0..26 => char::from(b'A' + n),
            n @ 26..52 => char::from(b'a' + n - 26),
            n @ 52..62 => char::from(b'0' + n - 52),
            n => char::from(last[usize::from(n) - 62]),
        };
        let group = |three: &[u8]| {
            let bits = three.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte));
            let bits = bits << (8 * (3 - three.len()));
            (0..=three.len()).map(|n| digit(bits >> (18 - 6 * n) & 63)).collect::<String>()
        };
        bytes.chunks(3).map(group).collect()
    }
    vec![
        ("as it is", |text| text.to_owned()),
        ("percent-encoded", |text| each(text, |c| format!("%{c:02X}"))),
        ("percent-encoded twice", |text| each(text, |c| format!("%25{c:02x}"))),
        ("as JSON may", |text| each(text, |c| format!("\\u{c:04x}"))),
        ("as JSON may, in JSON", |text| each(text, |c| format!("\\\\u{c:04X}"))),
        ("as a program may", |text| each(text, |c| format!("\\x{c:02x}"))),
        ("as Rust may", |text| each(text, |c| format!("\\u{{{c:x}}}"))),
        ("as HTML may", |text| each(text, |c| format!("&#{c};"))),
        ("as HTML may, in hexadecimal", |text| each(text, |c| format!("&#x{c:X};"))),
        ("hexadecimal", |text| each(text, |c| format!("{c:02x}"))),
        ("base64", |text| base64(text.as_bytes(), *b"+/")),
        ("base64 for URLs", |text| base64(text.as_bytes(), *b"-_")),
        ("base64 in the middle", |text| base64(format!("x{text}").as_bytes(), *b"+/")),
        ("base64, percent-encoded", |text| {
            each(&base64(format!("xy{text}").as_bytes(), *b"+/"), |c| format!("%{c:02X}"))
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The value of any token that the client has met, the secret alone, and half of it, in every spelling.
    #[test]
    fn no_secret_that_was_met_is_shown_in_any_spelling(
        secrets in prop::collection::vec("[A-Za-z0-9_~.+/-]{16,64}", 3),
        around in ("[ a-z]{0,20} ", " [ a-z]{0,20}"),
    ) {
        let value = |n: usize| ApiToken::new(format!("idt:TKN-1000-000{n}:{}", secrets[n])).unwrap();
        let secrets_met = met(value(0));
        secrets_met.keep(&value(1));
        secrets_met.keep(&value(2));
        for (n, secret) in secrets.iter().enumerate() {
            let half = secret.len() / 2;
            for text in [format!("idt:TKN-1000-000{n}:{secret}"), secret.clone(), secret[..half].into(), secret[half..].into()] {
                for (name, spell) in spellings() {
                    let clean = secrets_met.redact(&format!("{}{}{}", around.0, spell(&text), around.1));
                    let parts = secret.as_bytes().windows(SHORTEST);
                    for part in parts.map(|part| std::str::from_utf8(part).unwrap()) {
                        prop_assert!(!clean.contains(&spell(part)), "{name}: {clean}");
                    }
                    prop_assert!(clean.contains(REDACTED), "{name}: {clean}");
                    prop_assert!(clean.starts_with(&around.0) && clean.ends_with(&around.1), "{name}: {clean}");
                }
            }
        }
    }
}

#[test]
fn what_is_cut_out_is_cut_out_whole_and_nothing_else() {
    let secrets = met(ApiToken::new("idt:TKN-1671-0642:s3cret-s3cret-0123").unwrap());
    for (text, clean) in [
        ("s3cret-s3cret-0123", "<redacted>"),
        ("a s3cret-s3cret-0123, s3cret-s3cret-0123.", "a <redacted>, <redacted>."),
        ("s3cret-s3cret", "<redacted>"),
        ("s3cret-", "s3cret-"),
        ("no s3cret here, 0123456789 neither", "no s3cret here, 0123456789 neither"),
        ("x s3cret%2Ds3cret-0123", "x <redacted>"),
        ("********************", "<redacted>"),
        ("**** a note ****", "**** a note ****"),
        (
            "%zz \\u12 \\x &#; &#x; &#99999999; \\u{} \\u{110000} %",
            "%zz \\u12 \\x &#; &#x; &#99999999; \\u{} \\u{110000} %",
        ),
        ("", ""),
    ] {
        assert_eq!(secrets.redact(text), clean);
    }
}

#[test]
fn a_number_and_a_name_are_texts_too() {
    let secrets = met(ApiToken::new("idt:TKN-1671-0642:123456789012").unwrap());
    let value = serde_json::json!({"123456789012": [123_456_789_012_u64, 12, null, true]});
    assert_eq!(
        secrets.redact_json(value),
        serde_json::json!({"<redacted>": ["<redacted>", 12, null, true]})
    );
}

/// However many values a list has, the last two thousand are known and the memory is bounded.
#[test]
fn the_values_of_a_long_list_are_known_for_long_and_not_for_ever() {
    let secret = |n: u64| {
        format!(
            "{:064x}",
            u128::from(n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        )
    };
    let secrets = met(ApiToken::new("own").unwrap());
    for n in 0..10_000 {
        secrets.keep(&ApiToken::new(format!("idt:TKN-1-{n}:{}", secret(n))).unwrap());
    }
    for n in 8_000..10_000 {
        assert_eq!(secrets.redact(&secret(n)), REDACTED, "{n}");
    }
    let others = secrets.others.read().unwrap();
    assert!(others.new.set.len() + others.old.set.len() < 2 * (HALF + 64));
}
