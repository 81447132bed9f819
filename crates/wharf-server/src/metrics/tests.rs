//! Names, labels and buckets, checked against the lines that a registry 2.8.2 serves.

use std::collections::BTreeSet;

use super::*;

const BUILD: BuildInfo = BuildInfo {
    version: "1.2.3",
    revision: "abc",
};

fn metrics_after_one_request() -> Metrics {
    let metrics = Metrics::new(BUILD);
    metrics
        .begin(Handler::Manifest)
        .finish(&Method::GET, StatusCode::OK, 0, 1540);
    metrics
}

/// The names of all samples of a text, and that each line is of a form a Prometheus server reads.
fn sample_names(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut described = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect(line);
            assert!(matches!(kind, "counter" | "gauge" | "histogram"), "{line}");
            assert!(described.insert(name.to_owned()), "{name} is described twice");
            continue;
        }
        if line.starts_with("# HELP ") || line == "# EOF" {
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect(line);
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        assert!(labels.ends_with('}'), "{line}");
        names.insert(name.to_owned());
    }
    names
}

#[test]
fn requests_are_counted_under_registry_2s_names() {
    let text = metrics_after_one_request().render(Exposition::Classic);
    for line in [
        "# TYPE registry_http_in_flight_requests gauge",
        "registry_http_in_flight_requests{handler=\"manifest\"} 0",
        "registry_http_in_flight_requests{handler=\"blob_upload_chunk\"} 0",
        "# TYPE registry_http_requests_total counter",
        "registry_http_requests_total{code=\"200\",handler=\"manifest\",method=\"get\"} 1",
        "# TYPE registry_http_request_duration_seconds histogram",
        "registry_http_request_duration_seconds_bucket{le=\"60\",handler=\"manifest\",method=\"get\"} 1",
        "registry_http_request_duration_seconds_count{handler=\"manifest\",method=\"get\"} 1",
        "# TYPE registry_http_request_size_bytes histogram",
        "registry_http_request_size_bytes_bucket{le=\"1024\",handler=\"manifest\"} 1",
        "# TYPE registry_http_response_size_bytes histogram",
        "registry_http_response_size_bytes_bucket{le=\"1024\",handler=\"manifest\"} 0",
        "registry_http_response_size_bytes_bucket{le=\"2048\",handler=\"manifest\"} 1",
        "registry_http_response_size_bytes_bucket{le=\"2.147483648e+09\",handler=\"manifest\"} 1",
        "registry_http_response_size_bytes_bucket{le=\"+Inf\",handler=\"manifest\"} 1",
        "registry_http_response_size_bytes_sum{handler=\"manifest\"} 1540.0",
        "wharf_build_info{revision=\"abc\",version=\"1.2.3\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    sample_names(&text);
}

#[test]
fn the_buckets_are_registry_2s() {
    let metrics = metrics_after_one_request();
    metrics.storage_action("filesystem", "Stat", Duration::from_millis(7));
    let text = metrics.render(Exposition::Classic);
    let bounds = |name: &str| -> Vec<String> {
        let buckets = text
            .lines()
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix("_bucket{le=\""));
        buckets.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    };
    let seconds = [
        "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10",
    ];
    assert_eq!(
        bounds("registry_storage_action_seconds"),
        [&seconds[..], &["+Inf"]].concat()
    );
    let duration = bounds("registry_http_request_duration_seconds");
    assert_eq!(duration, [&seconds[..], &["25", "60", "+Inf"]].concat());
    let size = bounds("registry_http_request_size_bytes");
    assert_eq!(
        (size.len(), size[0].as_str(), size[21].as_str()),
        (23, "1024", "2.147483648e+09")
    );
    assert!(text.contains("registry_storage_action_seconds_count{action=\"Stat\",driver=\"filesystem\"} 1\n"));
    assert!(text.contains("registry_storage_action_seconds_sum{action=\"Stat\",driver=\"filesystem\"} 0.007\n"));
}

#[test]
fn requests_in_flight_go_down_whether_finished_or_not() {
    let metrics = Metrics::new(BUILD);
    let value = || {
        let text = metrics.render(Exposition::Classic);
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("registry_http_in_flight_requests{handler=\"blob\"} "));
        line.unwrap().to_owned()
    };
    let (first, second) = (metrics.begin(Handler::Blob), metrics.begin(Handler::Blob));
    assert_eq!(value(), "2");
    drop(first);
    assert_eq!(value(), "1");
    second.finish(&Method::HEAD, StatusCode::NOT_FOUND, 0, 0);
    assert_eq!(value(), "0");
    assert!(
        !metrics
            .render(Exposition::Classic)
            .contains("requests_total{code=\"499\"")
    );
}

#[test]
fn what_a_client_sends_never_becomes_a_label() {
    let metrics = Metrics::new(BUILD);
    for method in ["BREW", "get", "X\u{2d}Y"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        metrics.begin(Handler::Base).finish(&method, StatusCode::OK, 0, 0);
    }
    let text = metrics.render(Exposition::Classic);
    assert!(text.contains("registry_http_requests_total{code=\"200\",handler=\"base\",method=\"unknown\"} 3\n"));
    assert_eq!(text.matches("registry_http_requests_total{").count(), 1);
}

#[test]
fn our_own_numbers_are_settable() {
    let metrics = Metrics::new(BUILD);
    metrics.set_uploads_open(2);
    metrics.set_totals(Totals {
        repositories: 3,
        manifests: 4,
        tags: 5,
        blobs: 6,
        confirmed_repositories: 7,
    });
    metrics.task_succeeded("purge", 1_795_000_000);
    metrics.cache_lookup(true);
    metrics.cache_lookup(false);
    let text = metrics.render(Exposition::Classic);
    for line in [
        "wharf_uploads_open 2",
        "wharf_repositories 3",
        "wharf_repositories_confirmed 7",
        "wharf_manifests 4",
        "wharf_tags 5",
        "wharf_blobs 6",
        "wharf_task_last_success_timestamp_seconds{task=\"purge\"} 1795000000",
        "# TYPE registry_storage_cache_total counter",
        "registry_storage_cache_total{type=\"Request\"} 2",
        "registry_storage_cache_total{type=\"Hit\"} 1",
        "registry_storage_cache_total{type=\"Miss\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[test]
fn the_process_is_described() {
    let text = Metrics::new(BUILD).render(Exposition::Classic);
    let value = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.expect(name).parse().unwrap()
    };
    assert!(value("process_resident_memory_bytes") > 100_000.0);
    assert!(value("process_virtual_memory_bytes") > value("process_resident_memory_bytes"));
    assert!((1.0..1e6).contains(&value("process_open_fds")));
    assert!(value("process_max_fds") >= value("process_open_fds"));
    assert!(value("process_threads") >= 1.0);
    assert!(value("process_cpu_seconds_total") >= 0.0);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs_f64();
    let started = value("process_start_time_seconds");
    assert!(started <= now + 1.0 && started > now - 86_400.0, "{started} {now}");
    assert!(text.contains("# TYPE process_cpu_seconds_total counter\n"));
}

#[test]
fn open_metrics_is_served_to_who_asks_for_it() {
    for (accept, exposition) in [
        ("", Exposition::Classic),
        ("*/*", Exposition::Classic),
        ("text/plain; version=0.0.4", Exposition::Classic),
        (
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Exposition::OpenMetrics,
        ),
        (
            "text/plain;q=0.5, application/openmetrics-text;version=1.0.0;q=0.8",
            Exposition::OpenMetrics,
        ),
        ("application/openmetrics-text; version=0.0.1", Exposition::Classic),
        ("application/openmetrics-text;q=0, text/plain", Exposition::Classic),
        ("application/openmetrics-textual", Exposition::Classic),
    ] {
        assert_eq!(Exposition::negotiate(accept), exposition, "{accept}");
    }
    let text = metrics_after_one_request().render(Exposition::OpenMetrics);
    assert!(text.ends_with("\n# EOF\n"));
    assert!(text.contains("# TYPE registry_http_requests counter\nregistry_http_requests_total{"));
    assert_eq!(
        sample_names(&text),
        sample_names(&metrics_after_one_request().render(Exposition::Classic))
    );
}
