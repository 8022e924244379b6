//! Usage over time whose integral is known in closed form.
//!
//! A rate is a level plus waves (a day, minutes, hours), pulses at regular intervals and noise.
//! [`Curve::until`] is its integral F from the epoch to an instant, so any counter is a difference of two F.
//!
//! Everything is built from whole numbers and the four basic operations: no sine, no exponential. So F is the
//! same on every machine, and F(b) − F(a) is as exact far from the epoch as near it.

use crate::hash::{Aspect, Seed, unit};

const DAY: i64 = 86_400;

/// How a rate moves around its level; amplitudes relative to the level. Their sum must stay below 0.95, so
/// that the rate never reaches zero and counters never stand still or fall.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Of the daily wave.
    pub(crate) daily: f64,
    /// Of the waves over minutes and hours together.
    pub(crate) ripple: f64,
    /// Of the noise.
    pub(crate) noise: f64,
    /// Regular pulses.
    pub(crate) pulse: Option<PulseShape>,
}

/// Pulses; what varies from object to object is a range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PulseShape {
    /// Seconds from one pulse to the next.
    pub(crate) period: (u64, u64),
    /// Share of the period that a pulse takes.
    pub(crate) width: (f64, f64),
}

/// A rate in units a second, and its integral. Units are whatever the caller counts: microseconds of CPU,
/// bytes.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    level: i64,
    waves: [(f64, Wave); 3],
    noise: [Noise; 2],
    pulse: (i64, Pulse),
}

impl Curve {
    /// The same rate at all times.
    pub(crate) fn constant(level: i64) -> Self {
        let wave = (0.0, Wave { period: 1, phase: 0 });
        let noise = Noise { seed: Seed::of(""), slot: 2, amplitude: 0 };
        Self {
            level,
            waves: [wave; 3],
            noise: [noise; 2],
            pulse: (0, Pulse { period: 1, width: 0, phase: 0 }),
        }
    }

    /// A rate around `level`, with pulses `pulse` above it. `whole` is the seed of what moves together (the
    /// time of day and of pulses are a pod's), `part` the seed of what moves alone.
    pub(crate) fn new(whole: Seed, part: Seed, shape: &Shape, level: f64, pulse: f64) -> Self {
        // Below this, rounding could make the integral stand still.
        let level = level.max(20.0);
        let ripple = [
            Wave::drawn(part, Aspect::RippleShort, Aspect::RippleShortPhase, 240, 900),
            Wave::drawn(part, Aspect::RippleLong, Aspect::RippleLongPhase, 1_500, 9_000),
        ];
        let noise = |name, aspect, slot: u64, share: f64| Noise {
            seed: part.child(name),
            slot: 2 * part.between(aspect, slot / 2, slot / 2 + 5) as i64,
            amplitude: (level * shape.noise * share) as i64,
        };
        Self {
            level: level as i64,
            waves: [
                (level * shape.daily, Wave::daily(whole)),
                (level * shape.ripple * 0.4, ripple[0]),
                (level * shape.ripple * 0.6, ripple[1]),
            ],
            noise: [noise("fast", Aspect::NoiseFast, 40, 0.6), noise("slow", Aspect::NoiseSlow, 260, 0.4)],
            pulse: shape.pulse.map_or((0, Pulse::NONE), |shape| (pulse as i64, Pulse::new(whole, &shape))),
        }
    }

    /// The highest rate that it can reach.
    pub(crate) fn peak(&self) -> i64 {
        let waves: f64 = self.waves.iter().map(|(amplitude, _)| amplitude).sum();
        let noise: i64 = self.noise.iter().map(|noise| noise.amplitude).sum();
        self.level + waves as i64 + 1 + noise + self.pulse.0
    }

    /// F: the integral from the epoch to `t` (seconds since the epoch), rounded. Never falls as `t` grows.
    ///
    /// In 128 bits: a large rate times the seconds since 1970 needs more than 64.
    pub(crate) fn until(&self, t: i64) -> i128 {
        let waves: f64 = self.waves.iter().map(|(amplitude, wave)| amplitude * wave.integral(t)).sum();
        let noise: i128 = self.noise.iter().map(|noise| i128::from(noise.integral(t))).sum();
        let (height, pulse) = self.pulse;
        let product = |rate: i64, seconds: i64| i128::from(rate) * i128::from(seconds);
        product(self.level, t) + product(height, pulse.integral(t)) + noise + i128::from(round(waves))
    }
}

/// To the nearest whole number. (`f64::round` calls into the C library in unoptimised builds.)
fn round(value: f64) -> i64 {
    (value + if value < 0.0 { -0.5 } else { 0.5 }) as i64
}

/// A smooth wave between −1 and 1 made of two parabolas: a sine to the eye, a polynomial to the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wave {
    period: i64,
    phase: i64,
}

impl Wave {
    fn drawn(seed: Seed, period: Aspect, phase: Aspect, low: u64, high: u64) -> Self {
        let period = seed.between(period, low, high);
        Self { period: period as i64, phase: (seed.draw(phase) % period) as i64 }
    }

    /// One wave a day with its height around 14:00 UTC, up to four hours earlier or later.
    pub(crate) fn daily(seed: Seed) -> Self {
        const QUARTER: i64 = DAY / 4;
        const NOON: i64 = 14 * 3_600;
        let shift = seed.between(Aspect::DayPhase, 0, 8 * 3_600) as i64 - 4 * 3_600;
        Self { period: DAY, phase: (QUARTER - NOON + shift).rem_euclid(DAY) }
    }

    /// A wave of several minutes.
    pub(crate) fn ripple(seed: Seed) -> Self {
        Self::drawn(seed, Aspect::RippleLong, Aspect::RippleLongPhase, 1_500, 9_000)
    }

    /// Where in its period the wave is at `t`, in `0..1`.
    fn position(self, t: i64) -> f64 {
        (t + self.phase).rem_euclid(self.period) as f64 / self.period as f64
    }

    /// The wave's value at `t`.
    pub(crate) fn value(self, t: i64) -> f64 {
        let arc = |x: f64| 16.0 * x * (0.5 - x);
        let x = self.position(t);
        if x < 0.5 { arc(x) } else { -arc(x - 0.5) }
    }

    /// The integral since the last full period, in seconds. Full periods cancel.
    fn integral(self, t: i64) -> f64 {
        let arc = |x: f64| x * x * (4.0 - x * (16.0 / 3.0));
        let x = self.position(t);
        self.period as f64 * if x < 0.5 { arc(x) } else { arc(0.5) - arc(x - 0.5) }
    }
}

/// In each slot a random amount above the level for one half and as much below it for the other: random to
/// whoever samples it, nothing in the long run, so that the integral needs no history.
#[derive(Clone, Copy, Debug)]
struct Noise {
    seed: Seed,
    /// Even.
    slot: i64,
    amplitude: i64,
}

impl Noise {
    fn integral(self, t: i64) -> i64 {
        if self.amplitude == 0 {
            return 0;
        }
        let inside = t.rem_euclid(self.slot);
        let swing = unit(self.seed.step(t.div_euclid(self.slot) as u64)) * 2.0 - 1.0;
        (swing * self.amplitude as f64) as i64 * inside.min(self.slot - inside)
    }
}

/// On for `width` seconds out of `period`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pulse {
    period: i64,
    width: i64,
    phase: i64,
}

impl Pulse {
    const NONE: Self = Self { period: 1, width: 0, phase: 0 };

    /// The pulses of what has this seed.
    pub(crate) fn new(seed: Seed, shape: &PulseShape) -> Self {
        let period = seed.between(Aspect::PulsePeriod, shape.period.0, shape.period.1);
        let width = period as f64 * seed.spread(Aspect::PulseWidth, shape.width.0, shape.width.1);
        Self {
            period: period as i64,
            width: width as i64,
            phase: (seed.draw(Aspect::PulsePhase) % period) as i64,
        }
    }

    /// Seconds spent in pulses since the epoch.
    fn integral(self, t: i64) -> i64 {
        let t = t + self.phase;
        t.div_euclid(self.period) * self.width + t.rem_euclid(self.period).min(self.width)
    }

    /// How much of a pulse is there at `t`: rises to 1 over `ramp` seconds and falls as slowly after its end.
    pub(crate) fn height(self, t: i64, ramp: i64) -> f64 {
        let inside = (t + self.phase).rem_euclid(self.period);
        let rising = inside.min(ramp) as f64 / ramp as f64;
        if inside < self.width {
            rising
        } else {
            let reached = self.width.min(ramp) as f64 / ramp as f64;
            (reached - (inside - self.width) as f64 / ramp as f64).max(0.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-01-01.
    const NOW: i64 = 1_767_225_600;

    const LIVELY: Shape = Shape {
        daily: 0.4,
        ripple: 0.25,
        noise: 0.29,
        pulse: Some(PulseShape { period: (600, 1_800), width: (0.05, 0.4) }),
    };

    fn curve(text: &str, level: f64) -> Curve {
        let seed = Seed::of(text);
        Curve::new(seed, seed.child("part"), &LIVELY, level, level * 2.0)
    }

    #[test]
    fn a_wave_is_smooth_bounded_and_as_long_above_as_below() {
        let wave = Wave { period: 1_000, phase: 0 };
        assert_eq!((wave.value(0), wave.value(250), wave.value(500), wave.value(750)), (0.0, 1.0, 0.0, -1.0));
        assert!(wave.integral(0).abs() < 1e-9 && wave.integral(1_000).abs() < 1e-9);
        assert!((wave.integral(500) - 1_000.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_day_has_its_height_in_the_afternoon() {
        for text in ["a", "b", "c", "d"] {
            let wave = Wave::daily(Seed::of(text));
            let hour =
                (0..24).max_by(|a, b| wave.value(NOW + a * 3_600).total_cmp(&wave.value(NOW + b * 3_600)));
            assert!((10..=18).contains(&hour.unwrap()), "{hour:?}");
        }
    }

    #[test]
    fn the_mean_of_a_constant_is_exact() {
        let curve = Curve::constant(250_000);
        assert_eq!(curve.until(NOW + 10) - curve.until(NOW), 2_500_000);
        assert_eq!(curve.peak(), 250_001);
    }

    #[test]
    fn a_pulse_rises_and_falls() {
        let pulse = Pulse { period: 100, width: 40, phase: 0 };
        assert_eq!(
            [0, 10, 20, 39, 40, 50, 60, 99].map(|t| pulse.height(t, 20)),
            [0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0, 0.0]
        );
        assert_eq!(pulse.integral(100) - pulse.integral(0), 40);
        assert_eq!(pulse.integral(20) - pulse.integral(10), 10);
    }

    #[test]
    fn in_the_long_run_a_curve_keeps_its_level() {
        let curve = curve("level", 100_000.0);
        let pulses = curve.pulse.0 as f64 * curve.pulse.1.width as f64 / curve.pulse.1.period as f64;
        let month = 30 * DAY;
        let mean = (curve.until(NOW + month) - curve.until(NOW)) as f64 / month as f64;
        assert!((mean / (100_000.0 + pulses) - 1.0).abs() < 0.002, "{mean}");
    }

    proptest! {
        #[test]
        fn a_curve_never_falls_and_never_passes_its_peak(
            text in "[a-z]{1,8}", level in 1.0..8_000_000.0, t in 0..4_000_000_000_i64, step in 1..100_000_i64
        ) {
            let curve = curve(&text, level);
            let grown = curve.until(t + step) - curve.until(t);
            prop_assert!(grown > 0);
            prop_assert!(grown <= i128::from(curve.peak() + 1) * i128::from(step));
        }

        #[test]
        fn intervals_add_up(text in "[a-z]{1,8}", t in 0..4_000_000_000_i64, a in 0..100_000_i64, b in 0..100_000_i64) {
            let f = |t| curve(&text, 50_000.0).until(t);
            prop_assert_eq!((f(t + a) - f(t)) + (f(t + a + b) - f(t + a)), f(t + a + b) - f(t));
        }
    }
}
