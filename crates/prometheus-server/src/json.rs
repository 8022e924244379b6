//! Writes JSON as Prometheus writes it, straight into bytes: a range answer of a hundred thousand series must not
//! become a tree of values first.

use std::fmt::Write as _;

/// Whether `<`, `>`, `&` and the two line separators of Unicode are escaped. Go's encoder does so by default, so
/// Prometheus does in every text but the label sets of query results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    /// Only what JSON asks for.
    Json,
    /// And what would be dangerous inside an HTML page.
    Html,
}

/// Writes `text` as a JSON string.
pub(crate) fn string(out: &mut Vec<u8>, text: &str, escape: Escape) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain_from = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let plain = match byte {
            b'"' | b'\\' | 0..0x20 => false,
            b'<' | b'>' | b'&' => escape == Escape::Json,
            // U+2028 and U+2029 are e2 80 a8 and e2 80 a9; only their last byte is looked at.
            0xa8 | 0xa9 => escape == Escape::Json || !bytes[..at].ends_with(&[0xe2, 0x80]),
            _ => true,
        };
        if plain {
            continue;
        }
        let separator = byte >= 0xa8;
        out.extend_from_slice(&bytes[plain_from..if separator { at - 2 } else { at }]);
        plain_from = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0xa8 => out.extend_from_slice(b"\\u2028"),
            0xa9 => out.extend_from_slice(b"\\u2029"),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.extend([byte >> 4, byte & 0xf].map(|digit| b"0123456789abcdef"[usize::from(digit)]));
            }
        }
    }
    out.extend_from_slice(&bytes[plain_from..]);
    out.push(b'"');
}

/// Writes an unsigned integer.
pub(crate) fn integer(out: &mut Vec<u8>, mut value: u64) {
    // The digits of u64::MAX.
    let mut digits = [0_u8; 20];
    let mut from = digits.len();
    // Two at a time: integers are most of an answer.
    while value >= 100 {
        from -= 2;
        digits[from..from + 2].copy_from_slice(&PAIRS_OF_DIGITS[(value % 100) as usize]);
        value /= 100;
    }
    if value >= 10 {
        from -= 2;
        digits[from..from + 2].copy_from_slice(&PAIRS_OF_DIGITS[value as usize]);
    } else {
        from -= 1;
        digits[from] = b'0' + value as u8;
    }
    out.extend_from_slice(&digits[from..]);
}

/// `00` to `99`.
static PAIRS_OF_DIGITS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut value = 0;
    while value < 100 {
        pairs[value as usize] = [b'0' + value / 10, b'0' + value % 10];
        value += 1;
    }
    pairs
};

/// The beginnings of `[time,"value"]` pairs. The series of an answer have the same times, nearly always, so that each is
/// put into text once.
#[derive(Debug, Default)]
pub(crate) struct PairStarts {
    /// Those of one series, ascending.
    times: Vec<i64>,
    /// Where each text ends.
    ends: Vec<usize>,
    /// `[time,"` for each of them.
    text: Vec<u8>,
    /// The place where the next time is expected.
    next: usize,
}

impl PairStarts {
    /// A new series begins.
    pub(crate) fn rewind(&mut self) {
        self.next = 0;
    }

    /// Writes the beginning of a pair.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>, milliseconds: i64) {
        // A series may lack some of the times.
        while self.times.get(self.next).is_some_and(|time| *time < milliseconds) {
            self.next += 1;
        }
        if self.times.get(self.next) != Some(&milliseconds) {
            if self.next < self.times.len() {
                return pair_start(out, milliseconds);
            }
            self.times.push(milliseconds);
            pair_start(&mut self.text, milliseconds);
            self.ends.push(self.text.len());
        }
        let start = self.next.checked_sub(1).map_or(0, |before| self.ends[before]);
        out.extend_from_slice(&self.text[start..self.ends[self.next]]);
        self.next += 1;
    }
}

fn pair_start(out: &mut Vec<u8>, milliseconds: i64) {
    out.push(b'[');
    timestamp(out, milliseconds);
    out.extend_from_slice(b",\"");
}

/// Writes the end of a pair: the value of a sample.
pub(crate) fn pair_end(out: &mut Vec<u8>, value: f64) {
    if needs_exponent(value) {
        exponent_form(out, value, 2);
    } else {
        decimal_form(out, value);
    }
    out.extend_from_slice(b"\"]");
}

/// Writes milliseconds since the epoch as seconds: `1435781430.781`.
pub(crate) fn timestamp(out: &mut Vec<u8>, milliseconds: i64) {
    if milliseconds < 0 {
        out.push(b'-');
    }
    let absolute = milliseconds.unsigned_abs();
    integer(out, absolute / 1000);
    let fraction = absolute % 1000;
    if fraction != 0 {
        let digits = [fraction / 100, fraction / 10 % 10, fraction % 10].map(|digit| b'0' + digit as u8);
        out.push(b'.');
        out.extend_from_slice(&digits);
    }
}

/// Writes the value of a sample as Prometheus does: in quotes, the shortest digits that read back as the same number,
/// with an exponent below 1e-6 and from 1e21 on.
pub(crate) fn sample_value(out: &mut Vec<u8>, value: f64) {
    if needs_exponent(value) {
        quoted(out, |out| exponent_form(out, value, 2));
    } else {
        scalar_value(out, value);
    }
}

/// Writes the value of a scalar: as a sample's, but never with an exponent.
pub(crate) fn scalar_value(out: &mut Vec<u8>, value: f64) {
    quoted(out, |out| decimal_form(out, value));
}

/// A number outside quotes, as Go's JSON encoder writes it: very small and very large ones with an exponent without
/// leading zeros.
pub(crate) fn float(out: &mut Vec<u8>, value: f64) {
    if needs_exponent(value) {
        exponent_form(out, value, 1);
    } else {
        decimal_form(out, value);
    }
}

/// What `write` writes, as text.
pub(crate) fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    // The functions of this module write UTF-8 only.
    String::from_utf8_lossy(&out).into_owned()
}

/// A number without an exponent: `0.005`, `+Inf`.
pub(crate) fn decimal(value: f64) -> String {
    text(|out| decimal_form(out, value))
}

fn needs_exponent(value: f64) -> bool {
    let absolute = value.abs();
    absolute != 0.0 && absolute.is_finite() && !(1e-6..1e21).contains(&absolute)
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

fn decimal_form(out: &mut Vec<u8>, value: f64) {
    /// Every integer up to 2^53 is exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    } else if value.abs() < EXACT && value.trunc() == value {
        if value.is_sign_negative() {
            out.push(b'-');
        }
        integer(out, value.abs() as u64);
    } else {
        // The shortest digits that read back as the same number. Far from 1 they come with an exponent.
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        if text.contains('e') {
            // `{}` never has one, but is slower.
            write_fmt(out, format_args!("{value}"));
        } else {
            out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
        }
    }
}

/// `1e-07`: Go's `'e'` format has a sign and at least two digits in the exponent.
fn exponent_form(out: &mut Vec<u8>, value: f64, min_digits: usize) {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(("+", exponent), |digits| ("-", digits));
    write_fmt(out, format_args!("{mantissa}e{sign}{digits:0>min_digits$}"));
}

fn write_fmt(out: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    struct Bytes<'a>(&'a mut Vec<u8>);
    impl std::fmt::Write for Bytes<'_> {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
    // Bytes never refuses, and floats never fail to format.
    let _ = Bytes(out).write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn sample_values_look_as_prometheus_writes_them() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-6, "0.000001"),
            (9.5e-7, "9.5e-07"),
            (1e-7, "1e-07"),
            (-2.5e-300, "-2.5e-300"),
            (5e-324, "5e-324"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.25e21, "-1.25e+21"),
            (f64::MAX, "1.7976931348623157e+308"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (123_456_789.125, "123456789.125"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(written(|out| sample_value(out, value)), format!("\"{text}\""));
        }
    }

    #[test]
    fn scalars_never_have_an_exponent() {
        assert_eq!(written(|out| scalar_value(out, 1e21)), "\"1000000000000000000000\"");
        assert_eq!(written(|out| scalar_value(out, 1e-7)), "\"0.0000001\"");
        assert_eq!(written(|out| scalar_value(out, f64::INFINITY)), "\"+Inf\"");
    }

    #[test]
    fn timestamps_are_seconds_with_three_decimals_at_most() {
        for (milliseconds, text) in [
            (0, "0"),
            (1_435_781_430_781, "1435781430.781"),
            (1_435_781_430_000, "1435781430"),
            (1_005, "1.005"),
            (1_050, "1.050"),
            (-1, "-0.001"),
            (-1_500, "-1.500"),
            (i64::MIN, "-9223372036854775.808"),
        ] {
            assert_eq!(written(|out| timestamp(out, milliseconds)), text);
        }
    }

    #[test]
    fn text_is_escaped_as_go_escapes_it() {
        let text = "a\"b\\c\n\r\t\u{1}<&>\u{2028}\u{2029}¨é\u{7f}";
        let json = "\"a\\\"b\\\\c\\n\\r\\t\\u0001<&>\u{2028}\u{2029}¨é\u{7f}\"";
        let html = "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u003c\\u0026\\u003e\\u2028\\u2029¨é\u{7f}\"";
        assert_eq!(written(|out| string(out, text, Escape::Json)), json);
        assert_eq!(written(|out| string(out, text, Escape::Html)), html);
    }

    #[test]
    fn pairs_are_the_same_whatever_times_came_before() {
        let mut starts = PairStarts::default();
        for series in [&[1_000, 3_000][..], &[1_000, 2_000, 3_000, 4_000], &[2_500], &[], &[4_000, 5_000]] {
            starts.rewind();
            for time in series {
                let expected = written(|out| {
                    out.push(b'[');
                    timestamp(out, *time);
                    out.push(b',');
                    sample_value(out, 1e-7);
                    out.push(b']');
                });
                let pair = written(|out| {
                    starts.write(out, *time);
                    pair_end(out, 1e-7);
                });
                assert_eq!(pair, expected);
            }
        }
    }

    proptest! {
        #[test]
        fn integers_have_the_digits_that_they_should(value: u64, shift in 0_u32..64) {
            prop_assert_eq!(written(|out| integer(out, value >> shift)), (value >> shift).to_string());
        }

        #[test]
        fn any_text_reads_back(text in any::<String>(), html in any::<bool>()) {
            let escape = if html { Escape::Html } else { Escape::Json };
            let json = written(|out| string(out, &text, escape));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn any_number_reads_back_to_the_bit(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            for json in [written(|out| sample_value(out, value)), written(|out| scalar_value(out, value))] {
                prop_assert_eq!(json.trim_matches('"').parse::<f64>().unwrap().to_bits(), bits);
            }
        }
    }
}
