//! What the preview stands on, and how pages are computed: off the thread that serves, a few at once, not for ever.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dashboard_view::{DataSource, Interrupt, Metrics, Source, Stop};
use tokio::sync::Semaphore;

use crate::Shelf;

/// What the preview is told when it is made.
#[derive(Clone)]
pub struct Options {
    /// The present, in milliseconds since 1970.
    pub now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// A stopwatch that runs: the time since any fixed moment.
    pub elapsed: Arc<dyn Fn() -> Duration + Send + Sync>,
    /// What variables of type data source offer.
    pub data_sources: Vec<DataSource>,
    /// How often the data source is written to, for steps and windows (`60s`).
    pub scrape_interval: String,
    /// How many queries of one page run at once.
    pub workers: NonZeroUsize,
    /// How many pages are computed at once; others wait.
    pub pages_at_once: usize,
    /// A page may take this long.
    pub patience: Duration,
    /// Other pages of the same server, as (name, address), for the head of each page.
    pub places: Vec<(String, String)>,
}

impl Options {
    /// The usual ones.
    pub fn new(
        now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
        elapsed: Arc<dyn Fn() -> Duration + Send + Sync>,
    ) -> Self {
        let prometheus = "prometheus".to_owned();
        Self {
            now_ms,
            elapsed,
            data_sources: vec![DataSource {
                name: "Prometheus".to_owned(),
                uid: prometheus.clone(),
                kind: prometheus,
            }],
            scrape_interval: "60s".to_owned(),
            workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            pages_at_once: 4,
            patience: Duration::from_secs(30),
            places: Vec::new(),
        }
    }
}

/// The preview: dashboards, their numbers and its settings. Cheap to clone.
#[derive(Clone)]
pub struct Preview {
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) metrics: Arc<dyn Metrics>,
    pub(crate) options: Arc<Options>,
    turns: Arc<Semaphore>,
}

/// Why a page was not computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPage {
    /// Others were before it for too long.
    Busy,
    /// It failed in a way that nobody foresaw.
    Failed,
}

/// Says whether somebody still waits for the answer.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Preview {
    /// A preview of the dashboards on `shelf` with numbers from `metrics`.
    pub fn new(shelf: Arc<Shelf>, metrics: Arc<dyn Metrics>, options: Options) -> Self {
        let turns = Arc::new(Semaphore::new(options.pages_at_once.max(1)));
        Self { shelf, metrics, options: Arc::new(options), turns }
    }

    /// Computes something that may ask queries.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self, Interrupt<'_>) -> T + Send + 'static,
    ) -> Result<T, NoPage> {
        let patience = self.options.patience;
        let began = (self.options.elapsed)();
        let turn = tokio::time::timeout(patience, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(NoPage::Busy) };
        // Dropped with this future, when the browser does not wait any longer.
        let waiting = Waiting(Arc::new(AtomicBool::new(true)));
        let waited_for = Arc::clone(&waiting.0);
        let preview = self.clone();
        let computed = tokio::task::spawn_blocking(move || {
            let interrupt = || {
                if !waited_for.load(Ordering::Relaxed) {
                    Some(Stop::Canceled)
                } else if (preview.options.elapsed)().saturating_sub(began) > patience {
                    Some(Stop::Timeout)
                } else {
                    None
                }
            };
            let result = work(&preview, &interrupt);
            drop(turn);
            result
        })
        .await;
        drop(waiting);
        computed.map_err(|_| NoPage::Failed)
    }

    /// Where the answers come from, with this way to end them.
    pub(crate) fn source<'a>(&'a self, interrupt: Interrupt<'a>) -> Source<'a> {
        Source {
            metrics: &*self.metrics,
            data_sources: &self.options.data_sources,
            scrape_interval: &self.options.scrape_interval,
            elapsed: &*self.options.elapsed,
            interrupt,
            workers: self.options.workers,
        }
    }
}
