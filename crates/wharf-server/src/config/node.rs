//! The configuration as a tree of values, each of which knows where it came from.

use std::fmt;

use serde_json::Value as Json;

use super::schema::Shape;

/// Where a value came from; `Display` is what users read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file: its path, with the line where that is known.
    File(String),
    /// An environment variable, by name.
    Variable(String),
    /// A flag of the command line, by name.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(place) => f.write_str(place),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// A value and its origin.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// A YAML value. Scalars keep their text: what a scalar means depends on the key it is given to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// One scalar as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scalar {
    /// The text, without quotes.
    pub(super) text: String,
    /// Whether YAML 1.1 reads it as a boolean or a number; quoted text never is one.
    pub(super) typed: bool,
}

impl Node {
    /// A map with nothing in it.
    pub(super) fn empty_map(origin: Origin) -> Self {
        Self {
            value: Value::Map(Vec::new()),
            origin,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// The entries of a map; none for anything else.
    pub(super) fn entries(&self) -> &[(String, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The value at a dotted path (list items by index), where null counts as absent.
    pub(super) fn at(&self, path: &str) -> Option<&Self> {
        let found = path.split('.').try_fold(self, |node, segment| match &node.value {
            Value::Map(entries) => entries.iter().find(|(key, _)| key == segment).map(|(_, n)| n),
            Value::List(items) => segment.parse().ok().and_then(|index: usize| items.get(index)),
            Value::Null | Value::Scalar(_) => None,
        })?;
        (!found.is_null()).then_some(found)
    }

    /// The value of one key of a map, null included.
    pub(super) fn at_key(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, node)| node)
    }

    /// The value of one key of a map, null included, to be changed.
    pub(super) fn existing_mut(&mut self, key: &str) -> Option<&mut Self> {
        let Value::Map(entries) = &mut self.value else {
            return None;
        };
        entries.iter_mut().find(|(known, _)| known == key).map(|(_, node)| node)
    }

    /// The value of one key of a map, created as null where it is missing. `None` for anything
    /// that is no map.
    pub(super) fn child_mut(&mut self, key: &str, origin: &Origin) -> Option<&mut Self> {
        let Value::Map(entries) = &mut self.value else {
            return None;
        };
        let index = entries.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
            let value = Value::Null;
            let origin = origin.clone();
            entries.push((key.to_owned(), Self { value, origin }));
            entries.len() - 1
        });
        entries.get_mut(index).map(|(_, node)| node)
    }

    /// Turns `storage: inmemory` into `storage: {inmemory: {}}`, where the schema allows that.
    /// `none` is the one name that registry:2 knows in any case.
    pub(super) fn expand_bare_name(&mut self, shape: &Shape) {
        if let (Shape::Choice(_), Some(name)) = (shape, self.text()) {
            let name = if name.eq_ignore_ascii_case("none") {
                "none"
            } else {
                name
            };
            let section = (name.to_owned(), Self::empty_map(self.origin.clone()));
            self.value = Value::Map(vec![section]);
        }
    }

    /// The text of any scalar, as written.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// A YAML 1.1 boolean.
    pub(super) fn boolean(&self) -> Option<bool> {
        match &self.value {
            Value::Scalar(scalar) if scalar.typed => scalar.boolean(),
            _ => None,
        }
    }

    /// A whole number in any of the notations that Go's YAML reader accepts.
    pub(super) fn integer(&self) -> Option<i64> {
        match &self.value {
            Value::Scalar(scalar) if scalar.typed => scalar.integer(),
            _ => None,
        }
    }

    /// Says what kind of value this is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "empty",
            Value::Scalar(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a section",
        }
    }

    /// The value as JSON, for keys that may hold anything.
    pub(super) fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Scalar(scalar) => scalar.to_json(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => {
                let entries = entries.iter().map(|(key, node)| (key.clone(), node.to_json()));
                Json::Object(entries.collect())
            }
        }
    }
}

impl Scalar {
    /// The spellings of YAML 1.1; mixed case such as `tRUE` is text.
    fn boolean(&self) -> Option<bool> {
        match self.text.as_str() {
            "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
            "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
            _ => None,
        }
    }

    /// Base by prefix (`0x`, `0o`, `0b`, leading `0` octal), underscores between digits ignored;
    /// a float counts when it is whole.
    fn integer(&self) -> Option<i64> {
        let digits = self.text.replace('_', "");
        let (negative, magnitude) = match digits.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, digits.strip_prefix('+').unwrap_or(&digits)),
        };
        let lower = magnitude.to_ascii_lowercase();
        let (radix, bare) = if let Some(rest) = lower.strip_prefix("0x") {
            (16, rest)
        } else if let Some(rest) = lower.strip_prefix("0b") {
            (2, rest)
        } else if let Some(rest) = lower.strip_prefix("0o") {
            (8, rest)
        } else if lower.len() > 1 && lower.bytes().all(|b| b.is_ascii_digit()) && lower.starts_with('0') {
            (8, &lower[1..])
        } else {
            (10, lower.as_str())
        };
        if bare.starts_with(['+', '-']) {
            return None;
        }
        match i64::from_str_radix(bare, radix) {
            Ok(value) => Some(if negative { -value } else { value }),
            Err(_) if radix == 10 => whole_float(&digits),
            Err(_) => None,
        }
    }

    fn to_json(&self) -> Json {
        if !self.typed {
            return Json::String(self.text.clone());
        }
        let number = || self.text.parse().ok().and_then(serde_json::Number::from_f64);
        match (self.boolean(), self.integer()) {
            (Some(value), _) => Json::Bool(value),
            (None, Some(value)) => Json::from(value),
            (None, None) => number().map_or_else(|| Json::String(self.text.clone()), Json::Number),
        }
    }
}

/// A float without fraction, up to 2⁵³, beyond which floats skip whole numbers.
fn whole_float(text: &str) -> Option<i64> {
    const EXACT_BELOW: f64 = 9_007_199_254_740_992.0;
    let value: f64 = text.parse().ok()?;
    if value.fract() != 0.0 || value.abs() >= EXACT_BELOW {
        return None;
    }
    format!("{value:.0}").parse().ok()
}
