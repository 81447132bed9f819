//! The `Content-Range` of a chunk, `<first>-<last>`.

use std::str::FromStr;

/// The place of a chunk in its upload, first and last byte inclusive.
///
/// The distribution specification asks for `^[0-9]+-[0-9]+$`; clients that follow HTTP write `bytes <first>-<last>/<size>`,
/// with `*` for an unknown size, and are understood too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRange {
    first: u64,
    last: u64,
}

/// The text is no `Content-Range`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Content-Range must be `<first>-<last>`, both inclusive")]
pub struct ContentRangeError;

impl ContentRange {
    /// The offset of the first byte.
    pub const fn first(self) -> u64 {
        self.first
    }

    /// The number of bytes.
    pub const fn size_bytes(self) -> u64 {
        self.last - self.first + 1
    }
}

fn number(text: &str) -> Result<u64, ContentRangeError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ContentRangeError);
    }
    text.parse().map_err(|_| ContentRangeError)
}

impl FromStr for ContentRange {
    type Err = ContentRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text
            .strip_prefix("bytes ")
            .or_else(|| text.strip_prefix("bytes="))
            .unwrap_or(text);
        let (range, size) = match text.split_once('/') {
            Some((range, size)) => (range, Some(size)),
            None => (text, None),
        };
        let (first, last) = range.split_once('-').ok_or(ContentRangeError)?;
        let (first, last) = (number(first)?, number(last)?);
        // `last` is below the maximum, so that a size can be told.
        if first > last || last == u64::MAX {
            return Err(ContentRangeError);
        }
        if let Some(size) = size
            && size != "*"
            && number(size)? <= last
        {
            return Err(ContentRangeError);
        }
        Ok(Self { first, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_nonsense_is_refused() {
        for good in ["0-9", "bytes 0-9/*", "bytes 0-9/10", "bytes=0-9"] {
            let range: ContentRange = good.parse().unwrap();
            assert_eq!((range.first(), range.size_bytes()), (0, 10), "{good}");
        }
        let bad = [
            "",
            "5-2",
            "-1-3",
            "0-18446744073709551616",
            "0-18446744073709551615",
            "a-b",
            "0-",
            "+0-1",
            "0-9/5",
        ];
        for bad in bad {
            assert!(bad.parse::<ContentRange>().is_err(), "{bad}");
        }
    }
}
