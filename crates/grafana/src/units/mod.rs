//! Numbers with units, written as Grafana writes them.

mod duration;
mod number;

use jiff::tz::TimeZone;

use crate::time::moment_format;
pub use number::to_fixed;
use number::{grouped, scaled};

/// A number in words: `prefix`, `text` and `suffix` stand together without anything between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Formatted {
    /// What stands before the number, such as a currency.
    pub prefix: String,
    /// The number.
    pub text: String,
    /// The unit, with its space.
    pub suffix: String,
}

impl Formatted {
    fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    fn with_suffix(text: String, suffix: impl Into<String>) -> Self {
        Self { prefix: String::new(), text, suffix: suffix.into() }
    }
}

impl std::fmt::Display for Formatted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}{}", self.prefix, self.text, self.suffix)
    }
}

/// What units of time need beside the value.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Milliseconds since 1970; for "ago".
    pub now_ms: i64,
    /// The zone of the dashboard.
    pub zone: TimeZone,
}

const SHORT: [&str; 9] = ["", " K", " Mil", " Bil", " Tri", " Quadr", " Quint", " Sext", " Sept"];
const COUNT: [&str; 5] = ["", "K", "M", "B", "T"];
const BINARY: [&str; 9] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const DECIMAL: [&str; 14] = ["f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E", "Z", "Y"];
/// Where the unit itself stands among [`DECIMAL`].
const DECIMAL_BASE: i32 = 5;

/// How a unit is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// A number, and the unit after a space.
    Plain(&'static str),
    Short,
    Percent,
    Ratio,
    /// Powers of 1,024; the second is the power that the value counts in.
    Binary(&'static str, i32),
    /// Powers of 1,000.
    Decimal(&'static str, i32),
    /// K, M, B, T and the unit.
    Count(&'static str),
    Duration(duration::Scale),
    DurationInWords(duration::Scale),
    HoursMinutesSeconds {
        days: bool,
    },
    /// The pattern, and the one for today.
    Date(&'static str, Option<&'static str>),
    FromNow,
    Boolean(&'static str, &'static str),
    Locale,
    Text,
    Scientific,
}

/// Every unit that is known by name.
const UNITS: &[(&str, Unit)] = &[
    ("none", Unit::Plain("")),
    ("string", Unit::Text),
    ("short", Unit::Short),
    ("sishort", Unit::Decimal("", 0)),
    ("percent", Unit::Percent),
    ("percentunit", Unit::Ratio),
    ("locale", Unit::Locale),
    ("sci", Unit::Scientific),
    ("humidity", Unit::Plain("%H")),
    ("dB", Unit::Plain("dB")),
    ("bytes", Unit::Binary("B", 0)),
    ("kbytes", Unit::Binary("B", 1)),
    ("mbytes", Unit::Binary("B", 2)),
    ("gbytes", Unit::Binary("B", 3)),
    ("tbytes", Unit::Binary("B", 4)),
    ("pbytes", Unit::Binary("B", 5)),
    ("bits", Unit::Binary("b", 0)),
    ("decbytes", Unit::Decimal("B", 0)),
    ("deckbytes", Unit::Decimal("B", 1)),
    ("decmbytes", Unit::Decimal("B", 2)),
    ("decgbytes", Unit::Decimal("B", 3)),
    ("dectbytes", Unit::Decimal("B", 4)),
    ("decpbytes", Unit::Decimal("B", 5)),
    ("decbits", Unit::Decimal("b", 0)),
    ("pps", Unit::Decimal("p/s", 0)),
    ("Bps", Unit::Decimal("B/s", 0)),
    ("KBs", Unit::Decimal("B/s", 1)),
    ("MBs", Unit::Decimal("B/s", 2)),
    ("GBs", Unit::Decimal("B/s", 3)),
    ("bps", Unit::Decimal("b/s", 0)),
    ("Kbits", Unit::Decimal("b/s", 1)),
    ("Mbits", Unit::Decimal("b/s", 2)),
    ("Gbits", Unit::Decimal("b/s", 3)),
    ("binBps", Unit::Binary("B/s", 0)),
    ("KiBs", Unit::Binary("B/s", 1)),
    ("MiBs", Unit::Binary("B/s", 2)),
    ("GiBs", Unit::Binary("B/s", 3)),
    ("binbps", Unit::Binary("b/s", 0)),
    ("Kibits", Unit::Binary("b/s", 1)),
    ("Mibits", Unit::Binary("b/s", 2)),
    ("Gibits", Unit::Binary("b/s", 3)),
    ("cps", Unit::Count("c/s")),
    ("ops", Unit::Count("ops/s")),
    ("reqps", Unit::Count("req/s")),
    ("rps", Unit::Count("rd/s")),
    ("wps", Unit::Count("wr/s")),
    ("iops", Unit::Count("io/s")),
    ("eps", Unit::Count("evt/s")),
    ("mps", Unit::Count("msg/s")),
    ("recps", Unit::Count("rec/s")),
    ("rowsps", Unit::Count("rows/s")),
    ("cpm", Unit::Count("c/m")),
    ("opm", Unit::Count("ops/m")),
    ("reqpm", Unit::Count("req/m")),
    ("rpm", Unit::Count("rd/m")),
    ("wpm", Unit::Count("wr/m")),
    ("hertz", Unit::Decimal("Hz", 0)),
    ("watt", Unit::Decimal("W", 0)),
    ("joule", Unit::Decimal("J", 0)),
    ("volt", Unit::Decimal("V", 0)),
    ("amp", Unit::Decimal("A", 0)),
    ("celsius", Unit::Plain("°C")),
    ("fahrenheit", Unit::Plain("°F")),
    ("kelvin", Unit::Plain("K")),
    ("ns", Unit::Duration(duration::Scale::Nanoseconds)),
    ("µs", Unit::Duration(duration::Scale::Microseconds)),
    ("ms", Unit::Duration(duration::Scale::Milliseconds)),
    ("s", Unit::Duration(duration::Scale::Seconds)),
    ("m", Unit::Duration(duration::Scale::Minutes)),
    ("h", Unit::Duration(duration::Scale::Hours)),
    ("d", Unit::Duration(duration::Scale::Days)),
    ("dtdurationms", Unit::DurationInWords(duration::Scale::Milliseconds)),
    ("dtdurations", Unit::DurationInWords(duration::Scale::Seconds)),
    ("dthms", Unit::HoursMinutesSeconds { days: false }),
    ("dtdhms", Unit::HoursMinutesSeconds { days: true }),
    ("dateTimeAsIso", Unit::Date("YYYY-MM-DD HH:mm:ss", None)),
    ("dateTimeAsIsoNoDateIfToday", Unit::Date("YYYY-MM-DD HH:mm:ss", Some("HH:mm:ss"))),
    ("dateTimeAsUS", Unit::Date("MM/DD/YYYY h:mm:ss a", None)),
    ("dateTimeAsUSNoDateIfToday", Unit::Date("MM/DD/YYYY h:mm:ss a", Some("h:mm:ss a"))),
    ("dateTimeAsLocal", Unit::Date("YYYY-MM-DD HH:mm:ss", None)),
    ("dateTimeAsLocalNoDateIfToday", Unit::Date("YYYY-MM-DD HH:mm:ss", Some("HH:mm:ss"))),
    ("dateTimeAsSystem", Unit::Date("YYYY-MM-DD HH:mm:ss", None)),
    ("dateTimeFromNow", Unit::FromNow),
    ("bool", Unit::Boolean("True", "False")),
    ("bool_yes_no", Unit::Boolean("Yes", "No")),
    ("bool_on_off", Unit::Boolean("On", "Off")),
];

/// Whether a unit is one of those known by name, or a form like `suffix:cores`. Others are written after the number as
/// they are, and may also be ids of Grafana's that do not occur in Kubernetes dashboards.
pub fn is_known(unit: &str) -> bool {
    const FORMS: [&str; 7] = ["prefix:", "suffix:", "time:", "si:", "count:", "currency:", "bool:"];
    known(unit).is_some() || FORMS.iter().any(|form| unit.starts_with(form))
}

/// Whether values of the unit are points in time.
pub fn is_date(unit: &str) -> bool {
    matches!(known(unit), Some(Unit::Date(..) | Unit::FromNow)) || unit.starts_with("time:")
}

/// Whether values of the unit are shown as one of two words.
pub fn is_boolean(unit: &str) -> bool {
    unit.starts_with("bool")
}

fn known(id: &str) -> Option<Unit> {
    UNITS.iter().find(|(name, _)| *name == id).map(|(_, unit)| *unit)
}

/// Writes a number in a unit. Without `decimals` it has as many digits as its size deserves.
pub fn format(unit: Option<&str>, value: f64, decimals: Option<f64>, clock: &Clock) -> Formatted {
    let id = unit.filter(|unit| !unit.is_empty()).unwrap_or("none");
    match known(id) {
        Some(unit) => format_known(unit, value, decimals, clock),
        None => format_custom(id, value, decimals, clock),
    }
}

fn format_known(unit: Unit, value: f64, decimals: Option<f64>, clock: &Clock) -> Formatted {
    let fixed = |value| to_fixed(value, decimals);
    match unit {
        Unit::Plain("") => Formatted::text(fixed(value)),
        Unit::Plain(unit) => Formatted::with_suffix(fixed(value), format!(" {unit}")),
        Unit::Short => scaled(value, decimals, 1_000.0, &SHORT.map(str::to_owned), 0),
        Unit::Percent => Formatted::with_suffix(fixed(value), "%"),
        Unit::Ratio => Formatted::with_suffix(fixed(100.0 * value), "%"),
        Unit::Binary(unit, power) => {
            scaled(value, decimals, 1_024.0, &BINARY.map(|prefix| format!(" {prefix}{unit}")), power)
        }
        Unit::Decimal(unit, power) => decimal(value, decimals, unit, power),
        Unit::Count(unit) => count(value, decimals, unit),
        Unit::Duration(scale) => duration::scaled_duration(scale, value, decimals),
        Unit::DurationInWords(scale) => duration::in_words(scale, value, decimals),
        Unit::HoursMinutesSeconds { days } => duration::hours_minutes_seconds(value, days),
        Unit::Date(pattern, today) => date(value, pattern, today, clock),
        Unit::FromNow => Formatted::text(duration::from_now(value, clock.now_ms as f64)),
        Unit::Boolean(yes, no) => Formatted::text(if value == 0.0 || value.is_nan() { no } else { yes }),
        Unit::Locale => Formatted::text(grouped(value, decimals)),
        Unit::Text => Formatted::text(crate::json::javascript_number(value)),
        Unit::Scientific => Formatted::text(number::scientific(value, decimals)),
    }
}

fn decimal(value: f64, decimals: Option<f64>, unit: &str, power: i32) -> Formatted {
    scaled(value, decimals, 1_000.0, &DECIMAL.map(|prefix| format!(" {prefix}{unit}")), DECIMAL_BASE + power)
}

fn count(value: f64, decimals: Option<f64>, unit: &str) -> Formatted {
    let mut formatted = scaled(value, decimals, 1_000.0, &COUNT.map(str::to_owned), 0);
    formatted.suffix.push(' ');
    formatted.suffix.push_str(unit);
    formatted
}

fn format_custom(id: &str, value: f64, decimals: Option<f64>, clock: &Clock) -> Formatted {
    match id.split_once(':') {
        Some(("prefix", unit)) => {
            Formatted { prefix: unit.to_owned(), ..Formatted::text(to_fixed(value, decimals)) }
        }
        Some(("suffix", unit)) => Formatted::with_suffix(to_fixed(value, decimals), format!(" {unit}")),
        Some(("time", pattern)) => date(value, pattern, None, clock),
        Some(("count", unit)) => count(value, decimals, unit),
        Some(("currency", symbol)) => {
            let scaled = scaled(value, decimals, 1_000.0, &COUNT.map(str::to_owned), 0);
            Formatted { prefix: symbol.to_owned(), ..scaled }
        }
        Some(("bool", words)) => {
            let (yes, no) = words.split_once('/').unwrap_or((words, "-"));
            Formatted::text(if value == 0.0 || value.is_nan() { no } else { yes })
        }
        Some(("si", unit)) => {
            let mut rest = unit.chars();
            let power = match rest.next() {
                Some('f') => -5,
                Some('p') => -4,
                Some('n') => -3,
                // The Greek letter and the sign.
                Some('μ' | 'µ') => -2,
                Some('m') => -1,
                Some('k') => 1,
                Some('M') => 2,
                Some('G') => 3,
                Some('T') => 4,
                Some('P') => 5,
                Some('E') => 6,
                Some('Z') => 7,
                Some('Y') => 8,
                _ => 0,
            };
            decimal(value, decimals, if power == 0 { unit } else { rest.as_str() }, power)
        }
        _ => Formatted::with_suffix(to_fixed(value, decimals), format!(" {id}")),
    }
}

fn date(value: f64, pattern: &str, today: Option<&str>, clock: &Clock) -> Formatted {
    let day = |milliseconds: i64| moment_format(milliseconds, "YYYY-MM-DD", &clock.zone);
    let milliseconds = value as i64;
    let pattern = match today {
        Some(today) if day(milliseconds) == day(clock.now_ms) => today,
        _ => pattern,
    };
    let text = if value.is_finite() { moment_format(milliseconds, pattern, &clock.zone) } else { None };
    Formatted::text(text.unwrap_or_else(|| "Invalid date".to_owned()))
}

#[cfg(test)]
mod tests;
