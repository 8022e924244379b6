//! What the variables of a dashboard stand for.

use std::collections::BTreeSet;

use grafana::interval::TimeRange;
use grafana::model::{Variable, VariableKind, VariableOption};
use grafana::prometheus::Series;
use grafana::variables::{
    ALL, QueryError, State, Style, Values, VariableQuery, options_from, own_options, parse_query,
    query_result_line, references, resolution_order,
};
use labels::METRIC_NAME;
use regex::Regex;

use crate::metrics::{MetricsError, Selection};
use crate::request::{Chosen, Source};

/// A variable with its options and what is chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluatedVariable<'d> {
    /// As the dashboard has it.
    pub variable: &'d Variable,
    /// The query as it was sent, of variables that ask.
    pub query: Option<String>,
    /// Why it has no options.
    pub error: Option<VariableError>,
}

/// Why a variable has no options.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// Its query cannot be asked.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Its query was not answered.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
}

/// Gives every variable its options and its value, each after those that it needs. `values` gets the states.
pub(crate) fn resolve<'d>(
    variables: &'d [Variable],
    chosen: &Chosen,
    range: TimeRange,
    source: &Source<'_>,
    values: &mut Values,
    problems: &mut Vec<String>,
) -> Vec<EvaluatedVariable<'d>> {
    let order = resolution_order(variables).unwrap_or_else(|cycle| {
        problems.push(cycle.to_string());
        (0..variables.len()).collect()
    });
    let affected = dependents(variables, &order, chosen.changed.as_deref());
    let mut evaluated: Vec<Option<EvaluatedVariable<'d>>> = variables.iter().map(|_| None).collect();
    for index in order {
        let variable = &variables[index];
        let selected = chosen.values.get(&variable.name).map(Vec::as_slice);
        let typed = selected.and_then(|selected| selected.first()).map(String::as_str);
        let (query, options) = match own_options(variable, range, typed) {
            Some(options) => (None, Ok(options)),
            None => asked_options(variable, range, source, values),
        };
        let (options, error) = match options {
            Ok(options) => (options, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let still_there: Option<Vec<String>> = selected.map(|selected| {
            let counts = |value: &&String| {
                !affected.contains(variable.name.as_str())
                    || *value == ALL
                    || options.iter().any(|option| option.value == **value || option.text == **value)
            };
            selected.iter().filter(counts).cloned().collect()
        });
        values.insert(State::new(variable, options, still_there.as_deref()));
        evaluated[index] = Some(EvaluatedVariable { variable, query, error });
    }
    evaluated.into_iter().flatten().collect()
}

/// The variables whose values depend on `changed`, directly or through others.
fn dependents<'d>(variables: &'d [Variable], order: &[usize], changed: Option<&str>) -> BTreeSet<&'d str> {
    let mut affected = BTreeSet::new();
    let Some(changed) = changed else { return affected };
    for variable in order.iter().map(|index| &variables[*index]) {
        let VariableKind::Query { query, regex, .. } = &variable.kind else { continue };
        let mut needs = references(query).chain(references(regex)).map(|reference| reference.name);
        if variable.name != changed && needs.any(|name| name == changed || affected.contains(name)) {
            affected.insert(variable.name.as_str());
        }
    }
    affected
}

type Options = Result<Vec<VariableOption>, VariableError>;

/// The options of a variable that asks the data source, or for data sources.
fn asked_options(
    variable: &Variable,
    range: TimeRange,
    source: &Source<'_>,
    values: &Values,
) -> (Option<String>, Options) {
    match &variable.kind {
        VariableKind::Query { query, regex, sort, .. } => {
            let query = values.interpolate(query, Style::Prometheus);
            let regex = values.interpolate(regex, Style::Glob);
            let options = ask(&query, range, source)
                .and_then(|texts| options_from(texts, &regex, *sort).map_err(VariableError::from));
            (Some(query), options)
        }
        VariableKind::DataSource { query, regex } => (None, data_sources(query, regex, source)),
        _ => (None, Ok(Vec::new())),
    }
}

fn ask(query: &str, range: TimeRange, source: &Source<'_>) -> Result<Vec<String>, VariableError> {
    let Source { metrics, interrupt, .. } = *source;
    let selection = |selectors: Vec<String>| Selection { selectors, range };
    let all_metrics = || metrics.label_values(METRIC_NAME, &selection(Vec::new()), interrupt);
    Ok(match parse_query(query)? {
        VariableQuery::LabelNames { metric: None } => {
            metrics.label_names(&selection(Vec::new()), interrupt)?
        }
        VariableQuery::LabelNames { metric: Some(part) } => {
            let selector = format!("{{{METRIC_NAME}=~{:?}}}", format!(".*{part}.*"));
            metrics.label_names(&selection(vec![selector]), interrupt)?
        }
        VariableQuery::LabelValues { selector, label } => {
            metrics.label_values(&label, &selection(selector.into_iter().collect()), interrupt)?
        }
        VariableQuery::Metrics { pattern } => {
            let regex = Regex::new(&pattern)
                .map_err(|error| QueryError::Regex { pattern, message: error.to_string() })?;
            all_metrics()?.into_iter().filter(|name| regex.is_match(name)).collect()
        }
        VariableQuery::QueryResult { query } => {
            let answer = metrics.instant(&query, range.to_ms, interrupt)?;
            answer.series.iter().flat_map(lines).collect()
        }
        VariableQuery::Series { selector } => {
            let series = metrics.series(&selection(vec![selector]), interrupt)?;
            series.iter().map(grafana::frame::series_name).collect()
        }
    })
}

/// The elements of an answer as lines of text.
fn lines(series: &Series) -> impl Iterator<Item = String> {
    let metric = series.labels.get(METRIC_NAME).map_or("", String::as_str);
    series.points.iter().map(move |(time_ms, value)| {
        let others = series.labels.iter().filter(|(name, _)| *name != METRIC_NAME);
        let others = others.map(|(name, value)| (name.as_str(), value.as_str()));
        query_result_line(metric, others, &value.to_string(), *time_ms)
    })
}

/// The data sources of a type, by name; their uid is the value.
fn data_sources(kind: &str, regex: &str, source: &Source<'_>) -> Options {
    let fitting = source.data_sources.iter().filter(|data_source| data_source.kind == kind);
    let names = fitting.map(|data_source| data_source.name.clone());
    let mut options = options_from(names, regex, 0)?;
    for option in &mut options {
        if let Some(found) = source.data_sources.iter().find(|data_source| data_source.name == option.value) {
            option.value.clone_from(&found.uid);
        }
    }
    Ok(options)
}
