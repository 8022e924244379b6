//! V01: variables that are not used, and uses of variables that are not there.

use std::collections::BTreeSet;

use grafana::model::VariableKind;
use grafana::variables::references;
use promql::ast::Span;
use serde_json::Value;

use crate::finding::Findings;
use crate::fix::{Change, Fix};
use crate::pointer::Pointer;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject};

pub(super) const RULE: Rule = Rule {
    id: "V01",
    severity: Severity::Error,
    title: "every variable is used, and every one that is used is there",
    why: "Grafana sends a name that it does not know to Prometheus as it is, so the query fails or finds nothing; a variable \
          that nothing uses costs a query and makes people choose for nothing.",
    needs: Needs::Static,
    fix: Fixable::Yes("a variable that nothing uses is removed"),
    bad: Example::Dashboard(
        r#"{ "templating": { "list": { "3": { "name": "pod", "type": "custom", "query": "a,b" } } } }"#,
    ),
    good: Example::Dashboard("{}"),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, subject: &Subject, findings: &mut Findings<'_>) {
    let defined: BTreeSet<&str> =
        dashboard.model.variables.iter().map(|variable| variable.name.as_str()).collect();
    check_undefined(dashboard, &defined, findings);

    let mut used = BTreeSet::new();
    collect_uses(&dashboard.value, &Pointer::root(), None, &mut used);
    // What links carry along counts, where another dashboard takes it.
    let carries = dashboard.model.links.iter().any(|link| link.include_vars);
    for (index, variable) in dashboard.model.variables.iter().enumerate() {
        // These work without being named.
        if matches!(variable.kind, VariableKind::AdHoc { .. } | VariableKind::Unknown(_)) {
            continue;
        }
        let name = variable.name.as_str();
        if used.iter().any(|(used, by)| used == name && *by != Some(index)) {
            continue;
        }
        let others = subject.dashboards.iter().filter(|other| !std::ptr::eq(*other, dashboard));
        if carries && variable.hide == 2 && others.into_iter().any(|other| other.variable(name).is_some()) {
            continue;
        }
        let place = dashboard.place_of_variable(variable);
        let pointer = place.pointer.clone();
        let message = format!("nothing uses the variable {name:?}: remove it, or use it");
        findings.add(place, message).severity(Severity::Warning).fix(Fix::one(
            format!("remove the variable {name}"),
            pointer,
            Change::Remove,
        ));
    }
}

fn check_undefined(dashboard: &Dashboard, defined: &BTreeSet<&str>, findings: &mut Findings<'_>) {
    let inputs: BTreeSet<&str> = dashboard
        .value
        .get("__inputs")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|input| input.get("name")?.as_str())
        .collect();
    let known = |name: &str| {
        defined.contains(name)
            || inputs.contains(name)
            || name.starts_with("__")
            || matches!(name, "timeFilter" | "timezone")
            // `$1` of a regular expression.
            || name.bytes().all(|byte| byte.is_ascii_digit())
    };
    let message = |name: &str| {
        let nearest = defined
            .iter()
            .map(|other| (strsim::damerau_levenshtein(other, name), other))
            .min()
            .filter(|(distance, other)| *distance <= 2 && *distance < other.len())
            .map(|(_, other)| format!(": did you mean ${other}?"));
        format!("the dashboard has no variable {name:?}")
            + &nearest.unwrap_or_else(|| ": add it, or write the value".to_owned())
    };
    for query in &dashboard.queries {
        let mut told = BTreeSet::new();
        for reference in references(&query.text) {
            // `[[` is also how a range in a subquery could begin, and a regular expression holds many things.
            let old_form = query.text[reference.range.clone()].starts_with("[[");
            if !known(reference.name) && !old_form && told.insert(reference.name) {
                let span = Span::new(reference.range.start, reference.range.end);
                findings.add(dashboard.place_of_query(query, span), message(reference.name));
            }
        }
    }
    for (_, panel) in dashboard.panels() {
        for reference in references(&panel.title) {
            if !known(reference.name) && !panel.title[reference.range.clone()].starts_with("[[") {
                let span = Span::new(reference.range.start, reference.range.end);
                let place = dashboard.place_of_panel(panel).key("title").span(span);
                findings.add(place, message(reference.name)).severity(Severity::Warning);
            }
        }
        if let Some(name) = &panel.repeat
            && !defined.contains(name.as_str())
        {
            let place = dashboard.place_of_panel(panel).key("repeat");
            findings.add(place, format!("the panel is repeated for {name:?}: {}", message(name)));
        }
    }
}

/// Collects the names that texts refer to; a variable's own texts are marked with its index.
fn collect_uses(
    value: &Value,
    at: &Pointer,
    variable: Option<usize>,
    used: &mut BTreeSet<(String, Option<usize>)>,
) {
    match value {
        Value::String(text) => {
            used.extend(references(text).map(|reference| (reference.name.to_owned(), variable)));
        }
        Value::Array(items) => {
            let is_list = at.as_str() == "/templating/list";
            for (index, item) in items.iter().enumerate() {
                let variable = if is_list { Some(index) } else { variable };
                // Only the way to the variables matters.
                let at = if is_list { at.index(index) } else { Pointer::root().key("deep") };
                collect_uses(item, &at, variable, used);
            }
        }
        Value::Object(object) => {
            for (key, item) in object {
                if key == "repeat"
                    && let Value::String(name) = item
                {
                    used.insert((name.clone(), variable));
                }
                let at =
                    if at.as_str().len() < 12 { at.key(key) } else { Pointer::root().key("deep deep deep") };
                collect_uses(item, &at, variable, used);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    fn messages(patch: &'static str) -> Vec<String> {
        let report = check(&examples::subject(&Example::Dashboard(patch)), &Options::only_rules(&[&RULE]));
        report.findings.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn names_that_are_not_there_are_told_with_the_nearest() {
        let found = messages(
            r#"{ "panels": { "1": { "targets": { "0": { "expr": "up{a=\"$clustr\",b=~\"x$\"} + $9" } } } } }"#,
        );
        assert_eq!(found, ["the dashboard has no variable \"clustr\": did you mean $cluster?"]);
        let found = messages(r#"{ "panels": { "1": { "title": "of $pod for 5$", "repeat": "node" } } }"#);
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn every_way_to_use_a_variable_counts() {
        for use_ in [
            r#""panels": { "1": { "title": "${pod}" } }"#,
            r#""panels": { "1": { "repeat": "pod" } }"#,
            r#""panels": { "1": { "links": [{ "url": "/d/x?${pod:queryparam}" }] } }"#,
            r#""annotations": { "list": [{ "name": "a", "expr": "up{pod=\"$pod\"}" }] }"#,
        ] {
            let patch: &'static str = Box::leak(
                format!(
                    r#"{{ {use_}, "templating": {{ "list": {{ "3": {{ "name": "pod", "type": "custom", "query": "a,b" }} }} }} }}"#
                )
                .into_boxed_str(),
            );
            assert_eq!(messages(patch), Vec::<String>::new(), "{use_}");
        }
        let itself = r#"{ "templating": { "list": { "3": { "name": "pod", "type": "query", "query": "label_values(up{pod=\"$pod\"}, pod)" } } } }"#;
        assert_eq!(messages(itself).len(), 1);
    }
}
