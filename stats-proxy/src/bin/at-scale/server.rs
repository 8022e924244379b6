//! The process that is measured: what the real program does, without its command line.

use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use http_guard::AllowedHosts;
use jiff::{SignedDuration, Timestamp};
use otlp_sender::{OtlpSender, Target};
use stats_proxy::cluster::{
    self, Application, ClusterKubelets, HostAgents, Limits, Metrics, Pace, Progress, Server,
};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// As real agents do.
pub(crate) const HOST_METRICS_INTERVAL: SignedDuration = SignedDuration::from_secs(15);

/// Serves the cluster of this API server until SIGTERM; says where on stdout. With a backend, sends host metrics there.
pub(crate) async fn serve(api: &str, backend: Option<&str>) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
    let listener = TcpListener::bind("127.0.0.1:0").await.context("failed to listen")?;
    let (pace, progress) = (Pace::default(), Arc::new(Progress::new()));
    let config = kube::Config::new(api.parse().context("the API server's address is none")?);
    let client = cluster::client(config, &pace, &progress)?;
    let kubelets = Arc::new(ClusterKubelets::new(Arc::new(Timestamp::now)));
    let metrics = Metrics::new(Arc::clone(&kubelets), Arc::clone(&progress));
    let sender = backend.map(|url| OtlpSender::start(Target::new(url)?, |_| ()).map_err(anyhow::Error::from));
    let sender = sender.transpose()?;
    let metrics = Arc::new(match &sender {
        Some(sender) => metrics.with_sender(sender.clone()),
        None => metrics,
    });
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
    let sending = async {
        let Some(sender) = sender else { return std::future::pending().await };
        let agents = HostAgents::new(Arc::clone(&kubelets), "kwok", HostAgents::usual_settings());
        cluster::send_host_metrics(agents, sender, &progress, HOST_METRICS_INTERVAL).await
    };
    tokio::select! {
        never = sending => match never {},
        _ = server.serve(listener, stop) => {}
        never = cluster::watch(client, &kubelets, &progress, &pace) => match never {},
    }
    std::mem::forget(kubelets);
    Ok(())
}
