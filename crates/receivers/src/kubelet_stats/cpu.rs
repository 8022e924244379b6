//! CPU usage: what a cumulative CPU time gained between two scrapes.

use jiff::Timestamp;
use kubelet_stats::summary::CpuStats;

/// The CPU time of one object at the last scrape.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CpuMeter {
    last: Option<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    seconds: f64,
    at: Timestamp,
}

impl CpuMeter {
    /// Takes the CPU time of this scrape and says how many CPUs were used since the last one. Nothing at the first, when
    /// the sample time stands still (the kubelet measured nothing new) or when the CPU time fell (a restart).
    pub(super) fn usage(&mut self, stats: Option<&CpuStats>) -> Option<f64> {
        let now = stats.and_then(|stats| {
            Some(Sample { seconds: cpu_seconds(stats.usage_core_nano_seconds?), at: stats.time })
        });
        let before = std::mem::replace(&mut self.last, now)?;
        let now = now?;
        let elapsed = now.at.duration_since(before.at).as_secs_f64();
        let used = now.seconds - before.seconds;
        (elapsed > 0.0 && used >= 0.0).then(|| used / elapsed)
    }
}

/// CPU time in seconds, as the receiver sends it.
#[allow(
    clippy::cast_precision_loss,
    reason = "the receiver sends floats: beyond 2^53 ns it loses the same bits"
)]
pub(super) fn cpu_seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stats(second: i64, core_seconds: Option<u64>) -> CpuStats {
        CpuStats {
            time: Timestamp::from_second(second).unwrap(),
            usage_nano_cores: Some(7),
            usage_core_nano_seconds: core_seconds.map(|seconds| seconds * 1_000_000_000),
            psi: None,
        }
    }

    #[test]
    fn usage_is_the_gain_between_two_scrapes() {
        for (rule, scrapes, expected) in [
            ("nothing at the first scrape", vec![Some((0, Some(5)))], None),
            ("gain over elapsed time", vec![Some((0, Some(5))), Some((10, Some(25)))], Some(2.0)),
            ("an idle object uses none", vec![Some((0, Some(5))), Some((10, Some(5)))], Some(0.0)),
            ("nothing when time stands still", vec![Some((0, Some(5))), Some((0, Some(25)))], None),
            ("nothing when time runs back", vec![Some((10, Some(5))), Some((0, Some(25)))], None),
            ("nothing when the counter fell", vec![Some((0, Some(25))), Some((10, Some(5)))], None),
            (
                "after a fall it goes on from there",
                vec![Some((0, Some(25))), Some((10, Some(5))), Some((20, Some(10)))],
                Some(0.5),
            ),
            ("nothing without a counter", vec![Some((0, Some(5))), Some((10, None))], None),
            (
                "a scrape without a counter forgets the last one",
                vec![Some((0, Some(5))), Some((10, None)), Some((20, Some(25)))],
                None,
            ),
            (
                "a scrape without cpu forgets the last one",
                vec![Some((0, Some(5))), None, Some((20, Some(25)))],
                None,
            ),
        ] {
            let mut meter = CpuMeter::default();
            let mut usage = None;
            for scrape in scrapes {
                usage = meter.usage(scrape.map(|(second, cpu)| stats(second, cpu)).as_ref());
            }
            assert_eq!(usage, expected, "{rule}");
        }
    }
    proptest! {
        #[test]
        fn usage_is_never_negative_and_adds_up(gains in proptest::collection::vec(0_u64..1000, 1..20)) {
            let mut meter = CpuMeter::default();
            let (mut total, mut used) = (0, 0.0);
            meter.usage(Some(&stats(0, Some(0))));
            for (tick, gain) in gains.iter().enumerate() {
                total += gain;
                let second = 10 * (i64::try_from(tick).unwrap() + 1);
                let usage = meter.usage(Some(&stats(second, Some(total)))).unwrap();
                prop_assert!(usage >= 0.0);
                used += usage * 10.0;
            }
            prop_assert!((used - cpu_seconds(total * 1_000_000_000)).abs() < 1e-6);
        }
    }
}
