//! What is trusted: files of every kind that people have, and a server's own certificate.

use mpt_tokens::{CaBundle, Code, Outcome, OutcomeKind};
use rcgen::{CertificateParams, KeyPair};
use rstest::rstest;
use rustls::version::{TLS12, TLS13};

use crate::support::log::assert_no_leak;
use crate::support::pki::{Authority, Identity, self_signed_authority};
use crate::support::prose::assert_prose;
use crate::support::raw::{Conn, NO_CONTENT, Server};
use crate::support::{HOST, builder_at, delete};

/// What a test of files needs: certificates and keys that are fit to be seen by nobody.
struct Made {
    first: String,
    second: String,
    der: Vec<u8>,
    key: String,
    key_der: Vec<u8>,
    request: String,
}

impl Made {
    fn new() -> Made {
        let authority = Authority::new("made");
        let key = KeyPair::generate().unwrap();
        let request = CertificateParams::new(vec![HOST.to_owned()]).unwrap();
        Made {
            first: authority.pem(),
            der: authority.der(),
            second: Authority::new("second").pem(),
            request: request.serialize_request(&key).unwrap().pem().unwrap(),
            key_der: key.serialize_der(),
            key: key.serialize_pem(),
        }
    }

    fn both(&self) -> String {
        format!("{}{}", self.first, self.second)
    }

    fn labelled(&self, label: &str) -> String {
        self.first.replace(" CERTIFICATE-", &format!(" {label}-"))
    }
}

fn one_line(pem: &str) -> String {
    pem.trim_end().replace("\r\n", "\n").replace('\n', "\\n")
}

/// An ASN.1 sequence that begins so.
fn sequence(inside: &[u8]) -> Vec<u8> {
    let filling = [&[0xff; 200], inside].concat().len();
    let length = u16::try_from(filling).unwrap().to_be_bytes();
    [&[0x30, 0x82], &length[..], inside, &[0xff; 200]].concat()
}

/// All certificates of a file are read, however it is written.
#[rstest]
#[case::plain(|made: &Made| made.both().into_bytes(), 2)]
#[case::byte_order_mark(|made: &Made| format!("\u{feff}{}", made.both()).into_bytes(), 2)]
#[case::joined_with_marks(|made: &Made| format!("\u{feff}{}\u{feff}{}", made.first, made.second).into_bytes(), 2)]
#[case::windows_lines(|made: &Made| made.both().replace("\r\n", "\n").replace('\n', "\r\n").into_bytes(), 2)]
#[case::old_mac_lines(|made: &Made| made.both().replace("\r\n", "\n").replace('\n', "\r").into_bytes(), 2)]
#[case::joined_without_a_line(|made: &Made| format!("{}{}", made.first.trim_end(), made.second).into_bytes(), 2)]
#[case::no_last_line(|made: &Made| made.both().trim_end().as_bytes().to_vec(), 2)]
#[case::in_one_line(|made: &Made| one_line(&made.both()).into_bytes(), 2)]
#[case::indented(|made: &Made| made.both().replace('\n', "\n    ").into_bytes(), 2)]
#[case::old_label(|made: &Made| made.labelled("X509 CERTIFICATE").into_bytes(), 1)]
#[case::words_around(|made: &Made| format!("# BEGIN of ours\nissuer=CN = x\n{}\nEND\n", made.first).into_bytes(), 1)]
#[case::latin_words_around(|made: &Made| [b"# Z\xfcrich\n", made.first.as_bytes()].concat(), 1)]
#[case::der(|made: &Made| made.der.clone(), 1)]
fn read_whole(#[case] file: fn(&Made) -> Vec<u8>, #[case] certificates: usize) {
    let bytes = file(&Made::new());
    let bundle = CaBundle::from_pem(&bytes).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        format!("{bundle:?}"),
        format!("CaBundle {{ certificates: {certificates}, only: false }}")
    );
}

/// A file that cannot be taken whole is refused by the name of what is in it, and nothing of it is shown.
#[rstest]
#[case::nothing(|_: &Made| Vec::new(), "is empty")]
#[case::blank(|_: &Made| b"\xef\xbb\xbf \r\n".to_vec(), "is empty")]
#[case::words(|_: &Made| b"QWxhZGRpbjpvcGVuIHNlc2FtZQ".to_vec(), "has no certificate")]
#[case::key(|made: &Made| made.key.clone().into_bytes(), "has a private key")]
#[case::key_in_one_line(|made: &Made| one_line(&made.key).into_bytes(), "has a private key")]
#[case::key_without_breaks(|made: &Made| made.key.replace(['\r', '\n'], "").into_bytes(), "has a private key")]
#[case::key_without_an_end(|made: &Made| made.key.replace("-----END", "").into_bytes(), "has no end of the block that begins in line 1")]
#[case::key_cut(|made: &Made| made.key[..made.key.len() - 40].into(), "has no end of the block that begins in line 1")]
#[case::key_of_its_own_kind(|made: &Made| made.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY").into_bytes(), "has a private key")]
#[case::key_in_der(|made: &Made| made.key_der.clone(), "is a private key")]
#[case::key_after(|made: &Made| format!("{}{}", made.first, made.key).into_bytes(), "has a private key")]
#[case::key_before(|made: &Made| format!("{}{}", made.key, made.first).into_bytes(), "has a private key, which belongs to no one else, in line 1")]
#[case::public_key(|made: &Made| made.labelled("PUBLIC KEY").into_bytes(), "has a public key")]
#[case::trusted(|made: &Made| made.labelled("TRUSTED CERTIFICATE").into_bytes(), "`openssl x509 -in FILE`")]
#[case::request(|made: &Made| made.request.clone().into_bytes(), "has a certificate request")]
#[case::revocations(|made: &Made| made.labelled("X509 CRL").into_bytes(), "has a revocation list")]
#[case::pkcs7(|made: &Made| made.labelled("PKCS7").into_bytes(), "`openssl pkcs7 -print_certs")]
#[case::pkcs7_in_der(|_: &Made| sequence(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"), "-inform DER")]
#[case::pkcs12(|_: &Made| sequence(b"\x02\x01\x03"), "is a PKCS#12 store")]
#[case::java(|_: &Made| b"\xfe\xed\xfe\xed\0\0\0\x02".to_vec(), "is a keystore of Java")]
#[case::der_cut(|made: &Made| made.der[..made.der.len() - 9].into(), "not one whole certificate")]
#[case::der_twice(|made: &Made| made.der.repeat(2), "not one whole certificate")]
#[case::picture(|_: &Made| b"\x89PNG\r\n\x1a\n\0\0".to_vec(), "is binary")]
#[case::utf16(|made: &Made| made.first.encode_utf16().fold(b"\xff\xfe".to_vec(), |mut bytes, unit| { bytes.extend(unit.to_le_bytes()); bytes }), "is UTF-16")]
#[case::unknown_label(|made: &Made| made.labelled("SECRET 0123456789").into_bytes(), "has a block that is not a certificate")]
#[case::no_beginning(|made: &Made| format!("{}{}", made.first, made.second.replacen("-----BEGIN CERTIFICATE-----", "", 1)).into_bytes(), "do not fit together (1 and 2, of which 1 are whole)")]
#[case::no_end(|made: &Made| format!("{}{}", made.first.replacen("-----END CERTIFICATE-----", "", 1), made.second).into_bytes(), "has no end of the block that begins in line 1")]
#[case::last_end(|made: &Made| made.both().trim_end().trim_end_matches("-----END CERTIFICATE-----").as_bytes().to_vec(), "has no end of the block")]
#[case::four_dashes(|made: &Made| format!("{}{}", made.first, made.second.replacen("-----BEGIN", "----BEGIN", 1)).into_bytes(), "do not fit together")]
#[case::other_dashes(|made: &Made| format!("{}{}", made.first, made.second.replace("-----", "\u{2014}\u{2013}")).into_bytes(), "do not fit together")]
#[case::dashes_lost(|made: &Made| made.first.replace("CERTIFICATE-----", "CERTIFICATE---").into_bytes(), "is not whole")]
#[case::second_broken(|made: &Made| format!("{}-----BEGIN CERTIFICATE-----\nMIIB*\n-----END CERTIFICATE-----\n", made.first).into_bytes(), "a broken certificate, number 2")]
#[case::second_not_x509(|made: &Made| format!("{}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", made.first).into_bytes(), "a broken certificate, number 2")]
#[case::empty_block(|_: &Made| b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".to_vec(), "a broken certificate, number 1")]
fn refused_by_name(#[case] file: fn(&Made) -> Vec<u8>, #[case] words: &str) {
    let bytes = file(&Made::new());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trust.pem");
    std::fs::write(&path, &bytes).unwrap();
    let by_client = builder_at(format!("https://{HOST}"), "127.0.0.1:1".parse().unwrap())
        .ca_file(&path)
        .build()
        .unwrap_err();
    assert_eq!(
        (by_client.code(), by_client.kind()),
        (Code::InvalidConfig, OutcomeKind::NotDeleted)
    );
    let told = CaBundle::from_pem(&bytes).unwrap_err().to_string();
    for told in [&told, by_client.message()] {
        assert!(told.contains(words), "{told}");
        assert!(told.contains("expected"), "it says what it should be: {told}");
        assert_prose(told);
        // Eight characters of the content that are not the names of blocks.
        let content = String::from_utf8_lossy(&bytes);
        let frame = [
            "-----BEGIN CERTIFICATE-----",
            "-----END CERTIFICATE-----",
            "TRUSTED CERTIFICATE",
            "`CERTIFICATE`",
        ];
        let told = frame.iter().fold(told.to_owned(), |told, part| told.replace(part, ""));
        for line in content.lines() {
            let line: Vec<char> = line.trim().chars().collect();
            for part in line.windows(8).map(|part| part.iter().collect::<String>()) {
                assert!(!told.contains(&part), "{part} is shown: {told}");
            }
        }
    }
    assert!(by_client.message().contains(&path.display().to_string()), "{by_client}");
    assert_no_leak();
}

#[test]
fn a_path_that_is_no_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (path, words) in
        [(folder.path().to_owned(), "is a folder"), (folder.path().join("no"), "cannot be read")]
    {
        let told = CaBundle::from_file(&path).unwrap_err().to_string();
        assert!(told.contains(words) && told.contains(&path.display().to_string()), "{told}");
        assert_prose(&told);
    }
}

fn answer(conn: &mut Conn<'_>, _: usize) {
    conn.answer_all(NO_CONTENT);
}

fn pem_of(identity: &Identity) -> CaBundle {
    CaBundle::from_pem(identity.certificate.pem().as_bytes()).unwrap()
}

fn ask(server: &Server, trust: CaBundle) -> Outcome {
    let client = builder_at(server.tls_url(), server.address()).ca_bundle(trust).build().unwrap();
    delete(&client)
}

#[track_caller]
fn assert_judged(outcome: &Outcome, server: &Server, words: &str) {
    assert_eq!(
        (outcome.code(), outcome.kind()),
        (Code::TlsFailed, OutcomeKind::NotDeleted),
        "{outcome:?}"
    );
    assert_eq!(outcome.attempts().len(), 1, "a verdict stays: {outcome:?}");
    assert_eq!(server.requests(), 0);
    assert!(outcome.message().contains(words), "{}", outcome.message());
    assert_prose(outcome.message());
    assert_no_leak();
}

/// What `openssl req -x509` makes, given as trusted: that very certificate is accepted.
#[rstest]
fn a_servers_own_certificate(
    #[values(&TLS12, &TLS13)] version: &'static rustls::SupportedProtocolVersion,
    #[values(false, true)] only: bool,
) {
    let own = self_signed_authority(&[HOST, "127.0.0.1"], 2020, 2090);
    let server = Server::start_tls(own.server_of(&[version]), answer);
    let trust = if only { pem_of(&own).only() } else { pem_of(&own) };
    for _ in 0..2 {
        let outcome = ask(&server, trust.clone());
        assert_eq!(
            (outcome.code(), outcome.kind()),
            (Code::Ok, OutcomeKind::Deleted),
            "{outcome:?}"
        );
    }
    assert_no_leak();
}

/// Its dates, its name and its key are checked as ever, and only the very bytes count.
#[rstest]
#[case::expired(2019, 2020, HOST, "expired on Wed, 01 Jan 2020 00:00:00 GMT")]
#[case::early(2990, 2999, HOST, "is not valid before Fri, 01 Jan 2990 00:00:00 GMT")]
#[case::for_another(
    2020,
    2090,
    "other.example.test",
    "is not for `api.example.test`, but for `other.example.test`"
)]
fn a_servers_own_certificate_that_does_not_fit(
    #[case] from: i32,
    #[case] until: i32,
    #[case] name: &str,
    #[case] words: &str,
) {
    let own = self_signed_authority(&[name], from, until);
    let server = Server::start_tls(own.server(), answer);
    assert_judged(&ask(&server, pem_of(&own)), &server, words);
}

#[test]
fn a_servers_own_certificate_without_its_key() {
    let own = self_signed_authority(&[HOST], 2020, 2090);
    let server = Server::start_tls(own.impostor(), answer);
    assert_judged(&ask(&server, pem_of(&own)), &server, "a signature of the server's certificate");
}

#[test]
fn another_certificate_for_the_same_name() {
    let (own, given) =
        (self_signed_authority(&[HOST], 2020, 2090), self_signed_authority(&[HOST], 2020, 2090));
    let server = Server::start_tls(own.server(), answer);
    let outcome = ask(&server, pem_of(&given));
    assert_judged(&outcome, &server, "give that very certificate as a CA file");
}

/// An authority that this user of Windows trusts is trusted here too, until it is not any more.
#[cfg(windows)]
#[ignore = "it changes whom the user trusts: `cargo xtask test windows` runs it in wine's Windows"]
#[test]
fn an_authority_in_the_store_of_windows() {
    use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    use windows_registry::{CURRENT_USER, Type};

    const STORE: &str = r"Software\Microsoft\SystemCertificates\Root\Certificates";
    let authority = Authority::new("of a user of Windows");
    let server = Server::start_tls(authority.issue(&["127.0.0.1"]).server(), answer);
    let told = || {
        let mut command = crate::examples::command("delete_one");
        command.env("MPT_API_BASE_URL", format!("https://{}", server.address()));
        let output = command.env("MPT_API_TOKEN", "token").arg("TKN-1-1").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let unknown = |told: &str| told.starts_with("not_deleted: ") && told.contains("certificate");
    assert!(unknown(&told()), "{}", told());

    // As it is kept there: by its SHA-1, in a list of properties, of which one (CERT_CERT_PROP_ID) is itself.
    let der = authority.der();
    let name: String = digest(&SHA1_FOR_LEGACY_USE_ONLY, &der)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    let path = format!("{STORE}\\{name}");
    let properties = [32, 1, u32::try_from(der.len()).unwrap()].map(u32::to_le_bytes).concat();
    let key = CURRENT_USER.create(&path).unwrap();
    key.set_bytes("Blob", Type::Bytes, &[properties, der].concat()).unwrap();
    let trusted = told();
    CURRENT_USER.remove_tree(&path).unwrap();
    assert!(trusted.starts_with("deleted: "), "{trusted}");
    assert!(unknown(&told()), "{}", told());
}
