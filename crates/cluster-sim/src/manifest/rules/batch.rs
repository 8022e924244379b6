//! Jobs and CronJobs.

use k8s_openapi::api::batch::v1::{CronJob, Job, JobSpec};

use super::workload::check_any_template;
use super::{Checked, refuse};
use crate::annotations;
use crate::manifest::path::Path;
use crate::stage::PodStage;
use crate::time::cron::Schedule;

pub(super) fn check_job(job: &Job) -> Checked {
    let path = Path::keys("spec");
    match &job.spec {
        Some(spec) => check_spec(spec, &path),
        None => refuse(path, "is missing"),
    }
}

pub(super) fn check_cron_job(cron_job: &CronJob) -> Checked {
    let path = Path::keys("spec");
    let spec = &cron_job.spec;
    if let Err(message) = Schedule::parse(&spec.schedule) {
        return refuse(path.key("schedule"), message);
    }
    if let Some(zone) = &spec.time_zone
        && !["Etc/UTC", "UTC"].contains(&zone.as_str())
    {
        return refuse(path.key("timeZone"), format!("`{zone}`: schedules are simulated in Etc/UTC only"));
    }
    for (number, field) in [
        (spec.successful_jobs_history_limit, "successfulJobsHistoryLimit"),
        (spec.failed_jobs_history_limit, "failedJobsHistoryLimit"),
    ] {
        check_not_negative(number, &path.key(field))?;
    }
    let path = path.then("jobTemplate.spec");
    match &spec.job_template.spec {
        Some(spec) if spec.completions.unwrap_or(1) != 1 => {
            refuse(path.key("completions"), "runs of a CronJob are simulated with one pod each")
        }
        Some(spec) => check_spec(spec, &path),
        None => refuse(path, "is missing"),
    }
}

fn check_spec(spec: &JobSpec, path: &Path) -> Checked {
    for (number, field) in [
        (spec.completions, "completions"),
        (spec.parallelism, "parallelism"),
        (spec.backoff_limit, "backoffLimit"),
        (spec.ttl_seconds_after_finished, "ttlSecondsAfterFinished"),
    ] {
        check_not_negative(number, &path.key(field))?;
    }
    if spec.ttl_seconds_after_finished.is_some() {
        return refuse(path.key("ttlSecondsAfterFinished"), "is not simulated: the pods of a Job stay");
    }
    if spec.completion_mode.as_deref().is_some_and(|mode| mode != "NonIndexed") {
        return refuse(path.key("completionMode"), "only `NonIndexed` is simulated");
    }
    if spec.selector.is_some() {
        return refuse(path.key("selector"), "is for the server to set");
    }
    let path = path.key("template");
    let pod = check_any_template(&spec.template, &[], &path)?;
    if !matches!(pod.restart_policy.as_deref(), Some("Never" | "OnFailure")) {
        return refuse(path.then("spec.restartPolicy"), "must be `Never` or `OnFailure` for a Job");
    }
    let labels = spec.template.metadata.as_ref().and_then(|metadata| metadata.labels.as_ref());
    match PodStage::of(labels) {
        None | Some(PodStage::Failed) => Ok(()),
        Some(_) => {
            let path = path.then("metadata.labels").key(annotations::STAGE);
            refuse(path, "pods of a Job can only be `failed`")
        }
    }
}

fn check_not_negative(number: Option<i32>, path: &Path) -> Checked {
    match number {
        Some(number) if number < 0 => refuse(path.clone(), format!("`{number}` is negative")),
        _ => Ok(()),
    }
}
