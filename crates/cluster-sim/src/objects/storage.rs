//! PersistentVolumes and claims, bound to each other.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{
    ObjectReference, PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimStatus,
    PersistentVolumeStatus,
};

use super::Dates;
use crate::draw::Draw;
use crate::resources::value;
use crate::time::calendar::{Calendar, time};
use crate::time::span::Seconds;

const BOUND_BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";

/// The claim that a StatefulSet makes for its pod of this number, before it is bound.
pub(crate) fn claims_of(set: &StatefulSet, ordinal: usize) -> Vec<PersistentVolumeClaim> {
    let (Some(spec), Some(name)) = (&set.spec, &set.metadata.name) else { return Vec::new() };
    let claim = |template: &PersistentVolumeClaim| {
        let mut claim = template.clone();
        let metadata = &mut claim.metadata;
        metadata.name = Some(format!("{}-{name}-{ordinal}", metadata.name.as_deref().unwrap_or_default()));
        metadata.namespace.clone_from(&set.metadata.namespace);
        let labels = spec.selector.match_labels.clone().unwrap_or_default();
        metadata.labels.get_or_insert_default().extend(labels);
        claim.status = None;
        claim
    };
    spec.volume_claim_templates.iter().flatten().map(claim).collect()
}

/// Volumes and claims as the binding controller leaves them: a volume goes to the claim that it names, else to the first
/// claim of its class that it is large enough for.
pub(crate) fn bind(
    volumes: &[PersistentVolume],
    claims: Vec<(PersistentVolumeClaim, Seconds)>,
    draw: Draw,
    calendar: &Calendar,
) -> (Vec<PersistentVolume>, Vec<PersistentVolumeClaim>) {
    let mut volumes: Vec<Bindable> = volumes.iter().cloned().map(Bindable::new).collect();
    let claims = claims
        .into_iter()
        .map(|(claim, created)| {
            let found = volumes
                .iter()
                .position(|volume| volume.names(&claim))
                .or_else(|| volumes.iter().position(|volume| volume.suits(&claim)));
            let bound =
                admit_claim(claim, found.map(|found| &volumes[found].volume), draw, calendar, created);
            if let Some(found) = found {
                volumes[found].bind(&bound, created);
            }
            bound
        })
        .collect();
    let volumes = volumes.into_iter().map(|volume| volume.admit(draw, calendar)).collect();
    (volumes, claims)
}

/// A volume while claims look for theirs.
struct Bindable {
    volume: PersistentVolume,
    bound: Option<Seconds>,
}

impl Bindable {
    fn new(volume: PersistentVolume) -> Bindable {
        Bindable { volume, bound: None }
    }

    /// Whether it is kept for this claim.
    fn names(&self, claim: &PersistentVolumeClaim) -> bool {
        let reference = self.volume.spec.as_ref().and_then(|spec| spec.claim_ref.as_ref());
        self.bound.is_none()
            && reference.is_some_and(|reference| {
                reference.name == claim.metadata.name && reference.namespace == claim.metadata.namespace
            })
    }

    /// Whether it is kept for nobody and this claim can have it.
    fn suits(&self, claim: &PersistentVolumeClaim) -> bool {
        let (Some(spec), Some(wanted)) = (&self.volume.spec, &claim.spec) else { return false };
        let size = spec.capacity.as_ref().and_then(|capacity| capacity.get("storage")).map(value);
        let requests = wanted.resources.as_ref().and_then(|resources| resources.requests.as_ref());
        let wanted_size = requests.and_then(|requests| requests.get("storage")).map(value);
        let class = |class: &Option<String>| class.clone().unwrap_or_default();
        self.bound.is_none()
            && spec.claim_ref.is_none()
            && class(&spec.storage_class_name) == class(&wanted.storage_class_name)
            && size >= wanted_size
    }

    fn bind(&mut self, claim: &PersistentVolumeClaim, at: Seconds) {
        self.bound = Some(at);
        let spec = self.volume.spec.get_or_insert_default();
        let by_manifest = spec.claim_ref.is_some();
        spec.claim_ref = Some(ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("PersistentVolumeClaim".to_owned()),
            name: claim.metadata.name.clone(),
            namespace: claim.metadata.namespace.clone(),
            uid: claim.metadata.uid.clone(),
            resource_version: claim.metadata.resource_version.clone(),
            ..ObjectReference::default()
        });
        if !by_manifest {
            let annotations = self.volume.metadata.annotations.get_or_insert_default();
            annotations.insert(BOUND_BY_CONTROLLER.to_owned(), "yes".to_owned());
        }
    }

    fn admit(self, draw: Draw, calendar: &Calendar) -> PersistentVolume {
        let Bindable { mut volume, bound } = self;
        let draw = draw.of("PersistentVolume").of(volume.metadata.name.as_deref().unwrap_or_default());
        let created = calendar.early(draw);
        let changed = bound.unwrap_or(created).max(created);
        Dates { calendar, created, changed }.admit(&mut volume.metadata, &draw.uuid());
        volume.metadata.finalizers = Some(vec!["kubernetes.io/pv-protection".to_owned()]);
        let spec = volume.spec.get_or_insert_default();
        spec.persistent_volume_reclaim_policy.get_or_insert_with(|| "Retain".to_owned());
        spec.volume_mode.get_or_insert_with(|| "Filesystem".to_owned());
        if let Some(path) = &mut spec.host_path {
            path.type_.get_or_insert_default();
        }
        volume.status = Some(PersistentVolumeStatus {
            phase: Some(if bound.is_some() { "Bound" } else { "Available" }.to_owned()),
            last_phase_transition_time: Some(time(changed)),
            ..PersistentVolumeStatus::default()
        });
        volume
    }
}

fn admit_claim(
    mut claim: PersistentVolumeClaim,
    volume: Option<&PersistentVolume>,
    draw: Draw,
    calendar: &Calendar,
    created: Seconds,
) -> PersistentVolumeClaim {
    let metadata = &mut claim.metadata;
    let draw = draw
        .of("PersistentVolumeClaim")
        .of(metadata.namespace.as_deref().unwrap_or_default())
        .of(metadata.name.as_deref().unwrap_or_default());
    Dates { calendar, created, changed: created }.admit(metadata, &draw.uuid());
    metadata.finalizers = Some(vec!["kubernetes.io/pvc-protection".to_owned()]);
    let spec = claim.spec.get_or_insert_default();
    spec.volume_mode.get_or_insert_with(|| "Filesystem".to_owned());
    claim.status = Some(match volume {
        None => PersistentVolumeClaimStatus { phase: Some("Pending".to_owned()), ..Default::default() },
        Some(volume) => {
            let annotations = metadata.annotations.get_or_insert_default();
            annotations.insert("pv.kubernetes.io/bind-completed".to_owned(), "yes".to_owned());
            annotations.insert(BOUND_BY_CONTROLLER.to_owned(), "yes".to_owned());
            spec.volume_name.clone_from(&volume.metadata.name);
            let of_volume = volume.spec.as_ref();
            PersistentVolumeClaimStatus {
                phase: Some("Bound".to_owned()),
                access_modes: of_volume.and_then(|spec| spec.access_modes.clone()),
                capacity: of_volume.and_then(|spec| spec.capacity.clone()),
                ..PersistentVolumeClaimStatus::default()
            }
        }
    });
    claim
}
