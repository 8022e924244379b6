//! What the receivers keep between two ticks, and when they let go of it.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use receivers::{
    ClusterView, K8sClusterReceiver, K8sClusterSettings, KubeletStatsReceiver, KubeletStatsSettings,
    PodMetadata,
};
use serde_json::json;

use crate::support::{Lines, STARTED, at, object, summary};

fn pod(uid: &str, restarts: u32, owner: &str) -> Arc<Pod> {
    object(json!({
        "metadata": {
            "name": uid, "namespace": "d", "uid": uid,
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "DaemonSet", "name": owner, "uid": "o" }],
        },
        "spec": { "containers": [{ "name": "c" }] },
        "status": {
            "phase": "Running",
            "containerStatuses":
                [{ "name": "c", "image": "c", "imageID": "", "ready": true, "restartCount": restarts }],
        },
    }))
}

struct Cluster {
    receiver: K8sClusterReceiver,
    second: i64,
}

impl Cluster {
    fn new() -> Self {
        Self {
            receiver: K8sClusterReceiver::new("c", &K8sClusterSettings::default(), at(STARTED)),
            second: 0,
        }
    }

    fn collect(&mut self, pods: &[Arc<Pod>]) -> String {
        self.second += 15;
        let now = at(STARTED) + jiff::SignedDuration::from_secs(self.second);
        let mut lines = Lines::default();
        self.receiver.collect(ClusterView { pods, ..ClusterView::default() }, now, &mut lines);
        lines.take()
    }
}

#[test]
fn an_unchanged_object_says_the_same_at_a_later_time() {
    let pods = [pod("a", 0, "o")];
    let mut cluster = Cluster::new();
    let first = cluster.collect(&pods);
    let second = cluster.collect(&pods);
    assert!(first.contains(" at 08:00:15 ") && !first.is_empty());
    assert_eq!(first.replace(" at 08:00:15 ", " at 08:00:30 "), second);
}

#[test]
fn a_changed_object_says_what_changed_and_a_deleted_one_says_nothing() {
    let mut cluster = Cluster::new();
    let (a, b) = (pod("a", 0, "o"), pod("b", 0, "o"));
    assert!(cluster.collect(&[Arc::clone(&a), Arc::clone(&b)]).contains("k8s.container.restarts 0"));
    let changed = cluster.collect(&[pod("a", 1, "o"), Arc::clone(&b)]);
    assert!(changed.contains("k8s.container.restarts 1") && changed.contains("k8s.container.restarts 0"));
    let deleted = cluster.collect(&[b]);
    assert!(!deleted.contains("k8s.pod.name=a ") && deleted.contains("k8s.pod.name=b "), "{deleted}");
    // Back again: as before.
    assert!(cluster.collect(&[a]).contains("k8s.container.restarts 0"));
}

#[test]
fn objects_are_told_apart_even_when_they_are_made_anew_at_each_tick() {
    let mut cluster = Cluster::new();
    for tick in 0..100 {
        let text = cluster.collect(&[pod("a", tick, "o")]);
        assert!(text.contains(&format!("k8s.container.restarts {tick} ")), "{text}");
    }
}

struct Kubelet {
    receiver: KubeletStatsReceiver,
    metadata: PodMetadata,
    second: i64,
}

impl Kubelet {
    fn new() -> Self {
        let settings = KubeletStatsSettings::default();
        let receiver = KubeletStatsReceiver::new("n1", "u1", "c", &settings, at(STARTED));
        Self { receiver, metadata: PodMetadata::new(), second: 0 }
    }

    /// A scrape ten seconds later, of these pods with the CPU time in seconds of their only container.
    fn scrape(&mut self, stats: &[(&str, u64)]) -> String {
        self.second += 10;
        let now = at(STARTED) + jiff::SignedDuration::from_secs(self.second);
        let pods: Vec<_> = stats
            .iter()
            .map(|(uid, seconds)| {
                let cpu = json!({ "time": now, "usageCoreNanoSeconds": seconds * 1_000_000_000 });
                json!({
                    "podRef": { "name": uid, "namespace": "d", "uid": uid }, "startTime": STARTED,
                    "containers": [{ "name": "c", "startTime": STARTED, "cpu": cpu }],
                })
            })
            .collect();
        let summary = summary(json!({ "node": { "nodeName": "n1", "startTime": STARTED }, "pods": pods }));
        let mut lines = Lines::default();
        self.receiver.scrape(&summary, now, &self.metadata, &mut lines);
        lines.take()
    }
}

#[test]
fn a_pod_gets_its_workload_as_soon_as_it_is_known() {
    let mut kubelet = Kubelet::new();
    assert!(!kubelet.scrape(&[("a", 1)]).contains("k8s.daemonset.name"));
    kubelet.metadata.update(&[pod("a", 0, "first")]);
    let text = kubelet.scrape(&[("a", 2)]);
    assert!(text.contains("k8s.daemonset.name=first"), "{text}");
    // What was learned of the container's CPU time is not lost with the old resource.
    assert!(text.contains("container.cpu.usage 0.1 "), "{text}");
    kubelet.metadata.update(&[pod("a", 0, "second")]);
    assert!(kubelet.scrape(&[("a", 3)]).contains("k8s.daemonset.name=second"));
    kubelet.metadata.update(&[]);
    assert!(!kubelet.scrape(&[("a", 4)]).contains("k8s.daemonset.name"));
}

#[test]
fn cpu_usage_begins_anew_when_a_pod_was_gone() {
    let mut kubelet = Kubelet::new();
    kubelet.scrape(&[("a", 1), ("b", 1)]);
    assert!(kubelet.scrape(&[("b", 2)]).contains("container.cpu.usage 0.1 "));
    let back = kubelet.scrape(&[("a", 50), ("b", 2)]);
    assert_eq!(back.matches("container.cpu.usage").count(), 1, "{back}");
}

#[test]
fn the_order_of_pods_does_not_matter() {
    let mut kubelet = Kubelet::new();
    kubelet.scrape(&[("a", 1), ("b", 100)]);
    let text = kubelet.scrape(&[("b", 120), ("a", 2)]);
    assert!(text.contains("container.cpu.usage 2.0 ") && text.contains("container.cpu.usage 0.1 "), "{text}");
}
