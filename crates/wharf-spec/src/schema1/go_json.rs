//! Go's JSON on the way in and out, where it differs from serde's: escapes for HTML, lone surrogates, raw values that
//! keep their bytes, objects that keep their duplicate keys, field names that match in any case.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Objects that are read here have a dozen members. In memory each is many times what it is in the text.
const MEMBERS_MAX: usize = 10_000;

/// Members of a JSON object in the order of the text, keys decoded, values raw.
pub(super) struct Members<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl Members<'_> {
    /// The text of the member that Go takes for the field `name`, which is given in lower case.
    pub(super) fn last(&self, name: &str) -> Option<&str> {
        let mut members = self.0.iter().rev();
        members.find(|(key, _)| names(key, name)).map(|(_, value)| value.get())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            if members.len() == MEMBERS_MAX {
                return Err(A::Error::custom("an object has too many members"));
            }
            members.push((unquote(key.get()), value));
        }
        Ok(Members(members))
    }
}

/// Whether `key` names the field `name` for Go: case counts for nothing, and two letters beyond ASCII fold into it.
pub(super) fn names(key: &str, name: &str) -> bool {
    let fold = |letter: char| match letter {
        'ſ' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(name.chars())
}

/// The text of a JSON string literal that has passed the parser. A lone surrogate becomes U+FFFD.
pub(super) fn unquote(literal: &str) -> String {
    let inner = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let mut rest = inner.unwrap_or(literal);
    let mut text = String::with_capacity(rest.len());
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let (decoded, used) = match escape.bytes().next() {
            Some(b'u') => unicode_escape(escape),
            Some(b'n') => ('\n', 1),
            Some(b't') => ('\t', 1),
            Some(b'r') => ('\r', 1),
            Some(b'b') => ('\u{8}', 1),
            Some(b'f') => ('\u{c}', 1),
            Some(other) => (char::from(other), 1),
            None => break,
        };
        text.push(decoded);
        rest = &escape[used..];
    }
    text.push_str(rest);
    text
}

/// The character of an escape that begins with `u`, and the length of the escape without its backslash.
fn unicode_escape(escape: &str) -> (char, usize) {
    let unit = |text: &str| text.get(1..5).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let Some(first) = unit(escape) else {
        return (char::REPLACEMENT_CHARACTER, 1);
    };
    if let 0xd800..0xdc00 = first
        && let Some(next) = escape.get(5..).and_then(|rest| rest.strip_prefix('\\'))
        && next.starts_with('u')
        && let Some(second @ 0xdc00..0xe000) = unit(next)
    {
        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 11);
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 5)
}

/// Appends `text` as a JSON string literal.
pub(super) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..' ' => push_escape(out, letter),
            _ => push_html_escaped(out, letter),
        }
    }
    out.push('"');
}

/// `text` as a JSON string literal.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_string(&mut out, text);
    out
}

/// A raw value without the white space between its tokens, everything else as it stands but for what Go escapes for
/// HTML.
pub(super) fn compact(raw: &RawValue) -> String {
    let mut out = String::with_capacity(raw.get().len());
    let (mut in_string, mut escaped) = (false, false);
    for letter in raw.get().chars() {
        if !in_string && matches!(letter, ' ' | '\t' | '\n' | '\r') {
            continue;
        }
        if escaped {
            escaped = false;
        } else if letter == '"' {
            in_string = !in_string;
        } else if letter == '\\' {
            escaped = true;
        }
        push_html_escaped(&mut out, letter);
    }
    out
}

fn push_html_escaped(out: &mut String, letter: char) {
    if matches!(letter, '<' | '>' | '&' | '\u{2028}' | '\u{2029}') {
        push_escape(out, letter);
    } else {
        out.push(letter);
    }
}

fn push_escape(out: &mut String, letter: char) {
    use fmt::Write as _;
    // Writing to a String can't fail.
    let _ = write!(out, "\\u{:04x}", u32::from(letter));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compacted(raw: &str) -> String {
        compact(serde_json::from_str(raw).unwrap())
    }

    #[test]
    fn strings_are_escaped_as_go_does() {
        assert_eq!(quoted("a\"b\\c/"), r#""a\"b\\c/""#);
        assert_eq!(
            quoted("\n\r\t\u{8}\u{c}\u{1b}\u{7f}"),
            "\"\\n\\r\\t\\u0008\\u000c\\u001b\u{7f}\""
        );
        assert_eq!(
            quoted("<é&\u{2028}\u{2029}>"),
            "\"\\u003cé\\u0026\\u2028\\u2029\\u003e\""
        );
    }

    #[test]
    fn raw_values_lose_white_space_only_between_tokens() {
        assert_eq!(
            compacted("{ \"a b\" : [ 1.50e3 ,\n\t\"\\\" x\\\\\" , null ] }"),
            r#"{"a b":[1.50e3,"\" x\\",null]}"#
        );
        assert_eq!(compacted(r#""<\/&\ud800\u00e9""#), r#""\u003c\/\u0026\ud800\u00e9""#);
    }

    #[test]
    fn string_literals_are_decoded() {
        assert_eq!(unquote(r#""a\"\\\/\b\f\n\r\t\u0041""#), "a\"\\/\u{8}\u{c}\n\r\tA");
        assert_eq!(unquote(r#""\ud83d\ude00é""#), "😀é");
        assert_eq!(
            unquote(r#""\ud800b \ud800\u0041 \udc00 \ud800""#),
            "\u{fffd}b \u{fffd}A \u{fffd} \u{fffd}"
        );
    }

    #[test]
    fn objects_keep_order_duplicates_and_odd_keys() {
        let members: Members<'_> = serde_json::from_str(r#"{"b":1,"a":2,"b":[3],"\u0041\ud800":{}}"#).unwrap();
        let shown: Vec<_> = members
            .0
            .iter()
            .map(|(key, value)| (key.as_str(), value.get()))
            .collect();
        assert_eq!(shown, [("b", "1"), ("a", "2"), ("b", "[3]"), ("A\u{fffd}", "{}")]);
        assert!(serde_json::from_str::<Members<'_>>("[1]").is_err());
        let many = format!("{{{}}}", vec![r#""a":0"#; MEMBERS_MAX + 1].join(","));
        assert!(serde_json::from_str::<Members<'_>>(&many).is_err());
    }

    #[test]
    fn field_names_match_in_any_case() {
        assert!(names("diff_ids", "diff_ids") && names("DIFF_IDS", "diff_ids"));
        assert!(names("hiſtory", "history"));
        assert!(!names("histor", "history") && !names("historyy", "history") && !names("hïstory", "history"));
    }
}
