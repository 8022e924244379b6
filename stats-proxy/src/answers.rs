//! What is answered where.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use kubelet_stats::summary::Summary;

use crate::kubelet::{Kubelet, Kubelets};
use crate::pod_list::PodList;
use crate::refusal::Refusal;
use crate::resource_metrics;

const OVERVIEW: &str = "\
The kubelets of a simulated cluster.

GET /nodes                           the names of all nodes
GET /nodes/NODE/stats/summary        a node's Summary API; ?only_cpu_and_memory=true for less
GET /nodes/NODE/pods                 the pods that are bound to it
GET /nodes/NODE/metrics/resource     its resource metrics, as Prometheus and metrics-server read them
GET /nodes/NODE/healthz              ok while it can be reached
GET /healthz                         ok

The receiver kubelet_stats finds a node's kubelet at the endpoint http://THIS-HOST:PORT/nodes/NODE
";

/// `GET /`.
pub(crate) async fn overview(State(kubelets): State<Arc<Kubelets>>) -> String {
    let mut text = [OVERVIEW, kubelets.more()].concat();
    if let Some(node) = kubelets.chosen() {
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "\nThis one stands for the node {node:?}: /stats/summary, /pods, /metrics/resource and /healthz are its.\n"
        );
    }
    text
}

/// `GET /nodes/{node}`.
pub(crate) async fn overview_of_node(kubelet: Kubelet) -> String {
    format!(
        "The kubelet of {:?}. Below this path: stats/summary, pods, metrics/resource, healthz\n",
        kubelet.name()
    )
}

/// `stats/summary`.
pub(crate) async fn summary(kubelet: Kubelet, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let summary = kubelet.summary()?;
    let wanted = if only_cpu_and_memory(query.as_deref()) { summary.only_cpu_and_memory() } else { summary };
    Ok(json(&wanted))
}

/// A summary in one piece of memory: letting it grow up to a hundred kilobytes would move it again and again.
fn json(summary: &Summary) -> Response {
    const NODE: usize = 8 * 1_024;
    const POD: usize = 3 * 1_024 + 512;
    let mut body = Vec::with_capacity(NODE + POD * summary.pods.len());
    serde_json::to_writer(&mut body, summary).expect("numbers and text can be written to memory");
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

/// `pods`.
pub(crate) async fn pods(kubelet: Kubelet) -> Response {
    Json(PodList::of(&kubelet.pods())).into_response()
}

/// `metrics/resource`.
pub(crate) async fn resource_metrics(kubelet: Kubelet) -> Result<Response, Refusal> {
    let text = resource_metrics::text(&kubelet.summary()?);
    Ok(([(CONTENT_TYPE, resource_metrics::CONTENT_TYPE)], text).into_response())
}

/// `healthz`: of a node, or of the server where it stands for all of them.
pub(crate) async fn healthz(kubelet: Result<Kubelet, Refusal>) -> Result<&'static str, Refusal> {
    match kubelet {
        Ok(_) | Err(Refusal::WhichNode { .. }) => Ok("ok"),
        Err(refusal) => Err(refusal),
    }
}

/// Given once, as `true`. A kubelet takes everything else for no.
fn only_cpu_and_memory(query: Option<&str>) -> bool {
    let mut given = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .filter(|(key, _)| key == "only_cpu_and_memory");
    matches!((given.next(), given.next()), (Some((_, value)), None) if value == "true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_true_given_once_asks_for_less() {
        for (query, expected) in [
            (None, false),
            (Some(""), false),
            (Some("only_cpu_and_memory=true"), true),
            (Some("a=b&only_cpu_and_memory=%74rue"), true),
            (Some("only_cpu_and_memory"), false),
            (Some("only_cpu_and_memory=1"), false),
            (Some("only_cpu_and_memory=True"), false),
            (Some("only_cpu_and_memory=true&only_cpu_and_memory=true"), false),
            (Some("%ff=&&=&only_cpu_and_memory=true"), true),
        ] {
            assert_eq!(only_cpu_and_memory(query), expected, "{query:?}");
        }
    }
}
