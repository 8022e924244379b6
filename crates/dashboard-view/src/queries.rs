//! The queries of all panels together: equal ones are asked once, several at the same time.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::metrics::{MetricsError, QueryAnswer, StepRange};
use crate::request::Source;

/// For when a query is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// For one instant.
    Instant {
        /// Milliseconds since 1970.
        at_ms: i64,
    },
    /// For the steps of a range.
    Range(StepRange),
}

/// An answer and how long it took.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    /// The answer.
    pub(crate) result: Result<QueryAnswer, MetricsError>,
    /// From asking to having it.
    pub(crate) duration: Duration,
}

/// Queries, each once.
#[derive(Debug, Default)]
pub(crate) struct Queries {
    list: Vec<(String, Asked)>,
    numbers: HashMap<(String, Asked), usize>,
}

impl Queries {
    /// Adds a query, unless it is there; gives its number.
    pub(crate) fn add(&mut self, query: &str, asked: Asked) -> usize {
        let key = (query.to_owned(), asked);
        *self.numbers.entry(key).or_insert_with_key(|key| {
            self.list.push(key.clone());
            self.list.len() - 1
        })
    }

    /// Asks them all; the answers have the numbers of their queries.
    pub(crate) fn run(self, source: &Source<'_>) -> Vec<Answered> {
        let workers = source.workers.get().min(self.list.len());
        let answers: Vec<Mutex<Option<Answered>>> = self.list.iter().map(|_| Mutex::default()).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(((query, asked), place)) = {
                let number = next.fetch_add(1, Ordering::Relaxed);
                self.list.get(number).zip(answers.get(number))
            } {
                let answered = ask(query, *asked, source);
                *place.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(answered);
            }
        };
        if workers <= 1 {
            work();
        } else {
            std::thread::scope(|scope| {
                for _ in 1..workers {
                    scope.spawn(work);
                }
                work();
            });
        }
        let answered = |place: Mutex<Option<Answered>>| {
            place
                .into_inner()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .expect("the workers end when every query has been answered")
        };
        answers.into_iter().map(answered).collect()
    }
}

fn ask(query: &str, asked: Asked, source: &Source<'_>) -> Answered {
    let before = (source.elapsed)();
    let result = match asked {
        Asked::Instant { at_ms } => source.metrics.instant(query, at_ms, source.interrupt),
        Asked::Range(range) => source.metrics.range(query, range, source.interrupt),
    };
    Answered { result, duration: (source.elapsed)().saturating_sub(before) }
}
