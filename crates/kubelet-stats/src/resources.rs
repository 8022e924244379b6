//! What a container asks for and may use.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Container;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as ApiQuantity;

use crate::quantity::Quantity;

/// Bytes in a page of memory and in a block of a disk. Real kubelets report multiples of it.
pub(crate) const PAGE: u64 = 4_096;

/// Requests and limits of a container; `None` where absent, unreadable or negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resources {
    /// Microseconds of CPU a second (millionths of a core). As in the API server, a limit counts as request
    /// where there is none.
    pub(crate) cpu_request: Option<u64>,
    pub(crate) cpu_limit: Option<u64>,
    /// Bytes; likewise.
    pub(crate) memory_request: Option<u64>,
    pub(crate) memory_limit: Option<u64>,
}

impl Resources {
    pub(crate) fn of(container: &Container) -> Self {
        let Some(resources) = &container.resources else { return Self::default() };
        let cpu = |from| read(from, "cpu").map(micros);
        let memory = |from| read(from, "memory").map(bytes);
        let (cpu_limit, memory_limit) = (cpu(&resources.limits), memory(&resources.limits));
        Self {
            cpu_request: cpu(&resources.requests).or(cpu_limit),
            cpu_limit,
            memory_request: memory(&resources.requests).or(memory_limit),
            memory_limit,
        }
    }
}

/// An amount of a list of resources.
pub(crate) fn read(from: &Option<BTreeMap<String, ApiQuantity>>, name: &str) -> Option<Quantity> {
    Quantity::try_from(from.as_ref()?.get(name)?).ok().filter(|quantity| !quantity.is_negative())
}

/// Cores as microseconds of CPU a second, rounded up. More than a hundred thousand cores count as that many.
pub(crate) fn micros(cores: Quantity) -> u64 {
    const MOST: u64 = 100_000 * 1_000_000;
    (cores.nanos().max(0) as u64).div_ceil(1_000).min(MOST)
}

/// Bytes.
pub(crate) fn bytes(quantity: Quantity) -> u64 {
    quantity.units().max(0) as u64
}

/// The largest multiple of a page that is not above `bytes`.
pub(crate) fn pages(bytes: u64) -> u64 {
    bytes / PAGE * PAGE
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ResourceRequirements;

    use super::*;

    fn container(requests: &[(&str, &str)], limits: &[(&str, &str)]) -> Container {
        let list = |pairs: &[(&str, &str)]| {
            Some(pairs.iter().map(|(k, v)| ((*k).to_owned(), ApiQuantity((*v).to_owned()))).collect())
        };
        let resources = ResourceRequirements { requests: list(requests), limits: list(limits), claims: None };
        Container { resources: Some(resources), ..Default::default() }
    }

    #[test]
    fn requests_and_limits_are_read_and_a_limit_stands_in_for_a_request() {
        assert_eq!(
            Resources::of(&container(&[("cpu", "100m")], &[("memory", "64Mi")])),
            Resources {
                cpu_request: Some(100_000),
                cpu_limit: None,
                memory_request: Some(64 << 20),
                memory_limit: Some(64 << 20),
            }
        );
        assert_eq!(Resources::of(&Container::default()), Resources::default());
    }

    #[test]
    fn what_cannot_be_read_counts_as_absent() {
        assert_eq!(Resources::of(&container(&[("cpu", "many")], &[("memory", "-1")])), Resources::default());
    }
}
