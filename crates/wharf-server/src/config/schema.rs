//! Every key that registry:2, registry 3 or wharf knows, with the shape of its value.
//!
//! Environment variables name Go's struct fields, which differ from the YAML keys in a few places;
//! those carry their own variable name here. Whether a key has an effect in wharf is not said
//! here: the builder reads what has one, `unsupported` lists what refuses to start.

/// What a key's value may be.
#[derive(Debug)]
pub(super) enum Shape {
    /// A section with a fixed set of keys; variables name its Go fields.
    Struct(&'static [Field]),
    /// A Go map of which wharf knows the keys; variables name the keys, in any case.
    Map(&'static [Field]),
    /// A map, or the bare name of one of its keys: `storage`, `auth`. Other keys are errors,
    /// because they would name a driver or controller that does not exist.
    Choice(&'static [Field]),
    /// Anything below this key, known or not.
    Free,
    /// Items of one shape; variables replace the list as a whole.
    List(&'static Shape),
    /// A map of names to lists of text, as HTTP headers are.
    Headers,
    Boolean,
    Integer,
    Duration,
    Text,
}

/// One key.
#[derive(Debug)]
pub(super) struct Field {
    /// Its name in YAML.
    pub(super) key: &'static str,
    /// Its name in a variable, where that is not the key in upper case.
    variable: Option<&'static str>,
    pub(super) shape: &'static Shape,
}

impl Field {
    const fn new(key: &'static str, shape: &'static Shape) -> Self {
        let variable = None;
        Self { key, variable, shape }
    }

    const fn named(key: &'static str, variable: &'static str, shape: &'static Shape) -> Self {
        let variable = Some(variable);
        Self { key, variable, shape }
    }

    /// Its name in a variable.
    pub(super) fn variable(&self) -> String {
        self.variable.map_or_else(|| self.key.to_uppercase(), str::to_owned)
    }
}

impl Shape {
    /// The known keys of a section.
    pub(super) fn fields(&self) -> &'static [Field] {
        match self {
            Self::Struct(fields) | Self::Map(fields) | Self::Choice(fields) => fields,
            _ => &[],
        }
    }

    /// What stands beneath a key of this section; `None` where the key is unknown.
    pub(super) fn child(&self, key: &str) -> Option<&'static Shape> {
        match self {
            Self::Free => Some(&Self::Free),
            Self::Headers => Some(&Self::List(&Self::Text)),
            _ => self
                .fields()
                .iter()
                .find(|field| field.key == key)
                .map(|field| field.shape),
        }
    }
}

use Shape::{Boolean, Choice, Duration, Free, Headers, Integer, List, Map, Struct, Text};

const fn key(key: &'static str, shape: &'static Shape) -> Field {
    Field::new(key, shape)
}

/// The whole file.
pub(super) static ROOT: Shape = Struct(&[
    key("version", &Text),
    key("log", &LOG),
    key("loglevel", &Text),
    key("storage", &STORAGE),
    key("auth", &AUTH),
    key("middleware", &MIDDLEWARE),
    key("reporting", &REPORTING),
    key("http", &HTTP),
    key("notifications", &NOTIFICATIONS),
    key("redis", &Free),
    key("health", &HEALTH),
    key("catalog", &Struct(&[key("maxentries", &Integer)])),
    key("tags", &Struct(&[key("maxtags", &Integer)])),
    key("proxy", &PROXY),
    key("compatibility", &Struct(&[key("schema1", &SCHEMA1)])),
    key("validation", &VALIDATION),
    key(
        "policy",
        &Struct(&[key("repository", &Struct(&[key("classes", &List(&Text))]))]),
    ),
    key("wharf", &WHARF),
]);

static LOG: Shape = Struct(&[
    key("accesslog", &Struct(&[key("disabled", &Boolean)])),
    key("level", &Text),
    key("formatter", &Text),
    key("fields", &Free),
    key("hooks", &List(&LOG_HOOK)),
    key("reportcaller", &Boolean),
]);

static LOG_HOOK: Shape = Struct(&[
    key("disabled", &Boolean),
    key("type", &Text),
    key("levels", &List(&Text)),
    Field::named("options", "MAILOPTIONS", &Free),
]);

static STORAGE: Shape = Choice(&[
    key(
        "filesystem",
        &Map(&[key("rootdirectory", &Text), key("maxthreads", &Text)]),
    ),
    key("inmemory", &Free),
    key("s3", &Free),
    key("s3aws", &Free),
    key("azure", &Free),
    key("gcs", &Free),
    key("swift", &Free),
    key("oss", &Free),
    key(
        "maintenance",
        &Map(&[
            key(
                "uploadpurging",
                &Map(&[
                    key("enabled", &Boolean),
                    key("age", &Duration),
                    key("interval", &Duration),
                    key("dryrun", &Boolean),
                ]),
            ),
            key("readonly", &Map(&[key("enabled", &Boolean)])),
        ]),
    ),
    key(
        "cache",
        &Map(&[
            key("blobdescriptor", &Text),
            key("layerinfo", &Text),
            key("blobdescriptorsize", &Text),
        ]),
    ),
    key("delete", &Map(&[key("enabled", &Boolean)])),
    key("redirect", &Map(&[key("disable", &Boolean)])),
    key("tag", &Map(&[key("concurrencylimit", &Integer)])),
]);

static AUTH: Shape = Choice(&[
    key("none", &Free),
    key("silly", &Free),
    key("token", &Free),
    key("htpasswd", &Free),
]);

static MIDDLEWARE: Shape = Map(&[
    key("registry", &List(&MIDDLEWARE_ENTRY)),
    key("repository", &List(&MIDDLEWARE_ENTRY)),
    key("storage", &List(&MIDDLEWARE_ENTRY)),
]);

static MIDDLEWARE_ENTRY: Shape = Struct(&[key("name", &Text), key("disabled", &Boolean), key("options", &Free)]);

static REPORTING: Shape = Struct(&[
    key(
        "bugsnag",
        &Struct(&[key("apikey", &Text), key("releasestage", &Text), key("endpoint", &Text)]),
    ),
    key(
        "newrelic",
        &Struct(&[key("licensekey", &Text), key("name", &Text), key("verbose", &Boolean)]),
    ),
]);

static HTTP: Shape = Struct(&[
    key("addr", &Text),
    key("net", &Text),
    key("host", &Text),
    key("prefix", &Text),
    key("secret", &Text),
    key("relativeurls", &Boolean),
    key("draintimeout", &Duration),
    key("tls", &TLS),
    key("headers", &Headers),
    key(
        "debug",
        &Struct(&[
            key("addr", &Text),
            key("prometheus", &Struct(&[key("enabled", &Boolean), key("path", &Text)])),
        ]),
    ),
    key("http2", &Struct(&[key("disabled", &Boolean)])),
    key("h2c", &Struct(&[key("enabled", &Boolean)])),
]);

static TLS: Shape = Struct(&[
    key("certificate", &Text),
    key("key", &Text),
    key("clientcas", &List(&Text)),
    key("clientauth", &Text),
    key("minimumtls", &Text),
    key("ciphersuites", &List(&Text)),
    key(
        "letsencrypt",
        &Struct(&[
            key("cachefile", &Text),
            key("email", &Text),
            key("hosts", &List(&Text)),
            key("directoryurl", &Text),
        ]),
    ),
]);

static NOTIFICATIONS: Shape = Struct(&[
    Field::named("events", "EVENTCONFIG", &Struct(&[key("includereferences", &Boolean)])),
    key("endpoints", &List(&ENDPOINT)),
]);

static ENDPOINT: Shape = Struct(&[
    key("name", &Text),
    key("disabled", &Boolean),
    key("url", &Text),
    key("headers", &Headers),
    key("timeout", &Duration),
    key("threshold", &Integer),
    key("backoff", &Duration),
    key("ignoredmediatypes", &List(&Text)),
    key(
        "ignore",
        &Struct(&[key("mediatypes", &List(&Text)), key("actions", &List(&Text))]),
    ),
]);

static HEALTH: Shape = Struct(&[
    Field::named(
        "file",
        "FILECHECKERS",
        &List(&Struct(&[
            key("file", &Text),
            key("interval", &Duration),
            key("threshold", &Integer),
        ])),
    ),
    Field::named(
        "http",
        "HTTPCHECKERS",
        &List(&Struct(&[
            key("uri", &Text),
            key("headers", &Headers),
            key("statuscode", &Integer),
            key("timeout", &Duration),
            key("interval", &Duration),
            key("threshold", &Integer),
        ])),
    ),
    Field::named(
        "tcp",
        "TCPCHECKERS",
        &List(&Struct(&[
            key("addr", &Text),
            key("timeout", &Duration),
            key("interval", &Duration),
            key("threshold", &Integer),
        ])),
    ),
    key(
        "storagedriver",
        &Struct(&[
            key("enabled", &Boolean),
            key("interval", &Duration),
            key("threshold", &Integer),
        ]),
    ),
]);

static PROXY: Shape = Struct(&[
    key("remoteurl", &Text),
    key("username", &Text),
    key("password", &Text),
    key("exec", &Struct(&[key("command", &Text), key("lifetime", &Duration)])),
    key("ttl", &Duration),
]);

static SCHEMA1: Shape = Struct(&[
    Field::named("signingkeyfile", "TRUSTKEY", &Text),
    key("enabled", &Boolean),
]);

static VALIDATION: Shape = Struct(&[
    key("enabled", &Boolean),
    key("disabled", &Boolean),
    key(
        "manifests",
        &Struct(&[
            key(
                "urls",
                &Struct(&[key("allow", &List(&Text)), key("deny", &List(&Text))]),
            ),
            key(
                "indexes",
                &Struct(&[
                    key("platforms", &Text),
                    key(
                        "platformlist",
                        &List(&Struct(&[key("architecture", &Text), key("os", &Text)])),
                    ),
                ]),
            ),
        ]),
    ),
]);

static WHARF: Shape = Struct(&[
    key(
        "manifest",
        &Struct(&[key("maxbytes", &Integer), key("sparse", &Boolean)]),
    ),
    key("uploads", &Struct(&[key("max", &Integer)])),
    key(
        "http",
        &Struct(&[
            key("headertimeout", &Duration),
            key("bodytimeout", &Duration),
            key("writetimeout", &Duration),
            key("maxheaderbytes", &Integer),
            key("maxuribytes", &Integer),
        ]),
    ),
]);

/// The names of all known variables, and the dotted paths of all known keys, in the file's order;
/// items of lists are `[]` in paths and have no variables.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) variables: Vec<String>,
    pub(super) paths: Vec<String>,
}

impl Names {
    /// Collects them from the schema.
    pub(super) fn all() -> Self {
        let mut names = Self::default();
        names.collect(&ROOT, "", Some("REGISTRY"));
        names
    }

    fn collect(&mut self, shape: &Shape, path: &str, variable: Option<&str>) {
        if let List(item) = shape {
            self.collect(item, &format!("{path}[]"), None);
            return;
        }
        for field in shape.fields() {
            let dot = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{dot}{}", field.key);
            let variable = variable.map(|name| format!("{name}_{}", field.variable()));
            self.paths.push(path.clone());
            self.variables.extend(variable.clone());
            self.collect(field.shape, &path, variable.as_deref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_go_names_otherwise_have_their_variable() {
        let names = Names::all();
        for variable in [
            "REGISTRY_NOTIFICATIONS_EVENTCONFIG_INCLUDEREFERENCES",
            "REGISTRY_COMPATIBILITY_SCHEMA1_TRUSTKEY",
            "REGISTRY_HEALTH_FILECHECKERS",
            "REGISTRY_HEALTH_HTTPCHECKERS",
            "REGISTRY_HEALTH_TCPCHECKERS",
            "REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED",
            "REGISTRY_WHARF_MANIFEST_MAXBYTES",
        ] {
            assert!(names.variables.iter().any(|name| name == variable), "{variable}");
        }
        assert!(!names.variables.iter().any(|name| name.contains("ENDPOINTS_")));
    }

    #[test]
    fn no_key_has_an_underscore_which_would_split_its_variable() {
        assert!(!Names::all().paths.iter().any(|path| path.contains('_')));
    }
}
