//! The routes.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http_guard::AllowedHosts;

use crate::source::SummarySource;

type Source = Arc<dyn SummarySource>;

/// What is where; the answer to `GET /`.
const OVERVIEW: &str = "\
The kubelets of a simulated cluster.

GET /nodes                        the names of all nodes
GET /nodes/{node}/stats/summary   a node's Summary API, as the receiver kubelet_stats reads it:
                                  its endpoint is http://THIS-HOST:PORT/nodes/{node}
GET /healthz                      ok
";

/// The server. Requests that are not addressed to one of `hosts` are refused.
pub fn router(source: Arc<dyn SummarySource>, hosts: AllowedHosts) -> Router {
    let routes = Router::new()
        .route("/", get(OVERVIEW))
        .route("/healthz", get("ok"))
        .route("/nodes", get(nodes))
        .route("/nodes/{node}/stats/summary", get(summary))
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .with_state(source);
    http_guard::guard(routes, hosts)
}

async fn nodes(State(source): State<Source>) -> Json<Vec<String>> {
    Json(source.node_names())
}

async fn summary(State(source): State<Source>, Path(node): Path<String>) -> Response {
    match source.summary(&node) {
        Some(summary) => Json(summary).into_response(),
        None => (StatusCode::NOT_FOUND, unknown_node(&node, source.node_names().len())).into_response(),
    }
}

fn unknown_node(node: &str, count: usize) -> String {
    match count {
        0 => format!("There is no node {node:?}: the cluster has no nodes.\n"),
        1 => format!("There is no node {node:?}: the cluster has one node, which GET /nodes names.\n"),
        _ => format!("There is no node {node:?} among the cluster's {count} nodes; GET /nodes lists them.\n"),
    }
}

async fn not_found(uri: Uri) -> (StatusCode, String) {
    let hint = match uri.path() {
        // What a kubelet itself answers to; here one address stands for all of them.
        "/stats/summary" => "each node has its own: GET /nodes/{node}/stats/summary",
        path if path.contains("/nodes/") => {
            "the path begins with /nodes/{node}/, without a prefix, and goes on with stats/summary"
        }
        _ => "GET / lists what there is",
    };
    (StatusCode::NOT_FOUND, format!("There is nothing at {:?}; {hint}.\n", uri.path()))
}

async fn not_allowed(method: Method, uri: Uri) -> (StatusCode, String) {
    (StatusCode::METHOD_NOT_ALLOWED, format!("{:?} can be read (GET), not {method}.\n", uri.path()))
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::{HeaderMap, Request};
    use k8s_openapi::api::core::v1::{Node, Pod};
    use kubelet_stats::summary::Summary;
    use tower::ServiceExt;

    use super::*;

    /// These nodes, without pods.
    struct Cluster(Vec<&'static str>);

    impl SummarySource for Cluster {
        fn node_names(&self) -> Vec<String> {
            self.0.iter().map(|name| (*name).to_owned()).collect()
        }

        fn summary(&self, node: &str) -> Option<Summary> {
            let known = self.0.iter().find(|name| **name == node)?;
            let mut node = Node::default();
            node.metadata.name = Some((*known).to_owned());
            Some(kubelet_stats::summary::<Pod>(&node, &[], "2026-03-14T15:09:26Z".parse().unwrap()))
        }
    }

    async fn ask_at(
        cluster: Cluster,
        method: &str,
        path: &str,
        host: &str,
    ) -> (StatusCode, HeaderMap, String) {
        let request =
            Request::builder().method(method).uri(path).header("host", host).body(Body::empty()).unwrap();
        let router = router(Arc::new(cluster), AllowedHosts::loopback().and("stats-proxy".parse().unwrap()));
        let response = router.oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, headers, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn ask(method: &str, path: &str) -> (StatusCode, HeaderMap, String) {
        ask_at(Cluster(vec!["node-0", "node-1", "ip-10.ec2/x y"]), method, path, "localhost:10250").await
    }

    async fn get(path: &str) -> (StatusCode, String) {
        let (status, _, body) = ask("GET", path).await;
        (status, body)
    }

    #[tokio::test]
    async fn a_node_answers_with_its_summary_as_json() {
        let (status, headers, body) = ask("GET", "/nodes/node-1/stats/summary").await;
        assert_eq!((status, headers["content-type"].to_str().unwrap()), (StatusCode::OK, "application/json"));
        let summary: Summary = serde_json::from_str(&body).unwrap();
        assert_eq!(summary.node.node_name, "node-1");
        assert_eq!(get("/nodes/node-1/stats/summary?x=1").await.1, body);
    }

    #[tokio::test]
    async fn names_in_the_path_are_decoded() {
        let (status, body) = get("/nodes/ip-10.ec2%2Fx%20y/stats/summary").await;
        assert_eq!(status, StatusCode::OK);
        assert!(body.contains("\"nodeName\":\"ip-10.ec2/x y\""));
        assert_eq!(get("/nodes/%ff/stats/summary").await.0, StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn an_unknown_node_is_named_with_the_way_to_the_known_ones() {
        let path = "/nodes/node-9%22/stats/summary";
        let expected =
            "There is no node \"node-9\\\"\" among the cluster's 3 nodes; GET /nodes lists them.\n";
        assert_eq!(get(path).await, (StatusCode::NOT_FOUND, expected.to_owned()));
        assert_eq!(get("/nodes//stats/summary").await.0, StatusCode::NOT_FOUND);
        for (nodes, expected) in [
            (vec![], "There is no node \"n\": the cluster has no nodes.\n"),
            (vec!["m"], "There is no node \"n\": the cluster has one node, which GET /nodes names.\n"),
        ] {
            let (status, _, body) =
                ask_at(Cluster(nodes), "GET", "/nodes/n/stats/summary", "localhost").await;
            assert_eq!((status, body.as_str()), (StatusCode::NOT_FOUND, expected));
        }
    }

    #[tokio::test]
    async fn the_other_routes_answer_in_words() {
        assert_eq!(get("/healthz").await, (StatusCode::OK, "ok".to_owned()));
        assert_eq!(
            get("/nodes").await,
            (StatusCode::OK, r#"["node-0","node-1","ip-10.ec2/x y"]"#.to_owned())
        );
        let (status, overview) = get("/").await;
        assert_eq!(status, StatusCode::OK);
        for route in ["/nodes ", "/nodes/{node}/stats/summary", "/healthz"] {
            assert!(overview.contains(route), "{route}");
        }
    }

    #[tokio::test]
    async fn everything_else_is_not_found_and_says_where_to_look() {
        for (path, hint) in [
            ("/stats/summary", "each node has its own: GET /nodes/{node}/stats/summary"),
            ("/prefix/nodes/node-0/stats/summary", "without a prefix"),
            ("//nodes/node-0/stats/summary", "without a prefix"),
            ("/nodes/node-0/stats/summary/", "without a prefix"),
            ("/nodes/node-0/stats", "stats/summary"),
            ("/nodes/", "/nodes/{node}/"),
            ("/pods", "GET / lists what there is"),
        ] {
            let (status, body) = get(path).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
            assert!(body.contains(hint) && body.contains(&format!("{path:?}")), "{path}: {body}");
        }
    }

    #[tokio::test]
    async fn nothing_can_be_written() {
        for path in ["/", "/healthz", "/nodes", "/nodes/node-0/stats/summary"] {
            let (status, headers, body) = ask("POST", path).await;
            assert_eq!(
                (status, headers["allow"].to_str().unwrap()),
                (StatusCode::METHOD_NOT_ALLOWED, "GET,HEAD")
            );
            assert_eq!(body, format!("{path:?} can be read (GET), not POST.\n"));
        }
        let (status, _, body) = ask("HEAD", "/nodes/node-0/stats/summary").await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, ""));
    }

    #[tokio::test]
    async fn requests_for_another_host_are_refused() {
        for (host, status) in [("stats-proxy:10250", StatusCode::OK), ("evil.example", StatusCode::FORBIDDEN)]
        {
            assert_eq!(
                ask_at(Cluster(vec!["n"]), "GET", "/nodes/n/stats/summary", host).await.0,
                status,
                "{host}"
            );
        }
    }
}
