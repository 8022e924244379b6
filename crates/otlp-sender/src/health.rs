//! Counts what becomes of points, and tells when it goes wrong or right again.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::SendingStatus;

/// While something is wrong, it is not said more often than this.
const SILENCE: Duration = Duration::from_secs(60);

/// Counts what becomes of points, and says so when it goes wrong or right again.
pub(crate) struct Health {
    state: Mutex<State>,
    say: Say,
}

/// Who is told.
pub(crate) type Say = Box<dyn Fn(&SendingStatus) + Send + Sync>;

/// The moment, for how long something lasts and for what people read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) instant: Instant,
    pub(crate) time: Timestamp,
}

#[derive(Debug)]
struct State {
    status: SendingStatus,
    /// When a problem was last said.
    said: Option<Instant>,
    /// Whether the problem that was said last is still one, as far as people know.
    people_think_it_fails: bool,
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Health {
    /// Speaks through `say`.
    pub(crate) fn new(url: String, say: Say) -> Self {
        let status = SendingStatus { url, ..SendingStatus::default() };
        Self { state: Mutex::new(State { status, said: None, people_think_it_fails: false }), say }
    }

    /// How sending goes.
    pub(crate) fn status(&self) -> SendingStatus {
        self.lock().status.clone()
    }

    /// The backend took points.
    pub(crate) fn sent(&self, points: u64, at: Timestamp) {
        let mut state = self.lock();
        state.status.sent += points;
        state.status.last_success = Some(at);
        state.status.problem = None;
        if std::mem::take(&mut state.people_think_it_fails) {
            (self.say)(&state.status);
        }
    }

    /// The backend took points and rejected others of the same request for good, or took all and has a warning. Either is no
    /// recovery.
    pub(crate) fn taken_in_part(&self, taken: u64, rejected: u64, message: &str, now: Now) {
        let message = if message.is_empty() { "without saying why" } else { message };
        let reason = match rejected {
            0 => format!("it took all of a request, with a warning: {message}"),
            _ => format!("it rejected {rejected} of the {} points of a request: {message}", taken + rejected),
        };
        self.fails(&reason, now.instant, |status| {
            status.sent += taken;
            status.refused += rejected;
            if taken > 0 {
                status.last_success = Some(now.time);
            }
        });
    }

    /// The backend refused points for good.
    pub(crate) fn refused(&self, points: u64, reason: &str, now: Instant) {
        self.fails(reason, now, |status| status.refused += points);
    }

    /// Points could not be sent in time.
    pub(crate) fn dropped(&self, points: u64, reason: &str, now: Instant) {
        self.fails(reason, now, |status| status.dropped += points);
    }

    /// A request could not be delivered, or was refused.
    pub(crate) fn tried_in_vain(&self) {
        self.lock().status.failed_tries += 1;
    }

    /// The backend does not take points now; they wait.
    pub(crate) fn delayed(&self, reason: &str, now: Instant) {
        self.fails(reason, now, |_| ());
    }

    fn fails(&self, reason: &str, now: Instant, count: impl FnOnce(&mut SendingStatus)) {
        let mut state = self.lock();
        count(&mut state.status);
        state.status.problem = Some(reason.to_owned());
        if state.said.is_none_or(|said| now.duration_since(said) >= SILENCE) {
            state.said = Some(now);
            state.people_think_it_fails = true;
            (self.say)(&state.status);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// A health, and what it said.
    fn health() -> (Health, Arc<Mutex<Vec<String>>>) {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&lines);
        let say = move |status: &SendingStatus| heard.lock().unwrap().push(status.line());
        (Health::new("http://host/v1/metrics".to_owned(), Box::new(say)), lines)
    }

    #[test]
    fn a_problem_is_said_at_once_then_once_a_minute_and_its_end_too() {
        let (health, lines) = health();
        let begin = Instant::now();
        let after = |seconds: u64| begin + Duration::from_secs(seconds);
        health.sent(5, Timestamp::UNIX_EPOCH);
        health.delayed("connection refused", after(0));
        health.delayed("connection refused", after(30));
        health.dropped(7, "connection refused", after(59));
        health.delayed("timeout", after(61));
        health.sent(3, Timestamp::UNIX_EPOCH);
        health.sent(3, Timestamp::UNIX_EPOCH);
        let url = "http://host/v1/metrics";
        let expected = [
            format!("{url}: 5 points sent; problem: connection refused"),
            format!("{url}: 5 points sent, 7 dropped; problem: timeout"),
            format!("{url}: 8 points sent, 7 dropped"),
        ];
        assert_eq!(*lines.lock().unwrap(), expected);
        assert_eq!(health.status().sent, 11);
        assert_eq!(health.status().problem, None);
    }

    #[test]
    fn a_request_that_is_taken_in_part_is_no_recovery() {
        let (health, lines) = health();
        let begin = Instant::now();
        let after = |seconds: i64| Now {
            instant: begin + Duration::from_secs(seconds as u64),
            time: Timestamp::from_second(seconds).unwrap(),
        };
        for at in 0..3 {
            health.taken_in_part(8, 2, "too old", after(at * 15));
        }
        health.taken_in_part(9, 1, "", after(70));
        health.taken_in_part(10, 0, "use v2", after(140));
        health.sent(10, Timestamp::UNIX_EPOCH);
        let url = "http://host/v1/metrics";
        let expected = [
            format!(
                "{url}: 8 points sent, 2 refused; problem: it rejected 2 of the 10 points of a request: too old"
            ),
            format!(
                "{url}: 33 points sent, 7 refused; problem: it rejected 1 of the 10 points of a request: without \
                 saying why"
            ),
            format!(
                "{url}: 43 points sent, 7 refused; problem: it took all of a request, with a warning: use v2"
            ),
            format!("{url}: 53 points sent, 7 refused"),
        ];
        assert_eq!(*lines.lock().unwrap(), expected);
    }

    #[test]
    fn the_last_success_is_when_points_were_taken() {
        let (health, _) = health();
        let at = |second| Now { instant: Instant::now(), time: Timestamp::from_second(second).unwrap() };
        let last = || health.status().last_success.map(Timestamp::as_second);
        assert_eq!(last(), None);
        health.taken_in_part(0, 5, "too old", at(1));
        assert_eq!(last(), None);
        health.taken_in_part(1, 4, "too old", at(2));
        assert_eq!(last(), Some(2));
        health.sent(1, at(3).time);
        health.refused(1, "it answers 400", Instant::now());
        assert_eq!(last(), Some(3));
    }

    #[test]
    fn what_comes_and_goes_is_not_said_each_time() {
        let (health, lines) = health();
        for _ in 0..10 {
            health.refused(1, "it answers 400", Instant::now());
            health.sent(1, Timestamp::UNIX_EPOCH);
        }
        assert_eq!(lines.lock().unwrap().len(), 2, "{lines:?}");
        assert_eq!((health.status().refused, health.status().sent), (10, 10));
    }
}
