//! Services, quotas, storage, autoscalers.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaimSpec, ResourceQuota, Service};

use super::{Checked, check_quantities, refuse};
use crate::manifest::path::Path;

pub(super) fn check_service(service: &Service) -> Checked {
    let path = Path::keys("spec");
    let Some(spec) = &service.spec else { return refuse(path, "is missing") };
    for (index, port) in spec.ports.iter().flatten().enumerate() {
        if !(1..=65535).contains(&port.port) {
            let path = path.key("ports").index(index).key("port");
            return refuse(path, format!("`{}` is no port, 1 to 65535", port.port));
        }
    }
    let headless = spec.cluster_ip.as_deref() == Some("None");
    let external = spec.type_.as_deref() == Some("ExternalName");
    if !headless && !external && spec.ports.as_ref().is_none_or(Vec::is_empty) {
        return refuse(path.key("ports"), "is missing");
    }
    Ok(())
}

pub(super) fn check_quota(quota: &ResourceQuota) -> Checked {
    let path = Path::keys("spec");
    let Some(spec) = &quota.spec else { return refuse(path, "is missing") };
    for (given, field) in
        [(spec.scopes.is_some(), "scopes"), (spec.scope_selector.is_some(), "scopeSelector")]
    {
        if given {
            return refuse(path.key(field), "is not simulated");
        }
    }
    check_quantities(spec.hard.as_ref(), &path.key("hard"))
}

pub(super) fn check_volume(volume: &PersistentVolume) -> Checked {
    let path = Path::keys("spec");
    let Some(spec) = &volume.spec else { return refuse(path, "is missing") };
    if !spec.capacity.as_ref().is_some_and(|capacity| capacity.contains_key("storage")) {
        return refuse(path.then("capacity.storage"), "is missing");
    }
    check_quantities(spec.capacity.as_ref(), &path.key("capacity"))?;
    if let Some(claim) = &spec.claim_ref {
        for (field, value) in [("name", &claim.name), ("namespace", &claim.namespace)] {
            if value.is_none() {
                return refuse(path.key("claimRef").key(field), "is missing");
            }
        }
        if claim.uid.is_some() {
            return refuse(path.then("claimRef.uid"), "is for the controllers to set");
        }
    }
    Ok(())
}

/// A claim, or a template of one.
pub(super) fn check_claim(spec: Option<&PersistentVolumeClaimSpec>, path: &Path) -> Checked {
    let Some(spec) = spec else { return refuse(path.clone(), "is missing") };
    if spec.access_modes.as_ref().is_none_or(Vec::is_empty) {
        return refuse(path.key("accessModes"), "is missing");
    }
    let requests = spec.resources.as_ref().and_then(|resources| resources.requests.as_ref());
    let path = path.then("resources.requests");
    if !requests.is_some_and(|requests| requests.contains_key("storage")) {
        return refuse(path.key("storage"), "is missing");
    }
    check_quantities(requests, &path)
}

pub(super) fn check_autoscaler(autoscaler: &HorizontalPodAutoscaler) -> Checked {
    let path = Path::keys("spec");
    let spec = &autoscaler.spec;
    if spec.scale_target_ref.kind != "Deployment" {
        let message = format!("a {} is not scaled here, only Deployments", spec.scale_target_ref.kind);
        return refuse(path.then("scaleTargetRef.kind"), message);
    }
    let least = spec.min_replicas.unwrap_or(1);
    if least < 1 {
        return refuse(path.key("minReplicas"), format!("`{least}` is less than 1"));
    }
    if spec.max_replicas < least {
        let message = format!("`{}` is less than the minimum, `{least}`", spec.max_replicas);
        return refuse(path.key("maxReplicas"), message);
    }
    Ok(())
}
