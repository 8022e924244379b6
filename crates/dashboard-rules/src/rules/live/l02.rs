//! L02: empty panels.

use std::collections::BTreeMap;

use dashboard_view::Content;

use super::foreign;
use crate::finding::Findings;
use crate::live::{Live, Look, Size};
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::rules::queries::walk::list;

pub(super) const RULE: Rule = Rule {
    id: "L02",
    severity: Severity::Error,
    title: "every panel shows something, or says why not",
    why: "An empty panel looks like a fault, whoever's it is. Where nothing is the usual case, the panel says what that means \
          in noValue (\"No running pod\"), or a suppression says why it is all right. Values that are no numbers count as \
          nothing.",
    needs: Needs::Live,
    fix: Fixable::No,
    bad: Example::None,
    good: Example::None,
    check: Check::Look(check),
};

/// So many metrics are named: the others are like them.
const NAMED: usize = 5;

fn check(look: &Look<'_>, live: &Live<'_>, findings: &mut Findings<'_>) {
    if look.size == Size::Larger {
        return;
    }
    // What the environment does not have, and how many panels ask for it.
    let mut lacked: BTreeMap<String, usize> = BTreeMap::new();
    for panel in look.panels().filter(|panel| look.is_asked_whole(panel)) {
        // What failed is told by L01, and what asks nothing by P06.
        if panel.content() != Content::Nothing || !panel.errors().is_empty() || panel.targets.is_empty() {
            continue;
        }
        if let Some(what) = foreign::lacked_by_panel(look, panel.panel(), live) {
            *lacked.entry(what).or_default() += 1;
            continue;
        }
        let series: usize = panel.targets.iter().map(|target| target.series).sum();
        let what =
            if series == 0 { "no query finds a series" } else { "all values are NaN or lost on the way" };
        let message = format!(
            "{} the panel is empty: {what}: mend the query, or say in noValue what it means that there is nothing",
            look.choice.text()
        );
        let finding = findings.add(look.place(panel), message);
        for target in &panel.targets {
            finding.note(format!("{} asked: {}", target.ref_id, super::l01::shown(&target.query)));
        }
    }
    if look.number == 0 && !lacked.is_empty() {
        let panels: usize = lacked.values().sum();
        let mut named: Vec<&str> = lacked.keys().map(String::as_str).take(NAMED).collect();
        let more = format!("{} more", lacked.len() - named.len());
        if lacked.len() > named.len() {
            named.push(&more);
        }
        let message = format!(
            "the simulated environment does not have what {} for ({}), so nothing is said of that: look at it on a server \
             that has it (--prometheus)",
            if panels == 1 { "an empty panel asks".to_owned() } else { format!("{panels} empty panels ask") },
            list(named)
        );
        findings.add(look.dashboard.place(), message).severity(Severity::Info);
    }
}
