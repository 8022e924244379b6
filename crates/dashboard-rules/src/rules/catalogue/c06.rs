//! C06: names that cAdvisor uses, too.

use promql::analysis::labels::metric_name;

use super::super::queries::walk::{bare_span, room_for_matcher, selectors};
use super::metrics::{Metrics, is_shared};
use crate::finding::Findings;
use crate::fix::Fix;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject, is_open};

pub(super) const RULE: Rule = Rule {
    id: "C06",
    severity: Severity::Error,
    title: "a metric that cAdvisor has as well is told apart",
    why: "Where Prometheus also scrapes cAdvisor, container_memory_working_set_bytes has series of whole pods and of the node \
          besides, and everything is counted twice or more. Those have no k8s_container_name.",
    needs: Needs::Catalogue,
    fix: Fixable::Yes("k8s_container_name!=\"\" is added"),
    bad: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name, k8s_container_name) (container_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\"}))",
    ),
    good: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name, k8s_container_name) (container_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\",k8s_container_name!=\"\"}))",
    ),
    check: Check::Dashboard(check),
};

const CONTAINER: &str = "k8s_container_name";

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let metrics = Metrics::of(dashboard);
    for query in &dashboard.queries {
        for (selector, span) in query.tree().map(selectors).unwrap_or_default() {
            let Some(name) = metric_name(selector).filter(|name| is_shared(name)) else { continue };
            // `container!=""` is how cAdvisor's own are asked for.
            let is_cadvisors = selector.matchers.iter().any(|matcher| {
                matches!(matcher.matcher.name(), "container" | "namespace" | "pod" | "image" | "id")
            });
            if metrics.find(selector).is_none() || is_cadvisors {
                continue;
            }
            let told_apart = selector.matchers.iter().any(|matcher| {
                let matcher = &matcher.matcher;
                is_open(matcher.name()) || (matcher.name() == CONTAINER && !matcher.matches_empty())
            });
            // A variable that can be everything can be nothing.
            if told_apart {
                continue;
            }
            let matcher = format!("{CONTAINER}!=\"\"");
            let message = format!(
                "cAdvisor has a metric called {name}, too: add {matcher}, which its series do not satisfy"
            );
            let place = bare_span(selector, span, &query.text);
            let finding = findings.add(dashboard.place_of_query(query, place), message);
            if let Some((at, text)) = room_for_matcher(selector, span, &query.text, &matcher) {
                finding.fix(Fix::replace(format!("add {matcher}"), query.pointer.clone(), at, text));
            }
        }
    }
}
