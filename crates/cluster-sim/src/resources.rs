//! Amounts of resources, added up as the scheduler does: in millicores of CPU and in ones of everything else.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, PodSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as ApiQuantity;
use kubelet_stats::Quantity;

/// The value of a quantity. Parsing refused manifests with quantities that have none.
pub(crate) fn value(quantity: &ApiQuantity) -> Quantity {
    Quantity::try_from(quantity).unwrap_or_default()
}

/// An amount of `resource` in its unit.
pub(crate) fn amount(resource: &str, quantity: &ApiQuantity) -> i64 {
    if resource == "cpu" { value(quantity).millis() } else { value(quantity).units() }
}

/// A pod's requests: those of its containers together, or of an init container that needs more, plus its overhead.
pub(crate) fn requests(spec: &PodSpec) -> BTreeMap<String, i64> {
    let of = |container: &Container| {
        let resources = container.resources.clone().unwrap_or_default();
        // A limit alone is a request too.
        let mut wanted = resources.limits.unwrap_or_default();
        wanted.extend(resources.requests.unwrap_or_default());
        wanted.into_iter().map(|(name, quantity)| (amount(&name, &quantity), name)).collect::<Vec<_>>()
    };
    let (sidecars, init): (Vec<_>, Vec<_>) =
        spec.init_containers.iter().flatten().partition(|container| is_sidecar(container));
    let mut sum = BTreeMap::<String, i64>::new();
    for (amount, name) in spec.containers.iter().chain(sidecars).flat_map(of) {
        *sum.entry(name).or_default() += amount;
    }
    for (amount, name) in init.into_iter().flat_map(of) {
        let most = sum.entry(name).or_default();
        *most = amount.max(*most);
    }
    for (name, quantity) in spec.overhead.iter().flatten() {
        *sum.entry(name.clone()).or_default() += amount(name, quantity);
    }
    sum
}

/// An init container that keeps running beside the others.
fn is_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_init_container_counts_when_it_needs_more_than_the_others_together() {
        let spec: PodSpec = serde_json::from_value(json!({
            "containers": [
                {"name": "a", "resources": {"requests": {"cpu": "100m", "memory": "1Gi"}}},
                {"name": "b", "resources": {"limits": {"cpu": "50m"}}},
            ],
            "initContainers": [
                {"name": "i", "resources": {"requests": {"cpu": "1", "memory": "64Mi"}}},
                {"name": "s", "restartPolicy": "Always", "resources": {"requests": {"memory": "1Gi"}}},
            ],
            "overhead": {"cpu": "10m"},
        }))
        .unwrap();
        let requests = requests(&spec);
        assert_eq!((requests["cpu"], requests["memory"]), (1010, 2 << 30));
    }
}
