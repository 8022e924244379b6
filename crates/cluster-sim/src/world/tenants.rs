//! Which pod a slot holds at an instant.

use super::rollouts::Rollouts;
use super::{Owner, OwnerKind, Part, Seat, Slot, Turns, World};
use crate::provocation::deed::{Deed, What};
use crate::time::span::{ALWAYS, FOREVER, Seconds, Span};

/// A pod's identity: whose, which one, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tenant {
    pub(crate) part: Part,
    /// The revision of its owner's template; for a CronJob, the number of the run.
    pub(crate) revision: i64,
    pub(crate) created: Seconds,
}

impl World {
    /// The pod of `slot` at `at`, as long as it is there; `None` while its owner is scaled so that it wants none there.
    pub(crate) fn tenant(&self, slot: &Slot, at: Seconds) -> Span<Option<Tenant>> {
        let tenant = match slot.turns {
            Turns::One(part) => {
                let is_wanted = self.owners[part.owner].wants(part.ordinal, at);
                if !is_wanted.value {
                    return is_wanted.map(|_| None);
                }
                self.cycle(part, at).within(&is_wanted)
            }
            Turns::Extra { part, id } => {
                let is_wanted = self.owners[part.owner].wants_extra(part.ordinal, id, at);
                if !is_wanted.value {
                    return is_wanted.map(|_| None);
                }
                self.cycle(part, at).within(&is_wanted)
            }
            Turns::Shared { wanted, spare } => {
                let is_wanted = self.wants(wanted, at);
                let part = if is_wanted.value { wanted } else { spare };
                self.cycle(part, at).within(&is_wanted)
            }
            Turns::Runs { owner, position, of } => return self.run(owner, position, of, at).map(Some),
        };
        let tenant = match slot.seat {
            // Pods of Jobs are done or soon will be; all others are replaced with a reboot of their node.
            Seat::Node { index, .. } if self.owners[tenant.value.part.owner].is_lasting() => {
                tenant.within(&self.node_booted(index, at))
            }
            _ => tenant,
        };
        // A pod is as old as its place in the workload is wanted, and no older than its node's boot.
        let created = tenant.since;
        tenant.map(|tenant| Some(Tenant { created, ..tenant }))
    }

    /// Since when, and until when, a slot holds pods of the owner that has it at `at`, or of nobody.
    pub(crate) fn turn(&self, slot: &Slot, at: Seconds) -> Span<()> {
        match slot.turns {
            Turns::Shared { wanted, .. } => self.wants(wanted, at).map(|_| ()),
            Turns::One(part) => self.owners[part.owner].wants(part.ordinal, at).map(|_| ()),
            Turns::Extra { part, id } => {
                self.owners[part.owner].wants_extra(part.ordinal, id, at).map(|_| ())
            }
            Turns::Runs { .. } => Span::always(()),
        }
    }

    fn wants(&self, part: Part, at: Seconds) -> Span<bool> {
        match &self.owners[part.owner].autoscaling {
            Some(autoscaling) => autoscaling.wants(part.ordinal, at),
            None => Span::always(true),
        }
    }

    /// A pod that is replaced now and then: by rollouts of its owner, and if it has no regular ones because it is
    /// rescheduled.
    fn cycle(&self, part: Part, at: Seconds) -> Span<Tenant> {
        let owner = &self.owners[part.owner];
        let rounds = match &owner.rollouts {
            Some(rollouts) => rollouts.of_pod(part.ordinal, at),
            None => Span { value: 0, since: Seconds::MIN, until: Seconds::MAX },
        };
        let rounds = if owner.rollouts.as_ref().is_some_and(Rollouts::are_regular) {
            rounds
        } else {
            match owner.rescheduling(part.ordinal, &self.calendar) {
                Some(rescheduling) => rounds.within(&rescheduling.latest(at)),
                None => {
                    let created = owner.job_pod_created(part.ordinal);
                    rounds.within(&Span { value: (), since: created, until: Seconds::MAX })
                }
            }
        };
        let created = rounds.since;
        rounds.map(|revision| Tenant { part, revision, created })
    }

    /// The latest run of a CronJob that this position of its history has.
    fn run(&self, owner: usize, position: usize, of: usize, at: Seconds) -> Span<Tenant> {
        let Some(schedule) = &self.owners[owner].schedule else {
            return self.cycle(Part { owner, ordinal: position }, at);
        };
        let latest = schedule.count(at) - 1;
        let number = latest - (latest - position as i64).rem_euclid(of as i64);
        let created = schedule.moment(number);
        Span {
            value: Tenant { part: Part { owner, ordinal: position }, revision: number, created },
            since: created,
            until: schedule.moment(number + of as i64),
        }
    }
}

impl Owner {
    /// Whether it puts another pod in the place of one that is gone.
    pub(super) fn is_lasting(&self) -> bool {
        !matches!(self.kind, OwnerKind::Job(_) | OwnerKind::CronJob(_))
    }

    /// The revision of its template at `at`.
    pub(crate) fn revision(&self, at: Seconds) -> Span<i64> {
        match &self.rollouts {
            Some(rollouts) => rollouts.latest(at),
            None => Span { value: 0, since: self.created, until: Seconds::MAX },
        }
    }

    /// What was provoked of a pod.
    pub(crate) fn deeds_on(&self, tenant: &Tenant) -> impl Iterator<Item = &Deed> {
        let Tenant { part, created, .. } = *tenant;
        self.deeds.iter().filter(move |deed| deed.whom.is(part.ordinal, created))
    }

    /// How many pods somebody scaled it to at `at`.
    pub(crate) fn scaled(&self, at: Seconds) -> Span<Option<usize>> {
        let mut span = Span::always(None);
        for deed in &self.deeds {
            let What::Scale { replicas } = deed.what else { continue };
            if deed.until <= deed.since {
                continue;
            }
            if deed.since <= at && at < deed.until {
                return Span { value: Some(replicas), since: deed.since, until: deed.until };
            }
            if deed.until <= at {
                span.since = span.since.max(deed.until);
            } else {
                span.until = span.until.min(deed.since);
            }
        }
        span
    }

    /// Whether it wants the pod of this number at `at`: always, unless somebody scaled it.
    fn wants(&self, ordinal: usize, at: Seconds) -> Span<bool> {
        if !self.deeds.iter().any(|deed| matches!(deed.what, What::Scale { .. })) {
            return Span::always(true);
        }
        let wanted = |at| self.scaled(at).map(|scaled| ordinal < scaled.unwrap_or(self.size));
        let mut span = wanted(at);
        // To a pod it is the same whether it is one of five or of six.
        while span.since > ALWAYS
            && let before = wanted(span.since - 1)
            && before.value == span.value
        {
            span.since = before.since;
        }
        while span.until < FOREVER
            && let after = wanted(span.until)
            && after.value == span.value
        {
            span.until = after.until;
        }
        span
    }

    /// Whether it wants the additional pod of this number that provocation `id` gave it.
    fn wants_extra(&self, ordinal: usize, id: u32, at: Seconds) -> Span<bool> {
        let deed = self.deeds.iter().find(|deed| deed.id == id);
        let deed = deed.filter(|deed| matches!(deed.what, What::Scale { replicas } if ordinal < replicas));
        match deed.map(|deed| (deed.since, deed.until)) {
            // It was taken back.
            None => Span::always(false),
            Some((since, _)) if at < since => Span { value: false, since: ALWAYS, until: since },
            Some((since, until)) if at < until => Span { value: true, since, until },
            Some((_, until)) => Span { value: false, since: until, until: FOREVER },
        }
    }
}
