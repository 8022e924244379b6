//! Which nodes a pod may run on: selectors, affinity, taints.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec, Taint, Toleration,
};

/// Whether a DaemonSet with this pod spec has a pod on `node`.
pub(crate) fn daemon_runs_on(spec: &PodSpec, node: &Node) -> bool {
    selects(spec, node)
        && hard_taints(node).all(|taint| {
            tolerates(spec.tolerations.iter().flatten(), taint)
                || DAEMON_TOLERATIONS.contains(&taint.key.as_str())
        })
}

/// Taints that the DaemonSet controller lets its pods tolerate.
pub(crate) const DAEMON_TOLERATIONS: [&str; 6] = [
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/pid-pressure",
    "node.kubernetes.io/unschedulable",
];

/// The taints of `node` that keep pods away.
pub(crate) fn hard_taints(node: &Node) -> impl Iterator<Item = &Taint> {
    node.spec
        .iter()
        .flat_map(|spec| &spec.taints)
        .flatten()
        .filter(|taint| taint.effect != "PreferNoSchedule")
}

/// Whether one of `tolerations` tolerates `taint`.
pub(crate) fn tolerates<'a>(mut tolerations: impl Iterator<Item = &'a Toleration>, taint: &Taint) -> bool {
    tolerations.any(|toleration| {
        let effect = toleration.effect.as_deref().unwrap_or_default();
        let key = toleration.key.as_deref().unwrap_or_default();
        let exists = toleration.operator.as_deref() == Some("Exists");
        let value = |text: &Option<String>| text.clone().unwrap_or_default();
        (effect.is_empty() || effect == taint.effect)
            && (key == taint.key || key.is_empty() && exists)
            && (exists || value(&toleration.value) == value(&taint.value))
    })
}

/// Whether the pod's node selector and required node affinity select `node`.
pub(crate) fn selects(spec: &PodSpec, node: &Node) -> bool {
    let none = BTreeMap::new();
    let labels = node.metadata.labels.as_ref().unwrap_or(&none);
    let selected = spec.node_selector.iter().flatten().all(|(key, value)| labels.get(key) == Some(value));
    let affinity = spec.affinity.as_ref().and_then(|affinity| affinity.node_affinity.as_ref());
    let required =
        affinity.and_then(|affinity| affinity.required_during_scheduling_ignored_during_execution.as_ref());
    selected
        && required.is_none_or(|required| {
            required.node_selector_terms.iter().any(|term| term_selects(term, node, labels))
        })
}

fn term_selects(term: &NodeSelectorTerm, node: &Node, labels: &BTreeMap<String, String>) -> bool {
    let expressions = term.match_expressions.as_deref().unwrap_or_default();
    let fields = term.match_fields.as_deref().unwrap_or_default();
    // A term without anything selects nothing.
    !(expressions.is_empty() && fields.is_empty())
        && expressions.iter().all(|expression| holds(expression, labels.get(&expression.key)))
        && fields
            .iter()
            .all(|field| field.key == "metadata.name" && holds(field, node.metadata.name.as_ref()))
}

fn holds(requirement: &NodeSelectorRequirement, value: Option<&String>) -> bool {
    let mut values = requirement.values.iter().flatten();
    let number = |text: Option<&String>| text.and_then(|text| text.parse::<i64>().ok());
    match &*requirement.operator {
        "In" => value.is_some_and(|value| values.any(|listed| listed == value)),
        "NotIn" => value.is_none_or(|value| values.all(|listed| listed != value)),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => number(value).zip(number(values.next())).is_some_and(|(value, bound)| value > bound),
        "Lt" => number(value).zip(number(values.next())).is_some_and(|(value, bound)| value < bound),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node() -> Node {
        serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": "a-0", "labels": {"disk": "ssd", "cores": "16"}},
            "spec": {"taints": [
                {"key": "gpu", "value": "yes", "effect": "NoSchedule"},
                {"key": "old", "effect": "PreferNoSchedule"},
            ]},
        }))
        .unwrap()
    }

    fn spec(tree: serde_json::Value) -> PodSpec {
        serde_json::from_value(tree).unwrap()
    }

    #[test]
    fn selectors_and_required_affinity_select_nodes() {
        let affinity = |term: serde_json::Value| {
            json!({"containers": [], "affinity": {"nodeAffinity":
                {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}})
        };
        let expression = |key: &str, operator: &str, values: &[&str]| {
            affinity(json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]}))
        };
        for (selected, tree) in [
            (true, json!({"containers": []})),
            (true, json!({"containers": [], "nodeSelector": {"disk": "ssd"}})),
            (false, json!({"containers": [], "nodeSelector": {"disk": "ssd", "never": "matches"}})),
            (true, expression("disk", "In", &["hdd", "ssd"])),
            (false, expression("disk", "NotIn", &["hdd", "ssd"])),
            (true, expression("absent", "NotIn", &["x"])),
            (true, expression("disk", "Exists", &[])),
            (true, expression("absent", "DoesNotExist", &[])),
            (true, expression("cores", "Gt", &["8"])),
            (false, expression("cores", "Lt", &["8"])),
            (false, expression("disk", "Gt", &["8"])),
            (
                true,
                affinity(
                    json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["a-0"]}]}),
                ),
            ),
            (false, affinity(json!({}))),
        ] {
            assert_eq!(selects(&spec(tree.clone()), &node()), selected, "{tree}");
        }
    }

    #[test]
    fn taints_keep_away_who_does_not_tolerate_them() {
        for (runs, tolerations) in [
            (false, json!([])),
            (true, json!([{"operator": "Exists"}])),
            (true, json!([{"key": "gpu", "operator": "Exists"}])),
            (true, json!([{"key": "gpu", "value": "yes"}])),
            (false, json!([{"key": "gpu", "value": "no"}])),
            (false, json!([{"key": "gpu", "operator": "Exists", "effect": "NoExecute"}])),
        ] {
            let spec = spec(json!({"containers": [], "tolerations": tolerations}));
            assert_eq!(daemon_runs_on(&spec, &node()), runs, "{tolerations}");
        }
    }
}
