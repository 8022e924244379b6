//! `stats-proxy`: the kubelets of a cluster whose API server is watched.

mod host_metrics;
mod logging;
mod options;
mod signals;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser as _;
use jiff::Timestamp;
use stats_proxy::cluster::{self, Application, ClusterKubelets, Metrics, Pace, Progress, Server};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tracing::{error, info, warn};

use crate::options::Options;
use crate::signals::Signals;

fn main() -> ExitCode {
    let options = Options::parse();
    logging::start(options.log_level);
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!(reason = format!("{error:#}"), "ended");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("failed to start the async runtime")?;
    let outcome = runtime.block_on(serve(options));
    // What is left are connections that were told to end and did not.
    runtime.shutdown_background();
    outcome
}

async fn serve(options: Options) -> anyhow::Result<()> {
    // Listened for before anything is up: a signal in between must not be lost.
    let mut signals = Signals::listen()?;
    let host_metrics = options.host_metrics.start()?;
    options.limits().allow_open_files();
    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("failed to listen on {} (--listen)", options.listen))?;
    let address = listener.local_addr().context("failed to read the server's address")?;

    let config = options.cluster_config().await?;
    let api = config.cluster_url.to_string();
    let (pace, progress) = (Pace::default(), Arc::new(Progress::new()));
    let client = cluster::client(config, &pace, &progress)
        .with_context(|| format!("failed to make a client of the API server {api}"))?;
    let kubelets = Arc::new(ClusterKubelets::new(Arc::new(Timestamp::now)));
    let metrics = Metrics::new(Arc::clone(&kubelets), Arc::clone(&progress));
    let metrics = Arc::new(match &host_metrics {
        Some(host_metrics) => metrics.with_sender(host_metrics.sender()),
        None => metrics,
    });
    let server = Server {
        router: Application {
            kubelets: Arc::clone(&kubelets),
            progress: Arc::clone(&progress),
            metrics: Arc::clone(&metrics),
            hosts: options.allowed_hosts(),
            node: options.node.clone(),
        }
        .router(),
        limits: options.limits(),
        metrics,
    };
    info!(%address, api, version = env!("CARGO_PKG_VERSION"), "serving");
    if !address.ip().is_loopback() {
        warn!(%address, hosts = %options.allowed_hosts(), "other machines can reach this: there is no password");
    }
    let watching = cluster::watch(client, &kubelets, &progress, &pace);
    let end = Notify::new();
    let stop = async {
        let signal = signals.next().await;
        info!(signal, "ending: requests that run are finished");
        end.notify_one();
    };
    let sending = async {
        if let Some(host_metrics) = host_metrics {
            host_metrics.send(Arc::clone(&kubelets), &progress, &end).await;
        }
    };
    let serving = async { tokio::join!(server.serve(listener, stop), sending) };
    tokio::select! {
        (cut_off, ()) = serving => info!(cut_off, "ended"),
        never = watching => match never {},
    }
    // The system takes back a whole process faster than we take apart hundreds of thousands of pods.
    std::mem::forget(kubelets);
    Ok(())
}
