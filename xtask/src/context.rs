//! What every command needs to know about where and how it runs.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Passed to each command instead of globals.
pub(crate) struct Context {
    root: PathBuf,
}

impl Context {
    /// Finds the workspace this program was built from.
    pub(crate) fn new() -> anyhow::Result<Self> {
        // Cargo sets the variable when it runs us; a binary that was copied or started by hand falls back to the place
        // where it was built.
        let manifest_dir = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root =
            manifest_dir.parent().context("failed to find the workspace: xtask has no parent folder")?;
        Ok(Self { root: root.to_owned() })
    }

    /// The workspace's folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}
