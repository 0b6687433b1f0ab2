//! Whom TLS trusts.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

/// Which certificate authorities are trusted beside, or instead of, those of the platform.
///
/// The platform's are those of `rustls-native-certs`: the system's store, or what `SSL_CERT_FILE` and
/// `SSL_CERT_DIR` name. They are read once a process, when the first `https` connection is opened.
#[derive(Clone, Default)]
pub struct CaBundle {
    certificates: Vec<CertificateDer<'static>>,
    only: bool,
}

impl CaBundle {
    /// Trusts the certificates of a PEM bundle beside the platform's.
    ///
    /// # Errors
    /// When there is no certificate in it, or one that cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<CaBundle, InvalidCaBundle> {
        let certificates = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| InvalidCaBundle(format!("the CA bundle is not PEM: {error}")))?;
        if certificates.is_empty() {
            return Err(InvalidCaBundle(
                "the CA bundle has no certificate: expected PEM with `-----BEGIN CERTIFICATE-----`"
                    .to_owned(),
            ));
        }
        let mut store = rustls::RootCertStore::empty();
        let (_, ignored) = store.add_parsable_certificates(certificates.iter().cloned());
        if ignored > 0 {
            return Err(InvalidCaBundle(format!(
                "the CA bundle has {ignored} certificates that cannot be read: expected X.509"
            )));
        }
        Ok(CaBundle { certificates, only: false })
    }

    /// The same from a file.
    ///
    /// # Errors
    /// When the file cannot be read, and as [`CaBundle::from_pem`] does.
    pub fn from_file(path: impl AsRef<Path>) -> Result<CaBundle, InvalidCaBundle> {
        let path = path.as_ref();
        let shown = path.display().to_string().escape_debug().to_string();
        let pem = std::fs::read(path).map_err(|error| {
            InvalidCaBundle(format!("the CA file `{shown}` cannot be read: {error}"))
        })?;
        CaBundle::from_pem(&pem)
            .map_err(|InvalidCaBundle(why)| InvalidCaBundle(format!("{why} (in `{shown}`)")))
    }

    /// Trusts this bundle instead of the platform's store, not beside it.
    #[must_use]
    pub fn only(self) -> CaBundle {
        CaBundle { only: true, ..self }
    }

    /// The TLS settings for ureq. The error says that nobody would be trusted.
    pub(crate) fn tls_config(&self) -> io::Result<TlsConfig> {
        let mut roots: Vec<Certificate<'static>> = Vec::new();
        if !self.only {
            roots.extend(platform_roots().iter().map(|der| Certificate::from_der(der)));
        }
        roots.extend(self.certificates.iter().map(|der| Certificate::from_der(der).to_owned()));
        if roots.is_empty() {
            return Err(io::Error::other(
                "the platform's trust store has no certificate authority: install ca-certificates, or give a CA file",
            ));
        }
        Ok(TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::from(roots))
            .build())
    }
}

/// The platform's authorities, read once a process: it takes milliseconds.
fn platform_roots() -> &'static [CertificateDer<'static>] {
    static ROOTS: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
    if let Some(roots) = ROOTS.get() {
        return roots;
    }
    // Not read inside `get_or_init`: a fork meanwhile would leave the child waiting for a thread that it does not
    // have. Two threads may read it at once instead.
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        log::warn!("a part of the platform's trust store cannot be read: {error}");
    }
    ROOTS.get_or_init(|| found.certs)
}

impl fmt::Debug for CaBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaBundle")
            .field("certificates", &self.certificates.len())
            .field("only", &self.only)
            .finish()
    }
}

/// Why a CA bundle cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidCaBundle(String);

impl fmt::Display for InvalidCaBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidCaBundle {}
