//! The regular expressions of the specifications, the oracle for what our own parsers accept.

use std::sync::LazyLock;

use regex::Regex;
use wharf_spec::DigestError;

/// `<name>` of the OCI distribution specification, "Pulling manifests".
const NAME: &str = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*";
/// `<reference>` as a tag, from the same place.
const TAG: &str = r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}";
/// A digest of any algorithm: OCI image specification, descriptor.md, "Digests".
const ANY_DIGEST: &str = r"[a-z0-9]+([+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+";
/// A digest of an algorithm that is registered there and known to wharf.
const DIGEST: &str = "(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})";
/// The name of an upload.
const UUID: &str = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";

/// Matches the whole text or nothing.
pub(super) fn whole(pattern: &str) -> Regex {
    Regex::new(&format!(r"\A(?:{pattern})\z")).unwrap()
}

/// Whether the text is a repository name, which registry:2 limits to 255 characters.
pub(super) fn is_name(text: &str) -> bool {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| whole(NAME));
    text.len() <= 255 && PATTERN.is_match(text)
}

/// Whether the text is a tag.
pub(super) fn is_tag(text: &str) -> bool {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| whole(TAG));
    PATTERN.is_match(text)
}

/// Whether the text is a digest that wharf knows.
pub(super) fn is_digest(text: &str) -> bool {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| whole(DIGEST));
    PATTERN.is_match(text)
}

/// What is wrong with a text that should be a digest.
pub(super) fn digest_error(text: &str) -> Option<DigestError> {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| whole(ANY_DIGEST));
    if is_digest(text) {
        return None;
    }
    if !PATTERN.is_match(text) {
        return Some(DigestError::Format);
    }
    let chars = match text.split_once(':') {
        Some(("sha256", _)) => 71,
        Some(("sha512", _)) => 135,
        _ => return Some(DigestError::Unsupported),
    };
    Some(if text.len() == chars {
        DigestError::Format
    } else {
        DigestError::Length
    })
}

/// The repository name in a path that is an endpoint, empty when the endpoint has none; `None` when the path is none.
///
/// The patterns exclude one another by what stands at their end.
pub(super) fn endpoint_name(path: &str) -> Option<&str> {
    static PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        let ends = [
            "tags/list".to_owned(),
            format!("manifests/(?:{TAG}|{DIGEST})"),
            format!("blobs/{DIGEST}"),
            "blobs/uploads/?".to_owned(),
            format!("blobs/uploads/{UUID}"),
            format!("referrers/{DIGEST}"),
        ];
        ends.iter()
            .map(|end| whole(&format!("/v2/(?<name>{NAME})/{end}")))
            .collect()
    });
    if matches!(path, "/v2/" | "/v2/_catalog") {
        return Some("");
    }
    let mut found = PATTERNS.iter().filter_map(|pattern| pattern.captures(path));
    let name = found.next()?.name("name")?.as_str();
    assert!(found.next().is_none(), "`{path}` is two endpoints");
    is_name(name).then_some(name)
}
