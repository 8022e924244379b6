//! Whom a pod belongs to, as k8s_attributes works it out from the pod alone.

use std::sync::Arc;

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::Pod;

/// A pod of a Deployment carries this label, whose value ends the name of its ReplicaSet. A pod of a ReplicaSet that
/// somebody made by hand does not.
const POD_TEMPLATE_HASH: &str = "pod-template-hash";

/// A CronJob's Job is named after the minute it was due; a pod that is further from it was made by somebody else.
const CRON_JOB_WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// The resource attributes that name a pod's owners. Cheap to clone; [`Workload::is`] is cheap too.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    attributes: Arc<[(&'static str, Box<str>)]>,
}

impl Workload {
    pub(crate) fn of(pod: &Pod) -> Self {
        Self { attributes: attributes_of(pod).into() }
    }

    /// Looks again. Stays the very same where nothing changed, so that what was made from it stays valid.
    pub(crate) fn refresh(&mut self, pod: &Pod) {
        let attributes = attributes_of(pod);
        if *attributes != *self.attributes {
            self.attributes = attributes.into();
        }
    }

    /// Whether this is the other one, or a clone of it.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.attributes, &other.attributes)
    }

    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.attributes.iter().map(|(key, value)| (*key, &**value))
    }
}

fn attributes_of(pod: &Pod) -> Vec<(&'static str, Box<str>)> {
    let mut attributes: Vec<(&'static str, Box<str>)> = Vec::new();
    for owner in pod.metadata.owner_references.iter().flatten() {
        let name = owner.name.as_str();
        match owner.kind.as_str() {
            "ReplicaSet" => {
                attributes.push(("k8s.replicaset.name", name.into()));
                if let Some(deployment) = deployment_of(pod, name) {
                    attributes.push(("k8s.deployment.name", deployment.into()));
                }
            }
            "DaemonSet" => attributes.push(("k8s.daemonset.name", name.into())),
            "StatefulSet" => attributes.push(("k8s.statefulset.name", name.into())),
            "Job" => {
                attributes.push(("k8s.job.name", name.into()));
                if let Some(cron_job) = cron_job_of(pod, name) {
                    attributes.push(("k8s.cronjob.name", cron_job.into()));
                }
            }
            _ => {}
        }
    }
    attributes
}

fn deployment_of<'a>(pod: &Pod, replica_set: &'a str) -> Option<&'a str> {
    let hash = pod.metadata.labels.as_ref()?.get(POD_TEMPLATE_HASH).filter(|hash| !hash.is_empty())?;
    replica_set.strip_suffix(hash.as_str())?.strip_suffix('-').filter(|name| !name.is_empty())
}

fn cron_job_of<'a>(pod: &Pod, job: &'a str) -> Option<&'a str> {
    let (name, minutes) = job.rsplit_once('-')?;
    if name.is_empty() || minutes.len() != 8 || !minutes.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let due = jiff::Timestamp::from_second(minutes.parse::<i64>().ok()? * 60).ok()?;
    let created = pod.metadata.creation_timestamp.as_ref()?.0;
    (created.duration_since(due).abs() <= CRON_JOB_WINDOW).then_some(name)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};

    use super::*;

    fn pod(owners: &[(&str, &str)], hash: Option<&str>, created: Option<&str>) -> Pod {
        Pod {
            metadata: ObjectMeta {
                labels: hash.map(|hash| [(POD_TEMPLATE_HASH.to_owned(), hash.to_owned())].into()),
                creation_timestamp: created.map(|at| Time(at.parse().unwrap())),
                owner_references: Some(
                    owners
                        .iter()
                        .map(|(kind, name)| OwnerReference {
                            kind: (*kind).to_owned(),
                            name: (*name).to_owned(),
                            ..OwnerReference::default()
                        })
                        .collect(),
                ),
                ..ObjectMeta::default()
            },
            ..Pod::default()
        }
    }

    #[test]
    fn owners_become_workload_names() {
        // 29,655,420 minutes after the epoch it was 2026-05-21T01:00:00Z.
        for (owners, hash, created, expected) in [
            (vec![], None, None, ""),
            (
                vec![("ReplicaSet", "web-6d8")],
                Some("6d8"),
                None,
                "k8s.replicaset.name=web-6d8 k8s.deployment.name=web",
            ),
            (vec![("ReplicaSet", "by-hand")], None, None, "k8s.replicaset.name=by-hand"),
            (vec![("ReplicaSet", "web-6d8")], Some("other"), None, "k8s.replicaset.name=web-6d8"),
            (vec![("ReplicaSet", "web-6d8")], Some(""), None, "k8s.replicaset.name=web-6d8"),
            (vec![("DaemonSet", "agent")], None, None, "k8s.daemonset.name=agent"),
            (vec![("StatefulSet", "db")], None, None, "k8s.statefulset.name=db"),
            (vec![("ReplicationController", "rc")], None, None, ""),
            (
                vec![("Job", "report-29655420")],
                None,
                Some("2026-05-21T01:00:03Z"),
                "k8s.job.name=report-29655420 k8s.cronjob.name=report",
            ),
            (
                vec![("Job", "report-29655420")],
                None,
                Some("2026-05-22T01:00:01Z"),
                "k8s.job.name=report-29655420",
            ),
            (
                vec![("Job", "report-20260521")],
                None,
                Some("2026-05-21T01:00:03Z"),
                "k8s.job.name=report-20260521",
            ),
            (
                vec![("Job", "report-manual")],
                None,
                Some("2026-05-21T01:00:03Z"),
                "k8s.job.name=report-manual",
            ),
            (
                vec![("Job", "report-2965542")],
                None,
                Some("2026-05-21T01:00:03Z"),
                "k8s.job.name=report-2965542",
            ),
        ] {
            let workload = Workload::of(&pod(&owners, hash, created));
            let found: Vec<_> = workload.attributes().map(|(key, value)| format!("{key}={value}")).collect();
            assert_eq!(found.join(" "), expected, "{owners:?} {hash:?} {created:?}");
        }
    }

    #[test]
    fn a_workload_stays_the_same_until_its_names_change() {
        let mut workload = Workload::of(&pod(&[("DaemonSet", "agent")], None, None));
        let before = workload.clone();
        workload.refresh(&pod(&[("DaemonSet", "agent")], None, Some("2026-01-01T00:00:00Z")));
        assert!(workload.is(&before));
        workload.refresh(&pod(&[("DaemonSet", "other")], None, None));
        assert!(!workload.is(&before));
    }
}
