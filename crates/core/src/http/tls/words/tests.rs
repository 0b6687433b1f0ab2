//! Every error of TLS has a sentence, and none shows how it is written for debugging.

use std::sync::Arc;

use rustls::pki_types::{ServerName, UnixTime};
use rustls::{
    AlertDescription, CertRevocationListError, CertificateError, EncryptedClientHelloError, Error,
    ExtendedKeyPurpose, InconsistentKeys, InvalidMessage, OtherError, PeerIncompatible,
    PeerMisbehaved,
};

use super::describe;
use crate::prose::assert_prose;

/// An error as webpki has them: what it shows is its name.
#[derive(Debug)]
struct Named(&'static str);

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Named {}

fn of_certificates() -> Vec<CertificateError> {
    let at = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let (time, other) = (at(1_700_000_000), at(1_577_836_800));
    let expected = ServerName::try_from("api.example.test").unwrap();
    let for_names = |names: &[&str]| CertificateError::NotValidForNameContext {
        expected: expected.clone(),
        presented: names.iter().map(ToString::to_string).collect(),
    };
    let webpki = |name| CertificateError::Other(OtherError(Arc::new(Named(name))));
    vec![
        CertificateError::BadEncoding,
        CertificateError::Expired,
        CertificateError::ExpiredContext { time, not_after: other },
        CertificateError::ExpiredContext { time, not_after: at(u64::MAX) },
        CertificateError::NotValidYet,
        CertificateError::NotValidYetContext { time, not_before: other },
        CertificateError::Revoked,
        CertificateError::UnhandledCriticalExtension,
        CertificateError::UnknownIssuer,
        CertificateError::UnknownRevocationStatus,
        CertificateError::ExpiredRevocationList,
        CertificateError::ExpiredRevocationListContext { time, next_update: other },
        CertificateError::BadSignature,
        CertificateError::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: vec![1, 2],
            supported_algorithms: Vec::new(),
        },
        CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id: vec![1, 2],
            public_key_algorithm_id: vec![3],
        },
        CertificateError::NotValidForName,
        for_names(&[]),
        for_names(&["DnsName(\"a.example\")"]),
        for_names(&["DnsName(\"a.example\")", "IpAddress(127.0.0.1)", "DirectoryName"]),
        for_names(&["DnsName(\"a\")"; 100]),
        CertificateError::InvalidPurpose,
        CertificateError::InvalidPurposeContext {
            required: ExtendedKeyPurpose::ServerAuth,
            presented: vec![ExtendedKeyPurpose::ClientAuth, ExtendedKeyPurpose::Other(vec![1])],
        },
        CertificateError::InvalidOcspResponse,
        CertificateError::ApplicationVerificationFailure,
        webpki("CaUsedAsEndEntity"),
        webpki("UnsupportedCertVersion"),
        webpki("MaximumPathDepthExceeded"),
        webpki("TrailingData(Certificate)"),
        webpki("UnsupportedSignatureAlgorithmContext(Context { id: [1, 2] })"),
    ]
}

fn of_peers() -> Vec<Error> {
    use PeerIncompatible as I;
    use PeerMisbehaved as M;
    let incompatible = [
        I::EcPointsExtensionRequired,
        I::ExtendedMasterSecretExtensionRequired,
        I::IncorrectCertificateTypeExtension,
        I::KeyShareExtensionRequired,
        I::NamedGroupsExtensionRequired,
        I::NoCertificateRequestSignatureSchemesInCommon,
        I::NoCipherSuitesInCommon,
        I::NoEcPointFormatsInCommon,
        I::NoKxGroupsInCommon,
        I::NoSignatureSchemesInCommon,
        I::NullCompressionRequired,
        I::ServerDoesNotSupportTls12Or13,
        I::ServerSentHelloRetryRequestWithUnknownExtension,
        I::ServerTlsVersionIsDisabledByOurConfig,
        I::SignatureAlgorithmsExtensionRequired,
        I::SupportedVersionsExtensionRequired,
        I::Tls12NotOffered,
        I::Tls12NotOfferedOrEnabled,
        I::UncompressedEcPointsRequired,
        I::UnsolicitedCertificateTypeExtension,
        I::ServerRejectedEncryptedClientHello(None),
        I::ServerRejectedEncryptedClientHello(Some(Vec::new())),
    ];
    let misbehaved = [
        M::AttemptedDowngradeToTls12WhenTls13IsSupported,
        M::IllegalTlsInnerPlaintext,
        M::IncorrectBinder,
        M::InvalidKeyShare,
        M::SelectedUnofferedKxGroup,
        M::SignedHandshakeWithUnadvertisedSigScheme,
        M::TooManyWarningAlertsReceived,
        M::UnsolicitedEncryptedExtension,
    ];
    let messages = [
        InvalidMessage::CertificatePayloadTooLarge,
        InvalidMessage::HandshakePayloadTooLarge,
        InvalidMessage::InvalidCcs,
        InvalidMessage::InvalidContentType,
        InvalidMessage::InvalidEmptyPayload,
        InvalidMessage::MessageTooLarge,
        InvalidMessage::MessageTooShort,
        InvalidMessage::MissingData("ServerHello"),
        InvalidMessage::TrailingData("ServerHello"),
        InvalidMessage::UnexpectedMessage("ServerHello"),
        InvalidMessage::UnknownProtocolVersion,
        InvalidMessage::UnsupportedCurveType,
        InvalidMessage::IllegalEmptyList("names"),
        InvalidMessage::DuplicateExtension(43),
    ];
    let alerts = (0..=255).map(|number| Error::AlertReceived(AlertDescription::from(number)));
    incompatible
        .map(Error::PeerIncompatible)
        .into_iter()
        .chain(misbehaved.map(Error::PeerMisbehaved))
        .chain(messages.map(Error::InvalidMessage))
        .chain(alerts)
        .collect()
}

fn others() -> Vec<Error> {
    vec![
        Error::InappropriateMessage {
            expect_types: vec![rustls::ContentType::Alert],
            got_type: rustls::ContentType::Handshake,
        },
        Error::InappropriateHandshakeMessage {
            expect_types: vec![rustls::HandshakeType::ServerHello],
            got_type: rustls::HandshakeType::Finished,
        },
        Error::InvalidEncryptedClientHello(EncryptedClientHelloError::SniRequired),
        Error::NoCertificatesPresented,
        Error::UnsupportedNameType,
        Error::DecryptError,
        Error::EncryptError,
        Error::InvalidCertRevocationList(CertRevocationListError::BadSignature),
        Error::General("no server certificate chain resolved".to_owned()),
        Error::FailedToGetCurrentTime,
        Error::FailedToGetRandomBytes,
        Error::HandshakeNotComplete,
        Error::PeerSentOversizedRecord,
        Error::NoApplicationProtocol,
        Error::BadMaxFragmentSize,
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch),
        Error::Other(OtherError(Arc::new(Named("BadThing(Some(1))")))),
    ]
}

#[test]
fn every_error_has_a_sentence_without_code_in_it() {
    let certificates = of_certificates().into_iter().map(Error::InvalidCertificate);
    for error in certificates.chain(of_peers()).chain(others()) {
        assert_prose(&describe(&error));
    }
}

#[test]
fn what_is_asked_most_is_told_with_what_it_takes() {
    let told: Vec<String> = of_certificates()
        .into_iter()
        .map(|error| describe(&Error::InvalidCertificate(error)))
        .collect();
    for words in [
        "expired on Wed, 01 Jan 2020 00:00:00 GMT",
        "is not valid before Wed, 01 Jan 2020 00:00:00 GMT",
        "is not for `api.example.test`, but for `a.example`: ",
        "but for `a.example`, `127.0.0.1`: ",
        "but for `a`, `a`, `a`, `a`, `a` and 95 more",
        "has no host in its subjectAltName",
        "signed by no authority that is trusted here",
        "give that very certificate as a CA file",
    ] {
        assert!(told.iter().any(|told| told.contains(words)), "{words}: {told:#?}");
    }
}
