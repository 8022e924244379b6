//! P06: queries of a panel.

use std::collections::BTreeSet;

use grafana::model::{Panel, Target};
use serde_json::Value;

use super::kinds::asks_for_data;
use crate::finding::Findings;
use crate::fix::Fix;
use crate::pointer::Pointer;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Style, Subject};

pub(super) const RULE: Rule = Rule {
    id: "P06",
    severity: Severity::Warning,
    title: "every panel asks for something, and each query has a letter of its own",
    why: "A panel without a query stays empty; of two queries with one letter Grafana shows one; a hidden query that nothing \
          uses is a question to whoever reads the dashboard.",
    needs: Needs::Static,
    fix: Fixable::Yes("a query gets the next free letter"),
    bad: Example::Table(r#"{ "targets": { "1": { "refId": "A" } } }"#),
    good: Example::Table(r#"{ "targets": { "1": { "refId": "B" } } }"#),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    for (_, panel) in dashboard.panels() {
        if !asks_for_data(panel) {
            continue;
        }
        if panel.targets.is_empty() {
            let message = "the panel has no query, so it stays empty: give it one, or remove it";
            findings.add(dashboard.place_of_panel(panel).key("targets"), message);
        }
        let mut letters: BTreeSet<String> =
            panel.targets.iter().map(|target| target.ref_id.clone()).collect();
        let mut seen = BTreeSet::new();
        for (index, target) in panel.targets.iter().enumerate() {
            let place = || dashboard.place_of_target(panel, index);
            let letter = written_letter(dashboard, panel, index).unwrap_or_default();
            let house = dashboard.style == Style::House;
            // Grafana gives letters to those that have none.
            if (letter.is_empty() && house) || (!letter.is_empty() && !seen.insert(letter)) {
                let next = next_letter(&letters);
                let message = if letter.is_empty() {
                    format!("the query has no refId: write {next:?}")
                } else {
                    format!("another query of the panel has the refId {letter:?} as well: write {next:?}")
                };
                let place = place().key("refId");
                let pointer = place.pointer.clone();
                findings.add(place, message).fix(Fix::set(pointer, next.clone()));
                letters.insert(next);
            }
            if target.hide && !is_used(panel, target) {
                let message = "the query is hidden and nothing uses its result: show it, or remove it";
                findings.add(place().key("hide"), message).severity(Severity::Info);
            }
            let asks_prometheus = target
                .datasource
                .as_ref()
                .or(panel.datasource.as_ref())
                .is_some_and(|source| source.kind.as_deref() == Some("prometheus"));
            if target.expr.trim().is_empty() && asks_prometheus && !target.hide {
                findings.add(place().key("expr"), "the query is empty: write one, or remove it");
            }
        }
    }
}

/// What stands in the JSON: the model makes a letter up where there is none.
fn written_letter<'a>(dashboard: &'a Dashboard, panel: &Panel, target: usize) -> Option<&'a str> {
    let pointer = Pointer::from_path(&panel.path).key("targets").index(target).key("refId");
    pointer.of(&dashboard.value)?.as_str()
}

/// `A` to `Z`, then `AA` and so on, as Grafana counts.
fn next_letter(taken: &BTreeSet<String>) -> String {
    let mut number = 0_usize;
    loop {
        let mut name = Vec::new();
        let mut rest = number;
        loop {
            name.insert(0, b'A' + (rest % 26) as u8);
            match (rest / 26).checked_sub(1) {
                Some(next) => rest = next,
                None => break,
            }
        }
        let name: String = name.into_iter().map(char::from).collect();
        if !taken.contains(&name) {
            return name;
        }
        number += 1;
    }
}

/// Whether an expression or a transformation refers to the query.
fn is_used(panel: &Panel, hidden: &Target) -> bool {
    let letter = hidden.ref_id.as_str();
    let refers = |text: &str| {
        let dollar = format!("${letter}");
        text == letter
            || text.contains(&dollar)
            || text.contains(&format!("${{{letter}}}"))
            || text.contains(&format!("#{letter}"))
    };
    let others = panel.targets.iter().filter(|target| !std::ptr::eq(*target, hidden));
    let in_targets = others.flat_map(|target| target.extra.values()).any(|value| any_text(value, &refers));
    in_targets || panel.transformations.iter().any(|step| any_text(&step.options, &refers))
}

fn any_text(value: &Value, is: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, is)),
        Value::Object(object) => object.iter().any(|(key, item)| is(key) || any_text(item, is)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    #[test]
    fn letters_go_on_behind_z() {
        let mut taken = BTreeSet::new();
        let names: Vec<String> = (0..28)
            .map(|_| {
                let name = next_letter(&taken);
                taken.insert(name.clone());
                name
            })
            .collect();
        assert_eq!(
            (names[0].as_str(), names[25].as_str(), names[26].as_str(), names[27].as_str()),
            ("A", "Z", "AA", "AB")
        );
    }

    #[test]
    fn panels_without_query_hidden_queries_and_empty_ones_are_told() {
        for (patch, part) in [
            (r#"{ "targets": [] }"#, "stays empty"),
            (r#"{ "targets": { "0": { "hide": true } } }"#, "is hidden"),
            (r#"{ "targets": { "0": { "expr": "" } } }"#, "is empty"),
            (r#"{ "targets": { "0": { "refId": null } } }"#, "no refId"),
        ] {
            let report = check(&examples::subject(&Example::Panel(patch)), &Options::only_rules(&[&RULE]));
            assert!(report.findings.iter().any(|found| found.message.contains(part)), "{patch}: {report:#?}");
        }
        let used = r#"{ "targets": { "0": { "hide": true }, "1": { "refId": "B", "type": "math", "expression": "$A * 2",
                     "datasource": { "type": "__expr__", "uid": "__expr__" } } } }"#;
        let report = check(&examples::subject(&Example::Panel(used)), &Options::only_rules(&[&RULE]));
        assert_eq!(report.findings, []);
    }
}
