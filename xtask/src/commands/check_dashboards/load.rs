//! Finds and reads the dashboards that are to be judged.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use dashboard_rules::subject::read_text;
use dashboard_rules::{Dashboard, Source, Style, Subject, Suppression, Unreadable};
use grafana::import::LARGEST_TEXT;
use grafana::jsonnet::{ErrorKind, Evaluator, Roots};
use serde_json::Value;

use crate::context::Context;
use crate::ui::{Usage, path_in};

/// Deeper folders are not looked into.
const DEEPEST: usize = 16;

/// Gives all dashboards of a mixin, or of a file that is one or gives several, with what they suppress: that stands in
/// hidden fields.
const MIXIN: &str = r"
local value = import FILE;
local dashboards =
  if std.isObject(value) && std.objectHasAll(value, 'grafanaDashboards') then value.grafanaDashboards
  else if std.isObject(value) && (std.objectHas(value, 'panels') || std.objectHas(value, 'title')) then { [NAME]: value }
  else value;
local suppressed(object) = if std.isObject(object) && std.objectHasAll(object, 'suppressed') then object.suppressed else [];
local panels(object) =
  local own = if std.objectHas(object, 'panels') then object.panels else [];
  own + std.flattenArrays([panels(panel) for panel in own]);
assert std.isObject(dashboards) : 'expected grafanaDashboards: an object of dashboards by file name';
{
  [file]: {
    dashboard: dashboards[file],
    suppressed: suppressed(dashboards[file]) + (
      if std.isObject(dashboards[file])
      then [entry { panel: panel.id } for panel in panels(dashboards[file]) for entry in suppressed(panel)]
      else []
    ),
  }
  for file in std.objectFields(dashboards)
}
";

/// Reads what the paths name; our own sources where there are none.
pub(super) fn load(paths: &[PathBuf], libraries: &[PathBuf], context: &Context) -> anyhow::Result<Subject> {
    let mut loader = Loader { context, libraries, dashboards: Vec::new(), unreadable: Vec::new() };
    if paths.is_empty() {
        loader.mixin(&context.root().join("dashboards/mixin.libsonnet"))?;
    }
    for path in paths {
        loader.path(path)?;
    }
    let Loader { mut dashboards, unreadable, .. } = loader;
    if dashboards.is_empty() && unreadable.is_empty() {
        let list: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(Usage(format!("there is no dashboard in {}", list.join(", "))).into());
    }
    dashboards.sort_by(|a, b| a.file.cmp(&b.file));
    // A file that is named twice is judged once.
    dashboards.dedup_by(|a, b| a.file == b.file);
    let mut subject = Subject::new(dashboards);
    subject.unreadable = unreadable;
    if !paths.is_empty() && subject.dashboards.iter().any(|dashboard| dashboard.style == Style::House) {
        subject.elsewhere = shipped_beside(&subject, context);
    }
    Ok(subject)
}

/// Our shipped dashboards that are not among those that are judged: who judges one of them follows its links, too.
fn shipped_beside(subject: &Subject, context: &Context) -> Vec<Dashboard> {
    let mut loader = Loader { context, libraries: &[], dashboards: Vec::new(), unreadable: Vec::new() };
    // Whether these can be read is not what was asked.
    let _ = loader.folder(&context.root().join("dashboards/generated"), 0);
    let mut found = loader.dashboards;
    found.retain(|other| {
        let uid = other.model.uid.as_deref();
        uid.is_some_and(|uid| subject.with_uid(uid).next().is_none())
    });
    found
}

struct Loader<'a> {
    context: &'a Context,
    libraries: &'a [PathBuf],
    dashboards: Vec<Dashboard>,
    unreadable: Vec<Unreadable>,
}

impl Loader<'_> {
    fn path(&mut self, path: &Path) -> anyhow::Result<()> {
        let metadata =
            fs::metadata(path).map_err(|error| Usage(format!("cannot read {}: {error}", path.display())))?;
        if metadata.is_dir() {
            return self.folder(path, 0);
        }
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("jsonnet" | "libsonnet") => self.mixin(path),
            _ => self.file(path, true),
        }
    }

    /// Every JSON file in a folder and those inside it. Links to folders are not followed, so no ring of them matters.
    fn folder(&mut self, folder: &Path, depth: usize) -> anyhow::Result<()> {
        let entries = fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))?;
        let mut entries: Vec<_> = entries.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let name = entry.file_name();
            let hidden =
                name.to_string_lossy().starts_with('.') || name == "node_modules" || name == "target";
            let kind = entry.file_type()?;
            if kind.is_dir() && !hidden && depth < DEEPEST {
                self.folder(&path, depth + 1)?;
            } else if path.extension().is_some_and(|extension| extension == "json")
                && path.is_file()
                && !hidden
            {
                self.file(&path, false)?;
            }
        }
        Ok(())
    }

    /// A JSON file; one that was not named itself and is JSON of another kind is passed over.
    fn file(&mut self, path: &Path, named: bool) -> anyhow::Result<()> {
        let shown = path_in(self.context.root(), path);
        let file = fs::File::open(path).with_context(|| format!("failed to open {}", path.display()))?;
        let mut bytes = Vec::new();
        let read = file.take(LARGEST_TEXT as u64 + 1).read_to_end(&mut bytes);
        read.with_context(|| format!("failed to read {}", path.display()))?;
        let Ok(text) = String::from_utf8(bytes) else {
            let message = "it is no text in UTF-8".to_owned();
            self.unreadable.push(Unreadable { file: shown, message, line: None });
            return Ok(());
        };
        match read_text(shown, &text) {
            Ok(dashboard) => self.dashboards.push(dashboard.in_style(self.style(path))),
            // Broken text may have been meant as a dashboard, an empty file too.
            Err(unreadable) if named || unreadable.line.is_some() || text.trim().is_empty() => {
                self.unreadable.push(unreadable);
            }
            Err(_) => {}
        }
        Ok(())
    }

    fn style(&self, path: &Path) -> Style {
        let ours = self.context.root().join("dashboards").canonicalize();
        match (ours, path.canonicalize()) {
            (Ok(ours), Ok(path)) if path.starts_with(&ours) => Style::House,
            _ => Style::Any,
        }
    }

    fn mixin(&mut self, path: &Path) -> anyhow::Result<()> {
        let ours = self.context.root().join("dashboards");
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        // What jsonnet-bundler fetched lies beside the mixin, or beside the folder that it is in.
        let beside = [folder.join("vendor"), folder.join("../vendor"), ours.clone()];
        let beside = beside.into_iter().filter(|folder| folder.is_dir());
        let roots = Roots::new(folder, self.libraries.iter().cloned().chain(beside))
            .map_err(|error| Usage(error.to_string()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let quoted = |text: &str| Value::from(text).to_string();
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
        let snippet = MIXIN.replace("FILE", &quoted(&name)).replace("NAME", &quoted(&format!("{stem}.json")));
        let shown = path_in(self.context.root(), path);
        let outcome = Evaluator::new(roots).evaluate_snippet(&format!("<{shown}>"), &snippet);
        let found = match outcome.result {
            Ok(Value::Object(found)) => found,
            Ok(_) => serde_json::Map::new(),
            Err(error) => {
                let place = error.nearest_place();
                let file = place.and_then(|place| place.source.path.as_ref());
                let file = file.map_or(shown, |file| path_in(self.context.root(), file));
                let line = place.map(|place| (place.line(), place.column()));
                let mut message = error.message.clone();
                if error.kind == ErrorKind::Import {
                    message.push_str("; -J FOLDER names a folder in which imports are looked for as well");
                }
                self.unreadable.push(Unreadable { file, message, line });
                return Ok(());
            }
        };
        let style = self.style(path);
        let is_ours = path.canonicalize().ok() == ours.join("mixin.libsonnet").canonicalize().ok();
        for (file, mut entry) in found {
            let source = Source::Jsonnet {
                written: written(folder, &file, self.context.root()),
                generated: is_ours.then(|| {
                    let path = ours.join("generated").join(&file);
                    (path_in(self.context.root(), &path), fs::read_to_string(&path).ok().map(Arc::from))
                }),
            };
            match Dashboard::new(file, entry["dashboard"].take(), source) {
                Ok(mut dashboard) => {
                    let list = entry["suppressed"].as_array().into_iter().flatten();
                    dashboard.suppressions = list.map(|value| Suppression::read(value, None)).collect();
                    self.dashboards.push(dashboard.in_style(style));
                }
                Err(unreadable) => self.unreadable.push(unreadable),
            }
        }
        Ok(())
    }
}

/// The source of a dashboard: the Jsonnet file in `sources` or `dashboards` beside the mixin that has its name, or the
/// end of it behind a hyphen.
fn written(folder: &Path, file: &str, root: &Path) -> Option<(String, Arc<str>)> {
    let stem = file.strip_suffix(".json").unwrap_or(file);
    let mut ends: Vec<&str> = vec![stem];
    ends.extend(stem.match_indices('-').map(|(at, _)| &stem[at + 1..]));
    for end in ends {
        for folder_name in ["sources", "dashboards"] {
            for extension in ["libsonnet", "jsonnet"] {
                let path = folder.join(folder_name).join(format!("{end}.{extension}"));
                if let Ok(text) = fs::read_to_string(&path) {
                    return Some((path_in(root, &path), text.into()));
                }
            }
        }
    }
    None
}
