//! The flags about host metrics, and sending them as long as the program runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::SignedDuration;
use otlp_sender::{OtlpSender, SendingStatus, Target};
use receivers::HostMetricsSettings;
use stats_proxy::cluster::{self, ClusterKubelets, HostAgents, Progress};
use tokio::sync::Notify;
use tracing::{info, warn};

/// So long is sent what waits when the program ends.
const AT_THE_END: Duration = Duration::from_secs(2);

/// The flags.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Host metrics")]
pub(crate) struct HostMetricsOptions {
    /// Send simulated host metrics of every node to this OTLP/HTTP backend, as agents on the nodes would, for example
    /// http://lgtm:4318. A base URL: /v1/metrics is appended.
    #[arg(long, value_name = "URL", env = "STATS_PROXY_OTLP_ENDPOINT")]
    otlp_endpoint: Option<String>,

    /// A header for the backend, or a file with one on each line; can be given several times. Values are not shown.
    #[arg(long, value_name = "NAME=VALUE|@FILE", requires = "otlp_endpoint")]
    otlp_header: Vec<String>,

    /// What the cluster is called in host metrics (k8s.cluster.name).
    #[arg(long, value_name = "NAME", default_value = "kwok", requires = "otlp_endpoint")]
    cluster_name: String,

    /// How often nodes are measured.
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = interval, requires = "otlp_endpoint")]
    collection_interval: SignedDuration,

    /// Which host metrics: the settings of the collector's host_metrics receiver [default: as the project's collectors].
    #[arg(long, value_name = "FILE", requires = "otlp_endpoint")]
    host_metrics: Option<PathBuf>,
}

impl HostMetricsOptions {
    /// Begins to send, where that is asked for, as soon as there is something.
    pub(crate) fn start(&self) -> anyhow::Result<Option<HostMetrics>> {
        let Some(endpoint) = &self.otlp_endpoint else { return Ok(None) };
        let target = self
            .otlp_header
            .iter()
            .try_fold(Target::new(endpoint).context("--otlp-endpoint")?, |target, header| {
                target.with_header(header)
            })
            .context("--otlp-header")?;
        let settings =
            self.host_metrics.as_deref().map_or_else(|| Ok(HostAgents::usual_settings()), settings_in)?;
        info!(
            url = %target.url(),
            headers = target.header_names().join(", "),
            cluster = self.cluster_name,
            interval = %format_args!("{:#}", self.collection_interval),
            "host metrics are sent when nodes and pods are listed"
        );
        let sender = OtlpSender::start(target, tell).context("failed to start a thread")?;
        Ok(Some(HostMetrics {
            sender,
            settings,
            cluster_name: self.cluster_name.clone(),
            interval: self.collection_interval,
        }))
    }
}

/// Host metrics that are sent.
pub(crate) struct HostMetrics {
    sender: OtlpSender,
    settings: HostMetricsSettings,
    cluster_name: String,
    interval: SignedDuration,
}

impl HostMetrics {
    /// Who sends them.
    pub(crate) fn sender(&self) -> OtlpSender {
        self.sender.clone()
    }

    /// Sends until `end`, and then what waits.
    pub(crate) async fn send(self, kubelets: Arc<ClusterKubelets>, progress: &Progress, end: &Notify) {
        let Self { sender, settings, cluster_name, interval } = self;
        let agents = HostAgents::new(kubelets, &cluster_name, settings);
        tokio::select! {
            never = cluster::send_host_metrics(agents, sender.clone(), progress, interval) => match never {},
            () = end.notified() => {}
        }
        let unsent = sender.finish(AT_THE_END).await;
        if unsent > 0 {
            warn!(
                unsent,
                problem = sender.status().problem,
                "host metrics: points that waited were not sent"
            );
        }
    }
}

fn settings_in(file: &Path) -> anyhow::Result<HostMetricsSettings> {
    let place = || format!("--host-metrics {}", file.display());
    let text = std::fs::read_to_string(file).with_context(place)?;
    serde_yaml::from_str(&text).with_context(place)
}

/// A problem, or its end.
fn tell(status: &SendingStatus) {
    let SendingStatus { url, sent, refused, dropped, problem, .. } = status;
    match problem {
        Some(problem) => warn!(url, sent, refused, dropped, problem, "host metrics: sending fails"),
        None => info!(url, sent, refused, dropped, "host metrics are sent again"),
    }
}

/// Whole seconds, as rounds are at multiples of it.
fn interval(text: &str) -> Result<SignedDuration, String> {
    let time: SignedDuration = text.parse().map_err(|_| "not a time, such as 15s or 1m".to_owned())?;
    if time < SignedDuration::from_secs(1) || time > SignedDuration::from_hours(1) || time.subsec_nanos() != 0
    {
        return Err("from 1s to 1h, in whole seconds".to_owned());
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_whole_seconds_up_to_an_hour() {
        for (text, seconds) in
            [("15s", Some(15)), ("1m", Some(60)), ("1h", Some(3_600)), ("1m 30s", Some(90))]
        {
            assert_eq!(interval(text).ok().map(|time| time.as_secs()), seconds, "{text}");
        }
        for text in ["", "15", "0s", "500ms", "1500ms", "-15s", "2h", "soon"] {
            assert!(interval(text).is_err(), "{text}");
        }
    }
}
