//! An environment with its servers, from the moment its history is made until it is told to end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ::embedded::{Cluster, Environment};
use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use http_guard::{AllowedHosts, BearerToken, guard};
use jiff::Timestamp;
use prometheus_server::otlp::{OtlpIngester, OtlpState, otlp_router};
use prometheus_server::{ApiOptions, ApiState, BuildInfo, Clock, QueryService};
use tokio::sync::Notify;

use crate::environment::control::{Control, control_router};
use crate::environment::page::{PAGE, Page, page_router};
use crate::environment::scraping::{Scraping, Seen};
use crate::environment::state::{Hold, Secret};
use crate::environment::{
    EmbeddedOptions, EnvironmentName, EnvironmentStatus, Listener, LogFile, OtlpOut, RunningEnvironment,
    Servers, Signals, SimulatedKubelets, SimulationClock, Starter, StateFolder, Target, follow_sources,
    preview,
};
use crate::features::Feature;
use crate::ui::Steps;

/// A query may hold this many samples, 16 bytes each at most: this runs beside everything else on a laptop.
const MOST_SAMPLES: u64 = 10_000_000;

/// More queries than this wait for each other; there are not more cores anyway.
const CONCURRENT_QUERIES: usize = 4;

/// The ports, taken.
pub(crate) struct Listeners {
    /// The Prometheus API.
    pub(crate) api: Listener,
    /// OTLP over HTTP.
    pub(crate) otlp: Listener,
    /// The simulated kubelets.
    pub(crate) stats: Listener,
    /// The dashboards and the page of the environment.
    pub(crate) web: Listener,
}

impl Listeners {
    /// Their numbers.
    pub(crate) fn describe(&self) -> String {
        let port = |listener: &Listener| listener.address.port();
        let Self { api, otlp, stats, web } = self;
        format!("{} {} {} {}", port(web), port(otlp), port(api), port(stats))
    }
}

/// What lets other commands find an environment: its name is taken as long as this is there.
pub(crate) struct Registration {
    state: StateFolder,
    _hold: Hold,
}

impl Registration {
    /// In this folder, under the name that is held.
    pub(crate) fn new(state: StateFolder, hold: Hold) -> Self {
        Self { state, _hold: hold }
    }
}

/// Everything that is needed to serve.
pub(crate) struct Serving<'a> {
    /// With its history.
    pub(crate) environment: Environment,
    /// What it was made from.
    pub(crate) options: EmbeddedOptions,
    /// Where it is served.
    pub(crate) listeners: Listeners,
    /// Where its scrapes are sent too.
    pub(crate) otlp_out: Option<Target>,
    /// Which node the kubelets' port stands for, if any.
    pub(crate) stats_node: Option<String>,
    /// How many samples of its history the store has refused.
    pub(crate) refused: u64,
    /// What the query engine has switched on.
    pub(crate) features: Vec<Feature>,
    /// What it is called.
    pub(crate) name: EnvironmentName,
    /// The flags it was started with.
    pub(crate) flags: serde_json::Value,
    /// Who waits in the foreground for it to be up, if it is in the background.
    pub(crate) starter: Option<&'a Starter>,
    /// How others find it, if they do.
    pub(crate) registration: Option<&'a Registration>,
    /// The folder of the workspace, whose dashboards are shown.
    pub(crate) workspace: &'a Path,
    /// What is told to people.
    pub(crate) steps: &'a Steps,
}

impl Serving<'_> {
    /// Serves and scrapes until it is told to end, and by whom, or something fails.
    pub(crate) async fn serve(self) -> anyhow::Result<&'static str> {
        // Listened for before anything is up: a Ctrl-C in between must not be lost.
        let mut interrupted = Signals::listen(self.starter.is_some())?;
        let running = self.describe()?;
        let Self { mut environment, options, listeners, steps, .. } = self;
        let (clock, interval) = (options.clock, options.interval);
        let token = BearerToken::new(running.token.reveal()).context("the token is none")?;
        let otlp_out = self.otlp_out.map(|target| send_out(&mut environment, target, steps)).transpose()?;
        let queries = QueryService::new(
            Arc::clone(environment.store()),
            Feature::engine_options(
                &self.features,
                promql::EngineOptions { max_samples: MOST_SAMPLES, ..promql::EngineOptions::default() },
            ),
            Feature::parse_options(&self.features),
        );
        let now_ms: Clock = Arc::new(move || clock.now().as_millisecond());
        let ingester = OtlpIngester::new(Arc::clone(environment.store()), catalogue::prometheus::promoted());
        let ingester = Arc::new(ingester);
        let otlp = OtlpState::new(Arc::clone(&ingester), Arc::clone(&now_ms));
        let api = ApiState::new(queries.clone(), now_ms, api_options(clock, otlp.clone()));
        let kubelets = SimulatedKubelets::shared(environment.first_cluster().clone(), clock);
        let facts = Facts::of(&environment, options, &running, otlp_out.clone(), ingester);
        let scraping = Scraping::start(environment, clock, self.refused, |refused| {
            let time = time_of_day(Timestamp::now());
            Steps::new().note(format!(
                "{time} the store refuses samples ({refused} of this scrape): somebody else writes to the same series; \
                 `cargo xtask status` counts them"
            ));
        })?;
        let shelf = follow_sources(self.workspace)?;
        let dashboards = preview(Arc::clone(&shelf), queries.clone(), clock, PAGE);
        let page = Page {
            queries,
            clock,
            status: facts.reader(scraping.seen()),
            links: vec![
                ("Prometheus API", running.api_url.clone()),
                ("kubelets", running.stats_url.clone()),
                ("OTLP", running.otlp_url.clone()),
            ],
        };
        let shutdown = Arc::new(Notify::new());
        let control = Control { tasks: scraping.tasks(), interval, shutdown: Arc::clone(&shutdown) };

        let mut servers = Servers::new();
        let hosts = AllowedHosts::loopback();
        let api = guard(api_router(api, &running.web_url), hosts.clone());
        servers.serve("the Prometheus API", listeners.api, api)?;
        servers.serve("OTLP over HTTP", listeners.otlp, guard(otlp_router(otlp), hosts.clone()))?;
        let kubelets = stats_proxy::router(kubelets, hosts.clone(), self.stats_node);
        servers.serve("the simulated kubelets", listeners.stats, kubelets)?;
        let web =
            page_router(page).merge(control_router(control, token)).merge(::preview::router(dashboards));
        servers.serve("the dashboards", listeners.web, guard(web, hosts))?;

        let written = WrittenDown::new(self.registration, &running, steps)?;
        show_addresses(&running, steps);
        let flag = running.name.flag();
        steps.note(format!(
            "try: cargo xtask query 'count(max by (k8s_node_name) (k8s_node_cpu_time_seconds_total))'{flag}"
        ));
        if let Some(starter) = self.starter {
            steps.note(format!(
                "`cargo xtask logs{flag}` shows what it says, `cargo xtask down{flag}` ends it"
            ));
            starter.say_up()?;
        } else {
            steps.note("Ctrl-C ends it");
        }
        let log = self.registration.filter(|_| running.detached).map(|ours| ours.state.log(&running.name));

        let outcome = tokio::select! {
            signal = interrupted.next() => Ok(signal),
            () = shutdown.notified() => Ok("`cargo xtask down`"),
            failure = servers.failure() => Err(failure),
            failure = scraping.failure() => Err(failure),
            never = keep_bounded(log) => match never {},
        };
        drop(written);
        shelf.close();
        let end = async { tokio::join!(servers.stop(), send_the_rest(otlp_out, steps)) };
        tokio::select! {
            _ = end => {}
            _ = interrupted.next() => {}
        }
        outcome
    }

    /// What is written down about this environment.
    fn describe(&self) -> anyhow::Result<RunningEnvironment> {
        Ok(RunningEnvironment {
            name: self.name.clone(),
            instance: instance(),
            pid: std::process::id(),
            since: Timestamp::now(),
            web_url: self.listeners.web.url(),
            api_url: self.listeners.api.url(),
            otlp_url: format!("{}/v1/metrics", self.listeners.otlp.url()),
            stats_url: self.listeners.stats.url(),
            token: Secret::random()?,
            detached: self.starter.is_some(),
            flags: self.flags.clone(),
        })
    }
}

/// An environment's state file, for as long as this is there.
struct WrittenDown<'a> {
    place: Option<(&'a StateFolder, &'a RunningEnvironment)>,
}

impl<'a> WrittenDown<'a> {
    fn new(
        registration: Option<&'a Registration>,
        running: &'a RunningEnvironment,
        steps: &Steps,
    ) -> anyhow::Result<Self> {
        let Some(Registration { state, .. }) = registration else { return Ok(Self { place: None }) };
        match state.write(running) {
            Ok(()) => Ok(Self { place: Some((state, running)) }),
            // Nobody would see that it runs.
            Err(error) if running.detached => Err(error),
            Err(error) => {
                let url = &running.api_url;
                steps.note(format!("warning: {error:#}; ask it by `cargo xtask query --url {url}`"));
                Ok(Self { place: None })
            }
        }
    }
}

impl Drop for WrittenDown<'_> {
    fn drop(&mut self) {
        if let Some((state, running)) = self.place {
            state.remove(running);
        }
    }
}

/// Sends what is scraped from now on to another backend too.
fn send_out(environment: &mut Environment, target: Target, steps: &Steps) -> anyhow::Result<OtlpOut> {
    let headers = match target.header_names().join(", ") {
        names if names.is_empty() => String::new(),
        names => format!(" with the headers {names}"),
    };
    steps.note(format!("OTLP out        {}{headers}: live scrapes, not the history", target.url()));
    let out = OtlpOut::start(target, |line| Steps::new().note(line))?;
    environment.also_send_to(out.outlet());
    Ok(out)
}

/// What waits to be sent has two more seconds; then it is told how much was not.
async fn send_the_rest(out: Option<OtlpOut>, steps: &Steps) {
    const WITHIN: Duration = Duration::from_secs(2);
    let Some(out) = out else { return };
    let unsent = out.finish(WITHIN).await;
    if unsent > 0 {
        steps.note(format!(
            "OTLP out        {unsent} points that waited were not sent: {}",
            out.status().line()
        ));
    }
}

/// Prints where everything is.
pub(crate) fn show_addresses(running: &RunningEnvironment, steps: &Steps) {
    steps.note(format!("dashboards      {}", running.web_url));
    steps.note(format!("Prometheus API  {}", running.api_url));
    steps.note(format!("OTLP metrics    {}", running.otlp_url));
    steps.note(format!("kubelets        {}/nodes/NODE/stats/summary", running.stats_url));
}

/// For lines that appear while an environment runs.
pub(crate) fn time_of_day(at: Timestamp) -> String {
    at.strftime("%T UTC").to_string()
}

/// Sees to it that a log does not grow for ever.
async fn keep_bounded(log: Option<LogFile>) -> std::convert::Infallible {
    const LOOK: Duration = Duration::from_secs(60);
    loop {
        tokio::time::sleep(LOOK).await;
        if let Some(log) = &log {
            // A log that somebody has removed needs no bound.
            let _ = log.bound();
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
struct Facts {
    store: Arc<tsdb::Store>,
    clusters: Vec<Cluster>,
    options: EmbeddedOptions,
    instance: String,
    otlp_out: Option<OtlpOut>,
    ingester: Arc<OtlpIngester>,
}

impl Facts {
    fn of(
        environment: &Environment,
        options: EmbeddedOptions,
        running: &RunningEnvironment,
        otlp_out: Option<OtlpOut>,
        ingester: Arc<OtlpIngester>,
    ) -> Self {
        Self {
            store: Arc::clone(environment.store()),
            clusters: environment.clusters().cloned().collect(),
            options,
            instance: running.instance.clone(),
            otlp_out,
            ingester,
        }
    }

    fn reader(self, seen: Seen) -> Box<dyn Fn() -> EnvironmentStatus + Send + Sync> {
        Box::new(move || {
            let (stats, now) = (self.store.stats(), self.options.clock.now());
            let pushes = self.ingester.refused_requests();
            let snapshots: Vec<_> = self.clusters.iter().map(Cluster::latest).collect();
            EnvironmentStatus {
                instance: self.instance.clone(),
                pid: std::process::id(),
                cluster_name: self.options.cluster_names().join(", "),
                clusters: self.options.cluster_names(),
                nodes: snapshots.iter().map(|snapshot| snapshot.objects().nodes.len()).sum(),
                pods: snapshots.iter().map(|snapshot| snapshot.objects().pods.len()).sum(),
                seed: self.options.seed,
                interval_seconds: self.options.interval.as_secs(),
                simulation_time: now.strftime("%FT%TZ").to_string(),
                series: stats.series,
                samples: stats.samples,
                refused_samples: seen.refused.load(Ordering::Relaxed),
                store_bytes: stats.memory.total(),
                process_bytes: memory_stats::memory_stats().map(|memory| memory.physical_mem),
                refused_pushes: pushes.count,
                refused_push_reason: pushes.latest_reason,
                otlp_out: self.otlp_out.as_ref().map(OtlpOut::status),
                provocations: seen.provocations.at(now),
            }
        })
    }
}

/// Tells this environment from others: no secret, only unlikely to occur twice.
fn instance() -> String {
    format!("{}-{}", std::process::id(), Timestamp::now().as_nanosecond())
}
