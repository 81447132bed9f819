//! The `_state` of an upload URL: what a client carries from one request of an upload to the next.
//!
//! Its form is registry:2's, so that with the same secret each takes the other's: base64url, with padding, of
//! `HMAC-SHA256(secret, json)` and the JSON itself.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use wharf_spec::{RepositoryName, UploadId};

const MAC_BYTES: usize = 32;
/// No token is longer: a name of 255 characters, a UUID, a number and a time.
const TOKEN_CHARS_MAX: usize = 1024;
/// What Go writes for a time that was never set.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// Why a token is not this upload's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token, or signed with another secret.
    #[error("invalid secret")]
    Forged,
    /// A token of another upload.
    #[error("the state in the upload URL belongs to another upload")]
    Other,
}

/// Field names and order are registry:2's.
#[derive(Serialize, Deserialize)]
struct State {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "UUID")]
    uuid: String,
    #[serde(rename = "Offset")]
    offset: u64,
    #[serde(rename = "StartedAt")]
    started_at: String,
}

/// Makes and checks tokens.
#[derive(Clone)]
pub struct UploadToken {
    mac: Hmac<Sha256>,
}

impl fmt::Debug for UploadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UploadToken(..)")
    }
}

impl UploadToken {
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self {
            mac: Hmac::new_from_slice(secret).expect("HMAC takes keys of any length"),
        }
    }

    /// The token of an upload that has received `offset` bytes. What is no time in `started_at`, which comes from a file, is left out:
    /// nothing depends on it, and neither a token that is too long nor one that registry:2 can't read would be of use.
    pub fn sign(&self, name: &RepositoryName, id: &UploadId, offset: u64, started_at: &str) -> String {
        let state = State {
            name: name.to_string(),
            uuid: id.to_string(),
            offset,
            started_at: started_at
                .parse()
                .map_or_else(|_| NEVER.to_owned(), |time: Timestamp| time.to_string()),
        };
        let json = serde_json::to_vec(&state).unwrap_or_default();
        let mut mac = self.mac.clone();
        mac.update(&json);
        let mut token = mac.finalize().into_bytes().to_vec();
        token.extend_from_slice(&json);
        URL_SAFE.encode(token)
    }

    /// Checks that `token` is one of this upload, and returns the offset it names.
    pub fn verify(&self, token: &str, name: &RepositoryName, id: &UploadId) -> Result<u64, TokenError> {
        if token.len() > TOKEN_CHARS_MAX {
            return Err(TokenError::Forged);
        }
        let token = URL_SAFE.decode(token).map_err(|_| TokenError::Forged)?;
        let (signature, json) = token.split_at_checked(MAC_BYTES).ok_or(TokenError::Forged)?;
        let mut mac = self.mac.clone();
        mac.update(json);
        mac.verify_slice(signature).map_err(|_| TokenError::Forged)?;
        let state: State = serde_json::from_slice(json).map_err(|_| TokenError::Forged)?;
        if state.name == name.as_str() && state.uuid == id.as_str() {
            Ok(state.offset)
        } else {
            Err(TokenError::Other)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5f01d00f-8cd3-40ba-b7ac-f2f003f6ab59";

    #[test]
    fn a_token_fits_its_upload_only() {
        let token = UploadToken::new(b"secret");
        let (name, id) = ("foo".parse().unwrap(), ID.parse().unwrap());
        let signed = token.sign(&name, &id, 7, "2026-11-21T19:07:54Z");
        assert_eq!(token.verify(&signed, &name, &id), Ok(7));
        assert_eq!(
            token.verify(&signed, &"bar".parse().unwrap(), &id),
            Err(TokenError::Other)
        );
        assert_eq!(
            UploadToken::new(b"other").verify(&signed, &name, &id),
            Err(TokenError::Forged)
        );
        for broken in ["", "x", &signed[1..], &signed[..20], &format!("{signed}x")] {
            assert_eq!(token.verify(broken, &name, &id), Err(TokenError::Forged), "{broken}");
        }
    }

    #[test]
    fn a_token_is_good_whatever_the_file_says_of_the_start() {
        let token = UploadToken::new(b"secret");
        let (name, id) = ("a".repeat(255).parse().unwrap(), ID.parse().unwrap());
        for started_at in ["", "yesterday", &"\0".repeat(4096), "2026-11-21T19:07:54+01:00"] {
            let signed = token.sign(&name, &id, u64::MAX, started_at);
            assert_eq!(token.verify(&signed, &name, &id), Ok(u64::MAX), "{started_at}");
        }
    }

    #[test]
    fn the_form_is_registry_2s() {
        let token = UploadToken::new(b"secret");
        let signed = token.sign(&"foo".parse().unwrap(), &ID.parse().unwrap(), 7, "2026-11-21T19:07:54Z");
        let json = URL_SAFE.decode(signed).unwrap().split_off(MAC_BYTES);
        let expected = format!(r#"{{"Name":"foo","UUID":"{ID}","Offset":7,"StartedAt":"2026-11-21T19:07:54Z"}}"#);
        assert_eq!(String::from_utf8(json).unwrap(), expected);
    }
}
