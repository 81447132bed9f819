//! YAML text into the tree of values. The only file that knows the YAML library.
//!
//! registry:2 reads YAML 1.1 with Go's `yaml.v2`, where a plain scalar keeps its text and is
//! understood by the key that asks for it: `password: 0644` is the text `0644`, a number given
//! `0644` is 420. The library resolves plain scalars itself, so numbers and booleans are taken
//! from the text again by their position. A key given twice is no error there; the last one counts.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Spanned};

use super::node::{Node, Origin, Scalar, Value};

/// Text that is no YAML, or more deeply nested than any configuration is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct YamlError {
    /// Line of the error, from 1, where the library knows it.
    pub(super) line: Option<u64>,
    /// What is wrong; quotes nothing of the text, which may hold secrets.
    pub(super) message: String,
}

/// A key that a map names more than once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Duplicate {
    /// The key, without the path to it.
    pub(super) key: String,
    /// Where it stands the second time.
    pub(super) origin: Origin,
}

/// What a text holds.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) root: Node,
    pub(super) duplicates: Vec<Duplicate>,
}

/// Parses one document; `origin` makes a value's origin from its line.
pub(super) fn parse(text: &str, origin: &dyn Fn(Option<u64>) -> Origin) -> Result<Document, YamlError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: 64 },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    let raw: Raw = serde_saphyr::from_str_with_options(text, options).map_err(|error| YamlError {
        line: error.location().map(|location| location.line()),
        message: first_line(&error.to_string()),
    })?;
    let mut duplicates = Vec::new();
    let root = Resolver {
        text,
        origin,
        duplicates: &mut duplicates,
    }
    .resolve(raw);
    Ok(Document { root, duplicates })
}

/// The first line, without the position that the library appends.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let end = line.find(" at line ").unwrap_or(line.len());
    line[..end].trim_end_matches([':', ' ']).to_owned()
}

/// A value with its position, before its text is known.
#[derive(Deserialize)]
struct Raw(Spanned<RawValue>);

enum RawValue {
    Null,
    /// Text, quoted or not.
    Text(String),
    /// A boolean or number, as the library understood it.
    Typed(String),
    List(Vec<Raw>),
    Map(Vec<(String, Raw)>),
}

struct Resolver<'t> {
    text: &'t str,
    origin: &'t dyn Fn(Option<u64>) -> Origin,
    duplicates: &'t mut Vec<Duplicate>,
}

impl Resolver<'_> {
    fn resolve(&mut self, Raw(spanned): Raw) -> Node {
        let line = Some(spanned.referenced.line()).filter(|line| *line > 0);
        let origin = (self.origin)(line);
        let value = match spanned.value {
            RawValue::Null => Value::Null,
            RawValue::Text(text) => Value::Scalar(Scalar { text, typed: false }),
            RawValue::Typed(understood) => {
                let written = self.slice(spanned.defined.span());
                let text = written.unwrap_or(understood);
                Value::Scalar(Scalar { text, typed: true })
            }
            RawValue::List(items) => Value::List(items.into_iter().map(|item| self.resolve(item)).collect()),
            RawValue::Map(entries) => Value::Map(self.entries(entries)),
        };
        Node { value, origin }
    }

    fn entries(&mut self, raw: Vec<(String, Raw)>) -> Vec<(String, Node)> {
        let mut entries: Vec<(String, Node)> = Vec::with_capacity(raw.len());
        for (key, value) in raw {
            let node = self.resolve(value);
            match entries.iter_mut().find(|(known, _)| *known == key) {
                Some((_, earlier)) => {
                    let origin = node.origin.clone();
                    self.duplicates.push(Duplicate { key, origin });
                    *earlier = node;
                }
                None => entries.push((key, node)),
            }
        }
        entries
    }

    fn slice(&self, span: serde_saphyr::Span) -> Option<String> {
        let start = usize::try_from(span.byte_offset()?).ok()?;
        let length = usize::try_from(span.byte_len()?).ok()?;
        let written = self.text.get(start..start.checked_add(length)?)?.trim();
        (!written.is_empty()).then(|| written.to_owned())
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_none<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_str<E>(self, text: &str) -> Result<RawValue, E> {
        Ok(RawValue::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<RawValue, E> {
        Ok(RawValue::Typed(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<RawValue, E> {
        Ok(RawValue::Typed(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<RawValue, E> {
        Ok(RawValue::Typed(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<RawValue, E> {
        Ok(RawValue::Typed(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<RawValue, E> {
        Ok(RawValue::Typed(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<RawValue, E> {
        Ok(RawValue::Typed(value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<RawValue, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(RawValue::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<RawValue, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(RawValue::Map(map))
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<RawValue, E> {
        Err(E::custom("binary values have no place in a configuration"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Document {
        parse(text, &|line| Origin::File(line.unwrap_or(0).to_string())).expect("YAML")
    }

    fn text_of(yaml: &str) -> String {
        parsed(yaml)
            .root
            .at("a")
            .and_then(Node::text)
            .unwrap_or("<none>")
            .to_owned()
    }

    #[test]
    fn scalars_keep_their_text() {
        for (yaml, text) in [
            ("a: 0644", "0644"),
            ("a: 0.10", "0.10"),
            ("a: yes # really", "yes"),
            ("a: 1_000", "1_000"),
            ("a: 99999999999999999999", "99999999999999999999"),
            ("a: .inf", ".inf"),
            ("a: 'it''s'", "it's"),
            ("a: \"é\\n\"", "é\n"),
            ("b: é\na: 0x1F", "0x1F"),
            ("a: |\n  two\n  lines\n", "two\nlines\n"),
            ("x: &x 0123\na: *x", "0123"),
            ("x: &x {a: 0123}\n<<: *x", "0123"),
            ("a: ~", "<none>"),
            ("a:", "<none>"),
        ] {
            assert_eq!(text_of(yaml), text, "{yaml}");
        }
    }

    #[test]
    fn booleans_and_numbers_are_those_of_yaml_1_1() {
        for (yaml, boolean, integer) in [
            ("a: on", Some(true), None),
            ("a: n", Some(false), None),
            ("a: OFF", Some(false), None),
            ("a: oFf", None, None),
            ("a: 'true'", None, None),
            ("a: 0644", None, Some(420)),
            ("a: 0x1F", None, Some(31)),
            ("a: 0b11", None, Some(3)),
            ("a: -1_0", None, Some(-10)),
            ("a: 5.0", None, Some(5)),
            ("a: 1e3", None, Some(1000)),
            ("a: 5.5", None, None),
            ("a: '5'", None, None),
            ("a: 99999999999999999999", None, None),
            ("a: text", None, None),
        ] {
            let document = parsed(yaml);
            let node = document.root.at("a").expect("a value");
            assert_eq!((node.boolean(), node.integer()), (boolean, integer), "{yaml}");
        }
    }

    #[test]
    fn values_know_their_line() {
        let document = parsed("---\na: 1\nb:\n  - x\n  - c: 2\n");
        let line = |path| document.root.at(path).map(|node| node.origin.to_string());
        assert_eq!(line("a").as_deref(), Some("2"));
        assert_eq!(line("b.0").as_deref(), Some("4"));
        assert_eq!(line("b.1.c").as_deref(), Some("5"));
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        let document = parsed("a: 1\nb: 2\na: 3\n");
        assert_eq!(document.root.at("a").and_then(Node::text), Some("3"));
        let origin = Origin::File("3".to_owned());
        assert_eq!(
            document.duplicates,
            [Duplicate {
                key: "a".to_owned(),
                origin
            }]
        );
    }

    #[test]
    fn no_text_is_null() {
        for text in ["", "\n", "# nothing\n", "---\n"] {
            assert!(parsed(text).root.is_null(), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_yaml_is_refused_with_its_line() {
        for (text, line) in [("a: 1\nb: [x", 2), ("a:\n  b: 1\n c: 2\n", 3)] {
            let error = parse(text, &|_| Origin::Default).expect_err(text);
            assert_eq!(error.line, Some(line), "{text:?}: {error:?}");
            assert!(!error.message.contains("line"), "{error:?}");
        }
        let deep = "[".repeat(100_000);
        assert!(parse(&deep, &|_| Origin::Default).is_err());
    }

    #[test]
    fn an_error_quotes_nothing_of_the_text() {
        let error = parse("secret: hunter2\nx: {hunter2: [\n", &|_| Origin::Default).expect_err("bad");
        assert!(!error.message.contains("hunter2"), "{error:?}");
    }
}
