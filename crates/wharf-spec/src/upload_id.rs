//! The identity of an upload session.

use std::fmt;
use std::str::FromStr;

/// A UUID in its hyphenated lower-case form, the name of an upload's directory and the last segment of its URL.
///
/// ```
/// use wharf_spec::UploadId;
/// assert!("5f01d00f-8cd3-40ba-b7ac-f2f003f6ab59".parse::<UploadId>().is_ok());
/// assert!("abc".parse::<UploadId>().is_err());
/// assert!("../../../../etc".parse::<UploadId>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UploadId(Box<str>);

/// The text is no UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an upload is named by a UUID")]
pub struct UploadIdError;

impl UploadId {
    /// The UUID.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UploadId {
    type Err = UploadIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hyphen_at = |index: usize| matches!(index, 8 | 13 | 18 | 23);
        let legal = |(index, byte): (usize, u8)| {
            if hyphen_at(index) {
                byte == b'-'
            } else {
                matches!(byte, b'0'..=b'9' | b'a'..=b'f')
            }
        };
        if text.len() == 36 && text.bytes().enumerate().all(legal) {
            Ok(Self(text.into()))
        } else {
            Err(UploadIdError)
        }
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
