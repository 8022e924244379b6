use super::*;
use crate::{ParseOptions, parse};

/// `pods{ns, pod, node?}`, one series a pod; `nodes{node}`, one series a node; `parts{ns, pod, part, dir}`.
struct Example;

impl Schema for Example {
    fn series(&self, selector: &VectorSelector) -> Option<SeriesLabels> {
        let of = |must: &[&str], can: &[&str], key: &[&str], decides: &[&str]| {
            let mut all = names(must.iter().chain(can).copied());
            all.insert(Arc::from(METRIC_NAME));
            Some(SeriesLabels {
                can: Names::Only(all),
                must: names(must.iter().copied().chain([METRIC_NAME])),
                key: Some(names(key.iter().copied())),
                dependencies: vec![Arc::new(Dependency {
                    from: names(key.iter().copied()),
                    to: names(decides.iter().copied()),
                })],
                ..SeriesLabels::unknown()
            })
        };
        match metric_name(selector)? {
            "pods" => of(&["ns", "pod"], &["node"], &["ns", "pod"], &["node"]),
            "nodes" => of(&["node"], &[], &["node"], &[]),
            "parts" => of(&["ns", "pod", "part", "dir"], &[], &["ns", "pod", "part", "dir"], &[]),
            _ => None,
        }
    }
}

fn read(query: &str) -> Expr {
    parse(query, ParseOptions { experimental: true }).unwrap_or_else(|error| panic!("{query}: {error}"))
}

fn labels(query: &str) -> SeriesLabels {
    let expr = read(query);
    analyse(&expr, &Example).of(&expr)
}

/// `a b?`: those that must be there, and with a question mark those that can; `*` for any other.
fn shown(series: &SeriesLabels) -> String {
    let mut words: Vec<String> = series.must.iter().map(ToString::to_string).collect();
    match &series.can {
        Names::Only(names) => words.extend(names.difference(&series.must).map(|name| format!("{name}?"))),
        Names::AllBut(lacking) => {
            words.push("*".to_owned());
            words.extend(lacking.iter().map(|name| format!("-{name}")));
        }
    }
    words.join(" ").replace("-__name__ -__type__ -__unit__", "-name").replace("__name__", "name")
}

#[test]
fn labels_go_through_every_operator_and_function() {
    for (query, expected) in [
        // Selectors.
        ("pods", "name ns pod node?"),
        (r#"pods{node!=""}"#, "name node ns pod"),
        (r#"pods{node="a"}"#, "name node ns pod"),
        (r#"pods{node=""}"#, "name ns pod"),
        (r#"pods{node=~"a|b"}"#, "name node ns pod"),
        (r#"pods{node=~".*"}"#, "name ns pod node?"),
        (r#"pods{node!~"a"}"#, "name ns pod node?"),
        (r#"pods{other="x"}"#, "name ns other pod node?"),
        ("foreign", "name *"),
        (r#"foreign{a!="",b=""}"#, "name a * -b"),
        (r#"{__name__=~"pods|nodes", a="b"}"#, "name a *"),
        (r#"{__name__="pods"}"#, "name ns pod node?"),
        // Aggregations.
        ("sum(pods)", ""),
        ("sum by (ns, node, no) (pods)", "ns node?"),
        ("sum by (ns) (foreign)", "ns?"),
        (r#"sum by (ns) (foreign{ns!=""})"#, "ns"),
        ("sum without (pod) (pods)", "ns node?"),
        ("sum without (pod) (foreign)", "* -name -pod"),
        ("topk(3, pods)", "name ns pod node?"),
        ("topk by (ns) (3, sum by (pod) (pods))", "pod"),
        ("bottomk(1, pods)", "name ns pod node?"),
        ("limitk(1, pods)", "name ns pod node?"),
        (r#"count_values("value", pods)"#, "value"),
        (r#"count_values by (ns) ("value", pods)"#, "ns value"),
        (r#"count_values without (ns) ("value", pods)"#, "pod value node?"),
        ("quantile by (ns) (0.9, pods)", "ns"),
        ("group by (__name__) (pods)", "name"),
        ("sum by (pod) (sum by (ns) (pods))", ""),
        // Functions.
        ("rate(pods[5m])", "ns pod node?"),
        ("last_over_time(pods[5m])", "name ns pod node?"),
        ("max_over_time(rate(pods[5m])[1h:])", "ns pod node?"),
        ("abs(pods)", "ns pod node?"),
        ("sort_desc(pods)", "name ns pod node?"),
        ("timestamp(pods)", "ns pod node?"),
        ("clamp_max(pods, 1)", "ns pod node?"),
        ("histogram_quantile(0.9, sum by (le, ns) (parts))", "ns"),
        ("histogram_quantile(0.9, sum by (le, ns) (foreign))", "ns?"),
        ("histogram_quantile(0.9, foreign)", "* -name -le"),
        ("vector(1)", ""),
        ("time()", ""),
        ("scalar(pods)", ""),
        ("hour()", ""),
        ("hour(pods)", "ns pod node?"),
        (r#"absent(pods{ns="a", pod=~"b", node!="c"})"#, "ns"),
        (r#"absent(pods{ns="a", ns="b"})"#, ""),
        (r#"absent(sum(pods{ns="a"}))"#, ""),
        (r#"absent_over_time(pods{ns="a"}[5m])"#, "ns"),
        (r#"label_replace(pods, "w", "$1", "pod", "(.+)")"#, "name ns pod w node?"),
        (r#"label_replace(pods, "w", "$1", "node", "(.+)")"#, "name ns pod node? w?"),
        (r#"label_replace(pods, "w", "x", "node", ".*")"#, "name ns pod w node?"),
        (r#"label_replace(pods, "ns", "", "node", ".*")"#, "name pod node?"),
        (r#"label_replace(pods, "ns", "", "node", "a")"#, "name pod node? ns?"),
        (r#"label_replace(pods, "ns", "$2", "node", "(a)(b)?")"#, "name pod node? ns?"),
        (r#"label_replace(rate(pods[5m]), "__name__", "x", "", ".*")"#, "name ns pod node?"),
        (r#"label_join(pods, "w", "-", "ns", "node")"#, "name ns pod w node?"),
        (r#"label_join(pods, "w", "", "node", "x")"#, "name ns pod node? w?"),
        (r#"label_join(pods, "ns", "-")"#, "name pod node?"),
        // Operators.
        ("-pods", "ns pod node?"),
        ("+pods", "name ns pod node?"),
        ("(pods)", "name ns pod node?"),
        ("pods * 2", "ns pod node?"),
        ("2 < pods", "name ns pod node?"),
        ("2 < bool pods", "ns pod node?"),
        ("1 + 2", ""),
        ("pods + pods", "ns pod node?"),
        ("sum by (ns, pod) (pods) / sum by (ns, pod) (foreign)", "ns pod"),
        ("pods / on (ns, pod) foreign", "ns pod"),
        ("pods / on (ns, pod, no) pods", "ns pod"),
        ("pods / ignoring (node) pods", "ns pod"),
        ("pods * on (node) group_left () nodes", "node ns pod"),
        ("parts * on (ns, pod) group_left (node) pods", "dir ns part pod node?"),
        ("pods * on (ns, pod) group_right (node) parts", "dir ns part pod node?"),
        (r#"parts * on (ns, pod) group_left (node) pods{node!=""}"#, "dir node ns part pod"),
        ("parts * on (ns, pod) group_left (part) pods", "dir ns pod"),
        ("parts * ignoring (part, dir) group_left () pods", "dir ns part pod"),
        ("pods and on (node) nodes", "name ns pod node?"),
        ("pods unless nodes", "name ns pod node?"),
        ("pods or nodes", "name node? ns? pod?"),
        ("nodes or pods{node!=\"\"}", "name node ns? pod?"),
        ("pods or foreign", "name *"),
        ("sum by (ns) (pods) + on (ns) fill_left(0) sum by (ns, pod) (pods)", "ns?"),
    ] {
        assert_eq!(shown(&labels(query)), expected, "{query}");
    }
}

fn join(query: &str) -> Vec<JoinProblem> {
    let expr = read(query);
    let analysis = analyse(&expr, &Example);
    let ExprKind::Binary(binary) = &expr.kind else { panic!("{query} joins nothing") };
    problems(binary, &analysis.of(&binary.left), &analysis.of(&binary.right))
}

#[test]
fn joins_that_can_work_have_no_problem() {
    for query in [
        "pods + pods",
        "pods + foreign",
        "foreign * on (pod) group_left (x) other",
        "parts * on (ns, pod) group_left (node) pods",
        "pods * on (ns, pod) group_right (node) parts",
        "pods * on (node) group_left () nodes",
        "pods * on (node) group_left () sum by (node) (parts * on (ns, pod) group_left (node) pods)",
        r#"sum by (ns, pod) (parts{ns="a"}) / on (pod) sum by (ns, pod) (pods{ns="a"})"#,
        "sum(pods) / sum(nodes)",
        "sum by (ns) (pods) / on () group_left () sum(nodes)",
        "sum by (ns) (pods) / scalar(sum(nodes))",
        "pods and on (node) nodes",
        "pods and on (ns) sum by (ns) (parts)",
        "pods or nodes",
        "pods unless nodes",
        "sum by (ns, pod, node) (pods) * on (ns, pod) group_left (node) sum by (ns, pod) (parts)",
        "sum by (ns) (pods) + on (pod) fill(0) sum by (pod) (pods)",
    ] {
        assert_eq!(join(query), [], "{query}");
    }
}

#[test]
fn joins_that_cannot_work_say_why() {
    use JoinProblem::{Ambiguous, LacksGroup, NeverMatches};
    let never = |label: &str, lacking| vec![NeverMatches { label: Arc::from(label), lacking }];
    let ambiguous = |side, list: &[&str]| vec![Ambiguous { side, labels: names(list.iter().copied()) }];
    let lacks = |many, list: &[&str]| vec![LacksGroup { many, labels: names(list.iter().copied()) }];
    for (query, expected) in [
        ("pods / nodes", never("ns", Side::Right)),
        ("sum by (ns, pod) (pods) / sum by (ns) (pods)", never("pod", Side::Right)),
        ("sum(pods) / sum by (ns) (pods)", never("ns", Side::Left)),
        ("pods and on (part) parts", never("part", Side::Left)),
        ("sum by (ns, pod) (pods) / on (ns) sum by (ns) (pods)", lacks(Side::Left, &["pod"])),
        ("sum by (ns) (pods) / on (ns) sum by (ns, pod) (pods)", lacks(Side::Right, &["pod"])),
        ("pods * on (node) nodes", lacks(Side::Left, &["ns", "pod"])),
        ("pods * on (node) group_right () nodes", ambiguous(Side::Left, &["ns", "pod"])),
        ("parts * on (ns) group_left () pods", ambiguous(Side::Right, &["pod"])),
        ("parts * on (ns) pods", ambiguous(Side::Left, &["dir", "part", "pod"])),
        (
            "parts * ignoring (part) group_left () sum by (ns, pod, dir, part) (parts)",
            ambiguous(Side::Right, &["part"]),
        ),
    ] {
        let found = join(query);
        assert_eq!(found.first(), expected.first(), "{query}: {found:?}");
    }
}
