//! Q01: a query that cannot be read.

use crate::finding::Findings;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject};

pub(super) const RULE: Rule = Rule {
    id: "Q01",
    severity: Severity::Error,
    title: "every query is PromQL",
    why: "Prometheus answers a query that it cannot read with an error, and the panel shows a red corner and no data.",
    needs: Needs::Static,
    fix: Fixable::No,
    bad: Example::Query("sum by (k8s_namespace_name) (k8s_pod_phase{k8s_cluster_name=~\"$cluster\"}"),
    good: Example::Query("sum by (k8s_namespace_name) (k8s_pod_phase{k8s_cluster_name=~\"$cluster\"})"),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    for query in &dashboard.queries {
        let Some(Err(error)) = &query.expr else { continue };
        let place = dashboard.place_of_query(query, error.span);
        // That is a limit of this reader.
        if error.message.contains("nested more than") {
            let message = format!("the query is not judged: here {}", error.message.trim_end_matches('.'));
            findings.add(place, message).severity(Severity::Info);
            continue;
        }
        let finding = findings
            .add(place, format!("Prometheus cannot read this: {}", error.message.trim_end_matches('.')));
        if let Some(hint) = &error.hint {
            finding.note(hint.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    fn severities(patch: &serde_json::Value) -> Vec<Severity> {
        let patch: &'static str = Box::leak(patch.to_string().into_boxed_str());
        let report = check(&examples::subject(&Example::Dashboard(patch)), &Options::only_rules(&[&RULE]));
        report.findings.iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn what_the_dashboards_own_values_make_a_query_is_one() {
        for (expr, expected) in [
            ("sum(${metric:value}(x[$__rate_interval])) by (processor $grouping)", &[][..]),
            ("sum(${metric:value}(x[$__rate_interval]) by (processor $grouping)", &[Severity::Error]),
            ("sum(rate(x[$__rate_interval])", &[Severity::Error]),
        ] {
            let variable = |name: &str, query: &str| serde_json::json!({ "name": name, "type": "custom", "query": query });
            let found = severities(&serde_json::json!({
                "templating": { "list": {
                    "3": variable("metric", "Rate : rate, Count : increase"),
                    "4": variable("grouping", "None :  , By transport : \\,transport"),
                } },
                "panels": { "1": { "targets": { "0": { "expr": expr } } } },
            }));
            assert_eq!(found, expected, "{expr}");
        }
    }

    #[test]
    fn a_limit_of_ours_is_no_mistake() {
        let deep = format!("{}a{}", "(".repeat(300), ")".repeat(300));
        let patch = serde_json::json!({ "panels": { "1": { "targets": { "0": { "expr": deep } } } } });
        assert_eq!(severities(&patch), [Severity::Info]);
    }
}
