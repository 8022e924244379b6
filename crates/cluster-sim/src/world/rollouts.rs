//! When the pods of a workload are replaced by those of a new revision.

use super::{Owner, OwnerKind};
use crate::time::recurrence::Recurrence;
use crate::time::span::{ALWAYS, FOREVER, Seconds, Span};

/// From one pod of a rollout to the next, in a small workload.
const STEP: Seconds = 30;
/// In a large one a rollout takes half of its period; one that has none, so long.
const LONGEST: Seconds = 30 * 60;

/// The rollouts of a workload. Revision 0 is there from the beginning.
#[derive(Clone, Debug)]
pub(crate) struct Rollouts {
    regular: Option<Recurrence>,
    /// Those that somebody provoked, in order.
    provoked: Vec<Seconds>,
    /// How long one takes.
    pub(crate) takes: Seconds,
    created: Seconds,
    pods: usize,
    /// The ordinals of a DaemonSet's pods in order; those of others count from zero.
    daemon_nodes: Option<Vec<usize>>,
    /// A StatefulSet begins with its last pod.
    backwards: bool,
}

impl Rollouts {
    pub(super) fn new(regular: Option<Recurrence>, mut provoked: Vec<Seconds>, owner: &Owner) -> Rollouts {
        provoked.sort_unstable();
        let pods = owner.most();
        Rollouts {
            regular,
            provoked,
            takes: duration(pods, regular),
            created: owner.created,
            pods,
            daemon_nodes: owner.daemon_nodes.clone(),
            backwards: matches!(owner.kind, OwnerKind::StatefulSet(_)),
        }
    }

    /// Those that come by themselves.
    pub(super) fn regular(&self) -> Option<Recurrence> {
        self.regular
    }

    /// Whether some come by themselves.
    pub(super) fn are_regular(&self) -> bool {
        self.regular.is_some()
    }

    /// The latest revision at `at`, until the next one.
    pub(crate) fn latest(&self, at: Seconds) -> Span<i64> {
        let begun = self.provoked.partition_point(|moment| *moment <= at);
        let provoked = Span {
            value: begun as i64,
            since: begun.checked_sub(1).map_or(ALWAYS, |last| self.provoked[last]),
            until: self.provoked.get(begun).copied().unwrap_or(FOREVER),
        };
        self.base(at).and(provoked, |regular, provoked| regular + provoked)
    }

    fn base(&self, at: Seconds) -> Span<i64> {
        match self.regular {
            Some(regular) => regular.latest(at),
            None => Span { value: 0, since: self.created, until: FOREVER },
        }
    }

    /// When a revision came.
    pub(crate) fn moment(&self, number: i64) -> Seconds {
        let mut before = 0;
        for (position, &moment) in self.provoked.iter().enumerate() {
            let own = self.base(moment).value + position as i64 + 1;
            if own == number {
                return moment;
            }
            before += i64::from(own < number);
        }
        self.regular.map_or(self.created, |regular| regular.moment(number - before))
    }

    /// How long after the beginning of a rollout the last pod is replaced.
    pub(crate) fn last_pod_after(&self) -> Seconds {
        self.takes * self.pods.saturating_sub(1) as Seconds / self.pods.max(1) as Seconds
    }

    /// When the pod of this number became one of revision `number`.
    pub(crate) fn reached(&self, ordinal: usize, number: i64) -> Seconds {
        self.moment(number) + self.turn(ordinal)
    }

    /// How long after the beginning of a rollout the pod of this number is replaced.
    fn turn(&self, ordinal: usize) -> Seconds {
        let rank = match &self.daemon_nodes {
            Some(nodes) => nodes.partition_point(|node| *node < ordinal),
            None => ordinal,
        };
        let turn = rank.min(self.pods.saturating_sub(1));
        let turn = if self.backwards { self.pods.saturating_sub(1) - turn } else { turn };
        self.takes * turn as Seconds / self.pods.max(1) as Seconds
    }

    /// The revision of the pod of this number at `at`, until it is replaced.
    pub(super) fn of_pod(&self, ordinal: usize, at: Seconds) -> Span<i64> {
        let later = self.turn(ordinal);
        let revision = self.latest(at - later);
        Span {
            value: revision.value,
            since: revision.since.saturating_add(later),
            until: revision.until.saturating_add(later),
        }
    }
}

/// How long a rollout of an owner takes, or would take.
pub(crate) fn rollout_takes(owner: &Owner) -> Seconds {
    match &owner.rollouts {
        Some(rollouts) => rollouts.takes,
        None => duration(owner.most(), None),
    }
}

/// How long a rollout of so many pods takes.
fn duration(pods: usize, regular: Option<Recurrence>) -> Seconds {
    (STEP * pods as Seconds).min(regular.map_or(LONGEST, |regular| regular.period / 2))
}
