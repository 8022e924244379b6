//! What is asked: queries picked by hand, and generated ones.

use super::data::{Numbers, START};

/// Where Prometheus 2 differs, and why. All of it changed with Prometheus 3, which is what the evaluator follows.
pub(crate) const DIFFERENCES: [(&str, &str); 8] = [
    (
        "increase(fresh_total[4m])",
        "2.x cuts at the counter's zero point before it looks at the gap to the window's edge",
    ),
    ("rate(usage[15m:1m])", "gauges come near zero, where the same holds"),
    ("usage atan2 usage", "2.x keeps the metric name"),
    ("stddev by (pod) (odd)", "in 2.x a single infinite or NaN sample has the deviation 0"),
    (
        "predict_linear(usage[10m] @ 1700008807.123, 600)",
        "in range queries of 2.x the window wanders away from `@`",
    ),
    (
        "errors_total > ignoring (pod, namespace, zone, code) sum(requests_total)",
        "2.x allows many rows that the filter drops",
    ),
    ("sum_over_time(vector(1)[67s:1s] offset 7s)", "in 2.x windows contain their left edge"),
    (
        "histogram_fraction(0, 1, rate(latency_bucket[5m]))",
        "2.x knows this function for native histograms only",
    ),
];

/// All queries.
pub(crate) fn all() -> Vec<String> {
    let mut queries: Vec<String> = BY_HAND.iter().map(|&query| query.to_owned()).collect();
    queries.extend(each_function());
    queries.extend((0..300).map(|seed| Generator(Numbers::new(seed + 7)).vector(3)));
    queries
}

/// Each function and aggregation, on its own.
fn each_function() -> impl Iterator<Item = String> {
    let instant = [
        "abs",
        "absent",
        "ceil",
        "cos",
        "cosh",
        "deg",
        "exp",
        "floor",
        "ln",
        "log10",
        "log2",
        "rad",
        "scalar",
        "sgn",
        "sin",
        "sinh",
        "sort",
        "sort_desc",
        "sqrt",
        "tan",
        "tanh",
        "timestamp",
        "day_of_month",
        "day_of_week",
        "day_of_year",
        "days_in_month",
        "hour",
        "minute",
        "month",
        "year",
        "round",
        "acosh",
        "asinh",
        "atan",
    ];
    let over_time = [
        "rate",
        "increase",
        "delta",
        "irate",
        "idelta",
        "avg_over_time",
        "sum_over_time",
        "count_over_time",
        "min_over_time",
        "max_over_time",
        "last_over_time",
        "present_over_time",
        "absent_over_time",
        "stddev_over_time",
        "stdvar_over_time",
        "changes",
        "resets",
        "deriv",
    ];
    let aggregations = ["sum", "avg", "count", "min", "max", "group", "stddev", "stdvar"];
    let instant = instant.into_iter().map(|function| format!("{function}(usage)"));
    let over_time = over_time.into_iter().flat_map(|function| {
        let counters = ["requests_total[5m]", "requests_total[15m:1m]", "errors_total[1m] offset 11m"];
        let gauges = ["usage[3m]", "odd[10m]", "usage[15m:1m]"];
        let gauges = if ["rate", "increase"].contains(&function) { &[][..] } else { &gauges };
        counters
            .iter()
            .chain(gauges)
            .map(move |argument| format!("{function}({argument})"))
            .collect::<Vec<_>>()
    });
    let aggregations = aggregations.into_iter().flat_map(|function| {
        let odd =
            if function.starts_with("std") { "by (zone) (capacity)" } else { "by (zone, absent) (odd)" };
        let arguments = [
            "(usage)",
            "by (namespace) (usage)",
            "without (pod) (usage)",
            odd,
            "by (namespace) (rate(requests_total[5m]))",
        ];
        arguments.map(|argument| format!("{function} {argument}"))
    });
    instant.chain(over_time).chain(aggregations)
}

const BY_HAND: [&str; 103] = [
    "1",
    "time()",
    "pi() * 2",
    "vector(7)",
    "-1 ^ 2",
    "2 ^ 3 ^ 2",
    "7 % -3",
    "1 / 0",
    "-1 / 0",
    "0 / 0",
    "1 == bool 1",
    "scalar(usage{pod=\"pod-4\"})",
    "scalar(usage)",
    "vector(scalar(nothing))",
    "usage",
    "usage{namespace=\"ns-1\"}",
    "usage{namespace!=\"ns-1\"}",
    "usage{pod=~\"pod-1.*\"}",
    "usage{pod!~\"pod-1.*\"}",
    "usage{nothing=\"\"}",
    "usage{pod=~\"pod-3|pod-4\"}",
    "{__name__=~\"usage|capacity\"}",
    "{namespace=\"ns-0\", zone=\"a\"}",
    "nothing",
    "usage offset 10m",
    "usage offset -10m",
    "usage @ 1700008807.123",
    "usage @ start()",
    "usage @ end()",
    "rate(requests_total[5m] @ 1700008807.123)",
    "sum(usage @ end()) - sum(usage @ start())",
    "rate(requests_total[5m] offset 3m)",
    "requests_total[0s5m] offset 1m",
    "avg_over_time(usage[7m] offset -7m)",
    "-usage",
    "+usage",
    "--usage",
    "usage * 2",
    "2 - usage",
    "usage / 0",
    "usage % 7",
    "usage ^ 2",
    "usage > 50",
    "50 > usage",
    "usage > bool 50",
    "50 <= bool usage",
    "usage == usage",
    "usage != bool usage",
    "usage + capacity",
    "usage / on (pod, namespace, zone) capacity",
    "usage - ignoring (zone) capacity",
    "usage > capacity",
    "usage > bool capacity",
    "usage >= on (pod) capacity",
    "usage + on (namespace) capacity",
    "usage * on (pod) group_left (node) pod_info",
    "pod_info * on (pod) group_right (node) usage",
    "sum by (node) (usage * on (pod) group_left (node) pod_info)",
    "usage * on (zone) group_left () pod_info",
    "errors_total / ignoring (code) requests_total",
    "errors_total / ignoring (code) group_left () requests_total",
    "rate(errors_total[5m]) / ignoring (code) rate(requests_total[5m])",
    "usage and capacity",
    "usage or capacity",
    "usage unless capacity",
    "usage and on (pod) capacity > 50",
    "usage or on (namespace) capacity",
    "usage unless on (zone) odd",
    "usage and usage > 30 or capacity",
    "topk(3, usage)",
    "bottomk(3, usage)",
    "topk by (namespace) (2, usage)",
    "topk(0, usage)",
    "topk(1000, odd)",
    "topk(scalar(count(usage)) / 4, usage)",
    "quantile(0.3, usage)",
    "quantile by (zone) (0.9, usage)",
    "quantile(2, usage)",
    "quantile(-1, usage)",
    "count_values(\"v\", floor(usage / 20))",
    "count_values by (zone) (\"v\", pod_info)",
    "count_values without (pod) (\"zone\", odd)",
    "quantile_over_time(0.2, usage[10m])",
    "quantile_over_time(scalar(vector(0.5)), usage[10m])",
    "predict_linear(usage[10m], 600)",
    "clamp(usage, 20, 60)",
    "clamp_min(usage, 30)",
    "clamp_max(odd, 2)",
    "clamp(usage, 60, 20)",
    "round(usage, 5)",
    "round(usage, 0.25)",
    "label_replace(usage, \"kind\", \"$1-$2\", \"pod\", \"(p)od-(.*)\")",
    "label_replace(usage, \"pod\", \"\", \"zone\", \"a\")",
    "label_replace(usage{pod=\"pod-3\"}, \"__name__\", \"other\", \"\", \"\")",
    "label_join(usage, \"where\", \"/\", \"zone\", \"namespace\", \"nothing\")",
    "histogram_quantile(0.9, rate(latency_bucket[5m]))",
    "histogram_quantile(0.5, sum by (le) (rate(latency_bucket[5m])))",
    "histogram_quantile(1.5, latency_bucket)",
    "histogram_quantile(0.9, usage)",
    "absent(nothing{a=\"1\", b=~\"2\"})",
    "absent_over_time(nothing[5m])",
    "max_over_time(sum by (namespace) (rate(requests_total[5m]))[20m:30s])",
    "rate({__name__=~\"requests_total|errors_total\"}[5m])",
];

/// The metrics that `rate` makes sense of.
const COUNTERS: [&str; 2] = ["requests_total", "errors_total"];

/// Makes random queries that are mostly valid. What differs between versions is left out: `atan2`, subqueries inside of
/// subqueries, counters near zero, deviations of what may be infinite, filters between vectors. So is `topk` of what may
/// have equal values, where Prometheus takes any.
struct Generator(Numbers);

impl Generator {
    fn one_of(&mut self, list: &[&str]) -> String {
        (*self.0.pick(list)).to_owned()
    }

    fn selector(&mut self) -> String {
        self.selector_of(&["usage", "capacity", "requests_total", "errors_total", "pod_info", "odd"])
    }

    fn selector_of(&mut self, metrics: &[&str]) -> String {
        let metric = self.one_of(metrics);
        let matchers = self.one_of(&[
            "",
            "",
            "",
            "{namespace=\"ns-1\"}",
            "{zone!=\"a\"}",
            "{pod=~\"pod-[0-9]\"}",
            "{pod!~\".*[13579]\"}",
        ]);
        metric + &matchers
    }

    fn modifiers(&mut self) -> String {
        let at = format!(" @ {}.317", START / 1000 + self.0.below(7_000) as i64);
        self.one_of(&["", "", "", "", " offset 4m", " offset -90s", " @ end()", &at])
    }

    fn range_vector(&mut self, subquery: bool) -> String {
        if subquery && self.0.below(4) == 0 {
            let inner = self.without_subqueries(1);
            let window = self.one_of(&["[10m:1m]", "[6m:30s]", "[20m:]", "[5m:45s] offset 3m"]);
            return format!("({inner}){window}");
        }
        let range = self.one_of(&["[1m]", "[3m]", "[5m]", "[12m]"]);
        self.selector() + &range + &self.modifiers()
    }

    fn scalar(&mut self) -> String {
        let number = format!("{}", self.0.below(100) as f64 / 4.0);
        self.one_of(&[&number, &number, "2", "0.5", "scalar(sum(usage))", "-3"])
    }

    fn labels(&mut self) -> String {
        self.one_of(&[
            "namespace",
            "zone",
            "pod",
            "namespace, zone",
            "pod, namespace",
            "pod, namespace, zone",
        ])
    }

    fn without_subqueries(&mut self, depth: u32) -> String {
        self.node(depth, false)
    }

    fn vector(&mut self, depth: u32) -> String {
        self.node(depth, true)
    }

    fn node(&mut self, depth: u32, subqueries: bool) -> String {
        if depth == 0 {
            return self.selector() + &self.modifiers();
        }
        let depth = depth - 1;
        match self.0.below(9) {
            0 => {
                let function = self.one_of(&["abs", "ceil", "sqrt", "sgn", "-", "round", "floor", "minute"]);
                format!("{function}({})", self.node(depth, subqueries))
            }
            1 => {
                let function = self.one_of(&["rate", "increase"]);
                let range = self.one_of(&["[1m]", "[3m]", "[5m]", "[12m]"]);
                format!("{function}({}{range}{})", self.selector_of(&COUNTERS), self.modifiers())
            }
            2 => {
                let function = self.one_of(&[
                    "delta",
                    "irate",
                    "avg_over_time",
                    "sum_over_time",
                    "max_over_time",
                    "min_over_time",
                    "count_over_time",
                    "last_over_time",
                    "changes",
                    "resets",
                    "deriv",
                    "stddev_over_time",
                    "present_over_time",
                ]);
                format!("{function}({})", self.range_vector(subqueries))
            }
            3 | 4 => {
                let function = self.one_of(&["sum", "avg", "count", "min", "max", "group"]);
                let clause = self.one_of(&["by", "without"]);
                format!("{function} {clause} ({}) ({})", self.labels(), self.node(depth, subqueries))
            }
            5 => {
                let op = self.one_of(&["+", "-", "*", "/", "%", ">", "<", "!=", "> bool", "<= bool"]);
                let (vector, scalar) = (self.node(depth, subqueries), self.scalar());
                if self.0.below(3) == 0 {
                    format!("{scalar} {op} ({vector})")
                } else {
                    format!("({vector}) {op} {scalar}")
                }
            }
            6 => {
                let op = self.one_of(&["+", "-", "*", "/", "== bool", ">= bool"]);
                let clause = self.one_of(&["on", "ignoring"]);
                let group = self.one_of(&["", "", " group_left ()", " group_right ()"]);
                let (left, right) = (self.node(depth, subqueries), self.node(depth, subqueries));
                format!("({left}) {op} {clause} ({}){group} ({right})", self.labels())
            }
            7 => {
                let op = self.one_of(&["and", "or", "unless"]);
                let matching = format!(" on ({})", self.labels());
                let matching = self.one_of(&["", &matching]);
                let (left, right) = (self.node(depth, subqueries), self.node(depth, subqueries));
                format!("({left}) {op}{matching} ({right})")
            }
            _ => {
                let call = self.one_of(&[
                    "topk(3, ",
                    "bottomk(2, ",
                    "topk by (zone) (1, ",
                    "quantile(0.7, ",
                    "stddev(",
                ]);
                let metrics =
                    if call.starts_with("quantile") { &["odd", "usage"] } else { &["usage", "capacity"] };
                format!("{call}{}{})", self.selector_of(metrics), self.modifiers())
            }
        }
    }
}
