//! Aggregations that pick some of the series: `topk`, `bottomk`, `limitk`, `limit_ratio`.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use labels::{Label, Labels};

use super::grouping::Grouper;
use super::matrix::{Head, Matrix, Row, Scalars, is_absent};
use super::notes::go_float;
use super::plan::{Grouping, Pick, ScalarNode, VectorNode};
use super::steps::Steps;
use super::{Evaluator, failure};
use crate::ast::Span;
use crate::engine::QueryError;

/// A series' value at one step. Greater is what is picked first: the better value, and of equal ones the earlier series.
/// NaN is worse than anything.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    value: f64,
    series: usize,
    descending: bool,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_value = match (self.value.is_nan(), other.value.is_nan()) {
            (false, false) => self.value.partial_cmp(&other.value).unwrap_or(Ordering::Equal),
            (left, right) => return right.cmp(&left).then(other.series.cmp(&self.series)),
        };
        let by_value = if self.descending { by_value } else { by_value.reverse() };
        by_value.then(other.series.cmp(&self.series))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

impl Evaluator<'_> {
    /// The series that an aggregation picks.
    pub(super) fn pick(
        &self,
        pick: Pick,
        parameter: &ScalarNode,
        inner: &VectorNode,
        grouping: &Grouping,
        steps: Steps,
    ) -> Result<Matrix, QueryError> {
        let parameters = self.scalars(parameter, steps)?;
        if pick == Pick::Ratio {
            return self.limit_ratio(&parameters, parameter.span, inner, steps);
        }
        let Some(wanted) = counts(&parameters, steps.count, parameter.span)? else {
            return Ok(Matrix::new(steps.count, &self.limits));
        };
        match pick {
            Pick::Limit => self.limit(&wanted, inner, grouping, steps),
            _ => self.best(&wanted, pick == Pick::Top, inner, grouping, steps),
        }
    }

    fn best(
        &self,
        wanted: &[usize],
        descending: bool,
        inner: &VectorNode,
        grouping: &Grouping,
        steps: Steps,
    ) -> Result<Matrix, QueryError> {
        let mut grouper = Grouper::new(grouping);
        let mut heads: Vec<Head> = Vec::new();
        // For each group and step the best so far, the worst of them on top.
        let mut heaps: Vec<BinaryHeap<Reverse<Candidate>>> = Vec::new();
        let mut held = self.limits.holding();
        self.stream(inner, steps, &mut |row| {
            self.limits.work(steps.count)?;
            let group = grouper.group_of(row.labels, self.is_nameless(row.drop_name));
            if (group + 1) * steps.count > heaps.len() {
                heaps.resize_with((group + 1) * steps.count, BinaryHeap::new);
            }
            let series = heads.len();
            let mut picked = 0;
            let heaps = &mut heaps[group * steps.count..][..steps.count];
            for ((&value, heap), &wanted) in row.values.iter().zip(heaps).zip(wanted) {
                if is_absent(value) {
                    continue;
                }
                let candidate = Candidate { value, series, descending };
                if heap.len() < wanted {
                    heap.push(Reverse(candidate));
                    picked += 1;
                } else if let Some(mut worst) = heap.peek_mut()
                    && worst.0 < candidate
                {
                    *worst = Reverse(candidate);
                    picked += 1;
                }
            }
            held.add(picked)?;
            // Labels of series that were never picked are not needed, but their numbers are.
            let labels = if picked > 0 { row.labels.clone() } else { Labels::empty() };
            heads.push(Head { labels, drop_name: row.drop_name });
            Ok(())
        })?;
        let mut rows = vec![usize::MAX; heads.len()];
        let mut out = Matrix::new(steps.count, &self.limits);
        for (index, heap) in heaps.into_iter().enumerate() {
            // Ascending in `Reverse`: the best first.
            for Reverse(candidate) in heap.into_sorted_vec() {
                let head = &heads[candidate.series];
                let row = &mut rows[candidate.series];
                if *row == usize::MAX {
                    *row = out.len();
                    out.push_empty(self.head(&head.labels, head.drop_name))?;
                }
                out.row_mut(*row)[index % steps.count] = candidate.value;
            }
        }
        Ok(out)
    }

    fn limit(
        &self,
        wanted: &[usize],
        inner: &VectorNode,
        grouping: &Grouping,
        steps: Steps,
    ) -> Result<Matrix, QueryError> {
        let mut grouper = Grouper::new(grouping);
        let mut taken: Vec<usize> = Vec::new();
        self.filter(inner, steps, |row| {
            let group = grouper.group_of(row.labels, self.is_nameless(row.drop_name));
            if (group + 1) * steps.count > taken.len() {
                taken.resize((group + 1) * steps.count, 0);
            }
            let taken = &mut taken[group * steps.count..][..steps.count];
            for ((value, taken), &wanted) in row.values.iter_mut().zip(taken).zip(wanted) {
                if is_absent(*value) {
                    continue;
                }
                if *taken < wanted {
                    *taken += 1;
                } else {
                    *value = super::matrix::absent();
                }
            }
        })
    }

    fn limit_ratio(
        &self,
        ratios: &Scalars,
        span: Span,
        inner: &VectorNode,
        steps: Steps,
    ) -> Result<Matrix, QueryError> {
        let ratios: Vec<f64> = ratios.iter(steps.count).collect();
        if ratios.iter().all(|&ratio| ratio == 0.0) {
            return Ok(Matrix::new(steps.count, &self.limits));
        }
        if ratios.iter().any(|ratio| ratio.is_nan()) {
            return Err(failure("Ratio value is NaN", span));
        }
        let (min, max) = bounds(&ratios);
        for (given, limit) in [(max, 1.0), (min, -1.0)] {
            if given.abs() > 1.0 && given.signum() == limit {
                let message = format!(
                    "ratio value should be between -1 and 1, got {}, capping to {}",
                    go_float(given),
                    go_float(limit)
                );
                self.notes.warn(message, span);
            }
        }
        self.filter(inner, steps, |row| {
            let place = place_of(row.labels);
            for (value, &ratio) in row.values.iter_mut().zip(&ratios) {
                let ratio = ratio.clamp(-1.0, 1.0);
                // A negative ratio picks exactly the series that the positive rest leaves out.
                let picked = if ratio >= 0.0 { place < ratio } else { place >= 1.0 + ratio };
                if !picked {
                    *value = super::matrix::absent();
                }
            }
        })
    }

    /// The rows of `inner` with those values that `keep` leaves.
    fn filter(
        &self,
        inner: &VectorNode,
        steps: Steps,
        mut keep: impl FnMut(&mut Row<'_>),
    ) -> Result<Matrix, QueryError> {
        let mut out = Matrix::new(steps.count, &self.limits);
        self.stream(inner, steps, &mut |mut row| {
            self.limits.work(steps.count)?;
            keep(&mut row);
            if super::matrix::any_present(row.values) {
                out.push(self.head(row.labels, row.drop_name), row.values)?;
            }
            Ok(())
        })?;
        Ok(out)
    }
}

fn bounds(values: &[f64]) -> (f64, f64) {
    let fold = |pick: fn(f64, f64) -> f64, from| values.iter().copied().fold(from, pick);
    (fold(f64::min, f64::INFINITY), fold(f64::max, f64::NEG_INFINITY))
}

/// How many series are wanted at each step; `None` where none ever is.
fn counts(parameters: &Scalars, steps: usize, span: Span) -> Result<Option<Vec<usize>>, QueryError> {
    let values: Vec<f64> = parameters.iter(steps).collect();
    if values.iter().any(|value| value.is_nan()) {
        return Err(failure("Parameter value is NaN", span));
    }
    let (min, max) = bounds(&values);
    if max < 1.0 {
        return Ok(None);
    }
    if min <= i64::MIN as f64 {
        return Err(failure(format!("Scalar value {} underflows int64", go_float(min)), span));
    }
    if max >= i64::MAX as f64 {
        return Err(failure(format!("Scalar value {} overflows int64", go_float(max)), span));
    }
    Ok(Some(values.into_iter().map(|value| value.max(0.0) as usize).collect()))
}

/// Where a series lies between 0 and 1: by the hash of its labels that Prometheus takes, so that both pick the same.
fn place_of(labels: &Labels) -> f64 {
    let mut bytes = Vec::new();
    for Label { name, value } in labels {
        for text in [name, value] {
            // As Prometheus keeps label sets in memory: each text behind its length.
            match u8::try_from(text.len()) {
                Ok(length) if length < 0xff => bytes.push(length),
                _ => {
                    bytes.push(0xff);
                    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes()[..3]);
                }
            }
            bytes.extend_from_slice(text.as_bytes());
        }
    }
    xxhash_rust::xxh64::xxh64(&bytes, 0) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_value_wins_then_the_earlier_series_and_nan_always_loses() {
        let candidate = |value, series, descending| Candidate { value, series, descending };
        assert!(candidate(2.0, 1, true) > candidate(1.0, 0, true));
        assert!(candidate(2.0, 1, false) < candidate(1.0, 0, false));
        assert!(candidate(1.0, 0, true) > candidate(1.0, 1, true));
        assert!(candidate(f64::NAN, 0, true) < candidate(f64::NEG_INFINITY, 1, true));
        assert!(candidate(f64::NAN, 0, false) < candidate(f64::INFINITY, 1, false));
    }

    #[test]
    fn series_are_spread_evenly() {
        let places = (0..1000).map(|index| place_of(&Labels::from_pairs([("pod", index.to_string())])));
        let low = places.filter(|&place| place < 0.25).count();
        assert!((200..300).contains(&low), "{low}");
    }

    #[test]
    fn senseless_parameters_are_refused() {
        let counts = |value| counts(&Scalars::Same(value), 1, Span::default());
        assert_eq!(counts(2.9).unwrap(), Some(vec![2]));
        assert_eq!(counts(0.9).unwrap(), None);
        assert!(counts(f64::NAN).is_err() && counts(f64::INFINITY).is_err());
    }
}
