//! `cargo xtask check-dashboards`.

mod live;
mod load;
mod mend;
mod revision;
mod self_test;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::{Args, ValueEnum};
use dashboard_rules::live::{LiveReport, Row};
use dashboard_rules::report::{self, Located, locate};
use dashboard_rules::{Check, Finding, Needs, Options, Report, Rule, Severity, Subject, judge, rules};
use grafana::model::PanelKind;

use self::live::{LiveArguments, ServerLost};
use crate::context::Context;
use crate::ui::{Steps, Table, Usage, print_result};

/// Judge dashboards: mistakes in the JSON, in panels, variables, queries, units and links, each with what to do.
///
///   cargo xtask check-dashboards
///   cargo xtask check-dashboards exported/ dashboard.json --deny warnings
///   cargo xtask check-dashboards vendor/mixin.libsonnet -J vendor
///   cargo xtask check-dashboards dashboard.json --fix
///   cargo xtask check-dashboards dashboard.json --prometheus http://localhost:9090
///   cargo xtask explain U01
///
/// Without a path it judges our own sources, with what their panels show in an environment in memory. JSON may have any form in which Grafana exports: classic, as the API
/// answers, v1 and v2 resources. Exit code: 0 no errors, 1 errors, 2 it could not judge.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct CheckDashboards {
    /// JSON files, folders of them, and Jsonnet files with grafanaDashboards [default: our own sources]
    paths: Vec<PathBuf>,

    /// Judge by the dashboards and the catalogue alone, without asking for data. The default where a path is given.
    #[arg(long = "static")]
    static_only: bool,

    #[command(flatten)]
    live: LiveArguments,

    /// How findings are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Mend in JSON files what has only one remedy. For Jsonnet the findings say what to write.
    #[arg(long)]
    fix: bool,

    /// Only this rule. Can be given several times.
    #[arg(long = "rule", value_name = "ID")]
    rules: Vec<String>,

    /// Fail on findings that are less bad than errors, too
    #[arg(long, value_enum, value_name = "LEVEL")]
    deny: Option<Deny>,

    /// Only dashboards that differ from this git revision; what must not change is compared with it
    #[arg(long, value_name = "REV")]
    changed_since: Option<String>,

    /// Where imports of Jsonnet files are looked for, after the file's own folder and before vendor/ beside it
    #[arg(short = 'J', long = "library", value_name = "FOLDER")]
    libraries: Vec<PathBuf>,

    /// Put mistakes into the dashboards, one at a time, and show how many of them the rules find
    #[arg(long, conflicts_with_all = ["fix", "rules", "deny", "changed_since"])]
    self_test: bool,

    /// How many mistakes of each kind --self-test makes [default: all that are possible]
    #[arg(long, value_name = "N", requires = "self_test")]
    most: Option<usize>,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Each with the guilty line and a mark under it, and a table in the end.
    #[default]
    Human,
    /// One object with all of them.
    Json,
    /// For code scanning.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// A table for a comment or a job's summary.
    Markdown,
}

/// From which severity on findings make the command fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Deny {
    /// Warnings and errors.
    Warnings,
    /// Everything.
    Infos,
}

impl CheckDashboards {
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        // The code 1 is for findings alone.
        self.judge(context).map_err(|error| match error.downcast::<Usage>() {
            Ok(usage) => usage.into(),
            Err(error) => Usage(format!("{error:#}")).into(),
        })
    }

    fn judge(self, context: &Context) -> anyhow::Result<ExitCode> {
        let live = self.live.wanted(self.paths.is_empty() && !self.self_test, self.static_only);
        let rules = self.rules(live)?;
        let mut options = Options { rules, threads: threads(), ..Options::default() };
        // For people the first ones will do; programs get all of them.
        if matches!(self.format, Format::Json | Format::Sarif) {
            options.most = usize::MAX;
        }
        let steps = Steps::new();
        let mut subject = steps.run(
            "read the dashboards",
            |_| load::load(&self.paths, &self.libraries, context),
            |subject| format!("{} dashboards, {} queries", subject.dashboards.len(), subject.queries()),
        )?;
        subject.today = Some(jiff::Zoned::now().date());
        if self.self_test {
            return self_test::run(&subject, self.most, threads(), &steps);
        }
        let unchanged = match &self.changed_since {
            Some(revision) => revision::compare(&mut subject, revision, context)?,
            None => Vec::new(),
        };
        if self.fix {
            mend::mend(&mut subject, &options, &steps)?;
        }
        // A server that was lost on the way takes only its own findings along.
        let mut lost = None;
        let mut seen = LiveReport::default();
        if live && options.rules.iter().any(|rule| rule.needs == Needs::Live) {
            match self.live.judge(&subject, &options.rules, threads(), context, &steps) {
                Ok(report) => seen = report,
                Err(error) => match error.downcast::<ServerLost>() {
                    Ok(reason) => lost = Some(reason),
                    Err(error) => return Err(error),
                },
            }
        }
        let elsewhere = std::mem::take(&mut seen.findings);
        let mut report = steps.run(
            "judge them",
            |_| anyhow::Ok(judge(&subject, &options, elsewhere)),
            |report| format!("{} findings", report.findings.len()),
        )?;
        report.broken.append(&mut seen.broken);
        report.findings.retain(|finding| !unchanged.contains(&finding.place.file));
        for broken in &report.broken {
            steps.note(broken);
        }
        print_result(&self.written(&subject, &report, &seen.rows))?;
        if let Some(ServerLost(reason)) = lost {
            let what = "what stands above is judged without answers";
            return Err(Usage(format!("--prometheus: {reason}; {what}")).into());
        }
        if !report.broken.is_empty() {
            return Ok(ExitCode::from(2));
        }
        let level = match self.deny {
            None => Severity::Error,
            Some(Deny::Warnings) => Severity::Warning,
            Some(Deny::Infos) => Severity::Info,
        };
        let fails = report.findings.iter().any(|finding| finding.severity >= level);
        Ok(if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    /// The rules that are looked for; `live` says whether there are answers to look at.
    fn rules(&self, live: bool) -> anyhow::Result<Vec<&'static Rule>> {
        if self.rules.is_empty() {
            return Ok(rules::all().filter(|rule| live || rule.needs != Needs::Live).collect());
        }
        let chosen: Vec<&'static Rule> =
            self.rules.iter().map(|id| find_rule(id)).collect::<Result<_, _>>()?;
        match chosen.iter().find(|rule| matches!(rule.check, Check::Look(_))) {
            Some(rule) if !live => {
                Err(Usage(format!("--rule {}: it looks at answers; add --live", rule.id)).into())
            }
            _ => Ok(chosen),
        }
    }

    fn written(&self, subject: &Subject, report: &Report, seen: &[Row]) -> String {
        let located = locate(subject, &report.findings);
        let as_text = |value: serde_json::Value| format!("{value:#}\n");
        match self.format {
            Format::Human => report::human(&located) + &summary(subject, &located, &report.suppressed, seen),
            Format::Json => as_text(report::json(&located)),
            Format::Sarif => as_text(report::sarif(&located, env!("CARGO_PKG_VERSION"))),
            Format::Github => report::github(&located),
            Format::Markdown => report::markdown(&located),
        }
    }
}

/// A title of a panel, which must not move the cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Judges our own dashboards, for `ci`. Shows on stdout what is wrong.
pub(crate) fn check_shipped(context: &Context) -> anyhow::Result<()> {
    let mut subject = load::load(&[], &[], context)?;
    subject.today = Some(jiff::Zoned::now().date());
    let options = Options { rules: rules::all().collect(), threads: threads(), ..Options::default() };
    let live = LiveArguments::default();
    let mut seen = live.judge(&subject, &options.rules, options.threads, context, &Steps::new())?;
    let mut report = judge(&subject, &options, std::mem::take(&mut seen.findings));
    report.broken.append(&mut seen.broken);
    let located = locate(&subject, &report.findings);
    print_result(&report::human(&located))?;
    anyhow::ensure!(report.broken.is_empty(), "{}", report.broken.join("\n"));
    anyhow::ensure!(report.findings.is_empty(), "check-dashboards has findings; they stand above");
    Ok(())
}

/// The rule of this id.
pub(super) fn find_rule(id: &str) -> Result<&'static Rule, Usage> {
    rules::find(id).ok_or_else(|| {
        let ids: Vec<&str> = rules::all().map(|rule| rule.id).collect();
        Usage(format!("there is no rule {id:?}; there are {}", ids.join(", ")))
    })
}

fn threads() -> usize {
    available_parallelism().map_or(1, NonZeroUsize::get)
}

/// What was judged and what came out, a line for each dashboard.
fn summary(subject: &Subject, located: &[Located<'_>], suppressed: &[Finding], seen: &[Row]) -> String {
    let mut table = Table::default();
    table.text_column("dashboard");
    for column in ["panels", "queries", "errors", "warnings", "infos"] {
        table.number_column(column);
    }
    // What was asked for: only where it was.
    let live = !seen.is_empty();
    if live {
        for column in ["looks", "asked", "series", "slowest"] {
            table.number_column(column);
        }
        table.text_column("");
    }
    let of_answers = |file: &str| -> Vec<String> {
        let row = seen.iter().find(|row| row.file == file);
        match row {
            None if live => vec![String::new(); 5],
            None => Vec::new(),
            Some(row) => {
                let counts = [row.looks, row.queries, row.series].map(|count| count.to_string());
                let (time, which) = match &row.slowest {
                    Some((time, which)) => (format!("{:.1} ms", time.as_secs_f64() * 1_000.0), which.clone()),
                    None => (String::new(), String::new()),
                };
                counts.into_iter().chain([time, printable(&which)]).collect()
            }
        }
    };
    let mut counts: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for one in located {
        let count = counts.entry(&one.finding.place.file).or_default();
        count[match one.finding.severity {
            Severity::Error => 0,
            Severity::Warning => 1,
            Severity::Info => 2,
        }] += 1;
    }
    let shown =
        |[errors, warnings, infos]: [usize; 3]| [errors, warnings, infos].map(|count| count.to_string());
    for dashboard in &subject.dashboards {
        let panels = dashboard.panels().filter(|(_, panel)| panel.kind != PanelKind::Row).count();
        let mut row = vec![dashboard.file.clone(), panels.to_string(), dashboard.queries.len().to_string()];
        row.extend(shown(counts.remove(dashboard.file.as_str()).unwrap_or_default()));
        row.extend(of_answers(&dashboard.file));
        table.row(row);
    }
    for (file, count) in counts {
        let mut row = vec![file.to_owned(), String::new(), String::new()];
        row.extend(shown(count));
        row.extend(of_answers(file));
        table.row(row);
    }
    let mut text = table.render();
    if !suppressed.is_empty() {
        text.push_str(&format!("\n{} findings are suppressed\n", suppressed.len()));
    }
    text
}
