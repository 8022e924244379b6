//! L03: what queries cost.

use crate::finding::Findings;
use crate::live::{Live, Look, Size};
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    id: "L03",
    severity: Severity::Warning,
    title: "no query asks for more than somebody can read",
    why: "A graph of a thousand lines is slow and says nothing, and a query that reads millions of samples makes the server \
          slow for everybody. With --scale N this is asked of an environment N times as large.",
    needs: Needs::Live,
    fix: Fixable::No,
    bad: Example::None,
    good: Example::None,
    check: Check::Look(check),
};

fn check(look: &Look<'_>, live: &Live<'_>, findings: &mut Findings<'_>) {
    if look.size == Size::Usual && live.larger().is_some() {
        return;
    }
    let budget = live.options.budget;
    for (panel, target) in look.targets() {
        let mut message = None;
        if target.series > budget.series {
            message = Some(format!(
                "{} the query gives {} series, more than {}: sum them up, or take the largest with topk",
                look.choice.text(),
                target.series,
                budget.series
            ));
        } else if let Some(samples) = target.samples_read.filter(|samples| *samples > budget.samples) {
            message = Some(format!(
                "{} the query reads {samples} samples, more than {}: ask for fewer series, or for a shorter window",
                look.choice.text(),
                budget.samples
            ));
        }
        if let Some(message) = message {
            findings.add(look.place_of_target(panel, target), message);
        }
    }
}
