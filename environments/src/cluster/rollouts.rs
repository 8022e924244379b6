//! Waiting until workloads are what their specs say.

use std::fmt;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::Instant;

use super::Cluster;
use super::exchange::{Call, Trouble, TroubleKind};
use crate::plan::Progress;

/// Between two looks.
const BETWEEN: Duration = Duration::from_millis(500);

/// The kinds that are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkloadKind {
    /// All replicas are of the newest revision and available.
    Deployment,
    /// There is an available pod of the newest revision on each node for it.
    DaemonSet,
    /// All replicas are of the newest revision and ready.
    StatefulSet,
    /// It is complete.
    Job,
}

impl WorkloadKind {
    /// As in a manifest.
    pub fn name(self) -> &'static str {
        match self {
            WorkloadKind::Deployment => "Deployment",
            WorkloadKind::DaemonSet => "DaemonSet",
            WorkloadKind::StatefulSet => "StatefulSet",
            WorkloadKind::Job => "Job",
        }
    }

    fn collection(self) -> &'static str {
        match self {
            WorkloadKind::Deployment => "/apis/apps/v1/namespaces/{}/deployments",
            WorkloadKind::DaemonSet => "/apis/apps/v1/namespaces/{}/daemonsets",
            WorkloadKind::StatefulSet => "/apis/apps/v1/namespaces/{}/statefulsets",
            WorkloadKind::Job => "/apis/batch/v1/namespaces/{}/jobs",
        }
    }
}

/// A workload that is waited for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadRef {
    /// Its kind.
    pub kind: WorkloadKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for WorkloadRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind.name(), self.namespace, self.name)
    }
}

/// How far a workload is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    Done,
    /// What is missing.
    Under(String),
    /// Why it will not get there.
    Stuck(String),
}

impl Cluster {
    /// Waits until each of `workloads` is what its spec says.
    ///
    /// # Errors
    /// When that takes too long, or when one says that it will not happen: with the pods that are not ready, the last events
    /// and the end of the failing containers' logs.
    pub async fn wait_rollouts(
        &self,
        workloads: &[WorkloadRef],
        deadline: Duration,
        progress: &Progress<'_>,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let standings = join_all(workloads.iter().map(|workload| self.standing(workload))).await;
            let mut open = Vec::new();
            for (workload, standing) in workloads.iter().zip(standings) {
                match standing {
                    Ok((Standing::Done, _)) => {}
                    Ok((Standing::Under(what), selector)) => open.push((workload, what, selector)),
                    Ok((Standing::Stuck(why), selector)) => {
                        let diagnosis = self.diagnosis(&workload.namespace, selector.as_deref()).await;
                        anyhow::bail!("{workload} does not get ready: {why}\n{diagnosis}");
                    }
                    Err(trouble) if trouble.may_pass() || trouble.kind == TroubleKind::NotFound => {
                        open.push((workload, trouble.words, None));
                    }
                    Err(trouble) => {
                        return Err(trouble.error(&format!("{workload} cannot be looked at"), &self.address));
                    }
                }
            }
            let Some((workload, what, selector)) = open.first() else { return Ok(()) };
            let done = workloads.len() - open.len();
            progress.show(&format!("{done} of {} ready; {workload}: {what}", workloads.len()));
            if begun.elapsed() + BETWEEN > deadline {
                let diagnosis = self.diagnosis(&workload.namespace, selector.as_deref()).await;
                let others = match open.len() - 1 {
                    0 => String::new(),
                    others => format!(" (and {others} more)"),
                };
                anyhow::bail!(
                    "{workload} is not ready after {} s: {what}{others}\n{diagnosis}",
                    deadline.as_secs_f32().round()
                );
            }
            tokio::time::sleep(BETWEEN).await;
        }
    }

    async fn standing(&self, workload: &WorkloadRef) -> Result<(Standing, Option<String>), Trouble> {
        let collection = workload.kind.collection().replace("{}", &workload.namespace);
        let object: Value = self.call(&Call::get(format!("{collection}/{}", workload.name))).await?.json()?;
        let labels = object.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
        let selector = labels.map(|labels| {
            let terms = labels.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
            terms.collect::<Vec<String>>().join(",")
        });
        Ok((standing(workload.kind, &object), selector))
    }
}

/// How far a workload is, by its status.
fn standing(kind: WorkloadKind, object: &Value) -> Standing {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
    let status = |field: &str| number(&format!("/status/{field}")).unwrap_or(0);
    // Until the controller has seen this spec, the status is of another one. A Job's spec does not change.
    if kind != WorkloadKind::Job && status("observedGeneration") < number("/metadata/generation").unwrap_or(0)
    {
        return Standing::Under("its controller has not seen it yet".to_owned());
    }
    let at_least =
        |what: &str, have: i64, want: i64| (have < want).then(|| format!("{have} of {want} {what}"));
    let replicas = number("/spec/replicas").unwrap_or(1);
    let missing = match kind {
        WorkloadKind::Deployment => {
            if let Some(message) = condition(object, "Progressing", "False") {
                return Standing::Stuck(message);
            }
            at_least("pods are of the newest revision", status("updatedReplicas"), replicas)
                .or_else(|| at_least("pods are available", status("availableReplicas"), replicas))
                .or_else(|| {
                    let old = status("replicas") - status("updatedReplicas");
                    (old > 0).then(|| format!("{old} old pods are still there"))
                })
        }
        WorkloadKind::DaemonSet => {
            let nodes = status("desiredNumberScheduled");
            at_least("pods are of the newest revision", status("updatedNumberScheduled"), nodes)
                .or_else(|| at_least("pods are available", status("numberAvailable"), nodes))
                // Before the first sync it wants none.
                .or_else(|| (nodes == 0).then(|| "no node is for it".to_owned()))
        }
        WorkloadKind::StatefulSet => {
            at_least("pods are ready", status("readyReplicas"), replicas).or_else(|| {
                let is_current =
                    object.pointer("/status/currentRevision") == object.pointer("/status/updateRevision");
                (!is_current).then(|| "pods of an old revision are still there".to_owned())
            })
        }
        WorkloadKind::Job => {
            if let Some(message) = condition(object, "Failed", "True") {
                return Standing::Stuck(message);
            }
            let wanted = number("/spec/completions").unwrap_or(1);
            let is_complete = condition(object, "Complete", "True").is_some();
            (!is_complete).then(|| format!("{} of {wanted} runs have succeeded", status("succeeded")))
        }
    };
    missing.map_or(Standing::Done, Standing::Under)
}

/// What a condition says, when it has this status.
fn condition(object: &Value, type_: &str, status: &str) -> Option<String> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    let condition = conditions.iter().find(|one| one["type"] == type_ && one["status"] == status)?;
    let text = |field: &str| condition[field].as_str().filter(|text| !text.is_empty());
    Some(text("message").or(text("reason")).unwrap_or(type_).to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn how_far_a_workload_is_is_a_table() {
        use WorkloadKind::{DaemonSet, Deployment, Job, StatefulSet};
        let under = |what: &str| Standing::Under(what.to_owned());
        let stuck = |what: &str| Standing::Stuck(what.to_owned());
        let deployment =
            |status: Value| json!({"metadata": {"generation": 2}, "spec": {"replicas": 3}, "status": status});
        let bare = |status: Value| json!({"metadata": {}, "spec": {"replicas": 3}, "status": status});
        for (kind, object, expected) in [
            (
                Deployment,
                deployment(json!({"observedGeneration": 1})),
                under("its controller has not seen it yet"),
            ),
            (
                Deployment,
                deployment(json!({"observedGeneration": 2, "updatedReplicas": 1})),
                under("1 of 3 pods are of the newest revision"),
            ),
            (
                Deployment,
                deployment(
                    json!({"observedGeneration": 2, "updatedReplicas": 3, "availableReplicas": 2, "replicas": 4}),
                ),
                under("2 of 3 pods are available"),
            ),
            (
                Deployment,
                deployment(
                    json!({"observedGeneration": 2, "updatedReplicas": 3, "availableReplicas": 3, "replicas": 4}),
                ),
                under("1 old pods are still there"),
            ),
            (
                Deployment,
                deployment(
                    json!({"observedGeneration": 2, "updatedReplicas": 3, "availableReplicas": 3, "replicas": 3}),
                ),
                Standing::Done,
            ),
            (
                Deployment,
                deployment(
                    json!({"observedGeneration": 2, "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "it has timed out"}]}),
                ),
                stuck("it has timed out"),
            ),
            (DaemonSet, bare(json!({})), under("no node is for it")),
            (
                DaemonSet,
                bare(json!({"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1})),
                under("1 of 2 pods are available"),
            ),
            (
                DaemonSet,
                bare(json!({"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2})),
                Standing::Done,
            ),
            (StatefulSet, bare(json!({"readyReplicas": 2})), under("2 of 3 pods are ready")),
            (
                StatefulSet,
                bare(json!({"readyReplicas": 3, "currentRevision": "a", "updateRevision": "b"})),
                under("pods of an old revision are still there"),
            ),
            (
                StatefulSet,
                bare(json!({"readyReplicas": 3, "currentRevision": "b", "updateRevision": "b"})),
                Standing::Done,
            ),
            (Job, bare(json!({"succeeded": 0})), under("0 of 1 runs have succeeded")),
            (
                Job,
                bare(json!({"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]})),
                Standing::Done,
            ),
            (
                Job,
                bare(
                    json!({"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}),
                ),
                stuck("BackoffLimitExceeded"),
            ),
        ] {
            assert_eq!(standing(kind, &object), expected, "{object}");
        }
    }
}
