//! What `wharf config check` prints: every value that counts, and every value that was given and
//! does not count, with its origin.

use std::fmt::Write as _;

use super::node::{Node, Origin, Scalar, Value};
use super::secrecy::{REDACTED, redacted};

/// The values, in the order in which they were read. Secrets are replaced when they are noted, so
/// none is in here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Effective {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    path: Vec<String>,
    /// As it stands in YAML.
    value: String,
    comment: String,
}

/// What to say about the value at a path, behind its origin.
type Comment<'c> = &'c dyn Fn(&[String]) -> Option<&'static str>;

impl Effective {
    /// Notes a scalar that counts.
    pub(super) fn record(&mut self, path: &str, value: &str, origin: &Origin) {
        let path = path.split('.').map(str::to_owned).collect();
        self.push(path, value, origin.to_string());
    }

    /// Notes every scalar beneath a value that counts as it stands.
    pub(super) fn record_all(&mut self, path: &[&str], node: &Node) {
        let mut path: Vec<String> = path.iter().map(|segment| (*segment).to_owned()).collect();
        self.walk(&mut path, node, &|_| Some(""));
    }

    /// Notes every scalar of the tree that has not been noted as one that counts; `comment` says
    /// why it does not, by its path. Where it answers `None`, the key is unknown.
    pub(super) fn record_rest(&mut self, root: &Node, comment: Comment<'_>) {
        self.walk(&mut Vec::new(), root, comment);
    }

    fn walk(&mut self, path: &mut Vec<String>, node: &Node, comment: Comment<'_>) {
        match &node.value {
            Value::Null => {}
            Value::Scalar(scalar) => self.record_scalar(path, scalar, &node.origin, comment),
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(index.to_string());
                    self.walk(path, item, comment);
                    path.pop();
                }
            }
            Value::Map(entries) => {
                for (key, value) in entries {
                    path.push(key.clone());
                    self.walk(path, value, comment);
                    path.pop();
                }
            }
        }
    }

    fn record_scalar(&mut self, path: &[String], scalar: &Scalar, origin: &Origin, comment: Comment<'_>) {
        if self.entries.iter().any(|entry| entry.path == path) {
            return;
        }
        match comment(path) {
            Some(reason) => {
                let path = path.to_vec();
                self.push(path, &scalar.text, format!("{origin}{reason}"));
            }
            // A misspelt key may hold a secret.
            None => self.entries.push(Entry {
                path: path.to_vec(),
                value: REDACTED.to_owned(),
                comment: format!("{origin}; unknown, ignored"),
            }),
        }
    }

    fn push(&mut self, path: Vec<String>, value: &str, comment: String) {
        let shown = redacted(&path.join("."), value);
        let value = yaml_scalar(&shown);
        self.entries.push(Entry { path, value, comment });
    }

    /// The values as YAML, each with its origin in a comment.
    pub(super) fn render(&self) -> String {
        let mut tree = Branch::default();
        for entry in &self.entries {
            tree.insert(&entry.path, entry);
        }
        let mut lines = Vec::new();
        tree.lines(0, &mut lines);
        let width = lines
            .iter()
            .map(|(text, _)| text.chars().count())
            .max()
            .unwrap_or(0)
            .min(60);
        let mut rendered = String::new();
        for (text, comment) in lines {
            // Writing to a `String` cannot fail.
            let _ = match comment {
                Some(comment) => writeln!(rendered, "{text:width$}  # {comment}"),
                None => writeln!(rendered, "{text}"),
            };
        }
        rendered
    }
}

/// Entries grouped by the segments of their paths, in the order of their first appearance.
#[derive(Default)]
struct Branch<'e> {
    children: Vec<(&'e str, Branch<'e>)>,
    entry: Option<&'e Entry>,
}

impl<'e> Branch<'e> {
    fn insert(&mut self, path: &'e [String], entry: &'e Entry) {
        let Some((segment, rest)) = path.split_first() else {
            self.entry = Some(entry);
            return;
        };
        let known = self.children.iter().position(|(name, _)| name == segment);
        let index = known.unwrap_or_else(|| {
            self.children.push((segment, Self::default()));
            self.children.len() - 1
        });
        if let Some((_, child)) = self.children.get_mut(index) {
            child.insert(rest, entry);
        }
    }

    fn lines(&self, depth: usize, lines: &mut Vec<(String, Option<&'e str>)>) {
        let indent = "  ".repeat(depth);
        for (name, child) in &self.children {
            let label = match name.parse::<usize>() {
                Ok(_) => "-".to_owned(),
                Err(_) => format!("{}:", yaml_scalar(name)),
            };
            match child.entry {
                Some(entry) => {
                    lines.push((format!("{indent}{label} {}", entry.value), Some(&entry.comment)));
                }
                None => lines.push((format!("{indent}{label}"), None)),
            }
            child.lines(depth + 1, lines);
        }
    }
}

/// A scalar as YAML: plain where that is safe, else quoted as in JSON, which YAML can read.
fn yaml_scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+<>".contains(c);
    let harmless_start = text.starts_with(|c: char| c.is_ascii_alphanumeric() || "/:.<".contains(c));
    if harmless_start && text.chars().all(plain) && !text.ends_with(':') {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(line: u64) -> Origin {
        Origin::File(format!("c.yml:{line}"))
    }

    #[test]
    fn values_stand_in_their_sections_with_their_origin() {
        let mut effective = Effective::default();
        effective.record("http.addr", ":5000", &file(3));
        effective.record("log.level", "info", &Origin::Default);
        effective.record("http.secret", "hunter2", &Origin::Variable("REGISTRY_X".to_owned()));
        effective.record("health.file.0.file", "/a b", &file(9));
        assert_eq!(
            effective.render(),
            concat!(
                "http:\n",
                "  addr: :5000         # c.yml:3\n",
                "  secret: <redacted>  # REGISTRY_X\n",
                "log:\n",
                "  level: info         # default\n",
                "health:\n",
                "  file:\n",
                "    -\n",
                "      file: \"/a b\"    # c.yml:9\n",
            )
        );
        assert!(!format!("{effective:?}").contains("hunter2"));
    }

    #[test]
    fn scalars_are_quoted_where_yaml_needs_it() {
        for (text, yaml) in [
            ("info", "info"),
            ("", "\"\""),
            (":5000", ":5000"),
            ("a: b", "\"a: b\""),
            ("a:", "\"a:\""),
            ("- x", "\"- x\""),
            ("[a]", "\"[a]\""),
            ("*a", "\"*a\""),
            ("a\nb", "\"a\\nb\""),
            ("168h", "168h"),
        ] {
            assert_eq!(yaml_scalar(text), yaml);
        }
    }
}
