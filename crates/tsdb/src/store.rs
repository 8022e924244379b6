//! The store as its users see it.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use labels::{Labels, Matcher};
use rustc_hash::FxHashSet;

use crate::head::Head;
use crate::instants::Wanted;
use crate::label_cache::LabelCache;
use crate::order::{FEW, Order, sort_by_labels};
use crate::select::Snapshot;
use crate::series::Series;
use crate::stats::cardinality;
use crate::symbols::PairId;
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
        self.select_wanted(matchers, TimeRange { start_ms, end_ms }, None, visit);
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
        self.select_wanted(matchers, range, Some(instants), visit);
    }

    fn select_wanted(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
        instants: Option<Instants>,
        visit: &mut dyn FnMut(SeriesView<'_>) -> ControlFlow<()>,
    ) {
        let snapshot = {
            let head = self.read();
            let Some(Clipped { start_ms, end_ms }) = range.clip(&head) else { return };
            let numbers = self.sorted_numbers(&head, matchers, Clipped { start_ms, end_ms });
            Snapshot::take(&head, &numbers, Wanted { from_ms: start_ms, to_ms: end_ms, instants })
        };
        let mut reader = snapshot.reader();
        let _ = self.with_labels(snapshot.numbers(), |labels| {
            let Some(labels) = labels else {
                reader.skip();
                return ControlFlow::Continue(());
            };
            match reader.next() {
                Some((timestamps, values)) if !timestamps.is_empty() => {
                    visit(SeriesView { labels, timestamps, values })
                }
                _ => ControlFlow::Continue(()),
            }
        });
    }

    /// Calls `visit` with the labels of each series that satisfies all matchers and whose time (from its first to its
    /// last sample) meets the range, in ascending order. The visitor may stop the walk; no lock is held.
    pub fn series(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
        visit: &mut dyn FnMut(&Labels) -> ControlFlow<()>,
    ) {
        let numbers = {
            let head = self.read();
            let Some(range) = range.clip(&head) else { return };
            self.sorted_numbers(&head, matchers, range)
        };
        let _ = self
            .with_labels(numbers.into_iter(), |labels| labels.map_or(ControlFlow::Continue(()), &mut *visit));
    }

    /// The label names of the series that [`Store::series`] would visit, ascending.
    pub fn label_names(&self, matchers: &[Matcher], range: TimeRange) -> Vec<Arc<str>> {
        let head = self.read();
        let Some(range) = range.clip(&head) else { return Vec::new() };
        let symbols = head.index().symbols();
        let mut names: Vec<Arc<str>> = if matchers.is_empty() {
            let living =
                symbols.names().filter(|name| name.pairs().iter().any(|pair| range.meets_any(&head, *pair)));
            living.map(|name| Arc::clone(name.text())).collect()
        } else {
            let mut names = FxHashSet::default();
            for series in range.matching(&head, matchers) {
                names.extend(series.labels.iter().map(|pair| symbols.name_of(*pair)));
            }
            names.into_iter().map(|name| Arc::clone(symbols.text(name))).collect()
        };
        names.sort_unstable();
        names
    }

    /// The values of the label `name` on the series that [`Store::series`] would visit, ascending.
    pub fn label_values(&self, name: &str, matchers: &[Matcher], range: TimeRange) -> Vec<Arc<str>> {
        let head = self.read();
        let Some(range) = range.clip(&head) else { return Vec::new() };
        let symbols = head.index().symbols();
        let Some(name) = symbols.name(name) else { return Vec::new() };
        let mut pairs = name.pairs().to_vec();
        if matchers.is_empty() {
            pairs.retain(|pair| range.meets_any(&head, *pair));
        } else {
            let wanted: FxHashSet<PairId> = pairs.iter().copied().collect();
            let mut found: FxHashSet<PairId> = FxHashSet::default();
            for series in range.matching(&head, matchers) {
                found.extend(series.labels.iter().find(|pair| wanted.contains(pair)));
            }
            pairs.retain(|pair| found.contains(pair));
        }
        let mut values: Vec<Arc<str>> =
            pairs.into_iter().map(|pair| Arc::clone(symbols.value(pair))).collect();
        values.sort_unstable();
        values
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

    /// The series that satisfy the matchers and meet the range, in the order of their labels.
    fn sorted_numbers(&self, head: &Head, matchers: &[Matcher], range: Clipped) -> Vec<u32> {
        let mut numbers: Vec<u32> = range.numbers(head, matchers).collect();
        if numbers.len() <= FEW {
            sort_by_labels(&mut numbers, head);
            return numbers;
        }
        {
            let order = self.order.read().unwrap_or_else(PoisonError::into_inner);
            if order.is_current(head) {
                order.sort(&mut numbers);
                return numbers;
            }
        }
        // The head cannot change meanwhile: its lock is held. Another reader may have been faster, which does no harm.
        let mut order = self.order.write().unwrap_or_else(PoisonError::into_inner);
        if !order.is_current(head) {
            order.update(head);
        }
        order.sort(&mut numbers);
        numbers
    }

    /// Calls `visit` with the labels of each of these series; with `None` where retention has dropped it meanwhile.
    fn with_labels(
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

/// A range that lies within what the store shows.
#[derive(Clone, Copy, Debug)]
struct Clipped {
    start_ms: i64,
    end_ms: i64,
}

impl TimeRange {
    /// The part of the range that the store shows, if there is one.
    fn clip(self, head: &Head) -> Option<Clipped> {
        let start_ms = self.start_ms.max(head.horizon_ms()?);
        (start_ms <= self.end_ms).then_some(Clipped { start_ms, end_ms: self.end_ms })
    }
}

impl Clipped {
    fn meets(self, series: &Series) -> bool {
        series.meets(self.start_ms, self.end_ms)
    }

    /// Whether some series with this label meets the range.
    fn meets_any(self, head: &Head, pair: PairId) -> bool {
        head.index()
            .having(pair)
            .iter()
            .any(|number| head.series().get(number).is_some_and(|s| self.meets(s)))
    }

    /// The numbers of the series that satisfy the matchers and meet the range, ascending.
    fn numbers(self, head: &Head, matchers: &[Matcher]) -> impl Iterator<Item = u32> {
        let candidates = head.index().matching(matchers).iter().collect::<Vec<u32>>();
        candidates.into_iter().filter(move |number| head.series().get(*number).is_some_and(|s| self.meets(s)))
    }

    /// Those series.
    fn matching<'a>(self, head: &'a Head, matchers: &[Matcher]) -> impl Iterator<Item = &'a Series> {
        self.numbers(head, matchers).filter_map(|number| head.series().get(number))
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
