//! Every metric that the collector is told to send has data in the default fleet.

use std::collections::BTreeSet;

use catalogue::{MetricDef, Receiver, Switch};

use crate::support::{collector, environment, instant};

/// Metrics that are switched on and yet have no data, and why.
const WITHOUT_DATA: [(&str, &str); 7] = [
    ("k8s.container.storage_limit", NO_STORAGE),
    ("k8s.container.storage_request", NO_STORAGE),
    ("openshift.appliedclusterquota.limit", NO_OPENSHIFT),
    ("openshift.appliedclusterquota.used", NO_OPENSHIFT),
    ("openshift.clusterquota.limit", NO_OPENSHIFT),
    ("openshift.clusterquota.used", NO_OPENSHIFT),
    ("system.paging.usage", "the nodes have no swap, as kubelets want it"),
];

const NO_STORAGE: &str = "only claims can ask for `storage`; containers ask for ephemeral-storage";
const NO_OPENSHIFT: &str = "no OpenShift cluster";

#[test]
fn every_metric_that_is_switched_on_has_data() {
    let environment = environment((50, 200), "2026-11-23T11:00:00Z", "2026-11-23T12:00:00Z");
    let time = "2026-11-23T12:00:00Z";
    let names: BTreeSet<String> =
        instant(&environment, r#"count by (__name__) (last_over_time({__name__=~".+"}[1h]))"#, time)
            .into_iter()
            .filter_map(|(labels, _)| labels.metric_name().map(str::to_owned))
            .collect();
    let missing: Vec<&str> = catalogue::all()
        .filter(|metric| is_on(metric) && !names.contains(&metric.prometheus_name()))
        .map(|metric| metric.name)
        .collect();
    let declared: Vec<&str> = WITHOUT_DATA.iter().map(|(name, _)| *name).collect();
    assert_eq!(missing, declared);
    // And nothing else is there.
    let known: BTreeSet<String> =
        catalogue::all().filter(|metric| is_on(metric)).map(MetricDef::prometheus_name).collect();
    let unknown: Vec<&String> = names.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

fn is_on(metric: &'static MetricDef) -> bool {
    let settings = collector();
    match (metric.receiver, metric.switch) {
        (Receiver::KubeletStats, _) => settings.kubelet_stats.metrics.is_on(metric),
        (Receiver::HostMetrics, _) => settings.host_metrics.metrics.is_on(metric),
        // What the fragment asks for by name.
        (Receiver::K8sCluster, Switch::NodeCondition(name)) => {
            ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"].contains(&name)
        }
        (Receiver::K8sCluster, Switch::Allocatable(_)) => true,
        (Receiver::K8sCluster, _) => settings.k8s_cluster.metrics.is_on(metric),
    }
}
