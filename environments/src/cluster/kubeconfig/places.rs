//! Which files kubectl reads and writes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The user's kubeconfig files, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places(Vec<PathBuf>);

impl Places {
    /// Those of `$KUBECONFIG`, a list as `$PATH` is, or `~/.kube/config` when it is not set or empty.
    pub fn new(kubeconfig: Option<&OsStr>, home: &Path) -> Self {
        let mut files = Vec::new();
        for file in kubeconfig.into_iter().flat_map(std::env::split_paths) {
            if !file.as_os_str().is_empty() && !files.contains(&file) {
                files.push(file);
            }
        }
        if files.is_empty() {
            files.push(home.join(".kube").join("config"));
        }
        Self(files)
    }

    /// All of them, the ones that win first.
    pub fn files(&self) -> &[PathBuf] {
        &self.0
    }

    /// Where something new goes: the first that exists, else the last.
    pub fn to_write(&self) -> PathBuf {
        let existing = self.0.iter().find(|file| file.exists());
        existing.or(self.0.last()).cloned().unwrap_or_default()
    }
}
