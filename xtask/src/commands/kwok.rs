//! `cargo xtask kwok`: the simulated cluster, its metrics and its servers, until it is told to end.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use ::embedded::Environment;
use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use clap::ValueEnum;
use http_guard::AllowedHosts;
use jiff::{SignedDuration, Timestamp};
use prometheus_server::otlp::{OtlpIngester, OtlpState, otlp_router};
use prometheus_server::{ApiOptions, ApiState, BuildInfo, Clock, QueryService};
use tokio::sync::oneshot;

use crate::context::Context;
use crate::environment::{
    EmbeddedOptions, EnvironmentStatus, Listener, Page, RunningEnvironment, Servers, SimulatedKubelets,
    SimulationClock, StateFolder, bind_loopback, environment, history, page_router, read_manifests,
};
use crate::ui::{Steps, Usage};

/// Bring up a simulated cluster with its OpenTelemetry metrics and a Prometheus API.
///
/// Reads the fleet's manifests, makes the history, then scrapes live until Ctrl-C or SIGTERM. Everything listens on
/// 127.0.0.1. A seed gives the same fleet and the same samples on every machine and at every time.
#[derive(clap::Args)]
pub(crate) struct Kwok {
    /// Where the cluster runs. "auto" takes the one runtime there is: this process.
    #[arg(long, value_enum, default_value = "auto")]
    runtime: Runtime,

    /// How many nodes.
    #[arg(long, value_name = "N", default_value_t = 50, allow_negative_numbers = true)]
    nodes: usize,

    /// How many pods, at most 110 for each node.
    #[arg(long, value_name = "M", default_value_t = 200, allow_negative_numbers = true)]
    pods: usize,

    /// How much history there is when it comes up, for example 6h.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = super::parse_duration)]
    backfill: SignedDuration,

    /// The time between two scrapes, in whole seconds.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = super::parse_duration)]
    interval: SignedDuration,

    /// Which fleet: fixes names, uids, start times and usage.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, allow_negative_numbers = true)]
    seed: u64,

    /// Start the simulation's clock here instead of at this machine's time, for example 2026-06-01T12:00:00Z.
    #[arg(long, value_name = "RFC3339")]
    now: Option<Timestamp>,

    /// The cluster's name, on every series as k8s_cluster_name.
    #[arg(long, value_name = "NAME", default_value = "kwok")]
    cluster_name: String,

    /// The folder with the fleet's manifests [default: deploy/kwok].
    #[arg(long, value_name = "FOLDER")]
    fleet: Option<PathBuf>,

    /// The port of the Prometheus API; 0 takes any free one.
    #[arg(long, value_name = "PORT", default_value_t = 9090)]
    api_port: u16,

    /// The port that takes OTLP metrics over HTTP; 0 takes any free one.
    #[arg(long, value_name = "PORT", default_value_t = 4318)]
    otlp_port: u16,

    /// The port of the simulated kubelets; 0 takes any free one.
    #[arg(long, value_name = "PORT", default_value_t = 10250)]
    stats_port: u16,

    /// The port of the page; 0 takes any free one.
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    web_port: u16,
}

/// A query may hold this many samples, 16 bytes each at most: this runs beside everything else on a laptop.
const MOST_SAMPLES: u64 = 10_000_000;

/// More queries than this wait for each other; there are not more cores anyway.
const CONCURRENT_QUERIES: usize = 4;

/// Where the cluster runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Runtime {
    /// The best there is.
    Auto,
    /// In this process.
    Embedded,
}

/// The ports, taken.
struct Listeners {
    api: Listener,
    otlp: Listener,
    stats: Listener,
    web: Listener,
}

impl Kwok {
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        if self.cluster_name.is_empty() {
            return Err(Usage("--cluster-name may not be empty".to_owned()).into());
        }
        let steps = Steps::new();
        match self.runtime {
            Runtime::Auto => steps.note("runtime: embedded, all in this process (the only one there is)"),
            Runtime::Embedded => {}
        }
        // Before the ports are taken: an environment that crashed left its name and its ports behind.
        if let Some(other) = StateFolder::of_user().ok().and_then(|state| state.running()) {
            steps.note(format!(
                "another environment runs at {}: `cargo xtask query` and `status` speak to that one while it does",
                other.web_url
            ));
        }
        let options = self.options();
        let listeners = steps.run("ports", |_| self.take_ports(), describe_ports)?;
        let now = options.clock.now();
        let mut environment = steps.run(
            "fleet",
            |_| environment(&read_manifests(context, &options)?, &options, now),
            |_| format!("{} nodes, {} pods", options.nodes, options.pods),
        )?;
        let store = Arc::clone(environment.store());
        steps.run(
            "history",
            |progress| history(&mut environment, now, progress),
            |scrapes| {
                format!(
                    "{} scrapes, {} series, {} samples",
                    scrapes.rounds,
                    store.stats().series,
                    scrapes.samples
                )
            },
        )?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("failed to start the async runtime")?;
        let outcome = runtime.block_on(serve(environment, &options, listeners, &steps));
        // A query that still computes is not waited for: its thread ends with the process.
        runtime.shutdown_background();
        outcome?;
        steps.note("ended; nothing is left running");
        Ok(ExitCode::SUCCESS)
    }

    fn options(&self) -> EmbeddedOptions {
        EmbeddedOptions {
            fleet: self.fleet.clone(),
            nodes: self.nodes,
            pods: self.pods,
            seed: self.seed,
            backfill: self.backfill,
            interval: self.interval,
            clock: SimulationClock::starting_at(self.now),
            cluster_name: self.cluster_name.clone(),
        }
    }

    fn take_ports(&self) -> anyhow::Result<Listeners> {
        Ok(Listeners {
            api: bind_loopback(self.api_port, "the Prometheus API", "--api-port")?,
            otlp: bind_loopback(self.otlp_port, "OTLP over HTTP", "--otlp-port")?,
            stats: bind_loopback(self.stats_port, "the simulated kubelets", "--stats-port")?,
            web: bind_loopback(self.web_port, "the page", "--web-port")?,
        })
    }
}

fn describe_ports(listeners: &Listeners) -> String {
    let port = |listener: &Listener| listener.address.port();
    let Listeners { api, otlp, stats, web } = listeners;
    format!("{} {} {} {}", port(web), port(otlp), port(api), port(stats))
}

/// Serves and scrapes until a signal comes or something fails.
async fn serve(
    environment: Environment,
    options: &EmbeddedOptions,
    listeners: Listeners,
    steps: &Steps,
) -> anyhow::Result<()> {
    // Listened for before anything is up: a Ctrl-C in between must not be lost.
    let mut interrupted = Signals::listen()?;
    let clock = options.clock;
    let running = RunningEnvironment {
        instance: instance(),
        pid: std::process::id(),
        since: Timestamp::now(),
        api_url: listeners.api.url(),
        stats_url: listeners.stats.url(),
        web_url: listeners.web.url(),
    };
    let queries = QueryService::new(
        Arc::clone(environment.store()),
        promql::EngineOptions { max_samples: MOST_SAMPLES, ..promql::EngineOptions::default() },
        promql::ParseOptions::default(),
    );
    let now_ms: Clock = Arc::new(move || clock.now().as_millisecond());
    let ingester = OtlpIngester::new(Arc::clone(environment.store()), catalogue::prometheus::promoted());
    let otlp = OtlpState::new(Arc::new(ingester), Arc::clone(&now_ms));
    let api = ApiState::new(queries.clone(), now_ms, api_options(clock, otlp.clone()));
    let otlp_url = format!("{}/v1/metrics", listeners.otlp.url());
    let page = Page {
        queries,
        clock,
        status: status_reader(&environment, options, &running.instance),
        links: vec![
            ("Prometheus API", running.api_url.clone()),
            ("kubelets", running.stats_url.clone()),
            ("OTLP", otlp_url.clone()),
        ],
    };
    let kubelets = SimulatedKubelets::shared(environment.cluster().clone(), clock);

    let mut servers = Servers::new();
    let hosts = AllowedHosts::loopback();
    servers.serve(
        "the Prometheus API",
        listeners.api,
        http_guard::guard(api_router(api, &running.web_url), hosts.clone()),
    )?;
    servers.serve("OTLP over HTTP", listeners.otlp, http_guard::guard(otlp_router(otlp), hosts.clone()))?;
    servers.serve("the simulated kubelets", listeners.stats, stats_proxy::router(kubelets, hosts.clone()))?;
    servers.serve("the page", listeners.web, http_guard::guard(page_router(page), hosts))?;
    let scraping = Scraping::start(environment, clock)?;

    let state = write_down(&running, steps);
    steps.note(format!("page            {}", running.web_url));
    steps.note(format!("Prometheus API  {}", running.api_url));
    steps.note(format!("OTLP metrics    {otlp_url}"));
    steps.note(format!("kubelets        {}/nodes/NODE/stats/summary", running.stats_url));
    steps.note("try: cargo xtask query 'count(max by (k8s_node_name) (k8s_node_cpu_time_seconds_total))'");
    steps.note("Ctrl-C ends it");

    let outcome = tokio::select! {
        () = interrupted.next() => Ok(()),
        failure = servers.failure() => Err(failure),
        failure = scraping.failure() => Err(failure),
    };
    if let Some(state) = state {
        state.remove(&running);
    }
    tokio::select! {
        () = servers.stop() => {}
        () = interrupted.next() => {}
    }
    outcome
}

/// Lets other commands find this environment. Where that cannot be written down, everything else still works.
fn write_down(running: &RunningEnvironment, steps: &Steps) -> Option<StateFolder> {
    let written = StateFolder::of_user().and_then(|state| state.write(running).map(|()| state));
    match written {
        Ok(state) => Some(state),
        Err(error) => {
            let url = &running.api_url;
            steps.note(format!("warning: {error:#}; ask it by `cargo xtask query --url {url}`"));
            None
        }
    }
}

/// How the API presents itself.
fn api_options(clock: SimulationClock, otlp: OtlpState) -> ApiOptions {
    ApiOptions {
        // Clients choose features by it: the version whose language and API this one follows.
        build: BuildInfo { version: "3.14.0".to_owned(), ..BuildInfo::default() },
        started_ms: clock.now().as_millisecond(),
        storage_retention: "6h".to_owned(),
        max_concurrent_queries: CONCURRENT_QUERIES,
        otlp: Some(otlp),
        ..ApiOptions::default()
    }
}

/// The API, with a way to the page for those who open it in a browser.
fn api_router(api: ApiState, web_url: &str) -> Router {
    let overview = format!(
        "A Prometheus API, for example /api/v1/query?query=up. The page for people is at {web_url}\n"
    );
    prometheus_server::router(api).route("/", get(move || std::future::ready(overview.clone())))
}

/// The numbers for the page and `cargo xtask status`.
fn status_reader(
    environment: &Environment,
    options: &EmbeddedOptions,
    instance: &str,
) -> Box<dyn Fn() -> EnvironmentStatus + Send + Sync> {
    let (store, cluster) = (Arc::clone(environment.store()), environment.cluster().clone());
    let (options, instance) = (options.clone(), instance.to_owned());
    Box::new(move || {
        let (stats, snapshot) = (store.stats(), cluster.latest());
        EnvironmentStatus {
            instance: instance.clone(),
            cluster_name: options.cluster_name.clone(),
            nodes: snapshot.objects().nodes.len(),
            pods: snapshot.objects().pods.len(),
            seed: options.seed,
            interval_seconds: options.interval.as_secs(),
            simulation_time: options.clock.now().strftime("%FT%TZ").to_string(),
            series: stats.series,
            samples: stats.samples,
            store_bytes: stats.memory.total(),
            process_bytes: memory_stats::memory_stats().map(|memory| memory.physical_mem),
        }
    })
}

/// Tells this environment from others: no secret, only unlikely to occur twice.
fn instance() -> String {
    format!("{}-{}", std::process::id(), Timestamp::now().as_nanosecond())
}

/// The live scrapes, on a thread of their own: they compute.
struct Scraping {
    ended: oneshot::Receiver<anyhow::Error>,
}

impl Scraping {
    fn start(mut environment: Environment, clock: SimulationClock) -> anyhow::Result<Self> {
        let (failed, ended) = oneshot::channel();
        let scrape = move || {
            let failure = loop {
                std::thread::sleep(clock.until(environment.next_scrape()));
                if let Err(error) = environment.advance(clock.now()) {
                    break anyhow::Error::from(error).context("the simulation cannot go on");
                }
            };
            // Nobody listens any more when the program ends just now.
            let _ = failed.send(failure);
        };
        // The thread ends with the process: between two scrapes it only sleeps.
        std::thread::Builder::new()
            .name("scrapes".to_owned())
            .spawn(scrape)
            .context("failed to start a thread")?;
        Ok(Self { ended })
    }

    /// Waits for the scrapes to fail. Never returns while all is well.
    async fn failure(self) -> anyhow::Error {
        self.ended.await.unwrap_or_else(|_| anyhow::anyhow!("the thread that scrapes has died"))
    }
}

/// Ctrl-C, and SIGTERM where there is one.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn listen() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("failed to listen for Ctrl-C")?,
            terminate: signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?,
        })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    #[allow(clippy::unnecessary_wraps, reason = "the same signature everywhere")]
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
