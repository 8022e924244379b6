//! Pods and their containers.

use catalogue::k8s_cluster as metrics;
use k8s_openapi::api::core::v1::Pod;

use super::cache::{Measure, Measured};
use super::{Context, container, int, name, namespace, uid};
use crate::workload::Workload;

impl Measure for Pod {
    fn measure(&self, context: &Context) -> Vec<Measured> {
        let workload = Workload::of(self);
        let status = self.status.as_ref();
        let phase = status.and_then(|status| status.phase.as_deref()).unwrap_or_default();
        let reason = status.and_then(|status| status.reason.as_deref()).unwrap_or_default();
        let attributes = identity(self)
            .into_iter()
            .chain([("k8s.pod.qos_class", status.and_then(|s| s.qos_class.as_deref()).unwrap_or_default())]);
        let pod = context
            .measure_owned(attributes, workload.attributes())
            .point(context, &metrics::POD_PHASE, int(phase_number(phase)))
            .point(context, &metrics::POD_STATUS_REASON, int(reason_number(reason)));
        let mut measured = vec![pod];
        for container in self.spec.iter().flat_map(|spec| &spec.containers) {
            measured.push(container::measure(self, container, &workload, context));
        }
        measured
    }
}

/// The attributes that a pod and its containers share. The node is empty until the pod is scheduled.
pub(super) fn identity(pod: &Pod) -> [(&'static str, &str); 4] {
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or_default();
    [
        ("k8s.pod.uid", uid(&pod.metadata)),
        ("k8s.pod.name", name(&pod.metadata)),
        ("k8s.namespace.name", namespace(&pod.metadata)),
        ("k8s.node.name", node),
    ]
}

fn phase_number(phase: &str) -> i64 {
    match phase {
        "Pending" => 1,
        "Running" => 2,
        "Succeeded" => 3,
        "Failed" => 4,
        _ => 5,
    }
}

fn reason_number(reason: &str) -> i64 {
    match reason {
        "Evicted" => 1,
        "NodeAffinity" => 2,
        "NodeLost" => 3,
        "Shutdown" => 4,
        "UnexpectedAdmissionError" => 5,
        _ => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_numbered() {
        for (phase, number) in [
            ("Pending", 1),
            ("Running", 2),
            ("Succeeded", 3),
            ("Failed", 4),
            ("Unknown", 5),
            ("", 5),
            ("New", 5),
        ] {
            assert_eq!(phase_number(phase), number, "{phase}");
        }
    }

    #[test]
    fn status_reasons_are_numbered() {
        for (reason, number) in [
            ("Evicted", 1),
            ("NodeAffinity", 2),
            ("NodeLost", 3),
            ("Shutdown", 4),
            ("UnexpectedAdmissionError", 5),
            ("", 6),
            ("Terminated", 6),
        ] {
            assert_eq!(reason_number(reason), number, "{reason}");
        }
    }
}
