//! Remarks that do not make a query fail, in Prometheus' words.

use std::cell::RefCell;

use jiff::Timestamp;

use crate::ast::Span;
use crate::value::Annotations;

/// How serious a remark is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Info,
    Warning,
}

/// One remark.
struct Note {
    level: Level,
    message: String,
    span: Span,
    fixes: Option<Fixes>,
}

/// How much the buckets of histograms had to be corrected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fixes {
    /// The lowest upper bound of a corrected bucket.
    pub(super) lowest_bucket: f64,
    /// The highest upper bound of a corrected bucket.
    pub(super) highest_bucket: f64,
    /// The largest correction of a count.
    pub(super) largest: f64,
    /// How many histograms were corrected.
    pub(super) count: usize,
    /// The first of them, milliseconds since the epoch.
    pub(super) first_ms: i64,
    /// The last of them.
    pub(super) last_ms: i64,
}

impl Fixes {
    fn merge(self, other: Self) -> Self {
        Self {
            lowest_bucket: self.lowest_bucket.min(other.lowest_bucket),
            highest_bucket: self.highest_bucket.max(other.highest_bucket),
            largest: self.largest.max(other.largest),
            count: self.count + other.count,
            first_ms: self.first_ms.min(other.first_ms),
            last_ms: self.last_ms.max(other.last_ms),
        }
    }
}

/// Collects remarks; the same words are said once.
#[derive(Default)]
pub(super) struct Notes {
    notes: RefCell<Vec<Note>>,
}

impl Notes {
    /// Notes a probable mistake.
    pub(super) fn warn(&self, message: impl Into<String>, span: Span) {
        self.add(Note { level: Level::Warning, message: message.into(), span, fixes: None });
    }

    /// Notes a possible mistake.
    pub(super) fn info(&self, message: impl Into<String>, span: Span) {
        self.add(Note { level: Level::Info, message: message.into(), span, fixes: None });
    }

    /// Notes that buckets were not monotonic.
    pub(super) fn forced_monotonicity(&self, metric_name: &str, span: Span, fixes: Fixes) {
        let mut message = "input to histogram_quantile needed to be fixed for monotonicity (see \
            https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
            .to_owned();
        if !metric_name.is_empty() {
            message.push_str(&format!(" for metric name {metric_name:?}"));
        }
        self.add(Note { level: Level::Info, message, span, fixes: Some(fixes) });
    }

    fn add(&self, note: Note) {
        let mut notes = self.notes.borrow_mut();
        match notes.iter_mut().find(|old| old.level == note.level && old.message == note.message) {
            Some(old) => {
                old.span = note.span;
                if let (Some(old), Some(new)) = (&mut old.fixes, note.fixes) {
                    *old = old.merge(new);
                }
            }
            None => notes.push(note),
        }
    }

    /// The remarks as Prometheus words them. `line_starts` are the offsets of the query's lines.
    pub(super) fn finish(self, line_starts: &[usize]) -> Annotations {
        let mut annotations = Annotations::default();
        for note in self.notes.into_inner() {
            let (level, list) = match note.level {
                Level::Info => ("PromQL info", &mut annotations.infos),
                Level::Warning => ("PromQL warning", &mut annotations.warnings),
            };
            let fixes = note.fixes.map(describe).unwrap_or_default();
            let line = line_starts.partition_point(|&start| start <= note.span.start).max(1);
            let column = note.span.start + 1 - line_starts.get(line - 1).copied().unwrap_or(0);
            list.push(format!("{level}: {}{fixes} ({line}:{column})", note.message));
        }
        annotations
    }
}

fn describe(fixes: Fixes) -> String {
    let time = |ms: i64| {
        Timestamp::from_second(ms.div_euclid(1000)).map_or_else(|_| ms.to_string(), |t| t.to_string())
    };
    format!(
        ", from buckets {} to {}, with a max diff of {}, over {} samples from {} to {}",
        go_float(fixes.lowest_bucket),
        go_float(fixes.highest_bucket),
        go_float(two_digits(fixes.largest)),
        fixes.count,
        time(fixes.first_ms),
        time(fixes.last_ms),
    )
}

/// Rounded to two significant digits.
fn two_digits(value: f64) -> f64 {
    format!("{value:.1e}").parse().unwrap_or(value)
}

/// A number as Go's `%g` and `%v` print it: the shortest text that reads back as the same number.
pub(super) fn go_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.into();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    format!("{value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_is_made_once_and_says_where() {
        let notes = Notes::default();
        notes.info("one", Span::new(3, 4));
        notes.info("one", Span::new(9, 10));
        notes.warn("two", Span::new(0, 1));
        let annotations = notes.finish(&[0, 5]);
        assert_eq!(annotations.infos, ["PromQL info: one (2:5)"]);
        assert_eq!(annotations.warnings, ["PromQL warning: two (1:1)"]);
    }

    #[test]
    fn numbers_print_as_go_prints_them() {
        for (value, text) in [
            (0.0, "0"),
            (-0.5, "-0.5"),
            (1e-5, "1e-05"),
            (123456.0, "123456"),
            (1_500_000.0, "1.5e+06"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(go_float(value), text);
        }
        assert_eq!(go_float(two_digits(0.1234)), "0.12");
    }

    #[test]
    fn corrections_of_many_histograms_are_summed_up_in_one_remark() {
        let notes = Notes::default();
        let fixes = Fixes {
            lowest_bucket: 0.2,
            highest_bucket: 0.5,
            largest: 3.0,
            count: 1,
            first_ms: 60_000,
            last_ms: 60_000,
        };
        notes.forced_monotonicity("m", Span::new(0, 1), fixes);
        let later = Fixes { highest_bucket: 1.0, first_ms: 0, last_ms: 0, ..fixes };
        notes.forced_monotonicity("m", Span::new(0, 1), later);
        let infos = notes.finish(&[0]).infos;
        assert_eq!(infos.len(), 1);
        assert!(
            infos[0].ends_with(
                "for metric name \"m\", from buckets 0.2 to 1, with a max diff of 3, over 2 samples from \
                 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z (1:1)"
            ),
            "{infos:?}"
        );
    }
}
