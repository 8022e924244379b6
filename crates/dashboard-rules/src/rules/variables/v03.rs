//! V03: what variables ask for.

use grafana::model::VariableKind;
use grafana::variables::VariableQuery;
use promql::ast::ExprKind;

use crate::finding::Findings;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Owner, Style, Subject, is_open};

pub(super) const RULE: Rule = Rule {
    id: "V03",
    severity: Severity::Warning,
    title: "a variable's query can be read and asks a metric with few series",
    why: "Every opening of the dashboard runs it: one series for each object is enough to list them, and a metric with a series \
          for each interface, device or container is asked for many times as much.",
    needs: Needs::Catalogue,
    fix: Fixable::No,
    bad: Example::Variable(
        r#"{ "query": "label_values(k8s_pod_network_io_bytes_total{k8s_cluster_name=~\"$cluster\"}, k8s_namespace_name)" }"#,
    ),
    good: Example::Variable(
        r#"{ "query": "label_values(k8s_namespace_phase{k8s_cluster_name=~\"$cluster\"}, k8s_namespace_name)" }"#,
    ),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    for query in &dashboard.queries {
        let Owner::Variable(index) = query.owner else { continue };
        let Some(variable) = dashboard.model.variables.get(index) else { continue };
        let name = &variable.name;
        let whole = promql::ast::Span::new(0, query.text.len());
        if let Some(error) = &query.unreadable {
            findings
                .add(dashboard.place_of_query(query, whole), format!("${name} gets no values: {error}"))
                .severity(Severity::Error);
            continue;
        }
        if let Some(Err(error)) = &query.expr {
            let message =
                format!("${name} gets no values, for Prometheus refuses its query: {}", error.message);
            let finding = findings.add(dashboard.place_of_query(query, error.span), message);
            finding.severity(Severity::Error);
            if let Some(hint) = &error.hint {
                finding.note(hint.clone());
            }
            continue;
        }
        let Some(VariableQuery::LabelValues { selector, label }) = &query.asks else { continue };
        if selector.is_none() && dashboard.style == Style::House {
            let message = format!(
                "${name} asks for {label} of every series that there is: name a metric, {label_metric}",
                label_metric = suggestion(label)
            );
            findings.add(dashboard.place_of_query(query, whole), message);
        }
        check_metric(dashboard, query, name, label, findings);
        debug_assert!(matches!(variable.kind, VariableKind::Query { .. }));
    }
}

fn check_metric(
    dashboard: &Dashboard,
    query: &crate::subject::Query,
    name: &str,
    label: &str,
    findings: &mut Findings<'_>,
) {
    let Some(tree) = query.tree() else { return };
    let ExprKind::Vector(selector) = &tree.kind else { return };
    let Some(metric) = selector.name.as_deref().filter(|metric| !is_open(metric)) else { return };
    let Some(definition) = catalogue::find_by_prometheus_name(metric) else { return };
    // A label that tells the metric's own series apart needs them all.
    let own = |key: &&'static str| catalogue::prometheus::label_name(key) == label;
    if definition.attributes.iter().any(own) || is_open(label) {
        return;
    }
    let per_what = match definition.attributes {
        [] if definition.entity.name == "container" && label != "k8s_container_name" => {
            "container".to_owned()
        }
        [] => return,
        attributes => attributes.join(" and "),
    };
    let message = format!(
        "${name} asks {metric}, which has a series for each {per_what}: for {label} ask one with a series for each object, {}",
        suggestion(label)
    );
    findings.add(dashboard.place_of_query(query, tree.span), message);
}

/// A metric with one series for each object of a kind.
fn suggestion(label: &str) -> &'static str {
    match label {
        "k8s_cluster_name" | "k8s_node_name" => "k8s_node_condition_ready",
        "k8s_namespace_name" => "k8s_namespace_phase",
        "k8s_pod_name" => "k8s_pod_phase",
        "k8s_container_name" => "k8s_container_ready",
        _ => "for example k8s_pod_phase",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    #[test]
    fn queries_that_cannot_be_read_or_ask_for_too_much_are_told() {
        for (query, part) in [
            ("label_values(up{, job)", "Prometheus refuses"),
            ("label_values(up job)", "gets no values"),
            ("", "gets no values"),
            ("label_values(k8s_namespace_name)", "every series"),
            ("label_values(container_memory_usage_bytes, k8s_pod_name)", "each container"),
            ("label_values(container_memory_usage_bytes, k8s_container_name)", ""),
            ("label_values(system_disk_io_bytes_total, device)", ""),
            ("label_values(kube_pod_info, namespace)", ""),
            ("label_values(k8s_${type}_name, k8s_pod_name)", ""),
        ] {
            let patch = serde_json::json!({ "query": query }).to_string();
            let subject = examples::subject(&Example::Variable(Box::leak(patch.into_boxed_str())));
            let report = check(&subject, &Options::only_rules(&[&RULE]));
            let found: Vec<_> = report.findings.iter().map(|finding| finding.message.as_str()).collect();
            if part.is_empty() {
                assert!(found.is_empty(), "{query}: {found:?}");
            } else {
                assert!(found.len() == 1 && found[0].contains(part), "{query}: {found:?}");
            }
        }
    }
}
