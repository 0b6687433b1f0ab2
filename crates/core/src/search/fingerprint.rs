//! What tells two values of one id apart, and nothing more.

use std::fmt;

use ring::hmac;
use ring::rand::SystemRandom;

use crate::input::api_token::ApiToken;

/// A random key, with which values become [`Fingerprint`]s. It is never shown and ends with the process: nobody can
/// check a guess of a secret against a fingerprint afterwards. So fingerprints can be compared within one run only.
pub struct FingerprintKey(hmac::Key);

impl FingerprintKey {
    /// Returns a new key, from the system's source of random numbers.
    ///
    /// # Errors
    /// If the system has none.
    pub fn new() -> std::io::Result<FingerprintKey> {
        hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map(FingerprintKey)
            .map_err(|_| std::io::Error::other("the system has no random numbers"))
    }

    /// Returns the fingerprint of a value in its usual form: HMAC-SHA-256, cut to 128 bits.
    pub fn of(&self, value: &ApiToken) -> Fingerprint {
        let tag = hmac::sign(&self.0, value.in_usual_form().expose().as_bytes());
        let mut short = [0; 16];
        short.copy_from_slice(&tag.as_ref()[..16]);
        Fingerprint(short)
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(<redacted>)")
    }
}

/// The fingerprint of a token value, under one [`FingerprintKey`]: equal for equal values. `Display` shows the first
/// eight hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 16]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
