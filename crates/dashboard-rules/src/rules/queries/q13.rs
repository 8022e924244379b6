//! Q13: how a query is written.

use promql::ast::{ExprKind, Span};

use super::walk::each;
use crate::finding::Findings;
use crate::fix::Fix;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Query, Style, Subject};

pub(super) const RULE: Rule = Rule {
    id: "Q13",
    severity: Severity::Info,
    title: "a query is laid out as promtool lays it out",
    why: "Queries that are all written in one way can be compared, searched for and reviewed.",
    needs: Needs::Static,
    fix: Fixable::Yes("spaces are added and taken away; where lines break is left to people"),
    bad: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name,k8s_namespace_name, k8s_pod_name) (k8s_pod_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\"})*1)",
    ),
    good: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\"}) * 1)",
    ),
    check: Check::Dashboard(check),
};

/// Somebody else's customs are their own.
fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    if dashboard.style != Style::House {
        return;
    }
    for query in dashboard.queries.iter().filter(|query| query.is_target()) {
        let Some(tree) = query.tree() else { continue };
        let mut add = |flaw: Flaw| {
            findings.add(dashboard.place_of_query(query, flaw.span), flaw.message).fix(Fix::replace(
                "lay it out",
                query.pointer.clone(),
                flaw.span,
                flaw.instead,
            ));
        };
        for flaw in spaces(query) {
            add(flaw);
        }
        each(tree, &mut |part, _| match &part.kind {
            ExprKind::Binary(binary) => {
                if let Some(flaw) = around_operator(binary.op_span, &query.text) {
                    add(flaw);
                }
            }
            ExprKind::Aggregate(aggregate) => {
                let name = aggregate.op_span.of(&query.text);
                if name != aggregate.op.name() {
                    let message = format!("write {} in small letters", aggregate.op.name());
                    add(Flaw { span: aggregate.op_span, message, instead: aggregate.op.name().to_owned() });
                }
            }
            _ => {}
        });
    }
}

struct Flaw {
    span: Span,
    message: String,
    instead: String,
}

fn around_operator(op: Span, text: &str) -> Option<Flaw> {
    let blank = |character: Option<char>| character.is_none_or(char::is_whitespace);
    let before = blank(text.get(..op.start)?.chars().next_back());
    let after = blank(text.get(op.end..)?.chars().next());
    if before && after {
        return None;
    }
    let instead = format!("{}{}{}", if before { "" } else { " " }, op.of(text), if after { "" } else { " " });
    Some(Flaw { span: op, message: format!("write spaces around {}", op.of(text)), instead })
}

/// Commas in lists of labels and arguments, and the ends of lines.
fn spaces(query: &Query) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    let (mut quote, mut braces) = (None, 0_usize);
    let text = &query.text;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            (Some('`'), '`') => quote = None,
            (Some('`'), _) => {}
            (Some(_), '\\') => _ = characters.next(),
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(character),
            (None, '{') => braces += 1,
            (None, '}') => braces = braces.saturating_sub(1),
            (None, ',')
                if braces == 0 && characters.peek().is_some_and(|(_, next)| !next.is_whitespace()) =>
            {
                let span = Span::new(at, at + 1);
                flaws.push(Flaw {
                    span,
                    message: "write a space behind the comma".to_owned(),
                    instead: ", ".to_owned(),
                });
            }
            (None, '\t') => {
                let span = Span::new(at, at + 1);
                flaws.push(Flaw {
                    span,
                    message: "write spaces instead of tabs".to_owned(),
                    instead: "  ".to_owned(),
                });
            }
            (None, '\n') => {
                let line = text[..at].trim_end_matches([' ', '\t', '\r']).len();
                if line < at {
                    let span = Span::new(line, at);
                    flaws.push(Flaw {
                        span,
                        message: "leave out the blanks at the end of the line".to_owned(),
                        instead: String::new(),
                    });
                }
            }
            _ => {}
        }
    }
    flaws
}
