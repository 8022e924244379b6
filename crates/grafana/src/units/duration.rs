//! Lengths of time.

use super::{Formatted, to_fixed};

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    Nanoseconds,
    Microseconds,
    Milliseconds,
    Seconds,
    Minutes,
    Hours,
    Days,
}

/// Below the first number the value is divided by the second and gets this name.
type Step = (f64, f64, &'static str);

const END: f64 = f64::INFINITY;

const NANOSECONDS: &[Step] = &[
    (1e3, 1.0, " ns"),
    (1e6, 1e3, " µs"),
    (1e9, 1e6, " ms"),
    (6e10, 1e9, " s"),
    (3.6e12, 6e10, " min"),
    (8.64e13, 3.6e12, " hour"),
    (END, 8.64e13, " day"),
];
const MICROSECONDS: &[Step] = &[(1e3, 1.0, " µs"), (1e6, 1e3, " ms"), (END, 1e6, " s")];
const MILLISECONDS: &[Step] = &[
    (1e3, 1.0, " ms"),
    (6e4, 1e3, " s"),
    (3.6e6, 6e4, " min"),
    (8.64e7, 3.6e6, " hour"),
    (3.1536e10, 8.64e7, " day"),
    (END, 3.1536e10, " year"),
];
const SECONDS: &[Step] = &[
    (1e-6, 1e-9, " ns"),
    (1e-3, 1e-6, " µs"),
    (1.0, 1e-3, " ms"),
    (60.0, 1.0, " s"),
    (3_600.0, 60.0, " min"),
    (86_400.0, 3_600.0, " hour"),
    (604_800.0, 86_400.0, " day"),
    (31_536_000.0, 604_800.0, " week"),
    (END, 3.15569e7, " year"),
];
const MINUTES: &[Step] = &[
    (60.0, 1.0, " min"),
    (1_440.0, 60.0, " hour"),
    (10_080.0, 1_440.0, " day"),
    (604_800.0, 10_080.0, " week"),
    (END, 5.25948e5, " year"),
];
const HOURS: &[Step] =
    &[(24.0, 1.0, " hour"), (168.0, 24.0, " day"), (8_760.0, 168.0, " week"), (END, 8_760.0, " year")];
const DAYS: &[Step] = &[(7.0, 1.0, " day"), (365.0, 7.0, " week"), (END, 365.0, " year")];

/// In the unit that makes the number short.
pub(super) fn scaled_duration(scale: Scale, value: f64, decimals: Option<f64>) -> Formatted {
    if scale == Scale::Seconds && value == 0.0 {
        return Formatted::with_suffix("0".to_owned(), " s");
    }
    let steps = match scale {
        Scale::Nanoseconds => NANOSECONDS,
        Scale::Microseconds => MICROSECONDS,
        Scale::Milliseconds => MILLISECONDS,
        Scale::Seconds => SECONDS,
        Scale::Minutes => MINUTES,
        Scale::Hours => HOURS,
        Scale::Days => DAYS,
    };
    let step = steps.iter().find(|(below, ..)| value.abs() < *below).or(steps.last());
    let (_, divisor, name) = step.copied().unwrap_or((END, 1.0, ""));
    // Multiplied below one, as Grafana does it: 0.0005 s are 500 µs and not 500.0000001.
    let shown = if divisor < 1.0 { value * (1.0 / divisor).round() } else { value / divisor };
    Formatted::with_suffix(to_fixed(shown, decimals), name)
}

/// `1 day, 12 hours`: the largest unit and `decimals` more.
pub(super) fn in_words(scale: Scale, value: f64, decimals: Option<f64>) -> Formatted {
    const UNITS: [(&str, f64); 8] = [
        ("year", 31_536_000_000.0),
        ("month", 2_592_000_000.0),
        ("week", 604_800_000.0),
        ("day", 86_400_000.0),
        ("hour", 3_600_000.0),
        ("minute", 60_000.0),
        ("second", 1_000.0),
        ("millisecond", 1.0),
    ];
    let (name, milliseconds) = match scale {
        Scale::Milliseconds => ("millisecond", 1.0),
        _ => ("second", 1_000.0),
    };
    if !value.is_finite() {
        return Formatted::text(to_fixed(value, None));
    }
    if value == 0.0 {
        return Formatted::with_suffix("0".to_owned(), format!(" {name}s"));
    }
    let mut left = value.abs() * milliseconds;
    let mut more = decimals.filter(|decimals| decimals.is_finite()).unwrap_or(0.0);
    let mut parts = Vec::new();
    for (name, length) in UNITS {
        if more < 0.0 {
            break;
        }
        let number = left / length;
        if number >= 1.0 || !parts.is_empty() {
            let whole = number.floor();
            parts.push(format!("{whole} {name}{}", if whole == 1.0 { "" } else { "s" }));
            left %= length;
            more -= 1.0;
        }
    }
    if parts.is_empty() {
        // Less than a millisecond.
        parts.push(format!("0 {name}s"));
    }
    Formatted::with_suffix(parts.join(", "), if value < 0.0 { " ago" } else { "" })
}

/// `26:03:04`, or with days `1 d 02:03:04`.
pub(super) fn hours_minutes_seconds(value: f64, days: bool) -> Formatted {
    if !value.is_finite() {
        return Formatted::text(to_fixed(value, None));
    }
    let seconds = value.abs();
    let whole_days = if days { (seconds / 86_400.0).floor() } else { 0.0 };
    let rest = seconds - whole_days * 86_400.0;
    let (hours, minutes) = ((rest / 3_600.0).floor(), (rest % 3_600.0 / 60.0).floor());
    let last = (rest % 60.0).floor();
    let start = if whole_days > 0.0 { format!("{whole_days} d ") } else { String::new() };
    let suffix = if value < 0.0 { " ago" } else { "" };
    Formatted::with_suffix(format!("{start}{hours:02}:{minutes:02}:{last:02}"), suffix)
}

/// `3 minutes ago`, `in a day`.
pub(super) fn from_now(time_ms: f64, now_ms: f64) -> String {
    let distance = time_ms - now_ms;
    if !distance.is_finite() {
        return "Invalid date".to_owned();
    }
    let seconds = distance.abs() / 1_000.0;
    let (minutes, hours, days) = (seconds / 60.0, seconds / 3_600.0, seconds / 86_400.0);
    // Four hundred years have 4,800 months and 146,097 days.
    let months = days * 4_800.0 / 146_097.0;
    let years = months / 12.0;
    let words = if seconds.round() <= 44.0 {
        "a few seconds".to_owned()
    } else if minutes.round() <= 1.0 {
        "a minute".to_owned()
    } else if minutes.round() < 45.0 {
        format!("{} minutes", minutes.round())
    } else if hours.round() <= 1.0 {
        "an hour".to_owned()
    } else if hours.round() < 22.0 {
        format!("{} hours", hours.round())
    } else if days.round() <= 1.0 {
        "a day".to_owned()
    } else if days.round() < 26.0 {
        format!("{} days", days.round())
    } else if months.round() <= 1.0 {
        "a month".to_owned()
    } else if months.round() < 11.0 {
        format!("{} months", months.round())
    } else if years.round() <= 1.0 {
        "a year".to_owned()
    } else {
        format!("{} years", years.round())
    };
    if distance > 0.0 { format!("in {words}") } else { format!("{words} ago") }
}
