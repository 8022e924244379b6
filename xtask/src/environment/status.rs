//! What an environment says about itself, in its page and to `cargo xtask status`.

use serde::{Deserialize, Serialize};

/// The answer of `/api/environment`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EnvironmentStatus {
    /// See [`super::RunningEnvironment::instance`].
    pub(crate) instance: String,
    /// `k8s_cluster_name` on every series.
    pub(crate) cluster_name: String,
    /// How many.
    pub(crate) nodes: usize,
    /// How many.
    pub(crate) pods: usize,
    /// Which fleet.
    pub(crate) seed: u64,
    /// Seconds between two scrapes.
    pub(crate) interval_seconds: i64,
    /// The simulation's time, RFC 3339.
    pub(crate) simulation_time: String,
    /// Series in the store.
    pub(crate) series: usize,
    /// Samples in the store.
    pub(crate) samples: usize,
    /// Bytes of the store.
    pub(crate) store_bytes: usize,
    /// Bytes of the process, where the system tells.
    pub(crate) process_bytes: Option<usize>,
}

impl EnvironmentStatus {
    /// The status as (name, value) for people.
    pub(crate) fn rows(&self) -> Vec<(&'static str, String)> {
        let memory = match self.process_bytes {
            Some(bytes) => format!("{} ({} the store)", megabytes(bytes), megabytes(self.store_bytes)),
            None => format!("{} the store", megabytes(self.store_bytes)),
        };
        vec![
            (
                "cluster",
                format!(
                    "{}: {} nodes, {} pods, seed {}",
                    self.cluster_name, self.nodes, self.pods, self.seed
                ),
            ),
            ("simulation time", self.simulation_time.clone()),
            ("scrape interval", format!("{} s", self.interval_seconds)),
            ("data", format!("{} series, {} samples", self.series, self.samples)),
            ("memory", memory),
        ]
    }
}

fn megabytes(bytes: usize) -> String {
    #[allow(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let megabytes = bytes as f64 / 1e6;
    format!("{megabytes:.1} MB")
}
