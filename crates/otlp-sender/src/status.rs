//! What can be known about how sending goes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How sending goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendingStatus {
    /// Where points are sent.
    pub url: String,
    /// Points that the backend took.
    pub sent: u64,
    /// Points that it refused.
    pub refused: u64,
    /// Points that it could not be given in time.
    pub dropped: u64,
    /// Points that wait to be sent.
    pub waiting: usize,
    /// What is wrong, if anything is.
    pub problem: Option<String>,
    /// Requests that failed, each time that they were tried.
    #[serde(default)]
    pub failed_tries: u64,
    /// When the backend took points last.
    #[serde(default)]
    pub last_success: Option<Timestamp>,
}

impl SendingStatus {
    /// The status in one line.
    pub fn line(&self) -> String {
        let mut line = format!("{}: {} points sent", self.url, self.sent);
        for (count, what) in
            [(self.refused, "refused"), (self.dropped, "dropped"), (self.waiting as u64, "waiting")]
        {
            if count > 0 {
                line.push_str(&format!(", {count} {what}"));
            }
        }
        if let Some(problem) = &self.problem {
            line.push_str(&format!("; problem: {problem}"));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_what_there_is() {
        let url = "http://host/v1/metrics".to_owned();
        let good = SendingStatus { url, sent: 5, ..SendingStatus::default() };
        assert_eq!(good.line(), "http://host/v1/metrics: 5 points sent");
        let problem = Some("it answers 503".to_owned());
        let bad = SendingStatus { refused: 1, dropped: 2, waiting: 3, problem, ..good };
        assert_eq!(
            bad.line(),
            "http://host/v1/metrics: 5 points sent, 1 refused, 2 dropped, 3 waiting; problem: it answers 503"
        );
    }
}
