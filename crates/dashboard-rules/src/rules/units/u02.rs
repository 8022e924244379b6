//! U02: ratios are shown as percentages.

use grafana::model::PanelKind;
use promql::analysis::units::{Unit, same_scale};

use super::super::catalogue::metrics::Metrics;
use super::grafana_units::{Shown, shown};
use super::shown::appearance;
use crate::finding::Findings;
use crate::fix::Fix;
use crate::pointer::Pointer;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject};

pub(super) const RULE: Rule = Rule {
    id: "U02",
    severity: Severity::Warning,
    title: "a ratio is shown as a percentage, and a gauge of it ends at 100 %",
    why: "0.73 of something is read more slowly than 73 %. A gauge without an end takes the largest value for full.",
    needs: Needs::Catalogue,
    fix: Fixable::Yes("the unit becomes percentunit, the end of a gauge 1"),
    bad: Example::Stat(
        r#"{ "fieldConfig": { "defaults": { "unit": "short" } }, "targets": { "0": { "expr": "sum(max by (k8s_cluster_name, k8s_node_name) (k8s_node_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\"})) / sum(max by (k8s_cluster_name, k8s_node_name) (k8s_node_filesystem_capacity_bytes{k8s_cluster_name=~\"$cluster\"}))" } } }"#,
    ),
    good: Example::Stat(
        r#"{ "fieldConfig": { "defaults": { "unit": "percentunit" } }, "targets": { "0": { "expr": "sum(max by (k8s_cluster_name, k8s_node_name) (k8s_node_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\"})) / sum(max by (k8s_cluster_name, k8s_node_name) (k8s_node_filesystem_capacity_bytes{k8s_cluster_name=~\"$cluster\"}))" } } }"#,
    ),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let metrics = Metrics::of(dashboard);
    for query in dashboard.queries.iter().filter(|query| query.is_target()) {
        let (Some(tree), Some(appearance)) = (query.tree(), appearance(dashboard, query)) else { continue };
        let Some(unit) = metrics.units(tree).of(tree).unit().filter(|unit| unit.is_ratio()) else { continue };
        let Some(panel) = dashboard.panel_of(query) else { continue };
        let whole = if same_scale(unit.scale, Unit::ONE.scale) {
            ("percentunit", 1.0)
        } else if same_scale(unit.scale, Unit::PERCENT.scale) {
            ("percent", 100.0)
        } else {
            continue;
        };
        let what = if appearance.name.is_empty() {
            "the query".to_owned()
        } else {
            format!("{:?}", appearance.name)
        };
        match shown(appearance.unit.as_deref()) {
            Shown::Plain => {
                let message = format!(
                    "{what} gives a share and is shown as a plain number: set the unit {:?}",
                    whole.0
                );
                findings
                    .add(dashboard.place_of_query(query, tree.span), message)
                    .fix(Fix::set(appearance.pointer, whole.0));
            }
            Shown::As(_) if matches!(panel.kind, PanelKind::Gauge | PanelKind::BarGauge) => {
                let fits = appearance.max.is_some_and(|max| same_scale(max, whole.1));
                if appearance.unit.as_deref() == Some(whole.0) && !fits {
                    let pointer =
                        Pointer::from_path(&panel.path).key("fieldConfig").key("defaults").key("max");
                    let message =
                        format!("the gauge shows a share and does not end at {}: set max to that", whole.1);
                    let place = dashboard.place_around(&pointer);
                    findings.add(place, message).fix(Fix::set(pointer, whole.1 as i64));
                }
            }
            _ => {}
        }
    }
}
