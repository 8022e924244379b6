//! What a backend's answer means for the request.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use otlp::message::{ExportResponse, Status};
use prost::Message;

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It was taken.
    Taken,
    /// It was taken but for some points, which must not be sent again.
    TakenInPart {
        /// How many points were refused.
        rejected: u64,
        /// Why.
        reason: String,
    },
    /// It will never be taken.
    Refused {
        /// Why.
        reason: String,
    },
    /// It may be taken later.
    Later {
        /// Why not now.
        reason: String,
        /// How long to wait, if the backend says so.
        after: Option<Duration>,
    },
}

/// What the backend answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    /// The status code.
    pub(crate) status: u16,
    /// The header `Content-Type`.
    pub(crate) content_type: &'a str,
    /// The header `Retry-After`.
    pub(crate) retry_after: Option<&'a str>,
    /// The body.
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    /// By the rules of OTLP/HTTP: four status codes are worth another try, others are not.
    pub(crate) fn verdict(&self, now: Timestamp) -> Verdict {
        match self.status {
            200..300 => self.taken(),
            429 | 502 | 503 | 504 => {
                let after = self.retry_after.and_then(|text| retry_after(text, now));
                Verdict::Later { reason: self.reason(), after }
            }
            _ => Verdict::Refused { reason: self.reason() },
        }
    }

    fn taken(&self) -> Verdict {
        let response = self.is_protobuf().then(|| ExportResponse::decode(self.body));
        let Some(partial) = response.and_then(|r| r.ok()?.partial_success) else { return Verdict::Taken };
        if partial.rejected_data_points <= 0 && partial.error_message.is_empty() {
            return Verdict::Taken;
        }
        let rejected = u64::try_from(partial.rejected_data_points).unwrap_or(0);
        Verdict::TakenInPart { rejected, reason: one_line(&partial.error_message) }
    }

    fn reason(&self) -> String {
        let status = self.is_protobuf().then(|| Status::decode(self.body));
        let text = match status {
            Some(Ok(status)) => status.message,
            _ => String::from_utf8_lossy(self.body).into_owned(),
        };
        let text = one_line(&text);
        let separator = if text.is_empty() { "" } else { ": " };
        format!("it answers {}{separator}{text}", self.status)
    }

    fn is_protobuf(&self) -> bool {
        self.content_type.contains("protobuf")
    }
}

/// A backend that wants a longer pause gets this one: points are too old by then anyway.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// Seconds, or a date.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds).min(LONGEST_PAUSE));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default().min(LONGEST_PAUSE))
}

/// What others wrote, for people: the first line that says anything, of bearable length and without what would upset a
/// terminal.
pub fn one_line(text: &str) -> String {
    const LONGEST: usize = 200;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let mut shown: String = line.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    if line.chars().count() > LONGEST {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use otlp::message::PartialSuccess;

    use super::*;

    const PROTOBUF: &str = "application/x-protobuf";

    fn verdict(status: u16, content_type: &str, retry_after: Option<&str>, body: &[u8]) -> Verdict {
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        Answer { status, content_type, retry_after, body }.verdict(now)
    }

    fn partial(rejected_data_points: i64, error_message: &str) -> Vec<u8> {
        let partial = PartialSuccess { rejected_data_points, error_message: error_message.to_owned() };
        ExportResponse { partial_success: Some(partial) }.encode_to_vec()
    }

    #[test]
    fn a_pause_that_a_backend_asks_for_has_a_bound() {
        for (text, seconds) in
            [("7", 7), ("18446744073709551615", 86_400), ("Fri, 01 Jan 2100 00:00:00 GMT", 86_400)]
        {
            let Verdict::Later { after, .. } = verdict(503, "", Some(text), b"") else { panic!("{text}") };
            assert_eq!(after, Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn a_request_may_be_taken_in_part() {
        let in_part = |rejected, reason: &str| Verdict::TakenInPart { rejected, reason: reason.to_owned() };
        for (content_type, body, expected) in [
            ("", vec![], Verdict::Taken),
            (PROTOBUF, vec![], Verdict::Taken),
            (PROTOBUF, partial(0, ""), Verdict::Taken),
            (PROTOBUF, partial(3, "too old\nreally"), in_part(3, "too old")),
            (PROTOBUF, partial(0, "use v2"), in_part(0, "use v2")),
            (PROTOBUF, b"\xff\xff".to_vec(), Verdict::Taken),
            ("text/plain", b"ok".to_vec(), Verdict::Taken),
        ] {
            assert_eq!(verdict(200, content_type, None, &body), expected);
        }
        assert_eq!(verdict(202, "", None, b""), Verdict::Taken);
    }

    #[test]
    fn four_status_codes_are_worth_another_try() {
        let later =
            |status: u16| matches!(verdict(status, "", None, b""), Verdict::Later { after: None, .. });
        let refused = |status: u16| matches!(verdict(status, "", None, b""), Verdict::Refused { .. });
        assert!([429, 502, 503, 504].into_iter().all(later));
        assert!([301, 400, 401, 403, 404, 408, 413, 415, 500, 501, 505].into_iter().all(refused));
    }

    #[test]
    fn the_backend_says_when_to_come_again() {
        for (text, seconds) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("Mon, 23 Nov 2026 12:00:30 GMT", Some(30)),
            ("Mon, 23 Nov 2026 11:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            let Verdict::Later { after, .. } = verdict(503, "", Some(text), b"") else { panic!("{text}") };
            assert_eq!(after, seconds.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn the_reason_is_one_line_of_the_body() {
        let status = Status { message: "bad tenant".to_owned() }.encode_to_vec();
        let long = "x".repeat(300);
        for (content_type, body, expected) in [
            ("text/plain", &b"\n too old sample\nmore"[..], "it answers 400: too old sample".to_owned()),
            ("text/plain", b"a\x1b[31mb\x07", "it answers 400: a[31mb".to_owned()),
            (PROTOBUF, &status, "it answers 400: bad tenant".to_owned()),
            ("", b"", "it answers 400".to_owned()),
            ("", long.as_bytes(), format!("it answers 400: {}…", "x".repeat(200))),
        ] {
            assert_eq!(verdict(400, content_type, None, body), Verdict::Refused { reason: expected });
        }
    }
}
