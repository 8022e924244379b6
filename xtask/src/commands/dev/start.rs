//! What `cargo xtask dev` does in the program that has the clients of container engines and clusters.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use environments::cluster::kubeconfig::Places;
use environments::engine::Engine;
use environments::k3d::{DevOptions, DevPlan, Names, Parts, Ports, plan, prometheus_url, removal};
use environments::plan::{OnFailure, Plan};
use jiff::Timestamp;
use tools::pins::{EnvironmentKind, Pins, ToolName, pins_path};
use tools::{Downloader, SystemProcesses, Toolbox, cache_folder};

use super::Dev;
use crate::commands::dashboards::watch_shipped;
use crate::commands::doctor::what_is_missing;
use crate::commands::real::arrived_table;
use crate::context::Context;
use crate::environment::{
    EnvironmentName, RealEnvironment, RealEnvironments, RealKind, Signals, Start, bring_up, find_engine,
};
use crate::ui::{Steps, print_result};

/// Brings the environment up, and stays to build dashboards anew unless it is to return.
pub(super) fn run(dev: &Dev, context: &Context) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the async runtime")?;
    let outcome = runtime.block_on(start(dev, context));
    // A program that still runs on a thread is not waited for: it has been told to end, or is done.
    runtime.shutdown_background();
    outcome
}

async fn start(dev: &Dev, context: &Context) -> anyhow::Result<ExitCode> {
    let steps = Steps::new();
    let environments = RealEnvironments::of_user()?;
    let before = environments.read(&dev.name);
    if let Some(RealEnvironment { kind: RealKind::Kwok, name, .. }) = &before {
        anyhow::bail!("{name} is an environment of `cargo xtask kwok`: choose another --name");
    }
    if before.is_none() {
        // What is there already has its ports and its images.
        what_is_missing(context, EnvironmentKind::Dev)?;
    }
    let engine = find_engine().await?;
    let options = options(dev, &dev.name, &environments);
    let mut environment = RealEnvironment {
        name: dev.name.clone(),
        kind: RealKind::Dev,
        since: before.map_or_else(Timestamp::now, |before| before.since),
        is_up: false,
        grafana_url: format!("http://127.0.0.1:{}", dev.grafana_port),
        prometheus_url: prometheus_url(&options.ports),
        otlp_url: format!("http://127.0.0.1:{}", dev.otlp_port),
        engine: engine.address().to_owned(),
        flags: serde_json::to_value(dev).context("failed to write the flags down")?,
    };
    let parts = parts(context, engine, Programs::Obtain { offline: dev.offline })?;
    let DevPlan { plan, seen } = plan(&options, &parts)?;
    let on_failure = if dev.retain { OnFailure::Keep } else { OnFailure::RollBack };
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
        environment.otlp_url, dev.otlp_grpc_port
    ));
    if options.switch_context {
        steps.note(format!("kubectl's context is {}", options.names.k3d()));
    } else {
        steps.note(format!("kubectl --kubeconfig {}", options.names.kubeconfig().display()));
    }
    let down = format!("`cargo xtask down{}`", dev.name.flag());
    if dev.detach {
        steps.note(format!("{down} ends it"));
        return Ok(ExitCode::SUCCESS);
    }
    steps.note(format!(
        "dashboards are built anew when they are saved; Ctrl-C ends that, {down} ends all of it"
    ));
    let mut signals = Signals::listen(false)?;
    watch_shipped(context)?;
    signals.next().await;
    steps.note(format!("the cluster goes on: {down} ends it"));
    Ok(ExitCode::SUCCESS)
}

fn options(dev: &Dev, name: &EnvironmentName, environments: &RealEnvironments) -> DevOptions {
    DevOptions {
        names: Names::new(&name.to_string(), &environments.folder(name)),
        agents: dev.agents,
        cluster_name: dev.cluster_name.clone(),
        workloads: !dev.no_workloads,
        switch_context: !dev.no_switch_context,
        ports: Ports {
            grafana: dev.grafana_port,
            otlp_grpc: dev.otlp_grpc_port,
            otlp_http: dev.otlp_port,
            prometheus: dev.prometheus_port,
        },
        // Never negative: it was read so.
        wait: Duration::from_secs(u64::try_from(dev.wait.as_secs()).unwrap_or_default()),
        offline: dev.offline,
    }
}

/// The steps of an environment that was started once, to be looked at: with the flags of that start.
pub(crate) fn plan_of(
    context: &Context,
    environments: &RealEnvironments,
    environment: &RealEnvironment,
    engine: Engine,
) -> anyhow::Result<Plan> {
    let dev: Dev = serde_json::from_value(environment.flags.clone())
        .with_context(|| format!("failed to read the flags that {} was started with", environment.name))?;
    let options = options(&dev, &environment.name, environments);
    Ok(plan(&options, &parts(context, engine, Programs::Look)?)?.plan)
}

/// The steps that remove whatever there is of an environment.
pub(crate) fn removal_of(
    context: &Context,
    environments: &RealEnvironments,
    environment: &RealEnvironment,
    engine: Engine,
) -> anyhow::Result<Plan> {
    let names = Names::new(&environment.name.to_string(), &environments.folder(&environment.name));
    removal(&names, &parts(context, engine, Programs::Look)?)
}

/// Whether programs that are not there are downloaded.
#[derive(Clone, Copy)]
enum Programs {
    /// They are.
    Obtain {
        /// Unless nothing may be.
        offline: bool,
    },
    /// Nothing that is only looked at or removed is worth a download.
    Look,
}

/// What the steps work with.
fn parts(context: &Context, engine: Engine, programs: Programs) -> anyhow::Result<Parts> {
    let pins = Arc::new(Pins::read(&pins_path(context.root()))?);
    let home = etcetera::home_dir().context("failed to find the home folder")?;
    let (k3d, helm) = (program(&pins, ToolName::K3d, programs)?, program(&pins, ToolName::Helm, programs)?);
    Ok(Parts {
        engine_address: engine.address().to_owned(),
        engine,
        processes: Arc::new(SystemProcesses),
        k3d,
        helm,
        pins,
        workspace: context.root().to_owned(),
        charts: cache_folder()?.join("charts"),
        kubeconfig: Places::new(std::env::var_os("KUBECONFIG").as_deref(), &home),
    })
}

fn program(pins: &Pins, tool: ToolName, programs: Programs) -> anyhow::Result<PathBuf> {
    let toolbox = Toolbox::of_user(pins, &SystemProcesses)?;
    if let Ok(found) = toolbox.look(tool) {
        return Ok(found.path);
    }
    match programs {
        // One that is missing is told when it is run.
        Programs::Look => Ok(tool.program().into()),
        Programs::Obtain { offline } => {
            let obtained = Steps::new().run(
                tool.program(),
                |progress| {
                    toolbox.obtain(tool, &Downloader::new(offline), &mut |done, _| {
                        progress.show(&format!("{} MB", done / 1_000_000));
                    })
                },
                |tool| tool.version.to_string(),
            )?;
            Ok(obtained.path)
        }
    }
}
