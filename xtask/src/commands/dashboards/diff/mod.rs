//! `cargo xtask dashboards diff`.

mod compare;
mod html;
mod markdown;
mod revision;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use grafana::model;
use serde_json::Value;

use self::compare::{DashboardChange, Kind, Set, compare};
use super::mixin::{Mixin, MixinArguments};
use super::output::replace;
use super::scene::{Scene, SceneArguments};
use crate::context::Context;
use crate::ui::{Steps, path_in, print_result};

/// Show which dashboards and panels differ from a revision, with pictures before and after: for a pull request.
///
///   cargo xtask dashboards diff origin/main --out diff.html
///   cargo xtask dashboards diff HEAD~1 --format markdown --pictures pictures --out diff.md
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Diff {
    /// A revision of git, whose dashboards/generated is compared, or a folder of JSON files.
    #[arg(value_name = "REV")]
    since: String,

    #[command(flatten)]
    mixin: MixinArguments,

    /// A page for a browser, or text for a pull request.
    #[arg(long, value_enum, default_value = "html")]
    format: ReportFormat,

    /// The file [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Where Markdown's pictures go, which it cannot hold itself; without it there are none.
    #[arg(long, value_name = "FOLDER", conflicts_with = "no_pictures")]
    pictures: Option<PathBuf>,

    /// Only words: no environment is made.
    #[arg(long)]
    no_pictures: bool,

    #[command(flatten)]
    scene: SceneArguments,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    Html,
    Markdown,
}

/// What is told.
struct Report<'a> {
    since: &'a str,
    changes: Vec<DashboardChange<'a>>,
    pictures: Pictures,
}

/// Pictures as SVG.
#[derive(Default)]
struct Pictures {
    /// Of dashboards that are new, by uid.
    dashboards: BTreeMap<String, String>,
    /// Of panels, by uid and their place in the list of changes.
    panels: BTreeMap<(String, usize), BeforeAndAfter>,
}

/// Of one panel.
#[derive(Default)]
struct BeforeAndAfter {
    before: Option<String>,
    after: Option<String>,
}

impl Report<'_> {
    /// One sentence.
    fn summary(&self) -> String {
        if self.changes.is_empty() {
            return "No dashboard differs.".to_owned();
        }
        let count = |kind: Kind| self.changes.iter().filter(|change| change.kind() == kind).count();
        let panels: usize = self.changes.iter().map(|change| change.panels.len()).sum();
        let parts: Vec<String> = [Kind::Added, Kind::Removed, Kind::Changed]
            .into_iter()
            .filter(|kind| count(*kind) > 0)
            .map(|kind| format!("{} {}", count(kind), kind.word()))
            .collect();
        format!("Dashboards: {}. Panels that differ in them: {panels}.", parts.join(", "))
    }
}

impl Diff {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let steps = Steps::new();
        let before = revision::dashboards_of(&self.since, context.root())?;
        let evaluation = Mixin::open(&self.mixin, context)?.evaluate();
        for remark in evaluation.remarks {
            steps.note(remark);
        }
        let mut after = Set::new();
        for dashboard in evaluation.result? {
            let value: Value = serde_json::from_str(&dashboard.text).context("a dashboard is no JSON")?;
            after.insert(dashboard.uid, value);
        }
        let mut report =
            Report { since: &self.since, changes: compare(&before, &after), pictures: Pictures::default() };
        if self.wants_pictures() && !report.changes.is_empty() {
            let scene = self.scene.build(context, &steps)?;
            report.pictures = steps.run(
                "draw what differs",
                |_| anyhow::Ok(draw(&scene, &report.changes)),
                |pictures| format!("{} panels", pictures.panels.len()),
            )?;
        }
        let text = match self.format {
            ReportFormat::Html => html::page(&report),
            ReportFormat::Markdown => {
                let folder =
                    self.pictures.as_deref().map(|folder| self.write_pictures(folder, &report.pictures));
                markdown::text(&report, folder.transpose()?.as_deref())
            }
        };
        match &self.out {
            None => print_result(&text)?,
            Some(file) => {
                let shown = path_in(context.root(), file);
                replace(file, text.as_bytes()).with_context(|| format!("failed to write {shown}"))?;
                print_result(&format!("{shown}\n"))?;
            }
        }
        steps.note(report.summary());
        Ok(ExitCode::SUCCESS)
    }

    fn wants_pictures(&self) -> bool {
        !self.no_pictures && (self.format == ReportFormat::Html || self.pictures.is_some())
    }

    /// Writes the files, and answers how the text names their folder: as seen from its own.
    fn write_pictures(&self, folder: &Path, pictures: &Pictures) -> anyhow::Result<String> {
        let shown = folder.display();
        fs::create_dir_all(folder).with_context(|| format!("failed to make {shown}"))?;
        let write = |name: String, svg: &str| {
            replace(&folder.join(&name), svg.as_bytes())
                .with_context(|| format!("failed to write {name} in {shown}"))
        };
        for (uid, svg) in &pictures.dashboards {
            write(markdown::picture_name(uid, None, "after"), svg)?;
        }
        for ((uid, panel), pictures) in &pictures.panels {
            for (when, svg) in [("before", &pictures.before), ("after", &pictures.after)] {
                if let Some(svg) = svg {
                    write(markdown::picture_name(uid, Some(*panel), when), svg)?;
                }
            }
        }
        let beside = self.out.as_deref().and_then(Path::parent);
        let address = beside.and_then(|beside| folder.strip_prefix(beside).ok()).unwrap_or(folder);
        Ok(address.display().to_string().replace(' ', "%20"))
    }
}

fn draw(scene: &Scene, changes: &[DashboardChange<'_>]) -> Pictures {
    let mut pictures = Pictures::default();
    for change in changes {
        let uid = change.uid.to_owned();
        if change.before.is_none()
            && let Some(after) = change.after
            && let Ok(parsed) = model::parse(after)
        {
            let evaluated = scene.evaluate(&parsed.dashboard, None);
            pictures.dashboards.insert(uid.clone(), scene.svg(&evaluated));
        }
        let seen = |panel: &compare::PanelChange<'_>| panel.is_seen();
        let ids = |is_there: &dyn Fn(&compare::PanelChange<'_>) -> bool| -> BTreeMap<i64, usize> {
            let panels = change.panels.iter().enumerate().filter(|(_, panel)| seen(panel) && is_there(panel));
            panels.filter_map(|(i, panel)| Some((panel.id()?, i))).collect()
        };
        // A panel that has another number now is drawn as it is now only.
        let before_ids = change.panels.iter().enumerate().filter(|(_, panel)| seen(panel));
        let before_ids: BTreeMap<i64, usize> =
            before_ids.filter_map(|(i, panel)| Some((panel.before?.get("id")?.as_i64()?, i))).collect();
        for (i, svg) in draw_panels(scene, change.before, &before_ids) {
            pictures.panels.entry((uid.clone(), i)).or_default().before = Some(svg);
        }
        for (i, svg) in draw_panels(scene, change.after, &ids(&|panel| panel.after.is_some())) {
            pictures.panels.entry((uid.clone(), i)).or_default().after = Some(svg);
        }
    }
    pictures
}

/// The panels of these numbers, with what the numbers stand for.
fn draw_panels(scene: &Scene, dashboard: Option<&Value>, ids: &BTreeMap<i64, usize>) -> Vec<(usize, String)> {
    let Some(parsed) = dashboard.and_then(|dashboard| model::parse(dashboard).ok()) else {
        return Vec::new();
    };
    if ids.is_empty() {
        return Vec::new();
    }
    let only: BTreeSet<i64> = ids.keys().copied().collect();
    let evaluated = scene.evaluate(&parsed.dashboard, Some(only));
    let mut drawn = BTreeMap::new();
    for (i, panel) in evaluated.panels.iter().enumerate() {
        // Of the copies of a repeated panel the first one is enough.
        if let Some(place) = panel.panel().id.and_then(|id| ids.get(&id)) {
            drawn.entry(*place).or_insert_with(|| scene.panel_svg(&evaluated, i));
        }
    }
    drawn.into_iter().collect()
}
