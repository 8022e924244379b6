//! P07: a range or an instant.

use grafana::model::options::ReduceOptions;
use grafana::model::{Panel, PanelKind, Target, TargetFormat};

use crate::finding::Findings;
use crate::fix::{Change, Fix};
use crate::pointer::Pointer;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Style, Subject};

pub(super) const RULE: Rule = Rule {
    id: "P07",
    severity: Severity::Warning,
    title: "single numbers and tables ask for an instant, time series for a range",
    why: "A panel that shows the last value and asks for the whole range makes Prometheus compute some hundred points to throw \
          them away, and a table shows a row for each; a time series that asks for an instant shows one point.",
    needs: Needs::Static,
    fix: Fixable::Yes("the query asks for what the panel shows"),
    bad: Example::Table(r#"{ "targets": { "0": { "instant": false, "range": true } } }"#),
    good: Example::Table(r#"{ "targets": { "0": { "instant": true, "range": false } } }"#),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    for query in &dashboard.queries {
        let (Some(panel), Some(target)) = (dashboard.panel_of(query), dashboard.target_of(query)) else {
            continue;
        };
        let Some((message, instant, severity)) = flaw(dashboard.style, panel, target) else { continue };
        let pointer = query.pointer.parent().unwrap_or_default();
        let label = if instant { "ask for an instant" } else { "ask for a range" };
        let fix = Fix::one(label, pointer.key("instant"), Change::Set(instant.into()))
            .and(pointer.key("range"), Change::Set((!instant).into()));
        let finding = findings.add(dashboard.place_around(&pointer_of_flag(dashboard, &pointer)), message);
        finding.severity(severity).fix(fix);
    }
}

/// Where the switch stands, or the target if it is missing.
fn pointer_of_flag(dashboard: &Dashboard, target: &Pointer) -> Pointer {
    let flags = ["range", "instant"].map(|flag| target.key(flag));
    flags.into_iter().find(|flag| flag.of(&dashboard.value).is_some()).unwrap_or_else(|| target.clone())
}

/// What is wrong, whether it should be an instant, and how bad it is.
fn flaw(style: Style, panel: &Panel, target: &Target) -> Option<(&'static str, bool, Severity)> {
    match panel.kind {
        // Bars and points can be meant for one moment.
        PanelKind::TimeSeries => {
            let style = panel.field_config.defaults.custom.get("drawStyle").and_then(|style| style.as_str());
            let draws_lines = style.is_none_or(|style| style == "line");
            (target.instant && !target.range && draws_lines && panel.transformations.is_empty()).then_some((
                "a time series asks for an instant, so it shows one point: ask for a range",
                false,
                Severity::Warning,
            ))
        }
        PanelKind::Table => {
            // These are for time series.
            let wants_range = |id: &str| {
                !matches!(
                    id,
                    "joinByField"
                        | "seriesToColumns"
                        | "merge"
                        | "organize"
                        | "sortBy"
                        | "filterByName"
                        | "filterFieldsByName"
                        | "renameByRegex"
                        | "convertFieldType"
                        | "labelsToFields"
                )
            };
            let plain = !panel.transformations.iter().any(|step| wants_range(&step.id));
            (target.runs_as_range() && target.format == TargetFormat::Table && plain).then_some((
                "a table asks for the whole range, so every step is a row: ask for an instant",
                true,
                Severity::Warning,
            ))
        }
        PanelKind::Stat | PanelKind::Gauge | PanelKind::BarGauge => {
            let reduce = ReduceOptions::of(&panel.options);
            let last =
                reduce.calcs.first().is_some_and(|calc| matches!(calc.as_str(), "last" | "lastNotNull"));
            let sparkline = panel.kind == PanelKind::Stat
                && panel.options.get("graphMode").and_then(|mode| mode.as_str()).unwrap_or("area") != "none";
            let percent_change =
                panel.options.get("showPercentChange").and_then(serde_json::Value::as_bool) == Some(true);
            (target.runs_as_range()
                && !target.instant
                && last
                && !reduce.values
                && !sparkline
                && !percent_change
                && panel.transformations.is_empty())
            .then_some((
                "the panel shows the last value and asks for the whole range: ask for an instant",
                true,
                if style == Style::House { Severity::Warning } else { Severity::Info },
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    #[test]
    fn what_a_panel_shows_decides_what_it_should_ask_for() {
        let range = r#""targets": { "0": { "instant": false, "range": true } }"#;
        let instant = r#""targets": { "0": { "instant": true, "range": false } }"#;
        for (more, targets, found) in [
            (r#""type": "timeseries""#, instant, 1),
            (r#""type": "timeseries""#, range, 0),
            (
                r#""type": "timeseries", "fieldConfig": { "defaults": { "custom": { "drawStyle": "bars" } } }"#,
                instant,
                0,
            ),
            (r#""type": "stat""#, range, 0),
            (r#""type": "stat", "options": { "graphMode": "none" }"#, range, 1),
            (r#""type": "gauge""#, range, 1),
            (r#""type": "gauge", "options": { "reduceOptions": { "calcs": ["max"] } }"#, range, 0),
            (r#""type": "bargauge""#, instant, 0),
            (r#""type": "heatmap""#, range, 0),
        ] {
            let patch: &'static str = Box::leak(format!("{{ {more}, {targets} }}").into_boxed_str());
            let report = check(&examples::subject(&Example::Panel(patch)), &Options::only_rules(&[&RULE]));
            assert_eq!(report.findings.len(), found, "{patch}");
        }
    }
}
