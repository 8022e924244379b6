//! Whether what the receivers send has arrived.
//!
//! Each receiver has a marker: a metric that it sends at its first scrape, for every node. When the series of all markers are there
//! and young, data flows all the way: kubelet or API server, collector, OTLP, Prometheus.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use catalogue::{MetricDef, Receiver, find_by_prometheus_name, host_metrics, k8s_cluster, kubelet_stats};
use serde::{Deserialize, Serialize};

use crate::plan::Progress;

/// How often to ask.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a question may take: the one for all series is a large one on a large cluster.
const ANSWER: Duration = Duration::from_secs(30);

/// Samples that are older may be those of an earlier run.
const YOUNG_SECONDS: u32 = 60;

/// The series of a receiver by which one sees that it works.
#[derive(Clone, Debug, PartialEq)]
pub struct Marker {
    /// A metric that it sends from the first scrape on.
    pub metric: &'static MetricDef,
    /// How many series of it there have to be.
    pub series: u64,
    /// Their label k8s_cluster_name.
    pub cluster: String,
}

impl Marker {
    /// The marker of a receiver that sends something for each of `nodes` nodes of a cluster.
    pub fn of(receiver: Receiver, cluster: &str, nodes: u64) -> Self {
        let metric = match receiver {
            Receiver::KubeletStats => &kubelet_stats::NODE_CPU_TIME,
            Receiver::K8sCluster => &k8s_cluster::NODE_CONDITION_READY,
            Receiver::HostMetrics => &host_metrics::CPU_LOGICAL_COUNT,
        };
        Self { metric, series: nodes, cluster: cluster.to_owned() }
    }

    /// Those of a cluster whose collectors have all three receivers, host_metrics on each of the nodes.
    pub fn of_cluster(cluster: &str, nodes: u64) -> Vec<Self> {
        [Receiver::KubeletStats, Receiver::K8sCluster, Receiver::HostMetrics]
            .map(|receiver| Self::of(receiver, cluster, nodes))
            .into()
    }

    fn receiver(&self) -> &'static str {
        self.metric.receiver.name()
    }

    /// How many series of it are there and young.
    fn count(&self) -> String {
        format!("count(time() - timestamp({}) < {YOUNG_SECONDS})", self.selector())
    }

    /// How old the newest sample is.
    fn age(&self) -> String {
        format!("time() - max(timestamp({}))", self.selector())
    }

    /// How many series each metric of the cluster has, of whichever receiver.
    fn census(&self) -> String {
        format!("count by (__name__) ({{k8s_cluster_name={:?}}})", self.cluster)
    }

    fn selector(&self) -> String {
        format!("{}{{k8s_cluster_name={:?}}}", self.metric.prometheus_name(), self.cluster)
    }
}

/// What has arrived of one receiver.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReceiverData {
    /// Its name.
    pub receiver: &'static str,
    /// How many series of it Prometheus has.
    pub series: u64,
    /// Of how many metrics.
    pub metrics: u64,
    /// How old the newest sample of its marker is; none if there is none.
    pub age_seconds: Option<f64>,
}

/// What has arrived: a row for each marker.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Arrived {
    /// The receivers, in the order of their markers.
    pub receivers: Vec<ReceiverData>,
}

impl fmt::Display for Arrived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, row) in self.receivers.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{} {} series of {} metrics", row.receiver, row.series, row.metrics)?;
        }
        Ok(())
    }
}

/// What has arrived, for whoever shows it once the steps are up.
#[derive(Clone, Debug, Default)]
pub struct Seen(Arc<Mutex<Option<Arrived>>>);

impl Seen {
    /// What has arrived, if the step has come so far.
    pub fn arrived(&self) -> Option<Arrived> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps it, and says it in a line.
    pub(crate) fn keep(&self, arrived: Arrived) -> String {
        let told = arrived.to_string();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(arrived);
        told
    }
}

/// Waits until the series of all markers are there, and says what has arrived. `base_url` is what `/api/v1/query` is appended to.
///
/// # Errors
/// When some are still missing after `deadline`: which, and what was answered last.
pub async fn wait_for_data(
    base_url: &str,
    markers: &[Marker],
    deadline: Duration,
    progress: &Progress<'_>,
) -> anyhow::Result<Arrived> {
    let begun = Instant::now();
    loop {
        let look = missing(base_url, markers).await;
        match &look {
            Ok(missing) if missing.is_empty() => return arrived(base_url, markers).await,
            Ok(missing) => progress.show(&format!("waiting for {}", missing.join(", "))),
            Err(error) => progress.show(&format!("waiting for Prometheus: {}", error.root_cause())),
        }
        if begun.elapsed() >= deadline {
            let after = format!("after {} s", deadline.as_secs());
            match look {
                Ok(missing) => bail!("{after} there is no data yet at {base_url}: {}", missing.join(", ")),
                Err(error) => return Err(error.context(format!("{after} Prometheus does not answer"))),
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The markers whose series are not all there: `host_metrics (1 of 3 series of system_cpu_logical_count)`.
///
/// # Errors
/// When Prometheus does not answer, or not with what it was asked for.
pub async fn missing(base_url: &str, markers: &[Marker]) -> anyhow::Result<Vec<String>> {
    let mut missing = Vec::new();
    for marker in markers {
        let count = number(base_url, marker.count()).await?.unwrap_or(0.0);
        if count < marker.series as f64 {
            let (receiver, series, name) =
                (marker.receiver(), marker.series, marker.metric.prometheus_name());
            missing.push(format!("{receiver} ({count} of {series} series of {name})"));
        }
    }
    Ok(missing)
}

/// What is there of each marker's receiver, whether all of it or nothing.
///
/// # Errors
/// When Prometheus does not answer, or not with what it was asked for.
pub async fn arrived(base_url: &str, markers: &[Marker]) -> anyhow::Result<Arrived> {
    let mut censuses: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
    let mut receivers = Vec::new();
    for marker in markers {
        if !censuses.contains_key(&marker.cluster) {
            censuses.insert(marker.cluster.clone(), query(base_url, marker.census()).await?);
        }
        let (mut series, mut metrics) = (0, 0);
        for sample in &censuses[&marker.cluster] {
            let found = find_by_prometheus_name(&sample.metric.name);
            if found.is_some_and(|found| found.receiver == marker.metric.receiver) {
                series += sample.number()? as u64;
                metrics += 1;
            }
        }
        let age_seconds = number(base_url, marker.age()).await?;
        receivers.push(ReceiverData { receiver: marker.receiver(), series, metrics, age_seconds });
    }
    Ok(Arrived { receivers })
}

/// The value of a query with one series or none.
async fn number(base_url: &str, text: String) -> anyhow::Result<Option<f64>> {
    query(base_url, text).await?.first().map(Sample::number).transpose()
}

async fn query(base_url: &str, text: String) -> anyhow::Result<Vec<Sample>> {
    let url = format!("{}/api/v1/query", base_url.trim_end_matches('/'));
    tokio::task::spawn_blocking(move || ask(&url, &text)).await.context("a question was given up")?
}

fn ask(url: &str, query: &str) -> anyhow::Result<Vec<Sample>> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(ANSWER))
        .http_status_as_error(false)
        // What is asked is on this machine.
        .proxy(None)
        .build()
        .new_agent();
    let mut answer =
        agent.get(url).query("query", query).call().with_context(|| format!("failed to ask {url}"))?;
    let text = answer.body_mut().with_config().limit(MOST_BYTES).read_to_string();
    let text = text.with_context(|| format!("failed to read the answer of {url}"))?;
    let status = answer.status();
    match serde_json::from_str(&text) {
        Ok(Answer::Success { data }) => Ok(data.result),
        Ok(Answer::Error { error }) => bail!("{url} answered {status}: {error}"),
        // Grafana's proxy says so while Prometheus is starting.
        Err(_) if !status.is_success() => {
            bail!("{url} answered {status}: {}", text.lines().next().unwrap_or_default())
        }
        Err(error) => bail!("{url} answered something else than query results: {error}"),
    }
}

/// There are a few hundred metrics: an answer that is larger is none of ours.
const MOST_BYTES: u64 = 4 << 20;

#[derive(Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Answer {
    Success { data: Data },
    Error { error: String },
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Sample>,
}

#[derive(Deserialize)]
struct Sample {
    metric: Labels,
    value: (f64, String),
}

#[derive(Deserialize)]
struct Labels {
    #[serde(default, rename = "__name__")]
    name: String,
}

impl Sample {
    fn number(&self) -> anyhow::Result<f64> {
        let text = &self.value.1;
        text.parse().with_context(|| format!("Prometheus answered {text:?} instead of a number"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    use axum::extract::Query;
    use axum::http::StatusCode;
    use axum::routing::get;
    use serde_json::json;

    use super::*;
    use crate::plan::Silent;

    fn quiet() -> Progress<'static> {
        Progress::new("data", &Silent)
    }

    /// What Prometheus has: the answer to a query that contains a text.
    type Store = Arc<Mutex<Vec<(&'static str, Vec<(&'static str, f64)>)>>>;

    /// A Prometheus that knows what its store says; its address, and the queries that it was asked.
    async fn prometheus(store: Store) -> (String, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let asked_there = Arc::clone(&asked);
        let answer = async move |Query(form): Query<HashMap<String, String>>| {
            let query = form["query"].clone();
            asked_there.lock().unwrap().push(query.clone());
            let store = store.lock().unwrap();
            let found = store.iter().find(|(part, _)| query.contains(part));
            let Some((_, series)) = found else {
                return (StatusCode::BAD_GATEWAY, "Bad Gateway".to_owned());
            };
            let result: Vec<_> = series
                .iter()
                .map(|(name, value)| json!({"metric": {"__name__": name}, "value": [1, value.to_string()]}))
                .collect();
            let answer = json!({"status": "success", "data": {"resultType": "vector", "result": result}});
            (StatusCode::OK, answer.to_string())
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = axum::Router::new().route("/prefix/api/v1/query", get(answer));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        (format!("http://{address}/prefix"), asked)
    }

    #[tokio::test]
    async fn the_data_is_there_when_each_receiver_has_young_series_for_each_node() {
        let store: Store = Arc::default();
        let (url, asked) = prometheus(Arc::clone(&store)).await;
        *store.lock().unwrap() = vec![
            ("count(time() - timestamp(k8s_node_cpu", vec![("", 3.0)]),
            ("count(time() - timestamp(k8s_node_condition", vec![("", 3.0)]),
            ("count(time() - timestamp(system_cpu", vec![("", 3.0)]),
            (
                "count by (__name__)",
                vec![
                    ("k8s_node_cpu_time_seconds_total", 3.0),
                    ("k8s_pod_memory_working_set_bytes", 40.0),
                    ("k8s_pod_phase", 20.0),
                    ("of_others", 1000.0),
                ],
            ),
            ("time() - max(timestamp(", vec![("", 2.5)]),
        ];
        let arrived =
            wait_for_data(&url, &Marker::of_cluster("dev", 3), Duration::ZERO, &quiet()).await.unwrap();
        assert_eq!(
            arrived.to_string(),
            "kubelet_stats 43 series of 2 metrics, k8s_cluster 20 series of 1 metrics, host_metrics 0 series of 0 metrics"
        );
        assert_eq!(arrived.receivers[0].age_seconds, Some(2.5));
        let asked = asked.lock().unwrap();
        assert!(asked.iter().all(|query| query.contains(r#"{k8s_cluster_name="dev"}"#)), "{asked:?}");
    }

    #[tokio::test]
    async fn what_is_missing_is_named_with_how_much_of_it_is_there() {
        let store: Store = Arc::default();
        let (url, _) = prometheus(Arc::clone(&store)).await;
        *store.lock().unwrap() = vec![
            ("k8s_node_cpu", vec![]),
            ("k8s_node_condition", vec![("", 3.0)]),
            ("system_cpu", vec![("", 1.0)]),
        ];
        let error =
            wait_for_data(&url, &Marker::of_cluster("dev", 3), Duration::ZERO, &quiet()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "after 0 s there is no data yet at {url}: \
                 kubelet_stats (0 of 3 series of k8s_node_cpu_time_seconds_total), \
                 host_metrics (1 of 3 series of system_cpu_logical_count)"
            )
        );
    }

    #[tokio::test]
    async fn it_is_waited_for_until_it_comes() {
        let store: Store = Arc::default();
        let (url, _) = prometheus(Arc::clone(&store)).await;
        let markers = [Marker::of(Receiver::K8sCluster, "dev", 1)];
        let progress = quiet();
        let waiting = wait_for_data(&url, &markers, Duration::from_secs(30), &progress);
        let coming = async {
            // The first answer is a proxy's complaint.
            tokio::time::sleep(Duration::from_millis(200)).await;
            *store.lock().unwrap() =
                vec![("count by", vec![("k8s_pod_phase", 5.0)]), ("k8s_node_condition", vec![("", 1.0)])];
        };
        let (arrived, ()) = tokio::join!(waiting, coming);
        assert_eq!(arrived.unwrap().receivers[0].series, 5);
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_or_refuses_is_told_with_its_words() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (url, markers) = (format!("http://{free}"), Marker::of_cluster("dev", 1));
        let error = wait_for_data(&url, &markers, Duration::ZERO, &quiet()).await.unwrap_err();
        assert!(
            format!("{error:#}").contains("after 0 s Prometheus does not answer: failed to ask"),
            "{error:#}"
        );
        let (url, _) = prometheus(Arc::default()).await;
        let error = arrived(&url, &markers).await.unwrap_err();
        assert!(format!("{error:#}").ends_with("answered 502 Bad Gateway: Bad Gateway"), "{error:#}");
    }
}
