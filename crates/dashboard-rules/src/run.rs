//! Lets the rules look at the dashboards, several at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::finding::{Finding, Findings};
use crate::rule::{Check, Needs, Rule};
use crate::rules;
use crate::subject::{Dashboard, Subject};

/// What is looked for, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The rules.
    pub rules: Vec<&'static Rule>,
    /// How many dashboards are looked at side by side.
    pub threads: usize,
    /// Only the dashboard of this file is judged, where there is one; the others are there to be compared with.
    pub only: Option<String>,
    /// So many findings of one rule in one dashboard are told.
    pub most: usize,
}

impl Default for Options {
    /// Every rule that needs no answers, one dashboard at a time.
    fn default() -> Self {
        Self {
            rules: rules::all().filter(|rule| rule.needs != Needs::Live).collect(),
            threads: 1,
            only: None,
            most: MOST,
        }
    }
}

impl Options {
    /// These rules alone.
    pub fn only_rules(rules: &[&'static Rule]) -> Self {
        Self { rules: rules.to_vec(), ..Self::default() }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// By file and place.
    pub findings: Vec<Finding>,
    /// What is suppressed.
    pub suppressed: Vec<Finding>,
    /// Rules that broke down, with what they said: a fault of ours, not of the dashboards.
    pub broken: Vec<String>,
}

/// Judges the dashboards.
pub fn check(subject: &Subject, options: &Options) -> Report {
    judge(subject, options, Vec::new())
}

/// Judges the dashboards; what was found elsewhere (on answers to queries) is put with the rest, and can be suppressed.
pub fn judge(subject: &Subject, options: &Options, elsewhere: Vec<Finding>) -> Report {
    let mut report = Report { findings: elsewhere, ..Report::default() };
    let per_dashboard: Vec<_> = options
        .rules
        .iter()
        .filter_map(|rule| match rule.check {
            Check::Dashboard(check) => Some((*rule, check)),
            _ => None,
        })
        .collect();

    let next = AtomicUsize::new(0);
    let done = Mutex::new(&mut report);
    let work = || {
        while let Some(dashboard) = subject.dashboards.get(next.fetch_add(1, Ordering::Relaxed)) {
            if options.only.as_ref().is_some_and(|only| *only != dashboard.file) {
                continue;
            }
            let mut findings = Vec::new();
            let mut broken = Vec::new();
            for (rule, check) in &per_dashboard {
                guarded(rule, &dashboard.file, options.most, &mut findings, &mut broken, |findings| {
                    check(dashboard, subject, findings);
                });
            }
            let mut report = done.lock().unwrap_or_else(PoisonError::into_inner);
            report.findings.append(&mut findings);
            report.broken.append(&mut broken);
        }
    };
    let threads = options.threads.min(subject.dashboards.len());
    if threads <= 1 {
        work();
    } else {
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
    }

    for rule in &options.rules {
        if let Check::Set(check) = rule.check {
            let Report { findings, broken, .. } = &mut report;
            guarded(rule, "the dashboards together", options.most, findings, broken, |findings| {
                check(subject, findings);
            });
        }
    }
    suppress(subject, options, &mut report);
    if let Some(only) = &options.only {
        // Of two dashboards that clash either may be told.
        report.findings.retain(|finding| finding.place.file == *only || matches!(finding.rule, "J05"));
    }
    report.findings.sort_by_cached_key(key);
    report.suppressed.sort_by_cached_key(key);
    report.broken.sort();
    report
}

/// More findings of one rule in one dashboard are not told where nobody asks for all of them: a dashboard of a hundred
/// thousand panels has that many times the same mistake.
const MOST: usize = 1_000;

/// A rule that breaks down must not take the others with it.
fn guarded(
    rule: &'static Rule,
    on: &str,
    most: usize,
    findings: &mut Vec<Finding>,
    broken: &mut Vec<String>,
    check: impl FnOnce(&mut Findings<'_>),
) {
    let before = findings.len();
    let outcome = catch_unwind(AssertUnwindSafe(|| check(&mut Findings::new(rule, findings))));
    if let Err(panic) = outcome {
        findings.truncate(before);
        let said = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        broken.push(format!("rule {} broke down on {on}: {said}", rule.id));
    }
    let more = (findings.len() - before).saturating_sub(most);
    if more > 0 {
        findings.truncate(before + most);
        if let Some(last) = findings.last_mut() {
            last.note(format!("and {more} more findings of {} in {on}, which are left out", rule.id));
        }
    }
}

/// Takes out what is suppressed, and tells which suppressions were of no use.
fn suppress(subject: &Subject, options: &Options, report: &mut Report) {
    let holding: Vec<(&Dashboard, usize)> = subject
        .dashboards
        .iter()
        .flat_map(|dashboard| {
            let list = dashboard.suppressions.iter().enumerate();
            list.filter(|(_, suppression)| suppression.holds(subject.today))
                .map(move |(index, _)| (dashboard, index))
        })
        .collect();
    let mut used = vec![false; holding.len()];
    let findings = std::mem::take(&mut report.findings);
    for finding in findings {
        let mut covered = false;
        for (number, (dashboard, index)) in holding.iter().enumerate() {
            if dashboard.file == finding.place.file && dashboard.suppressions[*index].covers(&finding) {
                used[number] = true;
                covered = true;
            }
        }
        if covered { report.suppressed.push(finding) } else { report.findings.push(finding) }
    }
    let unused: Vec<(&Dashboard, usize)> =
        holding.iter().zip(&used).filter(|(_, used)| !**used).map(|(place, _)| *place).collect();
    rules::sets::s01::judge(subject, options, &unused, &mut report.findings);
}

/// The order in which findings are told.
fn key(finding: &Finding) -> impl Ord + use<> {
    let place = &finding.place;
    let steps: Vec<(usize, String)> =
        place.pointer.steps().map(|step| (step.parse().unwrap_or(usize::MAX), step)).collect();
    (place.file.clone(), steps, place.span, finding.rule, finding.message.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rule::{Example, Fixable, Severity};
    use crate::subject::Source;
    use crate::{Fix, Suppression};

    fn rule(check: Check) -> Rule {
        Rule {
            id: "X01",
            severity: Severity::Warning,
            title: "",
            why: "",
            needs: Needs::Static,
            fix: Fixable::No,
            bad: Example::None,
            good: Example::None,
            check,
        }
    }

    static EVERYTHING: std::sync::LazyLock<Rule> = std::sync::LazyLock::new(|| {
        rule(Check::Dashboard(|dashboard, _, findings| {
            for (_, panel) in dashboard.panels() {
                findings.add(dashboard.place_of_panel(panel), "a panel").fix(Fix::remove(Default::default()));
            }
        }))
    });
    static BREAKS: std::sync::LazyLock<Rule> = std::sync::LazyLock::new(|| {
        rule(Check::Dashboard(|dashboard, _, findings| {
            findings.add(dashboard.place(), "half a finding");
            assert!(dashboard.file != "b.json", "on purpose");
        }))
    });

    fn subject() -> Subject {
        let value = json!({ "title": "A", "panels": [{ "id": 1 }, { "id": 2 }] });
        let dashboard = |file: &str| Dashboard::new(file, value.clone(), Source::Value).unwrap();
        Subject::new(vec![dashboard("c.json"), dashboard("a.json"), dashboard("b.json")])
    }

    #[test]
    fn findings_come_in_the_same_order_however_many_threads_there_are() {
        let with =
            |threads| check(&subject(), &Options { rules: vec![&EVERYTHING], threads, ..Options::default() });
        let one = with(1);
        assert_eq!(one.findings.len(), 6);
        assert_eq!(one.findings[0].place.file, "a.json");
        for threads in [0, 2, 9] {
            assert_eq!(with(threads), one);
        }
    }

    #[test]
    fn many_findings_of_a_kind_are_cut_unless_all_are_asked_for() {
        let panels: Vec<_> = (0..MOST + 5).map(|id| json!({ "id": id })).collect();
        let dashboard =
            Dashboard::new("a.json", json!({ "title": "A", "panels": panels }), Source::Value).unwrap();
        let subject = Subject::new(vec![dashboard]);
        let options = Options { rules: vec![&EVERYTHING], ..Options::default() };
        let cut = check(&subject, &options).findings;
        assert_eq!(cut.len(), MOST);
        let told = |finding: &Finding| finding.notes.iter().any(|note| note.contains("5 more findings"));
        assert!(cut.iter().any(told), "{:?}", cut.last());
        assert_eq!(check(&subject, &Options { most: usize::MAX, ..options }).findings.len(), MOST + 5);
    }

    #[test]
    fn a_rule_that_breaks_down_is_told_and_the_others_go_on() {
        let report = check(
            &subject(),
            &Options { rules: vec![&BREAKS, &EVERYTHING], threads: 2, ..Options::default() },
        );
        assert_eq!(report.broken, ["rule X01 broke down on b.json: on purpose"]);
        assert_eq!(report.findings.len(), 6 + 2);
    }

    #[test]
    fn what_is_suppressed_is_kept_apart() {
        let mut subject = subject();
        subject.dashboards[0].suppressions = vec![Suppression::read(
            &json!({ "rule": "X01", "panel": 2, "reason": "so", "until": "2030-01-01" }),
            None,
        )];
        let report = check(&subject, &Options { rules: vec![&EVERYTHING], threads: 1, ..Options::default() });
        assert_eq!((report.findings.len(), report.suppressed.len()), (5, 1));
    }
}
