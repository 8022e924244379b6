//! The server as its clients see it.
#![allow(clippy::unwrap_used, reason = "a panic in a test is a failed test")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod cluster;
mod fleet;
mod metrics;
mod one_node;
mod pods;
mod refusals;
mod summary;
