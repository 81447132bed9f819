//! `Range` and the conditions on an entity tag.
//!
//! Sources: RFC 9110, sections 13 and 14; for what it leaves open, Go's `http.ServeContent`, which registry:2 answers with.

use std::ops::Range;

use http::header::{IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderName};

/// Parts of an answer to a request with several ranges. With more, the whole is sent.
const PARTS_MAX: usize = 16;

/// What to send of a representation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    /// All of it.
    Whole,
    /// One range.
    Single(Range<u64>),
    /// Several, as `multipart/byteranges`.
    Several(Vec<Range<u64>>),
    /// Nothing: no range lies within it.
    Unsatisfiable,
}

/// What the conditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Go on.
    Proceed,
    /// The client has it: 304.
    NotModified,
    /// `If-Match` fails: 412.
    Failed,
}

fn values(headers: &HeaderMap, name: HeaderName) -> Option<Vec<&str>> {
    let values: Vec<_> = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    (!values.is_empty()).then_some(values)
}

/// How an entity tag in a request is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quotes {
    /// As HTTP has it.
    Needed,
    /// A digest without quotes counts too: registry:2 takes it for manifests, and clients send it.
    Optional,
}

fn matches(values: &[&str], tag: &str, quotes: Quotes, weak: bool) -> bool {
    let mut tags = values.iter().flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|value| {
        let value = if weak {
            value.strip_prefix("W/").unwrap_or(value)
        } else {
            value
        };
        let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        value == "*" || unquoted == Some(tag) || quotes == Quotes::Optional && value == tag
    })
}

/// Weighs `If-Match` (strong comparison) and `If-None-Match` (weak) against the entity tag `tag`, given without quotes.
pub(crate) fn condition(headers: &HeaderMap, tag: &str, quotes: Quotes) -> Condition {
    if values(headers, IF_MATCH).is_some_and(|values| !matches(&values, tag, quotes, false)) {
        return Condition::Failed;
    }
    if values(headers, IF_NONE_MATCH).is_some_and(|values| matches(&values, tag, quotes, true)) {
        return Condition::NotModified;
    }
    Condition::Proceed
}

/// Reads `Range`, unless `If-Range` names another tag.
pub(crate) fn select(headers: &HeaderMap, tag: &str, size_bytes: u64) -> Selection {
    let Some(range) = headers.get(RANGE) else {
        return Selection::Whole;
    };
    if let Some(if_range) = headers.get(IF_RANGE)
        && if_range.to_str().ok().map(|value| value.trim_matches('"')) != Some(tag)
    {
        return Selection::Whole;
    }
    let ranges = range.to_str().ok().and_then(|range| range.strip_prefix("bytes="));
    match ranges {
        Some(ranges) => satisfy(ranges, size_bytes),
        None => Selection::Unsatisfiable,
    }
}

fn satisfy(ranges: &str, size_bytes: u64) -> Selection {
    let mut satisfiable = Vec::new();
    let specs: Vec<_> = ranges
        .split(',')
        .map(str::trim)
        .filter(|spec| !spec.is_empty())
        .collect();
    if specs.is_empty() {
        return Selection::Whole;
    }
    for (count, spec) in specs.into_iter().enumerate() {
        if count == PARTS_MAX {
            return Selection::Whole;
        }
        let Some(range) = parse(spec, size_bytes) else {
            return Selection::Unsatisfiable;
        };
        if !range.is_empty() {
            satisfiable.push(range);
        }
    }
    // Ranges that together are more than the whole are a way to make much of little.
    let total = satisfiable
        .iter()
        .map(|range| range.end - range.start)
        .fold(0, u64::saturating_add);
    match (satisfiable.len(), satisfiable.pop()) {
        (_, None) => Selection::Unsatisfiable,
        (1, Some(range)) => Selection::Single(range),
        _ if total > size_bytes => Selection::Whole,
        (_, Some(last)) => {
            satisfiable.push(last);
            Selection::Several(satisfiable)
        }
    }
}

/// One range, cut to what is there and empty when it lies beyond; `None` when it is malformed.
fn parse(spec: &str, size_bytes: u64) -> Option<Range<u64>> {
    let number = |text: &str| -> Option<u64> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // More digits than a number has mean more than anything has.
        Some(text.parse().unwrap_or(u64::MAX))
    };
    match spec.split_once('-')? {
        ("", suffix) => {
            let length = number(suffix)?.min(size_bytes);
            Some(size_bytes - length..size_bytes)
        }
        (first, "") => {
            let first = number(first)?;
            Some(first.min(size_bytes)..size_bytes)
        }
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then(|| first.min(size_bytes)..last.saturating_add(1).min(size_bytes))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_what_is_there() {
        let cases = [
            ("0-0", Selection::Single(0..1)),
            ("500-1499", Selection::Single(500..1499 + 1)),
            ("500-", Selection::Single(500..2048)),
            ("-500", Selection::Single(1548..2048)),
            ("-5000", Selection::Single(0..2048)),
            ("2000-5000", Selection::Single(2000..2048)),
            ("2000-99999999999999999999", Selection::Single(2000..2048)),
            ("5000-10000", Selection::Unsatisfiable),
            ("2048-", Selection::Unsatisfiable),
            ("-0", Selection::Unsatisfiable),
            ("500-0", Selection::Unsatisfiable),
            ("x", Selection::Unsatisfiable),
            ("-", Selection::Unsatisfiable),
            ("", Selection::Whole),
            (" , ", Selection::Whole),
            ("0-1,5-6", Selection::Several(vec![0..2, 5..7])),
            ("0-1,9999-", Selection::Single(0..2)),
            ("0-,0-", Selection::Whole),
        ];
        for (text, expected) in cases {
            assert_eq!(satisfy(text, 2048), expected, "{text}");
        }
        let many = vec!["0-0"; PARTS_MAX + 1].join(",");
        assert_eq!(satisfy(&many, 2048), Selection::Whole);
    }

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        [(name, value.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn tags_match_as_http_has_it_and_bare_where_clients_send_them_so() {
        let none_match = |value, quotes| condition(&headers(IF_NONE_MATCH, value), "t", quotes);
        for value in ["\"t\"", "W/\"t\"", "\"x\", \"t\"", "*"] {
            assert_eq!(none_match(value, Quotes::Needed), Condition::NotModified, "{value}");
        }
        assert_eq!(none_match("t", Quotes::Needed), Condition::Proceed);
        assert_eq!(none_match("t", Quotes::Optional), Condition::NotModified);
        assert_eq!(none_match("\"x\"", Quotes::Optional), Condition::Proceed);
        let if_match = |value| condition(&headers(IF_MATCH, value), "t", Quotes::Needed);
        assert_eq!(if_match("\"t\""), Condition::Proceed);
        assert_eq!(if_match("W/\"t\""), Condition::Failed, "the comparison is strong");
        assert_eq!(if_match("\"x\""), Condition::Failed);
    }
}
