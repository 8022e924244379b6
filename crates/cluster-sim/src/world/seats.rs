//! Slots: one for each pod, on the node that the scheduler chose.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, PodSpec};

use super::{Owner, OwnerKind, Part, Seat, Slot, Turns};
use crate::annotations;
use crate::draw::Draw;
use crate::manifest::annotation;
use crate::placement::daemon_runs_on;
use crate::scheduler::Scheduler;
use crate::time::calendar::Calendar;
use crate::time::duration;
use crate::time::outages::Outages;
use crate::time::span::Seconds;

/// Makes every slot and seats it, and tells the owners which ones are theirs.
///
/// DaemonSets come first, as they choose their nodes themselves, then StatefulSets, then all others in the files' order.
pub(super) fn slots(owners: &mut [Owner], nodes: &[Node]) -> Vec<Slot> {
    let mut seats = Seats { scheduler: Scheduler::new(nodes), on_node: vec![0; nodes.len()] };
    let mut planned: Vec<Vec<Slot>> = vec![Vec::new(); owners.len()];
    let mut spare = spare_parts(owners);
    let turn = |owner: &Owner| match owner.kind {
        OwnerKind::DaemonSet(_) => 0,
        OwnerKind::StatefulSet(_) => 1,
        _ => 2,
    };
    let mut order: Vec<usize> = (0..owners.len()).filter(|&position| !owners[position].is_spare).collect();
    order.sort_by_key(|&position| turn(&owners[position]));
    for position in order {
        planned[position] = match owners[position].kind {
            OwnerKind::DaemonSet(_) => seats.daemons(position, &owners[position], nodes),
            _ => {
                let turns = turns(position, &owners[position], &mut spare);
                seats.place(&owners[position], turns)
            }
        };
    }
    // What autoscalers did not share is the spare Deployment's alone.
    if let Some(SpareParts { owner, left, .. }) = spare {
        let turns = (0..left).map(|ordinal| Turns::One(Part { owner, ordinal })).collect();
        planned[owner] = seats.place(&owners[owner], turns);
    }

    let mut slots = Vec::new();
    for (position, planned) in planned.into_iter().enumerate() {
        if let OwnerKind::DaemonSet(_) = owners[position].kind {
            let nodes = planned.iter().flat_map(|slot| match slot.turns {
                Turns::One(part) => Some(part.ordinal),
                _ => None,
            });
            owners[position].set_daemon_nodes(nodes.collect());
        }
        for slot in planned {
            for owner in slot.turns.owners() {
                owners[owner].slots.push(slots.len());
            }
            slots.push(slot);
        }
    }
    slots
}

/// Pods of the spare Deployment that nobody shares yet.
struct SpareParts {
    owner: usize,
    /// Its own pods that are left, counted down.
    left: usize,
    /// The number that its next additional pod gets.
    next: usize,
}

impl SpareParts {
    /// One of its own pods.
    fn give(&mut self) -> Option<Part> {
        self.left = self.left.checked_sub(1)?;
        Some(Part { owner: self.owner, ordinal: self.left })
    }

    /// A pod that it has only when another owner leaves its place.
    fn take(&mut self) -> Part {
        self.next += 1;
        Part { owner: self.owner, ordinal: self.next - 1 }
    }
}

fn spare_parts(owners: &[Owner]) -> Option<SpareParts> {
    let owner = owners.iter().position(|owner| owner.is_spare)?;
    let size = owners[owner].size;
    Some(SpareParts { owner, left: size, next: size })
}

/// Whose pods an owner's slots hold.
fn turns(position: usize, owner: &Owner, spare: &mut Option<SpareParts>) -> Vec<Turns> {
    let part = |ordinal| Part { owner: position, ordinal };
    if owner.schedule.is_some() {
        return (0..owner.size)
            .map(|run| Turns::Runs { owner: position, position: run, of: owner.size })
            .collect();
    }
    let (Some(autoscaling), Some(spare)) = (&owner.autoscaling, spare) else {
        return (0..owner.size).map(|ordinal| Turns::One(part(ordinal))).collect();
    };
    (0..autoscaling.most.max(owner.size))
        .map_while(|ordinal| {
            if ordinal < autoscaling.least {
                Some(Turns::One(part(ordinal)))
            } else if ordinal < owner.size {
                Some(Turns::Shared { wanted: part(ordinal), spare: spare.take() })
            } else {
                Some(Turns::Shared { wanted: part(ordinal), spare: spare.give()? })
            }
        })
        .collect()
}

/// The scheduler, and how many pods each node has.
struct Seats<'a> {
    scheduler: Scheduler<'a>,
    on_node: Vec<usize>,
}

impl Seats<'_> {
    fn take(&mut self, index: usize, by_manifest: bool) -> Seat {
        let number = self.on_node[index];
        self.on_node[index] += 1;
        Seat::Node { index, number, by_manifest }
    }

    /// A DaemonSet's slots: one on each node for it.
    fn daemons(&mut self, position: usize, owner: &Owner, nodes: &[Node]) -> Vec<Slot> {
        let none = PodSpec::default();
        let spec = owner.spec().unwrap_or(&none);
        let mut wish = self.scheduler.wish(spec);
        let mut slots = Vec::new();
        for (index, _) in nodes.iter().enumerate().filter(|(_, node)| daemon_runs_on(spec, node)) {
            self.scheduler.bind(&mut wish, index);
            let turns = Turns::One(Part { owner: position, ordinal: index });
            slots.push(Slot { seat: self.take(index, false), turns });
        }
        slots
    }

    /// An owner's slots, where the scheduler puts them.
    fn place(&mut self, owner: &Owner, turns: Vec<Turns>) -> Vec<Slot> {
        let none = PodSpec::default();
        let spec = owner.spec().unwrap_or(&none);
        let mut wish = self.scheduler.wish(spec);
        let mut refusal: Option<String> = None;
        let mut slots = Vec::with_capacity(turns.len());
        for turns in turns {
            // Once a pod of a workload found no node, none of its others will.
            let node = if refusal.is_none() { self.scheduler.place(&mut wish) } else { None };
            let seat = match node {
                Some(index) => self.take(index, spec.node_name.is_some()),
                None => {
                    let message = refusal.get_or_insert_with(|| self.scheduler.refusal(&wish));
                    Seat::None { refusal: message.clone() }
                }
            };
            slots.push(Slot { seat, turns });
        }
        slots
    }
}

/// The nodes that have outages, in groups of those that have them as often, and for each node its group and its number
/// in it.
pub(super) fn outages(
    nodes: &[Node],
    draw: Draw,
    calendar: &Calendar,
) -> (Vec<Outages>, Vec<Option<(usize, usize)>>) {
    let mut groups = BTreeMap::<Seconds, usize>::new();
    let mut places = Vec::with_capacity(nodes.len());
    for node in nodes {
        let every = annotation(&node.metadata, annotations::OUTAGE_EVERY).and_then(duration::parse);
        places.push(every.map(|every| {
            let size = groups.entry(every).or_default();
            *size += 1;
            (every, *size - 1)
        }));
    }
    let number: BTreeMap<Seconds, usize> = groups.keys().copied().zip(0..).collect();
    let outages = groups.into_iter().map(|(every, size)| {
        Outages::new(size, every, calendar.first_outage(), draw.of("outages").number(every as u64))
    });
    let outages = outages.collect();
    let places =
        places.into_iter().map(|place| place.and_then(|(every, rank)| Some((*number.get(&every)?, rank))));
    (outages, places.collect())
}
