//! Repository names, tags, and what stands behind `/manifests/`.
//!
//! Source: OCI distribution specification, "Pulling manifests": the two regular expressions quoted at the types.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::{Digest, DigestError};

/// The longest repository name in characters, registry:2's limit.
const NAME_CHARS_MAX: usize = 255;
/// The longest tag in characters.
const TAG_CHARS_MAX: usize = 128;

/// Why a text is no repository name or tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Longer than 255 characters.
    #[error("repository name must not be more than 255 characters")]
    TooLong,
    /// Does not match the specification's pattern for names.
    #[error("repository name must be lower-case letters and digits, separated by `.`, `_`, `__`, `-` or `/`")]
    Pattern,
    /// Does not match the specification's pattern for tags.
    #[error("tag must be up to 128 letters, digits, `_`, `.` and `-`, not starting with `.` or `-`")]
    Tag,
}

/// The name of a repository: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` joined by `/`, at most 255 characters.
///
/// ```
/// use wharf_spec::RepositoryName;
/// assert!("library/hello-world".parse::<RepositoryName>().is_ok());
/// assert!("Library/hello".parse::<RepositoryName>().is_err());
/// assert!("a/../b".parse::<RepositoryName>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepositoryName(Box<str>);

impl RepositoryName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A key that sorts as registry:2 lists its catalog: by path component, so that `/` comes before every other character.
    pub fn sort_key(&self) -> Vec<u8> {
        self.0.bytes().map(|byte| if byte == b'/' { 0 } else { byte }).collect()
    }
}

fn is_component(component: &str) -> bool {
    let bytes = component.as_bytes();
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !bytes.first().is_some_and(alphanumeric) || !bytes.last().is_some_and(alphanumeric) {
        return false;
    }
    bytes
        .split(alphanumeric)
        .all(|separator| matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|byte| *byte == b'-'))
}

impl FromStr for RepositoryName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > NAME_CHARS_MAX {
            return Err(NameError::TooLong);
        }
        if !text.split('/').all(is_component) {
            return Err(NameError::Pattern);
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for RepositoryName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RepositoryName> for String {
    fn from(name: RepositoryName) -> Self {
        name.0.into()
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
///
/// ```
/// use wharf_spec::Tag;
/// assert!("v1.2_rc-3".parse::<Tag>().is_ok());
/// assert!(".hidden".parse::<Tag>().is_err());
/// assert!("a b".parse::<Tag>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(Box<str>);

impl Tag {
    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        let starts_well = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if starts_well && text.len() <= TAG_CHARS_MAX && text.bytes().all(inner) {
            Ok(Self(text.into()))
        } else {
            Err(NameError::Tag)
        }
    }
}

impl TryFrom<String> for Tag {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.0.into()
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What names a manifest inside a repository: a tag or a digest, never anything else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reference {
    /// By tag.
    Tag(Tag),
    /// By digest.
    Digest(Digest),
}

/// Why a text names no manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It has a colon, so it must be a digest, but it is none.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// It has no colon, so it must be a tag, but it is none.
    #[error(transparent)]
    Tag(#[from] NameError),
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains(':') {
            Ok(Self::Digest(text.parse()?))
        } else {
            Ok(Self::Tag(text.parse()?))
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_follow_the_pattern() {
        for good in ["a", "a/b", "a.b", "a_b", "a__b", "a-b", "a---b", "0", "a/b/c/d-e_f.g"] {
            assert!(good.parse::<RepositoryName>().is_ok(), "{good}");
        }
        for bad in [
            "", "/", "a/", "/a", "a//b", "A", "a___b", "a..b", "a.-b", "-a", "a-", "_a", "a_", "a b", "ä", "..",
            "a/../b",
        ] {
            assert_eq!(bad.parse::<RepositoryName>(), Err(NameError::Pattern), "{bad}");
        }
        assert!("a".repeat(255).parse::<RepositoryName>().is_ok());
        assert_eq!("a".repeat(256).parse::<RepositoryName>(), Err(NameError::TooLong));
    }

    #[test]
    fn the_catalog_sorts_by_component() {
        let mut names =
            ["a-b", "bar", "a/b", "a", "math-voila", "math"].map(|name| name.parse::<RepositoryName>().unwrap());
        names.sort_by_key(RepositoryName::sort_key);
        let sorted: Vec<_> = names.iter().map(RepositoryName::as_str).collect();
        assert_eq!(sorted, ["a", "a/b", "a-b", "bar", "math", "math-voila"]);
    }

    #[test]
    fn tags_follow_the_pattern() {
        for good in ["latest", "_a", "1.0", &"t".repeat(128)] {
            assert!(good.parse::<Tag>().is_ok(), "{good}");
        }
        for bad in ["", ".a", "-a", "a b", "a/b", "a:b", &"t".repeat(129)] {
            assert_eq!(bad.parse::<Tag>(), Err(NameError::Tag), "{bad}");
        }
    }

    #[test]
    fn a_colon_makes_a_reference_a_digest() {
        assert!(matches!("latest".parse(), Ok(Reference::Tag(_))));
        assert_eq!(
            "sha256:abc".parse::<Reference>(),
            Err(ReferenceError::Digest(DigestError::Length))
        );
    }

    proptest! {
        #[test]
        fn names_agree_with_the_regular_expression(text in "[a-b._/-]{0,12}") {
            let component = |part: &str| {
                // The pattern once more, as a tiny automaton: letters, then a separator that is legal, then letters …
                let mut rest = part;
                loop {
                    let letters = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
                    if letters == 0 { return false; }
                    rest = &rest[letters..];
                    if rest.is_empty() { return true; }
                    let separator = rest.find(|c: char| c.is_ascii_alphanumeric()).unwrap_or(rest.len());
                    let legal = matches!(&rest[..separator], "." | "_" | "__") || rest[..separator].chars().all(|c| c == '-');
                    if !legal { return false; }
                    rest = &rest[separator..];
                }
            };
            prop_assert_eq!(text.parse::<RepositoryName>().is_ok(), text.split('/').all(component));
        }

        #[test]
        fn no_text_panics(text in ".{0,300}") {
            let _ = text.parse::<RepositoryName>();
            let _ = text.parse::<Tag>();
            let _ = text.parse::<Reference>();
        }
    }
}
