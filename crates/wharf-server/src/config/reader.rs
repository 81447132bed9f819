//! Reads typed values from the tree, notes what it found and where from, and collects what is out
//! of range.
//!
//! The tree was compared with the schema before, so a value of the wrong type is reported already
//! and counts as absent here.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use super::check::{as_duration, found};
use super::duration;
use super::effective::Effective;
use super::error::{Problem, Warning};
use super::node::{Node, Origin};

/// Shorter than this, an interval or a time limit makes no sense.
pub(super) const LEAST: Duration = Duration::from_millis(1);

pub(super) struct Reader<'t> {
    root: &'t Node,
    pub(super) effective: Effective,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(root: &'t Node) -> Self {
        Self {
            root,
            effective: Effective::default(),
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The whole tree.
    pub(super) fn tree(&self) -> &'t Node {
        self.root
    }

    /// The value at a path of the form `health.file.0.interval`.
    pub(super) fn node(&self, path: &str) -> Option<&'t Node> {
        self.root.at(path)
    }

    /// How many items the list at this path has.
    pub(super) fn list_length(&self, path: &str) -> usize {
        self.node(path).map_or(0, |node| node.items().len())
    }

    /// Notes everything beneath a key, for keys whose own keys may hold anything.
    pub(super) fn record_all(&mut self, path: &[&str], node: &Node) {
        self.effective.record_all(path, node);
    }

    /// Notes a value that counts.
    pub(super) fn record(&mut self, path: &str, value: impl Display, origin: &Origin) {
        self.effective.record(path, &value.to_string(), origin);
    }

    /// Notes a value that counts, with the origin of what stands at its path.
    pub(super) fn record_found(&mut self, path: &str, value: impl Display) {
        let origin = self.node(path).map_or(Origin::Default, |node| node.origin.clone());
        self.record(path, value, &origin);
    }

    /// Reports that the value at this path is not allowed.
    pub(super) fn refuse(&mut self, path: &str, allowed: impl Into<String>) {
        let problem = match self.node(path) {
            Some(node) => Problem::new(&shown_path(path), &node.origin, found(node, path), allowed),
            None => Problem::new(&shown_path(path), &Origin::Default, "missing", allowed),
        };
        self.problems.push(problem);
    }

    pub(super) fn boolean(&mut self, path: &str, default: bool) -> bool {
        let value = self.node(path).and_then(Node::boolean).unwrap_or(default);
        self.record_found(path, value);
        value
    }

    /// A whole number in the range.
    pub(super) fn number<T>(&mut self, path: &str, range: &RangeInclusive<i64>, default: T) -> T
    where
        T: TryFrom<i64> + Display + Copy,
    {
        let written = self.node(path).and_then(Node::integer);
        let in_range = written.filter(|value| range.contains(value));
        let value = in_range.and_then(|value| T::try_from(value).ok());
        if written.is_some() && value.is_none() {
            let (start, end) = (range.start(), range.end());
            self.refuse(path, format!("a whole number from {start} to {end}"));
        }
        let value = value.unwrap_or(default);
        self.record_found(path, value);
        value
    }

    /// A duration where zero means the default, as for all of registry:2's.
    pub(super) fn duration(&mut self, path: &str, default: Duration, least: Duration) -> Duration {
        let written = self.node(path).and_then(as_duration).filter(|value| !value.is_zero());
        let value = written.unwrap_or(default);
        if value < least {
            self.refuse(path, at_least(least));
        } else if value < LEAST {
            self.warn_of_nanoseconds(path, value);
        }
        self.record_found(path, duration::format(value));
        value
    }

    /// A duration that limits something, so that zero is refused.
    pub(super) fn limit(&mut self, path: &str, default: Duration) -> Duration {
        let value = self.node(path).and_then(as_duration).unwrap_or(default);
        if value < LEAST {
            self.refuse(path, at_least(LEAST));
        }
        self.record_found(path, duration::format(value));
        value
    }

    fn warn_of_nanoseconds(&mut self, path: &str, value: Duration) {
        self.warnings.push(Warning::new(format!(
            "`{}` is {}: a bare number counts nanoseconds, as in registry:2; `10s` is ten seconds",
            shown_path(path),
            duration::format(value)
        )));
    }

    /// A number of things where zero and below mean the default, as for all of registry:2's.
    pub(super) fn count<T>(&mut self, path: &str, default: T) -> T
    where
        T: TryFrom<i64> + Display + Copy,
    {
        let written = self.node(path).and_then(Node::integer).filter(|count| *count > 0);
        let value = match written.map(T::try_from) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(_)) => {
                self.refuse(path, "a smaller number");
                default
            }
        };
        self.record_found(path, value);
        value
    }

    /// A text; an empty one counts as absent, as everywhere in registry:2. `default` is what is
    /// shown then.
    pub(super) fn text(&mut self, path: &str, default: &str) -> Option<&'t str> {
        let value = self.node(path).and_then(Node::text).filter(|text| !text.is_empty());
        self.record_found(path, value.unwrap_or(default));
        value
    }

    /// A text that is one of a few words, in any case.
    pub(super) fn word<T: Copy>(&mut self, path: &str, words: &[(&str, T)], default: &str) -> Option<T> {
        let text = self.text(path, default)?;
        let known = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        if known.is_none() {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.refuse(path, words.join(", "));
        }
        known.map(|(_, value)| *value)
    }

    /// A text that is parsed; `allowed` names the form, the parser's error says what is wrong.
    pub(super) fn parsed<T>(&mut self, path: &str, allowed: &str, default: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.text(path, default)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(path, format!("{allowed} ({error})"));
                None
            }
        }
    }
}

fn at_least(least: Duration) -> String {
    format!(
        "at least {}, for example 10s (a bare number counts nanoseconds)",
        duration::format(least)
    )
}

/// The path as users read it: `health.file[0].interval`.
pub(super) fn shown_path(path: &str) -> String {
    path.split('.')
        .fold(String::new(), |shown, segment| match segment.parse::<usize>() {
            Ok(index) => format!("{shown}[{index}]"),
            Err(_) if shown.is_empty() => segment.to_owned(),
            Err(_) => format!("{shown}.{segment}"),
        })
}
