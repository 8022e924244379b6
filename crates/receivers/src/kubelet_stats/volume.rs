//! What kind of volume it is, from the pod's spec.

use k8s_openapi::api::core::v1::{Pod, Volume};

use crate::pod_metadata::PodMetadata;

/// The attributes of the volume of this name; `None` where the pod has no such volume, or where `claims` are to be
/// looked up and its claim is not bound. A volume of another kind than those known here has none.
pub(super) fn attributes<'a>(
    pod: &'a Pod,
    name: &str,
    claims: Option<&PodMetadata>,
) -> Option<Vec<(&'static str, &'a str)>> {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    let volume = volumes.into_iter().find(|volume| volume.name == name)?;
    let mut kind = kind(volume);
    let mut attributes = Vec::new();
    if let Some(source) = &volume.persistent_volume_claim {
        attributes.push(("k8s.persistentvolumeclaim.name", source.claim_name.as_str()));
        if let Some(claims) = claims {
            let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
            let bound = claims.volume_of_claim(namespace, &source.claim_name)?;
            if bound.spec.as_ref().is_some_and(|spec| spec.local.is_some()) {
                kind = Some("local");
            }
        }
    }
    attributes.extend(kind.map(|kind| ("k8s.volume.type", kind)));
    Some(attributes)
}

fn kind(volume: &Volume) -> Option<&'static str> {
    if volume.config_map.is_some() {
        Some("configMap")
    } else if volume.downward_api.is_some() {
        Some("downwardAPI")
    } else if volume.empty_dir.is_some() {
        Some("emptyDir")
    } else if volume.secret.is_some() {
        Some("secret")
    } else if volume.persistent_volume_claim.is_some() {
        Some("persistentVolumeClaim")
    } else if volume.host_path.is_some() {
        Some("hostPath")
    } else {
        None
    }
}
