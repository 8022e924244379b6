//! Sums, means, quantiles and regressions over plain numbers, with the rounding behaviour of Prometheus: results are
//! compared with it digit by digit, so the order of operations matters.

/// A sum with Neumaier's variant of Kahan's compensation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KahanSum {
    /// The running sum.
    pub(super) sum: f64,
    /// What rounding has lost so far.
    pub(super) lost: f64,
}

impl KahanSum {
    /// Starts with one number.
    pub(super) fn new(first: f64) -> Self {
        Self { sum: first, lost: 0.0 }
    }

    /// The sum with one more number.
    #[inline]
    #[must_use]
    pub(super) fn plus(self, number: f64) -> Self {
        let sum = self.sum + number;
        let lost = if sum.is_infinite() {
            0.0
        } else if self.sum.abs() >= number.abs() {
            self.lost + ((self.sum - sum) + number)
        } else {
            self.lost + ((number - sum) + self.sum)
        };
        Self { sum, lost }
    }

    /// The compensated sum.
    #[inline]
    pub(super) fn value(self) -> f64 {
        self.sum + self.lost
    }
}

/// A mean: a compensated sum divided at the end, or, once the sum overflows, an incremental mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mean {
    total: KahanSum,
    count: f64,
    incremental: bool,
}

impl Mean {
    /// Starts with one number.
    pub(super) fn new(first: f64) -> Self {
        Self { total: KahanSum::new(first), count: 1.0, incremental: false }
    }

    /// Takes one more number.
    #[inline]
    pub(super) fn add(&mut self, number: f64) {
        self.count += 1.0;
        if !self.incremental {
            let total = self.total.plus(number);
            if !total.sum.is_infinite() {
                self.total = total;
                return;
            }
            self.incremental = true;
            self.total.sum /= self.count - 1.0;
            self.total.lost /= self.count - 1.0;
        }
        let weight = (self.count - 1.0) / self.count;
        self.total = KahanSum { sum: weight * self.total.sum, lost: weight * self.total.lost }
            .plus(number / self.count);
    }

    /// The mean.
    pub(super) fn value(&self) -> f64 {
        if self.incremental {
            self.total.value()
        } else {
            self.total.sum / self.count + self.total.lost / self.count
        }
    }
}

/// The mean of numbers; NaN of none.
pub(super) fn mean(numbers: &[f64]) -> f64 {
    let Some((&first, rest)) = numbers.split_first() else { return f64::NAN };
    let mut mean = Mean::new(first);
    for &number in rest {
        mean.add(number);
    }
    mean.value()
}

/// The compensated sum of numbers.
pub(super) fn sum(numbers: &[f64]) -> f64 {
    let total = numbers.iter().fold(KahanSum::default(), |total, &number| total.plus(number));
    if total.sum.is_infinite() { total.sum } else { total.value() }
}

/// The population variance (Welford's method, compensated); NaN of none.
pub(super) fn variance(numbers: &[f64]) -> f64 {
    let (mut count, mut mean, mut squares) = (0.0, KahanSum::default(), KahanSum::default());
    for &number in numbers {
        count += 1.0;
        let delta = number - mean.value();
        mean = mean.plus(delta / count);
        squares = squares.plus(delta * (number - mean.value()));
    }
    squares.value() / count
}

/// Ascending, with NaN before everything else.
pub(super) fn nan_first(a: &f64, b: &f64) -> std::cmp::Ordering {
    b.is_nan().cmp(&a.is_nan()).then(a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal))
}

/// The `q`-quantile, interpolated between the two nearest numbers. Sorts `numbers`. NaN of none or for `q` = NaN,
/// infinite for `q` outside 0..1.
pub(super) fn quantile(q: f64, numbers: &mut [f64]) -> f64 {
    if numbers.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    numbers.sort_unstable_by(nan_first);
    let rank = q * (numbers.len() - 1) as f64;
    let lower = rank.floor();
    let upper = (lower as usize + 1).min(numbers.len() - 1);
    let weight = rank - lower;
    numbers[lower as usize] * (1.0 - weight) + numbers[upper] * weight
}

/// A straight line through samples by least squares.
pub(super) struct Line {
    /// Change per second.
    pub(super) slope: f64,
    /// Value at the time of reference.
    pub(super) intercept: f64,
}

impl Line {
    /// Fits a line; `at` is the time of reference in milliseconds. `None` without samples.
    pub(super) fn fit(times: &[i64], values: &[f64], at: i64) -> Option<Self> {
        let first = *values.first()?;
        let (mut x, mut y) = (KahanSum::default(), KahanSum::default());
        let (mut xy, mut xx) = (KahanSum::default(), KahanSum::default());
        let mut constant = true;
        for (index, (&time, &value)) in times.iter().zip(values).enumerate() {
            constant &= index == 0 || value == first;
            let seconds = (time - at) as f64 / 1e3;
            x = x.plus(seconds);
            y = y.plus(value);
            xy = xy.plus(seconds * value);
            xx = xx.plus(seconds * seconds);
        }
        if constant {
            let line = Self { slope: 0.0, intercept: first };
            return Some(if first.is_infinite() {
                Self { slope: f64::NAN, intercept: f64::NAN }
            } else {
                line
            });
        }
        let n = values.len() as f64;
        let (x, y, xy, xx) = (x.value(), y.value(), xy.value(), xx.value());
        let slope = (xy - x * y / n) / (xx - x * x / n);
        Some(Self { slope, intercept: y / n - slope * x / n })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn compensated_sums_survive_cancellation() {
        assert_eq!(sum(&[1e100, 1.0, -1e100]), 1.0);
        assert_eq!(sum(&[f64::MAX, f64::MAX]), f64::INFINITY);
    }

    proptest! {
        #[test]
        fn a_compensated_sum_of_numbers_and_their_negatives_is_zero(mut numbers in vec(-1e12_f64..1e12, 0..40)) {
            let negatives: Vec<f64> = numbers.iter().map(|number| -number).collect();
            numbers.extend(negatives);
            prop_assert!(sum(&numbers).abs() < 1e-6, "{}", sum(&numbers));
        }

        #[test]
        fn means_and_quantiles_lie_between_the_extremes(numbers in vec(-1e300_f64..1e300, 1..40), q in 0.0_f64..=1.0) {
            let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
            let most = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let slack = 1e-9 * (least.abs() + most.abs());
            for value in [mean(&numbers), quantile(q, &mut numbers.clone())] {
                prop_assert!(value >= least - slack && value <= most + slack, "{value} of {numbers:?}");
            }
            prop_assert!(variance(&numbers).is_nan() || variance(&numbers) >= 0.0);
        }
    }

    #[test]
    fn a_mean_does_not_overflow() {
        assert_eq!(mean(&[f64::MAX, f64::MAX]), f64::MAX);
        assert_eq!(mean(&[1.0, 2.0, 6.0]), 3.0);
        assert!(mean(&[]).is_nan());
    }

    #[test]
    fn quantiles_interpolate_and_put_nan_first() {
        for (q, numbers, expected) in [
            (0.5, vec![3.0, 1.0, 2.0], 2.0),
            (0.25, vec![0.0, 1.0], 0.25),
            (1.0, vec![0.0, 1.0, f64::NAN], 1.0),
            (-0.1, vec![0.0], f64::NEG_INFINITY),
            (1.1, vec![0.0], f64::INFINITY),
        ] {
            assert_eq!(quantile(q, &mut numbers.clone()), expected, "{q} of {numbers:?}");
        }
        assert!(quantile(0.0, &mut [1.0, f64::NAN]).is_nan());
        assert!(quantile(f64::NAN, &mut [1.0]).is_nan());
    }

    #[test]
    fn equal_values_have_no_variance() {
        assert_eq!(variance(&[0.1, 0.1, 0.1]), 0.0);
        assert_eq!(variance(&[1.0, 3.0]), 1.0);
    }

    #[test]
    fn a_line_through_equal_values_is_flat_whatever_the_rounding() {
        let line = Line::fit(&[0, 7, 13], &[0.1, 0.1, 0.1], 20).unwrap();
        assert_eq!((line.slope, line.intercept), (0.0, 0.1));
        let line = Line::fit(&[0, 1000, 2000], &[1.0, 3.0, 5.0], 4000).unwrap();
        assert!((line.slope - 2.0).abs() < 1e-12 && (line.intercept - 9.0).abs() < 1e-12);
        assert!(Line::fit(&[], &[], 0).is_none());
    }
}
