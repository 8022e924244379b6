//! `cargo xtask dashboards build`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;

use super::difference::short_difference;
use super::mixin::{Broken, Dashboard, Mixin, MixinArguments};
use super::output::{Change, LIST, Output, Plan};
use super::watch::Watched;
use crate::context::Context;
use crate::ui::{Steps, Table, Usage, print_result, report_error};

/// Write the dashboards as JSON, for Grafana. Only files that change are written.
///
/// A file of a dashboard that is no longer made is removed. Where the sources have an error, everything stays as it is.
#[derive(Args, Default)]
pub(super) struct Build {
    #[command(flatten)]
    mixin: MixinArguments,

    /// The folder for the files [default: dashboards/generated]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,

    /// Write nothing; fail and show what differs where a file is not what the sources give. For CI.
    #[arg(long, conflicts_with = "watch")]
    check: bool,

    /// Stay, and build again whenever a source is saved. Ctrl-C ends it.
    #[arg(long)]
    watch: bool,
}

/// What a build is made of.
struct Workshop {
    mixin: Mixin,
    output: Output,
    steps: Steps,
}

/// What a build gave.
struct Outcome {
    dashboards: Vec<Dashboard>,
    plan: Plan,
}

impl Build {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        if self.mixin.is_foreign() && self.out.is_none() {
            return Err(Usage(
                "--mixin needs --out FOLDER: dashboards/generated is for our own dashboards".to_owned(),
            )
            .into());
        }
        let folder = self.out.unwrap_or_else(|| context.root().join("dashboards/generated"));
        let workshop = Workshop {
            mixin: Mixin::open(&self.mixin, context)?,
            output: Output::new(folder, context.root()),
            steps: Steps::new(),
        };
        if self.watch {
            return workshop.watch();
        }
        if self.check {
            return workshop.check();
        }
        let outcome = workshop.build(&mut Watchlist::default(), Write::Changes)?;
        print_result(&outcome.table())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Checks that our own generated files are what the sources give. Shows on stdout what differs.
pub(crate) fn check_shipped(context: &Context) -> anyhow::Result<()> {
    let check = Build { check: true, ..Build::default() };
    let failed = match check.run(context) {
        Ok(code) => code != ExitCode::SUCCESS,
        Err(error) => match error.downcast::<Broken>() {
            Ok(broken) => {
                broken.show();
                true
            }
            Err(error) => return Err(error),
        },
    };
    anyhow::ensure!(!failed, "the generated dashboards are not what their sources give");
    Ok(())
}

/// Builds our own dashboards whenever one of their sources is saved, in a thread that ends with the process.
#[cfg(feature = "clusters")]
pub(crate) fn watch_shipped(context: &Context) -> anyhow::Result<()> {
    use anyhow::Context as _;
    let workshop = Workshop {
        mixin: Mixin::open(&MixinArguments::default(), context)?,
        output: Output::new(context.root().join("dashboards/generated"), context.root()),
        steps: Steps::new(),
    };
    let watching = move || {
        if let Err(error) = workshop.watch() {
            report_error(&error, false);
        }
    };
    std::thread::Builder::new()
        .name("dashboards".to_owned())
        .spawn(watching)
        .context("failed to start the thread that builds the dashboards")?;
    Ok(())
}

/// Whether files are touched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Write {
    Changes,
    Nothing,
}

/// The files of the latest evaluation. Filled also when it fails: these are the ones to be mended.
type Watchlist = std::collections::BTreeSet<PathBuf>;

/// How much of the differences `--check` shows: enough to see what kind they are.
const FILES_SHOWN: usize = 5;
const LINES_SHOWN: usize = 20;

impl Workshop {
    /// Evaluates the sources and compares the folder with them; brings it up to date if `write` says so.
    fn build(&self, sources: &mut Watchlist, write: Write) -> anyhow::Result<Outcome> {
        let mut remarks = Vec::new();
        let result = self.steps.run(
            if write == Write::Nothing { "check the dashboards" } else { "build the dashboards" },
            |_| {
                let evaluation = self.mixin.evaluate();
                *sources = evaluation.sources;
                remarks = evaluation.remarks;
                let dashboards = evaluation.result?;
                let plan = self.output.plan(&dashboards)?;
                if write == Write::Changes {
                    self.output.apply(&plan)?;
                }
                anyhow::Ok(Outcome { dashboards, plan })
            },
            Outcome::summary,
        );
        for remark in remarks {
            self.steps.note(remark);
        }
        let outcome = result?;
        if write == Write::Changes {
            for file in &outcome.plan.foreign {
                self.steps
                    .note(format!("left alone: {} is none of these dashboards", self.output.shown(file)));
            }
        }
        Ok(outcome)
    }

    fn check(&self) -> anyhow::Result<ExitCode> {
        let outcome = self.build(&mut Watchlist::default(), Write::Nothing)?;
        let mut text = String::new();
        for (number, file) in outcome.plan.changes().enumerate() {
            let what = match file.change {
                Change::New => "is missing",
                Change::Removed => "is no longer made",
                Change::Changed | Change::Unchanged => "differs",
            };
            text.push_str(&format!("{} {what}\n", self.output.shown(&file.name)));
            if file.change == Change::Changed && number < FILES_SHOWN {
                let before = String::from_utf8_lossy(&file.before);
                text.push_str(&short_difference(&before, &file.after, LINES_SHOWN));
            }
        }
        for file in &outcome.plan.foreign {
            text.push_str(&format!(
                "{} is none of these dashboards: remove it or move it elsewhere\n",
                self.output.shown(file)
            ));
        }
        if text.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        print_result(&text)?;
        if outcome.plan.changes().next().is_some() {
            self.steps.note("`cargo xtask dashboards build` brings the files up to date");
        }
        Ok(ExitCode::FAILURE)
    }

    fn watch(&self) -> anyhow::Result<ExitCode> {
        let mut told = 0;
        let mut watched = Watched::default();
        loop {
            let before = watched.now();
            let began = SystemTime::now();
            let mut sources = Watchlist::new();
            match self.build(&mut sources, Write::Changes) {
                Ok(outcome) => print_result(&outcome.changes(&self.output))?,
                Err(error) => {
                    match error.downcast::<Broken>() {
                        Ok(broken) => broken.show(),
                        Err(error) => _ = report_error(&error, false),
                    }
                    self.steps.note("the files stay as they were");
                }
            }
            if told != sources.len() {
                told = sources.len();
                self.steps.note(format!("watching {told} files; Ctrl-C ends it"));
            }
            watched = Watched::after(&before, &sources, began);
            watched.wait();
        }
    }
}

impl Outcome {
    /// One line.
    fn summary(&self) -> String {
        let changes = self.plan.changes().filter(|file| file.name != LIST).count();
        let panels: usize = self.dashboards.iter().map(|dashboard| dashboard.panels).sum();
        let differ = match changes {
            0 => "no file differs".to_owned(),
            1 => "1 file differed".to_owned(),
            changes => format!("{changes} files differed"),
        };
        format!("{} dashboards, {panels} panels, {differ}", self.dashboards.len())
    }

    /// Every dashboard, and what was removed.
    fn table(&self) -> String {
        let mut table = Table::default();
        table.text_column("dashboard");
        table.number_column("panels");
        table.number_column("bytes");
        table.text_column("change");
        // The plan begins with the dashboards, in their order.
        for (dashboard, file) in self.dashboards.iter().zip(&self.plan.files) {
            table.row(vec![
                dashboard.file.clone(),
                dashboard.panels.to_string(),
                dashboard.text.len().to_string(),
                file.change.shown().to_owned(),
            ]);
        }
        for file in self.plan.files.iter().filter(|file| file.change == Change::Removed) {
            let change = file.change.shown().to_owned();
            table.row(vec![file.name.clone(), String::new(), String::new(), change]);
        }
        table.render()
    }

    /// What changed, a line for each file.
    fn changes(&self, output: &Output) -> String {
        let dashboards = self.plan.changes().filter(|file| file.name != LIST);
        dashboards.map(|file| format!("{} {}\n", file.change.shown(), output.shown(&file.name))).collect()
    }
}
