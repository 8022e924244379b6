//! P04: title and description.

use catalogue::Receiver;
use grafana::model::PanelKind;

use crate::finding::Findings;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Style, Subject};

pub(super) const RULE: Rule = Rule {
    id: "P04",
    severity: Severity::Warning,
    title: "every panel has a title and says what it shows",
    why: "Who looks at a number at night has to know what it counts, what to do about it, and which receiver it comes from \
          when it is missing.",
    needs: Needs::Static,
    fix: Fixable::No,
    bad: Example::Panel(r#"{ "description": "" }"#),
    good: Example::Panel(r#"{ "description": "Cores in use.\n\n**Receiver:** kubelet_stats." }"#),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    for (index, panel) in dashboard.panels() {
        let place = || dashboard.place_of_panel(panel);
        if panel.kind == PanelKind::Row
            || panel.kind == PanelKind::Text
            || panel.extra.contains_key("libraryPanel")
        {
            continue;
        }
        if panel.title.trim().is_empty() {
            findings.add(place().key("title"), "the panel has no title: say in a few words what it shows");
        }
        let description = panel.description.as_deref().unwrap_or_default();
        if description.trim().is_empty() {
            let message = "the panel has no description: say what it shows, and what to do when it looks bad";
            findings.add(place().key("description"), message);
        } else if dashboard.style == Style::House
            && dashboard.queries_of(index).next().is_some()
            && ![Receiver::KubeletStats, Receiver::K8sCluster, Receiver::HostMetrics]
                .iter()
                .any(|receiver| description.contains(receiver.name()))
            && !description.contains("all three receivers")
        {
            let message = "the description does not name the receiver: add \"**Receiver:** kubelet_stats\", k8s_cluster or \
                           host_metrics, so that people know what to switch on when the panel is empty";
            findings.add(place().key("description"), message);
        }
    }
}
