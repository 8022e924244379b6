//! The files of `deploy/kwok`, and what is applied to a real API server from them.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::collections::BTreeSet;

use cluster_sim::Manifests;
use common::{shipped, shipped_files, snapshot};
use serde_json::Value;

#[test]
fn the_shipped_files_are_right() {
    shipped();
}

#[test]
fn their_own_size_is_50_nodes_and_200_pods() {
    // Not scaled at all: the sum of what the files say, DaemonSets on the nodes that carry their label.
    let fleet = shipped().scaled(50, 200).unwrap().manifests();
    let written: Vec<Value> = shipped_files().iter().flat_map(|(_, text)| documents(text)).collect();
    for tree in fleet.iter().filter(|tree| !matches!(tree["kind"].as_str(), Some("Node" | "Pod"))) {
        assert!(written.contains(tree), "{} is not as it is written", tree["metadata"]["name"]);
    }
}

#[test]
fn what_is_applied_are_plain_manifests_that_parse_again() {
    for (nodes, pods) in [(50, 200), (3, 10), (200, 1_000)] {
        let applied = shipped().scaled(nodes, pods).unwrap().manifests();
        let text: Vec<String> = applied.iter().map(ToString::to_string).collect();
        Manifests::parse(&[("applied.json", text.join("\n---\n"))]).unwrap_or_else(|error| panic!("{error}"));
        let kinds = |kind: &str| applied.iter().filter(|tree| tree["kind"] == kind).count();
        assert_eq!(kinds("Node"), nodes);
        // Namespaces come before what is in them.
        let last_namespace = applied.iter().rposition(|tree| tree["kind"] == "Namespace").unwrap();
        let first_in_one = applied.iter().position(|tree| tree["metadata"]["namespace"].is_string()).unwrap();
        assert!(last_namespace < first_in_one);
        for tree in &applied {
            let annotations = tree["metadata"]["annotations"].as_object().into_iter().flatten();
            for (key, _) in annotations {
                assert!(
                    !key.ends_with("/weight") && !key.ends_with("/zones") && !key.ends_with("/replicas"),
                    "{key}"
                );
            }
        }
    }
}

#[test]
fn the_fleet_has_what_dashboards_must_cope_with() {
    let objects = snapshot(50, 200, 1);
    let containers = || objects.pods.iter().flat_map(|pod| &pod.spec.as_ref().unwrap().containers);
    let without = |part: fn(&k8s_openapi::api::core::v1::ResourceRequirements) -> bool| {
        containers().filter(|container| part(container.resources.as_ref().unwrap())).count()
    };
    assert!(without(|resources| resources.requests.is_none()) > 10);
    assert!(without(|resources| resources.limits.is_none()) > 10);
    let several = objects.pods.iter().filter(|pod| pod.spec.as_ref().unwrap().containers.len() > 1).count();
    assert!(several > 30);
    let classes: BTreeSet<_> =
        objects.pods.iter().map(|pod| pod.status.as_ref().unwrap().qos_class.clone().unwrap()).collect();
    assert_eq!(classes.len(), 3, "{classes:?}");
    let bare = objects.pods.iter().filter(|pod| pod.metadata.owner_references.is_none()).count();
    assert_eq!(bare, 42);
    let sizes: BTreeSet<_> =
        objects.nodes.iter().map(|node| format!("{:?}", node.status.as_ref().unwrap().capacity)).collect();
    assert_eq!(sizes.len(), 3);
}

fn documents(text: &str) -> Vec<Value> {
    use serde::Deserialize as _;
    serde_yaml::Deserializer::from_str(text).map(|document| Value::deserialize(document).unwrap()).collect()
}
