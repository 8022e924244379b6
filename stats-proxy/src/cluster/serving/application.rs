//! What is answered where.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http_guard::{AllowedHosts, guard};

use super::metrics::{CONTENT_TYPE as METRICS_TYPE, Metrics};
use super::probes;
use crate::cluster::{ClusterKubelets, Progress};
use crate::routes::{self, More};
use crate::source::KubeletSource;

const OVERVIEW: &str = "
GET /metrics                         this server's own metrics
GET /livez                           ok while the server runs
GET /readyz                          ok while it follows the API server; ?exclude=api: while it knows the cluster
";

/// Everything that is served.
pub struct Application {
    /// Who answers for the nodes.
    pub kubelets: Arc<ClusterKubelets>,
    /// How the API server is followed.
    pub progress: Arc<Progress>,
    /// What is measured here.
    pub metrics: Arc<Metrics>,
    /// The names by which the server may be addressed. Probes are answered under every name: who sends them uses the
    /// address of the moment.
    pub hosts: AllowedHosts,
    /// The node that the root stands for.
    pub node: Option<String>,
}

impl Application {
    /// The router of it.
    pub fn router(self) -> Router {
        let Self { kubelets, progress, metrics, hosts, node } = self;
        let more = More {
            routes: Router::new().route("/metrics", get(own_metrics).with_state(Arc::clone(&metrics))),
            overview: OVERVIEW,
        };
        let kubelets: Arc<dyn KubeletSource> = kubelets;
        let guarded = guard(routes::kubelets(kubelets, node, more), hosts);
        let probes = Router::new()
            .route("/livez", get(probes::livez))
            .route("/readyz", get(probes::readyz).with_state(progress));
        guarded.merge(probes).layer(middleware::from_fn_with_state(metrics, measure))
    }
}

async fn own_metrics(State(metrics): State<Arc<Metrics>>) -> Response {
    ([(CONTENT_TYPE, METRICS_TYPE)], metrics.text()).into_response()
}

async fn measure(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    metrics.answered(route, response.status(), begin.elapsed());
    response
}
