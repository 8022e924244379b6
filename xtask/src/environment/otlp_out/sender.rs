//! The thread that sends.

use std::hash::{BuildHasher as _, RandomState};
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use otlp::BATCH_POINTS;
use otlp::message::ExportRequest;
use prost::Message as _;
use ureq::http::header;

use super::health::Health;
use super::queue::Queue;
use super::target::Target;
use super::verdict::{Answer, Verdict};

/// No more of an answer is read: it holds a status and a message.
const MOST_ANSWER_BYTES: u64 = 64 * 1024;

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// One try.
    pub(super) timeout: Duration,
    /// The wait before the second try. Each further one is twice as long…
    pub(super) first_wait: Duration,
    /// … but no longer than this.
    pub(super) longest_wait: Duration,
    /// A scrape that could not be sent for so long is dropped. Backends refuse old points anyway.
    pub(super) patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(30),
            patience: Duration::from_secs(5 * 60),
        }
    }
}

impl Pace {
    /// The wait after so many failures in a row, between half of it and all of it at random: several senders must not
    /// come back together.
    fn wait(&self, failures: u32) -> Duration {
        let doubled = self.first_wait.saturating_mul(2_u32.saturating_pow(failures));
        let whole = doubled.min(self.longest_wait);
        // Seeded anew by the system each time.
        let random = RandomState::new().hash_one(failures);
        #[allow(clippy::cast_precision_loss, reason = "random enough")]
        let fraction = random as f64 / u64::MAX as f64;
        whole.mul_f64(0.5 + fraction / 2.0)
    }
}

/// Sends what comes out of a queue, in order.
pub(super) struct Sender {
    target: Target,
    queue: Arc<Queue>,
    health: Arc<Health>,
    pace: Pace,
    agent: ureq::Agent,
    /// How many tries in a row failed.
    failures: u32,
}

impl Sender {
    pub(super) fn new(target: Target, queue: Arc<Queue>, health: Arc<Health>, pace: Pace) -> Self {
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
    pub(super) fn run(mut self) {
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
                self.health.dropped(points, &format!("{error:#}"), Instant::now());
                return Delivery::Settled;
            }
        };
        loop {
            let verdict = self.attempt(&body);
            let now = Instant::now();
            let (reason, after) = match verdict {
                Verdict::Later { reason, after } => (reason, after),
                settled => {
                    self.failures = 0;
                    self.note(settled, points, now);
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

    fn note(&self, settled: Verdict, points: u64, now: Instant) {
        match settled {
            Verdict::Taken => self.health.sent(points),
            Verdict::TakenInPart { rejected, reason } => {
                let rejected = rejected.min(points);
                self.health.taken_in_part(points - rejected, rejected, &reason, now);
            }
            Verdict::Refused { reason } => self.health.refused(points, &reason, now),
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

fn gzipped(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).context("failed to compress a request")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_differ() {
        let pace = Pace::default();
        for (failures, seconds) in [(0, 1), (1, 2), (4, 16), (5, 30), (100, 30)] {
            let whole = Duration::from_secs(seconds);
            let waits: Vec<Duration> = (0..20).map(|_| pace.wait(failures)).collect();
            assert!(waits.iter().all(|wait| (whole / 2..=whole).contains(wait)), "{failures}: {waits:?}");
            assert!(waits.iter().any(|wait| *wait != waits[0]), "{failures}: {waits:?}");
        }
    }
}
