//! What `cargo xtask dev` does in the program that has the clients of container engines and clusters.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use environments::cluster::kubeconfig::Places;
use environments::engine::Engine;
use environments::k3d::{DevOptions, DevPlan, Names, Parts, Ports, plan, prometheus_url, removal};
use environments::plan::Plan;
use tools::pins::{EnvironmentKind, Pins, ToolName, pins_path};
use tools::{Downloader, SystemProcesses, Toolbox, cache_folder};

use super::Dev;
use crate::commands::real::{Kubectl, OnEngine, Plans, Wanted};
use crate::context::Context;
use crate::doctor::{Asked, ChosenPorts};
use crate::environment::{EnvironmentName, RealEnvironment, RealEnvironments, RealKind};
use crate::ui::Steps;

impl OnEngine for Dev {
    fn wanted(&self, environments: &RealEnvironments) -> anyhow::Result<Wanted> {
        let options = options(self, &self.name, environments);
        Ok(Wanted {
            name: self.name.clone(),
            kind: RealKind::Dev,
            needs: Asked {
                kind: Some(EnvironmentKind::Dev),
                ports: ChosenPorts {
                    web: self.grafana_port,
                    otlp_grpc: self.otlp_grpc_port,
                    otlp_http: self.otlp_port,
                    prometheus: self.prometheus_port,
                    ..ChosenPorts::default()
                },
                offline: self.offline,
            },
            grafana_port: self.grafana_port,
            prometheus_url: prometheus_url(&options.ports),
            otlp_port: self.otlp_port,
            otlp_grpc_port: self.otlp_grpc_port,
            kubectl: if self.no_switch_context {
                Kubectl::Kubeconfig(options.names.kubeconfig())
            } else {
                Kubectl::Context(options.names.k3d())
            },
            retain: self.retain,
            detach: self.detach,
            flags: serde_json::to_value(self).context("failed to write the flags down")?,
        })
    }

    async fn plans(
        &self,
        context: &Context,
        environments: &RealEnvironments,
        engine: Engine,
    ) -> anyhow::Result<Plans> {
        let options = options(self, &self.name, environments);
        let parts = parts(context, engine, Programs::Obtain { offline: self.offline })?;
        let DevPlan { plan, seen } = plan(&options, &parts)?;
        Ok(Plans { plan, remains: removal(&options.names, &parts)?, seen })
    }
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
    Ok(plan(&options, &parts_to_look(context, engine)?)?.plan)
}

/// What is needed to find and remove whatever there is.
pub(crate) fn parts_to_look(context: &Context, engine: Engine) -> anyhow::Result<Parts> {
    parts(context, engine, Programs::Look)
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
