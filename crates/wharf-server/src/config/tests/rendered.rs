//! `wharf config check`: the effective configuration with origins.

use super::*;

#[test]
fn every_value_has_its_origin() {
    let environment = owned(&[("REGISTRY_LOG_LEVEL", "debug")]);
    let loaded = load(&Source {
        file: Some(("c.yml", "version: 0.1\nhttp:\n  addr: :5000\n  adr: :5001\n")),
        environment: &environment,
        overrides: Overrides {
            root: Some("/srv".into()),
            addr: None,
        },
        ignore_unsupported: false,
    });
    let rendered = loaded.expect("a configuration").render();
    for (key, value, origin) in [
        ("version", "0.1", "c.yml:1"),
        ("addr", ":5000", "c.yml:3"),
        ("adr", "<redacted>", "c.yml:4; unknown, ignored"),
        ("level", "debug", "REGISTRY_LOG_LEVEL"),
        ("rootdirectory", "/srv", "--root"),
        ("maxentries", "1000", "default"),
        ("age", "168h", "default"),
    ] {
        let line = rendered
            .lines()
            .find(|line| line.trim_start().starts_with(&format!("{key}:")));
        let line = line.unwrap_or_else(|| panic!("no {key} in\n{rendered}"));
        let (left, comment) = line.split_once("  # ").expect(line);
        assert_eq!(left.trim(), format!("{key}: {value}"));
        assert_eq!(comment, origin, "{line}");
    }
}

#[test]
fn an_address_from_the_command_line_is_shown_as_such() {
    let overrides = Overrides {
        root: None,
        addr: Some("127.0.0.1:0".to_owned()),
    };
    let loaded = load(&Source {
        overrides,
        ..Source::default()
    });
    let rendered = loaded.expect("flags").render();
    let line = rendered
        .lines()
        .find(|line| line.contains("127.0.0.1:0"))
        .expect("the address");
    assert!(line.ends_with("# --addr"), "{line}");
    assert!(rendered.contains("rootdirectory: ./data"), "{rendered}");
}

#[test]
fn values_that_do_not_count_say_why() {
    let file = format!(
        "{BASE}redis: {{addr: 'h:6379'}}\nauth: {{htpasswd: {{path: /p}}}}\n\
         proxy: {{username: u}}\n"
    );
    let loaded = load(&Source {
        file: Some(("c.yml", &file)),
        ignore_unsupported: true,
        ..Source::default()
    });
    let rendered = loaded.expect("the user insists").render();
    for (value, why) in [
        ("path: /p", "# c.yml:4; not supported, ignored"),
        ("username: u", "# c.yml:5; no effect"),
        ("addr: h:6379", "# c.yml:3; no effect"),
    ] {
        let line = rendered.lines().find(|line| line.contains(value)).expect(value);
        assert!(line.ends_with(why), "{line}");
    }
}

#[test]
fn secrets_are_not_shown() {
    let variables = [
        ("REGISTRY_HTTP_SECRTE", "hunter2"),
        ("REGISTRY_LOG_FIELDS_TOKEN", "hunter2"),
    ];
    let loaded = loaded(include_str!("full.yml"), &variables).expect("all keys");
    let rendered = loaded.render();
    assert!(rendered.contains("secret: <redacted>"), "{rendered}");
    assert!(rendered.contains("password: <redacted>"), "{rendered}");
    assert!(rendered.contains("https://<redacted>@hook.example"), "{rendered}");
    for text in [
        rendered,
        warnings(&loaded).join("\n"),
        format!("{:?}", loaded.config.http),
    ] {
        assert!(!text.contains("hunter2") && !text.contains("0644"), "{text}");
    }
}

#[test]
fn what_is_printed_configures_the_same() {
    let first = loaded(include_str!("full.yml"), &[]).expect("all keys");
    let again = loaded(&first.render(), &[]).expect("its own output");
    let without_origins = |rendered: &str| {
        let lines = rendered
            .lines()
            .map(|line| line.split("  # ").next().unwrap_or_default());
        lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(without_origins(&again.render()), without_origins(&first.render()));
    assert_eq!(again.config.limits, first.config.limits);
    assert_eq!(again.config.storage, first.config.storage);
    assert_eq!(again.config.health, first.config.health);
}
