//! How commands find the environments that run: a folder of the user's with a few small files for each.
//!
//! | file | what |
//! |---|---|
//! | `NAME.json` | where the environment answers, and the token for what changes it |
//! | `NAME.lock` | locked by the environment's process for as long as it lives; holds its pid |
//! | `NAME.log` | what a detached environment says, see [`super::LogFile`] |
//!
//! A file alone proves nothing: an environment runs when it answers and says that it is the one in the file. The lock
//! tells one that hangs, is only coming up or is about to end, from one that crashed: a lock ends with its process, whatever happens.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::environment::client::ask_status;
use crate::environment::{EnvironmentName, EnvironmentStatus, LogFile};
use crate::ui::Usage;

/// What is written down about a running environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunningEnvironment {
    /// What it is called.
    pub(crate) name: EnvironmentName,
    /// Tells this environment from one that later took the same port.
    pub(crate) instance: String,
    /// The process that serves it.
    pub(crate) pid: u32,
    /// When it came up, by the machine's clock.
    pub(crate) since: Timestamp,
    /// The page for people.
    pub(crate) web_url: String,
    /// The Prometheus API.
    pub(crate) api_url: String,
    /// Takes OTLP metrics.
    pub(crate) otlp_url: String,
    /// The Summary API of every node.
    pub(crate) stats_url: String,
    /// Opens what changes the environment.
    pub(crate) token: Secret,
    /// Whether it runs in the background and writes a log.
    pub(crate) detached: bool,
    /// The flags it was started with, to tell whether a second start asks for the same.
    pub(crate) flags: serde_json::Value,
}

/// A text that is written to the state file and shown nowhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// 32 bytes of the system's randomness, in hexadecimal.
    pub(crate) fn random() -> anyhow::Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).context("the system gave no random bytes")?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The text, to be sent or compared.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Whether an environment of some name runs.
#[derive(Debug)]
pub(crate) enum Presence {
    /// None does. What a crashed one left behind has been removed.
    Absent,
    /// It runs and answers.
    Running(Box<RunningEnvironment>, Box<EnvironmentStatus>),
    /// A process holds the name but does not answer: it comes up or ends just now, or it hangs.
    Silent {
        /// The process, where it could be found out.
        pid: Option<u32>,
        /// Whether it had come up, and was not told to end.
        came_up: bool,
    },
}

/// The name is ours until this is dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    _locked: File,
}

/// The folder with the files of this user's environments.
pub(crate) struct StateFolder {
    path: PathBuf,
}

/// How long a name may be held by somebody who only looks at it.
const LOOK_TIME: Duration = Duration::from_secs(2);

impl StateFolder {
    /// The folder in the user's state folder. It need not exist.
    pub(crate) fn of_user() -> anyhow::Result<Self> {
        Ok(Self { path: folder_of_user()?.join("embedded") })
    }

    /// Makes the folder, open to its user alone.
    pub(crate) fn create(&self) -> anyhow::Result<()> {
        create_private_folder(&self.path)
    }

    /// Where the log of a detached environment is.
    pub(crate) fn log(&self, name: &EnvironmentName) -> LogFile {
        LogFile::at(self.path.join(format!("{name}.log")))
    }

    /// Takes a name for this process; `None` when another process has it.
    pub(crate) fn hold(&self, name: &EnvironmentName) -> anyhow::Result<Option<Hold>> {
        self.create()?;
        lock(&self.file(name, "lock"), &std::process::id().to_string())
    }

    /// Writes an environment down, readable by the user alone.
    pub(crate) fn write(&self, environment: &RunningEnvironment) -> anyhow::Result<()> {
        self.create()?;
        let path = self.file(&environment.name, "json");
        let context = || format!("failed to write the state file {}", path.display());
        let text = serde_json::to_string_pretty(environment).with_context(context)?;
        let temporary = path.with_extension("new");
        let mut file = open_private(&temporary, true).with_context(context)?;
        file.write_all(text.as_bytes()).with_context(context)?;
        std::fs::rename(&temporary, &path).with_context(context)
    }

    /// Removes an environment's file, unless another has taken the name since.
    pub(crate) fn remove(&self, environment: &RunningEnvironment) {
        if self.read(&environment.name).is_some_and(|written| written.instance == environment.instance) {
            self.forget(&environment.name);
        }
    }

    /// Whether an environment of this name runs.
    pub(crate) fn look(&self, name: &EnvironmentName) -> Presence {
        let written = self.read(name);
        if let Some(environment) = &written
            && let Some(status) = ask_status(environment)
        {
            return Presence::Running(Box::new(environment.clone()), Box::new(status));
        }
        if self.is_held(name) {
            let pid = std::fs::read_to_string(self.file(name, "lock")).ok();
            let pid = pid.and_then(|pid| pid.trim().parse().ok());
            return Presence::Silent { pid, came_up: written.is_some() };
        }
        self.forget(name);
        Presence::Absent
    }

    /// The environment that is meant when `name` is given or not. Without one it is the usual one, or the only one
    /// that runs.
    pub(crate) fn find(&self, name: Option<&EnvironmentName>) -> anyhow::Result<(EnvironmentName, Presence)> {
        if let Some(name) = name {
            return Ok((name.clone(), self.look(name)));
        }
        let usual = EnvironmentName::default();
        let mut present = self.all();
        if let Some(at) = present.iter().position(|(name, _)| *name == usual) {
            return Ok(present.swap_remove(at));
        }
        match present.len() {
            0 => Ok((usual, Presence::Absent)),
            1 => Ok(present.swap_remove(0)),
            _ => {
                let names: Vec<String> = present.iter().map(|(name, _)| name.to_string()).collect();
                Err(Usage(format!("several environments run: choose one by --name {}", names.join(" or ")))
                    .into())
            }
        }
    }

    /// The environment that is meant, if it runs. One that was named and does not is an error.
    pub(crate) fn running(
        &self,
        name: Option<&EnvironmentName>,
    ) -> anyhow::Result<Option<RunningEnvironment>> {
        match self.find(name)? {
            (_, Presence::Running(environment, _)) => Ok(Some(*environment)),
            (found, Presence::Silent { pid, came_up }) => Err(silent(&found, pid, came_up)),
            (_, Presence::Absent) => match name {
                None => Ok(None),
                Some(name) => Err(Usage(format!(
                    "no environment named {name} runs: `cargo xtask status` shows those that do"
                ))
                .into()),
            },
        }
    }

    /// All environments that are there, by name.
    pub(crate) fn all(&self) -> Vec<(EnvironmentName, Presence)> {
        let entries = std::fs::read_dir(&self.path).into_iter().flatten();
        let stems = entries.filter_map(|entry| {
            let path = entry.ok()?.path();
            path.extension()
                .is_some_and(|extension| extension == "json" || extension == "lock")
                .then_some(())?;
            path.file_stem()?.to_str()?.parse::<EnvironmentName>().ok()
        });
        let names: std::collections::BTreeSet<_> = stems.collect();
        let looked = names.into_iter().map(|name| {
            let presence = self.look(&name);
            (name, presence)
        });
        looked.filter(|(_, presence)| !matches!(presence, Presence::Absent)).collect()
    }

    /// Whether a process has taken the name and lives.
    pub(crate) fn is_held(&self, name: &EnvironmentName) -> bool {
        is_locked(&self.file(name, "lock"))
    }

    fn read(&self, name: &EnvironmentName) -> Option<RunningEnvironment> {
        let mut text = String::new();
        File::open(self.file(name, "json")).ok()?.take(1 << 20).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok().filter(|written: &RunningEnvironment| written.name == *name)
    }

    fn forget(&self, name: &EnvironmentName) {
        // Nothing depends on it: readers ask the environment itself.
        let _ = std::fs::remove_file(self.file(name, "json"));
    }

    fn file(&self, name: &EnvironmentName, extension: &str) -> PathBuf {
        self.path.join(format!("{name}.{extension}"))
    }
}

/// Locks a file until what is returned is dropped, or this process ends; `None` when another process has it. What it says is for
/// people and messages only.
pub(crate) fn lock(path: &Path, says: &str) -> anyhow::Result<Option<Hold>> {
    let context = || format!("failed to lock {}", path.display());
    let mut file = open_private(path, false).with_context(context)?;
    // Those who look at it hold it for an instant.
    let patience = Instant::now() + LOOK_TIME;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if Instant::now() < patience => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => return Ok(None),
            // Some network file systems have no locks. What is lost is the certainty that nobody else starts.
            Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => break,
            Err(TryLockError::Error(error)) => return Err(error).with_context(context),
        }
    }
    let _ = file.set_len(0).and_then(|()| write!(file, "{says}"));
    Ok(Some(Hold { _locked: file }))
}

/// Whether a process that lives has locked a file.
pub(crate) fn is_locked(path: &Path) -> bool {
    // Opened for writing, as some systems want it for a lock, but never made.
    let file = File::options().read(true).write(true).open(path);
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// What to say about an environment that is there and does not answer.
pub(crate) fn silent(name: &EnvironmentName, pid: Option<u32>, came_up: bool) -> anyhow::Error {
    let process = pid.map_or_else(|| "its process".to_owned(), |pid| format!("process {pid}"));
    if came_up {
        anyhow::anyhow!(
            "{name} runs but does not answer, so it cannot be asked to end: end {process} yourself"
        )
    } else {
        anyhow::anyhow!("{name} ({process}) is coming up or ending: try again in a moment")
    }
}

/// Where our files are in the user's state folder.
pub(crate) fn folder_of_user() -> anyhow::Result<PathBuf> {
    use etcetera::BaseStrategy as _;
    let folders = etcetera::choose_base_strategy().context("failed to find the home folder")?;
    let state = folders.state_dir().unwrap_or_else(|| folders.cache_dir());
    Ok(state.join("kubernetes-mixin-otel"))
}

/// Makes a folder that is open to its user alone.
pub(crate) fn create_private_folder(path: &Path) -> anyhow::Result<()> {
    let context = || format!("failed to make the state folder {}", path.display());
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
        builder.mode(0o700).create(path).with_context(context)?;
        // It may be there from before, with another mode.
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).with_context(context)
    }
    #[cfg(not(unix))]
    builder.create(path).with_context(context)
}

/// Opens a file for writing that its user alone can read.
pub(crate) fn open_private(path: &Path, empty: bool) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(empty);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> RunningEnvironment {
        RunningEnvironment {
            name: EnvironmentName::default(),
            instance: "one".to_owned(),
            pid: 1,
            since: Timestamp::UNIX_EPOCH,
            web_url: "http://127.0.0.1:1".to_owned(),
            api_url: "http://127.0.0.1:1".to_owned(),
            otlp_url: "http://127.0.0.1:1".to_owned(),
            stats_url: "http://127.0.0.1:1".to_owned(),
            token: Secret::random().unwrap(),
            detached: false,
            flags: serde_json::Value::Null,
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
    fn an_environment_that_crashed_does_not_run_and_is_forgotten() {
        let scratch = Scratch::new("crashed");
        let (folder, environment) = (&scratch.0, environment());
        assert!(matches!(folder.look(&environment.name), Presence::Absent));
        folder.write(&environment).unwrap();
        assert!(folder.read(&environment.name).is_some());
        assert!(folder.running(None).unwrap().is_none());
        assert!(folder.read(&environment.name).is_none());
    }

    #[test]
    fn an_environment_that_holds_its_name_and_does_not_answer_is_not_forgotten() {
        let scratch = Scratch::new("silent");
        let (folder, environment) = (&scratch.0, environment());
        let hold = folder.hold(&environment.name).unwrap();
        assert!(hold.is_some());
        let own = Some(std::process::id());
        let Presence::Silent { pid, came_up: false } = folder.look(&environment.name) else { panic!() };
        assert_eq!(pid, own);
        folder.write(&environment).unwrap();
        assert!(matches!(folder.look(&environment.name), Presence::Silent { came_up: true, .. }));
        assert!(folder.hold(&environment.name).unwrap().is_none(), "the name was taken twice");
        assert!(folder.running(None).unwrap_err().to_string().contains("does not answer"));
        drop(hold);
        assert!(matches!(folder.look(&environment.name), Presence::Absent));
        assert!(folder.hold(&environment.name).unwrap().is_some());
    }

    #[test]
    fn a_state_file_that_cannot_be_read_is_stale() {
        let scratch = Scratch::new("garbage");
        let (folder, name) = (&scratch.0, EnvironmentName::default());
        folder.create().unwrap();
        for text in ["", "{", "[]", "\u{0}\u{1}", "{\"instance\":\"one\",\"pid\":1}"] {
            std::fs::write(folder.file(&name, "json"), text).unwrap();
            assert!(folder.running(None).unwrap().is_none(), "{text:?}");
            assert!(!folder.file(&name, "json").exists(), "{text:?}");
        }
    }

    #[test]
    fn a_successors_file_is_left_alone() {
        let scratch = Scratch::new("other");
        let (folder, environment) = (&scratch.0, environment());
        folder.write(&environment).unwrap();
        folder.remove(&RunningEnvironment { instance: "two".to_owned(), ..environment.clone() });
        assert_eq!(folder.read(&environment.name), Some(environment));
    }

    #[test]
    fn a_name_that_is_asked_for_and_not_there_is_an_error_and_without_one_there_is_just_nothing() {
        let scratch = Scratch::new("named");
        assert!(scratch.0.running(None).unwrap().is_none());
        let error = scratch.0.running(Some(&"second".parse().unwrap())).unwrap_err();
        assert!(error.downcast_ref::<Usage>().is_some() && error.to_string().contains("second"), "{error}");
    }

    #[test]
    fn of_several_environments_the_usual_one_is_meant_or_the_only_one() {
        let scratch = Scratch::new("several");
        let folder = &scratch.0;
        let name = |text: &str| text.parse::<EnvironmentName>().unwrap();
        let _first = folder.hold(&name("first")).unwrap();
        assert_eq!(folder.find(None).unwrap().0, name("first"));
        let second = folder.hold(&name("second")).unwrap();
        let error = folder.find(None).unwrap_err().to_string();
        assert!(error.contains("--name first or second"), "{error}");
        let _usual = folder.hold(&name("kwok")).unwrap();
        assert_eq!(folder.find(None).unwrap().0, name("kwok"));
        assert_eq!(folder.all().len(), 3);
        drop(second);
        assert_eq!(folder.all().len(), 2);
    }

    #[test]
    fn a_secret_is_long_new_each_time_and_not_shown() {
        let (one, two) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_eq!(one.reveal().len(), 64);
        assert_ne!(one, two);
        assert!(!format!("{one:?}").contains(&one.reveal()[..4]));
        assert!(http_guard::BearerToken::new(one.reveal()).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn the_files_are_readable_by_their_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let scratch = Scratch::new("mode");
        let (folder, environment) = (&scratch.0, environment());
        std::fs::create_dir_all(&folder.path).unwrap();
        let _hold = folder.hold(&environment.name).unwrap();
        folder.write(&environment).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.path), 0o700);
        assert_eq!(mode(&folder.file(&environment.name, "json")), 0o600);
        assert_eq!(mode(&folder.file(&environment.name, "lock")), 0o600);
    }
}
