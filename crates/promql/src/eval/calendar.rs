//! Functions of points in time, given as seconds since the epoch, in UTC.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

fn at(seconds: f64) -> Option<DateTime> {
    if seconds.is_nan() {
        return None;
    }
    let timestamp = Timestamp::from_second(seconds as i64).ok()?;
    Some(Zoned::new(timestamp, TimeZone::UTC).datetime())
}

/// NaN for NaN and for years that have more than four digits.
fn part(seconds: f64, part: impl Fn(DateTime) -> f64) -> f64 {
    at(seconds).map_or(f64::NAN, part)
}

/// `year`
pub(super) fn year(seconds: f64) -> f64 {
    part(seconds, |t| f64::from(t.year()))
}

/// `month`
pub(super) fn month(seconds: f64) -> f64 {
    part(seconds, |t| f64::from(t.month()))
}

/// `day_of_month`
pub(super) fn day_of_month(seconds: f64) -> f64 {
    part(seconds, |t| f64::from(t.day()))
}

/// `day_of_week`: Sunday is 0.
pub(super) fn day_of_week(seconds: f64) -> f64 {
    part(seconds, |t| f64::from(t.weekday().to_sunday_zero_offset()))
}

/// `day_of_year`: the first of January is 1.
pub(super) fn day_of_year(seconds: f64) -> f64 {
    part(seconds, |t| f64::from(t.day_of_year()))
}

/// `days_in_month`
pub(super) fn days_in_month(seconds: f64) -> f64 {
    part(seconds, |t| f64::from(t.days_in_month()))
}

/// `hour`
pub(super) fn hour(seconds: f64) -> f64 {
    part(seconds, |t| f64::from(t.hour()))
}

/// `minute`
pub(super) fn minute(seconds: f64) -> f64 {
    part(seconds, |t| f64::from(t.minute()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_time_are_those_of_utc() {
        // 2020-02-29T23:59:59Z, a Saturday in a leap year.
        let t = 1_583_020_799.9;
        let parts = [year, month, day_of_month, day_of_week, day_of_year, days_in_month, hour, minute];
        assert_eq!(parts.map(|part| part(t)), [2020.0, 2.0, 29.0, 6.0, 60.0, 29.0, 23.0, 59.0]);
        assert_eq!(year(-1.0), 1969.0);
        assert!(year(f64::NAN).is_nan() && year(1e300).is_nan());
    }
}
