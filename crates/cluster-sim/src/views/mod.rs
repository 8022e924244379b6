//! What follows from the pods: controllers' objects, endpoints, quotas. Each view is made anew only when a pod that it
//! looks at, or its own rules, changed.

mod quotas;
mod services;
mod workloads;

use std::sync::Arc;

use k8s_openapi::Metadata;
use k8s_openapi::api::core::v1::{Pod, ResourceQuota, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::cluster::ClusterObjects;
use crate::fleet::{Autoscaler, Fleet};
use crate::life::{Life, Standing};
use crate::time::span::{ALWAYS, FOREVER, Seconds, Span};
use crate::world::{OwnerKind, Storage, Tenant, World};

pub(crate) use quotas::QuotaView;
pub(crate) use services::ServiceView;

/// A slot as it is at an instant.
#[derive(Debug)]
pub(crate) struct Cell {
    /// `None` while nobody wants a pod there.
    pub(crate) occupant: Option<Occupant>,
    /// As long as nothing changes: the pod does so more often than it changes its standing.
    pub(crate) since: Seconds,
    pub(crate) until: Seconds,
}

/// The pod in a slot.
#[derive(Debug)]
pub(crate) struct Occupant {
    pub(crate) tenant: Span<Tenant>,
    pub(crate) life: Life,
    pub(crate) standing: Span<Standing>,
    pub(crate) pod: Arc<Pod>,
}

/// What a view looks at.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) world: &'a World,
    pub(crate) cells: &'a [Cell],
    pub(crate) autoscalers: &'a [Autoscaler],
    pub(crate) at: Seconds,
}

/// A view's rule.
#[derive(Debug)]
pub(crate) enum View {
    /// The objects of an owner: position in [`World::owners`].
    Owner(usize),
    /// The storage that a StatefulSet got since somebody scaled it up.
    Storage(usize),
    Service(ServiceView),
    Quota(Box<QuotaView>),
}

/// The views of a fleet.
pub(crate) fn views(fleet: &Fleet, world: &World, services: &[Arc<Service>]) -> Vec<View> {
    let owners = (0..world.owners.len()).map(View::Owner);
    let services = services.iter().filter_map(|service| ServiceView::new(service, world)).map(View::Service);
    let quotas =
        fleet.quotas.iter().map(|quota: &ResourceQuota| View::Quota(Box::new(QuotaView::new(quota, world))));
    let sets = world.owners.iter().enumerate();
    let sets = sets.filter(|(_, owner)| matches!(owner.kind, OwnerKind::StatefulSet(_)));
    let storage = sets.map(|(position, _)| View::Storage(position));
    owners.chain(services).chain(quotas).chain(storage).collect()
}

/// Objects, as long as they do not change.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) objects: ClusterObjects,
    since: Seconds,
    until: Seconds,
}

impl Picture {
    /// Nothing, never.
    pub(crate) fn blank() -> Picture {
        Picture { objects: ClusterObjects::default(), since: FOREVER, until: ALWAYS }
    }

    pub(crate) fn covers(&self, at: Seconds) -> bool {
        self.since <= at && at < self.until
    }

    /// Makes it hold at no time; its objects stay, to be kept if they are the same.
    pub(crate) fn expire(&mut self) {
        (self.since, self.until) = (FOREVER, ALWAYS);
    }

    /// When it stops to hold.
    pub(crate) fn until(&self) -> Seconds {
        self.until
    }

    pub(crate) fn since(&self) -> Seconds {
        self.since
    }
}

impl View {
    /// Takes in slots that were added.
    pub(crate) fn find_slots(&mut self, world: &World) {
        if let View::Quota(view) = self {
            view.find_slots(world);
        }
    }

    /// Looks again; objects that did not change stay the same.
    pub(crate) fn look(&self, scene: Scene<'_>, before: &Picture) -> Picture {
        match self {
            View::Owner(owner) => workloads::look(*owner, scene, before),
            View::Storage(owner) => storage(*owner, scene, before),
            View::Service(view) => view.look(scene, before),
            View::Quota(view) => view.look(scene, before),
        }
    }
}

fn storage(owner: usize, scene: Scene<'_>, before: &Picture) -> Picture {
    let Span { value: Storage { volumes, claims }, since, until } =
        scene.world.extra_storage(owner, scene.at);
    let before = &before.objects;
    let objects = ClusterObjects {
        persistent_volumes: volumes
            .into_iter()
            .map(|volume| keep(&before.persistent_volumes, volume))
            .collect(),
        persistent_volume_claims: claims
            .into_iter()
            .map(|claim| keep(&before.persistent_volume_claims, claim))
            .collect(),
        ..ClusterObjects::default()
    };
    Picture { objects, since, until }
}

/// A pod as its owner sees it.
#[derive(Clone, Copy, Debug)]
struct Member<'a> {
    tenant: Tenant,
    standing: Span<Standing>,
    pod: &'a Arc<Pod>,
    /// Since when its slot holds pods of its owner.
    joined: Seconds,
}

/// The pods that an owner has.
struct Members<'a> {
    present: Vec<Member<'a>>,
    /// As long as it has them in this state.
    span: Span<()>,
    /// When the last one left its slot to another owner, or to nobody.
    left: Seconds,
}

fn members<'a>(owner: usize, scene: Scene<'a>) -> Members<'a> {
    let mut members = Members { present: Vec::new(), span: Span::always(()), left: ALWAYS };
    for &slot in scene.world.slots_of(owner) {
        let cell = &scene.cells[slot];
        let turn = scene.world.turn(&scene.world.slots[slot], scene.at);
        let occupant = cell.occupant.as_ref();
        if let Some(Occupant { tenant, standing, pod, .. }) =
            occupant.filter(|occupant| occupant.tenant.value.part.owner == owner)
        {
            members.span = members.span.within(standing);
            let joined = turn.since;
            members.present.push(Member { tenant: tenant.value, standing: *standing, pod, joined });
        } else {
            // Another owner's pod comes and goes without a change here, until the slot is this owner's again.
            members.span = members.span.within(&turn);
            members.left = members.left.max(turn.since);
        }
    }
    members
}

/// The object as it was before if it did not change, else the new one.
fn keep<T: Metadata<Ty = ObjectMeta> + PartialEq>(before: &[Arc<T>], object: T) -> Arc<T> {
    let same = |old: &&Arc<T>| {
        let (of_old, of_new) = (old.metadata(), object.metadata());
        // Versions tell, but for what was provoked meanwhile.
        of_old.uid == of_new.uid && of_old.resource_version == of_new.resource_version && ***old == object
    };
    before.iter().find(same).cloned().unwrap_or_else(|| Arc::new(object))
}
