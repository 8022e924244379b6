//! V05: variables that narrow each other.

use grafana::model::Variable;
use grafana::variables::{VariableQuery, references};
use promql::ast::ExprKind;

use super::selectors;
use crate::finding::Findings;
use crate::fix::{Change, Edit, Fix};
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Owner, Query, Subject};

pub(super) const RULE: Rule = Rule {
    id: "V05",
    severity: Severity::Warning,
    title: "a variable offers only what the variables before it leave",
    why: "Who has chosen a cluster and is offered the namespaces of all of them chooses one that is not there, and sees empty \
          panels.",
    needs: Needs::Static,
    fix: Fixable::Yes("the query gets a matcher for the variable before"),
    bad: Example::Variable(r#"{ "query": "label_values(k8s_namespace_phase, k8s_namespace_name)" }"#),
    good: Example::Variable(
        r#"{ "query": "label_values(k8s_namespace_phase{k8s_cluster_name=~\"$cluster\"}, k8s_namespace_name)" }"#,
    ),
    check: Check::Dashboard(check),
};

/// What lies in what: each kind of object with its labels, and the kinds that narrow it.
const KINDS: [(&str, &[&str], &[&str]); 5] = [
    ("cluster", &["k8s_cluster_name", "cluster", "cluster_name"], &[]),
    ("namespace", &["k8s_namespace_name", "namespace"], &["cluster"]),
    ("node", &["k8s_node_name", "node", "nodename"], &["cluster"]),
    ("pod", &["k8s_pod_name", "pod"], &["cluster", "namespace"]),
    ("container", &["k8s_container_name", "container"], &["cluster", "namespace", "pod"]),
];

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let mut before: Vec<(&str, &str, &Variable)> = Vec::new();
    for query in &dashboard.queries {
        let Owner::Variable(index) = query.owner else { continue };
        let Some(variable) = dashboard.model.variables.get(index) else { continue };
        let Some(VariableQuery::LabelValues { label, .. }) = &query.asks else { continue };
        let Some((kind, _, within)) = KINDS.iter().find(|(_, labels, _)| labels.contains(&label.as_str()))
        else {
            continue;
        };
        let mut missing: Vec<(&str, &Variable)> = Vec::new();
        for (outer, outer_label, other) in &before {
            let names_it = references(&query.text).any(|reference| reference.name == other.name);
            if within.contains(outer) && !names_it && other.name != variable.name {
                missing.push((outer_label, other));
            }
        }
        if !missing.is_empty() {
            report(dashboard, query, variable, &missing, findings);
        }
        before.push((kind, label, variable));
    }
}

fn report(
    dashboard: &Dashboard,
    query: &Query,
    variable: &Variable,
    missing: &[(&str, &Variable)],
    findings: &mut Findings<'_>,
) {
    let matchers: Vec<String> = missing
        .iter()
        .map(|(label, other)| {
            let op = if other.multi || other.include_all { "=~" } else { "=" };
            format!("{label}{op}\"${}\"", other.name)
        })
        .collect();
    let names: Vec<String> = missing.iter().map(|(_, other)| format!("${}", other.name)).collect();
    let matchers = matchers.join(",");
    let message = format!(
        "${} offers values that the chosen {} does not have: add {matchers} to its query",
        variable.name,
        names.join(" and ")
    );
    let span = query.tree().map_or(promql::ast::Span::new(0, query.text.len()), |tree| tree.span);
    let finding = findings.add(dashboard.place_of_query(query, span), message);
    let Some(tree) = query.tree().filter(|tree| matches!(tree.kind, ExprKind::Vector(_))) else { return };
    let Some((selector, span)) = selectors::of(tree).first().copied() else { return };
    let (at, insert) = selectors::insertion(&query.text, selector, span, &matchers);
    let mut fix = Fix::replace(format!("add {matchers}"), query.pointer.clone(), at, insert.clone());
    // Grafana keeps a second copy of the text.
    let definition = crate::pointer::Pointer::from_path(&variable.path).key("definition");
    if definition.of(&dashboard.value).and_then(|value| value.as_str()) == Some(query.text.as_str()) {
        fix.edits.push(Edit { pointer: definition, change: Change::Replace { span: at, text: insert } });
    }
    finding.fix(fix);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    #[test]
    fn each_kind_is_narrowed_by_those_that_hold_it_and_come_before_it() {
        for (query, found) in [
            ("label_values(kube_pod_info, namespace)", 1),
            ("label_values(namespace)", 1),
            ("label_values(kube_pod_info{cluster=\"$cluster\"}, namespace)", 0),
            ("label_values(kube_node_info{cluster=~\"${cluster:regex}\"}, node)", 0),
            ("label_values(kube_node_info, node)", 1),
            ("label_values(kube_node_info, region)", 0),
            ("query_result(sum by (namespace) (x))", 0),
        ] {
            let patch = serde_json::json!({ "query": query }).to_string();
            let subject = examples::subject(&Example::Variable(Box::leak(patch.into_boxed_str())));
            let report = check(&subject, &Options::only_rules(&[&RULE]));
            assert_eq!(report.findings.len(), found, "{query}: {:?}", report.findings);
        }
    }
}
