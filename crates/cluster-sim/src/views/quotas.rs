//! What is used of a quota.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceQuota;

use super::{Picture, Scene, keep};
use crate::cluster::ClusterObjects;
use crate::fleet::quota::{claim_usage, pod_usage};
use crate::life::Course;
use crate::objects::{Dates, quota};
use crate::time::span::{Seconds, Span};
use crate::world::World;

/// A quota and what it looks at.
#[derive(Debug)]
pub(crate) struct QuotaView {
    manifest: ResourceQuota,
    uid: String,
    created: Seconds,
    /// What one pod of each owner takes; only owners in the quota's namespace.
    usage: BTreeMap<usize, BTreeMap<String, i64>>,
    /// The slots that may hold such pods.
    slots: Vec<usize>,
    /// What is used of everything but pods.
    others: BTreeMap<String, i64>,
}

impl QuotaView {
    pub(super) fn new(manifest: &ResourceQuota, world: &World) -> QuotaView {
        let namespace = manifest.metadata.namespace.as_deref().unwrap_or_default();
        let name = manifest.metadata.name.as_deref().unwrap_or_default();
        let draw = world.draw.of("ResourceQuota").of(namespace).of(name);
        let owners = world.owners.iter().enumerate().filter(|(_, owner)| owner.namespace == namespace);
        let usage = owners
            .map(|(position, owner)| (position, owner.spec().map(pod_usage).unwrap_or_default()))
            .collect();
        let mut view = QuotaView {
            manifest: manifest.clone(),
            uid: draw.uuid(),
            created: world.calendar.workload(draw),
            usage,
            slots: Vec::new(),
            others: world.others_of(namespace),
        };
        view.find_slots(world);
        view
    }

    /// Looks for the slots that there are now.
    pub(super) fn find_slots(&mut self, world: &World) {
        self.slots = self.usage.keys().flat_map(|owner| world.slots_of(*owner)).copied().collect();
        self.slots.sort_unstable();
        self.slots.dedup();
    }

    pub(super) fn look(&self, scene: Scene<'_>, before: &Picture) -> Picture {
        let mut span = Span { value: (), since: self.created, until: Seconds::MAX };
        let mut used = self.others.clone();
        for &slot in &self.slots {
            let taken = self.taken(slot, scene);
            span = span.within(&taken);
            for (name, amount) in taken.value.into_iter().flatten() {
                *used.entry(name.clone()).or_default() += amount;
            }
        }
        for &owner in self.usage.keys() {
            let storage = scene.world.extra_storage(owner, scene.at);
            span = span.within(&storage);
            for claim in &storage.value.claims {
                for (name, amount) in claim_usage(claim) {
                    *used.entry(name).or_default() += amount;
                }
            }
        }
        let dates = Dates { calendar: &scene.world.calendar, created: self.created, changed: span.since };
        let object = quota::quota(&self.manifest, &self.uid, &used, dates);
        let objects = ClusterObjects {
            resource_quotas: vec![keep(&before.objects.resource_quotas, object)],
            ..ClusterObjects::default()
        };
        Picture { objects, since: span.since, until: span.until }
    }

    /// What the pod in a slot takes, as long as that is the same: a pod that replaces another takes as much.
    fn taken(&self, slot: usize, scene: Scene<'_>) -> Span<Option<&BTreeMap<String, i64>>> {
        let turn = scene.world.turn(&scene.world.slots[slot], scene.at);
        let Some(occupant) = &scene.cells[slot].occupant else { return turn.map(|()| None) };
        let tenant = &occupant.tenant;
        let Some(usage) = self.usage.get(&tenant.value.part.owner) else { return turn.map(|()| None) };
        match occupant.life.course {
            // From its creation to its end.
            Course::Ends { ended, .. } if scene.at < ended => {
                Span { value: Some(usage), since: occupant.life.created, until: ended.min(tenant.until) }
            }
            Course::Ends { ended, .. } => Span { value: None, since: ended, until: tenant.until },
            _ => turn.map(|()| Some(usage)),
        }
    }
}
