//! All that was provoked in a simulation.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kubelet_stats::annotations::Amount;

use super::conflict;
use super::deed::{Deed, What, Whom};
use super::resolve::{self, Mount, Subject};
use super::{Action, FULL, Provocation, ProvocationError, Request, TargetKind};
use crate::cluster::ClusterObjects;
use crate::time::calendar::instant;
use crate::time::span::{FOREVER, Seconds};
use crate::world::{Owner, Stretch, World};

/// What was provoked, and what it is done to.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    records: Vec<Record>,
    /// The number that was given last.
    last: u32,
}

/// A provocation in the terms of the world.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) provocation: Provocation,
    pub(super) subject: Subject,
}

/// What may be different because of a provocation: nodes and owners by their positions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Affected {
    pub(crate) nodes: BTreeSet<usize>,
    pub(crate) owners: BTreeSet<usize>,
}

impl Record {
    fn affected(&self) -> Affected {
        match &self.subject {
            Subject::Node(index) => Affected { nodes: BTreeSet::from([*index]), ..Affected::default() },
            Subject::Owner(owner) | Subject::Pod { owner, .. } => {
                Affected { owners: BTreeSet::from([*owner]), ..Affected::default() }
            }
            Subject::Claims(mounts) => {
                let owners = mounts.iter().map(|mount| mount.owner).collect();
                Affected { owners, ..Affected::default() }
            }
        }
    }

    pub(super) fn since(&self) -> Seconds {
        self.provocation.since.as_second()
    }

    /// [`FOREVER`] if it has no end.
    pub(super) fn until(&self) -> Seconds {
        self.provocation.until.map_or(FOREVER, Timestamp::as_second)
    }
}

impl Registry {
    /// In the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Provocation> {
        self.records.iter().map(|record| &record.provocation)
    }

    /// Checks a request and changes the world accordingly.
    pub(crate) fn provoke(
        &mut self,
        world: &mut World,
        objects: &ClusterObjects,
        request: &Request,
    ) -> Result<(Provocation, Affected), ProvocationError> {
        let (since, until) = (next_second(request.since), request.until.map(next_second));
        let epoch = instant(world.calendar.epoch());
        if request.since < epoch {
            return Err(ProvocationError::BeforeEpoch { since: request.since, epoch });
        }
        if let Some(until) = until.filter(|until| *until <= since) {
            return Err(ProvocationError::EndsBeforeItBegins { since, until });
        }
        let (target, subject) = resolve::find(world, objects, &Request { since, ..request.clone() })?;
        let provocation =
            Provocation { id: self.last + 1, action: request.action.clone(), target, since, until };
        let record = Record { provocation, subject };
        let in_the_way = |other: &Record| Some((other.clone(), conflict::conflict(world, other, &record)?));
        if let Some((other, busy)) = self.records.iter().find_map(in_the_way) {
            return Err(already(other, busy));
        }
        if let (Action::Scale { replicas }, Subject::Owner(owner)) =
            (&record.provocation.action, &record.subject)
        {
            let stretch = Stretch { since: record.since(), until: record.until() };
            let id = record.provocation.id;
            world.make_room(*owner, *replicas as usize, stretch, id).map_err(|reason| {
                ProvocationError::Impossible {
                    action: "scale",
                    target: record.provocation.target.clone(),
                    reason,
                }
            })?;
        }
        self.last += 1;
        let answer = (record.provocation.clone(), record.affected());
        self.records.push(record);
        self.tell(world);
        Ok(answer)
    }

    /// Ends one.
    pub(crate) fn undo(
        &mut self,
        world: &mut World,
        id: u32,
        at: Timestamp,
    ) -> Result<(Provocation, Affected), ProvocationError> {
        let at = next_second(at);
        let is_over = |provocation: &Provocation| provocation.until.is_some_and(|until| until <= at);
        let Some(position) = self.records.iter().position(|record| record.provocation.id == id) else {
            let known = self.iter().filter(|provocation| !is_over(provocation));
            return Err(ProvocationError::NoSuchId { id, known: known.map(|known| known.id).collect() });
        };
        let provocation = &mut self.records[position].provocation;
        if let Some(until) = provocation.until.filter(|until| *until <= at) {
            return Err(ProvocationError::Over { id, until });
        }
        provocation.until = Some(at.max(provocation.since));
        let undone = provocation.clone();
        let affected = self.records[position].affected();
        if undone.until == Some(undone.since) {
            // It never happens.
            self.records.remove(position);
        }
        self.tell(world);
        Ok((undone, affected))
    }

    /// Tells the world of everything anew.
    fn tell(&self, world: &mut World) {
        world.node_deeds.clear();
        for owner in &mut world.owners {
            owner.deeds.clear();
        }
        let mut rollouts = vec![Vec::new(); world.owners.len()];
        for record in &self.records {
            let Provocation { id, action, .. } = &record.provocation;
            let (since, until) = (record.since(), record.until());
            let deed = |what, whom| Deed { id: *id, what, since, until, whom };
            match &record.subject {
                Subject::Claims(mounts) => {
                    let Action::FillVolume { to } = action else { continue };
                    for Mount { owner, whom, volume, .. } in mounts {
                        let fill = What::Fill { volume: volume.clone(), percent: to.unwrap_or(FULL) };
                        world.owners[*owner].deeds.push(deed(fill, *whom));
                    }
                }
                Subject::Node(index) => {
                    let what = what(action, "").map(|what| deed(what, Whom::All));
                    world.node_deeds.entry(*index).or_default().extend(what);
                }
                Subject::Owner(owner) => {
                    if let Action::Rollout = action {
                        // Its end rolls back.
                        let moments = [since, until].into_iter().filter(|moment| *moment < FOREVER);
                        rollouts[*owner].extend(moments);
                    }
                    let owner = &mut world.owners[*owner];
                    let what = what(action, first_container(owner));
                    owner.deeds.extend(what.map(|what| deed(what, Whom::All)));
                }
                Subject::Pod { owner, ordinal, created } => {
                    let whom = Whom::Pod { ordinal: *ordinal, created: *created };
                    let owner = &mut world.owners[*owner];
                    let what = what(action, first_container(owner));
                    owner.deeds.extend(what.map(|what| deed(what, whom)));
                }
            }
        }
        for (owner, moments) in world.owners.iter_mut().zip(rollouts) {
            owner.provoke_rollouts(moments);
        }
    }
}

/// Why nothing can be provoked where `other` is busy meanwhile.
fn already(other: Record, (since, until): (Seconds, Seconds)) -> ProvocationError {
    let is_back = since == other.until();
    let other = Box::new(other.provocation);
    match other.action {
        // It cannot be undone in the middle, and perhaps was already.
        Action::Rollout => {
            ProvocationError::RollingOut { other, is_back, since: instant(since), until: instant(until) }
        }
        _ => ProvocationError::Already { other },
    }
}

/// What an action does to a node, or to pods of which this is the first container. Volumes are told by who mounts them.
fn what(action: &Action, container: &str) -> Option<What> {
    Some(match action {
        Action::NodeDown => What::Down,
        Action::Crash => What::Crash,
        Action::Oom => What::Oom { container: container.to_owned() },
        Action::Spike { cpu: None, memory: None } => What::Spike { cpu: Some(Amount::Limit), memory: None },
        Action::Spike { cpu, memory } => What::Spike { cpu: *cpu, memory: *memory },
        Action::Scale { replicas } => What::Scale { replicas: *replicas as usize },
        Action::Rollout => What::Rollout,
        Action::FillVolume { .. } => return None,
    })
}

fn first_container(owner: &Owner) -> &str {
    owner.spec().and_then(|spec| spec.containers.first()).map_or("", |first| &first.name)
}

/// The first whole second that is not before `at`: nothing changes that somebody may have seen.
fn next_second(at: Timestamp) -> Timestamp {
    instant(at.as_second() + i64::from(at.subsec_nanosecond() > 0))
}

impl Action {
    /// The kinds that it can be done to.
    pub fn kinds(&self) -> &'static [TargetKind] {
        use TargetKind::{
            CronJob, DaemonSet, Deployment, Job, Node, PersistentVolumeClaim, Pod, ReplicaSet,
            ReplicationController, StatefulSet,
        };
        match self {
            Action::NodeDown => &[Node],
            Action::Crash | Action::Oom => {
                &[Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController]
            }
            Action::Spike { .. } => &[
                Pod,
                Deployment,
                StatefulSet,
                DaemonSet,
                ReplicaSet,
                ReplicationController,
                Job,
                CronJob,
                Node,
            ],
            Action::FillVolume { .. } => &[PersistentVolumeClaim, Pod],
            Action::Scale { .. } => &[Deployment, StatefulSet, ReplicaSet, ReplicationController],
            Action::Rollout => &[Deployment, StatefulSet, DaemonSet],
        }
    }

    /// What its targets are, in a word or two.
    pub(super) fn wanted(&self) -> &'static str {
        match self {
            Action::NodeDown => "node",
            Action::Crash | Action::Oom => "pod or long-running workload",
            Action::Spike { .. } => "pod, workload or node",
            Action::FillVolume { .. } => "PersistentVolumeClaim or pod",
            Action::Scale { .. } => "Deployment, StatefulSet, ReplicaSet or ReplicationController",
            Action::Rollout => "Deployment, StatefulSet or DaemonSet",
        }
    }
}
