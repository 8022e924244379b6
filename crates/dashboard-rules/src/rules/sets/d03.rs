//! D03: parity with kubernetes-mixin.

use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    id: "D03",
    severity: Severity::Info,
    title: "the panels of kubernetes-mixin are here too, with the same values",
    why: "Who comes from kubernetes-mixin looks for what was there; what has no source in OpenTelemetry is to be a decision, \
          and not forgotten.",
    needs: Needs::Live,
    fix: Fixable::No,
    bad: Example::None,
    good: Example::None,
    check: Check::NotApplicable(
        "it needs kube-state-metrics, cAdvisor and the OpenTelemetry receivers on one cluster",
    ),
};
