//! Why a query that is correct finds nothing: names that nothing has, and what was probably meant. Prometheus says
//! nothing about it, and neither does the API; this is for people in front of a shell.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use labels::{METRIC_NAME, MatchOp, Matcher};
use promql::Function;
use promql::ast::{
    Aggregate, AggregateOp, Binary, Call, Cardinality, DurationKind, Expr, ExprKind, VectorSelector,
};

use crate::{Browse, QueryService};

/// What there is. A list that cannot be had is empty; nothing is said about it then.
pub trait KnownNames {
    /// The names of all metrics.
    fn metrics(&self) -> Vec<String>;
    /// The labels of a metric's series.
    fn labels(&self, metric: &str) -> Vec<String>;
    /// The values that a label has on a metric's series.
    fn values(&self, metric: &str, label: &str) -> Vec<String>;
    /// The time between two samples of a series, in milliseconds, where that is known.
    fn scrape_interval_ms(&self) -> Option<i64> {
        None
    }
}

impl KnownNames for QueryService {
    fn scrape_interval_ms(&self) -> Option<i64> {
        self.scrape_interval().and_then(|interval| i64::try_from(interval.as_millis()).ok())
    }

    fn metrics(&self) -> Vec<String> {
        texts(&self.label_values(METRIC_NAME, &Browse::default()).items)
    }

    fn labels(&self, metric: &str) -> Vec<String> {
        texts(&self.label_names(&of_metric(metric)).items)
    }

    fn values(&self, metric: &str, label: &str) -> Vec<String> {
        texts(&self.label_values(label, &of_metric(metric)).items)
    }
}

fn of_metric(metric: &str) -> Browse {
    Browse { selectors: vec![vec![Matcher::equal(METRIC_NAME, metric)]], ..Browse::default() }
}

fn texts(items: &[Arc<str>]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

/// What may be wrong with the names in a query, in the order in which they stand there. `found_nothing` says that its
/// answer was empty; with an answer only the labels that it groups by are looked at, because a selector that finds
/// nothing is often meant so (`a or b`).
pub fn hints(expr: &Expr, found_nothing: bool, known: &dyn KnownNames) -> Vec<String> {
    let mut hints = Vec::new();
    walk(expr, &mut |expr| match &expr.kind {
        ExprKind::Vector(selector) if found_nothing => hints.extend(of_selector(selector, known)),
        ExprKind::Matrix(matrix) if found_nothing => hints.extend(of_selector(&matrix.selector, known)),
        ExprKind::Aggregate(aggregate) => hints.extend(of_grouping(aggregate, known)),
        ExprKind::Binary(binary) => hints.extend(of_matching(binary, found_nothing, known)),
        ExprKind::Call(call) if found_nothing => {
            hints.extend(of_native(call));
            hints.extend(of_range(call, known));
        }
        _ => {}
    });
    // The same metric is often named twice.
    let mut told = BTreeSet::new();
    hints.retain(|hint| told.insert(hint.clone()));
    hints
}

/// Visits an expression and everything in it, from left to right.
fn walk<'e>(expr: &'e Expr, visit: &mut dyn FnMut(&'e Expr)) {
    visit(expr);
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Vector(_) | ExprKind::Matrix(_) => {}
        ExprKind::Subquery(subquery) => walk(&subquery.expr, visit),
        ExprKind::Unary(unary) => walk(&unary.operand, visit),
        ExprKind::Paren(inner) => walk(inner, visit),
        ExprKind::Binary(binary) => {
            [&binary.left, &binary.right].into_iter().for_each(|side| walk(side, visit));
        }
        ExprKind::Aggregate(aggregate) => {
            aggregate.parameter.iter().chain([&aggregate.expr]).for_each(|part| walk(part, visit));
        }
        ExprKind::Call(call) => call.arguments.iter().for_each(|argument| walk(argument, visit)),
    }
}

/// The one metric that a selector asks for.
fn metric_of(selector: &VectorSelector) -> Option<&str> {
    let name = selector.matchers.iter().map(|matcher| &matcher.matcher);
    let name = name.filter(|matcher| matcher.name() == METRIC_NAME && matcher.op() == MatchOp::Equal);
    name.map(Matcher::value).find(|value| !value.is_empty())
}

fn of_selector(selector: &VectorSelector, known: &dyn KnownNames) -> Option<String> {
    let metric = metric_of(selector)?;
    let metrics = known.metrics();
    if metrics.is_empty() {
        return None;
    }
    if !metrics.iter().any(|name| name == metric) {
        return Some(of_unknown_metric(metric, &metrics));
    }
    let labels = known.labels(metric);
    if labels.is_empty() {
        return None;
    }
    // A condition that series without the label satisfy is none on the label's name.
    let conditions = selector.matchers.iter().map(|matcher| &matcher.matcher);
    let found = conditions.filter(|matcher| !matcher.matches_empty()).try_for_each(|matcher| {
        let hint = if !labels.iter().any(|label| label == matcher.name()) {
            Some(of_unknown_label(metric, matcher.name(), &labels))
        } else {
            of_values(metric, matcher, &known.values(metric, matcher.name()))
        };
        hint.map_or(ControlFlow::Continue(()), ControlFlow::Break)
    });
    found.break_value()
}

fn of_unknown_metric(metric: &str, metrics: &[String]) -> String {
    if let Some(found) = catalogue::find_by_prometheus_name(metric) {
        let receiver = found.receiver.name();
        return format!(
            "nothing sends {metric}: the receiver {receiver} knows it; `cargo xtask metrics {metric}` says when it sends it"
        );
    }
    // The name in OpenTelemetry, with dots or with underscores instead.
    let in_catalogue = catalogue::all()
        .find(|found| found.name == metric || found.name.replace('.', "_") == metric)
        .map(catalogue::MetricDef::prometheus_name);
    let stem = stem_of(metric);
    let same_stem = || metrics.iter().find(|name| stem_of(name) == stem).cloned();
    let meant = in_catalogue.or_else(same_stem).or_else(|| nearest(metric, metrics).cloned());
    match meant {
        Some(meant) => format!("no metric is called {metric}; did you mean {meant}?"),
        None => format!("no metric is called {metric}"),
    }
}

/// A metric's name without the suffixes that its unit and type gave it: what is forgotten most, and written most where
/// it does not belong.
fn stem_of(metric: &str) -> &str {
    const SUFFIXES: [&str; 7] = ["_total", "_ratio", "_percent", "_bytes", "_seconds", "_count", "_info"];
    let mut stem = metric;
    while let Some(shorter) = SUFFIXES.iter().find_map(|suffix| stem.strip_suffix(suffix)) {
        stem = shorter;
    }
    stem
}

fn of_unknown_label(metric: &str, label: &str, labels: &[String]) -> String {
    let others: Vec<&str> = labels.iter().map(String::as_str).filter(|name| *name != METRIC_NAME).collect();
    match label_like(label, labels) {
        Some(meant) => format!("{metric} has no label {label}; did you mean {meant}?"),
        None => format!("{metric} has no label {label}; it has {}", others.join(", ")),
    }
}

/// The label that was probably meant: one of nearly this name, or with this name as a part (`pod`, `k8s_pod_name`).
fn label_like<'l>(label: &str, labels: &'l [String]) -> Option<&'l String> {
    let same = labels.iter().find(|name| name.eq_ignore_ascii_case(label));
    let lower = label.to_ascii_lowercase();
    // `pod` of `k8s_pod_name`, and `pod_name` too.
    let has_part = |name: &&String| format!("_{name}_").contains(&format!("_{lower}_"));
    let parts = || labels.iter().filter(has_part);
    // `k8s_pod_name` and not `k8s_pod_uid`.
    let by_part = parts().find(|name| name.ends_with("_name")).or_else(|| parts().next());
    same.or(by_part).or_else(|| nearest(&lower, labels))
}

fn of_values(metric: &str, matcher: &Matcher, values: &[String]) -> Option<String> {
    if values.is_empty() || values.iter().any(|value| matcher.matches(value)) {
        return None;
    }
    let meant = match matcher.op() {
        MatchOp::Equal => nearest(matcher.value(), values),
        _ => None,
    };
    let meant = meant.map_or_else(
        || format!("there is {}{}", some_of(values), if values.len() > FEW { ", …" } else { "" }),
        |meant| format!("did you mean {meant:?}?"),
    );
    Some(format!("no series of {metric} has {matcher}; {meant}"))
}

/// So many values are shown.
const FEW: usize = 3;

fn some_of(values: &[String]) -> String {
    values.iter().take(FEW).map(|value| format!("{value:?}")).collect::<Vec<_>>().join(", ")
}

/// For functions of native histograms, which nothing here stores.
fn of_native(call: &Call) -> Option<String> {
    let classic = match call.function {
        Function::HistogramAvg => "rate(x_sum[5m]) / rate(x_count[5m])",
        Function::HistogramCount => "x_count",
        Function::HistogramSum => "x_sum",
        Function::HistogramStddev | Function::HistogramStdvar => "histogram_quantile() of its buckets",
        _ => return of_buckets(call),
    };
    let name = call.function.name();
    Some(format!(
        "{name}() reads native histograms, and none are stored here; of a classic one take {classic}"
    ))
}

/// For functions of buckets that are given a histogram by its name, as one does with native ones.
fn of_buckets(call: &Call) -> Option<String> {
    if !matches!(call.function, Function::HistogramQuantile | Function::HistogramFraction) {
        return None;
    }
    let mut metric = None;
    walk(call.arguments.last()?, &mut |expr| match &expr.kind {
        ExprKind::Vector(selector) => metric = metric.or(metric_of(selector)),
        ExprKind::Matrix(matrix) => metric = metric.or(metric_of(&matrix.selector)),
        _ => {}
    });
    let metric = metric.filter(|metric| !metric.ends_with("_bucket"))?;
    let name = call.function.name();
    Some(format!(
        "{name}() reads the buckets of classic histograms here (no native ones are stored): \
         {metric} is none; they are called …_bucket, and have the label le"
    ))
}

/// For functions that need two samples of each series, over less than the time between two.
fn of_range(call: &Call, known: &dyn KnownNames) -> Option<String> {
    use Function::{Delta, Deriv, Idelta, Increase, Irate, PredictLinear, Rate};
    if !matches!(call.function, Delta | Deriv | Idelta | Increase | Irate | PredictLinear | Rate) {
        return None;
    }
    let interval_ms = known.scrape_interval_ms().filter(|interval| *interval > 0)?;
    let ExprKind::Matrix(matrix) = &call.arguments.first()?.without_parens().kind else { return None };
    let range_ms = match matrix.range.kind {
        DurationKind::Millis(range) => range,
        DurationKind::Seconds(range) => (range * 1000.0) as i64,
        _ => return None,
    };
    (range_ms < 2 * interval_ms).then(|| {
        let seconds = |ms: i64| format!("{}s", ms as f64 / 1000.0);
        format!(
            "{}() needs two samples, and series have one every {}: {} may hold fewer; take {} or more",
            call.function.name(),
            seconds(interval_ms),
            seconds(range_ms),
            seconds(4 * interval_ms),
        )
    })
}

/// Labels of `on`, `ignoring`, `group_left` and `group_right` that are not there.
fn of_matching(binary: &Binary, found_nothing: bool, known: &dyn KnownNames) -> Option<String> {
    let Binary { matching, left, right, .. } = binary;
    if !matching.labels.is_empty() {
        let wrong = if matching.on {
            [left, right].into_iter().find_map(|side| of_matched_on(&matching.labels, side, known))
        } else {
            // As a precaution labels are ignored that are not there, too.
            found_nothing.then(|| of_ignored(&matching.labels, [left, right], known)).flatten()
        };
        if wrong.is_some() {
            return wrong;
        }
    }
    let one = match matching.cardinality {
        Cardinality::ManyToOne => right,
        Cardinality::OneToMany => left,
        Cardinality::OneToOne | Cardinality::ManyToMany => return None,
    };
    let (wrong, meant) = misspelt(&matching.include, one, known)?;
    Some(format!("the side of the one has no label {wrong} to take over; did you mean {meant}?"))
}

/// A label to match on that one side has nowhere: all of its series are one group then, or none matches.
fn of_matched_on(labels: &[String], side: &Expr, known: &dyn KnownNames) -> Option<String> {
    let (wrong, meant) = misspelt(labels, side, known)?;
    Some(format!("one side has no label {wrong} to match on; did you mean {meant}?"))
}

/// A label to ignore that neither side has: it ignores nothing.
fn of_ignored(labels: &[String], sides: [&Expr; 2], known: &dyn KnownNames) -> Option<String> {
    let [left, right] = sides.map(|side| labels_within(side, known));
    let there: Vec<String> = left?.union(&right?).cloned().collect();
    let wrong = labels.iter().find(|label| !there.contains(label))?;
    let meant = label_like(wrong, &there)?;
    Some(format!("neither side has a label {wrong} to ignore; did you mean {meant}?"))
}

/// The first of the labels that an expression has nowhere, and what was probably meant.
fn misspelt<'l>(labels: &'l [String], expr: &Expr, known: &dyn KnownNames) -> Option<(&'l str, String)> {
    let there: Vec<String> = labels_within(expr, known)?.into_iter().collect();
    let wrong = labels.iter().find(|label| !there.contains(label))?;
    Some((wrong, label_like(wrong, &there)?.clone()))
}

/// A label that no series has makes all series one group: an answer, but not to the question.
fn of_grouping(aggregate: &Aggregate, known: &dyn KnownNames) -> Option<String> {
    if aggregate.without || aggregate.grouping.is_empty() {
        return None;
    }
    let labels = labels_within(&aggregate.expr, known)?;
    let wrong = aggregate.grouping.iter().find(|label| !labels.contains(*label))?;
    let labels: Vec<String> = labels.into_iter().collect();
    Some(match label_like(wrong, &labels) {
        Some(meant) => format!("nothing here has a label {wrong} to group by; did you mean {meant}?"),
        None => format!("nothing here has a label {wrong} to group by"),
    })
}

/// The labels of everything that an expression selects. `None` where that is not certain.
fn labels_within(expr: &Expr, known: &dyn KnownNames) -> Option<BTreeSet<String>> {
    let mut labels = BTreeSet::new();
    let mut certain = true;
    walk(expr, &mut |expr| {
        let selector = match &expr.kind {
            ExprKind::Vector(selector) => selector,
            ExprKind::Matrix(matrix) => &matrix.selector,
            ExprKind::Call(call) => {
                certain &= !matches!(
                    call.function,
                    Function::LabelReplace
                        | Function::LabelJoin
                        | Function::Info
                        | Function::HistogramQuantiles
                );
                return;
            }
            ExprKind::Aggregate(aggregate) => return certain &= aggregate.op != AggregateOp::CountValues,
            _ => return,
        };
        let found = metric_of(selector).map(|metric| known.labels(metric)).unwrap_or_default();
        certain &= !found.is_empty();
        labels.extend(found);
    });
    (certain && !labels.is_empty()).then_some(labels)
}

/// The candidate that fewest edits lead to, if they are few enough for a slip.
fn nearest<'c>(name: &str, candidates: &'c [String]) -> Option<&'c String> {
    /// Longer names are made by machines, and comparing them takes its time.
    const LONGEST: usize = 200;
    let most_edits = (name.len() / 4).clamp(1, 4);
    candidates
        .iter()
        .filter(|candidate| candidate.len().max(name.len()) <= LONGEST)
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= most_edits)
        .map(|candidate| (strsim::osa_distance(name, candidate), candidate))
        .filter(|(edits, _)| *edits <= most_edits)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use labels::Labels;
    use promql::{EngineOptions, ParseOptions};
    use tsdb::{Options, Store};

    use super::*;

    fn service() -> QueryService {
        let store = Store::new(Options::default());
        for (name, pod) in [
            ("k8s_pod_cpu_time_seconds_total", "web-1"),
            ("k8s_pod_memory_usage_bytes", "web-2"),
            ("up", "db-1"),
        ] {
            let labels = Labels::from_pairs([
                (METRIC_NAME, name),
                ("k8s_pod_name", pod),
                ("k8s_pod_uid", "1"),
                ("k8s_namespace_name", "shop"),
            ]);
            store.append(store.intern(&labels).unwrap(), 0, 1.0).unwrap();
        }
        QueryService::new(Arc::new(store), EngineOptions::default(), ParseOptions::default())
    }

    fn told(query: &str, found_nothing: bool) -> Vec<String> {
        let service = service();
        hints(service.parse(query).unwrap().expr(), found_nothing, &service)
    }

    #[test]
    fn a_query_without_an_answer_is_told_which_name_nothing_has() {
        for (query, expected) in [
            // Metrics.
            (
                "k8s_pod_cpu_time_seconds",
                "no metric is called k8s_pod_cpu_time_seconds; did you mean k8s_pod_cpu_time_seconds_total?",
            ),
            (
                "rate(k8s_pod_cpu_time_total[5m])",
                "no metric is called k8s_pod_cpu_time_total; did you mean k8s_pod_cpu_time_seconds_total?",
            ),
            (
                "k8s_pod_memory_usage",
                "no metric is called k8s_pod_memory_usage; did you mean k8s_pod_memory_usage_bytes?",
            ),
            (
                "sum(k8s_pod_memroy_usage_bytes)",
                "no metric is called k8s_pod_memroy_usage_bytes; did you mean k8s_pod_memory_usage_bytes?",
            ),
            (
                "{\"k8s.pod.cpu.time\"}",
                "no metric is called k8s.pod.cpu.time; did you mean k8s_pod_cpu_time_seconds_total?",
            ),
            (
                "k8s_node_cpu_time_seconds_total",
                "nothing sends k8s_node_cpu_time_seconds_total: the receiver kubelet_stats knows it; \
                 `cargo xtask metrics k8s_node_cpu_time_seconds_total` says when it sends it",
            ),
            ("frobnications", "no metric is called frobnications"),
            // Labels.
            ("up{pod=\"web-1\"}", "up has no label pod; did you mean k8s_pod_name?"),
            ("up{namespace=~\"s.*\"}", "up has no label namespace; did you mean k8s_namespace_name?"),
            ("up{k8s_pod_nmae=\"web-1\"}", "up has no label k8s_pod_nmae; did you mean k8s_pod_name?"),
            ("up{job=\"a\"}", "up has no label job; it has k8s_namespace_name, k8s_pod_name, k8s_pod_uid"),
            // Values.
            (
                "up{k8s_namespace_name=\"shpo\"}",
                "no series of up has k8s_namespace_name=\"shpo\"; did you mean \"shop\"?",
            ),
            (
                "up{k8s_namespace_name=~\"x.*\"}",
                "no series of up has k8s_namespace_name=~\"x.*\"; there is \"shop\"",
            ),
        ] {
            assert_eq!(told(query, true), [expected], "{query}");
            assert!(told(query, false).is_empty(), "{query}");
        }
    }

    #[test]
    fn a_label_to_group_by_that_nothing_has_is_told_in_any_case() {
        let hint = "nothing here has a label pod to group by; did you mean k8s_pod_name?";
        for found_nothing in [true, false] {
            assert_eq!(
                told("sum by (pod) (rate(k8s_pod_cpu_time_seconds_total[5m]))", found_nothing),
                [hint]
            );
        }
        assert_eq!(told("sum by (xyzzy) (up)", false), ["nothing here has a label xyzzy to group by"]);
        for query in [
            "sum by (k8s_pod_name) (up)",
            "sum by (pod) (label_replace(up, \"pod\", \"$1\", \"k8s_pod_name\", \"(.*)\"))",
            "sum by (v) (count_values(\"v\", up))",
            "sum by (pod) ({k8s_pod_name=\"web-1\"})",
            "sum without (pod) (up)",
            "sum by (pod) (vector(1))",
        ] {
            assert!(told(query, false).is_empty(), "{query}");
        }
    }

    #[test]
    fn a_label_to_match_on_that_one_side_lacks_is_told() {
        let hint = "one side has no label pod to match on; did you mean k8s_pod_name?";
        assert_eq!(told("up * on (pod) up", true), [hint]);
        assert_eq!(told("up * on (pod) group_left () up", false), [hint]);
        for query in ["up * on (k8s_pod_name) up", "up * ignoring (pod) up", "up * on (xyzzy) up"] {
            assert!(told(query, false).is_empty(), "{query}");
        }
    }

    #[test]
    fn a_label_to_ignore_or_to_take_over_that_is_not_there_is_told() {
        let ignored = "neither side has a label pod to ignore; did you mean k8s_pod_name?";
        assert_eq!(told("up * ignoring (pod) up", true), [ignored]);
        let taken = "the side of the one has no label pod to take over; did you mean k8s_pod_name?";
        for found_nothing in [true, false] {
            assert_eq!(told("up * on (k8s_pod_uid) group_left (pod) up", found_nothing), [taken]);
            assert_eq!(told("up * on (k8s_pod_uid) group_right (pod) up", found_nothing), [taken]);
        }
        for query in [
            "up * ignoring (le) up",
            "up * ignoring (k8s_pod_name) group_left (k8s_pod_name) up",
            "up * on (k8s_pod_uid) group_left (xyzzy) up",
            "up * on (k8s_pod_uid) group_left (pod) label_join(up, \"pod\", \"\", \"k8s_pod_name\")",
        ] {
            assert!(told(query, true).is_empty(), "{query}: {:?}", told(query, true));
        }
    }

    #[test]
    fn labels_are_recognised_by_parts_and_in_any_case() {
        for (label, meant) in [
            ("pod_name", "k8s_pod_name"),
            ("Pod", "k8s_pod_name"),
            ("K8S_POD_NAME", "k8s_pod_name"),
            ("namespace", "k8s_namespace_name"),
        ] {
            let hint = format!("nothing here has a label {label} to group by; did you mean {meant}?");
            assert_eq!(told(&format!("sum by ({label}) (up)"), false), [hint]);
        }
    }

    #[test]
    fn what_needs_native_histograms_is_told_what_there_is_instead() {
        for (query, part) in [
            ("histogram_avg(up)", "of a classic one take rate(x_sum[5m]) / rate(x_count[5m])"),
            ("histogram_quantile(0.9, sum(rate(up[5m])))", "up is none; they are called …_bucket"),
        ] {
            let hints = told(query, true);
            assert!(hints.len() == 1 && hints[0].contains(part), "{query}: {hints:?}");
        }
    }

    #[test]
    fn a_range_that_is_too_short_for_two_samples_is_told() {
        let service = service().with_scrape_interval(Duration::from_secs(15));
        let told = |query: &str| hints(service.parse(query).unwrap().expr(), true, &service);
        let hint =
            "rate() needs two samples, and series have one every 15s: 15s may hold fewer; take 60s or more";
        assert_eq!(told("rate(up[15s])"), [hint]);
        for query in ["rate(up[30s])", "avg_over_time(up[1s])", "rate(up[1m:15s])"] {
            assert!(told(query).is_empty(), "{query}");
        }
    }

    #[test]
    fn what_is_right_is_not_talked_about() {
        for query in
            ["up", "up{k8s_pod_name=\"db-1\"}", "up{nosuch=\"\"}", "up{nosuch!=\"a\"}", "{a=\"b\"}", "1"]
        {
            assert!(told(query, true).is_empty(), "{query}: {:?}", told(query, true));
        }
    }

    #[test]
    fn the_same_is_not_told_twice() {
        assert_eq!(told("upp / upp", true).len(), 1);
    }
}
