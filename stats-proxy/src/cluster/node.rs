//! Nodes as they are kept: what a summary and the numbers of the host depend on.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, NodeStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kubelet_stats::annotations::{BOOTED_AT, SPIKE};

const ANNOTATIONS: [&str; 2] = [BOOTED_AT, SPIKE];
const LABELS: [&str; 1] = ["kubernetes.io/arch"];
const RESOURCES: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
/// The only condition that says whether a kubelet answers.
const READY: &str = "Ready";

/// A node without everything else.
pub(crate) fn trimmed(node: Node) -> Node {
    let metadata = node.metadata;
    let status = node.status.map(|status| NodeStatus {
        capacity: only(status.capacity, &RESOURCES),
        allocatable: only(status.allocatable, &RESOURCES),
        conditions: status.conditions.map(|conditions| {
            conditions
                .into_iter()
                .filter(|condition| condition.type_ == READY)
                // A heartbeat is no change.
                .map(|condition| k8s_openapi::api::core::v1::NodeCondition {
                    last_heartbeat_time: None,
                    ..condition
                })
                .collect()
        }),
        ..NodeStatus::default()
    });
    Node {
        metadata: ObjectMeta {
            name: metadata.name,
            uid: metadata.uid,
            creation_timestamp: metadata.creation_timestamp,
            annotations: only(metadata.annotations, &ANNOTATIONS),
            labels: only(metadata.labels, &LABELS),
            ..ObjectMeta::default()
        },
        spec: None,
        status,
    }
}

/// Whether its kubelet answers: the node controller calls one that is silent `Unknown`.
pub(crate) fn answers(node: &Node) -> bool {
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    !conditions.into_iter().any(|condition| condition.type_ == READY && condition.status == "Unknown")
}

/// Since when a node counts, as far as it can change: another boot begins anew.
pub(crate) fn boot(node: &Node) -> (Option<&str>, Option<&String>) {
    let annotations = node.metadata.annotations.as_ref();
    (node.metadata.uid.as_deref(), annotations.and_then(|annotations| annotations.get(BOOTED_AT)))
}

fn only<V>(map: Option<BTreeMap<String, V>>, keys: &[&str]) -> Option<BTreeMap<String, V>> {
    let mut map = map?;
    map.retain(|key, _| keys.contains(&key.as_str()));
    Some(map).filter(|map| !map.is_empty())
}
