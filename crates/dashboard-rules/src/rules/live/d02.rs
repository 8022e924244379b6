//! D02: parity of the simulated environment and a real one.

use std::collections::BTreeSet;

use dashboard_view::QueryAnswer;

use crate::finding::Findings;
use crate::live::{Choice, Live, Look, Size};
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    id: "D02",
    severity: Severity::Warning,
    title: "a real cluster shows what the simulated one does",
    why: "What is tried in the simulated environment holds only as far as that environment sends what a real one sends: the \
          same panels have data, and their series the same labels. It is asked where there are both: with --prometheus.",
    needs: Needs::Live,
    fix: Fixable::No,
    bad: Example::None,
    good: Example::None,
    check: Check::Look(check),
};

fn check(look: &Look<'_>, live: &Live<'_>, findings: &mut Findings<'_>) {
    let Some((simulated, now_ms)) = live.simulated() else { return };
    if look.number > 0 || look.size == Size::Larger {
        return;
    }
    let twin = Look::simulated(look.dashboard, Choice::default(), simulated, now_ms, live);
    for (panel, target) in look.targets() {
        let of_twin = twin
            .targets()
            .find(|(other, one)| other.panel().path == panel.panel().path && one.ref_id == target.ref_id);
        let Some((_, of_twin)) = of_twin else { continue };
        let (Ok(real), Ok(simulated)) = (
            live.metrics().answer(&target.query, target.asked),
            simulated.answer(&of_twin.query, of_twin.asked),
        ) else {
            continue;
        };
        if let Some(difference) = difference(&real, &simulated) {
            findings.add(look.place_of_target(panel, target), difference);
        }
    }
}

fn difference(real: &QueryAnswer, simulated: &QueryAnswer) -> Option<String> {
    let remedy = "look at the collector's settings, or at the metrics that are simulated";
    match (real.series.is_empty(), simulated.series.is_empty()) {
        (true, true) => return None,
        (true, false) => {
            return Some(format!("the server has no series, the simulated environment has: {remedy}"));
        }
        (false, true) => {
            return Some(format!("the simulated environment has no series, the server has: {remedy}"));
        }
        (false, false) => {}
    }
    let (real, simulated) = (labels(real), labels(simulated));
    let list = |names: Vec<&&str>| names.into_iter().copied().collect::<Vec<_>>().join(", ");
    let more = list(real.difference(&simulated).collect());
    let fewer = list(simulated.difference(&real).collect());
    match (more.is_empty(), fewer.is_empty()) {
        (true, true) => None,
        (_, true) => Some(format!("only the server's series have the labels {more}: {remedy}")),
        (true, _) => Some(format!("only the simulated series have the labels {fewer}: {remedy}")),
        _ => Some(format!(
            "only the server's series have the labels {more}, only the simulated ones {fewer}: {remedy}"
        )),
    }
}

fn labels(answer: &QueryAnswer) -> BTreeSet<&str> {
    answer.series.iter().flat_map(|series| series.labels.keys()).map(String::as_str).collect()
}
