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
    let fleet: Vec<Value> = shipped().scaled(50, 200).unwrap().manifests().into_iter().map(plain).collect();
    let written: Vec<Value> =
        shipped_files().iter().flat_map(|(_, text)| documents(text)).map(plain).collect();
    for tree in &fleet {
        if !matches!(tree["kind"].as_str(), Some("Node" | "Pod" | "PersistentVolume")) {
            assert!(written.contains(tree), "{} is not as it is written", tree["metadata"]["name"]);
        }
    }
}

/// A manifest without what serialising adds: the kind of claims in a StatefulSet.
fn plain(mut tree: Value) -> Value {
    for claim in
        tree.pointer_mut("/spec/volumeClaimTemplates").and_then(Value::as_array_mut).into_iter().flatten()
    {
        claim.as_object_mut().unwrap().retain(|key, _| !["apiVersion", "kind"].contains(&key.as_str()));
    }
    tree
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
    assert_eq!(bare, 14 + 6 + 2);
    let sizes: BTreeSet<_> =
        objects.nodes.iter().map(|node| format!("{:?}", node.status.as_ref().unwrap().capacity)).collect();
    assert_eq!(sizes.len(), 4);
}

#[test]
fn every_trouble_has_its_stage_in_a_real_cluster() {
    let label = cluster_sim::annotations::STAGE;
    let (mut used, mut staged) = (BTreeSet::new(), BTreeSet::new());
    let mut excluded = BTreeSet::new();
    for tree in shipped_files().iter().flat_map(|(_, text)| documents(text)) {
        let templates = [
            "/metadata/labels",
            "/spec/template/metadata/labels",
            "/spec/jobTemplate/spec/template/metadata/labels",
        ];
        let labels = templates.iter().filter_map(|path| tree.pointer(path)?.get(label));
        used.extend(labels.map(|value| value.as_str().unwrap().to_owned()));
        if tree["kind"] != "Stage" {
            continue;
        }
        let selector = &tree["spec"]["selector"];
        staged.extend(selector["matchLabels"][label].as_str().map(str::to_owned));
        for expression in selector["matchExpressions"].as_array().unwrap() {
            if expression["key"].as_str().unwrap().contains(label) && expression["operator"] == "NotIn" {
                excluded.extend(
                    expression["values"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|value| value.as_str().unwrap().to_owned()),
                );
            }
        }
    }
    assert!(used.is_subset(&staged), "{used:?} are used, but there are stages for {staged:?} only");
    assert!(excluded.is_subset(&staged), "stages leave out {excluded:?}");
    for known in [
        "crash-loop",
        "image-pull-backoff",
        "failed",
        "evicted",
        "memory-pressure",
        "disk-pressure",
        "pid-pressure",
    ] {
        assert!(staged.contains(known), "no stage for {known}");
    }
}

#[test]
fn what_is_provoked_in_a_real_cluster_has_its_stages_and_one_more_that_ends_it() {
    let label = cluster_sim::annotations::PROVOKED;
    let (mut begins, mut ends) = (BTreeSet::new(), BTreeSet::new());
    for tree in shipped_files().iter().flat_map(|(_, text)| documents(text)) {
        if tree["kind"] != "Stage" {
            continue;
        }
        let (selector, kind) = (&tree["spec"]["selector"], tree["spec"]["resourceRef"]["kind"].to_string());
        begins.extend(selector["matchLabels"][label].as_str().map(|value| format!("{kind} {value}")));
        let expressions = selector["matchExpressions"].as_array().unwrap();
        if expressions
            .iter()
            .any(|one| one["key"].as_str().unwrap().contains(label) && one["operator"] == "DoesNotExist")
        {
            ends.insert(kind);
        }
    }
    let expected = ["\"Node\" node-down", "\"Pod\" crash", "\"Pod\" oom"].map(str::to_owned);
    assert_eq!(begins, BTreeSet::from(expected));
    assert_eq!(ends.len(), 2, "{ends:?}");
}

#[test]
fn states_that_stages_make_are_there_from_the_files_alone() {
    let objects = snapshot(50, 200, 1);
    let strained = objects.nodes.iter().filter(|node| {
        let conditions = node.status.as_ref().unwrap().conditions.as_ref().unwrap();
        conditions.iter().any(|condition| condition.type_ == "MemoryPressure" && condition.status == "True")
    });
    assert_eq!(strained.count(), 1);
    let cordoned =
        objects.nodes.iter().filter(|node| node.spec.as_ref().unwrap().unschedulable == Some(true));
    assert_eq!(cordoned.count(), 1);
    let behind = |name: &str| {
        let deployment =
            objects.deployments.iter().find(|d| d.metadata.name.as_deref() == Some(name)).unwrap();
        let status = deployment.status.as_ref().unwrap();
        (
            deployment.spec.as_ref().unwrap().replicas.unwrap(),
            status.replicas.unwrap_or(0),
            status.ready_replicas.unwrap_or(0),
        )
    };
    // Desired, existing, ready.
    assert_eq!(behind("image-search"), (3, 3, 2));
    assert_eq!(behind("gift-cards"), (2, 2, 0));
    assert_eq!(behind("audit-export"), (2, 0, 0));
    let peak = objects
        .horizontal_pod_autoscalers
        .iter()
        .find(|h| h.metadata.name.as_deref() == Some("payments-api"))
        .unwrap();
    assert_eq!(peak.status.as_ref().unwrap().current_replicas, Some(peak.spec.max_replicas));
    let phases = |claim: &str| {
        let claim = objects
            .persistent_volume_claims
            .iter()
            .find(|c| c.metadata.name.as_deref() == Some(claim))
            .unwrap();
        claim.status.as_ref().unwrap().phase.clone().unwrap()
    };
    assert_eq!(
        (phases("video-archive"), phases("data-ledger-2")),
        ("Pending".to_owned(), "Bound".to_owned())
    );
    let failed =
        objects.jobs.iter().find(|job| job.metadata.name.as_deref() == Some("archive-import")).unwrap();
    assert_eq!(failed.status.as_ref().unwrap().failed, Some(3));
}

fn documents(text: &str) -> Vec<Value> {
    use serde::Deserialize as _;
    serde_yaml::Deserializer::from_str(text).map(|document| Value::deserialize(document).unwrap()).collect()
}
