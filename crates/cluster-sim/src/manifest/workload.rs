//! Controllers that make pods from a template.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{PodTemplateSpec, ReplicationController};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use serde_json::Value;

use super::tree_of;
use crate::annotations;
use crate::stage::PodStage;
use crate::time::calendar::FIRST_EPOCH;
use crate::time::cron::Schedule;

/// A workload as its manifest says.
#[derive(Clone, Debug)]
pub(crate) enum Workload {
    Deployment(Box<Deployment>),
    ReplicaSet(Box<ReplicaSet>),
    ReplicationController(Box<ReplicationController>),
    StatefulSet(Box<StatefulSet>),
    DaemonSet(Box<DaemonSet>),
    Job(Box<Job>),
    CronJob(Box<CronJob>),
}

/// How many pods a workload has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// As many as it says; another number is possible.
    Replicas(usize),
    /// Exactly so many, or the workload is suspended.
    Runs(usize),
    /// One on each node for it.
    Nodes,
}

/// Runs of a CronJob are kept for so long at most: its first ones are not older than the cluster.
const LONGEST_HISTORY: i64 = 40 * 24 * 60 * 60;

macro_rules! each {
    ($workload:expr, $object:ident => $body:expr) => {
        match $workload {
            Workload::Deployment($object) => $body,
            Workload::ReplicaSet($object) => $body,
            Workload::ReplicationController($object) => $body,
            Workload::StatefulSet($object) => $body,
            Workload::DaemonSet($object) => $body,
            Workload::Job($object) => $body,
            Workload::CronJob($object) => $body,
        }
    };
}

impl Workload {
    pub(crate) fn metadata(&self) -> &ObjectMeta {
        each!(self, object => &object.metadata)
    }

    /// As it is sent to an API server.
    pub(crate) fn tree(&self) -> Value {
        each!(self, object => tree_of(&**object))
    }

    /// The template of its pods. Parsing refused manifests without one.
    pub(crate) fn template(&self) -> Option<&PodTemplateSpec> {
        match self {
            Workload::Deployment(object) => object.spec.as_ref().map(|spec| &spec.template),
            Workload::ReplicaSet(object) => object.spec.as_ref()?.template.as_ref(),
            Workload::ReplicationController(object) => object.spec.as_ref()?.template.as_ref(),
            Workload::StatefulSet(object) => object.spec.as_ref().map(|spec| &spec.template),
            Workload::DaemonSet(object) => object.spec.as_ref().map(|spec| &spec.template),
            Workload::Job(object) => object.spec.as_ref().map(|spec| &spec.template),
            Workload::CronJob(object) => object.spec.job_template.spec.as_ref().map(|spec| &spec.template),
        }
    }

    /// Which pods it takes for its own; `None` for those whose selector the server makes.
    pub(crate) fn selector(&self) -> Option<LabelSelector> {
        match self {
            Workload::Deployment(object) => object.spec.as_ref().map(|spec| spec.selector.clone()),
            Workload::ReplicaSet(object) => object.spec.as_ref().map(|spec| spec.selector.clone()),
            Workload::StatefulSet(object) => object.spec.as_ref().map(|spec| spec.selector.clone()),
            Workload::DaemonSet(object) => object.spec.as_ref().map(|spec| spec.selector.clone()),
            Workload::ReplicationController(object) => {
                let spec = object.spec.as_ref()?;
                let labels = spec
                    .selector
                    .clone()
                    .or_else(|| spec.template.as_ref()?.metadata.as_ref()?.labels.clone());
                Some(LabelSelector { match_labels: labels, match_expressions: None })
            }
            Workload::Job(_) | Workload::CronJob(_) => None,
        }
    }

    /// How many pods it has as its manifest says.
    pub(crate) fn size(&self) -> Size {
        // One is Kubernetes' default; parsing refused negative numbers.
        let replicas =
            |replicas: Option<i32>| Size::Replicas(usize::try_from(replicas.unwrap_or(1)).unwrap_or(0));
        match self {
            Workload::Deployment(object) => replicas(object.spec.as_ref().and_then(|spec| spec.replicas)),
            Workload::ReplicaSet(object) => replicas(object.spec.as_ref().and_then(|spec| spec.replicas)),
            Workload::ReplicationController(object) => {
                replicas(object.spec.as_ref().and_then(|spec| spec.replicas))
            }
            Workload::StatefulSet(object) => replicas(object.spec.as_ref().and_then(|spec| spec.replicas)),
            Workload::DaemonSet(_) => Size::Nodes,
            Workload::Job(_) | Workload::CronJob(_) => Size::Runs(self.runs()),
        }
    }

    /// The pods of a Job, or those of a CronJob's runs that are kept.
    fn runs(&self) -> usize {
        let number =
            |number: Option<i32>, default: i32| usize::try_from(number.unwrap_or(default)).unwrap_or(0);
        match self {
            Workload::Job(object) => {
                let Some(spec) = object.spec.as_ref().filter(|spec| spec.suspend != Some(true)) else {
                    return 0;
                };
                if self.pod_stage() == Some(PodStage::Failed) {
                    number(spec.backoff_limit, 6) + 1
                } else {
                    number(spec.completions, 1)
                }
            }
            Workload::CronJob(object) => {
                let spec = &object.spec;
                if spec.suspend == Some(true) {
                    return 0;
                }
                let Ok(schedule) = Schedule::parse(&spec.schedule) else { return 0 };
                let recent = schedule.count(FIRST_EPOCH) - schedule.count(FIRST_EPOCH - LONGEST_HISTORY);
                number(spec.successful_jobs_history_limit, 3).min(usize::try_from(recent).unwrap_or(0))
            }
            _ => 0,
        }
    }

    pub(crate) fn pod_stage(&self) -> Option<PodStage> {
        PodStage::of(self.template()?.metadata.as_ref()?.labels.as_ref())
    }

    /// Whether it is the Deployment that has what others leave.
    pub(crate) fn is_spare(&self) -> bool {
        self.scaling() == Some("spare")
    }

    /// Whether it keeps its replicas at any size.
    pub(crate) fn is_fixed(&self) -> bool {
        self.scaling() == Some("fixed")
    }

    fn scaling(&self) -> Option<&str> {
        annotation(self.metadata(), annotations::SCALING)
    }

    /// Sets its number of pods; a Job or CronJob without any is suspended.
    pub(crate) fn set_size(&mut self, number: usize) {
        let replicas = Some(i32::try_from(number).unwrap_or(i32::MAX));
        match self {
            Workload::Deployment(object) => object.spec.iter_mut().for_each(|spec| spec.replicas = replicas),
            Workload::ReplicaSet(object) => object.spec.iter_mut().for_each(|spec| spec.replicas = replicas),
            Workload::ReplicationController(object) => {
                object.spec.iter_mut().for_each(|spec| spec.replicas = replicas);
            }
            Workload::StatefulSet(object) => object.spec.iter_mut().for_each(|spec| spec.replicas = replicas),
            Workload::Job(object) if number == 0 => {
                object.spec.iter_mut().for_each(|spec| spec.suspend = Some(true));
            }
            Workload::CronJob(object) if number == 0 => object.spec.suspend = Some(true),
            Workload::DaemonSet(_) | Workload::Job(_) | Workload::CronJob(_) => {}
        }
    }
}

/// The value of an annotation.
pub(crate) fn annotation<'a>(metadata: &'a ObjectMeta, key: &str) -> Option<&'a str> {
    metadata.annotations.as_ref()?.get(key).map(String::as_str)
}
