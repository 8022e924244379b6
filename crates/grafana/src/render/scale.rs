//! The upright axis: from where to where it goes, and where its ticks are.

/// From where to where an axis goes; the end is above the beginning, and both are finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The lower end.
    pub min: f64,
    /// The upper end.
    pub max: f64,
}

/// What a dashboard says about an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Limits {
    /// The axis begins exactly here.
    pub(super) min: Option<f64>,
    /// The axis ends exactly here.
    pub(super) max: Option<f64>,
    /// The axis begins here or below.
    pub(super) soft_min: Option<f64>,
    /// The axis ends here or above.
    pub(super) soft_max: Option<f64>,
    /// Zero is in the middle.
    pub(super) centered: bool,
}

/// Larger numbers are drawn at this place: their differences must stay numbers.
const LARGEST: f64 = 1e300;

impl Range {
    /// Room for values: a tenth more on both sides, but not across zero where all values are on one side of it. Ends in
    /// round numbers unless the dashboard says where it ends.
    pub(super) fn around(data: Option<(f64, f64)>, limits: Limits) -> Self {
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite()).map(clamp);
        let (hard_min, hard_max) = (finite(limits.min), finite(limits.max));
        let (soft_min, soft_max) = (finite(limits.soft_min), finite(limits.soft_max));
        let data = data.map(|(low, high)| (clamp(low), clamp(high))).filter(|(low, high)| low <= high);
        let (mut min, mut max) = match data {
            None => (0.0, 100.0),
            Some((low, high)) => padded(low, high),
        };
        if let (Some(soft), Some((low, _))) = (soft_min, data) {
            // Where values stay above, the axis begins there exactly.
            min = if low >= soft { soft } else { min.min(soft) };
        }
        if let (Some(soft), Some((_, high))) = (soft_max, data) {
            max = if high <= soft { soft } else { max.max(soft) };
        }
        if limits.centered {
            max = max.abs().max(min.abs());
            min = -max;
        }
        min = hard_min.unwrap_or(min);
        max = hard_max.unwrap_or(max);
        if max <= min {
            // A limit on the wrong side of all values: the other end gives way.
            let room = (min.abs().max(max.abs()) * 0.1).max(1.0);
            if hard_max.is_some() && hard_min.is_none() { min = max - room } else { max = min + room }
        }
        Self { min, max }
    }

    /// Where a value is, from 0 at the lower end to 1; far outside it is just outside.
    pub(super) fn place(self, value: f64) -> f64 {
        let place = (value - self.min) / (self.max - self.min);
        if place.is_finite() { place.clamp(-1.0, 2.0) } else { 0.0 }
    }
}

fn clamp(value: f64) -> f64 {
    value.clamp(-LARGEST, LARGEST)
}

fn padded(low: f64, high: f64) -> (f64, f64) {
    let largest = low.abs().max(high.abs());
    let delta = high - low;
    // Differences in the last digits are noise.
    if delta <= largest * 1e-10 {
        return if largest == 0.0 {
            (0.0, 100.0)
        } else if low > 0.0 {
            (0.0, round(2.0 * high))
        } else {
            (round(2.0 * low), 0.0)
        };
    }
    let step = power_of_ten(delta) / 10.0;
    if step == 0.0 || !step.is_finite() {
        return (low, high);
    }
    let pad = delta / 10.0;
    let min = round(round((low - pad) / step).floor() * step);
    let max = round(round((high + pad) / step).ceil() * step);
    (if low >= 0.0 { min.max(0.0) } else { min }, if high <= 0.0 { max.min(0.0) } else { max })
}

fn power_of_ten(value: f64) -> f64 {
    10_f64.powf(value.log10().floor())
}

/// Without the last digit, which arithmetic leaves behind: `0.30000000000000004` is `0.3`.
fn round(value: f64) -> f64 {
    format!("{value:.14e}").parse().unwrap_or(value)
}

/// At most `most` round numbers in a range, at equal distances. `binary` for units of 1,024.
pub fn ticks(range: Range, most: usize, binary: bool) -> Vec<f64> {
    let span = range.max - range.min;
    if most == 0 || !span.is_finite() || span <= 0.0 {
        return Vec::new();
    }
    let raw = span / most as f64;
    let (base, steps): (f64, &[f64]) = if binary && span >= 2.0 {
        (2_f64.powf(raw.log2().floor()).max(1.0), &[1.0, 2.0, 4.0])
    } else {
        (power_of_ten(raw), &[1.0, 2.0, 2.5, 5.0, 10.0, 20.0])
    };
    for step in steps.iter().map(|step| step * base).filter(|step| step.is_normal()) {
        let (first, last) = ((range.min / step).ceil(), (range.max / step).floor());
        let count = last - first + 1.0;
        if count > most as f64 {
            continue;
        }
        let mut ticks: Vec<f64> = (0..count.max(0.0) as usize)
            .map(|i| round((first + i as f64) * step))
            // Not minus zero.
            .map(|tick| if tick == 0.0 { 0.0 } else { tick })
            .filter(|tick| (range.min..=range.max).contains(tick))
            .collect();
        ticks.dedup();
        return ticks;
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn around(low: f64, high: f64, limits: Limits) -> (f64, f64) {
        let range = Range::around(Some((low, high)), limits);
        (range.min, range.max)
    }

    #[test]
    fn values_get_room_and_round_ends() {
        let table = [
            (0.0, 10.0, (0.0, 11.0)),
            (1.0, 9.0, (0.2, 9.8)),
            (100.0, 110.0, (99.0, 111.0)),
            (-5.0, 5.0, (-6.0, 6.0)),
            (-10.0, -1.0, (-10.9, -0.1)),
            // Everything is equal: from zero.
            (5.0, 5.0, (0.0, 10.0)),
            (-5.0, -5.0, (-10.0, 0.0)),
            (0.0, 0.0, (0.0, 100.0)),
        ];
        for (low, high, expected) in table {
            assert_eq!(around(low, high, Limits::default()), expected, "{low} to {high}");
        }
        let none = Range::around(None, Limits::default());
        assert_eq!((none.min, none.max), (0.0, 100.0));
    }

    #[test]
    fn limits_of_the_dashboard_hold() {
        let none = Limits::default();
        let table = [
            (Limits { min: Some(0.0), max: Some(1.0), ..none }, (0.0, 1.0)),
            (Limits { soft_min: Some(0.0), ..none }, (0.0, 9.8)),
            // Values below a soft limit move it.
            (Limits { soft_min: Some(4.0), ..none }, (0.2, 9.8)),
            (Limits { soft_max: Some(20.0), ..none }, (0.2, 20.0)),
            (Limits { centered: true, ..none }, (-9.8, 9.8)),
            // Above every value.
            (Limits { min: Some(50.0), ..none }, (50.0, 55.0)),
            (Limits { max: Some(-50.0), ..none }, (-55.0, -50.0)),
            (Limits { min: Some(f64::NAN), ..none }, (0.2, 9.8)),
        ];
        for (limits, expected) in table {
            assert_eq!(around(1.0, 9.0, limits), expected, "{limits:?}");
        }
    }

    #[test]
    fn ticks_are_round_numbers() {
        let table: [(f64, f64, usize, bool, &[f64]); 6] = [
            (0.0, 11.0, 6, false, &[0.0, 2.0, 4.0, 6.0, 8.0, 10.0]),
            (0.0, 1.0, 5, false, &[0.0, 0.25, 0.5, 0.75, 1.0]),
            (99.0, 111.0, 4, false, &[100.0, 105.0, 110.0]),
            (-6.0, 6.0, 5, false, &[-5.0, -2.5, 0.0, 2.5, 5.0]),
            (0.0, 3.5e9, 5, true, &[0.0, 1_073_741_824.0, 2_147_483_648.0, 3_221_225_472.0]),
            (0.0, 0.35, 4, false, &[0.0, 0.1, 0.2, 0.3]),
        ];
        for (min, max, most, binary, expected) in table {
            assert_eq!(ticks(Range { min, max }, most, binary), expected, "{min} to {max}");
        }
        assert_eq!(ticks(Range { min: 0.0, max: 1.0 }, 0, false), Vec::<f64>::new());
    }

    fn any_number() -> impl Strategy<Value = f64> {
        prop_oneof![any::<f64>(), -1e6..1e6, Just(f64::NAN), Just(f64::INFINITY), Just(0.0)]
    }

    proptest! {
        #[test]
        fn every_axis_goes_upwards_and_its_ticks_stand_in_it(
            data in prop::option::of((any_number(), any_number())),
            limits in prop::array::uniform4(prop::option::of(any_number())),
            centered in any::<bool>(),
            most in 0_usize..40,
            binary in any::<bool>(),
        ) {
            let [min, max, soft_min, soft_max] = limits;
            let range = Range::around(data, Limits { min, max, soft_min, soft_max, centered });
            prop_assert!(range.min.is_finite() && range.max.is_finite() && range.min < range.max, "{:?}", range);
            let ticks = ticks(range, most, binary);
            prop_assert!(ticks.len() <= most);
            prop_assert!(ticks.iter().all(|tick| (range.min..=range.max).contains(tick)), "{:?} {:?}", range, ticks);
            prop_assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]), "{:?} {:?}", range, ticks);
        }

        #[test]
        fn ordinary_values_lie_in_their_axis_and_have_ticks(a in -1e9..1e9_f64, b in -1e9..1e9_f64) {
            let (low, high) = (a.min(b), a.max(b));
            let range = Range::around(Some((low, high)), Limits::default());
            prop_assert!(range.min <= low && high <= range.max);
            prop_assert!(ticks(range, 6, false).len() >= 2, "{:?}", range);
        }
    }
}
