//! OTLP's messages for metrics, and measurements as OTLP messages.
//!
//! * [`message`] has the messages: read from protobuf or JSON, written as protobuf. `prometheus-server` takes them in.
//! * [`OtlpSink`] takes measurements ([`catalogue::Sink`]) and makes of them the messages that a collector with the real
//!   receivers would export.
//!
//! Nothing here opens a socket: sending is the caller's business.
//!
//! ```
//! use catalogue::{Number, Point, Resource, Sink, kubelet_stats};
//! use otlp::{BATCH_POINTS, OtlpSink};
//! use prost::Message;
//!
//! let mut sink = OtlpSink::new();
//! let node = Resource::new([("k8s.node.name", "node-0")]);
//! let point = Point { start_ns: None, time_ns: 15_000_000_000, value: Number::Double(2.5) };
//! sink.record(&node, kubelet_stats::ALL[0], &[], point);
//! for request in sink.take().into_requests(BATCH_POINTS) {
//!     let body: Vec<u8> = request.encode_to_vec(); // to be sent by whoever has a connection
//!     assert!(!body.is_empty());
//! }
//! ```

mod json;
pub mod message;
mod scope;
mod sink;
mod size;

pub use sink::{OtlpSink, Requests, Scrape};
pub use size::{MOST_REQUEST_MEMORY, TooLarge, check_json_size, check_protobuf_size};

/// The points of a request, at most: what collectors are advised to send, so that no backend cuts a request short.
pub const BATCH_POINTS: usize = 8192;
