//! P02: data sources.

use grafana::model::{DataSourceRef, VariableKind};
use grafana::variables::references;
use serde_json::{Value, json};

use super::kinds::asks_for_data;
use crate::finding::{Finding, Findings, Place};
use crate::fix::Fix;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Style, Subject};

pub(super) const RULE: Rule = Rule {
    id: "P02",
    severity: Severity::Error,
    title: "data sources are chosen by a variable",
    why: "The uid or name of a data source is another one in every Grafana, so a dashboard that names one shows nothing \
          anywhere else; and a reference whose type is not the variable's opens the wrong editor, or none.",
    needs: Needs::Static,
    fix: Fixable::Yes("the reference becomes the data source variable, where there is one"),
    bad: Example::Panel(r#"{ "datasource": { "type": "prometheus", "uid": "PBFA97CFB590B2093" } }"#),
    good: Example::Panel(r#"{ "datasource": { "type": "prometheus", "uid": "${datasource}" } }"#),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let own = own_variable(dashboard);
    let mut judge = |source: Option<&DataSourceRef>, place: Place, of: &str, inherits: bool| {
        let Some(flaw) = flaw(dashboard, source, of, inherits) else { return };
        let pointer = place.pointer.clone();
        let finding: &mut Finding = findings.add(place, flaw.message);
        if let Some(severity) = flaw.severity {
            finding.severity(severity);
        }
        if let Some((name, kind)) = &own
            && flaw.kind.as_ref().is_none_or(|flawed| flawed == kind || flawed == "datasource")
        {
            let mut fix = Fix::set(pointer, json!({ "type": kind, "uid": format!("${{{name}}}") }));
            fix.label = format!("set datasource to ${{{name}}}");
            finding.fix(fix);
        }
    };
    for (_, panel) in dashboard.panels() {
        if !asks_for_data(panel) {
            continue;
        }
        let every_target_has = panel.targets.iter().all(|target| target.datasource.is_some());
        judge(
            panel.datasource.as_ref(),
            dashboard.place_of_panel(panel).key("datasource"),
            "panel",
            every_target_has,
        );
        for (index, target) in panel.targets.iter().enumerate() {
            let place = dashboard.place_of_target(panel, index).key("datasource");
            let inherits = panel.datasource.is_some() || target.datasource.is_none();
            judge(target.datasource.as_ref(), place, "query", inherits);
        }
    }
    for variable in &dashboard.model.variables {
        let (VariableKind::Query { datasource, .. } | VariableKind::AdHoc { datasource }) = &variable.kind
        else {
            continue;
        };
        judge(
            datasource.as_ref(),
            dashboard.place_of_variable(variable).key("datasource"),
            "variable",
            false,
        );
    }
    for (index, annotation) in dashboard.model.annotations.iter().enumerate() {
        if annotation.expr.is_some() {
            let place = dashboard.place().key("annotations").key("list").index(index).key("datasource");
            judge(annotation.datasource.as_ref(), place, "annotation", false);
        }
    }
}

struct Flaw {
    message: String,
    severity: Option<Severity>,
    /// The type that is written.
    kind: Option<String>,
}

fn flaw(dashboard: &Dashboard, source: Option<&DataSourceRef>, of: &str, inherits: bool) -> Option<Flaw> {
    let Some(source) = source.filter(|source| source.uid.is_some() || source.kind.is_some()) else {
        if inherits {
            return None;
        }
        let message = format!(
            "the {of} names no data source, so it asks the default one, whatever that is: use a data source variable"
        );
        let severity = (dashboard.style == Style::Any).then_some(Severity::Warning);
        return Some(Flaw { message, severity, kind: None });
    };
    let kind = source.kind.clone();
    let Some(uid) = source.uid.as_deref().filter(|uid| !uid.is_empty()) else {
        let message = format!("the {of} names a type of data source and no uid: use a data source variable");
        return Some(Flaw { message, severity: Some(Severity::Warning), kind });
    };
    // Grafana's own: other panels, annotations, several sources.
    if uid.starts_with("-- ") || matches!(uid, "grafana" | "__expr__") || kind.as_deref() == Some("__expr__")
    {
        return None;
    }
    let Some(reference) = references(uid).next() else {
        let message = format!(
            "the {of} asks the data source {uid:?}, which is there in one Grafana only: use a data source variable"
        );
        return Some(Flaw { message, severity: None, kind });
    };
    let Some(variable) = dashboard.variable(reference.name) else {
        let is_input = dashboard.value.get("__inputs").and_then(Value::as_array).is_some_and(|inputs| {
            inputs.iter().any(|input| input.get("name").and_then(Value::as_str) == Some(reference.name))
        });
        let message =
            format!("the {of} asks {uid}, and there is no such variable: use one that the dashboard has");
        return (!is_input && !reference.name.starts_with("__")).then_some(Flaw {
            message,
            severity: None,
            kind,
        });
    };
    if let (VariableKind::DataSource { query, .. }, Some(kind)) = (&variable.kind, &source.kind)
        && kind != query
        && !kind.contains('$')
    {
        let message = format!(
            "the {of} says its data source is of type {kind:?}, and {uid} gives one of type {query:?}: write {query:?}"
        );
        return Some(Flaw { message, severity: None, kind: Some(query.clone()) });
    }
    None
}

/// The data source variable, if there is one alone.
fn own_variable(dashboard: &Dashboard) -> Option<(String, String)> {
    let mut found = dashboard.model.variables.iter().filter_map(|variable| match &variable.kind {
        VariableKind::DataSource { query, .. } => Some((variable.name.clone(), query.clone())),
        _ => None,
    });
    let only = found.next()?;
    found.next().is_none().then_some(only)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    #[test]
    fn references_are_judged_wherever_they_stand() {
        for (patch, found) in [
            (r#"{ "datasource": null }"#, 0),
            (r#"{ "datasource": { "type": "datasource", "uid": "-- Mixed --" } }"#, 0),
            (r#"{ "datasource": { "type": "datasource", "uid": "${datasource}" } }"#, 1),
            (r#"{ "datasource": { "type": "prometheus", "uid": "${nothing}" } }"#, 1),
            (r#"{ "datasource": "Prometheus" }"#, 1),
            (r#"{ "targets": { "0": { "datasource": { "type": "prometheus", "uid": "x" } } } }"#, 1),
            (r#"{ "datasource": null, "targets": { "0": { "datasource": null } } }"#, 1),
            (r#"{ "type": "text", "datasource": { "uid": "x" }, "targets": [] }"#, 0),
        ] {
            let subject = examples::subject(&Example::Panel(patch));
            let report = check(&subject, &Options::only_rules(&[&RULE]));
            assert_eq!(report.findings.len(), found, "{patch}: {:#?}", report.findings);
        }
    }
}
