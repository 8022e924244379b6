//! The files under `deploy/` that say what the collectors send are ones that our receivers understand.

#![allow(clippy::unwrap_used, reason = "a test stops at what it cannot read")]

mod shared;

use std::path::Path;

use catalogue::{Attribute, MetricDef, Point, Resource, Sink};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};
use kubelet_stats::host;
use receivers::{
    ExtraLabel, HostMetricsReceiver, HostMetricsSettings, K8sClusterSettings, KubeletStatsSettings,
    MetricGroup, Scraper,
};
use serde::de::DeserializeOwned;

use shared::for_dashboards;

fn read<T: DeserializeOwned>(file: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/collector").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Counts points.
#[derive(Default)]
struct Count(usize);

impl Sink for Count {
    fn record(&mut self, _: &Resource, _: &'static MetricDef, _: &[Attribute<'_>], _: Point) {
        self.0 += 1;
    }
}

#[test]
fn kubelet_stats_sends_all_groups_claims_and_uptimes() {
    let settings: KubeletStatsSettings = read("kubelet_stats.yaml");
    let mut expected = KubeletStatsSettings {
        metric_groups: [MetricGroup::Node, MetricGroup::Pod, MetricGroup::Container, MetricGroup::Volume]
            .into(),
        extra_metadata_labels: [ExtraLabel::VolumeType].into(),
        ..KubeletStatsSettings::default()
    };
    for metric in ["k8s.node.uptime", "k8s.pod.uptime", "k8s.pod.volume.usage"] {
        expected.metrics.set(metric, true).unwrap();
    }
    assert_eq!(settings, expected);
}

#[test]
fn k8s_cluster_sends_what_dashboards_need_and_reasons_and_claims() {
    let settings: K8sClusterSettings = read("k8s_cluster.yaml");
    let mut expected = for_dashboards();
    for metric in [
        "k8s.container.status.reason",
        "k8s.persistentvolume.status.phase",
        "k8s.persistentvolume.storage.capacity",
        "k8s.persistentvolumeclaim.status.phase",
        "k8s.persistentvolumeclaim.storage.capacity",
        "k8s.persistentvolumeclaim.storage.request",
    ] {
        expected.metrics.set(metric, true).unwrap();
    }
    assert_eq!(settings, expected);
}

#[test]
fn host_metrics_sends_all_scrapers_and_the_size_of_the_memory() {
    let settings: HostMetricsSettings = read("host_metrics.yaml");
    assert_eq!(settings.scrapers, Scraper::ALL.into());
    let switched: Vec<&str> = catalogue::host_metrics::ALL
        .iter()
        .filter(|metric| settings.metrics.is_on(metric) != metric.on_by_default)
        .map(|metric| metric.name)
        .collect();
    assert_eq!(switched, ["system.memory.limit"]);
}

#[test]
fn what_the_files_leave_out_of_host_metrics_is_nothing_that_simulated_nodes_have() {
    let at: Timestamp = "2026-11-23T09:00:00Z".parse().unwrap();
    let stats = host::<Pod>(&Node::default(), &[], at);
    let count = |settings: &HostMetricsSettings| {
        let mut count = Count::default();
        HostMetricsReceiver::new("n", "c", settings).scrape(&stats, at, &mut count);
        count.0
    };
    let settings: HostMetricsSettings = read("host_metrics.yaml");
    // The size of the memory is sent besides.
    assert_eq!(count(&settings), count(&HostMetricsSettings::default()) + 1);
}
