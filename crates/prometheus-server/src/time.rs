//! Times and durations as the HTTP API takes them: Unix seconds or RFC 3339, seconds or `1h30m`.

use jiff::Timestamp;
use labels::Quoted;

/// The earliest time, where a request names none. (Prometheus' own value, in its own text: clients send it back.)
pub(crate) const MIN_TIME_MS: i64 = i64::MIN / 1000 * 1000 + 62_135_596_801_000;
/// The latest time, where a request names none.
pub(crate) const MAX_TIME_MS: i64 = i64::MAX / 1000 * 1000 - 62_135_596_801_000 + 999;
const MIN_TIME_TEXT: &str = "-292273086-05-16T16:47:06Z";
const MAX_TIME_TEXT: &str = "292277025-08-18T07:12:54.999999999Z";

/// Reads a time, in milliseconds since the epoch.
///
/// # Errors
/// In Prometheus' words.
pub(crate) fn parse_time(text: &str) -> Result<i64, String> {
    let wrong = || format!("cannot parse {} to a valid timestamp", Quoted(text));
    if let Some(seconds) = parse_float(text) {
        // Times are kept to the millisecond; `as` would saturate, so what does not fit is refused first.
        let milliseconds = (seconds * 1000.0).round();
        return if milliseconds.abs() < 9.2e18 {
            let whole = seconds.trunc() as i64 * 1000;
            Ok(whole + (seconds.fract() * 1000.0).round() as i64)
        } else {
            Err(wrong())
        };
    }
    match text {
        MIN_TIME_TEXT => Ok(MIN_TIME_MS),
        MAX_TIME_TEXT => Ok(MAX_TIME_MS),
        _ if is_rfc3339(text) => {
            let time: Timestamp = text.parse().map_err(|_| wrong())?;
            // Prometheus cuts to the millisecond, towards the past.
            Ok(time.as_nanosecond().div_euclid(1_000_000) as i64)
        }
        _ => Err(wrong()),
    }
}

/// jiff reads more notations than RFC 3339 has (`20230101 10Z`, `2023-01-01T10Z[UTC]`); Prometheus refuses them.
fn is_rfc3339(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= "2006-01-02T15:04:05Z".len()
        && bytes.len() <= "2006-01-02T15:04:05.999999999+00:00".len()
        && (bytes[4], bytes[7], bytes[10], bytes[13], bytes[16]) == (b'-', b'-', b'T', b':', b':')
        && (bytes.ends_with(b"Z") || bytes[bytes.len() - 3] == b':')
        && bytes.iter().all(|byte| byte.is_ascii_digit() || b"-:TZ.+".contains(byte))
}

/// Reads a duration, in milliseconds and rounded towards zero, but never from more than zero to zero: a step of a
/// microsecond is a step.
///
/// # Errors
/// In Prometheus' words.
pub(crate) fn parse_duration(text: &str) -> Result<i64, String> {
    /// What a Go duration can hold: an `i64` of nanoseconds.
    const MAX_SECONDS: f64 = i64::MAX as f64 / 1e9;
    if let Some(seconds) = parse_float(text) {
        if seconds.abs() > MAX_SECONDS {
            return Err(format!("cannot parse {} to a valid duration. It overflows int64", Quoted(text)));
        }
        let milliseconds = (seconds * 1000.0) as i64;
        return Ok(if milliseconds == 0 && seconds > 0.0 { 1 } else { milliseconds });
    }
    parse_units(text).ok_or_else(|| format!("cannot parse {} to a valid duration", Quoted(text)))
}

/// `1y2w3d4h5m6s7ms`: each unit at most once and in this order.
fn parse_units(text: &str) -> Option<i64> {
    const UNITS: [(&str, i64); 7] = [
        ("y", 365 * 86_400_000),
        ("w", 7 * 86_400_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    let mut units = UNITS.iter();
    let mut rest = text;
    let mut total = 0_i64;
    while !rest.is_empty() {
        let (digits, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(digits.parse::<i64>().ok()?.checked_mul(*factor)?)?;
        rest = after;
    }
    // Beyond this Go's nanoseconds overflow.
    (!text.is_empty() && total <= i64::MAX / 1_000_000).then_some(total)
}

/// A float as Go reads it: `1e400` is an error there, not infinity.
fn parse_float(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let says_infinity = || text.trim_start_matches(['+', '-']).starts_with(['i', 'I']);
    (value.is_finite() || value.is_nan() || says_infinity()).then_some(value)
}

/// A time as Go's JSON encoder writes it: RFC 3339 with as many decimals as it needs, in UTC.
pub(crate) fn rfc3339(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_unix_seconds_or_rfc_3339() {
        for (text, milliseconds) in [
            ("0", 0),
            ("1435781430.781", 1_435_781_430_781),
            ("1435781430.7814", 1_435_781_430_781),
            ("1435781430.7816", 1_435_781_430_782),
            ("1.5e3", 1_500_000),
            ("-1.5", -1_500),
            ("2015-07-01T20:10:30.781Z", 1_435_781_430_781),
            ("2015-07-01T20:10:30.7819Z", 1_435_781_430_781),
            ("1969-12-31T23:59:59.9999Z", -1),
            ("2015-07-01T22:10:30.781+02:00", 1_435_781_430_781),
            (MIN_TIME_TEXT, MIN_TIME_MS),
            (MAX_TIME_TEXT, MAX_TIME_MS),
        ] {
            assert_eq!(parse_time(text), Ok(milliseconds), "{text}");
        }
    }

    #[test]
    fn other_times_are_errors_in_prometheus_words() {
        for text in [
            "",
            "foo",
            "NaN",
            "Inf",
            "1e400",
            "1e30",
            "30s",
            "2015-07-01",
            "2015-07-01T20:10:30",
            "20150701T201030Z",
            "2015-07-01T20:10Z",
            "2015-07-01T20:10:30Z[UTC]",
            "2015-13-01T20:10:30Z",
            "2015-07-01 20:10:30Z",
        ] {
            assert_eq!(parse_time(text), Err(format!("cannot parse {text:?} to a valid timestamp")));
        }
    }

    #[test]
    fn durations_are_seconds_or_units_in_order() {
        for (text, milliseconds) in [
            ("15", 15_000),
            ("0.5", 500),
            ("-3", -3_000),
            ("0.0001", 1),
            ("0", 0),
            ("15s", 15_000),
            ("1h30m", 5_400_000),
            ("1y2w3d4h5m6s7ms", 31_536_000_000 + 1_209_600_000 + 259_200_000 + 14_400_000 + 306_007),
            ("90m", 5_400_000),
        ] {
            assert_eq!(parse_duration(text), Ok(milliseconds), "{text}");
        }
        for text in
            ["", "foo", "s", "1h1h", "1m1h", "1.5h", "15 s", "-3s", "1us", "300y", "99999999999999999999s"]
        {
            assert_eq!(
                parse_duration(text),
                Err(format!("cannot parse {text:?} to a valid duration")),
                "{text}"
            );
        }
        assert_eq!(
            parse_duration("1e10"),
            Err("cannot parse \"1e10\" to a valid duration. It overflows int64".to_owned())
        );
    }
}
