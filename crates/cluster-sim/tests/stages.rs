//! KWOK's stages of `deploy/kwok/stages.yaml`: which one selects an object in which state.
//!
//! KWOK takes one by chance where several select an object, and waits for its delay before it looks again.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use serde_json::{Value, json};

const STAGE: &str = cluster_sim::annotations::STAGE;
const PROVOKED: &str = cluster_sim::annotations::PROVOKED;

fn stages() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/kwok/stages.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    serde_yaml::Deserializer::from_str(&text)
        .map(|document| serde::Deserialize::deserialize(document).unwrap())
        .collect()
}

/// What a key of a selector gives: the part of jq that the stages use.
fn values(object: &Value, key: &str) -> Vec<Value> {
    if let Some((list, rest)) = key.split_once(" | select( ") {
        let (condition, rest) = rest.split_once(" ) | ").unwrap();
        let (field, wanted) = condition.split_once(" == ").unwrap();
        let wanted = wanted.trim_matches('"');
        let chosen = values(object, list).into_iter().filter(|item| values(item, field) == [json!(wanted)]);
        return chosen.flat_map(|item| values(&item, rest)).collect();
    }
    let mut found = vec![object.clone()];
    let mut rest = key;
    while !rest.is_empty() {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if let Some(inside) = rest.strip_prefix('[') {
            let (index, after) = inside.split_once(']').unwrap();
            rest = after;
            found = match index.parse::<usize>() {
                Ok(index) => found.iter().map(|value| value[index].clone()).collect(),
                Err(_) if index.is_empty() => {
                    found.iter().flat_map(|value| value.as_array().cloned().unwrap_or_default()).collect()
                }
                Err(_) => found.iter().map(|value| value[index.trim_matches('"')].clone()).collect(),
            };
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            found = found.iter().map(|value| value[&rest[..end]].clone()).collect();
            rest = &rest[end..];
        }
    }
    found.retain(|value| !value.is_null());
    found
}

/// The names of the stages that select an object.
fn selecting(stages: &[Value], object: &Value) -> Vec<String> {
    let selects = |stage: &&Value| {
        let (spec, selector) = (&stage["spec"], &stage["spec"]["selector"]);
        let labels = selector["matchLabels"].as_object().into_iter().flatten();
        let mut expressions = selector["matchExpressions"].as_array().into_iter().flatten();
        spec["resourceRef"]["kind"] == object["kind"]
            && labels.into_iter().all(|(label, value)| object["metadata"]["labels"][label] == *value)
            && expressions.all(|expression| {
                let found = values(object, expression["key"].as_str().unwrap());
                let is_in = || {
                    let wanted = expression["values"].as_array().unwrap();
                    found.iter().any(|value| wanted.contains(value))
                };
                match expression["operator"].as_str().unwrap() {
                    "In" => is_in(),
                    "NotIn" => !is_in(),
                    "Exists" => !found.is_empty(),
                    "DoesNotExist" => found.is_empty(),
                    other => panic!("{other} is no operator"),
                }
            })
    };
    let names = stages.iter().filter(selects).map(|stage| stage["metadata"]["name"].as_str().unwrap());
    names.map(str::to_owned).collect()
}

/// A node with labels, and with the status of its conditions Ready and MemoryPressure.
fn node(labels: &[(&str, &str)], ready: &str, short_of_memory: &str) -> Value {
    let labels: serde_json::Map<_, _> =
        labels.iter().map(|(label, value)| ((*label).to_owned(), json!(value))).collect();
    json!({
        "kind": "Node",
        "metadata": {"labels": labels},
        "status": {"phase": "Running", "conditions": [
            {"type": "Ready", "status": ready},
            {"type": "MemoryPressure", "status": short_of_memory},
        ]},
    })
}

/// A pod with labels, of a Job or not, whose container is in this state.
fn pod(labels: &[(&str, &str)], owner: &str, phase: &str, state: &Value) -> Value {
    let labels: serde_json::Map<_, _> =
        labels.iter().map(|(label, value)| ((*label).to_owned(), json!(value))).collect();
    json!({
        "kind": "Pod",
        "metadata": {"labels": labels, "ownerReferences": [{"kind": owner}]},
        "status": {"phase": phase, "containerStatuses": [{"name": "main", "state": state}]},
    })
}

#[test]
fn one_stage_at_most_selects_a_node() {
    let stages = stages();
    let down = (PROVOKED, "node-down");
    let short = (STAGE, "memory-pressure");
    for (object, expected) in [
        (json!({"kind": "Node", "metadata": {}}), "node-joins"),
        (node(&[], "True", "False"), "node-heartbeat"),
        (node(&[down], "True", "False"), "node-goes-down"),
        (node(&[down], "Unknown", "Unknown"), ""),
        (node(&[], "Unknown", "Unknown"), "node-comes-back"),
        (node(&[short], "True", "False"), "node-memory-pressure"),
        (node(&[short], "True", "True"), ""),
        (node(&[short, down], "True", "True"), "node-goes-down"),
        (node(&[short, down], "True", "False"), "node-goes-down"),
        (node(&[short, down], "Unknown", "Unknown"), ""),
        (node(&[short], "Unknown", "Unknown"), "node-comes-back"),
    ] {
        assert_eq!(selecting(&stages, &object).join(", "), expected, "{object:#}");
    }
}

#[test]
fn one_stage_at_most_selects_a_pod() {
    let stages = stages();
    let running = json!({"running": {}});
    let waiting = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    let no_image = json!({"waiting": {"reason": "ImagePullBackOff"}});
    let ended = json!({"terminated": {}});
    let (crash, oom) = ((PROVOKED, "crash"), (PROVOKED, "oom"));
    let stage = |stage| (STAGE, stage);
    let bound = json!({"kind": "Pod", "metadata": {"labels": {}}, "status": {"phase": "Pending"}});
    let lacking = json!({
        "kind": "Pod", "metadata": {"labels": {STAGE: "image-pull-backoff"}}, "status": {"phase": "Pending"},
    });
    let mut leaving = pod(&[crash], "ReplicaSet", "Running", &running);
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-31T12:00:00Z");
    for (object, expected) in [
        (bound, "pod-starts"),
        (lacking, "pod-lacks-image"),
        (pod(&[stage("image-pull-backoff")], "ReplicaSet", "Pending", &no_image), ""),
        (pod(&[], "ReplicaSet", "Running", &running), ""),
        (pod(&[], "Job", "Running", &running), "pod-completes"),
        (pod(&[], "Job", "Succeeded", &ended), ""),
        (pod(&[crash], "ReplicaSet", "Running", &running), "pod-is-crashed"),
        (pod(&[crash], "ReplicaSet", "Running", &waiting), "pod-starts-again"),
        (pod(&[crash], "Job", "Running", &running), "pod-is-crashed"),
        (pod(&[crash], "Job", "Running", &waiting), "pod-starts-again"),
        (pod(&[oom], "ReplicaSet", "Running", &running), "pod-runs-out-of-memory"),
        (pod(&[oom], "ReplicaSet", "Running", &waiting), "pod-starts-again"),
        (pod(&[], "ReplicaSet", "Running", &waiting), "pod-is-well-again"),
        (pod(&[], "Job", "Running", &waiting), "pod-is-well-again"),
        (pod(&[stage("crash-loop")], "ReplicaSet", "Running", &running), "pod-crashes"),
        (pod(&[stage("crash-loop")], "ReplicaSet", "Running", &waiting), "pod-restarts"),
        (pod(&[stage("failed")], "Job", "Running", &running), "pod-fails"),
        (pod(&[stage("failed"), crash], "ReplicaSet", "Running", &running), "pod-is-crashed"),
        (pod(&[stage("failed")], "Job", "Failed", &ended), ""),
        (pod(&[stage("evicted")], "ReplicaSet", "Running", &running), "pod-is-evicted"),
        (pod(&[stage("evicted")], "ReplicaSet", "Running", &waiting), "pod-is-well-again"),
        (leaving, "pod-is-deleted"),
    ] {
        assert_eq!(selecting(&stages, &object).join(", "), expected, "{object:#}");
    }
}
