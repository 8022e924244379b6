//! `cargo xtask kwok --runtime docker`: the simulated cluster of real parts, in containers.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use cluster_sim::Provocation;
use environments::cluster::kubeconfig::Places;
use environments::engine::Engine;
use environments::kwok::{KwokOptions, KwokPlan, Names, Parts, Ports, plan};
use environments::plan::OnFailure;
use environments::stack::lgtm::PROMETHEUS_THROUGH_GRAFANA;
use jiff::Timestamp;
use tools::SystemProcesses;
use tools::pins::{EnvironmentKind, Pins, pins_path};

use super::Kwok;
use crate::commands::dashboards::watch_shipped;
use crate::commands::doctor::what_is_missing;
use crate::commands::real::{arrived_table, cluster};
use crate::context::Context;
use crate::environment::{
    RealEnvironment, RealEnvironments, RealKind, Signals, Start, bring_up, find_engine, time_of_day,
};
use crate::ui::{Steps, Usage, print_result};

/// KWOK's nodes take this many pods each.
const PODS_OF_A_NODE: usize = 110;

/// How often what is provoked is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Brings the environment up, and stays to build dashboards anew unless it is to go into the background.
pub(super) fn run(kwok: &Kwok, context: &Context) -> anyhow::Result<ExitCode> {
    check(kwok)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the async runtime")?;
    let outcome = runtime.block_on(start(kwok, context));
    // A program that still runs on a thread is not waited for: it has been told to end, or is done.
    runtime.shutdown_background();
    outcome
}

fn check(kwok: &Kwok) -> anyhow::Result<()> {
    let wrong = if kwok.nodes == 0 {
        "--nodes: at least 1"
    } else if kwok.pods > kwok.nodes.saturating_mul(PODS_OF_A_NODE) {
        "--pods: at most 110 for each node; ask for more with --nodes"
    } else if kwok.cluster_name.is_empty() {
        "--cluster-name may not be empty"
    } else if kwok.interval.as_secs() < 1 || kwok.interval.subsec_nanos() != 0 {
        "--interval takes whole seconds, at least 1s"
    } else if [kwok.web_port, kwok.otlp_port, kwok.otlp_grpc_port].contains(&0) {
        "--web-port, --otlp-port, --otlp-grpc-port: on a container engine they are to be known beforehand, so not 0"
    } else {
        return Ok(());
    };
    Err(Usage(wrong.to_owned()).into())
}

async fn start(kwok: &Kwok, context: &Context) -> anyhow::Result<ExitCode> {
    let steps = Steps::new();
    let environments = RealEnvironments::of_user()?;
    let before = environments.read(&kwok.name);
    if before.is_none() {
        // What is there already has its ports and its images.
        what_is_missing(context, EnvironmentKind::Kwok)?;
    }
    let engine = find_engine().await?;
    let mut environment = RealEnvironment {
        name: kwok.name.clone(),
        kind: RealKind::Kwok,
        since: before.map_or_else(Timestamp::now, |before| before.since),
        is_up: false,
        grafana_url: format!("http://127.0.0.1:{}", kwok.web_port),
        prometheus_url: format!("http://127.0.0.1:{}{PROMETHEUS_THROUGH_GRAFANA}", kwok.web_port),
        otlp_url: format!("http://127.0.0.1:{}", kwok.otlp_port),
        engine: engine.address().to_owned(),
        flags: kwok.flags(),
    };
    let options = options(kwok, context, &environments);
    let KwokPlan { plan, seen } = plan(&options, &parts(context, engine).await?)?;
    let on_failure = if kwok.retain { OnFailure::Keep } else { OnFailure::RollBack };
    match bring_up(&plan, &environments, &mut environment, on_failure).await? {
        Start::Ended(code) => return Ok(code),
        Start::Up => {
            if let Some(arrived) = seen.arrived() {
                print_result(&arrived_table(&arrived))?;
            }
        }
    }
    steps.note(format!("Grafana:        {}", environment.grafana_url));
    steps.note(format!("Prometheus API: {} (`cargo xtask query` asks it)", environment.prometheus_url));
    steps.note(format!(
        "OTLP:           {} and 127.0.0.1:{} (gRPC)",
        environment.otlp_url, kwok.otlp_grpc_port
    ));
    if options.switch_context {
        steps.note(format!("kubectl's context is {}", options.names.kwok()));
    } else {
        steps.note(format!("kubectl --kubeconfig {}", options.names.kubeconfig().display()));
    }
    let down = format!("`cargo xtask down{}`", kwok.name.flag());
    if kwok.detach {
        steps.note(format!("{down} ends it"));
        return Ok(ExitCode::SUCCESS);
    }
    steps.note(format!(
        "dashboards are built anew when they are saved; Ctrl-C ends that, {down} ends all of it"
    ));
    let mut signals = Signals::listen(false)?;
    watch_shipped(context)?;
    tokio::select! {
        _ = signals.next() => {}
        () = end_provocations(&environment, &steps) => {}
    }
    steps.note(format!("the environment goes on: {down} ends it"));
    Ok(ExitCode::SUCCESS)
}

/// Ends what `cargo xtask sim` has provoked when its time is over. Never returns.
async fn end_provocations(environment: &RealEnvironment, steps: &Steps) {
    loop {
        tokio::time::sleep(LOOK).await;
        // A server that is away for a moment is asked again.
        let Ok(cluster) = cluster(environment).await else { continue };
        for Provocation { action, target, .. } in
            cluster.end_provocations(Timestamp::now()).await.unwrap_or_default()
        {
            steps.note(format!("{} {} {target} is over", time_of_day(Timestamp::now()), action.name()));
        }
    }
}

fn options(kwok: &Kwok, context: &Context, environments: &RealEnvironments) -> KwokOptions {
    let folder = |given: &Option<PathBuf>, usual: &str| {
        given.clone().unwrap_or_else(|| context.root().join("deploy").join(usual))
    };
    KwokOptions {
        names: Names::new(&kwok.name.to_string(), &environments.folder(&kwok.name)),
        nodes: kwok.nodes,
        pods: kwok.pods,
        cluster_name: kwok.cluster_name.clone(),
        interval: seconds(kwok.interval.as_secs()),
        fleet: folder(&kwok.fleet, "kwok"),
        collector: folder(&kwok.collector, "collector"),
        ports: Ports { grafana: kwok.web_port, otlp_grpc: kwok.otlp_grpc_port, otlp_http: kwok.otlp_port },
        beyla: kwok.beyla,
        switch_context: !kwok.no_switch_context,
        wait: seconds(kwok.wait.as_secs()),
        offline: kwok.offline,
    }
}

/// Never negative: they were read so.
fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

/// What the steps work with.
pub(crate) async fn parts(context: &Context, engine: Engine) -> anyhow::Result<Parts> {
    let home = etcetera::home_dir().context("failed to find the home folder")?;
    let mut pins = Pins::read(&pins_path(context.root()))?;
    for pin in pins.images.values_mut().filter(|pin| pin.environments.contains(&EnvironmentKind::Kwok)) {
        // Where there is no network, images come from files, and have no digest to compare.
        if engine.was_loaded(&pin.image.to_string()).await? {
            pin.digest = None;
        }
    }
    Ok(Parts {
        machine: engine.machine().await?,
        engine,
        processes: Arc::new(SystemProcesses),
        kwokctl: None,
        kubeconfigs: Places::new(std::env::var_os("KUBECONFIG").as_deref(), &home),
        pins: Arc::new(pins),
        workspace: context.root().to_owned(),
    })
}
