//! The environments on a container engine that this user has brought up: where they answer, and what they keep on this machine.
//!
//! ```text
//! STATE/kubernetes-mixin-otel/real/NAME/environment.json   what is written down here
//!                                      /…                  kubeconfigs and whatever else the environment keeps: secrets
//!                                 /NAME.lock               locked by whoever brings it up or takes it down, while that lasts
//! ```
//!
//! What really runs, the engine and the cluster are asked; this is how commands without their clients know whom to ask. So what is
//! written down and cannot be read is never taken for nothing.

use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::Context as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[cfg(any(test, feature = "clusters"))]
use super::lock::{Mover, Moving};
use crate::environment::EnvironmentName;
#[cfg(any(test, feature = "clusters"))]
use crate::environment::state::Hold;
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

/// What is written down about an environment and cannot be read: it may run all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: `cargo xtask down{}` removes what there is under its name, and the file", self.why(), name.flag())]
pub(crate) struct BadRecord {
    /// What the environment is called, as its folder is.
    pub(crate) name: EnvironmentName,
    /// The file.
    path: PathBuf,
    /// Why.
    reason: String,
    /// Which environment it is, if that can be read.
    pub(crate) kind: Option<RealKind>,
    /// Its engine, if that can be read.
    pub(crate) engine: Option<String>,
}

impl BadRecord {
    /// What cannot be read, and why; without what to do about it.
    pub(crate) fn why(&self) -> String {
        format!(
            "{}, which says how {} was brought up, cannot be read ({})",
            self.path.display(),
            self.name,
            self.reason
        )
    }
}

/// What is written down about an environment, or that it cannot be read.
pub(crate) type Record = Result<RealEnvironment, BadRecord>;

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
    pub(super) fn at(path: PathBuf) -> Self {
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
    ///
    /// # Errors
    /// When something is written down that cannot be read.
    pub(crate) fn read(&self, name: &EnvironmentName) -> Result<Option<RealEnvironment>, BadRecord> {
        let path = self.folder(name).join(RECORD);
        let bad = |reason: String, kind, engine| BadRecord {
            name: name.clone(),
            path: path.clone(),
            reason,
            kind,
            engine,
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(bad(error.to_string(), None, None)),
        };
        let reason = match serde_json::from_str::<RealEnvironment>(&text) {
            Ok(written) if written.name == *name => return Ok(Some(written)),
            Ok(written) => format!("it is about {}", written.name),
            Err(error) => error.to_string(),
        };
        // Of one that a later version has written, the essential may be as it always was.
        let rest: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let kind = serde_json::from_value(rest["kind"].clone()).ok();
        Err(bad(reason, kind, rest["engine"].as_str().map(str::to_owned)))
    }

    /// All, by name.
    pub(crate) fn all(&self) -> Vec<Record> {
        let entries = std::fs::read_dir(&self.path).into_iter().flatten().flatten();
        let mut names: Vec<EnvironmentName> =
            entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        names.sort();
        names.iter().filter_map(|name| self.read(name).transpose()).collect()
    }

    /// Takes a name for as long as what is returned is kept.
    ///
    /// # Errors
    /// When another process moves the environment: which, and what it does.
    #[cfg(any(test, feature = "clusters"))]
    pub(crate) fn hold(&self, name: &EnvironmentName, moving: Moving) -> anyhow::Result<Hold> {
        create_private_folder(&self.path)?;
        super::lock::take(&self.lock(name), name, moving)
    }

    /// Who brings an environment up or takes it down just now.
    #[cfg(any(test, feature = "clusters"))]
    pub(crate) fn mover(&self, name: &EnvironmentName) -> Option<Mover> {
        super::lock::mover(&self.lock(name))
    }

    #[cfg(any(test, feature = "clusters"))]
    fn lock(&self, name: &EnvironmentName) -> PathBuf {
        self.path.join(format!("{name}.lock"))
    }

    /// Removes everything that it keeps here.
    #[cfg_attr(
        not(any(test, feature = "clusters")),
        expect(dead_code, reason = "who hands over changes nothing")
    )]
    pub(crate) fn forget(&self, name: &EnvironmentName) -> anyhow::Result<()> {
        let folder = self.folder(name);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("failed to remove {}", folder.display()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::real::scratch::{Scratch, environment};

    #[test]
    fn what_is_written_down_is_read_again_and_forgotten_with_all_it_keeps() {
        let scratch = Scratch::new("forgotten");
        let environments = &scratch.environments;
        assert_eq!(environments.all(), []);
        for name in ["second", "kwok"] {
            environments.write(&environment(name)).unwrap();
        }
        // A folder without a record is none, and neither is a lock.
        std::fs::create_dir(scratch.path.join("third")).unwrap();
        let _hold = environments.hold(&"fourth".parse().unwrap(), Moving::Up).unwrap();
        std::fs::write(scratch.path.join("kwok/kubeconfig"), "secret").unwrap();
        assert_eq!(environments.all(), [Ok(environment("kwok")), Ok(environment("second"))]);
        environments.forget(&"kwok".parse().unwrap()).unwrap();
        environments.forget(&"kwok".parse().unwrap()).unwrap();
        assert!(!scratch.path.join("kwok").exists());
        assert_eq!(environments.all(), [Ok(environment("second"))]);
    }

    #[test]
    fn what_cannot_be_read_is_an_error_with_its_file_and_never_nothing() {
        let scratch = Scratch::new("damaged");
        let environments = &scratch.environments;
        environments.write(&environment("kwok")).unwrap();
        let file = scratch.path.join("kwok/environment.json");
        let name = "kwok".parse().unwrap();
        for text in ["", "{", "[]", "\u{0}", "{\"name\": \"kwok\", \"kind\": \"kwok\"}"] {
            std::fs::write(&file, text).unwrap();
            let told = environments.read(&name).unwrap_err().to_string();
            assert!(told.contains("kwok/environment.json") && told.contains("`cargo xtask down`"), "{told}");
            assert_eq!(environments.all().len(), 1, "{text:?}");
        }
        let another = serde_json::to_string(&environment("second")).unwrap();
        std::fs::write(&file, another).unwrap();
        assert!(environments.read(&name).unwrap_err().to_string().contains("it is about second"));
        // A folder in its place cannot be read either.
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        assert!(environments.read(&name).is_err());
    }

    #[test]
    fn what_a_later_version_has_written_still_says_which_environment_it_is_and_where() {
        let scratch = Scratch::new("later");
        scratch.environments.write(&environment("second")).unwrap();
        let later = r#"{"version": 9, "kind": "dev", "engine": "unix:///there.sock"}"#;
        std::fs::write(scratch.path.join("second/environment.json"), later).unwrap();
        let bad = scratch.environments.read(&"second".parse().unwrap()).unwrap_err();
        assert_eq!((bad.kind, bad.engine.as_deref()), (Some(RealKind::Dev), Some("unix:///there.sock")));
        assert!(bad.to_string().contains("down --name second"), "{bad}");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_user_can_read_what_an_environment_keeps() {
        use std::os::unix::fs::PermissionsExt as _;
        let scratch = Scratch::new("modes");
        scratch.environments.write(&environment("kwok")).unwrap();
        let mode =
            |path: &str| std::fs::metadata(scratch.path.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("kwok"), 0o700);
        assert_eq!(mode("kwok/environment.json"), 0o600);
    }
}
