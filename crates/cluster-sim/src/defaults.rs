//! What the API server fills in where a manifest says nothing.

use k8s_openapi::api::apps::v1::{
    DaemonSet, DaemonSetUpdateStrategy, Deployment, DeploymentStrategy, ReplicaSet, RollingUpdateDaemonSet,
    RollingUpdateDeployment, RollingUpdateStatefulSetStrategy, StatefulSet,
    StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetUpdateStrategy,
};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec, Probe, ReplicationController, Volume};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// The mode of files in volumes: 0644.
const FILE_MODE: i32 = 0o644;

/// Sets `field` unless the manifest did.
fn default<T>(field: &mut Option<T>, value: T) {
    field.get_or_insert(value);
}

fn text(field: &mut Option<String>, value: &str) {
    if field.is_none() {
        *field = Some(value.to_owned());
    }
}

pub(crate) fn deployment(deployment: &mut Deployment) {
    let Some(spec) = &mut deployment.spec else { return };
    default(&mut spec.replicas, 1);
    default(&mut spec.progress_deadline_seconds, 600);
    default(&mut spec.revision_history_limit, 10);
    let strategy = spec.strategy.get_or_insert_with(DeploymentStrategy::default);
    text(&mut strategy.type_, "RollingUpdate");
    if strategy.type_.as_deref() == Some("RollingUpdate") {
        let rolling = strategy.rolling_update.get_or_insert_with(RollingUpdateDeployment::default);
        default(&mut rolling.max_surge, IntOrString::String("25%".to_owned()));
        default(&mut rolling.max_unavailable, IntOrString::String("25%".to_owned()));
    }
    template(&mut spec.template);
}

pub(crate) fn replica_set(replica_set: &mut ReplicaSet) {
    let Some(spec) = &mut replica_set.spec else { return };
    default(&mut spec.replicas, 1);
    spec.template.iter_mut().for_each(template);
}

pub(crate) fn replication_controller(controller: &mut ReplicationController) {
    let Some(spec) = &mut controller.spec else { return };
    default(&mut spec.replicas, 1);
    spec.template.iter_mut().for_each(template);
    // Selector and labels come from the template where they are missing.
    let labels = spec.template.as_ref().and_then(|template| template.metadata.as_ref()?.labels.clone());
    if let Some(labels) = labels {
        default(&mut spec.selector, labels.clone());
        default(&mut controller.metadata.labels, labels);
    }
}

pub(crate) fn job(job: &mut Job) {
    if let Some(spec) = &mut job.spec {
        default(&mut spec.completions, 1);
        default(&mut spec.parallelism, 1);
        default(&mut spec.backoff_limit, 6);
        default(&mut spec.manual_selector, false);
        default(&mut spec.suspend, false);
        text(&mut spec.completion_mode, "NonIndexed");
        text(&mut spec.pod_replacement_policy, "TerminatingOrFailed");
        template(&mut spec.template);
    }
}

pub(crate) fn cron_job(cron_job: &mut CronJob) {
    let spec = &mut cron_job.spec;
    text(&mut spec.concurrency_policy, "Allow");
    default(&mut spec.failed_jobs_history_limit, 1);
    default(&mut spec.successful_jobs_history_limit, 3);
    default(&mut spec.suspend, false);
    spec.job_template.metadata.get_or_insert_default();
    spec.job_template.spec.iter_mut().for_each(|spec| template(&mut spec.template));
}

pub(crate) fn stateful_set(stateful_set: &mut StatefulSet) {
    let Some(spec) = &mut stateful_set.spec else { return };
    default(&mut spec.replicas, 1);
    default(&mut spec.revision_history_limit, 10);
    text(&mut spec.pod_management_policy, "OrderedReady");
    let retention = spec
        .persistent_volume_claim_retention_policy
        .get_or_insert_with(StatefulSetPersistentVolumeClaimRetentionPolicy::default);
    text(&mut retention.when_deleted, "Retain");
    text(&mut retention.when_scaled, "Retain");
    let strategy = spec.update_strategy.get_or_insert_with(StatefulSetUpdateStrategy::default);
    text(&mut strategy.type_, "RollingUpdate");
    if strategy.type_.as_deref() == Some("RollingUpdate") {
        let rolling = strategy.rolling_update.get_or_insert_with(RollingUpdateStatefulSetStrategy::default);
        default(&mut rolling.partition, 0);
    }
    for claim in spec.volume_claim_templates.iter_mut().flatten() {
        if let Some(spec) = &mut claim.spec {
            text(&mut spec.volume_mode, "Filesystem");
        }
        text(&mut claim.status.get_or_insert_default().phase, "Pending");
    }
    template(&mut spec.template);
}

pub(crate) fn daemon_set(daemon_set: &mut DaemonSet) {
    let Some(spec) = &mut daemon_set.spec else { return };
    default(&mut spec.revision_history_limit, 10);
    let strategy = spec.update_strategy.get_or_insert_with(DaemonSetUpdateStrategy::default);
    text(&mut strategy.type_, "RollingUpdate");
    if strategy.type_.as_deref() == Some("RollingUpdate") {
        let rolling = strategy.rolling_update.get_or_insert_with(RollingUpdateDaemonSet::default);
        default(&mut rolling.max_surge, IntOrString::Int(0));
        default(&mut rolling.max_unavailable, IntOrString::Int(1));
    }
    template(&mut spec.template);
}

fn template(template: &mut PodTemplateSpec) {
    template.metadata.get_or_insert_default();
    template.spec.iter_mut().for_each(pod_spec);
}

/// The spec of a pod or of a template.
pub(crate) fn pod_spec(spec: &mut PodSpec) {
    text(&mut spec.restart_policy, "Always");
    text(&mut spec.dns_policy, "ClusterFirst");
    text(&mut spec.scheduler_name, "default-scheduler");
    default(&mut spec.termination_grace_period_seconds, 30);
    spec.security_context.get_or_insert_default();
    if let Some(account) = spec.service_account_name.clone() {
        // The old name of the same field.
        spec.service_account = Some(account);
    }
    let host_network = spec.host_network == Some(true);
    for container in spec.init_containers.iter_mut().flatten().chain(&mut spec.containers) {
        self::container(container, host_network);
    }
    spec.volumes.iter_mut().flatten().for_each(volume);
}

fn container(container: &mut Container, host_network: bool) {
    let policy =
        if pulls_always(container.image.as_deref().unwrap_or_default()) { "Always" } else { "IfNotPresent" };
    text(&mut container.image_pull_policy, policy);
    text(&mut container.termination_message_path, "/dev/termination-log");
    text(&mut container.termination_message_policy, "File");
    container.resources.get_or_insert_default();
    for port in container.ports.iter_mut().flatten() {
        text(&mut port.protocol, "TCP");
        if host_network {
            default(&mut port.host_port, port.container_port);
        }
    }
    for variable in container.env.iter_mut().flatten() {
        if let Some(field) = variable.value_from.as_mut().and_then(|source| source.field_ref.as_mut()) {
            text(&mut field.api_version, "v1");
        }
    }
    let probes =
        [&mut container.liveness_probe, &mut container.readiness_probe, &mut container.startup_probe];
    probes.into_iter().flatten().for_each(probe);
}

/// An image is pulled each time when its tag may come to mean another one: `latest`, or none.
fn pulls_always(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or_default();
    !name.contains('@') && name.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

fn probe(probe: &mut Probe) {
    default(&mut probe.timeout_seconds, 1);
    default(&mut probe.period_seconds, 10);
    default(&mut probe.success_threshold, 1);
    default(&mut probe.failure_threshold, 3);
    if let Some(get) = &mut probe.http_get {
        text(&mut get.scheme, "HTTP");
        text(&mut get.path, "/");
    }
}

fn volume(volume: &mut Volume) {
    if let Some(source) = &mut volume.config_map {
        default(&mut source.default_mode, FILE_MODE);
    }
    if let Some(source) = &mut volume.secret {
        default(&mut source.default_mode, FILE_MODE);
    }
    if let Some(source) = &mut volume.downward_api {
        default(&mut source.default_mode, FILE_MODE);
    }
    if let Some(source) = &mut volume.projected {
        default(&mut source.default_mode, FILE_MODE);
    }
    if let Some(source) = &mut volume.host_path {
        text(&mut source.type_, "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_whose_meaning_may_change_are_pulled_always() {
        for image in ["busybox", "busybox:latest", "registry:5000/a/busybox"] {
            assert!(pulls_always(image), "{image}");
        }
        for image in
            ["busybox:1.36", "registry:5000/a/busybox:1", "busybox@sha256:00", "busybox:latest@sha256:00"]
        {
            assert!(!pulls_always(image), "{image}");
        }
    }
}
