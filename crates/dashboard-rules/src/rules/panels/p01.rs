//! P01: panel ids.

use std::collections::{BTreeMap, BTreeSet};

use grafana::model::{self, Panel};

use crate::finding::Findings;
use crate::fix::Fix;
use crate::pointer::Pointer;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Style, Subject};

pub(super) const RULE: Rule = Rule {
    id: "P01",
    severity: Severity::Error,
    title: "panel ids are unique, positive and stable",
    why: "Links to a panel, annotations and alerts name it by its id: of two panels with one id Grafana opens the wrong one, \
          and an id that changes breaks what people have bookmarked.",
    needs: Needs::Static,
    fix: Fixable::Yes("the panel gets the next free id, or the one that it had"),
    bad: Example::Stat(r#"{ "id": 1 }"#),
    good: Example::Stat(r#"{ "id": 2 }"#),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let mut seen: BTreeMap<i64, &Panel> = BTreeMap::new();
    let taken: BTreeSet<i64> = dashboard.panels().filter_map(|(_, panel)| panel.id).collect();
    let mut next = taken.last().copied().unwrap_or(0).max(0);
    for (_, panel) in dashboard.panels() {
        let message = match panel.id {
            None if dashboard.style == Style::House => {
                "the panel has no id, so Grafana makes one up and links to it break: give it one".to_owned()
            }
            None => continue,
            Some(id) if id < 1 => {
                format!("the panel's id is {id}, and Grafana counts from 1: give it another")
            }
            Some(id) => match seen.insert(id, panel) {
                Some(first) => {
                    let title = crate::subject::panel_name(first).title;
                    format!(
                        "the panel {title:?} has the id {id} as well: links lead to the wrong one, so give one another id"
                    )
                }
                None => continue,
            },
        };
        next += 1;
        let place = dashboard.place_of_panel(panel).key("id");
        let pointer = place.pointer.clone();
        findings.add(place, message).fix(Fix::set(pointer, next));
    }
    check_stable(dashboard, &taken, findings);
}

/// Panels that had another id before.
fn check_stable(dashboard: &Dashboard, taken: &BTreeSet<i64>, findings: &mut Findings<'_>) {
    let Some(before) = dashboard.before.as_ref().and_then(|before| model::parse(before).ok()) else { return };
    let old = by_name(before.dashboard.all_panels());
    for (name, ids) in by_name(dashboard.model.all_panels()) {
        // Panels are known by type and title, where only one has these.
        let ([(panel, Some(now))], Some([(_, Some(then))])) = (&ids[..], old.get(&name).map(|ids| &ids[..]))
        else {
            continue;
        };
        if now != then {
            let pointer = Pointer::from_path(&panel.path).key("id");
            let message =
                format!("the panel's id was {then} and is {now}: links to the panel break, so keep {then}");
            let finding = findings.add(dashboard.place_of_panel(panel).key("id"), message);
            finding.severity(Severity::Warning);
            if !taken.contains(then) {
                finding.fix(Fix::set(pointer, *then));
            }
        }
    }
}

type Found<'a> = Vec<(&'a Panel, Option<i64>)>;

fn by_name<'a>(panels: impl Iterator<Item = &'a Panel>) -> BTreeMap<(&'a str, &'a str), Found<'a>> {
    let mut found: BTreeMap<(&str, &str), Found<'a>> = BTreeMap::new();
    for panel in panels.filter(|panel| !panel.title.is_empty()) {
        found.entry((panel.kind.id(), &panel.title)).or_default().push((panel, panel.id));
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::subject::Source;
    use crate::{Options, check};

    #[test]
    fn an_id_that_was_another_one_is_told_where_the_panel_can_be_known_again() {
        let value = |a: i64| {
            json!({ "title": "A", "panels": [
                { "type": "stat", "title": "A", "id": a },
                { "type": "stat", "title": "twice", "id": a + 1 },
                { "type": "stat", "title": "twice", "id": a + 2 },
                { "type": "gauge", "title": "B", "id": 9 },
            ]})
        };
        let mut dashboard = Dashboard::new("a.json", value(1), Source::Value).unwrap();
        dashboard.before = Some(value(21));
        let report = check(&Subject::new(vec![dashboard]), &Options::only_rules(&[&RULE]));
        let messages: Vec<_> = report.findings.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(messages, ["the panel's id was 21 and is 1: links to the panel break, so keep 21"]);
    }
}
