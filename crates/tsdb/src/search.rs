//! Reads of the store: which series there are, and their samples.

use std::ops::ControlFlow;
use std::sync::Arc;

use labels::{Labels, Matcher};
use rustc_hash::FxHashSet;

use crate::Instants;
use crate::head::Head;
use crate::instants::Wanted;
use crate::select::Snapshot;
use crate::series::Series;
use crate::store::{SeriesView, Store, TimeRange};
use crate::symbols::PairId;
use crate::tested::{Conditions, GiveUp};

/// Reads of a store that end early when somebody says so. Made by [`Store::search`].
#[derive(Clone, Copy)]
pub struct Search<'a> {
    store: &'a Store,
    give_up: GiveUp<'a>,
}

/// So many series are looked at between two questions whether to go on.
const PATIENCE: usize = 1024;

impl<'a> Search<'a> {
    pub(crate) fn new(store: &'a Store, give_up: GiveUp<'a>) -> Self {
        Self { store, give_up }
    }

    /// As [`Store::select`].
    pub fn select(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
        visit: &mut dyn FnMut(SeriesView<'_>) -> ControlFlow<()>,
    ) {
        self.select_wanted(matchers, range, None, visit);
    }

    /// As [`Store::select_newest`].
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
        let snapshot = self.with_head(matchers, |head, conditions| {
            let Clipped { start_ms, end_ms } = range.clip(head)?;
            let numbers = self.sorted_numbers(head, conditions, Clipped { start_ms, end_ms });
            Some(Snapshot::take(head, &numbers, Wanted { from_ms: start_ms, to_ms: end_ms, instants }))
        });
        let Some(snapshot) = snapshot else { return };
        let mut reader = snapshot.reader();
        let _ = self.store.with_labels(snapshot.numbers(), |labels| {
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

    /// As [`Store::series`].
    pub fn series(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
        visit: &mut dyn FnMut(&Labels) -> ControlFlow<()>,
    ) {
        let numbers = self.with_head(matchers, |head, conditions| {
            Some(self.sorted_numbers(head, conditions, range.clip(head)?))
        });
        let mut visited = 0_usize;
        let _ = self.store.with_labels(numbers.unwrap_or_default().into_iter(), |labels| {
            visited += 1;
            if visited.is_multiple_of(PATIENCE) && (self.give_up)() {
                return ControlFlow::Break(());
            }
            labels.map_or(ControlFlow::Continue(()), &mut *visit)
        });
    }

    /// As [`Store::label_names`].
    pub fn label_names(&self, matchers: &[Matcher], range: TimeRange) -> Vec<Arc<str>> {
        let names = self.with_head(matchers, |head, conditions| {
            let range = range.clip(head)?;
            let symbols = head.index().symbols();
            if conditions.is_empty() {
                let living = symbols
                    .names()
                    .filter(|name| name.pairs().iter().any(|pair| range.meets_any(head, *pair)));
                return Some(living.map(|name| Arc::clone(name.text())).collect());
            }
            let mut names = FxHashSet::default();
            for series in self.while_wanted(range.matching(head, conditions)) {
                names.extend(series.labels.iter().map(|pair| symbols.name_of(*pair)));
            }
            Some(names.into_iter().map(|name| Arc::clone(symbols.text(name))).collect::<Vec<_>>())
        });
        let mut names = names.unwrap_or_default();
        names.sort_unstable();
        names
    }

    /// As [`Store::label_values`].
    pub fn label_values(&self, name: &str, matchers: &[Matcher], range: TimeRange) -> Vec<Arc<str>> {
        let values = self.with_head(matchers, |head, conditions| {
            let range = range.clip(head)?;
            let symbols = head.index().symbols();
            let mut pairs = symbols.name(name)?.pairs().to_vec();
            if conditions.is_empty() {
                pairs.retain(|pair| range.meets_any(head, *pair));
            } else {
                let wanted: FxHashSet<PairId> = pairs.iter().copied().collect();
                let mut found: FxHashSet<PairId> = FxHashSet::default();
                for series in self.while_wanted(range.matching(head, conditions)) {
                    found.extend(series.labels.iter().find(|pair| wanted.contains(pair)));
                }
                pairs.retain(|pair| found.contains(pair));
            }
            Some(pairs.into_iter().map(|pair| Arc::clone(symbols.value(pair))).collect::<Vec<_>>())
        });
        let mut values = values.unwrap_or_default();
        values.sort_unstable();
        values
    }

    /// Reads under the lock, once all values have been tested that take their time. `None` when that was given up, or
    /// nothing was read.
    fn with_head<T>(
        &self,
        matchers: &[Matcher],
        read: impl FnOnce(&Head, &Conditions<'_>) -> Option<T>,
    ) -> Option<T> {
        /// New values come while old ones are tested: fewer each time, unless somebody floods the store.
        const ROUNDS: usize = 8;
        let mut conditions = Conditions::new(matchers);
        for _ in 0..ROUNDS {
            let head = self.store.read();
            if conditions.update(head.index().symbols()) {
                return read(&head, &conditions);
            }
            drop(head);
            if !conditions.test(self.give_up) {
                return None;
            }
        }
        let head = self.store.read();
        let finished = conditions.update(head.index().symbols()) || conditions.test(self.give_up);
        if finished { read(&head, &conditions) } else { None }
    }

    /// The series that satisfy the conditions and meet the range, in the order of their labels.
    fn sorted_numbers(&self, head: &Head, conditions: &Conditions<'_>, range: Clipped) -> Vec<u32> {
        let mut numbers: Vec<u32> = range.numbers(head, conditions).collect();
        self.store.sort(head, &mut numbers);
        numbers
    }

    /// The items, until it is said to end.
    fn while_wanted<T>(&self, items: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        let wanted = |index: usize| !(index.is_multiple_of(PATIENCE) && (self.give_up)());
        items.enumerate().take_while(move |(index, _)| wanted(*index)).map(|(_, item)| item)
    }
}

impl std::fmt::Debug for Search<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Search").field("store", self.store).finish_non_exhaustive()
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
    fn numbers(self, head: &Head, conditions: &Conditions<'_>) -> impl Iterator<Item = u32> {
        let candidates = head.index().matching(conditions).iter().collect::<Vec<u32>>();
        candidates.into_iter().filter(move |number| head.series().get(*number).is_some_and(|s| self.meets(s)))
    }

    /// Those series.
    fn matching<'a>(self, head: &'a Head, conditions: &Conditions<'_>) -> impl Iterator<Item = &'a Series> {
        self.numbers(head, conditions).filter_map(|number| head.series().get(number))
    }
}
