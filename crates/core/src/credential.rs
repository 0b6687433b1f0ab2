//! An API token on its way: the value is put in the place of a stand-in at the last moment, so that nothing above,
//! which logs and copies what it likes, ever holds it.

use ureq::http::HeaderValue;

use crate::secret::ApiToken;
use crate::transport::Wiped;

/// What stands in the place of each byte of a secret where the length of a text must stay.
pub(crate) const MASK: u8 = b'*';

/// A value that is shorter than this is not looked for in raw answers: it could be a part of HTTP itself.
pub(crate) const SHORTEST_MASKED: usize = 16;

/// The header that carries the credential, as ureq writes it. No other header line can begin so.
const HEADER_START: &[u8] = b"\r\nauthorization: Bearer ";

/// An API token, and what the `Authorization` header says until the last moment: as long as what it stands for.
#[derive(Debug)]
pub(crate) struct Credential {
    token: ApiToken,
    stand_in: HeaderValue,
}

impl Credential {
    pub(crate) fn new(token: ApiToken) -> Credential {
        let masked = char::from(MASK).to_string().repeat(token.expose().len());
        let mut stand_in = HeaderValue::try_from(format!("Bearer {masked}"))
            .unwrap_or_else(|_| unreachable!("a stand-in is visible ASCII"));
        stand_in.set_sensitive(true);
        Credential { token, stand_in }
    }

    pub(crate) fn token(&self) -> &ApiToken {
        &self.token
    }

    pub(crate) fn stand_in(&self) -> &HeaderValue {
        &self.stand_in
    }

    /// The length of the value, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.token.expose().len()
    }

    /// Puts the value where its stand-in is in the head of a request; `false` where that is not found whole.
    pub(crate) fn put_into(&self, request: &mut [u8]) -> bool {
        let found = request.windows(HEADER_START.len()).position(|window| window == HEADER_START);
        let Some(begin) = found else {
            return false;
        };
        match request[begin + HEADER_START.len()..].get_mut(..self.len()) {
            Some(room) if room.iter().all(|byte| *byte == MASK) => {
                room.copy_from_slice(self.token.expose().as_bytes());
                true
            }
            _ => false,
        }
    }

    /// The same in bytes that come in pieces: `before` is the end of what came, and is kept so.
    pub(crate) fn mask_behind(&self, before: &mut Wiped, bytes: &mut [u8]) {
        let begin = before.len();
        before.extend(bytes);
        self.mask(before);
        bytes.copy_from_slice(&before[begin..]);
        let kept = before.len().min(self.len().saturating_sub(1));
        before.remove_front(before.len() - kept);
    }

    /// Makes an echo of the value unreadable, without changing any length.
    pub(crate) fn mask(&self, answer: &mut [u8]) {
        for hidden in self.token.hidden().filter(|hidden| hidden.len() >= SHORTEST_MASKED) {
            let mut from = 0;
            while let Some(found) =
                answer[from..].windows(hidden.len()).position(|window| window == hidden.as_bytes())
            {
                let begin = from + found;
                from = begin + hidden.len();
                answer[begin..from].fill(MASK);
            }
        }
    }
}
