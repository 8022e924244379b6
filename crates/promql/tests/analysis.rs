//! What is said of a query without running it holds for what running it gives.

use std::sync::Arc;

use ::labels::{Labels, METRIC_NAME};
use promql::analysis::labels::{self, Dependency, NameSet, Names, SeriesLabels, metric_name, names};
use promql::analysis::units::{self, Quantity, Unit};
use promql::ast::VectorSelector;
use promql::{Engine, MemoryStorage, ParseOptions, Value, parse};
use proptest::prelude::*;
use proptest::sample::select;

/// The metrics of the generated data: labels that are there, labels that may be, labels that tell series apart, labels
/// that follow from those.
struct Metric {
    name: &'static str,
    must: &'static [&'static str],
    may: &'static [&'static str],
    key: &'static [&'static str],
    decided: &'static [&'static str],
}

const METRICS: [Metric; 3] = [
    Metric { name: "pods", must: &["ns", "pod"], may: &["node"], key: &["ns", "pod"], decided: &["node"] },
    Metric {
        name: "parts_total",
        must: &["ns", "pod", "part"],
        may: &[],
        key: &["ns", "pod", "part"],
        decided: &[],
    },
    Metric { name: "nodes", must: &["node"], may: &["zone"], key: &["node"], decided: &["zone"] },
];

struct Known;

impl labels::Schema for Known {
    fn series(&self, selector: &VectorSelector) -> Option<SeriesLabels> {
        let name = metric_name(selector)?;
        let metric = METRICS.iter().find(|metric| metric.name == name)?;
        let set = |list: &[&'static str]| -> NameSet { names(list.iter().copied()) };
        let mut must = set(metric.must);
        must.insert(Arc::from(METRIC_NAME));
        Some(SeriesLabels {
            can: Names::Only(&must | &set(metric.may)),
            must,
            key: Some(set(metric.key)),
            dependencies: vec![Arc::new(Dependency { from: set(metric.key), to: set(metric.decided) })],
            ..SeriesLabels::unknown()
        })
    }
}

impl units::Schema for Known {
    fn unit(&self, selector: &VectorSelector) -> Option<Unit> {
        match metric_name(selector)? {
            "pods" => Some(Unit::BYTE),
            "parts_total" => Some(Unit::CORE_SECOND),
            _ => None,
        }
    }
}

const NOW: i64 = 1_000_000_000;

/// Series of the three metrics; `seeds` decides which there are.
fn storage(seeds: &[(usize, u8)]) -> MemoryStorage {
    let mut storage = MemoryStorage::new();
    for &(index, seed) in seeds {
        let metric = &METRICS[index];
        let mut pairs = vec![(METRIC_NAME.to_owned(), metric.name.to_owned())];
        for (place, label) in metric.key.iter().enumerate() {
            pairs.push(((*label).to_owned(), ["x", "y"][usize::from(seed >> place & 1)].to_owned()));
        }
        // What follows from the key is a function of it.
        let key_bits = seed & ((1 << metric.key.len()) - 1);
        for label in metric.decided {
            let value = ["", "x", "y", "x", "", "z", "y", "x"][usize::from(key_bits)];
            pairs.push(((*label).to_owned(), value.to_owned()));
        }
        let labels = Labels::from_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
        for minute in 0..6 {
            storage.insert(&labels, NOW - minute * 60_000, f64::from(seed % 5) + (6 - minute) as f64);
        }
    }
    storage
}

/// Queries over the metrics, and over one that nothing is known of.
fn query() -> impl Strategy<Value = String> {
    let selector = select(&[
        "pods",
        "parts_total",
        "nodes",
        "pods{node!=\"\"}",
        "pods{node=\"\"}",
        "pods{ns=\"x\"}",
        "parts_total{part=~\"x|y\"}",
        "nodes{zone=~\".+\"}",
        "{__name__=~\"pods|nodes\"}",
        "{__name__=\"pods\",ns!=\"y\"}",
    ]);
    let label = select(&["ns", "pod", "node", "part", "zone", "new"]);
    let leaf = prop_oneof![
        4 => selector.clone().prop_map(str::to_owned),
        1 => (selector, select(&["rate", "increase", "max_over_time", "last_over_time", "absent_over_time", "count_over_time"]))
            .prop_map(|(selector, function)| format!("{function}({selector}[5m])")),
    ];
    let list = prop::collection::vec(label.clone(), 0..3).prop_map(|list| list.join(", "));
    leaf.prop_recursive(5, 24, 2, move |inner| {
        let aggregation = select(&["sum", "max", "count", "group", "avg"]);
        let function = select(&["abs", "sort", "-", "+", "timestamp", "scalar_vector", "absent", "clamp_min"]);
        let op = select(&["+", "/", ">", "== bool", "and", "or", "unless"]);
        prop_oneof![
            4 => (aggregation.clone(), list.clone(), inner.clone()).prop_map(|(a, l, i)| format!("{a} by ({l}) ({i})")),
            2 => (aggregation, list.clone(), inner.clone()).prop_map(|(a, l, i)| format!("{a} without ({l}) ({i})")),
            1 => (list.clone(), inner.clone()).prop_map(|(l, i)| format!("topk by ({l}) (1, {i})")),
            1 => (label.clone(), inner.clone()).prop_map(|(l, i)| format!("count_values by (ns) (\"{l}\", {i})")),
            2 => (function, inner.clone()).prop_map(|(f, i)| match f {
                "-" | "+" => format!("({f}({i}))"),
                "scalar_vector" => format!("vector(scalar({i}))"),
                "clamp_min" => format!("clamp_min({i}, 1)"),
                _ => format!("{f}({i})"),
            }),
            2 => (
                label.clone(),
                select(&["$1", "x", "", "a$1"]),
                label.clone(),
                select(&["(.*)", "(.+)", ".*", ".+", "x", "(x)|y"]),
                inner.clone()
            ).prop_map(|(target, template, source, pattern, i)| {
                format!("label_replace({i}, \"{target}\", \"{template}\", \"{source}\", \"{pattern}\")")
            }),
            1 => (label.clone(), select(&["", "-"]), label.clone(), label.clone(), inner.clone())
                .prop_map(|(target, by, a, b, i)| format!("label_join({i}, \"{target}\", \"{by}\", \"{a}\", \"{b}\")")),
            1 => inner.clone().prop_map(|i| format!("max_over_time(({i})[3m:1m])")),
            1 => (inner.clone(), op.clone()).prop_map(|(i, op)| match op {
                "and" | "or" | "unless" => format!("({i} {op} vector(1))"),
                _ => format!("({i} {op} 1)"),
            }),
            3 => (inner.clone(), op, select(&["", "on", "ignoring"]), list.clone(),
                select(&["", "group_left", "group_right"]), list.clone(), inner)
                .prop_map(|(a, op, how, matched, group, include, b)| {
                    let set = matches!(op, "and" | "or" | "unless");
                    let matching = if how.is_empty() { String::new() } else { format!("{how} ({matched})") };
                    let group = if how.is_empty() || group.is_empty() || set { String::new() } else { format!("{group} ({include})") };
                    format!("({a} {op} {matching} {group} {b})")
                }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_labels_of_a_result_are_among_those_it_can_have_and_hold_those_it_must(
        query in query(),
        seeds in prop::collection::vec((0usize..3, 0u8..8), 0..12),
    ) {
        let Ok(expr) = parse(&query, ParseOptions { experimental: true }) else { return Ok(()) };
        let series = labels::analyse(&expr, &Known).of(&expr);
        // Not every generated query can be evaluated: labels may match many to many.
        let Ok(output) = Engine::default().instant(&storage(&seeds), &expr, NOW, &|| None) else { return Ok(()) };
        let Value::Vector(samples) = output.value else { return Ok(()) };
        let mut keys = Vec::new();
        for sample in &samples {
            let found = &sample.labels;
            for label in found {
                prop_assert!(series.can.contains(&label.name), "{query}: {found} has {}: {series:?}", label.name);
            }
            for label in &series.must {
                prop_assert!(found.get(label).is_some(), "{query}: {found} lacks {label}: {series:?}");
            }
            for (label, value) in &series.fixed {
                prop_assert_eq!(found.get(label), Some(&**value), "{}: {}", &query, label);
            }
            if let Some(key) = &series.key {
                keys.push(key.iter().map(|label| found.get(label).unwrap_or_default().to_owned()).collect::<Vec<_>>());
            }
        }
        let count = keys.len();
        keys.sort();
        keys.dedup();
        prop_assert_eq!(keys.len(), count, "{}: {:?} does not tell apart {:?}", &query, &series.key, &samples);
    }

    #[test]
    fn a_join_that_is_said_never_to_match_never_does(
        left in query(),
        right in query(),
        op in select(&["+", "and", ">"]),
        matching in select(&["", "on (ns)", "on (pod, node)", "ignoring (part)"]),
        seeds in prop::collection::vec((0usize..3, 0u8..8), 0..12),
    ) {
        let query = format!("({left}) {op} {matching} ({right})");
        let Ok(expr) = parse(&query, ParseOptions { experimental: true }) else { return Ok(()) };
        let promql::ast::ExprKind::Binary(binary) = &expr.kind else { return Ok(()) };
        let analysis = labels::analyse(&expr, &Known);
        let problems = labels::problems(binary, &analysis.of(&binary.left), &analysis.of(&binary.right));
        let never = problems.iter().any(|problem| matches!(problem, labels::JoinProblem::NeverMatches { .. }));
        let Ok(output) = Engine::default().instant(&storage(&seeds), &expr, NOW, &|| None) else { return Ok(()) };
        if let (true, Value::Vector(samples)) = (never, output.value) {
            prop_assert!(samples.is_empty(), "{query}: {problems:?} but {samples:?}");
        }
    }

    #[test]
    fn a_sum_has_the_labels_it_asks_for_and_no_others(inner in query(), list in prop::sample::subsequence(vec!["ns", "pod", "node", "new"], 0..4)) {
        let query = format!("sum by ({}) ({inner})", list.join(", "));
        let Ok(expr) = parse(&query, ParseOptions { experimental: true }) else { return Ok(()) };
        let series = labels::analyse(&expr, &Known).of(&expr);
        prop_assert!(series.can.listed().is_some_and(|can| can.iter().all(|label| list.contains(&&**label))));
        prop_assert!(series.must.iter().all(|label| series.can.contains(label)));
    }

    #[test]
    fn what_is_multiplied_and_divided_by_the_same_keeps_its_unit(
        inner in query(),
        factor in select(&[8.0, 100.0, 1000.0, 0.5, 1024.0]),
        other in query(),
    ) {
        // A label may have come to stand in on (…) and group_left (…) at once.
        prop_assume!([&inner, &other].iter().all(|query| parse(query, ParseOptions { experimental: true }).is_ok()));
        let quantity = |query: &str| {
            let expr = parse(query, ParseOptions { experimental: true }).expect("the query is valid");
            units::analyse(&expr, &Known).of(&expr)
        };
        let same = |a: Quantity, b: Quantity| match (a, b) {
            (Quantity::Of(a), Quantity::Of(b)) => a.same_dimension(b) && units::same_scale(a.scale, b.scale),
            (a, b) => a == b,
        };
        let plain = quantity(&inner);
        if matches!(plain, Quantity::Of(_)) {
            prop_assert!(same(quantity(&format!("({inner}) * {factor} / {factor}")), plain), "{inner}");
            prop_assert!(same(quantity(&format!("max by (ns) ({inner})")), plain), "{inner}");
            prop_assert!(same(quantity(&format!("({inner}) unless ({other})")), plain), "{inner}");
            let over = quantity(&format!("({inner}) / ({inner})"));
            prop_assert!(over.unit().is_some_and(Unit::is_number), "{inner}: {over:?}");
        }
    }

    #[test]
    fn no_text_makes_the_analyses_panic(text in "(rate|sum|by|on|pods|label_replace|or|and|[(){}\\[\\],\"+*/-]|5m| |\\PC){0,30}") {
        if let Ok(expr) = parse(&text, ParseOptions { experimental: true }) {
            labels::analyse(&expr, &Known);
            units::analyse(&expr, &Known);
        }
    }
}
