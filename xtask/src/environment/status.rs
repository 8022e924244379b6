//! What an environment says about itself, in its page and to `cargo xtask status`.

use serde::{Deserialize, Serialize};

use crate::environment::ActiveProvocation;
use crate::environment::otlp_out::{OtlpOutStatus, one_line};

/// The answer of `/api/environment`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EnvironmentStatus {
    /// See [`super::RunningEnvironment::instance`].
    pub(crate) instance: String,
    /// The process that answers.
    pub(crate) pid: u32,
    /// `k8s_cluster_name` on every series; several are separated by commas.
    pub(crate) cluster_name: String,
    /// The clusters' names; the first one is meant where none is given.
    pub(crate) clusters: Vec<String>,
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
    /// Samples of the receivers that the store has refused: somebody else writes to the same series.
    pub(crate) refused_samples: u64,
    /// Bytes of the store.
    pub(crate) store_bytes: usize,
    /// Bytes of the process, where the system tells.
    pub(crate) process_bytes: Option<usize>,
    /// Requests from outside that were refused.
    #[serde(default)]
    pub(crate) refused_pushes: u64,
    /// What the latest of them was refused for.
    #[serde(default)]
    pub(crate) refused_push_reason: Option<String>,
    /// How sending to another backend goes, where that was asked for.
    pub(crate) otlp_out: Option<OtlpOutStatus>,
    /// What has been provoked and is not over.
    pub(crate) provocations: Vec<ActiveProvocation>,
}

impl EnvironmentStatus {
    /// The status as (name, value) for people.
    pub(crate) fn rows(&self) -> Vec<(String, String)> {
        let memory = match self.process_bytes {
            Some(bytes) => format!("{} ({} the store)", megabytes(bytes), megabytes(self.store_bytes)),
            None => format!("{} the store", megabytes(self.store_bytes)),
        };
        let fleet =
            format!("{}: {} nodes, {} pods, seed {}", self.cluster_name, self.nodes, self.pods, self.seed);
        let refused = match self.refused_samples {
            0 => "none refused".to_owned(),
            refused => format!("{refused} refused"),
        };
        let mut rows = vec![
            ("cluster".to_owned(), fleet),
            ("simulation time".to_owned(), self.simulation_time.clone()),
            ("scrape interval".to_owned(), format!("{} s", self.interval_seconds)),
            ("data".to_owned(), format!("{} series, {} samples, {refused}", self.series, self.samples)),
            ("memory".to_owned(), memory),
        ];
        if self.refused_pushes > 0 {
            let reason = self.refused_push_reason.as_deref().unwrap_or_default();
            let row = format!("{} refused, the latest: {}", self.refused_pushes, one_line(reason));
            rows.push(("OTLP requests".to_owned(), row));
        }
        rows.extend(self.otlp_out.as_ref().map(|out| ("OTLP out".to_owned(), out.line())));
        rows.extend(self.provocations.iter().map(|provocation| ("provoked".to_owned(), provocation.line())));
        rows
    }
}

fn megabytes(bytes: usize) -> String {
    #[allow(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let megabytes = bytes as f64 / 1e6;
    format!("{megabytes:.1} MB")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> EnvironmentStatus {
        EnvironmentStatus {
            instance: "1-2".to_owned(),
            pid: 1,
            cluster_name: "kwok".to_owned(),
            clusters: vec!["kwok".to_owned()],
            nodes: 50,
            pods: 200,
            seed: 1,
            interval_seconds: 15,
            simulation_time: "2026-11-23T12:00:00Z".to_owned(),
            series: 10,
            samples: 100,
            refused_samples: 0,
            store_bytes: 1_000_000,
            process_bytes: None,
            refused_pushes: 0,
            refused_push_reason: None,
            otlp_out: None,
            provocations: Vec::new(),
        }
    }

    fn row(status: &EnvironmentStatus, name: &str) -> Option<String> {
        status.rows().into_iter().find(|(row, _)| row == name).map(|(_, text)| text)
    }

    #[test]
    fn refused_pushes_are_shown_with_the_latest_reason() {
        assert_eq!(row(&status(), "OTLP requests"), None);
        let refused_push_reason = Some("too old sample \u{1b}[31m\nand more".to_owned());
        let status = EnvironmentStatus { refused_pushes: 3, refused_push_reason, ..status() };
        assert_eq!(
            row(&status, "OTLP requests").as_deref(),
            Some("3 refused, the latest: too old sample [31m")
        );
    }

    #[test]
    fn what_an_older_version_does_not_say_is_nothing() {
        let mut json = serde_json::to_value(status()).unwrap();
        json.as_object_mut().unwrap().retain(|name, _| !name.starts_with("refused_push"));
        assert_eq!(serde_json::from_value::<EnvironmentStatus>(json).unwrap(), status());
    }
}
