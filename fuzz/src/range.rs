//! `Range` and the conditions. The input is twice the size of a blob, in eight bytes, and one line for each header.

use std::ops::Range;
use std::sync::LazyLock;

use http::header::{IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue};
use regex::Regex;

use super::grammar;
use super::server_range::{Condition, Quotes, Selection, condition, select};

/// The entity tag of the blob.
const TAG: &str = "sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";
const HEADERS: [HeaderName; 4] = [RANGE, IF_RANGE, IF_MATCH, IF_NONE_MATCH];

pub(super) fn target(data: &[u8]) {
    let Some((size, lines)) = data.split_first_chunk() else {
        return;
    };
    // No file is longer than a signed number can say.
    let size_bytes = u64::from_le_bytes(*size) >> 1;
    let mut headers = HeaderMap::new();
    for (name, line) in HEADERS.into_iter().zip(lines.split(|byte| *byte == b'\n')) {
        if let (false, Ok(value)) = (line.is_empty(), HeaderValue::from_bytes(line)) {
            headers.insert(name, value);
        }
    }
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());

    let selection = select(&headers, TAG, size_bytes);
    is_within(&selection, size_bytes);
    let other_version = text(IF_RANGE).is_some_and(|tag| tag.trim_matches('"') != TAG);
    let expected = match text(RANGE) {
        Some(range) if !other_version => expected(range, size_bytes),
        _ => Selection::Whole,
    };
    assert_eq!(selection, expected, "{headers:?} of {size_bytes}");

    let names_it = |name| text(name).is_some_and(|value| value.contains(TAG) || value.contains('*'));
    for quotes in [Quotes::Needed, Quotes::Optional] {
        match condition(&headers, TAG, quotes) {
            Condition::Proceed => {}
            Condition::NotModified => assert!(names_it(IF_NONE_MATCH)),
            Condition::Failed => assert!(headers.contains_key(IF_MATCH)),
        }
    }
}

/// Nothing is sent that is not there, and never more than there is.
fn is_within(selection: &Selection, size_bytes: u64) {
    let ranges = match selection {
        Selection::Whole | Selection::Unsatisfiable => return,
        Selection::Single(range) => std::slice::from_ref(range),
        Selection::Several(ranges) => {
            assert!((2..=16).contains(&ranges.len()));
            ranges
        }
    };
    assert!(
        ranges
            .iter()
            .all(|range| range.start < range.end && range.end <= size_bytes)
    );
    let total: u128 = ranges.iter().map(|range| u128::from(range.end - range.start)).sum();
    assert!(total <= u128::from(size_bytes));
}

/// The same by regular expression, in numbers that hold more.
fn expected(header: &str, size_bytes: u64) -> Selection {
    let Some(list) = header.strip_prefix("bytes=") else {
        return Selection::Unsatisfiable;
    };
    let all: Vec<&str> = list.split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
    let ranges: Option<Vec<Range<u64>>> = all.iter().take(16).map(|one| expected_one(one, size_bytes)).collect();
    let Some(mut ranges) = ranges else {
        return Selection::Unsatisfiable;
    };
    if all.is_empty() || all.len() > 16 {
        return Selection::Whole;
    }
    ranges.retain(|range| !range.is_empty());
    let total: u128 = ranges.iter().map(|range| u128::from(range.end - range.start)).sum();
    match ranges.as_slice() {
        [] => Selection::Unsatisfiable,
        [one] => Selection::Single(one.clone()),
        _ if total > u128::from(size_bytes) => Selection::Whole,
        _ => Selection::Several(ranges),
    }
}

fn expected_one(text: &str, size_bytes: u64) -> Option<Range<u64>> {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| grammar::whole("([0-9]*)-([0-9]*)"));
    let captures = PATTERN.captures(text)?;
    let size = u128::from(size_bytes);
    let number = |group: usize| match captures[group].trim_start_matches('0') {
        "" if captures[group].is_empty() => None,
        "" => Some(0),
        digits => Some(digits.parse().unwrap_or(u128::MAX)),
    };
    let (start, end) = match (number(1), number(2)) {
        (None, None) => return None,
        (None, Some(length)) => (size - length.min(size), size),
        (Some(first), None) => (first, size),
        // Beyond what a position can be, all numbers are alike.
        (Some(first), Some(last)) if first.min(u64::MAX.into()) > last => return None,
        (Some(first), Some(last)) => (first, last.saturating_add(1)),
    };
    let cut = |position: u128| u64::try_from(position.min(size)).ok();
    Some(cut(start)?..cut(end)?)
}
