//! A small cluster, and ways to ask for it.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use k8s_openapi::api::core::v1::{Node, Pod};
use kubelet_stats::summary::Summary;
use serde_json::json;
use stats_proxy::{AllowedHosts, KubeletSource, router};
use tower::ServiceExt;

/// Nodes; the first one has pods, the one that is called `lost` is.
#[derive(Clone)]
pub(crate) struct Cluster(pub(crate) Vec<&'static str>);

pub(crate) fn cluster() -> Cluster {
    Cluster(vec!["node-0", "node-1", "ip-10.ec2/x y", "lost"])
}

fn running(name: &str) -> serde_json::Value {
    json!({"name": name, "restartCount": 0, "ready": true, "image": "", "imageID": "",
        "state": {"running": {"startedAt": "2026-03-14T15:00:00Z"}}})
}

impl KubeletSource for Cluster {
    fn node_names(&self) -> Vec<String> {
        self.0.iter().map(|name| (*name).to_owned()).collect()
    }

    fn node(&self, name: &str) -> Option<Arc<Node>> {
        let ready = json!({"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.", "lastTransitionTime": "2026-03-14T15:08:00Z"});
        let conditions = if name == "lost" { vec![ready] } else { vec![] };
        let node = json!({"metadata": {"name": name, "uid": name}, "status": {
            "capacity": {"memory": "32Gi"}, "conditions": conditions}});
        self.0.contains(&name).then(|| Arc::new(serde_json::from_value(node).unwrap()))
    }

    fn pods(&self, node: &str) -> Vec<Arc<Pod>> {
        let pod = |name: &str, phase: &str, containers: &[&str]| {
            let pod = json!({
                "metadata": {"name": name, "namespace": "shop", "uid": name, "creationTimestamp": "2026-03-14T14:59:58Z",
                    "annotations": {"kwok.x-k8s.io/usage-cpu": "500m", "kwok.x-k8s.io/usage-memory": "100Mi"}},
                "spec": {"nodeName": node, "containers": containers.iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
                    "volumes": [{"name": "directory", "emptyDir": {}}]},
                "status": {"phase": phase, "startTime": "2026-03-14T15:00:00Z",
                    "containerStatuses": containers.iter().map(|name| running(name)).collect::<Vec<_>>()}
            });
            Arc::new(serde_json::from_value(pod).unwrap())
        };
        if self.0.first() == Some(&node) {
            vec![
                pod("web-1", "Running", &["web", "proxy"]),
                pod("job-1", "Succeeded", &[]),
                pod("api-1", "Running", &["web"]),
            ]
        } else {
            Vec::new()
        }
    }

    fn summary(&self, name: &str) -> Option<Summary> {
        let at = "2026-03-14T15:10:00Z".parse().unwrap();
        Some(kubelet_stats::summary(&*self.node(name)?, &self.pods(name), at))
    }
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Sends a request to a server that stands for `node`, or for all.
pub(crate) async fn send(cluster: Cluster, node: Option<&str>, request: Request<Body>) -> Answer {
    let hosts = AllowedHosts::loopback().and("stats-proxy".parse().unwrap());
    let router = router(Arc::new(cluster), hosts, node.map(str::to_owned));
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 24).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// A request to this machine.
pub(crate) fn request(method: &str, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).header("host", "localhost:10250").body(Body::empty()).unwrap()
}

/// `GET` from a server that stands for all nodes.
pub(crate) async fn get(path: &str) -> Answer {
    send(cluster(), None, request("GET", path)).await
}

/// The status and the text of the same.
pub(crate) async fn said(path: &str) -> (u16, String) {
    let answer = get(path).await;
    (answer.status.as_u16(), answer.text().to_owned())
}
