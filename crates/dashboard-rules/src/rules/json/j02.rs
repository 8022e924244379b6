//! J02: a property that Grafana does not know.

use grafana::model::DeviationKind;

use crate::finding::Findings;
use crate::fix::{Change, Fix};
use crate::pointer::Pointer;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject};
use crate::suppression;

pub(super) const RULE: Rule = Rule {
    id: "J02",
    severity: Severity::Warning,
    title: "every property is one that Grafana knows",
    why: "Grafana ignores what it does not know without a word, so a slip of the pen has no effect at all.",
    needs: Needs::Static,
    fix: Fixable::Yes("the property gets the name of the known one that is nearest"),
    bad: Example::Variable(r#"{ "allowCustomValue": null, "allowCustom": true }"#),
    good: Example::Variable(r#"{ "allowCustomValue": true }"#),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    for deviation in &dashboard.deviations {
        let DeviationKind::UnknownProperty { nearest } = deviation.kind else { continue };
        let pointer = Pointer::from_path(&deviation.path);
        let name = pointer.last().unwrap_or_default();
        if pointer == Pointer::root().key(suppression::PROPERTY) {
            continue;
        }
        let place = dashboard.place_around(&pointer);
        // The property of an override has its name as a value.
        if let Some(option) = overridden(&pointer, dashboard) {
            let message = format!(
                "panels of this type have no field option {option:?}, so the override has no effect: remove it"
            );
            findings.add(place, message);
            continue;
        }
        match nearest {
            Some(nearest) => {
                let message =
                    format!("Grafana has no property {name:?} here: write {nearest:?}, or remove it");
                let finding = findings.add(place, message);
                let taken =
                    pointer.parent().is_some_and(|parent| parent.key(nearest).of(&dashboard.value).is_some());
                if !taken {
                    let label = format!("rename {name} to {nearest}");
                    finding.fix(Fix::one(label, pointer, Change::Rename(nearest.to_owned())));
                }
            }
            None => {
                findings.add(
                    place,
                    format!("Grafana has no property {name:?} here, so it has no effect: remove it"),
                );
            }
        }
    }
}

/// What an override sets, where the pointer is to the name of that.
fn overridden<'a>(pointer: &Pointer, dashboard: &'a Dashboard) -> Option<&'a str> {
    let steps: Vec<String> = pointer.steps().collect();
    let [.., overrides, _, properties, _, id] = &steps[..] else { return None };
    let is_name = overrides == "overrides" && properties == "properties" && id == "id";
    if is_name { pointer.of(&dashboard.value)?.as_str() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    #[test]
    fn an_override_that_sets_what_there_is_not_is_told_by_that_name() {
        let example = Example::Table(
            r#"{ "fieldConfig": { "overrides": { "0": { "properties": { "0": { "id": "custom.gradientMode", "value": "scheme" } } } } } }"#,
        );
        let report = check(&examples::subject(&example), &Options::only_rules(&[&RULE]));
        let messages: Vec<&str> = report.findings.iter().map(|finding| finding.message.as_str()).collect();
        assert!(matches!(messages[..], [one] if one.contains("\"custom.gradientMode\"")), "{messages:?}");
    }
}
