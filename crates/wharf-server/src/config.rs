//! The configuration of `wharf serve`: registry:2's YAML file, `REGISTRY_*` variables over it, the
//! flags of the command line over both, parsed into [`Config`].
//!
//! Nothing here reads files or the environment; the caller hands texts in:
//!
//! ```
//! use wharf_server::config::{Source, load};
//!
//! let file = "version: 0.1\nstorage: {filesystem: {rootdirectory: /srv/registry}}\n";
//! let loaded = load(&Source {
//!     file: Some(("config.yml", file)),
//!     environment: &[("REGISTRY_HTTP_ADDR".to_owned(), ":5000".to_owned())],
//!     ..Source::default()
//! })?;
//! assert_eq!(loaded.config.http.listen.to_string(), ":5000");
//! assert!(loaded.warnings.is_empty());
//! assert!(loaded.render().contains("# REGISTRY_HTTP_ADDR"));
//! # Ok::<(), wharf_server::config::ConfigError>(())
//! ```
//!
//! The way of a value: `yaml` makes a tree in which every value knows its origin;
//! `environment` changes it; `check` compares it with the `schema`; `build` reads the typed
//! configuration out of it and notes what counts for `effective`; `unsupported` lists what
//! would have to be passed over in silence. `docs/configuration.md` describes every key.

mod address;
mod build;
mod check;
mod distance;
mod duration;
mod effective;
mod environment;
mod error;
mod model;
mod node;
mod reader;
mod schema;
mod secrecy;
mod suggest;
#[cfg(test)]
mod tests;
mod unsupported;
mod urls;
mod yaml;

use std::path::PathBuf;

pub use self::address::{AddressError, Listen, PathPrefix, PathPrefixError, PublicHost, PublicHostError, TcpAddress};
pub use self::error::{ConfigError, Problem, Unsupported, Warning};
pub use self::model::{
    CheckTimes, Config, DebugListener, FileCheck, Health, Http, IndexChildren, IndexPlatform, Limits, Log, LogFormat,
    LogLevel, ManifestClass, Storage, TcpCheck, UploadPurging, Validation,
};
pub use self::secrecy::Secret;
pub use self::urls::ForeignUrls;

use self::build::Given;
use self::check::Findings;
use self::effective::Effective;
use self::node::{Node, Origin};
use self::reader::Reader;
use self::schema::{Names, ROOT};

/// Everything that a configuration comes from.
#[derive(Debug, Clone, Default)]
pub struct Source<'a> {
    /// The file: its path as shown to users, and its text. Without one, wharf's own defaults count
    /// instead of registry:2's.
    pub file: Option<(&'a str, &'a str)>,
    /// The environment; all variables that do not start with `REGISTRY_` are ignored.
    pub environment: &'a [(String, String)],
    /// Flags of the command line.
    pub overrides: Overrides,
    /// Whether sections that cannot be honoured are warnings instead of an error.
    pub ignore_unsupported: bool,
}

/// What the command line says over file and environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--root`: the directory that holds the tree.
    pub root: Option<PathBuf>,
    /// `--addr`: `HOST:PORT` to listen on.
    pub addr: Option<String>,
}

/// A configuration that can be served.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What counts.
    pub config: Config,
    /// What is probably not what was meant; for the log.
    pub warnings: Vec<Warning>,
    effective: Effective,
}

impl Loaded {
    /// The effective configuration as YAML, one value per line with its origin in a comment:
    /// `default`, `FILE:LINE`, the name of a variable or of a flag. Secrets are shown as
    /// `<redacted>`.
    pub fn render(&self) -> String {
        self.effective.render()
    }
}

/// Puts a configuration together.
pub fn load(source: &Source<'_>) -> Result<Loaded, ConfigError> {
    let names = Names::all();
    let mut warnings = Vec::new();
    let mut root = read_file(source.file, &names, &mut warnings)?;
    let Findings {
        problems,
        warnings: about_variables,
    } = environment::apply(&mut root, source.environment, &names)?;
    none_or_error(problems)?;
    warnings.extend(about_variables);

    let checked = check::check(&root, &ROOT, "", &names);
    warnings.extend(checked.warnings);
    let mut reader = Reader::new(&root);
    let given = Given {
        file: source.file.is_some(),
        overrides: &source.overrides,
    };
    let config = build::build(&mut reader, &given);
    let mut problems = checked.problems;
    problems.append(&mut reader.problems);
    none_or_error(problems)?;
    warnings.append(&mut reader.warnings);

    let unsupported = unsupported::find(&root);
    if !unsupported.is_empty() && !source.ignore_unsupported {
        return Err(ConfigError::Unsupported(unsupported));
    }
    warnings.extend(unsupported.iter().map(Unsupported::to_warning));
    let mut effective = reader.effective;
    effective.record_rest(&root, &|path| why_without_effect(path, &unsupported));
    Ok(Loaded {
        config,
        warnings,
        effective,
    })
}

fn none_or_error(problems: Vec<Problem>) -> Result<(), ConfigError> {
    if problems.is_empty() {
        Ok(())
    } else {
        Err(ConfigError::Invalid(problems))
    }
}

/// The file as a tree that fits the schema, or a tree with nothing in it.
fn read_file(file: Option<(&str, &str)>, names: &Names, warnings: &mut Vec<Warning>) -> Result<Node, ConfigError> {
    let Some((path, text)) = file else {
        return Ok(Node::empty_map(Origin::Default));
    };
    let place = |line: Option<u64>| match line {
        Some(line) => format!("{path}:{line}"),
        None => path.to_owned(),
    };
    let document = yaml::parse(text, &|line| Origin::File(place(line)));
    let yaml::Document { mut root, duplicates } = document.map_err(|error| ConfigError::Syntax {
        place: place(error.line),
        message: error.message,
    })?;
    require_version(&root, path)?;
    for section in ["storage", "auth"] {
        if let (Some(node), Some(shape)) = (root.existing_mut(section), ROOT.child(section)) {
            node.expand_bare_name(shape);
        }
    }
    none_or_error(check::check(&root, &ROOT, "", names).problems)?;
    warnings.extend(duplicates.into_iter().map(|yaml::Duplicate { key, origin }| {
        let key = error::shown(&key);
        Warning::new(format!("`{key}` is given twice; the later one ({origin}) counts"))
    }));
    Ok(root)
}

/// Without the right version, nothing else in the file has a known meaning.
fn require_version(root: &Node, path: &str) -> Result<(), ConfigError> {
    let version = root.at("version");
    if version.and_then(Node::text) == Some("0.1") {
        return Ok(());
    }
    let origin = version.map_or_else(|| Origin::File(path.to_owned()), |node| node.origin.clone());
    let found = version.map_or_else(|| "missing".to_owned(), |node| check::found(node, "version"));
    Err(ConfigError::Invalid(vec![Problem::new(
        "version", &origin, found, "0.1",
    )]))
}

/// What the effective configuration says about a value that does not count; `None` for unknown
/// keys.
fn why_without_effect(path: &[String], unsupported: &[Unsupported]) -> Option<&'static str> {
    let mut shape = &ROOT;
    for segment in path {
        shape = match shape {
            schema::Shape::List(item) => item,
            shape => shape.child(segment)?,
        };
    }
    let shown = reader::shown_path(&path.join("."));
    let covers = |key: &str| {
        let rest = shown.strip_prefix(key);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let refused = unsupported.iter().any(|section| covers(section.key()));
    Some(if refused {
        "; not supported, ignored"
    } else {
        "; no effect"
    })
}
