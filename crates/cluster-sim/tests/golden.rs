//! Objects that a real API server, the real controllers and KWOK made, beside those that this crate makes of the same
//! manifests: every field of the real one is there, with the same value, and no other field is. What may differ is
//! declared in [`DIFFERENCES`], and does.
//!
//! The real objects are kept beside the repository, in `../shared/golden/objects`; without them there is nothing to compare.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cluster_sim::{Manifests, Simulation, SimulationOptions};
use common::{after, root, trees};
use serde_json::{Value, json};

/// Fields whose value or presence may differ: (kind, or kind and name, field, why). A field stands for all below it.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("*", "metadata.uid", "drawn"),
    ("*", "metadata.resourceVersion", "a revision of that cluster's store"),
    ("*", "metadata.ownerReferences[].uid", "drawn"),
    ("Node", "metadata.name", "numbered within its template"),
    ("Node", "metadata.labels.kubernetes.io/hostname", "its name"),
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
    ("Pod", "metadata.labels.controller-uid", "drawn"),
    ("Pod", "metadata.labels.batch.kubernetes.io/controller-uid", "drawn"),
    ("Job", "metadata.labels.controller-uid", "drawn"),
    ("Job", "metadata.labels.batch.kubernetes.io/controller-uid", "drawn"),
    ("Job", "spec.selector.matchLabels.batch.kubernetes.io/controller-uid", "drawn"),
    ("Job", "spec.template.metadata.labels.controller-uid", "drawn"),
    ("Job", "spec.template.metadata.labels.batch.kubernetes.io/controller-uid", "drawn"),
    ("CronJob", "metadata.generation", "suspended by hand, later"),
    ("CronJob", "status", "its only run was started by hand"),
    (
        "Deployment stuck",
        "status.conditions[].reason",
        "there it waited for seconds, here for longer than its deadline",
    ),
    (
        "Deployment stuck",
        "status.conditions[].status",
        "there it waited for seconds, here for longer than its deadline",
    ),
    ("HorizontalPodAutoscaler", "status.conditions", "that cluster had no metrics to scale by"),
    ("HorizontalPodAutoscaler", "status.currentMetrics", "that cluster had no metrics to scale by"),
    ("HorizontalPodAutoscaler", "status.desiredReplicas", "that cluster had no metrics to scale by"),
    ("HorizontalPodAutoscaler", "status.lastScaleTime", "that cluster had no metrics to scale by"),
    ("PersistentVolume", "spec.claimRef.uid", "drawn"),
    ("PersistentVolume", "spec.claimRef.resourceVersion", "a revision of that cluster's store"),
    ("EndpointSlice", "metadata.name", "drawn"),
    ("EndpointSlice", "metadata.generation", "counts changes; only the last one is known here"),
    ("EndpointSlice", "ports[].port", "of the `kubernetes` Service: the API server's port in a container"),
    ("EndpointSlice", "endpoints[].addresses", "an address"),
    ("EndpointSlice", "endpoints[].nodeName", "the scheduler's choice"),
    ("EndpointSlice", "endpoints[].zone", "its node's"),
    ("EndpointSlice", "endpoints[].targetRef.uid", "drawn"),
    ("EndpointSlice", "endpoints[].targetRef.name", "drawn"),
    ("ReplicaSet", "metadata.name", "holds a drawn hash"),
    ("ReplicaSet", "metadata.labels.pod-template-hash", "drawn"),
    ("ReplicaSet", "spec.selector.matchLabels.pod-template-hash", "drawn"),
    ("ReplicaSet", "spec.template.metadata.labels.pod-template-hash", "drawn"),
    ("StatefulSet", "status.currentRevision", "drawn"),
    ("StatefulSet", "status.updateRevision", "drawn"),
    ("Deployment", "status.conditions[].message", "holds a drawn hash"),
    ("ReplicaSet", "status.conditions[].message", "holds a drawn hash"),
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
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let golden: Vec<Value> = files.iter().flat_map(|file| items(file)).collect();
    let golden: Vec<Value> = golden.into_iter().filter(|object| !by_hand(object)).collect();

    let text: Vec<String> = golden.iter().filter_map(manifest).map(|tree| tree.to_string()).collect();
    let manifests =
        Manifests::parse(&[("golden", text.join("\n---\n"))]).unwrap_or_else(|error| panic!("{error}"));
    let count = |kind: &str| golden.iter().filter(|object| object["kind"] == kind).count();
    let options = SimulationOptions { nodes: count("Node"), pods: count("Pod"), seed: 1 };
    let mut simulation = Simulation::new(&manifests, &options).unwrap();
    let ours = trees(&simulation.at(after(&simulation, 1)).unwrap());

    let mut compared = BTreeMap::new();
    let mut comparison = Comparison::default();
    let mut left: Vec<&Value> = ours.iter().collect();
    for object in &golden {
        let kind = object["kind"].as_str().unwrap();
        let position = left.iter().position(|other| identity(other) == identity(object));
        let Some(position) = position else {
            let made: Vec<_> = ours.iter().map(identity).collect();
            panic!("{} was not made, only {made:#?}", identity(object))
        };
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
        comparison.compare(kind, &name, "", &object, &other);
        *compared.entry(kind.to_owned()).or_insert(0) += 1;
    }
    let Comparison { differences, occurred } = comparison;
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    let gone: Vec<_> = DIFFERENCES.iter().filter(|difference| !occurred.contains(difference)).collect();
    assert!(gone.is_empty(), "declared, but nothing differs there: {gone:#?}");
    assert!(
        left.is_empty(),
        "nobody asked for {:?}",
        left.iter().map(|tree| identity(tree)).collect::<Vec<_>>()
    );
    println!("compared with the real ones: {compared:?}");
}

/// What was made by hand: a run of the CronJob.
fn by_hand(object: &Value) -> bool {
    object["metadata"]["name"].as_str().unwrap().starts_with("report-manual")
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
    if kind == "CronJob" {
        tree["spec"]["suspend"] = true.into();
    }
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
        ("ReplicaSet", Some(_)) | ("Pod", Some("DaemonSet" | "ReplicaSet" | "ReplicationController")) => {
            metadata["labels"]["app"].as_str().unwrap()
        }
        ("Pod", Some("Job")) => metadata["labels"]["job-name"].as_str().unwrap(),
        ("EndpointSlice", _) => metadata["labels"]["kubernetes.io/service-name"].as_str().unwrap(),
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

/// What was found of differences.
#[derive(Default)]
struct Comparison {
    /// Those that nobody declared.
    differences: Vec<String>,
    /// Those of [`DIFFERENCES`] that there are.
    occurred: BTreeSet<&'static (&'static str, &'static str, &'static str)>,
}

impl Comparison {
    /// Adds what differs between a real object and ours.
    fn compare(&mut self, kind: &str, name: &str, path: &str, real: &Value, ours: &Value) {
        let mut declared = DIFFERENCES
            .iter()
            .filter(|(of, field, _)| ["*", kind, name].contains(of) && *field == path)
            .peekable();
        if declared.peek().is_some() {
            if !alike(real, ours) {
                self.occurred.extend(declared);
            }
            return;
        }
        match (real, ours) {
            (Value::Object(_), Value::Object(_)) => {
                for (key, real, ours) in fields(real, ours) {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    self.compare(kind, name, &path, &real, &ours);
                }
            }
            (Value::Array(real), Value::Array(ours)) if real.len() == ours.len() => {
                for (real, ours) in real.iter().zip(ours) {
                    self.compare(kind, name, &format!("{path}[]"), real, ours);
                }
            }
            (real, ours) if alike(real, ours) => {}
            (real, ours) => self.differences.push(format!("{name}: {path}: {real} is {ours} here")),
        }
    }
}

/// Whether two values are the same to a reader who does not know the time and no drawn names.
fn alike(real: &Value, ours: &Value) -> bool {
    match (real, ours) {
        (Value::Object(_), Value::Object(_)) => {
            fields(real, ours).iter().all(|(_, real, ours)| alike(real, ours))
        }
        (Value::Array(real), Value::Array(ours)) => {
            real.len() == ours.len() && real.iter().zip(ours).all(|(real, ours)| alike(real, ours))
        }
        (Value::String(real), Value::String(ours)) => {
            let both = |is: fn(&str) -> bool| is(real) && is(ours);
            real == ours || both(is_time) || both(|name| name.starts_with(TOKEN))
        }
        (real, ours) => real == ours,
    }
}

/// The fields of two objects, side by side. Empty and absent are alike to every reader, and null is written by nobody else.
fn fields(real: &Value, ours: &Value) -> Vec<(String, Value, Value)> {
    let keys = |tree: &Value| tree.as_object().into_iter().flat_map(|map| map.keys().cloned()).collect();
    let (mut all, more): (BTreeSet<String>, BTreeSet<String>) = (keys(real), keys(ours));
    all.extend(more);
    let value = |tree: &Value, key: &str| emptied(tree.get(key).cloned().unwrap_or_default());
    all.into_iter()
        .map(|key| {
            let (real, ours) = (value(real, &key), value(ours, &key));
            (key, real, ours)
        })
        .collect()
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
