//! Bodies of requests: how they are written, and reading them without ever waiting for one that does not come.

use std::future::poll_fn;
use std::io::Read;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use flate2::read::MultiGzDecoder;
use prost::bytes::{Bytes, BytesMut};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Prometheus reads no more of a body than this, neither as sent nor unpacked.
const MAX_BODY_BYTES: usize = 32 << 20;

/// A body has to be there within this time, however it trickles in.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// All bodies that have arrived, or begun to, take no more memory than this, in the unit of the budget.
const MAX_ARRIVED: usize = 192 << (20 - UNIT_BITS);
/// The budget counts kibibytes.
const UNIT_BITS: usize = 10;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// Why there is no body to work on.
pub(super) type Refused = (StatusCode, String);

/// A body as it was sent, and its part of the memory for bodies.
pub(super) struct Arrived {
    pub(super) bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

/// Takes bodies in. A sender that is slow takes the memory of what it has sent, and nothing else.
#[derive(Clone, Debug)]
pub(super) struct Bodies {
    room: Arc<Semaphore>,
}

impl Bodies {
    pub(super) fn new() -> Self {
        Self { room: Arc::new(Semaphore::new(MAX_ARRIVED)) }
    }

    /// Waits for the whole of a body, but not for long.
    pub(super) async fn read(&self, body: Body) -> Result<Arrived, Refused> {
        let late = || {
            let reason = format!("the body did not arrive within {} s", BODY_TIMEOUT.as_secs());
            (StatusCode::REQUEST_TIMEOUT, reason)
        };
        tokio::time::timeout(BODY_TIMEOUT, self.read_all(body)).await.unwrap_or_else(|_| Err(late()))
    }

    async fn read_all(&self, mut body: Body) -> Result<Arrived, Refused> {
        let too_large = || {
            let reason = format!("unexpected EOF: no more than {MAX_BODY_BYTES} bytes are read");
            (StatusCode::BAD_REQUEST, reason)
        };
        if body.size_hint().lower() > MAX_BODY_BYTES as u64 {
            return Err(too_large());
        }
        let mut bytes = BytesMut::new();
        let mut room: Option<OwnedSemaphorePermit> = None;
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            let frame =
                frame.map_err(|error| (StatusCode::BAD_REQUEST, format!("unexpected EOF: {error}")))?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > MAX_BODY_BYTES {
                return Err(too_large());
            }
            bytes.extend_from_slice(&data);
            let held = room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
            let more = (bytes.capacity() >> UNIT_BITS).saturating_sub(held);
            // The size of a body fits by far.
            let Ok(more) = u32::try_from(more) else { return Err(too_large()) };
            if more > 0 {
                let more = Arc::clone(&self.room).try_acquire_many_owned(more).map_err(|_| {
                    let reason = "too many requests at a time: try again in a moment";
                    (StatusCode::SERVICE_UNAVAILABLE, reason.to_owned())
                })?;
                match &mut room {
                    Some(room) => room.merge(more),
                    None => room = Some(more),
                }
            }
        }
        Ok(Arrived { bytes: bytes.freeze(), _room: room })
    }
}

/// How a body is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    pub(super) json: bool,
    pub(super) gzip: bool,
}

impl Format {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, String> {
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

/// What was compressed.
pub(super) fn unpack(body: &[u8]) -> Result<Vec<u8>, String> {
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
