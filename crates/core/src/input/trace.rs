//! W3C Trace Context: one trace id a call, a new span id an attempt.

use std::fmt;
use std::str::FromStr;

use crate::input::random;

/// A caller's `traceparent` (W3C Trace Context, section 3.2), which makes a call part of a larger trace.
///
/// ```
/// use mpt_tokens::TraceParent;
///
/// let parent: TraceParent = "00-9e02a91b64ac56904703a3a69ea9101d-56be90a29d0b0b25-01".parse()?;
/// assert_eq!(parent.trace_id(), "9e02a91b64ac56904703a3a69ea9101d");
/// # Ok::<(), mpt_tokens::InvalidTraceParent>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: u128,
    flags: u8,
}

impl TraceParent {
    fn read(value: &str) -> Option<TraceParent> {
        let lower_hex = |text: &str, len: usize| {
            text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let mut parts = value.trim().split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let known = version == "00";
        // A later version may have more parts; version ff is forbidden (section 3.2.2.1).
        if !lower_hex(version, 2) || version == "ff" || (known && parts.next().is_some()) {
            return None;
        }
        if !lower_hex(trace, 32) || !lower_hex(span, 16) || !lower_hex(flags, 2) {
            return None;
        }
        let trace_id = u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0)?;
        u64::from_str_radix(span, 16).ok().filter(|id| *id != 0)?;
        Some(TraceParent { trace_id, flags: u8::from_str_radix(flags, 16).ok()? & 1 })
    }

    /// A new trace of our own, not sampled.
    pub(crate) fn random() -> TraceParent {
        let trace_id =
            random::draw(|rng| std::iter::repeat_with(|| rng.u128(..)).find(|id| *id != 0));
        TraceParent { trace_id: trace_id.unwrap_or(1), flags: 0 }
    }

    /// Returns the trace id: 32 lower-case hexadecimal digits.
    pub fn trace_id(&self) -> String {
        let mut text = [0; 32];
        hex(&self.trace_id.to_be_bytes(), &mut text);
        String::from_utf8(text.to_vec()).unwrap_or_else(|_| unreachable!("digits are ASCII"))
    }

    /// The `traceparent` of one attempt: this trace, a new span.
    pub(crate) fn attempt(&self) -> [u8; TRACEPARENT] {
        let span: u64 = random::draw(|rng| rng.u64(1..));
        let mut text = *b"00-                                -                -  ";
        hex(&self.trace_id.to_be_bytes(), &mut text[3..35]);
        hex(&span.to_be_bytes(), &mut text[36..52]);
        text[53..].copy_from_slice(&digits(self.flags.into())[6..]);
        text
    }
}

/// The length of a `traceparent`.
pub(crate) const TRACEPARENT: usize = 55;

/// Writes two hexadecimal digits for each byte, of which there are a multiple of four.
fn hex(bytes: &[u8], text: &mut [u8]) {
    let (fours, _) = bytes.as_chunks();
    for (four, eight) in fours.iter().zip(text.chunks_exact_mut(8)) {
        eight.copy_from_slice(&digits(u32::from_be_bytes(*four)));
    }
}

/// The eight hexadecimal digits of a number, made all at once.
fn digits(number: u32) -> [u8; 8] {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let mut digits = u64::from(number);
    // Each step moves the upper half of every part away from the lower one, until a byte has four bits.
    digits = (digits << 16 | digits) & 0x0000_ffff_0000_ffff;
    digits = (digits << 8 | digits) & 0x00ff_00ff_00ff_00ff;
    digits = (digits << 4 | digits) & (15 * EACH);
    let is_letter = (digits + 6 * EACH) >> 4 & EACH;
    (digits + u64::from(b'0') * EACH + is_letter * u64::from(b'a' - b'0' - 10)).to_be_bytes()
}

impl FromStr for TraceParent {
    type Err = InvalidTraceParent;

    /// Reads a `traceparent`. White space around it is dropped.
    ///
    /// # Errors
    /// If it is not one, or if an id in it is all zero.
    fn from_str(value: &str) -> Result<TraceParent, InvalidTraceParent> {
        TraceParent::read(value).ok_or(InvalidTraceParent)
    }
}

/// A text is not a W3C `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidTraceParent;

impl fmt::Display for InvalidTraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the traceparent is not one of W3C: expected `00-<32 hex>-<16 hex>-<2 hex>`")
    }
}

impl std::error::Error for InvalidTraceParent {}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.trace_id())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn digits_are_those_of_the_number(trace_id: u128, span: u64) {
            let mut text = [0; 48];
            hex(&trace_id.to_be_bytes(), &mut text[..32]);
            hex(&span.to_be_bytes(), &mut text[32..]);
            let expected = format!("{trace_id:032x}{span:016x}");
            prop_assert_eq!(std::str::from_utf8(&text).unwrap(), expected);
        }
    }
}
