//! What is kept of a pod's spec, volumes apart: the pods of a workload have it in common.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, PodSpec, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

const ALWAYS: &str = "Always";

/// Containers and how they are run.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Template {
    containers: Box<[KeptContainer]>,
    /// Init containers that go on running.
    sidecars: Box<[KeptContainer]>,
    host_network: bool,
    restart_policy: Option<Box<str>>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct KeptContainer {
    name: Box<str>,
    requests: Amounts,
    limits: Amounts,
}

/// As they are written in the spec.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
struct Amounts {
    cpu: Option<Box<str>>,
    memory: Option<Box<str>>,
}

impl Template {
    pub(crate) fn of(spec: &PodSpec) -> Self {
        let init = spec.init_containers.iter().flatten();
        Self {
            containers: spec.containers.iter().map(KeptContainer::of).collect(),
            sidecars: init
                .filter(|container| container.restart_policy.as_deref() == Some(ALWAYS))
                .map(KeptContainer::of)
                .collect(),
            host_network: spec.host_network == Some(true),
            restart_policy: spec.restart_policy.as_deref().map(Into::into),
        }
    }

    pub(crate) fn has_sidecar(&self, name: &str) -> bool {
        self.sidecars.iter().any(|sidecar| *sidecar.name == *name)
    }

    pub(crate) fn spec(&self) -> PodSpec {
        let sidecar =
            |kept: &KeptContainer| Container { restart_policy: Some(ALWAYS.to_owned()), ..kept.container() };
        let sidecars: Vec<Container> = self.sidecars.iter().map(sidecar).collect();
        PodSpec {
            containers: self.containers.iter().map(KeptContainer::container).collect(),
            init_containers: Some(sidecars).filter(|sidecars| !sidecars.is_empty()),
            host_network: self.host_network.then_some(true),
            restart_policy: self.restart_policy.as_deref().map(str::to_owned),
            ..PodSpec::default()
        }
    }
}

impl KeptContainer {
    fn of(container: &Container) -> Self {
        let resources = container.resources.as_ref();
        Self {
            name: container.name.as_str().into(),
            requests: Amounts::of(resources.and_then(|resources| resources.requests.as_ref())),
            limits: Amounts::of(resources.and_then(|resources| resources.limits.as_ref())),
        }
    }

    fn container(&self) -> Container {
        let (requests, limits) = (self.requests.list(), self.limits.list());
        let some = requests.is_some() || limits.is_some();
        Container {
            name: self.name.to_string(),
            resources: some.then_some(ResourceRequirements { requests, limits, claims: None }),
            ..Container::default()
        }
    }
}

impl Amounts {
    fn of(list: Option<&BTreeMap<String, Quantity>>) -> Self {
        let amount = |name: &str| Some(list?.get(name)?.0.as_str().into());
        Self { cpu: amount("cpu"), memory: amount("memory") }
    }

    fn list(&self) -> Option<BTreeMap<String, Quantity>> {
        let amounts = [("cpu", &self.cpu), ("memory", &self.memory)];
        let list: BTreeMap<String, Quantity> = amounts
            .into_iter()
            .filter_map(|(name, amount)| Some((name.to_owned(), Quantity(amount.as_deref()?.to_owned()))))
            .collect();
        Some(list).filter(|list| !list.is_empty())
    }
}
