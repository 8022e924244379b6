//! Mistakes that can be made at many places of a dashboard: what the rules about queries, metrics and units have to find.
//!
//! An operator lists every change of its kind that a dashboard allows, as [`Fix`]es that break something.

use promql::Function;
use promql::analysis::units::Unit;
use promql::ast::{Aggregate, AggregateOp, Binary, BinaryOp, Expr, ExprKind, Span};
use serde_json::Value;

use super::super::catalogue::metrics::Metrics;
use super::super::catalogue::renamed;
use super::super::tables::t02;
use super::super::units;
use super::q05;
use super::walk::{each, grouping_span, name_span, selector, target, word_span};
use crate::fix::{Change, Fix};
use crate::pointer::Pointer;
use crate::subject::{Dashboard, Query, is_open};

/// A kind of mistake.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operator {
    /// What it does.
    pub(crate) name: &'static str,
    /// The rule that is meant to find it.
    pub(crate) rule: &'static str,
    /// Every change of the kind that is possible.
    pub(crate) mutants: fn(&Dashboard) -> Vec<Fix>,
}

/// Every operator for the rules Q, C, U and T02.
pub(crate) const OPERATORS: &[Operator] = &[
    Operator { name: "lose a bracket", rule: "Q01", mutants: lose_a_bracket },
    Operator { name: "fix the window", rule: "Q02", mutants: |dashboard| windows(dashboard, "5m") },
    Operator {
        name: "look back over one step",
        rule: "Q02",
        mutants: |dashboard| windows(dashboard, "$__interval"),
    },
    Operator { name: "irate for rate", rule: "Q03", mutants: irate },
    Operator { name: "compute one of a pair otherwise", rule: "Q03", mutants: one_of_a_pair },
    Operator { name: "replace a query by a constant", rule: "Q04", mutants: constant },
    Operator { name: "drop a by label that the legend shows", rule: "Q05", mutants: drop_legend_label },
    Operator { name: "mistype a label of the legend", rule: "Q05", mutants: mistype_legend },
    Operator { name: "drop an inner by label that is used outside", rule: "Q06", mutants: drop_inner_label },
    Operator { name: "take away the inner max by", rule: "Q07", mutants: take_away_choice },
    Operator { name: "drop a by label that tells parts apart", rule: "Q07", mutants: drop_part_label },
    Operator { name: "drop the matcher of the cluster", rule: "Q08", mutants: drop_cluster },
    Operator { name: "sum of ratios for ratio of sums", rule: "Q09", mutants: sum_of_ratios },
    Operator { name: "drop the filter of active pods", rule: "Q10", mutants: drop_active },
    Operator { name: "drop a label of on", rule: "Q11", mutants: drop_on_label },
    Operator { name: "drop a by label on one side of a quotient", rule: "Q11", mutants: unequal_sides },
    Operator { name: "a pattern where a value would do", rule: "Q12", mutants: needless_pattern },
    Operator { name: "glue an operator to its operands", rule: "Q13", mutants: glue },
    Operator { name: "drop the suffix of a metric", rule: "C01", mutants: drop_suffix },
    Operator { name: "mistype a metric", rule: "C01", mutants: mistype_metric },
    Operator { name: "rename a label of a matcher", rule: "C02", mutants: rename_matcher },
    Operator { name: "a value that does not occur", rule: "C02", mutants: wrong_value },
    Operator { name: "rename an inner by label", rule: "C02", mutants: rename_by },
    Operator { name: "take away a rate", rule: "C03", mutants: take_away_rate },
    Operator { name: "the rate of a gauge", rule: "C03", mutants: rate_of_gauge },
    Operator { name: "a description without settings", rule: "C04", mutants: forget_settings },
    Operator { name: "the old name of a metric", rule: "C05", mutants: old_name },
    Operator { name: "drop the matcher of the container", rule: "C06", mutants: drop_container },
    Operator { name: "swap the unit", rule: "U01", mutants: swap_unit },
    Operator { name: "strip the 8 of bits", rule: "U01", mutants: strip_eight },
    Operator { name: "a ratio without a unit", rule: "U02", mutants: plain_ratio },
    Operator { name: "a quota in millicores", rule: "U03", mutants: millicores },
    Operator { name: "swap usage, requests and limits", rule: "U04", mutants: swap_meaning },
    Operator { name: "swap receive and transmit", rule: "U04", mutants: swap_direction },
    Operator { name: "drop a by label that the table joins by", rule: "T02", mutants: drop_join_label },
    Operator { name: "join by another column", rule: "T02", mutants: join_otherwise },
];

fn targets(dashboard: &Dashboard) -> impl Iterator<Item = (&Query, &Expr)> {
    dashboard
        .queries
        .iter()
        .filter(|query| query.is_target() && dashboard.target_of(query).is_some_and(|target| !target.hide))
        .filter_map(|query| Some((query, query.tree()?)))
}

fn replace(query: &Query, span: Span, text: impl Into<String>) -> Fix {
    Fix::replace("a mutant", query.pointer.clone(), span, text)
}

/// Makes the mutants of one part of a query, which lies in these others.
type Visit<'a> = &'a dyn Fn(&Query, &Expr, &[&Expr]) -> Vec<Fix>;

/// Calls `visit` for each part of each query, with what it lies in, and collects what it makes.
fn at_parts(dashboard: &Dashboard, visit: Visit<'_>) -> Vec<Fix> {
    let mut mutants = Vec::new();
    for (query, tree) in targets(dashboard) {
        each(tree, &mut |part, around| mutants.extend(visit(query, part, around)));
    }
    mutants
}

/// A word in a list and the comma that goes with it.
fn with_comma(text: &str, word: Span) -> Span {
    let after = text[word.end..].len() - text[word.end..].trim_start().len();
    if text[word.end + after..].starts_with(',') {
        let blank = &text[word.end + after + 1..];
        return Span::new(word.start, word.end + after + 1 + (blank.len() - blank.trim_start().len()));
    }
    let before = text[..word.start].trim_end();
    if before.ends_with(',') { Span::new(before.len() - 1, word.end) } else { word }
}

fn without_label(query: &Query, aggregate: &Aggregate, whole: Span, label: &str) -> Option<Fix> {
    let word = grouping_span(aggregate, whole, label, &query.text);
    (word != aggregate.op_span).then(|| replace(query, with_comma(&query.text, word), ""))
}

/// The outermost aggregation, where nothing but arithmetic stands around it.
fn outermost(tree: &Expr) -> Option<(&Aggregate, Span)> {
    let tree = tree.without_parens();
    match &tree.kind {
        ExprKind::Aggregate(aggregate) => Some((aggregate, tree.span)),
        ExprKind::Binary(binary) if !super::walk::is_vector(&binary.left) => outermost(&binary.right),
        ExprKind::Binary(binary) if !super::walk::is_vector(&binary.right) => outermost(&binary.left),
        _ => None,
    }
}

fn lose_a_bracket(dashboard: &Dashboard) -> Vec<Fix> {
    targets(dashboard)
        .filter_map(|(query, _)| {
            let at = query.text.rfind(')')?;
            Some(replace(query, Span::new(at, at + 1), ""))
        })
        .collect()
}

fn windows(dashboard: &Dashboard, window: &'static str) -> Vec<Fix> {
    at_parts(dashboard, &|query, part, around| {
        let ExprKind::Matrix(matrix) = &part.kind else { return Vec::new() };
        let rated = matches!(around.last().map(|outer| &outer.kind),
            Some(ExprKind::Call(call)) if matches!(call.function, Function::Rate | Function::Increase));
        if rated { vec![replace(query, matrix.range.span, window)] } else { Vec::new() }
    })
}

fn irate(dashboard: &Dashboard) -> Vec<Fix> {
    at_parts(dashboard, &|query, part, _| match &part.kind {
        ExprKind::Call(call) if call.function == Function::Rate => {
            vec![replace(query, call.name_span, "irate")]
        }
        _ => Vec::new(),
    })
}

fn one_of_a_pair(dashboard: &Dashboard) -> Vec<Fix> {
    targets(dashboard)
        .filter(|(query, _)| {
            let has = |word: &str| {
                dashboard.panel_of(query).is_some_and(|panel| panel.title.to_lowercase().contains(word))
            };
            let partner = |one: &str, other: &str| {
                has(one)
                    && dashboard.panel_of(query).is_some_and(|panel| {
                        let title = panel.title.to_lowercase().replace(one, other);
                        dashboard.panels().any(|(_, panel)| panel.title.to_lowercase() == title)
                    })
            };
            partner("receive", "transmit") || partner("received", "sent")
        })
        .filter_map(|(query, tree)| {
            let (aggregate, _) = outermost(tree)?;
            (aggregate.op == AggregateOp::Sum).then(|| replace(query, aggregate.op_span, "avg"))
        })
        .collect()
}

fn constant(dashboard: &Dashboard) -> Vec<Fix> {
    targets(dashboard).map(|(query, _)| replace(query, Span::new(0, query.text.len()), "0")).collect()
}

fn drop_legend_label(dashboard: &Dashboard) -> Vec<Fix> {
    let mut mutants = Vec::new();
    for (query, tree) in targets(dashboard) {
        let Some((aggregate, whole)) = outermost(tree) else { continue };
        let legend =
            dashboard.target_of(query).and_then(|target| target.legend_format.as_deref()).unwrap_or_default();
        for (label, _) in q05::placeholders(legend) {
            if aggregate.grouping.iter().any(|by| by == label) {
                mutants.extend(without_label(query, aggregate, whole, label));
            }
        }
    }
    mutants
}

fn mistype_legend(dashboard: &Dashboard) -> Vec<Fix> {
    let mut mutants = Vec::new();
    for (query, _) in targets(dashboard) {
        let (Some((_, index)), Some(panel), Some(of)) =
            (target(query), dashboard.panel_of(query), dashboard.target_of(query))
        else {
            continue;
        };
        let legend = of.legend_format.as_deref().unwrap_or_default();
        let place = dashboard.place_of_target(panel, index).key("legendFormat").pointer;
        for (label, span) in q05::placeholders(legend) {
            mutants.push(Fix::replace(
                "a mutant",
                place.clone(),
                span,
                format!("{{{{{}}}}}", &label[..label.len() - 1]),
            ));
        }
    }
    mutants
}

/// The aggregations by labels around a part.
fn asked_outside(around: &[&Expr], label: &str) -> bool {
    around.iter().any(|outer| match &outer.kind {
        ExprKind::Aggregate(outer) => outer.grouping.iter().any(|by| by == label),
        _ => false,
    })
}

/// Parts that choose one of the copies of an object, below a sum.
fn choice<'a>(part: &'a Expr, around: &[&Expr]) -> Option<&'a Aggregate> {
    let ExprKind::Aggregate(aggregate) = &part.kind else { return None };
    let below_sum = around.iter().rev().find_map(|outer| match &outer.kind {
        ExprKind::Aggregate(outer) => Some(outer.op),
        _ => None,
    });
    let chooses = matches!(aggregate.op, AggregateOp::Max | AggregateOp::Min) && !aggregate.without;
    (chooses && below_sum.is_some_and(|op| matches!(op, AggregateOp::Sum | AggregateOp::Avg)))
        .then_some(aggregate)
}

fn drop_inner_label(dashboard: &Dashboard) -> Vec<Fix> {
    at_parts(dashboard, &|query, part, around| {
        let Some(aggregate) = choice(part, around) else { return Vec::new() };
        // In a union the others still have the label.
        if around
            .iter()
            .any(|outer| matches!(&outer.kind, ExprKind::Binary(binary) if binary.op == BinaryOp::Or))
        {
            return Vec::new();
        }
        // On the right of a condition nothing is taken over.
        if around.iter().any(|outer| is_on_the_right_of_a_condition(outer, part)) {
            return Vec::new();
        }
        aggregate
            .grouping
            .iter()
            .filter(|label| asked_outside(around, label))
            .filter_map(|label| without_label(query, aggregate, part.span, label))
            .collect()
    })
}

fn is_on_the_right_of_a_condition(outer: &Expr, part: &Expr) -> bool {
    matches!(&outer.kind, ExprKind::Binary(binary)
        if matches!(binary.op, BinaryOp::And | BinaryOp::Unless) && binary.right.span.start <= part.span.start)
}

fn take_away_choice(dashboard: &Dashboard) -> Vec<Fix> {
    at_parts(dashboard, &|query, part, around| {
        let Some(aggregate) = choice(part, around) else { return Vec::new() };
        if around.iter().any(|outer| is_on_the_right_of_a_condition(outer, part)) {
            return Vec::new();
        }
        vec![replace(query, part.span, format!("({})", aggregate.expr.span.of(&query.text)))]
    })
}

fn drop_part_label(dashboard: &Dashboard) -> Vec<Fix> {
    const PARTS: [&str; 5] = ["interface", "device", "state", "k8s_container_name", "k8s_node_name"];
    at_parts(dashboard, &|query, part, around| {
        let Some(aggregate) = choice(part, around) else { return Vec::new() };
        let is_fixed = |label: &str| {
            let mut fixed = false;
            each(part, &mut |inner, _| {
                fixed |= selector(inner).is_some_and(|(selector, _)| {
                    selector.matchers.iter().any(|matcher| {
                        matcher.matcher.name() == label && matcher.matcher.op() == labels::MatchOp::Equal
                    })
                });
            });
            fixed
        };
        let joined = around
            .iter()
            .any(|outer| matches!(&outer.kind, ExprKind::Binary(binary) if binary.op == BinaryOp::Or));
        if joined || around.iter().any(|outer| is_on_the_right_of_a_condition(outer, part)) {
            return Vec::new();
        }
        PARTS
            .iter()
            .filter(|label| aggregate.grouping.iter().any(|by| by == *label))
            .filter(|label| !is_fixed(label) && !asked_outside(around, label))
            .filter_map(|label| without_label(query, aggregate, part.span, label))
            .collect()
    })
}

/// Takes the matchers away for which `is` says so.
fn drop_matchers(
    dashboard: &Dashboard,
    is: &dyn Fn(&Dashboard, &Query, &Expr, &str, &str) -> bool,
) -> Vec<Fix> {
    at_parts(dashboard, &|query, part, _| {
        let Some((selector, _)) = selector(part) else { return Vec::new() };
        selector
            .matchers
            .iter()
            .filter(|matcher| {
                is(dashboard, query, part, matcher.matcher.name(), matcher.span.of(&query.text))
            })
            .map(|matcher| replace(query, with_comma(&query.text, matcher.span), ""))
            .collect()
    })
}

fn drop_cluster(dashboard: &Dashboard) -> Vec<Fix> {
    drop_matchers(dashboard, &|_, _, _, _, text| text.contains("$cluster"))
}

fn drop_container(dashboard: &Dashboard) -> Vec<Fix> {
    drop_matchers(dashboard, &|_, query, part, label, text| {
        let shared = selector(part).is_some_and(|(selector, _)| {
            selector.name.as_deref().is_some_and(super::super::catalogue::metrics::is_shared)
        });
        let _ = query;
        shared && label == "k8s_container_name" && text.ends_with("!=\"\"")
    })
}

fn sum_of_ratios(dashboard: &Dashboard) -> Vec<Fix> {
    at_parts(dashboard, &|query, part, _| {
        let ExprKind::Binary(binary) = &part.kind else { return Vec::new() };
        let (ExprKind::Aggregate(left), ExprKind::Aggregate(right)) = (&binary.left.kind, &binary.right.kind)
        else {
            return Vec::new();
        };
        let both = left.op == AggregateOp::Sum && right.op == AggregateOp::Sum && binary.op == BinaryOp::Div;
        // By cluster or node the two inner sides have nothing in common, which is another rule's business.
        if !both || !left.grouping.is_empty() || !right.grouping.is_empty() {
            return Vec::new();
        }
        let header = Span::new(binary.left.span.start, left.expr.span.start).of(&query.text);
        let (a, b) = (left.expr.span.of(&query.text), right.expr.span.of(&query.text));
        vec![replace(query, part.span, format!("{header}({a}) / ({b}))"))]
    })
}

/// `a and on (…) (phase <= 2)`
fn condition(part: &Expr) -> Option<&Binary> {
    match &part.kind {
        ExprKind::Binary(binary) if binary.op == BinaryOp::And && binary.matching.on => Some(binary),
        _ => None,
    }
}

fn drop_active(dashboard: &Dashboard) -> Vec<Fix> {
    at_parts(dashboard, &|query, part, _| {
        let Some(binary) = condition(part) else { return Vec::new() };
        let declared =
            ["_request", "_limit"].iter().any(|word| binary.left.span.of(&query.text).contains(word));
        let active = binary.right.span.of(&query.text).contains("k8s_pod_phase");
        if declared && active {
            vec![replace(query, part.span, binary.left.span.of(&query.text))]
        } else {
            Vec::new()
        }
    })
}

fn drop_on_label(dashboard: &Dashboard) -> Vec<Fix> {
    at_parts(dashboard, &|query, part, _| {
        let ExprKind::Binary(binary) = &part.kind else { return Vec::new() };
        if !binary.matching.on {
            return Vec::new();
        }
        // What both sides have fixed anyway can be left out.
        let fixed = |label: &str| {
            query.text.contains(&format!("{label}=\"")) || query.text.contains(&format!("{label}=${{"))
        };
        let drop = |label: &String| {
            let word = word_span(label, binary.matching.span, &query.text);
            replace(query, with_comma(&query.text, word), "")
        };
        binary.matching.labels.iter().filter(|label| !fixed(label)).map(drop).collect()
    })
}

fn unequal_sides(dashboard: &Dashboard) -> Vec<Fix> {
    at_parts(dashboard, &|query, part, around| {
        let ExprKind::Binary(binary) = &part.kind else { return Vec::new() };
        let ExprKind::Aggregate(right) = &binary.right.kind else { return Vec::new() };
        if binary.op != BinaryOp::Div || right.without || !around.is_empty() {
            return Vec::new();
        }
        right
            .grouping
            .iter()
            .filter_map(|label| without_label(query, right, binary.right.span, label))
            .collect()
    })
}

fn needless_pattern(dashboard: &Dashboard) -> Vec<Fix> {
    at_parts(dashboard, &|query, part, _| {
        let Some((selector, _)) = selector(part) else { return Vec::new() };
        let plain = selector.matchers.iter().filter(|matcher| {
            let condition = &matcher.matcher;
            condition.op() == labels::MatchOp::Equal
                && condition.name() != labels::METRIC_NAME
                && !condition.value().is_empty()
                && condition.value().chars().all(char::is_alphanumeric)
        });
        plain
            .filter_map(|matcher| {
                let at = matcher.span.start + matcher.span.of(&query.text).find('=')?;
                Some(replace(query, Span::new(at, at + 1), "=~"))
            })
            .collect()
    })
}

fn glue(dashboard: &Dashboard) -> Vec<Fix> {
    at_parts(dashboard, &|query, part, _| {
        let ExprKind::Binary(binary) = &part.kind else { return Vec::new() };
        let op = binary.op_span;
        let is_sign = binary.op.as_str().chars().all(|c| !c.is_alphabetic());
        let line = query.text[..op.start].rsplit('\n').next().unwrap_or_default();
        let before = line.ends_with(' ') && !line.trim().is_empty();
        if is_sign && before {
            vec![replace(query, Span::new(op.start - 1, op.start), "")]
        } else {
            Vec::new()
        }
    })
}

/// Gives the metrics for which there is one another name.
fn rename_metrics(dashboard: &Dashboard, other: &dyn Fn(&str) -> Option<String>) -> Vec<Fix> {
    let metrics = Metrics::of(dashboard);
    at_parts(dashboard, &|query, part, _| {
        let Some((selector, span)) = selector(part) else { return Vec::new() };
        let (Some(_), Some(name)) = (metrics.find(selector), name_span(selector, span, &query.text)) else {
            return Vec::new();
        };
        other(name.of(&query.text)).map(|other| replace(query, name, other)).into_iter().collect()
    })
}

fn drop_suffix(dashboard: &Dashboard) -> Vec<Fix> {
    rename_metrics(dashboard, &|name| {
        ["_total", "_bytes", "_ratio", "_seconds"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .map(str::to_owned)
    })
}

fn mistype_metric(dashboard: &Dashboard) -> Vec<Fix> {
    rename_metrics(dashboard, &|name| {
        let middle = name.len() / 2;
        Some(format!("{}{}", &name[..middle], &name[middle + 1..]))
    })
}

fn old_name(dashboard: &Dashboard) -> Vec<Fix> {
    rename_metrics(dashboard, &|name| {
        renamed::RENAMED.iter().find(|(_, new)| *new == name).map(|(old, _)| (*old).to_owned())
    })
}

fn rename_matcher(dashboard: &Dashboard) -> Vec<Fix> {
    let metrics = Metrics::of(dashboard);
    at_parts(dashboard, &|query, part, _| {
        let Some((selector, _)) = selector(part) else { return Vec::new() };
        if metrics.find(selector).is_none() {
            return Vec::new();
        }
        let renamed = selector.matchers.iter().filter_map(|matcher| {
            let label = matcher.matcher.name();
            let short = label.strip_prefix("k8s_")?.strip_suffix("_name")?;
            if is_open(label) {
                return None;
            }
            let span = Span::new(matcher.span.start, matcher.span.start + label.len());
            (span.of(&query.text) == label).then(|| replace(query, span, short))
        });
        renamed.collect()
    })
}

fn wrong_value(dashboard: &Dashboard) -> Vec<Fix> {
    at_parts(dashboard, &|query, part, _| {
        let Some((selector, _)) = selector(part) else { return Vec::new() };
        let values = selector.matchers.iter().filter(|matcher| matcher.matcher.name() == "direction");
        values
            .filter_map(|matcher| {
                let text = matcher.span.of(&query.text);
                let start = matcher.span.start + text.find('"')? + 1;
                Some(replace(query, Span::new(start, matcher.span.end - 1), "rx"))
            })
            .collect()
    })
}

fn rename_by(dashboard: &Dashboard) -> Vec<Fix> {
    at_parts(dashboard, &|query, part, around| {
        let Some(aggregate) = choice(part, around) else { return Vec::new() };
        aggregate
            .grouping
            .iter()
            .filter(|label| !is_open(label))
            .filter_map(|label| {
                let short = label.strip_prefix("k8s_")?.strip_suffix("_name")?;
                let word = grouping_span(aggregate, part.span, label, &query.text);
                (word != aggregate.op_span).then(|| replace(query, word, short))
            })
            .collect()
    })
}

fn take_away_rate(dashboard: &Dashboard) -> Vec<Fix> {
    at_parts(dashboard, &|query, part, _| {
        let ExprKind::Call(call) = &part.kind else { return Vec::new() };
        let (Function::Rate, Some(argument)) = (call.function, call.arguments.first()) else {
            return Vec::new();
        };
        let ExprKind::Matrix(matrix) = &argument.kind else { return Vec::new() };
        vec![replace(query, part.span, matrix.selector_span.of(&query.text))]
    })
}

fn rate_of_gauge(dashboard: &Dashboard) -> Vec<Fix> {
    let metrics = Metrics::of(dashboard);
    at_parts(dashboard, &|query, part, _| {
        let ExprKind::Call(call) = &part.kind else { return Vec::new() };
        let (Function::LastOverTime, Some(argument)) = (call.function, call.arguments.first()) else {
            return Vec::new();
        };
        let gauge = selector(argument)
            .and_then(|(selector, _)| metrics.find(selector))
            .is_some_and(|metric| !metric.grows());
        if gauge { vec![replace(query, call.name_span, "rate")] } else { Vec::new() }
    })
}

fn forget_settings(dashboard: &Dashboard) -> Vec<Fix> {
    let metrics = Metrics::of(dashboard);
    let needs = |index: usize| {
        dashboard.queries_of(index).filter_map(Query::tree).any(|tree| {
            super::walk::selectors(tree)
                .iter()
                .any(|(selector, _)| metrics.find(selector).is_some_and(|metric| !metric.on_by_default))
        })
    };
    dashboard
        .panels()
        .filter(|(index, panel)| needs(*index) && panel.description.is_some())
        .map(|(_, panel)| {
            let description = panel.description.as_deref().unwrap_or_default();
            let cut = description.split(", with").next().unwrap_or_default().to_owned();
            Fix::set(Pointer::from_path(&panel.path).key("description"), Value::from(cut))
        })
        .collect()
}

/// The queries whose values have a known unit in a known place.
fn shown_units(dashboard: &Dashboard) -> Vec<(Unit, String, Pointer)> {
    let metrics = Metrics::of(dashboard);
    let mut found: Vec<(Unit, String, Pointer)> = Vec::new();
    for (query, tree) in targets(dashboard) {
        let Some((id, pointer)) = units::shown_in(dashboard, query) else { continue };
        if let Some(unit) = metrics.units(tree).of(tree).unit()
            && !found.iter().any(|(_, _, other)| *other == pointer)
        {
            found.push((unit, id, pointer));
        }
    }
    found
}

fn swap_unit(dashboard: &Dashboard) -> Vec<Fix> {
    let swap = |id: &str| {
        Some(match id {
            "bytes" => "binBps",
            "bps" => "binBps",
            "binBps" => "bytes",
            "percentunit" => "bytes",
            "suffix:cores" => "percentunit",
            "s" | "dtdurations" => "ops",
            "pps" | "iops" | "suffix:errors/s" => "bytes",
            _ => return None,
        })
    };
    shown_units(dashboard)
        .into_iter()
        .filter_map(|(_, id, pointer)| Some(Fix::set(pointer, swap(&id)?)))
        .collect()
}

fn plain_ratio(dashboard: &Dashboard) -> Vec<Fix> {
    shown_units(dashboard)
        .into_iter()
        .filter(|(unit, id, _)| id == "percentunit" && !unit.loose)
        .map(|(_, _, pointer)| Fix::set(pointer, "short"))
        .collect()
}

fn strip_eight(dashboard: &Dashboard) -> Vec<Fix> {
    at_parts(dashboard, &|query, part, _| {
        let ExprKind::Binary(binary) = &part.kind else { return Vec::new() };
        let eight = matches!(binary.left.kind, ExprKind::Number(8.0)) && binary.op == BinaryOp::Mul;
        if eight { vec![replace(query, part.span, binary.right.span.of(&query.text))] } else { Vec::new() }
    })
}

fn millicores(dashboard: &Dashboard) -> Vec<Fix> {
    at_parts(dashboard, &|query, part, _| {
        let ExprKind::Binary(binary) = &part.kind else { return Vec::new() };
        let thousand = matches!(binary.right.kind, ExprKind::Number(1000.0)) && binary.op == BinaryOp::Div;
        if thousand { vec![replace(query, part.span, binary.left.span.of(&query.text))] } else { Vec::new() }
    })
}

/// Metrics that are taken for each other.
const MEANINGS: [(&str, &str); 6] = [
    ("k8s_pod_memory_working_set_bytes", "k8s_container_memory_request_bytes"),
    ("container_memory_working_set_bytes", "k8s_container_memory_request_bytes"),
    ("k8s_container_cpu_request", "k8s_container_cpu_limit"),
    ("k8s_container_cpu_limit", "k8s_container_cpu_request"),
    ("k8s_container_memory_request_bytes", "k8s_container_memory_limit_bytes"),
    ("k8s_container_memory_limit_bytes", "k8s_container_memory_request_bytes"),
];

fn swap_meaning(dashboard: &Dashboard) -> Vec<Fix> {
    let mut mutants = Vec::new();
    for (query, tree) in targets(dashboard) {
        // In a quotient both are there.
        let measured: Vec<_> = super::walk::selectors(tree)
            .into_iter()
            .filter_map(|(selector, span)| name_span(selector, span, &query.text))
            .filter(|span| span.of(&query.text) != "k8s_pod_phase")
            .collect();
        let [only] = measured[..] else { continue };
        let other = MEANINGS.iter().find(|(one, _)| *one == only.of(&query.text));
        mutants.extend(other.map(|(_, other)| replace(query, only, *other)));
    }
    mutants
}

fn swap_direction(dashboard: &Dashboard) -> Vec<Fix> {
    let mut mutants = Vec::new();
    for (query, _) in targets(dashboard) {
        for (one, other) in [("\"receive\"", "\"transmit\""), ("\"transmit\"", "\"receive\"")] {
            if let Some(at) = query.text.find(one) {
                mutants.push(replace(query, Span::new(at, at + one.len()), other));
                break;
            }
        }
    }
    mutants
}

fn drop_join_label(dashboard: &Dashboard) -> Vec<Fix> {
    let mut mutants = Vec::new();
    for (query, tree) in targets(dashboard) {
        let (Some(panel), Some((aggregate, whole))) = (dashboard.panel_of(query), outermost(tree)) else {
            continue;
        };
        if panel.targets.len() > 1
            && let Some((field, _)) = t02::join_field(panel)
        {
            mutants.extend(without_label(query, aggregate, whole, &field));
        }
    }
    mutants
}

fn join_otherwise(dashboard: &Dashboard) -> Vec<Fix> {
    dashboard
        .panels()
        .filter(|(_, panel)| panel.targets.len() > 1)
        .filter_map(|(_, panel)| {
            let (_, index) = t02::join_field(panel)?;
            let pointer = Pointer::from_path(&panel.path)
                .key("transformations")
                .index(index)
                .key("options")
                .key("byField");
            Some(Fix::one("a mutant", pointer, Change::Set(Value::from("container"))))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::subject::{Source, Style, Subject};
    use crate::{Options, check, fix, rules};

    /// The dashboards of the repository.
    fn dashboards() -> Vec<(String, Value)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboards/generated");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .expect("the generated dashboards are there")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        files.sort();
        let read = |path: &Path| {
            let text = std::fs::read_to_string(path).expect("it can be read");
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                serde_json::from_str(&text).expect("it is JSON"),
            )
        };
        files.iter().map(|path| read(path)).collect()
    }

    fn read(file: &str, value: Value) -> Dashboard {
        Dashboard::new(file, value, Source::Value).expect("it is a dashboard").in_style(Style::House)
    }

    fn is_found(rule: &'static crate::Rule, file: &str, value: Value) -> bool {
        let subject = Subject::new(vec![read(file, value)]);
        !check(&subject, &Options::only_rules(&[rule])).findings.is_empty()
    }

    #[test]
    fn nothing_is_found_in_our_dashboards() {
        let subject =
            Subject::new(dashboards().into_iter().map(|(file, value)| read(&file, value)).collect());
        let ours =
            rules::all().filter(|rule| OPERATORS.iter().any(|operator| operator.rule == rule.id)).collect();
        let report = check(&subject, &Options { rules: ours, ..Options::default() });
        assert!(report.broken.is_empty(), "{:?}", report.broken);
        assert!(report.findings.is_empty(), "{:#?}", report.findings);
    }

    /// How many mutants of each operator are tried: evenly spread, for there are thousands.
    const TRIED: usize = 10;

    #[test]
    fn the_rule_that_is_meant_to_finds_nearly_every_mutant() {
        let dashboards = dashboards();
        let mut table = BTreeMap::new();
        for operator in OPERATORS {
            let rule = rules::find(operator.rule).expect("the rule is there");
            let mut all = Vec::new();
            for (file, value) in &dashboards {
                let dashboard = read(file, value.clone());
                all.extend((operator.mutants)(&dashboard).into_iter().map(|mutant| (file, value, mutant)));
            }
            assert!(!all.is_empty(), "{} has no place", operator.name);
            let step = all.len().div_ceil(TRIED);
            let (mut tried, mut missed) = (0, Vec::new());
            for (file, value, mutant) in all.iter().step_by(step) {
                let mutated = fix::apply(value, &mutant.edits).expect("the mutant can be made");
                tried += 1;
                if !is_found(rule, file, mutated.clone()) {
                    let place = &mutant.edits[0].pointer;
                    missed.push(format!("{file} {place}: {}", place.of(&mutated).unwrap_or(&Value::Null)));
                }
            }
            table.insert((operator.rule, operator.name), (all.len(), tried, missed));
        }
        let mut weak = Vec::new();
        for ((rule, name), (all, tried, missed)) in &table {
            let found = tried - missed.len();
            println!("{rule} {name}: {found} of {tried} found ({all} places)");
            if found * 100 < tried * 95 {
                weak.push(format!("{rule} {name}: {found} of {tried}\n  {}", missed.join("\n  ")));
            }
        }
        assert!(weak.is_empty(), "{}", weak.join("\n"));
    }
}
