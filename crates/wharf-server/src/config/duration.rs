//! Durations as Go writes and reads them: `1h30m`, `250ms`, `1.5s`.

use std::time::Duration;

/// Go's durations are signed 64-bit nanoseconds.
const MAX_NANOSECONDS: u128 = i64::MAX as u128;

const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Parses what Go's `time.ParseDuration` accepts, without negative durations: no key has a use
/// for one.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (nanoseconds, after) = leading_part(rest)?;
        total = total.checked_add(nanoseconds)?;
        if total > MAX_NANOSECONDS {
            return None;
        }
        rest = after;
    }
    u64::try_from(total).ok().map(Duration::from_nanos)
}

/// One number with its unit, in nanoseconds, and the text after it.
fn leading_part(text: &str) -> Option<(u128, &str)> {
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, rest) = text.split_at(number_end);
    let unit_end = rest
        .find(|c: char| c.is_ascii_digit() || c == '.')
        .unwrap_or(rest.len());
    let (unit, after) = rest.split_at(unit_end);
    let scale = UNITS.iter().find(|(name, _)| *name == unit)?.1;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let nanoseconds = whole.checked_mul(scale)?;
    Some((nanoseconds.checked_add(fraction_of(fraction, scale))?, after))
}

/// The digits after the point times the unit; what is below a nanosecond is dropped.
fn fraction_of(digits: &str, scale: u128) -> u128 {
    let mut place = scale;
    digits.bytes().fold(0, |sum, digit| {
        let tenths = place * u128::from(digit - b'0') / 10;
        place /= 10;
        sum + tenths
    })
}

/// Writes a duration so that [`parse`] reads it back: `168h`, `1m30s`, `250ms`.
pub(super) fn format(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    if nanoseconds == 0 {
        return "0s".to_owned();
    }
    let (seconds, below) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    let parts = [
        (seconds / 3600, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
        (below / 1_000_000, "ms"),
        (below / 1_000 % 1_000, "us"),
        (below % 1_000, "ns"),
    ];
    let given = parts.iter().filter(|(count, _)| *count > 0);
    given.fold(String::new(), |written, (count, unit)| {
        format!("{written}{count}{unit}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_syntax_is_read() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("0s", 0),
            ("30s", 30_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("168h", 604_800_000_000_000),
            ("1.5s", 1_500_000_000),
            (".5m", 30_000_000_000),
            ("2.h", 7_200_000_000_000),
            ("250ms", 250_000_000),
            ("3us", 3_000),
            ("3µs", 3_000),
            ("7ns", 7),
            ("1.0000000009s", 1_000_000_000),
            ("+1s", 1_000_000_000),
            ("1m1m", 120_000_000_000),
        ] {
            assert_eq!(parse(text), Some(Duration::from_nanos(nanoseconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "+",
            "10",
            "s",
            "1",
            "1 s",
            "1d",
            "1.2.3s",
            ".s",
            "-1s",
            "1s ",
            "1e3s",
            "1S",
            "2562048h",
            "99999999999999999999999999999999999999999h",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn writing_and_reading_agree() {
        for text in ["0s", "168h", "1m30s", "250ms", "1h1s", "1us1ns"] {
            assert_eq!(parse(text).map(format).as_deref(), Some(text));
        }
    }
}
