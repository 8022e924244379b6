//! What a single document must fulfil beyond its types: what an API server would refuse, and what this crate needs.

mod annotation;
mod batch;
mod metadata;
mod node;
mod other;
mod pod;
mod workload;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity as ApiQuantity;
use kubelet_stats::Quantity;

use super::object::Object;
use super::path::Path;
use super::strict::Finding;
use crate::resources::value;

pub(super) use workload::selects;

type Checked = Result<(), Finding>;

/// Checks one object.
pub(crate) fn check(object: &Object) -> Checked {
    metadata::check(object)?;
    annotation::check(object)?;
    match object {
        Object::Namespace(_) | Object::Stage(_) => Ok(()),
        Object::Node(node) => node::check(node),
        Object::Pod(pod) => workload::check_pod(pod),
        Object::Service(service) => other::check_service(service),
        Object::ResourceQuota(quota) => other::check_quota(quota),
        Object::PersistentVolume(volume) => other::check_volume(volume),
        Object::PersistentVolumeClaim(claim) => other::check_claim(claim.spec.as_ref(), &Path::keys("spec")),
        Object::HorizontalPodAutoscaler(autoscaler) => other::check_autoscaler(autoscaler),
        Object::Deployment(deployment) => workload::check_deployment(deployment),
        Object::ReplicaSet(replica_set) => workload::check_replica_set(replica_set),
        Object::ReplicationController(controller) => workload::check_replication_controller(controller),
        Object::StatefulSet(stateful_set) => workload::check_stateful_set(stateful_set),
        Object::DaemonSet(daemon_set) => workload::check_daemon_set(daemon_set),
        Object::Job(job) => batch::check_job(job),
        Object::CronJob(cron_job) => batch::check_cron_job(cron_job),
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
