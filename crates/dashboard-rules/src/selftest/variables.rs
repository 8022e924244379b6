//! Mistakes in variables and in how they are used.

use grafana::model::VariableKind;
use grafana::variables::references;
use labels::MatchOp;
use promql::ast::Span;
use serde_json::json;

use super::Operator;
use crate::fix::{Change, Edit};
use crate::pointer::Pointer;
use crate::subject::{Dashboard, Owner, Query};

fn replace(query: &Query, span: Span, text: &str) -> Vec<Edit> {
    vec![Edit { pointer: query.pointer.clone(), change: Change::Replace { span, text: text.to_owned() } }]
}

/// One mistake in each variable that asks for its values.
fn each(dashboard: &Dashboard, make: impl Fn(&Pointer) -> Edit) -> Vec<Vec<Edit>> {
    let asking = dashboard
        .model
        .variables
        .iter()
        .filter(|variable| matches!(variable.kind, VariableKind::Query { .. }));
    asking.map(|variable| vec![make(&Pointer::from_path(&variable.path))]).collect()
}

pub(super) const OPERATORS: &[Operator] = &[
    Operator {
        name: "misspell a property of a variable",
        rules: &["J02"],
        places: |dashboard, _| {
            each(dashboard, |at| Edit {
                pointer: at.key("allowCustomValue"),
                change: Change::Rename("allowCustom".to_owned()),
            })
        },
    },
    Operator {
        name: "misspell a variable in a query",
        rules: &["V01"],
        places: |dashboard, _| {
            let mut found = Vec::new();
            for query in &dashboard.queries {
                let own = references(&query.text).find(|reference| !reference.name.starts_with("__"));
                if let Some(reference) = own {
                    let span = Span::new(reference.range.start, reference.range.end);
                    found.push(replace(query, span, &format!("${{{}x}}", reference.name)));
                }
            }
            found
        },
    },
    Operator {
        name: "add a variable that nothing uses",
        rules: &["V01"],
        places: |dashboard, _| {
            let at = Pointer::from_path("templating.list").index(dashboard.model.variables.len());
            let variable = json!({ "name": "unused", "label": "Unused", "type": "custom", "query": "a,b" });
            vec![vec![Edit { pointer: at, change: Change::Set(variable) }]]
        },
    },
    Operator {
        name: "ask for values once",
        rules: &["V02"],
        places: |dashboard, _| {
            each(dashboard, |at| Edit { pointer: at.key("refresh"), change: Change::Set(json!(1)) })
        },
    },
    Operator {
        name: "break a variable's query",
        rules: &["V03"],
        places: |dashboard, _| {
            let of_variables =
                dashboard.queries.iter().filter(|query| matches!(query.owner, Owner::Variable(_)));
            let end = |query: &Query| Span::new(query.promql.end, query.promql.end);
            of_variables
                .filter(|query| query.expr.is_some())
                .map(|query| replace(query, end(query), "{{"))
                .collect()
        },
    },
    Operator {
        name: "compare several values as a text",
        rules: &["V04"],
        places: |dashboard, _| {
            let mut found = Vec::new();
            for_each_matcher(dashboard, |query, text, span, op| {
                let several = references(text).any(|reference| {
                    dashboard
                        .variable(reference.name)
                        .is_some_and(|variable| variable.multi || variable.include_all)
                });
                if several
                    && op == MatchOp::Regex
                    && let Some(at) = text.find("=~")
                {
                    found.push(replace(query, Span::new(span.start + at, span.start + at + 2), "="));
                }
            });
            found
        },
    },
    Operator {
        name: "forget what All is",
        rules: &["V04"],
        places: |dashboard, _| {
            let all = dashboard
                .model
                .variables
                .iter()
                .filter(|variable| variable.include_all && variable.all_value.is_some());
            all.map(|variable| {
                vec![Edit {
                    pointer: Pointer::from_path(&variable.path).key("allValue"),
                    change: Change::Remove,
                }]
            })
            .collect()
        },
    },
    Operator {
        name: "unchain a variable",
        rules: &["V05"],
        places: |dashboard, _| {
            let mut found = Vec::new();
            for_each_matcher(dashboard, |query, text, span, _| {
                let of_variable =
                    matches!(query.owner, Owner::Variable(_)) && query.text.starts_with("label_values(k8s_");
                // Labels whose name is a variable are of no kind that is known.
                let label = query.text.rsplit(',').next().unwrap_or_default();
                let known = ["k8s_namespace_name", "k8s_node_name", "k8s_pod_name", "k8s_container_name"];
                if of_variable
                    && references(text).next().is_some()
                    && known.iter().any(|known| label.contains(known))
                {
                    // Another condition that always holds stands in its place.
                    found.push(replace(query, span, "k8s_pod_name!=\"none\""));
                }
            });
            found
        },
    },
];

/// Every matcher of every query: its text, where it stands, and its operator.
fn for_each_matcher(dashboard: &Dashboard, mut see: impl FnMut(&Query, &str, Span, MatchOp)) {
    for query in &dashboard.queries {
        let Some(tree) = query.tree() else { continue };
        for (selector, _) in crate::rules::selectors_of(tree) {
            for matcher in &selector.matchers {
                see(query, matcher.span.of(&query.text), matcher.span, matcher.matcher.op());
            }
        }
    }
}
