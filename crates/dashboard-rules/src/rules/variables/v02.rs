//! V02: when and how variables get their values.

use grafana::model::VariableKind;

use crate::finding::Findings;
use crate::fix::Fix;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Style, Subject};

pub(super) const RULE: Rule = Rule {
    id: "V02",
    severity: Severity::Warning,
    title: "variables are asked for anew, sorted and labelled",
    why: "Pods come and go: a list that is asked for once shows what was there when the dashboard was saved, or opened, and \
          not what is there in the time range.",
    needs: Needs::Static,
    fix: Fixable::Yes("refresh becomes 2 (with the time range), sort 1 (alphabetically)"),
    bad: Example::Variable(r#"{ "refresh": 0, "sort": 0 }"#),
    good: Example::Variable(r#"{ "refresh": 2, "sort": 1 }"#),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    for variable in &dashboard.model.variables {
        let house = dashboard.style == Style::House;
        let name = variable.name.as_str();
        let at = |key: &str| dashboard.place_of_variable(variable).key(key);
        if let VariableKind::Query { refresh, sort, .. } = variable.kind {
            if refresh == 0 || (house && refresh != 2) {
                let when = if refresh == 0 { "never" } else { "only when the dashboard is opened" };
                let message = format!(
                    "the values of ${name} are asked for {when}: set refresh to 2, with the time range"
                );
                let place = at("refresh");
                let pointer = place.pointer.clone();
                findings.add(place, message).fix(Fix::set(pointer, 2));
            }
            if house && sort == 0 {
                let place = at("sort");
                let pointer = place.pointer.clone();
                let message =
                    format!("the values of ${name} come in no order: set sort to 1, alphabetically");
                findings.add(place, message).fix(Fix::set(pointer, 1));
            }
        }
        if house && variable.hide == 0 && variable.label.as_deref().is_none_or(str::is_empty) {
            let label = capitalised(name);
            let place = at("label");
            let pointer = place.pointer.clone();
            let message = format!(
                "the variable ${name} has no label: people see its name; write for example {label:?}"
            );
            findings.add(place, message).fix(Fix::set(pointer, label));
        }
    }
}

fn capitalised(name: &str) -> String {
    let mut characters = name.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    (first + characters.as_str()).replace('_', " ")
}
