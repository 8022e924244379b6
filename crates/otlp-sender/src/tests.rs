//! The sender against backends that behave and backends that do not.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use catalogue::{Number, Point, Resource, Sink as _};
use jiff::Timestamp;
use otlp::OtlpSink;
use otlp::message::{ExportResponse, PartialSuccess};
use prometheus_server::otlp::{OtlpIngester, OtlpState, otlp_router};
use prost::Message as _;
use tsdb::{Options, Store};

use crate::fakes::{Backend, Reply};
use crate::health::Health;
use crate::queue::Queue;
use crate::{OtlpSender, Pace, SendingStatus, Target};

/// Fast enough for tests, slow enough for a busy machine.
const PACE: Pace = Pace {
    timeout: Duration::from_millis(500),
    first_wait: Duration::from_millis(5),
    longest_wait: Duration::from_millis(20),
    patience: Duration::from_secs(20),
};

/// A sender and what it said.
struct Sending {
    out: OtlpSender,
    sink: OtlpSink,
    said: Arc<Mutex<Vec<String>>>,
}

impl Sending {
    fn to(url: &str, headers: &[&str], pace: Pace) -> Self {
        let target = headers
            .iter()
            .fold(Target::new(url).unwrap(), |target, header| target.with_header(header).unwrap());
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let say = move |status: &SendingStatus| heard.lock().unwrap().push(status.line());
        let out = OtlpSender::start_at_pace(target, pace, say).unwrap();
        Self { out, sink: OtlpSink::new(), said }
    }

    fn scrape(&mut self, points: usize) {
        let node = Resource::new([("k8s.node.name", "n")]);
        for at in 0..points {
            let value = at.to_string();
            let time_ns = 1_000_000_000_000;
            let point = Point { start_ns: None, time_ns, value: Number::Int(at as i64) };
            self.sink.record(&node, &catalogue::k8s_cluster::NODE_CONDITION_READY, &[("at", &value)], point);
        }
        self.out.send(self.sink.take());
    }

    /// Waits until the status is as wanted.
    fn wait_until(&self, wanted: impl Fn(&SendingStatus) -> bool) -> SendingStatus {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let status = self.out.status();
            if wanted(&status) {
                return status;
            }
            assert!(Instant::now() < deadline, "still {status:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }
}

#[test]
fn a_scrape_is_sent_as_exporters_send_it() {
    let backend = Backend::new(vec![]);
    let mut sending = Sending::to(&backend.url, &["X-Scope-OrgID=dev"], PACE);
    sending.scrape(3);
    let request = backend.next();
    assert_eq!((&*request.path, request.points()), ("/v1/metrics", 3));
    for (name, value) in [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "gzip"),
        ("user-agent", concat!("kubernetes-mixin-otel/", env!("CARGO_PKG_VERSION"))),
        ("x-scope-orgid", "dev"),
    ] {
        assert_eq!(request.headers.get(name).map(String::as_str), Some(value), "{name}");
    }
    let status = sending.wait_until(|status| status.sent == 3);
    assert_eq!((status.refused, status.dropped, status.waiting, status.problem), (0, 0, 0, None));
    assert_eq!(sending.said(), [""; 0]);
}

#[test]
fn a_large_scrape_goes_in_batches() {
    let backend = Backend::new(vec![]);
    let mut sending = Sending::to(&backend.url, &[], PACE);
    sending.scrape(20_000);
    assert_eq!([backend.next(), backend.next(), backend.next()].map(|r| r.points()), [8_192, 8_192, 3_616]);
    sending.wait_until(|status| status.sent == 20_000);
}

#[test]
fn what_may_go_better_later_is_tried_again_until_it_does() {
    let troubles = vec![
        Reply::status("503 Service Unavailable"),
        Reply::Answer("429 Too Many Requests", &["Retry-After: 0"], b"slow down".to_vec()),
        Reply::HangUp,
        Reply::Silence,
        Reply::status("502 Bad Gateway"),
        Reply::status("504 Gateway Timeout"),
    ];
    let tries = troubles.len() + 1;
    let backend = Backend::new(troubles);
    let mut sending = Sending::to(&backend.url, &[], PACE);
    sending.scrape(2);
    let status = sending.wait_until(|status| status.sent == 2);
    assert_eq!((status.refused, status.dropped, status.problem), (0, 0, None));
    assert_eq!((0..tries).map(|_| backend.next().points()).collect::<Vec<_>>(), vec![2; tries]);
    let said = sending.said();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("it answers 503") && said[1].ends_with("2 points sent"), "{said:?}");
}

#[test]
fn the_backend_decides_when_it_is_asked_again() {
    let trouble = Reply::Answer("503 Service Unavailable", &["Retry-After: 1"], Vec::new());
    let backend = Backend::new(vec![trouble]);
    let mut sending = Sending::to(&backend.url, &[], PACE);
    sending.scrape(1);
    backend.next();
    let asked = Instant::now();
    backend.next();
    assert!(asked.elapsed() >= Duration::from_millis(900), "{:?}", asked.elapsed());
}

#[test]
fn what_the_backend_refuses_is_dropped_with_its_reason_and_the_next_scrape_goes_on() {
    let refusal =
        Reply::Answer("400 Bad Request", &["Content-Type: text/plain"], b"too old sample\nx".to_vec());
    let backend = Backend::new(vec![refusal]);
    let mut sending = Sending::to(&backend.url, &[], PACE);
    sending.scrape(2);
    let status = sending.wait_until(|status| status.refused == 2);
    assert_eq!(status.problem.as_deref(), Some("it answers 400: too old sample"));
    sending.scrape(3);
    let status = sending.wait_until(|status| status.sent == 3);
    assert_eq!(status.line(), format!("{}/v1/metrics: 3 points sent, 2 refused", backend.url));
    assert_eq!(sending.said().len(), 2);
}

#[test]
fn a_request_may_be_taken_in_part() {
    let partial = PartialSuccess { rejected_data_points: 1, error_message: "one is odd".to_owned() };
    let body = ExportResponse { partial_success: Some(partial) }.encode_to_vec();
    let reply = Reply::Answer("200 OK", &["Content-Type: application/x-protobuf"], body);
    let backend = Backend::new(vec![reply]);
    let mut sending = Sending::to(&backend.url, &[], PACE);
    sending.scrape(3);
    let status = sending.wait_until(|status| status.sent + status.refused == 3);
    let problem = "it rejected 1 of the 3 points of a request: one is odd";
    assert_eq!((status.sent, status.refused, status.problem.as_deref()), (2, 1, Some(problem)));
    assert_eq!(sending.said().len(), 1, "{:?}", sending.said());
}

#[test]
fn a_backend_that_is_down_costs_points_and_no_time() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let pace = Pace { patience: Duration::from_millis(50), ..PACE };
    let mut sending = Sending::to(&format!("http://{nobody}"), &[], pace);
    let begin = Instant::now();
    for _ in 0..10 {
        sending.scrape(100);
    }
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    let status = sending.wait_until(|status| status.dropped == 1_000);
    assert!(status.problem.is_some_and(|problem| problem.contains("refused")));
    assert_eq!(sending.said().len(), 1, "{:?}", sending.said());
}

#[test]
fn a_large_scrape_that_cannot_be_sent_in_time_is_dropped_as_a_whole() {
    let backend = Backend::new((0..3).map(|_| Reply::status("503 Service Unavailable")).collect());
    let mut sending = Sending::to(&backend.url, &[], Pace { patience: Duration::ZERO, ..PACE });
    sending.scrape(20_000);
    let status = sending.wait_until(|status| status.dropped > 0);
    assert_eq!((status.dropped, status.sent), (20_000, 0));
    assert_eq!(backend.next().points(), 8_192);
    assert!(backend.came().is_none(), "more of an old scrape was sent");
}

#[test]
fn a_backend_that_never_answers_holds_nothing_up() {
    let backend = Backend::new((0..100).map(|_| Reply::Silence).collect());
    let mut sending = Sending::to(&backend.url, &[], Pace { timeout: Duration::from_secs(60), ..PACE });
    sending.scrape(1);
    backend.next();
    let begin = Instant::now();
    for _ in 0..6 {
        sending.scrape(100_000);
    }
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    let status = sending.out.status();
    assert_eq!((status.waiting, status.dropped), (500_000, 100_000));
    assert!(sending.said()[0].contains("slower than the scrapes"), "{:?}", sending.said());
}

/// Ends the sending, and says how many points were left.
fn finish(sending: &Sending, within: Duration) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(sending.out.finish(within))
}

#[test]
fn what_waits_at_the_end_is_sent_before_it() {
    let backend = Backend::new(vec![]);
    let mut sending = Sending::to(&backend.url, &[], PACE);
    for _ in 0..5 {
        sending.scrape(10_000);
    }
    let out = sending.out.clone();
    assert_eq!(finish(&sending, Duration::from_secs(20)), 0);
    assert_eq!((out.status().sent, out.status().waiting, out.status().problem), (50_000, 0, None));
}

#[test]
fn what_cannot_be_sent_at_the_end_is_counted_and_not_waited_for() {
    let nobody = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let silent = Backend::new((0..100).map(|_| Reply::Silence).collect());
    for (url, within) in [(&nobody, 20_000), (&silent.url, 100)] {
        let mut sending = Sending::to(url, &[], Pace { timeout: Duration::from_secs(60), ..PACE });
        for _ in 0..3 {
            sending.scrape(1_000);
        }
        let begin = Instant::now();
        assert_eq!(finish(&sending, Duration::from_millis(within)), 3_000, "{url}");
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    }
}

#[test]
fn a_sender_that_has_ended_unasked_is_a_problem() {
    let backend = Backend::new(vec![]);
    let sending = Sending::to(&backend.url, &[], PACE);
    assert_eq!(sending.out.status().problem, None);
    // As if it had failed: the thread ends, and nobody has closed the queue.
    let gone = std::thread::spawn(|| ());
    while !gone.is_finished() {
        std::thread::yield_now();
    }
    let health = Health::new(backend.url.clone(), Box::new(|_| ()));
    let broken = OtlpSender::with(Arc::new(Queue::new(1)), Arc::new(health), gone);
    let problem = broken.status().problem.unwrap();
    assert!(problem.contains("has ended"), "{problem}");
}

#[test]
fn our_own_ingestion_takes_it() {
    let store = Arc::new(Store::new(Options::default()));
    let ingester = OtlpIngester::new(Arc::clone(&store), catalogue::prometheus::promoted());
    let router = otlp_router(OtlpState::new(Arc::new(ingester), Arc::new(|| 1_000_000)));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    let mut sending = Sending::to(&format!("http://{address}"), &[], PACE);
    sending.scrape(10_000);
    let status = sending.wait_until(|status| status.sent + status.refused == 10_000);
    assert_eq!((status.refused, status.problem), (0, None));
    assert_eq!(store.stats().series, 10_000);
}

#[test]
fn the_thread_ends_with_the_last_handle() {
    let backend = Backend::new(vec![]);
    let told = Arc::new(());
    let held = Arc::clone(&told);
    let say = move |_: &SendingStatus| assert!(Arc::strong_count(&held) > 0);
    let out = OtlpSender::start_at_pace(Target::new(&backend.url).unwrap(), PACE, say).unwrap();
    let other = out.clone();
    drop(out);
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!((other.status().problem, Arc::strong_count(&told)), (None, 2));
    drop(other);
    let deadline = Instant::now() + Duration::from_secs(20);
    while Arc::strong_count(&told) > 1 {
        assert!(Instant::now() < deadline, "the thread still runs");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn tries_that_fail_are_counted_and_the_last_success_has_a_time() {
    let troubles =
        ["503 Service Unavailable", "400 Bad Request", "200 OK"].map(Reply::status).into_iter().collect();
    let backend = Backend::new(troubles);
    let mut sending = Sending::to(&backend.url, &[], PACE);
    sending.scrape(1);
    let status = sending.wait_until(|status| status.refused == 1);
    assert_eq!((status.failed_tries, status.last_success), (2, None));
    sending.scrape(1);
    let status = sending.wait_until(|status| status.sent == 1);
    assert_eq!(status.failed_tries, 2);
    assert!(status.last_success.is_some_and(|at| at.duration_until(Timestamp::now()).as_secs() < 20));
}
