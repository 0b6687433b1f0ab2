//! The shapes in which values leak, and what only looks like one: each is found, with its whole value, or left.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use mpt_tokens::{ApiToken, FingerprintKey, scan_values};

use crate::finding::lines;
use crate::program::program;

const ID: &str = "TKN-1671-0642";
const SECRET: &str = "Xk3pQ9vL2mN8bR4tY7wZ1cD5fG6hJ0sA";

fn value() -> String {
    format!("idt:{ID}:{SECRET}")
}

fn base64(text: impl AsRef<[u8]>) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut base64 = String::new();
    for group in text.as_ref().chunks(3) {
        let number = group.iter().fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
        let number = number << (8 * (3 - group.len()));
        for digit in 0..4 {
            let at = (number >> (18 - 6 * digit) & 63) as usize;
            base64.push(if digit <= group.len() { char::from(ALPHABET[at]) } else { '=' });
        }
    }
    base64
}

/// UTF-16, with its mark if one is given.
fn utf16(text: &str, mark: &[u8], is_big_endian: bool) -> Vec<u8> {
    let bytes = |unit: u16| if is_big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
    mark.iter().copied().chain(text.encode_utf16().flat_map(bytes)).collect()
}

/// Where a value leaks: `VALUE` stands for the usual form, `ENCODED` for it percent-encoded, `BASE64` for it in base64,
/// `SECRET` for its secret.
const LEAKS: &[(&str, &str)] = &[
    ("constant.ts", "export const TOKEN = \"VALUE\";\n"),
    ("single-quotes.js", "const token = 'VALUE';\n"),
    ("template.js", "headers: { Authorization: `Bearer VALUE` },\n"),
    ("comment.ts", "const a = 1;\n// VALUE\n"),
    ("comment-end.c", "char *a; /* VALUE */\n"),
    ("comment-tight.c", "/*VALUE*/\n"),
    ("hash.py", "# token: VALUE, ask Ann\n"),
    ("call.py", "client = Client(\"VALUE\")\n"),
    ("bytes.py", "TOKEN = b'VALUE'\n"),
    ("raw.rs", "const T: &str = r#\"VALUE\"#;\n"),
    ("config.json", "{\"token\": \"VALUE\"}\n"),
    ("minified.json", "{\"a\":[1,2],\"token\":\"VALUE\",\"b\":null}"),
    ("escaped.json", "{\"token\": \"idt\\u003aTKN-1671-0642\\u003aSECRET\"}\n"),
    ("nested.json", "{\"body\": \"{\\\"token\\\":\\\"VALUE\\\"}\"}\n"),
    ("twice-nested.json", "{\"a\": \"{\\\\\\\"token\\\\\\\":\\\\\\\"VALUE\\\\\\\"}\"}\n"),
    ("newline.json", "{\"log\": \"got VALUE\\nnext line\"}\n"),
    (".env", "MODE=test\nMPT_API_TOKEN=VALUE\n"),
    (".env.local", "export MPT_API_TOKEN=\"VALUE\"\n"),
    ("windows.env", "MPT_API_TOKEN=VALUE\r\nMODE=test\r\n"),
    ("no-line-end.env", "MPT_API_TOKEN=VALUE"),
    ("values.yaml", "mpt:\n  token: VALUE\n"),
    ("quoted.yaml", "token: 'VALUE' # rotate\n"),
    ("flow.yaml", "{token: VALUE, mode: test}\n"),
    ("folded.yaml", "token: >-\n  VALUE\n"),
    ("ci.yml", "run: curl -H 'Authorization: Bearer VALUE' $URL\n"),
    ("settings.toml", "token = \"VALUE\"\n"),
    ("settings.ini", "[mpt]\ntoken=VALUE\n"),
    ("java.properties", "mpt.token=idt\\:TKN-1671-0642\\:SECRET\n"),
    ("escaped.md", "token: idt:TKN\\-1671\\-0642:SECRET\n"),
    ("web.config", "<add key=\"Token\" value=\"VALUE\" />\n"),
    ("element.xml", "<token>VALUE</token>\n"),
    ("cdata.xml", "<token><![CDATA[VALUE]]></token>\n"),
    ("entities.xml", "<token>idt&#58;TKN-1671-0642&#x3A;SECRET</token>\n"),
    ("entity-names.html", "<code>idt&colon;TKN-1671-0642&colon;SECRET</code>\n"),
    ("quotes.html", "<input value=&quot;VALUE&quot;>\n"),
    ("header.har", "{\"name\": \"Authorization\", \"value\": \"Bearer VALUE\"}\n"),
    ("basic.har", "{\"name\": \"Authorization\", \"value\": \"Basic BASE64-OF-USER\"}\n"),
    ("slashes.har", "{\"text\": \"https:\\/\\/h.example\\/?t=ENCODED\"}\n"),
    ("secret.yaml", "apiVersion: v1\nkind: Secret\ndata:\n  token: BASE64\n"),
    ("docker.json", "{\"auths\":{\"h.example\":{\"auth\":\"BASE64-OF-USER\"}}}\n"),
    ("kubectl.txt", "token:  BASE64\nother:  eHl6\n"),
    ("data-url.css", "url(data:text/plain;base64,BASE64)\n"),
    ("url-base64.txt", "https://h.example/?auth=Basic%20BASE64&x=1\n"),
    ("curl.sh", "curl -H \"Authorization: Bearer VALUE\" https://h.example/\n"),
    ("curl-escaped.sh", "curl -H Authorization:\\ Bearer\\ VALUE\n"),
    ("curl-user.sh", "curl -u VALUE: https://h.example/\n"),
    ("netrc", "machine h.example login x password VALUE\n"),
    ("bash_history", "MPT_API_TOKEN=VALUE mpt-tokens delete TKN-1000-0001\n"),
    ("pipe.sh", "echo VALUE|wc -c; echo done\n"),
    ("semicolon.sh", "export T=VALUE; run\n"),
    ("app.log", "2026-01-02T03:04:05Z INFO auth token=VALUE user=ann\n"),
    ("brackets.log", "[debug] request(VALUE) took 3 ms\n"),
    ("access.log", "10.0.0.1 - - \"GET /x?token=ENCODED&y=1 HTTP/1.1\" 200\n"),
    ("colour.log", "\x1b[32mtoken\x1b[0m=\x1b[1mVALUE\x1b[0m\n"),
    ("query.txt", "https://h.example/?token=VALUE&next=1\n"),
    ("query-encoded.txt", "https://h.example/?token=ENCODED\n"),
    ("query-twice.txt", "https://h.example/?to=%2Fa%3Ft%3Didt%253ATKN-1671-0642%253ASECRET\n"),
    ("user-info.txt", "https://x:ENCODED@h.example/repository.git\n"),
    ("fragment.txt", "<https://h.example/#token=VALUE>\n"),
    ("form.txt", "grant_type=token&token=ENCODED&scope=all\n"),
    ("chat.txt", "[10:02] ann: the token is VALUE\n[10:03] bob: thanks\n"),
    ("sentence.txt", "My token is VALUE. Please do not share it.\n"),
    ("question.txt", "Is it VALUE?\n"),
    ("shout.txt", "It is VALUE!\n"),
    ("typographic.txt", "use \u{201c}VALUE\u{201d} for now\n"),
    ("slack.json", "{\"text\":\"token: <VALUE>\",\"ts\":\"1\"}\n"),
    ("teams.html", "<p>token:&nbsp;VALUE&nbsp;</p>\n"),
    (
        "notebook.ipynb",
        "{\"cells\":[{\"source\":[\"TOKEN = \\\"VALUE\\\"\\n\",\"run(TOKEN)\"]}]}\n",
    ),
    ("postman.json", "{\"auth\":{\"bearer\":[{\"key\":\"token\",\"value\":\"VALUE\"}]}}\n"),
    ("added.diff", "@@ -1 +1 @@\n+MPT_API_TOKEN=VALUE\n"),
    ("removed.diff", "-VALUE\n+\n"),
    ("table.md", "| name | value |\n| --- | --- |\n| token | VALUE |\n"),
    ("tight-table.md", "|token|VALUE|\n"),
    ("code.md", "Set `MPT_API_TOKEN` to `VALUE`.\n"),
    ("bold.md", "The token is **VALUE**.\n"),
    ("tokens.csv", "name,token\nci,VALUE\n"),
    ("quoted.csv", "\"ci\",\"VALUE\"\n"),
    ("tokens.tsv", "ci\tVALUE\t2026\n"),
    ("insert.sql", "UPDATE t SET token='VALUE' WHERE id=1;\n"),
    ("Dockerfile", "ENV MPT_API_TOKEN=VALUE\n"),
    ("main.tf", "token = \"VALUE\"\n"),
    ("Token.cs", "var t = @\"VALUE\";\n"),
    ("token.php", "<?php define('TOKEN', 'VALUE'); ?>\n"),
    ("old-form.txt", "token TKN-1671-0642:SECRET\n"),
    ("small.txt", "tkn-1671-0642:SECRET\n"),
    ("hyphens.txt", "idt:TKN\u{2011}1671\u{2011}0642:SECRET\n"),
    ("fullwidth-colon.txt", "idt\u{ff1a}TKN-1671-0642\u{ff1a}SECRET\n"),
    ("joined.txt", "idt:TKN-1671-0642:Xk3pQ9vL\u{200b}2mN8bR4tY7wZ1cD5fG6hJ0sA\n"),
    ("strings.bin", "\0\x01\x02VALUE\0next\0\u{7f}ELF"),
];

/// What looks like a value and is left.
const NEAR_MISSES: &[(&str, &str)] = &[
    ("id.txt", "TKN-1671-0642\n"),
    ("id-colon.txt", "TKN-1671-0642: deleted\n"),
    ("id-note.txt", "TKN-1671-0642:note\n"),
    ("id-prefix.txt", "idt:TKN-1671-0642\n"),
    ("id-end.txt", "idt:TKN-1671-0642:\n"),
    ("id-url.txt", "https://h.example/api-tokens/TKN-1671-0642?x=1\n"),
    ("id-json.json", "{\"id\":\"TKN-1671-0642\",\"secret\":\"SECRET\"}\n"),
    ("id-list.csv", "TKN-1671-0642,TKN-1671-0643,TKN-1671-0644\n"),
    ("id-base64.txt", "VEtOLTE2NzEtMDY0Mg==\n"),
    ("account.txt", "idt:ACC-1671-0642:SECRET\n"),
    ("license.txt", "ALS-1671-0642:SECRET\n"),
    ("order.txt", "ORD-1671-0642-0001:SECRET\n"),
    ("user.txt", "USR-1671-0642:SECRET\n"),
    ("one-group.txt", "TKN-1671:SECRET\n"),
    ("letters.txt", "TKN-abcd-efgh:SECRET\n"),
    ("other-word.txt", "ATKN_1671_0642:SECRET\n"),
    ("jwt.txt", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ0a24ifQ.c2lnbmF0dXJl\n"),
    ("dots.txt", "idt:TKN-1671-0642:Xk3pQ9vL...\n"),
    ("ellipsis.txt", "idt:TKN-1671-0642:Xk3pQ9vL2mN8\u{2026}\n"),
    ("stars.txt", "idt:TKN-1671-0642:********\n"),
    ("half-stars.txt", "idt:TKN-1671-0642:Xk3p****\n"),
    ("crosses.txt", "idt:TKN-1671-0642:xxxxxxxxxxxxxxxx\n"),
    ("redacted.txt", "idt:TKN-1671-0642:<redacted>\n"),
    ("placeholder.md", "`idt:TKN-XXXX-XXXX:<secret>`\n"),
    ("placeholder-filled.md", "`idt:TKN-XXXX-XXXX:your-secret-here`\n"),
    ("variable.sh", "TOKEN=\"idt:TKN-1671-0642:$SECRET\"\n"),
    ("braces.sh", "TOKEN=\"idt:TKN-1671-0642:${SECRET}\"\n"),
    ("mustache.yaml", "token: idt:TKN-1671-0642:{{ secret }}\n"),
    ("format.py", "f\"idt:{id}:{secret}\"\n"),
    ("percent.c", "printf(\"idt:TKN-%04d-%04d:%s\", a, b, c);\n"),
    ("pattern.toml", "regex = '''idt:TKN-\\d{4}-\\d{4}:[A-Za-z0-9]+'''\n"),
    ("cyrillic.txt", "idt:\u{422}\u{41a}N-1671-0642:SECRET\n"),
    ("spaces.txt", "TKN-1671-0642 : SECRET\n"),
    ("next-line.txt", "idt:TKN-1671-0642:\nSECRET\n"),
    ("short.txt", "idt:TKN-1671-0642:abc12\n"),
];

fn filled(text: &str) -> Vec<u8> {
    let value = value();
    let of_user = base64(format!("user:{value}"));
    text.replace("BASE64-OF-USER", &of_user)
        .replace("BASE64", &base64(&value))
        .replace("ENCODED", &value.replace(':', "%3A"))
        .replace("VALUE", &value)
        .replace("SECRET", SECRET)
        .into_bytes()
}

/// Leaks that are no text with something put in.
fn other_leaks() -> Vec<(&'static str, Vec<u8>)> {
    let value = value();
    let line = format!("$env:MPT_API_TOKEN = \"{value}\"\r\n");
    let script = format!("$t = '{value}'");
    let wrapped: Vec<String> =
        base64(format!("first line\n{value}\nlast line, which is long enough\n"))
            .as_bytes()
            .chunks(76)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
    vec![
        ("powershell.ps1", utf16(&line, &[0xff, 0xfe], false)),
        ("big-endian.txt", utf16(&line, &[0xfe, 0xff], true)),
        ("windows.exe", [&b"MZ\x90\0\x03\0"[..], &utf16(&line, &[], false), b"\0\0\xff"].concat()),
        ("marked.txt", format!("\u{feff}{value}\n").into_bytes()),
        ("latin-1.txt", [b"t\xf6ken \xab", value.as_bytes(), b"\xbb\n"].concat()),
        ("encoded-command.txt", {
            let command = base64(utf16(&script, &[], false));
            format!("powershell -EncodedCommand {command}\n").into_bytes()
        }),
        (
            "mail.eml",
            format!("Content-Transfer-Encoding: base64\r\n\r\n{}\r\n", wrapped.join("\r\n"))
                .into_bytes(),
        ),
        ("one-line.min.js", {
            let filler = "var a=1;".repeat(100_000);
            format!("{filler}t=\"{value}\";{filler}").into_bytes()
        }),
    ]
}

#[test]
fn each_leak_is_found_and_each_near_miss_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let write = |kind: &str, name: &str, bytes: &[u8]| {
        fs::create_dir_all(folder.path().join(kind)).unwrap();
        fs::write(folder.path().join(kind).join(name), bytes).unwrap();
    };
    let mut expected = BTreeMap::new();
    for (name, text) in LEAKS {
        let replaced = expected.insert(format!("leaks/{name}"), 1);
        assert!(replaced.is_none(), "two files are called {name}");
        write("leaks", name, &filled(text));
    }
    for (name, bytes) in other_leaks() {
        expected.insert(format!("leaks/{name}"), 1);
        write("leaks", name, &bytes);
    }
    for (name, text) in NEAR_MISSES {
        write("near-misses", name, &filled(text));
    }
    assert!(expected.len() >= 60 && NEAR_MISSES.len() >= 30);
    let output = program().current_dir(folder.path()).args(["find", "--json"]).output().unwrap();
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    let mut values = Vec::new();
    for line in lines(&output.stdout) {
        assert_eq!(line["id"], ID);
        match line["path"].as_str() {
            // As Unix writes it.
            Some(path) => *found.entry(path.replace('\\', "/")).or_default() += 1,
            None => values.push(line),
        }
    }
    let mut wrong = String::new();
    for path in expected.keys().chain(found.keys()) {
        let (wanted, had) = (expected.get(path).unwrap_or(&0), found.get(path).unwrap_or(&0));
        if wanted != had {
            let _ = writeln!(wrong, "{path}: {had} times instead of {wanted}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    // The same value everywhere, and so all of it.
    assert_eq!(values.len(), 1, "{values:?}");
    assert_eq!(output.status.code(), Some(1));
}

/// What is found is the value itself, to the letter.
#[test]
fn the_whole_value_is_found() {
    let key = FingerprintKey::new().unwrap();
    let expected = key.of(&ApiToken::new(value()).unwrap());
    let texts = LEAKS.iter().map(|(name, text)| (*name, filled(text)));
    for (name, bytes) in texts.chain(other_leaks()) {
        let found: Vec<_> = scan_values(bytes.as_slice()).collect::<Result<_, _>>().unwrap();
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0].value().map(|value| key.of(value)), Some(expected), "{name}");
    }
}
