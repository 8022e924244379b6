//! Jobs and CronJobs.

use k8s_openapi::api::batch::v1::{
    CronJob, CronJobStatus, Job, JobCondition, JobStatus, UncountedTerminatedPods,
};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};

use super::{Dates, count, unless_zero};
use crate::defaults;
use crate::life::Phase;
use crate::time::calendar::time;
use crate::time::span::Seconds;
use crate::world::job_labels;

/// What has become of a Job's pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct JobTally {
    pub(crate) active: usize,
    pub(crate) ready: usize,
    pub(crate) succeeded: usize,
    pub(crate) failed: usize,
    /// When the last one ended.
    pub(crate) last_end: Option<Seconds>,
}

impl JobTally {
    /// Counts a pod that is in its phase since `since`.
    pub(crate) fn add(&mut self, phase: Phase, ready: bool, since: Seconds) {
        match phase {
            Phase::Pending | Phase::Running => self.active += 1,
            Phase::Succeeded => self.succeeded += 1,
            Phase::Failed => self.failed += 1,
        }
        self.ready += usize::from(ready);
        if matches!(phase, Phase::Succeeded | Phase::Failed) {
            self.last_end = self.last_end.max(Some(since));
        }
    }
}

/// A Job.
pub(crate) fn job(manifest: &Job, uid: &str, tally: JobTally, dates: Dates<'_>) -> Job {
    let mut job = manifest.clone();
    dates.admit_generation(&mut job.metadata, uid, 1);
    let name = job.metadata.name.clone().unwrap_or_default();
    let labels = job_labels(&name, uid);
    job.metadata.labels.get_or_insert_default().extend(labels.clone());
    let mut completions = 1;
    let mut suspended = false;
    if let Some(spec) = &mut job.spec {
        completions = spec.completions.and_then(|number| usize::try_from(number).ok()).unwrap_or(1);
        suspended = spec.suspend == Some(true);
        let [(key, uid), ..] = labels.clone();
        spec.selector =
            Some(LabelSelector { match_labels: Some([(key, uid)].into()), match_expressions: None });
        let metadata = spec.template.metadata.get_or_insert_default();
        metadata.labels.get_or_insert_default().extend(labels);
    }
    let done = tally.active == 0 && tally.succeeded >= completions && !suspended;
    let failed = tally.active == 0 && tally.failed > 0 && !done;
    let ended = tally.last_end.unwrap_or(dates.changed);
    job.status = Some(JobStatus {
        active: unless_zero(count(tally.active)),
        ready: Some(count(tally.ready)),
        succeeded: unless_zero(count(tally.succeeded)),
        failed: unless_zero(count(tally.failed)),
        terminating: Some(0),
        start_time: (!suspended).then(|| time(dates.created)),
        completion_time: done.then(|| time(ended)),
        uncounted_terminated_pods: Some(UncountedTerminatedPods::default()),
        conditions: if suspended {
            Some(vec![condition("Suspended", "JobSuspended", "Job suspended", dates.created)])
        } else if done {
            let message = "Reached expected number of succeeded pods";
            Some(
                ["SuccessCriteriaMet", "Complete"]
                    .map(|type_| condition(type_, "CompletionsReached", message, ended))
                    .into(),
            )
        } else if failed {
            let message = "Job has reached the specified backoff limit";
            Some(
                ["FailureTarget", "Failed"]
                    .map(|type_| condition(type_, "BackoffLimitExceeded", message, ended))
                    .into(),
            )
        } else {
            None
        },
        ..JobStatus::default()
    });
    job
}

fn condition(type_: &str, reason: &str, message: &str, since: Seconds) -> JobCondition {
    JobCondition {
        type_: type_.to_owned(),
        status: "True".to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        last_probe_time: Some(time(since)),
        last_transition_time: Some(time(since)),
    }
}

/// The manifest of a CronJob's run, scheduled for `scheduled`.
pub(crate) fn job_of(cron_job: &CronJob, uid: &str, name: &str, scheduled: Seconds) -> Job {
    let template = cron_job.spec.job_template.clone();
    let metadata = template.metadata.unwrap_or_default();
    let mut annotations = metadata.annotations.unwrap_or_default();
    annotations.insert(
        "batch.kubernetes.io/cronjob-scheduled-timestamp".to_owned(),
        crate::time::calendar::instant(scheduled).to_string(),
    );
    let mut job = Job {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: cron_job.metadata.namespace.clone(),
            labels: metadata.labels,
            annotations: Some(annotations),
            owner_references: Some(vec![OwnerReference {
                api_version: "batch/v1".to_owned(),
                kind: "CronJob".to_owned(),
                name: cron_job.metadata.name.clone().unwrap_or_default(),
                uid: uid.to_owned(),
                controller: Some(true),
                block_owner_deletion: Some(true),
            }]),
            ..ObjectMeta::default()
        },
        spec: template.spec,
        status: None,
    };
    defaults::job(&mut job);
    job
}

/// What a CronJob knows of its runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs {
    /// Name and uid of those that are not done.
    pub(crate) active: Vec<(String, String)>,
    pub(crate) last_schedule: Option<Seconds>,
    pub(crate) last_success: Option<Seconds>,
}

/// A CronJob.
pub(crate) fn cron_job(manifest: &CronJob, uid: &str, runs: &Runs, dates: Dates<'_>) -> CronJob {
    let mut cron_job = manifest.clone();
    dates.admit_generation(&mut cron_job.metadata, uid, 1);
    let namespace = cron_job.metadata.namespace.clone();
    let active = runs.active.iter().map(|(name, uid)| ObjectReference {
        api_version: Some("batch/v1".to_owned()),
        kind: Some("Job".to_owned()),
        name: Some(name.clone()),
        namespace: namespace.clone(),
        uid: Some(uid.clone()),
        ..ObjectReference::default()
    });
    let active: Vec<_> = active.collect();
    cron_job.status = Some(CronJobStatus {
        active: (!active.is_empty()).then_some(active),
        last_schedule_time: runs.last_schedule.map(time),
        last_successful_time: runs.last_success.map(time),
    });
    cron_job
}
