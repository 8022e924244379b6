//! Classic histograms: one series for each bucket, the label `le` says up to where it counts.

use labels::{Labels, LabelsBuilder};

use super::grouping::{Numbering, key_without};
use super::matrix::{Matrix, Merger, Scalars, absent, any_present, is_absent};
use super::notes::{Fixes, go_float};
use super::plan::{HistogramFunction, VectorNode};
use super::steps::Steps;
use super::{Evaluator, merge_failure};
use crate::ast::Span;
use crate::engine::QueryError;

/// The label with a bucket's upper bound.
const BUCKET_LABEL: &str = "le";

/// Differences between neighbouring buckets that are smaller than this part of them come from rounding.
const SMALL_DIFFERENCE: f64 = 1e-12;

/// A bucket at one step: how many observations were at most `upper`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    upper: f64,
    count: f64,
}

/// The series of one histogram.
struct Histogram {
    labels: Labels,
    drop_name: bool,
    /// Upper bounds and rows, ascending by bound.
    buckets: Vec<(f64, usize)>,
}

impl Evaluator<'_> {
    /// A function of classic histograms.
    pub(super) fn histogram(
        &self,
        inner: &VectorNode,
        function: &HistogramFunction,
        steps: Steps,
        span: Span,
    ) -> Result<Matrix, QueryError> {
        let quantile = |node| {
            let values = self.scalars(node, steps)?;
            for value in values.iter(steps.count) {
                self.check_quantile(value, node.span);
            }
            Ok::<_, QueryError>(values)
        };
        let mut out = Merger::new(steps.count, &self.limits);
        match function {
            HistogramFunction::Quantile(node) => {
                let quantiles = quantile(node)?;
                let buckets = self.buckets(inner, steps)?;
                self.quantiles(&buckets, inner.span, span, steps, &quantiles, None, &mut out)?;
            }
            HistogramFunction::Quantiles { label, quantiles } => {
                let quantiles = quantiles.iter().map(quantile).collect::<Result<Vec<_>, _>>()?;
                let buckets = self.buckets(inner, steps)?;
                for quantiles in &quantiles {
                    self.quantiles(&buckets, inner.span, span, steps, quantiles, Some(label), &mut out)?;
                }
            }
            HistogramFunction::Fraction { lower, upper } => {
                let (lower, upper) = (self.scalars(lower, steps)?, self.scalars(upper, steps)?);
                let buckets = self.buckets(inner, steps)?;
                self.each_step(&buckets, steps, span, &mut out, |step, _, buckets| {
                    (None, fraction(lower.get(step), upper.get(step), buckets))
                })?;
            }
        }
        Ok(out.finish())
    }

    /// Collects series to histograms.
    fn buckets(&self, inner: &VectorNode, steps: Steps) -> Result<Buckets, QueryError> {
        let matrix = self.matrix(inner, steps)?;
        let mut histograms: Vec<Histogram> = Vec::new();
        let mut numbering = Numbering::default();
        let mut key = Vec::new();
        for (row, (head, values)) in matrix.rows().enumerate() {
            let bound = head.labels.get(BUCKET_LABEL).unwrap_or_default();
            let Some(upper) = parse_bound(bound) else {
                if any_present(values) {
                    self.note_bad_bound(&head.labels, bound, inner.span);
                }
                continue;
            };
            key_without(&mut key, &head.labels, |name| name == BUCKET_LABEL);
            let (number, new) = numbering.number(&key);
            if new {
                let labels = head.labels.retain(|name| name != BUCKET_LABEL);
                histograms.push(Histogram { labels, drop_name: head.drop_name, buckets: Vec::new() });
            }
            histograms[number].buckets.push((upper, row));
        }
        for histogram in &mut histograms {
            histogram.buckets.sort_by(|(left, _), (right, _)| left.total_cmp(right));
        }
        Ok(Buckets { matrix, histograms })
    }

    fn note_bad_bound(&self, labels: &Labels, bound: &str, span: Span) {
        let mut message = format!("bucket label \"le\" is missing or has a malformed value of {bound:?}");
        if self.names_go_late
            && let Some(name) = labels.metric_name()
        {
            message.push_str(&format!(" for metric name {name:?}"));
        }
        self.notes.warn(message, span);
    }

    #[allow(clippy::too_many_arguments, reason = "one place calls it in two ways")]
    fn quantiles(
        &self,
        buckets: &Buckets,
        argument: Span,
        span: Span,
        steps: Steps,
        quantiles: &Scalars,
        label: Option<&str>,
        out: &mut Merger,
    ) -> Result<(), QueryError> {
        self.each_step(buckets, steps, span, out, |step, histogram, buckets| {
            let q = quantiles.get(step);
            let (value, fixed) = quantile(q, buckets);
            if let Some(Fixed { lowest_bucket, highest_bucket, largest }) = fixed {
                let name = if self.names_go_late { histogram.labels.metric_name() } else { None };
                let at = steps.at(step);
                let fixes =
                    Fixes { lowest_bucket, highest_bucket, largest, count: 1, first_ms: at, last_ms: at };
                self.notes.forced_monotonicity(name.unwrap_or_default(), argument, fixes);
            }
            (label.map(|label| (label, q)), value)
        })
    }

    /// Calls `value` for each histogram and step where there are buckets, with the buckets ascending and distinct, and
    /// adds what it returns to `out`, with the label that it returns, too.
    fn each_step<'l>(
        &self,
        buckets: &Buckets,
        steps: Steps,
        span: Span,
        out: &mut Merger,
        mut value: impl FnMut(usize, &Histogram, &mut [Bucket]) -> (Option<(&'l str, f64)>, f64),
    ) -> Result<(), QueryError> {
        let mut present: Vec<Bucket> = Vec::new();
        let mut row = vec![absent(); steps.count];
        for histogram in &buckets.histograms {
            self.limits.work(steps.count * histogram.buckets.len())?;
            row.fill(absent());
            let mut label: Option<(&str, f64)> = None;
            for step in 0..steps.count {
                present.clear();
                for &(upper, index) in &histogram.buckets {
                    let count = buckets.matrix.row(index)[step];
                    if is_absent(count) {
                        continue;
                    }
                    match present.last_mut() {
                        Some(last) if last.upper == upper => last.count += count,
                        _ => present.push(Bucket { upper, count }),
                    }
                }
                if present.is_empty() {
                    continue;
                }
                let (new_label, result) = value(step, histogram, &mut present);
                // The quantile may change from step to step, and with it the series.
                if let (Some((_, old)), Some((_, new))) = (label, new_label)
                    && old.to_bits() != new.to_bits()
                {
                    self.add_histogram(histogram, label, &row, span, out)?;
                    row.fill(absent());
                }
                label = new_label;
                row[step] = result;
            }
            self.add_histogram(histogram, label, &row, span, out)?;
        }
        Ok(())
    }

    fn add_histogram(
        &self,
        histogram: &Histogram,
        label: Option<(&str, f64)>,
        row: &[f64],
        span: Span,
        out: &mut Merger,
    ) -> Result<(), QueryError> {
        if !any_present(row) {
            return Ok(());
        }
        let mut head = self.head(&histogram.labels, true);
        head.drop_name |= histogram.drop_name;
        if let Some((name, quantile)) = label {
            let mut builder: LabelsBuilder = head.labels.to_builder();
            builder.set(name, &open_metrics_float(quantile));
            head.labels = builder.build();
        }
        out.add(head, row).map_err(|error| merge_failure(error, span))
    }
}

/// The histograms of a vector.
struct Buckets {
    matrix: Matrix,
    histograms: Vec<Histogram>,
}

fn parse_bound(text: &str) -> Option<f64> {
    let unsigned = text.trim_start_matches(['+', '-']);
    // Rust reads "infinity" and "nan" in any case, as Go does; it does not read "1_000" or "0x1p4", which nobody writes.
    if unsigned.is_empty() { None } else { text.parse().ok() }
}

/// A number as OpenMetrics writes it: never without a point.
fn open_metrics_float(value: f64) -> String {
    let text = go_float(value);
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') { text + ".0" } else { text }
}

/// Which buckets had fewer observations than the ones below them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fixed {
    lowest_bucket: f64,
    highest_bucket: f64,
    largest: f64,
}

/// Counts may not fall from bucket to bucket. Tiny differences are rounding errors; larger ones are corrected, too, but
/// worth a remark.
fn make_monotonic(buckets: &mut [Bucket]) -> Option<Fixed> {
    let mut fixed: Option<Fixed> = None;
    let mut previous = buckets.first()?.count;
    for bucket in &mut buckets[1..] {
        let count = bucket.count;
        if count == previous {
            continue;
        }
        if nearly_equal(previous, count) {
            bucket.count = previous;
        } else if count < previous {
            bucket.count = previous;
            let so_far = fixed.get_or_insert(Fixed {
                lowest_bucket: f64::INFINITY,
                highest_bucket: f64::NEG_INFINITY,
                largest: 0.0,
            });
            so_far.lowest_bucket = so_far.lowest_bucket.min(bucket.upper);
            so_far.highest_bucket = so_far.highest_bucket.max(bucket.upper);
            so_far.largest = so_far.largest.max(previous - count);
        } else {
            previous = count;
        }
    }
    fixed
}

fn nearly_equal(left: f64, right: f64) -> bool {
    let sum = left.abs() + right.abs();
    let difference = (left - right).abs();
    if left == 0.0 || right == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < SMALL_DIFFERENCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < SMALL_DIFFERENCE
}

/// The `q`-quantile, interpolated linearly inside of the bucket that it falls into. `buckets` are ascending.
fn quantile(q: f64, buckets: &mut [Bucket]) -> (f64, Option<Fixed>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if q > 1.0 {
        return (f64::INFINITY, None);
    }
    if buckets.last().is_none_or(|last| last.upper != f64::INFINITY) {
        return (f64::NAN, None);
    }
    let fixed = make_monotonic(buckets);
    let [below @ .., last] = &*buckets else { return (f64::NAN, fixed) };
    let Some(highest) = below.last() else { return (f64::NAN, fixed) };
    if last.count == 0.0 {
        return (f64::NAN, fixed);
    }
    let rank = q * last.count;
    // NaN counts never reach the rank.
    let index =
        below.partition_point(|bucket| bucket.count.partial_cmp(&rank).is_none_or(std::cmp::Ordering::is_lt));
    let value = match below.get(index) {
        // There is no upper bound to interpolate to.
        None => highest.upper,
        Some(bucket) if index == 0 && bucket.upper <= 0.0 => bucket.upper,
        Some(bucket) => {
            let start =
                index.checked_sub(1).map_or(Bucket { upper: 0.0, count: 0.0 }, |before| below[before]);
            start.upper + (bucket.upper - start.upper) * ((rank - start.count) / (bucket.count - start.count))
        }
    };
    (value, fixed)
}

/// The part of the observations between two values, interpolated linearly. `buckets` are ascending.
fn fraction(lower: f64, upper: f64, buckets: &[Bucket]) -> f64 {
    let (Some(first), Some(last)) = (buckets.first(), buckets.last()) else { return f64::NAN };
    if last.upper != f64::INFINITY || last.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let start = Bucket { upper: if first.upper <= 0.0 { f64::NEG_INFINITY } else { 0.0 }, count: 0.0 };
    let rank = |value: f64| {
        let mut below = start;
        for &bucket in buckets {
            if below.upper >= value {
                return below.count;
            }
            if bucket.upper > value {
                // A bucket without lower bound counts as a whole.
                return if below.upper == f64::NEG_INFINITY {
                    bucket.count
                } else {
                    below.count
                        + (bucket.count - below.count) * (value - below.upper) / (bucket.upper - below.upper)
                };
            }
            below = bucket;
        }
        last.count
    };
    let capped = |rank: f64| if rank > last.count { last.count } else { rank };
    (capped(rank(upper)) - capped(rank(lower))) / last.count
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;

    fn buckets(pairs: &[(f64, f64)]) -> Vec<Bucket> {
        pairs.iter().map(|&(upper, count)| Bucket { upper, count }).collect()
    }

    #[test]
    fn quantiles_are_interpolated_inside_of_a_bucket() {
        let histogram = [(1.0, 10.0), (2.0, 20.0), (INF, 40.0)];
        for (q, expected) in [(0.0, 0.0), (0.125, 0.5), (0.375, 1.5), (0.5, 2.0), (0.9, 2.0)] {
            assert_eq!(quantile(q, &mut buckets(&histogram)).0, expected, "{q}");
        }
        assert_eq!(quantile(-0.1, &mut buckets(&histogram)).0, -INF);
        assert_eq!(quantile(1.1, &mut buckets(&histogram)).0, INF);
    }

    #[test]
    fn a_lowest_bucket_that_ends_at_or_below_zero_has_no_lower_bound() {
        assert_eq!(quantile(0.1, &mut buckets(&[(-1.0, 10.0), (INF, 20.0)])).0, -1.0);
    }

    #[test]
    fn histograms_without_infinite_bucket_or_observations_have_no_quantile() {
        for histogram in [vec![(1.0, 10.0)], vec![(INF, 10.0)], vec![(1.0, 0.0), (INF, 0.0)]] {
            assert!(quantile(0.5, &mut buckets(&histogram)).0.is_nan(), "{histogram:?}");
        }
    }

    #[test]
    fn falling_counts_are_corrected_and_told_of() {
        let mut histogram = buckets(&[(1.0, 10.0), (2.0, 8.0), (3.0, 7.0), (INF, 20.0)]);
        let fixed = make_monotonic(&mut histogram);
        assert_eq!(fixed, Some(Fixed { lowest_bucket: 2.0, highest_bucket: 3.0, largest: 3.0 }));
        assert_eq!(histogram[2].count, 10.0);
        assert_eq!(make_monotonic(&mut buckets(&[(1.0, 10.0), (2.0, 10.0 - 1e-13), (INF, 20.0)])), None);
    }

    #[test]
    fn fractions_are_interpolated_and_cut_to_the_histogram() {
        let histogram = buckets(&[(1.0, 10.0), (2.0, 20.0), (INF, 40.0)]);
        for (lower, upper, expected) in
            [(0.0, 1.0, 0.25), (0.5, 1.5, 0.25), (-5.0, INF, 1.0), (2.0, 1.0, 0.0), (3.0, INF, 0.5)]
        {
            assert_eq!(fraction(lower, upper, &histogram), expected, "{lower}..{upper}");
        }
        assert!(fraction(f64::NAN, 1.0, &histogram).is_nan());
    }
}
