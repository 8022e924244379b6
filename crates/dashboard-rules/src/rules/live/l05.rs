//! L05: what is counted twice.

use std::collections::BTreeMap;

use dashboard_view::QueryAnswer;
use grafana::model::Panel;

use crate::finding::Findings;
use crate::live::{Live, Look, Size};
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    id: "L05",
    severity: Severity::Error,
    title: "a second collector changes nothing",
    why: "Two collectors that see the same objects send each series twice, with different labels of their own: after a rollout \
          for some minutes, with two replicas always. A sum without an inner max by (…) then doubles, and a join fails. A \
          panel that counts what is sent says so: \"series\" stands in its title, or in the first line of its description.",
    needs: Needs::Live,
    fix: Fixable::No,
    bad: Example::None,
    good: Example::None,
    check: Check::Look(check),
};

/// Rounding apart.
const TOLERANCE: f64 = 1e-6;

fn check(look: &Look<'_>, live: &Live<'_>, findings: &mut Findings<'_>) {
    let Some(doubled) = live.second_collector() else { return };
    // What is asked for differs between the looks by values of matchers alone: the first ones tell all there is.
    if look.size == Size::Larger || look.number > 1 {
        return;
    }
    for (panel, target) in look.targets().filter(|(panel, _)| !counts_series(panel.panel())) {
        // What fails anyway is told by L01.
        let Ok(one) = live.metrics().answer(&target.query, target.asked) else { continue };
        let message = match doubled.answer(&target.query, target.asked) {
            Err(error) => format!("the query fails: {}", error.to_string().trim_end_matches('.')),
            Ok(two) => match difference(&one, &two) {
                Some(difference) => difference,
                None => continue,
            },
        };
        findings
            .add(
                look.place_of_target(panel, target),
                format!(
                    "with a second collector {message}: aggregate first by what identifies the object, with max by (…)"
                ),
            )
            .note(format!("asked: {}", super::l01::shown(&target.query)));
    }
}

/// Whether a panel is about the series themselves, of which there are more then.
fn counts_series(panel: &Panel) -> bool {
    let description = panel.description.as_deref().and_then(|text| text.lines().next()).unwrap_or_default();
    [panel.title.as_str(), description].iter().any(|text| {
        text.split(|c: char| !c.is_alphanumeric()).any(|word| word.eq_ignore_ascii_case("series"))
    })
}

fn difference(one: &QueryAnswer, two: &QueryAnswer) -> Option<String> {
    if one.series.len() != two.series.len() {
        return Some(format!("there are {} series instead of {}", two.series.len(), one.series.len()));
    }
    let doubled: BTreeMap<_, _> = two.series.iter().map(|series| (&series.labels, &series.points)).collect();
    for series in &one.series {
        let name = || grafana::frame::series_name(&series.labels);
        let Some(points) = doubled.get(&series.labels) else {
            return Some(format!("the series {} is not there", name()));
        };
        if points.len() != series.points.len() {
            return Some(format!(
                "the series {} has {} values instead of {}",
                name(),
                points.len(),
                series.points.len()
            ));
        }
        for ((_, before), (_, after)) in series.points.iter().zip(points.iter()) {
            let same = before.to_bits() == after.to_bits()
                || (before.is_nan() && after.is_nan())
                || (before - after).abs() <= TOLERANCE * before.abs();
            if !same {
                return Some(format!("{before} becomes {after} in the series {}", name()));
            }
        }
    }
    None
}
