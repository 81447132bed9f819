//! The text format 0.0.4, made of the `OpenMetrics` text that the metrics library writes.
//!
//! Two things differ that a reader of registry:2's metrics would notice: there a counter's `HELP` and `TYPE` bear its
//! full name with `_total`, and the bounds of buckets are written as Go prints floats (`1`, `1.048576e+06`).

/// Rewrites a text without its end marker.
pub(super) fn from_open_metrics(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let counter = lines
                .peek()
                .is_some_and(|next| next.starts_with("# TYPE ") && next.ends_with(" counter"));
            push_described(&mut out, "# HELP ", help, counter);
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            push_described(&mut out, "# TYPE ", kind, kind.ends_with(" counter"));
        } else {
            push_sample(&mut out, line);
        }
        out.push('\n');
    }
    out
}

/// A line that begins with a name, which gets a counter's suffix if it is one's.
fn push_described(out: &mut String, keyword: &str, line: &str, counter: bool) {
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    out.push_str(keyword);
    out.push_str(name);
    if counter {
        out.push_str("_total");
    }
    out.push(' ');
    out.push_str(rest);
}

/// A sample, with the bound of a bucket rewritten.
fn push_sample(out: &mut String, line: &str) {
    const LABEL: &str = "le=\"";
    let bound = line.find(LABEL).map(|at| at + LABEL.len()).and_then(|start| {
        let end = start + line[start..].find('"')?;
        let value: f64 = line[start..end].parse().ok()?;
        Some((start, end, value))
    });
    match bound {
        Some((start, end, value)) if value.is_finite() => {
            out.push_str(&line[..start]);
            out.push_str(&go_float(value));
            out.push_str(&line[end..]);
        }
        _ => out.push_str(line),
    }
}

/// The shortest digits that give the number back, with an exponent from a million up and below a ten-thousandth.
fn go_float(value: f64) -> String {
    let scientific = format!("{value:e}");
    match scientific
        .split_once('e')
        .map(|(digits, exponent)| (digits, exponent.parse::<i32>()))
    {
        Some((digits, Ok(exponent))) if !(-4..6).contains(&exponent) => format!("{digits}e{exponent:+03}"),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_described_under_their_full_name() {
        let text = "# HELP a_b Some help counter.\n# TYPE a_b counter\na_b_total{x=\"y\"} 3\n\
                    # HELP c Gauge.\n# TYPE c gauge\nc 1.5\n";
        assert_eq!(
            from_open_metrics(text),
            "# HELP a_b_total Some help counter.\n# TYPE a_b_total counter\na_b_total{x=\"y\"} 3\n\
             # HELP c Gauge.\n# TYPE c gauge\nc 1.5\n"
        );
    }

    #[test]
    fn bounds_are_written_as_go_writes_them() {
        for (value, text) in [
            (0.005, "0.005"),
            (1.0, "1"),
            (2.5, "2.5"),
            (60.0, "60"),
            (524_288.0, "524288"),
            (1_048_576.0, "1.048576e+06"),
            (2_147_483_648.0, "2.147483648e+09"),
            (1e21, "1e+21"),
            (0.0001, "0.0001"),
            (0.000_015, "1.5e-05"),
        ] {
            assert_eq!(go_float(value), text);
        }
        let sample = "h_bucket{handler=\"blob\",le=\"1048576.0\"} 4\n";
        assert_eq!(
            from_open_metrics(sample),
            "h_bucket{handler=\"blob\",le=\"1.048576e+06\"} 4\n"
        );
        let last = "h_bucket{le=\"+Inf\"} 4\n";
        assert_eq!(from_open_metrics(last), last);
    }
}
