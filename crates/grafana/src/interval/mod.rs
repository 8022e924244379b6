//! Steps and windows: how Grafana turns a time range and a width in pixels into `step`, `$__interval` and
//! `$__rate_interval`.
//!
//! Two places of Grafana take part: the browser chooses the interval of the request from the panel, and the data
//! source's backend makes the step of the query from it. Both are here, see [`request_interval`] and [`QueryTiming`].

mod relative;

use std::time::Duration;

pub use relative::{Calendar, TimeError, panel_time_range, parse_time, parse_time_range};

/// A time range in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// The earlier end.
    pub from_ms: i64,
    /// The later end.
    pub to_ms: i64,
}

impl TimeRange {
    /// How long it is; not negative.
    pub fn length_ms(self) -> i64 {
        self.to_ms.saturating_sub(self.from_ms).max(0)
    }
}

/// The scrape interval that Grafana assumes for a data source without one.
pub const DEFAULT_SCRAPE_INTERVAL: &str = "15s";
/// More points than this a series should not have: Prometheus refuses at 11,000. Grafana rounds the interval after the
/// division, also downwards, so that a range just below a bound of the table can have up to 7/4 as many.
pub const SAFE_RESOLUTION: i64 = 11_000;
/// The number of points when a panel has neither a width nor a number of its own.
const DEFAULT_RESOLUTION: i64 = 1_500;

/// A duration that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no duration: expected a number with ms, s, m, h, d, w, M or y, for example 30s")]
pub struct IntervalError {
    /// What stood there.
    pub text: String,
}

/// Upper bounds of intervals and what they are rounded to, both in milliseconds.
const ROUNDING: [(i64, i64); 28] = [
    (10, 1),
    (15, 10),
    (35, 20),
    (75, 50),
    (150, 100),
    (350, 200),
    (750, 500),
    (1_500, 1_000),
    (3_500, 2_000),
    (7_500, 5_000),
    (12_500, 10_000),
    (17_500, 15_000),
    (25_000, 20_000),
    (45_000, 30_000),
    (90_000, 60_000),
    (210_000, 120_000),
    (450_000, 300_000),
    (750_000, 600_000),
    (1_050_000, 900_000),
    (1_500_000, 1_200_000),
    (2_700_000, 1_800_000),
    (5_400_000, 3_600_000),
    (9_000_000, 7_200_000),
    (16_200_000, 10_800_000),
    (32_400_000, 21_600_000),
    (86_400_000, 43_200_000),
    (604_800_000, 86_400_000),
    (1_814_400_000, 604_800_000),
];
const SIX_WEEKS: i64 = 3_628_800_000;
const THIRTY_DAYS: i64 = 2_592_000_000;
const YEAR: i64 = 31_536_000_000;

/// Rounds an interval as the browser does: a bound belongs to the larger interval.
pub fn round_interval(interval_ms: f64) -> i64 {
    let rounded = ROUNDING.iter().find(|(bound, _)| interval_ms < *bound as f64).map(|(_, rounded)| *rounded);
    rounded.unwrap_or(if interval_ms < SIX_WEEKS as f64 { THIRTY_DAYS } else { YEAR })
}

/// Rounds an interval as the backend does: a bound belongs to the smaller interval.
fn round_interval_in_backend(interval_ns: i64) -> i64 {
    const NS: i64 = 1_000_000;
    let rounded = ROUNDING.iter().find(|(bound, _)| interval_ns <= bound * NS).map(|(_, rounded)| *rounded);
    rounded.unwrap_or(if interval_ns < SIX_WEEKS * NS { THIRTY_DAYS } else { YEAR })
}

/// Reads a duration like `30s`, `1m`, `1.5h` or `15` (seconds) into milliseconds. A leading `>` or `<`, which older
/// versions had for limits, is ignored.
pub fn parse_interval(text: &str) -> Result<i64, IntervalError> {
    let error = || IntervalError { text: text.to_owned() };
    let trimmed = text.trim().trim_start_matches(['<', '>']);
    let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let number: f64 = number.parse().map_err(|_| error())?;
    let unit_ms = match unit {
        "ms" => 1.0,
        "" | "s" => 1_000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        "w" => 604_800_000.0,
        "M" => 2_592_000_000.0,
        "y" => 31_536_000_000.0,
        _ => return compound(trimmed).ok_or_else(error),
    };
    Ok((number * unit_ms).round() as i64)
}

/// `1m30s`, `4m0s`: what Go and Prometheus write.
fn compound(text: &str) -> Option<i64> {
    let mut total = 0_i64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|digits| *digits > 0)?;
        let letters = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let unit = &rest[digits..letters];
        // A single part was read by the caller already.
        if !matches!(unit, "ms" | "s" | "m" | "h" | "d" | "w" | "y") {
            return None;
        }
        total = total.checked_add(parse_interval(&rest[..letters]).ok()?)?;
        rest = &rest[letters..];
    }
    Some(total)
}

/// Writes an interval in its largest unit, cutting off the rest: 90 s are `1m`.
pub fn format_interval(interval_ms: i64) -> String {
    let (number, unit) = match interval_ms {
        ms if ms >= YEAR => (ms / YEAR, "y"),
        ms if ms >= 86_400_000 => (ms / 86_400_000, "d"),
        ms if ms >= 3_600_000 => (ms / 3_600_000, "h"),
        ms if ms >= 60_000 => (ms / 60_000, "m"),
        ms if ms >= 1_000 => (ms / 1_000, "s"),
        ms => (ms.max(1), "ms"),
    };
    format!("{number}{unit}")
}

/// Writes a duration as Go does, since that is what stands in queries for `$__rate_interval`: `4m0s`, `1h0m0s`.
fn go_duration(ms: i64) -> String {
    if ms < 1_000 {
        return format!("{ms}ms");
    }
    let seconds = ms as f64 / 1_000.0;
    let (hours, minutes) = (ms / 3_600_000, ms / 60_000 % 60);
    let seconds = seconds - (hours * 3_600 + minutes * 60) as f64;
    // At most three digits after the point.
    let seconds = (seconds * 1_000.0).round() / 1_000.0;
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// The interval of a request, as the browser computes it: the range divided by the number of points, rounded, and at
/// least `min_interval` (of the panel, else of the data source).
pub fn request_interval(
    range: TimeRange,
    max_data_points: i64,
    min_interval: &str,
) -> Result<i64, IntervalError> {
    let low_limit = if min_interval.trim().is_empty() { 1 } else { parse_interval(min_interval)? };
    let rounded = round_interval(range.length_ms() as f64 / max_data_points.max(1) as f64);
    Ok(rounded.max(low_limit))
}

/// What the timing of a query depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuerySettings<'a> {
    /// The dashboard's, or the panel's own.
    pub range: TimeRange,
    /// The panel's own number, or its width in pixels.
    pub max_data_points: i64,
    /// The panel's `interval`.
    pub panel_interval: Option<&'a str>,
    /// The data source's scrape interval (`timeInterval`).
    pub scrape_interval: Option<&'a str>,
    /// The target's `interval`: a duration or one of Grafana's variables.
    pub target_interval: Option<&'a str>,
    /// The target's `intervalFactor`.
    pub interval_factor: Option<i64>,
    /// How far the zone of the dashboard is from UTC: steps are aligned to local midnight.
    pub utc_offset_seconds: i64,
}

/// When a query is evaluated, and what stands for its variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryTiming {
    /// The range as it was asked for; an instant query is evaluated at its end.
    pub range: TimeRange,
    /// The interval of the request.
    pub request_interval_ms: i64,
    /// The distance of the points, also `$__interval`.
    pub step_ms: i64,
    /// `$__rate_interval`.
    pub rate_interval_ms: i64,
    /// The start of a range query: a multiple of the step.
    pub start_ms: i64,
    /// The end of a range query: a multiple of the step.
    pub end_ms: i64,
}

impl QueryTiming {
    /// Computes the timing as Grafana does, in the browser and then in the Prometheus data source.
    pub fn new(settings: QuerySettings<'_>) -> Result<Self, IntervalError> {
        let QuerySettings { range, max_data_points, .. } = settings;
        let given =
            |text: Option<&'_ str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let scrape = given(settings.scrape_interval).unwrap_or_else(|| DEFAULT_SCRAPE_INTERVAL.to_owned());
        let scrape_ms = parse_interval(&scrape)?;
        let min_interval = given(settings.panel_interval).unwrap_or_else(|| scrape.clone());
        let request_interval_ms = request_interval(range, max_data_points, &min_interval)?;

        let target = given(settings.target_interval).unwrap_or_default();
        let (is_interval, is_rate_interval) =
            (is_variable(&target, "__interval"), is_variable(&target, "__rate_interval"));
        let fixed = !target.is_empty() && target != "0s" && !is_interval && !is_rate_interval;
        let min_ms = if fixed { parse_interval(&target)? } else { request_interval_ms };

        let calculated = backend_interval(range, min_ms, max_data_points);
        let safe = round_interval_in_backend(range.length_ms().saturating_mul(1_000_000) / SAFE_RESOLUTION);
        let adjusted = calculated.max(safe).max(1);
        let rate_for = |query_ms: i64, scrape_ms: i64| {
            query_ms.saturating_add(scrape_ms).max(scrape_ms.saturating_mul(4))
        };
        let step_ms = if is_rate_interval {
            rate_for(adjusted, scrape_ms)
        } else {
            adjusted.saturating_mul(settings.interval_factor.filter(|factor| *factor > 0).unwrap_or(1))
        };
        let rate_interval_ms = if is_rate_interval {
            step_ms
        } else if is_interval {
            rate_for(request_interval_ms, step_ms)
        } else if fixed {
            rate_for(request_interval_ms, min_ms)
        } else {
            rate_for(request_interval_ms, scrape_ms)
        };
        let offset_ms = settings.utc_offset_seconds.saturating_mul(1_000);
        let align = |ms: i64| {
            ms.saturating_add(offset_ms).div_euclid(step_ms).saturating_mul(step_ms).saturating_sub(offset_ms)
        };
        Ok(Self {
            range,
            request_interval_ms,
            step_ms,
            rate_interval_ms,
            start_ms: align(range.from_ms),
            end_ms: align(range.to_ms),
        })
    }

    /// The distance of the points.
    pub fn step(&self) -> Duration {
        Duration::from_millis(self.step_ms.unsigned_abs())
    }

    /// What stands in queries for a variable of this module, by its name without `$`.
    pub fn variable(&self, name: &str) -> Option<String> {
        let range_ms = self.range.length_ms();
        let range_s = (range_ms as f64 / 1_000.0).round() as i64;
        Some(match name {
            "__interval" => format_interval(self.step_ms),
            "__interval_ms" => self.step_ms.to_string(),
            "__rate_interval" => go_duration(self.rate_interval_ms),
            "__rate_interval_ms" => self.rate_interval_ms.to_string(),
            "__range" => format!("{range_s}s"),
            "__range_s" => range_s.to_string(),
            "__range_ms" => range_ms.to_string(),
            _ => return None,
        })
    }
}

fn backend_interval(range: TimeRange, min_ms: i64, max_data_points: i64) -> i64 {
    let resolution = if max_data_points > 0 { max_data_points } else { DEFAULT_RESOLUTION };
    let interval_ns = range.length_ms().saturating_mul(1_000_000) / resolution;
    if interval_ns < min_ms.saturating_mul(1_000_000) {
        min_ms
    } else {
        round_interval_in_backend(interval_ns)
    }
}

/// `$name`, `${name}`, `$name_ms` or `${name_ms}`.
fn is_variable(text: &str, name: &str) -> bool {
    let Some(rest) = text.strip_prefix('$') else { return false };
    let rest = rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(rest);
    rest.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest == "_ms")
}

#[cfg(test)]
mod tests;
