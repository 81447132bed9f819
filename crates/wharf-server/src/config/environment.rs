//! `REGISTRY_*` variables over the file, by registry:2's rules.
//!
//! All variables are applied in the order of their names, so that a parent comes before what is
//! beneath it. The elements of a name are Go's field names where Go has a struct, and keys in any
//! case where it has a map; a new key of a map is created in lower case. The value is YAML and
//! replaces everything at its path. Lists are replaced as a whole only.

use super::check::{self, Findings};
use super::error::{ConfigError, Warning, shown};
use super::node::{Node, Origin, Value};
use super::schema::{Names, ROOT, Shape};
use super::{suggest, yaml};

const PREFIX: &str = "REGISTRY_";

/// Applies the variables among `environment` that name configuration keys. Warnings name the
/// variables that do not.
pub(super) fn apply(root: &mut Node, environment: &[(String, String)], names: &Names) -> Result<Findings, ConfigError> {
    let mut variables: Vec<&(String, String)> = environment
        .iter()
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    variables.sort();
    let mut findings = Findings::default();
    for (name, value) in variables {
        match name.as_str() {
            "REGISTRY_CONFIGURATION_PATH" => {}
            "REGISTRY_AUTH_FILE" => findings.warnings.push(Warning::new(
                "`REGISTRY_AUTH_FILE` is the variable of podman and skopeo for their credentials; \
                 it configures nothing here",
            )),
            "REGISTRY_VERSION" if value.trim() == "0.1" => {}
            "REGISTRY_VERSION" => findings.warnings.push(Warning::new(
                "`REGISTRY_VERSION` is ignored; the version in the file counts",
            )),
            _ => apply_one(root, name, value, names, &mut findings)?,
        }
    }
    Ok(findings)
}

fn apply_one(
    root: &mut Node,
    name: &str,
    value: &str,
    names: &Names,
    findings: &mut Findings,
) -> Result<(), ConfigError> {
    let origin = Origin::Variable(name.to_owned());
    let Some(target) = find(root, name, &origin) else {
        let nearest = suggest::variable(name, names);
        findings.warnings.push(Warning::new(format!(
            "unknown variable `{}` is ignored; the nearest known variable is `{nearest}`",
            shown(name)
        )));
        return Ok(());
    };
    let document = yaml::parse(value, &|_| origin.clone()).map_err(|error| ConfigError::Syntax {
        place: shown(name),
        message: error.message,
    })?;
    *target.node = document.root;
    target.node.expand_bare_name(target.shape);
    // Checked at once: the next variable may name something beneath a section that is none.
    findings
        .problems
        .extend(check::check(target.node, target.shape, &target.path, names).problems);
    Ok(())
}

struct Target<'t> {
    node: &'t mut Node,
    shape: &'static Shape,
    path: String,
}

/// The place that a variable names, with the sections above it created where they are missing.
/// `None` when there is no such place.
fn find<'t>(root: &'t mut Node, name: &str, origin: &Origin) -> Option<Target<'t>> {
    let elements = name.strip_prefix(PREFIX)?.split('_');
    let path = resolve(root, elements)?;
    let mut target = Target {
        node: root,
        shape: &ROOT,
        path: String::new(),
    };
    for (key, shape) in path {
        if target.node.is_null() {
            *target.node = Node::empty_map(origin.clone());
        }
        let node = target.node.child_mut(&key, origin)?;
        let path = suggest::join(&target.path, &key);
        target = Target { node, shape, path };
    }
    Some(target)
}

/// The keys on the way, each with the shape of what is beneath it, without changing anything.
fn resolve<'e>(root: &Node, elements: impl Iterator<Item = &'e str>) -> Option<Vec<(String, &'static Shape)>> {
    let mut node = Some(root);
    let mut shape: &'static Shape = &ROOT;
    let mut path = Vec::new();
    for element in elements {
        let key = match shape {
            Shape::Struct(fields) => fields.iter().find(|field| field.variable() == element)?.key.to_owned(),
            Shape::Map(_) | Shape::Choice(_) | Shape::Headers | Shape::Free => map_key(node, element)?,
            _ => return None,
        };
        node = node.and_then(|node| node.at_key(&key));
        shape = shape.child(&key).unwrap_or(&Shape::Free);
        path.push((key, shape));
    }
    Some(path)
}

/// The key of a map that an element names: an existing one in any case, else the element in
/// lower case. `None` where there is a value that is no map.
fn map_key(node: Option<&Node>, element: &str) -> Option<String> {
    if element.is_empty() {
        return None;
    }
    match node.map(|node| &node.value) {
        None | Some(Value::Null) => Some(element.to_lowercase()),
        Some(Value::Map(entries)) => {
            let existing = entries.iter().find(|(key, _)| key.eq_ignore_ascii_case(element));
            Some(existing.map_or_else(|| element.to_lowercase(), |(key, _)| key.clone()))
        }
        Some(Value::Scalar(_) | Value::List(_)) => None,
    }
}
