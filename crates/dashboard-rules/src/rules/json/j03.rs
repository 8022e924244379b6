//! J03: what an export leaves behind.

use serde_json::Value;

use crate::finding::Findings;
use crate::fix::Fix;
use crate::pointer::Pointer;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Source, Style, Subject};

pub(super) const RULE: Rule = Rule {
    id: "J03",
    severity: Severity::Error,
    title: "nothing in the file belongs to one Grafana's database",
    why: "The id and the version of the Grafana that a dashboard was exported from mean nothing elsewhere: an import can fail \
          or hit another dashboard, and every save changes the file.",
    needs: Needs::Static,
    fix: Fixable::Yes("they are removed"),
    bad: Example::Dashboard(r#"{ "id": 17, "version": 3, "__inputs": [] }"#),
    good: Example::Dashboard(r#"{ "id": null }"#),
    check: Check::Dashboard(check),
};

/// Each with what speaks against it, and whether that only disturbs.
const LEFT_BEHIND: [(&str, &str, bool); 6] = [
    ("id", "it is the number of the dashboard in one Grafana's database", false),
    ("version", "it counts how often the dashboard was saved, and changes the file with every save", true),
    ("iteration", "it says when the dashboard was saved, and changes the file with every save", true),
    (
        "__inputs",
        "Grafana asks for them when somebody imports by hand, and not when it reads the file by itself",
        false,
    ),
    ("__requires", "Grafana reads it only when somebody imports by hand", true),
    ("__elements", "Grafana reads it only when somebody imports by hand", true),
];

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    // What the API answers has them all; it is no file that is installed.
    if matches!(&dashboard.source, Source::Json { wrapper, .. } if *wrapper != Pointer::root()) {
        return;
    }
    for (name, why, only_disturbs) in LEFT_BEHIND {
        let value = dashboard.value.get(name).unwrap_or(&Value::Null);
        let is_empty = match value {
            Value::Null => true,
            // An empty list is what an export without inputs has.
            Value::Array(list) => list.is_empty() && dashboard.style == Style::Any,
            Value::Object(object) => object.is_empty() && dashboard.style == Style::Any,
            _ => false,
        };
        if is_empty {
            continue;
        }
        let pointer = Pointer::root().key(name);
        let finding = findings.add(dashboard.place_at(pointer.clone()), format!("remove {name}: {why}"));
        // Without its inputs a dashboard that refers to them is worse than before.
        if name != "__inputs" || !uses_inputs(dashboard) {
            finding.fix(Fix::remove(pointer));
        }
        if dashboard.style == Style::Any {
            finding.severity(if only_disturbs { Severity::Info } else { Severity::Warning });
        }
    }
}

/// Whether anything refers to an input of the export: `${DS_PROMETHEUS}`.
fn uses_inputs(dashboard: &Dashboard) -> bool {
    let text = dashboard.value.to_string();
    let inputs = dashboard.value.get("__inputs").and_then(Value::as_array);
    let names = inputs.into_iter().flatten().filter_map(|input| input.get("name")?.as_str());
    names.into_iter().any(|name| text.contains(&format!("${{{name}}}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    #[test]
    fn inputs_that_are_used_are_told_and_not_removed() {
        for (uid, removable) in [("${DS_PROMETHEUS}", false), ("${datasource}", true)] {
            let mut value = examples::dashboard();
            value["__inputs"] = serde_json::json!([{ "name": "DS_PROMETHEUS" }]);
            value["panels"][1]["datasource"]["uid"] = uid.into();
            let subject = Subject::new(vec![Dashboard::new("a.json", value, Source::Value).unwrap()]);
            let findings = check(&subject, &Options::only_rules(&[&RULE])).findings;
            assert_eq!((findings.len(), findings[0].fix.is_some()), (1, removable), "{uid}");
        }
    }
}
