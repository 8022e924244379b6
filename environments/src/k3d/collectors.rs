//! The collectors, each a release of Helm.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::charts::ChartStep;
use super::cluster::write_private;
use super::program::{Helm, Runner};
use super::values::{Collector, Values};
use super::{DevOptions, Fresh, NAMESPACE, Parts, failures, step};
use crate::cluster::Cluster;
use crate::plan::{Progress, Removal, State, Step, StepName};

/// A release is known again by this and the hash of its values.
const DESCRIPTION: &str = "kubernetes-mixin-otel";

pub(super) struct CollectorStep {
    collector: Collector,
    values: Values,
    chart: ChartStep,
    helm: Helm,
    runner: Runner,
    fresh: Fresh,
}

impl CollectorStep {
    pub(super) fn new(
        collector: Collector,
        values: Values,
        chart: &ChartStep,
        options: &DevOptions,
        parts: &Parts,
        fresh: &Fresh,
    ) -> Self {
        Self {
            collector,
            values,
            chart: chart.clone(),
            helm: Helm { program: parts.helm.clone(), names: options.names.clone() },
            runner: Runner(Arc::clone(&parts.processes)),
            fresh: fresh.clone(),
        }
    }

    fn description(&self) -> String {
        format!("{DESCRIPTION} {}", self.values.hash)
    }

    async fn released(&self) -> anyhow::Result<Option<super::Release>> {
        Helm::released(self.runner.try_run(self.helm.status(self.collector.release())).await?)
    }

    async fn install(&self, progress: &Progress<'_>) -> anyhow::Result<String> {
        let release = self.collector.release();
        let values = self.helm.names.values_file(release);
        write_private(&values, &self.values.text)?;
        progress.show("Helm waits for its pods");
        let upgrade = self.helm.upgrade(release, &self.chart.chart(), &values, &self.description());
        if let Err(error) = self.runner.run(upgrade).await {
            // Helm only says that time is up.
            let error = anyhow::anyhow!("{error:#}\n{}", self.diagnosis().await);
            return Err(failures::explain(error, ""));
        }
        Ok(format!("{release}, chart {}", self.chart.version()))
    }

    /// The pods that are not ready, with events and logs.
    async fn diagnosis(&self) -> String {
        let kubeconfig = std::fs::read_to_string(self.helm.names.kubeconfig()).unwrap_or_default();
        let selector = format!("app.kubernetes.io/instance={}", self.collector.release());
        match Cluster::from_kubeconfig(&kubeconfig).await {
            Ok(cluster) => cluster.diagnosis(NAMESPACE, Some(&selector)).await,
            // What Helm said is told anyway.
            Err(_) => String::new(),
        }
    }
}

impl Step for CollectorStep {
    fn name(&self) -> StepName {
        match self.collector {
            Collector::Cluster => step::COLLECTOR_CLUSTER,
            Collector::Nodes => step::COLLECTOR_NODES,
        }
    }

    fn needs(&self) -> &[StepName] {
        &[step::CLUSTER, step::CHART]
    }

    fn look(&self) -> BoxFuture<'_, anyhow::Result<State>> {
        Box::pin(async {
            if !self.helm.names.kubeconfig().exists() {
                return Ok(State::Absent);
            }
            let release = self.collector.release();
            Ok(match self.released().await? {
                None => State::Absent,
                // Helm would refuse to go on from there.
                Some(found) if !found.is_deployed() => {
                    State::Different(format!("{release} is {}", found.status()))
                }
                // Helm changes what differs.
                Some(found) if found.description() != self.description() => State::Absent,
                Some(_) => State::Up(format!("{release}, chart {}", self.chart.version())),
            })
        })
    }

    fn up<'a>(&'a self, progress: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(self.install(progress))
    }

    fn down<'a>(&'a self, _: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<Removal>> {
        Box::pin(async {
            if self.fresh.is_set() || self.released().await?.is_none() {
                return Ok(Removal::Nothing);
            }
            self.runner.run(self.helm.uninstall(self.collector.release())).await?;
            Ok(Removal::Removed)
        })
    }

    // It can be dropped: Helm is ended then, and a release that it leaves in the middle is made anew by the next start.
}
