//! Whether two provocations get in each other's way.

use super::Action;
use super::registry::Record;
use super::resolve::Subject;
use crate::time::span::{FOREVER, Seconds};
use crate::world::{World, rollout_takes};

/// When the first provocation is in the second one's way: both are at the same object, or at the containers of the same pod,
/// or at the same volume, at the same time.
pub(super) fn conflict(world: &World, first: &Record, second: &Record) -> Option<(Seconds, Seconds)> {
    if first.provocation.target != second.provocation.target && !share(first, second) {
        return None;
    }
    let others = busy(world, second);
    busy(world, first).into_iter().find(|(since, until)| {
        others.iter().any(|(other_since, other_until)| since < other_until && other_since < until)
    })
}

/// When a provocation keeps its target busy.
fn busy(world: &World, record: &Record) -> Vec<(Seconds, Seconds)> {
    let (since, until) = (record.since(), record.until());
    match (&record.provocation.action, &record.subject) {
        // As long as pods are being replaced.
        (Action::Rollout, Subject::Owner(owner)) => {
            let takes = rollout_takes(&world.owners[*owner]).max(1);
            let begins = [since, until].into_iter().filter(|begin| *begin < FOREVER);
            begins.map(|begin| (begin, begin.saturating_add(takes))).collect()
        }
        _ => vec![(since, until)],
    }
}

fn share(first: &Record, second: &Record) -> bool {
    let at_containers = |record: &Record| {
        matches!(record.provocation.action, Action::Crash | Action::Oom | Action::Spike { .. })
    };
    match (&first.subject, &second.subject) {
        (Subject::Claims(first), Subject::Claims(second)) => {
            first.iter().any(|mount| second.iter().any(|other| other.claim == mount.claim))
        }
        (Subject::Pod { owner, .. }, Subject::Owner(other))
        | (Subject::Owner(other), Subject::Pod { owner, .. }) => {
            owner == other && at_containers(first) && at_containers(second)
        }
        _ => false,
    }
}
