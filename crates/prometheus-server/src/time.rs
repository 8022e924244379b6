//! Times and durations as the HTTP API takes them: Unix seconds or RFC 3339, seconds or `1h30m`.

use jiff::Timestamp;
use jiff::civil::DateTime;
use labels::Quoted;

/// A time that a request names, as Go keeps it: to the nanosecond, and over more years than the numbers hold that it is
/// turned into afterwards. Prometheus does not look after that: what does not fit wraps around, and so it does here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RequestTime {
    seconds: i64,
    /// Behind the second, always less than one.
    nanoseconds: u32,
}

impl RequestTime {
    /// The earliest time, where a request names none. (Prometheus' own value, in its own text: clients send it back.)
    pub(crate) const MIN: Self = Self { seconds: i64::MIN / 1000 + 62_135_596_801, nanoseconds: 0 };
    /// The latest time, where a request names none.
    pub(crate) const MAX: Self = Self { seconds: i64::MAX / 1000 - 62_135_596_801, nanoseconds: 999_999_999 };

    fn from_nanoseconds(nanoseconds: i128) -> Option<Self> {
        let seconds = i64::try_from(nanoseconds.div_euclid(SECOND)).ok()?;
        Some(Self { seconds, nanoseconds: nanoseconds.rem_euclid(SECOND) as u32 })
    }

    fn nanoseconds(self) -> i128 {
        i128::from(self.seconds) * SECOND + i128::from(self.nanoseconds)
    }

    /// Milliseconds since the epoch, as series are looked for: cut towards the past.
    pub(crate) fn milliseconds(self) -> i64 {
        self.seconds.wrapping_mul(1000).wrapping_add(i64::from(self.nanoseconds / 1_000_000))
    }

    /// Milliseconds since the epoch, as queries are evaluated. Prometheus counts nanoseconds first, of which there are
    /// enough for the years 1678 to 2261: other times wrap around into these. They are cut towards the epoch.
    pub(crate) fn instant_ms(self) -> i64 {
        // The low 64 bits are what is left in Go.
        self.nanoseconds() as i64 / 1_000_000
    }

    /// Milliseconds from an earlier time to this one, at most 292 years, which is the longest duration in Go.
    pub(crate) fn milliseconds_since(self, earlier: Self) -> i64 {
        let nanoseconds = (self.nanoseconds() - earlier.nanoseconds()).min(i64::MAX.into());
        (nanoseconds / 1_000_000) as i64
    }
}

/// Nanoseconds in a second.
const SECOND: i128 = 1_000_000_000;

const MIN_TIME_TEXT: &str = "-292273086-05-16T16:47:06Z";
const MAX_TIME_TEXT: &str = "292277025-08-18T07:12:54.999999999Z";

/// Reads a time. Prometheus also takes numbers that no integer of seconds can hold, infinity and NaN, and means by them
/// what its machine makes of such a number; they are refused here.
///
/// # Errors
/// In Prometheus' words.
pub(crate) fn parse_time(text: &str) -> Result<RequestTime, String> {
    let time = match text {
        MIN_TIME_TEXT => Some(RequestTime::MIN),
        MAX_TIME_TEXT => Some(RequestTime::MAX),
        _ => match parse_float(text) {
            Some(seconds) => parse_seconds(seconds),
            None => parse_rfc3339(text),
        },
    };
    time.ok_or_else(|| format!("cannot parse {} to a valid timestamp", Quoted(text)))
}

fn parse_seconds(seconds: f64) -> Option<RequestTime> {
    /// 2⁶³: of the powers of two the first that an `i64` does not hold.
    const TOO_MANY: f64 = 9_223_372_036_854_775_808.0;
    if seconds.is_nan() || seconds.abs() >= TOO_MANY {
        return None;
    }
    // Times are kept to the millisecond.
    let milliseconds = (seconds.fract() * 1000.0).round();
    RequestTime::from_nanoseconds(i128::from(seconds as i64) * SECOND + milliseconds as i128 * 1_000_000)
}

fn parse_rfc3339(text: &str) -> Option<RequestTime> {
    if !is_rfc3339(text) {
        return None;
    }
    let (local, offset) = match text.strip_suffix('Z') {
        Some(local) => (local, 0),
        None => {
            // ±hh:mm
            let (local, offset) = text.split_at_checked(text.len() - 6)?;
            let (hours, minutes): (i128, i128) = (offset[1..3].parse().ok()?, offset[4..].parse().ok()?);
            let seconds = (hours <= 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)?;
            (local, if offset.starts_with('-') { -seconds } else { seconds })
        }
    };
    // jiff's own timestamps end two days before Go's last year does.
    let since_epoch =
        local.parse::<DateTime>().ok()?.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    RequestTime::from_nanoseconds(since_epoch.as_nanos() - offset * SECOND)
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
            ("9999-12-31T23:59:59Z", 253_402_300_799_000),
            ("9e15", 9_000_000_000_000_000_000),
            (MIN_TIME_TEXT, i64::MIN / 1000 * 1000 + 62_135_596_801_000),
            (MAX_TIME_TEXT, i64::MAX / 1000 * 1000 - 62_135_596_801_000 + 999),
        ] {
            assert_eq!(parse_time(text).map(RequestTime::milliseconds), Ok(milliseconds), "{text}");
        }
    }

    #[test]
    fn instants_that_nanoseconds_cannot_count_wrap_around_as_in_prometheus() {
        for (text, milliseconds) in [
            ("1435781430.781", 1_435_781_430_781),
            ("-0.0005", -1),
            ("1969-12-31T23:59:59.9999Z", 0),
            ("9223372036", 9_223_372_036_000),
            ("9223372037", -9_223_372_036_709),
            ("-9.3e9", 9_146_744_073_709),
            ("2262-04-12T00:00:00Z", -9_223_371_273_709),
            ("9999-12-31T23:59:59Z", -4_852_116_232_933),
            ("0001-01-01T00:00:00Z", -6_795_364_578_871),
            ("1e12", 3_875_820_019_684),
            ("9e15", -412_866_226_847),
            ("-9e15", 412_866_226_847),
            ("9223372036854776", 192),
            ("1e16", 1_590_897_978_359),
            ("9.2e18", 6_333_358_267_607),
        ] {
            assert_eq!(parse_time(text).map(RequestTime::instant_ms), Ok(milliseconds), "{text}");
        }
    }

    #[test]
    fn a_time_is_at_most_292_years_after_another_one() {
        let time = |text| parse_time(text).unwrap();
        assert_eq!(time("9e15").milliseconds_since(time("8999999999999999")), 1_000);
        assert_eq!(time("9e15").milliseconds_since(time("-9e15")), i64::MAX / 1_000_000);
        assert!(time("-1.5") < time("-1.25") && time("-1e16") < time("-1"));
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
            "9223372036854775808",
            "2015-07-01T20:10:30+02:60",
            "2015-07-01T20:10:30+25:00",
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
