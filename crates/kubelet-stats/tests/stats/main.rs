//! What a simulated kubelet answers.
#![allow(clippy::unwrap_used, reason = "a panic in a test is a failed test")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]
#![allow(clippy::needless_pass_by_value, reason = "`json!` literals are passed as they are written")]

mod entries;
mod exact;
mod fields;
mod fixtures;
mod host;
mod invariants;
mod shared_golden;
mod spikes;
mod volumes;
