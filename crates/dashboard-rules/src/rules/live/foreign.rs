//! What the simulated environment does not have: metrics of other exporters, namespaces of other clusters. That a query
//! for them finds nothing there says nothing about the query.

use catalogue::MetricDef;
use dashboard_view::{Metrics as _, Selection};
use grafana::interval::TimeRange;
use grafana::model::{Panel, VariableKind};
use grafana::variables::{VariableQuery, references};
use labels::{METRIC_NAME, MatchOp};
use promql::analysis::labels::{Schema as _, metric_name};
use promql::ast::{LabelMatcher, VectorSelector};

use crate::live::{Live, Look};
use crate::rules::catalogue::metrics::Metrics;
use crate::rules::queries::walk::selectors;
use crate::subject::{Dashboard, Owner, Query, Style, is_open, variables_in};

/// Whether dashboards of this kind may ask for what is not simulated: our own must not.
fn may_be_foreign(dashboard: &Dashboard, live: &Live<'_>) -> bool {
    live.options.is_simulated && dashboard.style == Style::Any
}

/// What a panel asks for that is not there.
pub(super) fn lacked_by_panel(look: &Look<'_>, panel: &Panel, live: &Live<'_>) -> Option<String> {
    if !may_be_foreign(look.dashboard, live) {
        return None;
    }
    let (index, _) = look.dashboard.panels().find(|(_, other)| other.path == panel.path)?;
    look.dashboard.queries_of(index).find_map(|query| lacked_by(look, query, live))
}

/// What a variable, by its index, asks for that is not there.
pub(super) fn lacked_by_variable(look: &Look<'_>, variable: usize, live: &Live<'_>) -> Option<String> {
    if !may_be_foreign(look.dashboard, live) {
        return None;
    }
    let query = look.dashboard.queries.iter().find(|query| query.owner == Owner::Variable(variable))?;
    lacked_by(look, query, live)
}

/// Whether any part of a dashboard asks for what is not there.
pub(super) fn lacks_something(look: &Look<'_>, live: &Live<'_>) -> bool {
    may_be_foreign(look.dashboard, live)
        && look.dashboard.queries.iter().any(|query| lacked_by(look, query, live).is_some())
}

fn lacked_by(look: &Look<'_>, query: &Query, live: &Live<'_>) -> Option<String> {
    if let Some(VariableQuery::LabelValues { selector: None, label }) = &query.asks {
        return values(label, Vec::new(), live).is_empty().then(|| format!("the label {label}"));
    }
    let Some(tree) = query.tree() else { return Some("what only Grafana can fill in".to_owned()) };
    let metrics = Metrics::of(look.dashboard);
    let in_selectors = selectors(tree).into_iter().find_map(|(selector, span)| {
        let name = metric_name(selector).filter(|name| !is_open(name));
        let Some(name) = name else { return Some(crate::rules::queries::walk::short(span.of(&query.text))) };
        let is_there = values(METRIC_NAME, vec![name.to_owned()], live);
        match metrics.find(selector) {
            Some(metric) if !is_there.is_empty() => {
                let strange = selector
                    .matchers
                    .iter()
                    .find(|matcher| is_foreign_value(matcher, metric, selector, metrics, live))?;
                Some(strange.span.of(&query.text).to_owned())
            }
            _ => Some(name.to_owned()),
        }
    });
    in_selectors.or_else(|| open_variable(look, query).map(|name| format!("values of ${name}")))
}

/// A variable in a query whose value the environment cannot give: it offers nothing, or somebody wrote it down elsewhere.
fn open_variable<'q>(look: &Look<'_>, query: &'q Query) -> Option<&'q str> {
    let in_selectors = query.tree().map(selectors).unwrap_or_default();
    let in_selectors = |name: &str| {
        in_selectors.iter().any(|(selector, _)| {
            selector
                .matchers
                .iter()
                .any(|matcher| variables_in(matcher.matcher.value()).any(|one| one == name))
        })
    };
    references(&query.text).map(|reference| reference.name).find(|name| {
        let Some(variable) = look.dashboard.variable(name) else { return false };
        match variable.kind {
            VariableKind::Query { .. } => {
                look.view.values.get(name).is_none_or(|state| state.options.is_empty())
            }
            VariableKind::DataSource { .. } => false,
            _ => in_selectors(name),
        }
    })
}

/// Whether a matcher asks for an object that its owner has and the environment has not. Values of attributes are judged
/// by C02.
fn is_foreign_value(
    matcher: &LabelMatcher,
    metric: &MetricDef,
    selector: &VectorSelector,
    metrics: Metrics,
    live: &Live<'_>,
) -> bool {
    let condition = &matcher.matcher;
    let label = condition.name();
    let is_wanted = matches!(condition.op(), MatchOp::Equal | MatchOp::Regex) && !condition.matches_empty();
    if !is_wanted || label == METRIC_NAME || is_open(label) || is_open(condition.value()) {
        return false;
    }
    let is_listed = metric
        .attribute_values
        .iter()
        .any(|listed| catalogue::prometheus::label_name(listed.attribute) == label);
    let can_have = metrics.series(selector).is_some_and(|series| series.can.contains(label));
    let here = || values(label, vec![metric.prometheus_name().to_owned()], live);
    !is_listed && can_have && !here().iter().any(|value| condition.matches(value))
}

/// The values of a label in the environment; none where it cannot be asked.
fn values(label: &str, selectors: Vec<String>, live: &Live<'_>) -> Vec<String> {
    const HOUR_MS: i64 = 3_600_000;
    let to_ms = live.options.now_ms;
    let range = TimeRange { from_ms: to_ms.saturating_sub(HOUR_MS), to_ms };
    live.metrics()
        .label_values(label, &Selection { selectors, range }, &dashboard_view::never)
        .unwrap_or_default()
}
