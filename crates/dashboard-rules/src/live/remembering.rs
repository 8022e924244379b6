//! Answers that are kept, so that nothing is asked twice.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use dashboard_view::{Asked, Interrupt, Metrics, MetricsError, QueryAnswer, Selection, StepRange, never};

/// Asks another source, each question once.
pub struct Remembering<'a> {
    metrics: &'a dyn Metrics,
    answers: Kept<(String, Asked), QueryAnswer>,
    lists: Kept<(List, Selected), Vec<String>>,
    series: Kept<Selected, Vec<SeriesLabels>>,
}

/// Selectors, and the milliseconds from which to which.
type Selected = (Vec<String>, (i64, i64));

type SeriesLabels = BTreeMap<String, String>;

/// What a list is of.
#[derive(PartialEq, Eq, Hash)]
enum List {
    Names,
    Values(String),
}

type Place<T> = Arc<OnceLock<Result<T, MetricsError>>>;

/// Questions and their answers. Who asks what is being asked already waits for that answer.
struct Kept<K, T>(Mutex<HashMap<K, Place<T>>>);

impl<K: Hash + Eq, T: Clone> Kept<K, T> {
    fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    fn get(&self, key: K, ask: impl FnOnce() -> Result<T, MetricsError>) -> Result<T, MetricsError> {
        let place = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        place.get_or_init(ask).clone()
    }
}

impl<'a> Remembering<'a> {
    /// Asks this source.
    pub fn new(metrics: &'a dyn Metrics) -> Self {
        Self { metrics, answers: Kept::new(), lists: Kept::new(), series: Kept::new() }
    }

    /// The answer to a query of a panel.
    ///
    /// # Errors
    /// When there is none.
    pub fn answer(&self, query: &str, asked: Asked) -> Result<QueryAnswer, MetricsError> {
        self.answers.get((query.to_owned(), asked), || match asked {
            Asked::Instant { at_ms } => self.metrics.instant(query, at_ms, &never),
            Asked::Range(range) => self.metrics.range(query, range, &never),
        })
    }
}

fn key(selection: &Selection) -> Selected {
    (selection.selectors.clone(), (selection.range.from_ms, selection.range.to_ms))
}

impl Metrics for Remembering<'_> {
    fn instant(&self, query: &str, at_ms: i64, _: Interrupt<'_>) -> Result<QueryAnswer, MetricsError> {
        self.answer(query, Asked::Instant { at_ms })
    }

    fn range(&self, query: &str, range: StepRange, _: Interrupt<'_>) -> Result<QueryAnswer, MetricsError> {
        self.answer(query, Asked::Range(range))
    }

    fn label_values(
        &self,
        label: &str,
        selection: &Selection,
        interrupt: Interrupt<'_>,
    ) -> Result<Vec<String>, MetricsError> {
        let ask = || self.metrics.label_values(label, selection, interrupt);
        self.lists.get((List::Values(label.to_owned()), key(selection)), ask)
    }

    fn label_names(
        &self,
        selection: &Selection,
        interrupt: Interrupt<'_>,
    ) -> Result<Vec<String>, MetricsError> {
        self.lists.get((List::Names, key(selection)), || self.metrics.label_names(selection, interrupt))
    }

    fn series(
        &self,
        selection: &Selection,
        interrupt: Interrupt<'_>,
    ) -> Result<Vec<BTreeMap<String, String>>, MetricsError> {
        self.series.get(key(selection), || self.metrics.series(selection, interrupt))
    }
}
