use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::{Offset, TimeZone};
use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn range(length_ms: i64) -> TimeRange {
    let to_ms = 1_756_000_000_000;
    TimeRange { from_ms: to_ms - length_ms, to_ms }
}

fn settings(length_ms: i64, max_data_points: i64) -> QuerySettings<'static> {
    QuerySettings {
        range: range(length_ms),
        max_data_points,
        panel_interval: None,
        scrape_interval: None,
        target_interval: None,
        interval_factor: None,
        utc_offset_seconds: 0,
    }
}

#[test]
fn intervals_are_rounded_by_grafanas_table() {
    let table = [
        (0.0, 1),
        (9.9, 1),
        (10.0, 10),
        (30.0, 20),
        (45.0, 50),
        (1_499.0, 1_000),
        (1_500.0, 2_000),
        (2_400.0, 2_000),
        (5_000.0, 5_000),
        (17_400.0, 15_000),
        (30_000.0, 30_000),
        (46_000.0, 60_000),
        (90_000.0, 120_000),
        (209_999.0, 120_000),
        (1_499_999.0, 1_200_000),
        (5_399_999.0, 3_600_000),
        (86_399_999.0, 43_200_000),
        (604_799_999.0, 86_400_000),
        (1_814_399_999.0, 604_800_000),
        (3_628_799_999.0, 2_592_000_000),
        (3_628_800_000.0, 31_536_000_000),
    ];
    for (interval, rounded) in table {
        assert_eq!(round_interval(interval), rounded, "{interval}");
    }
}

#[test]
fn the_backend_gives_a_bound_to_the_smaller_interval() {
    for (ms, rounded) in [(10, 1), (1_500, 1_000), (90_000, 60_000), (86_400_000, 43_200_000)] {
        assert_eq!(round_interval_in_backend(ms * 1_000_000), rounded, "{ms}");
        assert_eq!(round_interval_in_backend(ms * 1_000_000 + 1), round_interval(ms as f64), "{ms}");
    }
}

#[test]
fn durations_are_read_in_every_form_that_occurs() {
    let table = [
        ("30s", 30_000),
        ("1m", MINUTE),
        (">10s", 10_000),
        ("15", 15_000),
        ("1.5h", 90 * MINUTE),
        ("1d", 24 * HOUR),
        ("2w", 336 * HOUR),
        ("1M", 720 * HOUR),
        ("1y", 8_760 * HOUR),
        ("250ms", 250),
        ("4m0s", 4 * MINUTE),
        ("1h30m", 90 * MINUTE),
    ];
    for (text, ms) in table {
        assert_eq!(parse_interval(text), Ok(ms), "{text}");
    }
    for text in ["", "m", "1x", "-1m", "$interval", "1m30", "1.2.3s", "1m 30s", "9é"] {
        assert!(parse_interval(text).is_err(), "{text}");
    }
    assert_eq!(
        parse_interval("1 minute").unwrap_err().to_string(),
        "\"1 minute\" is no duration: expected a number with ms, s, m, h, d, w, M or y, for example 30s"
    );
}

#[test]
fn intervals_are_written_in_their_largest_unit() {
    let table = [
        (61, "61ms"),
        (0, "1ms"),
        (30_000, "30s"),
        (90_000, "1m"),
        (2 * HOUR, "2h"),
        (25 * HOUR, "1d"),
        (8_760 * HOUR, "1y"),
    ];
    for (ms, text) in table {
        assert_eq!(format_interval(ms), text);
    }
    let table = [
        (75_000, "1m15s"),
        (240_000, "4m0s"),
        (20_000, "20s"),
        (4 * HOUR, "4h0m0s"),
        (1_500, "1.5s"),
        (20, "20ms"),
        (135_000, "2m15s"),
    ];
    for (ms, text) in table {
        assert_eq!(go_duration(ms), text);
    }
}

/// Range, points, scrape interval, target interval, factor: step, from the tests of Grafana's Prometheus data source
/// where a request has no interval of its own.
#[test]
fn the_step_is_grafanas() {
    let table: [(i64, i64, &str, Option<i64>, i64); 6] = [
        (12 * HOUR, 0, "15s", None, 30_000),
        (HOUR, 0, "15s", None, 15_000),
        (48 * HOUR, 0, "15s", Some(10), 20 * MINUTE),
        (48 * HOUR, 0, "15s", Some(1), 2 * MINUTE),
        (48 * HOUR, 0, "240s", Some(1), 4 * MINUTE),
        (HOUR, 11, "15s", None, 5 * MINUTE),
    ];
    for (length, points, scrape, factor, step) in table {
        let points = if points == 0 { DEFAULT_RESOLUTION } else { points };
        let timing = QueryTiming::new(QuerySettings {
            scrape_interval: Some(scrape),
            interval_factor: factor,
            ..settings(length, points)
        });
        assert_eq!(timing.unwrap().step_ms, step, "{length} {scrape} {factor:?}");
    }
}

/// Length, points, scrape interval, panel interval, target interval: step, rate interval.
type Rate = (i64, i64, Option<&'static str>, Option<&'static str>, Option<&'static str>, i64, i64);

/// What Grafana shows with our data source (60 s) and with an unconfigured one (15 s).
#[test]
fn the_rate_interval_is_at_least_four_scrapes_and_grows_with_the_step() {
    let table: [Rate; 8] = [
        // One hour on 1,000 pixels: 5 s by itself, so the scrape interval counts.
        (HOUR, 1_000, Some("60s"), None, None, MINUTE, 4 * MINUTE),
        (HOUR, 1_000, None, None, None, 15_000, MINUTE),
        (HOUR, 1_000, None, Some("1m"), None, MINUTE, 75_000),
        (48 * HOUR, 720, None, None, None, 5 * MINUTE, 5 * MINUTE + 15_000),
        (48 * HOUR, 720, Some("60s"), Some("1m"), None, 5 * MINUTE, 6 * MINUTE),
        // From Grafana's tests: a step of the target of 5 minutes gives 20; with the rate interval as step it is 60 s.
        (5 * MINUTE, 1_500, Some("15s"), None, Some("5m"), 5 * MINUTE, 20 * MINUTE),
        (5 * MINUTE, 1_500, Some("15s"), None, Some("$__rate_interval"), MINUTE, MINUTE),
        (5 * MINUTE, 1_500, Some("15s"), None, Some("${__interval}"), 15_000, MINUTE),
    ];
    for (length, points, scrape, panel, target, step, rate) in table {
        let timing = QueryTiming::new(QuerySettings {
            scrape_interval: scrape,
            panel_interval: panel,
            target_interval: target,
            ..settings(length, points)
        })
        .unwrap();
        assert_eq!(
            (timing.step_ms, timing.rate_interval_ms),
            (step, rate),
            "{length} {scrape:?} {panel:?} {target:?}"
        );
    }
}

#[test]
fn the_variables_are_written_as_grafana_writes_them() {
    let timing =
        QueryTiming::new(QuerySettings { scrape_interval: Some("60s"), ..settings(48 * HOUR, 1_440) })
            .unwrap();
    let table = [
        ("__interval", "2m"),
        ("__interval_ms", "120000"),
        ("__rate_interval", "4m0s"),
        ("__range", "172800s"),
        ("__range_s", "172800"),
        ("__range_ms", "172800000"),
    ];
    for (name, text) in table {
        assert_eq!(timing.variable(name).as_deref(), Some(text), "{name}");
    }
    assert_eq!(timing.variable("__from"), None);
    let short = QueryTiming::new(settings(800, 100)).unwrap();
    assert_eq!(
        (short.variable("__range_s").as_deref(), short.variable("__range_ms").as_deref()),
        (Some("1"), Some("800"))
    );
}

#[test]
fn start_and_end_are_multiples_of_the_step_in_local_time() {
    let day = QuerySettings { target_interval: Some("1d"), ..settings(10 * 24 * HOUR, 1_000) };
    let timing = QueryTiming::new(day).unwrap();
    assert_eq!((timing.start_ms % (24 * HOUR), timing.end_ms % (24 * HOUR)), (0, 0));
    assert!(timing.end_ms <= day.range.to_ms && timing.end_ms > day.range.to_ms - 24 * HOUR);
    let east = QueryTiming::new(QuerySettings { utc_offset_seconds: 7_200, ..day }).unwrap();
    assert_eq!(east.start_ms.rem_euclid(24 * HOUR), 22 * HOUR);
}

#[test]
fn an_unreadable_interval_is_an_error() {
    for bad in [
        QuerySettings { panel_interval: Some("$min"), ..settings(HOUR, 100) },
        QuerySettings { scrape_interval: Some("often"), ..settings(HOUR, 100) },
        QuerySettings { target_interval: Some("5 m"), ..settings(HOUR, 100) },
    ] {
        assert!(QueryTiming::new(bad).is_err());
    }
}

fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

#[test]
fn relative_times_are_read_as_grafana_reads_them() {
    // A Wednesday.
    let now = at("2014-01-01T06:06:06.666Z");
    let table = [
        ("now", "2014-01-01T06:06:06.666Z", "2014-01-01T06:06:06.666Z"),
        ("now-5s", "2014-01-01T06:06:01.666Z", "2014-01-01T06:06:01.666Z"),
        ("now-5m", "2014-01-01T06:01:06.666Z", "2014-01-01T06:01:06.666Z"),
        ("now-1h", "2014-01-01T05:06:06.666Z", "2014-01-01T05:06:06.666Z"),
        ("now - 2d", "2013-12-30T06:06:06.666Z", "2013-12-30T06:06:06.666Z"),
        ("now-2d-6h", "2013-12-30T00:06:06.666Z", "2013-12-30T00:06:06.666Z"),
        ("now+1w", "2014-01-08T06:06:06.666Z", "2014-01-08T06:06:06.666Z"),
        ("now-5M", "2013-08-01T06:06:06.666Z", "2013-08-01T06:06:06.666Z"),
        ("now-5y", "2009-01-01T06:06:06.666Z", "2009-01-01T06:06:06.666Z"),
        ("now/d", "2014-01-01T00:00:00.000Z", "2014-01-01T23:59:59.999Z"),
        ("now-1d/d", "2013-12-31T00:00:00.000Z", "2013-12-31T23:59:59.999Z"),
        ("now/w", "2013-12-29T00:00:00.000Z", "2014-01-04T23:59:59.999Z"),
        ("now/M", "2014-01-01T00:00:00.000Z", "2014-01-31T23:59:59.999Z"),
        ("now-1M/Q", "2013-10-01T00:00:00.000Z", "2013-12-31T23:59:59.999Z"),
        ("now/y", "2014-01-01T00:00:00.000Z", "2014-12-31T23:59:59.999Z"),
        ("now/h", "2014-01-01T06:00:00.000Z", "2014-01-01T06:59:59.999Z"),
        ("now/m", "2014-01-01T06:06:00.000Z", "2014-01-01T06:06:59.999Z"),
        ("now/s", "2014-01-01T06:06:06.000Z", "2014-01-01T06:06:06.999Z"),
        ("2014-02-05||-2d", "2014-02-03T00:00:00Z", "2014-02-03T00:00:00Z"),
        ("1388556366666", "2014-01-01T06:06:06.666Z", "2014-01-01T06:06:06.666Z"),
        ("2014-01-01T06:06:06.666Z", "2014-01-01T06:06:06.666Z", "2014-01-01T06:06:06.666Z"),
        ("2014-01-01 06:06:06", "2014-01-01T06:06:06Z", "2014-01-01T06:06:06Z"),
        ("2014-01-01", "2014-01-01T00:00:00Z", "2014-01-01T00:00:00Z"),
    ];
    let calendar = Calendar::default();
    for (text, down, up) in table {
        assert_eq!(parse_time(text, now, false, &calendar), Ok(at(down)), "{text} rounded down");
        assert_eq!(parse_time(text, now, true, &calendar), Ok(at(up)), "{text} rounded up");
    }
}

#[test]
fn days_and_weeks_begin_where_the_calendar_says() {
    let now = at("2014-01-01T23:30:00Z");
    let calendar = Calendar { zone: TimeZone::fixed(Offset::constant(1)), week_start: Weekday::Monday };
    assert_eq!(parse_time("now/d", now, false, &calendar), Ok(at("2014-01-01T23:00:00Z")));
    assert_eq!(parse_time("now/w", now, false, &calendar), Ok(at("2013-12-29T23:00:00Z")));
    assert_eq!(parse_time("2014-01-02 00:30", now, false, &calendar), Ok(now));
}

#[test]
fn a_panel_may_have_its_own_range_and_look_back() {
    let now = at("2014-01-10T12:00:00Z");
    let dashboard = TimeRange { from_ms: now - HOUR, to_ms: now };
    let table = [
        (None, None, now - HOUR, now),
        (Some("6h"), None, now - 6 * HOUR, now),
        (Some("now/d"), None, now - 12 * HOUR, now),
        (None, Some("1d"), now - 25 * HOUR, now - 24 * HOUR),
        (Some("2h"), Some("1w"), now - 170 * HOUR, now - 168 * HOUR),
        (Some(""), Some(" "), now - HOUR, now),
    ];
    for (from, shift, from_ms, to_ms) in table {
        let range = panel_time_range(dashboard, from, shift, now, &Calendar::default());
        assert_eq!(range, Ok(TimeRange { from_ms, to_ms }), "{from:?} {shift:?}");
    }
    assert!(panel_time_range(dashboard, Some("soon"), None, now, &Calendar::default()).is_err());
}

#[test]
fn what_is_no_time_is_refused() {
    let calendar = Calendar::default();
    for text in [
        "",
        "now&1d",
        "now+5f",
        "now/2y",
        "now/0.5y",
        "now-0",
        "now-00",
        "asd",
        "now-",
        "2",
        "now-1x",
        "now--1d",
        &"9".repeat(300),
    ] {
        assert!(parse_time(text, 0, false, &calendar).is_err(), "{text}");
    }
    assert!(matches!(parse_time("now/fy", 0, false, &calendar), Err(TimeError::Fiscal { .. })));
    assert!(matches!(parse_time("now-99999999999y", 0, false, &calendar), Err(TimeError::TooFar { .. })));
    assert!(matches!(parse_time_range("now", "now-1h", 0, &calendar), Err(TimeError::Reversed { .. })));
    let yesterday = parse_time_range("now-1d/d", "now-1d/d", 10 * 24 * HOUR + 5, &calendar).unwrap();
    assert_eq!(yesterday, TimeRange { from_ms: 9 * 24 * HOUR, to_ms: 10 * 24 * HOUR - 1 });
}

proptest! {
    #[test]
    fn a_query_has_a_bounded_number_of_points_and_a_window_of_four_scrapes(
        length in 1_i64..=10 * YEAR,
        points in 1_i64..100_000,
        scrape in 1_i64..600,
    ) {
        let scrape = format!("{scrape}s");
        let timing = QueryTiming::new(QuerySettings { scrape_interval: Some(&scrape), ..settings(length, points) }).unwrap();
        prop_assert!((timing.end_ms - timing.start_ms) / timing.step_ms <= SAFE_RESOLUTION * 7 / 4 + 1);
        // The backend rounds what is longer than a scrape, and does not look whether it got shorter than one by that:
        // 210 s become 120 s.
        prop_assert!(timing.step_ms * 210 >= parse_interval(&scrape).unwrap() * 120);
        prop_assert!(timing.rate_interval_ms >= 4 * parse_interval(&scrape).unwrap());
        prop_assert_eq!(timing.start_ms % timing.step_ms, 0);
    }

    #[test]
    fn the_ends_of_the_numbers_are_no_trouble(
        from_ms in any::<i64>(),
        to_ms in any::<i64>(),
        max_data_points in any::<i64>(),
        scrape in "[0-9]{1,30}(ms|s|m|h|d|w|M|y)?",
        interval_factor in proptest::option::of(any::<i64>()),
        utc_offset_seconds in any::<i64>(),
    ) {
        let timing = QueryTiming::new(QuerySettings {
            range: TimeRange { from_ms, to_ms },
            max_data_points,
            panel_interval: Some(&scrape),
            scrape_interval: Some(&scrape),
            target_interval: None,
            interval_factor,
            utc_offset_seconds,
        });
        if let Ok(timing) = timing {
            prop_assert!(timing.step_ms > 0);
            prop_assert!(timing.variable("__rate_interval").is_some());
        }
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in ".{0,40}", math in "now[-+/0-9a-zA-Z ]{0,20}") {
        let _ = parse_interval(&text);
        let calendar = Calendar::default();
        let _ = parse_time(&text, 1_700_000_000_000, true, &calendar);
        let _ = parse_time(&math, 1_700_000_000_000, true, &calendar);
    }
}
