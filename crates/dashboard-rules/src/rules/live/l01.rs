//! L01: queries that fail.

use dashboard_view::ErrorKind;

use crate::finding::Findings;
use crate::live::{Live, Look};
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    id: "L01",
    severity: Severity::Error,
    title: "every query of a panel is answered",
    why: "A query can be right in its form and still fail on data: a join that finds two partners (many-to-many matching), \
          more samples than a server loads, a transformation without its column. It is asked for one, several and all \
          values of the variables, because most of these fail for some of them only.",
    needs: Needs::Live,
    fix: Fixable::No,
    bad: Example::None,
    good: Example::None,
    check: Check::Look(check),
};

fn check(look: &Look<'_>, _: &Live<'_>, findings: &mut Findings<'_>) {
    for (panel, target) in look.targets() {
        let Some(error) = &target.error else { continue };
        let what = error.to_string();
        let what = what.trim_end_matches('.');
        let remedy = match error.kind {
            ErrorKind::Syntax => "mend the query",
            ErrorKind::Execution if what.contains("many-to-many") || what.contains("duplicate") => {
                "aggregate both sides to the labels that they are matched on"
            }
            ErrorKind::Execution => "mend the query",
            ErrorKind::Timeout => "ask for fewer series or a shorter time",
            ErrorKind::Canceled | ErrorKind::Source => "look at the server",
        };
        findings
            .add(
                look.place_of_target(panel, target),
                format!("{} the query fails: {what}: {remedy}", look.choice.text()),
            )
            .note(format!("asked: {}", shown(&target.query)));
    }
    for panel in look.panels().filter(|panel| look.is_asked_whole(panel)) {
        for problem in &panel.problems {
            let problem = problem.trim_end_matches('.');
            findings.add(look.place(panel), format!("{} the panel fails: {problem}", look.choice.text()));
        }
        // That is no fault of the dashboard.
        for limit in &panel.unsupported {
            let limit = limit.trim_end_matches('.');
            let message = format!("what the panel shows is not judged: {limit}");
            findings.add(look.place(panel), message).severity(Severity::Info);
        }
    }
    for problem in &look.view.problems {
        let problem = problem.trim_end_matches('.');
        findings.add(look.dashboard.place(), format!("the dashboard cannot be shown: {problem}"));
    }
}

/// A query on one line, not too long.
pub(super) fn shown(query: &str) -> String {
    const LONGEST: usize = 400;
    let line = query.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST).chain(['…']).collect()
}
