//! The environment's servers: the Prometheus API, the kubelets and the page, on sockets that were taken before.

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use embedded::Cluster;
use k8s_openapi::api::core::v1::{Node, Pod};
use kubelet_stats::summary::Summary;
use stats_proxy::KubeletSource;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::environment::{Listener, SimulationClock};

/// Serves until told to stop; requests that run then are finished.
pub(crate) struct Servers {
    tasks: JoinSet<anyhow::Result<()>>,
    stop: watch::Sender<bool>,
}

impl Servers {
    /// No server yet.
    pub(crate) fn new() -> Self {
        Self { tasks: JoinSet::new(), stop: watch::Sender::new(false) }
    }

    /// Starts one. Call it inside the async runtime.
    pub(crate) fn serve(
        &mut self,
        what: &'static str,
        listener: Listener,
        router: Router,
    ) -> anyhow::Result<()> {
        let socket = tokio::net::TcpListener::from_std(listener.socket)
            .with_context(|| format!("failed to hand the socket of {what} to the runtime"))?;
        let mut stopped = self.stop.subscribe();
        let until_stop = async move {
            // An error means that the sender is gone: time to stop as well.
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        self.tasks.spawn(async move {
            axum::serve(socket, router)
                .with_graceful_shutdown(until_stop)
                .await
                .with_context(|| format!("{what} ended"))
        });
        Ok(())
    }

    /// Waits for a server to end by itself, which is a failure. Never returns while all is well.
    pub(crate) async fn failure(&mut self) -> anyhow::Error {
        match self.tasks.join_next().await {
            None => std::future::pending().await,
            Some(Ok(Err(error))) => error,
            Some(Ok(Ok(()))) => anyhow::anyhow!("a server ended unasked"),
            Some(Err(panic)) => anyhow::anyhow!("a server failed: {panic}"),
        }
    }

    /// Stops all servers and waits a little for the requests that run.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // Whoever holds a connection open longer is cut off.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(2), all).await;
    }
}

/// The kubelets of the simulated nodes, as they answer now.
pub(crate) struct SimulatedKubelets {
    pub(crate) cluster: Cluster,
    pub(crate) clock: SimulationClock,
}

impl KubeletSource for SimulatedKubelets {
    fn node_names(&self) -> Vec<String> {
        self.cluster.latest().node_names().map(str::to_owned).collect()
    }

    fn node(&self, name: &str) -> Option<Arc<Node>> {
        self.cluster.latest().node(name).cloned()
    }

    fn pods(&self, node: &str) -> Vec<Arc<Pod>> {
        self.cluster.latest().pods_of(node).unwrap_or_default().to_vec()
    }

    fn summary(&self, node: &str) -> Option<Summary> {
        self.cluster.latest().summary(node, self.clock.now())
    }
}

impl SimulatedKubelets {
    /// As the stats proxy takes it.
    pub(crate) fn shared(cluster: Cluster, clock: SimulationClock) -> Arc<dyn KubeletSource> {
        Arc::new(Self { cluster, clock })
    }
}
