//! T02: the column by which a table joins its queries.

use grafana::model::{Panel, PanelKind};
use grafana::transform::Step;
use serde_json::Value;

use super::super::catalogue::metrics::Metrics;
use super::super::queries::q05;
use super::super::queries::walk::{has_open_label, list};
use crate::finding::Findings;
use crate::fix::Fix;
use crate::pointer::Pointer;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Query, Subject};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "T02",
    severity: Severity::Error,
    title: "a table joins by a column that every query has",
    why: "A query whose result lacks the column loses its values: they stand in rows of their own, or nowhere.",
    needs: Needs::Static,
    fix: Fixable::Yes("the table joins by the one label that all queries have"),
    bad: Example::Table(r#"{ "transformations": { "0": { "options": { "byField": "k8s_pod_name" } } } }"#),
    good: Example::Table(
        r#"{ "transformations": { "0": { "options": { "byField": "k8s_namespace_name" } } } }"#,
    ),
    check: Check::Dashboard(check),
};

/// The field by which a panel joins the answers to its queries, and where it is said. Nothing where they are changed
/// before.
pub(in crate::rules) fn join_field(panel: &Panel) -> Option<(String, usize)> {
    for (index, transformation) in panel.transformations.iter().enumerate() {
        if transformation.disabled {
            continue;
        }
        return match Step::of(transformation) {
            Ok(Step::JoinByField { field: Some(field), .. }) => Some((field, index)),
            // These leave names as they are.
            Ok(Step::SortBy { .. }) => continue,
            _ => None,
        };
    }
    None
}

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let metrics = Metrics::of(dashboard);
    for (index, panel) in dashboard.panels() {
        let Some((field, transformation)) = join_field(panel) else { continue };
        let queries: Vec<&Query> = dashboard
            .queries_of(index)
            .filter(|query| dashboard.target_of(query).is_some_and(|target| !target.hide))
            .collect();
        if panel.kind != PanelKind::Table || queries.len() < 2 {
            continue;
        }
        let pointer = Pointer::from_path(&panel.path)
            .key("transformations")
            .index(transformation)
            .key("options")
            .key("byField");
        if field == "Time" {
            by_time(dashboard, panel, &queries, pointer, metrics, findings);
            continue;
        }
        // Columns of values and those that other data has.
        if !labels::is_classic_label_name(&field) || field.starts_with("Value") {
            continue;
        }
        let common = common_labels(&queries, metrics);
        for query in &queries {
            let Some(tree) = query.tree().filter(|tree| !has_open_label(tree)) else { continue };
            let labels = metrics.labels(tree);
            let Some(series) = labels.get(tree).filter(|series| !series.can.contains(&field)) else {
                continue;
            };
            let has = series.can.listed().map_or_else(String::new, |names| {
                if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", list(names)) }
            });
            let message = format!(
                "the table joins by {field}, and this result has no such label ({has}): keep it in the outermost by (…), or \
                 join by another one"
            );
            let span = q05::dropping(tree, &field, &labels).unwrap_or(tree.span);
            let finding = findings.add(dashboard.place_of_query(query, span), message);
            if let [only] = &common[..] {
                finding.fix(Fix::set(pointer.clone(), Value::from(only.as_str())));
            }
        }
    }
}

/// Instant queries all have one time, so that joining by it puts rows together that have nothing in common.
fn by_time(
    dashboard: &Dashboard,
    panel: &Panel,
    queries: &[&Query],
    pointer: Pointer,
    metrics: Metrics,
    findings: &mut Findings<'_>,
) {
    let instant =
        |query: &&Query| dashboard.target_of(query).is_some_and(|target| target.instant && !target.range);
    let labelled = |query: &&Query| {
        query.tree().is_some_and(|tree| {
            metrics.labels(tree).get(tree).is_some_and(|series| {
                !series.must.is_empty() || series.can.listed().is_some_and(|names| !names.is_empty())
            })
        })
    };
    if !queries.iter().all(instant) || !queries.iter().any(labelled) {
        return;
    }
    let message = "the table joins by Time, which is the same for every row of these queries: join by the label that names \
                   the rows";
    let place = crate::Place {
        panel: Some(crate::subject::panel_name(panel)),
        ..dashboard.place_at(pointer.clone())
    };
    let finding = findings.add(place, message);
    if let [only] = &common_labels(queries, metrics)[..] {
        finding.fix(Fix::set(pointer, Value::from(only.as_str())));
    }
}

/// The labels that every query keeps, where that can be told.
fn common_labels(queries: &[&Query], metrics: Metrics) -> Vec<String> {
    let mut common: Option<Vec<String>> = None;
    for query in queries {
        let Some(tree) = query.tree() else { return Vec::new() };
        let labels = metrics.labels(tree);
        let Some(names) = labels.get(tree).and_then(|series| series.can.listed()) else { return Vec::new() };
        match &mut common {
            Some(common) => common.retain(|name| names.contains(name.as_str())),
            None => common = Some(names.iter().map(ToString::to_string).collect()),
        }
    }
    common.unwrap_or_default()
}
