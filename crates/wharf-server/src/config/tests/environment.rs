//! `REGISTRY_*` variables over the file.

use std::path::Path;
use std::time::Duration;

use super::*;

#[test]
fn a_variable_replaces_one_value() {
    let config = with_variables(&[
        ("REGISTRY_HTTP_ADDR", "0.0.0.0:5443"),
        ("REGISTRY_HTTP_SECRET", "0644"),
        ("REGISTRY_HTTP_RELATIVEURLS", "yes"),
        ("REGISTRY_HTTP_DRAINTIMEOUT", "7s"),
        ("REGISTRY_LOG_LEVEL", "WARN"),
        ("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "/elsewhere"),
        ("REGISTRY_STORAGE_DELETE_ENABLED", "true"),
        ("REGISTRY_CATALOG_MAXENTRIES", "5"),
        ("REGISTRY_COMPATIBILITY_SCHEMA1_TRUSTKEY", "/key"),
        ("REGISTRY_WHARF_HTTP_BODYTIMEOUT", "2s"),
        ("PATH", "/bin"),
        ("registry_http_addr", "nobody reads this"),
    ]);
    let loaded = config.expect("variables");
    assert_eq!(loaded.warnings, []);
    let config = loaded.config;
    assert_eq!(config.http.listen.to_string(), "0.0.0.0:5443");
    assert_eq!(config.http.secret.as_ref().map(Secret::expose), Some("0644"));
    assert!(config.http.relative_urls && config.storage.delete_enabled);
    assert_eq!(config.http.drain_timeout, Duration::from_secs(7));
    assert_eq!(config.log.level, LogLevel::Warn);
    assert_eq!(config.storage.root, Path::new("/elsewhere"));
    assert_eq!(config.catalog_max_entries, 5);
    assert_eq!(config.schema1_signing_key_file.as_deref(), Some(Path::new("/key")));
    assert_eq!(config.limits.body_timeout, Duration::from_secs(2));
}

#[test]
fn variables_work_without_a_file() {
    let environment = owned(&[
        ("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "/srv"),
        ("REGISTRY_STORAGE_DELETE_ENABLED", "false"),
    ]);
    let source = Source {
        environment: &environment,
        ..Source::default()
    };
    let storage = load(&source).expect("variables").config.storage;
    assert_eq!(storage.root, Path::new("/srv"));
    assert!(!storage.delete_enabled);
}

#[test]
fn an_empty_value_unsets() {
    let file = format!("{BASE}http: {{secret: x, addr: ':1'}}\n");
    let variables = [("REGISTRY_HTTP_SECRET", ""), ("REGISTRY_HTTP_ADDR", " ")];
    let http = loaded(&file, &variables).expect("empty variables").config.http;
    assert_eq!((http.secret, http.listen), (None, Http::default().listen));
}

#[test]
fn a_parent_is_applied_before_its_children_and_replaces_everything() {
    let file = format!("{BASE}http: {{addr: ':1', prefix: /a/}}\n");
    let variables = [
        ("REGISTRY_HTTP_PREFIX", "/b/"),
        ("REGISTRY_HTTP", "{addr: ':2', prefix: /c/}"),
    ];
    let http = loaded(&file, &variables).expect("parent and child").config.http;
    assert_eq!(http.listen.to_string(), ":2");
    assert_eq!(http.prefix.as_str(), "/b/");
    let http = loaded(&file, &[("REGISTRY_HTTP", "{addr: ':2'}")])
        .expect("parent")
        .config
        .http;
    assert_eq!(http.prefix.as_str(), "/");
}

#[test]
fn a_whole_section_can_be_named_by_its_driver() {
    let result = with_variables(&[("REGISTRY_STORAGE", "inmemory")]);
    let Err(ConfigError::Unsupported(sections)) = result else {
        panic!("the variable replaces the file's driver: {result:?}");
    };
    assert_eq!(sections[0].key(), "storage.inmemory");
    let variables = [
        ("REGISTRY_STORAGE", "filesystem"),
        ("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "/x"),
    ];
    let file = "version: 0.1\nstorage: inmemory\n";
    let config = loaded(file, &variables).expect("parent, then child").config;
    assert_eq!(config.storage.root, Path::new("/x"));
    let file = format!("{BASE}auth: {{htpasswd: {{path: /x}}}}\n");
    assert!(loaded(&file, &[("REGISTRY_AUTH", "none")]).is_ok());
    assert!(error(with_variables(&[("REGISTRY_STORAGE", "")])).contains("without a driver"));
}

#[test]
fn a_second_driver_is_an_error() {
    for (variable, message) in [
        (
            "REGISTRY_STORAGE_S3_BUCKET",
            "several drivers: filesystem (c.yml:2), s3 (REGISTRY_STORAGE_S3_BUCKET)",
        ),
        (
            "REGISTRY_STORAGE_FILESYTEM_ROOTDIRECTORY",
            "(the nearest is `storage.filesystem`)",
        ),
    ] {
        let error = error(with_variables(&[(variable, "x")]));
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn maps_match_keys_in_any_case_and_create_lower_case() {
    let file = format!("{BASE}http: {{headers: {{X-One: [a]}}}}\nlog: {{fields: {{Service: s}}}}\n");
    let config = loaded(
        &file,
        &[
            ("REGISTRY_HTTP_HEADERS_X-ONE", "[b, 2]"),
            ("REGISTRY_HTTP_HEADERS_X-Two", "[c]"),
            ("REGISTRY_LOG_FIELDS_SERVICE", "t"),
            ("REGISTRY_LOG_FIELDS_DATA_CENTRE", "7"),
        ],
    );
    let config = config.expect("maps").config;
    let headers = config.http.headers.iter();
    let headers: Vec<(&str, &[u8])> = headers.map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    assert_eq!(
        headers,
        [("x-one", &b"b"[..]), ("x-one", &b"2"[..]), ("x-two", &b"c"[..])]
    );
    let fields = serde_json::json!({"Service": "t", "data": {"centre": 7}});
    assert_eq!(serde_json::Value::Object(config.log.fields), fields);
}

#[test]
fn maintenance_works_piece_by_piece_and_as_a_whole() {
    for (variables, read_only, purging) in [
        (
            &[("REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED", "true")][..],
            true,
            true,
        ),
        (
            &[("REGISTRY_STORAGE_MAINTENANCE_READONLY", "{enabled: true}")],
            true,
            true,
        ),
        (
            &[("REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING_ENABLED", "false")],
            false,
            false,
        ),
        (&[("REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING_AGE", "1h")], false, true),
    ] {
        let storage = with_variables(variables).expect("maintenance").config.storage;
        assert_eq!(storage.read_only, read_only, "{variables:?}");
        assert_eq!(storage.upload_purging.is_some(), purging, "{variables:?}");
    }
}

#[test]
fn lists_are_replaced_as_a_whole_only() {
    let variable = ("REGISTRY_HEALTH_FILECHECKERS", "[{file: /down}, {file: /out}]");
    let health = with_variables(&[variable]).expect("a list").config.health;
    assert_eq!(health.files.len(), 2);
    let variables = [("REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL", "https://hook.example")];
    let loaded = with_variables(&variables).expect("an index");
    assert_eq!(
        warnings(&loaded),
        [
            "unknown variable `REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL` is ignored; the nearest known \
          variable is `REGISTRY_NOTIFICATIONS_ENDPOINTS`"
        ]
    );
}

#[test]
fn unknown_variables_are_warnings_that_name_the_working_one() {
    for (variable, nearest) in [
        ("REGISTRY_HTTP_ADR", "REGISTRY_HTTP_ADDR"),
        ("REGISTRY_HTTP_ADDR_PORT", "REGISTRY_HTTP_ADDR"),
        ("REGISTRY_HEALTH_FILE", "REGISTRY_HEALTH_FILECHECKERS"),
        (
            "REGISTRY_NOTIFICATIONS_EVENTS_INCLUDEREFERENCES",
            "REGISTRY_NOTIFICATIONS_EVENTCONFIG_INCLUDEREFERENCES",
        ),
        (
            "REGISTRY_COMPATIBILITY_SCHEMA1_SIGNINGKEYFILE",
            "REGISTRY_COMPATIBILITY_SCHEMA1_TRUSTKEY",
        ),
        ("REGISTRY_", "REGISTRY_LOG"),
        ("REGISTRY__LOG", "REGISTRY_LOG"),
    ] {
        let loaded = with_variables(&[(variable, "x")]).expect(variable);
        let warning = format!("unknown variable `{variable}` is ignored; the nearest known variable is `{nearest}`");
        assert_eq!(warnings(&loaded), [warning]);
    }
    let variable = ("REGISTRY_STORAGE_FILESYSTEM_ROOTDIR", "/x");
    let loaded = with_variables(&[variable]).expect("a key of a map");
    assert_eq!(
        warnings(&loaded),
        ["unknown key `storage.filesystem.rootdir` (variable \
          `REGISTRY_STORAGE_FILESYSTEM_ROOTDIR`) is ignored; the nearest known key is \
          `storage.filesystem.rootdirectory`, the nearest known variable \
          `REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY`"]
    );
}

#[test]
fn wrong_values_are_refused_with_the_variable_s_name() {
    for (variable, value, message) in [
        (
            "REGISTRY_CATALOG_MAXENTRIES",
            "abc",
            "`catalog.maxentries` (REGISTRY_CATALOG_MAXENTRIES) is `abc`; allowed: a whole number",
        ),
        (
            "REGISTRY_LOG_LEVEL",
            "bogus",
            "`log.level` (REGISTRY_LOG_LEVEL) is `bogus`",
        ),
        (
            "REGISTRY_HTTP",
            "5",
            "`http` (REGISTRY_HTTP) is `5`; allowed: a section of keys",
        ),
        (
            "REGISTRY_HTTP_HEADERS_X-A",
            "5",
            "`http.headers.x-a` (REGISTRY_HTTP_HEADERS_X-A) is `5`",
        ),
        (
            "REGISTRY_STORAGE_FILESYSTEM",
            "[a",
            "`REGISTRY_STORAGE_FILESYSTEM` is not valid YAML",
        ),
        ("REGISTRY_AUTH", "htpaswd", "`auth.htpaswd` (REGISTRY_AUTH) is unknown"),
    ] {
        let error = error(with_variables(&[(variable, value)]));
        assert!(error.contains(message), "{variable}: {error}");
    }
}

#[test]
fn some_variables_with_the_prefix_are_no_keys() {
    let loaded = with_variables(&[
        ("REGISTRY_CONFIGURATION_PATH", "/etc/config.yml"),
        ("REGISTRY_VERSION", "0.1"),
    ]);
    assert_eq!(loaded.expect("not keys").warnings, []);
    let loaded = with_variables(&[("REGISTRY_AUTH_FILE", "/home/u/auth.json"), ("REGISTRY_VERSION", "9")]);
    let warnings = warnings(&loaded.expect("not keys"));
    assert!(warnings[0].contains("podman"), "{warnings:?}");
    assert!(warnings[1].contains("the version in the file counts"), "{warnings:?}");
}
