//! What every command needs to know about where and how it runs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ArgMatches;
use clap::parser::ValueSource;

/// Passed to each command instead of globals.
pub(crate) struct Context {
    root: PathBuf,
    given: BTreeSet<String>,
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
        Ok(Self { root: root.to_owned(), given: BTreeSet::new() })
    }

    /// With the flags that stand on the command line.
    pub(crate) fn with_flags(self, matches: &ArgMatches) -> Self {
        Self { given: given(matches), ..self }
    }

    /// The workspace's folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether a flag was given, rather than left at its default: `otlp_port`, as the field is called.
    pub(crate) fn was_given(&self, flag: &str) -> bool {
        self.given.contains(flag)
    }
}

/// The flags of the innermost command that the user has written.
fn given(matches: &ArgMatches) -> BTreeSet<String> {
    let mut innermost = matches;
    while let Some((_, inner)) = innermost.subcommand() {
        innermost = inner;
    }
    let written = |id: &clap::Id| innermost.value_source(id.as_str()) == Some(ValueSource::CommandLine);
    // A group of flags has an id too, and no value to ask for.
    let flags = innermost.ids().filter(|id| innermost.try_contains_id(id.as_str()).is_ok());
    flags.filter(|id| written(id)).map(|id| id.as_str().to_owned()).collect()
}
