//! The objects of one owner of pods.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};

use super::{Member, Members, Picture, Scene, keep, members};
use crate::annotations;
use crate::cluster::ClusterObjects;
use crate::life::Phase;
use crate::manifest::annotation;
use crate::objects::batch::{self, JobTally, Runs};
use crate::objects::deployment::{self, Progress, Revision, State};
use crate::objects::sets::{self, Revisions};
use crate::objects::{Dates, Tally, autoscaler, count};
use crate::time::autoscaling::Load;
use crate::time::span::{Seconds, Span};
use crate::world::{Owner, OwnerKind, Rollouts};

/// A Deployment has waited too long after so many seconds, unless it says otherwise.
const PROGRESS_DEADLINE: Seconds = 600;

/// Everything that an owner's objects follow from.
struct Facts<'a> {
    owner: &'a Owner,
    members: Vec<Member<'a>>,
    /// When the last member left its slot to another owner.
    left: Seconds,
    revision: Span<i64>,
    span: Span<()>,
    scene: Scene<'a>,
}

pub(super) fn look(position: usize, scene: Scene<'_>, before: &Picture) -> Picture {
    let owner = &scene.world.owners[position];
    let Members { present, span, left } = members(position, scene);
    let revision = owner.revision(scene.at);
    let span = span.within(&revision);
    // Without any pod that came or went, what it wants may still have changed.
    let span = if owner.refusal.is_some() { span.within(&owner.scaled(scene.at)) } else { span };
    let facts = Facts { owner, members: present, left, span, revision, scene };
    let facts = facts.within_progress();
    let mut objects = ClusterObjects::default();
    match &owner.kind {
        OwnerKind::Deployment(manifest) => facts.deployment(manifest, &before.objects, &mut objects),
        OwnerKind::ReplicaSet(manifest) => {
            let mut set =
                deployment::replica_set(manifest, &owner.uid, facts.tally(), facts.refusal(), facts.dates());
            if let Some(spec) = &mut set.spec {
                spec.replicas = facts.replicas(spec.replicas);
            }
            objects.replica_sets.push(keep(&before.objects.replica_sets, set));
        }
        OwnerKind::ReplicationController(manifest) => {
            let mut controller =
                sets::replication_controller(manifest, &owner.uid, facts.tally(), facts.dates());
            if let Some(spec) = &mut controller.spec {
                spec.replicas = facts.replicas(spec.replicas);
            }
            objects.replication_controllers.push(keep(&before.objects.replication_controllers, controller));
        }
        OwnerKind::StatefulSet(manifest) => {
            let number = facts.revision.value;
            let name = |number: i64| format!("{}-{}", owner.name, owner.hash(number));
            let tally = facts.tally();
            let update = name(number);
            let current = if tally.updated == tally.pods { update.clone() } else { name(number - 1) };
            let restarted_at = owner.restarted_at(number);
            let revisions = Revisions {
                number,
                current: &current,
                update: &update,
                restarted_at: restarted_at.as_deref(),
            };
            let mut set = sets::stateful_set(manifest, &owner.uid, revisions, tally, facts.dates());
            if let Some(spec) = &mut set.spec {
                spec.replicas = facts.replicas(spec.replicas);
            }
            objects.stateful_sets.push(keep(&before.objects.stateful_sets, set));
        }
        OwnerKind::DaemonSet(manifest) => {
            let number = facts.revision.value;
            let restarted_at = owner.restarted_at(number);
            let set = sets::daemon_set(
                manifest,
                &owner.uid,
                number,
                restarted_at.as_deref(),
                facts.tally(),
                facts.dates(),
            );
            objects.daemon_sets.push(keep(&before.objects.daemon_sets, set));
        }
        OwnerKind::Job(manifest) => objects.jobs.push(keep(&before.objects.jobs, facts.job(manifest))),
        OwnerKind::CronJob(manifest) => facts.cron_job(manifest, &before.objects, &mut objects),
        OwnerKind::Nobody(_) => {}
    }
    Picture { objects, since: facts.span.since, until: facts.span.until }
}

impl<'a> Facts<'a> {
    /// A Deployment changes when its rollout is done, or a pod is overdue, without any pod changing.
    fn within_progress(mut self) -> Facts<'a> {
        if let OwnerKind::Deployment(_) = self.owner.kind {
            let edges: Vec<Seconds> =
                self.members.iter().filter_map(overdue_at).chain([self.rollout_end()]).collect();
            for edge in edges {
                if edge <= self.scene.at {
                    self.span.since = self.span.since.max(edge);
                } else {
                    self.span.until = self.span.until.min(edge);
                }
            }
        }
        self
    }

    fn dates(&self) -> Dates<'a> {
        self.dates_since(self.owner.created, self.span.since)
    }

    fn dates_since(&self, created: Seconds, changed: Seconds) -> Dates<'a> {
        Dates { calendar: &self.scene.world.calendar, created, changed: changed.max(created) }
    }

    /// When all pods are of the latest revision.
    fn rollout_end(&self) -> Seconds {
        self.revision.since + self.owner.rollouts.as_ref().map_or(0, |rollouts| rollouts.takes)
    }

    fn tally(&self) -> Tally {
        Tally { desired: self.desired(), ..self.tally_of(|_| true) }
    }

    /// Counts the members that `of` selects; they are what is desired.
    fn tally_of(&self, of: impl Fn(&Member<'_>) -> bool) -> Tally {
        let members = || self.members.iter().filter(|member| of(member));
        let ready = members().filter(|member| member.standing.value.ready).count();
        let updated = members().filter(|member| member.tenant.revision == self.revision.value).count();
        let pods = count(members().count());
        Tally { desired: pods, pods, ready: count(ready), updated: count(updated) }
    }

    /// How many pods it wants: those that it has, unless a quota refuses some.
    fn desired(&self) -> i32 {
        let wanted = match (self.quota_refuses(), &self.owner.kind) {
            (Some(_), OwnerKind::Deployment(manifest)) => {
                manifest.spec.as_ref().and_then(|spec| spec.replicas)
            }
            _ => None,
        };
        wanted.unwrap_or(count(self.members.len()))
    }

    /// What a quota says to the pods that do not exist, and since when.
    fn refusal(&self) -> Option<(&'a str, Seconds)> {
        self.quota_refuses().map(|message| (message, self.owner.created))
    }

    /// Why it has fewer pods than its manifest wants. Whoever scales it wants no more than it can have.
    fn quota_refuses(&self) -> Option<&'a str> {
        let message = self.owner.refusal.as_deref()?;
        self.owner.scaled(self.scene.at).value.is_none().then_some(message)
    }

    /// The replicas that its spec says, where the manifest says `written`.
    fn replicas(&self, written: Option<i32>) -> Option<i32> {
        self.owner.scaled(self.scene.at).value.map(count).or(written)
    }

    fn deployment(&self, manifest: &Deployment, before: &ClusterObjects, objects: &mut ClusterObjects) {
        let (owner, number, tally) = (self.owner, self.revision.value, self.tally());
        let maker = owner.maker(number);
        let refusal = self.quota_refuses().map(|message| {
            format!("pods \"{maker}-{}\" is forbidden: {message}", owner.draw.of("refused").suffix(0))
        });
        let restarted_at = owner.restarted_at(number);
        let state = State {
            uid: &owner.uid,
            revision: number,
            replica_set: &maker,
            restarted_at: restarted_at.as_deref(),
            progress: self.progress(tally),
            refusal: refusal.as_deref(),
            tally,
        };
        objects
            .deployments
            .push(keep(&before.deployments, deployment::deployment(manifest, &state, self.dates())));
        let kept = manifest.spec.as_ref().and_then(|spec| spec.revision_history_limit).map_or(10, i64::from);
        for revision in (number - kept).max(0)..=number {
            let set = self.replica_set(manifest, revision, tally.desired, refusal.as_deref());
            objects.replica_sets.push(keep(&before.replica_sets, set));
        }
        if let Some(scaler) = owner.autoscaler.and_then(|scaler| self.scene.autoscalers.get(scaler)) {
            let (namespace, name) =
                (&owner.namespace, scaler.manifest.metadata.name.as_deref().unwrap_or_default());
            let uid = self.scene.world.draw.of("HorizontalPodAutoscaler").of(namespace).of(name).uuid();
            let since =
                owner.autoscaling.map_or(owner.created, |scaling| scaling.desired(self.scene.at).since);
            let load = match annotation(&scaler.manifest.metadata, annotations::LOAD) {
                Some("peak") => Load::Peak,
                _ => Load::Wave,
            };
            let dates = self.dates_since(owner.created, since);
            let object = autoscaler::autoscaler(&scaler.manifest, &uid, self.members.len(), load, dates);
            objects.horizontal_pod_autoscalers.push(keep(&before.horizontal_pod_autoscalers, object));
        }
    }

    /// A Deployment's ReplicaSet of one revision.
    fn replica_set(
        &self,
        manifest: &Deployment,
        number: i64,
        all_desired: i32,
        refusal: Option<&str>,
    ) -> ReplicaSet {
        let owner = self.owner;
        let tally = self.tally_of(|member| member.tenant.revision == number);
        let (hash, restarted_at) = (owner.hash(number), owner.restarted_at(number));
        let uid = owner.replica_set_uid(number);
        let refusal = refusal.filter(|_| number == self.revision.value);
        let revision = Revision {
            number,
            hash: &hash,
            restarted_at: restarted_at.as_deref(),
            desired: if refusal.is_some() { all_desired } else { tally.desired },
        };
        let (created, done) = (self.moment(number).max(owner.created), self.is_emptied(number));
        let dates = self.dates_since(created, self.set_changed(number));
        // What its annotations say of the Deployment was written when it was last scaled.
        let all_desired = if done { count(owner.size) } else { all_desired };
        let set = deployment::replica_set_of(manifest, &owner.uid, all_desired, &revision);
        deployment::replica_set(&set, &uid, tally, refusal.map(|message| (message, owner.created)), dates)
    }

    /// When a revision of the template came.
    fn moment(&self, number: i64) -> Seconds {
        self.owner.rollouts.as_ref().map_or(self.owner.created, |rollouts| rollouts.moment(number))
    }

    /// When the last pod of a revision was replaced.
    fn emptied_at(&self, number: i64) -> Seconds {
        let last = self.owner.rollouts.as_ref().map_or(0, Rollouts::last_pod_after);
        self.moment(number + 1) + last
    }

    fn is_emptied(&self, number: i64) -> bool {
        number < self.revision.value && self.emptied_at(number) <= self.scene.at
    }

    /// When the ReplicaSet of a revision last changed: with its pods, and with those that replaced some of them.
    fn set_changed(&self, number: i64) -> Seconds {
        if self.is_emptied(number) {
            return self.emptied_at(number);
        }
        let of_member = |member: &Member<'_>| match member.tenant.revision - number {
            0 => member.standing.since,
            1 => member.tenant.created,
            // Rollouts that overlap: it has passed through another revision since, or came later.
            2.. => self.owner.rollouts.as_ref().map_or(self.owner.created, |rollouts| {
                rollouts.reached(member.tenant.part.ordinal, number + 1).max(member.joined)
            }),
            // The number of all pods, which every set notes, changed with it.
            _ => member.joined,
        };
        // A set that a quota keeps without pods wants what the Deployment wants.
        let scaled = match self.owner.refusal {
            Some(_) => self.owner.scaled(self.scene.at).since,
            None => self.owner.created,
        };
        let without_members = self.left.max(self.moment(number)).max(scaled);
        self.members.iter().map(of_member).fold(without_members, Seconds::max)
    }

    fn progress(&self, tally: Tally) -> Progress {
        let overdue =
            |member: &Member<'_>| overdue_at(member).is_some_and(|overdue| overdue <= self.scene.at);
        if tally.pods < tally.desired || self.members.iter().any(overdue) {
            Progress::Overdue
        } else if self.scene.at >= self.rollout_end() {
            Progress::Complete
        } else {
            Progress::Rolling
        }
    }

    fn job_tally(members: &[Member<'_>]) -> JobTally {
        let mut tally = JobTally::default();
        for member in members {
            tally.add(member.standing.value.phase, member.standing.value.ready, member.standing.since);
        }
        tally
    }

    fn job(&self, manifest: &Job) -> Job {
        batch::job(manifest, &self.owner.uid, Facts::job_tally(&self.members), self.dates())
    }

    fn cron_job(&self, manifest: &CronJob, before: &ClusterObjects, objects: &mut ClusterObjects) {
        let owner = self.owner;
        let mut runs = Runs::default();
        let mut changed = owner.created;
        let mut members = self.members.clone();
        members.sort_by_key(|member| member.tenant.created);
        for member in &members {
            let run = member.tenant.revision;
            let (name, uid) = (owner.maker(run), owner.job_uid(run));
            let tally = Facts::job_tally(std::slice::from_ref(member));
            runs.last_schedule = runs.last_schedule.max(Some(member.tenant.created));
            match member.standing.value.phase {
                Phase::Pending | Phase::Running => runs.active.push((name.clone(), uid.clone())),
                Phase::Succeeded => runs.last_success = runs.last_success.max(tally.last_end),
                Phase::Failed => {}
            }
            // That a run's pod has started does not change the CronJob.
            changed = changed.max(tally.last_end.unwrap_or(member.tenant.created));
            let job = batch::job_of(manifest, &owner.uid, &name, member.tenant.created);
            let dates = self.dates_since(member.tenant.created, member.standing.since);
            objects.jobs.push(keep(&before.jobs, batch::job(&job, &uid, tally, dates)));
        }
        let dates = self.dates_since(owner.created, changed);
        objects.cron_jobs.push(keep(&before.cron_jobs, batch::cron_job(manifest, &owner.uid, &runs, dates)));
    }
}

/// When a pod that waits has waited too long.
fn overdue_at(member: &Member<'_>) -> Option<Seconds> {
    (member.standing.value.phase == Phase::Pending).then_some(member.tenant.created + PROGRESS_DEADLINE)
}
