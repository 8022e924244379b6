//! The embedded environment, from files to an hour of history.

use std::path::PathBuf;

use ::embedded::{CollectorSettings, Environment, EnvironmentError, EnvironmentOptions, Scrapes};
use cluster_sim::{Manifests, SimulationError, SimulationOptions};
use jiff::{SignedDuration, Timestamp};

use crate::context::Context;
use crate::environment::scale::{Estimate, free_memory};
use crate::environment::{SimulationClock, read_collector_files, read_fleet_files};
use crate::ui::{Progress, Usage};

/// What the user chose.
#[derive(Clone, Debug)]
pub(crate) struct EmbeddedOptions {
    /// The folder with the fleet's manifests; `deploy/kwok` without one.
    pub(crate) fleet: Option<PathBuf>,
    /// Nodes.
    pub(crate) nodes: usize,
    /// Pods.
    pub(crate) pods: usize,
    /// Which fleet.
    pub(crate) seed: u64,
    /// How much history there is when the environment comes up.
    pub(crate) backfill: SignedDuration,
    /// The time between two scrapes.
    pub(crate) interval: SignedDuration,
    /// The simulation's time.
    pub(crate) clock: SimulationClock,
    /// `k8s_cluster_name` on every series; with several clusters their common part.
    pub(crate) cluster_name: String,
    /// How many clusters of that size.
    pub(crate) clusters: usize,
    /// The folder with the collector's fragments; `deploy/collector` without one.
    pub(crate) collector: Option<PathBuf>,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            fleet: None,
            nodes: 50,
            pods: 200,
            seed: 1,
            backfill: SignedDuration::from_hours(1),
            interval: SignedDuration::from_secs(15),
            clock: SimulationClock::starting_at(None),
            cluster_name: "kwok".to_owned(),
            clusters: 1,
            collector: None,
        }
    }
}

impl EmbeddedOptions {
    /// The clusters' names: `kwok`, or `kwok-1`, `kwok-2`, …
    pub(crate) fn cluster_names(&self) -> Vec<String> {
        match self.clusters {
            1 => vec![self.cluster_name.clone()],
            several => (1..=several).map(|number| format!("{}-{number}", self.cluster_name)).collect(),
        }
    }
}

/// What the store keeps, unless there is more history than that.
const RETENTION: SignedDuration = SignedDuration::from_hours(6);

/// More history than this takes minutes to make and gigabytes to keep.
const LONGEST_BACKFILL: SignedDuration = SignedDuration::from_hours(7 * 24);

/// History begins this much earlier than asked for, so that the first value of a `rate(x[5m])` has its whole window, and
/// the look-back of an instant selector finds something.
const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// Series that the store takes at least, from the fleet and from outside.
const MOST_SERIES: usize = 2_000_000;

/// Reads and checks the fleet's files.
pub(crate) fn read_manifests(context: &Context, options: &EmbeddedOptions) -> anyhow::Result<Manifests> {
    let folder = options.fleet.clone().unwrap_or_else(|| context.root().join("deploy").join("kwok"));
    let files = read_fleet_files(&folder, context.root())?;
    Manifests::parse(&files).map_err(|error| Usage(error.to_string()).into())
}

/// Reads what the collector's receivers send.
fn read_collector_settings(
    context: &Context,
    options: &EmbeddedOptions,
) -> anyhow::Result<CollectorSettings> {
    let folder = options.collector.clone().unwrap_or_else(|| context.root().join("deploy").join("collector"));
    let files = read_collector_files(&folder, context.root())?;
    CollectorSettings::parse(&files).map_err(|error| Usage(error.to_string()).into())
}

/// What the environment will cost.
///
/// # Errors
/// [`Usage`] for what cannot be, or does not fit into the memory that is free.
pub(crate) fn estimate(options: &EmbeddedOptions) -> anyhow::Result<Estimate> {
    if options.clusters == 0 {
        return Err(Usage("--clusters: at least 1".to_owned()).into());
    }
    if options.backfill > LONGEST_BACKFILL {
        return Err(Usage("--backfill may be at most 7d".to_owned()).into());
    }
    if options.interval > WINDOW {
        return Err(Usage("--interval may be at most 5m: PromQL looks no further back".to_owned()).into());
    }
    let history = options.backfill.saturating_add(WINDOW);
    let estimate = Estimate::of(options, history, kept(options));
    estimate.check(free_memory())?;
    Ok(estimate)
}

/// How long the store keeps samples.
fn kept(options: &EmbeddedOptions) -> SignedDuration {
    RETENTION.max(options.backfill.saturating_add(WINDOW))
}

/// An environment that is ready to make its [`history`] up to `now`.
pub(crate) fn environment(
    context: &Context,
    manifests: &Manifests,
    options: &EmbeddedOptions,
    estimate: &Estimate,
    now: Timestamp,
) -> anyhow::Result<Environment> {
    let environment_options = EnvironmentOptions {
        fleet: SimulationOptions { nodes: options.nodes, pods: options.pods, seed: options.seed },
        clusters: options.cluster_names(),
        collector: read_collector_settings(context, options)?,
        interval: estimate.history_step,
        store: tsdb::Options {
            retention_ms: i64::try_from(kept(options).as_millis())
                .map_err(|_| Usage("--backfill is longer than a store can keep".to_owned()))?,
            retention_bytes: usize::try_from(estimate.store_bytes).ok(),
            max_series: MOST_SERIES.max(estimate.series as usize * 3),
            ..tsdb::Options::default()
        },
    };
    let start = now
        .checked_sub(options.backfill)
        .and_then(|start| start.checked_sub(WINDOW))
        .map_err(|error| Usage(format!("--backfill reaches back beyond the calendar: {error}")))?;
    Environment::new(manifests, &environment_options, start).map_err(|error| match error {
        EnvironmentError::Simulation(error) => Usage(match error {
            SimulationError::NoNodes => format!("--nodes: {error}"),
            SimulationError::TooManyPods { .. } => format!("--pods: {error}; ask for more with --nodes"),
            SimulationError::BeforeEpoch { .. } => format!("--now, --backfill: {error}"),
            other => format!("--nodes, --pods: {other}"),
        })
        .into(),
        EnvironmentError::Interval => Usage(format!("--interval: {error}")).into(),
        EnvironmentError::ClusterNames => Usage(format!("--cluster-name, --clusters: {error}")).into(),
        error @ EnvironmentError::Time(_) => anyhow::Error::from(error),
    })
}

/// Brings the environment up to `now`, in slices, so that progress can be shown. From there on it is scraped at the interval
/// that was asked for.
pub(crate) fn history(
    environment: &mut Environment,
    options: &EmbeddedOptions,
    now: Timestamp,
    progress: &Progress<'_>,
) -> anyhow::Result<Scrapes> {
    const SLICE: i64 = 20;
    let first = environment.next_scrape();
    let whole = now.duration_since(first).as_secs().max(1);
    let mut done = Scrapes::default();
    while environment.next_scrape() <= now {
        let slice = SignedDuration::from_secs((whole / SLICE).max(1));
        let to = environment.next_scrape().saturating_add(slice).unwrap_or(now).min(now);
        let scrapes = environment.advance(to)?;
        done.rounds += scrapes.rounds;
        done.samples += scrapes.samples;
        done.refused += scrapes.refused;
        let percent = environment.next_scrape().duration_since(first).as_secs() * 100 / whole;
        progress.show(&format!("{} %", percent.clamp(0, 100)));
    }
    environment.set_interval(options.interval)?;
    // The clock went on meanwhile: who is told that it is up finds the present.
    loop {
        let now = options.clock.now();
        if environment.next_scrape() > now {
            return Ok(done);
        }
        let scrapes = environment.advance(now)?;
        done.rounds += scrapes.rounds;
        done.samples += scrapes.samples;
        done.refused += scrapes.refused;
    }
}

/// All of it in one go: for commands that need an environment for a moment.
pub(crate) fn build_embedded(context: &Context, options: &EmbeddedOptions) -> anyhow::Result<Environment> {
    let manifests = read_manifests(context, options)?;
    let now = options.clock.now();
    let estimate = estimate(options)?;
    let mut environment = environment(context, &manifests, options, &estimate, now)?;
    environment.advance(now)?;
    environment.set_interval(options.interval)?;
    Ok(environment)
}
