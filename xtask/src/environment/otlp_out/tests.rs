//! The sender against backends that behave and backends that do not.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use catalogue::{Number, Point, Resource};
use embedded::ScrapeSink;
use flate2::read::GzDecoder;
use otlp::message::{Data, ExportRequest, ExportResponse, PartialSuccess};
use prometheus_server::otlp::{OtlpIngester, OtlpState, otlp_router};
use prost::Message as _;
use tsdb::{Options, Store};

use super::sender::Pace;
use super::{OtlpOut, OtlpOutStatus, Target};

/// Fast enough for tests, slow enough for a busy machine.
const PACE: Pace = Pace {
    timeout: Duration::from_millis(500),
    first_wait: Duration::from_millis(5),
    longest_wait: Duration::from_millis(20),
    patience: Duration::from_secs(20),
};

/// What a backend does with a request.
enum Reply {
    Answer(&'static str, &'static [&'static str], Vec<u8>),
    Silence,
    HangUp,
}

fn status(line: &'static str) -> Reply {
    Reply::Answer(line, &[], Vec::new())
}

/// What a backend received.
struct Request {
    path: String,
    headers: BTreeMap<String, String>,
    message: ExportRequest,
}

impl Request {
    fn points(&self) -> usize {
        let metrics =
            self.message.resource_metrics.iter().flat_map(|r| &r.scope_metrics).flat_map(|s| &s.metrics);
        metrics
            .map(|metric| match metric.data.as_ref().unwrap() {
                Data::Gauge(gauge) => gauge.data_points.len(),
                Data::Sum(sum) => sum.data_points.len(),
                other => panic!("{other:?}"),
            })
            .sum()
    }
}

/// A backend that replies as it was told, and with 200 from then on.
struct Backend {
    url: String,
    requests: Receiver<Request>,
}

impl Backend {
    fn new(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (received, requests) = channel();
        std::thread::spawn(move || {
            let mut replies = replies.into_iter();
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read(&stream) else { continue };
                if received.send(request).is_err() {
                    return;
                }
                match replies.next().unwrap_or_else(|| status("200 OK")) {
                    Reply::Answer(line, headers, body) => {
                        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
                        let length = body.len();
                        let head = format!(
                            "HTTP/1.1 {line}\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n"
                        );
                        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
                    }
                    Reply::Silence => silent.push(stream),
                    Reply::HangUp => {}
                }
            }
        });
        Self { url, requests }
    }

    fn next(&self) -> Request {
        self.requests.recv_timeout(Duration::from_secs(20)).expect("a request within 20 seconds")
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.strip_prefix("POST ")?.split(' ').next()?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let mut unzipped = Vec::new();
    GzDecoder::new(body.as_slice()).read_to_end(&mut unzipped).ok()?;
    Some(Request { path, headers, message: ExportRequest::decode(unzipped.as_slice()).ok()? })
}

/// A sender, its outlet and what it said.
struct Sending {
    out: OtlpOut,
    outlet: Box<dyn ScrapeSink>,
    said: Arc<Mutex<Vec<String>>>,
}

impl Sending {
    fn to(url: &str, headers: &[&str], pace: Pace) -> Self {
        let headers: Vec<String> = headers.iter().map(|header| (*header).to_owned()).collect();
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let say = move |line: &str| heard.lock().unwrap().push(line.to_owned());
        let out = OtlpOut::start_at(Target::new(url, &headers).unwrap(), say, pace).unwrap();
        Self { outlet: out.outlet(), out, said }
    }

    fn scrape(&mut self, points: usize) {
        let node = Resource::new([("k8s.node.name", "n")]);
        for at in 0..points {
            let value = at.to_string();
            let time_ns = 1_000_000_000_000;
            let point = Point { start_ns: None, time_ns, value: Number::Int(at as i64) };
            self.outlet.record(
                &node,
                &catalogue::k8s_cluster::NODE_CONDITION_READY,
                &[("at", &value)],
                point,
            );
        }
        self.outlet.scraped();
    }

    /// Waits until the status is as wanted.
    fn wait_until(&self, wanted: impl Fn(&OtlpOutStatus) -> bool) -> OtlpOutStatus {
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
        status("503 Service Unavailable"),
        Reply::Answer("429 Too Many Requests", &["Retry-After: 0"], b"slow down".to_vec()),
        Reply::HangUp,
        Reply::Silence,
        status("502 Bad Gateway"),
        status("504 Gateway Timeout"),
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
    let backend = Backend::new((0..3).map(|_| status("503 Service Unavailable")).collect());
    let mut sending = Sending::to(&backend.url, &[], Pace { patience: Duration::ZERO, ..PACE });
    sending.scrape(20_000);
    let status = sending.wait_until(|status| status.dropped > 0);
    assert_eq!((status.dropped, status.sent), (20_000, 0));
    assert_eq!(backend.next().points(), 8_192);
    assert!(backend.requests.try_recv().is_err(), "more of an old scrape was sent");
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
    let broken = OtlpOut { thread: Arc::new(gone), ..sending.out.clone() };
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
