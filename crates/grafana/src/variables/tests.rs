use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::interval::QuerySettings;
use crate::model;

fn option(value: &str) -> VariableOption {
    VariableOption { text: value.to_owned(), value: value.to_owned() }
}

fn options(values: &[&str]) -> Vec<VariableOption> {
    values.iter().map(|value| option(value)).collect()
}

fn one(name: &str, value: &str) -> State {
    State {
        name: name.to_owned(),
        multi: false,
        include_all: false,
        all_value: None,
        options: options(&[value]),
        chosen: Chosen::One(option(value)),
    }
}

fn many(name: &str, values: &[&str]) -> State {
    State {
        multi: true,
        include_all: true,
        chosen: Chosen::Many(options(values)),
        options: options(values),
        ..one(name, "")
    }
}

fn all(name: &str, values: &[&str], all_value: Option<&str>) -> State {
    State { chosen: Chosen::All, all_value: all_value.map(str::to_owned), ..many(name, values) }
}

fn values(states: impl IntoIterator<Item = State>) -> Values {
    let mut values = Values::default();
    for state in states {
        values.insert(state);
    }
    values
}

fn variables(list: &Value) -> Vec<Variable> {
    model::parse(&json!({"title": "t", "templating": {"list": list}})).unwrap().dashboard.variables
}

#[test]
fn references_are_found_in_every_syntax() {
    let text = "a $x ${y} ${z:regex} [[v]] [[w:csv]] ${o.field:date:YYYY} $1 {{label}} $ ${} $$q";
    let found: Vec<(&str, Option<&str>, Option<&str>)> =
        references(text).map(|reference| (reference.name, reference.field, reference.format)).collect();
    assert_eq!(
        found,
        [
            ("x", None, None),
            ("y", None, None),
            ("z", None, Some("regex")),
            ("v", None, None),
            ("w", None, Some("csv")),
            ("o", Some("field"), Some("date:YYYY")),
            ("1", None, None),
            ("q", None, None),
        ]
    );
}

#[test]
fn every_format_is_written_as_grafana_writes_it() {
    let table: &[(&str, State, &str)] = &[
        ("lucene", one("server", "foo bar"), "foo\\ bar"),
        ("lucene", one("server", "-1"), "-1"),
        ("lucene", one("server", "-test"), "\\-test"),
        ("lucene", many("server", &["foo bar", "baz"]), "(\"foo\\ bar\" OR \"baz\")"),
        ("lucene", many("server", &[]), "__empty__"),
        ("glob", one("server", "foo"), "foo"),
        ("glob", many("server", &["AA", "BB", "C.*"]), "{AA,BB,C.*}"),
        ("text", many("server", &["test", "test2"]), "test + test2"),
        ("raw", many("server", &["12", "13"]), "12,13"),
        ("regex", one("server", "test."), "test\\."),
        ("regex", many("server", &["test."]), "test\\."),
        ("regex", many("server", &["test.", "test2"]), "(test\\.|test2)"),
        ("pipe", many("server", &["test", "test2"]), "test|test2"),
        ("distributed", many("server", &["test"]), "test"),
        ("distributed", many("server", &["test", "test2"]), "test,server=test2"),
        ("csv", many("server", &["test", "test2"]), "test,test2"),
        ("html", one("server", "<script>alert(asd)</script>"), "&lt;script&gt;alert(asd)&lt;/script&gt;"),
        ("json", many("server", &["test", "12"]), "[\"test\",\"12\"]"),
        ("json", one("server", "test"), "test"),
        ("percentencode", many("server", &["foo()bar BAZ", "test2"]), "%7Bfoo%28%29bar%20BAZ%2Ctest2%7D"),
        ("singlequote", one("server", "test"), "'test'"),
        ("singlequote", many("server", &["test", "test'2"]), "'test','test\\'2'"),
        ("doublequote", many("server", &["test", "test\"2"]), "\"test\",\"test\\\"2\""),
        ("sqlstring", one("server", "test'value"), "'test''value'"),
        ("sqlstring", many("server", &["test", "test'value2"]), "'test','test''value2'"),
        ("join", many("server", &["hello", "world"]), "hello,world"),
        ("join: | ", many("server", &["hello", "world"]), "hello | world"),
        (
            "customqueryparam:p-server:v-",
            many("server", &["mysql&postgres", "db!"]),
            "p-server=v-mysql%26postgres&p-server=v-db%21",
        ),
        (
            "uriencode",
            one("server", "/any-path/any-second-path?query=foo()bar BAZ"),
            "/any-path/any-second-path?query=foo%28%29bar%20BAZ",
        ),
        ("queryparam", one("server", "helloAZ%="), "var-server=helloAZ%25%3D"),
        ("queryparam", many("server", &["a", "b c"]), "var-server=a&var-server=b%20c"),
        ("queryparam", all("server", &["a"], None), "var-server=%24__all"),
        ("nonsense", many("server", &["a", "b"]), "{a,b}"),
    ];
    for (format, state, expected) in table {
        let text = format!("${{server:{format}}}");
        assert_eq!(values([state.clone()]).interpolate(&text, Style::Glob), *expected, "{format} {state:?}");
    }
}

#[test]
fn prometheus_queries_are_escaped_for_the_matcher_that_grafana_expects() {
    let table: &[(State, &str)] = &[
        (one("x", "abc"), "abc"),
        (one("x", "a\\b\"c"), "a\\\\b\\\"c"),
        (one("x", "a.b"), "a.b"),
        (one("x", "job=\"a\""), "job=\"a\""),
        (many("x", &["a.b"]), "a\\\\.b"),
        (many("x", &["looking{glass", "glass,looking"]), "(looking\\\\{glass|glass,looking)"),
        (many("x", &["look\\ing"]), "look\\\\\\\\ing"),
        (many("x", &["+look^ing$end(er)|x"]), "\\\\+look\\\\^ing\\\\$end\\\\(er\\\\)\\\\|x"),
        (all("x", &["a", "b"], None), "(a|b)"),
        (all("x", &["a", "b"], Some(".+")), ".+"),
        (many("x", &[]), "()"),
    ];
    for (state, expected) in table {
        assert_eq!(values([state.clone()]).interpolate("$x", Style::Prometheus), *expected, "{state:?}");
    }
}

#[test]
fn an_all_value_is_taken_as_it_is_and_may_hold_variables() {
    let values = values([
        all("pod", &["a"], Some("$namespace-.*")),
        one("namespace", "kube-system"),
        all("loop", &["a"], Some("$loop")),
    ]);
    assert_eq!(values.interpolate("{pod=~\"$pod\"}", Style::Prometheus), "{pod=~\"kube-system-.*\"}");
    assert_eq!(values.interpolate("${pod:text} ${pod:regex}", Style::Glob), "All kube-system-.*");
    assert_eq!(values.interpolate("$loop", Style::Glob), "$loop", "it ends");
}

#[test]
fn unknown_names_stay_and_known_ones_are_taken_whole() {
    let values = values([one("pod", "a"), one("pod_name", "b")]);
    let text =
        "$pod $pod_name ${pod}_name [[pod]] $timeFilter $1 label_replace(x, \"a\", \"$1\", \"b\", \"(.+)\")";
    assert_eq!(
        values.interpolate(text, Style::Prometheus),
        "a b a_name a $timeFilter $1 label_replace(x, \"a\", \"$1\", \"b\", \"(.+)\")"
    );
}

#[test]
fn grafanas_own_variables_are_replaced_too() {
    let range = TimeRange { from_ms: 1_594_671_549_254, to_ms: 1_594_675_149_254 };
    let timing = QueryTiming::new(QuerySettings {
        range,
        max_data_points: 1_000,
        panel_interval: Some("1m"),
        scrape_interval: Some("60s"),
        target_interval: None,
        interval_factor: None,
        utc_offset_seconds: 0,
    })
    .unwrap();
    let mut values = values([many("pod", &["a", "b"]), one("node", "n")]);
    values.set_range(range, "now-1h", "now");
    values.set_timing(&timing);
    values.set_built_in("__dashboard", "Kubernetes / Pods");
    let table = [
        ("rate(x[$__rate_interval])", "rate(x[4m0s])"),
        ("x[${__range}] $__interval $__interval_ms $__range_s", "x[3600s] 1m 60000 3600"),
        ("$__from ${__to}", "1594671549254 1594675149254"),
        ("${__from:date}", "2020-07-13T20:19:09.254Z"),
        (
            "${__from:date:iso} ${__from:date:seconds} ${__from:date:YYYY-MM}",
            "2020-07-13T20:19:09.254Z 1594671549 2020-07",
        ),
        ("$__dashboard", "Kubernetes / Pods"),
        ("?${__url_time_range}&${__all_variables}", "?from=now-1h&to=now&var-node=n&var-pod=a&var-pod=b"),
        ("$__user", "$__user"),
    ];
    for (text, expected) in table {
        assert_eq!(values.interpolate(text, Style::Prometheus), expected, "{text}");
    }
}

#[test]
fn the_queries_of_variables_are_read() {
    let selector = |text: &str| Some(text.to_owned());
    let values = |selector, label: &str| Ok(VariableQuery::LabelValues { selector, label: label.to_owned() });
    let table = [
        ("label_values(up, job)", values(selector("up"), "job")),
        ("label_values(up{a=\"b\", c=~\"d,e\"},job) ", values(selector("up{a=\"b\", c=~\"d,e\"}"), "job")),
        ("label_values(k8s_node_name)", values(None, "k8s_node_name")),
        ("label_values( {} , job)", values(None, "job")),
        ("label_names()", Ok(VariableQuery::LabelNames { metric: None })),
        ("label_names(up)", Ok(VariableQuery::LabelNames { metric: selector("up") })),
        ("metrics(k8s_.*)", Ok(VariableQuery::Metrics { pattern: "k8s_.*".to_owned() })),
        (
            "query_result(topk(5,\n  sum by (pod) (up)))",
            Ok(VariableQuery::QueryResult { query: "topk(5,  sum by (pod) (up))".to_owned() }),
        ),
        ("up{job=\"a\"}", Ok(VariableQuery::Series { selector: "up{job=\"a\"}".to_owned() })),
        ("  ", Err(QueryError::Empty)),
    ];
    for (text, expected) in table {
        assert_eq!(parse_query(text), expected, "{text}");
    }
    for text in [
        "label_values(up, )",
        "label_values()",
        "label_values(up, a-b)",
        "metrics()",
        "query_result()",
        "label_values(up",
    ] {
        assert!(matches!(parse_query(text), Err(QueryError::Malformed { .. })), "{text}");
    }
}

/// Answers, regular expression, order: texts and values.
type Answer = (&'static [&'static str], &'static str, i64, &'static [(&'static str, &'static str)]);

#[test]
fn answers_are_cut_filtered_made_unique_and_sorted() {
    let table: &[Answer] = &[
        (&["b", "a", "b"], "", 1, &[("a", "a"), ("b", "b")]),
        (&["val1", "val2", "val11"], "/^val1/", 0, &[("val1", "val1"), ("val11", "val11")]),
        (&["optA", "optB"], "optA", 0, &[("optA", "optA")]),
        (
            &["up{pod=\"a\"} 1 2", "up{pod=\"b\"} 1 2", "x"],
            "/pod=\"([^\"]+)\"/",
            0,
            &[("a", "a"), ("b", "b")],
        ),
        (
            &["id=1 name=one", "id=2 name=two"],
            "/id=(?<value>\\d+) name=(?<text>\\w+)/",
            0,
            &[("one", "1"), ("two", "2")],
        ),
        (&["a1b2"], "/([0-9])/g", 0, &[("1", "1"), ("2", "2")]),
        (&["a1b2"], "/([0-9])/", 0, &[("1", "1")]),
        (&["PROD", "dev"], "/prod/i", 0, &[("PROD", "PROD")]),
    ];
    for (texts, regex, sort, expected) in table {
        let found = options_from(texts.iter().map(|text| (*text).to_owned()), regex, *sort).unwrap();
        let found: Vec<(&str, &str)> =
            found.iter().map(|option| (option.text.as_str(), option.value.as_str())).collect();
        assert_eq!(found, *expected, "{texts:?} {regex}");
    }
    let error = options_from(["a".to_owned()], "/(?=a)/", 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the regular expression \"/(?=a)/\" cannot be used: it is not valid, or uses look-around or back-references"
    );
    let line = query_result_line("up", [("job", "a"), ("pod", "b")], "1.5", 1_700_000_000_000);
    assert_eq!(line, "up{job=\"a\",pod=\"b\"} 1.5 1700000000000");
}

#[test]
fn the_nine_orders_are_grafanas() {
    let table: [(i64, &[&str]); 9] = [
        (0, &["pod-10", "Pod-2", "pod-1", "a", "B"]),
        (1, &["B", "Pod-2", "a", "pod-1", "pod-10"]),
        (2, &["pod-10", "pod-1", "a", "Pod-2", "B"]),
        (3, &["a", "B", "pod-1", "Pod-2", "pod-10"]),
        (4, &["pod-10", "Pod-2", "pod-1", "B", "a"]),
        (5, &["a", "B", "pod-1", "pod-10", "Pod-2"]),
        (6, &["Pod-2", "pod-10", "pod-1", "B", "a"]),
        (7, &["a", "B", "pod-1", "Pod-2", "pod-10"]),
        (8, &["pod-10", "Pod-2", "pod-1", "B", "a"]),
    ];
    for (sort, expected) in table {
        let mut sorted = options(&["pod-10", "Pod-2", "pod-1", "a", "B"]);
        sort_options(&mut sorted, sort);
        assert_eq!(sorted, options(expected), "{sort}");
    }
}

#[test]
fn variables_get_their_values_after_those_that_they_mention() {
    let query = |name: &str, query: &str| json!({"type": "query", "name": name, "query": query, "datasource": {"type": "prometheus", "uid": "${datasource}"}});
    let list = variables(&json!([
        query("pod", "label_values(up{ns=~\"$namespace\", cluster=~\"$cluster\"}, pod)"),
        query("namespace", "label_values(up{cluster=~\"[[cluster]]\"}, ns)"),
        query("cluster", "label_values(up, cluster)"),
        {"type": "datasource", "name": "datasource", "query": "prometheus"},
        {"type": "custom", "name": "free", "query": "a,b"},
    ]));
    assert_eq!(resolution_order(&list).unwrap(), [3, 2, 1, 0, 4]);

    let list = variables(&json!([
        query("ok", "up"),
        query("a", "label_values(up{b=\"$b\"}, a)"),
        query("b", "label_values(up{c=\"${c}\"}, b)"),
        query("c", "label_values(up{a=\"$a\"}, c)")
    ]));
    let cycle = resolution_order(&list).unwrap_err();
    assert_eq!(
        cycle.to_string(),
        "the variables a → b → c → a need each other's values, so none of them can have one"
    );
    let itself = variables(&json!([query("a", "label_values(up{a=\"$a\"}, a)")]));
    assert_eq!(resolution_order(&itself).unwrap_err().names, ["a", "a"]);
}

#[test]
fn a_long_chain_of_variables_is_no_recursion() {
    let list: Vec<Value> = (0..50_000)
        .map(|i| json!({"type": "query", "name": format!("v{i}"), "query": format!("$v{}", i + 1)}))
        .collect();
    let order = resolution_order(&variables(&Value::from(list))).unwrap();
    assert_eq!((order[0], order.len()), (49_999, 50_000));
}

#[test]
fn what_is_chosen_comes_from_the_address_then_from_the_saved_then_from_the_options() {
    let single = &variables(
        &json!([{"type": "query", "name": "a", "query": "up", "current": {"text": "y", "value": "y"}}]),
    )[0];
    let multi = &variables(
        &json!([{"type": "query", "name": "a", "query": "up", "multi": true, "includeAll": true, "current": {"text": ["All"], "value": ["$__all"]}}]),
    )[0];
    let selected = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    let xy = options(&["x", "y"]);
    let chosen = |variable: &Variable, from: Option<Vec<String>>| {
        State::new(variable, xy.clone(), from.as_deref()).chosen
    };
    assert_eq!(chosen(single, None), Chosen::One(option("y")));
    assert_eq!(chosen(single, Some(selected(&["x"]))), Chosen::One(option("x")));
    assert_eq!(chosen(single, Some(selected(&["typed"]))), Chosen::One(option("typed")));
    assert_eq!(chosen(single, Some(selected(&["All"]))), Chosen::One(option("All")), "it has no All");
    assert_eq!(chosen(multi, None), Chosen::All);
    assert_eq!(chosen(multi, Some(selected(&["$__all"]))), Chosen::All);
    assert_eq!(chosen(multi, Some(selected(&["x", "y"]))), Chosen::Many(xy.clone()));
    let gone = State::new(single, options(&["z"]), None);
    assert_eq!(gone.chosen, Chosen::One(option("z")), "what was saved is gone");
    assert_eq!(State::new(single, Vec::new(), None).values(), [""]);
    assert_eq!(State::new(multi, xy.clone(), None).address_values(), [ALL]);

    let selection = selection_from_address([("var-a", "x"), ("from", "now"), ("var-a", "y"), ("var-b", "z")]);
    assert_eq!(selection["a"], ["x", "y"]);
    assert_eq!(selection.len(), 2);
}

#[test]
fn variables_without_data_source_know_their_options() {
    let list = variables(&json!([
        {"type": "custom", "name": "c", "query": "a, one : 1, b\\,c, ,"},
        {"type": "constant", "name": "k", "query": "v"},
        {"type": "textbox", "name": "t", "query": "default"},
        {"type": "interval", "name": "i", "query": "1m,10m", "auto": true, "auto_count": 30, "auto_min": "10s"},
        {"type": "query", "name": "q", "query": "up"},
    ]));
    let range = TimeRange { from_ms: 0, to_ms: 3_600_000 };
    let of = |i: usize, typed| own_options(&list[i], range, typed);
    let pairs = |options: Vec<VariableOption>| {
        options.into_iter().map(|option| (option.text, option.value)).collect::<Vec<_>>()
    };
    let pair = |text: &str, value: &str| (text.to_owned(), value.to_owned());
    assert_eq!(pairs(of(0, None).unwrap()), [pair("a", "a"), pair("one", "1"), pair("b,c", "b,c")]);
    assert_eq!(pairs(of(1, None).unwrap()), [pair("v", "v")]);
    assert_eq!(pairs(of(2, Some("typed")).unwrap()), [pair("typed", "typed")]);
    assert_eq!(pairs(of(3, None).unwrap()), [pair("auto", "2m"), pair("1m", "1m"), pair("10m", "10m")]);
    assert_eq!(of(4, None), None);
}

/// Grafana's own definition of a reference.
fn references_by_definition(text: &str) -> Vec<(usize, usize)> {
    let word = "[0-9A-Za-z_]+";
    let pattern = format!(
        r"\$({word})|\[\[({word}?)(?::({word}))?\]\]|\$\{{({word})(?:\.([^:^}}]+))?(?::([^}}]+))?\}}"
    );
    regex::Regex::new(&pattern).unwrap().find_iter(text).map(|found| (found.start(), found.end())).collect()
}

proptest! {
    #[test]
    fn references_are_those_of_the_definition(text in "[$\\[\\]{}:.^a-cä_1 ]{0,40}") {
        let found: Vec<(usize, usize)> = references(&text).map(|reference| (reference.range.start, reference.range.end)).collect();
        prop_assert_eq!(found, references_by_definition(&text));
    }

    #[test]
    fn a_chosen_value_matches_itself_and_only_itself(value in "[ -~äß]{1,12}", other in "[a-z]{1,4}") {
        let state = many("x", &[&value]);
        let query = values([state]).interpolate("$x", Style::Prometheus);
        // What the string of a PromQL selector holds after its own escapes.
        let pattern = query.replace("\\\\", "\u{1}").replace("\\\"", "\"").replace('\u{1}', "\\");
        let regex = regex::Regex::new(&format!("^(?:{pattern})$")).unwrap();
        prop_assert!(regex.is_match(&value));
        prop_assert_eq!(regex.is_match(&other), other == value);
    }

    #[test]
    fn no_text_makes_interpolation_panic(text in ".{0,60}", braces in "[$\\[\\]{}:.a-c]{0,40}") {
        let values = values([one("a", "1"), many("b", &["2", "3"]), all("c", &["4"], Some("$a"))]);
        for style in [Style::Glob, Style::Prometheus] {
            let _ = values.interpolate(&text, style);
            let _ = values.interpolate(&braces, style);
        }
    }
}
