//! Given an object that has all there is, a receiver sends every metric that the catalogue has for it, and by default those
//! that the catalogue says are on.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalogue::{Receiver, Switch};
use k8s_openapi::api::core::v1::Pod;
use receivers::{
    ClusterView, HostMetricsReceiver, HostMetricsSettings, K8sClusterReceiver, K8sClusterSettings,
    KubeletStatsReceiver, KubeletStatsSettings, MetricGroup, MetricSwitches, PodMetadata,
};
use serde_json::{Value, json};

use crate::host::machine;
use crate::shared::for_dashboards;
use crate::support::{Lines, NOW, STARTED, at, object, summary};

/// OpenShift's quotas are not Kubernetes objects, and our clusters have none.
fn expected(receiver: Receiver) -> BTreeSet<&'static str> {
    catalogue::all()
        .filter(|metric| metric.receiver == receiver && metric.switch != Switch::OpenShift)
        .map(|metric| metric.name)
        .collect()
}

/// What is sent when nothing is configured.
fn expected_by_default(receiver: Receiver) -> BTreeSet<&'static str> {
    catalogue::all()
        .filter(|metric| metric.receiver == receiver && metric.on_by_default)
        .filter(|metric| metric.switch != Switch::OpenShift)
        // A group that has to be asked for: its metrics are on, but nobody sends them.
        .filter(|metric| metric.switch != Switch::Group("volume"))
        .map(|metric| metric.name)
        .collect()
}

fn full_pod() -> Arc<Pod> {
    let amounts = json!({ "cpu": "1", "memory": "1Gi", "storage": "1Gi", "ephemeral-storage": "1Gi" });
    object(json!({
        "metadata": { "name": "p", "namespace": "d", "uid": "p1" },
        "spec": { "containers": [{ "name": "c", "resources": { "requests": amounts, "limits": amounts } }] },
        "status": {
            "phase": "Running",
            "containerStatuses": [{
                "name": "c", "image": "c", "imageID": "", "ready": true, "restartCount": 0,
                "state": { "running": {} },
            }],
        },
    }))
}

#[test]
fn kubelet_stats_sends_all_its_metrics() {
    let stats = |time: &str, seconds: u64| {
        let cpu = json!({ "time": time, "usageCoreNanoSeconds": seconds * 1_000_000_000 });
        let memory = json!({
            "time": time, "availableBytes": 1, "usageBytes": 1, "workingSetBytes": 1, "rssBytes": 1,
            "pageFaults": 1, "majorPageFaults": 1,
        });
        let network =
            json!({ "time": time, "name": "e", "rxBytes": 1, "rxErrors": 1, "txBytes": 1, "txErrors": 1 });
        let fs = json!({
            "time": time, "availableBytes": 1, "capacityBytes": 1, "usedBytes": 1, "inodesFree": 1, "inodes": 1,
            "inodesUsed": 1,
        });
        let container = json!({
            "name": "c", "startTime": STARTED, "cpu": cpu, "memory": memory, "rootfs": fs, "logs": fs,
        });
        let mut volume = fs.clone();
        volume["name"] = Value::from("v");
        summary(json!({
            "node": {
                "nodeName": "n", "startTime": STARTED, "cpu": cpu, "memory": memory, "network": network, "fs": fs,
                "systemContainers": [container],
            },
            "pods": [{
                "podRef": { "name": "p", "namespace": "d", "uid": "p1" }, "startTime": STARTED,
                "cpu": cpu, "memory": memory, "network": network, "ephemeral-storage": fs,
                "containers": [container], "volume": [volume],
            }],
        }))
    };
    let mut all = KubeletStatsSettings {
        metrics: MetricSwitches::all_on(Receiver::KubeletStats),
        ..KubeletStatsSettings::default()
    };
    all.metric_groups.insert(MetricGroup::Volume);
    for (settings, expected) in [
        (all, expected(Receiver::KubeletStats)),
        (KubeletStatsSettings::default(), expected_by_default(Receiver::KubeletStats)),
    ] {
        let mut receiver = KubeletStatsReceiver::new("n", "u", "c", &settings, at(STARTED));
        receiver.observe_node(&object(
            json!({ "metadata": {}, "status": { "capacity": { "cpu": "8", "memory": "8Gi" } } }),
        ));
        let mut metadata = PodMetadata::new();
        metadata.update(&[full_pod()]);
        let mut lines = Lines::default();
        receiver.scrape(&stats(STARTED, 1), at(STARTED), &metadata, &mut lines);
        receiver.scrape(&stats(NOW, 2), at(NOW), &metadata, &mut lines);
        assert_eq!(lines.metrics, expected);
    }
}

#[test]
fn k8s_cluster_sends_all_its_metrics() {
    let meta = json!({ "name": "x", "namespace": "d", "uid": "u" });
    let workload =
        json!({ "replicas": 1, "selector": {}, "template": {}, "completions": 1, "parallelism": 1 });
    let with_spec =
        |spec: &Value, status: &Value| json!({ "metadata": meta, "spec": spec, "status": status });
    let claim = json!({ "resources": { "requests": { "storage": "1Gi" } } });
    let capacity = json!({ "capacity": { "storage": "1Gi" } });
    let amounts = json!({ "hard": { "pods": "1" }, "used": { "pods": "1" } });
    let node = json!({
        "allocatable": { "cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi", "pods": "1" },
        "conditions": [{ "type": "Ready", "status": "True" }],
    });
    let daemon_set = json!({
        "currentNumberScheduled": 1, "desiredNumberScheduled": 1, "numberMisscheduled": 0, "numberReady": 1,
    });
    let scaling = json!({ "maxReplicas": 1, "scaleTargetRef": { "kind": "Deployment", "name": "x" } });
    let cron_job = json!({ "schedule": "* * * * *", "jobTemplate": {} });
    let slice = json!({
        "addressType": "IPv4", "endpoints": [{ "addresses": [] }],
        "metadata": { "name": "x-1", "namespace": "d", "labels": { "kubernetes.io/service-name": "x" } },
    });
    let none = json!({});
    let replicas = json!({ "replicas": 1 });
    let view = ClusterView {
        pods: &[full_pod()],
        nodes: &[object(with_spec(&none, &node))],
        namespaces: &[object(with_spec(&none, &json!({ "phase": "Active" })))],
        deployments: &[object(with_spec(&workload, &none))],
        replica_sets: &[object(with_spec(&workload, &replicas))],
        stateful_sets: &[object(with_spec(&workload, &replicas))],
        daemon_sets: &[object(with_spec(&workload, &daemon_set))],
        replication_controllers: &[object(with_spec(&json!({ "replicas": 1 }), &replicas))],
        jobs: &[object(with_spec(&workload, &none))],
        cron_jobs: &[object(with_spec(&cron_job, &none))],
        horizontal_pod_autoscalers: &[object(with_spec(&scaling, &json!({ "desiredReplicas": 1 })))],
        resource_quotas: &[object(with_spec(&none, &amounts))],
        persistent_volumes: &[object(with_spec(&capacity, &none))],
        persistent_volume_claims: &[object(with_spec(&claim, &capacity))],
        services: &[object(with_spec(&json!({ "type": "LoadBalancer" }), &none))],
        endpoint_slices: &[object(slice)],
    };
    let mut all = for_dashboards();
    all.metrics = MetricSwitches::all_on(Receiver::K8sCluster);
    let conditions = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"];
    all.set_node_conditions(conditions).unwrap();
    for (settings, expected) in [
        (all, expected(Receiver::K8sCluster)),
        (K8sClusterSettings::default(), expected_by_default(Receiver::K8sCluster)),
    ] {
        let mut lines = Lines::default();
        K8sClusterReceiver::new("c", &settings, at(STARTED)).collect(view, at(NOW), &mut lines);
        assert_eq!(lines.metrics, expected);
    }
}

#[test]
fn host_metrics_sends_all_its_metrics() {
    let mut all = HostMetricsSettings::default();
    all.metrics = MetricSwitches::all_on(Receiver::HostMetrics);
    for (settings, expected) in [
        (all, expected(Receiver::HostMetrics)),
        (HostMetricsSettings::default(), expected_by_default(Receiver::HostMetrics)),
    ] {
        let mut receiver = HostMetricsReceiver::new("n", "c", &settings);
        let mut lines = Lines::default();
        receiver.scrape(&machine(3_585.0), at(STARTED), &mut lines);
        receiver.scrape(&machine(3_600.0), at(NOW), &mut lines);
        assert_eq!(lines.metrics, expected);
    }
}
