//! V04: several values and All.

use std::collections::BTreeMap;

use grafana::model::{Panel, PanelKind, Variable, VariableKind};
use grafana::variables::references;
use labels::MatchOp;
use promql::ast::Span;

use super::selectors;
use crate::finding::Findings;
use crate::fix::Fix;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Owner, Query, Style, Subject};

pub(super) const RULE: Rule = Rule {
    id: "V04",
    severity: Severity::Error,
    title: "a variable with several values is matched by a regular expression, and All has a short form",
    why: "Several values become (a|b|c), which = compares as a text that no label has: the panel is empty as soon as somebody \
          chooses two. And without allValue All becomes the names of everything there is, in every query.",
    needs: Needs::Static,
    fix: Fixable::Yes("= becomes =~ (and != becomes !~), All gets an allValue"),
    bad: Example::Query(r#"sum(k8s_pod_phase{k8s_cluster_name="$cluster"})"#),
    good: Example::Query(r#"sum(k8s_pod_phase{k8s_cluster_name=~"$cluster"})"#),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let several: BTreeMap<&str, &Variable> = dashboard
        .model
        .variables
        .iter()
        .filter(|variable| variable.multi || variable.include_all)
        .map(|variable| (variable.name.as_str(), variable))
        .collect();
    if several.is_empty() {
        return;
    }
    let repeated = repeated_rows(dashboard);
    for variable in several.values() {
        // Other data sources have other forms for several values, and none that is like `.*` in all of them.
        let asks = matches!(&variable.kind, VariableKind::Query { datasource, .. }
            if dashboard.is_prometheus(datasource.as_ref()));
        let listed = || {
            dashboard.queries.iter().any(|query| {
                query.variables().any(|name| name == variable.name)
                    && !is_repeated(dashboard, query, &variable.name, &repeated)
            })
        };
        if asks && variable.include_all && variable.all_value.is_none() && listed() {
            let name = &variable.name;
            let place = dashboard.place_of_variable(variable).key("allValue");
            let pointer = place.pointer.clone();
            let message = format!(
                "All of ${name} becomes a list of every value there is in the queries that use it: set allValue to \".*\", or \".+\" where \
                 the label has to be there"
            );
            let finding = findings.add(place, message);
            finding.fix(Fix::set(pointer, ".*"));
            if dashboard.style == Style::Any {
                finding.severity(Severity::Warning);
            }
        }
    }
    for query in &dashboard.queries {
        let Some(tree) = query.tree() else { continue };
        for (selector, _) in selectors::of(tree) {
            for matcher in &selector.matchers {
                let op = match matcher.matcher.op() {
                    MatchOp::Equal => "=",
                    MatchOp::NotEqual => "!=",
                    MatchOp::Regex | MatchOp::NotRegex => continue,
                };
                let text = matcher.span.of(&query.text);
                let Some(name) = value_variables(text).find(|name| several.contains_key(name)) else {
                    continue;
                };
                if is_repeated(dashboard, query, name, &repeated) {
                    continue;
                }
                report(dashboard, query, matcher.span, op, name, several[name], findings);
            }
        }
    }
}

fn report(
    dashboard: &Dashboard,
    query: &Query,
    span: Span,
    op: &str,
    name: &str,
    variable: &Variable,
    findings: &mut Findings<'_>,
) {
    let wanted = if op == "=" { "=~" } else { "!~" };
    let what = if variable.multi { "can have several values" } else { "has an All" };
    let message = format!("${name} {what}, which {op} takes for one text that no label has: write {wanted}");
    let finding = findings.add(dashboard.place_of_query(query, span), message);
    // The operator stands behind the label's name.
    if let Some(at) = span.of(&query.text).find(op) {
        let at = Span::new(span.start + at, span.start + at + op.len());
        finding.fix(Fix::replace(format!("write {wanted}"), query.pointer.clone(), at, wanted));
    }
}

/// The variables in the value of a matcher, in the forms that become a regular expression.
fn value_variables(matcher: &str) -> impl Iterator<Item = &str> {
    let value = matcher.find(['"', '\'', '`']).unwrap_or(matcher.len());
    references(&matcher[value..])
        .filter(|reference| reference.format.is_none_or(|format| matches!(format, "regex" | "pipe" | "glob")))
        .map(|reference| reference.name)
}

/// For each panel the variable for whose values the row above it is repeated.
fn repeated_rows(dashboard: &Dashboard) -> Vec<Option<String>> {
    let mut current: Option<String> = None;
    let mut found = Vec::new();
    for (_, panel) in dashboard.panels() {
        if panel.kind == PanelKind::Row {
            current = panel.repeat.clone();
        }
        found.push(current.clone());
    }
    found
}

/// Whether the variable has one value where the query stands, because its panel or row is repeated for each.
fn is_repeated(dashboard: &Dashboard, query: &Query, name: &str, rows: &[Option<String>]) -> bool {
    let Owner::Target { panel, .. } = query.owner else { return false };
    let of = |panel: &Panel| panel.repeat.as_deref() == Some(name);
    dashboard.panel(panel).is_some_and(of) || rows.get(panel).is_some_and(|row| row.as_deref() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    #[test]
    fn a_text_comparison_with_several_values_is_told_except_where_each_is_drawn_alone() {
        for (patch, found) in [
            (r#"{ "targets": { "0": { "expr": "a{k=\"$namespace\"}" } } }"#, 1),
            (r#"{ "targets": { "0": { "expr": "a{k!=\"x-$namespace\"}" } } }"#, 1),
            (r#"{ "targets": { "0": { "expr": "a{k=~\"$namespace\"}" } } }"#, 0),
            (r#"{ "targets": { "0": { "expr": "a{k=\"$datasource\"}" } } }"#, 0),
            (r#"{ "targets": { "0": { "expr": "a{k=\"${namespace:raw}\"}" } } }"#, 0),
            (r#"{ "repeat": "namespace", "targets": { "0": { "expr": "a{k=\"$namespace\"}" } } }"#, 0),
        ] {
            let report = check(&examples::subject(&Example::Panel(patch)), &Options::only_rules(&[&RULE]));
            assert_eq!(report.findings.len(), found, "{patch}");
        }
    }

    #[test]
    fn all_never_becomes_a_list_where_each_value_is_drawn_alone() {
        let subject = |repeat: &str| {
            let patch = format!(
                r#"{{ "templating": {{ "list": {{ "2": {{ "allValue": null }} }} }}, "panels": {{
                    "1": {{ {repeat} "id": 1 }},
                    "3": {{ "targets": {{ "0": {{ "expr": "a" }}, "1": {{ "expr": "a" }} }} }} }} }}"#
            );
            examples::subject(&Example::Dashboard(Box::leak(patch.into_boxed_str())))
        };
        let found = |repeat| check(&subject(repeat), &Options::only_rules(&[&RULE])).findings.len();
        assert_eq!((found(""), found(r#""repeat": "namespace","#)), (1, 0));
    }

    #[test]
    fn all_without_a_value_of_its_own_is_told_for_what_is_asked_for() {
        for (patch, found) in [
            (r#"{ "allValue": null }"#, 1),
            (r#"{ "allValue": null, "includeAll": false }"#, 0),
            (r#"{ "allValue": null, "type": "custom", "query": "a,b" }"#, 0),
            // Another language, which `.*` may mean nothing in.
            (
                r#"{ "allValue": null, "datasource": { "type": "grafana-opensearch-datasource", "uid": "x" } }"#,
                0,
            ),
            // Nothing asks with it.
            (r#"{ "allValue": null, "name": "another" }"#, 0),
        ] {
            let report = check(&examples::subject(&Example::Variable(patch)), &Options::only_rules(&[&RULE]));
            assert_eq!(report.findings.len(), found, "{patch}");
        }
    }
}
