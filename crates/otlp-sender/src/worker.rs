//! The thread that sends.

use std::io::{self, Read as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use otlp::BATCH_POINTS;
use otlp::message::ExportRequest;
use prost::Message as _;
use ureq::http::header;

use crate::health::{Health, Now};
use crate::queue::Queue;
use crate::verdict::{Answer, Verdict};
use crate::{Pace, Target};

/// No more of an answer is read: it holds a status and a message.
const MOST_ANSWER_BYTES: u64 = 64 * 1024;

/// Sends what comes out of a queue, in order.
pub(crate) struct Worker {
    target: Target,
    queue: Arc<Queue>,
    health: Arc<Health>,
    pace: Pace,
    agent: ureq::Agent,
    /// How many tries in a row failed.
    failures: u32,
}

impl Worker {
    pub(crate) fn new(target: Target, queue: Arc<Queue>, health: Arc<Health>, pace: Pace) -> Self {
        let mut config = ureq::Agent::config_builder()
            .timeout_global(Some(pace.timeout))
            .http_status_as_error(false)
            // A moved backend is told, not followed: the headers are for this one.
            .max_redirects(0)
            .user_agent(concat!("kubernetes-mixin-otel/", env!("CARGO_PKG_VERSION")));
        if target.is_local() {
            config = config.proxy(None);
        }
        let agent = config.build().new_agent();
        Self { target, queue, health, pace, agent, failures: 0 }
    }

    /// Sends until the queue is closed.
    pub(crate) fn run(mut self) {
        while let Some(waiting) = self.queue.take() {
            let deadline = waiting.since + self.pace.patience;
            let mut requests = waiting.scrape.into_requests(BATCH_POINTS);
            let mut left = requests.points_left();
            while let Some(request) = requests.next() {
                let points = (left - requests.points_left()) as u64;
                left = requests.points_left();
                match self.deliver(&request, points, deadline) {
                    Delivery::Settled => {}
                    Delivery::TooLate { reason, wait } => {
                        // The rest of the scrape is as old.
                        self.health.dropped(points + left as u64, &reason, Instant::now());
                        if self.queue.closed_within(wait) {
                            return;
                        }
                        break;
                    }
                    Delivery::Closed => return,
                }
            }
        }
    }

    /// Tries until the request is taken, refused or too old.
    fn deliver(&mut self, request: &ExportRequest, points: u64, deadline: Instant) -> Delivery {
        let body = match gzipped(&request.encode_to_vec()) {
            Ok(body) => body,
            Err(error) => {
                let reason = format!("failed to compress a request: {error}");
                self.health.dropped(points, &reason, Instant::now());
                return Delivery::Settled;
            }
        };
        loop {
            let verdict = self.attempt(&body);
            let now = Instant::now();
            if matches!(verdict, Verdict::Later { .. } | Verdict::Refused { .. }) {
                self.health.tried_in_vain();
            }
            let (reason, after) = match verdict {
                Verdict::Later { reason, after } => (reason, after),
                settled => {
                    self.failures = 0;
                    self.note(settled, points, Now { instant: now, time: Timestamp::now() });
                    return Delivery::Settled;
                }
            };
            // A backend may ask for a longer pause, not for a hot loop.
            let wait = self.pace.wait(self.failures).max(after.unwrap_or_default());
            self.failures = self.failures.saturating_add(1);
            if now + wait > deadline {
                return Delivery::TooLate { reason, wait: wait.min(self.pace.patience) };
            }
            self.health.delayed(&reason, now);
            if self.queue.closed_within(wait) {
                return Delivery::Closed;
            }
        }
    }

    fn note(&self, settled: Verdict, points: u64, now: Now) {
        match settled {
            Verdict::Taken => self.health.sent(points, now.time),
            Verdict::TakenInPart { rejected, reason } => {
                let rejected = rejected.min(points);
                self.health.taken_in_part(points - rejected, rejected, &reason, now);
            }
            Verdict::Refused { reason } => self.health.refused(points, &reason, now.instant),
            Verdict::Later { .. } => {}
        }
    }

    fn attempt(&self, body: &[u8]) -> Verdict {
        let mut request = self
            .agent
            .post(self.target.url())
            .header(header::CONTENT_TYPE, "application/x-protobuf")
            .header(header::CONTENT_ENCODING, "gzip");
        for (name, value) in self.target.headers() {
            request = request.header(name, value);
        }
        let mut response = match request.send(body) {
            Ok(response) => response,
            Err(error @ (ureq::Error::Http(_) | ureq::Error::BadUri(_))) => {
                return Verdict::Refused { reason: error.to_string() };
            }
            Err(ureq::Error::Io(error)) => return Verdict::Later { reason: error.to_string(), after: None },
            Err(error) => return Verdict::Later { reason: error.to_string(), after: None },
        };
        let mut answer = Vec::new();
        // What cannot be read of the body was only for people.
        let _ = response.body_mut().as_reader().take(MOST_ANSWER_BYTES).read_to_end(&mut answer);
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        Answer {
            status: response.status().as_u16(),
            content_type: text(header::CONTENT_TYPE).unwrap_or_default(),
            retry_after: text(header::RETRY_AFTER),
            body: &answer,
        }
        .verdict(Timestamp::now())
    }
}

/// How the tries to send a request ended.
enum Delivery {
    /// The backend decided.
    Settled,
    /// It did not in time.
    TooLate {
        /// Why.
        reason: String,
        /// How long to leave it alone.
        wait: Duration,
    },
    /// Nobody waits for what is left.
    Closed,
}

fn gzipped(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}
