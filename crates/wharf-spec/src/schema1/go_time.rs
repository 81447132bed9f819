//! Times as Go's `time.Time` reads them out of JSON and writes them back.

/// What Go writes for a time that was never set.
pub(super) const ZERO: &str = "0001-01-01T00:00:00Z";

/// Reads the inside of a JSON string as an RFC 3339 time and writes it as Go would: trailing zeros of the fraction
/// go, digits beyond nanoseconds go, an offset of zero becomes `Z`, any other offset stays. `None` if Go refuses it.
///
/// As lenient as the Go that registry 2.8 was built with: one digit for the hour, a comma before the fraction and
/// offsets of any size pass.
pub(super) fn rewrite(text: &str) -> Option<String> {
    let mut rest = Cursor(text.as_bytes());
    let (year, month) = (rest.number(4, 4)?, rest.byte(b'-')?.number(2, 2)?);
    let (day, hour) = (rest.byte(b'-')?.number(2, 2)?, rest.byte(b'T')?.number(1, 2)?);
    let (minute, second) = (rest.byte(b':')?.number(2, 2)?, rest.byte(b':')?.number(2, 2)?);
    let fraction = rest.fraction();
    let offset = rest.offset()?;
    if !rest.0.is_empty() || day == 0 || day > days_in(year, month)? {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{offset}"
    ))
}

/// Days in a month of the Gregorian calendar, `None` for a month that is none.
fn days_in(year: u32, month: u32) -> Option<u32> {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => Some(29),
        2 => Some(28),
        4 | 6 | 9 | 11 => Some(30),
        1..=12 => Some(31),
        _ => None,
    }
}

/// The bytes not read yet.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn byte(&mut self, expected: u8) -> Option<&mut Self> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        (first == expected).then_some(self)
    }

    /// A decimal number of `least` to `most` digits.
    fn number(&mut self, least: usize, most: usize) -> Option<u32> {
        let digits = self.digits().min(most);
        if digits < least {
            return None;
        }
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        Some(number.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')))
    }

    fn digits(&self) -> usize {
        self.0.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }

    /// The fraction as Go writes it, with its dot; empty without one, or if it is all zeros.
    fn fraction(&mut self) -> String {
        let Some((b'.' | b',', after)) = self.0.split_first() else {
            return String::new();
        };
        let digits = Cursor(after).digits();
        if digits == 0 {
            return String::new();
        }
        let (fraction, rest) = after.split_at(digits);
        self.0 = rest;
        let nanos: String = fraction.iter().take(9).copied().map(char::from).collect();
        match nanos.trim_end_matches('0') {
            "" => String::new(),
            kept => format!(".{kept}"),
        }
    }

    /// The offset as Go writes it.
    fn offset(&mut self) -> Option<String> {
        let (&sign, rest) = self.0.split_first()?;
        self.0 = rest;
        if sign == b'Z' {
            return Some("Z".to_owned());
        }
        if !matches!(sign, b'+' | b'-') {
            return None;
        }
        let minutes = self.number(2, 2)? * 60 + self.byte(b':')?.number(2, 2)?;
        if minutes == 0 {
            return Some("Z".to_owned());
        }
        Some(format!("{}{:02}:{:02}", char::from(sign), minutes / 60, minutes % 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each pair was taken from a running registry 2.8.2.
    #[test]
    fn times_come_out_as_go_writes_them() {
        for (read, written) in [
            ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
            ("2020-01-01T00:00:00.100000000Z", "2020-01-01T00:00:00.1Z"),
            ("2020-01-01T00:00:00.1234567891Z", "2020-01-01T00:00:00.123456789Z"),
            ("2020-01-01T00:00:00.000Z", "2020-01-01T00:00:00Z"),
            ("2020-01-01T00:00:00+02:00", "2020-01-01T00:00:00+02:00"),
            ("2020-01-01T00:00:00.5-03:30", "2020-01-01T00:00:00.5-03:30"),
            ("2020-01-01T00:00:00+00:00", "2020-01-01T00:00:00Z"),
            ("2020-01-01T00:00:00-00:00", "2020-01-01T00:00:00Z"),
            ("2020-01-01T0:00:00Z", "2020-01-01T00:00:00Z"),
            ("2020-01-01T00:00:00,5Z", "2020-01-01T00:00:00.5Z"),
            ("2020-01-01T00:00:00+25:00", "2020-01-01T00:00:00+25:00"),
            ("2020-01-01T00:00:00+01:60", "2020-01-01T00:00:00+02:00"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
            ("2020-02-29T23:59:59Z", "2020-02-29T23:59:59Z"),
            (ZERO, ZERO),
        ] {
            assert_eq!(rewrite(read).as_deref(), Some(written), "{read}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in [
            "",
            "2020-02-30T00:00:00Z",
            "2019-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2020-13-01T00:00:00Z",
            "2020-00-01T00:00:00Z",
            "2020-01-00T00:00:00Z",
            "2020-01-01T24:00:00Z",
            "2020-01-01T00:60:00Z",
            "2020-01-01T00:00:60Z",
            "2020-01-01T00:00:00.Z",
            "2020-01-01T00:00:00",
            "2020-01-01T00:00:00+01:0",
            "2020-01-01T00:00:00Zx",
            "2020-01-01t00:00:00z",
            "2020-01-01 00:00:00Z",
            "+020-01-01T00:00:00Z",
            "é020-01-01T00:00:00Z",
            "2020-01-01T00:00:00\\u005a",
        ] {
            assert_eq!(rewrite(text), None, "{text}");
        }
    }
}
