//! Runs a script, case by case.

use std::collections::BTreeSet;

use labels::{Labels, METRIC_NAME};
use promql::ast::Expr;
use promql::{
    Engine, EngineOptions, MemoryStorage, ParseOptions, QueryError, QueryOutput, RangeQuery, Value,
};

use crate::class::{Class, classify};
use crate::compare;
use crate::pinned;
use crate::report::{CaseReport, FileReport, Report};
use crate::script::{self, Case, Command, Load, ScriptError, Text, Times, has_histogram};
use crate::series::Item;

/// How scripts are run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The engine's settings.
    pub engine: EngineOptions,
}

impl Default for Settings {
    /// As Prometheus runs its own scripts: metric names are removed at the end of a query.
    fn default() -> Self {
        Self { engine: EngineOptions { delayed_name_removal: true, ..EngineOptions::default() } }
    }
}

/// The distance between the steps when an instant case is run as a range query.
const MINUTE: i64 = 60_000;

/// Runs a script. `name` is the file's name without its extension.
///
/// # Errors
/// When the script cannot be read. Cases that fail are part of the report.
pub fn run_script(name: &str, text: &str, settings: &Settings) -> Result<FileReport, ScriptError> {
    let mut runner = Runner {
        engine: Engine::new(settings.engine.clone()),
        storage: MemoryStorage::new(),
        native: BTreeSet::new(),
    };
    let mut cases = Vec::new();
    for command in script::parse(text)? {
        match command {
            Command::Clear => {
                runner.storage.clear();
                runner.native.clear();
            }
            Command::Load(load) => runner.load(&load),
            Command::Eval(case) => cases.push(runner.case(name, &case)),
        }
    }
    Ok(FileReport { name: name.to_owned(), cases })
}

/// Runs scripts, given by their names and texts.
///
/// # Errors
/// When one of them cannot be read; says which.
pub fn run_scripts<'s>(
    scripts: impl IntoIterator<Item = (&'s str, &'s str)>,
    settings: &Settings,
) -> Result<Report, (String, ScriptError)> {
    let run = |(name, text): (&str, &str)| {
        run_script(name, text, settings).map_err(|error| (name.to_owned(), error))
    };
    Ok(Report { files: scripts.into_iter().map(run).collect::<Result<_, _>>()? })
}

struct Runner {
    engine: Engine,
    storage: MemoryStorage,
    /// The series with native histograms, which are not stored.
    native: BTreeSet<Labels>,
}

impl Runner {
    fn load(&mut self, load: &Load) {
        for series in &load.series {
            for (index, item) in series.items.iter().enumerate() {
                if let Item::Float(value) = item {
                    self.storage.insert(&series.labels, load.step * index as i64, *value);
                }
            }
            if has_histogram(series) {
                self.native.insert(series.labels.clone());
            }
            if load.with_native
                && let Some(base) = series.labels.metric_name().and_then(base_name)
            {
                let mut labels = series.labels.to_builder();
                labels.set(METRIC_NAME, base).remove("le");
                self.native.insert(labels.build());
            }
        }
    }

    fn case(&self, script: &str, case: &Case) -> CaseReport {
        let parsed = promql::parse(&case.query, ParseOptions { experimental: true });
        let class = classify(script, case, parsed.as_ref().ok(), &self.native);
        let mut report = CaseReport {
            line: case.line,
            query: case.query.clone(),
            class,
            result: Ok(()),
            as_range: None,
            pinned: None,
            remarks: None,
        };
        let expr = match parsed {
            Ok(expr) => expr,
            Err(error) => {
                report.result = match &case.failure {
                    // What the parser says is the parser's own.
                    Some(_) => Ok(()),
                    None => Err(format!("cannot be parsed: {error}")),
                };
                return report;
            }
        };
        let output = self.evaluate(case, &expr, case.times);
        report.result = check(case, &output);
        if let (Ok(output), false) = (&output, case.remarks.is_empty()) {
            report.remarks = Some(compare::remarks(case, &output.annotations));
        }
        if let (Ok(output), Times::Instant(at), None) = (&output, case.times, &case.failure) {
            let is_instant = matches!(output.value, Value::Vector(_) | Value::Scalar(_));
            if is_instant && !case.ordered && !depends_on_range(&case.query) {
                report.as_range = Some(self.as_range(case, &expr, at));
            }
            if class != Class::Native {
                report.pinned = self.pinned(case, &expr, at);
            }
        }
        report
    }

    fn evaluate(&self, case: &Case, expr: &Expr, times: Times) -> Result<QueryOutput, QueryError> {
        let engine = self.engine.with_text(&case.query);
        match times {
            Times::Instant(at) => engine.instant(&self.storage, expr, at, &|| None),
            Times::Range(start_ms, end_ms, step_ms) => {
                engine.range(&self.storage, expr, RangeQuery { start_ms, end_ms, step_ms }, &|| None)
            }
        }
    }

    /// The case as the middle step of a range query.
    fn as_range(&self, case: &Case, expr: &Expr, at: i64) -> Result<(), String> {
        let output = self.evaluate(case, expr, Times::Range(at - MINUTE, at + MINUTE, MINUTE));
        match output.map_err(|error| error.to_string())?.value {
            Value::Matrix(series) => compare::step(case, &series, at),
            other => Err(format!("expected samples over time, found {}", compare::Shown(&other))),
        }
    }

    /// The case at other times, with everything pinned to its own.
    fn pinned(&self, case: &Case, expr: &Expr, at: i64) -> Option<Result<(), String>> {
        let (expr, times) = pinned::pin(expr, at)?;
        let outcome = times.into_iter().try_for_each(|other| {
            let output = self.evaluate(case, &expr, Times::Instant(other));
            check(case, &output).map_err(|reason| format!("pinned to {at}, evaluated at {other}: {reason}"))
        });
        Some(outcome)
    }
}

fn check(case: &Case, output: &Result<QueryOutput, QueryError>) -> Result<(), String> {
    match (output, &case.failure) {
        (Ok(output), None) => compare::value(case, &output.value),
        (Ok(output), Some(_)) => Err(format!("expected an error, found {}", compare::Shown(&output.value))),
        (Err(error), None) => Err(format!("unexpected error: {error}")),
        (Err(error), Some(expected)) => accept(expected, &error.to_string()),
    }
}

fn accept(expected: &Text, message: &str) -> Result<(), String> {
    if expected.accepts(message) {
        Ok(())
    } else {
        Err(format!("expected the error {expected}, found {message}"))
    }
}

/// `start()`, `end()`, `range()` and `step()` mean something else in a range query.
fn depends_on_range(query: &str) -> bool {
    ["start()", "end()", "range()", "step()"].iter().any(|function| query.contains(function))
}

/// The name of the histogram that a series with this name is part of.
fn base_name(name: &str) -> Option<&str> {
    ["_bucket", "_count", "_sum"].iter().find_map(|suffix| name.strip_suffix(suffix))
}
