//! U04: the title says one thing and the query another.

use grafana::model::Panel;
use promql::analysis::labels::metric_name;
use promql::ast::{BinaryOp, Expr, ExprKind, Span, VectorSelector};

use super::super::queries::walk::{bare_span, each, selector, selectors};
use super::shown::appearance;
use crate::finding::Findings;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Query, Subject, is_open};

pub(super) const RULE: Rule = Rule {
    id: "U04",
    severity: Severity::Warning,
    title: "a panel shows what its title says",
    why: "Requests that are called usage, errors that are called drops: nobody looks twice at a number that looks like one.",
    needs: Needs::Catalogue,
    fix: Fixable::No,
    bad: Example::Panel(
        r#"{ "title": "Memory usage", "fieldConfig": { "defaults": { "unit": "bytes" } }, "targets": { "0": { "expr": "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name, k8s_container_name) (k8s_container_memory_request_bytes{k8s_cluster_name=~\"$cluster\"}))" } } }"#,
    ),
    good: Example::Panel(
        r#"{ "title": "Memory usage", "fieldConfig": { "defaults": { "unit": "bytes" } }, "targets": { "0": { "expr": "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\"}))" } } }"#,
    ),
    check: Check::Dashboard(check),
};

/// Words of a title, and what the metrics of its queries then have to be.
struct Promise {
    /// Words of which one makes the promise.
    said: &'static [&'static str],
    /// Words that take it back, or make another one.
    unless: &'static [&'static str],
    /// Parts of names of metrics that would break it.
    broken_by: &'static [&'static str],
    /// Parts of names or matchers that keep it: where one metric has one, all is well.
    kept_by: &'static [&'static str],
    /// What to say.
    really: &'static str,
}

const PROMISES: &[Promise] = &[
    Promise {
        said: &["usage", "used"],
        unless: &[
            "request",
            "requests",
            "requested",
            "limit",
            "limits",
            "commitment",
            "quota",
            "capacity",
            "allocatable",
            "free",
        ],
        broken_by: &[
            "_request",
            "_limit",
            "kube_pod_container_resource_requests",
            "kube_pod_container_resource_limits",
        ],
        kept_by: &[
            "usage",
            "used",
            "working_set",
            "rss",
            "_time_seconds",
            "_available",
            "utilization",
            "cpu_seconds",
        ],
        really: "what is asked for or allowed, not what is used",
    },
    Promise {
        said: &["requests", "requested", "request"],
        unless: &[
            "limit", "limits", "usage", "rate", "http", "latency", "duration", "errors", "per", "inflight",
            "queue",
        ],
        broken_by: &["_limit", "_limits", "working_set", "_usage", "_time_seconds", "rss"],
        kept_by: &["request"],
        really: "something other than what was requested",
    },
    Promise {
        said: &["limits", "limit"],
        unless: &["request", "requests", "usage", "rate"],
        broken_by: &["_request", "_requests", "working_set", "_usage", "_time_seconds", "rss"],
        kept_by: &["limit", "quota", "max"],
        really: "something other than the limit",
    },
    Promise {
        said: &["dropped", "drops", "drop"],
        unless: &["errors", "error"],
        broken_by: &["_errors", "_packets_total", "_io_bytes"],
        kept_by: &["drop"],
        really: "not what was dropped",
    },
    Promise {
        said: &["errors", "error"],
        unless: &["dropped", "drops", "requests", "ratio", "rate", "logs"],
        broken_by: &[
            "_dropped",
            "_packets_total",
            "network_io_bytes",
            "_packets_dropped",
            "transmit_packets",
            "receive_packets",
        ],
        kept_by: &["error", "fail"],
        really: "not errors",
    },
    Promise {
        said: &["packets"],
        unless: &["dropped", "drops", "errors", "lost", "bytes", "bandwidth"],
        broken_by: &["_bytes", "_errors", "_dropped"],
        kept_by: &["packet"],
        really: "not packets",
    },
    Promise {
        said: &["receive", "received", "rx", "inbound"],
        unless: &["transmit", "transmitted", "sent", "tx", "outbound", "send"],
        broken_by: &["=\"transmit\"", "_transmit_"],
        kept_by: &["receive", "rx"],
        really: "what is sent",
    },
    Promise {
        said: &["transmit", "transmitted", "sent", "tx", "outbound"],
        unless: &["receive", "received", "rx", "inbound"],
        broken_by: &["=\"receive\"", "_receive_"],
        kept_by: &["transmit", "sent", "tx"],
        really: "what is received",
    },
    Promise {
        said: &["memory"],
        unless: &["cpu", "disk", "network", "storage"],
        broken_by: &["_cpu_", "_network_", "_filesystem_"],
        kept_by: &[
            "memory",
            "swap",
            "rss",
            "paging",
            "cache",
            "kmem",
            "hugepage",
            "resource",
            "allocatable",
            "count",
            "phase",
        ],
        really: "something other than memory",
    },
    Promise {
        said: &["cpu", "cpus"],
        unless: &["memory", "disk", "network", "storage"],
        broken_by: &["_memory_", "_network_", "_filesystem_"],
        kept_by: &["cpu", "load", "resource", "throttl", "count", "phase"],
        really: "something other than CPU",
    },
];

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    for query in dashboard.queries.iter().filter(|query| query.is_target()) {
        let (Some(tree), Some(panel)) = (query.tree(), dashboard.panel_of(query)) else { continue };
        let selected = selectors(tree);
        if selected.iter().any(|(selector, _)| metric_name(selector).is_none_or(is_open)) {
            continue;
        }
        let (text, words) = title(dashboard, query, panel);
        let measured = measured(tree);
        for promise in PROMISES {
            if let Some((selector, span)) = promise.broken(&words, &selected, &measured, &query.text) {
                let message = format!(
                    "{text:?} shows {}: {} — write the metric that is meant, or another title",
                    promise.really,
                    metric_name(selector).unwrap_or_default()
                );
                findings
                    .add(dashboard.place_of_query(query, bare_span(selector, span, &query.text)), message);
                break;
            }
        }
    }
}

/// What the values of a query are called: the column or line by its own name, else the panel.
fn title(dashboard: &Dashboard, query: &Query, panel: &Panel) -> (String, Vec<String>) {
    let own = appearance(dashboard, query).map(|appearance| appearance.name).unwrap_or_default();
    // A name that is made of labels says nothing by itself.
    let written: String = {
        let mut rest = own.as_str();
        let mut text = String::new();
        while let Some((before, behind)) = rest.split_once("{{") {
            text += before;
            rest = behind.split_once("}}").map_or("", |(_, after)| after);
        }
        text + rest
    };
    let own_words = words(&written);
    let promises = |words: &[String]| PROMISES.iter().any(|promise| promise.is_made(words));
    let says = own_words.iter().any(|word| word.chars().all(char::is_alphabetic) && word.len() > 1);
    if says && (promises(&own_words) || own_words.len() > 1 || panel.targets.len() > 1) {
        // "Requests" beside "Usage" in a panel about memory.
        return (written.trim().to_owned(), own_words);
    }
    (panel.title.clone(), words(&panel.title))
}

/// Where the selectors stand whose values are what is shown: not those that only say of what something is a share, or
/// for which objects it is shown.
fn measured(tree: &Expr) -> Vec<Span> {
    let mut found = Vec::new();
    each(tree, &mut |part, around| {
        let Some((_, span)) = selector(part) else { return };
        let holds = |expr: &Expr| expr.span.start <= span.start && span.end <= expr.span.end;
        let is_aside = around.iter().any(|outer| {
            let ExprKind::Binary(binary) = &outer.kind else { return false };
            match binary.op {
                BinaryOp::Div | BinaryOp::And | BinaryOp::Unless => holds(&binary.right),
                // 0 or 1, by which the other side is multiplied.
                BinaryOp::Mul => {
                    [&binary.left, &binary.right].into_iter().any(|side| holds(side) && is_switch(side))
                }
                _ => false,
            }
        });
        if !is_aside {
            found.push(span);
        }
    });
    found
}

fn is_switch(expr: &Expr) -> bool {
    matches!(&expr.without_parens().kind, ExprKind::Binary(binary) if binary.return_bool)
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

impl Promise {
    fn is_made(&self, words: &[String]) -> bool {
        let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
        has(self.said) && !has(self.unless)
    }

    /// The metric that breaks it: of those that are measured, not of those that only choose what is measured.
    fn broken<'a>(
        &self,
        words: &[String],
        selected: &[(&'a VectorSelector, Span)],
        measured: &[Span],
        text: &str,
    ) -> Option<(&'a VectorSelector, Span)> {
        if !self.is_made(words) {
            return None;
        }
        let holds = |(_, span): &(&VectorSelector, Span), parts: &[&str]| {
            parts.iter().any(|part| span.of(text).contains(part))
        };
        if selected.iter().any(|selector| holds(selector, self.kept_by)) {
            return None;
        }
        let is_measured = |(_, span): &&(&VectorSelector, Span)| measured.contains(span);
        selected.iter().filter(is_measured).find(|selector| holds(selector, self.broken_by)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    #[test]
    fn what_is_only_a_condition_or_a_whole_is_not_what_is_shown() {
        for (expr, found) in [
            ("sessions_limit", 1),
            ("(sessions_limit > bool 0) * (current_sessions / sessions_limit * 100)", 0),
            ("current_sessions / sessions_limit", 0),
            ("current_sessions and sessions_limit > 0", 0),
            ("sessions_limit / sessions_all", 1),
            ("(current_sessions > bool 0) * sessions_limit", 1),
            ("sessions_limit - current_sessions", 1),
        ] {
            let patch = format!(
                r#"{{ "title": "Session usage", "targets": {{ "0": {{ "expr": "{expr}", "legendFormat": "" }} }} }}"#
            );
            let subject = examples::subject(&Example::Panel(Box::leak(patch.into_boxed_str())));
            let report = check(&subject, &Options::only_rules(&[&RULE]));
            assert_eq!(report.findings.len(), found, "{expr}");
        }
    }
}
