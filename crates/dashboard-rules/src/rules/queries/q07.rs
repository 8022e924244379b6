//! Q07: objects that are counted twice.

use std::sync::Arc;

use promql::analysis::labels::{Labels, NameSet};
use promql::ast::{Aggregate, AggregateOp, Expr, ExprKind};

use super::super::catalogue::metrics::{CLUSTER, Metrics, NODE, has_clusters};
use super::walk::{counts_each, each, list, selector};
use crate::finding::Findings;
use crate::fix::Fix;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Query, Subject, is_open};

pub(super) const RULE: Rule = Rule {
    id: "Q07",
    severity: Severity::Warning,
    title: "an object is counted once, and all of it",
    why: "Two collectors, a restarted one, or a pod that was made anew under its old name send the same object twice, and a \
          sum counts both. The max by (…) inside prevents that, if its labels tell apart everything that is to be added up.",
    needs: Needs::Catalogue,
    fix: Fixable::Yes("max by (…) over the object's labels is put around the metric"),
    bad: Example::Query(
        "sum by (k8s_namespace_name) (k8s_pod_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\"})",
    ),
    good: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\"}))",
    ),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let metrics = Metrics::of(dashboard);
    let clusters = has_clusters(dashboard);
    for query in dashboard.queries.iter().filter(|query| query.is_target()) {
        let Some(tree) = query.tree() else { continue };
        let labels = metrics.labels(tree);
        each(tree, &mut |part, around| {
            let look = Look { dashboard, query, metrics, labels: &labels, clusters };
            if let Some((selector, _)) = selector(part) {
                if metrics.find(selector).is_some() {
                    look.at_selector(part, around, findings);
                }
            } else if let ExprKind::Aggregate(aggregate) = &part.kind {
                look.at_choice(aggregate, part, around, findings);
            }
        });
    }
}

/// The label of a machine's name.
const HOST: &str = "host_name";

struct Look<'a> {
    dashboard: &'a Dashboard,
    query: &'a Query,
    metrics: Metrics,
    labels: &'a Labels,
    clusters: bool,
}

impl Look<'_> {
    /// A metric that is added up as it comes.
    fn at_selector(&self, part: &Expr, around: &[&Expr], findings: &mut Findings<'_>) {
        let Some((sum, between)) = nearest_aggregation(around) else { return };
        if !counts_each(sum.op) || is_counted_on(sum, around) || tells_how_many_come(sum, around, between) {
            return;
        }
        let Some(key) = self.labels.get(part).and_then(|series| series.key.clone()) else { return };
        // The functions around the selector belong to the object: the rate of each is what is chosen from.
        let whole = between
            .iter()
            .rev()
            .take_while(|outer| matches!(outer.kind, ExprKind::Call(_) | ExprKind::Subquery(_)))
            .last()
            .map_or(part, |outer| *outer);
        let mut by: NameSet = key;
        // Outside of Kubernetes machines have this name.
        if self.query.text.contains(HOST) && by.contains(NODE) {
            by.insert(Arc::from(HOST));
        }
        // What is asked for further out has to stay.
        let Some(series) = self.labels.get(part) else { return };
        for outer in around {
            let asked: &[String] = match &outer.kind {
                ExprKind::Aggregate(aggregate) if !aggregate.without => &aggregate.grouping,
                ExprKind::Binary(binary) if binary.matching.on => &binary.matching.labels,
                _ => continue,
            };
            by.extend(
                asked
                    .iter()
                    .filter(|label| series.can.contains(label))
                    .map(|label| Arc::from(label.as_str())),
            );
        }
        if by.iter().any(|label| is_open(label)) {
            return;
        }
        let by = ordered(&by).join(", ");
        let message = format!(
            "what comes twice, from two collectors or a restarted one, counts twice in this {}: put max by ({by}) (…) around \
             it",
            sum.op.name()
        );
        let text = whole.span.of(&self.query.text);
        let fixed = format!("max by ({by}) ({text})");
        findings.add(self.dashboard.place_of_query(self.query, whole.span), message).fix(Fix::replace(
            format!("max by ({by}) around it"),
            self.query.pointer.clone(),
            whole.span,
            fixed,
        ));
    }

    /// A `max by (…)` that chooses one of things that should be added up.
    fn at_choice(&self, inner: &Aggregate, part: &Expr, around: &[&Expr], findings: &mut Findings<'_>) {
        let chooses = matches!(inner.op, AggregateOp::Max | AggregateOp::Min) && !inner.without;
        let Some((sum, _)) = nearest_aggregation(around) else { return };
        if !chooses || !counts_each(sum.op) || is_aggregated(&inner.expr) || !self.is_known(&inner.expr) {
            return;
        }
        let Some(series) = self.labels.get(&inner.expr) else { return };
        let by: NameSet = inner.grouping.iter().map(|label| Arc::from(label.as_str())).collect();
        let Some(mut missing) = series.undetermined_by(&by) else { return };
        if !self.clusters {
            missing.remove(CLUSTER);
        }
        // Where a count asks for the groups themselves, what is in them does not matter.
        if missing.is_empty() || sum.op == AggregateOp::Count || by.iter().any(|label| is_open(label)) {
            return;
        }
        let message = format!(
            "{} by (…) keeps one of several that differ in {}, and the {} around it misses the others: add {} to its labels",
            inner.op.name(),
            list(&missing),
            sum.op.name(),
            list(&missing)
        );
        let place = self.dashboard.place_of_query(self.query, inner.op_span);
        let finding = findings.add(place, message);
        if let Some(last) = inner.grouping.last() {
            let span = super::walk::grouping_span(inner, part.span, last, &self.query.text);
            if span != inner.op_span {
                let more: String = ordered(&missing).iter().map(|label| format!(", {label}")).collect();
                let at = promql::ast::Span::new(span.end, span.end);
                let label = format!("add {} to the labels", list(&missing));
                finding.fix(Fix::replace(label, self.query.pointer.clone(), at, more));
            }
        }
    }

    /// Whether all that it looks at is known, and there is something.
    fn is_known(&self, expr: &Expr) -> bool {
        let selectors = super::walk::selectors(expr);
        !selectors.is_empty() && selectors.iter().all(|(selector, _)| self.metrics.find(selector).is_some())
    }
}

/// The innermost aggregation around a part, and what lies between.
fn nearest_aggregation<'a, 'b>(around: &'b [&'a Expr]) -> Option<(&'a Aggregate, &'b [&'a Expr])> {
    let place = around.iter().rposition(|outer| matches!(outer.kind, ExprKind::Aggregate(_)))?;
    match &around[place].kind {
        ExprKind::Aggregate(aggregate) => Some((aggregate, &around[place + 1..])),
        _ => None,
    }
}

/// `count(count by (a) (x))` counts groups, however many are in each.
fn is_counted_on(sum: &Aggregate, around: &[&Expr]) -> bool {
    sum.op == AggregateOp::Count
        && around
            .iter()
            .filter_map(|outer| match &outer.kind {
                ExprKind::Aggregate(aggregate) => Some(&**aggregate),
                _ => None,
            })
            .any(|outer| {
                !std::ptr::eq(outer, sum)
                    && matches!(
                        outer.op,
                        AggregateOp::Count | AggregateOp::Group | AggregateOp::Max | AggregateOp::Min
                    )
            })
}

/// A count of a bare metric with nothing around it asks how many series come, not how many objects there are.
fn tells_how_many_come(sum: &Aggregate, around: &[&Expr], between: &[&Expr]) -> bool {
    sum.op == AggregateOp::Count
        && sum.grouping.is_empty()
        && between.iter().all(|part| match &part.kind {
            ExprKind::Paren(_) => true,
            ExprKind::Binary(binary) => binary.op.is_set(),
            _ => false,
        })
        && around.iter().filter(|outer| matches!(outer.kind, ExprKind::Aggregate(_))).count() == 1
}

fn is_aggregated(expr: &Expr) -> bool {
    let mut found = false;
    each(expr, &mut |part, _| found |= matches!(part.kind, ExprKind::Aggregate(_)));
    found
}

/// The larger first: cluster, namespace, pod, container, then what is measured about them.
pub(crate) fn ordered(labels: &NameSet) -> Vec<&str> {
    const ORDER: [&str; 5] =
        [CLUSTER, "k8s_namespace_name", "k8s_node_name", "k8s_pod_name", "k8s_container_name"];
    let rank = |label: &str| ORDER.iter().position(|known| *known == label).unwrap_or(ORDER.len());
    let mut list: Vec<&str> = labels.iter().map(|label| &**label).collect();
    list.sort_by_key(|label| (rank(label), *label));
    list
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::subject::Source;
    use crate::{Options, check, fix, rules};

    #[test]
    fn what_is_put_around_names_the_cluster_and_breaks_no_join_of_who_has_one() {
        const EXPR: &str = "count by (k8s_namespace_name) (k8s_container_ready and on (k8s_namespace_name, k8s_pod_name) k8s_pod_phase == 2) or \
                            sum(system_memory_usage_bytes{host_name=~\"a\"})";
        let mut value = json!({ "title": "A", "panels": [{ "id": 1, "type": "stat",
            "targets": [{ "refId": "A", "expr": EXPR }] }] });
        let options = Options::only_rules(&["Q07", "Q11"].map(|id| rules::find(id).unwrap()));
        for round in 0.. {
            let subject = Subject::new(vec![Dashboard::new("a.json", value.clone(), Source::Value).unwrap()]);
            let findings = check(&subject, &options).findings;
            assert!(round < 5 && findings.iter().all(|finding| finding.rule == "Q07"), "{findings:#?}");
            let Some(next) = findings.first() else { break };
            value = fix::apply(&value, &next.fix.as_ref().unwrap().edits).unwrap();
        }
        let mended = value["panels"][0]["targets"][0]["expr"].as_str().unwrap();
        for part in [
            "max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name, k8s_container_name) (k8s_container_ready)",
            "max by (k8s_cluster_name, k8s_node_name, host_name, state) (system_memory_usage_bytes",
        ] {
            assert!(mended.contains(part), "{mended}");
        }
    }
}
