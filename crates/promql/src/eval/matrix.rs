//! Vectors at all steps: one row for each series, one column for each step.

use std::rc::Rc;

use labels::{Labels, METRIC_NAME};
use rustc_hash::FxHashMap;

use super::limits::{Held, Limits};
use crate::engine::QueryError;
use crate::storage::stale_nan;

/// Stands for "no sample at this step". These are the bits of the stale marker, which no arithmetic produces.
#[inline]
pub(super) fn absent() -> f64 {
    stale_nan()
}

/// Whether there is no sample.
#[inline]
pub(super) fn is_absent(value: f64) -> bool {
    crate::storage::is_stale_nan(value)
}

/// Whether any step has a sample.
pub(super) fn any_present(values: &[f64]) -> bool {
    !values.iter().all(|&value| is_absent(value))
}

/// Labels that say what a metric is, rather than what it measures: operations that make something else of a metric
/// drop them.
pub(super) fn is_metadata(name: &str) -> bool {
    name == METRIC_NAME || name == "__type__" || name == "__unit__"
}

/// A label set without its metadata labels.
pub(super) fn without_metadata(labels: &Labels) -> Labels {
    only(labels, |name| !is_metadata(name))
}

/// The labels that `keep` says yes to. Copies nothing where these are all.
pub(super) fn only(labels: &Labels, keep: impl Fn(&str) -> bool) -> Labels {
    if labels.iter().all(|label| keep(&label.name)) { labels.clone() } else { labels.retain(keep) }
}

/// What identifies a row.
#[derive(Clone, Debug)]
pub(super) struct Head {
    /// The series' labels.
    pub(super) labels: Labels,
    /// Whether the metadata labels are to be dropped: at the end of the query where names are removed late, and before
    /// the row is kept in a [`Matrix`] where they are removed at once.
    pub(super) drop_name: bool,
}

/// A row on its way from one node to the next: lent, so that nothing is copied for rows that are aggregated away.
/// At least one of its values is present.
pub(super) struct Row<'r> {
    /// The series' labels.
    pub(super) labels: &'r Labels,
    /// See [`Head::drop_name`].
    pub(super) drop_name: bool,
    /// One value for each step; the receiver may overwrite them.
    pub(super) values: &'r mut [f64],
}

/// Receives rows one by one.
pub(super) type Sink<'s> = dyn FnMut(Row<'_>) -> Result<(), QueryError> + 's;

/// A vector at all steps.
pub(super) struct Matrix {
    steps: usize,
    heads: Vec<Head>,
    values: Vec<f64>,
    held: Held,
}

impl Matrix {
    /// No rows.
    pub(super) fn new(steps: usize, limits: &Limits<'_>) -> Self {
        Self { steps, heads: Vec::new(), values: Vec::new(), held: limits.holding() }
    }

    /// Rows that have been counted already: `steps` values for each head.
    pub(super) fn from_values(steps: usize, heads: Vec<Head>, values: Vec<f64>, held: Held) -> Self {
        debug_assert_eq!(values.len(), steps * heads.len());
        Self { steps, heads, values, held }
    }

    /// How many steps each row has.
    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.heads.len()
    }

    /// Adds a row.
    pub(super) fn push(&mut self, head: Head, values: &[f64]) -> Result<(), QueryError> {
        debug_assert_eq!(values.len(), self.steps);
        self.held.add(self.steps)?;
        self.heads.push(head);
        self.values.extend_from_slice(values);
        Ok(())
    }

    /// Adds a row without samples, to be filled by the caller.
    pub(super) fn push_empty(&mut self, head: Head) -> Result<&mut [f64], QueryError> {
        self.held.add(self.steps)?;
        self.heads.push(head);
        let start = self.values.len();
        self.values.resize(start + self.steps, absent());
        Ok(&mut self.values[start..])
    }

    /// The labels of the row at `index`.
    pub(super) fn head(&self, index: usize) -> &Head {
        &self.heads[index]
    }

    /// The labels of all rows.
    pub(super) fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// The labels of all rows, to be changed.
    pub(super) fn heads_mut(&mut self) -> &mut [Head] {
        &mut self.heads
    }

    /// The values of the row at `index`.
    pub(super) fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.steps..][..self.steps]
    }

    /// The values of the row at `index`, to be changed.
    pub(super) fn row_mut(&mut self, index: usize) -> &mut [f64] {
        &mut self.values[index * self.steps..][..self.steps]
    }

    /// The rows one by one.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&Head, &[f64])> {
        self.heads.iter().enumerate().map(|(index, head)| (head, self.row(index)))
    }

    /// Hands all rows with samples to `sink`.
    pub(super) fn stream(mut self, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        for (index, head) in self.heads.iter().enumerate() {
            let values = &mut self.values[index * self.steps..][..self.steps];
            if any_present(values) {
                sink(Row { labels: &head.labels, drop_name: head.drop_name, values })?;
            }
        }
        Ok(())
    }

    /// The same rows in another order; each index once.
    pub(super) fn reordered(self, order: &[usize], limits: &Limits<'_>) -> Result<Self, QueryError> {
        let mut out = Self::new(self.steps, limits);
        for &index in order {
            out.push(self.heads[index].clone(), self.row(index))?;
        }
        Ok(out)
    }

    /// Repeats a matrix of one step `steps` times.
    pub(super) fn broadcast(self, steps: usize, limits: &Limits<'_>) -> Result<Self, QueryError> {
        debug_assert_eq!(self.steps, 1);
        let mut out = Self::new(steps, limits);
        for (head, value) in self.heads.into_iter().zip(self.values) {
            out.push_empty(head)?.fill(value);
        }
        Ok(out)
    }

    /// Whether two rows have the same labels.
    pub(super) fn has_equal_labels(&self) -> bool {
        if self.len() < 2 {
            return false;
        }
        let mut seen = rustc_hash::FxHashSet::with_capacity_and_hasher(self.len(), Default::default());
        !self.heads.iter().all(|head| seen.insert(&head.labels))
    }

    /// Makes one row of all rows with the same labels.
    ///
    /// # Errors
    /// [`MergeError::SameLabels`] where two of them have a sample at the same step.
    pub(super) fn merge_equal_labels(self, limits: &Limits<'_>) -> Result<Self, MergeError> {
        if !self.has_equal_labels() {
            return Ok(self);
        }
        let mut out = Merger::new(self.steps, limits);
        for (head, values) in self.rows() {
            out.add(head.clone(), values)?;
        }
        Ok(out.finish())
    }
}

/// Why rows could not be merged.
pub(super) enum MergeError {
    /// Two rows with the same labels have a sample at the same step.
    SameLabels,
    /// Something else stopped the query.
    Query(QueryError),
}

impl From<QueryError> for MergeError {
    fn from(error: QueryError) -> Self {
        Self::Query(error)
    }
}

/// Collects rows, making one row of those with the same labels as long as their samples lie at different steps.
pub(super) struct Merger {
    matrix: Matrix,
    rows: FxHashMap<Labels, usize>,
}

impl Merger {
    /// No rows.
    pub(super) fn new(steps: usize, limits: &Limits<'_>) -> Self {
        Self { matrix: Matrix::new(steps, limits), rows: FxHashMap::default() }
    }

    /// Adds a row.
    pub(super) fn add(&mut self, head: Head, values: &[f64]) -> Result<(), MergeError> {
        if let Some(&index) = self.rows.get(&head.labels) {
            let old = self.matrix.row_mut(index);
            // Whether the name goes is decided by what came first in time.
            let first =
                |values: &[f64]| values.iter().position(|&value| !is_absent(value)).unwrap_or(usize::MAX);
            let earlier = first(values) < first(old);
            for (old, &new) in old.iter_mut().zip(values) {
                if !is_absent(new) {
                    if !is_absent(*old) {
                        return Err(MergeError::SameLabels);
                    }
                    *old = new;
                }
            }
            if earlier {
                self.matrix.heads[index].drop_name = head.drop_name;
            }
            return Ok(());
        }
        self.rows.insert(head.labels.clone(), self.matrix.len());
        Ok(self.matrix.push(head, values)?)
    }

    /// What was collected.
    pub(super) fn finish(self) -> Matrix {
        self.matrix
    }
}

/// One number at each step.
#[derive(Clone, Debug)]
pub(super) enum Scalars {
    /// The same number at all steps.
    Same(f64),
    /// One for each step. Shared, because parameters are looked at for every series.
    Each(Rc<[f64]>),
}

impl Scalars {
    /// The number at the step `index`.
    #[inline]
    pub(super) fn get(&self, index: usize) -> f64 {
        match self {
            Self::Same(value) => *value,
            Self::Each(values) => values.get(index).copied().unwrap_or(f64::NAN),
        }
    }

    /// The numbers at `steps` steps.
    pub(super) fn iter(&self, steps: usize) -> impl Iterator<Item = f64> {
        (0..steps).map(|index| self.get(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ast::Span;
    use crate::engine::EngineOptions;

    fn head(name: &str) -> Head {
        Head { labels: Labels::from_pairs([(METRIC_NAME, name), ("a", "1")]), drop_name: false }
    }

    #[test]
    fn rows_with_the_same_labels_merge_while_their_samples_do_not_meet() {
        let limits = Limits::new(&EngineOptions::default(), &|| None, Span::default());
        let mut merger = Merger::new(2, &limits);
        assert!(merger.add(head("m"), &[1.0, absent()]).is_ok());
        assert!(merger.add(head("m"), &[absent(), 2.0]).is_ok());
        assert!(matches!(merger.add(head("m"), &[3.0, absent()]), Err(MergeError::SameLabels)));
        let matrix = merger.finish();
        assert_eq!((matrix.len(), matrix.row(0)), (1, &[1.0, 2.0][..]));
    }

    #[test]
    fn the_name_follows_the_row_that_comes_first_in_time() {
        let limits = Limits::new(&EngineOptions::default(), &|| None, Span::default());
        let mut merger = Merger::new(2, &limits);
        assert!(merger.add(head("m"), &[absent(), 2.0]).is_ok());
        assert!(merger.add(Head { drop_name: true, ..head("m") }, &[1.0, absent()]).is_ok());
        assert!(merger.finish().head(0).drop_name);
    }

    #[test]
    fn metadata_labels_go_together() {
        let labels =
            Labels::from_pairs([(METRIC_NAME, "m"), ("__type__", "counter"), ("__unit__", "s"), ("a", "1")]);
        assert_eq!(without_metadata(&labels), Labels::from_pairs([("a", "1")]));
    }
}
