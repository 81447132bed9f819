//! What must not be printed: passwords, keys and tokens, by the names of their keys.

use std::fmt;

/// What stands where a secret would.
pub(super) const REDACTED: &str = "<redacted>";

/// Parts of key names whose values are secret.
const SECRET_NAMES: [&str; 13] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "token",
    "apikey",
    "licensekey",
    "accesskey",
    "accountkey",
    "authorization",
    "credential",
    "cookie",
    "private",
];

/// A text that `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({REDACTED})")
    }
}

/// Whether the value at this dotted path is secret: by its own name, by a section of credentials
/// above it, or because it is a header that wharf or registry:2 sends to others.
pub(super) fn is_secret(path: &str) -> bool {
    let path = path.to_lowercase();
    let mut segments = path.rsplit('.');
    let last = segments.next().unwrap_or_default();
    let sent_header = !path.starts_with("http.") && path.contains(".headers.");
    let named = SECRET_NAMES.iter().any(|name| last.contains(name));
    let in_credentials = segments.any(|section| section.contains("credential"));
    sent_header || named || in_credentials
}

/// The value as it may be shown: secrets and the credentials in URLs are replaced.
pub(super) fn redacted(path: &str, value: &str) -> String {
    if is_secret(path) {
        return if value.is_empty() {
            String::new()
        } else {
            REDACTED.to_owned()
        };
    }
    let Some((scheme, rest)) = value.split_once("://") else {
        return value.to_owned();
    };
    let (rest, query) = rest
        .split_once('?')
        .map_or((rest, ""), |(rest, _)| (rest, "?<redacted>"));
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{REDACTED}@{host}{path}{query}"),
        None => format!("{scheme}://{authority}{path}{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_keys_are_known_by_name() {
        for path in [
            "http.secret",
            "redis.password",
            "proxy.password",
            "storage.s3.secretkey",
            "storage.s3.accesskey",
            "storage.azure.accountkey",
            "storage.gcs.credentials.client_email",
            "reporting.bugsnag.apikey",
            "notifications.endpoints[0].headers.X-Hook.0",
            "log.hooks[0].options.smtp.password",
        ] {
            assert!(is_secret(path), "{path}");
        }
        for path in [
            "http.addr",
            "auth.token.realm",
            "http.headers.X-Frame-Options",
            "http.tls.key",
        ] {
            assert!(!is_secret(path), "{path}");
        }
    }

    #[test]
    fn credentials_in_urls_are_hidden() {
        for (value, shown) in [
            ("https://u:p@h/x", "https://<redacted>@h/x"),
            ("https://h/x?token=1", "https://h/x?<redacted>"),
            ("https://h/x", "https://h/x"),
            ("plain", "plain"),
        ] {
            assert_eq!(redacted("proxy.remoteurl", value), shown);
        }
        assert_eq!(redacted("http.secret", "hunter2"), REDACTED);
        assert_eq!(redacted("http.secret", ""), "");
    }

    #[test]
    fn debug_shows_no_secret() {
        let debug = format!("{:?}", Secret::new("hunter2".to_owned()));
        assert_eq!(debug, "Secret(<redacted>)");
    }
}
