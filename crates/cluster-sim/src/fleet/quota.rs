//! Quotas: what they refuse.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, PersistentVolumeClaim, PodSpec, ResourceQuota};

use crate::resources::{self, amount};

/// Resources whose quota makes every container say how much of them it wants.
const COMPUTE: [&str; 8] = [
    "cpu",
    "memory",
    "requests.cpu",
    "requests.memory",
    "limits.cpu",
    "limits.memory",
    "requests.ephemeral-storage",
    "limits.ephemeral-storage",
];

/// What a pod takes of the resources that quotas name.
pub(crate) fn pod_usage(spec: &PodSpec) -> BTreeMap<String, i64> {
    let mut usage = BTreeMap::from([("pods".to_owned(), 1), ("count/pods".to_owned(), 1)]);
    for (name, amount) in resources::requests(spec) {
        if let "cpu" | "memory" | "ephemeral-storage" = name.as_str() {
            usage.insert(name.clone(), amount);
        }
        usage.insert(format!("requests.{name}"), amount);
    }
    for (name, amount) in resources::limits(spec) {
        usage.insert(format!("limits.{name}"), amount);
    }
    usage
}

/// What a claim takes of them.
pub(crate) fn claim_usage(claim: &PersistentVolumeClaim) -> BTreeMap<String, i64> {
    let resources = claim.spec.as_ref().and_then(|spec| spec.resources.as_ref());
    let requests = resources.and_then(|resources| resources.requests.as_ref());
    let size = requests.and_then(|requests| requests.get("storage"));
    let size = size.map(|size| ("requests.storage".to_owned(), amount("storage", size)));
    size.into_iter().chain([("persistentvolumeclaims".to_owned(), 1)]).collect()
}

/// A quota while pods are admitted one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    name: String,
    hard: BTreeMap<String, i64>,
    used: BTreeMap<String, i64>,
}

impl Ledger {
    pub(crate) fn new(quota: &ResourceQuota) -> Ledger {
        let hard = quota.spec.iter().filter_map(|spec| spec.hard.as_ref()).flatten();
        Ledger {
            name: quota.metadata.name.clone().unwrap_or_default(),
            hard: hard.map(|(name, quantity)| (name.clone(), amount(name, quantity))).collect(),
            used: BTreeMap::new(),
        }
    }

    /// Why no pod with this spec is ever admitted: a container does not say what it wants.
    pub(crate) fn refuses_always(&self, spec: &PodSpec) -> Option<String> {
        let mut missing = Vec::new();
        for resource in self.hard.keys().filter(|name| COMPUTE.contains(&name.as_str())) {
            let (kind, name) = resource.split_once('.').unwrap_or(("requests", resource));
            let says = |container: &&Container| {
                let resources = container.resources.as_ref();
                let map = resources.and_then(|resources| {
                    if kind == "limits" { resources.limits.as_ref() } else { resources.requests.as_ref() }
                });
                map.is_some_and(|map| map.contains_key(name))
            };
            let silent: Vec<&str> = spec
                .containers
                .iter()
                .filter(|container| !says(container))
                .map(|container| &*container.name)
                .collect();
            if !silent.is_empty() {
                missing.push(format!("{resource} for: {}", silent.join(",")));
            }
        }
        (!missing.is_empty())
            .then(|| format!("failed quota: {}: must specify {}", self.name, missing.join("; ")))
    }

    /// Admits one more pod, or says why not.
    pub(crate) fn admit(&mut self, usage: &BTreeMap<String, i64>) -> Result<(), String> {
        let over = self.hard.iter().find_map(|(name, hard)| {
            let (wanted, used) = (*usage.get(name)?, self.used.get(name).copied().unwrap_or(0));
            (wanted > 0 && used + wanted > *hard).then_some((name, wanted, used, *hard))
        });
        if let Some((name, wanted, used, hard)) = over {
            let write = |amount| resources::write(name, amount).0;
            return Err(format!(
                "exceeded quota: {}, requested: {name}={}, used: {name}={}, limited: {name}={}",
                self.name,
                write(wanted),
                write(used),
                write(hard)
            ));
        }
        self.take(usage);
        Ok(())
    }

    /// Counts what is there, whether or not it should be.
    pub(crate) fn take(&mut self, usage: &BTreeMap<String, i64>) {
        for (name, amount) in usage {
            if self.hard.contains_key(name) {
                *self.used.entry(name.clone()).or_default() += amount;
            }
        }
    }
}

/// `quota` for a fleet `times` as large as the files'.
pub(super) fn grown(quota: &ResourceQuota, times: usize) -> ResourceQuota {
    let mut quota = quota.clone();
    for (name, quantity) in quota.spec.iter_mut().filter_map(|spec| spec.hard.as_mut()).flatten() {
        if times > 1 {
            *quantity = resources::write(name, amount(name, quantity).saturating_mul(times as i64));
        }
    }
    quota
}
