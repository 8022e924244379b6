//! Host metrics on their way to a backend.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use otlp_sender::OtlpSender;
use tracing::{error, info};

use super::host::{HostAgents, next_round};
use super::progress::{Kind, Progress};

/// Lets the agents measure every `interval` and hands to `sender` what they have, for ever; from when nodes and pods are
/// known on, as machines are as busy as their pods.
///
/// What a large cluster measures at once is more than may wait to be sent, so that measuring goes as fast as the backend
/// takes it; a backend that is slower than the interval costs the oldest points.
pub async fn send_host_metrics(
    agents: HostAgents,
    sender: OtlpSender,
    progress: &Progress,
    interval: SignedDuration,
) -> Infallible {
    let agents = Arc::new(Mutex::new(agents));
    let now = || agents.lock().unwrap_or_else(PoisonError::into_inner).now();
    let (mut last, mut has_begun) = (Timestamp::MIN, false);
    loop {
        let begin = now();
        let at = next_round(not_before(begin, last, interval), interval);
        tokio::time::sleep(Duration::try_from(at.duration_since(begin)).unwrap_or_default()).await;
        last = at;
        if ![Kind::Nodes, Kind::Pods].into_iter().all(|kind| progress.of(kind).listed) {
            continue;
        }
        if !std::mem::replace(&mut has_begun, true) {
            info!(url = sender.status().url, "host metrics: the first round");
        }
        let deadline = Instant::now() + Duration::try_from(interval).unwrap_or_default();
        let (agents, sender) = (Arc::clone(&agents), sender.clone());
        let round = tokio::task::spawn_blocking(move || {
            // An agent that panicked has lost its last CPU times, if anything.
            let mut agents = agents.lock().unwrap_or_else(PoisonError::into_inner);
            agents.measure(at, |part| sender.send_by(part, deadline));
        });
        if let Err(failure) = round.await {
            error!(%failure, "host metrics: a round failed");
        }
    }
}

/// The time to go on from. A sleep may end a little early, and no round comes twice; a clock that was set back is followed.
fn not_before(now: Timestamp, last: Timestamp, interval: SignedDuration) -> Timestamp {
    if last > now && last.duration_since(now) <= interval { last } else { now }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_round_comes_twice_and_a_clock_that_is_set_back_is_followed() {
        let time = |time: &str| format!("2026-03-14T{time}Z").parse::<Timestamp>().unwrap();
        for (now, last, next) in [
            ("12:00:14.999", "12:00:15", "12:00:30"),
            ("12:00:15.001", "12:00:15", "12:00:30"),
            ("12:07:31", "12:00:15", "12:07:45"),
            ("11:00:01", "12:00:15", "11:00:15"),
        ] {
            let interval = SignedDuration::from_secs(15);
            assert_eq!(
                next_round(not_before(time(now), time(last), interval), interval),
                time(next),
                "{now}"
            );
        }
    }
}
