//! S01: suppressions.

use crate::finding::{Finding, Findings};
use crate::fix::{Change, Fix};
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::run::Options;
use crate::subject::{Dashboard, Subject};
use crate::suppression::Suppression;

pub(crate) static RULE: Rule = Rule {
    id: "S01",
    severity: Severity::Warning,
    title: "a suppression has a rule, a reason and an end, and is needed",
    why: "A suppression without a reason or an end outlives what it was for, and then hides the next mistake.",
    needs: Needs::Static,
    fix: Fixable::Yes("a suppression that is not needed is removed"),
    bad: Example::Dashboard(
        r#"{ "suppressed": [{ "rule": "S99", "reason": "nobody knows", "until": "2999-12-31" }] }"#,
    ),
    good: Example::Dashboard("{}"),
    check: Check::Elsewhere,
};

/// Looks at the suppressions after all other rules; `unused` are those that hold and covered nothing.
pub(crate) fn judge(
    subject: &Subject,
    options: &Options,
    unused: &[(&Dashboard, usize)],
    list: &mut Vec<Finding>,
) {
    if !options.rules.iter().any(|rule| rule.id == RULE.id) {
        return;
    }
    let mut findings = Findings::new(&RULE, list);
    for dashboard in &subject.dashboards {
        for suppression in &dashboard.suppressions {
            if let Some(message) = flaw(suppression, subject) {
                findings.add(place(dashboard, suppression), message);
            }
        }
    }
    for (dashboard, index) in unused {
        let suppression = &dashboard.suppressions[*index];
        let known = crate::rules::find(&suppression.rule);
        // A rule that was not asked for could not find what is suppressed.
        if known.is_some() && !options.rules.iter().any(|rule| rule.id == suppression.rule) {
            continue;
        }
        let message = match known {
            Some(_) => format!("the suppression of {} covers nothing any more: remove it", suppression.rule),
            None => format!("the suppression names {:?}, which is no rule: remove it", suppression.rule),
        };
        let finding = findings.add(place(dashboard, suppression), message);
        if let Some(pointer) = &suppression.pointer {
            let label = format!("remove the suppression of {}", suppression.rule);
            finding.fix(Fix::one(label, pointer.clone(), Change::Remove));
        }
    }
}

fn flaw(suppression: &Suppression, subject: &Subject) -> Option<String> {
    let of = &suppression.rule;
    if let Some(what) = &suppression.unreadable {
        let of = if of.is_empty() { String::new() } else { format!(" of {of}") };
        return Some(format!("the suppression{of} {what}"));
    }
    if of.is_empty() {
        return Some(
            "a suppression names no rule: write { rule: 'U04', reason: '…', until: '2027-06-30' }".to_owned(),
        );
    }
    if suppression.reason.is_empty() {
        return Some(format!("the suppression of {of} has no reason: say why it is all right"));
    }
    match &suppression.until {
        None => Some(format!(
            "the suppression of {of} has no end: add until: '2027-06-30', when to look at it again"
        )),
        Some(Err(text)) => {
            Some(format!("the suppression of {of} ends on {text:?}, which is no day: write '2027-06-30'"))
        }
        Some(Ok(until)) if suppression.is_expired(subject.today) => Some(format!(
            "the suppression of {of} expired on {until}: mend what it hides, or give it a new end"
        )),
        Some(Ok(_)) => None,
    }
}

fn place(dashboard: &Dashboard, suppression: &Suppression) -> crate::Place {
    let mut place = match &suppression.pointer {
        Some(pointer) => dashboard.place_at(pointer.clone()),
        None => dashboard.place(),
    };
    if let Some(id) = suppression.panel {
        let panel = dashboard.panels().find(|(_, panel)| panel.id == Some(id));
        place.panel = panel.map(|(_, panel)| crate::subject::panel_name(panel));
    }
    place
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check;

    fn messages(suppression: &serde_json::Value) -> Vec<String> {
        let mut subject = crate::examples::subject(&Example::Panel(r#"{ "description": "" }"#));
        subject.today = Some(jiff::civil::date(2027, 1, 15));
        subject.dashboards[0].suppressions = vec![Suppression::read(suppression, None)];
        check(&subject, &Options::default()).findings.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn what_stands_in_no_list_is_told() {
        let mut value = crate::examples::dashboard();
        value["suppressed"] =
            json!({ "rule": "P04", "panel": 1, "reason": "obvious", "until": "2027-06-30" });
        let dashboard = Dashboard::new(crate::examples::FILE, value, crate::subject::Source::Value).unwrap();
        let subject = Subject::new(vec![dashboard.in_style(crate::subject::Style::House)]);
        let messages: Vec<String> = check(&subject, &Options::default())
            .findings
            .into_iter()
            .map(|finding| finding.message)
            .collect();
        assert!(matches!(&messages[..], [one] if one.contains("stands in no list")), "{messages:?}");
    }

    #[test]
    fn a_suppression_that_is_whole_and_needed_is_silent() {
        let whole = json!({ "rule": "P04", "panel": 1, "reason": "obvious", "until": "2027-01-15" });
        assert_eq!(messages(&whole), Vec::<String>::new());
    }

    #[test]
    fn one_that_is_not_needed_not_whole_or_expired_is_told() {
        for (suppression, expected) in [
            (json!({ "rule": "P04", "panel": 2, "reason": "x", "until": "2027-06-30" }), "covers nothing"),
            (json!({ "rule": "Z99", "reason": "x", "until": "2027-06-30" }), "is no rule"),
            (json!({ "reason": "x", "until": "2027-06-30" }), "names no rule"),
            (json!({ "rule": "P04", "until": "2027-06-30" }), "has no reason"),
            (json!({ "rule": "P04", "reason": "x" }), "has no end"),
            (json!({ "rule": "P04", "reason": "x", "until": "soon" }), "is no day"),
            (json!({ "rule": "P04", "reason": "x", "until": "2027-01-14" }), "expired on 2027-01-14"),
            // Neither the whole dashboard nor nothing.
            (
                json!({ "rule": "P04", "panel": "1", "reason": "x", "until": "2027-06-30" }),
                "no number: write \"panel\": 1",
            ),
            (
                json!({ "rule": "P04", "panel": "CPU", "reason": "x", "until": "2027-06-30" }),
                "the number that is its id",
            ),
            (json!({ "rule": "p04", "reason": "x", "until": "2027-06-30" }), "write \"P04\""),
        ] {
            let told = messages(&suppression);
            assert!(told.iter().any(|message| message.contains(expected)), "{suppression}: {told:?}");
            // What it does not cover is told as well.
            assert_eq!(told.len(), 2, "{suppression}: {told:?}");
        }
    }
}
