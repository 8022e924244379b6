//! What a tick costs: `cargo run -p receivers --example tick_cost`, in the profile that `cargo xtask` runs in.
//!
//! Both receivers look at 100 nodes with 30 pods each, first at all of it, then again and again with nothing changed but
//! the usage. The sink only counts, so that what is measured is the receivers.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a program for a person to run and read")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use catalogue::{Attribute, MetricDef, Point, Resource, Sink};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Node, Pod};
use kubelet_stats::summary::Summary;
use receivers::{
    ClusterView, K8sClusterReceiver, K8sClusterSettings, KubeletStatsReceiver, KubeletStatsSettings,
    PodMetadata,
};
use serde_json::{Value, json};

const NODES: usize = 100;
const PODS: usize = 30;
const TICKS: u32 = 20;

#[derive(Default)]
struct Count(u64);

impl Sink for Count {
    fn record(&mut self, _: &Resource, _: &'static MetricDef, _: &[Attribute<'_>], _: Point) {
        self.0 += 1;
    }
}

fn main() {
    let nodes: Vec<Arc<Node>> = (0..NODES).map(|node| object(node_json(node))).collect();
    let pods: Vec<Arc<Pod>> =
        (0..NODES * PODS).map(|pod| object(pod_json(pod, &format!("node-{}", pod % NODES)))).collect();
    let start: Timestamp = "2026-11-23T09:00:00Z".parse().expect("a timestamp");

    let mut metadata = PodMetadata::new();
    let mut kubelets: Vec<KubeletStatsReceiver> = (0..NODES)
        .map(|node| {
            let settings = KubeletStatsSettings::default();
            KubeletStatsReceiver::new(&format!("node-{node}"), &format!("u-{node}"), "c", &settings, start)
        })
        .collect();
    let mut settings = K8sClusterSettings::default();
    settings
        .set_node_conditions(["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"])
        .expect("the catalogue has them");
    settings.set_allocatable(["cpu", "memory", "ephemeral-storage", "pods"]).expect("the catalogue has them");
    let mut cluster = K8sClusterReceiver::new("c", &settings, start);
    let view = ClusterView { pods: &pods, nodes: &nodes, ..ClusterView::default() };

    for tick in 0..=TICKS {
        let now = start + SignedDuration::from_secs(15 * i64::from(tick));
        let summaries: Vec<Summary> = (0..NODES).map(|node| summary(node, &pods, now)).collect();
        let mut sink = Count::default();
        let scraping = Instant::now();
        metadata.update(&pods);
        for (kubelet, summary) in kubelets.iter_mut().zip(&summaries) {
            kubelet.scrape(summary, now, &metadata, &mut sink);
        }
        let scraped = (scraping.elapsed(), std::mem::take(&mut sink).0);
        let collecting = Instant::now();
        cluster.collect(view, now, &mut sink);
        let collected = (collecting.elapsed(), sink.0);
        if tick == 0 || tick == TICKS {
            println!("tick {tick}: kubelet_stats {}, k8s_cluster {}", cost(scraped), cost(collected));
        }
    }
}

fn cost((elapsed, samples): (Duration, u64)) -> String {
    #[allow(clippy::cast_precision_loss, reason = "for people")]
    let each = elapsed.as_nanos() as f64 / samples as f64;
    format!("{samples} samples in {elapsed:.1?} ({each:.0} ns each)")
}

fn object<K: serde::de::DeserializeOwned>(json: Value) -> Arc<K> {
    Arc::new(serde_json::from_value(json).expect("an object of its kind"))
}

fn node_json(node: usize) -> Value {
    json!({
        "metadata": { "name": format!("node-{node}"), "uid": format!("u-{node}") },
        "status": {
            "allocatable": { "cpu": "32", "memory": "256Gi", "pods": "110" },
            "conditions": [{ "type": "Ready", "status": "True" }],
        },
    })
}

fn pod_json(pod: usize, node: &str) -> Value {
    json!({
        "metadata": {
            "name": format!("web-6d8-{pod}"),
            "namespace": "shop",
            "uid": format!("00000000-0000-0000-0000-{pod:012}"),
            "labels": { "pod-template-hash": "6d8" },
            "ownerReferences": [
                { "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-6d8", "uid": "rs", "controller": true },
            ],
        },
        "spec": {
            "nodeName": node,
            "containers": [{
                "name": "main",
                "image": "web:1",
                "resources": {
                    "requests": { "cpu": "100m", "memory": "128Mi" },
                    "limits": { "cpu": "200m", "memory": "256Mi" },
                },
            }],
        },
        "status": {
            "phase": "Running",
            "containerStatuses": [{
                "name": "main", "image": "web:1", "imageID": "", "ready": true, "restartCount": 0,
                "state": { "running": { "startedAt": "2026-11-23T08:00:00Z" } },
            }],
        },
    })
}

fn summary(node: usize, pods: &[Arc<Pod>], now: Timestamp) -> Summary {
    let name = format!("node-{node}");
    let start = "2026-11-23T08:00:00Z";
    let cpu = json!({ "time": now, "usageNanoCores": 5, "usageCoreNanoSeconds": now.as_second() });
    let memory = json!({
        "time": now, "availableBytes": 1, "usageBytes": 2, "workingSetBytes": 3, "rssBytes": 4,
        "pageFaults": 5, "majorPageFaults": 6,
    });
    let network = json!({
        "time": now, "name": "eth0", "rxBytes": 1, "rxErrors": 2, "txBytes": 3, "txErrors": 4,
        "interfaces": [{ "name": "eth0", "rxBytes": 1, "rxErrors": 2, "txBytes": 3, "txErrors": 4 }],
    });
    let fs = json!({ "time": now, "availableBytes": 1, "capacityBytes": 2, "usedBytes": 3 });
    let here =
        pods.iter().filter(|pod| pod.spec.as_ref().is_some_and(|s| s.node_name.as_ref() == Some(&name)));
    let pods: Vec<Value> = here
        .map(|pod| {
            json!({
                "podRef": {
                    "name": pod.metadata.name, "namespace": pod.metadata.namespace, "uid": pod.metadata.uid,
                },
                "startTime": start,
                "containers": [{
                    "name": "main", "startTime": start, "cpu": cpu, "memory": memory, "rootfs": fs, "logs": fs,
                }],
                "cpu": cpu, "memory": memory, "network": network, "ephemeral-storage": fs,
            })
        })
        .collect();
    let node = json!({
        "nodeName": name, "startTime": start, "cpu": cpu, "memory": memory, "network": network, "fs": fs,
    });
    serde_json::from_value(json!({ "node": node, "pods": pods })).expect("a summary")
}
