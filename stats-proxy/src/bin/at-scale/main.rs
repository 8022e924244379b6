//! What stats-proxy takes with 5,000 nodes and 150,000 pods, against the project's bars:
//! `cargo run --profile image -p stats-proxy --features cluster --bin stats-proxy-at-scale`
//!
//! A process of its own follows a synthetic API server over HTTP and answers as the real program does; this one asks it
//! and reads what it took from the system. Times depend on what else the machine does, CPU seconds hardly.

#![allow(clippy::print_stdout, reason = "its results")]

mod api;
mod backend;
mod load;
mod process;
mod server;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use stats_proxy::cluster::Limits;

use crate::backend::Received;
use crate::load::{Load, Times};
use crate::process::Child;

/// Measure stats-proxy at scale.
#[derive(Debug, clap::Parser)]
struct Options {
    /// How many nodes.
    #[arg(long, default_value_t = 5_000)]
    nodes: usize,
    /// How many pods on each.
    #[arg(long, default_value_t = 30)]
    pods_per_node: usize,
    /// Seconds of steady load.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Let it send host metrics all the time, and measure that too.
    #[arg(long)]
    host_metrics: bool,
    /// Be the server, for the API server at this address.
    #[arg(long, hide = true)]
    serve: Option<String>,
    /// As the server, send host metrics to the backend at this address.
    #[arg(long, hide = true)]
    otlp_endpoint: Option<String>,
}

const BAR_MEGABYTES: f64 = 500.0;
const BAR_SWEEP_CPU: f64 = 2.0;
const BAR_P99: Duration = Duration::from_millis(5);
const BAR_BURST: Duration = Duration::from_secs(2);
const RATE: u64 = 500;

fn main() -> ExitCode {
    let options = Options::parse();
    // Each side has a file open for each connection.
    Limits::default().allow_open_files();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime.context("failed to start the async runtime").and_then(|runtime| {
        runtime.block_on(async {
            match &options.serve {
                Some(api) => server::serve(api, options.otlp_endpoint.as_deref()).await.map(|()| true),
                None => measure(&options).await,
            }
        })
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> anyhow::Result<bool> {
    let (nodes, pods) = (options.nodes, options.nodes * options.pods_per_node);
    let api = api::serve(nodes, options.pods_per_node).await?;
    let began = std::time::Instant::now();
    let backend = if options.host_metrics { Some(backend::serve().await?) } else { None };
    let child = Child::start(api, backend.as_ref().map(|(address, _)| *address))?;
    let load = Load::new(child.address, nodes);
    load.until_ready().await?;
    let mut report = Report::default();
    println!("{nodes} nodes, {pods} pods; load of the machine: {}", process::load());
    println!("listed           {:.1} s, {:.1} CPU s", began.elapsed().as_secs_f64(), child.cpu()?);
    report.memory("after listing", child.memory()?.0, None);

    // The first one is for caches.
    load.sweep(10).await?;
    let before = child.cpu()?;
    let (time, bytes) = load.sweep(10).await?;
    let cpu = child.cpu()? - before;
    println!(
        "sweep            {:.2} s, 10 at a time; {:.0} MB of summaries",
        time.as_secs_f64(),
        bytes as f64 / 1e6
    );
    let bar = format!("{BAR_SWEEP_CPU} CPU s");
    report.bar("sweep CPU", &format!("{cpu:.2} CPU s"), &bar, cpu <= BAR_SWEEP_CPU);

    let before = child.cpu()?;
    let times = load.steady(RATE, options.seconds).await?;
    let (p50, p99, most) = (times.quantile(0.5), times.quantile(0.99), times.quantile(1.0));
    let cpu = (child.cpu()? - before) / options.seconds as f64;
    println!(
        "{RATE} requests/s   p50 {:.2} ms, most {:.1} ms, {:.0} % of a core",
        Times::milliseconds(p50),
        Times::milliseconds(most),
        cpu * 100.0
    );
    let bar = format!("{} ms", BAR_P99.as_millis());
    report.bar("p99", &format!("{:.2} ms", Times::milliseconds(p99)), &bar, p99 <= BAR_P99);

    let burst = load.burst().await?;
    let bar = format!("{} s", BAR_BURST.as_secs());
    report.bar("burst of all", &format!("{:.2} s", burst.as_secs_f64()), &bar, burst <= BAR_BURST);
    if let Some((_, received)) = &backend {
        host_metrics(&child, &load, received).await?;
    }
    let (now, most) = child.memory()?;
    report.memory("now", now, None);
    report.memory("memory, at most", most, Some(BAR_MEGABYTES));
    println!("load of the machine: {}", process::load());
    println!("SIGTERM          ended after {:.3} s", child.end()?.as_secs_f64());
    Ok(report.good)
}

/// What sending takes while nothing else happens.
async fn host_metrics(child: &Child, load: &Load, received: &Received) -> anyhow::Result<()> {
    const ROUNDS: u64 = 3;
    let points = || load.metric("stats_proxy_otlp_points_total{outcome=\"sent\"}");
    let seconds = server::HOST_METRICS_INTERVAL.unsigned_abs() * ROUNDS as u32;
    let before = (child.cpu()?, received.so_far(), points().await?);
    tokio::time::sleep(seconds).await;
    let after = (child.cpu()?, received.so_far(), points().await?);
    let rounds = ROUNDS as f64;
    let (requests, bytes) = (after.1.0 - before.1.0, after.1.1 - before.1.1);
    println!(
        "host metrics     {:.0} points in {:.0} requests of {:.1} MB together, {:.2} CPU s, each round of {} s",
        (after.2 - before.2) / rounds,
        requests as f64 / rounds,
        bytes as f64 / 1e6 / rounds,
        (after.0 - before.0) / rounds,
        server::HOST_METRICS_INTERVAL.as_secs()
    );
    let dropped = load.metric("stats_proxy_otlp_points_total{outcome=\"dropped\"}").await?;
    let problem = load.metric("stats_proxy_otlp_up").await? < 1.0;
    println!("                 {dropped:.0} points dropped{}", if problem { "; sending fails" } else { "" });
    Ok(())
}

struct Report {
    good: bool,
}

impl Default for Report {
    fn default() -> Self {
        Self { good: true }
    }
}

impl Report {
    fn bar(&mut self, what: &str, value: &str, bar: &str, good: bool) {
        self.good &= good;
        println!("{what:16} {value} (bar: {bar}) {}", if good { "ok" } else { "MISSED" });
    }

    fn memory(&mut self, what: &str, bytes: u64, bar: Option<f64>) {
        let megabytes = bytes as f64 / 1e6;
        match bar {
            Some(bar) => {
                self.bar(what, &format!("{megabytes:.0} MB"), &format!("{bar} MB"), megabytes <= bar);
            }
            None => println!("{what:16} {megabytes:.0} MB"),
        }
    }
}
