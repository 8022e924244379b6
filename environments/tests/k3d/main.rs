//! The environment of `cargo xtask dev`: what k3d, Helm and the API server are given, and what happens when it comes up, goes wrong
//! and goes down. The programs are fakes, and the API server is one that keeps objects.

#![allow(clippy::unwrap_used, reason = "a test stops at what it cannot read")]

mod files;
mod running;
mod support;
mod values;
