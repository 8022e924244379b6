//! OTLP over HTTP, with Prometheus' answers.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use flate2::read::MultiGzDecoder;
use tokio::sync::Semaphore;
use tower_http::timeout::RequestBodyTimeoutLayer;

use super::ingest::{OtlpIngester, OtlpRefusal};
use crate::api::Clock;

/// Prometheus reads no more of a body than this, neither as sent nor unpacked.
const MAX_BODY_BYTES: usize = 32 << 20;
/// Bodies in memory at the same time. Further senders wait.
const MAX_REQUESTS: usize = 4;

/// A sender that sends nothing of its body for this long is given up.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// What the OTLP end points share. Cheap to clone.
#[derive(Clone)]
pub struct OtlpState {
    ingester: Arc<OtlpIngester>,
    clock: Clock,
    slots: Arc<Semaphore>,
}

impl OtlpState {
    /// End points that write to `ingester`.
    pub fn new(ingester: Arc<OtlpIngester>, clock: Clock) -> Self {
        Self { ingester, clock, slots: Arc::new(Semaphore::new(MAX_REQUESTS)) }
    }
}

impl std::fmt::Debug for OtlpState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OtlpState").finish_non_exhaustive()
    }
}

/// `/v1/metrics`, as exporters expect it on port 4318. Logs and traces are told that they are not taken.
pub fn otlp_router(state: OtlpState) -> Router {
    Router::new()
        .route("/v1/metrics", post(metrics))
        .route("/v1/logs", post(metrics_only))
        .route("/v1/traces", post(metrics_only))
        .layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT))
        .with_state(state)
}

/// `/api/v1/otlp/v1/metrics`, as Prometheus has it beside its API.
pub(crate) fn prometheus_routes<S: Clone + Send + Sync + 'static>(state: Option<OtlpState>) -> Router<S> {
    let handler = match state {
        Some(state) => post(metrics).with_state(state),
        None => post(|| async {
            let reason = "otlp write receiver needs to be enabled with --web.enable-otlp-receiver";
            refusal(StatusCode::NOT_FOUND, reason)
        }),
    };
    Router::new().route("/otlp/v1/metrics", handler)
}

async fn metrics_only() -> Response {
    refusal(StatusCode::NOT_FOUND, "only metrics are taken here: there is no store for logs and traces")
}

async fn metrics(State(state): State<OtlpState>, request: Request) -> Response {
    let Ok(slot) = Arc::clone(&state.slots).acquire_owned().await else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "the server is shutting down");
    };
    let (parts, body) = request.into_parts();
    let format = match Format::of(&parts.headers) {
        Ok(format) => format,
        Err(reason) => return refusal(StatusCode::BAD_REQUEST, &reason),
    };
    let body = match to_bytes(body, MAX_BODY_BYTES).await {
        Ok(body) => body,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, &format!("unexpected EOF: {error}")),
    };
    let work = tokio::task::spawn_blocking(move || {
        let _slot = slot;
        let wrong = |reason| (StatusCode::BAD_REQUEST, reason);
        let body = if format.gzip { unpack(&body).map_err(wrong)?.into() } else { body };
        let now_ms = (state.clock)();
        let outcome = if format.json {
            let request = serde_json::from_slice(&body).map_err(|error| wrong(error.to_string()))?;
            state.ingester.ingest(&request, now_ms)
        } else {
            state.ingester.ingest_protobuf(body, now_ms)
        };
        outcome.map_err(|refused| {
            let status = match refused {
                OtlpRefusal::Bytes(_) | OtlpRefusal::Samples(_) => StatusCode::BAD_REQUEST,
                OtlpRefusal::Metrics(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            (status, refused.to_string())
        })
    });
    match work.await {
        Ok(Ok(_)) => StatusCode::OK.into_response(),
        Ok(Err((status, reason))) => refusal(status, &reason),
        Err(_) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "the request failed unexpectedly"),
    }
}

/// Text as Go's `http.Error` sends it.
fn refusal(status: StatusCode, reason: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{reason}\n")).into_response()
}

/// How a body is written.
#[derive(Clone, Copy, Debug)]
struct Format {
    json: bool,
    gzip: bool,
}

impl Format {
    fn of(headers: &HeaderMap) -> Result<Self, String> {
        let text = |name: HeaderName| headers.get(name).map_or(Ok(""), |value| value.to_str()).unwrap_or("?");
        let content_type = text(header::CONTENT_TYPE);
        let json = match content_type.split(';').next().unwrap_or("").trim() {
            PROTOBUF => false,
            JSON => true,
            _ => {
                return Err(format!(
                    "unsupported content type: {content_type}, supported: [{JSON}, {PROTOBUF}]"
                ));
            }
        };
        let gzip = match text(header::CONTENT_ENCODING) {
            "" | "identity" => false,
            "gzip" => true,
            other => {
                return Err(format!(
                    "unsupported compression: {other}. Only \"gzip\" or no compression supported"
                ));
            }
        };
        Ok(Self { json, gzip })
    }
}

fn unpack(body: &[u8]) -> Result<Vec<u8>, String> {
    let limit = MAX_BODY_BYTES as u64;
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(body)
        .take(limit + 1)
        .read_to_end(&mut unpacked)
        .map_err(|error| format!("gzip: {error}"))?;
    if unpacked.len() > MAX_BODY_BYTES {
        return Err(format!("unexpected EOF: no more than {MAX_BODY_BYTES} unpacked bytes are read"));
    }
    Ok(unpacked)
}
