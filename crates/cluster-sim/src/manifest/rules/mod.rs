//! What a single document must fulfil beyond its types: what an API server would refuse, and what this crate needs.

mod metadata;
mod node;
mod pod;
mod workload;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity as ApiQuantity;
use kubelet_stats::Quantity;

use super::object::Object;
use super::path::Path;
use super::strict::Finding;
use crate::resources::value;

pub(crate) use workload::selects;

type Checked = Result<(), Finding>;

/// Checks one object.
pub(crate) fn check(object: &Object) -> Checked {
    metadata::check(object)?;
    match object {
        Object::Namespace(_) => Ok(()),
        Object::Node(node) => node::check(node),
        Object::Pod(pod) => workload::check_pod(pod),
        Object::Service(service) => workload::check_service(service),
        Object::Deployment(deployment) => workload::check_deployment(deployment),
        Object::ReplicaSet(replica_set) => workload::check_replica_set(replica_set),
        Object::StatefulSet(stateful_set) => workload::check_stateful_set(stateful_set),
        Object::DaemonSet(daemon_set) => workload::check_daemon_set(daemon_set),
    }
}

fn refuse(path: Path, message: impl Into<String>) -> Checked {
    Err(Finding::new(path, message))
}

/// A map of quantities: readable, none negative.
fn check_quantities(quantities: Option<&BTreeMap<String, ApiQuantity>>, path: &Path) -> Checked {
    for (resource, quantity) in quantities.into_iter().flatten() {
        check_quantity(quantity, &path.key(resource))?;
    }
    Ok(())
}

fn check_quantity(quantity: &ApiQuantity, path: &Path) -> Checked {
    match Quantity::try_from(quantity) {
        Ok(value) if value.is_negative() => refuse(path.clone(), format!("`{}` is negative", quantity.0)),
        Ok(_) => Ok(()),
        Err(error) => refuse(path.clone(), format!("`{}` is no quantity: {}", quantity.0, error.reason)),
    }
}

/// No part of `parts` more than the same part of `wholes`.
fn check_within(
    parts: Option<&BTreeMap<String, ApiQuantity>>,
    wholes: Option<&BTreeMap<String, ApiQuantity>>,
    path: &Path,
    whole: &str,
) -> Checked {
    for (resource, part) in parts.into_iter().flatten() {
        if let Some(most) = wholes.and_then(|wholes| wholes.get(resource))
            && value(part) > value(most)
        {
            return refuse(
                path.key(resource),
                format!("`{}` is more than the {whole}, `{}`", part.0, most.0),
            );
        }
    }
    Ok(())
}
