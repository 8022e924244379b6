//! Whether a value is the expected one.

use std::fmt;

use labels::{Labels, Quoted};
use promql::{Annotations, Point, RangeSeries, Sample, Value, is_stale_nan};

use crate::script::{Case, Expected, Remark, Times};
use crate::series::{Item, Series};

/// The relative difference that Prometheus allows.
const TOLERANCE: f64 = 1e-6;

/// Whether two numbers are equal, as far as rounding goes.
fn nearly_equal(left: f64, right: f64) -> bool {
    if is_stale_nan(left) || is_stale_nan(right) {
        return is_stale_nan(left) && is_stale_nan(right);
    }
    if (left.is_nan() && right.is_nan()) || left == right {
        return true;
    }
    let sum = left.abs() + right.abs();
    let difference = (left - right).abs();
    if left == 0.0 || right == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}

/// Compares a value with what the case expects.
pub(crate) fn value(case: &Case, value: &Value) -> Result<(), String> {
    match (&case.value, value) {
        (Expected::Text(expected), Value::String(text)) if expected == text => Ok(()),
        (Expected::Scalar(expected), Value::Scalar(point)) if nearly_equal(*expected, point.value) => Ok(()),
        (Expected::Series(expected), Value::Vector(samples)) => vector(expected, samples, case.ordered),
        (Expected::Series(expected), Value::Matrix(series)) => matrix(expected, series, case),
        (expected, found) => Err(format!("expected {expected}, found {}", Shown(found))),
    }
}

/// Compares one step of a range query with what the case expects of the instant one.
pub(crate) fn step(case: &Case, series: &[RangeSeries], at: i64) -> Result<(), String> {
    sorted(series)?;
    let point = |series: &RangeSeries| series.points.iter().find(|point| point.timestamp_ms == at).copied();
    if let Expected::Scalar(expected) = case.value {
        let found = series.first().and_then(point);
        return match found {
            Some(found) if nearly_equal(expected, found.value) => Ok(()),
            Some(found) => Err(format!("expected {expected}, found {}", found.value)),
            None => Err(format!("expected {expected}, found nothing at this step")),
        };
    }
    let Expected::Series(expected) = &case.value else { return Err("a range query gives no text".into()) };
    let samples: Vec<Sample> = series
        .iter()
        .filter_map(|series| Some(Sample { labels: series.labels.clone(), point: point(series)? }))
        .collect();
    vector(expected, &samples, false)
}

/// A value as people read it.
pub(crate) struct Shown<'v>(pub(crate) &'v Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let series =
            |count: usize| if count == 1 { "1 series".to_owned() } else { format!("{count} series") };
        match self.0 {
            Value::Scalar(point) => write!(f, "the number {}", point.value),
            Value::String(text) => write!(f, "the text {}", Quoted(text)),
            Value::Vector(samples) => f.write_str(&series(samples.len())),
            Value::Matrix(found) => write!(f, "{} with samples over time", series(found.len())),
        }
    }
}

/// Samples over time, the first few of them: `1@0s 2@60s …`.
fn points(points: &[Point]) -> String {
    const SHOWN: usize = 12;
    if points.is_empty() {
        return "nothing".to_owned();
    }
    let shown = points
        .iter()
        .take(SHOWN)
        .map(|point| format!("{}@{}s", point.value, point.timestamp_ms as f64 / 1000.0));
    let mut text = shown.collect::<Vec<_>>().join(" ");
    if points.len() > SHOWN {
        text.push_str(&format!(" … ({} samples)", points.len()));
    }
    text
}

fn vector(expected: &[Series], samples: &[Sample], ordered: bool) -> Result<(), String> {
    for (place, sample) in samples.iter().enumerate() {
        let Some((index, series)) = find(expected, &sample.labels) else {
            return Err(format!("unexpected series {} with {}", sample.labels, sample.point.value));
        };
        if ordered && index != place {
            return Err(format!("series {} is number {} instead of {}", sample.labels, place + 1, index + 1));
        }
        match series.items.first() {
            Some(Item::Float(expected)) if nearly_equal(*expected, sample.point.value) => {}
            other => {
                let expected = match other {
                    Some(Item::Float(value)) => value.to_string(),
                    Some(Item::Histogram) => "a native histogram".to_owned(),
                    Some(Item::Gap) | None => "nothing".to_owned(),
                };
                return Err(format!("{}: expected {expected}, found {}", sample.labels, sample.point.value));
            }
        }
    }
    let missing = expected.iter().find(|series| !samples.iter().any(|sample| sample.labels == series.labels));
    missing.map_or(Ok(()), |series| Err(format!("series {} is missing", series.labels)))
}

fn matrix(expected: &[Series], found: &[RangeSeries], case: &Case) -> Result<(), String> {
    sorted(found)?;
    let (start, step) = match (case.range_vector, case.times) {
        (Some((start, _, step)), _) | (None, Times::Range(start, _, step)) => (start, step),
        (None, Times::Instant(at)) => (at, 0),
    };
    for series in found {
        let Some((_, expected)) = find(expected, &series.labels) else {
            return Err(format!("unexpected series {} with {}", series.labels, points(&series.points)));
        };
        let expected = expected.items.iter().enumerate().filter_map(|(index, item)| match item {
            Item::Gap => None,
            Item::Float(value) => Some((start + step * index as i64, *value)),
            Item::Histogram => Some((start + step * index as i64, f64::NAN)),
        });
        let expected: Vec<(i64, f64)> = expected.collect();
        let same = |((at, value), point): (&(i64, f64), &Point)| {
            *at == point.timestamp_ms && nearly_equal(*value, point.value)
        };
        if expected.len() != series.points.len() || !expected.iter().zip(&series.points).all(same) {
            let expected: Vec<Point> =
                expected.into_iter().map(|(timestamp_ms, value)| Point { timestamp_ms, value }).collect();
            return Err(format!(
                "{}: expected {}, found {}",
                series.labels,
                points(&expected),
                points(&series.points)
            ));
        }
    }
    let missing = expected.iter().find(|series| !found.iter().any(|found| found.labels == series.labels));
    missing.map_or(Ok(()), |series| Err(format!("series {} is missing", series.labels)))
}

fn sorted(series: &[RangeSeries]) -> Result<(), String> {
    match series.windows(2).find(|pair| pair[0].labels > pair[1].labels) {
        Some(pair) => Err(format!("{} comes before {}", pair[0].labels, pair[1].labels)),
        None => Ok(()),
    }
}

/// The last series of these labels, as a later one replaces an earlier one.
fn find<'e>(expected: &'e [Series], labels: &Labels) -> Option<(usize, &'e Series)> {
    expected.iter().enumerate().rfind(|(_, series)| series.labels == *labels)
}

/// Compares remarks with what the case expects.
pub(crate) fn remarks(case: &Case, found: &Annotations) -> Result<(), String> {
    for (kind, found) in [("warning", &found.warnings), ("info", &found.infos)] {
        let mut expected = Vec::new();
        for remark in &case.remarks {
            match (remark, kind) {
                (Remark::Warning(text), "warning") | (Remark::Info(text), "info") => expected.push(text),
                (Remark::NoWarning, "warning") | (Remark::NoInfo, "info") if !found.is_empty() => {
                    return Err(format!("unexpected {kind}: {}", found.join("; ")));
                }
                _ => {}
            }
        }
        if expected.is_empty() {
            continue;
        }
        let found_all = expected.iter().all(|text| found.iter().any(|message| text.accepts(message)));
        let expected_all = found.iter().all(|message| expected.iter().any(|text| text.accepts(message)));
        if !found_all || !expected_all {
            let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
            let found = if found.is_empty() { "none".to_owned() } else { found.join("; ") };
            return Err(format!("expected {kind} {}, found {found}", expected.join("; ")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_equal_within_a_millionth() {
        for (left, right, equal) in [
            (1.0, 1.000_001, true),
            (1.0, 1.000_01, false),
            (0.0, 1e-300, false),
            (f64::NAN, -f64::NAN, true),
            (f64::INFINITY, f64::INFINITY, true),
            (f64::INFINITY, f64::MAX, false),
        ] {
            assert_eq!(nearly_equal(left, right), equal, "{left} and {right}");
        }
    }
}
