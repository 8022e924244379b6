//! How other commands find a running environment: a small file of the user's, believed only when the environment answers.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is written down about a running environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunningEnvironment {
    /// Tells this environment from one that later took the same port.
    pub(crate) instance: String,
    /// The process that serves it.
    pub(crate) pid: u32,
    /// When it came up, by the machine's clock.
    pub(crate) since: Timestamp,
    /// The Prometheus API.
    pub(crate) api_url: String,
    /// The Summary API of every node.
    pub(crate) stats_url: String,
    /// The page for people.
    pub(crate) web_url: String,
}

/// The folder with one file for each environment of this user.
pub(crate) struct StateFolder {
    path: PathBuf,
}

/// How long a running environment may take to say that it is there.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

impl StateFolder {
    /// The folder in the user's state folder.
    pub(crate) fn of_user() -> anyhow::Result<Self> {
        use etcetera::BaseStrategy as _;
        let folders = etcetera::choose_base_strategy().context("failed to find the home folder")?;
        let state = folders.state_dir().unwrap_or_else(|| folders.cache_dir());
        Ok(Self { path: state.join("kubernetes-mixin-otel").join("embedded") })
    }

    /// Writes an environment down, readable by the user alone.
    pub(crate) fn write(&self, environment: &RunningEnvironment) -> anyhow::Result<()> {
        let path = self.file(environment);
        let context = || format!("failed to write the state file {}", path.display());
        std::fs::create_dir_all(&self.path).with_context(context)?;
        let text = serde_json::to_string_pretty(environment).with_context(context)?;
        let temporary = path.with_extension("new");
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(&temporary).with_context(context)?;
        file.write_all(text.as_bytes()).with_context(context)?;
        std::fs::rename(&temporary, &path).with_context(context)
    }

    /// Removes an environment's file.
    pub(crate) fn remove(&self, environment: &RunningEnvironment) {
        // Nothing depends on it: readers ask the environment itself.
        let _ = std::fs::remove_file(self.file(environment));
    }

    /// The environment that runs now; of several, the one that came up first. A file alone proves nothing: those whose
    /// environment does not answer are removed.
    pub(crate) fn running(&self) -> Option<RunningEnvironment> {
        let entries = std::fs::read_dir(&self.path).ok()?;
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let mut written: Vec<RunningEnvironment> = paths
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .filter_map(|path| serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok())
            .collect();
        written.sort_by_key(|environment| environment.since);
        written.into_iter().find(|environment| {
            let runs = answers(environment);
            if !runs {
                self.remove(environment);
            }
            runs
        })
    }

    fn file(&self, environment: &RunningEnvironment) -> PathBuf {
        self.path.join(format!("{}.json", environment.instance))
    }
}

/// Whether the environment itself says that it is this one.
fn answers(environment: &RunningEnvironment) -> bool {
    let url = format!("{}/api/environment", environment.web_url);
    let Ok(mut answer) = agent(ANSWER_TIMEOUT).get(url).call() else { return false };
    let Ok(text) = answer.body_mut().read_to_string() else { return false };
    serde_json::from_str::<serde_json::Value>(&text)
        .is_ok_and(|answered| answered["instance"] == environment.instance.as_str())
}

/// An HTTP client for our own servers: no redirects, no proxy, bounded time.
pub(crate) fn agent(timeout: Duration) -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .build()
        .new_agent()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> RunningEnvironment {
        RunningEnvironment {
            instance: "one".to_owned(),
            pid: 1,
            since: Timestamp::UNIX_EPOCH,
            api_url: "http://127.0.0.1:1".to_owned(),
            stats_url: "http://127.0.0.1:1".to_owned(),
            web_url: "http://127.0.0.1:1".to_owned(),
        }
    }

    /// A state folder that is removed in the end.
    struct Scratch(StateFolder);

    impl Scratch {
        fn new(name: &str) -> Self {
            let name = format!("kubernetes-mixin-otel-state-{}-{name}", std::process::id());
            Self(StateFolder { path: std::env::temp_dir().join(name) })
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0.path);
        }
    }

    #[test]
    fn an_environment_that_does_not_answer_does_not_run_and_is_forgotten() {
        let scratch = Scratch::new("silent");
        let folder = &scratch.0;
        assert_eq!(folder.running(), None);
        folder.write(&environment()).unwrap();
        assert!(folder.file(&environment()).exists());
        assert_eq!(folder.running(), None);
        assert!(!folder.file(&environment()).exists());
    }

    #[test]
    fn another_environments_file_is_left_alone() {
        let scratch = Scratch::new("other");
        let folder = &scratch.0;
        folder.write(&environment()).unwrap();
        folder.remove(&RunningEnvironment { instance: "two".to_owned(), ..environment() });
        assert!(folder.file(&environment()).exists());
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_readable_by_its_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let scratch = Scratch::new("mode");
        scratch.0.write(&environment()).unwrap();
        let path = scratch.0.file(&environment());
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
