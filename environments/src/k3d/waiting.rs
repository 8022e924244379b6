//! The last steps: everything runs, and what the receivers send has arrived.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::cluster::K3dCluster;
use super::program::ROLLOUT;
use super::{DevOptions, NAMESPACE, failures, logs, markers, prometheus_url, step};
use crate::cluster::WorkloadRef;
use crate::plan::{Progress, Step, StepName};
use crate::stack::data::{Marker, Seen, wait_for_data};

/// Waits until LGTM and the sample workloads run. The collectors were waited for by Helm.
pub(super) struct Rollouts {
    workloads: Vec<WorkloadRef>,
    needs: Vec<StepName>,
    cluster: Arc<K3dCluster>,
}

impl Rollouts {
    pub(super) fn new(workloads: Vec<WorkloadRef>, needs: Vec<StepName>, cluster: &Arc<K3dCluster>) -> Self {
        Self { workloads, needs, cluster: Arc::clone(cluster) }
    }
}

impl Step for Rollouts {
    fn name(&self) -> StepName {
        step::ROLLOUTS
    }

    fn needs(&self) -> &[StepName] {
        &self.needs
    }

    fn up<'a>(&'a self, progress: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async {
            let waiting =
                self.cluster.client().await?.wait_rollouts(&self.workloads, ROLLOUT, progress).await;
            // The pods' events and logs are in the error.
            waiting.map_err(|error| failures::explain(error, ""))?;
            Ok(format!("{} workloads", self.workloads.len()))
        })
    }
}

/// Waits until Prometheus has young series of every receiver, for every node.
pub(super) struct Data {
    url: String,
    markers: Vec<Marker>,
    wait: Duration,
    cluster: Arc<K3dCluster>,
    seen: Seen,
}

impl Data {
    pub(super) fn new(options: &DevOptions, cluster: &Arc<K3dCluster>, seen: Seen) -> Self {
        Self {
            url: prometheus_url(&options.ports),
            markers: markers(options),
            wait: options.wait,
            cluster: Arc::clone(cluster),
            seen,
        }
    }
}

impl Step for Data {
    fn name(&self) -> StepName {
        step::DATA
    }

    fn needs(&self) -> &[StepName] {
        &[step::ROLLOUTS]
    }

    fn up<'a>(&'a self, progress: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async {
            match wait_for_data(&self.url, &self.markers, self.wait, progress).await {
                Ok(arrived) => Ok(self.seen.keep(arrived)),
                Err(error) => {
                    let diagnosis = match self.cluster.client().await {
                        Ok(cluster) => {
                            let pods = cluster.diagnosis(NAMESPACE, None).await;
                            format!("{pods}\n{}", logs::complaints(&cluster).await)
                        }
                        Err(gone) => format!("{gone:#}"),
                    };
                    let error = anyhow::anyhow!("{error:#}\n{diagnosis}");
                    Err(failures::explain(error, ""))
                }
            }
        })
    }
}
