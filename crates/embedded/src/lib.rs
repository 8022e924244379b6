//! The whole simulated environment as one value: no sockets, no clock.
//!
//! ```text
//! Simulation ──► objects ──┬──► K8sClusterReceiver ─────────────┐
//!  (instant)               └──► summary of each node            ├──► StoreSink ──► Store ──► QueryService
//!                                 ├──► KubeletStatsReceiver ×N ─┤
//!                                 └──► HostMetricsReceiver ×N ──┘
//! ```
//!
//! Whoever else wants the measurements, for example to send them on by OTLP, gives a [`ScrapeSink`].
//!
//! [`Environment::advance`] makes every scrape that is due up to an instant. Whether that instant is now, an hour ago or in
//! the future is the caller's business: live operation, history and tests are the same code.
//!
//! Scrapes happen at multiples of the interval since the Unix epoch, and each receiver is primed with the scrape before
//! the first one. So what is stored for an instant does not depend on when the environment began.

mod cluster;
mod collector;
mod environment;
mod simulated_cluster;
mod sinks;

pub use cluster::{Cluster, Snapshot, answers};
pub use collector::{CollectorSettings, CollectorSettingsError};
pub use environment::{Environment, EnvironmentError, EnvironmentOptions, Scrapes};
pub use sinks::ScrapeSink;
