//! D04: classic and v2 form.

use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    id: "D04",
    severity: Severity::Warning,
    title: "the classic and the v2 form of a dashboard say the same",
    why: "Who installs one form must see what the other one shows.",
    needs: Needs::Static,
    fix: Fixable::No,
    bad: Example::None,
    good: Example::None,
    check: Check::NotApplicable("the dashboards are shipped in classic form alone"),
};
