//! Q03: `irate`, and panels that belong together and compute differently.

use std::collections::HashMap;

use grafana::model::Panel;
use promql::Function;
use promql::ast::{Expr, ExprKind, Span};

use super::walk::{each, short};
use crate::finding::Findings;
use crate::fix::Fix;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Query, Subject};

pub(super) const RULE: Rule = Rule {
    id: "Q03",
    severity: Severity::Warning,
    title: "no irate, and panels of a pair compute alike",
    why: "irate looks at the last two samples of each step and misses all others, so the picture changes with every zoom. \
          And what is received can only be compared with what is sent where both are computed in the same way.",
    needs: Needs::Static,
    fix: Fixable::Yes("irate becomes rate"),
    bad: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (irate(k8s_pod_cpu_time_seconds_total{k8s_cluster_name=~\"$cluster\"}[$__rate_interval])))",
    ),
    good: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (rate(k8s_pod_cpu_time_seconds_total{k8s_cluster_name=~\"$cluster\"}[$__rate_interval])))",
    ),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    for query in dashboard.queries.iter().filter(|query| query.is_target()) {
        let Some(tree) = query.tree() else { continue };
        each(tree, &mut |part, _| {
            let ExprKind::Call(call) = &part.kind else { return };
            if call.function == Function::Irate {
                let message = "irate shows two samples of each step and hides the others: write rate, which looks at all of \
                               them";
                findings.add(dashboard.place_of_query(query, call.name_span), message).fix(Fix::replace(
                    "rate instead of irate",
                    query.pointer.clone(),
                    call.name_span,
                    "rate",
                ));
            }
        });
    }
    pairs(dashboard, findings);
}

/// The two sides of what is measured in two directions.
const PAIRS: [(&str, &str); 10] = [
    ("receive", "transmit"),
    ("received", "transmitted"),
    ("received", "sent"),
    ("read", "write"),
    ("reads", "writes"),
    ("requests", "limits"),
    ("request", "limit"),
    ("rx", "tx"),
    ("inbound", "outbound"),
    ("ingress", "egress"),
];

/// Panels whose titles differ in such a pair of words only.
fn pairs(dashboard: &Dashboard, findings: &mut Findings<'_>) {
    // By what the panel is called with one word left open: the last panel that was, and the word.
    let mut seen: HashMap<(String, usize), (usize, String)> = HashMap::new();
    for (index, panel) in dashboard.panels() {
        if dashboard.queries_of(index).next().is_none() {
            continue;
        }
        let mut partner = None;
        for (key, word) in open_titles(panel) {
            let before = seen.insert(key, (index, word.clone()));
            partner = partner.or(before.filter(|(_, other)| *other != word).map(|(partner, _)| partner));
        }
        if let Some((partner, other)) = partner.and_then(|partner| Some((partner, dashboard.panel(partner)?)))
        {
            compare(dashboard, (index, panel), (partner, other), findings);
        }
    }
}

/// The title with each word left open that may be one of a pair, by the pair.
fn open_titles(panel: &Panel) -> Vec<((String, usize), String)> {
    let words: Vec<String> = panel
        .title
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let mut open = Vec::new();
    for (position, word) in words.iter().enumerate() {
        for (pair, (one, other)) in PAIRS.iter().enumerate() {
            if word == one || word == other {
                let mut title = words.clone();
                title[position] = "…".to_owned();
                open.push(((format!("{} {}", panel.kind.id(), title.join(" ")), pair), word.clone()));
            }
        }
    }
    open
}

fn compare(
    dashboard: &Dashboard,
    (index, panel): (usize, &Panel),
    (partner_index, partner): (usize, &Panel),
    findings: &mut Findings<'_>,
) {
    let ours: Vec<&Query> = dashboard.queries_of(index).collect();
    let theirs: Vec<&Query> = dashboard.queries_of(partner_index).collect();
    if ours.len() != theirs.len() {
        return;
    }
    for (our, their) in ours.iter().zip(&theirs) {
        let (Some(our_tree), Some(their_tree)) = (our.tree(), their.tree()) else { continue };
        if let Some((here, there)) = difference(our_tree, &our.text, their_tree, &their.text) {
            let message = format!(
                "{:?} and {:?} belong together, but this is {} here and {} there: compute both in the same way",
                panel.title,
                partner.title,
                short(here.of(&our.text)),
                short(&there)
            );
            findings.add(dashboard.place_of_query(our, here), message);
        }
    }
}

/// The first place at which two queries compute in different ways, whatever metrics and matchers they have.
fn difference(ours: &Expr, our_text: &str, theirs: &Expr, their_text: &str) -> Option<(Span, String)> {
    let (ours, theirs) = (ours.without_parens(), theirs.without_parens());
    let here = |span: Span, other: Span| Some((span, other.of(their_text).to_owned()));
    match (&ours.kind, &theirs.kind) {
        (ExprKind::Call(a), ExprKind::Call(b)) if a.function != b.function => here(a.name_span, b.name_span),
        (ExprKind::Call(a), ExprKind::Call(b)) => {
            let arguments = a.arguments.iter().zip(&b.arguments);
            arguments.into_iter().find_map(|(a, b)| difference(a, our_text, b, their_text))
        }
        (ExprKind::Aggregate(a), ExprKind::Aggregate(b)) => {
            if a.op != b.op {
                return here(a.op_span, b.op_span);
            }
            let sorted = |list: &[String]| {
                let mut list = list.to_vec();
                list.sort();
                list
            };
            if (a.without, sorted(&a.grouping)) != (b.without, sorted(&b.grouping)) {
                let header = |span: Span, inner: Span| Span::new(span.start, inner.start.max(span.end));
                return here(header(a.op_span, a.expr.span), header(b.op_span, b.expr.span));
            }
            difference(&a.expr, our_text, &b.expr, their_text)
        }
        (ExprKind::Binary(a), ExprKind::Binary(b)) => {
            if a.op != b.op {
                return here(a.op_span, b.op_span);
            }
            difference(&a.left, our_text, &b.left, their_text)
                .or_else(|| difference(&a.right, our_text, &b.right, their_text))
        }
        (ExprKind::Matrix(a), ExprKind::Matrix(b)) => {
            let (window, other) = (a.range.span, b.range.span);
            (window.of(our_text) != other.of(their_text)).then(|| (window, other.of(their_text).to_owned()))
        }
        // What else differs is a matter of what is measured.
        _ => None,
    }
}
