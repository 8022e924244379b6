//! What the default environment has to show.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod coverage;
mod life;
mod numbers;
mod provoked;
mod support;
