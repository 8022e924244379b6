//! The KWOK environment from its first step to its last, over an engine, an API server, a Grafana and programs that exist in tests
//! only: what is there after a start, after a failure at any place, and after `down`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_cases;
mod laboratory;
mod starting;
