//! Lines in every form, and what must never get into one.

use std::io;
use std::sync::Arc;

use tracing::{debug, error, info, info_span, warn};

use super::*;

#[derive(Debug, Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn now() -> Timestamp {
    "2026-11-22T05:38:59.686937766Z".parse().unwrap()
}

/// What the events of `work` make of the log.
fn logged(format: LogFormat, colour: bool, fields: &[(&str, Value)], work: impl FnOnce()) -> String {
    let output = Shared::default();
    let lines = Lines {
        style: Style { format, colour },
        fields: fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        now,
        output: Mutex::new(output.clone()),
    };
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter(LevelFilter::INFO)));
    tracing::subscriber::with_default(subscriber, work);
    String::from_utf8(output.0.lock().unwrap().clone()).unwrap()
}

fn text(work: impl FnOnce()) -> String {
    logged(LogFormat::Text, false, &[], work)
}

fn json(fields: &[(&str, Value)], work: impl FnOnce()) -> Value {
    let line = logged(LogFormat::Json, false, fields, work);
    assert_eq!(line.matches('\n').count(), 1, "{line}");
    serde_json::from_str(&line).unwrap()
}

#[test]
fn text_is_time_level_message_and_fields() {
    let line = text(|| info!(target: "wharf_server", status = 200, path = "/v2/", agent = "a b", ok = true, "done"));
    assert_eq!(
        line,
        "2026-11-22T05:38:59.686Z  INFO done status=200 path=/v2/ agent=\"a b\" ok=true\n"
    );
    let line = logged(
        LogFormat::Text,
        false,
        &[("service", "registry".into()), ("n", 5.into())],
        || {
            warn!(target: "wharf", n = 6, quote = "say \"a\\b\"", empty = "", "x");
        },
    );
    assert_eq!(
        line,
        "2026-11-22T05:38:59.686Z  WARN x n=6 quote=\"say \\\"a\\\\b\\\"\" empty=\"\" service=registry\n"
    );
}

#[test]
fn json_has_registry_2s_names() {
    let object = json(&[("service", "registry".into()), ("n", 5.into())], || {
        warn!(target: "wharf", duration_ms = 1.5, size_bytes = 7_u64, "slow");
    });
    assert_eq!(
        object,
        serde_json::json!({
            "time": "2026-11-22T05:38:59.686937Z", "level": "warning", "msg": "slow",
            "service": "registry", "n": 5, "duration_ms": 1.5, "size_bytes": 7,
        })
    );
    let line = logged(LogFormat::Logstash, false, &[], || error!(target: "wharf", "gone"));
    let object: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        object,
        serde_json::json!({
            "@timestamp": "2026-11-22T05:38:59.686937Z", "@version": "1", "level": "error", "message": "gone",
        })
    );
}

#[test]
fn a_field_cannot_take_the_place_of_time_level_or_message() {
    let object = json(&[("time", "never".into())], || {
        info!(target: "wharf", level = "none", msg = "forged", "real");
    });
    assert_eq!(object["msg"], "real");
    assert_eq!(object["level"], "info");
    assert_eq!(object["fields.msg"], "forged");
    assert_eq!(object["fields.level"], "none");
    assert_eq!(object["fields.time"], "never");
}

#[test]
fn spans_put_their_fields_on_every_line_within() {
    let object = json(&[("request_id", "constant".into())], || {
        let outer = info_span!(target: "wharf", "connection", peer = "::1", status = tracing::field::Empty);
        let inner = info_span!(target: "wharf", parent: &outer, "request", request_id = "r-1", peer = "127.0.0.1");
        outer.record("status", 404);
        inner.in_scope(|| info!(target: "wharf", method = "GET", "done"));
    });
    assert_eq!(
        (
            &object["request_id"],
            &object["peer"],
            &object["status"],
            &object["method"]
        ),
        (&"r-1".into(), &"127.0.0.1".into(), &404.into(), &"GET".into())
    );
    let line = text(|| {
        info_span!(target: "wharf", "request", request_id = "r-1").in_scope(|| info!(target: "wharf", n = 1, "done"));
    });
    assert!(line.ends_with(" INFO done request_id=r-1 n=1\n"), "{line}");
}

#[test]
fn one_event_is_one_line_and_no_escape_sequence_passes() {
    let evil = "a\r\n2026-11-22T05:38:59.686Z ERROR forged\u{1b}[31m\u{9b}2J\u{7f}\u{202e}\u{2028}\0é";
    let work = || {
        info_span!(target: "wharf", "request", of_span = evil)
            .in_scope(|| info!(target: "wharf", text = evil, shown = %evil, debugged = ?evil, "bad {evil}"));
    };
    for format in [LogFormat::Text, LogFormat::Json, LogFormat::Logstash] {
        let line = logged(format, false, &[("constant", evil.into())], work);
        let line = line.strip_suffix('\n').unwrap();
        let bad = |letter: &char| letter.is_control() || ('\u{2028}'..='\u{202e}').contains(letter);
        assert_eq!(line.chars().find(bad), None, "{line:?}");
        assert!(line.contains('é'), "what can be read stays: {line}");
        if format != LogFormat::Text {
            let object: Value = serde_json::from_str(line).unwrap();
            assert_eq!(object["text"], evil);
            assert_eq!(object["of_span"], evil);
            assert_eq!(object["constant"], evil);
        }
    }
    assert!(text(work).contains("bad a\\r\\n2026"));
}

#[test]
fn errors_come_with_their_causes() {
    #[derive(Debug)]
    struct Outer(io::Error);
    impl std::fmt::Display for Outer {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("can't read `x`")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let error = Outer(io::Error::other("disk gone"));
    let line = text(|| error!(target: "wharf", error = &error as &dyn std::error::Error, "failed"));
    assert!(
        line.ends_with("ERROR failed error=\"can't read `x`: disk gone\"\n"),
        "{line}"
    );
}

#[test]
fn libraries_are_heard_only_when_they_warn() {
    let line = text(|| {
        debug!(target: "wharf", "too fine");
        info!(target: "hyper::proto", "chatter");
        info!(target: "wharf_registry::gc", "ours");
        warn!(target: "hyper::proto", "trouble");
    });
    assert_eq!(line.lines().count(), 2, "{line}");
    assert!(line.contains("INFO ours") && line.contains("WARN trouble"));
    assert_eq!(
        filter(LevelFilter::ERROR),
        Targets::new()
            .with_default(LevelFilter::ERROR)
            .with_target("wharf", LevelFilter::ERROR)
    );
}

#[test]
fn colour_is_for_the_time_the_level_and_the_keys_only() {
    let line = logged(
        LogFormat::Text,
        true,
        &[],
        || error!(target: "wharf", key = "v", "message"),
    );
    assert_eq!(
        line,
        "\u{1b}[2m2026-11-22T05:38:59.686Z\u{1b}[0m \u{1b}[1;31mERROR\u{1b}[0m message \u{1b}[2mkey=\u{1b}[0mv\n"
    );
    let line = logged(
        LogFormat::Json,
        true,
        &[],
        || error!(target: "wharf", key = "v", "message"),
    );
    assert!(!line.contains('\u{1b}'));
}

#[test]
fn colour_is_off_where_it_is_not_wanted() {
    assert!(wants_colour(None, None));
    assert!(wants_colour(None, Some(OsStr::new("xterm"))));
    assert!(wants_colour(Some(OsStr::new("")), None));
    assert!(!wants_colour(Some(OsStr::new("1")), Some(OsStr::new("xterm"))));
    assert!(!wants_colour(None, Some(OsStr::new("dumb"))));
}

#[test]
fn what_is_not_a_terminal_gets_json() {
    assert_eq!(default_format(true), LogFormat::Text);
    assert_eq!(default_format(false), LogFormat::Json);
}
