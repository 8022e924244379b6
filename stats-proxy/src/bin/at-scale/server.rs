//! The process that is measured: what the real program does, without its command line.

use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use http_guard::AllowedHosts;
use jiff::Timestamp;
use stats_proxy::cluster::{self, Application, ClusterKubelets, Limits, Metrics, Pace, Progress, Server};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Serves the cluster of this API server until SIGTERM; says where on stdout.
pub(crate) async fn serve(api: &str) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
    let listener = TcpListener::bind("127.0.0.1:0").await.context("failed to listen")?;
    let (pace, progress) = (Pace::default(), Arc::new(Progress::new()));
    let config = kube::Config::new(api.parse().context("the API server's address is none")?);
    let client = cluster::client(config, &pace, &progress)?;
    let kubelets = Arc::new(ClusterKubelets::new(Arc::new(Timestamp::now)));
    let metrics = Arc::new(Metrics::new(Arc::clone(&kubelets), Arc::clone(&progress)));
    let application = Application {
        kubelets: Arc::clone(&kubelets),
        progress: Arc::clone(&progress),
        metrics: Arc::clone(&metrics),
        hosts: AllowedHosts::loopback(),
        node: None,
    };
    let server = Server { router: application.router(), limits: Limits::default(), metrics };
    println!("{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    let stop = async {
        let _ = terminate.recv().await;
    };
    tokio::select! {
        _ = server.serve(listener, stop) => {}
        never = cluster::watch(client, &kubelets, &progress, &pace) => match never {},
    }
    std::mem::forget(kubelets);
    Ok(())
}
