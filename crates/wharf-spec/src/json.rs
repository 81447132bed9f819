//! JSON with exactly one reading.
//!
//! Two parsers may take the same bytes differently: which of two equal keys counts, or whether `Layers` means `layers` (Go's does,
//! serde does not). A manifest that leaves such a choice is refused, because its digest would not say what it means.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The fields of manifests and descriptors, of which other spellings are refused.
const FIELDS: [&str; 20] = [
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "manifests",
    "blobs",
    "subject",
    "annotations",
    "digest",
    "size",
    "urls",
    "data",
    "platform",
    "architecture",
    "os",
    "os.version",
    "os.features",
    "variant",
    "features",
];

/// A value takes some hundred bytes of memory, and two in a document. No manifest has as many as one for so many bytes, once it has more
/// than [`VALUES_FREE`].
const BYTES_PER_VALUE: usize = 16;
/// This many values may be in any document.
const VALUES_FREE: usize = 1000;

/// Parses one JSON document.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let values_left = Cell::new(VALUES_FREE + bytes.len() / BYTES_PER_VALUE);
    let strict = Strict {
        free_keys: false,
        values_left: &values_left,
    };
    let value = strict.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Builds a value and refuses ambiguous keys on the way.
#[derive(Clone, Copy)]
struct Strict<'a> {
    /// Inside `annotations`, whose keys are the user's: there only equal ones are ambiguous.
    free_keys: bool,
    /// How many more values the document may have.
    values_left: &'a Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.values_left.get().checked_sub(1);
        let left = left.ok_or_else(|| D::Error::custom("too many values for a manifest of this size"))?;
        self.values_left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!("duplicate key `{key}`")));
            }
            if !self.free_keys
                && let Some(field) = field(&key)
                && field != key
            {
                return Err(A::Error::custom(format_args!("key `{key}` must be written `{field}`")));
            }
            let value = map.next_value_seed(Self {
                free_keys: key == "annotations",
                ..self
            })?;
            object.insert(key, value);
        }
        if !self.free_keys {
            refuse_folded_duplicates(&object)?;
        }
        Ok(Value::Object(object))
    }
}

/// The field that Go takes the key for.
fn field(key: &str) -> Option<&'static str> {
    let key = fold(key);
    FIELDS.into_iter().find(|field| field.eq_ignore_ascii_case(&key))
}

/// A key as Go's parser compares it: without case, and with the two letters beyond ASCII that fold into it.
fn fold(key: &str) -> String {
    let letters = key.chars().map(|letter| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        letter => letter.to_ascii_lowercase(),
    });
    letters.collect()
}

fn refuse_folded_duplicates<E: Error>(object: &Map<String, Value>) -> Result<(), E> {
    let mut folded: Vec<String> = object.keys().map(|key| fold(key)).collect();
    folded.sort_unstable();
    match folded.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(E::custom(format_args!(
            "key `{}` is there twice in different case",
            pair[0]
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_documents_are_refused() {
        for bad in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"Layers":[]}"#,
            r#"{"layer\u017f":[]}"#,
            r#"{"layers":[],"layerſ":[]}"#,
            r#"{"x\u212a":1,"xk":2}"#,
            r#"{"x":1,"X":2}"#,
            r#"{"annotations":{"a":"1","a":"2"}}"#,
            "{} {}",
            "{}x",
            "\u{feff}{}",
            r#"{"a":"\ud800"}"#,
            r#"{"a":NaN}"#,
            "",
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse(b"{\"a\":\"\xff\"}").is_err());
        assert!(parse(&b"[".repeat(100_000)).is_err());
    }

    #[test]
    fn many_tiny_values_are_refused() {
        let list = |count: usize, element: &str| format!("[{}]", vec![element; count].join(","));
        assert!(parse(list(900, "0").as_bytes()).is_ok());
        let error = parse(list(5_000, "0").as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with("too many values"), "{error}");
        assert!(parse(list(5_000, "{}").as_bytes()).is_err());
        let entry = r#"{"mediaType":"","digest":"sha256:0","size":1,"platform":{"architecture":"arm","os":"linux"}}"#;
        assert!(parse(list(5_000, entry).as_bytes()).is_err(), "no digest is as short");
        let entry = entry.replace('0', &"0".repeat(64));
        assert!(parse(list(5_000, &entry).as_bytes()).is_ok());
    }

    #[test]
    fn everything_else_is_kept() {
        let text = r#"{"b":[1,-2,0.5,true,null],"a":{"annotations":{"Layers":"x","layers":"y"}}}"#;
        assert_eq!(parse(text.as_bytes()).unwrap().to_string(), text);
    }
}
