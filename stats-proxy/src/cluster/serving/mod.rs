//! The server: what it answers beside the kubelets' answers, what it measures of itself, and its connections.

mod application;
mod connections;
mod metrics;
mod probes;
mod sent;

pub use application::Application;
pub use connections::{Limits, Server};
pub use metrics::Metrics;
