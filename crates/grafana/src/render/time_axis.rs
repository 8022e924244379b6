//! The time axis: ticks at full minutes, hours, days or months of the zone.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::interval::TimeRange;
use crate::time::moment_format;

/// A tick on the time axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeTick {
    /// Milliseconds since 1970.
    pub ms: i64,
    /// What stands under it.
    pub text: String,
}

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// Distances up to some days, which divide what is next larger.
const DISTANCES: [i64; 29] = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    4 * HOUR,
    6 * HOUR,
    8 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
];
/// Distances in months.
const MONTHS: [i32; 10] = [1, 3, 6, 12, 24, 60, 120, 600, 1_200, 12_000];

/// At most `most` ticks in a range of time.
pub fn time_ticks(range: TimeRange, most: usize, zone: &TimeZone) -> Vec<TimeTick> {
    let Some(span) = range.to_ms.checked_sub(range.from_ms).filter(|span| *span > 0) else {
        return Vec::new();
    };
    // Outside, there are no dates.
    let known = |ms: i64| Timestamp::from_millisecond(ms).is_ok();
    let Some(room) =
        i64::try_from(most).ok().filter(|most| *most > 0 && known(range.from_ms) && known(range.to_ms))
    else {
        return Vec::new();
    };
    let distances = DISTANCES.iter().filter(|distance| span / **distance <= room);
    for distance in distances {
        let ticks = regular(range, *distance, zone);
        if ticks.len() <= most {
            return write(&ticks, *distance, span, zone);
        }
    }
    for months in MONTHS {
        if span / (i64::from(months) * 30 * DAY) > room {
            continue;
        }
        let ticks = monthly(range, months, zone);
        if ticks.len() <= most {
            return write(&ticks, i64::from(months) * YEAR / 12, span, zone);
        }
    }
    Vec::new()
}

/// Multiples of a distance, counted in the zone's own time.
fn regular(range: TimeRange, distance: i64, zone: &TimeZone) -> Vec<i64> {
    let offset = |ms: i64| {
        Timestamp::from_millisecond(ms).map_or(0, |time| i64::from(zone.to_offset(time).seconds()) * SECOND)
    };
    let first_offset = offset(range.from_ms);
    let first = (range.from_ms + first_offset).div_euclid(distance) * distance;
    let count = (range.to_ms + first_offset - first) / distance + 2;
    let mut ticks: Vec<i64> = (0..count)
        .map(|i| {
            let local = first + i * distance;
            // The clock may change between the ticks; ticks below an hour do not care.
            if distance < HOUR { local - first_offset } else { local - offset(local - first_offset) }
        })
        .filter(|tick| (range.from_ms..=range.to_ms).contains(tick))
        .collect();
    ticks.dedup();
    ticks
}

/// First days of months.
fn monthly(range: TimeRange, months: i32, zone: &TimeZone) -> Vec<i64> {
    let start = |ms: i64| -> Option<Date> {
        let date = Timestamp::from_millisecond(ms).ok()?.to_zoned(zone.clone()).date();
        let month = i32::from(date.year()) * 12 + i32::from(date.month()) - 1;
        let month = month.div_euclid(months) * months;
        Date::new(i16::try_from(month.div_euclid(12)).ok()?, i8::try_from(month.rem_euclid(12) + 1).ok()?, 1)
            .ok()
    };
    let mut ticks = Vec::new();
    let mut next = start(range.from_ms);
    while let Some(date) = next {
        let Some(ms) = date.to_zoned(zone.clone()).ok().map(|time| time.timestamp().as_millisecond()) else {
            break;
        };
        if ms > range.to_ms {
            break;
        }
        if ms >= range.from_ms {
            ticks.push(ms);
        }
        next = date.checked_add(months.months()).ok();
    }
    ticks
}

fn write(ticks: &[i64], distance: i64, span: i64, zone: &TimeZone) -> Vec<TimeTick> {
    let pattern = match distance {
        distance if distance < SECOND => "HH:mm:ss.SSS",
        distance if distance < MINUTE => "HH:mm:ss",
        _ if span <= DAY => "HH:mm",
        distance if distance < DAY => "MM/DD HH:mm",
        _ if span < YEAR => "MM/DD",
        distance if distance < YEAR => "YYYY-MM",
        _ => "YYYY",
    };
    ticks
        .iter()
        .map(|ms| TimeTick { ms: *ms, text: moment_format(*ms, pattern, zone).unwrap_or_default() })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-03-01T10:07:30Z
    const START: i64 = 1_772_359_650_000;

    fn texts(length: i64, most: usize, zone: &TimeZone) -> Vec<String> {
        let range = TimeRange { from_ms: START, to_ms: START + length };
        time_ticks(range, most, zone).into_iter().map(|tick| tick.text).collect()
    }

    #[test]
    fn ticks_stand_at_full_times_and_say_as_much_as_is_needed() {
        let table: [(i64, &[&str]); 8] = [
            (2 * SECOND, &["10:07:30.000", "10:07:30.500", "10:07:31.000", "10:07:31.500", "10:07:32.000"]),
            (MINUTE, &["10:07:30", "10:07:45", "10:08:00", "10:08:15", "10:08:30"]),
            (HOUR, &["10:15", "10:30", "10:45", "11:00"]),
            (6 * HOUR, &["12:00", "14:00", "16:00"]),
            (DAY, &["12:00", "18:00", "00:00", "06:00"]),
            (2 * DAY, &["03/01 12:00", "03/02 00:00", "03/02 12:00", "03/03 00:00"]),
            (5 * DAY, &["03/02", "03/03", "03/04", "03/05", "03/06"]),
            (3 * YEAR, &["2027", "2028", "2029"]),
        ];
        for (length, expected) in table {
            assert_eq!(texts(length, 5, &TimeZone::UTC), expected, "{length}");
        }
        assert_eq!(texts(300 * DAY, 5, &TimeZone::UTC), ["04/01", "07/01", "10/01"]);
    }

    #[test]
    fn days_begin_at_midnight_of_the_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(5));
        let range = TimeRange { from_ms: START, to_ms: START + 3 * DAY };
        let first = &time_ticks(range, 4, &zone)[0];
        // 2026-03-01T19:00:00Z
        assert_eq!((first.ms, first.text.as_str()), (1_772_391_600_000, "03/02"));
    }

    proptest! {
        #[test]
        fn ticks_lie_in_every_range_and_go_forward(from_ms in any::<i64>(), length in any::<i64>(), most in 0_usize..20) {
            for from_ms in [from_ms, from_ms % 4_000_000_000_000] {
                for length in [length, length % (YEAR * 5), length % HOUR] {
                    let Some(to_ms) = from_ms.checked_add(length) else { continue };
                    let ticks = time_ticks(TimeRange { from_ms, to_ms }, most, &TimeZone::UTC);
                    prop_assert!(ticks.len() <= most);
                    prop_assert!(ticks.iter().all(|tick| (from_ms..=to_ms).contains(&tick.ms)));
                    prop_assert!(ticks.windows(2).all(|pair| pair[0].ms < pair[1].ms));
                }
            }
        }
    }
}
