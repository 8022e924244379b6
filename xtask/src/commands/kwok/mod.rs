//! `cargo xtask kwok`: the simulated cluster, its metrics and its servers.

#[cfg(feature = "clusters")]
pub(crate) mod docker;
mod runtime;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use ::embedded::{Environment, EnvironmentError};
use anyhow::Context as _;
use cluster_sim::SimulationError;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

#[cfg(not(feature = "clusters"))]
use crate::commands::real;
use crate::context::Context;
use crate::environment::{
    EmbeddedOptions, EnvironmentName, Listeners, Presence, Registration, Serving, SimulationClock, Starter,
    StateFolder, Target, bind_loopback, environment, estimate, history, play, read_manifests, read_scenario,
    show_addresses, silent, start_detached, time_of_day,
};
use crate::features::Feature;
use crate::ui::{Steps, Usage};
use runtime::{Chosen, Runtime};
#[cfg(not(feature = "clusters"))]
use tools::pins::EnvironmentKind;

/// Bring up a simulated cluster with its OpenTelemetry metrics and dashboards.
///
/// On a container engine that is the real thing: KWOK, the OpenTelemetry Collector and LGTM, with Grafana at port 3000. Without
/// one, all of it is embedded in this process, with a Prometheus API and a preview of the dashboards. Both have the same nodes,
/// workloads, metrics and dashboards. Everything listens on 127.0.0.1.
///
/// Embedded, it reads the fleet's manifests, makes the history, then scrapes live until Ctrl-C, SIGTERM or `cargo xtask down`. A
/// seed gives the same fleet and the same samples on every machine and at every time.
///
/// On an engine it comes up step by step, and stays until `cargo xtask down`. In a terminal the command goes on and builds the
/// dashboards anew whenever one of their sources is saved; Ctrl-C ends that alone. A start that fails, or Ctrl-C before it is
/// up, takes down again what it has made, unless --retain is given; the next start goes on from what is there.
///
/// With --detach the command returns when the environment answers. `cargo xtask status`, `logs` and `down` find it, however it
/// was started. A second start of the same changes nothing: it shows where the first one runs.
#[derive(clap::Args, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Kwok {
    /// Run in the background, and return as soon as the environment answers.
    #[arg(long)]
    #[serde(skip)]
    detach: bool,

    /// What to call it, when there is more than one.
    #[arg(long, value_name = "NAME", default_value_t)]
    #[serde(skip)]
    name: EnvironmentName,

    /// This is the process in the background.
    #[arg(long, hide = true)]
    #[serde(skip)]
    in_background: bool,

    /// Where the cluster runs. "auto" takes the container engine if it answers and has all images already.
    #[arg(long, value_enum, default_value = "auto")]
    #[serde(skip)]
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

    /// How many clusters of that size: they are called kwok-1, kwok-2, … The kubelets that can be asked are the first
    /// one's.
    #[arg(long, value_name = "N", default_value_t = 1)]
    clusters: usize,

    /// The folder with the collector's fragments: which metrics there are [default: deploy/collector].
    #[arg(long, value_name = "FOLDER")]
    collector: Option<PathBuf>,

    /// The folder with the fleet's manifests [default: deploy/kwok].
    #[arg(long, value_name = "FOLDER")]
    fleet: Option<PathBuf>,

    /// Send the live scrapes to this OTLP/HTTP backend too, for example http://127.0.0.1:9090/api/v1/otlp. A base URL:
    /// /v1/metrics is appended unless it ends so. The history is not sent.
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<String>,

    /// A header for that backend, or a file with one on each line. Secrets belong into a file: other users of this machine
    /// can see command lines.
    #[arg(long, value_name = "NAME=VALUE|@FILE", requires = "otlp_endpoint")]
    otlp_header: Vec<String>,

    /// What shall happen to the cluster, and when: a file of steps like "{at: 5m, action: node-down, target: general-0003,
    /// for: 10m}". Times count from the start; a negative one lies in the history. With several clusters, the first one.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,

    /// Switch on PromQL that a Prometheus server of default settings refuses. Dashboards that use it work only where
    /// Prometheus was started with the same flag.
    #[arg(long, value_enum, value_name = "NAME", value_delimiter = ',')]
    enable_feature: Vec<Feature>,

    /// The port of the Prometheus API; 0 takes any free one.
    #[arg(long, value_name = "PORT", default_value_t = 9090)]
    api_port: u16,

    /// The port that takes OTLP metrics over HTTP; 0 takes any free one.
    #[arg(long, value_name = "PORT", default_value_t = 4318)]
    otlp_port: u16,

    /// The port of the simulated kubelets; 0 takes any free one.
    #[arg(long, value_name = "PORT", default_value_t = 10250)]
    stats_port: u16,

    /// Let this port stand for one node: /stats/summary, /pods, /metrics/resource and /healthz at the root are then its
    /// own, as at a kubelet. All nodes stay below /nodes/NODE.
    #[arg(long, value_name = "NODE")]
    stats_node: Option<String>,

    /// The port of the dashboards: Grafana's on a container engine, else their preview's, where the page of the environment is
    /// too. 0 takes any free one, but not on an engine.
    #[arg(long, visible_alias = "preview-port", value_name = "PORT", default_value_t = 3000)]
    web_port: u16,

    /// On an engine: the port that takes OTLP over gRPC.
    #[arg(long, value_name = "PORT", default_value_t = 4317, help_heading = ON_ENGINE)]
    otlp_grpc_port: u16,

    /// On an engine: trace Grafana and Prometheus with Beyla, so that slow queries of dashboards can be found in Tempo. Needs Linux
    /// with BTF.
    #[arg(long, help_heading = ON_ENGINE)]
    beyla: bool,

    /// On an engine: how long to wait for the first metrics of every receiver.
    #[arg(long, value_name = "DURATION", default_value = "3m", value_parser = super::parse_duration, help_heading = ON_ENGINE)]
    #[serde(skip)]
    wait: SignedDuration,

    /// On an engine: leave kubectl's current context as it is. Otherwise it becomes the cluster's until `cargo xtask down`.
    #[arg(long, help_heading = ON_ENGINE)]
    #[serde(skip)]
    no_switch_context: bool,

    /// On an engine: when the start fails, keep what it has made, for a look at it.
    #[arg(long, help_heading = ON_ENGINE)]
    #[serde(skip)]
    retain: bool,

    /// On an engine: download nothing. What is missing is an error.
    #[arg(long, help_heading = ON_ENGINE)]
    #[serde(skip)]
    offline: bool,
}

/// Over the flags in the help that the embedded runtime has no use for.
const ON_ENGINE: &str = "On a container engine";

impl Kwok {
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let steps = Steps::new();
        match self.choose(context, &steps)? {
            Chosen::Embedded => self.run_embedded(context, &steps),
            #[cfg(feature = "clusters")]
            Chosen::Docker => docker::run(&self, context),
            #[cfg(not(feature = "clusters"))]
            Chosen::Docker => real::start(context, EnvironmentKind::Kwok),
        }
    }

    fn run_embedded(self, context: &Context, steps: &Steps) -> anyhow::Result<ExitCode> {
        if self.cluster_name.is_empty() {
            return Err(Usage("--cluster-name may not be empty".to_owned()).into());
        }
        if self.interval < SignedDuration::from_secs(1) || self.interval.subsec_nanos() != 0 {
            return Err(Usage("--interval takes whole seconds, at least 1s".to_owned()).into());
        }
        let state = StateFolder::of_user();
        // In the background that was asked before, and the name is still held by whoever did.
        if let Ok(state) = &state
            && !self.in_background
            && self.already_runs(state, steps)?
        {
            return Ok(ExitCode::SUCCESS);
        }
        if self.detach && !self.in_background {
            return start_detached(&state?, &self.name);
        }
        let starter = self.in_background.then(Starter::watch).transpose()?;
        let options = self.options();
        let now = options.clock.now();
        let scenario = self.scenario.as_deref().map(|file| read_scenario(file, now)).transpose()?;
        let otlp_out =
            self.otlp_endpoint.as_deref().map(|url| Target::new(url, &self.otlp_header)).transpose()?;
        let estimate = estimate(&options)?;
        if let Some(told) = estimate.told(options.interval) {
            steps.note(told);
        }
        let registration = self.register(state, steps)?;
        let listeners = steps.run("ports", |_| self.take_ports(), Listeners::describe)?;
        let mut environment = steps.run(
            "fleet",
            |_| environment(context, &read_manifests(context, &options)?, &options, &estimate, now),
            |_| fleet(&options),
        )?;
        check_node(&environment, self.stats_node.as_deref())?;
        if let Some(scenario) = scenario {
            let detail = |count: &usize| format!("{count} step{}", if *count == 1 { "" } else { "s" });
            steps.run("scenario", |_| play(&mut environment, &scenario), detail)?;
        }
        let store = Arc::clone(environment.store());
        let scrapes = steps.run(
            "history",
            |progress| history(&mut environment, &options, now, progress).map_err(before_epoch),
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
        let serving = Serving {
            environment,
            options,
            listeners,
            otlp_out,
            stats_node: self.stats_node.clone(),
            features: self.enable_feature.clone(),
            refused: scrapes.refused,
            name: self.name.clone(),
            flags: self.flags(),
            starter: starter.as_ref(),
            registration: registration.as_ref(),
            workspace: context.root(),
            steps,
        };
        let outcome = runtime.block_on(serving.serve());
        // A query that still computes is not waited for: its thread ends with the process.
        runtime.shutdown_background();
        let cause = outcome?;
        steps.note(format!("{} ended by {cause}; nothing is left running", time_of_day(Timestamp::now())));
        Ok(ExitCode::SUCCESS)
    }

    /// Whether the environment that is asked for is there already. Another one under its name is an error.
    fn already_runs(&self, state: &StateFolder, steps: &Steps) -> anyhow::Result<bool> {
        let running = match state.look(&self.name) {
            Presence::Absent => return Ok(false),
            Presence::Silent { pid, came_up } => return Err(silent(&self.name, pid, came_up)),
            Presence::Running(running, _) => running,
        };
        let others = different_flags(&running.flags, &self.flags());
        let (name, down) = (&self.name, format!("`cargo xtask down{}`", self.name.flag()));
        let since = running.since.strftime("%F %T UTC");
        if others.is_empty() {
            steps.note(format!("{name} runs already: process {}, since {since}", running.pid));
            show_addresses(&running, steps);
            steps.note(format!("{down} ends it"));
            return Ok(true);
        }
        anyhow::bail!(
            "{name} runs already at {}, process {}, since {since}, with other {}: end it by {down}, or start one beside \
             it with a --name and ports of its own",
            running.web_url,
            running.pid,
            others.join(" "),
        )
    }

    /// Takes the name, so that other commands find this environment. Where that cannot be, everything else still works,
    /// unless nobody would see that it runs.
    fn register(
        &self,
        state: anyhow::Result<StateFolder>,
        steps: &Steps,
    ) -> anyhow::Result<Option<Registration>> {
        let held = state.and_then(|state| state.hold(&self.name).map(|hold| (state, hold)));
        match held {
            Ok((state, Some(hold))) => Ok(Some(Registration::new(state, hold))),
            Ok((_, None)) => {
                anyhow::bail!("{} is just being started by another command: try again in a moment", self.name)
            }
            Err(error) if self.in_background => Err(error),
            Err(error) => {
                steps.note(format!("warning: {error:#}; other commands do not find this environment"));
                Ok(None)
            }
        }
    }

    /// The flags that make a difference, by name.
    fn flags(&self) -> serde_json::Value {
        let mut flags = serde_json::to_value(self).unwrap_or_default();
        // The second start may come from another folder.
        for (name, path) in
            [("fleet", &self.fleet), ("collector", &self.collector), ("scenario", &self.scenario)]
        {
            if let Some(path) = path.as_deref().and_then(|path| std::path::absolute(path).ok()) {
                flags[name] = path.to_string_lossy().into();
            }
        }
        // What is written down may be compared, not read. A file with headers is what is in it.
        let target = self.otlp_endpoint.as_deref().map(|url| Target::new(url, &self.otlp_header));
        flags["otlp-header"] = match target {
            Some(Ok(target)) => target.texts().map(fingerprint).collect(),
            // What is wrong with it is told when it is needed.
            _ => self.otlp_header.iter().map(fingerprint).collect(),
        };
        flags
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
            clusters: self.clusters,
            collector: self.collector.clone(),
        }
    }

    fn take_ports(&self) -> anyhow::Result<Listeners> {
        Ok(Listeners {
            api: bind_loopback(self.api_port, "the Prometheus API", "--api-port")?,
            otlp: bind_loopback(self.otlp_port, "OTLP over HTTP", "--otlp-port")?,
            stats: bind_loopback(self.stats_port, "the simulated kubelets", "--stats-port")?,
            web: bind_loopback(self.web_port, "the dashboards' preview", "--web-port")?,
        })
    }
}

/// How large it is; each of several clusters has this size.
fn fleet(options: &EmbeddedOptions) -> String {
    let clusters =
        if options.clusters > 1 { format!("{} clusters of ", options.clusters) } else { String::new() };
    format!("{clusters}{} nodes, {} pods", options.nodes, options.pods)
}

/// A node that is to be stood for has to be one.
fn check_node(environment: &Environment, name: Option<&str>) -> anyhow::Result<()> {
    let cluster = environment.first_cluster().latest();
    match name {
        Some(name) if cluster.node(name).is_none() => {
            let example = cluster.node_names().next().unwrap_or_default();
            Err(Usage(format!("--stats-node: there is no node {name:?}; one is for example {example:?}"))
                .into())
        }
        _ => Ok(()),
    }
}

/// History that reaches back too far is the user's mistake.
fn before_epoch(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(EnvironmentError::Simulation(early @ SimulationError::BeforeEpoch { .. })) => {
            Usage(format!("--now, --backfill: {early}")).into()
        }
        _ => error,
    }
}

/// Tells one text from another without showing it.
fn fingerprint(text: impl AsRef<[u8]>) -> String {
    let mut hasher = DefaultHasher::new();
    text.as_ref().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// The names of the flags that are not equal, as they are typed.
fn different_flags(one: &serde_json::Value, other: &serde_json::Value) -> Vec<String> {
    let names = [one, other].into_iter().filter_map(|flags| Some(flags.as_object()?.keys())).flatten();
    let names: BTreeSet<&String> = names.collect();
    names.into_iter().filter(|name| one[*name] != other[*name]).map(|name| format!("--{name}")).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        kwok: Kwok,
    }

    fn flags(line: &str) -> serde_json::Value {
        Line::parse_from(std::iter::once("kwok").chain(line.split_whitespace())).kwok.flags()
    }

    #[test]
    fn a_file_is_the_same_one_from_every_folder() {
        let flags = flags("--fleet a --collector b --scenario c");
        for name in ["fleet", "collector", "scenario"] {
            let path = flags[name].as_str().unwrap();
            assert!(std::path::Path::new(path).is_absolute(), "{name}: {path}");
        }
    }

    #[test]
    fn a_secret_on_the_command_line_is_not_written_down() {
        let flags = flags("--otlp-endpoint x --otlp-header authorization=hunter2").to_string();
        assert!(!flags.contains("hunter2") && flags.contains("otlp-header"), "{flags}");
    }

    #[test]
    fn headers_from_a_file_are_compared_by_what_is_in_it() {
        let name = format!("kubernetes-mixin-otel-{}-compared-headers", std::process::id());
        let file = std::env::temp_dir().join(name);
        let of_file = |text: &str| {
            std::fs::write(&file, text).unwrap();
            flags(&format!("--otlp-endpoint http://host --otlp-header @{}", file.display()))
        };
        let (one, same, other) = (of_file("a=b\n"), of_file("# the same\n\nA = b\n"), of_file("a=c\n"));
        std::fs::remove_file(&file).unwrap();
        let typed = flags("--otlp-endpoint http://host --otlp-header a=b");
        assert_eq!((&one, &one), (&same, &typed));
        assert_eq!(different_flags(&one, &other), ["--otlp-header"]);
    }

    #[test]
    fn flags_that_make_another_environment_are_named_and_no_others() {
        for (one, other, different) in [
            ("", "--detach", ""),
            ("", "--in-background --name second", ""),
            ("", "--nodes 50", ""),
            ("--backfill 1h", "--backfill 60m", ""),
            ("--nodes 3 --seed 2", "--pods 9", "--nodes --pods --seed"),
            ("--fleet deploy/kwok", "--fleet ./deploy/kwok", ""),
            ("--collector a --scenario b/c", "--collector ./a --scenario ./b/c", ""),
            ("--now 2026-06-01T12:00:00Z", "", "--now"),
            ("--api-port 0", "", "--api-port"),
            ("--scenario a.yaml", "--scenario b.yaml", "--scenario"),
            ("--otlp-endpoint x --otlp-header a=b", "--otlp-endpoint x --otlp-header a=b", ""),
            ("--otlp-endpoint x --otlp-header a=b", "--otlp-endpoint x --otlp-header a=c", "--otlp-header"),
        ] {
            assert_eq!(different_flags(&flags(one), &flags(other)).join(" "), different, "{one:?} {other:?}");
        }
    }
}
