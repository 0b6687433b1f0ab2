//! Cryptography under which rustls never holds an echo of the API token: each record is decrypted in memory of this
//! module's own, masked, and only then handed on. rustls keeps what it decrypts in several buffers, wipes none of
//! them, and lets nobody else do so.

use std::sync::{Arc, OnceLock};

use rustls::crypto::CryptoProvider;
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, KeyBlockShape, MessageDecrypter,
    MessageEncrypter, Tls12AeadAlgorithm, Tls13AeadAlgorithm, UnsupportedOperationError,
};
use rustls::crypto::ring;
use rustls::{
    CipherSuiteCommon, ConnectionTrafficSecrets, ContentType, Error, SupportedCipherSuite,
    Tls12CipherSuite, Tls13CipherSuite,
};
use zeroize::{Zeroize, Zeroizing};

use crate::http::transport::attempt;
use crate::http::wiped::Wiped;

/// ring's cryptography, with records that are masked. Made once a process.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    if let Some(provider) = PROVIDER.get() {
        return Arc::clone(provider);
    }
    // Not inside `get_or_init`: a fork meanwhile would leave the child waiting for a thread that it does not have.
    let mut made = ring::default_provider();
    for suite in &mut made.cipher_suites {
        *suite = masked(*suite);
    }
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(made)))
}

/// The suite with decrypters of ours. rustls wants it to live as long as the process, and it does.
fn masked(suite: SupportedCipherSuite) -> SupportedCipherSuite {
    let common = |common: &CipherSuiteCommon| CipherSuiteCommon {
        suite: common.suite,
        hash_provider: common.hash_provider,
        confidentiality_limit: common.confidentiality_limit,
    };
    match suite {
        SupportedCipherSuite::Tls13(suite) => {
            SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
                common: common(&suite.common),
                hkdf_provider: suite.hkdf_provider,
                aead_alg: Box::leak(Box::new(Masked(suite.aead_alg))),
                quic: suite.quic,
            })))
        }
        SupportedCipherSuite::Tls12(suite) => {
            SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                common: common(&suite.common),
                prf_provider: suite.prf_provider,
                kx: suite.kx,
                sign: suite.sign,
                aead_alg: Box::leak(Box::new(Masked(suite.aead_alg))),
            })))
        }
    }
}

/// An algorithm, with decrypters that mask.
struct Masked<A: ?Sized + 'static>(&'static A);

fn masking(inner: Box<dyn MessageDecrypter>) -> Box<dyn MessageDecrypter> {
    Box::new(Masking { inner, record: Zeroizing::default(), before: Wiped::default() })
}

impl Tls13AeadAlgorithm for Masked<dyn Tls13AeadAlgorithm> {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        self.0.encrypter(key, iv)
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        masking(self.0.decrypter(key, iv))
    }

    fn key_len(&self) -> usize {
        self.0.key_len()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv)
    }

    fn fips(&self) -> bool {
        self.0.fips()
    }
}

impl Tls12AeadAlgorithm for Masked<dyn Tls12AeadAlgorithm> {
    fn encrypter(&self, key: AeadKey, iv: &[u8], extra: &[u8]) -> Box<dyn MessageEncrypter> {
        self.0.encrypter(key, iv, extra)
    }

    fn decrypter(&self, key: AeadKey, iv: &[u8]) -> Box<dyn MessageDecrypter> {
        masking(self.0.decrypter(key, iv))
    }

    fn key_block_shape(&self) -> KeyBlockShape {
        self.0.key_block_shape()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: &[u8],
        explicit: &[u8],
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv, explicit)
    }

    fn fips(&self) -> bool {
        self.0.fips()
    }
}

/// Decrypts the records of one connection.
struct Masking {
    inner: Box<dyn MessageDecrypter>,
    /// Where a record is decrypted.
    record: Zeroizing<Vec<u8>>,
    /// The end of the record before: an echo may begin there.
    before: Wiped,
}

impl MessageDecrypter for Masking {
    fn decrypt<'a>(
        &mut self,
        mut message: InboundOpaqueMessage<'a>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        self.record.clear();
        self.record.extend_from_slice(&message.payload);
        let sealed = InboundOpaqueMessage::new(message.typ, message.version, &mut self.record);
        let plain = self.inner.decrypt(sealed, sequence)?;
        let length = plain.payload.len();
        (message.typ, message.version) = (plain.typ, plain.version);
        // A plain text is never longer than its cipher text.
        message.payload[..length].copy_from_slice(plain.payload);
        self.record.as_mut_slice().zeroize();
        if message.typ == ContentType::ApplicationData {
            attempt::mask(&mut self.before, &mut message.payload[..length]);
        }
        Ok(message.into_plain_message_range(0..length))
    }
}
