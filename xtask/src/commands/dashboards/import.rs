//! `cargo xtask dashboards import`.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use grafana::import::source::{self, Library};
use grafana::import::{self, Adaptation, ImportError, Imported, LARGEST_TEXT};
use grafana::jsonnet::{Evaluator, Roots};
use grafana::model;
use serde_json::{Map, Value};

use super::difference::short_difference;
use super::mixin::{Broken, is_good_uid};
use super::output::replace;
use super::printable;
use crate::context::Context;
use crate::ui::{Steps, Usage, flaw_in, jsonnet_error, path_in, print_result};

/// Turn a dashboard made in Grafana into a source like those in dashboards/sources.
///
/// Takes what Grafana exports: the classic form, also as the API gives it, and v2 with a grid or rows. The source uses
/// the library where a panel is made of what it makes, and builds to the same dashboard: that is checked before
/// anything is written.
#[derive(Args)]
pub(super) struct Import {
    /// The file, or - for stdin.
    file: PathBuf,

    /// The folder for the source, or - for stdout [default: dashboards/sources]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,

    /// Its uid here: 8 to 40 of a-z, 0-9 and '-' [default: the one it has]
    #[arg(long)]
    uid: Option<String>,

    /// Replace a source that is there already.
    #[arg(long)]
    force: bool,

    /// Leave out what the classic form has no place for, instead of refusing.
    #[arg(long)]
    lossy: bool,
}

/// What an import made of a file.
struct Made {
    source: source::Source,
    imported: Imported,
    adaptations: Vec<Adaptation>,
}

/// How many of the things that were left out are told one by one.
const TOLD: usize = 20;

impl Import {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        if let Some(uid) = &self.uid
            && !is_good_uid(uid)
        {
            return Err(Usage(format!("--uid {uid:?}: use 8 to 40 of a-z, 0-9 and '-'")).into());
        }
        let steps = Steps::new();
        let shown = if self.file == Path::new("-") {
            "stdin".to_owned()
        } else {
            printable(&path_in(context.root(), &self.file))
        };
        let bytes = self.read()?;
        let ours = context.root().join("dashboards");
        let made = steps.run(
            &format!("import {shown}"),
            |_| self.make(&bytes, &shown, &ours, context),
            |made| format!("{}, {}", made.imported.origin, counted(&made.imported.dashboard)),
        )?;
        for adaptation in &made.adaptations {
            steps.note(printable(&adaptation.to_string()));
        }
        for dropped in made.imported.dropped.iter().take(TOLD) {
            steps.note(printable(&format!("left out: {dropped}")));
        }
        if self.out.as_deref() == Some(Path::new("-")) {
            print_result(&made.source.text(&index_from(&ours.join("sources"), &ours)))?;
            return Ok(ExitCode::SUCCESS);
        }
        let folder = self.out.clone().unwrap_or_else(|| ours.join("sources"));
        let file = folder.join(format!("{}.libsonnet", made.source.name));
        self.write(&file, &made.source.text(&index_from(&folder, &ours)), context)?;
        print_result(&format!("{}\n", path_in(context.root(), &file)))?;
        steps.note(next_step(&made.source.name, &folder, &ours));
        Ok(ExitCode::SUCCESS)
    }

    fn read(&self) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        // One more than is allowed, so that too much is seen.
        let limit = LARGEST_TEXT as u64 + 1;
        if self.file == Path::new("-") {
            std::io::stdin().take(limit).read_to_end(&mut bytes).context("failed to read stdin")?;
            return Ok(bytes);
        }
        let shown = self.file.display();
        let file = fs::File::open(&self.file).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Usage(format!("there is no file {shown}")).into(),
            _ => anyhow::Error::new(error).context(format!("failed to open {shown}")),
        })?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(Usage(format!("{shown} is a folder; give one file")).into());
        }
        file.take(limit).read_to_end(&mut bytes).with_context(|| format!("failed to read {shown}"))?;
        Ok(bytes)
    }

    fn make(&self, bytes: &[u8], shown: &str, ours: &Path, context: &Context) -> anyhow::Result<Made> {
        let broken = |message: &str| Broken::new(flaw_in(shown, &printable(message)));
        let refused = |error: ImportError| broken(&error.to_string());
        let mut imported = import::read_text(bytes).map_err(refused)?;
        if !imported.dropped.is_empty() && !self.lossy {
            return Err(broken(&losses(&imported)).into());
        }
        let adaptations = import::portable(&mut imported.dashboard).map_err(refused)?;
        let roots = Roots::new(ours, []).map_err(|error| Usage(error.to_string()))?;
        let library = Library::load(Evaluator::new(roots))
            .map_err(|error| Broken::new(jsonnet_error(&error, context.root())))?;
        let Value::Object(dashboard) = &mut imported.dashboard else {
            return Err(broken("the dashboard inside is no object").into());
        };
        let uid = self.uid_of(dashboard, library.uid_prefix()).map_err(|message| broken(&message))?;
        dashboard.insert("uid".to_owned(), uid.clone().into());
        let name = uid.strip_prefix(library.uid_prefix()).filter(|name| !name.is_empty()).unwrap_or(&uid);
        // Where the file lay says nothing to the next reader.
        let from = Path::new(shown).file_name().map_or(shown.into(), |name| name.to_string_lossy());
        let source = source::write(dashboard, name, &from, &library);
        let built =
            library.build(&source).map_err(|error| Broken::new(jsonnet_error(&error, context.root())))?;
        let (wanted, built) = (source::comparable(&imported.dashboard), source::comparable(&built));
        anyhow::ensure!(
            wanted == built,
            "the source would build to another dashboard, which should never happen; nothing was written:\n{}",
            short_difference(&wanted, &built, 10)
        );
        Ok(Made { source, imported, adaptations })
    }

    fn uid_of(&self, dashboard: &Map<String, Value>, prefix: &str) -> Result<String, String> {
        if let Some(uid) = &self.uid {
            return Ok(uid.clone());
        }
        let own = dashboard.get("uid").and_then(Value::as_str).unwrap_or_default();
        if is_good_uid(own) {
            return Ok(own.to_owned());
        }
        let title = dashboard.get("title").and_then(Value::as_str).unwrap_or_default();
        let choose = format!("choose one: --uid {}", suggested_uid(prefix, title));
        Err(if own.is_empty() {
            format!("the dashboard has no uid; {choose}")
        } else {
            format!("the uid {own:?} is not valid here: use 8 to 40 of a-z, 0-9 and '-'; {choose}")
        })
    }

    fn write(&self, file: &Path, text: &str, context: &Context) -> anyhow::Result<()> {
        let shown = path_in(context.root(), file);
        if file.exists() && !self.force {
            return Err(Broken::new(flaw_in(
                &shown,
                "this source is there already: --force replaces it, --uid and --out make another one",
            ))
            .into());
        }
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("failed to make {}", path_in(context.root(), folder)))?;
        }
        replace(file, text.as_bytes()).with_context(|| format!("failed to write {shown}"))
    }
}

fn losses(imported: &Imported) -> String {
    let mut text =
        "the classic form, from which the source is made, has no place for some of it (--lossy leaves it out):"
            .to_owned();
    for dropped in imported.dropped.iter().take(TOLD) {
        text.push_str(&format!(" {dropped};"));
    }
    let more = imported.dropped.len().saturating_sub(TOLD);
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text.trim_end_matches(';').to_owned()
}

/// How many panels and variables there are.
fn counted(dashboard: &Value) -> String {
    let Ok(parsed) = model::parse(dashboard) else { return "no panels".to_owned() };
    let panels = parsed.dashboard.all_panels().filter(|panel| panel.kind != model::PanelKind::Row).count();
    format!("{panels} panels, {} variables", parsed.dashboard.variables.len())
}

/// A uid that looks like the others: `k8s-otel-queue-depth`.
fn suggested_uid(prefix: &str, title: &str) -> String {
    let mut uid = prefix.to_owned();
    for word in title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if uid.len() + word.len() > 36 {
            break;
        }
        uid.push_str(&word.to_ascii_lowercase());
        uid.push('-');
    }
    let uid = uid.trim_end_matches('-').to_owned();
    if is_good_uid(&uid) && uid != prefix.trim_end_matches('-') { uid } else { format!("{prefix}imported") }
}

/// How a source in `folder` names the library: from there, where it lies beside it, else as found by `-J dashboards`.
fn index_from(folder: &Path, ours: &Path) -> String {
    const INDEX: &str = "lib/index.libsonnet";
    let absolute = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path));
    let inside = absolute(folder).ok().zip(absolute(ours).ok()).and_then(|(folder, ours)| {
        let inside = folder.strip_prefix(&ours).ok()?;
        inside
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
            .then(|| inside.components().count())
    });
    inside.map_or_else(|| INDEX.to_owned(), |depth| format!("{}{INDEX}", "../".repeat(depth)))
}

/// What is left to do by hand.
fn next_step(name: &str, folder: &Path, ours: &Path) -> String {
    let field = field_name(name);
    if index_from(folder, ours) == "../lib/index.libsonnet" && folder.ends_with("sources") {
        format!(
            "to build it, add a line to `sources` in mixin.libsonnet: {field}: import 'sources/{name}.libsonnet',"
        )
    } else {
        format!(
            "to build it: local {field} = import '{name}.libsonnet'; … '{name}.json': \
             {field}.dashboard($._config, {field}.queries, {field}.variables($._config)),"
        )
    }
}

/// `queue-depth` → `queueDepth`
fn field_name(name: &str) -> String {
    let mut words = name.split('-').filter(|word| !word.is_empty());
    let mut field = words.next().unwrap_or("imported").to_owned();
    for word in words {
        let (first, rest) = word.split_at(1);
        field.push_str(&first.to_ascii_uppercase());
        field.push_str(rest);
    }
    if field.starts_with(|first: char| first.is_ascii_digit()) { format!("dashboard{field}") } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_suggested_that_is_valid() {
        for (title, expected) in [
            ("Queue depth", "k8s-otel-queue-depth"),
            ("", "k8s-otel-imported"),
            ("日本", "k8s-otel-imported"),
            ("A title that is longer than any uid may be", "k8s-otel-a-title-that-is-longer-than"),
        ] {
            let uid = suggested_uid("k8s-otel-", title);
            assert_eq!(uid, expected);
            assert!(is_good_uid(&uid), "{uid}");
        }
    }

    #[test]
    fn names_of_fields_are_identifiers() {
        for (name, expected) in
            [("queue-depth", "queueDepth"), ("9-lives", "dashboard9Lives"), ("--", "imported")]
        {
            assert_eq!(field_name(name), expected);
        }
    }
}
