//! The token of a link by which one approver decides.
//!
//! A token is the id of the link and its signature, in URL-safe Base64. Promises: nobody makes a token without the key, so a database that
//! was read does not hold what a link needs. Never: says whose the link is, or whether it was used; that stands in its row.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use uuid::Uuid;

/// What is signed before the id, so that a signature of another purpose under the same key is none of a link.
const PURPOSE: &[u8] = b"rondo desk approval link v1\0";

/// Bytes of an id.
const ID: usize = 16;

/// Bytes of the key.
pub(crate) const KEY_BYTES: usize = 32;

/// The key of the signatures of links.
#[derive(Clone)]
pub(crate) struct LinkKey(hmac::Key);

impl LinkKey {
    /// The key of these bytes.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The token of a link.
    pub(crate) fn token(&self, link: Uuid) -> String {
        let tag = hmac::sign(&self.0, &signed(link));
        let mut token = link.as_bytes().to_vec();
        token.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The link of a token; `None` when the token was not made with this key.
    pub(crate) fn link(&self, token: &str) -> Option<Uuid> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (id, tag) = bytes.split_at_checked(ID)?;
        let link = Uuid::from_slice(id).ok()?;
        hmac::verify(&self.0, &signed(link), tag).ok()?;
        Some(link)
    }
}

fn signed(link: Uuid) -> Vec<u8> {
    [PURPOSE, link.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_token_of_the_key_is_one() {
        let key = LinkKey::new(&[7; KEY_BYTES]);
        let link = Uuid::from_u128(0x0198_c0de);
        let token = key.token(link);
        assert_eq!(key.link(&token), Some(link));
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{token}");
        assert_eq!(LinkKey::new(&[8; KEY_BYTES]).link(&token), None, "another key");
        for position in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            assert_eq!(key.link(std::str::from_utf8(&changed).unwrap()), None, "changed at {position}");
            assert_eq!(key.link(&token[..position]), None, "cut at {position}");
        }
        for other in ["", "links", "ä", "%2e%2e"] {
            assert_eq!(key.link(other), None, "{other}");
        }
    }
}
