//! The last step: what every receiver sends has arrived in Prometheus, as Grafana sees it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use catalogue::Receiver;
use futures_util::future::BoxFuture;

use super::{KwokOptions, step};
use crate::plan::{Progress, Step, StepName};
use crate::stack::data::{Arrived, Marker, wait_for_data};
use crate::stack::lgtm::PROMETHEUS_THROUGH_GRAFANA;

/// What has arrived, for whoever shows it.
#[derive(Clone, Debug, Default)]
pub struct Seen(Arc<Mutex<Option<Arrived>>>);

impl Seen {
    /// What has arrived, if the step has come so far.
    pub fn arrived(&self) -> Option<Arrived> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

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
            let told = arrived.to_string();
            *self.seen.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(arrived);
            Ok(told)
        })
    }
}
