//! Persistent volumes from templates: one for each claim of a StatefulSet.

use k8s_openapi::api::core::v1::PersistentVolume;

use super::Scaled;
use crate::manifest::Workload;
use crate::manifest::numbered::is_template_for;

/// The volumes of the files; templates are replaced by one volume for each pod of their StatefulSet.
pub(super) fn expand(volumes: &[PersistentVolume], workloads: &[Scaled]) -> Vec<PersistentVolume> {
    volumes
        .iter()
        .flat_map(|volume| match replicas_of_template(volume, workloads) {
            Some(replicas) => (0..replicas).map(|ordinal| number(volume, ordinal)).collect(),
            None => vec![volume.clone()],
        })
        .collect()
}

/// How many pods the StatefulSet has whose claims `volume` is a template for.
fn replicas_of_template(volume: &PersistentVolume, workloads: &[Scaled]) -> Option<usize> {
    workloads.iter().find_map(|scaled| match &scaled.workload {
        Workload::StatefulSet(set) => is_template_for(volume, set).then_some(scaled.pods),
        _ => None,
    })
}

fn number(template: &PersistentVolume, ordinal: usize) -> PersistentVolume {
    let mut volume = template.clone();
    let numbered = |name: &mut Option<String>| {
        if let Some(name) = name {
            name.push_str(&format!("-{ordinal}"));
        }
    };
    numbered(&mut volume.metadata.name);
    if let Some(claim) = volume.spec.as_mut().and_then(|spec| spec.claim_ref.as_mut()) {
        numbered(&mut claim.name);
    }
    volume
}
