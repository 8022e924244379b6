//! What the parts of the environment say: k3s in its container, everything else in pods.

use std::collections::BTreeMap;

use anyhow::Context as _;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, LogParams};
use serde_json::Value;

use super::{Collector, NAMESPACE, Names};
use crate::cluster::Cluster;

/// How much of each collector's log is read for complaints: minutes of one whose every scrape fails, with stack traces.
const READ_LINES: i64 = 400;

/// What was said before has passed, such as that LGTM is not there yet: what lasts is said again with every scrape and export.
const READ_SECONDS: i64 = 120;

/// Complaints that are told of one collector, at most …
const COMPLAINTS_OF_POD: usize = 3;

/// … and of all.
const COMPLAINTS: usize = 8;

/// Where a part says what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogSource {
    /// In a container of the engine.
    Container(String),
    /// In the pods of the environment's namespace with these labels.
    Pods(String),
}

/// The parts, by the names under which people ask for them.
pub fn log_sources(names: &Names) -> Vec<(&'static str, LogSource)> {
    let mut sources = vec![
        ("k3s", LogSource::Container(names.server())),
        ("lgtm", LogSource::Pods("app.kubernetes.io/name=lgtm".to_owned())),
    ];
    sources.extend(Collector::ALL.map(|collector| {
        let release = collector.release();
        (release, LogSource::Pods(format!("app.kubernetes.io/instance={release}")))
    }));
    sources
}

/// Reads what pods say, and what they have said since. Pods that come later are read, too.
pub struct PodLogs {
    cluster: Cluster,
    selector: String,
    lines: i64,
    /// Until when each pod was read.
    read: BTreeMap<String, Timestamp>,
}

impl PodLogs {
    /// A reader that begins with the last `lines` of each pod.
    pub fn new(cluster: Cluster, selector: &str, lines: usize) -> Self {
        let lines = i64::try_from(lines).unwrap_or(i64::MAX);
        Self { cluster, selector: selector.to_owned(), lines, read: BTreeMap::new() }
    }

    /// What is new, a line each, with the pod before it when there are several. A pod whose container has not started yet has said
    /// nothing.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn read_new(&mut self) -> anyhow::Result<Vec<String>> {
        let pods: Api<Pod> = Api::namespaced(self.cluster.client(), NAMESPACE);
        let listed = pods.list(&ListParams::default().labels(&self.selector)).await;
        let listed =
            listed.with_context(|| format!("failed to list the pods at {}", self.cluster.address()))?;
        let names: Vec<String> = listed.items.into_iter().filter_map(|pod| pod.metadata.name).collect();
        self.read.retain(|pod, _| names.contains(pod));
        let mut new = Vec::new();
        for name in &names {
            let since = self.read.get(name).copied();
            let parameters = LogParams {
                timestamps: true,
                since_time: since,
                tail_lines: since.is_none().then_some(self.lines),
                ..LogParams::default()
            };
            let Ok(text) = pods.logs(name, &parameters).await else { continue };
            for (at, line) in text.lines().filter_map(stamped) {
                // The server knows whole seconds only: some of it was read before.
                if since.is_some_and(|since| at <= since) {
                    continue;
                }
                self.read.insert(name.clone(), at);
                new.push(if names.len() > 1 { format!("{name}: {line}") } else { line.to_owned() });
            }
        }
        Ok(new)
    }
}

/// What the collectors complain of, in lines for an error message. When all pods are ready and nothing arrives, the reason stands
/// nowhere else.
pub(super) async fn complaints(cluster: &Cluster) -> String {
    let pods: Api<Pod> = Api::namespaced(cluster.client(), NAMESPACE);
    let mut told: Vec<(String, String)> = Vec::new();
    for collector in Collector::ALL {
        let selector = format!("app.kubernetes.io/instance={}", collector.release());
        // That pods cannot be asked for is said by whoever looks at their state.
        let Ok(listed) = pods.list(&ListParams::default().labels(&selector)).await else { continue };
        for pod in listed.items.into_iter().filter_map(|pod| pod.metadata.name) {
            let parameters = LogParams {
                since_seconds: Some(READ_SECONDS),
                tail_lines: Some(READ_LINES),
                ..LogParams::default()
            };
            let said = match pods.logs(&pod, &parameters).await {
                Ok(log) => complaints_in(&log),
                Err(kube::Error::Api(refusal)) => vec![format!("its log cannot be had: {}", refusal.message)],
                Err(error) => vec![format!("its log cannot be had: {error}")],
            };
            for complaint in said {
                // One node's is the others', too, as a rule.
                if !told.iter().any(|(_, known)| *known == complaint) {
                    told.push((pod.clone(), complaint));
                }
            }
        }
    }
    if told.is_empty() {
        return "  the collectors complain of nothing".to_owned();
    }
    let lines = told.iter().take(COMPLAINTS).map(|(pod, complaint)| format!("\n    {pod}: {complaint}"));
    format!("  the collectors say{}", lines.collect::<String>())
}

/// The last complaints in a collector's log, each once.
fn complaints_in(log: &str) -> Vec<String> {
    let mut last: Vec<String> = Vec::new();
    for complaint in log.lines().rev().filter_map(complaint) {
        if last.len() == COMPLAINTS_OF_POD {
            break;
        }
        if !last.contains(&complaint) {
            last.insert(0, complaint);
        }
    }
    last
}

/// What is wrong, if a line is about that: time, level, place, message and fields, with tabs between, or a line of the client of
/// Kubernetes. An export that is to be tried again is no error to the collector, but has the field of one.
fn complaint(line: &str) -> Option<String> {
    let mut parts = line.splitn(5, '\t');
    let (_, Some(level), _, Some(message)) = (parts.next()?, parts.next(), parts.next(), parts.next()) else {
        let (head, said) = line.split_once("] ")?;
        let is_error = head.starts_with('E') && head[1..].starts_with(|c: char| c.is_ascii_digit());
        return is_error.then(|| said.to_owned());
    };
    let fields: Value = parts.next().and_then(|fields| serde_json::from_str(fields).ok()).unwrap_or_default();
    match fields["error"].as_str() {
        Some(error) => Some(format!("{message}: {error}")),
        None => (level == "error").then(|| message.to_owned()),
    }
}

/// The time before a line, and the line.
fn stamped(line: &str) -> Option<(Timestamp, &str)> {
    let (at, line) = line.split_once(' ').unwrap_or((line, ""));
    Some((at.parse().ok()?, line))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::{Arc, Mutex};

    use axum::http::Uri;
    use serde_json::json;

    use super::*;

    /// An API server with these pods, each with a log.
    async fn server(logs: Arc<Mutex<BTreeMap<&'static str, &'static str>>>) -> Cluster {
        let answer = async move |uri: Uri| {
            let logs = logs.lock().unwrap();
            match uri.path().strip_prefix("/api/v1/namespaces/observability/pods/") {
                None => {
                    let pods: Vec<_> =
                        logs.keys().map(|name| json!({ "metadata": { "name": name } })).collect();
                    json!({ "apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": pods })
                        .to_string()
                }
                Some(path) => logs[path.strip_suffix("/log").unwrap()].to_owned(),
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(
            async move { axum::serve(listener, axum::Router::new().fallback(answer)).await.unwrap() },
        );
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{{name: a, cluster: {{server: 'http://{address}'}}}}]\n\
             users: [{{name: a, user: {{}}}}]\ncontexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n"
        );
        Cluster::from_kubeconfig(&kubeconfig).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_read_is_not_read_again_and_pods_that_come_later_are() {
        let logs = Arc::new(Mutex::new(BTreeMap::from([(
            "lgtm-1",
            "2026-11-23T09:00:00.1Z begins\n2026-11-23T09:00:00.12Z goes on\n",
        )])));
        let mut reader = PodLogs::new(server(Arc::clone(&logs)).await, "app=lgtm", 10);
        assert_eq!(reader.read_new().await.unwrap(), ["begins", "goes on"]);
        assert!(reader.read_new().await.unwrap().is_empty());
        logs.lock().unwrap().insert(
            "lgtm-1",
            "2026-11-23T09:00:00.12Z goes on\n2026-11-23T09:00:00.123Z\n2026-11-23T09:00:01Z ends\n",
        );
        assert_eq!(reader.read_new().await.unwrap(), ["", "ends"]);
        logs.lock().unwrap().insert("lgtm-2", "2026-11-23T08:00:00Z another\n");
        assert_eq!(reader.read_new().await.unwrap(), ["lgtm-2: another"]);
    }

    #[test]
    fn of_a_collectors_log_each_complaint_is_told_once_with_its_error_and_without_its_stack() {
        let log = [
            "2026-11-24T00:18:59.1Z\twarn\tbuilders/builders.go:40\t\"kubeletstats\" alias is deprecated\t{\"otelcol.signal\": \"metrics\"}",
            "2026-11-24T00:19:00.1Z\terror\tscraper.go:108\tcall to /stats/summary endpoint failed\t{\"resource\": {\"k8s.pod.name\": \"x\"}, \
             \"error\": \"Get \\\"https://172.18.0.2:10250/stats/summary\\\": 403 Forbidden\"}",
            "go.opentelemetry.io/collector/scraper.ScrapeMetricsFunc.ScrapeMetrics",
            "\tgo.opentelemetry.io/collector/scraper@v0.161.0/metrics.go:24",
            "E1124 00:19:01.000000       1 reflector.go:204] \"Failed to watch\" err=\"pods is forbidden\"",
            "I1124 00:19:01.000000       1 reflector.go:204] \"Caches are synced\"",
            "2026-11-24T00:19:02.1Z\tinfo\tretry_sender.go:133\tExporting failed. Will retry.\t{\"error\": \"connection refused\"}",
            "2026-11-24T00:19:15.1Z\terror\tscraper.go:108\tcall to /stats/summary endpoint failed\t{\"resource\": {\"k8s.pod.name\": \"x\"}, \
             \"error\": \"Get \\\"https://172.18.0.2:10250/stats/summary\\\": 403 Forbidden\"}",
            "2026-11-24T00:19:16.1Z\tinfo\tservice.go:256\tEverything is ready.\t{}",
        ];
        let told = [
            "\"Failed to watch\" err=\"pods is forbidden\"",
            "Exporting failed. Will retry.: connection refused",
            "call to /stats/summary endpoint failed: Get \"https://172.18.0.2:10250/stats/summary\": 403 Forbidden",
        ];
        assert_eq!(complaints_in(&log.join("\n")), told);
        assert!(complaints_in("Error: no\n] \n\té\n").is_empty());
    }

    #[test]
    fn each_part_is_found_by_what_it_is_called() {
        let sources = log_sources(&Names::new("dev", Path::new("/state")));
        let names: Vec<_> = sources.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["k3s", "lgtm", "collector-cluster", "collector-nodes"]);
        assert_eq!(sources[0].1, LogSource::Container("k3d-kubernetes-mixin-otel-server-0".to_owned()));
    }
}
