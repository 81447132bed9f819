//! What `cargo metadata` says of the workspace and its dependencies.

use anyhow::Context as _;
use serde_json::Value;

use crate::root;

/// A package: a crate of ours or a dependency, direct or not.
#[derive(Debug)]
pub(crate) struct Package {
    /// The name.
    pub(crate) name: String,
    /// The version.
    pub(crate) version: String,
    /// Whether it is a crate of the workspace.
    pub(crate) ours: bool,
    /// The SPDX expression, if there is one.
    pub(crate) licence: Option<String>,
    /// What its own manifest names.
    pub(crate) dependencies: Vec<Dependency>,
}

/// A dependency as a manifest names it.
#[derive(Debug)]
pub(crate) struct Dependency {
    /// The name.
    pub(crate) name: String,
    /// Whether only tests, examples and benches have it.
    pub(crate) dev: bool,
}

/// All packages of the workspace's `Cargo.lock`, which must be up to date.
pub(crate) fn load() -> anyhow::Result<Vec<Package>> {
    let text = root::output(root::cargo().args(["metadata", "--format-version=1", "--locked"]))?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata is no JSON")?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata has no packages")?;
    packages.iter().map(package).collect()
}

fn package(value: &Value) -> anyhow::Result<Package> {
    let dependencies = value["dependencies"]
        .as_array()
        .context("a package has no dependencies")?;
    let dependency = |value: &Value| {
        Ok(Dependency {
            name: text(&value["name"])?,
            dev: value["kind"].as_str() == Some("dev"),
        })
    };
    Ok(Package {
        name: text(&value["name"])?,
        version: text(&value["version"])?,
        ours: value["source"].is_null(),
        licence: value["license"].as_str().map(str::to_owned),
        dependencies: dependencies.iter().map(dependency).collect::<anyhow::Result<_>>()?,
    })
}

fn text(value: &Value) -> anyhow::Result<String> {
    value
        .as_str()
        .map(str::to_owned)
        .context("cargo metadata has no text where it should")
}
