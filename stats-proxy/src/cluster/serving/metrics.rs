//! What the server measures of itself, in the OpenMetrics text format.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use otlp_sender::OtlpSender;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::sent::Sent;
use crate::cluster::{ClusterKubelets, Kind, Progress};

pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Of all names but the usual ones of processes.
const PREFIX: &str = "stats_proxy";

/// Upper bounds in seconds.
const BUCKETS: [f64; 10] = [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];

/// The metrics of a server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<Route, Histogram>,
    connections: Gauge,
    turned_away: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

impl Metrics {
    /// Of a server for these kubelets.
    pub fn new(kubelets: Arc<ClusterKubelets>, progress: Arc<Progress>) -> Self {
        let mut registry = Registry::default();
        let requests = Family::default();
        let durations = Family::<Route, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        let (connections, turned_away) = (Gauge::default(), Counter::default());
        let own = registry.sub_registry_with_prefix(PREFIX);
        own.register("requests", "Requests that were answered", requests.clone());
        own.register(
            "request_duration_seconds",
            "Time from a request's head to its answer",
            durations.clone(),
        );
        own.register("connections", "Connections that are open", connections.clone());
        own.register(
            "connections_turned_away",
            "Connections beyond the most that may be open",
            turned_away.clone(),
        );
        own.register_collector(Box::new(Cluster { kubelets, progress }));
        registry.register_collector(Box::new(Process));
        Self { registry, requests, durations, connections, turned_away }
    }

    /// These, and how sending goes.
    pub fn with_sender(mut self, sender: OtlpSender) -> Self {
        self.registry.sub_registry_with_prefix(PREFIX).register_collector(Box::new(Sent(sender)));
        self
    }

    /// All of them.
    pub fn text(&self) -> String {
        let mut page = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut page, &self.registry);
        page
    }

    pub(super) fn answered(&self, route: &str, status: StatusCode, time: Duration) {
        let route = route.to_owned();
        self.durations.get_or_create(&Route { route: route.clone() }).observe(time.as_secs_f64());
        self.requests.get_or_create(&Answered { route, code: status.as_u16() }).inc();
    }

    pub(super) fn connected(&self) {
        self.connections.inc();
    }

    pub(super) fn disconnected(&self) {
        self.connections.dec();
    }

    pub(super) fn turned_away(&self) {
        self.turned_away.inc();
    }
}

/// What is known of the cluster, and how it is followed.
struct Cluster {
    kubelets: Arc<ClusterKubelets>,
    progress: Arc<Progress>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}

impl Collector for Cluster {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (nodes, pods, claims) = self.kubelets.counts();
        let states = Kind::ALL.map(|kind| (kind, self.progress.of(kind)));
        let counts = [(Kind::Nodes, nodes), (Kind::Pods, pods), (Kind::Claims, claims)];
        gauges(
            &mut encoder,
            "objects",
            "Objects that are known",
            counts.map(|(kind, count)| (kind, count as i64)),
        )?;
        let up = states.each_ref().map(|(kind, state)| (*kind, i64::from(state.trouble.is_none())));
        gauges(&mut encoder, "watch_up", "Whether objects of a kind are followed without trouble", up)?;
        let listed = states.each_ref().map(|(kind, state)| (*kind, i64::from(state.listed)));
        gauges(&mut encoder, "watch_synced", "Whether all objects of a kind were listed once", listed)?;
        for (name, help, value) in [
            (
                "watch_lists",
                "How often all objects of a kind were listed",
                states.each_ref().map(|(_, s)| s.lists),
            ),
            ("watch_starts", "How often a watch was begun", states.each_ref().map(|(_, s)| s.watches)),
            (
                "watch_failures",
                "How often listing or watching failed",
                states.each_ref().map(|(_, s)| s.failures),
            ),
            ("watch_events", "Objects that came, changed or went", states.each_ref().map(|(_, s)| s.events)),
        ] {
            let counter = ConstCounter::new(0_u64);
            let mut family = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            for (kind, value) in Kind::ALL.into_iter().zip(value) {
                ConstCounter::new(value).encode(family.encode_family(&[("kind", kind.name())])?)?;
            }
        }
        Ok(())
    }
}

fn gauges(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Kind, i64)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, ConstGauge::new(0_i64).metric_type())?;
    for (kind, value) in values {
        ConstGauge::new(value).encode(family.encode_family(&[("kind", kind.name())])?)?;
    }
    Ok(())
}

/// Of the operating system.
#[derive(Debug)]
struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(memory) = memory_stats::memory_stats() else { return Ok(()) };
        let gauge = ConstGauge::new(i64::try_from(memory.physical_mem).unwrap_or(i64::MAX));
        let help = "Memory of the process that is in the machine's memory";
        gauge.encode(encoder.encode_descriptor(
            "process_resident_memory_bytes",
            help,
            None,
            gauge.metric_type(),
        )?)
    }
}
