//! Runs queries beside the reactor: bounded in number and time, and stopped when nobody waits any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use promql::{Interrupt, Stop};
use tokio::time::sleep;

use super::error::ApiError;
use super::state::ApiState;

/// Tells a running query to stop. The query asks it now and then.
#[derive(Debug, Default)]
struct StopSignal(AtomicU8);

impl StopSignal {
    const GO_ON: u8 = 0;
    const TIMEOUT: u8 = 1;
    const CANCELED: u8 = 2;

    fn raise(&self, stop: Stop) {
        let value = match stop {
            Stop::Timeout => Self::TIMEOUT,
            Stop::Canceled => Self::CANCELED,
        };
        // The first reason stays.
        let _ = self.0.compare_exchange(Self::GO_ON, value, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn asked(&self) -> Option<Stop> {
        match self.0.load(Ordering::Relaxed) {
            Self::GO_ON => None,
            Self::TIMEOUT => Some(Stop::Timeout),
            _ => Some(Stop::Canceled),
        }
    }
}

/// hyper drops a handler whose client hung up, and with it this.
struct CancelOnDrop(Arc<StopSignal>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.raise(Stop::Canceled);
    }
}

/// Does `work` on a thread that may block, within the server's time limit and `limit`.
pub(super) async fn run<T, F>(state: &ApiState, limit: Option<Duration>, work: F) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: FnOnce(Interrupt<'_>) -> Result<T, ApiError> + Send + 'static,
{
    const EVALUATION: &str = "expression evaluation";
    let limit = limit.unwrap_or(Duration::MAX).min(state.options().query_timeout);
    if limit.is_zero() {
        return Err(ApiError::timeout(EVALUATION));
    }
    let time_is_up = sleep(limit);
    tokio::pin!(time_is_up);

    let slot = tokio::select! {
        slot = Arc::clone(state.slots()).acquire_owned() => slot,
        () = &mut time_is_up => return Err(ApiError::timeout("query queue")),
    };
    let slot = slot.map_err(|_| ApiError::internal("the server is shutting down"))?;

    let signal = Arc::new(StopSignal::default());
    let _cancel = CancelOnDrop(Arc::clone(&signal));
    let asked = Arc::clone(&signal);
    let job = tokio::task::spawn_blocking(move || {
        // Held by the work itself: work that was given up still counts until it has noticed.
        let _slot = slot;
        work(&|| asked.asked())
    });
    tokio::select! {
        done = job => done.map_err(|_| ApiError::internal("the query failed unexpectedly"))?,
        () = &mut time_is_up => {
            signal.raise(Stop::Timeout);
            Err(ApiError::timeout(EVALUATION))
        }
    }
}
