//! OTLP metrics from outside: what they become, what is refused, and that they are the series of the receivers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod fixture;
mod golden;
mod http;
mod ingest;
mod measurements;
mod slow_senders;
#[path = "../support/mod.rs"]
mod support;
