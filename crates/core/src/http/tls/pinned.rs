//! A server whose certificate was itself given as trusted.
//!
//! `openssl req -x509` marks what it makes as an authority's certificate, and servers show it as their own. By the rules
//! an authority's certificate is no server's, so that the verifier refuses it, although the very bytes were given as
//! trusted. It is accepted here, since whoever has its key could sign a certificate for the server just as well. The
//! dates and the name are checked as ever, and the handshake's signature proves that the server has the key.

use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::masked;
use crate::http::transport::attempt;

/// Verifies by authorities and, beside that, takes the certificates that were given as what they are.
#[derive(Debug)]
pub(super) struct Verifier {
    by_authority: Arc<WebPkiServerVerifier>,
    given: Vec<CertificateDer<'static>>,
    /// What reads the whole of the platform's store, where `by_authority` knows only the first part of it.
    all: Option<fn() -> Vec<CertificateDer<'static>>>,
    /// All of it, once it was needed.
    by_all: OnceLock<Option<Arc<WebPkiServerVerifier>>>,
}

impl Verifier {
    /// `all` is asked when a server is not trusted, and at most once: two threads may ask it at once instead.
    pub(super) fn new(
        by_authority: Arc<WebPkiServerVerifier>,
        given: Vec<CertificateDer<'static>>,
        all: Option<fn() -> Vec<CertificateDer<'static>>>,
    ) -> Verifier {
        Verifier { by_authority, given, all, by_all: OnceLock::new() }
    }

    /// By all authorities, where there are more. Reading them ends with the attempt that it is for, at the latest.
    fn by_all(&self) -> Result<Option<&WebPkiServerVerifier>, Error> {
        let Some(all) = self.all else { return Ok(None) };
        if self.by_all.get().is_none() {
            // Not inside `get_or_init`: a fork meanwhile would leave the child waiting for a thread that it does not have.
            let all = attempt::aside("mpt-tokens-trust", all)
                .map_err(|why| Error::General(format!("the trust store cannot be read: {why}")))?;
            let _ = self.by_all.set(by_authority(&all, &self.given));
        }
        Ok(self.by_all.get().and_then(Option::as_deref))
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = |verifier: &WebPkiServerVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        let mut judged = verdict(&self.by_authority);
        if judged.is_err()
            && let Some(by_all) = self.by_all()?
        {
            judged = verdict(by_all);
        }
        match judged {
            // All that has a name of its own (expired, unknown, for another purpose) stands.
            Err(Error::InvalidCertificate(CertificateError::Other(_)))
                if self.given.iter().any(|given| given == end_entity) =>
            {
                check_dates(end_entity, now)?;
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_authority.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_authority.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_authority.supported_verify_schemes()
    }
}

/// Verifies by these authorities; `None` if there are none.
pub(super) fn by_authority(
    platform: &[CertificateDer<'static>],
    given: &[CertificateDer<'static>],
) -> Option<Arc<WebPkiServerVerifier>> {
    let mut roots = RootCertStore::empty();
    // Stores hold old certificates, too, that nobody needs and not everybody can read.
    roots.add_parsable_certificates(platform.iter().cloned());
    roots.add_parsable_certificates(given.iter().cloned());
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), masked::provider()).build().ok()
}

fn check_dates(certificate: &[u8], now: UnixTime) -> Result<(), Error> {
    let (not_before, not_after) =
        validity(certificate).ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))?;
    if now < not_before {
        return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
    }
    if now > not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
    }
    Ok(())
}

/// From when until when a certificate is valid (RFC 5280, section 4.1).
fn validity(certificate: &[u8]) -> Option<(UnixTime, UnixTime)> {
    const SEQUENCE: u8 = 0x30;
    let (SEQUENCE, certificate, _) = element(certificate)? else { return None };
    let (SEQUENCE, mut rest, _) = element(certificate)? else { return None };
    // The version, where it is not the first.
    if let (0xa0, _, after) = element(rest)? {
        rest = after;
    }
    for _serial_algorithm_issuer in 0..3 {
        rest = element(rest)?.2;
    }
    let (SEQUENCE, dates, _) = element(rest)? else { return None };
    let (tag, not_before, rest) = element(dates)?;
    let not_before = time(tag, not_before)?;
    let (tag, not_after, _) = element(rest)?;
    Some((not_before, time(tag, not_after)?))
}

/// The first element of DER (ITU-T X.690): its tag, its content, and what comes after it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length - 0x80))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// A date (RFC 5280, section 4.1.2.5): always to the second, and in UTC.
fn time(tag: u8, text: &[u8]) -> Option<UnixTime> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, len: usize| text.get(from..from + len)?.parse::<u64>().ok();
    let (year, rest) = match (tag, text.len()) {
        (0x17, 12) => {
            (number(0, 2).map(|year| if year < 50 { 2000 + year } else { 1900 + year })?, 2)
        }
        (0x18, 14) => (number(0, 4)?, 4),
        _ => return None,
    };
    let part = |nth: usize| number(rest + 2 * nth, 2);
    let (month, day) = (part(0)?, part(1)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days of the Gregorian calendar, counted from March, so that the leap day is a year's last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    let seconds = (part(2)? * 60 + part(3)?) * 60 + part(4)?;
    // What was before 1970 counts as then.
    let passed = (days * 86_400 + seconds).saturating_sub(719_468 * 86_400);
    Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(passed)))
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    use std::sync::{Mutex, mpsc};
    use std::time::{Duration, Instant};

    use rstest::rstest;

    use super::*;
    use crate::http::credential::Credential;
    use crate::http::request::RequestFrame;
    use crate::http::transport::attempt::AttemptContext;
    use crate::http::transport::limits::Limits;
    use crate::http::transport::route::Route;
    use crate::input::api_token::ApiToken;
    use crate::input::endpoint::Endpoint;
    use crate::input::token_id::TokenId;
    use crate::input::trace::TraceParent;
    use crate::wait::wait::{Cancels, Wake};

    /// An authority, and a certificate for `host.test` that it issued.
    fn authority() -> (CertificateDer<'static>, CertificateDer<'static>) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let leaf = CertificateParams::new(vec!["host.test".to_owned()]).unwrap();
        let leaf =
            leaf.signed_by(&KeyPair::generate().unwrap(), &Issuer::new(params, key)).unwrap();
        (certificate, leaf.der().clone())
    }

    /// Whether it is in a call that may take until `deadline`.
    fn judge(
        verifier: &Verifier,
        leaf: &CertificateDer<'_>,
        deadline: Instant,
    ) -> (bool, Option<Wake>) {
        let limits = Limits {
            deadline,
            connect_deadline: deadline,
            cancels: Cancels::default(),
            route: Route::default(),
            room: 0,
        };
        let credential = Arc::new(Credential::new(ApiToken::new("value").unwrap()));
        let endpoint = Endpoint::new("https://host.test", false).unwrap();
        let id = TokenId::new("TKN-1671-0642").unwrap();
        let request =
            RequestFrame::new(&endpoint, "test").request(&id, &TraceParent::random().attempt());
        let attempt = AttemptContext::new(limits, credential, request, Instant::now());
        let name = ServerName::try_from("host.test").unwrap();
        let verdict = attempt
            .scope(|| verifier.verify_server_cert(leaf, &[], &name, &[], UnixTime::now()).is_ok());
        (verdict, attempt.observed.stopped())
    }

    fn is_trusted(verifier: &Verifier, leaf: &CertificateDer<'_>) -> bool {
        judge(verifier, leaf, Instant::now() + Duration::from_secs(60)).0
    }

    /// The rest of the store is on a file system that hangs until the test lets it go on.
    #[test]
    fn reading_the_rest_holds_no_call_past_its_deadline() {
        static GO_ON: Mutex<Option<mpsc::Receiver<()>>> = Mutex::new(None);
        let (first, _) = authority();
        let (_, of_nobody) = authority();
        let (go_on, hangs) = mpsc::channel();
        *GO_ON.lock().unwrap() = Some(hangs);
        let hanging = || {
            GO_ON.lock().unwrap().take().unwrap().recv().unwrap();
            Vec::new()
        };
        let by_first = by_authority(std::slice::from_ref(&first), &[]).unwrap();
        let verifier = Verifier::new(by_first, Vec::new(), Some(hanging));
        let judged = judge(&verifier, &of_nobody, Instant::now());
        assert_eq!(judged, (false, Some(Wake::TimedOut)));
        go_on.send(()).unwrap();
    }

    /// The rest of the platform's store is read for a server that its first part does not know, and for no other.
    #[test]
    fn the_store_is_read_as_far_as_needed() {
        static REST: OnceLock<CertificateDer<'static>> = OnceLock::new();
        let (first, of_first) = authority();
        let (rest, of_rest) = authority();
        let (_, of_nobody) = authority();
        let by_first = || by_authority(std::slice::from_ref(&first), &[]).unwrap();

        let never = || panic!("all is read, and the first part is enough");
        assert!(is_trusted(&Verifier::new(by_first(), Vec::new(), Some(never)), &of_first));

        REST.set(rest).unwrap();
        let verifier =
            Verifier::new(by_first(), Vec::new(), Some(|| vec![REST.get().unwrap().clone()]));
        assert!(is_trusted(&verifier, &of_rest));
        assert!(is_trusted(&verifier, &of_first));
        assert!(!is_trusted(&verifier, &of_nobody));
        assert!(!is_trusted(&Verifier::new(by_first(), Vec::new(), None), &of_rest));
    }

    #[rstest]
    #[case(0x17, "700101000000Z", Some(0))]
    #[case(0x17, "261127083642Z", Some(1_795_768_602))]
    #[case(0x17, "491231235959Z", Some(2_524_607_999))]
    #[case(0x17, "500101000000Z", Some(0))]
    #[case(0x18, "20000229120000Z", Some(951_825_600))]
    #[case(0x18, "20500101000000Z", Some(2_524_608_000))]
    #[case(0x18, "99991231235959Z", Some(253_402_300_799))]
    #[case(0x18, "20001301000000Z", None)]
    #[case(0x17, "20000101000000Z", None)]
    #[case(0x18, "2000010100000Z", None)]
    #[case(0x17, "7001010000+1Z", None)]
    #[case(0x17, "700101000000+0100", None)]
    #[case(0x16, "700101000000Z", None)]
    fn dates(#[case] tag: u8, #[case] text: &str, #[case] seconds: Option<u64>) {
        assert_eq!(time(tag, text.as_bytes()).map(|time| time.as_secs()), seconds);
    }
}
