//! `--fix`: writes the files that could be mended.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use dashboard_rules::{Options, Subject};

use crate::ui::Steps;

/// Mends the dashboards that are JSON files, and writes them. What Jsonnet makes is left for people.
pub(super) fn mend(subject: &mut Subject, options: &Options, steps: &Steps) -> anyhow::Result<()> {
    let mended = dashboard_rules::mend(subject, options);
    for file in &mended {
        write(Path::new(&file.file), &file.text)?;
        steps.note(format!("mended {}: {}", file.file, file.labels.join("; ")));
    }
    if mended.is_empty() {
        steps.note("nothing was mended: no finding in a JSON file has only one remedy");
    }
    Ok(())
}

/// Replaces a file as a whole, so that nobody ever sees half of it.
fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    // A link is written through, not replaced.
    let file = file.canonicalize().with_context(|| format!("failed to find {}", file.display()))?;
    let mut beside = file.clone().into_os_string();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, &file));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.with_context(|| format!("failed to write {}", file.display()))
}
