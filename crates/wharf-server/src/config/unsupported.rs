//! Sections that decide who may enter, where data goes or who is told, and that wharf cannot
//! honour yet. To pass over one in silence would be worse than not to start.

use super::build::drivers;
use super::error::Unsupported;
use super::node::{Node, Value};

/// Finds them all, in the order of the documentation.
pub(super) fn find(root: &Node) -> Vec<Unsupported> {
    let mut finder = Finder {
        root,
        found: Vec::new(),
    };
    finder.auth();
    finder.storage();
    finder.set(
        TLS_KEYS,
        "connections are not encrypted and clients need no certificate",
    );
    finder.set(&["proxy.remoteurl"], "nothing is pulled through from there");
    for kind in ["registry", "repository", "storage"] {
        finder.enabled_items(&format!("middleware.{kind}"), "requests pass by it");
    }
    finder.enabled_items("notifications.endpoints", "nobody is notified there");
    finder.enabled_items("health.http", "the check is not made");
    finder.enabled_items("log.hooks", "nobody gets mail");
    finder.set(
        &["reporting.bugsnag.apikey", "reporting.newrelic.licensekey"],
        "nothing is reported",
    );
    finder.found
}

const TLS_KEYS: &[&str] = &[
    "http.tls.certificate",
    "http.tls.key",
    "http.tls.clientcas",
    "http.tls.letsencrypt.cachefile",
    "http.tls.letsencrypt.email",
    "http.tls.letsencrypt.hosts",
];

struct Finder<'t> {
    root: &'t Node,
    found: Vec<Unsupported>,
}

impl Finder<'_> {
    fn auth(&mut self) {
        let controllers = self.root.at("auth").map_or(&[][..], Node::entries);
        for (name, node) in controllers.iter().filter(|(name, _)| name != "none") {
            let key = format!("auth.{name}");
            self.found
                .push(Unsupported::new(&key, &node.origin, "anyone may pull and push"));
        }
    }

    fn storage(&mut self) {
        for (name, node) in drivers(self.root).into_iter().filter(|(name, _)| name != "filesystem") {
            let consequence = "everything is kept in the local root directory";
            let key = format!("storage.{name}");
            self.found.push(Unsupported::new(&key, &node.origin, consequence));
        }
    }

    /// Keys that mean something as soon as they have a value.
    fn set(&mut self, keys: &[&str], consequence: &'static str) {
        for key in keys {
            if let Some(node) = self.root.at(key)
                && !is_empty(node)
            {
                self.found.push(Unsupported::new(key, &node.origin, consequence));
            }
        }
    }

    /// Items of a list that are not switched off.
    fn enabled_items(&mut self, list: &str, consequence: &'static str) {
        let items = self.root.at(list).map_or(&[][..], Node::items);
        for (index, item) in items.iter().enumerate() {
            let disabled = item.at("disabled").and_then(Node::boolean).unwrap_or(false);
            if !disabled {
                let key = format!("{list}[{index}]");
                self.found.push(Unsupported::new(&key, &item.origin, consequence));
            }
        }
    }
}

fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::Scalar(scalar) => scalar.text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
    }
}
