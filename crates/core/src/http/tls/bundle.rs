//! What a trust file holds: certificates. All of them are read, or none; what else stands there is refused by its name.
//! No error repeats any of a file's content: it may be a private key that was given by mistake.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use zeroize::Zeroizing;

use crate::input::shown;

/// What such a file should look like.
const EXPECTED: &str = "expected certificates in PEM, each from `-----BEGIN CERTIFICATE-----` to `-----END CERTIFICATE-----`";

/// The certificates of a trust file. The error is the end of a sentence that begins with the file.
pub(super) fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return Err(format!("is empty: {EXPECTED}"));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(format!("is UTF-16: save it as UTF-8; {EXPECTED}"));
    }
    let blocks = blocks(bytes)?;
    if blocks.is_empty() {
        return binary(bytes);
    }
    blocks.iter().enumerate().map(|(index, block)| block.certificate(index + 1)).collect()
}

/// One block of PEM (RFC 7468).
struct Block<'a> {
    label: &'a [u8],
    body: &'a [u8],
    line: usize,
}

impl Block<'_> {
    fn certificate(&self, number: usize) -> Result<CertificateDer<'static>, String> {
        let line = self.line;
        match self.label {
            b"CERTIFICATE" | b"X509 CERTIFICATE" => {}
            b"TRUSTED CERTIFICATE" => {
                return Err(format!(
                    "has a `TRUSTED CERTIFICATE` of OpenSSL in line {line}, whose own rules of trust are not known here: \
                     expected `CERTIFICATE`, which `openssl x509 -in FILE` writes"
                ));
            }
            label => return Err(format!("has {} in line {line}: {EXPECTED}", kind(label))),
        }
        // The library that reads it wants it in lines of its own. Line breaks may be written as `\n`, as in
        // environment variables: no other use of `\` is in PEM.
        let mut pem = b"-----BEGIN CERTIFICATE-----\n".to_vec();
        let mut escaped = false;
        for byte in self.body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()) {
            match (escaped, byte) {
                (false, b'\\') => escaped = true,
                (true, b'n' | b'r') => escaped = false,
                _ => pem.push(byte),
            }
        }
        pem.extend(b"\n-----END CERTIFICATE-----\n");
        let broken = || format!("has a broken certificate, number {number}, in line {line}");
        let der = CertificateDer::from_pem_slice(&pem)
            .map_err(|_| format!("{}, which is not base64: {EXPECTED}", broken()))?;
        if is_certificate(&der) {
            Ok(der)
        } else {
            Err(format!("{}, which is not X.509, or not whole: {EXPECTED}", broken()))
        }
    }
}

/// Every block, wherever in a line it begins. None is passed over: as many must be whole as begin and as end.
fn blocks(text: &[u8]) -> Result<Vec<Block<'_>>, String> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    const DASHES: &[u8] = b"-----";
    let mut blocks = Vec::new();
    let (mut at, mut line, mut counted) = (0, 1, 0);
    while let Some(found) = find(&text[at..], BEGIN) {
        let begin = at + found;
        line += text[counted..begin].iter().filter(|byte| **byte == b'\n').count();
        counted = begin;
        let label = &text[begin + BEGIN.len()..];
        let length = label.iter().position(|byte| !is_of_a_label(*byte)).unwrap_or(label.len());
        let label = &label[..length];
        let body = begin + BEGIN.len() + length;
        if !text[body..].starts_with(DASHES) {
            return Err(format!(
                "has a line {line} that begins a block and is not whole: {EXPECTED}"
            ));
        }
        let body = body + DASHES.len();
        let marker = [b"-----END ", label, DASHES].concat();
        let end = find(&text[body..], &marker).map(|end| body + end);
        // With another beginning before it, it is the end of that.
        let Some(end) = end.filter(|end| markers(&text[body..*end], b"BEGIN ") == 0) else {
            return Err(format!("has no end of the block that begins in line {line}: {EXPECTED}"));
        };
        blocks.push(Block { label, body: &text[body..end], line });
        at = end + marker.len();
    }
    let (begun, ended) = (markers(text, b"BEGIN "), markers(text, b"END "));
    if begun != blocks.len() || ended != blocks.len() {
        return Err(format!(
            "has beginnings and ends of blocks that do not fit together ({begun} and {ended}, of which {} are whole): \
             {EXPECTED}",
            blocks.len()
        ));
    }
    Ok(blocks)
}

/// How many marks of a block's beginning, or end, are there, well written or not: the word and a label, between dashes
/// or whatever stands for them.
fn markers(text: &[u8], word: &[u8]) -> usize {
    let is_mark = |at: usize| {
        let before = text[..at].last().copied().unwrap_or(b'\n');
        let after = &text[at + word.len()..];
        let length = after.iter().position(|byte| !is_of_a_label(*byte)).unwrap_or(after.len());
        let (label, after) = after.split_at(length);
        let is_known = || {
            let words = [&b"CERTIFICATE"[..], b"KEY", b"CRL", b"PKCS7", b"CMS"];
            words.iter().any(|word| find(label, word).is_some())
        };
        (before == b'-' && after.starts_with(b"-"))
            || (!before.is_ascii_alphanumeric() && before != b' ' && is_known())
    };
    let starts = text.windows(word.len()).enumerate();
    starts.filter(|(at, window)| *window == word && is_mark(*at)).count()
}

fn is_of_a_label(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' '
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// What a block that is no certificate is, by its label. A label that is not known is not repeated.
fn kind(label: &[u8]) -> &'static str {
    match label {
        label if label.ends_with(b"PRIVATE KEY") => "a private key, which belongs to no one else,",
        label if label.ends_with(b"PUBLIC KEY") => "a public key",
        label if label.ends_with(b"CERTIFICATE REQUEST") => "a certificate request",
        b"X509 CRL" => "a revocation list",
        b"PKCS7" | b"CMS" => {
            "a PKCS#7 bundle (`openssl pkcs7 -print_certs -in FILE` writes its certificates)"
        }
        _ => "a block that is not a certificate",
    }
}

/// A file without PEM: one certificate in DER, or something else that can be told by its first bytes.
fn binary(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let der = CertificateDer::from(bytes.to_vec());
    if is_certificate(&der) {
        return Ok(vec![der]);
    }
    if bytes.starts_with(b"\xfe\xed\xfe\xed") {
        return Err(format!("is a keystore of Java: {EXPECTED}"));
    }
    if std::str::from_utf8(bytes).is_ok() {
        return Err(format!("has no certificate: {EXPECTED}"));
    }
    // The first element inside the outer one (ITU-T X.690, section 8.1): a certificate begins with another sequence.
    let inner = match bytes {
        [0x30, 0x82, _, _, inner @ ..] | [0x30, 0x83, _, _, _, inner @ ..] => inner,
        [0x30, 0x81, _, inner @ ..] | [0x30, _, inner @ ..] => inner,
        _ => return Err(format!("is binary, and no certificate: {EXPECTED}")),
    };
    let what = match inner {
        [0x06, ..] => {
            "a PKCS#7 bundle (`openssl pkcs7 -inform DER -print_certs -in FILE` writes its certificates)"
        }
        [0x02, 1, 3, ..] => "a PKCS#12 store",
        [0x02, 1, 0 | 1, ..] => "a private key, which belongs to no one else",
        _ => "binary, and not one whole certificate",
    };
    Err(format!("is {what}: {EXPECTED}"))
}

fn is_certificate(der: &CertificateDer<'_>) -> bool {
    RootCertStore::empty().add(der.clone().into_owned()).is_ok()
}

/// The largest trust file that is read, in bytes: those of the platforms have some hundred kilobytes.
const LARGEST: u64 = 64 * 1024 * 1024;

pub(crate) fn bundle_of_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, InvalidCaBundle> {
    let told = |why: &str| InvalidCaBundle(format!("the CA file `{}` {why}", shown::path(path)));
    if path.is_dir() {
        return Err(told("is a folder: expected a file"));
    }
    // It may be a private key that was given by mistake.
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| told(&format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > LARGEST {
        return Err(told("is larger than 64 MiB: expected certificates in PEM"));
    }
    certificates(&bytes).map_err(|why| told(&why))
}

/// Why a CA bundle cannot be used. None of what stands in it is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidCaBundle(pub(crate) String);

impl fmt::Display for InvalidCaBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidCaBundle {}
