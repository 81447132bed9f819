//! What a run gave, and what several runs amount to.

/// What was counted during one run of one case against one server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Requests answered, or blobs pushed; large answers count by the part of them that came.
    pub(crate) requests: f64,
    /// Bytes that went through: of answers, heads included, or of blobs pushed.
    pub(crate) bytes: u64,
    /// Wall time in seconds.
    pub(crate) wall: f64,
    /// Processor time of the server in seconds, user and system.
    pub(crate) cpu: f64,
    /// The highest anonymous resident memory of the server, in KiB.
    pub(crate) anonymous_kib: u64,
}

/// A figure of a run that servers are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    Requests,
    RequestsPerCpu,
    BytesPerCpu,
}

impl Measure {
    /// Its value in one run. A processor time below the kernel's tick counts as one tick.
    pub(crate) fn of(self, run: &Run) -> f64 {
        const TICK: f64 = 0.01;
        match self {
            Self::Requests => run.requests / run.wall,
            Self::RequestsPerCpu => run.requests / run.cpu.max(TICK),
            Self::BytesPerCpu => float(run.bytes) / run.cpu.max(TICK),
        }
    }

    /// Its values in some runs.
    pub(crate) fn all(self, runs: &[Run]) -> Vec<f64> {
        runs.iter().map(|run| self.of(run)).collect()
    }

    /// Its name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Requests => "per second",
            Self::RequestsPerCpu => "per CPU second",
            Self::BytesPerCpu => "bytes per CPU second",
        }
    }
}

/// The median of some values with the lowest and the highest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figure {
    pub(crate) median: f64,
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
}

impl Figure {
    /// `None` without values. Of an even number of values the median is the mean of the two in the middle.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (lowest, highest) = (*sorted.first()?, *sorted.last()?);
        let (lower, upper) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Some(Self {
            median: f64::midpoint(lower, upper),
            lowest,
            highest,
        })
    }

    /// The ratio of two medians, with the spread of the ratios of runs that were made one after the other.
    pub(crate) fn ratio(ours: &[f64], theirs: &[f64]) -> Option<Self> {
        let pairs: Vec<_> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        let spread = Self::of(&pairs)?;
        Some(Self {
            median: Self::of(ours)?.median / Self::of(theirs)?.median,
            ..spread
        })
    }

    /// `median (lowest–highest)`, each printed by `print`.
    pub(crate) fn show(&self, print: impl Fn(f64) -> String) -> String {
        format!(
            "{} ({}–{})",
            print(self.median),
            print(self.lowest),
            print(self.highest)
        )
    }
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// A number with three significant digits or all before the point, thousands apart: `0.123`, `12.3`, `1,235`.
pub(crate) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        value if value >= 99.95 => 0,
        value if value >= 9.995 => 1,
        value if value >= 0.9995 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

/// A number of bytes in MB or GB, to the power of ten as rates are.
pub(crate) fn rate(bytes: f64) -> String {
    if bytes >= 1e9 {
        format!("{} GB", number(bytes / 1e9))
    } else {
        format!("{} MB", number(bytes / 1e6))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_not_the_mean() {
        let figure = Figure::of(&[9.0, 1.0, 2.0, 100.0, 3.0]).unwrap();
        assert_eq!(
            figure,
            Figure {
                median: 3.0,
                lowest: 1.0,
                highest: 100.0
            }
        );
        assert_eq!(figure.show(number), "3.00 (1.00–100)");
        assert!((Figure::of(&[4.0, 1.0]).unwrap().median - 2.5).abs() < 1e-9);
        assert_eq!(Figure::of(&[]), None);
    }

    #[test]
    fn a_ratio_is_of_medians_and_its_spread_of_pairs() {
        let ratio = Figure::ratio(&[10.0, 30.0, 20.0], &[1.0, 2.0, 4.0]).unwrap();
        assert_eq!(
            ratio,
            Figure {
                median: 10.0,
                lowest: 5.0,
                highest: 15.0
            }
        );
        assert_eq!(Figure::ratio(&[1.0], &[]), None);
    }

    #[test]
    fn measures_divide_by_their_time() {
        let run = Run {
            requests: 100.0,
            bytes: 4000,
            wall: 2.0,
            cpu: 0.5,
            anonymous_kib: 1,
        };
        assert_eq!(Measure::Requests.all(&[run]), [50.0]);
        assert_eq!(Measure::RequestsPerCpu.all(&[run]), [200.0]);
        assert_eq!(Measure::BytesPerCpu.all(&[run]), [8000.0]);
        let unseen = Run { cpu: 0.0, ..run };
        assert_eq!(Measure::RequestsPerCpu.all(&[unseen]), [10_000.0]);
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.1234, "0.123"),
            (1.0, "1.00"),
            (9.999, "10.0"),
            (99.99, "100"),
            (1234.5, "1,234"),
            (1_234_567.0, "1,234,567"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!(rate(2_960_000_000.0), "2.96 GB");
        assert_eq!(rate(208_000_000.0), "208 MB");
    }
}
