//! Owners of pods: controllers of the fleet with their rules, and the pods that they make.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{
    Affinity, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm,
    PersistentVolumeClaimVolumeSource, Pod, PodSpec, ReplicationController, Volume,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::Tenant;
use super::rollouts::Rollouts;
use crate::annotations;
use crate::defaults;
use crate::draw::{Draw, generated_name};
use crate::fleet::{BarePods, Fleet, Scaled};
use crate::life::{End, end_of};
use crate::manifest::{Workload, annotation};
use crate::objects::controller;
use crate::objects::pod::{Mold, Place, tolerate_existing};
use crate::placement::DAEMON_TOLERATIONS;
use crate::provocation::deed::Deed;
use crate::stage::PodStage;
use crate::time::autoscaling::{Autoscaling, Load};
use crate::time::calendar::{Calendar, instant};
use crate::time::cron::Schedule;
use crate::time::duration;
use crate::time::recurrence::Recurrence;
use crate::time::span::Seconds;

const DAY: Seconds = 24 * 60 * 60;
/// How long a pod of a Job runs unless an annotation says it.
const JOB_RUNS: Seconds = 60;
/// How long a pod runs until it fails or is evicted.
const FAILURE_AFTER: Seconds = 600;
/// Pods' names take so many of the possible suffixes for each pod in turn.
const SUFFIXES_OF_POD: u64 = 512;

/// Who owns pods, its manifest with the server's defaults.
#[derive(Debug)]
pub(crate) enum OwnerKind {
    Deployment(Box<Deployment>),
    ReplicaSet(Box<ReplicaSet>),
    ReplicationController(Box<ReplicationController>),
    StatefulSet(Box<StatefulSet>),
    DaemonSet(Box<DaemonSet>),
    Job(Box<Job>),
    CronJob(Box<CronJob>),
    /// Nobody: pods of the files.
    Nobody(Box<BarePods>),
}

/// Pods of one kind, and who owns them.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) kind: OwnerKind,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) created: Seconds,
    /// How many pods it has; a DaemonSet has as many as there are nodes for it.
    pub(crate) size: usize,
    /// The numbers of the nodes that a DaemonSet has its pods on, in order; they are the ordinals of its pods.
    pub(super) daemon_nodes: Option<Vec<usize>>,
    /// Why it has fewer than it wants: a quota's message.
    pub(crate) refusal: Option<String>,
    /// The slots that may hold its pods.
    pub(crate) slots: Vec<usize>,
    pub(crate) draw: Draw,
    pub(crate) stage: Option<PodStage>,
    pub(crate) end: Option<End>,
    pub(crate) runs_for: Seconds,
    pub(crate) rollouts: Option<Rollouts>,
    pub(crate) autoscaling: Option<Autoscaling>,
    /// Position of its autoscaler in [`Fleet::autoscalers`].
    pub(crate) autoscaler: Option<usize>,
    pub(crate) is_spare: bool,
    pub(crate) schedule: Option<Schedule>,
    /// What was provoked of its pods.
    pub(crate) deeds: Vec<Deed>,
    mold: Mold,
}

/// The owners of a fleet: its workloads in their order, then its bare pods.
pub(super) fn owners(fleet: &Fleet, draw: Draw, calendar: &Calendar) -> Vec<Owner> {
    let workloads = fleet.workloads.iter().enumerate().map(|(position, scaled)| {
        let mut owner = of_workload(scaled, draw, calendar);
        let autoscaler = fleet.autoscalers.iter().enumerate().find(|(_, scaler)| scaler.target == position);
        if let Some((number, scaler)) = autoscaler {
            owner.autoscaler = Some(number);
            let load = match annotation(&scaler.manifest.metadata, annotations::LOAD) {
                Some("peak") => Load::Peak,
                _ => Load::Wave,
            };
            owner.autoscaling =
                Some(Autoscaling::new(scaler.least, scaler.most, load, owner.draw.of("load")));
        }
        owner.plan_rollouts(scaled.workload.metadata());
        owner
    });
    workloads.chain(fleet.pods.iter().map(|pods| of_pods(pods, draw, calendar))).collect()
}

fn of_workload(scaled: &Scaled, draw: Draw, calendar: &Calendar) -> Owner {
    let workload = &scaled.workload;
    let metadata = workload.metadata();
    let namespace = metadata.namespace.clone().unwrap_or_default();
    let name = metadata.name.clone().unwrap_or_default();
    let of_kind = |kind: &str| draw.of(kind).of(&namespace).of(&name);
    let (kind, name_of_kind) = match workload.clone() {
        Workload::Deployment(mut object) => {
            defaults::deployment(&mut object);
            (OwnerKind::Deployment(object), "Deployment")
        }
        Workload::ReplicaSet(mut object) => {
            defaults::replica_set(&mut object);
            (OwnerKind::ReplicaSet(object), "ReplicaSet")
        }
        Workload::ReplicationController(mut object) => {
            defaults::replication_controller(&mut object);
            (OwnerKind::ReplicationController(object), "ReplicationController")
        }
        Workload::StatefulSet(mut object) => {
            defaults::stateful_set(&mut object);
            (OwnerKind::StatefulSet(object), "StatefulSet")
        }
        Workload::DaemonSet(mut object) => {
            defaults::daemon_set(&mut object);
            (OwnerKind::DaemonSet(object), "DaemonSet")
        }
        Workload::Job(mut object) => {
            defaults::job(&mut object);
            (OwnerKind::Job(object), "Job")
        }
        Workload::CronJob(mut object) => {
            defaults::cron_job(&mut object);
            (OwnerKind::CronJob(object), "CronJob")
        }
    };
    let draw = of_kind(name_of_kind);
    let template = workload.template().cloned().unwrap_or_default();
    let pod_metadata = template.metadata.unwrap_or_default();
    let mut mold = Mold::new(&pod_metadata, &template.spec.unwrap_or_default(), &namespace);
    if let OwnerKind::DaemonSet(_) = kind {
        mold = mold.tolerate(DAEMON_TOLERATIONS.into_iter().enumerate().map(|(position, key)| {
            tolerate_existing(key, if position < 2 { "NoExecute" } else { "NoSchedule" })
        }));
    }
    let created = match kind {
        // Old enough for all runs that are kept.
        OwnerKind::CronJob(_) => calendar.early(draw),
        _ => calendar.workload(draw),
    };
    let schedule = match &kind {
        OwnerKind::CronJob(object) => {
            // A suspended one has no runs; its schedule was checked.
            Schedule::parse(&object.spec.schedule).ok()
        }
        _ => None,
    };
    let of_job = matches!(kind, OwnerKind::Job(_) | OwnerKind::CronJob(_));
    let mut owner = Owner::new(kind, namespace, name, draw, created, mold, &pod_metadata);
    owner.end = end_of(owner.stage, of_job);
    let default = if owner.end == Some(End::Success) { JOB_RUNS } else { FAILURE_AFTER };
    owner.runs_for = runs_for(&pod_metadata, default);
    owner.uid = draw.uuid();
    owner.size = scaled.pods;
    owner.refusal.clone_from(&scaled.refusal);
    owner.is_spare = workload.is_spare();
    owner.schedule = schedule;
    owner
}

fn of_pods(pods: &BarePods, draw: Draw, calendar: &Calendar) -> Owner {
    let metadata = &pods.template.metadata;
    let namespace = metadata.namespace.clone().unwrap_or_default();
    let name = metadata.name.clone().unwrap_or_default();
    let spec = pods.template.spec.clone().unwrap_or_default();
    let mold = Mold::new(metadata, &spec, &namespace);
    let draw = draw.of("pods").of(&namespace).of(&name);
    let kind = OwnerKind::Nobody(Box::new(pods.clone()));
    let mut owner = Owner::new(kind, namespace, name, draw, calendar.workload(draw), mold, metadata);
    owner.end = end_of(owner.stage, false);
    owner.runs_for = runs_for(metadata, FAILURE_AFTER);
    owner.size = pods.number;
    owner
}

fn runs_for(metadata: &ObjectMeta, default: Seconds) -> Seconds {
    annotation(metadata, annotations::RUNS_FOR).and_then(duration::parse).unwrap_or(default)
}

impl Owner {
    fn new(
        kind: OwnerKind,
        namespace: String,
        name: String,
        draw: Draw,
        created: Seconds,
        mold: Mold,
        pods: &ObjectMeta,
    ) -> Owner {
        Owner {
            kind,
            namespace,
            name,
            uid: String::new(),
            created,
            size: 0,
            daemon_nodes: None,
            refusal: None,
            slots: Vec::new(),
            draw,
            stage: PodStage::of(pods.labels.as_ref()),
            end: None,
            runs_for: 0,
            rollouts: None,
            autoscaling: None,
            autoscaler: None,
            is_spare: false,
            schedule: None,
            deeds: Vec::new(),
            mold,
        }
    }

    fn plan_rollouts(&mut self, metadata: &ObjectMeta) {
        if let Some(period) = annotation(metadata, annotations::ROLLOUT_EVERY).and_then(duration::parse) {
            let regular = Recurrence { first: self.created, period };
            self.rollouts = Some(Rollouts::new(Some(regular), Vec::new(), self));
        }
    }

    /// Puts these rollouts in the place of those that were provoked before.
    pub(crate) fn provoke_rollouts(&mut self, moments: Vec<Seconds>) {
        let regular = self.rollouts.as_ref().and_then(Rollouts::regular);
        let any = regular.is_some() || !moments.is_empty();
        self.rollouts = any.then(|| Rollouts::new(regular, moments, self));
    }

    /// The most pods that it has at a time, unless somebody scales it.
    pub(crate) fn most(&self) -> usize {
        self.autoscaling.map_or(self.size, |autoscaling| autoscaling.most)
    }

    /// How many slots there are for its pods.
    pub(crate) fn seats(&self) -> usize {
        self.slots.len()
    }

    /// Fixes on which nodes a DaemonSet has its pods, once that is known: their numbers in order.
    pub(super) fn set_daemon_nodes(&mut self, nodes: Vec<usize>) {
        self.size = nodes.len();
        self.daemon_nodes = Some(nodes);
        if let Some(regular) = self.rollouts.as_ref().and_then(Rollouts::regular) {
            self.rollouts = Some(Rollouts::new(Some(regular), Vec::new(), self));
        }
    }

    /// The spec of its pods as admitted.
    pub(crate) fn spec(&self) -> Option<&PodSpec> {
        self.mold.spec()
    }

    /// The labels of its pods, as far as all of them have them.
    pub(crate) fn pod_labels(&self) -> Option<&std::collections::BTreeMap<String, String>> {
        self.mold.labels()
    }

    /// When one of its pods is replaced without a rollout: every few days. `None` for Jobs, whose pods stay.
    pub(super) fn rescheduling(&self, ordinal: usize, calendar: &Calendar) -> Option<Recurrence> {
        if !self.is_lasting() {
            return None;
        }
        let draw = self.draw.of("pod").number(ordinal as u64);
        let first = calendar.pod(draw);
        let period = draw.of("rescheduled").between(3 * DAY..15 * DAY);
        Some(Recurrence { first, period: period.max(calendar.epoch() - first + DAY) })
    }

    /// When a pod of a Job was made: after those that had to be done before it.
    pub(super) fn job_pod_created(&self, ordinal: usize) -> Seconds {
        let OwnerKind::Job(job) = &self.kind else { return self.created };
        let spec = job.spec.as_ref();
        let parallel = match self.end {
            // One attempt after the other.
            Some(End::Failure) => 1,
            _ => spec
                .and_then(|spec| spec.parallelism)
                .map_or(1, |number| usize::try_from(number).unwrap_or(1)),
        };
        let round = self.runs_for + super::START_TAKES;
        // All of them are done within ten days: well before the fleet's epoch.
        let rounds = self.size.div_ceil(parallel.max(1)).max(1) as Seconds;
        self.created + (ordinal / parallel.max(1)) as Seconds * round.min(10 * DAY / rounds)
    }

    /// What is drawn for a pod.
    pub(super) fn pod_draw(&self, all: Draw, tenant: &Tenant) -> Draw {
        let name = self.pod_name(tenant);
        all.of("Pod").of(&self.namespace).of(&name).number(tenant.created as u64)
    }

    /// A pod, without status.
    pub(super) fn pod(&self, tenant: &Tenant, draw: Draw, place: Option<&Place<'_>>) -> Pod {
        let name = self.pod_name(tenant);
        let mut pod = self.mold.pod(&name, draw, tenant.created, place);
        let metadata = &mut pod.metadata;
        metadata.owner_references = self.reference(tenant.revision).map(|reference| vec![reference]);
        metadata.generate_name = match self.kind {
            OwnerKind::Nobody(_) => None,
            _ => Some(format!("{}-", self.maker(tenant.revision))),
        };
        let ordinal = tenant.part.ordinal;
        let mut label = |key: &str, value: String| {
            metadata.labels.get_or_insert_default().insert(key.to_owned(), value);
        };
        match &self.kind {
            OwnerKind::Deployment(_) => label(TEMPLATE_HASH, self.hash(tenant.revision)),
            OwnerKind::StatefulSet(object) => {
                label("controller-revision-hash", format!("{}-{}", self.name, self.hash(tenant.revision)));
                label("apps.kubernetes.io/pod-index", ordinal.to_string());
                label("statefulset.kubernetes.io/pod-name", name.clone());
                if let Some(spec) = &mut pod.spec {
                    join_set(spec, object, &name);
                }
            }
            OwnerKind::DaemonSet(_) => {
                label("controller-revision-hash", self.hash(tenant.revision));
                label("pod-template-generation", (tenant.revision + 1).to_string());
                if let Some(spec) = &mut pod.spec {
                    bind_by_affinity(spec);
                }
            }
            OwnerKind::Job(_) => {
                metadata.labels.get_or_insert_default().extend(job_labels(&self.name, &self.uid));
            }
            OwnerKind::CronJob(_) => {
                let (job, uid) = (self.maker(tenant.revision), self.job_uid(tenant.revision));
                metadata.labels.get_or_insert_default().extend(job_labels(&job, &uid));
            }
            OwnerKind::ReplicaSet(_) | OwnerKind::ReplicationController(_) | OwnerKind::Nobody(_) => {}
        }
        if let (Some(at), OwnerKind::Deployment(_) | OwnerKind::StatefulSet(_) | OwnerKind::DaemonSet(_)) =
            (self.restarted_at(tenant.revision), &self.kind)
        {
            pod.metadata.annotations.get_or_insert_default().insert(RESTARTED_AT.to_owned(), at);
        }
        pod
    }

    /// Who makes its pods, by name: a Deployment's ReplicaSet, a CronJob's Job, else itself.
    pub(crate) fn maker(&self, revision: i64) -> String {
        match &self.kind {
            OwnerKind::Deployment(_) => format!("{}-{}", self.name, self.hash(revision)),
            OwnerKind::CronJob(_) => {
                let minutes = self.schedule.as_ref().map_or(0, |schedule| schedule.moment(revision) / 60);
                format!("{}-{minutes}", self.name)
            }
            _ => self.name.clone(),
        }
    }

    /// The hash of its template's revision.
    pub(crate) fn hash(&self, revision: i64) -> String {
        self.draw.of("template").number(revision as u64).template_hash()
    }

    /// The uid of a Deployment's ReplicaSet.
    pub(crate) fn replica_set_uid(&self, revision: i64) -> String {
        self.draw.of("ReplicaSet").of(&self.hash(revision)).number(revision as u64).uuid()
    }

    /// The uid of a CronJob's Job.
    pub(crate) fn job_uid(&self, revision: i64) -> String {
        self.draw.of("Job").number(revision as u64).uuid()
    }

    /// What a rollout changes in the template: the time of the restart. The first revision has none.
    pub(crate) fn restarted_at(&self, revision: i64) -> Option<String> {
        let rollouts = self.rollouts.as_ref().filter(|_| revision > 0)?;
        Some(instant(rollouts.moment(revision)).to_string())
    }

    fn reference(&self, revision: i64) -> Option<OwnerReference> {
        let name = self.maker(revision);
        match &self.kind {
            OwnerKind::Deployment(_) => {
                Some(controller("apps/v1", "ReplicaSet", &name, &self.replica_set_uid(revision)))
            }
            OwnerKind::ReplicaSet(_) => Some(controller("apps/v1", "ReplicaSet", &name, &self.uid)),
            OwnerKind::ReplicationController(_) => {
                Some(controller("v1", "ReplicationController", &name, &self.uid))
            }
            OwnerKind::StatefulSet(_) => Some(controller("apps/v1", "StatefulSet", &name, &self.uid)),
            OwnerKind::DaemonSet(_) => Some(controller("apps/v1", "DaemonSet", &name, &self.uid)),
            OwnerKind::Job(_) => Some(controller("batch/v1", "Job", &name, &self.uid)),
            OwnerKind::CronJob(_) => Some(controller("batch/v1", "Job", &name, &self.job_uid(revision))),
            OwnerKind::Nobody(_) => None,
        }
    }

    pub(crate) fn pod_name(&self, tenant: &Tenant) -> String {
        let ordinal = tenant.part.ordinal;
        match &self.kind {
            OwnerKind::StatefulSet(_) => format!("{}-{ordinal}", self.name),
            OwnerKind::Nobody(pods) => pods.name(ordinal),
            _ => {
                // Pods of different numbers never have the same suffix; one and its successor hardly ever.
                let nth = self
                    .draw
                    .of("pod")
                    .number(ordinal as u64)
                    .number(tenant.created as u64)
                    .below(SUFFIXES_OF_POD);
                let suffix = self.draw.of("names").suffix(ordinal as u64 * SUFFIXES_OF_POD + nth);
                generated_name(&self.maker(tenant.revision), &suffix)
            }
        }
    }
}

/// The label by which pods of different ReplicaSets of one Deployment differ.
pub(crate) const TEMPLATE_HASH: &str = "pod-template-hash";
/// What `kubectl rollout restart` sets.
pub(crate) const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// The labels that a Job gives itself and its pods.
pub(crate) fn job_labels(name: &str, uid: &str) -> [(String, String); 4] {
    [
        ("batch.kubernetes.io/controller-uid", uid),
        ("batch.kubernetes.io/job-name", name),
        ("controller-uid", uid),
        ("job-name", name),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
}

/// What a StatefulSet adds to a pod: its name in the set's domain, and its claims.
fn join_set(spec: &mut PodSpec, set: &StatefulSet, name: &str) {
    let Some(own) = &set.spec else { return };
    spec.hostname = Some(name.to_owned());
    spec.subdomain = own.service_name.clone().filter(|name| !name.is_empty());
    let claims = own.volume_claim_templates.iter().flatten().filter_map(|claim| claim.metadata.name.as_ref());
    let volumes = spec.volumes.get_or_insert_default();
    for (position, claim) in claims.enumerate() {
        volumes.retain(|volume| volume.name != *claim);
        let source =
            PersistentVolumeClaimVolumeSource { claim_name: format!("{claim}-{name}"), ..Default::default() };
        let volume =
            Volume { name: claim.clone(), persistent_volume_claim: Some(source), ..Volume::default() };
        volumes.insert(position, volume);
    }
}

/// A DaemonSet's pod requires its node by name.
fn bind_by_affinity(spec: &mut PodSpec) {
    let Some(node) = spec.node_name.clone() else { return };
    let by_name = NodeSelectorRequirement {
        key: "metadata.name".to_owned(),
        operator: "In".to_owned(),
        values: Some(vec![node]),
    };
    let selector = NodeSelector {
        node_selector_terms: vec![NodeSelectorTerm {
            match_fields: Some(vec![by_name]),
            ..NodeSelectorTerm::default()
        }],
    };
    spec.affinity.get_or_insert_with(Affinity::default).node_affinity = Some(NodeAffinity {
        required_during_scheduling_ignored_during_execution: Some(selector),
        ..NodeAffinity::default()
    });
}
