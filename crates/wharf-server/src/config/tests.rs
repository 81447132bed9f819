//! Tests of the configuration as a whole.

use super::*;

mod documentation;
mod environment;
mod file;
mod rendered;
mod unsupported;

/// The least that registry:2 starts with.
const BASE: &str = "version: 0.1\nstorage: {filesystem: {rootdirectory: /srv/registry}}\n";

/// The configuration that the registry:2.8 image brings.
const IMAGE_2_8: &str = "\
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
";

fn loaded(file: &str, variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let environment = owned(variables);
    load(&Source {
        file: Some(("c.yml", file)),
        environment: &environment,
        ..Source::default()
    })
}

fn owned(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// `BASE` with more lines under it.
fn with(more: &str) -> Result<Loaded, ConfigError> {
    loaded(&format!("{BASE}{more}"), &[])
}

/// `BASE` with variables over it.
fn with_variables(variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    loaded(BASE, variables)
}

fn warnings(loaded: &Loaded) -> Vec<String> {
    loaded.warnings.iter().map(ToString::to_string).collect()
}

fn error(result: Result<Loaded, ConfigError>) -> String {
    result.expect_err("a configuration that is refused").to_string()
}
