//! Node templates.

use k8s_openapi::api::core::v1::Node;

use super::{Checked, check_quantities, check_within, refuse};
use crate::manifest::path::Path;

pub(super) fn check(node: &Node) -> Checked {
    for (index, taint) in node.spec.iter().flat_map(|spec| &spec.taints).flatten().enumerate() {
        if !matches!(&*taint.effect, "NoSchedule" | "PreferNoSchedule" | "NoExecute") {
            let path = Path::keys("spec.taints").index(index).key("effect");
            return refuse(
                path,
                format!("`{}` is none of NoSchedule, PreferNoSchedule, NoExecute", taint.effect),
            );
        }
    }
    let path = Path::keys("status");
    let Some(status) = &node.status else {
        return refuse(path, "is missing: a node's size is its `status.capacity` and `status.allocatable`");
    };
    check_quantities(status.capacity.as_ref(), &path.key("capacity"))?;
    check_quantities(status.allocatable.as_ref(), &path.key("allocatable"))?;
    for (field, quantities) in [("capacity", &status.capacity), ("allocatable", &status.allocatable)] {
        for resource in ["cpu", "memory", "pods"] {
            if !quantities.as_ref().is_some_and(|quantities| quantities.contains_key(resource)) {
                return refuse(path.key(field).key(resource), "is missing");
            }
        }
    }
    check_within(status.allocatable.as_ref(), status.capacity.as_ref(), &path.key("allocatable"), "capacity")
}
