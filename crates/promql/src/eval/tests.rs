//! The subtle rules of PromQL, from the text of a query to its value.

use std::cell::Cell;
use std::time::Duration;

use labels::{Labels, METRIC_NAME, Matcher};

use crate::ast::{
    Aggregate, AggregateOp, At, Binary, BinaryOp, Call, DurationKind, Expr, ExprKind, Span, Unary,
    VectorMatching,
};
use crate::{
    Engine, EngineOptions, Function, MemoryStorage, ParseOptions, QueryError, QueryOutput, RangeQuery, Stop,
    Value, parse, stale_nan,
};

const SECOND: i64 = 1000;

/// Series written as selectors, with their samples as pairs of seconds and values.
fn storage(series: &[(&str, &[(i64, f64)])]) -> MemoryStorage {
    let mut storage = MemoryStorage::new();
    for (selector, samples) in series {
        let labels = labels_of(selector);
        for &(seconds, value) in *samples {
            storage.insert(&labels, seconds * SECOND, value);
        }
    }
    storage
}

fn labels_of(selector: &str) -> Labels {
    let expr = parse(selector, ParseOptions::default()).unwrap();
    let ExprKind::Vector(selector) = expr.kind else { panic!("not a selector") };
    let pair = |matcher: &Matcher| (matcher.name().to_owned(), matcher.value().to_owned());
    Labels::from_pairs(selector.matchers.iter().map(|matcher| pair(&matcher.matcher)))
}

fn expr(query: &str) -> Expr {
    parse(query, ParseOptions { experimental: true }).unwrap_or_else(|error| panic!("{query}: {error}"))
}

fn instant(storage: &MemoryStorage, query: &str, seconds: i64) -> Result<QueryOutput, QueryError> {
    Engine::default().with_text(query).instant(storage, &expr(query), seconds * SECOND, &|| None)
}

fn range(
    storage: &MemoryStorage,
    query: &str,
    from: i64,
    to: i64,
    step: i64,
) -> Result<QueryOutput, QueryError> {
    let range = RangeQuery { start_ms: from * SECOND, end_ms: to * SECOND, step_ms: step * SECOND };
    Engine::default().range(storage, &expr(query), range, &|| None)
}

/// The value of an instant query as text, one series after the other.
fn shown(output: Result<QueryOutput, QueryError>) -> String {
    let list = |series: Vec<String>| series.join("; ");
    match output {
        Err(error) => format!("error: {error}"),
        Ok(QueryOutput { value: Value::Scalar(point), .. }) => point.value.to_string(),
        Ok(QueryOutput { value: Value::String(text), .. }) => text,
        Ok(QueryOutput { value: Value::Vector(samples), .. }) => {
            list(samples.iter().map(|sample| format!("{} {}", sample.labels, sample.point.value)).collect())
        }
        Ok(QueryOutput { value: Value::Matrix(series), .. }) => list(
            series
                .iter()
                .map(|series| {
                    let point =
                        |point: &crate::Point| format!(" {}@{}", point.value, point.timestamp_ms / SECOND);
                    series.labels.to_string() + &series.points.iter().map(point).collect::<String>()
                })
                .collect(),
        ),
    }
}

#[test]
fn a_range_leaves_out_a_sample_exactly_on_its_left_edge() {
    let storage = storage(&[("m", &[(0, 1.0), (10, 2.0), (20, 4.0)])]);
    assert_eq!(shown(instant(&storage, "sum_over_time(m[20s])", 20)), "{} 6");
    assert_eq!(shown(instant(&storage, "sum_over_time(m[20001ms])", 20)), "{} 7");
    assert_eq!(shown(instant(&storage, "m[10s]", 20)), "m 4@20");
}

#[test]
fn a_selector_does_not_see_a_sample_that_is_one_lookback_old() {
    let storage = storage(&[("m", &[(0, 1.0)])]);
    assert_eq!(shown(range(&storage, "m", 299, 300, 1)), "m 1@299");
}

#[test]
fn a_stale_marker_ends_a_series_at_once_and_is_no_sample_of_a_range() {
    let storage = storage(&[("m", &[(0, 1.0), (10, stale_nan()), (30, 2.0)])]);
    assert_eq!(shown(range(&storage, "m", 0, 30, 10)), "m 1@0 2@30");
    assert_eq!(shown(instant(&storage, "count_over_time(m[1m])", 20)), "{} 1");
    assert_eq!(shown(instant(&storage, "m[1m]", 30)), "m 1@0 2@30");
}

#[test]
fn an_ordinary_nan_is_a_sample() {
    let storage = storage(&[("m", &[(0, f64::NAN)])]);
    assert_eq!(shown(instant(&storage, "m", 10)), "m NaN");
    assert_eq!(shown(instant(&storage, "count(m)", 10)), "{} 1");
}

#[test]
fn a_range_query_ends_at_the_last_step_that_fits() {
    let storage = storage(&[("m", &[(0, 1.0)])]);
    assert_eq!(shown(range(&storage, "m", 0, 25, 10)), "m 1@0 1@10 1@20");
    assert_eq!(shown(range(&storage, "m", 10, 0, 10)), "");
    assert_eq!(shown(range(&storage, "time()", 0, 20, 10)), "{} 0@0 10@10 20@20");
}

#[test]
fn a_range_query_that_ends_before_it_starts_has_no_series() {
    let storage = storage(&[("m", &[(0, 1.0)])]);
    for query in ["m", "1", "time()", "vector(1)", "sum(m) or vector(0)", "absent(m)", "scalar(m)"] {
        assert_eq!(shown(range(&storage, query, 10, 0, 5)), "", "{query}");
    }
}

#[test]
fn only_vectors_and_scalars_can_be_range_queries() {
    let storage = MemoryStorage::new();
    for (query, found) in [("m[5m]", "range vector"), ("\"text\"", "string")] {
        let message =
            format!("invalid expression type {found:?} for range query, must be Scalar or instant Vector");
        assert_eq!(range(&storage, query, 0, 1, 1).unwrap_err().to_string(), message);
    }
}

#[test]
fn a_counter_near_zero_is_not_extrapolated_beyond_its_beginning() {
    // Half an interval (5 s) would be added on the left, but 2 s before its first sample the counter was zero.
    let storage = storage(&[("c_total", &[(30, 2.0), (40, 12.0), (50, 22.0)])]);
    assert_eq!(shown(instant(&storage, "increase(c_total[50s])", 50)), "{} 22");
}

#[test]
fn a_reset_inside_of_the_window_counts_from_zero() {
    let storage = storage(&[("c_total", &[(0, 90.0), (10, 100.0), (20, 4.0), (30, 10.0)])]);
    assert_eq!(shown(instant(&storage, "increase(c_total[40s])", 30)), "{} 26.666666666666664");
    assert_eq!(shown(instant(&storage, "resets(c_total[40s])", 30)), "{} 1");
    // Without an earlier sample in the window there is nothing to see.
    assert_eq!(shown(instant(&storage, "resets(c_total[20s])", 30)), "{} 0");
}

#[test]
fn the_steps_of_a_subquery_do_not_depend_on_when_the_query_is_asked() {
    let storage = storage(&[("m", &[(0, 1.0)])]);
    for (at, expected) in [(40, "m 1@20 1@40"), (45, "m 1@20 1@40"), (59, "m 1@20 1@40"), (60, "m 1@40 1@60")]
    {
        assert_eq!(shown(instant(&storage, "m[40s:20s]", at)), expected, "{at}");
    }
}

#[test]
fn a_subquery_without_step_takes_the_engines() {
    let storage = storage(&[("m", &[(0, 1.0)])]);
    let options =
        EngineOptions { default_subquery_step: Duration::from_secs(15), ..EngineOptions::default() };
    let output = Engine::new(options).instant(&storage, &expr("m[30s:]"), 30 * SECOND, &|| None);
    assert_eq!(shown(output), "m 1@15 1@30");
}

#[test]
fn names_are_dropped_by_functions_and_arithmetic_but_not_by_filters() {
    let storage = storage(&[("m{a=\"1\"}", &[(0, 1.0)])]);
    for (query, expected) in [
        ("m", "m{a=\"1\"} 1"),
        ("m > 0", "m{a=\"1\"} 1"),
        ("m > bool 0", "{a=\"1\"} 1"),
        ("m * 2", "{a=\"1\"} 2"),
        ("abs(m)", "{a=\"1\"} 1"),
        ("last_over_time(m[1m])", "m{a=\"1\"} 1"),
        ("max_over_time(m[1m])", "{a=\"1\"} 1"),
        ("m + m", "{a=\"1\"} 2"),
        ("m == m", "m{a=\"1\"} 1"),
        ("m and m", "m{a=\"1\"} 1"),
        ("topk(1, m)", "m{a=\"1\"} 1"),
        ("sum without () (m)", "{a=\"1\"} 1"),
    ] {
        assert_eq!(shown(instant(&storage, query, 0)), expected, "{query}");
        let late = EngineOptions { delayed_name_removal: true, ..EngineOptions::default() };
        let output = Engine::new(late).instant(&storage, &expr(query), 0, &|| None);
        assert_eq!(shown(output), expected, "{query}, with names removed late");
    }
}

#[test]
fn series_that_differ_in_their_names_only_cannot_lose_them_at_the_same_step() {
    let same = "error: vector cannot contain metrics with the same labelset";
    let storage = storage(&[("a", &[(0, 1.0), (10, stale_nan())]), ("b", &[(20, 2.0)])]);
    let both = "{__name__=~\"a|b\"}";
    // Never at the same time: one series.
    assert_eq!(shown(range(&storage, &format!("abs({both})"), 0, 20, 10)), "{} 1@0 2@20");
    // Functions of ranges do not accept even that.
    assert_eq!(shown(range(&storage, &format!("sum_over_time({both}[5s])"), 0, 20, 10)), same);
    assert_eq!(shown(range(&storage, &format!("sum(sum_over_time({both}[5s]))"), 0, 20, 10)), same);
    let storage = self::storage(&[("a", &[(0, 1.0)]), ("b", &[(0, 2.0)])]);
    assert_eq!(shown(instant(&storage, &format!("-{both}"), 0)), same);
    assert_eq!(
        shown(instant(&storage, &format!("sum(-{both})"), 0)),
        same,
        "also where it is aggregated away"
    );
    assert_eq!(shown(instant(&storage, &format!("{both} * 2"), 0)), same);
}

#[test]
fn matching_errors_hold_for_the_step_at_which_they_happen() {
    let storage = storage(&[
        ("one{pod=\"a\", v=\"1\"}", &[(0, 1.0), (10, stale_nan())]),
        ("one{pod=\"a\", v=\"2\"}", &[(10, 2.0)]),
        ("many{pod=\"a\", c=\"x\"}", &[(0, 10.0)]),
        ("many{pod=\"a\", c=\"y\"}", &[(0, 20.0)]),
    ]);
    // The one side changes hands: fine.
    assert_eq!(
        shown(range(&storage, "many * on (pod) group_left (v) one", 0, 10, 10)),
        "{c=\"x\", pod=\"a\", v=\"1\"} 10@0; {c=\"x\", pod=\"a\", v=\"2\"} 20@10; \
         {c=\"y\", pod=\"a\", v=\"1\"} 20@0; {c=\"y\", pod=\"a\", v=\"2\"} 40@10"
    );
    let error = shown(range(&storage, "one * on (pod) many", 0, 10, 10));
    assert!(
        error.starts_with(
            "error: found duplicate series for the match group {pod=\"a\"} on the right hand-side"
        ),
        "{error}"
    );
    assert_eq!(
        shown(instant(&storage, "many * on (pod) one", 0)),
        "error: multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
    );
    assert_eq!(
        shown(instant(&storage, "many * on (pod) group_left (c) one", 0)),
        "error: multiple matches for labels: grouping labels must ensure unique matches"
    );
}

#[test]
fn duplicates_on_the_one_side_are_an_error_even_where_nothing_matches_them() {
    let storage = storage(&[
        ("left{k=\"other\"}", &[(0, 1.0)]),
        ("right{k=\"x\", v=\"1\"}", &[(0, 1.0)]),
        ("right{k=\"x\", v=\"2\"}", &[(0, 1.0)]),
    ]);
    assert!(instant(&storage, "left + on (k) right", 0).is_err());
    // Unless the other side is empty as a whole.
    assert_eq!(shown(instant(&storage, "nothing + on (k) right", 0)), "");
}

#[test]
fn a_filter_may_leave_steps_out() {
    let storage = storage(&[("m", &[(0, 1.0), (10, 2.0), (20, 3.0)])]);
    assert_eq!(shown(range(&storage, "m != 2", 0, 20, 10)), "m 1@0 3@20");
    assert_eq!(shown(range(&storage, "m < on () vector(2)", 0, 20, 10)), "{} 1@0");
    assert_eq!(shown(range(&storage, "2 < m", 0, 20, 10)), "m 3@20");
}

#[test]
fn places_in_remarks_are_those_of_the_text() {
    let storage = storage(&[("m", &[(0, 1.0), (10, 2.0)])]);
    let output = instant(&storage, "1 +\n  rate(m[1m])", 10).unwrap();
    let expected = "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"m\" (2:8)";
    assert_eq!(output.annotations.infos, [expected]);
    assert!(output.annotations.warnings.is_empty());
}

#[test]
fn the_samples_that_were_read_are_counted() {
    let storage = storage(&[("m{a=\"1\"}", &[(0, 1.0), (10, 2.0)]), ("m{a=\"2\"}", &[(0, 1.0), (700, 1.0)])]);
    assert_eq!(instant(&storage, "sum_over_time(m[1m])", 20).unwrap().samples_read, 3);
    assert_eq!(instant(&storage, "1 + 1", 20).unwrap().samples_read, 0);
}

#[test]
fn a_query_that_would_hold_too_many_samples_is_refused() {
    let storage = storage(&[("m{a=\"1\"}", &[(0, 1.0)]), ("m{a=\"2\"}", &[(0, 1.0)])]);
    let options = EngineOptions { max_samples: 100, ..EngineOptions::default() };
    let engine = Engine::new(options);
    let run = |query: &str, steps: i64| {
        let range = RangeQuery { start_ms: 0, end_ms: steps - 1, step_ms: 1 };
        engine.range(&storage, &expr(query), range, &|| None).map(|output| output.samples_read)
    };
    assert!(run("m", 50).is_ok());
    for (query, steps) in [
        ("m", 51),
        ("time()", 101),
        ("1", 101),
        ("m or m * 2", 30),
        ("max_over_time(m[1s:1ms])", 1),
        ("max_over_time(vector(1)[290y:1ms])", 1),
        ("quantile(0.5, m)", 51),
    ] {
        let error = run(query, steps).unwrap_err().to_string();
        assert_eq!(
            error, "query processing would load too many samples into memory in query execution",
            "{query}"
        );
    }
    // What is aggregated away is not held.
    assert!(run("sum(m)", 50).is_ok());
}

#[test]
fn a_selector_that_finds_too_many_series_is_refused() {
    let storage = storage(&[("m{a=\"1\"}", &[(0, 1.0)]), ("m{a=\"2\"}", &[(0, 1.0)])]);
    let run = |query: &str, max_series: usize| {
        let engine = Engine::new(EngineOptions { max_series, ..EngineOptions::default() });
        engine.instant(&storage, &expr(query), 0, &|| None).map(|output| output.samples_read)
    };
    // Each selector counts for itself.
    assert!(run("sum(m) + count(m)", 2).is_ok());
    for query in ["m", "sum(m)", "rate(m[5m])", "absent_over_time(m[5m])", "m{a=\"1\"} or m"] {
        let error = run(query, 1).unwrap_err().to_string();
        assert_eq!(error, "query processing would select more than 1 series with one selector", "{query}");
    }
}

#[test]
fn a_query_stops_when_it_is_told_to() {
    let many: Vec<(String, Vec<(i64, f64)>)> =
        (0..200).map(|pod| (format!("m{{pod=\"{pod}\"}}"), (0..200).map(|s| (s, 1.0)).collect())).collect();
    let series: Vec<(&str, &[(i64, f64)])> =
        many.iter().map(|(name, s)| (name.as_str(), s.as_slice())).collect();
    let storage = storage(&series);
    for query in [
        "sum(rate(m[1m]))",
        "m * on (pod) group_left () m",
        "topk(3, m)",
        "m or m",
        "max_over_time(m[1m:1s])",
    ] {
        for stop in [Stop::Timeout, Stop::Canceled] {
            let asked = Cell::new(0);
            let interrupt = || {
                asked.set(asked.get() + 1);
                (asked.get() > 2).then_some(stop)
            };
            let range = RangeQuery { start_ms: 0, end_ms: 200_000, step_ms: 1000 };
            let result = Engine::default().range(&storage, &expr(query), range, &interrupt);
            match stop {
                Stop::Timeout => assert!(matches!(result, Err(QueryError::Timeout)), "{query}"),
                Stop::Canceled => assert!(matches!(result, Err(QueryError::Canceled)), "{query}"),
            }
        }
    }
}

/// An expression around another one.
fn around(kind: ExprKind) -> Expr {
    Expr::new(kind, Span::default())
}

#[test]
fn trees_that_no_parser_would_make_are_errors() {
    let number = || around(ExprKind::Number(1.0));
    let vector = || expr("m");
    let call = |function, arguments| {
        around(ExprKind::Call(Call { function, name_span: Span::default(), arguments }))
    };
    let binary = |op, left, right| {
        let matching = VectorMatching::default();
        around(ExprKind::Binary(Box::new(Binary {
            op,
            op_span: Span::default(),
            left,
            right,
            return_bool: false,
            matching,
        })))
    };
    let aggregate = |op, expr, parameter| {
        around(ExprKind::Aggregate(Box::new(Aggregate {
            op,
            op_span: Span::default(),
            expr,
            parameter,
            grouping: Vec::new(),
            without: false,
        })))
    };
    let mut deep = number();
    for _ in 0..1000 {
        deep = around(ExprKind::Unary(Unary { negative: true, operand: Box::new(deep) }));
    }
    let mut trees = vec![
        deep,
        binary(BinaryOp::And, number(), number()),
        binary(BinaryOp::Or, number(), vector()),
        binary(BinaryOp::Add, expr("m[5m]"), vector()),
        binary(BinaryOp::TrimLower, number(), number()),
        aggregate(AggregateOp::Topk, vector(), None),
        aggregate(AggregateOp::Sum, number(), None),
        aggregate(AggregateOp::CountValues, vector(), Some(number())),
        call(Function::Rate, vec![vector()]),
        call(Function::LabelReplace, vec![vector(), number()]),
        call(Function::Info, vec![vector(), number()]),
    ];
    // Every function with too few arguments, and with wrong ones.
    for &function in Function::ALL {
        if function.signature().min_arguments() > 0 {
            trees.push(call(function, Vec::new()));
            trees.push(call(function, vec![around(ExprKind::String(String::new()))]));
        }
    }
    let storage = storage(&[("m", &[(0, 1.0)])]);
    for tree in &trees {
        let result = Engine::default().instant(&storage, tree, 0, &|| None);
        assert!(matches!(result, Err(QueryError::Execution { .. })), "{result:?}");
    }
}

#[test]
fn the_deepest_trees_that_are_accepted_fit_on_a_small_stack() {
    let storage = storage(&[("m", &[(0, 1.0)])]);
    let check = move |kind: fn(Expr) -> ExprKind| {
        let mut tree = around(ExprKind::Vector(match expr("m").kind {
            ExprKind::Vector(selector) => selector,
            _ => unreachable!("it is a selector"),
        }));
        for _ in 0..500 {
            tree = around(kind(tree));
        }
        let result = Engine::default().instant(&storage, &tree, 0, &|| None);
        assert!(result.is_ok(), "{result:?}");
    };
    // As large as the stacks of the threads that serve requests.
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
        check(|tree| ExprKind::Unary(Unary { negative: true, operand: Box::new(tree) }));
        check(|tree| {
            ExprKind::Call(Call {
                function: Function::Abs,
                name_span: Span::default(),
                arguments: vec![tree],
            })
        });
        check(|tree| {
            ExprKind::Aggregate(Box::new(Aggregate {
                op: AggregateOp::Sum,
                op_span: Span::default(),
                expr: tree,
                parameter: None,
                grouping: Vec::new(),
                without: false,
            }))
        });
        check(|tree| {
            ExprKind::Binary(Box::new(Binary {
                op: BinaryOp::Add,
                op_span: Span::default(),
                left: tree,
                right: expr("m"),
                return_bool: false,
                matching: VectorMatching::default(),
            }))
        });
    });
    thread.expect("a thread starts").join().expect("no stack overflow");
}

#[test]
fn extreme_times_and_durations_do_not_overflow() {
    let storage = storage(&[("m", &[(0, 1.0)])]);
    let engine = Engine::default();
    for query in [
        "m offset 290y",
        "m offset -290y",
        "m @ 9223372036",
        "m @ -9223372036",
        "rate(m[290y])",
        "rate(m[290y] offset 290y)",
        "max_over_time(m[290y:100y] offset 290y)",
        "timestamp(m)",
        "year(vector(1e308))",
        "vector(time()) ^ 1e9",
    ] {
        for at in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX] {
            let expr = expr(query);
            assert!(engine.instant(&storage, &expr, at, &|| None).is_ok(), "{query} at {at}");
            let range = RangeQuery { start_ms: at, end_ms: at, step_ms: i64::MAX };
            assert!(engine.range(&storage, &expr, range, &|| None).is_ok(), "{query} at {at}");
        }
    }
    for ms in [i64::MIN, i64::MAX] {
        let ExprKind::Matrix(mut matrix) = expr("m[5m]").kind else { panic!("a range selector") };
        matrix.range.kind = DurationKind::Millis(ms);
        matrix.selector.modifiers.at = Some(At::Timestamp(ms));
        let arguments = vec![around(ExprKind::Matrix(matrix))];
        let call = Call { function: Function::Rate, name_span: Span::default(), arguments };
        assert!(engine.instant(&storage, &around(ExprKind::Call(call)), 0, &|| None).is_err());
    }
    let everything = RangeQuery { start_ms: i64::MIN, end_ms: i64::MAX, step_ms: 1 };
    assert!(engine.range(&storage, &expr("m"), everything, &|| None).is_err());
}

#[test]
fn a_metric_name_given_by_label_replace_stays() {
    let storage = storage(&[("m", &[(0, 1.0)])]);
    let query = "label_replace(m * 2, \"__name__\", \"doubled\", \"\", \"\")";
    assert_eq!(shown(instant(&storage, query, 0)), "doubled 2");
    let late = EngineOptions { delayed_name_removal: true, ..EngineOptions::default() };
    assert_eq!(shown(Engine::new(late).instant(&storage, &expr(query), 0, &|| None)), "doubled 2");
    assert_eq!(labels_of("m").get(METRIC_NAME), Some("m"));
}

#[test]
fn the_windows_of_a_single_series_are_left_in_the_middle_when_time_is_up() {
    let asked = Cell::new(0);
    let interrupt = || {
        asked.set(asked.get() + 1);
        (asked.get() > 40).then_some(Stop::Timeout)
    };
    // A hundred thousand samples in each of ten thousand windows: hours, if nobody asked on the way.
    let query = expr("max_over_time(vector(1)[1000s:10ms])");
    let range = RangeQuery { start_ms: 0, end_ms: 10_000_000, step_ms: 1_000 };
    let result = Engine::default().range(&MemoryStorage::new(), &query, range, &interrupt);
    assert!(matches!(result, Err(QueryError::Timeout)), "{result:?}");
    assert_eq!(asked.get(), 41);
}

#[test]
fn labels_that_grow_too_long_are_refused() {
    let storage = storage(&[("up{a=\"0123456789abcdef\"}", &[(0, 1.0)])]);
    let mut query = "up".to_owned();
    for _ in 0..12 {
        query = format!("label_join({query}, \"a\", \"\", \"a\", \"a\")");
    }
    let length = |output: QueryOutput| match output.value {
        Value::Vector(samples) => samples[0].labels.get("a").unwrap().len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(length(instant(&storage, &query, 0).unwrap()), 64 << 10);
    let joined = format!("label_join({query}, \"a\", \"-\", \"a\", \"a\")");
    let replaced = format!("label_replace({query}, \"b\", \"$1.\", \"a\", \"(.*)\")");
    for (query, function) in [(joined, "label_join"), (replaced, "label_replace")] {
        let error = instant(&storage, &query, 0).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{function}() makes a value of more than 65536 bytes")),
            "{error}"
        );
    }
}

#[test]
fn text_made_for_labels_counts_as_memory_and_as_work() {
    let pods: Vec<String> = (0..500).map(|pod| format!("up{{pod=\"{pod}\"}}")).collect();
    let series: Vec<(&str, &[(i64, f64)])> = pods.iter().map(|pod| (pod.as_str(), &[(0, 1.0)][..])).collect();
    let storage = storage(&series);
    let query = expr(&format!("label_replace(up, \"b\", \"{}\", \"pod\", \".*\")", "x".repeat(60_000)));
    let engine = Engine::new(EngineOptions { max_samples: 1_000_000, ..EngineOptions::default() });
    let error = engine.instant(&storage, &query, 0, &|| None).unwrap_err().to_string();
    assert!(error.contains("too many samples"), "{error}");
    let asked = Cell::new(0);
    Engine::default()
        .instant(&storage, &query, 0, &|| {
            asked.set(asked.get() + 1);
            None
        })
        .unwrap();
    assert!(asked.get() > 100, "{}", asked.get());
}

#[test]
fn expressions_of_label_replace_are_compiled_one_by_one_until_somebody_loses_interest() {
    let mut query = "up".to_owned();
    for _ in 0..50 {
        query = format!("label_replace({query}, \"a\", \"$1\", \"b\", \"(x[ab])+\")");
    }
    let asked = Cell::new(0);
    let interrupt = || {
        asked.set(asked.get() + 1);
        (asked.get() > 10).then_some(Stop::Canceled)
    };
    let outcome = Engine::default().instant(&MemoryStorage::new(), &expr(&query), 0, &interrupt);
    assert!(matches!(outcome, Err(QueryError::Canceled)), "{outcome:?}");
    assert_eq!(asked.get(), 11);
}

#[test]
fn a_query_that_needs_native_histograms_says_so() {
    let storage = storage(&[("up", &[(0, 1.0)])]);
    for function in
        ["histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev", "histogram_stdvar"]
    {
        let output = instant(&storage, &format!("{function}(up)"), 0).unwrap();
        assert!(matches!(&output.value, Value::Vector(samples) if samples.is_empty()));
        let info =
            format!("PromQL info: {function}() looks at native histograms, which are not stored here (1:1)");
        assert_eq!(output.annotations.infos, [info]);
    }
}
