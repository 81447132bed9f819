//! `Content-Range` of a chunk.

use std::sync::LazyLock;

use regex::Regex;
use wharf_spec::ContentRange;

use super::{grammar, text};

pub(super) fn target(data: &[u8]) {
    let text = text(data);
    let parsed = text.parse::<ContentRange>();
    let expected = expected(&text);
    let found = parsed.ok().map(|range| (range.first(), range.size_bytes()));
    assert_eq!(
        found,
        expected.map(|(first, last)| (first, last - first + 1)),
        "`{text}`"
    );
    let Ok(range) = parsed else { return };
    assert!(range.size_bytes() > 0);
    let last = range.first() + (range.size_bytes() - 1);
    for form in ["", "bytes ", "bytes="] {
        for size in ["", "/*", &format!("/{}", last + 1)] {
            let printed = format!("{form}{}-{last}{size}", range.first());
            assert_eq!(printed.parse(), Ok(range), "`{printed}`");
        }
        let beyond = format!("{form}{}-{last}/{last}", range.first());
        assert!(beyond.parse::<ContentRange>().is_err(), "`{beyond}`");
    }
}

/// First and last byte by the regular expression and numbers without an end.
fn expected(text: &str) -> Option<(u64, u64)> {
    static PATTERN: LazyLock<Regex> =
        LazyLock::new(|| grammar::whole(r"(?:bytes[ =])?([0-9]+)-([0-9]+)(?:/(?:\*|([0-9]+)))?"));
    let captures = PATTERN.captures(text)?;
    let number = |group: usize| captures.get(group).map(|digits| number(digits.as_str()));
    let (first, last) = (number(1)?, number(2)?);
    let size_fits = match number(3) {
        Some(size) => size > last && u64::try_from(size).is_ok(),
        None => true,
    };
    // The last byte there could be has no size that a number holds.
    let holds = first <= last && last < u128::from(u64::MAX) && size_fits;
    holds.then_some((u64::try_from(first).ok()?, u64::try_from(last).ok()?))
}

/// The number, or the largest one for all that have more digits.
fn number(digits: &str) -> u128 {
    match digits.trim_start_matches('0') {
        "" => 0,
        digits => digits.parse().unwrap_or(u128::MAX),
    }
}
