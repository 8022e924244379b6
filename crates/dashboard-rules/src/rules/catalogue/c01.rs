//! C01: a metric that no receiver sends.

use catalogue::find_by_prometheus_name;
use promql::analysis::labels::metric_name;
use promql::ast::{Span, VectorSelector};

use super::super::queries::walk::{bare_span, name_span, selectors};
use super::renamed;
use crate::finding::Findings;
use crate::fix::Fix;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject, is_open};

pub(super) const RULE: Rule = Rule {
    id: "C01",
    severity: Severity::Error,
    title: "every metric is one that a receiver sends",
    why: "A metric that nobody sends gives an empty panel. Most often its name lacks the unit, _total or _ratio that \
          Prometheus puts behind the names of OpenTelemetry.",
    needs: Needs::Catalogue,
    fix: Fixable::Yes("the one name that is near enough is written"),
    bad: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_memory_working_set{k8s_cluster_name=~\"$cluster\"}))",
    ),
    good: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\"}))",
    ),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    for query in &dashboard.queries {
        for (selector, span) in query.tree().map(selectors).unwrap_or_default() {
            let Some(name) = metric_name(selector) else { continue };
            if is_open(name) || find_by_prometheus_name(name).is_some() || renamed::new_name(name).is_some() {
                continue;
            }
            let Some(known) = Known::of(name, selector) else { continue };
            let at = name_span(selector, span, &query.text);
            let place = at.unwrap_or_else(|| bare_span(selector, span, &query.text));
            let (message, only) = match &known.near[..] {
                [] => (
                    format!(
                        "no receiver sends {name}: see cargo xtask metrics for what they send, or take it out"
                    ),
                    None,
                ),
                [only] => (format!("no receiver sends {name}: write {only}"), Some(only)),
                several => {
                    let list: Vec<&str> = several.iter().map(String::as_str).take(3).collect();
                    (format!("no receiver sends {name}: {} are near", list.join(", ")), None)
                }
            };
            let finding = findings.add(dashboard.place_of_query(query, place), message);
            if let (Some(only), Some(at)) = (only, at) {
                finding.fix(Fix::replace(
                    format!("write {only}"),
                    query.pointer.clone(),
                    Span::new(at.start, at.end),
                    only.clone(),
                ));
            }
        }
    }
}

/// What there is to say about a name that is not in the catalogue.
struct Known {
    /// Names that it may have been meant to be, the nearest first.
    near: Vec<String>,
}

/// How the metrics begin that only these receivers send.
const OURS: &str = "k8s_";
/// Metrics of which there is one for each condition or resource that is configured.
const OPEN_ENDED: [&str; 2] = ["k8s_node_condition_", "k8s_node_allocatable_"];
/// What Prometheus puts behind names.
const SUFFIXES: [&str; 5] = ["_total", "_ratio", "_bytes", "_seconds", "_percent"];

impl Known {
    /// `None` where the metric may well come from somewhere else.
    fn of(name: &str, selector: &VectorSelector) -> Option<Self> {
        // A recording rule, a metric made by somebody.
        if name.contains(':') {
            return None;
        }
        let open_ended =
            OPEN_ENDED.iter().any(|prefix| name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty()));
        let ours = name.starts_with(OURS);
        let speaks_ours =
            ours || selector.matchers.iter().any(|matcher| matcher.matcher.name().starts_with(OURS));
        let family = ["system_", "container_"].iter().any(|prefix| name.starts_with(prefix));
        // Prometheus' own exporters have metrics of these families, too.
        let may_be_ours = ours || (family && speaks_ours);
        if !may_be_ours {
            return None;
        }
        let near = near(name);
        (!open_ended || !near.is_empty()).then_some(Self { near })
    }
}

/// The names of the catalogue that one was meant to be: the same but for what Prometheus puts behind, or for a slip.
fn near(name: &str) -> Vec<String> {
    let stem = |name: &str| -> String {
        let mut stem = name;
        while let Some(shorter) = SUFFIXES.iter().find_map(|suffix| stem.strip_suffix(suffix)) {
            stem = shorter;
        }
        stem.to_owned()
    };
    let own = stem(name);
    let names: Vec<String> = catalogue::all().map(catalogue::MetricDef::prometheus_name).collect();
    let same: Vec<String> = names.iter().filter(|known| stem(known) == own).cloned().collect();
    if !same.is_empty() {
        return same;
    }
    let mut slips: Vec<(usize, String)> = names
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(&stem(&known), &own), known))
        .filter(|(distance, _)| *distance <= 1 + own.len() / 12)
        .collect();
    slips.sort();
    let best = slips.first().map_or(0, |(distance, _)| *distance);
    slips.into_iter().filter(|(distance, _)| *distance == best).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_was_meant_is_offered() {
        for (name, expected) in [
            ("k8s_pod_memory_working_set", vec!["k8s_pod_memory_working_set_bytes"]),
            ("k8s_pod_cpu_time_seconds", vec!["k8s_pod_cpu_time_seconds_total"]),
            ("k8s_pod_cpu_time", vec!["k8s_pod_cpu_time_seconds_total"]),
            ("k8s_volume_inodes", vec!["k8s_volume_inodes_ratio"]),
            ("k8s_container_cpu_request_ratio", vec!["k8s_container_cpu_request"]),
            ("k8s_container_cpu_requests", vec!["k8s_container_cpu_request"]),
            ("k8s_pod_network_io_total", vec!["k8s_pod_network_io_bytes_total"]),
            ("k8s_something_else_entirely", vec![]),
        ] {
            assert_eq!(near(name), expected, "{name}");
        }
    }
}
