//! `cargo xtask kwok --runtime docker`: the simulated cluster of real parts, in containers.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use cluster_sim::Provocation;
use environments::cluster::kubeconfig::Places;
use environments::engine::Engine;
use environments::kwok::{KwokOptions, KwokPlan, Names, Parts, Ports, plan, removal};
use environments::stack::lgtm::PROMETHEUS_THROUGH_GRAFANA;
use jiff::Timestamp;
use tools::SystemProcesses;
use tools::pins::{EnvironmentKind, Pins, pins_path};

use super::Kwok;
use crate::commands::real::{Kubectl, OnEngine, Plans, Wanted, cluster, start};
use crate::context::Context;
use crate::doctor::{Asked, ChosenPorts};
use crate::environment::{RealEnvironment, RealEnvironments, RealKind, time_of_day};
use crate::ui::{Steps, Usage};

/// KWOK's nodes take this many pods each.
const PODS_OF_A_NODE: usize = 110;

/// How often what is provoked is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Brings the environment up, and stays to build dashboards anew unless it is to go into the background.
pub(super) fn run(kwok: &Kwok, context: &Context) -> anyhow::Result<ExitCode> {
    check(kwok)?;
    start(kwok, context)
}

fn check(kwok: &Kwok) -> Result<(), Usage> {
    let mut ports = [kwok.web_port, kwok.otlp_port, kwok.otlp_grpc_port];
    ports.sort_unstable();
    let wrong = if kwok.nodes == 0 {
        "--nodes: at least 1"
    } else if kwok.pods > kwok.nodes.saturating_mul(PODS_OF_A_NODE) {
        "--pods: at most 110 for each node; ask for more with --nodes"
    } else if kwok.cluster_name.is_empty() {
        "--cluster-name may not be empty"
    } else if kwok.interval.as_secs() < 1 || kwok.interval.subsec_nanos() != 0 {
        "--interval takes whole seconds, at least 1s"
    } else if ports[0] == 0 {
        "--web-port, --otlp-port, --otlp-grpc-port: on a container engine they are to be known beforehand, so not 0"
    } else if ports.windows(2).any(|pair| pair[0] == pair[1]) {
        "--web-port, --otlp-port, --otlp-grpc-port: three different ones"
    } else {
        return Ok(());
    };
    Err(Usage(wrong.to_owned()))
}

impl OnEngine for Kwok {
    fn wanted(&self, environments: &RealEnvironments) -> anyhow::Result<Wanted> {
        let names = names(self, environments);
        Ok(Wanted {
            name: self.name.clone(),
            kind: RealKind::Kwok,
            needs: Asked {
                kind: Some(EnvironmentKind::Kwok),
                ports: ChosenPorts {
                    web: self.web_port,
                    otlp_grpc: self.otlp_grpc_port,
                    otlp_http: self.otlp_port,
                    ..ChosenPorts::default()
                },
                offline: self.offline,
            },
            grafana_port: self.web_port,
            prometheus_url: format!("http://127.0.0.1:{}{PROMETHEUS_THROUGH_GRAFANA}", self.web_port),
            otlp_port: self.otlp_port,
            otlp_grpc_port: self.otlp_grpc_port,
            kubectl: if self.no_switch_context {
                Kubectl::Kubeconfig(names.kubeconfig())
            } else {
                Kubectl::Context(names.kwok())
            },
            retain: self.retain,
            detach: self.detach,
            flags: self.flags(),
        })
    }

    async fn plans(
        &self,
        context: &Context,
        environments: &RealEnvironments,
        engine: Engine,
    ) -> anyhow::Result<Plans> {
        let parts = parts(context, engine).await?;
        let options = options(self, context, environments);
        let KwokPlan { plan, seen } = plan(&options, &parts)?;
        Ok(Plans { plan, remains: removal(&options.names, &parts)?, seen })
    }

    /// Ends what `cargo xtask sim` has provoked when its time is over.
    async fn meanwhile(&self, environment: &RealEnvironment, steps: &Steps) {
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
}

fn names(kwok: &Kwok, environments: &RealEnvironments) -> Names {
    Names::new(&kwok.name.to_string(), &environments.folder(&kwok.name))
}

fn options(kwok: &Kwok, context: &Context, environments: &RealEnvironments) -> KwokOptions {
    let folder = |given: &Option<PathBuf>, usual: &str| {
        given.clone().unwrap_or_else(|| context.root().join("deploy").join(usual))
    };
    KwokOptions {
        names: names(kwok, environments),
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

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        kwok: Kwok,
    }

    #[test]
    fn what_cannot_be_brought_up_on_an_engine_is_refused_with_the_flag() {
        let checked = |line: &str| {
            let words = std::iter::once("kwok").chain(line.split_whitespace());
            check(&Line::parse_from(words).kwok).map_err(|usage| usage.0)
        };
        for (line, told) in [
            ("--nodes 0", "--nodes"),
            ("--nodes 1 --pods 111", "--pods"),
            ("--cluster-name=", "--cluster-name"),
            ("--interval 500ms", "--interval"),
            ("--web-port 0", "not 0"),
            ("--web-port 4318", "three different"),
            ("--otlp-port 4317", "three different"),
            ("--otlp-grpc-port 3000", "three different"),
        ] {
            let error = checked(line).unwrap_err();
            assert!(error.contains(told), "{line}: {error}");
        }
        assert_eq!(checked(""), Ok(()));
        assert_eq!(checked("--web-port 3001 --otlp-port 4320 --otlp-grpc-port 4319"), Ok(()));
    }
}
