//! The HTTP API of Prometheus: the same paths, parameters, JSON, messages and status codes.
//!
//! What differs on purpose: results of `series` come in the order of their labels, not of their arrival; and nothing is
//! scraped, there is no rule and no alert, so that `targets`, `rules`, `alerts` are always empty, in the right shape.

mod browse;
mod error;
mod params;
mod pretty;
mod queries;
mod respond;
mod run;
mod state;
mod status;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::otlp::prometheus_routes;

pub use state::{ApiOptions, ApiState, BuildInfo, Clock, MetricMetadata};

/// The API as a router: `/api/v1/…`, `/-/ready` and `/-/healthy`.
///
/// Answers are compressed where the client takes gzip, and may be read by pages of any origin, as with a Prometheus of
/// default settings: whoever serves this on a machine that also browses the web guards it by `Host` and `Origin`.
pub fn router(state: ApiState) -> Router {
    let body_timeout = state.options().body_timeout;
    let api = Router::new()
        .route("/query", get(queries::instant).post(queries::instant))
        .route("/query_range", get(queries::range).post(queries::range))
        .route("/query_exemplars", get(queries::exemplars).post(queries::exemplars))
        .route("/format_query", get(queries::format).post(queries::format))
        .route("/series", get(browse::series).post(browse::series))
        .route("/labels", get(browse::label_names).post(browse::label_names))
        .route("/label/{name}/values", get(browse::label_values).post(browse::label_values))
        .route("/metadata", get(browse::metadata))
        .merge(status::routes())
        .merge(prometheus_routes(state.options().otlp.clone()));
    Router::new()
        .nest("/api/v1", api)
        .route("/-/ready", get(|| async { "Prometheus Server is Ready.\n" }))
        .layer(from_fn_with_state(state.clone(), only_when_ready))
        .route("/-/healthy", get(|| async { "Prometheus Server is Healthy.\n" }))
        .fallback(|| async { (StatusCode::NOT_FOUND, "404 page not found\n") })
        .method_not_allowed_fallback(|| async { (StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n") })
        .layer(RequestBodyTimeoutLayer::new(body_timeout))
        // Answers travel over the loopback interface: time matters more than size.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(cross_origin())
        .with_state(state)
}

async fn only_when_ready(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    if state.is_ready() {
        return next.run(request).await;
    }
    let stopping = HeaderName::from_static("x-prometheus-stopping");
    (StatusCode::SERVICE_UNAVAILABLE, [(stopping, "false")], "Service Unavailable").into_response()
}

fn cross_origin() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::OPTIONS])
        .allow_headers([header::ACCEPT, header::AUTHORIZATION, header::CONTENT_TYPE, header::ORIGIN])
        .expose_headers([header::DATE])
}
