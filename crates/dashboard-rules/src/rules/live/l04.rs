//! L04: values that cannot be.

use dashboard_view::EvaluatedPanel;
use grafana::frame::{FieldType, Value};
use grafana::model::FieldIdentity;

use super::quantities;
use crate::finding::Findings;
use crate::live::{Live, Look, Size};
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    id: "L04",
    severity: Severity::Warning,
    title: "values are in their range, and dashboards agree with each other",
    why: "A share above 150 % or a negative number of bytes shows a query that counts something twice or divides by the wrong \
          thing. And what pods use together is what their namespace uses, on whichever dashboard: a difference of more \
          than 5 % is a mistake on one of them.",
    needs: Needs::Live,
    fix: Fixable::No,
    bad: Example::None,
    good: Example::None,
    check: Check::Look(check),
};

/// A share of a whole. What was declared can be exceeded: only where the panel ends at 100 % is this one.
const MOST_RATIO: f64 = 1.5;

/// Units of what is there or flows, and cannot be less than nothing.
const AMOUNTS: &[&str] = &[
    "bytes",
    "decbytes",
    "bits",
    "bps",
    "Bps",
    "binBps",
    "binbps",
    "iops",
    "pps",
    "percent",
    "percentunit",
    "suffix:cores",
    "dtdurations",
];

fn check(look: &Look<'_>, live: &Live<'_>, findings: &mut Findings<'_>) {
    if look.size == Size::Larger {
        return;
    }
    for panel in look.panels() {
        if let Some(message) = out_of_range(panel) {
            findings.add(look.place(panel), format!("{} {message}", look.choice.text()));
        }
    }
    quantities::compare(look, live, findings);
}

fn out_of_range(panel: &EvaluatedPanel<'_>) -> Option<String> {
    let config = &panel.panel().field_config;
    for frame in &panel.frames {
        let names = frame.shown_names();
        for (field, name) in frame.fields.iter().zip(&names) {
            if field.field_type != FieldType::Number {
                continue;
            }
            let identity = FieldIdentity { name, field_type: field.field_type.id(), ref_id: &frame.ref_id };
            let options = config.options_for(identity);
            let unit = options.unit.as_deref().unwrap_or_default();
            let numbers = || {
                field.values.iter().filter_map(|value| match value {
                    Value::Number(number) if !number.is_nan() => Some(*number),
                    _ => None,
                })
            };
            if let Some(endless) = numbers().find(|number| number.is_infinite()) {
                return Some(format!(
                    "{name:?} is {endless}: something is divided by 0; leave out what is 0 with > 0"
                ));
            }
            let least = numbers().fold(f64::INFINITY, f64::min);
            if AMOUNTS.contains(&unit) && least < 0.0 {
                return Some(format!(
                    "{name:?} is {least} {unit}, less than nothing: look for a difference in the query, or choose a unit for changes"
                ));
            }
            let whole = match unit {
                "percentunit" => options.max == Some(1.0),
                "percent" => options.max == Some(100.0),
                _ => false,
            };
            let most = numbers().fold(f64::NEG_INFINITY, f64::max) / options.max.unwrap_or(1.0);
            if whole && most > MOST_RATIO {
                return Some(format!(
                    "{name:?} is {:.0} % of the whole: look for what is counted twice, or divide by something else",
                    100.0 * most
                ));
            }
        }
    }
    None
}
