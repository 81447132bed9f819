//! Sections that cannot be honoured yet.

use super::*;

/// What Debian's package installs.
const DEBIAN: &str = "\
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/docker-registry
  delete:
    enabled: true
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
auth:
  htpasswd:
    realm: basic-realm
    path: /etc/docker/registry
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
";

fn refused(file: &str) -> Vec<String> {
    match loaded(file, &[]) {
        Err(ConfigError::Unsupported(sections)) => sections.iter().map(|section| section.key().to_owned()).collect(),
        other => panic!("{file} should be refused: {other:?}"),
    }
}

#[test]
fn debian_s_file_is_refused_because_of_htpasswd() {
    assert_eq!(
        error(loaded(DEBIAN, &[])),
        "configuration error: this version cannot honour `auth.htpasswd` (c.yml:18); without it \
         anyone may pull and push\nhint: remove what is named, or start with \
         `--ignore-unsupported` to serve without it"
    );
    let loaded = load(&Source {
        file: Some(("c.yml", DEBIAN)),
        ignore_unsupported: true,
        ..Source::default()
    });
    let loaded = loaded.expect("the user insists");
    assert_eq!(
        warnings(&loaded),
        ["`auth.htpasswd` (c.yml:18) is ignored: anyone may pull and push"]
    );
    assert!(loaded.config.storage.delete_enabled);
}

#[test]
fn each_section_is_refused() {
    for (more, key) in [
        ("auth: {silly: {realm: r, service: s}}", "auth.silly"),
        ("auth: {token: {realm: r}}", "auth.token"),
        ("auth: htpasswd", "auth.htpasswd"),
        ("auth: {htpasswd: }", "auth.htpasswd"),
        ("http: {tls: {certificate: /c}}", "http.tls.certificate"),
        ("http: {tls: {key: /c}}", "http.tls.key"),
        ("http: {tls: {clientcas: [/c]}}", "http.tls.clientcas"),
        (
            "http: {tls: {letsencrypt: {cachefile: /c}}}",
            "http.tls.letsencrypt.cachefile",
        ),
        ("http: {tls: {letsencrypt: {email: a@b}}}", "http.tls.letsencrypt.email"),
        ("http: {tls: {letsencrypt: {hosts: [h]}}}", "http.tls.letsencrypt.hosts"),
        ("proxy: {remoteurl: 'https://registry.example'}", "proxy.remoteurl"),
        ("middleware: {registry: [{name: x}]}", "middleware.registry[0]"),
        ("middleware: {repository: [{name: x}]}", "middleware.repository[0]"),
        (
            "middleware: {storage: [{name: x, disabled: false}]}",
            "middleware.storage[0]",
        ),
        (
            "notifications: {endpoints: [{name: a, url: 'http://h'}]}",
            "notifications.endpoints[0]",
        ),
        ("health: {http: [{uri: 'http://h'}]}", "health.http[0]"),
        ("log: {hooks: [{type: mail}]}", "log.hooks[0]"),
        ("reporting: {bugsnag: {apikey: k}}", "reporting.bugsnag.apikey"),
        (
            "reporting: {newrelic: {licensekey: k}}",
            "reporting.newrelic.licensekey",
        ),
    ] {
        assert_eq!(refused(&format!("{BASE}{more}\n")), [key], "{more}");
    }
    for driver in ["inmemory", "s3", "s3aws", "azure", "gcs", "swift", "oss"] {
        for storage in [driver.to_owned(), format!("{{{driver}: {{bucket: b}}}}")] {
            let file = format!("version: 0.1\nstorage: {storage}\n");
            assert_eq!(refused(&file), [format!("storage.{driver}")]);
        }
    }
}

#[test]
fn what_is_switched_off_or_empty_is_no_reason() {
    for more in [
        "auth: none",
        "auth: {none: }",
        "auth: {}",
        "http: {tls: {certificate: '', clientcas: [], minimumtls: tls1.2}}",
        "proxy: {remoteurl: '', username: u}",
        "middleware: {storage: [{name: x, disabled: true}]}",
        "notifications: {events: {includereferences: true}, endpoints: [{disabled: true}]}",
        "log: {hooks: [{disabled: true}]}",
        "reporting: {bugsnag: {releasestage: x}}",
        "redis: {addr: 'h:6379', addrs: [a]}",
    ] {
        let loaded = with(&format!("{more}\n")).expect(more);
        assert_eq!(loaded.warnings, [], "{more}");
    }
}

#[test]
fn all_are_listed_at_once() {
    let file = "version: 0.1\nstorage: {s3: {bucket: b, secretkey: hunter2}}\nauth: htpasswd\n\
                http: {tls: {certificate: /c, key: /k}}\n";
    assert_eq!(
        refused(file),
        ["auth.htpasswd", "storage.s3", "http.tls.certificate", "http.tls.key"]
    );
    let message = error(loaded(file, &[]));
    assert_eq!(message.lines().count(), 6, "{message}");
    assert!(!message.contains("hunter2"));
}
