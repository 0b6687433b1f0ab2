//! The head of a request. What is the same in all requests of a client is made once.

use std::ops::Range;

use crate::http::credential::Credential;
use crate::input::endpoint::Endpoint;
use crate::input::token_id::TokenId;

/// What the heads of a client's requests have in common, in pieces.
pub(crate) struct RequestFrame {
    /// Up to the token id.
    start: String,
    /// From there to the credential.
    middle: String,
    /// From there to the value of `traceparent`.
    end: String,
}

impl RequestFrame {
    /// `user_agent` is visible ASCII and spaces.
    pub(crate) fn new(endpoint: &Endpoint, user_agent: &str) -> RequestFrame {
        let (authority, path) = endpoint.authority_and_path();
        RequestFrame {
            start: format!("DELETE {path}"),
            middle: format!(" HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer "),
            end: format!(
                "\r\nuser-agent: {user_agent}\r\naccept: application/json, application/problem+json\r\n\
                 accept-encoding: identity\r\ntraceparent: "
            ),
        }
    }

    /// The head of a request for this id.
    pub(crate) fn request(&self, id: &TokenId, traceparent: &[u8]) -> RequestHead {
        let pieces = self.start.len() + self.middle.len() + self.end.len();
        let mut text = Vec::with_capacity(pieces + 3 * id.as_str().len() + traceparent.len() + 4);
        text.extend_from_slice(self.start.as_bytes());
        id.segment_into(&mut text);
        text.extend_from_slice(self.middle.as_bytes());
        let credential = text.len();
        text.extend_from_slice(self.end.as_bytes());
        text.extend_from_slice(traceparent);
        text.extend_from_slice(b"\r\n\r\n");
        RequestHead { text, credential }
    }
}

/// The head of one request, without its credential.
pub(crate) struct RequestHead {
    text: Vec<u8>,
    /// Where the credential belongs.
    credential: usize,
}

impl RequestHead {
    /// The length without the credential.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// Writes the whole head to the front of a buffer. Returns how long it is, and where the API token stands in it;
    /// `None` if the buffer is too short.
    pub(crate) fn write(
        &self,
        credential: &Credential,
        room: &mut [u8],
    ) -> Option<(usize, Range<usize>)> {
        let value = credential.token().expose().as_bytes();
        let (before, behind) = self.text.split_at(self.credential);
        let token = before.len()..before.len() + value.len();
        let length = token.end + behind.len();
        let room = room.get_mut(..length)?;
        room[..token.start].copy_from_slice(before);
        room[token.clone()].copy_from_slice(value);
        room[token.end..].copy_from_slice(behind);
        Some((length, token))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::input::api_token::ApiToken;

    #[rstest]
    #[case::ordinary("http://127.0.0.1:8080/", "TKN-1", "127.0.0.1:8080", "", "TKN-1")]
    #[case::prefix("https://a.example/b/c", "ü ~", "a.example", "/b/c", "%C3%BC%20~")]
    #[case::default_port("https://a.example:443", "x", "a.example", "", "x")]
    #[case::ipv6("http://[::1]:80", "x", "[::1]", "", "x")]
    fn a_head_is_one_text(
        #[case] url: &str,
        #[case] id: &str,
        #[case] host: &str,
        #[case] prefix: &str,
        #[case] segment: &str,
    ) {
        let frame = RequestFrame::new(&Endpoint::new(url, false).unwrap(), "me/1");
        let head = frame.request(&TokenId::new(id).unwrap(), b"00-1-2-00");
        let credential = Credential::new(ApiToken::new("the-value").unwrap());
        let expected = format!(
            "DELETE {prefix}/public/v1/accounts/api-tokens/{segment} HTTP/1.1\r\nhost: {host}\r\n\
             authorization: Bearer the-value\r\nuser-agent: me/1\r\n\
             accept: application/json, application/problem+json\r\naccept-encoding: identity\r\n\
             traceparent: 00-1-2-00\r\n\r\n"
        );
        let mut room = vec![0; expected.len()];
        let (length, token) = head.write(&credential, &mut room).unwrap();
        assert_eq!(std::str::from_utf8(&room[..length]).unwrap(), expected);
        assert_eq!(&room[token], b"the-value");
        assert_eq!(head.write(&credential, &mut room[1..]), None);
    }
}
