//! The typed configuration out of the tree.

use std::path::PathBuf;

use super::Overrides;
use super::error::Warning;
use super::model::{Config, Limits, Log, LogFormat, LogLevel, ManifestClass};
use super::node::{Node, Value};
use super::reader::Reader;

mod health;
mod http;
mod storage;
mod validation;

pub(super) use storage::drivers;

/// What decides about defaults besides the tree.
pub(super) struct Given<'s> {
    /// Whether there is a configuration file: registry:2's defaults count then.
    pub(super) file: bool,
    /// Flags of the command line.
    pub(super) overrides: &'s Overrides,
}

/// Reads everything that wharf honours; what is out of range is left with the reader.
pub(super) fn build(reader: &mut Reader<'_>, given: &Given<'_>) -> Config {
    if given.file {
        reader.text("version", "");
    }
    let log = log(reader);
    let storage = storage::storage(reader, given);
    auth(reader);
    let http = http::http(reader, given);
    let health = health::health(reader);
    let defaults = Config::default();
    let catalog_max_entries = reader.count("catalog.maxentries", defaults.catalog_max_entries);
    let tags_max = Some(reader.count("tags.maxtags", 0)).filter(|count| *count > 0);
    let schema1_signing_key_file = schema1(reader);
    Config {
        log,
        storage,
        http,
        health,
        catalog_max_entries,
        tags_max,
        validation: validation::validation(reader),
        schema1_signing_key_file,
        allowed_classes: classes(reader),
        limits: limits(reader),
    }
}

fn log(reader: &mut Reader<'_>) -> Log {
    let levels = [
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
    ];
    let formats = [
        ("text", LogFormat::Text),
        ("json", LogFormat::Json),
        ("logstash", LogFormat::Logstash),
    ];
    let defaults = Log::default();
    let access = !reader.boolean("log.accesslog.disabled", !defaults.access);
    let level_key = if reader.node("log.level").is_some() {
        "log.level"
    } else {
        "loglevel"
    };
    let level_key = if reader.node(level_key).is_some() {
        level_key
    } else {
        "log.level"
    };
    let level = reader.word(level_key, &levels, "info").unwrap_or(defaults.level);
    let format = reader.word("log.formatter", &formats, "");
    let mut fields = defaults.fields;
    if let Some(node) = reader.node("log.fields") {
        if matches!(node.value, Value::Map(_)) {
            let entries = node.entries().iter();
            fields = entries.map(|(name, value)| (name.clone(), value.to_json())).collect();
            reader.record_all(&["log", "fields"], node);
        } else {
            reader.refuse("log.fields", "a section of names and values");
        }
    }
    Log {
        access,
        level,
        format,
        fields,
    }
}

/// Only `none` can be honoured; what else is there, `unsupported` finds.
fn auth(reader: &mut Reader<'_>) {
    let Some(node) = reader.node("auth") else {
        return;
    };
    if let [_, _, ..] = node.entries() {
        let names: Vec<&str> = node.entries().iter().map(|(name, _)| name.as_str()).collect();
        reader.refuse("auth", format!("exactly one of {}", names.join(", ")));
    }
}

fn schema1(reader: &mut Reader<'_>) -> Option<PathBuf> {
    let enabled = "compatibility.schema1.enabled";
    if reader.node(enabled).and_then(Node::boolean) == Some(true) {
        reader.warnings.push(Warning::new(
            "`compatibility.schema1.enabled` has no effect: manifests of schema 1 are never \
             accepted; clients that ask for them get conversions in any case",
        ));
    }
    reader
        .text("compatibility.schema1.signingkeyfile", "")
        .map(PathBuf::from)
}

fn classes(reader: &mut Reader<'_>) -> Vec<ManifestClass> {
    let words = [("image", ManifestClass::Image), ("plugin", ManifestClass::Plugin)];
    let path = "policy.repository.classes";
    let indices = 0..reader.list_length(path);
    indices
        .filter_map(|index| reader.word(&format!("{path}.{index}"), &words, ""))
        .collect()
}

fn limits(reader: &mut Reader<'_>) -> Limits {
    const KIB: i64 = 1024;
    const MIB: i64 = 1024 * KIB;
    let Limits {
        manifest_sparse,
        manifest_max_bytes,
        uploads_max,
        header_timeout,
        body_timeout,
        write_timeout,
        header_max_bytes,
        uri_max_bytes,
    } = Limits::default();
    let manifest_bytes = KIB..=256 * MIB;
    Limits {
        manifest_sparse: reader.boolean("wharf.manifest.sparse", manifest_sparse),
        manifest_max_bytes: reader.number("wharf.manifest.maxbytes", &manifest_bytes, manifest_max_bytes),
        uploads_max: reader.number("wharf.uploads.max", &(1..=1_000_000), uploads_max),
        header_timeout: reader.limit("wharf.http.headertimeout", header_timeout),
        body_timeout: reader.limit("wharf.http.bodytimeout", body_timeout),
        write_timeout: reader.limit("wharf.http.writetimeout", write_timeout),
        header_max_bytes: reader.number("wharf.http.maxheaderbytes", &(8 * KIB..=MIB), header_max_bytes),
        uri_max_bytes: reader.number("wharf.http.maxuribytes", &(KIB..=MIB), uri_max_bytes),
    }
}
