//! `http`: the listeners and what answers look like.

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::Given;
use crate::config::address::{Listen, PathPrefix, PublicHostError, TcpAddress};
use crate::config::error::{Problem, Warning, shown};
use crate::config::model::{DebugListener, Http};
use crate::config::node::{Node, Origin};
use crate::config::reader::{Reader, shown_path};
use crate::config::secrecy::Secret;

const TCP_FORM: &str = "HOST:PORT, or :PORT for all interfaces";

pub(super) fn http(reader: &mut Reader<'_>, given: &Given<'_>) -> Http {
    let defaults = Http::default();
    Http {
        listen: listen(reader, given, defaults.listen),
        host: host(reader),
        prefix: prefix(reader),
        secret: reader.text("http.secret", "").map(|text| Secret::new(text.to_owned())),
        relative_urls: reader.boolean("http.relativeurls", defaults.relative_urls),
        drain_timeout: reader.duration("http.draintimeout", defaults.drain_timeout, Duration::ZERO),
        headers: headers(reader),
        debug: debug(reader),
        http2: !reader.boolean("http.http2.disabled", !defaults.http2),
    }
}

fn listen(reader: &mut Reader<'_>, given: &Given<'_>, default: Listen) -> Listen {
    if let Some(text) = &given.overrides.addr {
        let flag = Origin::Flag("--addr");
        reader.record("http.net", "tcp", &flag);
        reader.record("http.addr", text, &flag);
        return match text.parse() {
            Ok(address) => Listen::Tcp(address),
            Err(error) => {
                let found = format!("`{}`", shown(text));
                let allowed = format!("{TCP_FORM} ({error})");
                let problem = Problem::new("--addr", &Origin::Default, found, allowed);
                reader.problems.push(problem);
                default
            }
        };
    }
    let unix = reader
        .word("http.net", &[("tcp", false), ("unix", true)], "tcp")
        .unwrap_or(false);
    if unix {
        let path = reader.text("http.addr", "").map(PathBuf::from);
        return path.map_or_else(
            || {
                reader.refuse("http.addr", "the path of a socket, as `http.net` is unix");
                default
            },
            Listen::Unix,
        );
    }
    let address = reader.parsed("http.addr", TCP_FORM, &default.to_string());
    address.map_or(default, Listen::Tcp)
}

/// A host without a scheme has no effect in registry:2, so it must not stop the server.
fn host(reader: &mut Reader<'_>) -> Option<crate::config::PublicHost> {
    let key = "http.host";
    match reader.text(key, "")?.parse() {
        Ok(host) => Some(host),
        Err(PublicHostError::NoScheme) => {
            reader.warnings.push(Warning::new(
                "`http.host` has no effect without `http://` or `https://` in front",
            ));
            None
        }
        Err(error @ PublicHostError::NotAHost) => {
            reader.refuse(key, format!("a URL, as https://registry.example.com ({error})"));
            None
        }
    }
}

fn prefix(reader: &mut Reader<'_>) -> PathPrefix {
    reader
        .parsed("http.prefix", "a path such as /images/", "")
        .unwrap_or_default()
}

fn headers(reader: &mut Reader<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::new();
    let Some(node) = reader.node("http.headers") else {
        return headers;
    };
    for (name, values) in node.entries() {
        let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
            let key = format!("http.headers.{name}");
            let problem = Problem::new(&key, &values.origin, "no header name", "letters, digits, -");
            reader.problems.push(problem);
            continue;
        };
        for value in values.items() {
            let text = value.text().unwrap_or_default();
            match HeaderValue::from_str(text) {
                Ok(value) => headers.push((header.clone(), value)),
                Err(_) => reader.problems.push(Problem::new(
                    &format!("http.headers.{name}"),
                    &value.origin,
                    format!("`{}`", shown(text)),
                    "visible ASCII characters and spaces",
                )),
            }
        }
    }
    reader.record_all(&["http", "headers"], node);
    headers
}

fn debug(reader: &mut Reader<'_>) -> Option<DebugListener> {
    let address: Option<TcpAddress> = reader.parsed("http.debug.addr", TCP_FORM, "");
    let metrics_on = reader.boolean("http.debug.prometheus.enabled", false);
    let path_key = "http.debug.prometheus.path";
    let path = reader.text(path_key, "/metrics").unwrap_or("/metrics");
    if !path.starts_with('/') {
        reader.refuse(path_key, "a path that starts with /");
    }
    if metrics_on && reader.node("http.debug.addr").and_then(Node::text).is_none() {
        reader.warnings.push(Warning::new(format!(
            "`{}` has no effect without `http.debug.addr`",
            shown_path("http.debug.prometheus.enabled")
        )));
    }
    let metrics_path = metrics_on.then(|| path.to_owned());
    address.map(|address| DebugListener { address, metrics_path })
}
