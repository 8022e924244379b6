//! `--changed-since`: the dashboards as they were in a revision of git.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use dashboard_rules::{Source, Subject};
use serde_json::Value;

use crate::context::Context;
use crate::ui::Usage;

/// Gives each dashboard what it was, and returns the files of those that are what they were.
pub(super) fn compare(
    subject: &mut Subject,
    revision: &str,
    context: &Context,
) -> anyhow::Result<Vec<String>> {
    let known = git(
        context.root(),
        &["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{revision}^{{commit}}")],
    )?;
    let Some(commit) = known else {
        return Err(Usage(format!("git knows no revision {revision:?}")).into());
    };
    let commit = commit.trim();
    let mut unchanged = Vec::new();
    for dashboard in &mut subject.dashboards {
        let file = match &dashboard.source {
            Source::Jsonnet { generated: Some((file, _)), .. } => context.root().join(file),
            Source::Json { .. } => PathBuf::from(&dashboard.file),
            _ => continue,
        };
        let file = if file.is_file() { file } else { context.root().join(&file) };
        let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else { continue };
        let folder = if folder == Path::new("") { Path::new(".") } else { folder };
        let object = format!("{commit}:./{}", name.to_string_lossy());
        // A file that was not there before is new.
        let Some(text) = git(folder, &["show", &object])? else { continue };
        let before: Option<Value> =
            grafana::import::read_text(text.as_bytes()).ok().map(|imported| imported.dashboard);
        if before.as_ref() == Some(&dashboard.value) {
            unchanged.push(dashboard.file.clone());
        }
        dashboard.before = before;
    }
    Ok(unchanged)
}

/// What git says; nothing where it fails.
fn git(folder: &Path, arguments: &[&str]) -> anyhow::Result<Option<String>> {
    let output = Command::new("git")
        .current_dir(folder)
        .args(arguments)
        .output()
        .context("failed to run git, which --changed-since needs")?;
    Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned()))
}
