//! What the agents of a watched cluster's nodes send.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Node, Pod};
use otlp::message::{Data, KeyValue, NumberValue, Value};
use serde_json::json;
use stats_proxy::cluster::{ClusterKubelets, HostAgents};

use crate::objects::{node, pod};

/// The metrics of each node in a round, with how many points.
fn round(agents: &mut HostAgents, at: Timestamp) -> BTreeMap<String, BTreeMap<String, usize>> {
    let mut nodes: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    agents.measure(at, |scrape| {
        for resource in scrape.into_requests(otlp::BATCH_POINTS).flat_map(|request| request.resource_metrics)
        {
            let attributes = resource.resource.unwrap().attributes;
            assert_eq!(text(&attributes, "k8s.cluster.name"), "kwok");
            let node = text(&attributes, "k8s.node.name");
            for metric in resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
                let points = match metric.data.unwrap() {
                    Data::Gauge(gauge) => gauge.data_points,
                    Data::Sum(sum) => sum.data_points,
                    other => panic!("{other:?}"),
                };
                for point in &points {
                    assert_eq!(point.time_unix_nano, at.as_nanosecond() as u64);
                    assert!(!matches!(point.value, Some(NumberValue::AsDouble(value)) if !value.is_finite()));
                }
                *nodes.entry(node.clone()).or_default().entry(metric.name).or_default() += points.len();
            }
        }
    });
    nodes
}

pub(crate) fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key).unwrap();
    match found.value.as_ref().unwrap().value.as_ref().unwrap() {
        Value::String(text) => text.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_node_that_can_be_reached_sends_what_its_machine_says() {
    let start: Timestamp = "2026-03-14T15:00:00Z".parse().unwrap();
    let kubelets = Arc::new(ClusterKubelets::new(Arc::new(move || start)));
    let put = |value| kubelets.put(serde_json::from_value::<Node>(value).unwrap());
    let mut lost = node("lost");
    lost["status"]["conditions"] = json!([{"type": "Ready", "status": "Unknown"}]);
    put(lost);
    // More than are handed over at once.
    let names: BTreeSet<String> = (0..300).map(|number| format!("node-{number:03}")).collect();
    names.iter().for_each(|name| put(node(name)));
    kubelets.put(serde_json::from_value::<Pod>(pod("web-1", "node-000")).unwrap());

    let mut agents = HostAgents::new(Arc::clone(&kubelets), "kwok", HostAgents::usual_settings());
    let nodes = round(&mut agents, start);
    assert_eq!(nodes.keys().cloned().collect::<BTreeSet<_>>(), names);
    for (name, metrics) in &nodes {
        for metric in ["system.cpu.time", "system.memory.usage", "system.disk.io", "system.network.io"] {
            assert!(metrics.get(metric).is_some_and(|points| *points > 0), "{name} {metric}");
        }
        assert_eq!(metrics.get("system.memory.limit"), Some(&1), "the shipped fragment switches it on");
    }
    let later = round(&mut agents, start + SignedDuration::from_secs(15));
    assert_eq!(later.keys().collect::<Vec<_>>(), nodes.keys().collect::<Vec<_>>());
}
