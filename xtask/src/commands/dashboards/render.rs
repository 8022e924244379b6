//! `cargo xtask dashboards render`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use grafana::model;

use super::mixin::{self, Mixin, MixinArguments};
use super::nearest::nearest;
use super::output::replace;
use super::scene::SceneArguments;
use crate::context::Context;
use crate::ui::{Steps, Usage, path_in, print_result};

/// Draw dashboards into files, each complete in itself, from an environment in memory.
///
/// Nothing has to run. The environment is made for the purpose, at a fixed instant: the same seed gives the same bytes.
#[derive(Args)]
pub(super) struct Render {
    /// Which dashboards, by uid or by file [default: all of them]
    #[arg(value_name = "UID")]
    uids: Vec<String>,

    #[command(flatten)]
    mixin: MixinArguments,

    /// The folder for the files.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,

    /// A picture, which browsers show, or a page.
    #[arg(long, value_enum, default_value = "svg")]
    format: PictureFormat,

    #[command(flatten)]
    scene: SceneArguments,
}

/// The form of the files.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PictureFormat {
    Svg,
    Html,
}

impl Render {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let steps = Steps::new();
        let evaluation = Mixin::open(&self.mixin, context)?.evaluate();
        for remark in evaluation.remarks {
            steps.note(remark);
        }
        let dashboards = evaluation.result?;
        let chosen = self.choose(&dashboards)?;
        self.check_variables(&chosen)?;
        fs::create_dir_all(&self.out)
            .with_context(|| format!("failed to make {}", path_in(context.root(), &self.out)))?;
        let scene = self.scene.build(context, &steps)?;
        let mut written = String::new();
        for dashboard in chosen {
            let parsed = model::parse_text(&dashboard.text)?.dashboard;
            let mut errors = Vec::new();
            let extension = match self.format {
                PictureFormat::Svg => "svg",
                PictureFormat::Html => "html",
            };
            let file = self.out.join(format!("{}.{extension}", dashboard.uid));
            let shown = path_in(context.root(), &file);
            steps.run(
                &format!("draw {}", dashboard.uid),
                |_| {
                    let evaluated = scene.evaluate(&parsed, None);
                    errors.extend(evaluated.problems.iter().cloned());
                    for panel in &evaluated.panels {
                        let title = &panel.panel().title;
                        errors.extend(panel.errors().iter().map(|error| format!("{title}: {error}")));
                    }
                    let text = match self.format {
                        PictureFormat::Svg => scene.svg(&evaluated),
                        PictureFormat::Html => scene.html(&evaluated),
                    };
                    replace(&file, text.as_bytes()).with_context(|| format!("failed to write {shown}"))?;
                    anyhow::Ok(text.len())
                },
                |bytes| format!("{} panels, {} kB", dashboard.panels, bytes.div_ceil(1_000)),
            )?;
            for error in errors {
                steps.note(super::printable(&format!("{}: {error}", dashboard.uid)));
            }
            written.push_str(&shown);
            written.push('\n');
        }
        print_result(&written)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The dashboards that were asked for, in that order.
    fn choose<'d>(&self, dashboards: &'d [mixin::Dashboard]) -> anyhow::Result<Vec<&'d mixin::Dashboard>> {
        if self.uids.is_empty() {
            return Ok(dashboards.iter().collect());
        }
        let find = |name: &String| {
            let file = format!("{}.json", name.trim_end_matches(".json"));
            dashboards.iter().find(|one| one.uid == *name || one.file == file).ok_or_else(|| {
                let known = dashboards.iter().map(|dashboard| dashboard.uid.as_str());
                let remedy = match nearest(name, known) {
                    Some(near) => format!("did you mean {near}?"),
                    None => "`cargo xtask dashboards list` shows all of them".to_owned(),
                };
                Usage(format!("there is no dashboard {name:?}; {remedy}")).into()
            })
        };
        let mut chosen: Vec<&mixin::Dashboard> = Vec::new();
        for name in &self.uids {
            let dashboard = find(name).map_err(|error: anyhow::Error| error)?;
            if !chosen.iter().any(|one| one.uid == dashboard.uid) {
                chosen.push(dashboard);
            }
        }
        Ok(chosen)
    }

    /// A variable that none of the dashboards has is a slip of the pen.
    fn check_variables(&self, dashboards: &[&mixin::Dashboard]) -> anyhow::Result<()> {
        for name in self.scene.variables()?.keys() {
            let mut known = dashboards.iter().flat_map(|dashboard| &dashboard.variables).map(String::as_str);
            if known.clone().any(|one| one == name) {
                continue;
            }
            let remedy = nearest(name, known.by_ref())
                .map_or_else(String::new, |near| format!("; did you mean {near}?"));
            let text = format!("--var {name}: none of these dashboards has such a variable{remedy}");
            return Err(Usage(text).into());
        }
        Ok(())
    }
}
