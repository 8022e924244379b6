//! Measurements sent to an OTLP/HTTP backend.
//!
//! ```text
//! scrapes ──► OtlpSender ──► Queue ──► Worker (a thread) ──► the backend
//!                            bounded   batches, retries
//! ```
//!
//! Whoever measures never waits for the backend, unless it wants to ([`OtlpSender::send_by`]): what the backend does not
//! take in time is dropped and counted.
//!
//! This is an outer crate: it uses the network, a thread and the clock, so that the programs that send do it alike. The
//! messages are those of the crate `otlp`, which does none of that. What people are told, and where, is the program's
//! business: it gets a [`SendingStatus`] when there is something to tell.
//!
//! https needs the feature `https`, since TLS takes long to compile; backends are then known by the certificates that
//! browsers trust.
//!
//! ```no_run
//! use otlp::OtlpSink;
//! use otlp_sender::{OtlpSender, Target};
//!
//! let target = Target::new("http://127.0.0.1:4318")?;
//! let sender = OtlpSender::start(target, |status| eprintln!("{}", status.line()))?;
//! let mut sink = OtlpSink::new();
//! // A receiver records into the sink, and then:
//! sender.send(sink.take());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(any(test, feature = "fakes"))]
pub mod fakes;
mod health;
mod pace;
mod queue;
mod sender;
mod status;
mod target;
#[cfg(test)]
mod tests;
mod verdict;
mod worker;

pub use pace::Pace;
pub use sender::OtlpSender;
pub use status::SendingStatus;
pub use target::{EndpointError, HeaderError, Target};
pub use verdict::one_line;
