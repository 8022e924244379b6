//! The types and the simulation against what real parts answered, where that is at hand.

use std::fs;
use std::path::PathBuf;

use k8s_openapi::api::core::v1::{Node, Pod};
use kubelet_stats::summary::Summary;
use serde_json::Value;

fn golden(part: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden")).join(part);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}

#[test]
fn every_golden_summary_parses_and_comes_out_as_it_went_in() {
    let Some(folder) = golden("summaries") else { return };
    let mut seen = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let summary: Summary =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let before: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_value(&summary).unwrap(), before, "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 8, "only {seen} summaries");
}

#[test]
fn golden_objects_give_entries_for_running_pods_and_running_containers_only() {
    let Some(folder) = golden("objects") else { return };
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let items = |name: &str| serde_json::from_str::<Value>(&read(name)).unwrap()["items"].take();
    let nodes: Vec<Node> = serde_json::from_value(items("nodes.json")).unwrap();
    let pods: Vec<Pod> = serde_json::from_value(items("pods.json")).unwrap();
    let at = "2026-11-23T10:00:00Z".parse().unwrap();
    let mut answered = Vec::new();
    for node in &nodes {
        let bound = |pod: &&Pod| pod.spec.as_ref().unwrap().node_name == node.metadata.name;
        let own: Vec<&Pod> = pods.iter().filter(bound).collect();
        let summary = kubelet_stats::summary(node, &own, at);
        assert_eq!(Some(summary.node.node_name), node.metadata.name);
        for entry in summary.pods {
            let pod =
                pods.iter().find(|pod| pod.metadata.uid.as_deref() == Some(&entry.pod_ref.uid)).unwrap();
            let statuses = pod.status.as_ref().unwrap().container_statuses.as_ref().unwrap();
            let running = statuses.iter().filter(|s| s.state.as_ref().is_some_and(|s| s.running.is_some()));
            assert_eq!(entry.containers.len(), running.count(), "{}", entry.pod_ref.name);
            answered.push(entry.pod_ref.uid);
        }
    }
    let running = |pod: &&Pod| pod.status.as_ref().unwrap().phase.as_deref() == Some("Running");
    let mut expected: Vec<String> =
        pods.iter().filter(running).filter_map(|p| p.metadata.uid.clone()).collect();
    expected.sort();
    answered.sort();
    assert_eq!(answered, expected);
}
