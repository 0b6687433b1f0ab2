//! Whom TLS trusts.

mod bundle;
mod identity;
mod masked;
mod pinned;
mod platform;
mod words;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;

pub use bundle::InvalidCaBundle;
use bundle::bundle_of_file;
pub(crate) use identity::Identity;
use pinned::{Verifier, by_authority};
use platform::{all, platform};
pub(crate) use words::{describe, is_about_trust};

/// The certificate authorities to trust, in addition to or instead of the platform's.
///
/// A bundle may also contain a server's own certificate. A server that presents exactly that certificate is trusted, as
/// long as the certificate is valid and names the host.
///
/// The platform's authorities come from `rustls-native-certs`: the system's store, or what `SSL_CERT_FILE` and
/// `SSL_CERT_DIR` name. They are read once per process, when the first `https` connection is opened. If the system has
/// one file with all of its authorities, the folder beside it is read only if a server is not trusted by that file.
#[derive(Clone, Default)]
pub struct CaBundle {
    certificates: Vec<CertificateDer<'static>>,
    only: bool,
}

impl CaBundle {
    /// Trusts the certificates of a PEM bundle in addition to the platform's. A single certificate in DER works too.
    ///
    /// Takes all of the bundle or nothing.
    ///
    /// # Errors
    /// If the bundle has no certificate, has one that cannot be read, or has anything else in it. The error says what
    /// was found, and never repeats any of it.
    pub fn from_pem(pem: &[u8]) -> Result<CaBundle, InvalidCaBundle> {
        let certificates = bundle::certificates(pem)
            .map_err(|why| InvalidCaBundle(format!("the CA bundle {why}")))?;
        Ok(CaBundle { certificates, only: false })
    }

    /// Like [`CaBundle::from_pem`], from a file of at most 64 MiB.
    ///
    /// # Errors
    /// If the file cannot be read, and as for [`CaBundle::from_pem`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<CaBundle, InvalidCaBundle> {
        bundle_of_file(path.as_ref()).map(|certificates| CaBundle { certificates, only: false })
    }

    /// Trusts only this bundle, and not the platform's store.
    #[must_use]
    pub fn only(self) -> CaBundle {
        CaBundle { only: true, ..self }
    }

    /// Returns true if all of it that is needed to begin with was read before, or need not be read.
    pub(crate) fn is_at_hand(&self) -> bool {
        self.only || platform::is_read()
    }

    /// Reads what of the platform's store is needed to begin with. The error says that nobody would be trusted.
    pub(crate) fn trust(&self, identity: Option<&Identity>) -> Result<Trust, String> {
        let mut troubles = Vec::new();
        let first_part = if self.only { None } else { platform::first_part() };
        let mut platform_authorities: &[CertificateDer<'_>] = &[];
        if let Some(first_part) = first_part {
            platform_authorities = &first_part.certificates;
        } else if !self.only {
            match platform() {
                Ok(store) => platform_authorities = &store.certificates,
                Err(store) => troubles = store.troubles,
            }
        }
        let Some(by_authority) = by_authority(platform_authorities, &self.certificates) else {
            return Err(if troubles.is_empty() {
                "the platform's trust store has no certificate authority: install ca-certificates, or give a CA file"
                    .to_owned()
            } else {
                format!("no certificate authority is trusted: {}", troubles.join("; "))
            });
        };
        let all = first_part.map(|_| all as fn() -> _);
        let verifier = Verifier::new(by_authority, self.certificates.clone(), all);
        let provider = masked::provider();
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let config = Arc::new(match identity {
            Some(identity) => config.with_client_cert_resolver(identity.resolver()),
            None => config.with_no_client_auth(),
        });
        Ok(Trust { config: Some(config), troubles })
    }

    /// What of the platform's store cannot be used, where that may be why a server is not trusted.
    pub(crate) fn troubles(&self, trust: &Trust) -> String {
        if self.only {
            return String::new();
        }
        // By now, all of the store was looked at.
        platform::troubles().unwrap_or(&trust.troubles).join("; ")
    }
}

/// How a client speaks TLS.
#[derive(Clone, Default)]
pub(crate) struct Trust {
    /// `None` where nothing is `https`.
    pub(crate) config: Option<Arc<ClientConfig>>,
    /// Why nothing of the platform's store can be used, where that is so.
    troubles: Vec<String>,
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").field("troubles", &self.troubles).finish_non_exhaustive()
    }
}

impl fmt::Debug for CaBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaBundle")
            .field("certificates", &self.certificates.len())
            .field("only", &self.only)
            .finish()
    }
}
