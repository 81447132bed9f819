//! The signature on a schema 1 manifest: a JSON web signature laid around the text it signs.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::SecretKey;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{self, Signature};
use sha2::{Digest as _, Sha256};

use super::go_json::push_string;

/// What stands before the 65 bytes of an uncompressed P-256 point in a `SubjectPublicKeyInfo` (RFC 5480).
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A P-256 private key that signs schema 1 manifests (ES256). `Debug` shows its ID only.
#[derive(Clone)]
pub struct SigningKey {
    key: ecdsa::SigningKey,
    /// The public key as an uncompressed point without its leading 4: x, then y.
    public: [u8; 64],
}

/// Why a signing key could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text has no PEM block with a private key in it.
    #[error("no `EC PRIVATE KEY` in PEM form found")]
    NotFound,
    /// The PEM block holds a kind of key that is not supported here.
    #[error("`{label}` is not supported, only `EC PRIVATE KEY` with a P-256 key is")]
    Unsupported {
        /// The label of the PEM block.
        label: String,
    },
    /// The PEM block is damaged, or its key is of another curve.
    #[error("private key is damaged or not of the curve P-256: {reason}")]
    Invalid {
        /// What the decoder says.
        reason: String,
    },
}

/// Why a text could not be signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The text is not a JSON object with at least one member.
    #[error("schema 1 text to sign is not a JSON object with members")]
    NotAnObject,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("SigningKey").field(&self.key_id()).finish()
    }
}

impl SigningKey {
    /// Makes a key of 32 random bytes. `None` for the few values that are no key (zero, or not below the curve's
    /// order): draw again.
    pub fn from_seed(seed: &[u8; 32]) -> Option<Self> {
        ecdsa::SigningKey::from_slice(seed).ok().map(Self::new)
    }

    /// Reads the key out of a PEM file, as `compatibility.schema1.signingkeyfile` names it. Blocks before the key (the
    /// curve's parameters, which `openssl ecparam` writes first) are passed over.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let block = private_key_block(pem)?;
        let key = SecretKey::from_pem(block).map_err(|error| KeyError::Invalid {
            reason: error.to_string(),
        })?;
        Ok(Self::new(key.into()))
    }

    fn new(key: ecdsa::SigningKey) -> Self {
        let mut public = [0; 64];
        let point = key.verifying_key().to_sec1_point(false);
        public.copy_from_slice(&point.as_bytes()[1..]);
        Self { key, public }
    }

    /// The key's ID as libtrust makes it: the first 240 bits of the public key's SHA-256 in base32, twelve groups of
    /// four letters with colons between them.
    pub fn key_id(&self) -> String {
        key_id(&self.public)
    }

    /// Signs `unsigned`, a JSON object such as [`convert`](super::convert) writes or registry:2 stored, and returns the
    /// signed text. `time_rfc3339` is the time of signing in UTC and whole seconds.
    ///
    /// The signature goes in front of the closing brace, laid out as the text is: indented if it is, on one line if not.
    pub fn sign(&self, unsigned: &[u8], time_rfc3339: &str) -> Result<Vec<u8>, SignError> {
        let kept = kept_length(unsigned).ok_or(SignError::NotAnObject)?;
        let protected = URL_SAFE_NO_PAD.encode(protected_header(kept, &unsigned[kept..], time_rfc3339));
        let message = format!("{protected}.{}", URL_SAFE_NO_PAD.encode(unsigned));
        let signature: Signature = self.key.sign(message.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());

        let indent = indent(unsigned);
        let mut signed = unsigned[..kept].to_vec();
        signed.extend_from_slice(self.signatures(&signature, &protected, indent).as_bytes());
        Ok(signed)
    }

    /// The member `signatures` with the comma before it and everything after it.
    fn signatures(&self, signature: &str, protected: &str, indent: &str) -> String {
        let (x, y) = self.public.split_at(32);
        let lines = [
            (1, "\"signatures\": [".to_owned()),
            (2, "{".to_owned()),
            (3, "\"header\": {".to_owned()),
            (4, "\"jwk\": {".to_owned()),
            (5, "\"crv\": \"P-256\",".to_owned()),
            (5, format!("\"kid\": \"{}\",", self.key_id())),
            (5, "\"kty\": \"EC\",".to_owned()),
            (5, format!("\"x\": \"{}\",", URL_SAFE_NO_PAD.encode(x))),
            (5, format!("\"y\": \"{}\"", URL_SAFE_NO_PAD.encode(y))),
            (4, "},".to_owned()),
            (4, "\"alg\": \"ES256\"".to_owned()),
            (3, "},".to_owned()),
            (3, format!("\"signature\": \"{signature}\",")),
            (3, format!("\"protected\": \"{protected}\"")),
            (2, "}".to_owned()),
            (1, "]".to_owned()),
            (0, "}".to_owned()),
        ];
        let mut out = String::from(",");
        for (depth, line) in lines {
            if indent.is_empty() {
                out.push_str(&line.replacen("\": ", "\":", 1));
            } else {
                out.push('\n');
                out.push_str(&indent.repeat(depth));
                out.push_str(&line);
            }
        }
        out
    }
}

/// The ID of a public key, given as the point's x and y.
pub(super) fn key_id(public: &[u8; 64]) -> String {
    let digest = Sha256::new_with_prefix(SPKI_PREFIX)
        .chain_update([4])
        .chain_update(public)
        .finalize();
    let letters = base32(&digest[..30]);
    let groups: Vec<&str> = letters
        .as_bytes()
        .chunks(4)
        .filter_map(|group| str::from_utf8(group).ok())
        .collect();
    groups.join(":")
}

/// The PEM block with a private key in it, from its first to its last line.
fn private_key_block(pem: &str) -> Result<&str, KeyError> {
    let mut rest = pem;
    while let Some(begin) = rest.find("-----BEGIN ") {
        let block = &rest[begin..];
        let label = block[11..].split("-----").next().unwrap_or_default();
        let end_line = format!("-----END {label}-----");
        let end = block.find(&end_line).ok_or(KeyError::NotFound)? + end_line.len();
        match label {
            "EC PRIVATE KEY" | "PRIVATE KEY" => return Ok(&block[..end]),
            "EC PARAMETERS" => rest = &block[end..],
            _ => {
                return Err(KeyError::Unsupported {
                    label: label.to_owned(),
                });
            }
        }
    }
    Err(KeyError::NotFound)
}

/// How many bytes of the text stay in front of the signatures: up to its last member.
fn kept_length(unsigned: &[u8]) -> Option<usize> {
    let body = unsigned.trim_ascii_end().strip_suffix(b"}")?.trim_ascii_end();
    let has_member = body
        .trim_ascii_start()
        .strip_prefix(b"{")
        .is_some_and(|members| !members.is_empty());
    has_member.then_some(body.len())
}

/// The white space before the first member, if the text is laid out in lines.
fn indent(unsigned: &[u8]) -> &str {
    let Some(rest) = unsigned.strip_prefix(b"{\n") else {
        return "";
    };
    let end = rest.iter().position(|byte| *byte == b'"').unwrap_or(0);
    str::from_utf8(&rest[..end]).unwrap_or("")
}

/// The header that the signature covers: where the signed text was cut, what was cut off, and when.
fn protected_header(kept: usize, tail: &[u8], time_rfc3339: &str) -> String {
    let tail = URL_SAFE_NO_PAD.encode(tail);
    let mut out = format!("{{\"formatLength\":{kept},\"formatTail\":\"{tail}\",\"time\":");
    push_string(&mut out, time_rfc3339);
    out.push('}');
    out
}

/// RFC 4648 base32 of bytes whose number is a multiple of five, so that no padding is needed.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut out = String::with_capacity(bytes.len() / 5 * 8);
    for chunk in bytes.chunks_exact(5) {
        let bits = chunk.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        for shift in (0..8).rev() {
            let letter = usize::try_from(bits >> (shift * 5) & 31).unwrap_or_default();
            out.push(char::from(ALPHABET[letter]));
        }
    }
    out
}
