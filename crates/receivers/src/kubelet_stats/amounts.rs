//! What usage is divided by: requests, limits, and what the node has.

use k8s_openapi::api::core::v1::{Container, Node, Pod};

use crate::quantity;

/// Amounts of CPU and memory; 0 where there is none, which is not divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Amounts {
    pub(super) cpus: f64,
    pub(super) bytes: f64,
}

impl Amounts {
    /// What the node has in all, not what pods may request of it.
    pub(super) fn of_node(node: &Node) -> Self {
        let capacity = node.status.as_ref().and_then(|status| status.capacity.as_ref());
        Self::of(capacity)
    }

    fn of(amounts: Option<&ResourceList>) -> Self {
        let get = |resource: &str| amounts.and_then(|amounts| amounts.get(resource));
        Self {
            cpus: get("cpu").and_then(quantity::cpus).unwrap_or(0.0),
            bytes: get("memory").and_then(quantity::value).map_or(0.0, as_bytes),
        }
    }

    /// The sum, where both have an amount: a pod with one unlimited container is unlimited.
    fn and(self, other: Self) -> Self {
        let sum = |a: f64, b: f64| if a > 0.0 && b > 0.0 { a + b } else { 0.0 };
        Self { cpus: sum(self.cpus, other.cpus), bytes: sum(self.bytes, other.bytes) }
    }
}

type ResourceList =
    std::collections::BTreeMap<String, k8s_openapi::apimachinery::pkg::api::resource::Quantity>;

#[allow(clippy::cast_precision_loss, reason = "a ratio of bytes needs no more than 53 bits")]
fn as_bytes(bytes: i64) -> f64 {
    bytes as f64
}

/// Requests and limits of a container, or of all of a pod's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Reserved {
    pub(super) requests: Amounts,
    pub(super) limits: Amounts,
}

impl Reserved {
    pub(super) fn of_container(pod: &Pod, name: &str) -> Self {
        containers(pod).find(|container| container.name == name).map_or_else(Self::default, Self::of)
    }

    pub(super) fn of_pod(pod: &Pod) -> Self {
        containers(pod)
            .map(Self::of)
            .reduce(|a, b| Self { requests: a.requests.and(b.requests), limits: a.limits.and(b.limits) })
            .unwrap_or_default()
    }

    fn of(container: &Container) -> Self {
        let resources = container.resources.as_ref();
        Self {
            requests: Amounts::of(resources.and_then(|resources| resources.requests.as_ref())),
            limits: Amounts::of(resources.and_then(|resources| resources.limits.as_ref())),
        }
    }
}

fn containers(pod: &Pod) -> impl Iterator<Item = &Container> {
    pod.spec.iter().flat_map(|spec| &spec.containers)
}

/// All that the usage of one object is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Denominators {
    pub(super) reserved: Reserved,
    pub(super) node: Amounts,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_has_a_limit_only_where_all_its_containers_have_one() {
        let amounts = |cpus: f64, bytes: f64| Amounts { cpus, bytes };
        for (a, b, sum) in [
            (amounts(1.0, 10.0), amounts(0.5, 20.0), amounts(1.5, 30.0)),
            (amounts(1.0, 10.0), amounts(0.0, 20.0), amounts(0.0, 30.0)),
            (amounts(0.0, 0.0), amounts(0.5, 20.0), amounts(0.0, 0.0)),
        ] {
            assert_eq!(a.and(b), sum, "{a:?} {b:?}");
        }
    }
}
