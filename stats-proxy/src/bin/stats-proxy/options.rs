//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use http_guard::{AllowedHosts, HostName};
use kube::config::{KubeConfigOptions, Kubeconfig};
use stats_proxy::cluster::Limits;

use crate::host_metrics::HostMetricsOptions;
use crate::logging::LogLevel;

/// The kubelets of a Kubernetes cluster whose nodes have none: summaries, pods and resource metrics of every node, as
/// simulated usage of the pods that the API server knows.
///
/// A collector's kubelet_stats receiver finds the kubelet of a node at http://HOST:PORT/nodes/NODE. What a pod uses follows
/// from its uid, its requests and limits, and the annotations kwok.x-k8s.io/usage-cpu, kwok.x-k8s.io/usage-memory and
/// kubernetes-mixin-otel/usage-profile: two servers, or one that was restarted, say the same.
///
/// Needs to list and watch nodes, pods and persistentvolumeclaims.
#[derive(Debug, clap::Parser)]
#[command(name = "stats-proxy", version)]
pub(crate) struct Options {
    /// Where to listen. 0.0.0.0 lets other machines in, without a password.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:10250", env = "STATS_PROXY_LISTEN")]
    pub(crate) listen: SocketAddr,

    /// A name or address, without a port, by which clients may call this server beside localhost; can be given several
    /// times. Requests to other names are refused, as web pages could have made a browser send them.
    #[arg(
        long = "allowed-host",
        value_name = "HOST",
        value_delimiter = ',',
        env = "STATS_PROXY_ALLOWED_HOSTS"
    )]
    allowed_hosts: Vec<HostName>,

    /// The kubeconfig of the cluster [default: $KUBECONFIG or ~/.kube/config, else the service account of the pod].
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// The context in the kubeconfig [default: the current one].
    #[arg(long, value_name = "NAME")]
    context: Option<String>,

    /// Let the root stand for one node: /stats/summary, /pods, /metrics/resource and /healthz are then its own, as at a
    /// kubelet. All nodes stay below /nodes/NODE.
    #[arg(long, value_name = "NODE")]
    pub(crate) node: Option<String>,

    /// How many connections may be open; a collector keeps one for each node.
    #[arg(long, value_name = "N", default_value_t = Limits::default().connections)]
    most_connections: usize,

    /// How much is logged, as lines of JSON on stderr.
    #[arg(long, value_name = "LEVEL", value_enum, default_value = "info")]
    pub(crate) log_level: LogLevel,

    /// What agents on the nodes would send.
    #[command(flatten)]
    pub(crate) host_metrics: HostMetricsOptions,
}

impl Options {
    /// How the API server is reached.
    pub(crate) async fn cluster_config(&self) -> anyhow::Result<kube::Config> {
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        match &self.kubeconfig {
            Some(path) => {
                let file = || format!("failed to use the kubeconfig {}", path.display());
                let kubeconfig = Kubeconfig::read_from(path).with_context(file)?;
                kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.with_context(file)
            }
            None if self.context.is_some() => {
                let file = "failed to use $KUBECONFIG or ~/.kube/config";
                kube::Config::from_kubeconfig(&options).await.context(file)
            }
            None => kube::Config::infer()
                .await
                .context("there is neither a kubeconfig (--kubeconfig FILE) nor a pod's service account"),
        }
    }

    /// The names by which the server may be called.
    pub(crate) fn allowed_hosts(&self) -> AllowedHosts {
        self.allowed_hosts.iter().cloned().fold(AllowedHosts::loopback(), AllowedHosts::and)
    }

    /// Bounds on connections.
    pub(crate) fn limits(&self) -> Limits {
        Limits { connections: self.most_connections, ..Limits::default() }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn without_flags_only_this_machine_is_let_in() {
        let options = Options::try_parse_from(["stats-proxy"]).unwrap();
        assert!(options.listen.ip().is_loopback());
        assert_eq!(options.allowed_hosts().to_string(), "localhost, 127.0.0.1, [::1]");
    }

    #[test]
    fn flags_about_host_metrics_need_a_backend() {
        for flag in ["--otlp-header=a=b", "--cluster-name=a", "--collection-interval=5s", "--host-metrics=a"]
        {
            let refusal = Options::try_parse_from(["stats-proxy", flag]).unwrap_err().to_string();
            assert!(refusal.contains("--otlp-endpoint <URL>"), "{refusal}");
            assert!(Options::try_parse_from(["stats-proxy", flag, "--otlp-endpoint", "http://host"]).is_ok());
        }
    }

    #[test]
    fn hosts_are_names_without_a_port() {
        let parse = |host: &str| Options::try_parse_from(["stats-proxy", "--allowed-host", host]);
        let hosts = parse("stats-proxy,10.0.0.7").unwrap().allowed_hosts();
        assert!(hosts.allows("stats-proxy:10250") && hosts.allows("10.0.0.7") && !hosts.allows("10.0.0.8"));
        assert!(parse("stats-proxy:10250").unwrap_err().to_string().contains("without a port"));
    }
}
