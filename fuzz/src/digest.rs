//! Digests.

use wharf_spec::{Algorithm, Digest};

use super::{grammar, text};

pub(super) fn target(data: &[u8]) {
    check(&text(data));
    for algorithm in Algorithm::ALL {
        let digest = Digest::of(algorithm, data);
        assert_eq!(digest.algorithm(), algorithm);
        assert_eq!(digest.as_bytes().len(), algorithm.size_bytes());
        assert_eq!(check(&digest.to_string()), Some(digest));
    }
}

/// The digest that the text is.
fn check(text: &str) -> Option<Digest> {
    let parsed = text.parse::<Digest>();
    assert_eq!(parsed.err(), grammar::digest_error(text), "`{text}`");
    let quoted = serde_json::to_string(text).unwrap();
    let deserialized = serde_json::from_str::<Digest>(&quoted).ok();
    assert_eq!(deserialized, parsed.ok(), "serde has another grammar");
    if let Ok(digest) = parsed {
        assert_eq!(digest.to_string(), text);
        assert_eq!(format!("{}:{}", digest.algorithm(), digest.hex()), text);
        assert_eq!(serde_json::to_string(&digest).unwrap(), quoted);
    }
    parsed.ok()
}
