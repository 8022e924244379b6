//! A backend that takes everything that is sent to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;

/// What came.
#[derive(Default)]
pub(crate) struct Received {
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl Received {
    /// How many requests, and how many bytes they had.
    pub(crate) fn so_far(&self) -> (u64, u64) {
        (self.requests.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

/// Serves it on loopback.
pub(crate) async fn serve() -> anyhow::Result<(SocketAddr, Arc<Received>)> {
    let received = Arc::<Received>::default();
    let router = Router::new().route("/v1/metrics", post(take)).with_state(Arc::clone(&received));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("failed to listen")?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((address, received))
}

async fn take(State(received): State<Arc<Received>>, body: Bytes) {
    received.requests.fetch_add(1, Ordering::Relaxed);
    received.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
}
