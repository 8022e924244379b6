//! What a fleet will cost, told before anything starts.

use std::path::Path;

use jiff::SignedDuration;

use crate::environment::EmbeddedOptions;
use crate::ui::Usage;

// Measured on fleets of 50/200 to 1,000/10,000 nodes and pods of `deploy/kwok`, with `deploy/collector`'s metrics.
/// Series of a node: its kubelet's, its machine's and the API server's.
const SERIES_OF_NODE: u64 = 106;
/// Series of a pod with its containers, volumes and its share of the workloads.
const SERIES_OF_POD: f64 = 55.5;
/// In six hours pods are replaced: so much more series than at one instant.
const CHURN_PER_HOUR: f64 = 0.12;
/// Bytes of a series in all: its objects, the receivers' memory of it, the store's index and its uncompressed end.
const BYTES_OF_SERIES: f64 = 800.0;
/// How many of them are the store's.
const STORE_BYTES_OF_SERIES: f64 = 500.0;
/// Bytes of a compressed sample.
const BYTES_OF_SAMPLE: f64 = 1.2;
/// The store forgets its oldest samples when all of them take more than this: half of the default retention of 1,000 nodes
/// and 10,000 pods.
const MOST_BYTES_OF_SAMPLES: f64 = 600e6;
/// The program itself.
const BYTES_OF_PROGRAM: f64 = 15e6;

/// More samples than this take longer than a person waits; then history is made in larger steps.
const MOST_HISTORY_SAMPLES: f64 = 33e6;
/// The steps of history are no longer than this, so that `rate(x[5m])` has its two samples.
const LONGEST_STEP: SignedDuration = SignedDuration::from_mins(2);
/// Beyond so many series the estimate is told.
const WORTH_TELLING: u64 = 150_000;

/// What is to be expected of an environment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    /// Series at one instant.
    pub(crate) series: u64,
    /// Bytes of memory with the retention full.
    pub(crate) bytes: u64,
    /// The store's share of it: it forgets its oldest samples rather than take more.
    pub(crate) store_bytes: u64,
    /// The time between two scrapes of the history.
    pub(crate) history_step: SignedDuration,
}

impl Estimate {
    /// For a store that keeps `kept`, of which `history` is there from the beginning.
    pub(crate) fn of(options: &EmbeddedOptions, history: SignedDuration, kept: SignedDuration) -> Self {
        let clusters = options.clusters as f64;
        let series =
            clusters * (SERIES_OF_NODE as f64 * options.nodes as f64 + SERIES_OF_POD * options.pods as f64);
        let step = history_step(series, options.interval, history);
        let samples = series * kept.as_secs_f64() / options.interval.as_secs_f64().max(1.0);
        let sample_bytes = (samples * BYTES_OF_SAMPLE).min(MOST_BYTES_OF_SAMPLES);
        let all_series = series * (1.0 + CHURN_PER_HOUR * kept.as_secs_f64() / 3_600.0);
        Self {
            series: series as u64,
            bytes: (BYTES_OF_PROGRAM + all_series * BYTES_OF_SERIES + sample_bytes) as u64,
            // Some room, so that small fleets never come near it.
            store_bytes: (all_series * STORE_BYTES_OF_SERIES + MOST_BYTES_OF_SAMPLES) as u64,
            history_step: step,
        }
    }

    /// Refuses what does not fit into `free` bytes.
    ///
    /// # Errors
    /// [`Usage`], with what would fit.
    pub(crate) fn check(&self, free: Option<u64>) -> Result<(), Usage> {
        match free {
            Some(free) if self.bytes > free => Err(Usage(format!(
                "--nodes, --pods, --clusters: this would be about {} series and take {} of memory, but {} are free; ask for fewer, \
                 or for a longer --interval",
                grouped(self.series),
                gigabytes(self.bytes),
                gigabytes(free),
            ))),
            _ => Ok(()),
        }
    }

    /// One line about an environment that is large, or whose history is coarser than its interval; else `None`.
    pub(crate) fn told(&self, interval: SignedDuration) -> Option<String> {
        let coarse = self.history_step > interval;
        (coarse || self.series > WORTH_TELLING).then(|| {
            let steps = if coarse {
                format!(
                    "; history in steps of {} s, not {} s",
                    self.history_step.as_secs(),
                    interval.as_secs()
                )
            } else {
                String::new()
            };
            format!(
                "estimate: about {} series at a time, up to {} of memory{steps}",
                grouped(self.series),
                gigabytes(self.bytes)
            )
        })
    }
}

/// The interval, or so many of them that the history is made soon.
fn history_step(series: f64, interval: SignedDuration, history: SignedDuration) -> SignedDuration {
    let interval = interval.as_secs().max(1);
    let samples = series * history.as_secs_f64() / interval as f64;
    let wanted = (samples / MOST_HISTORY_SAMPLES).ceil() as i64;
    let most = (LONGEST_STEP.as_secs() / interval).max(1);
    SignedDuration::from_secs(interval * wanted.clamp(1, most))
}

/// Bytes of memory that are free, where the system tells: of the machine, and of the group of processes that this one is
/// in.
pub(crate) fn free_memory() -> Option<u64> {
    let of_machine = machine_memory()?;
    Some(of_machine.min(group_memory(Path::new("/sys/fs/cgroup")).unwrap_or(u64::MAX)))
}

#[cfg(target_os = "linux")]
fn machine_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// macOS gives no simple number of what is free: two thirds of all there is.
#[cfg(target_os = "macos")]
fn machine_memory() -> Option<u64> {
    let output = std::process::Command::new("/usr/sbin/sysctl").args(["-n", "hw.memsize"]).output().ok()?;
    let all: u64 = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
    Some(all / 3 * 2)
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn machine_memory() -> Option<u64> {
    None
}

/// What a container may still take.
fn group_memory(group: &Path) -> Option<u64> {
    let number =
        |file: &str| -> Option<u64> { std::fs::read_to_string(group.join(file)).ok()?.trim().parse().ok() };
    // What files fill is given back when it is needed.
    let files = std::fs::read_to_string(group.join("memory.stat")).ok().and_then(|text| {
        text.lines().find_map(|line| line.strip_prefix("inactive_file ")?.trim().parse::<u64>().ok())
    });
    let taken = number("memory.current")?.saturating_sub(files.unwrap_or_default());
    Some(number("memory.max")?.saturating_sub(taken))
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    fn estimate(nodes: usize, pods: usize) -> Estimate {
        let options = EmbeddedOptions { nodes, pods, ..EmbeddedOptions::default() };
        Estimate::of(&options, SignedDuration::from_mins(65), HOUR * 6)
    }

    #[test]
    fn the_default_fleet_fits_anywhere_and_is_not_worth_a_word() {
        let default = estimate(50, 200);
        assert!((15_000..18_000).contains(&default.series), "{default:?}");
        assert!(default.bytes < 150_000_000, "{default:?}");
        assert_eq!(default.history_step, SignedDuration::from_secs(15));
        assert_eq!(default.told(SignedDuration::from_secs(15)), None);
        assert!(default.check(Some(200_000_000)).is_ok());
    }

    #[test]
    fn a_large_fleet_gets_its_history_in_larger_steps_and_says_so() {
        let large = estimate(1_000, 10_000);
        assert_eq!(large.history_step, SignedDuration::from_secs(90));
        let told = large.told(SignedDuration::from_secs(15)).unwrap();
        assert!(told.starts_with("estimate: about 661,000 series at a time, up to "), "{told}");
        assert!(told.ends_with("history in steps of 90 s, not 15 s"), "{told}");
    }

    #[test]
    fn what_does_not_fit_is_refused_with_both_numbers() {
        let huge = estimate(5_000, 150_000);
        let refused = huge.check(Some(4_000_000_000)).unwrap_err().0;
        assert!(refused.contains("8,855,000 series"), "{refused}");
        assert!(refused.contains("4.0 GB are free"), "{refused}");
        // Where the system does not tell, nothing is refused.
        assert!(huge.check(None).is_ok());
    }

    #[test]
    fn the_steps_of_history_are_whole_intervals_and_never_too_long_for_a_rate() {
        for (series, interval, step) in [
            (1e4, 15, 15),
            (7e5, 15, 90),
            (9e6, 15, 120),
            (9e6, 60, 120),
            (9e6, 100, 100),
            (1e4, 300, 300),
            (9e6, 300, 300),
        ] {
            let found = history_step(series, SignedDuration::from_secs(interval), HOUR);
            assert_eq!(found, SignedDuration::from_secs(step), "{series} series every {interval} s");
        }
    }

    #[test]
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    fn the_system_tells_how_much_memory_is_free() {
        assert!(free_memory().unwrap() > 10_000_000);
    }
}
