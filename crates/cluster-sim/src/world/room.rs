//! Room for the pods of a workload that somebody scales up.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Node, PodSpec, Taint};

use super::{Owner, Part, Seat, Slot, Turns, World};
use crate::fleet::quota::{Ledger, claim_usage, pod_usage};
use crate::fleet::{PODS_PER_NODE, tainted};
use crate::objects::node::UNREACHABLE;
use crate::scheduler::{Scheduler, Wish};
use crate::time::span::Seconds;

/// A stretch of time, the end excluded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    pub(crate) since: Seconds,
    pub(crate) until: Seconds,
}

impl World {
    /// Makes slots for those of `replicas` pods that an owner has not by itself, for the time that provocation `id` lasts; an
    /// error says why that cannot be. A pod that no node has room for is no error: it waits.
    pub(crate) fn make_room(
        &mut self,
        owner: usize,
        replicas: usize,
        stretch: Stretch,
        id: u32,
    ) -> Result<(), String> {
        let own = &self.owners[owner];
        if own.autoscaler.is_some() {
            return Err("a HorizontalPodAutoscaler scales it".to_owned());
        }
        if own.is_spare {
            return Err("it has what autoscalers leave of their pods".to_owned());
        }
        let more = replicas.saturating_sub(own.size);
        if more == 0 {
            return Ok(());
        }
        self.check_capacity(more, stretch)?;
        let mut claims = (own.size..replicas)
            .flat_map(|ordinal| own.claims(ordinal).into_iter().map(move |claim| (ordinal, claim)));
        if claims.any(|(ordinal, claim)| self.volume_for(&claim, ordinal).is_none()) {
            return Err(format!("there are no PersistentVolumes for more than its {} pods", own.size));
        }
        self.check_quotas(owner, more, stretch)?;
        let seats = self.seat(owner, more, stretch);
        let first = self.owners[owner].size;
        for (ordinal, seat) in (first..).zip(seats) {
            self.owners[owner].slots.push(self.slots.len());
            self.slots.push(Slot { seat, turns: Turns::Extra { part: Part { owner, ordinal }, id } });
        }
        Ok(())
    }

    /// The slots that hold pods at some time in a stretch, or will again, each with the owner that it was made for.
    fn taken(&self, stretch: Stretch) -> impl Iterator<Item = (&Slot, usize)> {
        self.slots.iter().filter_map(move |slot| match slot.turns {
            Turns::One(part) | Turns::Shared { wanted: part, .. } => Some((slot, part.owner)),
            Turns::Runs { owner, .. } => Some((slot, owner)),
            Turns::Extra { part, id } => {
                let deeds = self.owners[part.owner].deeds.iter();
                let is_now = deeds
                    .filter(|deed| deed.id == id)
                    .any(|deed| deed.since < stretch.until && stretch.since < deed.until);
                is_now.then_some((slot, part.owner))
            }
        })
    }

    fn check_capacity(&self, more: usize, stretch: Stretch) -> Result<(), String> {
        let limit = self.nodes.len() * PODS_PER_NODE;
        let free = limit.saturating_sub(self.taken(stretch).count());
        if more > free {
            return Err(format!(
                "{more} more pods do not fit on {} nodes, {PODS_PER_NODE} on each: there is room for {free}",
                self.nodes.len()
            ));
        }
        Ok(())
    }

    fn check_quotas(&self, owner: usize, more: usize, stretch: Stretch) -> Result<(), String> {
        let none = PodSpec::default();
        let spec = |owner: &'_ Owner| pod_usage(owner.spec().unwrap_or(&none));
        let namespace = &self.owners[owner].namespace;
        for quota in &self.quotas {
            if quota.metadata.namespace.as_ref() != Some(namespace) {
                continue;
            }
            let mut ledger = Ledger::new(quota);
            if let Some(message) = self.owners[owner].spec().and_then(|spec| ledger.refuses_always(spec)) {
                return Err(message);
            }
            // The pods of Jobs come and go; quotas of a fleet have room for them.
            let others = self.taken(stretch).map(|(_, owner)| &self.owners[owner]);
            for other in others.filter(|other| other.namespace == *namespace && other.is_lasting()) {
                ledger.take(&spec(other));
            }
            ledger.take(&self.others_of(namespace));
            let own = &self.owners[owner];
            let claimed = own.claimed_since();
            for other in self.owners.iter().filter(|other| other.namespace == *namespace) {
                for claim in other.claimed_since().keys().flat_map(|ordinal| other.claims(*ordinal)) {
                    ledger.take(&claim_usage(&claim));
                }
            }
            for ordinal in own.size..own.size + more {
                let claims = own.claims(ordinal).into_iter().filter(|_| !claimed.contains_key(&ordinal));
                let mut wanted = claims.map(|claim| claim_usage(&claim)).chain([spec(own)]);
                if let Err(message) = wanted.try_for_each(|usage| ledger.admit(&usage)) {
                    return Err(format!("{message}; it can have {ordinal} replicas at most"));
                }
            }
        }
        Ok(())
    }

    /// Where the scheduler puts `more` pods of an owner, as long as all others stay where they are.
    fn seat(&self, owner: usize, more: usize, stretch: Stretch) -> Vec<Seat> {
        let mut nodes: Vec<Node> = self.nodes.iter().map(tainted).collect();
        for (index, node) in nodes.iter_mut().enumerate() {
            if self.node_lost(index, stretch.since).value {
                node.spec.get_or_insert_default().taints.get_or_insert_default().push(Taint {
                    key: UNREACHABLE.to_owned(),
                    effect: "NoSchedule".to_owned(),
                    ..Taint::default()
                });
            }
        }
        let mut scheduler = Scheduler::new(&nodes);
        let none = PodSpec::default();
        let mut wishes = BTreeMap::<usize, Wish<'_>>::new();
        let mut numbers = vec![BTreeSet::new(); nodes.len()];
        for (slot, of) in self.taken(stretch) {
            let spec = self.owners[of].spec().unwrap_or(&none);
            let wish = wishes.entry(of).or_insert_with(|| scheduler.wish(spec));
            if let Seat::Node { index, number, .. } = slot.seat {
                scheduler.bind(wish, index);
                numbers[index].insert(number);
            }
        }
        let spec = self.owners[owner].spec().unwrap_or(&none);
        let wish = wishes.entry(owner).or_insert_with(|| scheduler.wish(spec));
        let by_manifest = spec.node_name.is_some();
        let mut seats = Vec::with_capacity(more);
        for _ in 0..more {
            let Some(index) = scheduler.place(wish) else {
                let refusal = scheduler.refusal(wish);
                seats.resize_with(more, || Seat::None { refusal: refusal.clone() });
                break;
            };
            let number = (0..).find(|number| !numbers[index].contains(number)).unwrap_or_default();
            numbers[index].insert(number);
            seats.push(Seat::Node { index, number, by_manifest });
        }
        seats
    }
}
