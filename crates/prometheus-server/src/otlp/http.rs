//! OTLP over HTTP, with Prometheus' answers.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::sync::Semaphore;

use super::body::{Arrived, Bodies, Format, Refused, unpack};
use super::ingest::OtlpIngester;
use super::refusals::OtlpRefusal;
use crate::api::Clock;

/// Requests that are worked on at the same time: while one is translated, the next one is unpacked.
const MAX_REQUESTS: usize = 2;

/// What the OTLP end points share. Cheap to clone.
#[derive(Clone)]
pub struct OtlpState {
    ingester: Arc<OtlpIngester>,
    clock: Clock,
    bodies: Bodies,
    slots: Arc<Semaphore>,
}

impl OtlpState {
    /// End points that write to `ingester`.
    pub fn new(ingester: Arc<OtlpIngester>, clock: Clock) -> Self {
        Self { ingester, clock, bodies: Bodies::new(), slots: Arc::new(Semaphore::new(MAX_REQUESTS)) }
    }
}

impl std::fmt::Debug for OtlpState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OtlpState").finish_non_exhaustive()
    }
}

/// `/v1/metrics`, as exporters expect it on port 4318. Logs and traces are told that they are not taken, and whoever is
/// wrong here, where to go.
pub fn otlp_router(state: OtlpState) -> Router {
    Router::new()
        .route("/v1/metrics", post(metrics))
        .route("/v1/logs", post(metrics_only))
        .route("/v1/traces", post(metrics_only))
        .fallback(nothing_here)
        .method_not_allowed_fallback(post_only)
        .with_state(state)
}

/// `/api/v1/otlp/v1/metrics`, as Prometheus has it beside its API, and the neighbours that it has not.
pub(crate) fn prometheus_routes<S: Clone + Send + Sync + 'static>(state: Option<OtlpState>) -> Router<S> {
    let handler = match state {
        Some(state) => post(metrics).with_state(state),
        None => post(|| async {
            let reason = "otlp write receiver needs to be enabled with --web.enable-otlp-receiver";
            refusal(StatusCode::NOT_FOUND, reason)
        }),
    };
    Router::new()
        .route("/otlp/v1/metrics", handler)
        .route("/otlp/v1/logs", post(metrics_only))
        .route("/otlp/v1/traces", post(metrics_only))
}

async fn metrics_only() -> Response {
    refusal(StatusCode::NOT_FOUND, "only metrics are taken here: there is no store for logs and traces")
}

async fn nothing_here(uri: Uri) -> Response {
    let hint = if uri.path().starts_with("/api/") {
        "; the Prometheus API is on another port, usually 9090"
    } else {
        ""
    };
    let reason = format!("nothing here: metrics are taken by POST at /v1/metrics, as OTLP over HTTP{hint}");
    refusal(StatusCode::NOT_FOUND, &reason)
}

async fn post_only(method: Method) -> Response {
    let reason = format!("{method} is not for here: OTLP sends by POST");
    refusal(StatusCode::METHOD_NOT_ALLOWED, &reason)
}

async fn metrics(State(state): State<OtlpState>, request: Request) -> Response {
    match take(&state, request).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(Answer::Counted((status, reason))) => refusal(status, &reason),
        Err(Answer::Uncounted((status, reason))) => {
            let answer = refusal(status, &reason);
            state.ingester.note_refused(reason);
            answer
        }
    }
}

/// Whether the ingester has seen the request, and counted its refusal.
enum Answer {
    Counted(Refused),
    Uncounted(Refused),
}

async fn take(state: &OtlpState, request: Request) -> Result<(), Answer> {
    let (parts, body) = request.into_parts();
    let format =
        Format::of(&parts.headers).map_err(|reason| Answer::Uncounted((StatusCode::BAD_REQUEST, reason)))?;
    let arrived = state.bodies.read(body).await.map_err(Answer::Uncounted)?;
    // Only now: a sender that hangs must not keep others from being served.
    let slot = Arc::clone(&state.slots).acquire_owned().await.map_err(|_| {
        Answer::Uncounted((StatusCode::SERVICE_UNAVAILABLE, "the server is shutting down".to_owned()))
    })?;
    let state = state.clone();
    let work = tokio::task::spawn_blocking(move || {
        let _slot = slot;
        ingest(&state, format, arrived)
    });
    work.await.unwrap_or_else(|_| {
        let reason = "the request failed unexpectedly".to_owned();
        Err(Answer::Uncounted((StatusCode::INTERNAL_SERVER_ERROR, reason)))
    })
}

fn ingest(state: &OtlpState, format: Format, arrived: Arrived) -> Result<(), Answer> {
    let wrong = |reason| Answer::Uncounted((StatusCode::BAD_REQUEST, reason));
    let bytes = if format.gzip { unpack(&arrived.bytes).map_err(wrong)?.into() } else { arrived.bytes };
    let now_ms = (state.clock)();
    let outcome = if format.json {
        otlp::check_json_size(&bytes)
            .map_err(|refused| Answer::Uncounted((StatusCode::PAYLOAD_TOO_LARGE, refused.to_string())))?;
        let request = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        state.ingester.ingest(&request, now_ms)
    } else {
        state.ingester.ingest_protobuf(bytes, now_ms)
    };
    outcome.map(drop).map_err(|refused| {
        let status = match refused {
            OtlpRefusal::Bytes(_) | OtlpRefusal::Samples(_) => StatusCode::BAD_REQUEST,
            OtlpRefusal::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            OtlpRefusal::Metrics(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Answer::Counted((status, refused.to_string()))
    })
}

/// Text as Go's `http.Error` sends it.
fn refusal(status: StatusCode, reason: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{reason}\n")).into_response()
}
