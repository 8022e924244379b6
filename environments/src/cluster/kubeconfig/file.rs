//! A file that is changed: locked as kubectl does it, replaced in one step.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// How long somebody else may hold the lock.
const LOCK: Duration = Duration::from_secs(5);
/// Between two tries.
const BETWEEN: Duration = Duration::from_millis(50);

/// The text of a file; `None` when there is none.
pub(super) fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// A file that nobody else changes who keeps to kubectl's locks.
pub(super) struct LockedFile {
    /// The file itself, where `path` is a symbolic link.
    target: PathBuf,
    text: Option<String>,
    lock: PathBuf,
}

impl LockedFile {
    /// Locks a file, which need not exist yet, and reads it.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        let mut lock = path.as_os_str().to_owned();
        lock.push(".lock");
        let lock = PathBuf::from(lock);
        let begun = Instant::now();
        loop {
            match OpenOptions::new().write(true).create_new(true).open(&lock) {
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::AlreadyExists && begun.elapsed() < LOCK => {
                    sleep(BETWEEN);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => anyhow::bail!(
                    "{} is locked: another program is changing it, or one was ended in the middle (then remove {})",
                    path.display(),
                    lock.display()
                ),
                Err(error) => {
                    return Err(error).with_context(|| format!("{} cannot be locked", path.display()));
                }
            }
        }
        // From here on the lock is let go, whatever happens.
        let mut locked = Self { target: followed(path), text: None, lock };
        locked.text = read(&locked.target)?;
        Ok(locked)
    }

    /// Its text; empty for a file that does not exist.
    pub(super) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    pub(super) fn is_new(&self) -> bool {
        self.text.is_none()
    }

    /// Replaces it. A file with the same text is not touched.
    pub(super) fn replace(&mut self, text: &str) -> anyhow::Result<()> {
        if self.text.as_deref() == Some(text) {
            return Ok(());
        }
        write(&self.target, text)?;
        self.text = Some(text.to_owned());
        Ok(())
    }

    /// Removes it.
    pub(super) fn remove(&mut self) -> anyhow::Result<()> {
        fs::remove_file(&self.target)
            .with_context(|| format!("{} cannot be removed", self.target.display()))?;
        self.text = None;
        Ok(())
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // Nobody could do anything about it.
        let _ = fs::remove_file(&self.lock);
    }
}

/// Writes a file in one step: who reads it sees the old text or the new one. It keeps its mode; a new one is its user's alone.
pub(super) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let failed = || format!("{} cannot be written", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(failed)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let beside = path.with_file_name(name);
    let written = (|| {
        // What is left of a run that was killed has no reader.
        let _ = fs::remove_file(&beside);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        only_for_its_user(&mut options);
        let mut file: File = options.open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        if let Ok(known) = fs::metadata(path) {
            fs::set_permissions(&beside, known.permissions())?;
        }
        fs::rename(&beside, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.with_context(failed)
}

#[cfg(unix)]
fn only_for_its_user(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn only_for_its_user(_: &mut OpenOptions) {}

/// The file behind symbolic links, also when it does not exist yet.
fn followed(path: &Path) -> PathBuf {
    let mut target = path.to_owned();
    // More links than a system follows are a circle: reading will say so.
    for _ in 0..40 {
        let Ok(link) = fs::read_link(&target) else { break };
        target = target.parent().map_or(link.clone(), |folder| folder.join(&link));
    }
    target
}
