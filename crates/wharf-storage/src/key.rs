//! The name of an object.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

/// Longest key, in bytes: Linux' limit for a path.
const MAX_KEY_BYTES: usize = 4096;
/// Longest segment, in bytes: Linux' limit for the name of a file.
const MAX_SEGMENT_BYTES: usize = 255;

/// A relative path of segments joined by `/`, such as `a/b/c`, that no file system can take for
/// anything else.
///
/// At most 4096 bytes, each segment 1 to 255. No segment is empty, `.` or `..`; there are no
/// backslashes, NULs or other control characters. There is no key for the root itself.
///
/// ```
/// use wharf_storage::StorageKey;
///
/// let key: StorageKey = "docker/registry/v2".parse()?;
/// assert_eq!(key.name(), "v2");
/// assert!("docker/../etc".parse::<StorageKey>().is_err());
/// assert!("/docker".parse::<StorageKey>().is_err());
/// # Ok::<(), wharf_storage::KeyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorageKey(String);

/// Why a text is no [`StorageKey`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The key is longer than 4096 bytes.
    #[error("a storage key of {size_bytes} bytes is longer than {MAX_KEY_BYTES}")]
    TooLong {
        /// Length of the text.
        size_bytes: usize,
    },
    /// A segment is empty: an empty text, a slash at either end, or two in a row.
    #[error("storage key `{}` has an empty segment", .text.escape_debug())]
    EmptySegment {
        /// The rejected text.
        text: String,
    },
    /// A segment is `.` or `..`.
    #[error("storage key `{}` has a relative segment", .text.escape_debug())]
    RelativeSegment {
        /// The rejected text.
        text: String,
    },
    /// A segment is longer than 255 bytes.
    #[error("storage key `{}` has a segment longer than {MAX_SEGMENT_BYTES} bytes", .text.escape_debug())]
    SegmentTooLong {
        /// The rejected text.
        text: String,
    },
    /// A character that no segment may hold: a slash where one segment was asked for, a backslash,
    /// NUL or another control character.
    #[error("storage key `{}` has the character `{}`", .text.escape_debug(), .character.escape_debug())]
    ForbiddenCharacter {
        /// The rejected text.
        text: String,
        /// The first such character.
        character: char,
    },
}

impl StorageKey {
    /// The key as it was parsed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of `segment` directly below this one. Fails when `segment` is not one segment, or
    /// when the result would be too long.
    pub fn join(&self, segment: &str) -> Result<Self, KeyError> {
        parse_segment(segment, segment)?;
        parse_length(self.0.len() + 1 + segment.len())?;
        Ok(Self(format!("{}/{segment}", self.0)))
    }

    /// The key without its last segment; `None` for a key of one segment.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (parent, _) = self.0.rsplit_once('/')?;
        Some(Self(parent.to_owned()))
    }

    /// The last segment.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// The segments in order; there is at least one.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// Whether this key is `other` or lies below it.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.0
            .strip_prefix(&other.0)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Whether `name` can be a segment of a key.
pub(crate) fn is_segment(name: &str) -> bool {
    parse_segment(name, name).is_ok()
}

fn parse_length(size_bytes: usize) -> Result<(), KeyError> {
    if size_bytes > MAX_KEY_BYTES {
        return Err(KeyError::TooLong { size_bytes });
    }
    Ok(())
}

fn parse_segment(segment: &str, text: &str) -> Result<(), KeyError> {
    if segment.is_empty() {
        return Err(KeyError::EmptySegment { text: text.to_owned() });
    }
    if segment == "." || segment == ".." {
        return Err(KeyError::RelativeSegment { text: text.to_owned() });
    }
    if segment.len() > MAX_SEGMENT_BYTES {
        return Err(KeyError::SegmentTooLong { text: text.to_owned() });
    }
    let forbidden = |c: &char| matches!(c, '/' | '\\') || c.is_control();
    match segment.chars().find(forbidden) {
        Some(character) => Err(KeyError::ForbiddenCharacter {
            text: text.to_owned(),
            character,
        }),
        None => Ok(()),
    }
}

impl FromStr for StorageKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        parse_length(text.len())?;
        for segment in text.split('/') {
            parse_segment(segment, text)?;
        }
        Ok(Self(text.to_owned()))
    }
}

impl Borrow<str> for StorageKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StorageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> StorageKey {
        text.parse().unwrap()
    }

    #[test]
    fn accepts_what_can_be_a_path() {
        for text in [
            "a",
            "a/b/c",
            "...",
            "..a/.b/c.",
            "a b",
            "é/ü",
            "sha256:00",
            "-",
            "_",
            "a+b",
        ] {
            assert_eq!(key(text).to_string(), text);
        }
        assert_eq!(key(&"s".repeat(255)).name().len(), 255);
        assert_eq!(key(&format!("{}a", "a/".repeat(2047))).as_str().len(), 4095);
    }

    #[test]
    fn rejects_what_leaves_the_root_or_is_ambiguous() {
        let empty = |text: &str| KeyError::EmptySegment { text: text.to_owned() };
        for text in ["", "/", "/a", "a/", "a//b"] {
            assert_eq!(text.parse::<StorageKey>(), Err(empty(text)));
        }
        for text in [".", "..", "a/..", "../a", "a/./b", "a/../b"] {
            let error = KeyError::RelativeSegment { text: text.to_owned() };
            assert_eq!(text.parse::<StorageKey>(), Err(error));
        }
        for (text, character) in [
            ("a\0", '\0'),
            ("a\\b", '\\'),
            ("a\n/b", '\n'),
            ("\u{7f}", '\u{7f}'),
            ("b\u{85}", '\u{85}'),
        ] {
            let error = KeyError::ForbiddenCharacter {
                text: text.to_owned(),
                character,
            };
            assert_eq!(text.parse::<StorageKey>(), Err(error));
        }
    }

    #[test]
    fn rejects_what_is_too_long() {
        let segment = "s".repeat(256);
        let error = KeyError::SegmentTooLong { text: segment.clone() };
        assert_eq!(segment.parse::<StorageKey>(), Err(error));
        let long = format!("{}bb", "a/".repeat(2048));
        assert_eq!(long.parse::<StorageKey>(), Err(KeyError::TooLong { size_bytes: 4098 }));
        let full = key(&format!("{}aa", "a/".repeat(2047)));
        assert_eq!(full.join("b"), Err(KeyError::TooLong { size_bytes: 4098 }));
    }

    #[test]
    fn joins_one_segment_only() {
        assert_eq!(key("a").join("b").unwrap(), key("a/b"));
        for segment in ["", "..", ".", "b/c", "b\\c", "\n"] {
            assert!(key("a").join(segment).is_err(), "`{segment}` was joined");
        }
    }

    #[test]
    fn knows_parent_and_name() {
        assert_eq!(key("a/b/c").parent(), Some(key("a/b")));
        assert_eq!(key("a").parent(), None);
        assert_eq!(key("a/b/c").name(), "c");
        assert_eq!(key("a").name(), "a");
    }

    #[test]
    fn is_within_compares_segments() {
        assert!(key("a/b").is_within(&key("a")));
        assert!(key("a").is_within(&key("a")));
        assert!(!key("ab").is_within(&key("a")));
        assert!(!key("a").is_within(&key("a/b")));
    }

    #[test]
    fn errors_escape_what_they_quote() {
        let error = "a\n".parse::<StorageKey>().unwrap_err();
        assert_eq!(error.to_string(), r"storage key `a\n` has the character `\n`");
    }
}
