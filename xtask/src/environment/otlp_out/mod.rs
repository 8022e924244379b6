//! The simulated fleet's metrics sent to an OTLP/HTTP backend, besides the store.
//!
//! ```text
//! live scrapes ──► Outlet ──► Queue ──► Sender (a thread) ──► the backend
//!                             bounded    batches, retries
//! ```
//!
//! The scrapes never wait for the backend: what it does not take in time is dropped and counted.

mod health;
mod queue;
mod sender;
mod target;
#[cfg(test)]
mod tests;
mod verdict;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use catalogue::{Attribute, MetricDef, Point, Resource, Sink};
use embedded::ScrapeSink;
use otlp::OtlpSink;

pub(crate) use health::OtlpOutStatus;
pub(crate) use target::Target;
pub(crate) use verdict::one_line;

use health::Health;
use queue::Queue;
use sender::{Pace, Sender};

/// So many points wait at most, some 30 MB: ten minutes of the default fleet.
const MOST_WAITING_POINTS: usize = 500_000;

/// Sends scrapes to a backend, on a thread of its own.
#[derive(Clone, Debug)]
pub(crate) struct OtlpOut {
    queue: Arc<Queue>,
    health: Arc<Health>,
    thread: Arc<JoinHandle<()>>,
}

impl OtlpOut {
    /// Starts the thread. What the user has to know is told through `say`, rarely.
    pub(crate) fn start(target: Target, say: impl Fn(&str) + Send + Sync + 'static) -> anyhow::Result<Self> {
        Self::start_at(target, say, Pace::default())
    }

    fn start_at(
        target: Target,
        say: impl Fn(&str) + Send + Sync + 'static,
        pace: Pace,
    ) -> anyhow::Result<Self> {
        let queue = Arc::new(Queue::new(MOST_WAITING_POINTS));
        let health = Arc::new(Health::new(target.url().to_string(), Box::new(say)));
        let sender = Sender::new(target, Arc::clone(&queue), Arc::clone(&health), pace);
        // The thread ends with its outlet, or with the process.
        let thread = std::thread::Builder::new()
            .name("otlp out".to_owned())
            .spawn(move || sender.run())
            .context("failed to start a thread")?;
        Ok(Self { queue, health, thread: Arc::new(thread) })
    }

    /// Takes the scrapes. When it is dropped, sending ends.
    pub(crate) fn outlet(&self) -> Box<dyn ScrapeSink> {
        Box::new(Outlet { sink: OtlpSink::new(), out: self.clone() })
    }

    /// How sending goes.
    pub(crate) fn status(&self) -> OtlpOutStatus {
        let mut status = OtlpOutStatus { waiting: self.queue.points(), ..self.health.status() };
        if self.thread.is_finished() && !self.queue.is_closed() {
            status.problem = Some("the thread that sends has ended: start the environment anew".to_owned());
        }
        status
    }

    /// Sends what waits, each batch tried once, and says how many points were not sent in the time that there was.
    pub(crate) async fn finish(&self, within: Duration) -> u64 {
        const LOOK: Duration = Duration::from_millis(10);
        self.queue.close();
        let ended = async {
            while !self.thread.is_finished() {
                tokio::time::sleep(LOOK).await;
            }
        };
        let _ = tokio::time::timeout(within, ended).await;
        let OtlpOutStatus { sent, refused, dropped, .. } = self.health.status();
        self.queue.came().saturating_sub(sent + refused + dropped)
    }
}

/// Collects a scrape and puts it into the queue.
struct Outlet {
    sink: OtlpSink,
    out: OtlpOut,
}

impl Sink for Outlet {
    fn record(
        &mut self,
        resource: &Resource,
        metric: &'static MetricDef,
        attributes: &[Attribute<'_>],
        point: Point,
    ) {
        self.sink.record(resource, metric, attributes, point);
    }
}

impl ScrapeSink for Outlet {
    fn scraped(&mut self) {
        let now = Instant::now();
        let dropped = self.out.queue.push(self.sink.take(), now);
        if dropped > 0 {
            self.out.health.dropped(dropped as u64, "the backend is slower than the scrapes", now);
        }
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.out.queue.close();
    }
}
