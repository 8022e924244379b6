//! Values as integers over a common denominator.
//!
//! Nearly all that a cluster reports began as an integer: bytes, counts, nanoseconds over 10⁹, millicores over 10³. A
//! value `n / d` is a short integer where its 64 bits look like noise. Each value is verified to come back to the bit.
//! A rate over one scrape interval (CPU nanoseconds over the nanoseconds between two scrapes) has the interval as its
//! denominator, which no power of ten divides.

/// By what a block's integers are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denominator {
    /// 10 to this power, at most [`MAX_EXPONENT`].
    PowerOfTen(u8),
    /// The time between two samples of the block in nanoseconds.
    Step,
}

/// With many more digits than this after the point any small enough value would pass for a decimal, and be no shorter
/// for it.
pub(super) const MAX_EXPONENT: u8 = 12;

const POWERS_OF_TEN: [f64; MAX_EXPONENT as usize + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];

/// Up to here every integer is a double.
const MAX_INTEGER: f64 = 9_007_199_254_740_992.0;

/// From here on doubles have no fraction, and adding a half would move them.
const NO_FRACTION: f64 = 4_503_599_627_370_496.0;

impl Denominator {
    pub(super) fn to_byte(self) -> u8 {
        match self {
            Self::PowerOfTen(exponent) => exponent,
            Self::Step => MAX_EXPONENT + 1,
        }
    }

    pub(super) fn from_byte(byte: u8) -> Self {
        if byte <= MAX_EXPONENT { Self::PowerOfTen(byte) } else { Self::Step }
    }

    pub(super) fn value(self, step_ms: u32) -> f64 {
        match self {
            Self::PowerOfTen(exponent) => POWERS_OF_TEN[usize::from(exponent.min(MAX_EXPONENT))],
            Self::Step => f64::from(step_ms) * 1e6,
        }
    }
}

/// The integer `n` with `n / denominator == value` to the bit, where there is one.
#[inline]
pub(super) fn numerator(value: f64, denominator: f64) -> Option<i64> {
    let scaled = value * denominator;
    let size = scaled.abs();
    if size.is_nan() || size > MAX_INTEGER {
        return None;
    }
    let n = if size < NO_FRACTION { (scaled + 0.5f64.copysign(scaled)) as i64 } else { scaled as i64 };
    (from_numerator(n, denominator).to_bits() == value.to_bits()).then_some(n)
}

/// Undoes [`numerator`].
#[inline(always)]
pub(super) fn from_numerator(n: i64, denominator: f64) -> f64 {
    n as f64 / denominator
}

/// The denominator that expresses all `values` but a few (`max_misses`) by the smallest integers. `step_ms` is the time
/// between the values, where it is always the same.
pub(super) fn find(values: &[f64], step_ms: Option<u32>, max_misses: usize) -> Option<Denominator> {
    if let Some(exponent) = find_exponent(values, max_misses) {
        return Some(Denominator::PowerOfTen(exponent));
    }
    let step_ms = step_ms.filter(|step| *step > 0)?;
    let denominator = Denominator::Step.value(step_ms);
    let misses = values.iter().filter(|v| numerator(**v, denominator).is_none());
    (misses.take(max_misses + 1).count() <= max_misses).then_some(Denominator::Step)
}

fn find_exponent(values: &[f64], max_misses: usize) -> Option<u8> {
    let mut exponent = 0;
    let mut misses = 0;
    for value in values {
        let fits = |e: &u8| numerator(*value, POWERS_OF_TEN[usize::from(*e)]).is_some();
        if fits(&exponent) {
            continue;
        }
        match (exponent + 1..=MAX_EXPONENT).find(fits) {
            // What fits a smaller power nearly always fits a larger one too; where it grows too large for that, the
            // encoder finds out and keeps the value beside the integers.
            Some(larger) if value.is_finite() => exponent = larger,
            _ => {
                misses += 1;
                if misses > max_misses {
                    return None;
                }
            }
        }
    }
    Some(exponent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_smallest_denominator_is_found() {
        use Denominator::{PowerOfTen, Step};
        for (values, step_ms, expected) in [
            (vec![0.0, 1.0, -1.0, 4096.0], None, Some(PowerOfTen(0))),
            (vec![1.0, 0.25], None, Some(PowerOfTen(2))),
            (vec![123_456.789_012_345, 1.0], None, Some(PowerOfTen(9))),
            (vec![1_234_567_891.0 / 15e9, 1_300_000_001.0 / 15e9], Some(15_000), Some(Step)),
            (vec![1_234_567_891.0 / 15e9, 1_300_000_001.0 / 15e9], Some(10_000), None),
            (vec![1_234_567_891.0 / 15e9, 1_300_000_001.0 / 15e9], None, None),
            (vec![std::f64::consts::PI, std::f64::consts::E], Some(15_000), None),
            (vec![f64::NAN], None, None),
        ] {
            assert_eq!(find(&values, step_ms, 0), expected, "{values:?}");
        }
    }

    #[test]
    fn what_no_integer_expresses_is_left_alone() {
        for value in [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            -0.0,
            1e300,
            5e-324,
            f64::from_bits(0x7ff0_0000_0000_0002),
        ] {
            assert_eq!(numerator(value, 1.0), None, "{value}");
        }
    }

    #[test]
    fn integers_up_to_the_limit_of_doubles_are_exact() {
        for n in [1_i64 << 51, (1 << 52) - 1, 1 << 52, (1 << 52) + 1, (1 << 53) - 1, 1 << 53] {
            assert_eq!(numerator(n as f64, 1.0), Some(n));
            assert_eq!(numerator(-n as f64, 1.0), Some(-n));
        }
    }

    proptest! {
        #[test]
        fn a_numerator_brings_back_the_value(value: f64, exponent in 0..=MAX_EXPONENT) {
            let denominator = Denominator::PowerOfTen(exponent).value(0);
            if let Some(n) = numerator(value, denominator) {
                prop_assert_eq!(from_numerator(n, denominator).to_bits(), value.to_bits());
            }
        }

        #[test]
        fn nanoseconds_as_seconds_are_integers(n in 0i64..1 << 50) {
            prop_assert_eq!(numerator(n as f64 / 1e9, 1e9), Some(n));
        }
    }
}
