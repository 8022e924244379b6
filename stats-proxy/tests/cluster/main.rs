//! The kubelets of a watched cluster: `cargo test -p stats-proxy --features cluster`.
#![allow(clippy::unwrap_used, reason = "a panic in a test is a failed test")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod api;
mod hosts;
mod objects;
mod program;
mod same;
mod sending;
mod serving;
mod watching;
