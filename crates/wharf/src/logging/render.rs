//! From an event to its line.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::Level;
use wharf_server::config::LogFormat;

use super::fields::Fields;

/// Form and colour of lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) format: LogFormat,
    pub(super) colour: bool,
}

impl Style {
    /// The line of an event, with its line feed. `constant` are the fields that every line has; those of the event
    /// hide them.
    pub(super) fn line(self, time: Timestamp, level: Level, fields: &Fields, constant: &Map<String, Value>) -> String {
        let constant = constant.iter().map(|(name, value)| (name.as_str(), value));
        let own = fields.others.iter().map(|(name, value)| (*name, value));
        let message = fields.message.as_str();
        if self.format == LogFormat::Text {
            let hidden = |name: &str| fields.others.iter().any(|(own, _)| *own == name);
            let constant = constant.filter(|(name, _)| !hidden(name));
            return self.text(time, level, message, own.chain(constant));
        }
        let time = Value::from(time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string());
        let (level, message) = (Value::from(level_name(level)), Value::from(message));
        let fields = constant.chain(own);
        if self.format == LogFormat::Logstash {
            let version = Value::from("1");
            let head = [
                ("@timestamp", time),
                ("@version", version),
                ("level", level),
                ("message", message),
            ];
            json(&head, fields)
        } else {
            json(&[("time", time), ("level", level), ("msg", message)], fields)
        }
    }

    fn text<'a>(
        self,
        time: Timestamp,
        level: Level,
        message: &str,
        fields: impl Iterator<Item = (&'a str, &'a Value)>,
    ) -> String {
        let mut line = String::with_capacity(160);
        self.push_coloured(&mut line, DIM, &time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
        line.push(' ');
        self.push_coloured(&mut line, level_colour(level), &format!("{level:>5}"));
        line.push(' ');
        push_printable(&mut line, message);
        for (name, value) in fields {
            line.push(' ');
            let mut key = String::new();
            push_printable(&mut key, name);
            key.push('=');
            self.push_coloured(&mut line, DIM, &key);
            match value {
                Value::String(text) => push_value(&mut line, text),
                other => push_printable(&mut line, &other.to_string()),
            }
        }
        line.push('\n');
        line
    }

    fn push_coloured(self, line: &mut String, colour: &str, text: &str) {
        if self.colour {
            // Writing to a String can't fail, here and below.
            let _ = write!(line, "\u{1b}[{colour}m{text}\u{1b}[0m");
        } else {
            line.push_str(text);
        }
    }
}

const DIM: &str = "2";

fn level_colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "1;31",
        Level::WARN => "33",
        Level::INFO => "32",
        _ => "34",
    }
}

/// The level by registry:2's names.
fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// An object of `head` and the fields, the later of two with one name; a field with a name of the head gets `fields.`
/// before it, as in registry:2.
fn json<'a>(head: &[(&str, Value)], fields: impl Iterator<Item = (&'a str, &'a Value)>) -> String {
    let mut object = Map::new();
    for (name, value) in head {
        object.insert((*name).to_owned(), value.clone());
    }
    for (name, value) in fields {
        let taken = head.iter().any(|(known, _)| *known == name);
        let name = if taken {
            format!("fields.{name}")
        } else {
            name.to_owned()
        };
        object.insert(name, value.clone());
    }
    let mut line = String::with_capacity(256);
    for letter in Value::Object(object).to_string().chars() {
        if is_unprintable(letter) {
            // Outside of strings there are no such characters, and all of them have four digits.
            let _ = write!(line, "\\u{:04x}", u32::from(letter));
        } else {
            line.push(letter);
        }
    }
    line.push('\n');
    line
}

/// A value in quotes, if it would not be read as one otherwise.
fn push_value(line: &mut String, text: &str) {
    let bare = |letter: char| letter.is_alphanumeric() || "-_.:/@+,%#*~".contains(letter);
    if !text.is_empty() && text.chars().all(bare) {
        line.push_str(text);
        return;
    }
    line.push('"');
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            line.push('\\');
        }
        push_printable(line, letter.encode_utf8(&mut [0; 4]));
    }
    line.push('"');
}

/// Text with everything escaped that could end the line or command a terminal.
fn push_printable(line: &mut String, text: &str) {
    for letter in text.chars() {
        if is_unprintable(letter) {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
}

/// Control characters, and the invisible ones that join, split or turn text around.
fn is_unprintable(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
        )
}
