//! Backends that behave and backends that do not, for tests.
#![allow(clippy::unwrap_used, reason = "a panic in a test is a failed test")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use flate2::read::GzDecoder;
use otlp::message::{Data, ExportRequest};
use prost::Message as _;

/// What a backend does with a request.
#[derive(Debug)]
pub enum Reply {
    /// A status line without its version, header lines and a body.
    Answer(&'static str, &'static [&'static str], Vec<u8>),
    /// The connection stays open, and nothing comes.
    Silence,
    /// The connection ends.
    HangUp,
}

impl Reply {
    /// An answer without a body.
    pub fn status(line: &'static str) -> Self {
        Self::Answer(line, &[], Vec::new())
    }
}

/// What a backend received.
#[derive(Debug)]
pub struct Request {
    /// The path that was asked.
    pub path: String,
    /// By their names in small letters.
    pub headers: BTreeMap<String, String>,
    /// The body, uncompressed.
    pub message: ExportRequest,
}

impl Request {
    /// How many points it has, in gauges and sums.
    pub fn points(&self) -> usize {
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
#[derive(Debug)]
pub struct Backend {
    /// Its endpoint.
    pub url: String,
    requests: Receiver<Request>,
}

impl Backend {
    /// On loopback.
    pub fn new(replies: Vec<Reply>) -> Self {
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
                match replies.next().unwrap_or_else(|| Reply::status("200 OK")) {
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

    /// Waits for the next request.
    pub fn next(&self) -> Request {
        self.requests.recv_timeout(Duration::from_secs(20)).expect("a request within 20 seconds")
    }

    /// A request that came already.
    pub fn came(&self) -> Option<Request> {
        self.requests.try_recv().ok()
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
