//! U03: quotas in millicores.

use promql::analysis::units::{Unit, same_scale};

use super::super::catalogue::metrics::Metrics;
use super::super::queries::walk::{bare_span, selectors};
use super::grafana_units::{Shown, shown};
use super::shown::appearance;
use super::u01::is_millicores;
use crate::finding::Findings;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Query, Subject};

pub(super) const RULE: Rule = Rule {
    id: "U03",
    severity: Severity::Error,
    title: "quotas of CPU are divided by 1000",
    why: "k8s_cluster sends requests.cpu and limits.cpu of a ResourceQuota in millicores, and everything else about CPU in \
          cores: the quota would look a thousand times too large.",
    needs: Needs::Catalogue,
    fix: Fixable::No,
    bad: Example::Query(
        "min by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_resourcequota_name) (k8s_resource_quota_hard_limit{k8s_cluster_name=~\"$cluster\",resource=\"requests.cpu\"}))",
    ),
    good: Example::Query(
        "min by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_resourcequota_name) (k8s_resource_quota_hard_limit{k8s_cluster_name=~\"$cluster\",resource=\"requests.cpu\"})) / 1000",
    ),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let metrics = Metrics::of(dashboard);
    for query in dashboard.queries.iter().filter(|query| query.is_target() && query.text.contains("quota")) {
        let Some(tree) = query.tree() else { continue };
        let units = metrics.units(tree);
        for mismatch in units.mismatches().iter().filter(|mismatch| is_millicores(mismatch)) {
            let message = "one side counts cores and the other thousandths of one: divide the quota by 1000";
            findings.add(dashboard.place_of_query(query, mismatch.op_span), message);
        }
        let Some(unit) = units.of(tree).unit() else { continue };
        let scaled = |shown: Unit| {
            same_scale(unit.in_units_of(shown), 1e-3) || same_scale(unit.in_units_of(shown), 1e3)
        };
        let wrong = match appearance(dashboard, query).map(|appearance| shown(appearance.unit.as_deref())) {
            // Cores for which no unit is set.
            Some(Shown::Plain) => {
                unit.core == 1 && unit.second == 0 && same_scale(unit.scale, Unit::MILLICORE.scale)
            }
            Some(Shown::As(shown)) => {
                let cores = unit.core == 1 && shown.core == 1;
                // A share of a quota in millicores is a thousandth of what it is.
                (cores || unit.is_ratio() && shown.is_ratio()) && scaled(shown)
            }
            _ => false,
        };
        if wrong {
            let message = "the quota comes in thousandths of a core, and what it is shown with in cores: divide it by 1000";
            findings.add(dashboard.place_of_query(query, quota(query)), message);
        }
    }
}

/// Where the quota stands in the query.
fn quota(query: &Query) -> promql::ast::Span {
    let tree = query.tree();
    let found = tree
        .map(selectors)
        .unwrap_or_default()
        .into_iter()
        .find(|(_, span)| span.of(&query.text).contains("quota"));
    found.map_or(query.promql, |(selector, span)| bare_span(selector, span, &query.text))
}
