//! What the parts of the environment say: k3s in its container, everything else in pods.

use std::collections::BTreeMap;

use anyhow::Context as _;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, LogParams};

use super::{Collector, NAMESPACE, Names};
use crate::cluster::Cluster;

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
    fn each_part_is_found_by_what_it_is_called() {
        let sources = log_sources(&Names::new("dev", Path::new("/state")));
        let names: Vec<_> = sources.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["k3s", "lgtm", "collector-cluster", "collector-nodes"]);
        assert_eq!(sources[0].1, LogSource::Container("k3d-kubernetes-mixin-otel-server-0".to_owned()));
    }
}
