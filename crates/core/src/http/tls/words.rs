//! What went wrong in TLS, in words: what was found and, where there is something to do, what.

use std::time::{Duration, SystemTime};

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

/// How many of a certificate's names are told.
const NAMES: usize = 5;

/// The sentence for an error of TLS. It holds names from the server's certificate: text that nobody here has checked.
pub(crate) fn describe(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::PeerIncompatible(why) => of_incompatible(why),
        Error::InvalidMessage(why) => of_message(why),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "the server sent a message of TLS that has no place there".to_owned()
        }
        Error::PeerMisbehaved(why) => {
            format!("the server does not keep to TLS ({})", words(&format!("{why:?}")))
        }
        Error::NoCertificatesPresented => "the server shows no certificate".to_owned(),
        Error::UnsupportedNameType => {
            "the host's name is not one that a certificate can be for".to_owned()
        }
        Error::DecryptError | Error::PeerSentOversizedRecord => {
            "what the server sent cannot be decrypted: something on the way may have changed it"
                .to_owned()
        }
        Error::NoApplicationProtocol => {
            "the server wants another protocol than HTTP/1.1".to_owned()
        }
        Error::FailedToGetCurrentTime => "the system's clock cannot be read".to_owned(),
        Error::FailedToGetRandomBytes => "the system gives no random numbers".to_owned(),
        Error::General(why) => why.clone(),
        Error::Other(other) => words(&other.to_string()),
        other => words(&format!("{other:?}")),
    }
}

/// Whether the authority of the server's certificate is not known: then it counts which ones are.
pub(crate) fn is_about_trust(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::UnknownIssuer))
}

fn of_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => {
            "the server's certificate is signed by no authority that is trusted here: if it is the right server, give \
             the authority's certificate as a CA file"
                .to_owned()
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the server's certificate expired on {}: it needs a new one", date(*not_after))
        }
        CertificateError::Expired => "the server's certificate has expired: it needs a new one".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "the server's certificate is not valid before {}: check the clock of this machine",
            date(*not_before)
        ),
        CertificateError::NotValidYet => {
            "the server's certificate is not valid yet: check the clock of this machine".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "the server's certificate is not for `{}`, {}: is it the right host?",
            expected.to_str(),
            names(presented)
        ),
        CertificateError::NotValidForName => {
            "the server's certificate is for another name: is it the right host?".to_owned()
        }
        CertificateError::BadSignature => "a signature of the server's certificate is wrong".to_owned(),
        CertificateError::BadEncoding => "the server's certificate cannot be read".to_owned(),
        CertificateError::Revoked => "the server's certificate was revoked".to_owned(),
        CertificateError::UnhandledCriticalExtension => {
            "the server's certificate makes a condition that is not known here".to_owned()
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "the server's certificate is signed in a way that is not accepted any more: it needs a new one".to_owned()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the server's certificate is not for servers".to_owned()
        }
        CertificateError::Other(other) => match other.0.to_string().as_str() {
            "CaUsedAsEndEntity" => {
                "the server shows an authority's certificate as its own, as `openssl req -x509` makes it: if it is the \
                 right server, give that very certificate as a CA file"
                    .to_owned()
            }
            why => format!("the server's certificate cannot be used ({})", words(why)),
        },
        other => format!("the server's certificate cannot be used ({})", words(&format!("{other:?}"))),
    }
}

/// For which hosts a certificate is. The names come as they are written for debugging: `DnsName("api.example")`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| {
        let name = name.strip_prefix("DnsName(").or_else(|| name.strip_prefix("IpAddress("))?;
        Some(format!("`{}`", name.strip_suffix(')')?.trim_matches('"')))
    };
    let names: Vec<String> = presented.iter().filter_map(bare).collect();
    match names.split_at_checked(NAMES) {
        Some((shown, more)) if !more.is_empty() => {
            format!("but for {} and {} more", shown.join(", "), more.len())
        }
        _ if names.is_empty() => "and has no host in its subjectAltName at all".to_owned(),
        _ => format!("but for {}", names.join(", ")),
    }
}

/// What the server says itself (RFC 8446, section 6.2).
fn of_alert(alert: AlertDescription) -> String {
    let why = match alert {
        AlertDescription::ProtocolVersion => {
            return "the server speaks no version of TLS from 1.2 on: is it the right host?"
                .to_owned();
        }
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            return "the server has no way to encrypt in common with this client".to_owned();
        }
        AlertDescription::UnrecognisedName => {
            return "the server does not know the host's name: is it the right host?".to_owned();
        }
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
            return "the server wants a certificate of the client, which this client cannot give"
                .to_owned();
        }
        AlertDescription::AccessDenied => "access denied".to_owned(),
        AlertDescription::InternalError => "internal error".to_owned(),
        AlertDescription::UserCanceled => "cancelled".to_owned(),
        AlertDescription::Unknown(number) => format!("alert {number}"),
        other => words(&format!("{other:?}")),
    };
    format!("the server ended the handshake ({why})")
}

fn of_incompatible(why: &PeerIncompatible) -> String {
    match why {
        PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
        | PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled => {
            "the server speaks no version of TLS from 1.2 on: is it the right host?".to_owned()
        }
        PeerIncompatible::NoCipherSuitesInCommon
        | PeerIncompatible::NoKxGroupsInCommon
        | PeerIncompatible::NoSignatureSchemesInCommon => {
            "the server has no way to encrypt in common with this client".to_owned()
        }
        other => {
            let why = format!("{other:?}");
            format!("the server's TLS does not fit this client's ({})", words(&why))
        }
    }
}

fn of_message(why: &InvalidMessage) -> String {
    match why {
        InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion => {
            "the server does not answer in TLS: is it the port for https?".to_owned()
        }
        other => format!("the server's TLS cannot be read ({})", words(&format!("{other:?}"))),
    }
}

/// `Mon, 01 Jan 2029 00:00:00 GMT`.
fn date(time: UnixTime) -> String {
    // The last second of the year 9999: a later one cannot be written so, nor can a certificate hold it.
    let seconds = time.as_secs().min(253_402_300_799);
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

/// The name of a variant as words: `BadRecordMac` is `bad record mac`. What it carries is left out.
fn words(name: &str) -> String {
    let name: &str = name.split(['(', '{']).next().unwrap_or_default().trim();
    let mut words = String::with_capacity(name.len() + 8);
    let mut before = ' ';
    for c in name.chars() {
        if c.is_uppercase() && (before.is_lowercase() || before.is_numeric()) {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
        before = c;
    }
    words
}

#[cfg(test)]
mod tests;
