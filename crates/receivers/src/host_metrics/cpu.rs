//! The scraper `cpu`.

use catalogue::host_metrics as metrics;
use jiff::Timestamp;
use kubelet_stats::host::{CpuTimes, HostStats};

use super::record::Recorder;

/// Remembers the CPU times of the last scrape.
#[derive(Debug, Default)]
pub(super) struct CpuMeter {
    last: Option<(Timestamp, CpuTimes)>,
}

impl CpuMeter {
    /// The times of a machine that booted at `booted`, and each state's share since the last scrape: none at the first.
    ///
    /// Where simulated pods use more CPU than their node has, idle time would fall, and a reader would take that for a
    /// reboot: it stands still instead.
    fn advance(&mut self, booted: Timestamp, mut times: CpuTimes) -> (CpuTimes, Option<States>) {
        let last = self.last.filter(|(boot, _)| *boot == booted).map(|(_, times)| times);
        times.idle = times.idle.max(last.map_or(0.0, |last| last.idle));
        self.last = Some((booted, times));
        let shares = last.and_then(|last| {
            let (now, before) = (states(&times), states(&last));
            let grown: States =
                std::array::from_fn(|state| (now[state].0, (now[state].1 - before[state].1).max(0.0)));
            let all: f64 = grown.iter().map(|(_, seconds)| seconds).sum();
            (all > 0.0).then(|| grown.map(|(state, seconds)| (state, seconds / all)))
        });
        (times, shares)
    }
}

type States = [(&'static str, f64); 8];

fn states(times: &CpuTimes) -> States {
    [
        ("user", times.user),
        ("system", times.system),
        ("idle", times.idle),
        ("interrupt", times.interrupt),
        ("nice", times.nice),
        ("softirq", times.softirq),
        ("steal", times.steal),
        ("wait", times.wait),
    ]
}

pub(super) fn scrape(stats: &HostStats, meter: &mut CpuMeter, recorder: &mut Recorder<'_>) {
    let (times, shares) = meter.advance(stats.booted, stats.cpu_times);
    for (state, seconds) in states(&times) {
        recorder.double(&metrics::CPU_TIME, &[("state", state)], seconds);
    }
    for (state, share) in shares.into_iter().flatten() {
        recorder.double(&metrics::CPU_UTILIZATION, &[("state", state)], share);
    }
    recorder.int(&metrics::CPU_LOGICAL_COUNT, &[], stats.cpus.logical);
    recorder.int(&metrics::CPU_PHYSICAL_COUNT, &[], stats.cpus.physical);
    if recorder.is_on(&metrics::CPU_FREQUENCY) {
        for cpu in 0..stats.cpus.logical {
            recorder.double(&metrics::CPU_FREQUENCY, &[("cpu", &format!("cpu{cpu}"))], stats.cpus.frequency);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(user: f64, idle: f64) -> CpuTimes {
        CpuTimes { user, idle, ..CpuTimes::default() }
    }

    #[test]
    fn shares_are_of_the_time_between_two_scrapes_and_start_anew_after_a_boot() {
        let (mut meter, boot) = (CpuMeter::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(meter.advance(boot, times(10.0, 90.0)).1, None);
        let shares = meter.advance(boot, times(11.0, 93.0)).1.expect("a second scrape");
        assert_eq!((shares[0], shares[2]), (("user", 0.25), ("idle", 0.75)));
        assert_eq!(meter.advance(boot, times(11.0, 93.0)).1, None);
        let (later, shares) = meter.advance(Timestamp::MAX, times(1.0, 2.0));
        assert_eq!((later.idle, shares), (2.0, None));
    }

    #[test]
    fn idle_time_stands_still_where_pods_use_more_than_there_is() {
        let (mut meter, boot) = (CpuMeter::default(), Timestamp::UNIX_EPOCH);
        let idle: Vec<f64> =
            [50.0, 60.0, 55.0, 59.0, 61.0].map(|idle| meter.advance(boot, times(0.0, idle)).0.idle).into();
        assert_eq!(idle, [50.0, 60.0, 60.0, 60.0, 61.0]);
    }
}
