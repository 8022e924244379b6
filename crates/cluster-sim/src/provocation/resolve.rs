//! Finds the object that somebody means, and whether something can be done to it.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PodSpec};
use kubelet_stats::annotations::Amount;

use super::choice::choose;
use super::deed::Whom;
use super::{Action, LEAST_FULL, ProvocationError, Request, Target, TargetKind};
use crate::cluster::ClusterObjects;
use crate::life::Course;
use crate::objects::storage;
use crate::resources::value;
use crate::stage::PodStage;
use crate::time::calendar::instant;
use crate::time::span::Seconds;
use crate::world::{Owner, OwnerKind, Seat, Slot, Tenant, World};

/// What a provocation is done to.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    Node(usize),
    Owner(usize),
    /// One pod. Those that replace it are others.
    Pod {
        owner: usize,
        ordinal: usize,
        created: Seconds,
    },
    Claims(Vec<Mount>),
}

/// Pods that mount a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// The claim's namespace and name.
    pub(super) claim: (String, String),
    pub(super) owner: usize,
    pub(super) whom: Whom,
    /// Their name for it.
    pub(super) volume: String,
}

/// An object that may be meant.
struct Candidate<'a> {
    target: Target,
    is: Is<'a>,
}

enum Is<'a> {
    Node(usize),
    Owner(usize),
    Pod(&'a Slot, Tenant),
    Claim(&'a PersistentVolumeClaim),
}

/// The target of a request and what it is, or why that cannot be.
pub(super) fn find(
    world: &World,
    objects: &ClusterObjects,
    request: &Request,
) -> Result<(Target, Subject), ProvocationError> {
    let at = request.since.as_second();
    let (action, text) = (&request.action, &request.target);
    let more: Vec<PersistentVolumeClaim> =
        (0..world.owners.len()).flat_map(|owner| world.extra_storage(owner, at).value.claims).collect();
    let claims: Vec<&PersistentVolumeClaim> =
        objects.persistent_volume_claims.iter().map(|claim| &**claim).chain(&more).collect();
    let candidates = candidates(world, &claims, at);
    let position = choose(action, text, request.since, &candidates, |candidate| &candidate.target)?;
    let one = &candidates[position];
    let impossible = |reason: String| ProvocationError::Impossible {
        action: action.name(),
        target: one.target.clone(),
        reason,
    };
    let subject = subject(world, &claims, one, action, at).map_err(impossible)?;
    Ok((one.target.clone(), subject))
}

/// Everything that has a name at `at`.
fn candidates<'a>(world: &'a World, claims: &[&'a PersistentVolumeClaim], at: Seconds) -> Vec<Candidate<'a>> {
    let nodes = world.nodes.iter().enumerate().map(|(index, node)| {
        let name = node.metadata.name.clone().unwrap_or_default();
        Candidate { target: Target { kind: TargetKind::Node, namespace: None, name }, is: Is::Node(index) }
    });
    let owners = world.owners.iter().enumerate().filter_map(|(position, owner)| {
        let target = Target {
            kind: kind_of(owner)?,
            namespace: Some(owner.namespace.clone()),
            name: owner.name.clone(),
        };
        Some(Candidate { target, is: Is::Owner(position) })
    });
    let claims = claims.iter().map(|&claim| {
        let target = Target {
            kind: TargetKind::PersistentVolumeClaim,
            namespace: claim.metadata.namespace.clone(),
            name: claim.metadata.name.clone().unwrap_or_default(),
        };
        Candidate { target, is: Is::Claim(claim) }
    });
    let pods = world.slots.iter().filter_map(|slot| {
        let tenant = world.tenant(slot, at).value?;
        let owner = &world.owners[tenant.part.owner];
        let target = Target {
            kind: TargetKind::Pod,
            namespace: Some(owner.namespace.clone()),
            name: owner.pod_name(&tenant),
        };
        Some(Candidate { target, is: Is::Pod(slot, tenant) })
    });
    nodes.chain(owners).chain(claims).chain(pods).collect()
}

fn kind_of(owner: &Owner) -> Option<TargetKind> {
    match owner.kind {
        OwnerKind::Deployment(_) => Some(TargetKind::Deployment),
        OwnerKind::ReplicaSet(_) => Some(TargetKind::ReplicaSet),
        OwnerKind::ReplicationController(_) => Some(TargetKind::ReplicationController),
        OwnerKind::StatefulSet(_) => Some(TargetKind::StatefulSet),
        OwnerKind::DaemonSet(_) => Some(TargetKind::DaemonSet),
        OwnerKind::Job(_) => Some(TargetKind::Job),
        OwnerKind::CronJob(_) => Some(TargetKind::CronJob),
        OwnerKind::Nobody(_) => None,
    }
}

/// What the target is, or why this cannot be done to it.
fn subject(
    world: &World,
    claims: &[&PersistentVolumeClaim],
    candidate: &Candidate<'_>,
    action: &Action,
    at: Seconds,
) -> Result<Subject, String> {
    if let Action::FillVolume { to: Some(to) } = action
        && !(LEAST_FULL..=100).contains(to)
    {
        return Err(format!("{to} % is not {LEAST_FULL} % to 100 %"));
    }
    check_amounts(world, &candidate.is, action)?;
    match (&candidate.is, action) {
        (Is::Node(index), _) => Ok(Subject::Node(*index)),
        (Is::Claim(claim), _) => {
            let mounts = mounts_of(world, claim);
            if claim.spec.as_ref().is_none_or(|spec| spec.volume_name.is_none()) {
                return Err("it is not bound to a volume".to_owned());
            }
            if mounts.is_empty() {
                return Err("no pod mounts it, so nobody measures its volume".to_owned());
            }
            Ok(Subject::Claims(mounts))
        }
        (Is::Pod(_, tenant), Action::FillVolume { .. }) => {
            let own = claims.iter().flat_map(|claim| {
                let mounts = mounts_of(world, claim);
                let is_own = |mount: &Mount| {
                    mount.owner == tenant.part.owner && mount.whom.is(tenant.part.ordinal, tenant.created)
                };
                if mounts.iter().any(is_own) { mounts } else { Vec::new() }
            });
            let own: Vec<Mount> = own.collect();
            if own.is_empty() {
                return Err("it has no volume of a PersistentVolumeClaim".to_owned());
            }
            Ok(Subject::Claims(own))
        }
        (Is::Pod(slot, tenant), _) => {
            match state(world, slot, tenant, at) {
                State::Runs => {}
                State::Ended => return Err("it has ended".to_owned()),
                State::Stuck(reason) => return Err(format!("it does not run: {reason}")),
            }
            check_containers(&world.owners[tenant.part.owner], action)?;
            let (owner, ordinal) = (tenant.part.owner, tenant.part.ordinal);
            Ok(Subject::Pod { owner, ordinal, created: tenant.created })
        }
        (Is::Owner(position), _) => {
            check_containers(&world.owners[*position], action)?;
            if let Action::Crash | Action::Oom | Action::Spike { .. } = action {
                check_runs(world, *position, at)?;
            }
            Ok(Subject::Owner(*position))
        }
    }
}

/// Whether the containers of an owner's pods can do that.
fn check_containers(owner: &Owner, action: &Action) -> Result<(), String> {
    let by_themselves = matches!(action, Action::Crash | Action::Oom);
    match (action, owner.stage) {
        (Action::Crash | Action::Oom, Some(PodStage::CrashLoop)) => {
            Err("it is in a crash loop already, by its manifest".to_owned())
        }
        (Action::Crash | Action::Oom | Action::Spike { .. }, Some(PodStage::ImagePullBackOff)) => {
            Err("it does not run: its image cannot be had".to_owned())
        }
        _ if by_themselves && owner.end.is_some() => Err("its pods end by themselves".to_owned()),
        (Action::Oom, _) if !owner.spec().is_some_and(is_limited) => {
            Err("its first container has no memory limit to run into".to_owned())
        }
        _ => Ok(()),
    }
}

/// Whether a pod can be seen to use something.
enum State {
    /// It runs or will in a moment.
    Runs,
    Ended,
    /// It does not start; why.
    Stuck(String),
}

fn state(world: &World, slot: &Slot, tenant: &Tenant, at: Seconds) -> State {
    if let Seat::None { refusal } = &slot.seat {
        return State::Stuck(refusal.clone());
    }
    match world.pod(slot, tenant).1.course {
        Course::Ends { ended, .. } if ended <= at => State::Ended,
        Course::NoImage => State::Stuck("its image cannot be had".to_owned()),
        _ => State::Runs,
    }
}

/// Whether an owner has a pod at `at` that runs: without one, nobody would notice anything.
fn check_runs(world: &World, position: usize, at: Seconds) -> Result<(), String> {
    let owner = &world.owners[position];
    let pods = owner.slots.iter().filter_map(|&slot| {
        let slot = &world.slots[slot];
        world
            .tenant(slot, at)
            .value
            .filter(|tenant| tenant.part.owner == position)
            .map(|tenant| (slot, tenant))
    });
    let mut all_ended = true;
    for (slot, tenant) in pods {
        match state(world, slot, &tenant, at) {
            State::Runs => return Ok(()),
            State::Ended => {}
            State::Stuck(_) => all_ended = false,
        }
    }
    let when = instant(at);
    Err(match (&owner.kind, &owner.schedule) {
        (OwnerKind::CronJob(_), Some(schedule)) if owner.size > 0 => {
            let next = instant(schedule.moment(schedule.count(at)));
            format!("nothing of it runs at {when}; its next run begins at {next}")
        }
        (OwnerKind::Job(_), _) if all_ended && owner.size > 0 => {
            "it has ended; nothing of it runs".to_owned()
        }
        _ => format!("nothing of it runs at {when}"),
    })
}

/// Whether there is a node that has as much as a spike is to take.
fn check_amounts(world: &World, is: &Is<'_>, action: &Action) -> Result<(), String> {
    let Action::Spike { cpu, memory } = action else { return Ok(()) };
    let nodes = match is {
        Is::Node(index) => &world.nodes[*index..=*index],
        _ => &world.nodes[..],
    };
    for (resource, amount) in [("cpu", cpu), ("memory", memory)] {
        let Some(Amount::Exactly(wanted)) = amount else { continue };
        let capacities =
            nodes.iter().filter_map(|node| node.status.as_ref()?.capacity.as_ref()?.get(resource));
        let Some(most) = capacities.max_by_key(|capacity| value(capacity)) else { continue };
        if *wanted > value(most) {
            let whose = if let Is::Node(_) = is { "it has" } else { "the largest node has" };
            let wanted = Amount::Exactly(*wanted);
            return Err(format!("{resource} {wanted} is more than the {} that {whose}", most.0));
        }
    }
    Ok(())
}

/// Whether the first container's memory is limited.
fn is_limited(spec: &PodSpec) -> bool {
    let resources = spec.containers.first().and_then(|first| first.resources.as_ref());
    resources
        .and_then(|resources| resources.limits.as_ref())
        .is_some_and(|limits| limits.contains_key("memory"))
}

/// Who mounts a claim.
fn mounts_of(world: &World, claim: &PersistentVolumeClaim) -> Vec<Mount> {
    let key = (
        claim.metadata.namespace.clone().unwrap_or_default(),
        claim.metadata.name.clone().unwrap_or_default(),
    );
    let in_namespace = world.owners.iter().enumerate().filter(|(_, owner)| owner.namespace == key.0);
    in_namespace
        .flat_map(|(position, owner)| {
            let by_name = owner.spec().into_iter().flat_map(|spec| spec.volumes.iter().flatten());
            let by_name = by_name
                .filter(|volume| {
                    let source = volume.persistent_volume_claim.as_ref();
                    source.is_some_and(|source| source.claim_name == key.1)
                })
                .map(|volume| (Whom::All, volume.name.clone()));
            let by_template = match &owner.kind {
                OwnerKind::StatefulSet(set) => (0..owner.seats())
                    .flat_map(|ordinal| {
                        let templates =
                            set.spec.iter().flat_map(|spec| spec.volume_claim_templates.iter().flatten());
                        templates.zip(storage::claims_of(set, ordinal)).map(move |pair| (ordinal, pair))
                    })
                    .filter(|(_, (_, made))| made.metadata.name.as_ref() == Some(&key.1))
                    .map(|(ordinal, (template, _))| {
                        (Whom::Ordinal(ordinal), template.metadata.name.clone().unwrap_or_default())
                    })
                    .collect(),
                _ => Vec::new(),
            };
            by_name
                .chain(by_template)
                .map(|(whom, volume)| Mount { claim: key.clone(), owner: position, whom, volume })
                .collect::<Vec<_>>()
        })
        .collect()
}
