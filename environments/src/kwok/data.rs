//! The last step: what every receiver sends has arrived in Prometheus, as Grafana sees it.

use std::time::Duration;

use catalogue::Receiver;
use futures_util::future::BoxFuture;

use super::{KwokOptions, step};
use crate::plan::{Progress, Step, StepName};
use crate::stack::data::{Marker, Seen, wait_for_data};
use crate::stack::lgtm::PROMETHEUS_THROUGH_GRAFANA;

pub(super) struct Data {
    url: String,
    markers: Vec<Marker>,
    needs: Vec<StepName>,
    wait: Duration,
    seen: Seen,
}

impl Data {
    pub(super) fn new(options: &KwokOptions, seen: Seen) -> Self {
        let cluster = &options.cluster_name;
        let nodes = options.nodes as u64;
        Self {
            url: format!("http://127.0.0.1:{}{PROMETHEUS_THROUGH_GRAFANA}", options.ports.grafana),
            markers: vec![
                Marker::of(Receiver::KubeletStats, cluster, nodes),
                Marker::of(Receiver::K8sCluster, cluster, nodes),
                // The simulated nodes, by stats-proxy, and the engine's machine.
                Marker::of(Receiver::HostMetrics, cluster, nodes + 1),
            ],
            needs: if options.beyla { vec![step::COLLECTOR, step::BEYLA] } else { vec![step::COLLECTOR] },
            wait: options.wait,
            seen,
        }
    }
}

impl Step for Data {
    fn name(&self) -> StepName {
        step::DATA
    }

    fn needs(&self) -> &[StepName] {
        &self.needs
    }

    fn up<'a>(&'a self, progress: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async {
            let arrived = wait_for_data(&self.url, &self.markers, self.wait, progress).await?;
            Ok(self.seen.keep(arrived))
        })
    }
}
