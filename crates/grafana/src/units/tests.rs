use proptest::prelude::*;

use super::*;

fn clock() -> Clock {
    Clock { now_ms: 1_594_671_549_254, zone: TimeZone::UTC }
}

fn written(unit: &str, value: f64, decimals: Option<i32>) -> String {
    format(Some(unit), value, decimals.map(f64::from), &clock()).to_string()
}

/// Unit, decimals, value, text: from Grafana's own tests and its documentation.
#[test]
fn values_are_written_as_grafana_writes_them() {
    let table: &[(&str, i32, f64, &str)] = &[
        ("ms", 4, 0.0024, "0.0024 ms"),
        ("ms", 0, 100.0, "100 ms"),
        ("ms", 2, 1_250.0, "1.25 s"),
        ("ms", 1, 10_000_086.123, "2.8 hour"),
        ("ms", 0, 1_200.0, "1 s"),
        ("short", 2, 98_765.0, "98.77 K"),
        ("short", 2, 9_876_543.0, "9.88 Mil"),
        ("short", 0, 0.0, "0"),
        ("kbytes", 3, 10_000_000.0, "9.537 GiB"),
        ("deckbytes", 3, 10_000_000.0, "10.000 GB"),
        ("bytes", 1, 1_536.0, "1.5 KiB"),
        ("bytes", 0, 1_023.0, "1023 B"),
        ("bytes", 2, 1_073_741_824.0, "1.00 GiB"),
        ("decbytes", 2, 1_500_000.0, "1.50 MB"),
        ("bits", 1, 2_048.0, "2.0 Kib"),
        ("bps", 1, 1_500.0, "1.5 kb/s"),
        ("bps", 0, 0.0, "0 b/s"),
        ("bytes", 1, 0.0, "0.0 B"),
        ("Bps", 2, 1_234_567.0, "1.23 MB/s"),
        ("binBps", 2, 1_048_576.0, "1.00 MiB/s"),
        ("pps", 0, 5.0, "5 p/s"),
        ("cps", 1, 1_500.0, "1.5K c/s"),
        ("ops", 1, 2_500_000.0, "2.5M ops/s"),
        ("reqps", 2, 12.345, "12.35 req/s"),
        ("iops", 0, 12.0, "12 io/s"),
        ("percent", 1, 12.34, "12.3%"),
        ("percentunit", 1, 0.1234, "12.3%"),
        ("percentunit", 0, 1.5, "150%"),
        ("none", 0, 1_532.82, "1533"),
        ("none", 2, 1_532.0, "1532.00"),
        ("a", 0, 1_532.82, "1533 a"),
        ("suffix:cores", 1, 2.34, "2.3 cores"),
        ("prefix:b", 0, 1_532.82, "b1533"),
        ("si:µF", 2, 1_234.0, "1.23 mF"),
        ("si:µF", 2, 1_234_000_000.0, "1.23 kF"),
        ("count:xpm", 2, 1_234_567.0, "1.23M xpm"),
        ("count:x/min", 2, 1_234.0, "1.23K x/min"),
        ("currency:@", 2, 1_234_567.0, "@1.23M"),
        ("time:YYYY.MM", 0, 1_278_028_800_000.0, "2010.07"),
        ("dateTimeAsIso", 0, 1_278_028_800_000.0, "2010-07-02 00:00:00"),
        ("dateTimeAsUS", 0, 1_278_028_800_000.0, "07/02/2010 12:00:00 am"),
        ("dateTimeAsSystem", 0, 1_278_028_800_000.0, "2010-07-02 00:00:00"),
        ("dateTimeAsIsoNoDateIfToday", 0, 1_594_500_000_000.0, "2020-07-11 20:40:00"),
        ("dateTimeAsIsoNoDateIfToday", 0, 1_594_671_549_000.0, "20:19:09"),
        ("s", 1, 90.0, "1.5 min"),
        ("s", 0, 0.5, "500 ms"),
        ("s", 0, 0.0005, "500 µs"),
        ("s", 0, 0.0000005, "500 ns"),
        ("s", 1, 5_400.0, "1.5 hour"),
        ("s", 1, 129_600.0, "1.5 day"),
        ("s", 1, 907_200.0, "1.5 week"),
        ("s", 3, 0.0, "0 s"),
        ("ns", 1, 1_500.0, "1.5 µs"),
        ("µs", 1, 1_500.0, "1.5 ms"),
        ("m", 1, 90.0, "1.5 hour"),
        ("h", 1, 36.0, "1.5 day"),
        ("d", 1, 10.5, "1.5 week"),
        ("celsius", 1, 21.55, "21.6 °C"),
        ("hertz", 1, 2_400_000_000.0, "2.4 GHz"),
        ("bool", 0, 1.0, "True"),
        ("bool", 0, 0.0, "False"),
        ("bool_yes_no", 0, 2.0, "Yes"),
        ("bool:up/down", 0, 0.0, "down"),
        ("locale", 2, 1_234_567.891, "1,234,567.89"),
        ("locale", 0, -999.0, "-999"),
        ("string", 0, 1.5, "1.5"),
        ("sci", 2, 12_345.0, "1.23e+4"),
        ("dtdurations", 0, 1.0, "1 second"),
        ("dtdurations", 2, 129_600.0, "1 day, 12 hours, 0 minutes"),
        ("dtdurationms", 0, 0.0, "0 milliseconds"),
        ("dtdurationms", 0, -1.0, "1 millisecond ago"),
        ("dtdurationms", 0, 38_898_367_008.0, "1 year"),
        ("dtdurationms", 1, 38_898_367_008.0, "1 year, 2 months"),
        (
            "dtdurationms",
            20,
            38_898_367_008.0,
            "1 year, 2 months, 3 weeks, 4 days, 5 hours, 6 minutes, 7 seconds, 8 milliseconds",
        ),
        ("dthms", 0, 1.0, "00:00:01"),
        ("dthms", 0, -1.0, "00:00:01 ago"),
        ("dthms", 0, 93_784.0, "26:03:04"),
        ("dtdhms", 0, 93_784.0, "1 d 02:03:04"),
    ];
    for (unit, decimals, value, text) in table {
        assert_eq!(written(unit, *value, Some(*decimals)), *text, "{unit} {value} with {decimals}");
    }
}

/// Without decimals: what the size of the number deserves.
#[test]
fn the_number_of_decimals_follows_the_size() {
    let table: &[(&str, f64, &str)] = &[
        ("none", 100.0, "100"),
        ("none", 100.4, "100"),
        ("none", 100.5, "101"),
        ("none", 12.345, "12.3"),
        ("none", 1.2345, "1.23"),
        ("none", 0.12345, "0.123"),
        ("none", 0.012345, "0.0123"),
        ("none", -0.5, "-0.50"),
        ("bytes", 1_536.0, "1.50 KiB"),
        ("bytes", 123_456_789.0, "118 MiB"),
        ("percentunit", 0.1234, "12.3%"),
        ("bps", 0.5, "500 mb/s"),
        ("s", 12.5, "12.5 s"),
        ("short", 1_234_567.0, "1.23 Mil"),
        ("short", 12.0, "12"),
    ];
    for (unit, value, text) in table {
        assert_eq!(written(unit, *value, None), *text, "{unit} {value}");
    }
}

#[test]
fn what_is_no_number_is_said() {
    for unit in [
        "none",
        "short",
        "bytes",
        "bps",
        "percentunit",
        "s",
        "ms",
        "ops",
        "celsius",
        "locale",
        "dtdurations",
        "dthms",
        "sci",
    ] {
        assert!(
            written(unit, f64::NAN, None).starts_with("NaN"),
            "{unit}: {}",
            written(unit, f64::NAN, None)
        );
        assert!(written(unit, f64::INFINITY, Some(2)).starts_with('∞'), "{unit}");
        assert!(written(unit, f64::NEG_INFINITY, None).starts_with("-∞"), "{unit}");
    }
    assert_eq!(written("dateTimeAsIso", f64::NAN, None), "Invalid date");
    assert_eq!(written("dateTimeFromNow", f64::NAN, None), "Invalid date");
    assert_eq!(format(None, 1.5, None, &clock()).text, "1.50");
    assert_eq!(to_fixed(186.123, Some(-2.0)), "186");
}

#[test]
fn distances_in_time_are_said_as_moment_says_them() {
    let minute = 60_000.0;
    let table = [
        (-10_000.0, "a few seconds ago"),
        (-60_000.0, "a minute ago"),
        (-2.0 * minute, "2 minutes ago"),
        (-50.0 * minute, "an hour ago"),
        (-5.0 * 60.0 * minute, "5 hours ago"),
        (-30.0 * 60.0 * minute, "a day ago"),
        (-7.0 * 1_440.0 * minute, "7 days ago"),
        (-30.0 * 1_440.0 * minute, "a month ago"),
        (-100.0 * 1_440.0 * minute, "3 months ago"),
        (-400.0 * 1_440.0 * minute, "a year ago"),
        (-800.0 * 1_440.0 * minute, "2 years ago"),
        (3.0 * 60.0 * minute, "in 3 hours"),
    ];
    for (distance, text) in table {
        let value = clock().now_ms as f64 + distance;
        assert_eq!(written("dateTimeFromNow", value, None), text, "{distance}");
    }
}

#[test]
fn units_are_known_by_name_and_by_form() {
    for unit in ["bytes", "suffix:cores", "time:YYYY", "bool"] {
        assert!(is_known(unit), "{unit}");
    }
    assert!(!is_known("read/s") && !is_known(""));
    assert!(is_date("dateTimeFromNow") && is_date("time:YYYY") && !is_date("s"));
    assert!(is_boolean("bool_yes_no") && !is_boolean("bytes"));
}

proptest! {
    #[test]
    fn every_unit_writes_every_number(value in any::<f64>(), decimals in proptest::option::of(-5_i32..40), index in 0..UNITS.len()) {
        let text = written(UNITS[index].0, value, decimals);
        prop_assert!(!text.is_empty());
    }

    #[test]
    fn fixed_digits_are_as_many_as_asked_for_and_near_the_value(value in -1e9_f64..1e9, decimals in 0_i32..6) {
        let text = to_fixed(value, Some(f64::from(decimals)));
        let digits = text.split_once('.').map_or(0, |(_, digits)| digits.len());
        prop_assert_eq!(digits, usize::try_from(decimals).unwrap());
        let back: f64 = text.parse().unwrap();
        prop_assert!((back - value).abs() <= 0.500_001 / 10_f64.powi(decimals) + value.abs() * 1e-15);
    }
}
