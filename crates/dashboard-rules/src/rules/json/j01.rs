//! J01: a dashboard that can be read.

use grafana::model::DeviationKind;

use crate::finding::{Findings, Place};
use crate::pointer::Pointer;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Style, Subject};

pub(super) const RULE: Rule = Rule {
    id: "J01",
    severity: Severity::Error,
    title: "the file is JSON and holds a classic dashboard",
    why: "Grafana leaves out a file that it cannot read, with a line in its log that nobody sees; a value of a wrong type it \
          drops without a word.",
    needs: Needs::Static,
    fix: Fixable::No,
    bad: Example::File(r#"{ "title": "Nodes", "panels": ["#),
    good: Example::File(r#"{ "title": "Nodes", "schemaVersion": 42, "panels": [] }"#),
    check: Check::Set(check),
};

/// The last version of the classic form; later dashboards have another one.
const NEWEST: i64 = 42;

fn check(subject: &Subject, findings: &mut Findings<'_>) {
    for unreadable in &subject.unreadable {
        let place = Place { line: unreadable.line, ..Place::file(unreadable.file.clone()) };
        findings.add(place, format!("the file cannot be read as a dashboard: {}", unreadable.message));
    }
    for dashboard in &subject.dashboards {
        check_version(dashboard, findings);
        for deviation in &dashboard.deviations {
            if let DeviationKind::WrongType { expected } = deviation.kind {
                let place = dashboard.place_around(&Pointer::from_path(&deviation.path));
                let name = place.pointer.last().unwrap_or_default();
                findings.add(place, format!("{name} must be {expected}: as it is, it has no effect"));
            }
        }
    }
}

fn check_version(dashboard: &Dashboard, findings: &mut Findings<'_>) {
    let place = dashboard.place_at(Pointer::root().key("schemaVersion"));
    match dashboard.model.schema_version {
        Some(version) if version > NEWEST => {
            let message = format!(
                "schemaVersion {version} is newer than {NEWEST}, the last one of this form: export the dashboard again, or \
                 correct the number"
            );
            findings.add(place, message);
        }
        Some(version) if version < NEWEST && dashboard.style == Style::House => {
            let message = format!(
                "schemaVersion is {version}: write {NEWEST}, or Grafana migrates it whenever it is opened"
            );
            findings.add(place, message);
        }
        Some(_) => {}
        None => {
            let message = format!(
                "schemaVersion is missing, so Grafana takes the dashboard for one of the oldest and migrates it: write {NEWEST}"
            );
            findings.add(place, message).severity(Severity::Warning);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::subject::{Source, read_text};
    use crate::{Options, check};

    fn messages(subject: &Subject) -> Vec<String> {
        let report = check(subject, &Options::only_rules(&[&RULE]));
        report.findings.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn bad_files_say_what_is_wrong_and_where() {
        for (text, part, line) in [
            ("", "the file is empty", None),
            (" \n", "the file is empty", None),
            ("[]", "list", None),
            ("{\"a\": 1}", "neither panels nor a title", None),
        ] {
            let unreadable = read_text("a.json", text).unwrap_err();
            assert_eq!(unreadable.line, line, "{text:?}");
            let mut subject = Subject::default();
            subject.unreadable.push(unreadable);
            let found = messages(&subject);
            assert!(found.len() == 1 && found[0].contains(part), "{text:?}: {found:?}");
        }
    }

    #[test]
    fn a_value_of_a_wrong_type_and_a_version_of_the_future_are_told() {
        let value =
            json!({ "title": "A", "schemaVersion": 99, "panels": [{ "type": "stat", "targets": "none" }] });
        let subject = Subject::new(vec![Dashboard::new("a.json", value, Source::Value).unwrap()]);
        let found = messages(&subject);
        assert!(found.iter().any(|message| message.contains("99 is newer")), "{found:?}");
        assert!(found.iter().any(|message| message.contains("targets must be")), "{found:?}");
    }
}
