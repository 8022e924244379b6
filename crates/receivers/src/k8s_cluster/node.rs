//! Nodes and namespaces.

use catalogue::k8s_cluster as metrics;
use catalogue::{MetricDef, Number, ValueType};
use k8s_openapi::api::core::v1::{Namespace, Node};

use super::cache::{Measure, Measured};
use super::{Context, int, name, uid};
use crate::quantity;

impl Measure for Node {
    /// A node is two resources: one for `k8s.node.condition`, which has a builder of its own in the collector and leaves
    /// what is not known of it empty, and one for the metrics that are asked for by name.
    fn measure(&self, context: &Context) -> Vec<Measured> {
        let info = self.status.as_ref().and_then(|status| status.node_info.as_ref());
        let kubelet_version = info.map(|info| info.kubelet_version.as_str()).unwrap_or_default();
        let identity = [
            ("k8s.node.uid", uid(&self.metadata)),
            ("k8s.node.name", name(&self.metadata)),
            ("k8s.kubelet.version", kubelet_version),
        ];

        let empty = ["container.runtime", "container.runtime.version", "os.description", "os.type"];
        let mut all_conditions = context.measure(identity.into_iter().chain(empty.map(|key| (key, ""))));
        for condition in self.status.iter().flat_map(|status| status.conditions.iter().flatten()) {
            let attributes = [("condition", condition.type_.as_str())];
            let value = int(condition_value(&condition.status));
            all_conditions.add(context, &metrics::NODE_CONDITION, &attributes, value);
        }

        let system = info.map(|info| ("os.type", info.operating_system.to_lowercase()));
        let description = info.map(|info| ("os.description", info.os_image.as_str()));
        let runtime = info.and_then(|info| info.container_runtime_version.split_once("://"));
        let further = system.iter().map(|(key, value)| (*key, value.as_str())).chain(description).chain(
            runtime.iter().flat_map(|(runtime, version)| {
                [("container.runtime", *runtime), ("container.runtime.version", *version)]
            }),
        );
        let mut requested = context.measure(identity.into_iter().chain(further));
        for (condition, metric) in context.settings.node_conditions() {
            requested.add_requested(metric, int(self.condition(condition)));
        }
        for (resource, metric) in context.settings.allocatable() {
            if let Some(value) = self.allocatable(resource, metric) {
                requested.add_requested(metric, value);
            }
        }
        vec![all_conditions, requested]
    }
}

/// What the receiver asks a node for.
trait NodeStatus {
    fn condition(&self, wanted: &str) -> i64;
    fn allocatable(&self, resource: &str, metric: &MetricDef) -> Option<Number>;
}

impl NodeStatus for Node {
    /// A condition that the node does not have is as good as unknown.
    fn condition(&self, wanted: &str) -> i64 {
        self.status
            .iter()
            .flat_map(|status| status.conditions.iter().flatten())
            .find(|condition| condition.type_ == wanted)
            .map_or(-1, |condition| condition_value(&condition.status))
    }

    fn allocatable(&self, resource: &str, metric: &MetricDef) -> Option<Number> {
        let amount = self.status.as_ref()?.allocatable.as_ref()?.get(resource)?;
        match metric.value_type {
            ValueType::Double => quantity::cpus(amount).map(Number::Double),
            ValueType::Int => quantity::value(amount).map(Number::Int),
        }
    }
}

fn condition_value(status: &str) -> i64 {
    match status {
        "True" => 1,
        "False" => 0,
        _ => -1,
    }
}

impl Measure for Namespace {
    fn measure(&self, context: &Context) -> Vec<Measured> {
        let phase = self.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default();
        let attributes =
            [("k8s.namespace.uid", uid(&self.metadata)), ("k8s.namespace.name", name(&self.metadata))];
        vec![context.measure(attributes).point(
            context,
            &metrics::NAMESPACE_PHASE,
            int(namespace_phase(phase)),
        )]
    }
}

fn namespace_phase(phase: &str) -> i64 {
    match phase {
        "Active" => 1,
        "Terminating" => 0,
        _ => -1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_true_false_or_unknown() {
        for (status, value) in [("True", 1), ("False", 0), ("Unknown", -1), ("", -1)] {
            assert_eq!(condition_value(status), value, "{status}");
        }
    }

    #[test]
    fn namespaces_are_active_terminating_or_unknown() {
        for (phase, value) in [("Active", 1), ("Terminating", 0), ("", -1)] {
            assert_eq!(namespace_phase(phase), value, "{phase}");
        }
    }
}
