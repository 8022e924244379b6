//! Points in time as people write them: `now-1h/d`, `2026-08-24 12:00`, milliseconds.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, Zoned};

use super::TimeRange;

/// What the beginning of a day or of a week depends on.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// The zone of the dashboard.
    pub zone: TimeZone,
    /// The first day of a week; Sunday where the browser says nothing else.
    pub week_start: Weekday,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, week_start: Weekday::Sunday }
    }
}

/// A point in time that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Neither relative nor a date nor milliseconds.
    #[error(
        "{text:?} is no point in time: write for example now-1h, now/d, 2026-01-31 12:00 or milliseconds since 1970"
    )]
    Unreadable {
        /// What stood there.
        text: String,
    },
    /// Outside of what can be computed with.
    #[error("{text:?} is too far from now")]
    TooFar {
        /// What stood there.
        text: String,
    },
    /// A fiscal year or quarter, which depends on a setting of each dashboard.
    #[error("{text:?} is a fiscal unit; these are not supported")]
    Fiscal {
        /// What stood there.
        text: String,
    },
    /// The end is not after the start.
    #[error("the time range ends ({to}) before it starts ({from})")]
    Reversed {
        /// The start as it was written.
        from: String,
        /// The end as it was written.
        to: String,
    },
}

/// Reads both ends of a range. `now-1d/d` to `now-1d/d` is the whole of yesterday: a start is rounded down, an end up.
pub fn parse_time_range(
    from: &str,
    to: &str,
    now_ms: i64,
    calendar: &Calendar,
) -> Result<TimeRange, TimeError> {
    let from_ms = parse_time(from, now_ms, false, calendar)?;
    let to_ms = parse_time(to, now_ms, true, calendar)?;
    if to_ms < from_ms {
        return Err(TimeError::Reversed { from: from.to_owned(), to: to.to_owned() });
    }
    Ok(TimeRange { from_ms, to_ms })
}

/// The range of a panel with a range of its own (`timeFrom`, `1h`) or moved into the past (`timeShift`, `1d`).
pub fn panel_time_range(
    dashboard: TimeRange,
    time_from: Option<&str>,
    time_shift: Option<&str>,
    now_ms: i64,
    calendar: &Calendar,
) -> Result<TimeRange, TimeError> {
    let given =
        |text: Option<&'_ str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let mut range = match given(time_from) {
        // Newer versions take the whole expression.
        Some(from) if from.starts_with("now") => parse_time_range(&from, "now", now_ms, calendar)?,
        Some(from) => parse_time_range(&format!("now-{from}"), "now", now_ms, calendar)?,
        None => dashboard,
    };
    if let Some(shift) = given(time_shift) {
        let moved = |ms: i64, up| parse_time(&format!("now-{shift}"), ms, up, calendar);
        range = TimeRange { from_ms: moved(range.from_ms, false)?, to_ms: moved(range.to_ms, true)? };
    }
    Ok(range)
}

/// Reads a point in time into milliseconds since 1970. `round_up` says which end of a unit `/d` means.
pub fn parse_time(text: &str, now_ms: i64, round_up: bool, calendar: &Calendar) -> Result<i64, TimeError> {
    let trimmed = text.trim();
    let unreadable = || TimeError::Unreadable { text: text.to_owned() };
    let too_far = || TimeError::TooFar { text: text.to_owned() };
    // Longer than anything that has a meaning.
    if trimmed.len() > 200 {
        return Err(unreadable());
    }
    let (start, math) = if let Some(math) = trimmed.strip_prefix("now") {
        (now_ms, math)
    } else if let Some((date, math)) = trimmed.split_once("||") {
        (parse_date(date, calendar).ok_or_else(unreadable)?, math)
    } else {
        return parse_date(trimmed, calendar).ok_or_else(unreadable);
    };
    let instant = Timestamp::from_millisecond(start).map_err(|_| too_far())?;
    let mut time = instant.to_zoned(calendar.zone.clone());
    let math: Vec<char> = math.chars().filter(|c| !c.is_whitespace()).collect();
    let mut at = 0;
    while at < math.len() {
        let operator = math[at];
        at += 1;
        let digits: String = math[at..].iter().take_while(|c| c.is_ascii_digit()).collect();
        at += digits.len();
        let number: i64 = if digits.is_empty() { 1 } else { digits.parse().map_err(|_| too_far())? };
        let Some(unit) = math.get(at) else { return Err(unreadable()) };
        at += 1;
        if *unit == 'f' {
            return Err(TimeError::Fiscal { text: text.to_owned() });
        }
        time = match operator {
            '/' if number == 1 => round(&time, *unit, round_up, calendar).ok_or_else(unreadable)?,
            '+' | '-' => {
                let number = if operator == '-' { -number } else { number };
                let span = span(number, *unit).ok_or_else(unreadable)?;
                time.checked_add(span.ok_or_else(too_far)?).map_err(|_| too_far())?
            }
            _ => return Err(unreadable()),
        };
    }
    Ok(time.timestamp().as_millisecond())
}

/// Milliseconds, a date, or a date with a time, in the calendar's zone when it has none of its own.
fn parse_date(text: &str, calendar: &Calendar) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix('-').unwrap_or(text);
    // Eight digits would be a date without separators.
    if digits.len() > 8 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Timestamp::from_millisecond(text.parse().ok()?).ok()?.as_millisecond());
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_millisecond());
    }
    let civil = text
        .parse::<DateTime>()
        .ok()
        .or_else(|| Some(text.parse::<Date>().ok()?.to_datetime(jiff::civil::Time::midnight())))?;
    Some(civil.to_zoned(calendar.zone.clone()).ok()?.timestamp().as_millisecond())
}

/// Outer nothing: no such unit. Inner nothing: too many of them.
fn span(number: i64, unit: char) -> Option<Option<Span>> {
    let span = Span::new();
    let result = match unit {
        'y' => span.try_years(number),
        'Q' => span.try_months(number.saturating_mul(3)),
        'M' => span.try_months(number),
        'w' => span.try_weeks(number),
        'd' => span.try_days(number),
        'h' => span.try_hours(number),
        'm' => span.try_minutes(number),
        's' => span.try_seconds(number),
        _ => return None,
    };
    Some(result.ok())
}

fn round(time: &Zoned, unit: char, up: bool, calendar: &Calendar) -> Option<Zoned> {
    let (date, clock) = (time.date(), time.time());
    let first = |date: Date| date.first_of_month();
    let (start, length) = match unit {
        'y' => (date.first_of_year().to_datetime(jiff::civil::Time::midnight()), 1.year()),
        'Q' => {
            let months = i64::from((date.month() - 1) % 3);
            (
                first(date).checked_sub(months.months()).ok()?.to_datetime(jiff::civil::Time::midnight()),
                3.months(),
            )
        }
        'M' => (first(date).to_datetime(jiff::civil::Time::midnight()), 1.month()),
        'w' => {
            let days = date.weekday().since(calendar.week_start);
            (
                date.checked_sub(i64::from(days).days()).ok()?.to_datetime(jiff::civil::Time::midnight()),
                1.week(),
            )
        }
        'd' => (date.to_datetime(jiff::civil::Time::midnight()), 1.day()),
        'h' => {
            (date.to_datetime(clock.with().minute(0).second(0).subsec_nanosecond(0).build().ok()?), 1.hour())
        }
        'm' => (date.to_datetime(clock.with().second(0).subsec_nanosecond(0).build().ok()?), 1.minute()),
        's' => (date.to_datetime(clock.with().subsec_nanosecond(0).build().ok()?), 1.second()),
        _ => return None,
    };
    let zone = time.time_zone().clone();
    if up {
        let end = start.checked_add(length).ok()?.to_zoned(zone).ok()?;
        end.checked_sub(1.millisecond()).ok()
    } else {
        start.to_zoned(zone).ok()
    }
}
