//! `docs/configuration.md` describes every key that the schema knows, and no other.

use std::collections::BTreeSet;

use super::*;

const DOCUMENT: &str = include_str!("../../../../../docs/configuration.md");

/// The first cells of the tables' rows that are keys in backticks.
fn documented() -> BTreeSet<String> {
    let rows = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split_once('`').map(|(key, _)| key.to_owned()))
        .collect()
}

/// Keys with nothing beneath them; a section is described by its keys.
fn leaves() -> BTreeSet<String> {
    let paths = Names::all().paths;
    let is_section = |path: &str| {
        let below = [format!("{path}."), format!("{path}[].")];
        paths
            .iter()
            .any(|other| below.iter().any(|prefix| other.starts_with(prefix)))
    };
    paths.iter().filter(|path| !is_section(path)).cloned().collect()
}

#[test]
fn every_key_has_a_row() {
    let missing: Vec<String> = leaves().difference(&documented()).cloned().collect();
    assert_eq!(missing, [""; 0], "keys without a row in docs/configuration.md");
}

#[test]
fn every_row_is_a_key() {
    let unknown: Vec<String> = documented().difference(&leaves()).cloned().collect();
    assert_eq!(unknown, [""; 0], "rows of docs/configuration.md that are no keys");
}

#[test]
fn documented_defaults_of_limits_are_true() {
    let loaded = load(&Source::default()).expect("defaults");
    let rows: Vec<&str> = DOCUMENT.lines().filter(|line| line.starts_with("| `wharf.")).collect();
    assert!(!rows.is_empty());
    for row in rows {
        let mut cells = row.split('|').map(str::trim).skip(1);
        let key = cells
            .next()
            .and_then(|cell| cell.rsplit('.').next())
            .unwrap_or_default();
        let default = cells.nth(1).unwrap_or_default().trim_matches('`');
        let line = format!("{}: {default}", key.trim_end_matches('`'));
        let rendered = loaded.render();
        let found = rendered
            .lines()
            .any(|rendered| rendered.split("  # ").next().is_some_and(|value| value.trim() == line));
        assert!(found, "{line} is not in\n{rendered}");
    }
}
