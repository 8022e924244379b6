//! The folder of generated files: what a build would change in it, and doing so.
//!
//! A folder may hold other people's files as well. What a build wrote is listed in [`LIST`], and only what is listed
//! there is ever replaced or removed.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::mixin::Dashboard;
use crate::ui::path_in;

/// The file in which a build writes down what it has written.
pub(super) const LIST: &str = "FILES";

const LIST_HEAD: &str =
    "# Written by `cargo xtask dashboards build`, which removes what it no longer makes. Do not edit.\n";

/// A folder for generated files.
pub(super) struct Output {
    folder: PathBuf,
    workspace: PathBuf,
}

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    New,
    Changed,
    Unchanged,
    Removed,
}

impl Change {
    /// For a table: only what happens is worth a word.
    pub(super) fn shown(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Unchanged => "",
            Self::Removed => "removed",
        }
    }
}

/// A file that a build makes or removes.
pub(super) struct PlannedFile {
    pub(super) name: String,
    pub(super) change: Change,
    /// What the file says now.
    pub(super) before: Vec<u8>,
    /// What it is to say.
    pub(super) after: String,
}

/// What a build changes.
pub(super) struct Plan {
    /// The dashboards in their order, then what is removed, then the list.
    pub(super) files: Vec<PlannedFile>,
    /// Other dashboards in the folder: not ours to touch.
    pub(super) foreign: Vec<String>,
}

impl Plan {
    /// The files that do not stay as they are.
    pub(super) fn changes(&self) -> impl Iterator<Item = &PlannedFile> {
        self.files.iter().filter(|file| file.change != Change::Unchanged)
    }
}

impl Output {
    pub(super) fn new(folder: PathBuf, workspace: &Path) -> Self {
        Self { folder, workspace: workspace.to_owned() }
    }

    /// As messages name a file of it.
    pub(super) fn shown(&self, file: &str) -> String {
        path_in(&self.workspace, &self.folder.join(file))
    }

    /// Compares the folder with what is to be in it. Changes nothing.
    pub(super) fn plan(&self, dashboards: &[Dashboard]) -> anyhow::Result<Plan> {
        let listed = self.listed()?;
        let mut files = Vec::with_capacity(dashboards.len() + 1);
        for dashboard in dashboards {
            files.push(self.planned(&dashboard.file, dashboard.text.clone())?);
        }
        if let Some(file) =
            files.iter().find(|file| file.change == Change::Changed && !listed.contains(&file.name))
        {
            bail!(
                "{} exists and was not written by this command: move it away, or build into another folder",
                self.shown(&file.name)
            );
        }
        let made: BTreeSet<&str> = dashboards.iter().map(|dashboard| dashboard.file.as_str()).collect();
        let mut foreign = Vec::new();
        for name in self.json_files()? {
            if made.contains(name.as_str()) {
                continue;
            }
            if listed.contains(&name) {
                let before = self.read(&name)?.unwrap_or_default();
                files.push(PlannedFile { name, change: Change::Removed, before, after: String::new() });
            } else {
                foreign.push(name);
            }
        }
        let names: String = made.iter().map(|name| format!("{name}\n")).collect();
        files.push(self.planned(LIST, format!("{LIST_HEAD}{names}"))?);
        Ok(Plan { files, foreign })
    }

    /// Does what was planned. A file is replaced as a whole or not at all.
    pub(super) fn apply(&self, plan: &Plan) -> anyhow::Result<()> {
        for file in plan.changes() {
            let path = self.folder.join(&file.name);
            match file.change {
                Change::Unchanged => {}
                Change::Removed => fs::remove_file(&path)
                    .with_context(|| format!("failed to remove {}", self.shown(&file.name)))?,
                Change::New | Change::Changed => fs::create_dir_all(&self.folder)
                    .and_then(|()| replace(&path, file.after.as_bytes()))
                    .with_context(|| format!("failed to write {}", self.shown(&file.name)))?,
            }
        }
        Ok(())
    }

    fn planned(&self, name: &str, after: String) -> anyhow::Result<PlannedFile> {
        let before = self.read(name)?;
        let change = match &before {
            None => Change::New,
            Some(before) if before == after.as_bytes() => Change::Unchanged,
            Some(_) => Change::Changed,
        };
        Ok(PlannedFile { name: name.to_owned(), change, before: before.unwrap_or_default(), after })
    }

    /// A file's bytes; nothing where there is none.
    fn read(&self, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
        match fs::read(self.folder.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("failed to read {}", self.shown(name))),
        }
    }

    /// What earlier builds wrote.
    fn listed(&self) -> anyhow::Result<BTreeSet<String>> {
        let text = self.read(LIST)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        Ok(text.lines().filter(|line| is_plain_json_name(line)).map(str::to_owned).collect())
    }

    /// The names of all `*.json`, sorted.
    fn json_files(&self) -> anyhow::Result<BTreeSet<String>> {
        let context = || format!("failed to list {}", path_in(&self.workspace, &self.folder));
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
            entries => entries.with_context(context)?,
        };
        let mut names = BTreeSet::new();
        for entry in entries {
            let name = entry.with_context(context)?.file_name().to_string_lossy().into_owned();
            if is_plain_json_name(&name) {
                names.insert(name);
            }
        }
        Ok(names)
    }
}

/// Whether a line of the list, which anybody can edit, names a file in the folder itself.
fn is_plain_json_name(name: &str) -> bool {
    name.ends_with(".json") && !name.starts_with('.') && !name.contains(['/', '\\', ':'])
}

/// Writes beside the file and renames, so that nobody ever reads half a dashboard.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // Nothing better can be done than to try.
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_in_the_list_are_taken_for_files_of_ours() {
        assert!(is_plain_json_name("k8s-otel-pod.json"));
        for name in
            ["", "../a.json", "/a.json", "a/b.json", "a\\b.json", "C:a.json", ".a.json", "a.yaml", "# a"]
        {
            assert!(!is_plain_json_name(name), "{name}");
        }
    }
}
