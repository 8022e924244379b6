//! The environments on a container engine that this user has brought up: where they answer, and what they keep on this machine.
//!
//! ```text
//! STATE/kubernetes-mixin-otel/real/NAME/environment.json   what is written down here
//!                                      /…                  kubeconfigs and whatever else the environment keeps: secrets
//! ```
//!
//! What really runs, the engine and the cluster are asked; this is how commands without their clients know whom to ask.

use std::path::PathBuf;

use anyhow::Context as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::environment::EnvironmentName;
use crate::environment::state::{create_private_folder, folder_of_user, open_private};

/// Which environment it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RealKind {
    /// `cargo xtask kwok --runtime docker`.
    Kwok,
    /// `cargo xtask dev`.
    Dev,
}

/// What is written down about an environment before anything of it is brought up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RealEnvironment {
    /// What it is called.
    pub(crate) name: EnvironmentName,
    /// Which one.
    pub(crate) kind: RealKind,
    /// When it was first asked for.
    pub(crate) since: Timestamp,
    /// Whether all of it has come up.
    pub(crate) is_up: bool,
    /// Grafana.
    pub(crate) grafana_url: String,
    /// The Prometheus API, perhaps through Grafana.
    pub(crate) prometheus_url: String,
    /// Takes OTLP over HTTP.
    pub(crate) otlp_url: String,
    /// The container engine, as `DOCKER_HOST` has it.
    pub(crate) engine: String,
    /// The flags it was started with, for `down`, `status` and the next start.
    pub(crate) flags: serde_json::Value,
}

/// The folder with all of them.
pub(crate) struct RealEnvironments {
    path: PathBuf,
}

const RECORD: &str = "environment.json";

impl RealEnvironments {
    /// In the user's state folder. It need not exist.
    pub(crate) fn of_user() -> anyhow::Result<Self> {
        Ok(Self { path: folder_of_user()?.join("real") })
    }

    #[cfg(test)]
    fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// What an environment keeps on this machine.
    pub(crate) fn folder(&self, name: &EnvironmentName) -> PathBuf {
        self.path.join(name.to_string())
    }

    /// Writes it down, readable by the user alone.
    #[cfg_attr(
        not(any(test, feature = "clusters")),
        expect(dead_code, reason = "who hands over changes nothing")
    )]
    pub(crate) fn write(&self, environment: &RealEnvironment) -> anyhow::Result<()> {
        use std::io::Write as _;
        let folder = self.folder(&environment.name);
        create_private_folder(&self.path)?;
        create_private_folder(&folder)?;
        let path = folder.join(RECORD);
        let failed = || format!("failed to write {}", path.display());
        let text = serde_json::to_string_pretty(environment).with_context(failed)?;
        let temporary = folder.join("environment.new");
        let mut file = open_private(&temporary, true).with_context(failed)?;
        file.write_all(text.as_bytes()).with_context(failed)?;
        std::fs::rename(&temporary, &path).with_context(failed)
    }

    /// The one of a name, if it was brought up and not taken down.
    pub(crate) fn read(&self, name: &EnvironmentName) -> Option<RealEnvironment> {
        let text = std::fs::read_to_string(self.folder(name).join(RECORD)).ok()?;
        serde_json::from_str(&text).ok().filter(|written: &RealEnvironment| written.name == *name)
    }

    /// All, by name.
    pub(crate) fn all(&self) -> Vec<RealEnvironment> {
        let entries = std::fs::read_dir(&self.path).into_iter().flatten().flatten();
        let mut names: Vec<EnvironmentName> =
            entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        names.sort();
        names.iter().filter_map(|name| self.read(name)).collect()
    }

    /// Removes everything that it keeps here.
    #[cfg_attr(
        not(any(test, feature = "clusters")),
        expect(dead_code, reason = "who hands over changes nothing")
    )]
    pub(crate) fn forget(&self, name: &EnvironmentName) -> anyhow::Result<()> {
        let folder = self.folder(name);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("failed to remove {}", folder.display()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> RealEnvironment {
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

    #[test]
    fn what_is_written_down_is_read_again_and_forgotten_with_all_it_keeps() {
        let path = std::env::temp_dir().join(format!("kmo-real-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        let environments = RealEnvironments::at(path.clone());
        assert_eq!(environments.all(), []);
        for name in ["second", "kwok"] {
            environments.write(&environment(name)).unwrap();
        }
        // A folder without a record is none.
        std::fs::create_dir(path.join("third")).unwrap();
        std::fs::write(path.join("kwok/kubeconfig"), "secret").unwrap();
        assert_eq!(environments.all(), [environment("kwok"), environment("second")]);
        environments.forget(&"kwok".parse().unwrap()).unwrap();
        environments.forget(&"kwok".parse().unwrap()).unwrap();
        assert!(!path.join("kwok").exists());
        assert_eq!(environments.all(), [environment("second")]);
        std::fs::remove_dir_all(&path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn only_its_user_can_read_what_an_environment_keeps() {
        use std::os::unix::fs::PermissionsExt as _;
        let path = std::env::temp_dir().join(format!("kmo-real-modes-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        RealEnvironments::at(path.clone()).write(&environment("kwok")).unwrap();
        let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(path.join("kwok")), 0o700);
        assert_eq!(mode(path.join("kwok/environment.json")), 0o600);
        std::fs::remove_dir_all(&path).unwrap();
    }
}
