//! Compares the tree with the schema: unknown keys, and values of the wrong type.

use super::duration;
use super::error::{Problem, Warning, shown};
use super::node::{Node, Origin, Value};
use super::schema::{Names, Shape};
use super::secrecy::{is_secret, redacted};
use super::suggest;

/// What a comparison found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
}

/// Compares the value at `path` (dotted, empty for the root) and all beneath it with its shape.
/// Null is what a key has when nobody sets it, and fits everything.
pub(super) fn check(node: &Node, shape: &Shape, path: &str, names: &Names) -> Findings {
    let mut checker = Checker {
        names,
        findings: Findings::default(),
    };
    checker.visit(node, shape, path);
    checker.findings
}

struct Checker<'n> {
    names: &'n Names,
    findings: Findings,
}

impl Checker<'_> {
    fn visit(&mut self, node: &Node, shape: &Shape, path: &str) {
        if node.is_null() {
            return;
        }
        let fits = match shape {
            Shape::Free => true,
            Shape::Struct(_) | Shape::Map(_) | Shape::Choice(_) | Shape::Headers => {
                self.visit_section(node, shape, path)
            }
            Shape::List(item) => self.visit_list(node, item, path),
            Shape::Boolean => node.boolean().is_some(),
            Shape::Integer => node.integer().is_some(),
            Shape::Duration => as_duration(node).is_some(),
            Shape::Text => node.text().is_some(),
        };
        if !fits {
            let found = found(node, path);
            let problem = Problem::new(path, &node.origin, found, allowed(shape));
            self.findings.problems.push(problem);
        }
    }

    fn visit_section(&mut self, node: &Node, shape: &Shape, path: &str) -> bool {
        let Value::Map(entries) = &node.value else {
            return false;
        };
        for (key, value) in entries {
            match shape.child(key) {
                Some(child) => self.visit(value, child, &suggest::join(path, key)),
                None => self.unknown(key, value, shape, path),
            }
        }
        true
    }

    fn visit_list(&mut self, node: &Node, item: &Shape, path: &str) -> bool {
        let Value::List(items) = &node.value else {
            return false;
        };
        for (index, value) in items.iter().enumerate() {
            self.visit(value, item, &format!("{path}[{index}]"));
        }
        true
    }

    fn unknown(&mut self, key: &str, value: &Node, shape: &Shape, section: &str) {
        let nearest = suggest::key(section, shape, key, self.names);
        let path = suggest::join(section, key);
        if let Shape::Choice(fields) = shape {
            let known: Vec<&str> = fields.iter().map(|field| field.key).collect();
            let allowed = format!("{} (the nearest is `{nearest}`)", known.join(", "));
            let problem = Problem::new(&path, &value.origin, "unknown", allowed);
            self.findings.problems.push(problem);
            return;
        }
        let path = shown(&path);
        let warning = match &value.origin {
            Origin::Variable(name) => {
                let variable = suggest::variable(name, self.names);
                format!(
                    "unknown key `{path}` (variable `{}`) is ignored; the nearest known key is \
                     `{nearest}`, the nearest known variable `{variable}`",
                    shown(name)
                )
            }
            origin => format!("unknown key `{path}` ({origin}) is ignored; the nearest known key is `{nearest}`"),
        };
        self.findings.warnings.push(Warning::new(warning));
    }
}

/// A duration in Go's syntax, or a bare number of nanoseconds, as Go's YAML reader takes it.
pub(super) fn as_duration(node: &Node) -> Option<std::time::Duration> {
    if let Some(nanoseconds) = node.integer() {
        return u64::try_from(nanoseconds).ok().map(std::time::Duration::from_nanos);
    }
    duration::parse(node.text()?)
}

/// What a value is, for a message; secrets are not quoted.
pub(super) fn found(node: &Node, path: &str) -> String {
    match node.text() {
        Some(text) if !is_secret(path) => format!("`{}`", shown(&redacted(path, text))),
        _ => node.kind().to_owned(),
    }
}

fn allowed(shape: &Shape) -> &'static str {
    match shape {
        Shape::Struct(_) | Shape::Map(_) | Shape::Choice(_) => "a section of keys",
        Shape::Free => "anything",
        Shape::List(_) => "a list, as [a, b]",
        Shape::Headers => "a section of header names, each with a list of values",
        Shape::Boolean => "true or false, without quotes",
        Shape::Integer => "a whole number, without quotes",
        Shape::Duration => "a duration such as 30s, 10m or 1h30m",
        Shape::Text => "one value",
    }
}
