//! Signed schema 1: what registry:2 makes of a docker schema 2 image for a client that accepts nothing newer.
//!
//! [`convert`] writes the unsigned text, whose digest is the manifest's digest; [`SigningKey::sign`] adds a fresh
//! signature around it. Both are pure: key bytes and the time of signing are arguments. The output is registry:2's to
//! the byte, so the JSON and the times in it follow the rules of Go's encoder (see the modules `go_json` and `go_time`).

mod config;
mod convert;
mod go_json;
mod go_time;
mod sign;

use go_json::{Members, unquote};

use crate::Digest;

pub use convert::{ConvertError, Converted, Input, convert};
pub use sign::{KeyError, SignError, SigningKey};

/// Media type of a signed schema 1 manifest, as registry:2 serves it.
pub const MEDIA_TYPE: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";

/// Digest of [`EMPTY_LAYER`], which stands in `fsLayers` for every history entry that made no layer.
pub const EMPTY_LAYER_DIGEST: &str = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4";

/// The empty layer: gzip of a tar with nothing in it (1024 zero bytes), the bytes every docker registry uses for it.
pub const EMPTY_LAYER: [u8; 32] = [
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x09, 0x6e, 0x88, 0x00, 0xff, 0x62, 0x18, 0x05, 0xa3, 0x60, 0x14, 0x8c, 0x58, 0x00,
    0x08, 0x00, 0x00, 0xff, 0xff, 0x2e, 0xaf, 0xb5, 0xef, 0x00, 0x04, 0x00, 0x00,
];

/// The layers that a stored schema 1 manifest names, newest first, as Go reads them. `None` when it is no such manifest.
pub fn layers(manifest: &[u8]) -> Option<Vec<Digest>> {
    let manifest: Members<'_> = serde_json::from_str(str::from_utf8(manifest).ok()?).ok()?;
    if manifest.last("schemaversion")? != "1" {
        return None;
    }
    let layers: Vec<Members<'_>> = serde_json::from_str(manifest.last("fslayers")?).ok()?;
    let digest = |layer: &Members<'_>| unquote(layer.last("blobsum")?).parse().ok();
    layers.iter().map(digest).collect()
}

#[cfg(test)]
mod tests;
