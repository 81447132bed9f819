//! Names the known key or variable that an unknown one was probably meant to be.

use super::distance;
use super::schema::{Names, ROOT, Shape};

/// The known key nearest to `key` in the section at `section` (dotted path, empty for the top).
///
/// A slip among the section's own keys comes first (by YAML key or Go field name), then a key of
/// that name, or nearly, that belongs elsewhere, then whatever is nearest in the section.
pub(super) fn key(section: &str, shape: &Shape, key: &str, names: &Names) -> String {
    let sibling = shape
        .fields()
        .iter()
        .map(|field| {
            let by_variable = distance::between(key, &field.variable());
            (distance::between(key, field.key).min(by_variable), field.key)
        })
        .min_by_key(|(edits, _)| *edits);
    if let Some((edits, name)) = sibling
        && distance::is_slip(key, edits)
    {
        return join(section, name);
    }
    let last = |path: &str| path.rsplit('.').next().map_or(0, |name| distance::between(key, name));
    let elsewhere = names
        .paths
        .iter()
        .filter(|path| distance::is_slip(key, last(path)))
        .min_by_key(|path| (last(path), path.split('.').count()));
    match (elsewhere, sibling) {
        (Some(path), _) => path.clone(),
        (None, Some((_, name))) => join(section, name),
        (None, None) => section.to_owned(),
    }
}

/// The known variable nearest to an unknown one: the same path with Go's field names in place of
/// YAML keys if that exists, else the one with the fewest edits.
pub(super) fn variable(name: &str, names: &Names) -> String {
    if let Some(spelt_by_key) = by_yaml_keys(name) {
        return spelt_by_key;
    }
    let nearest = names
        .variables
        .iter()
        .min_by_key(|known| distance::between(name, known));
    nearest.cloned().unwrap_or_default()
}

/// Reads the variable as a path of YAML keys; the answer stops at a list, which only a variable
/// for the whole list can set.
fn by_yaml_keys(name: &str) -> Option<String> {
    let mut shape: &Shape = &ROOT;
    let mut corrected = "REGISTRY".to_owned();
    for element in name.strip_prefix("REGISTRY_")?.split('_') {
        if matches!(shape, Shape::List(_)) {
            return Some(corrected);
        }
        let known =
            |field: &&super::schema::Field| field.key.eq_ignore_ascii_case(element) || field.variable() == element;
        let field = shape.fields().iter().find(known)?;
        corrected = format!("{corrected}_{}", field.variable());
        shape = field.shape;
    }
    Some(corrected)
}

/// A dotted path.
pub(super) fn join(section: &str, key: &str) -> String {
    if section.is_empty() {
        key.to_owned()
    } else {
        format!("{section}.{key}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape_of(section: &str) -> &'static Shape {
        let segments = section.split('.').filter(|segment| !segment.is_empty());
        segments.fold(&ROOT, |shape: &'static Shape, segment| {
            shape.child(segment).expect("a known section")
        })
    }

    #[test]
    fn keys() {
        let names = Names::all();
        for (section, unknown, nearest) in [
            ("", "sotrage", "storage"),
            ("storage", "delet", "storage.delete"),
            ("http", "adr", "http.addr"),
            ("http", "Addr", "http.addr"),
            ("", "delete", "storage.delete"),
            ("", "rootdirectory", "storage.filesystem.rootdirectory"),
            ("notifications", "eventconfig", "notifications.events"),
            (
                "compatibility.schema1",
                "trustkey",
                "compatibility.schema1.signingkeyfile",
            ),
            ("catalog", "something", "catalog.maxentries"),
        ] {
            let found = key(section, shape_of(section), unknown, &names);
            assert_eq!(found, nearest, "{section} {unknown}");
        }
    }

    #[test]
    fn variables() {
        let names = Names::all();
        for (unknown, nearest) in [
            ("REGISTRY_HTTP_ADR", "REGISTRY_HTTP_ADDR"),
            (
                "REGISTRY_NOTIFICATIONS_EVENTS_INCLUDEREFERENCES",
                "REGISTRY_NOTIFICATIONS_EVENTCONFIG_INCLUDEREFERENCES",
            ),
            (
                "REGISTRY_COMPATIBILITY_SCHEMA1_SIGNINGKEYFILE",
                "REGISTRY_COMPATIBILITY_SCHEMA1_TRUSTKEY",
            ),
            ("REGISTRY_HEALTH_FILE", "REGISTRY_HEALTH_FILECHECKERS"),
            (
                "REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL",
                "REGISTRY_NOTIFICATIONS_ENDPOINTS",
            ),
            ("REGISTRY_STORAGE_DELETE_ENABLE", "REGISTRY_STORAGE_DELETE_ENABLED"),
            ("REGISTRY_LOGLEVL", "REGISTRY_LOGLEVEL"),
        ] {
            assert_eq!(variable(unknown, &names), nearest, "{unknown}");
        }
    }
}
