//! `cargo xtask dev`: a real Kubernetes cluster with LGTM, collectors and sample workloads in it.

#[cfg(feature = "clusters")]
pub(crate) mod start;

use std::process::ExitCode;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::commands::real;
use crate::context::Context;
use crate::environment::EnvironmentName;
use crate::ui::Usage;
#[cfg(not(feature = "clusters"))]
use tools::pins::EnvironmentKind;

/// Bring up a real cluster: k3s in containers, with LGTM, OpenTelemetry collectors and sample workloads in it.
///
/// Needs a container engine, about 3 GB of memory and a network: k3s pulls the images in it anew for every new cluster. k3d and
/// Helm are taken from PATH or downloaded. `cargo xtask doctor dev` says beforehand what is missing.
///
/// When metrics of every receiver have arrived it tells the addresses, and from then on builds the dashboards anew whenever one
/// is saved: a reload of the page in Grafana shows it within ten seconds. Ctrl-C ends that alone; the cluster goes on until
/// `cargo xtask down`. kubectl's current context is the cluster's meanwhile, and the former one again after `down`.
///
/// A second start changes what differs and nothing else: a cluster that is stopped, as after a reboot, is started; changed
/// files of deploy/k3d, deploy/collector and deploy/lgtm reach their part of it; another --agents or port makes the cluster anew. A
/// start that fails removes what it has made; with --retain it stays for a look at it, and the next start goes on from there.
#[derive(clap::Args, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Dev {
    /// What to call it, when there is more than one; also the cluster's name behind "k3d-". The usual one is called
    /// k3d-kubernetes-mixin-otel.
    #[arg(long, value_name = "NAME", default_value = "dev")]
    #[serde(skip)]
    name: EnvironmentName,

    /// How many nodes there are besides the server. All are containers on this machine: more of them show more rows, and do
    /// not make it faster.
    #[arg(long, value_name = "N", default_value_t = 0)]
    agents: usize,

    /// The cluster's name, on every series as k8s_cluster_name.
    #[arg(long, value_name = "NAME", default_value = "k3d")]
    cluster_name: String,

    /// Leave out the sample workloads. Dashboards about volumes, autoscalers, quotas and jobs have nothing to show then.
    #[arg(long)]
    no_workloads: bool,

    /// Leave the user's kubeconfig as it is. The cluster's own is shown in the end, for kubectl --kubeconfig.
    #[arg(long)]
    no_switch_context: bool,

    /// How long to wait for metrics of every receiver, once everything runs.
    #[arg(long, value_name = "DURATION", default_value = "3m", value_parser = super::parse_duration)]
    #[serde(skip)]
    wait: SignedDuration,

    /// Keep what there is when the start fails or Ctrl-C comes.
    #[arg(long)]
    #[serde(skip)]
    retain: bool,

    /// Download neither tools nor the collectors' chart: they have to be in PATH or in the cache. The images in the cluster are
    /// pulled by k3s all the same.
    #[arg(long)]
    #[serde(skip)]
    offline: bool,

    /// Return as soon as the metrics are there. `cargo xtask dashboards build` builds the dashboards then.
    #[arg(long)]
    #[serde(skip)]
    detach: bool,

    /// The port of Grafana, on 127.0.0.1 as all of them.
    #[arg(long, visible_alias = "web-port", value_name = "PORT", default_value_t = 3000)]
    grafana_port: u16,

    /// The port of the Prometheus API.
    #[arg(long, visible_alias = "api-port", value_name = "PORT", default_value_t = 9090)]
    prometheus_port: u16,

    /// The port that takes OTLP over HTTP.
    #[arg(long, value_name = "PORT", default_value_t = 4318)]
    otlp_port: u16,

    /// The port that takes OTLP over gRPC.
    #[arg(long, value_name = "PORT", default_value_t = 4317)]
    otlp_grpc_port: u16,
}

/// More nodes than a machine has room for.
const MOST_AGENTS: usize = 20;

impl Dev {
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        self.check()?;
        #[cfg(feature = "clusters")]
        let outcome = real::start(&self, context);
        #[cfg(not(feature = "clusters"))]
        let outcome = real::start(context, EnvironmentKind::Dev);
        outcome
    }

    fn check(&self) -> Result<(), Usage> {
        let mut ports = [self.grafana_port, self.prometheus_port, self.otlp_port, self.otlp_grpc_port];
        ports.sort_unstable();
        let wrong = if self.agents > MOST_AGENTS {
            "--agents: at most 20; each of them is a kubelet and a container engine on this machine"
        } else if self.cluster_name.is_empty() {
            "--cluster-name may not be empty"
        } else if ports[0] == 0 {
            "--grafana-port, --prometheus-port, --otlp-port, --otlp-grpc-port: they are to be known beforehand, so not 0"
        } else if ports.windows(2).any(|pair| pair[0] == pair[1]) {
            "--grafana-port, --prometheus-port, --otlp-port, --otlp-grpc-port: four different ones"
        } else {
            return Ok(());
        };
        Err(Usage(wrong.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        dev: Dev,
    }

    fn parsed(line: &str) -> Dev {
        Line::parse_from(std::iter::once("dev").chain(line.split_whitespace())).dev
    }

    #[test]
    fn what_cannot_be_brought_up_is_refused_with_the_flag() {
        for (line, told) in [
            ("--agents 21", "--agents"),
            ("--cluster-name=", "--cluster-name"),
            ("--grafana-port 0", "not 0"),
            ("--grafana-port 9090", "four different"),
        ] {
            let error = parsed(line).check().unwrap_err().0;
            assert!(error.contains(told), "{line}: {error}");
        }
        assert!(parsed("").check().is_ok());
        assert!(parsed("--agents 20 --web-port 3001 --api-port 9091").check().is_ok());
    }

    #[test]
    fn what_makes_another_environment_is_written_down_and_read_again() {
        let dev = parsed("--name second --agents 2 --retain --wait 1s --no-workloads");
        let flags = serde_json::to_value(&dev).unwrap();
        let again: Dev = serde_json::from_value(flags.clone()).unwrap();
        assert_eq!((again.agents, again.no_workloads, again.grafana_port), (2, true, 3000));
        for flag in ["name", "retain", "wait", "offline", "detach"] {
            assert!(flags.get(flag).is_none(), "{flag} changes nothing that stays: {flags}");
        }
    }
}
