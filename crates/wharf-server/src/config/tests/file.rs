//! What the file says, and what is refused.

use std::path::Path;
use std::time::Duration;

use super::*;

#[test]
fn without_a_file_wharf_has_defaults_of_its_own() {
    let loaded = load(&Source::default()).expect("defaults");
    let Config { storage, http, .. } = loaded.config;
    assert_eq!(storage, Storage::default());
    assert_eq!(http, Http::default());
    assert_eq!(storage.root, Path::new("./data"));
    assert!(storage.delete_enabled);
    assert_eq!(http.listen.to_string(), "127.0.0.1:5000");
    assert_eq!(loaded.warnings, []);
}

#[test]
fn the_image_of_registry_2_8_starts() {
    let loaded = loaded(IMAGE_2_8, &[]).expect("registry:2's own file");
    assert_eq!(loaded.warnings, []);
    let Config {
        log,
        storage,
        http,
        health,
        ..
    } = loaded.config;
    assert_eq!(log.fields.get("service"), Some(&"registry".into()));
    assert_eq!((log.level, log.format, log.access), (LogLevel::Info, None, true));
    assert_eq!(storage.root, Path::new("/var/lib/registry"));
    assert!(!storage.delete_enabled);
    assert_eq!(storage.upload_purging, Some(UploadPurging::default()));
    assert_eq!(http.listen.to_string(), ":5000");
    assert_eq!(http.headers.len(), 1);
    assert_eq!(http.headers[0].0, "x-content-type-options");
    assert_eq!(http.headers[0].1, "nosniff");
    let times = CheckTimes {
        interval: Duration::from_secs(10),
        threshold: 3,
    };
    assert_eq!(health.storage, Some(times));
}

#[test]
fn with_a_file_registry_2_s_defaults_count() {
    let config = with("").expect("the least file").config;
    assert!(!config.storage.delete_enabled);
    assert!(!config.storage.read_only);
    assert_eq!(config.catalog_max_entries, 1000);
    assert_eq!(config.tags_max, None);
    assert_eq!(config.http.drain_timeout, Duration::from_secs(30));
    assert_eq!(config.health, Health::default());
    let file = "version: 0.1\nstorage: filesystem\n";
    let config = loaded(file, &[]).expect("a bare driver name").config;
    assert_eq!(config.storage.root, Path::new("/var/lib/registry"));
}

#[test]
fn every_honoured_key_is_read() {
    let config = loaded(include_str!("full.yml"), &[]).expect("all keys").config;
    let Config {
        log,
        storage,
        http,
        health,
        ..
    } = &config;
    assert_eq!((log.level, log.format), (LogLevel::Debug, Some(LogFormat::Logstash)));
    assert!(!log.access);
    assert_eq!(log.fields["nested"], serde_json::json!({"n": 7, "yes": true}));
    assert_eq!(storage.root, Path::new("/srv/data"));
    assert!(storage.delete_enabled && storage.read_only);
    let purging = storage.upload_purging.expect("purging");
    assert_eq!(purging.age, Duration::from_hours(72));
    assert_eq!((purging.interval, purging.dry_run), (Duration::from_mins(90), true));
    assert_eq!(http.listen.to_string(), "127.0.0.1:5443");
    assert_eq!(
        http.host.as_ref().map(ToString::to_string).as_deref(),
        Some("https://r.example/")
    );
    assert_eq!(http.prefix.as_str(), "/images/");
    assert_eq!(http.secret.as_ref().map(Secret::expose), Some("0644"));
    assert!(http.relative_urls && !http.http2);
    assert_eq!(http.drain_timeout, Duration::from_secs(5));
    let debug = http.debug.as_ref().expect("the debug listener");
    assert_eq!(debug.address.to_string(), ":5001");
    assert_eq!(debug.metrics_path.as_deref(), Some("/prom"));
    assert_eq!(health.storage.map(|times| times.threshold), Some(1));
    assert_eq!(health.files[0].path, Path::new("/run/down"));
    assert_eq!(health.files[0].times.interval, Duration::from_secs(2));
    assert_eq!(health.tcp[0].address.to_string(), "db:5432");
    assert_eq!(health.tcp[0].timeout, Duration::from_secs(3));
    assert_eq!((config.catalog_max_entries, config.tags_max), (420, Some(50)));
    assert_eq!(
        config.schema1_signing_key_file.as_deref(),
        Some(Path::new("/etc/key.json"))
    );
    assert_eq!(config.allowed_classes, [ManifestClass::Image, ManifestClass::Plugin]);
    assert!(config.validation.foreign_urls.permit("https://a.example/x"));
    assert!(!config.validation.foreign_urls.permit("https://b.example/x"));
    let (architecture, os) = ("amd64".to_owned(), "linux".to_owned());
    let listed = IndexChildren::Listed(vec![IndexPlatform { architecture, os }]);
    assert_eq!(config.validation.index_children, listed);
    let limits = Limits {
        manifest_max_bytes: 1 << 20,
        uploads_max: 7,
        header_timeout: Duration::from_secs(1),
        body_timeout: Duration::from_secs(2),
        write_timeout: Duration::from_secs(3),
        manifest_sparse: false,
        header_max_bytes: 16_384,
        uri_max_bytes: 4096,
    };
    assert_eq!(config.limits, limits);
}

#[test]
fn values_are_understood_as_registry_2_understands_them() {
    let config = with("http: {addr: :5000, relativeurls: on, draintimeout: 2000000000}\n");
    let http = config.expect("YAML 1.1").config.http;
    assert!(http.relative_urls);
    assert_eq!(http.drain_timeout, Duration::from_secs(2));
    let config = with("loglevel: WARN\ncatalog: {maxentries: -1}\ntags: {maxtags: 0}\n");
    let config = config.expect("the older key").config;
    assert_eq!(config.log.level, LogLevel::Warn);
    assert_eq!((config.catalog_max_entries, config.tags_max), (1000, None));
    let config = with("http:\ncatalog:\nlog: {level: , fields: }\nauth:\n").expect("empty keys");
    assert_eq!(config.config.http.listen, Http::default().listen);
    let config = with("http: {net: unix, addr: /run/r.sock}\n").expect("a socket").config;
    assert_eq!(config.http.listen, Listen::Unix("/run/r.sock".into()));
    let config = with("validation: {disabled: true, manifests: {urls: {deny: [.]}}}\n");
    assert!(
        config
            .expect("no rules")
            .config
            .validation
            .foreign_urls
            .permit("https://x")
    );
    let config = with("validation: {enabled: true, disabled: true, manifests: {urls: {deny: [.]}}}\n");
    assert!(
        !config
            .expect("rules")
            .config
            .validation
            .foreign_urls
            .permit("https://x")
    );
}

#[test]
fn an_upload_purging_section_needs_not_be_complete() {
    let config = |section: &str| {
        let yaml = "version: 0.1\nstorage: {filesystem: {}, maintenance: {uploadpurging: ";
        loaded(&format!("{yaml}{section}}}}}\n"), &[])
    };
    let purging = |section| config(section).expect(section).config.storage.upload_purging;
    let defaults = UploadPurging::default();
    assert_eq!(purging("{enabled: true}"), Some(defaults));
    assert_eq!(purging(""), Some(defaults));
    assert_eq!(purging("{enabled: false}"), None);
    assert_eq!(
        purging("{dryrun: true}"),
        Some(UploadPurging {
            dry_run: true,
            ..defaults
        })
    );
    assert!(error(config("{age: 168}")).contains("with its unit, such as 168h"));
    assert!(error(config("{age: 0s}")).contains("at least 1ms"));
}

#[test]
fn flags_count_before_the_file() {
    let file = "version: 0.1\nhttp: {net: unix, addr: /run/r.sock}\n";
    let mut source = Source {
        file: Some(("c.yml", file)),
        ..Source::default()
    };
    assert!(error(load(&source)).contains("`storage` is without a driver"));
    source.overrides.root = Some("/elsewhere".into());
    source.overrides.addr = Some("127.0.0.1:0".to_owned());
    let config = load(&source).expect("flags").config;
    assert_eq!(config.storage.root, Path::new("/elsewhere"));
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:0");
    source.overrides.addr = Some("5000".to_owned());
    assert_eq!(
        error(load(&source)),
        "configuration error: `--addr` is `5000`; allowed: HOST:PORT, or :PORT for all \
         interfaces (it has no `:PORT`)"
    );
}

/// Lines of the form `YAML => part of the message`.
const WRONG_VALUES: &str = include_str!("wrong_values.txt");

#[test]
fn wrong_values_are_refused_with_key_place_and_what_is_allowed() {
    for row in WRONG_VALUES.lines() {
        let (more, message) = row.split_once(" => ").expect(row);
        let error = error(with(&format!("{more}\n")));
        assert!(error.starts_with("configuration error: "), "{error}");
        assert!(error.contains(message), "{more}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn all_wrong_values_are_named_at_once() {
    let error = error(with("http: {net: udp}\nlog: {level: x}\ncatalog: {maxentries: 1}\n"));
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines[0], "configuration error:");
    assert!(
        lines[1].starts_with("  `log.level`") && lines[2].starts_with("  `http.net`"),
        "{error}"
    );
}

#[test]
fn storage_names_exactly_one_driver() {
    for (storage, message) in [
        (
            "",
            "`storage` is without a driver; allowed: `storage.filesystem.rootdirectory`, or `--root DIR`",
        ),
        ("storage: {}", "`storage` is without a driver"),
        ("storage: {delete: {enabled: true}}", "`storage` is without a driver"),
        (
            "storage: {filesystem: {}, s3: {}}",
            "several drivers: filesystem (c.yml:2), s3 (c.yml:2); allowed: exactly one",
        ),
        (
            "storage: {filesystem: {}, deleet: {}}",
            "`storage.deleet` (c.yml:2) is unknown",
        ),
        (
            "storage: bogus",
            "`storage.bogus` (c.yml:2) is unknown; allowed: filesystem, inmemory",
        ),
        (
            "storage: {filesystem: 3}",
            "`storage.filesystem` (c.yml:2) is `3`; allowed: a section of keys",
        ),
    ] {
        let error = error(loaded(&format!("version: 0.1\n{storage}\n"), &[]));
        assert!(error.contains(message), "{storage}: {error}");
    }
    let file = "version: 0.1\nstorage: {filesystem: }\n";
    assert!(loaded(file, &[]).is_ok());
}

#[test]
fn the_version_is_0_1() {
    for version in ["0.1", "'0.1'"] {
        assert!(loaded(&format!("version: {version}\nstorage: filesystem\n"), &[]).is_ok());
    }
    for (file, message) in [
        ("storage: filesystem\n", "`version` (c.yml) is missing; allowed: 0.1"),
        ("", "`version` (c.yml) is missing"),
        ("version: 0.10\n", "`version` (c.yml:1) is `0.10`; allowed: 0.1"),
        ("version: [1]\n", "`version` (c.yml:1) is a list"),
        ("- version\n", "`version` (c.yml) is missing"),
    ] {
        assert!(error(loaded(file, &[])).contains(message), "{file}");
    }
}

#[test]
fn what_is_no_yaml_is_refused_with_its_line() {
    let error = error(loaded("version: 0.1\nhttp: {addr: [\n", &[]));
    assert!(error.starts_with("configuration error: `c.yml:"), "{error}");
    assert!(error.contains("is not valid YAML"), "{error}");
}

#[test]
fn unknown_keys_are_warnings_that_name_the_nearest_known_key() {
    let yaml = "htp: {}\nhttp: {adr: x, tls: {certificat: y}}\ndelete: {enabled: true}\n\
                health: {file: [{path: /x, file: /y}]}\n\"a\\nb\": 1\n";
    let loaded = with(yaml).expect("unknown keys do not stop the server");
    assert_eq!(
        warnings(&loaded),
        [
            "unknown key `htp` (c.yml:3) is ignored; the nearest known key is `http`",
            "unknown key `http.adr` (c.yml:4) is ignored; the nearest known key is `http.addr`",
            "unknown key `http.tls.certificat` (c.yml:4) is ignored; the nearest known key is \
             `http.tls.certificate`",
            "unknown key `delete` (c.yml:5) is ignored; the nearest known key is `storage.delete`",
            "unknown key `health.file[0].path` (c.yml:6) is ignored; the nearest known key is \
             `http.debug.prometheus.path`",
            "unknown key `a\\nb` (c.yml:7) is ignored; the nearest known key is `log`",
        ]
    );
}

#[test]
fn doubtful_values_are_warnings() {
    for (more, warning) in [
        (
            "http: {addr: ':1'}\nhttp: {addr: ':2'}",
            "`http` is given twice; the later one (c.yml:4) counts",
        ),
        (
            "http: {host: registry.example}",
            "`http.host` has no effect without `http://` or `https://` in front",
        ),
        (
            "http: {draintimeout: 10}",
            "`http.draintimeout` is 10ns: a bare number counts nanoseconds, as in registry:2; `10s` is ten seconds",
        ),
        (
            "http: {debug: {prometheus: {enabled: true}}}",
            "`http.debug.prometheus.enabled` has no effect without `http.debug.addr`",
        ),
        (
            "compatibility: {schema1: {enabled: true}}",
            "`compatibility.schema1.enabled` has no effect: manifests of schema 1 are never accepted; clients that ask for them get conversions in any case",
        ),
    ] {
        let loaded = with(&format!("{more}\n")).expect(more);
        assert_eq!(warnings(&loaded), [warning], "{more}");
    }
    let file = "version: 0.1\nstorage: {filesystem: {}, cache: {blobdescriptor: redis}}\n";
    let loaded = loaded(file, &[]).expect("a cache is no reason not to start");
    assert!(warnings(&loaded)[0].contains("redis is not used"));
}
