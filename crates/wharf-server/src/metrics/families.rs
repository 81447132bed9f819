//! The families of metrics: their labels, and how each is registered.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::{BuildInfo, Handler};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct HandlerLabels {
    pub(super) handler: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) code: u16,
    pub(super) handler: &'static str,
    pub(super) method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct DurationLabels {
    pub(super) handler: &'static str,
    pub(super) method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ActionLabels {
    pub(super) action: &'static str,
    pub(super) driver: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CacheLabels {
    pub(super) r#type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct BuildLabels {
    pub(super) revision: &'static str,
    pub(super) version: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TaskLabels {
    pub(super) task: &'static str,
}

pub(super) type HistogramFamily<L> = Family<L, Histogram, fn() -> Histogram>;
pub(super) type Number = Gauge<u64, AtomicU64>;

/// Powers of two from 1 KiB to 2 GiB.
pub(super) fn sizes() -> Histogram {
    Histogram::new(exponential_buckets(1024.0, 2.0, 22))
}

/// The gauge of every handler, so that each is there from the start, as it is with registry:2.
pub(super) fn in_flight(registry: &mut Registry) -> [Gauge; Handler::ALL.len()] {
    let family = Family::<HandlerLabels, Gauge>::default();
    registry.register(
        "registry_http_in_flight_requests",
        "The in-flight HTTP requests",
        family.clone(),
    );
    Handler::ALL.map(|handler| {
        family.get_or_create_owned(&HandlerLabels {
            handler: handler.as_str(),
        })
    })
}

pub(super) fn register_build(registry: &mut Registry, build: BuildInfo) {
    let family = Family::<BuildLabels, Gauge>::default();
    let BuildInfo { revision, version } = build;
    family.get_or_create(&BuildLabels { revision, version }).set(1);
    registry.register("wharf_build_info", "Which wharf this is; always 1", family);
}

pub(super) fn task_success(registry: &mut Registry) -> Family<TaskLabels, Number> {
    let family = Family::default();
    let help = "When a background task last ended without an error, in seconds since 1970";
    registry.register(
        "wharf_task_last_success_timestamp_seconds",
        help,
        Family::clone(&family),
    );
    family
}

pub(super) fn number(registry: &mut Registry, name: &'static str, help: &'static str) -> Number {
    let gauge = Number::default();
    registry.register(name, help, gauge.clone());
    gauge
}

/// `name` without the `_total` that every counter gets.
pub(super) fn counters<L>(registry: &mut Registry, name: &'static str, help: &'static str) -> Family<L, Counter>
where
    L: EncodeLabelSet + Clone + Eq + Hash + Debug + Send + Sync + 'static,
{
    let family = Family::<L, Counter>::default();
    registry.register(name, help, family.clone());
    family
}

pub(super) fn histograms<L>(
    registry: &mut Registry,
    name: &'static str,
    help: &'static str,
    constructor: fn() -> Histogram,
) -> HistogramFamily<L>
where
    L: EncodeLabelSet + Clone + Eq + Hash + Debug + Send + Sync + 'static,
{
    let family = HistogramFamily::<L>::new_with_constructor(constructor);
    registry.register(name, help, family.clone());
    family
}
