//! P05: panel types.

use super::kinds::{is_core, is_from_library, replaced_by};
use crate::finding::Findings;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject};

pub(super) const RULE: Rule = Rule {
    id: "P05",
    severity: Severity::Warning,
    title: "panel types are those that come with Grafana today",
    why: "A panel whose plugin is not installed shows an error. The old types that were built with Angular (graph, singlestat) \
          have no code of their own since Grafana 12: Grafana translates them anew whenever it loads the page, and nobody has \
          looked at what comes out.",
    needs: Needs::Static,
    fix: Fixable::No,
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
        match replaced_by(kind) {
            Some(now) => {
                // Grafana translates the options of the old type, and would not for one that has only been renamed.
                let message = format!(
                    "the panel type {kind:?} is an old one, which Grafana translates to {now:?} whenever it loads the page: \
                     open the dashboard in Grafana, look at the panel, and save it (the type alone is not enough: units, \
                     thresholds and legend stand elsewhere now)"
                );
                findings.add(place, message);
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
