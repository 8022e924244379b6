//! Amounts of resources, added up as the scheduler does: in millicores of CPU and in ones of everything else.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, PodSpec, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as ApiQuantity;
use kubelet_stats::Quantity;

/// The value of a quantity. Parsing refused manifests with quantities that have none.
pub(crate) fn value(quantity: &ApiQuantity) -> Quantity {
    Quantity::try_from(quantity).unwrap_or_default()
}

/// An amount of `resource` in its unit. A quota's `limits.cpu` is CPU too.
pub(crate) fn amount(resource: &str, quantity: &ApiQuantity) -> i64 {
    if is_cpu(resource) { value(quantity).millis() } else { value(quantity).units() }
}

/// An amount of `resource` as the API server writes it: the largest unit that loses nothing.
pub(crate) fn write(resource: &str, amount: i64) -> ApiQuantity {
    if is_cpu(resource) && amount % 1000 != 0 {
        return ApiQuantity(format!("{amount}m"));
    }
    let whole = if is_cpu(resource) { amount / 1000 } else { amount };
    let binary = ["memory", "storage", "hugepages"].iter().any(|part| resource.contains(part));
    let (mut number, mut unit) = (whole, 0);
    while binary && number != 0 && number % 1024 == 0 && unit < 6 {
        (number, unit) = (number / 1024, unit + 1);
    }
    ApiQuantity(format!("{number}{}", ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][unit]))
}

fn is_cpu(resource: &str) -> bool {
    resource.rsplit('.').next() == Some("cpu")
}

/// A pod's requests: those of its containers together, or of an init container that needs more, plus its overhead.
pub(crate) fn requests(spec: &PodSpec) -> BTreeMap<String, i64> {
    let mut sum = of_containers(spec, |resources| {
        // A limit alone is a request too.
        let mut wanted = resources.limits.unwrap_or_default();
        wanted.extend(resources.requests.unwrap_or_default());
        wanted
    });
    for (name, quantity) in spec.overhead.iter().flatten() {
        *sum.entry(name.clone()).or_default() += amount(name, quantity);
    }
    sum
}

/// A pod's limits, added up alike.
pub(crate) fn limits(spec: &PodSpec) -> BTreeMap<String, i64> {
    of_containers(spec, |resources| resources.limits.unwrap_or_default())
}

fn of_containers(
    spec: &PodSpec,
    part: impl Fn(ResourceRequirements) -> BTreeMap<String, ApiQuantity>,
) -> BTreeMap<String, i64> {
    let of = |container: &Container| {
        let quantities = part(container.resources.clone().unwrap_or_default());
        quantities.into_iter().map(|(name, quantity)| (amount(&name, &quantity), name)).collect::<Vec<_>>()
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
        assert_eq!(limits(&spec), BTreeMap::from([("cpu".to_owned(), 50)]));
    }

    #[test]
    fn amounts_are_written_as_the_api_server_does() {
        for (resource, amount, text) in [
            ("limits.cpu", 2_750, "2750m"),
            ("requests.cpu", 40_000, "40"),
            ("requests.memory", 2_528 << 20, "2528Mi"),
            ("requests.storage", 1_500, "1500"),
            ("requests.storage", 3 << 40, "3Ti"),
            ("pods", 2_048, "2048"),
            ("cpu", 0, "0"),
            ("memory", 0, "0"),
        ] {
            assert_eq!(write(resource, amount).0, text);
            assert_eq!(super::amount(resource, &write(resource, amount)), amount);
        }
    }
}
