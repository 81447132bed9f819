//! Tags, and what stands behind `/manifests/`.

use wharf_spec::{Reference, Tag};

use super::{grammar, text};

pub(super) fn target(data: &[u8]) {
    let text = text(data);
    let tag = text.parse::<Tag>();
    assert_eq!(tag.is_ok(), grammar::is_tag(&text), "`{text}`");
    let quoted = serde_json::to_string(&text).unwrap();
    let deserialized = serde_json::from_str::<Tag>(&quoted).ok();
    assert_eq!(deserialized, tag.clone().ok(), "serde has another grammar");

    let reference = text.parse::<Reference>();
    match &reference {
        Ok(Reference::Tag(named)) => assert_eq!(tag.as_ref(), Ok(named)),
        Ok(Reference::Digest(digest)) => {
            assert!(tag.is_err(), "`{text}` is a tag and a digest");
            assert_eq!(text.parse().as_ref(), Ok(digest));
        }
        Err(_) => assert!(!grammar::is_tag(&text) && !grammar::is_digest(&text), "`{text}`"),
    }
    if let Ok(reference) = reference {
        assert_eq!(reference.to_string(), text);
    }
}
