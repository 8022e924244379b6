//! Kubernetes quantities: `100m`, `1.5Gi`, `1e3`, `128974848`.
//!
//! Exact integer arithmetic, with the rules of Kubernetes: anything finer than a billionth is rounded up
//! (away from zero), anything beyond 2⁶³ − 1 is cut off there, and reading a quantity in a coarser unit
//! rounds up as well.

use std::fmt;
use std::str::FromStr;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity as ApiQuantity;

/// A quantity as Kubernetes understands it. Ordered and compared by value: `1` = `1000m`.
///
/// ```
/// use kubelet_stats::quantity::Quantity;
///
/// let cpu: Quantity = "1500m".parse().unwrap();
/// assert_eq!((cpu.units(), cpu.millis()), (2, 1500));
/// let memory: Quantity = "1.5Gi".parse().unwrap();
/// assert_eq!(memory.units(), 1_610_612_736);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity {
    nanos: i128,
}

/// The largest magnitude that a quantity may have, in billionths.
const LARGEST: i128 = i64::MAX as i128 * NANO;
const NANO: i128 = 1_000_000_000;
/// Significant decimal digits that are kept: enough for 2⁶³ − 1 with nine decimals. Later ones only round up.
const DIGITS: u32 = 28;
/// Exponents beyond this give the largest or the smallest quantity, whatever the digits.
const EXPONENT: i64 = 1_000;

impl Quantity {
    /// This many whole units: bytes, cores, pods.
    pub const fn from_units(units: i64) -> Self {
        Self { nanos: units as i128 * NANO }
    }

    /// This many thousandths: millicores.
    pub const fn from_millis(millis: i64) -> Self {
        Self { nanos: millis as i128 * (NANO / 1_000) }
    }

    /// This many billionths: nanocores.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self { nanos: nanos as i128 }
    }

    /// Whole units, rounded up. What Go's `Quantity.Value` gives: bytes of memory, whole cores.
    pub fn units(self) -> i64 {
        saturate(divide_up(self.nanos, NANO))
    }

    /// Thousandths, rounded up. What Go's `Quantity.MilliValue` gives: millicores.
    pub fn millis(self) -> i64 {
        saturate(divide_up(self.nanos, NANO / 1_000))
    }

    /// Billionths: nanocores. Exact, and the most that 64 bits hold beyond 9.2 billion units.
    pub fn nanos(self) -> i64 {
        saturate(self.nanos)
    }

    /// The nearest float.
    pub fn as_f64(self) -> f64 {
        let whole = self.nanos / NANO;
        if whole * NANO == self.nanos { whole as f64 } else { self.nanos as f64 / NANO as f64 }
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.nanos < 0
    }
}

fn divide_up(value: i128, by: i128) -> i128 {
    value.signum() * ((value.abs() + by - 1) / by)
}

fn saturate(value: i128) -> i64 {
    value.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// Why a text is no quantity, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{input:?} is not a quantity: {reason} at byte {at}")]
pub struct QuantityError {
    /// The text.
    pub input: String,
    /// The byte at which reading failed.
    pub at: usize,
    /// What is wrong there.
    pub reason: Reason,
}

/// What is wrong with a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No digit where the number should begin.
    NoNumber,
    /// After the number comes something that is no unit.
    UnknownSuffix,
    /// `e` or `E` with something else than a whole number after it.
    BadExponent,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoNumber => "a number is expected",
            Self::UnknownSuffix => {
                "a unit (n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or an exponent like e3) or the end is expected"
            }
            Self::BadExponent => "a whole exponent is expected",
        })
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(input: &str) -> Result<Self, QuantityError> {
        let error = |at, reason| QuantityError { input: input.to_owned(), at, reason };
        let (number, rest) =
            Number::read(input).ok_or_else(|| error(sign_length(input), Reason::NoNumber))?;
        let at = input.len() - rest.len();
        let (exponent, doublings) = match suffix(rest) {
            Some(unit) => unit,
            None => match rest.strip_prefix(['e', 'E']) {
                Some(digits) => (read_exponent(digits).ok_or_else(|| error(at + 1, Reason::BadExponent))?, 0),
                None => return Err(error(at, Reason::UnknownSuffix)),
            },
        };
        Ok(Self { nanos: number.scaled(exponent, doublings) })
    }
}

impl TryFrom<&ApiQuantity> for Quantity {
    type Error = QuantityError;

    fn try_from(quantity: &ApiQuantity) -> Result<Self, QuantityError> {
        quantity.0.parse()
    }
}

fn sign_length(input: &str) -> usize {
    usize::from(input.starts_with(['+', '-']))
}

/// (power of ten, power of two) of a unit.
fn suffix(text: &str) -> Option<(i64, u32)> {
    Some(match text {
        "" => (0, 0),
        "n" => (-9, 0),
        "u" => (-6, 0),
        "m" => (-3, 0),
        "k" => (3, 0),
        "M" => (6, 0),
        "G" => (9, 0),
        "T" => (12, 0),
        "P" => (15, 0),
        "E" => (18, 0),
        "Ki" => (0, 10),
        "Mi" => (0, 20),
        "Gi" => (0, 30),
        "Ti" => (0, 40),
        "Pi" => (0, 50),
        "Ei" => (0, 60),
        _ => return None,
    })
}

/// A signed whole number, cut off at ±[`EXPONENT`].
fn read_exponent(text: &str) -> Option<i64> {
    let digits = &text[sign_length(text)..];
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let magnitude =
        digits.bytes().fold(0, |value: i64, digit| (value * 10 + i64::from(digit - b'0')).min(EXPONENT));
    Some(if text.starts_with('-') { -magnitude } else { magnitude })
}

/// A decimal number: ± `digits` × 10^`exponent`, and a bit more if `inexact`.
#[derive(Clone, Copy)]
struct Number {
    negative: bool,
    digits: i128,
    exponent: i64,
    inexact: bool,
}

impl Number {
    /// The number at the start of the text, and the rest.
    fn read(input: &str) -> Option<(Self, &str)> {
        let mut number = Self { negative: input.starts_with('-'), digits: 0, exponent: 0, inexact: false };
        let bytes = input.as_bytes();
        let mut at = sign_length(input);
        let (mut any, mut after_point, mut kept) = (false, false, 0);
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'0'..=b'9' => {
                    any = true;
                    let digit = byte - b'0';
                    if kept < DIGITS {
                        number.digits = number.digits * 10 + i128::from(digit);
                        kept += u32::from(number.digits != 0);
                        number.exponent -= i64::from(after_point);
                    } else {
                        number.inexact |= digit != 0;
                        number.exponent += i64::from(!after_point);
                    }
                }
                b'.' if !after_point => after_point = true,
                _ => break,
            }
            at += 1;
        }
        any.then(|| (number, &input[at..]))
    }

    /// The number × 10^`exponent` × 2^`doublings` in billionths, rounded away from zero and cut off at
    /// [`LARGEST`].
    fn scaled(mut self, exponent: i64, doublings: u32) -> i128 {
        self.exponent += exponent + 9;
        let magnitude = if self.digits == 0 {
            i128::from(self.inexact)
        } else {
            self.magnitude(doublings).map_or(LARGEST, |value| value.min(LARGEST))
        };
        if self.negative { -magnitude } else { magnitude }
    }

    /// `None` when it is too large for 127 bits, and so for a quantity.
    fn magnitude(mut self, doublings: u32) -> Option<i128> {
        let factor = 1_i128 << doublings;
        if self.exponent >= 0 {
            let tens = u32::try_from(self.exponent).ok().and_then(|e| 10_i128.checked_pow(e))?;
            let value = self.digits.checked_mul(factor)?.checked_mul(tens)?;
            return Some(value + i128::from(self.inexact));
        }
        // Too many digits behind the point for a binary unit: the last ones only round up.
        while self.digits.checked_mul(factor).is_none() && self.exponent < 0 {
            self.inexact |= self.digits % 10 != 0;
            self.digits /= 10;
            self.exponent += 1;
        }
        let value = self.digits.checked_mul(factor)?;
        let tens = u32::try_from(-self.exponent).ok().and_then(|e| 10_i128.checked_pow(e));
        Some(match tens {
            Some(tens) => value / tens + i128::from(value % tens != 0 || self.inexact),
            None => 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nanos(text: &str) -> i128 {
        text.parse::<Quantity>().unwrap_or_else(|error| panic!("{error}")).nanos
    }

    #[test]
    fn every_form_of_kubernetes_is_read() {
        for (text, expected) in [
            ("0", 0),
            ("100m", 100_000_000),
            ("0.1", 100_000_000),
            (".5", 500_000_000),
            ("2.", 2 * NANO),
            ("+1", NANO),
            ("-1", -NANO),
            ("1e3", 1_000 * NANO),
            ("1E3", 1_000 * NANO),
            ("1e+3", 1_000 * NANO),
            ("12e-3", 12_000_000),
            ("1E", 1_000_000_000_000_000_000 * NANO),
            ("128974848", 128_974_848 * NANO),
            ("129e6", 129_000_000 * NANO),
            ("129M", 129_000_000 * NANO),
            ("123Mi", 123 * 1_048_576 * NANO),
            ("1.5Gi", 1_610_612_736 * NANO),
            ("500k", 500_000 * NANO),
            ("7u", 7_000),
            ("7n", 7),
            ("000000000000000000000000000000000000007n", 7),
            ("0.00000000000000000000000000000000000000", 0),
        ] {
            assert_eq!(nanos(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_finer_than_a_billionth_rounds_away_from_zero() {
        assert_eq!(nanos("0.1n"), 1);
        assert_eq!(nanos("-0.1n"), -1);
        assert_eq!(nanos("1e-400"), 1);
        assert_eq!(nanos("1.0000000001"), NANO + 1);
        assert_eq!(nanos("1.00000000000000000000000000000000000000001"), NANO + 1);
        assert_eq!(nanos("0.00000000000000000000000000001Ki"), 1);
    }

    #[test]
    fn what_is_too_large_is_cut_off() {
        for text in [
            "9223372036854775808",
            "8Ei",
            "10E",
            "1e30",
            "1e99999999999999999999",
            "7.99999999999999999999999999999Ei",
        ] {
            let value: Quantity = text.parse().unwrap();
            assert!(value.nanos <= LARGEST, "{text}");
            assert!(value.units() >= i64::MAX - 1, "{text}: {}", value.units());
        }
        assert_eq!("-1e30".parse::<Quantity>().unwrap().units(), -i64::MAX);
        assert_eq!(
            "1234567890123456789.123456789".parse::<Quantity>().unwrap().nanos,
            1_234_567_890_123_456_789_123_456_789
        );
        assert_eq!(i64::MAX.to_string().parse::<Quantity>().unwrap().units(), i64::MAX);
        assert_eq!("1e25".parse::<Quantity>().unwrap().nanos(), i64::MAX);
    }

    #[test]
    fn reading_in_a_coarser_unit_rounds_up() {
        let quantity: Quantity = "1001u".parse().unwrap();
        assert_eq!((quantity.units(), quantity.millis(), quantity.nanos()), (1, 2, 1_001_000));
        let negative: Quantity = "-1001u".parse().unwrap();
        assert_eq!((negative.units(), negative.millis(), negative.is_negative()), (-1, -2, true));
        assert_eq!(Quantity::from_millis(1_500), "1.5".parse().unwrap());
        assert_eq!(Quantity::from_units(2), "2000m".parse().unwrap());
        assert!("1Gi".parse::<Quantity>().unwrap() > "1G".parse().unwrap());
    }

    #[test]
    fn what_is_no_quantity_is_refused_with_its_place() {
        for (text, at, reason) in [
            ("", 0, Reason::NoNumber),
            ("-", 1, Reason::NoNumber),
            (".", 0, Reason::NoNumber),
            ("Gi", 0, Reason::NoNumber),
            ("++1", 1, Reason::NoNumber),
            ("100mm", 3, Reason::UnknownSuffix),
            ("1.1.1", 3, Reason::UnknownSuffix),
            ("1Gb", 1, Reason::UnknownSuffix),
            ("1i", 1, Reason::UnknownSuffix),
            ("1K", 1, Reason::UnknownSuffix),
            ("1 ", 1, Reason::UnknownSuffix),
            ("1µ", 1, Reason::UnknownSuffix),
            ("1e", 2, Reason::BadExponent),
            ("1e1.5", 2, Reason::BadExponent),
            ("1e3m", 2, Reason::BadExponent),
        ] {
            let error = text.parse::<Quantity>().unwrap_err();
            assert_eq!((error.at, error.reason), (at, reason), "{text:?}");
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_inside_itself(text in "\\PC{0,12}|[+-]?[0-9.]{0,60}[eEinumkKMGTP]{0,2}[+-]?[0-9]{0,8}") {
            match text.parse::<Quantity>() {
                Ok(quantity) => prop_assert!(quantity.nanos.abs() <= LARGEST),
                Err(error) => prop_assert!(error.at <= text.len() && text.is_char_boundary(error.at)),
            }
        }

        #[test]
        fn decimals_are_exact(whole in 0..1_000_000_000_000_i64, nano in 0..1_000_000_000_i64) {
            prop_assert_eq!(nanos(&format!("{whole}.{nano:09}")), i128::from(whole) * NANO + i128::from(nano));
        }

        #[test]
        fn units_multiply(value in 0..8_000_i64, unit in 0..11_usize) {
            let units = ["n", "u", "m", "", "k", "M", "G", "T", "Ki", "Mi", "Gi"];
            let factors: [i128; 11] = [
                1, 1_000, 1_000_000, NANO, 1_000 * NANO, 1_000_000 * NANO, NANO * NANO, 1_000 * NANO * NANO,
                1_024 * NANO, 1_048_576 * NANO, 1_073_741_824 * NANO,
            ];
            prop_assert_eq!(nanos(&format!("{value}{}", units[unit])), i128::from(value) * factors[unit]);
        }

        #[test]
        fn an_exponent_is_a_shift_of_the_point(digits in 1..1_000_000_i64, exponent in 0..6_u32) {
            let power = 10_i128.pow(exponent);
            prop_assert_eq!(nanos(&format!("{digits}e{exponent}")), i128::from(digits) * power * NANO);
            prop_assert_eq!(nanos(&format!("{digits}e-{exponent}")), i128::from(digits) * (NANO / power));
        }

        #[test]
        fn rounding_up_never_loses(nano in 0..i64::MAX) {
            let quantity = Quantity { nanos: nano.into() };
            prop_assert!(i128::from(quantity.millis()) * 1_000_000 >= quantity.nanos);
            prop_assert!(i128::from(quantity.millis() - 1) * 1_000_000 < quantity.nanos);
            prop_assert!(i128::from(quantity.units()) * NANO >= quantity.nanos);
        }
    }
}
