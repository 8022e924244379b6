//! Scrapes that wait to be sent.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use otlp::Scrape;

/// Scrapes, oldest first. Adding one never waits: where there is no room, the oldest are dropped.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    most_points: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    points: usize,
    /// All points that ever came.
    came: u64,
    closed: bool,
}

/// A scrape that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) scrape: Scrape,
    /// When it came.
    pub(crate) since: Instant,
}

impl Queue {
    /// A queue for scrapes of so many points together; a larger scrape has it for itself.
    pub(crate) fn new(most_points: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), most_points }
    }

    /// Adds a scrape; returns how many points were dropped for it. A closed queue takes no more.
    pub(crate) fn push(&self, scrape: Scrape, now: Instant) -> usize {
        let mut state = self.lock();
        if state.closed {
            return 0;
        }
        let mut dropped = 0;
        while !state.waiting.is_empty() && state.points + scrape.len() > self.most_points {
            dropped += state.pop().map_or(0, |oldest| oldest.scrape.len());
        }
        state.points += scrape.len();
        state.came += scrape.len() as u64;
        state.waiting.push_back(Waiting { scrape, since: now });
        self.changed.notify_all();
        dropped
    }

    /// Adds a scrape as soon as there is room for it, and at the deadline in any case, as [`Self::push`] does.
    pub(crate) fn push_by(&self, scrape: Scrape, deadline: Instant) -> usize {
        let full = |state: &mut State| {
            !state.closed && !state.waiting.is_empty() && state.points + scrape.len() > self.most_points
        };
        let time = deadline.saturating_duration_since(Instant::now());
        // Between this and the pushing there may be others: the bound holds all the same.
        drop(self.changed.wait_timeout_while(self.lock(), time, full));
        self.push(scrape, Instant::now())
    }

    /// Waits for a scrape. `None` when no more will come.
    pub(crate) fn take(&self) -> Option<Waiting> {
        let state = self.lock();
        let empty = |state: &mut State| state.waiting.is_empty() && !state.closed;
        let mut state = self.changed.wait_while(state, empty).unwrap_or_else(PoisonError::into_inner);
        self.changed.notify_all();
        state.pop()
    }

    /// How many points wait.
    pub(crate) fn points(&self) -> usize {
        self.lock().points
    }

    /// How many points ever came.
    pub(crate) fn came(&self) -> u64 {
        self.lock().came
    }

    /// Whether it is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// No more scrapes will come, and nobody waits for the answers any more.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Waits so long; less, and with `true`, when the queue is closed.
    pub(crate) fn closed_within(&self, time: Duration) -> bool {
        let state = self.lock();
        let open = |state: &mut State| !state.closed;
        let waited = self.changed.wait_timeout_while(state, time, open);
        waited.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pop(&mut self) -> Option<Waiting> {
        let oldest = self.waiting.pop_front()?;
        self.points -= oldest.scrape.len();
        Some(oldest)
    }
}

#[cfg(test)]
mod tests {
    use catalogue::{Number, Point, Resource, Sink};
    use otlp::OtlpSink;

    use super::*;

    fn scrape(points: usize) -> Scrape {
        let mut sink = OtlpSink::new();
        for _ in 0..points {
            let point = Point { start_ns: None, time_ns: 0, value: Number::Int(0) };
            sink.record(&Resource::new([("a", "b")]), catalogue::all().next().unwrap(), &[], point);
        }
        sink.take()
    }

    #[test]
    fn the_oldest_are_dropped_where_there_is_no_room() {
        let queue = Queue::new(10);
        let dropped = [4, 5, 2, 8, 20, 1].map(|points| queue.push(scrape(points), Instant::now()));
        assert_eq!(dropped, [0, 0, 4, 5, 10, 20]);
        assert_eq!(queue.points(), 1);
        queue.close();
        let left = std::iter::from_fn(|| queue.take()).map(|waiting| waiting.scrape.len());
        assert_eq!(left.collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn whoever_wants_to_wait_for_room_waits_until_there_is_some_or_the_time_is_up() {
        let queue = Queue::new(10);
        let soon = || Instant::now() + Duration::from_millis(20);
        let late = || Instant::now() + Duration::from_secs(60);
        assert_eq!([queue.push_by(scrape(6), late()), queue.push_by(scrape(4), late())], [0, 0]);
        assert_eq!(queue.push_by(scrape(1), soon()), 6, "nobody takes anything");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.push_by(scrape(8), late()));
            assert_eq!([queue.take(), queue.take()].map(|taken| taken.unwrap().scrape.len()), [4, 1]);
            assert_eq!(waiting.join().unwrap(), 0);
            let waiting = scope.spawn(|| queue.push_by(scrape(8), late()));
            queue.close();
            assert_eq!(waiting.join().unwrap(), 0, "closed");
        });
        assert_eq!(queue.points(), 8);
    }

    #[test]
    fn whoever_waits_is_told_that_nothing_comes_any_more() {
        let queue = Queue::new(10);
        assert!(!queue.closed_within(Duration::ZERO));
        std::thread::scope(|scope| {
            let taking = scope.spawn(|| queue.take().is_none());
            let sleeping = scope.spawn(|| queue.closed_within(Duration::from_secs(60)));
            queue.close();
            assert!(taking.join().unwrap() && sleeping.join().unwrap());
        });
    }
}
