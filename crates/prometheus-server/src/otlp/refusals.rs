//! Why requests were refused: for their senders, and counted for whoever runs the server.

use std::sync::{Mutex, PoisonError};

use prost::DecodeError;
use tsdb::AppendError;

/// A request may have a million mistakes; its sender reads no more than this many different ones.
const MOST_LINES: usize = 50;

/// Why a request was refused; nothing of it was stored. Where Prometheus has words for it, these are they.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OtlpRefusal {
    /// The bytes are no request.
    #[error(transparent)]
    Bytes(#[from] DecodeError),
    /// The bytes are few, but what they stand for does not fit into the memory that a request may take.
    #[error(transparent)]
    TooLarge(#[from] otlp::TooLarge),
    /// Samples that do not go together with those in the store. A client must not send them again.
    #[error("{0}")]
    Samples(String),
    /// Metrics that cannot be taken. For these Prometheus says that it is its own fault.
    #[error("{0}")]
    Metrics(String),
}

/// The refusals of one request. The same reason for many metrics or resources is one line with a count.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    lines: Vec<(String, usize)>,
    /// How many had a line of their own and found no place for it.
    further: usize,
    /// Whether any of them was about samples, which decides about the whole.
    samples: bool,
}

impl Refusals {
    pub(super) fn add(&mut self, refusal: &OtlpRefusal) {
        self.samples |= matches!(refusal, OtlpRefusal::Samples(_));
        let text = refusal.to_string();
        match self.lines.iter().position(|(line, _)| *line == text) {
            Some(at) => self.lines[at].1 += 1,
            None if self.lines.len() < MOST_LINES => self.lines.push((text, 1)),
            None => self.further += 1,
        }
    }

    /// What the sender is told, if anything was refused.
    pub(super) fn outcome(self) -> Result<(), OtlpRefusal> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let line = |(text, count): (String, usize)| match count {
            1 => text,
            count => format!("{text} ({count} times)"),
        };
        let mut lines: Vec<String> = self.lines.into_iter().map(line).collect();
        if self.further > 0 {
            lines.push(format!("and {} further refusals", self.further));
        }
        let text = lines.join("\n");
        Err(if self.samples { OtlpRefusal::Samples(text) } else { OtlpRefusal::Metrics(text) })
    }
}

/// What Prometheus says about a sample that its store refuses.
pub(super) fn said_by_prometheus(error: AppendError) -> String {
    match error {
        AppendError::TooOld { .. } => "too old sample".to_owned(),
        AppendError::DuplicateSample { stored, refused, .. } => format!(
            "duplicate sample for timestamp; overrides not allowed: existing {stored}, new value {refused}"
        ),
        AppendError::UnknownSeries => error.to_string(),
    }
}

/// The requests that were refused since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefusedRequests {
    /// How many.
    pub count: u64,
    /// What the latest sender was told. It may repeat what that one had sent: nothing to show as it is.
    pub latest_reason: Option<String>,
}

/// Counts refused requests.
#[derive(Debug, Default)]
pub(super) struct RefusalCounter(Mutex<RefusedRequests>);

impl RefusalCounter {
    pub(super) fn note(&self, reason: String) {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        refused.count += 1;
        refused.latest_reason = Some(reason);
    }

    pub(super) fn so_far(&self) -> RefusedRequests {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(refusals: impl IntoIterator<Item = OtlpRefusal>) -> Result<(), OtlpRefusal> {
        let mut all = Refusals::default();
        refusals.into_iter().for_each(|refusal| all.add(&refusal));
        all.outcome()
    }

    #[test]
    fn one_reason_is_one_line_however_often_it_holds() {
        let metrics = |text: &str| OtlpRefusal::Metrics(text.to_owned());
        assert_eq!(told([]), Ok(()));
        assert_eq!(
            told([metrics("a"), metrics("b"), metrics("a"), metrics("a")]),
            Err(metrics("a (3 times)\nb"))
        );
    }

    #[test]
    fn refused_samples_decide_about_the_whole() {
        let (metrics, samples) = (OtlpRefusal::Metrics("m".to_owned()), OtlpRefusal::Samples("s".to_owned()));
        assert_eq!(told([metrics, samples]), Err(OtlpRefusal::Samples("m\ns".to_owned())));
    }

    #[test]
    fn no_request_gets_a_book_for_an_answer() {
        let many = (0..60).map(|number| OtlpRefusal::Metrics(format!("mistake {number}")));
        let text = told(many).unwrap_err().to_string();
        assert_eq!(text.lines().count(), MOST_LINES + 1);
        assert!(text.ends_with("\nand 10 further refusals"), "{text}");
    }
}
