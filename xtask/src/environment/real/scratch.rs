//! For tests: environments in a folder that is removed in the end.

use std::path::PathBuf;

use jiff::Timestamp;

use super::{RealEnvironment, RealEnvironments, RealKind};

pub(crate) struct Scratch {
    pub(crate) path: PathBuf,
    pub(crate) environments: RealEnvironments,
}

impl Scratch {
    /// Those of one test.
    pub(crate) fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kmo-real-{}-{test}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self { environments: RealEnvironments::at(path.clone()), path }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// One that did not come to its end.
pub(crate) fn environment(name: &str) -> RealEnvironment {
    RealEnvironment {
        name: name.parse().unwrap(),
        kind: RealKind::Kwok,
        since: Timestamp::UNIX_EPOCH,
        is_up: false,
        grafana_url: "http://127.0.0.1:3000".to_owned(),
        prometheus_url: "http://127.0.0.1:3000/api/datasources/proxy/uid/prometheus".to_owned(),
        otlp_url: "http://127.0.0.1:4318".to_owned(),
        engine: "unix:///var/run/docker.sock".to_owned(),
        flags: serde_json::json!({"nodes": 50}),
    }
}
