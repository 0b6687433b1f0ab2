//! Who a client says it is: a certificate, for servers and proxies that ask for one.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use zeroize::Zeroize;

use super::{bundle, masked};

/// A certificate of the client's own, with those that signed it, and its private key.
#[derive(Clone)]
pub(crate) struct Identity(Arc<CertifiedKey>);

impl Identity {
    /// Reads both in PEM. No error repeats any of them.
    pub(crate) fn from_pem(chain: &[u8], key: &[u8]) -> Result<Identity, String> {
        let chain =
            bundle::certificates(chain).map_err(|why| format!("the client certificate {why}"))?;
        let mut key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
            "the key of the client certificate is not a private key in PEM: expected one from \
             `-----BEGIN PRIVATE KEY-----`, not encrypted"
                .to_owned()
        })?;
        let made = CertifiedKey::from_der(chain, key.clone_key(), &masked::provider());
        key.zeroize();
        made.map(|made| Identity(Arc::new(made))).map_err(|_| {
            "the client certificate and its key do not belong together, or the key is of a kind that cannot be used: \
             expected RSA, ECDSA or Ed25519"
                .to_owned()
        })
    }

    pub(super) fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::new(SingleCertAndKey::from((*self.0).clone()))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.0.cert.len()).finish_non_exhaustive()
    }
}
