//! Dependencies between crates point down only, never sideways inside a level, and an outside library is used only
//! where it belongs.

use anyhow::bail;

use crate::metadata::{self, Package};

/// The crates by level, the lowest first. A new crate gets its place here.
const LEVELS: [&[&str]; 6] = [
    &["wharf-spec"],
    &["wharf-storage"],
    &["wharf-index"],
    &["wharf-registry"],
    &["wharf-server"],
    &["wharf"],
];

/// May depend on everything, and everything on it, but in tests only.
const TESTING: &str = "wharf-testing";

/// Stands beside the workspace: no crate of ours depends on it, and it on none.
const XTASK: &str = "xtask";

/// Outside libraries that belong to some crates alone, with the reason. Tests may use them anywhere.
const OWNED: [(&[&str], &[&str], &str); 5] = [
    (
        &["axum", "hyper", "hyper-util", "http-body", "http-body-util"],
        &["wharf-server"],
        "only it speaks HTTP",
    ),
    (&["rusqlite"], &["wharf-index"], "only it speaks SQL"),
    (
        &["clap", "clap_complete"],
        &["wharf", "xtask"],
        "only they have a command line",
    ),
    (
        &["tokio"],
        &["wharf-registry", "wharf-server", "wharf"],
        "storage and index are synchronous",
    ),
    (
        &["tracing-subscriber"],
        &["wharf"],
        "only the binary decides where logs go",
    ),
];

/// Checks the manifests of all crates.
pub(crate) fn check() -> anyhow::Result<()> {
    let packages = metadata::load()?;
    let ours: Vec<_> = packages.iter().filter(|package| package.ours).collect();
    let complaints: Vec<_> = ours.iter().flat_map(|package| complaints(package)).collect();
    if !complaints.is_empty() {
        bail!("directions of dependencies:\n  {}", complaints.join("\n  "));
    }
    println!("directions: {} crates", ours.len());
    Ok(())
}

fn level(name: &str) -> Option<usize> {
    LEVELS.iter().position(|level| level.contains(&name))
}

fn complaints(package: &Package) -> Vec<String> {
    let name = package.name.as_str();
    if level(name).is_none() && name != TESTING && name != XTASK {
        return vec![format!("`{name}` has no level in `xtask/src/directions.rs`")];
    }
    let between = package
        .dependencies
        .iter()
        .filter_map(|dependency| between(name, &dependency.name, dependency.dev));
    let outside = package.dependencies.iter().filter(|dependency| !dependency.dev);
    between
        .chain(outside.filter_map(|dependency| outside_library(name, &dependency.name)))
        .collect()
}

/// What is wrong with the dependency of one crate of ours on another.
fn between(from: &str, to: &str, dev: bool) -> Option<String> {
    let complain = |reason: &str| Some(format!("`{from}` depends on `{to}`: {reason}"));
    match (level(from), level(to)) {
        _ if to == TESTING && !dev => complain("it is for tests only"),
        _ if to == XTASK => complain("it is a tool"),
        // A crate's tests may name the crate itself, to switch on a feature.
        _ if to == from && dev => None,
        (None, Some(_)) if from == XTASK => complain("the tool stands beside the workspace"),
        (Some(upper), Some(lower)) if upper == lower => complain("both are of one level"),
        (Some(upper), Some(lower)) if upper < lower => complain("that points up"),
        _ => None,
    }
}

fn outside_library(from: &str, to: &str) -> Option<String> {
    let (_, owners, reason) = OWNED.iter().find(|(names, ..)| names.contains(&to))?;
    let owned = owners.contains(&from);
    (!owned).then(|| {
        format!(
            "`{from}` depends on `{to}`, which belongs to {}: {reason}",
            owners.join(" and ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Dependency;

    fn wrong(name: &str, dependencies: &[(&str, bool)]) -> usize {
        let dependencies = dependencies.iter().map(|(name, dev)| Dependency {
            name: (*name).to_owned(),
            dev: *dev,
        });
        let package = Package {
            name: name.to_owned(),
            version: String::new(),
            ours: true,
            licence: None,
            dependencies: dependencies.collect(),
        };
        complaints(&package).len()
    }

    #[test]
    fn dependencies_point_down() {
        assert_eq!(
            wrong("wharf-server", &[("wharf-registry", false), ("wharf-spec", false)]),
            0
        );
        assert_eq!(wrong("wharf-spec", &[("wharf-registry", false)]), 1);
        assert_eq!(wrong("wharf-index", &[("wharf-index", false)]), 1);
        assert_eq!(wrong("wharf-index", &[("wharf-index", true)]), 0);
        assert_eq!(wrong("wharf-new", &[]), 1);
    }

    #[test]
    fn test_tools_are_for_tests() {
        assert_eq!(wrong("wharf", &[("wharf-testing", true)]), 0);
        assert_eq!(wrong("wharf", &[("wharf-testing", false)]), 1);
        assert_eq!(wrong("xtask", &[("wharf-spec", false)]), 1);
    }

    #[test]
    fn libraries_stay_where_they_belong() {
        assert_eq!(wrong("wharf-index", &[("rusqlite", false)]), 0);
        assert_eq!(wrong("wharf-registry", &[("rusqlite", false), ("hyper", false)]), 2);
        assert_eq!(wrong("wharf-registry", &[("rusqlite", true)]), 0);
    }
}
