//! What pods that are gone had counted on their nodes.
//!
//! A node's counters go on when a pod leaves. How far they were is not a closed form: every pod that left since the node's
//! boot has its share. So they are looked up slot by slot, all of them once and then only those that left since.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use kubelet_stats::Departed;

use crate::life::{Course, Life};
use crate::objects::{mark, pod_status};
use crate::time::calendar::instant;
use crate::time::outages::never;
use crate::time::span::Seconds;
use crate::views::{Cell, Occupant};
use crate::world::{Seat, Slot, Tenant, World};

/// The departed pods of every node, at one instant.
#[derive(Debug, Default)]
pub(crate) struct Departures {
    at: Option<Seconds>,
    nodes: Vec<Departed>,
    by_name: BTreeMap<String, usize>,
}

impl Departures {
    /// Forgets everything from `since` on.
    pub(crate) fn forget(&mut self, since: Seconds) {
        if self.at.is_some_and(|at| since <= at) {
            *self = Departures::default();
        }
    }

    /// Those of a node; `None` when there is no such node.
    pub(crate) fn of(&self, node: &str) -> Option<&Departed> {
        self.by_name.get(node).and_then(|&index| self.nodes.get(index))
    }

    /// Brings them to `at`, where `cells` are as they are then.
    pub(crate) fn advance(&mut self, world: &World, cells: &[Cell], at: Seconds) {
        if self.at == Some(at) {
            return;
        }
        if self.nodes.is_empty() {
            let names = world.nodes.iter().map(|node| node.metadata.name.clone().unwrap_or_default());
            self.by_name = names.zip(0..).collect();
            self.nodes = vec![Departed::default(); world.nodes.len()];
        }
        let last = self.at.filter(|last| *last < at);
        let since: Vec<Seconds> = (0..world.nodes.len())
            .map(|index| {
                let boot = world.node_started(index, at);
                match last {
                    // What left before is in the sum.
                    Some(last) if boot <= last => last,
                    _ => {
                        self.nodes[index] = Departed::default();
                        boot
                    }
                }
            })
            .collect();
        for (slot, cell) in world.slots.iter().zip(cells) {
            if let Seat::Node { index, .. } = slot.seat {
                add(world, slot, cell, since[index], at, &mut self.nodes[index]);
            }
        }
        self.at = Some(at);
    }
}

/// Adds the pods of a slot that stopped to count after `since` and not after `at`.
fn add(world: &World, slot: &Slot, cell: &Cell, since: Seconds, at: Seconds, sum: &mut Departed) {
    if let Some(Occupant { tenant, life, .. }) = &cell.occupant
        && let Course::Ends { ended, .. } = life.course
        && since < ended
        && ended <= at
    {
        let pod = world.pod(slot, &tenant.value);
        sum.add(&as_it_ended(world, slot, &tenant.value, pod, ended), instant(ended));
    }
    let mut replaced = cell.occupant.as_ref().map_or(cell.since, |occupant| occupant.tenant.since);
    while replaced > since {
        let before = world.tenant(slot, replaced - 1);
        let left = std::mem::replace(&mut replaced, before.since);
        // Nobody was there.
        let Some(tenant) = before.value else { continue };
        let pod = world.pod(slot, &tenant);
        let end = match pod.1.course {
            Course::Ends { ended, .. } => ended.min(left),
            _ => left,
        };
        if end > since {
            sum.add(&as_it_ended(world, slot, &tenant, pod, end), instant(end));
        }
    }
}

/// A pod in its last second.
fn as_it_ended(
    world: &World,
    slot: &Slot,
    tenant: &Tenant,
    (mut pod, life): (Pod, Life),
    end: Seconds,
) -> Pod {
    let standing = life.standing(&|_| never(), end - 1);
    if let (Some(spec), Some(place)) = (&pod.spec, world.place(&slot.seat)) {
        pod.status = Some(pod_status::placed(spec, &place, &life, &standing, end - 1).value);
    }
    mark(&mut pod.metadata, world.pod_marks(tenant, end - 1).value);
    pod
}
