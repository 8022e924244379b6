//! The handle of those who measure.

use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use otlp::Scrape;

use crate::health::Health;
use crate::queue::Queue;
use crate::worker::Worker;
use crate::{Pace, SendingStatus, Target};

/// So many points wait at most, some 30 MB.
const MOST_WAITING_POINTS: usize = 500_000;

/// Sends scrapes to a backend, on a thread of its own. The thread ends with the last clone of this.
#[derive(Clone, Debug)]
pub struct OtlpSender(Arc<Shared>);

struct Shared {
    queue: Arc<Queue>,
    health: Arc<Health>,
    thread: JoinHandle<()>,
}

impl OtlpSender {
    /// Starts the thread. What people have to know is told through `say`, rarely: that something is wrong (the status has
    /// a problem) or well again (it has none). `say` must not take long.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        target: Target,
        say: impl Fn(&SendingStatus) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        Self::start_at_pace(target, Pace::default(), say)
    }

    /// Starts the thread, which takes other times than the usual ones.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start_at_pace(
        target: Target,
        pace: Pace,
        say: impl Fn(&SendingStatus) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::new(MOST_WAITING_POINTS));
        let health = Arc::new(Health::new(target.url().to_string(), Box::new(say)));
        let worker = Worker::new(target, Arc::clone(&queue), Arc::clone(&health), pace);
        let thread =
            std::thread::Builder::new().name("otlp sender".to_owned()).spawn(move || worker.run())?;
        Ok(Self::with(queue, health, thread))
    }

    /// The handle of a thread.
    pub(crate) fn with(queue: Arc<Queue>, health: Arc<Health>, thread: JoinHandle<()>) -> Self {
        Self(Arc::new(Shared { queue, health, thread }))
    }

    /// Takes a scrape, to send it. Never waits: where too much waits to be sent, the oldest is dropped.
    pub fn send(&self, scrape: Scrape) {
        let now = Instant::now();
        self.note_dropped(self.0.queue.push(scrape, now), now);
    }

    /// Takes a scrape, to send it. Where too much waits to be sent, waits itself until there is room, and at `deadline`
    /// drops the oldest: for those who measure more at once than may wait.
    pub fn send_by(&self, scrape: Scrape, deadline: Instant) {
        let dropped = self.0.queue.push_by(scrape, deadline);
        self.note_dropped(dropped, Instant::now());
    }

    /// How sending goes.
    pub fn status(&self) -> SendingStatus {
        let Shared { queue, health, thread } = &*self.0;
        let mut status = SendingStatus { waiting: queue.points(), ..health.status() };
        if thread.is_finished() && !queue.is_closed() {
            status.problem =
                Some("the thread that sends has ended: nothing is sent until a restart".to_owned());
        }
        status
    }

    /// Takes no more scrapes. What waits is sent, each batch tried once.
    pub fn close(&self) {
        self.0.queue.close();
    }

    /// Closes, and says how many points were not sent in the time that there was.
    pub async fn finish(&self, within: Duration) -> u64 {
        const LOOK: Duration = Duration::from_millis(10);
        self.close();
        let ended = async {
            while !self.0.thread.is_finished() {
                tokio::time::sleep(LOOK).await;
            }
        };
        let _ = tokio::time::timeout(within, ended).await;
        let SendingStatus { sent, refused, dropped, .. } = self.0.health.status();
        self.0.queue.came().saturating_sub(sent + refused + dropped)
    }

    fn note_dropped(&self, points: usize, now: Instant) {
        if points > 0 {
            self.0.health.dropped(points as u64, "the backend is slower than the scrapes", now);
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("health", &self.health).finish_non_exhaustive()
    }
}
