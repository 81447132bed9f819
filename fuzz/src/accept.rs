//! `Accept`, one header line to a line, and media types in headers.

use std::sync::LazyLock;

use regex::Regex;
use wharf_spec::MediaType;
use wharf_spec::media_type::{Accept, essence};

use super::text;

pub(super) fn target(data: &[u8]) {
    let text = text(data);
    let lines: Vec<&str> = text.split('\n').collect();
    let accept = Accept::parse(lines.iter().copied());
    for (media_type, pattern) in PATTERNS.iter() {
        let expected = lines.iter().any(|line| pattern.is_match(line));
        assert_eq!(accept.names(*media_type), expected, "{media_type} in {lines:?}");
    }
    let open = lines.iter().any(|line| WILDCARD.is_match(line)) || !lines.iter().any(|line| SOMETHING.is_match(line));
    assert_eq!(accept.is_open(), open, "{lines:?}");

    for line in lines {
        let found = MediaType::find(line);
        assert_eq!(
            found.map(MediaType::as_str),
            Some(essence(line)).filter(|_| found.is_some())
        );
        assert_eq!(essence(essence(line)), essence(line));
        if let Some(found) = found {
            assert_eq!(MediaType::find(&found.to_string()), Some(found));
            assert!(Accept::parse([found.as_str()]).names(found));
        }
    }
}

/// One element of a list: the type, then maybe parameters.
fn element(of: &str) -> Regex {
    Regex::new(&format!(r"(?:\A|,)\s*(?:{of})\s*(?:;[^,]*)?(?:,|\z)")).unwrap()
}

static PATTERNS: LazyLock<Vec<(MediaType, Regex)>> = LazyLock::new(|| {
    let pattern = |media_type: MediaType| (media_type, element(&regex::escape(media_type.as_str())));
    MediaType::ALL.map(pattern).to_vec()
});
static WILDCARD: LazyLock<Regex> = LazyLock::new(|| element(r"\*/\*|application/\*"));
static SOMETHING: LazyLock<Regex> = LazyLock::new(|| element(r"[^,;\s](?:[^,;]*[^,;\s])?"));
