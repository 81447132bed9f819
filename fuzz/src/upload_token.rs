//! The state in the URL of an upload. The first byte chooses how the rest becomes a token: as it stands, as the signed JSON, or as what
//! is changed in a good one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use wharf_spec::{RepositoryName, UploadId};

use super::upload_token_of_registry::{TokenError, UploadToken};
use super::{first_byte, text};

const SECRET: &[u8] = b"a secret that no input knows";
const NAME: &str = "library/some";
const ID: &str = "5f01d00f-8cd3-40ba-b7ac-f2f003f6ab59";

pub(super) fn target(data: &[u8]) {
    let (choice, rest) = first_byte(data);
    match choice % 3 {
        0 => assert_eq!(verify(&text(rest)), Err(TokenError::Forged)),
        1 => signed_by_other_means(rest),
        _ => changed(rest),
    }
}

fn upload() -> (RepositoryName, UploadId) {
    (NAME.parse().unwrap(), ID.parse().unwrap())
}

fn verify(token: &str) -> Result<u64, TokenError> {
    let (name, id) = upload();
    UploadToken::new(SECRET).verify(token, &name, &id)
}

/// With the secret, any JSON can be signed; it counts only as the state of this upload.
fn signed_by_other_means(json: &[u8]) {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
    mac.update(json);
    let mut token = mac.finalize().into_bytes().to_vec();
    token.extend_from_slice(json);
    let verified = verify(&URL_SAFE.encode(token));
    let state = serde_json::from_slice::<Value>(json).unwrap_or_default();
    match verified {
        Ok(offset) => {
            assert_eq!(state["Offset"].as_u64(), Some(offset));
            assert_eq!((&state["Name"], &state["UUID"]), (&NAME.into(), &ID.into()));
        }
        Err(TokenError::Other) => assert!(state["Name"] != NAME || state["UUID"] != ID),
        Err(TokenError::Forged) => {}
    }
}

/// A token that was made here is good for this upload, until one character of it changes.
fn changed(data: &[u8]) {
    let Some((offset, rest)) = data.split_first_chunk() else {
        return;
    };
    let offset = u64::from_le_bytes(*offset);
    let (position, rest) = first_byte(rest);
    let (character, rest) = first_byte(rest);
    let started_at = text(rest);
    let (name, id) = upload();
    let tokens = UploadToken::new(SECRET);
    let token = tokens.sign(&name, &id, offset, &started_at);
    assert_eq!(tokens.verify(&token, &name, &id), Ok(offset));
    assert_eq!(tokens.sign(&name, &id, offset, &started_at), token);

    let (other_name, other_id) = ("library/other".parse().unwrap(), ID.replace('5', "6").parse().unwrap());
    assert_eq!(tokens.verify(&token, &other_name, &id), Err(TokenError::Other));
    assert_eq!(tokens.verify(&token, &name, &other_id), Err(TokenError::Other));
    let other_secret = UploadToken::new(b"another secret");
    assert_eq!(other_secret.verify(&token, &name, &id), Err(TokenError::Forged));

    let position = usize::from(position) * token.len() / 256;
    let (before, after) = token.split_at(position);
    let character = char::from(character);
    for other in [
        format!("{before}{character}{}", &after[1..]),
        format!("{before}{character}{after}"),
        format!("{before}{}", &after[1..]),
        before.to_owned(),
        after.to_owned(),
        format!("{token}{character}"),
    ] {
        assert!(
            other == token || verify(&other) == Err(TokenError::Forged),
            "`{other}` passes for `{token}`"
        );
    }
}
