//! Every rule keeps what it promises: its bad example breaks it, its good one does not, and the fix mends it.

use std::collections::BTreeSet;

use super::*;
use crate::examples;
use crate::fix;
use crate::rule::{Check, Example, Fixable};
use crate::subject::{Dashboard, Source, Style, Subject};
use crate::{Finding, Options, check};

fn findings(rule: &'static Rule, subject: &Subject) -> Vec<Finding> {
    let report = check(subject, &Options::only_rules(&[rule]));
    assert!(report.broken.is_empty(), "{:?}", report.broken);
    report.findings
}

/// Whether there is something to try. The others have tests of their own.
fn has_examples(rule: &Rule) -> bool {
    !matches!(rule.check, Check::Elsewhere | Check::NotApplicable(_)) && !matches!(rule.bad, Example::None)
}

fn subject(rule: &Rule, example: &Example) -> Subject {
    let subject = examples::subject(example);
    if !matches!(example, Example::File(_)) {
        assert!(subject.unreadable.is_empty(), "{}: {:?}", rule.id, subject.unreadable);
    }
    subject
}

#[test]
fn ids_are_unique_and_say_their_folder() {
    let mut ids = BTreeSet::new();
    for rule in all() {
        assert!(ids.insert(rule.id), "{}", rule.id);
        assert!(rule.id.len() == 3 && rule.id.as_bytes()[0].is_ascii_uppercase(), "{}", rule.id);
    }
}

#[test]
fn every_rule_says_what_and_why_in_whole_sentences() {
    for rule in all() {
        assert!(!rule.title.is_empty() && !rule.title.ends_with('.'), "{}", rule.id);
        assert!(rule.why.ends_with('.'), "{}", rule.id);
        if let Fixable::Yes(how) = rule.fix {
            assert!(!how.is_empty(), "{}", rule.id);
        }
    }
}

#[test]
fn bad_examples_break_their_rule_and_good_ones_do_not() {
    for rule in all() {
        if !has_examples(rule) {
            continue;
        }
        let bad = findings(rule, &subject(rule, &rule.bad));
        assert!(!bad.is_empty(), "{}: the bad example is not found", rule.id);
        for finding in &bad {
            assert_eq!(finding.rule, rule.id);
            let message = &finding.message;
            assert!(message.len() > 20 && !message.ends_with('.'), "{}: {message:?}", rule.id);
        }
        let good = findings(rule, &subject(rule, &rule.good));
        assert!(good.is_empty(), "{}: the good example breaks it: {good:#?}", rule.id);
    }
}

#[test]
fn the_fix_of_the_bad_example_leaves_nothing_to_find() {
    for rule in all() {
        let Fixable::Yes(_) = rule.fix else { continue };
        if !has_examples(rule) || matches!(rule.bad, Example::File(_)) {
            continue;
        }
        let mut now = subject(rule, &rule.bad);
        // Several fixes may meet in one place, and are then done one after the other.
        for _ in 0..5 {
            let found = findings(rule, &now);
            if found.is_empty() {
                break;
            }
            let fixed: Vec<&Finding> = found.iter().filter(|finding| finding.fix.is_some()).collect();
            assert!(!fixed.is_empty(), "{}: no fix for {found:#?}", rule.id);
            let mut next = Vec::new();
            for dashboard in &now.dashboards {
                let mut value = dashboard.value.clone();
                let first = fixed.iter().find(|finding| finding.place.file == dashboard.file);
                if let Some(fix) = first.and_then(|finding| finding.fix.as_ref()) {
                    value = fix::apply(&value, &fix.edits)
                        .unwrap_or_else(|error| panic!("{}: {error:?}", rule.id));
                }
                let read = Dashboard::new(dashboard.file.clone(), value, Source::Value).unwrap();
                next.push(read.in_style(Style::House));
            }
            now = Subject::new(next);
        }
        let left = findings(rule, &now);
        assert!(left.is_empty(), "{}: {left:#?}", rule.id);
    }
}

#[test]
fn the_example_dashboard_keeps_to_every_rule() {
    let subject = examples::subject(&Example::Dashboard("{}"));
    let report = check(&subject, &Options::default());
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
}
