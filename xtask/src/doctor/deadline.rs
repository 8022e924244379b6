//! Looking at something that may never answer.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// What a probe saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Observed<T> {
    /// This.
    Seen(T),
    /// It took longer than this.
    TimedOut(Duration),
    /// It broke down: a mistake in this program.
    Broke,
}

/// A probe that runs.
pub(crate) struct Pending<T> {
    started: Instant,
    deadline: Duration,
    answer: mpsc::Receiver<T>,
}

/// Starts a probe on a thread of its own. One that does not end in time is left behind; it ends with the process.
pub(crate) fn start<T: Send + 'static>(
    deadline: Duration,
    probe: impl FnOnce() -> T + Send + 'static,
) -> Pending<T> {
    let (sender, answer) = mpsc::channel();
    // Nobody may be waiting any more.
    thread::spawn(move || drop(sender.send(probe())));
    Pending { started: Instant::now(), deadline, answer }
}

impl<T> Pending<T> {
    /// Waits for the answer, or for the end of the probe's time, which began when it was started.
    pub(crate) fn wait(self) -> Observed<T> {
        let left = self.deadline.saturating_sub(self.started.elapsed());
        match self.answer.recv_timeout(left) {
            Ok(answer) => Observed::Seen(answer),
            Err(mpsc::RecvTimeoutError::Timeout) => Observed::TimedOut(self.deadline),
            Err(mpsc::RecvTimeoutError::Disconnected) => Observed::Broke,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_that_hangs_is_left_behind_after_its_own_deadline() {
        let started = Instant::now();
        let hanging = start(Duration::from_millis(100), || thread::sleep(Duration::from_secs(60)));
        let quick = start(Duration::from_secs(30), || 7);
        assert_eq!(hanging.wait(), Observed::TimedOut(Duration::from_millis(100)));
        assert_eq!(quick.wait(), Observed::Seen(7));
        assert!(started.elapsed() < Duration::from_secs(20), "the hanging probe was waited for");
    }

    #[test]
    fn probes_run_side_by_side_and_an_answer_that_came_in_time_counts_whenever_it_is_fetched() {
        let started = Instant::now();
        let probes: Vec<_> = (0..8)
            .map(|number| {
                start(Duration::from_secs(30), move || {
                    thread::sleep(Duration::from_millis(300));
                    number
                })
            })
            .collect();
        let seen: Vec<_> = probes.into_iter().map(Pending::wait).collect();
        assert_eq!(seen, (0..8).map(Observed::Seen).collect::<Vec<_>>());
        assert!(started.elapsed() < Duration::from_millis(300 * 8), "they ran one after the other");
        let early = start(Duration::from_millis(500), || 1);
        thread::sleep(Duration::from_millis(600));
        assert_eq!(early.wait(), Observed::Seen(1));
    }

    #[test]
    fn a_probe_that_breaks_down_is_told_from_one_that_hangs() {
        let broken = start(Duration::from_secs(30), || std::panic::resume_unwind(Box::new("broken")));
        let broken: Pending<()> = broken;
        assert_eq!(broken.wait(), Observed::Broke);
    }
}
