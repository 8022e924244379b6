//! U01: the unit of a panel is that of its values.

use promql::analysis::units::{Mismatch, Unit, is_conversion, same_scale};
use promql::ast::ExprKind;

use super::super::catalogue::c03;
use super::super::catalogue::metrics::Metrics;
use super::super::panels::p09;
use super::grafana_units::{Shown, shown, usual};
use super::shown::{Appearance, appearance};
use crate::finding::Findings;
use crate::fix::Fix;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Query, Subject};

pub(super) const RULE: Rule = Rule {
    id: "U01",
    severity: Severity::Error,
    title: "a panel's unit is the unit of what it shows",
    why: "Bytes that are called bits are wrong by a factor of eight, and nobody sees it. The unit follows from the metrics and \
          from what the query does with them.",
    needs: Needs::Catalogue,
    fix: Fixable::Yes("the unit that such values have is set, where there is only one"),
    bad: Example::Panel(
        r#"{ "title": "Memory", "fieldConfig": { "defaults": { "unit": "Bps" } }, "targets": { "0": { "expr": "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\"}))" } } }"#,
    ),
    good: Example::Panel(
        r#"{ "title": "Memory", "fieldConfig": { "defaults": { "unit": "bytes" } }, "targets": { "0": { "expr": "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\"}))" } } }"#,
    ),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let metrics = Metrics::of(dashboard);
    for query in dashboard.queries.iter().filter(|query| query.is_target()) {
        let Some(tree) = query.tree() else { continue };
        let units = metrics.units(tree);
        for mismatch in units.mismatches() {
            if !is_millicores(mismatch) {
                let message = mixed(mismatch);
                findings.add(dashboard.place_of_query(query, mismatch.op_span), message);
            }
        }
        let (Some(unit), Some(appearance)) = (units.of(tree).unit(), appearance(dashboard, query)) else {
            continue;
        };
        if let Some(problem) = judge(unit, shown(appearance.unit.as_deref())) {
            let is_misread = c03::is_misread(tree, metrics);
            tell(dashboard, query, unit, &appearance, problem, is_misread, findings);
        }
    }
}

/// What is wrong with showing a value in a unit.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Problem {
    /// It measures something else.
    Other,
    /// It is larger or smaller by this factor.
    Factor(f64),
    /// It needs a unit.
    None,
}

fn judge(unit: Unit, shown: Shown) -> Option<Problem> {
    let unit = per_thing(unit);
    match shown {
        Shown::Anything => None,
        Shown::Plain if unit.byte != 0 || (unit.second > 0 && unit.core == 0) => Some(Problem::None),
        // Cores, counts and numbers per second can do without.
        Shown::Plain => None,
        Shown::As(shown) => {
            let ratio_of_time = unit.loose && (unit.is_number() || unit.core == 1 && unit.second == 0);
            if ratio_of_time
                && (shown.is_ratio()
                    || shown.second == 1
                    || shown.core == 1
                    || shown.second == -1 && shown.byte == 0)
            {
                return None;
            }
            let counted = unit.is_number() && unit.thing > 0 && shown.is_ratio();
            if !unit.same_dimension(shown) || counted {
                return Some(Problem::Other);
            }
            let factor = unit.in_units_of(shown);
            (!same_scale(factor, 1.0) && is_conversion(factor)).then_some(Problem::Factor(factor))
        }
    }
}

/// Bytes per pod are shown as bytes.
fn per_thing(unit: Unit) -> Unit {
    if unit.is_number() { unit } else { Unit { thing: 0, ..unit } }
}

fn tell(
    dashboard: &Dashboard,
    query: &Query,
    unit: Unit,
    appearance: &Appearance,
    problem: Problem,
    is_misread: bool,
    findings: &mut Findings<'_>,
) {
    let Some(tree) = query.tree() else { return };
    let id = appearance.unit.as_deref().unwrap_or("none");
    let what =
        if appearance.name.is_empty() { "the query".to_owned() } else { format!("{:?}", appearance.name) };
    let advice = usual(unit).filter(|_| !is_misread);
    let instead = advice.map_or_else(|| "choose one that fits".to_owned(), |unit| format!("set {unit:?}"));
    let unit = named(unit);
    let message = match problem {
        Problem::None => format!("{what} gives {unit} and is shown as a plain number: {instead}"),
        Problem::Factor(factor) if same_scale(factor, 8.0) => format!(
            "{what} gives {unit}, and {id:?} counts bits: multiply the query by 8, or set {:?}",
            advice.unwrap_or("binBps")
        ),
        Problem::Factor(factor) if same_scale(factor, 0.125) => {
            format!(
                "{what} gives {unit}, and {id:?} counts bytes: leave out the 8, or set {:?}",
                advice.unwrap_or("bps")
            )
        }
        Problem::Factor(factor) => {
            let times = if factor > 1.0 {
                format!("{factor} times too small")
            } else {
                format!("{} times too large", 1.0 / factor)
            };
            format!("{what} gives {unit}, and in {id:?} it looks {times}: {instead}, or scale the query")
        }
        Problem::Other if is_misread => {
            format!("{what} gives {unit}, and {id:?} is another unit: mend how it reads the metric first")
        }
        Problem::Other => {
            format!("{what} gives {unit}, and {id:?} is another unit: {instead}, or mend the query")
        }
    };
    let finding = findings.add(dashboard.place_of_query(query, outermost(tree)), message);
    finding.note(format!("the unit stands at {}", appearance.pointer));
    // Bits or bytes: whether the query or the unit is wrong cannot be told. What is multiplied by 100 for a percentunit
    // is mended in the query: all else in the panel is made for that unit.
    let is_bits = matches!(problem, Problem::Factor(factor) if same_scale(factor, 8.0));
    let is_percent = id == "percentunit" && p09::hundred(tree).is_some();
    if let Some(advice) = advice.filter(|_| !is_bits && !is_percent) {
        finding.fix(Fix::set(appearance.pointer.clone(), advice));
    }
}

/// A unit in words; of one that is a multiple, what has been done to the values.
fn named(unit: Unit) -> String {
    if unit.same_dimension(Unit::SECOND) && same_scale(unit.scale, 1e-3) {
        return "milliseconds".to_owned();
    }
    let (text, plain) = (unit.to_string(), Unit { scale: 1.0, ..unit }.to_string());
    if same_scale(unit.scale, 1.0) || !text.starts_with(&plain) {
        return text;
    }
    let (how, by) =
        if unit.scale > 1.0 { ("divided by", unit.scale) } else { ("multiplied by", 1.0 / unit.scale) };
    format!("{plain} {how} {by}")
}

/// The part of the query that its unit comes from, without line breaks in the message: the operator or function.
fn outermost(tree: &promql::ast::Expr) -> promql::ast::Span {
    let tree = tree.without_parens();
    match &tree.kind {
        ExprKind::Binary(binary) => binary.op_span,
        ExprKind::Aggregate(aggregate) => aggregate.op_span,
        ExprKind::Call(call) => call.name_span,
        _ => tree.span,
    }
}

fn mixed(mismatch: &Mismatch) -> String {
    let op = mismatch.op.as_str();
    let (left, right) = (mismatch.left, mismatch.right);
    if left.same_dimension(right) {
        let factor = left.in_units_of(right);
        format!(
            "{op} between values that differ by a factor of {}: bring both to the same unit",
            factor.max(1.0 / factor)
        )
    } else {
        format!(
            "{op} between {left} and {right}: these cannot be compared; one of the metrics or a rate is wrong"
        )
    }
}

/// Whether another rule tells it.
pub(super) fn is_millicores(mismatch: &Mismatch) -> bool {
    let is = |unit: Unit| unit.core == 1 && unit.second == 0;
    is(mismatch.left) && is(mismatch.right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Finding, Options, check, examples};

    fn findings(unit: &str, expr: &str) -> Vec<Finding> {
        let patch = serde_json::json!({
            "title": "x", "fieldConfig": { "defaults": { "unit": unit } },
            "targets": { "0": { "expr": expr, "legendFormat": "" } },
        });
        let patch: &'static str = Box::leak(patch.to_string().into_boxed_str());
        check(&examples::subject(&Example::Panel(patch)), &Options::only_rules(&[&RULE])).findings
    }

    #[test]
    fn only_what_is_certain_is_mended() {
        for (unit, expr, fix) in [
            ("bps", "sum(k8s_pod_memory_working_set_bytes)", Some("set unit to \"bytes\"")),
            ("s", "sum(rate(system_network_packets_total[5m]))", Some("set unit to \"pps\"")),
            ("s", "sum(rate(system_disk_operations_total[5m]))", Some("set unit to \"iops\"")),
            // The rate is missing: the unit is right.
            ("bps", "8 * sum(k8s_pod_network_io_bytes_total)", None),
            ("bytes", "sum(rate(k8s_pod_memory_working_set_bytes[5m]))", None),
            // The 100 is what is wrong.
            ("percentunit", "100 * (sum(a_bytes) / sum(b_bytes))", None),
            ("bps", "sum(rate(k8s_pod_network_io_bytes_total[5m]))", None),
        ] {
            let found = findings(unit, expr);
            let labels: Vec<_> =
                found.iter().map(|one| one.fix.as_ref().map(|fix| fix.label.as_str())).collect();
            assert_eq!(labels, [fix], "{unit} {expr}: {found:#?}");
        }
    }

    #[test]
    fn nothing_is_said_of_speeds_and_of_what_is_not_shown() {
        assert_eq!(findings("bps", "node_network_speed_bytes * 8"), []);
        let stat = |fields: &str| {
            let patch = serde_json::json!({
                "fieldConfig": { "defaults": { "unit": "bytes" } },
                "options": { "reduceOptions": { "fields": fields } },
                "targets": { "0": { "expr": "time() - process_start_time_seconds" } },
            });
            let patch: &'static str = Box::leak(patch.to_string().into_boxed_str());
            check(&examples::subject(&Example::Stat(patch)), &Options::only_rules(&[&RULE])).findings.len()
        };
        assert_eq!((stat(""), stat("/.*/"), stat("/^Time$/"), stat("Time")), (1, 1, 0, 0));
    }

    #[test]
    fn multiples_are_named_by_what_was_done() {
        for (unit, expected) in [
            (Unit::BYTE.scaled(1024.0), "bytes divided by 1024"),
            (Unit::BYTE.scaled(1.0 / 1024.0), "bytes multiplied by 1024"),
            (Unit::SECOND.scaled(1e-3), "milliseconds"),
            (Unit::BIT, "bits"),
            (Unit::BYTE, "bytes"),
        ] {
            assert_eq!(named(unit), expected);
        }
    }

    #[test]
    fn values_are_judged_against_units() {
        let per_second = |unit: Unit| unit.per_second();
        for (unit, id, expected) in [
            (Unit::BYTE, Some("bytes"), None),
            (Unit::BYTE, Some("decbytes"), None),
            (Unit::BYTE, Some("Bps"), Some(Problem::Other)),
            (Unit::BYTE, Some("bits"), Some(Problem::Factor(8.0))),
            (Unit::BYTE, Some("short"), Some(Problem::None)),
            (Unit::BYTE, None, Some(Problem::None)),
            (Unit::BYTE, Some("percentunit"), Some(Problem::Other)),
            (per_second(Unit::BYTE), Some("bps"), Some(Problem::Factor(8.0))),
            (per_second(Unit::BIT), Some("bps"), None),
            (per_second(Unit::BIT), Some("binBps"), Some(Problem::Factor(0.125))),
            (per_second(Unit::THING), Some("pps"), None),
            (per_second(Unit::THING), Some("s"), Some(Problem::Other)),
            (Unit::SECOND, Some("ops"), Some(Problem::Other)),
            (Unit::SECOND, Some("ms"), Some(Problem::Factor(1000.0))),
            (Unit::SECOND, Some("dtdurations"), None),
            (Unit::CORE, None, None),
            (Unit::CORE, Some("suffix:cores"), None),
            (Unit::CORE, Some("percentunit"), Some(Problem::Other)),
            (Unit::CORE.loosely(), Some("percentunit"), None),
            (Unit::ONE, Some("percentunit"), None),
            (Unit::ONE, Some("percent"), Some(Problem::Factor(100.0))),
            (Unit::ONE, Some("bytes"), Some(Problem::Other)),
            (Unit::THING, Some("percentunit"), Some(Problem::Other)),
            (Unit::THING, Some("short"), None),
            (Unit::THING, Some("bytes"), Some(Problem::Other)),
            (Unit::BYTE.over(Unit::THING), Some("bytes"), None),
            (Unit::BYTE.scaled(2.0), Some("bytes"), None),
            (Unit::BYTE, Some("furlongs"), None),
        ] {
            assert_eq!(judge(unit, shown(id)), expected, "{unit} as {id:?}");
        }
    }
}
