//! How long a node's answers take, from the request to the last byte: `cargo bench -p stats-proxy`.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use divan::{Bencher, counter::BytesCount};
use k8s_openapi::api::core::v1::{Node, Pod};
use kubelet_stats::summary::Summary;
use serde_json::json;
use stats_proxy::{AllowedHosts, KubeletSource, router};
use tower::ServiceExt;

fn main() {
    divan::main();
}

/// One node of a fleet of 5,000 with 150,000 pods.
struct OneNode {
    node: Arc<Node>,
    pods: Vec<Arc<Pod>>,
}

impl KubeletSource for OneNode {
    fn node_names(&self) -> Vec<String> {
        vec!["n".to_owned()]
    }

    fn node(&self, name: &str) -> Option<Arc<Node>> {
        (name == "n").then(|| Arc::clone(&self.node))
    }

    fn pods(&self, _: &str) -> Vec<Arc<Pod>> {
        self.pods.clone()
    }

    fn summary(&self, _: &str) -> Option<Summary> {
        let at = "2026-03-14T15:09:26Z".parse().expect("a valid instant");
        Some(kubelet_stats::summary(&self.node, &self.pods, at))
    }
}

fn server() -> Router {
    let pod = |number: usize| {
        let resources =
            json!({"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}});
        let pod = json!({
            "metadata": {
                "name": format!("web-5d8f7c9b6d-{number:05}"), "namespace": "shop",
                "uid": format!("b2a6c1de-5f0e-4d5c-9b7e-{number:012}"), "labels": {"app": "web", "pod-template-hash": "5d8f7c9b6d"}
            },
            "spec": {
                "containers": [{"name": "main", "image": "registry.example/web:1", "resources": resources}],
                "volumes": [{"name": "kube-api-access-abcde", "projected": {"sources": []}}]
            },
            "status": {
                "phase": "Running", "startTime": "2026-03-10T00:00:00Z",
                "containerStatuses": [{"name": "main", "restartCount": 0, "ready": true, "image": "", "imageID": "",
                    "state": {"running": {"startedAt": "2026-03-10T00:00:02Z"}}}]
            }
        });
        Arc::new(serde_json::from_value(pod).expect("a valid pod"))
    };
    let node = json!({"metadata": {"name": "n", "creationTimestamp": "2026-03-01T00:00:00Z"}, "status": {"capacity": {"memory": "256Gi"}}});
    let node = Arc::new(serde_json::from_value(node).expect("a valid node"));
    let source = OneNode { node, pods: (0..30).map(pod).collect() };
    router(Arc::new(source), AllowedHosts::loopback(), None)
}

const PATHS: [&str; 4] =
    ["stats/summary", "stats/summary?only_cpu_and_memory=true", "pods", "metrics/resource"];

#[divan::bench(args = PATHS)]
fn a_node_of_30_pods(bencher: Bencher<'_, '_>, path: &str) {
    ask(bencher, path, "identity");
}

#[divan::bench]
fn metrics_in_gzip(bencher: Bencher<'_, '_>) {
    ask(bencher, "metrics/resource", "gzip");
}

fn ask(bencher: Bencher<'_, '_>, path: &str, encoding: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let server = server();
    let answer = || {
        let request = Request::builder()
            .uri(format!("/nodes/n/{path}"))
            .header("host", "localhost")
            .header("accept-encoding", encoding)
            .body(Body::empty())
            .expect("a valid request");
        runtime.block_on(async {
            let response = server.clone().oneshot(request).await.expect("an answer");
            to_bytes(response.into_body(), 1 << 24).await.expect("a whole answer").len()
        })
    };
    bencher.counter(BytesCount::new(answer())).bench_local(answer);
}
