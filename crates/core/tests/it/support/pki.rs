//! Certificate authorities and servers' certificates, made on the spot.

use std::sync::Arc;

use mpt_tokens::CaBundle;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

/// A certificate authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

/// What a server shows: a chain, and the key of its first certificate.
pub(crate) struct Identity {
    pub(crate) certificate: Certificate,
    pub(crate) key: KeyPair,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Authority { issuer: Issuer::new(params, key), certificate }
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.certificate.der().to_vec()
    }

    pub(crate) fn bundle(&self) -> CaBundle {
        CaBundle::from_pem(self.pem().as_bytes()).unwrap()
    }

    /// A certificate for these names, valid now.
    pub(crate) fn issue(&self, names: &[&str]) -> Identity {
        self.sign(leaf(names))
    }

    /// A certificate whose time has passed.
    pub(crate) fn issue_expired(&self, names: &[&str]) -> Identity {
        let mut params = leaf(names);
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
        self.sign(params)
    }

    /// A certificate whose time has not come.
    pub(crate) fn issue_early(&self, names: &[&str]) -> Identity {
        let mut params = leaf(names);
        params.not_before = date_time_ymd(2990, 1, 1);
        params.not_after = date_time_ymd(2999, 1, 1);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { certificate, key }
    }
}

/// A certificate that nobody signed but its own key.
pub(crate) fn self_signed(names: &[&str]) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = leaf(names).self_signed(&key).unwrap();
    Identity { certificate, key }
}

/// A server's certificate as `openssl req -x509` makes it: signed by its own key, and marked as an authority's. Valid
/// from and until the first days of these years.
pub(crate) fn self_signed_authority(names: &[&str], from: i32, until: i32) -> Identity {
    let mut params = leaf(names);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Identity { certificate, key }
}

fn leaf(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    CertificateParams::new(names).unwrap()
}

impl Identity {
    /// A server that shows this certificate, in these versions of TLS.
    pub(crate) fn server_of(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .unwrap();
        Arc::new(config)
    }

    /// A server that shows this certificate, and wants one from the client that this authority has signed.
    pub(crate) fn server_for(&self, clients: &Authority) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(clients.certificate.der().clone()).unwrap();
        let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
            Arc::new(roots),
            Arc::clone(&provider),
        );
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .unwrap();
        Arc::new(config)
    }

    /// A server that shows this certificate without having its key.
    pub(crate) fn impostor(&self) -> Arc<ServerConfig> {
        let provider = rustls::crypto::ring::default_provider();
        let other = KeyPair::generate().unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(other.serialize_der()));
        let key = provider.key_provider.load_private_key(key).unwrap();
        let shown = CertifiedKey::new(vec![self.certificate.der().clone()], key);
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
        Arc::new(config)
    }

    /// A server that shows this certificate, in TLS 1.2 and 1.3.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        self.server_of(rustls::ALL_VERSIONS)
    }
}
