//! P05: panel types.

use super::kinds::{is_core, is_from_library, replaced_by};
use crate::finding::Findings;
use crate::fix::Fix;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject};

pub(super) const RULE: Rule = Rule {
    id: "P05",
    severity: Severity::Warning,
    title: "panel types are those that come with Grafana today",
    why: "A panel whose plugin is not installed shows an error, and the old types are gone: Grafana 12 draws what it migrated \
          them to.",
    needs: Needs::Static,
    fix: Fixable::Yes("an old type becomes the one that replaced it"),
    bad: Example::Panel(r#"{ "type": "graph" }"#),
    good: Example::Panel(r#"{ "type": "timeseries" }"#),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    for (_, panel) in dashboard.panels() {
        let kind = panel.kind.id();
        if is_core(kind) || is_from_library(panel) {
            continue;
        }
        let place = dashboard.place_of_panel(panel).key("type");
        let pointer = place.pointer.clone();
        match replaced_by(kind) {
            Some(now) => {
                let message = format!("the panel type {kind:?} is gone since Grafana 12: write {now:?}");
                findings.add(place, message).fix(Fix::set(pointer, now));
            }
            None if kind.is_empty() => {
                findings.add(place, "the panel has no type, so it shows nothing: say what it is");
            }
            None => {
                let message = format!(
                    "the panel type {kind:?} does not come with Grafana: where its plugin is missing, there \
                                       is an error in its place; use a core type, or say in the documentation what to install"
                );
                findings.add(place, message);
            }
        }
    }
}
