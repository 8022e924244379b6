//! A mixin: where its sources are, and the dashboards that it gives.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use grafana::dashboards::{self, Problem};
use grafana::json;
use grafana::jsonnet::{Evaluator, Roots};
use grafana::model::{self, PanelKind};

use super::printable;
use crate::context::Context;
use crate::ui::{Usage, flaw_in, jsonnet_error, path_in};

/// Which mixin a command is about.
#[derive(Args, Default)]
pub(super) struct MixinArguments {
    /// A Jsonnet file with grafanaDashboards [default: dashboards/mixin.libsonnet]
    #[arg(long, value_name = "FILE")]
    mixin: Option<PathBuf>,

    /// Where imports are looked for, after the file's own folder and dashboards/. Nothing outside these folders is read.
    /// Can be given several times.
    #[arg(short = 'J', long = "library", value_name = "FOLDER")]
    libraries: Vec<PathBuf>,
}

impl MixinArguments {
    /// Whether it is another one than ours.
    pub(super) fn is_foreign(&self) -> bool {
        self.mixin.is_some()
    }
}

/// A mixin that can be evaluated, again and again.
pub(super) struct Mixin {
    evaluator: Evaluator,
    /// Inside the evaluator's first root.
    file: PathBuf,
    /// As messages name it.
    shown: String,
    workspace: PathBuf,
}

/// What an evaluation gave.
pub(super) struct Evaluation {
    /// The dashboards, sorted by file.
    pub(super) result: Result<Vec<Dashboard>, Broken>,
    /// What is worth a word: `std.trace`, and what Grafana would ignore.
    pub(super) remarks: Vec<String>,
    /// A change of one of these can change the result.
    pub(super) sources: BTreeSet<PathBuf>,
}

/// A dashboard as users get it.
#[derive(Debug)]
pub(super) struct Dashboard {
    /// Its file's name.
    pub(super) file: String,
    pub(super) uid: String,
    pub(super) title: String,
    /// Without rows.
    pub(super) panels: usize,
    /// Their names, in the order in which they are shown.
    pub(super) variables: Vec<String>,
    /// The bytes of its file.
    pub(super) text: String,
}

/// Everything that is wrong with a mixin, as text with its places.
#[derive(Debug)]
pub(super) struct Broken(String);

impl Broken {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// Prints it.
    #[allow(clippy::print_stderr, reason = "an error of several lines, which the usual form cannot hold")]
    pub(super) fn show(&self) {
        eprintln!("{self}");
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Broken {}

/// How many properties that Grafana ignores are told; the sum is told in any case.
const DEVIATIONS_SHOWN: usize = 10;

impl Mixin {
    /// Finds the files; reads nothing yet.
    pub(super) fn open(arguments: &MixinArguments, context: &Context) -> anyhow::Result<Self> {
        let ours = context.root().join("dashboards");
        let file = arguments.mixin.clone().unwrap_or_else(|| ours.join("mixin.libsonnet"));
        if !file.is_file() {
            return Err(Usage(format!("there is no file {}", path_in(context.root(), &file))).into());
        }
        let folder = match file.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let libraries = [ours].into_iter().filter(|folder| folder.is_dir());
        let roots = Roots::new(&folder, libraries.chain(arguments.libraries.iter().cloned()))
            .map_err(|error| Usage(error.to_string()))?;
        let file_name = PathBuf::from(file.file_name().unwrap_or_default());
        Ok(Self {
            shown: path_in(context.root(), &roots.main().join(&file_name)),
            evaluator: Evaluator::new(roots),
            file: file_name,
            workspace: context.root().to_owned(),
        })
    }

    /// Evaluates the sources as they are now.
    pub(super) fn evaluate(&self) -> Evaluation {
        let built = dashboards::Dashboards::from_mixin(&self.evaluator, &self.file);
        let mut remarks: Vec<String> = Vec::new();
        for trace in &built.traces {
            let place = trace.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
            let lines: Vec<String> = trace.message.lines().map(printable).collect();
            remarks.push(format!("{place}{}", lines.join("\n   ")));
        }
        let result = match built.result {
            Ok(dashboards) => read(&dashboards, &mut remarks).map_err(|flaws| {
                let flaws: Vec<String> = flaws.iter().map(|flaw| self.located(flaw)).collect();
                Broken(flaws.join("\n"))
            }),
            Err(problems) => {
                let problems: Vec<String> = problems.iter().map(|problem| self.problem(problem)).collect();
                Err(Broken(problems.join("\n")))
            }
        };
        Evaluation { result, remarks, sources: built.files }
    }

    fn problem(&self, problem: &Problem) -> String {
        match problem {
            Problem::Jsonnet(error) => jsonnet_error(error, &self.workspace),
            other => self.located(&other.to_string()),
        }
    }

    /// Something that is wrong with a dashboard. Its value does not say where it was written, so the mixin is named.
    fn located(&self, flaw: &str) -> String {
        flaw_in(&self.shown, flaw)
    }
}

/// What each dashboard has; or what speaks against them, beyond what Grafana itself refuses.
fn read(
    dashboards: &dashboards::Dashboards,
    remarks: &mut Vec<String>,
) -> Result<Vec<Dashboard>, Vec<String>> {
    let mut read = Vec::with_capacity(dashboards.len());
    let mut flaws = Vec::new();
    let mut deviations = Vec::new();
    let mut by_title: BTreeMap<String, &str> = BTreeMap::new();
    for (file, value) in dashboards.iter() {
        let parsed = match model::parse(value) {
            Ok(parsed) => parsed,
            Err(error) => {
                flaws.push(format!("{file}: {error}"));
                continue;
            }
        };
        deviations
            .extend(parsed.deviations.iter().map(|deviation| printable(&format!("{file}: {deviation}"))));
        let dashboard = parsed.dashboard;
        let uid = dashboard.uid.clone().unwrap_or_default();
        if !is_good_uid(&uid) {
            flaws.push(format!(
                "the uid {uid:?} of {file} ({}) is not valid: use 8 to 40 of a-z, 0-9 and '-'",
                dashboard.title
            ));
        }
        if dashboard.title.is_empty() {
            flaws.push(format!("{file} has no title"));
        } else if let Some(first) = by_title.insert(dashboard.title.clone(), file) {
            flaws.push(format!("{first} and {file} have the same title {:?}", dashboard.title));
        }
        read.push(Dashboard {
            file: file.to_owned(),
            uid,
            panels: dashboard.all_panels().filter(|panel| panel.kind != PanelKind::Row).count(),
            variables: dashboard.variables.iter().map(|variable| variable.name.clone()).collect(),
            title: dashboard.title,
            text: json::canonical(value),
        });
    }
    let left_out = deviations.len().saturating_sub(DEVIATIONS_SHOWN);
    remarks.extend(deviations.into_iter().take(DEVIATIONS_SHOWN));
    if left_out > 0 {
        remarks.push(format!("and {left_out} more of that kind"));
    }
    if flaws.is_empty() { Ok(read) } else { Err(flaws) }
}

/// Grafana takes less than 8 characters and capitals too. Short ones meet those of other people's dashboards, and
/// some of Grafana's databases do not tell capitals from small letters.
pub(super) fn is_good_uid(uid: &str) -> bool {
    (8..=40).contains(&uid.len())
        && uid.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn flaws(values: serde_json::Value) -> Vec<String> {
        let serde_json::Value::Object(values) = values else { panic!("an object") };
        read(&dashboards::Dashboards::from_json(values).unwrap(), &mut Vec::new())
            .map(|dashboards| panic!("{dashboards:?}"))
            .unwrap_err()
    }

    #[test]
    fn a_uid_has_8_to_40_small_letters_digits_and_hyphens() {
        for uid in ["k8s-otel-pod", "12345678", &"a".repeat(40)] {
            assert!(is_good_uid(uid), "{uid}");
        }
        for uid in ["", "k8s-pod", "K8s-otel-pod", "k8s_otel_pod", "k8s.otel.pod", &"a".repeat(41)] {
            assert!(!is_good_uid(uid), "{uid}");
        }
    }

    #[test]
    fn all_flaws_are_told_at_once_with_the_dashboards_that_have_them() {
        let found = flaws(json!({
            "a.json": { "uid": "a", "title": "Same", "panels": [] },
            "b.json": { "uid": "b-dashboard", "title": "Same", "panels": [] },
            "c.json": { "uid": "c-dashboard", "panels": [] },
        }));
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("\"a\" of a.json (Same)"), "{found:?}");
        assert!(found[1].contains("a.json and b.json have the same title \"Same\""), "{found:?}");
        assert_eq!(found[2], "c.json has no title");
    }

    #[test]
    fn panels_are_counted_without_rows_also_where_they_are_folded() {
        let value = json!({ "uid": "a-dashboard", "title": "A", "schemaVersion": 42, "panels": [
            { "type": "row", "panels": [{ "type": "stat" }, { "type": "table" }] }, { "type": "text" },
        ]});
        let dashboards = dashboards::Dashboards::from_json([("a.json".to_owned(), value)]).unwrap();
        assert_eq!(read(&dashboards, &mut Vec::new()).unwrap()[0].panels, 3);
    }

    #[test]
    fn what_grafana_would_ignore_is_remarked_up_to_a_bound() {
        let mut value = json!({ "uid": "a-dashboard", "title": "A", "panels": [] });
        for number in 0..50 {
            value[format!("nonsense{number}")] = json!(1);
        }
        let dashboards = dashboards::Dashboards::from_json([("a.json".to_owned(), value)]).unwrap();
        let mut remarks = Vec::new();
        read(&dashboards, &mut remarks).unwrap();
        assert_eq!(remarks.len(), DEVIATIONS_SHOWN + 1);
        assert!(
            remarks[0].starts_with("a.json: ") && remarks[DEVIATIONS_SHOWN].starts_with("and "),
            "{remarks:?}"
        );
    }
}
