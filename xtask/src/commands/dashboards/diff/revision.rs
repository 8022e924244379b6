//! Dashboards as they were: from a folder, or from a revision of git.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, anyhow};
use serde_json::Value;

use super::compare::Set;
use crate::ui::Usage;

/// Where the generated files are, from the workspace's root.
const GENERATED: &str = "dashboards/generated";

/// The dashboards of a folder with that name, or of a revision.
pub(super) fn dashboards_of(name: &str, root: &Path) -> anyhow::Result<Set> {
    let folder = Path::new(name);
    let files = if folder.is_dir() { in_folder(folder)? } else { in_revision(name, root)? };
    let mut set = Set::new();
    for (file, bytes) in files {
        let value: Value =
            serde_json::from_slice(&bytes).with_context(|| format!("{file} of {name} is no JSON"))?;
        let Some(uid) = value.get("uid").and_then(Value::as_str) else { continue };
        set.insert(uid.to_owned(), value);
    }
    if set.is_empty() {
        let place = if folder.is_dir() { name.to_owned() } else { format!("{name} ({GENERATED})") };
        return Err(Usage(format!("there are no dashboards in {place}")).into());
    }
    Ok(set)
}

type Files = Vec<(String, Vec<u8>)>;

fn in_folder(folder: &Path) -> anyhow::Result<Files> {
    let mut files = Files::new();
    for entry in fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") && path.is_file() {
            let bytes = fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
            files.push((path.display().to_string(), bytes));
        }
    }
    Ok(files)
}

fn in_revision(revision: &str, root: &Path) -> anyhow::Result<Files> {
    let unknown = || Usage(format!("{revision:?} is neither a folder nor a revision of this repository"));
    if revision.is_empty() || revision.starts_with('-') {
        return Err(unknown().into());
    }
    git(root, &["rev-parse", "--git-dir"])?
        .map_err(|_| Usage(format!("{} is in no git repository: give a folder instead", root.display())))?;
    let commit = git(
        root,
        &["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{revision}^{{commit}}")],
    )?
    .map_err(|_| unknown())?;
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    let listed = git(root, &["ls-tree", "-r", "-z", "--name-only", &commit, "--", GENERATED])?
        .map_err(|message| anyhow!("git cannot list {revision}: {message}"))?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let mut files = Files::new();
    for file in listed.split('\0').filter(|file| file.ends_with(".json")) {
        let bytes = git(root, &["show", &format!("{commit}:./{file}")])?
            .map_err(|message| anyhow!("git cannot show {file} of {revision}: {message}"))?;
        files.push((file.to_owned(), bytes));
    }
    Ok(files)
}

/// What git prints, or what it complains about. That there is no git is another matter.
fn git(root: &Path, arguments: &[&str]) -> anyhow::Result<Result<Vec<u8>, String>> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output();
    match output {
        Ok(output) if output.status.success() => Ok(Ok(output.stdout)),
        Ok(output) => Ok(Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(Usage("there is no git on this machine: give a folder instead of a revision".to_owned())
                .into())
        }
        Err(error) => Err(error).context("failed to run git"),
    }
}
