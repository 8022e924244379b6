//! Objects that a real API server, the real controllers and KWOK made, beside those that this crate makes of the same
//! manifests: every field of the real one is there, with the same value, and no other field is. What may differ is
//! declared in [`DIFFERENCES`].
//!
//! The real objects are kept beside the repository, in `../shared/golden/objects`; without them there is nothing to compare.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use cluster_sim::{Manifests, Simulation, SimulationOptions};
use common::{after, root, trees};
use serde_json::{Value, json};

/// Fields whose value or presence may differ: (kind, field, why). A field stands for all below it.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("*", "metadata.uid", "drawn"),
    ("*", "metadata.resourceVersion", "a revision of that cluster's store"),
    ("*", "metadata.ownerReferences[].uid", "drawn"),
    ("Node", "metadata.name", "numbered within its template"),
    ("Node", "metadata.labels.kubernetes.io/hostname", "its name"),
    ("Node", "metadata.annotations.metrics.k8s.io/resource-metrics-path", "holds its name"),
    ("Node", "spec.podCIDR", "an address; `big-node` got none"),
    ("Node", "spec.podCIDRs", "an address; one family here"),
    ("Node", "spec.unschedulable", "cordoned by hand, after it had got its pods"),
    ("Node", "spec.taints", "cordoned by hand, after it had got its pods"),
    ("Node", "status.addresses", "an address; one family here"),
    ("Node", "status.daemonEndpoints", "the port of KWOK in a container, not as a process"),
    ("Pod", "metadata.name", "drawn"),
    ("Pod", "spec.nodeName", "the scheduler's choice"),
    ("Pod", "metadata.labels.topology.kubernetes.io/zone", "its node's"),
    (
        "Pod",
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[].matchFields[].values",
        "its node's name",
    ),
    ("Pod", "status.conditions[].message", "names the cordoned node"),
    ("Pod", "status.podIP", "an address"),
    ("Pod", "status.podIPs", "an address; one family here"),
    ("Pod", "status.hostIP", "an address; `big-node` has none"),
    ("Pod", "status.hostIPs", "an address; one family here"),
    ("Pod", "metadata.generateName", "holds a drawn hash"),
    ("Pod", "metadata.labels.pod-template-hash", "drawn"),
    ("Pod", "metadata.labels.controller-revision-hash", "drawn"),
    ("Pod", "metadata.ownerReferences[].name", "holds a drawn hash"),
    ("ReplicaSet", "metadata.name", "holds a drawn hash"),
    ("ReplicaSet", "metadata.labels.pod-template-hash", "drawn"),
    ("ReplicaSet", "spec.selector.matchLabels.pod-template-hash", "drawn"),
    ("ReplicaSet", "spec.template.metadata.labels.pod-template-hash", "drawn"),
    ("StatefulSet", "status.currentRevision", "drawn"),
    ("StatefulSet", "status.updateRevision", "drawn"),
    ("Deployment", "status.conditions[].message", "holds a drawn hash"),
    ("Service", "spec.clusterIP", "an address"),
    ("Service", "spec.clusterIPs", "an address"),
    ("Service", "spec.ports[].nodePort", "drawn"),
    (
        "Service",
        "spec.ports[].targetPort",
        "of the `kubernetes` Service: the API server's port in a container",
    ),
];

/// How the volume of a service account's token is called; the rest of the name is drawn.
const TOKEN: &str = "kube-api-access-";

/// Pods that were patched by hand to look troubled: their status is nobody's work.
const PATCHED: [&str; 2] = ["crashy", "failed"];

#[test]
fn objects_are_as_the_real_ones() {
    let folder = root().join("../shared/golden/objects");
    if !folder.is_dir() {
        println!("skipped: there are no real objects in {}", folder.display());
        return;
    }
    let kinds = [
        "namespaces",
        "nodes",
        "pods",
        "services",
        "deployments",
        "replicasets",
        "statefulsets",
        "daemonsets",
    ];
    let golden: Vec<Value> =
        kinds.iter().flat_map(|kind| items(&folder.join(format!("{kind}.json")))).collect();
    let golden: Vec<Value> = golden.into_iter().filter(|object| !unsupported(object)).collect();

    let text: Vec<String> = golden.iter().filter_map(manifest).map(|tree| tree.to_string()).collect();
    let manifests =
        Manifests::parse(&[("golden", text.join("\n---\n"))]).unwrap_or_else(|error| panic!("{error}"));
    let count = |kind: &str| golden.iter().filter(|object| object["kind"] == kind).count();
    let options = SimulationOptions { nodes: count("Node"), pods: count("Pod"), seed: 1 };
    let mut simulation = Simulation::new(&manifests, &options).unwrap();
    let ours = trees(&simulation.at(after(&simulation, 1)).unwrap());

    let mut compared = BTreeMap::new();
    let mut differences = Vec::new();
    let mut left: Vec<&Value> = ours.iter().collect();
    for object in &golden {
        let kind = object["kind"].as_str().unwrap();
        let position = left.iter().position(|other| identity(other) == identity(object));
        let Some(position) = position else { panic!("{} {} was not made", kind, object["metadata"]["name"]) };
        let other = left.swap_remove(position);
        let mut object = object.clone();
        let mut other = other.clone();
        if PATCHED.contains(&object["metadata"]["name"].as_str().unwrap()) {
            object["status"] = Value::Null;
            other["status"] = Value::Null;
        }
        normalise(&mut object);
        normalise(&mut other);
        let name = format!("{kind} {}", object["metadata"]["name"].as_str().unwrap());
        compare(kind, &name, "", &object, &other, &mut differences);
        *compared.entry(kind.to_owned()).or_insert(0) += 1;
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert!(
        left.is_empty(),
        "nobody asked for {:?}",
        left.iter().map(|tree| identity(tree)).collect::<Vec<_>>()
    );
    println!("compared with the real ones: {compared:?}");
}

/// Objects of kinds, or in states, that this crate does not make.
fn unsupported(object: &Value) -> bool {
    let owner = object["metadata"]["ownerReferences"][0]["kind"].as_str();
    let name = object["metadata"]["name"].as_str().unwrap();
    // Refused by a quota.
    let refused =
        matches!(object["kind"].as_str(), Some("Deployment" | "ReplicaSet")) && name.starts_with("stuck");
    refused || matches!(owner, Some("Job" | "ReplicationController"))
}

fn items(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str::<Value>(&text).unwrap()["items"].as_array().unwrap().clone()
}

/// What was applied to get this object; `None` for what controllers made.
fn manifest(object: &Value) -> Option<Value> {
    let kind = object["kind"].as_str().unwrap();
    let applied =
        object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"].as_str();
    let mut tree = match (applied, kind) {
        (Some(applied), _) => serde_json::from_str(applied).unwrap(),
        (None, "Node") => {
            let mut metadata = object["metadata"].clone();
            let fields = metadata.as_object_mut().unwrap();
            fields.retain(|key, _| ["name", "labels", "annotations"].contains(&key.as_str()));
            let status = json!({"capacity": object["status"]["capacity"], "allocatable": object["status"]["allocatable"]});
            json!({"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": status})
        }
        (None, _) => return None,
    };
    if let Some(node) = tree["spec"]["nodeName"].as_str() {
        tree["spec"]["nodeName"] = format!("{node}-0000").into();
    }
    Some(tree)
}

/// What makes two objects the same one, beside drawn names.
fn identity(object: &Value) -> String {
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str().unwrap();
    let name = match (object["kind"].as_str().unwrap(), metadata["ownerReferences"][0]["kind"].as_str()) {
        ("Node", _) => name.trim_end_matches("-0000"),
        ("ReplicaSet", Some(_)) | ("Pod", Some("DaemonSet" | "ReplicaSet")) => {
            metadata["labels"]["app"].as_str().unwrap()
        }
        _ => name,
    };
    format!("{} {}/{name}", object["kind"], metadata["namespace"])
}

/// Leaves out what client-side apply adds, and brings lists that are sets into one order.
fn normalise(tree: &mut Value) {
    if let Some(annotations) = tree["metadata"]["annotations"].as_object_mut() {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    for path in ["/spec/tolerations", "/status/conditions"] {
        if let Some(Value::Array(items)) = tree.pointer_mut(path) {
            items.sort_by_key(|item| ["type", "key", "effect"].map(|field| item[field].to_string()));
        }
    }
}

/// Adds what differs between a real object and ours.
fn compare(kind: &str, name: &str, path: &str, real: &Value, ours: &Value, found: &mut Vec<String>) {
    if declared(kind, path) {
        return;
    }
    match (real, ours) {
        (Value::Object(real), Value::Object(ours)) => {
            let keys: std::collections::BTreeSet<&String> = real.keys().chain(ours.keys()).collect();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let missing = Value::Null;
                let value = |map: &serde_json::Map<String, Value>| map.get(key).unwrap_or(&missing).clone();
                // Empty and absent are alike to every reader, and null is written by nobody else.
                compare(kind, name, &path, &emptied(value(real)), &emptied(value(ours)), found);
            }
        }
        (Value::Array(real), Value::Array(ours)) if real.len() == ours.len() => {
            for (real, ours) in real.iter().zip(ours) {
                compare(kind, name, &format!("{path}[]"), real, ours, found);
            }
        }
        (Value::String(real), Value::String(ours)) if is_time(real) && is_time(ours) => {}
        (Value::String(real), Value::String(ours))
            if [real, ours].iter().all(|name| name.starts_with(TOKEN)) => {}
        (real, ours) if real == ours => {}
        (real, ours) => found.push(format!("{name}: {path}: {real} is {ours} here")),
    }
}

fn emptied(value: Value) -> Value {
    match value {
        Value::Object(map) if map.is_empty() => Value::Null,
        Value::Array(items) if items.is_empty() => Value::Null,
        value => value,
    }
}

fn is_time(text: &str) -> bool {
    text.parse::<jiff::Timestamp>().is_ok()
}

fn declared(kind: &str, path: &str) -> bool {
    DIFFERENCES.iter().any(|(of, field, _)| (*of == "*" || *of == kind) && *field == path)
}
