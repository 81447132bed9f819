//! Why a configuration does not start a server, and what is worth a warning.

use std::fmt;

use super::node::Origin;

/// Why a configuration does not start a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A text is no YAML.
    #[error("configuration error: `{place}` is not valid YAML: {message}")]
    Syntax {
        /// `FILE:LINE`, or the name of a variable.
        place: String,
        /// What the parser met. Nothing of the text is quoted, because it may hold secrets.
        message: String,
    },
    /// Keys with values of the wrong type or out of range; at least one.
    #[error("configuration error:{}", lines(.0))]
    Invalid(Vec<Problem>),
    /// Sections that decide who may enter, where data goes or who is told, and that this version
    /// cannot honour; at least one.
    #[error(
        "configuration error: this version cannot honour{}\nhint: remove what is named, or start \
         with `--ignore-unsupported` to serve without it",
        lines(.0)
    )]
    Unsupported(Vec<Unsupported>),
}

/// A value that a key cannot have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    key: String,
    origin: Origin,
    found: String,
    allowed: String,
}

impl Problem {
    /// `found` completes "KEY (ORIGIN) is …", `allowed` completes "allowed: …".
    pub(super) fn new(key: &str, origin: &Origin, found: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            origin: origin.clone(),
            found: found.into(),
            allowed: allowed.into(),
        }
    }

    /// The dotted path of the key, as `health.file[0].interval`.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            origin,
            found,
            allowed,
        } = self;
        let key = shown(key);
        match origin {
            Origin::Default => write!(f, "`{key}` is {found}; allowed: {allowed}"),
            origin => write!(f, "`{key}` ({origin}) is {found}; allowed: {allowed}"),
        }
    }
}

/// A section that this version cannot honour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    key: String,
    origin: Origin,
    consequence: &'static str,
}

impl Unsupported {
    /// `consequence` says what happens when the section is ignored.
    pub(super) fn new(key: &str, origin: &Origin, consequence: &'static str) -> Self {
        let (key, origin) = (key.to_owned(), origin.clone());
        Self {
            key,
            origin,
            consequence,
        }
    }

    /// The dotted path of the section, as `notifications.endpoints[0]`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The warning that takes the error's place when the user asks for it.
    pub(super) fn to_warning(&self) -> Warning {
        let Self {
            key,
            origin,
            consequence,
        } = self;
        Warning::new(format!("`{}` ({origin}) is ignored: {consequence}", shown(key)))
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            origin,
            consequence,
        } = self;
        write!(f, "`{}` ({origin}); without it {consequence}", shown(key))
    }
}

/// Something that does not stop the server but is probably not what was meant. One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning(String);

impl Warning {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name or value from outside, safe to print on one line.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 200;
    let printable = text.chars().take(LONGEST).flat_map(|c| {
        let escaped: Vec<char> = if c.is_control() {
            c.escape_default().collect()
        } else {
            vec![c]
        };
        escaped
    });
    let cut = if text.chars().nth(LONGEST).is_some() { "…" } else { "" };
    printable.chain(cut.chars()).collect()
}

/// One item behind a space, several on lines of their own.
fn lines<T: fmt::Display>(items: &[T]) -> String {
    match items {
        [only] => format!(" {only}"),
        items => items
            .iter()
            .fold(String::new(), |lines, item| format!("{lines}\n  {item}")),
    }
}
