//! The store as its users see it.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use labels::{Labels, Matcher};

use crate::head::Head;
use crate::label_cache::LabelCache;
use crate::order::{FEW, Order, sort_by_labels};
use crate::search::Search;
use crate::stats::cardinality;
use crate::tested::GiveUp;
use crate::{
    AppendError, AppendOutcome, Batch, BatchError, Cardinality, CommitSummary, Instants, InternError,
    MemoryUsage, Options, SeriesId, Stats,
};

/// A store of time series. Share it by reference or in an `Arc`.
#[derive(Debug)]
pub struct Store {
    // Whoever needs more than one of these locks takes them in this order.
    head: RwLock<Head>,
    order: RwLock<Order>,
    label_cache: Mutex<LabelCache>,
}

/// How many series' labels are looked up at a time: enough to make a lock worth its while, few enough that not all label
/// sets of a large query are in memory together.
const LABELS_AT_ONCE: usize = 512;

/// One series' samples inside the requested time. Valid during one visit only.
#[derive(Clone, Copy, Debug)]
pub struct SeriesView<'a> {
    /// The series' labels, with its metric name.
    pub labels: &'a Labels,
    /// Milliseconds since the epoch, strictly ascending.
    pub timestamps: &'a [i64],
    /// One value for each timestamp.
    pub values: &'a [f64],
}

/// A closed interval of milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// The first millisecond.
    pub start_ms: i64,
    /// The last millisecond.
    pub end_ms: i64,
}

impl TimeRange {
    /// All of time.
    pub const ALL: Self = Self { start_ms: i64::MIN, end_ms: i64::MAX };
}

impl Store {
    /// An empty store.
    pub fn new(options: Options) -> Self {
        Self {
            label_cache: Mutex::new(LabelCache::new(options.label_cache_bytes)),
            order: RwLock::default(),
            head: RwLock::new(Head::new(options)),
        }
    }

    /// The id of the series with these labels, which is made if it is new. A new series is invisible until its first
    /// sample, and is dropped if none comes.
    ///
    /// # Errors
    /// When there are no labels, or the store is full.
    pub fn intern(&self, labels: &Labels) -> Result<SeriesId, InternError> {
        let known = self.read().find(labels);
        known.map_or_else(|| self.writer().intern(labels), Ok)
    }

    /// Drops those of the series that have no samples: for a caller that [interned](Store::intern) them for samples that
    /// were refused after all. Who else waits to write to one of them has to intern it again.
    pub fn discard_unused(&self, series: &[SeriesId]) {
        self.write().discard_unused(series);
    }

    /// Appends one sample. For more than a few take a [`Writer`] or a [`Batch`].
    ///
    /// # Errors
    /// When the sample is refused; see the [crate's rules](crate#what-is-accepted).
    pub fn append(
        &self,
        series: SeriesId,
        timestamp_ms: i64,
        value: f64,
    ) -> Result<AppendOutcome, AppendError> {
        self.writer().append(series, timestamp_ms, value)
    }

    /// Locks the store for writing. Readers and other writers wait until it is dropped: gather first, then write.
    pub fn writer(&self) -> Writer<'_> {
        Writer { head: self.write() }
    }

    /// Stores all samples of the batch, or none when one of them is refused. Each is judged by what the store held
    /// before the batch; of two samples of one series and time inside the batch the first counts. The batch is left as
    /// it is, so that the caller can intern dropped series anew and try again, or clear it.
    ///
    /// # Errors
    /// The first refused sample and the reason.
    pub fn commit(&self, batch: &Batch) -> Result<CommitSummary, BatchError> {
        self.write().commit(batch)
    }

    /// Calls `visit` for each series that satisfies all matchers and has samples between `start_ms` and `end_ms`, both
    /// inclusive, in ascending order of labels. The visitor may stop the walk, and may use the store: no lock is held.
    pub fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        visit: &mut dyn FnMut(SeriesView<'_>) -> ControlFlow<()>,
    ) {
        self.search(&|| false).select(matchers, TimeRange { start_ms, end_ms }, visit);
    }

    /// As [`Store::select`], for a visitor that looks at nothing but the newest sample at or before each of the
    /// `instants`: it may not be shown the others, which saves most of the work where instants are far apart.
    pub fn select_newest(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
        instants: Instants,
        visit: &mut dyn FnMut(SeriesView<'_>) -> ControlFlow<()>,
    ) {
        self.search(&|| false).select_newest(matchers, range, instants, visit);
    }

    /// Calls `visit` with the labels of each series that satisfies all matchers and whose time (from its first to its
    /// last sample) meets the range, in ascending order. The visitor may stop the walk; no lock is held.
    pub fn series(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
        visit: &mut dyn FnMut(&Labels) -> ControlFlow<()>,
    ) {
        self.search(&|| false).series(matchers, range, visit);
    }

    /// The label names of the series that [`Store::series`] would visit, ascending.
    pub fn label_names(&self, matchers: &[Matcher], range: TimeRange) -> Vec<Arc<str>> {
        self.search(&|| false).label_names(matchers, range)
    }

    /// The values of the label `name` on the series that [`Store::series`] would visit, ascending.
    pub fn label_values(&self, name: &str, matchers: &[Matcher], range: TimeRange) -> Vec<Arc<str>> {
        self.search(&|| false).label_values(name, matchers, range)
    }

    /// The same reads for somebody who may lose interest.
    pub fn search<'a>(&'a self, give_up: GiveUp<'a>) -> Search<'a> {
        Search::new(self, give_up)
    }

    /// The newest sample's time; `None` while the store is empty.
    pub fn newest_ms(&self) -> Option<i64> {
        self.read().newest_ms()
    }

    /// Reads see nothing older than this; `None` while the store is empty.
    pub fn horizon_ms(&self) -> Option<i64> {
        self.read().horizon_ms()
    }

    /// Forgets everything before `horizon_ms` (as seen by reads at once, in memory by whole chunks), and series that
    /// have no samples left. Retention works by itself; a caller needs this only to forget more.
    pub fn truncate(&self, horizon_ms: i64) {
        self.write().truncate(horizon_ms);
    }

    /// Counts and bytes. Looks at every series.
    pub fn stats(&self) -> Stats {
        let head = self.read();
        let mut memory = head.memory();
        memory.series += self.order.read().unwrap_or_else(PoisonError::into_inner).heap_bytes();
        memory.label_cache = self.label_cache.lock().unwrap_or_else(PoisonError::into_inner).bytes();
        let symbols = head.index().symbols();
        let totals = head.totals();
        Stats {
            series: head.series().len(),
            samples: totals.samples,
            chunks: totals.chunks,
            label_names: symbols.names().count(),
            label_pairs: symbols.names().map(|name| name.pairs().len()).sum(),
            horizon_ms: head.horizon_ms(),
            newest_ms: head.newest_ms(),
            memory,
        }
    }

    /// Bytes by kind. Looks at every series.
    pub fn memory(&self) -> MemoryUsage {
        self.stats().memory
    }

    /// The `limit` largest consumers of each kind.
    pub fn cardinality(&self, limit: usize) -> Cardinality {
        cardinality(self.read().index(), limit)
    }

    /// Puts the numbers into the order of the series' labels.
    pub(crate) fn sort(&self, head: &Head, numbers: &mut Vec<u32>) {
        if numbers.len() <= FEW {
            return sort_by_labels(numbers, head);
        }
        {
            let order = self.order.read().unwrap_or_else(PoisonError::into_inner);
            if order.is_current(head) {
                return order.sort(numbers);
            }
        }
        // The head cannot change meanwhile: its lock is held. Another reader may have been faster, which does no harm.
        let mut order = self.order.write().unwrap_or_else(PoisonError::into_inner);
        if !order.is_current(head) {
            order.update(head);
        }
        order.sort(numbers);
    }

    /// Calls `visit` with the labels of each of these series; with `None` where retention has dropped it meanwhile.
    pub(crate) fn with_labels(
        &self,
        mut numbers: impl Iterator<Item = u32>,
        mut visit: impl FnMut(Option<&Labels>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut labels: Vec<(u32, Option<Labels>)> = Vec::new();
        loop {
            labels.clear();
            labels.extend(numbers.by_ref().take(LABELS_AT_ONCE).map(|number| (number, None)));
            if labels.is_empty() {
                return ControlFlow::Continue(());
            }
            self.look_up(&mut labels);
            for (_, labels) in &labels {
                visit(labels.as_ref())?;
            }
        }
    }

    fn look_up(&self, labels: &mut [(u32, Option<Labels>)]) {
        let cache = || self.label_cache.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut cache = cache();
            labels.iter_mut().for_each(|(number, labels)| *labels = cache.get(*number));
        }
        if labels.iter().all(|(_, labels)| labels.is_some()) {
            return;
        }
        let mut built = Vec::new();
        {
            let head = self.read();
            let symbols = head.index().symbols();
            for (number, missing) in labels.iter_mut().filter(|(_, labels)| labels.is_none()) {
                let Some(series) = head.series().get(*number) else { continue };
                let labels =
                    Labels::from_sorted(series.labels.iter().map(|pair| symbols.label(*pair)).collect());
                built.push((*number, labels.clone()));
                *missing = Some(labels);
            }
        }
        let mut cache = cache();
        built.into_iter().for_each(|(number, labels)| cache.insert(number, labels));
    }

    /// A panic while the lock was held (none is known) must not take the store away from everyone else.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Head> {
        self.head.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Head> {
        self.head.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The store, locked for writing: many samples for one lock. Made by [`Store::writer`].
#[derive(Debug)]
pub struct Writer<'a> {
    head: RwLockWriteGuard<'a, Head>,
}

impl Writer<'_> {
    /// As [`Store::intern`].
    ///
    /// # Errors
    /// When there are no labels, or the store is full.
    pub fn intern(&mut self, labels: &Labels) -> Result<SeriesId, InternError> {
        self.head.intern(labels)
    }

    /// Appends one sample.
    ///
    /// # Errors
    /// When the sample is refused; see the [crate's rules](crate#what-is-accepted).
    pub fn append(
        &mut self,
        series: SeriesId,
        timestamp_ms: i64,
        value: f64,
    ) -> Result<AppendOutcome, AppendError> {
        self.head.append(series, timestamp_ms, value)
    }
}
