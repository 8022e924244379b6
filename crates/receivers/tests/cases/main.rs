//! Small cases: an object or a summary in, every point out. `UPDATE_EXPECT=1 cargo test -p receivers` rewrites what is
//! expected.

#![allow(clippy::unwrap_used, reason = "a test stops at what it cannot read")]

mod cluster;
mod coverage;
mod host;
mod keeping;
mod kubelet;
mod settings;
#[path = "../shared/mod.rs"]
mod shared;
mod support;
