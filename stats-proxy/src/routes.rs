//! What is where.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::routing::{MethodRouter, get};
use axum::{Json, Router, middleware};
use http_guard::AllowedHosts;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use crate::kubelet::Kubelets;
use crate::source::KubeletSource;
use crate::{answers, limits};

/// What a kubelet serves, below a node's path or at the root.
fn kubelet_routes() -> [(&'static str, MethodRouter<Arc<Kubelets>>); 4] {
    // Of a kubelet's answers only the metrics are compressed: they are what Prometheus reads from afar. A collector asks
    // for gzip always, and for large summaries of many nodes it would cost more than all the rest.
    let compressed = CompressionLayer::new().quality(CompressionLevel::Fastest);
    [
        ("/stats/summary", get(answers::summary)),
        ("/pods", get(answers::pods)),
        ("/metrics/resource", get(answers::resource_metrics).layer(compressed)),
        ("/healthz", get(answers::healthz)),
    ]
}

/// The server. Requests that are not addressed to one of `hosts` are refused.
///
/// With a `node`, the paths of a kubelet answer at the root for that one, as they do on the node itself. Without, the root
/// stands for nobody and says where the nodes are.
pub fn router(source: Arc<dyn KubeletSource>, hosts: AllowedHosts, node: Option<String>) -> Router {
    http_guard::guard(kubelets(source, node, More::default()), hosts)
}

/// What a server has beside the kubelets.
#[derive(Default)]
pub(crate) struct More {
    pub(crate) routes: Router<Arc<Kubelets>>,
    /// The same for people.
    pub(crate) overview: &'static str,
}

/// The server without its guard.
pub(crate) fn kubelets(source: Arc<dyn KubeletSource>, node: Option<String>, more: More) -> Router {
    let mut routes = more
        .routes
        .route("/", get(answers::overview))
        .route("/nodes", get(nodes))
        .route("/nodes/{node}", get(answers::overview_of_node));
    for (path, handler) in kubelet_routes() {
        routes = routes.route(path, handler.clone()).route(&format!("/nodes/{{node}}{path}"), handler);
    }
    routes
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .with_state(Arc::new(Kubelets::new(source, node, more.overview)))
        .layer(middleware::from_fn(limits::refuse_long_addresses))
}

async fn nodes(State(kubelets): State<Arc<Kubelets>>) -> Json<Vec<String>> {
    Json(kubelets.node_names())
}

async fn not_found(uri: Uri) -> (StatusCode, String) {
    let hint = if uri.path().contains("/nodes/") {
        "the path begins with /nodes/NODE/, without a prefix, and goes on with one of stats/summary, pods, \
         metrics/resource, healthz"
    } else {
        "GET / lists what there is"
    };
    (StatusCode::NOT_FOUND, format!("There is nothing at {:?}; {hint}.\n", uri.path()))
}

async fn not_allowed(method: Method, uri: Uri) -> (StatusCode, String) {
    (StatusCode::METHOD_NOT_ALLOWED, format!("{:?} can be read (GET), not {method}.\n", uri.path()))
}
