//! What a query may cost: samples in memory and time.

use std::cell::Cell;
use std::rc::Rc;

use crate::ast::Span;
use crate::engine::{EngineOptions, Interrupt, QueryError, Stop};

/// How much work may pass between two questions to the caller whether to go on, in samples.
const WORK_BETWEEN_QUESTIONS: usize = 16_384;

/// What text is counted in.
const SAMPLE_BYTES: usize = size_of::<f64>();

/// Counts the samples that a query holds and reads, and asks now and then whether to go on.
pub(super) struct Limits<'a> {
    max_samples: u64,
    max_series: usize,
    interrupt: Interrupt<'a>,
    query: Span,
    held: Rc<Cell<u64>>,
    /// Bytes of text that do not make a whole sample yet.
    text: Cell<usize>,
    read: Cell<u64>,
    work: Cell<usize>,
    stopped: Cell<Option<Stop>>,
}

impl<'a> Limits<'a> {
    /// Limits of a query that spans `query` in its text.
    pub(super) fn new(options: &EngineOptions, interrupt: Interrupt<'a>, query: Span) -> Self {
        Self {
            max_samples: options.max_samples,
            max_series: options.max_series,
            interrupt,
            query,
            held: Rc::default(),
            text: Cell::new(0),
            read: Cell::new(0),
            work: Cell::new(0),
            stopped: Cell::new(None),
        }
    }

    /// Notes `samples` units of work, and asks the caller whether to go on when enough has come together.
    pub(super) fn work(&self, samples: usize) -> Result<(), QueryError> {
        let work = self.work.get().saturating_add(samples.max(1));
        if work < WORK_BETWEEN_QUESTIONS {
            self.work.set(work);
            return Ok(());
        }
        self.ask()
    }

    /// Asks the caller whether to go on.
    pub(super) fn ask(&self) -> Result<(), QueryError> {
        self.work.set(0);
        if self.stopped.get().is_none() {
            self.stopped.set((self.interrupt)());
        }
        self.go_on()
    }

    /// Notes text that was made for labels. Labels are shared by all values that have them, so that nobody knows when the
    /// last of them goes: the text counts until the query ends.
    pub(super) fn made_text(&self, bytes: usize) -> Result<(), QueryError> {
        let bytes_so_far = self.text.get() + bytes;
        self.text.set(bytes_so_far % SAMPLE_BYTES);
        let samples = bytes_so_far / SAMPLE_BYTES;
        let mut held = self.holding();
        held.add(samples)?;
        held.keep();
        self.work(samples)
    }

    /// Whether the search for series should end, as storages ask it.
    pub(super) fn give_up(&self) -> bool {
        self.ask().is_err()
    }

    /// Repeats the last answer: for loops that gave up in the middle and could not say why.
    pub(super) fn go_on(&self) -> Result<(), QueryError> {
        match self.stopped.get() {
            None => Ok(()),
            Some(Stop::Timeout) => Err(QueryError::Timeout),
            Some(Stop::Canceled) => Err(QueryError::Canceled),
        }
    }

    /// Notes that samples were read from the storage.
    pub(super) fn read(&self, samples: usize) -> Result<(), QueryError> {
        self.read.set(self.read.get() + samples as u64);
        self.work(samples)
    }

    /// Refuses the series that a selector has found, if these are too many.
    pub(super) fn check_series(&self, series: usize) -> Result<(), QueryError> {
        if series > self.max_series {
            let limit = self.max_series;
            return Err(QueryError::Execution {
                message: format!("query processing would select more than {limit} series with one selector"),
                span: self.query,
            });
        }
        Ok(())
    }

    /// How many samples were read so far.
    pub(super) fn samples_read(&self) -> u64 {
        self.read.get()
    }

    /// A place to count the samples of one value; they count for as long as it lives.
    pub(super) fn holding(&self) -> Held {
        Held { total: Rc::clone(&self.held), max: self.max_samples, query: self.query, amount: 0 }
    }

    /// Refuses a number of steps or samples that could never be held, before anything is allocated for it.
    pub(super) fn check(&self, samples: usize) -> Result<(), QueryError> {
        self.holding().add(samples)
    }
}

/// The samples of one intermediate value.
pub(super) struct Held {
    total: Rc<Cell<u64>>,
    max: u64,
    query: Span,
    amount: u64,
}

impl Held {
    /// Adds samples, or says that they are too many.
    pub(super) fn add(&mut self, samples: usize) -> Result<(), QueryError> {
        let total = self.total.get().saturating_add(samples as u64);
        if total > self.max {
            return Err(QueryError::Execution {
                message: "query processing would load too many samples into memory in query execution".into(),
                span: self.query,
            });
        }
        self.total.set(total);
        self.amount += samples as u64;
        Ok(())
    }

    /// Lets the samples count until the query ends.
    fn keep(&mut self) {
        self.amount = 0;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.total.set(self.total.get() - self.amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(max_samples: u64, interrupt: Interrupt<'_>) -> Limits<'_> {
        let options = EngineOptions { max_samples, ..EngineOptions::default() };
        Limits::new(&options, interrupt, Span::default())
    }

    #[test]
    fn samples_count_only_while_they_are_held() {
        let limits = limits(10, &|| None);
        let mut first = limits.holding();
        first.add(6).unwrap();
        assert!(limits.holding().add(5).is_err());
        drop(first);
        limits.holding().add(10).unwrap();
        assert!(limits.check(11).is_err());
    }

    #[test]
    fn text_counts_in_samples_until_the_query_ends() {
        let limits = limits(10, &|| None);
        for _ in 0..20 {
            limits.made_text(4).unwrap();
        }
        assert!(limits.made_text(8).is_err());
    }

    #[test]
    fn the_caller_is_asked_after_enough_work() {
        let asked = Cell::new(0);
        let interrupt = || {
            asked.set(asked.get() + 1);
            (asked.get() > 1).then_some(Stop::Timeout)
        };
        let limits = limits(10, &interrupt);
        limits.work(WORK_BETWEEN_QUESTIONS - 1).unwrap();
        assert_eq!(asked.get(), 0);
        limits.work(1).unwrap();
        assert_eq!(asked.get(), 1);
        assert!(matches!(limits.read(WORK_BETWEEN_QUESTIONS), Err(QueryError::Timeout)));
    }
}
