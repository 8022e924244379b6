//! What has to be known to put everything back.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::file;

/// What was there before ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// Our context.
    pub(super) context: String,
    /// The current one before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) former: Option<String>,
    /// The file, if it came to be with our context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<PathBuf>,
}

impl Memory {
    pub(super) fn read(path: &Path) -> anyhow::Result<Option<Self>> {
        let Some(text) = file::read(path)? else { return Ok(None) };
        // One that cannot be read says nothing: the context is removed all the same.
        Ok(serde_json::from_str(&text).ok())
    }

    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self).context("the former context cannot be written down")?;
        file::write(path, &format!("{text}\n"))
    }

    pub(super) fn forget(path: &Path) -> anyhow::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{} cannot be removed", path.display()))
            }
            _ => Ok(()),
        }
    }
}
