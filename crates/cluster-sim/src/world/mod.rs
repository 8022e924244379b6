//! What of a fleet does not change: who has which pods, on which nodes, and by which rules they come and go.
//!
//! The heart of it is the *slot*: a place for one pod on a node. There are M slots, and at every instant each holds exactly
//! one pod, so there are always exactly M pods and never more on a node than it has room for. Rollouts, rescheduling and
//! runs of CronJobs put another pod into a slot; an autoscaled Deployment and the spare one share some. Only somebody who
//! scales a workload leaves slots empty, or adds some.

mod owner;
mod rollouts;
mod room;
mod seats;
mod storage;
mod tenants;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, PersistentVolume, Pod, ResourceQuota};

use crate::draw::Draw;
use crate::fleet::{Fleet, tainted};
use crate::life::{Course, Life};
use crate::objects::node;
use crate::objects::pod::Place;
use crate::provocation::deed::{self, Deed, Marks};
use crate::stage::PodStage;
use crate::time::calendar::Calendar;
use crate::time::outages::{Outages, never};
use crate::time::span::{FOREVER, Seconds, Span};

pub(crate) use owner::{Owner, OwnerKind, RESTARTED_AT, TEMPLATE_HASH, job_labels};
pub(crate) use rollouts::{Rollouts, rollout_takes};
pub(crate) use room::Stretch;
pub(crate) use storage::Storage;
pub(crate) use tenants::Tenant;

/// A fleet's unchanging part.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) calendar: Calendar,
    pub(crate) draw: Draw,
    pub(crate) owners: Vec<Owner>,
    pub(crate) slots: Vec<Slot>,
    /// The nodes' manifests.
    pub(crate) nodes: Vec<Node>,
    quotas: Vec<ResourceQuota>,
    volumes: Vec<PersistentVolume>,
    /// By namespace, what is there of everything but pods that quotas may count.
    others: BTreeMap<String, BTreeMap<String, i64>>,
    /// Groups of nodes that have outages, and for each node its group and its number in it.
    outages: Vec<Outages>,
    outage_of_node: Vec<Option<(usize, usize)>>,
    /// What was provoked, by node.
    pub(crate) node_deeds: BTreeMap<usize, Vec<Deed>>,
}

/// A place for one pod.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) seat: Seat,
    pub(crate) turns: Turns,
}

/// The pod of an owner: position in [`World::owners`], and the pod's number among its owner's (for a DaemonSet, the number
/// of its node).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) owner: usize,
    pub(crate) ordinal: usize,
}

/// Whose pods a slot holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Turns {
    /// Always the same owner's.
    One(Part),
    /// An autoscaled workload's when it wants so many, else the spare one's.
    Shared { wanted: Part, spare: Part },
    /// Every `of`-th run of a CronJob.
    Runs { owner: usize, position: usize, of: usize },
    /// An owner's that somebody scaled up, as long as that provocation lasts.
    Extra { part: Part, id: u32 },
}

impl Turns {
    /// Everybody whose pods it may hold.
    pub(crate) fn owners(&self) -> impl Iterator<Item = usize> + use<> {
        let owners = match *self {
            Turns::One(part) | Turns::Extra { part, .. } => [Some(part.owner), None],
            Turns::Shared { wanted, spare } => [Some(wanted.owner), Some(spare.owner)],
            Turns::Runs { owner, .. } => [Some(owner), None],
        };
        owners.into_iter().flatten()
    }
}

/// Where the scheduler put a slot's pods.
#[derive(Clone, Debug)]
pub(crate) enum Seat {
    /// On a node, as its `number`-th pod.
    Node { index: usize, number: usize, by_manifest: bool },
    /// Nowhere: the scheduler's message says why.
    None { refusal: String },
}

impl World {
    pub(crate) fn new(fleet: &Fleet, draw: Draw) -> World {
        let calendar = Calendar::new(draw);
        let owners = owner::owners(fleet, draw, &calendar);
        let nodes: Vec<Node> = fleet.nodes.iter().map(tainted).collect();
        let mut world = World {
            calendar,
            draw,
            owners,
            slots: Vec::new(),
            nodes: fleet.nodes.clone(),
            quotas: fleet.quotas.clone(),
            volumes: fleet.volumes.clone(),
            others: BTreeMap::new(),
            outages: Vec::new(),
            outage_of_node: Vec::new(),
            node_deeds: BTreeMap::new(),
        };
        for quota in &fleet.quotas {
            let namespace = quota.metadata.namespace.clone().unwrap_or_default();
            world.others.insert(namespace.clone(), storage::others(&namespace, fleet, &world.owners));
        }
        world.slots = seats::slots(&mut world.owners, &nodes);
        (world.outages, world.outage_of_node) = seats::outages(&fleet.nodes, draw, &calendar);
        world
    }

    /// The slots that may hold pods of an owner.
    pub(crate) fn slots_of(&self, owner: usize) -> &[usize] {
        &self.owners[owner].slots
    }

    /// Whether a node is lost at `at`.
    pub(crate) fn node_lost(&self, index: usize, at: Seconds) -> Span<bool> {
        deed::lost(|at| self.node_fails(index, at), self.deeds_of_node(index), at)
    }

    /// Whether a node is lost without anybody having provoked it.
    fn node_fails(&self, index: usize, at: Seconds) -> Span<bool> {
        match self.outage_of_node.get(index) {
            Some(Some((group, rank))) => self.outages[*group].lost(*rank, at),
            _ => never(),
        }
    }

    fn deeds_of_node(&self, index: usize) -> &[Deed] {
        self.node_deeds.get(&index).map_or(&[], Vec::as_slice)
    }

    /// What provocations have left on a node.
    pub(crate) fn node_marks(&self, index: usize, at: Seconds) -> Span<Marks> {
        deed::marks(self.deeds_of_node(index).iter(), Seconds::MIN, at)
    }

    /// When a node was last booted by `at`; when it joined, if it was not since.
    ///
    /// A node that is kept down when it would have come back booted does so at the end of that.
    pub(crate) fn node_booted(&self, index: usize, at: Seconds) -> Span<Option<Seconds>> {
        let Some(Some((group, rank))) = self.outage_of_node.get(index) else { return Span::always(None) };
        let planned = |at| self.outages[*group].booted(*rank, at);
        if self.deeds_of_node(index).is_empty() {
            return planned(at);
        }
        let real = |boot: Seconds| {
            let lost = self.node_lost(index, boot);
            if lost.value { lost.until } else { boot }
        };
        let mut boot = planned(at);
        // The one after it; several may fall together.
        let mut until = FOREVER;
        let mut next = boot.until;
        while next < FOREVER {
            if real(next) > at {
                until = real(next);
                break;
            }
            next = planned(next).until;
        }
        loop {
            match boot.value {
                Some(moment) if real(moment) > at => {
                    until = until.min(real(moment));
                    boot = planned(moment - 1);
                }
                Some(moment) => {
                    let moment = real(moment);
                    return Span { value: Some(moment), since: moment, until };
                }
                None => return Span { value: None, since: boot.since, until },
            }
        }
    }

    /// When a node began to count: with its last boot, else when it joined.
    pub(crate) fn node_started(&self, index: usize, at: Seconds) -> Seconds {
        let joined = || node::created(&self.nodes[index], self.draw, &self.calendar);
        self.node_booted(index, at).value.unwrap_or_else(joined)
    }

    /// Whether the node of a slot is lost at `at`.
    pub(crate) fn seat_lost(&self, seat: &Seat, at: Seconds) -> Span<bool> {
        match seat {
            Seat::Node { index, .. } => self.node_lost(*index, at),
            Seat::None { .. } => never(),
        }
    }

    /// Where a slot's pods are bound to.
    pub(crate) fn place(&self, seat: &Seat) -> Option<Place<'_>> {
        match *seat {
            Seat::Node { index, number, by_manifest } => {
                Some(Place { node: &self.nodes[index], index, number, by_manifest })
            }
            Seat::None { .. } => None,
        }
    }

    /// The pod of a tenant, without status, and its life.
    pub(crate) fn pod(&self, slot: &Slot, tenant: &Tenant) -> (Pod, Life) {
        let owner = &self.owners[tenant.part.owner];
        let draw = owner.pod_draw(self.draw, tenant);
        let pod = owner.pod(tenant, draw, self.place(&slot.seat).as_ref());
        // A lost node neither starts nor ends a pod; it does when it is back.
        let when_back = |at: Seconds, delay: Seconds| {
            if at == FOREVER {
                return at;
            }
            let lost = self.seat_lost(&slot.seat, at);
            if lost.value { lost.until.saturating_add(delay) } else { at }
        };
        let delay = draw.of("start").between(1..START_TAKES);
        let started = when_back(tenant.created + delay, delay);
        let course = match (&slot.seat, owner.stage) {
            (Seat::None { .. }, _) => Course::Unschedulable,
            (_, Some(PodStage::ImagePullBackOff)) => Course::NoImage,
            (_, Some(PodStage::CrashLoop)) => Course::Crashes { started },
            _ => match owner.end {
                Some(end) => {
                    let ended = when_back(started.saturating_add(owner.runs_for), 0);
                    Course::Ends { started, ended, end }
                }
                None => Course::Runs { started, restarts: crate::life::restarts(&pod) },
            },
        };
        let troubles = match course {
            Course::Runs { started, .. } => deed::troubles(owner.deeds_on(tenant), started),
            _ => Vec::new(),
        };
        (pod, Life { created: tenant.created, course, troubles })
    }

    /// What provocations have left on a pod.
    pub(crate) fn pod_marks(&self, tenant: &Tenant, at: Seconds) -> Span<Marks> {
        deed::marks(self.owners[tenant.part.owner].deeds_on(tenant), tenant.created, at)
    }
}

/// A pod starts before so many seconds have passed since its creation.
pub(crate) const START_TAKES: Seconds = 13;
