//! What is asked of the metrics, and what becomes of the answers.

use dashboard_view::{Asked, Content, ErrorKind, Request, Source, Stop, evaluate};
use grafana::variables::Chosen;
use serde_json::json;

use crate::support::{MadeUp, NOW_MS, dashboard, data_source, source};

fn chained() -> serde_json::Value {
    let query =
        |name: &str, query: &str| json!({"type": "query", "name": name, "query": query, "refresh": 2});
    json!({"title": "t", "time": {"from": "now-1h", "to": "now"}, "templating": {"list": [
        query("pod", "label_values(x{namespace=\"$namespace\"}, pod)"),
        query("namespace", "label_values(x, namespace)"),
        {"type": "datasource", "name": "source", "query": "prometheus"},
        {"type": "textbox", "name": "text", "query": "nothing typed"},
        {"type": "custom", "name": "mode", "query": "a, b", "multi": true, "includeAll": true},
    ]}, "panels": []})
}

fn pods() -> MadeUp {
    MadeUp::with_labels(&[
        ("x", "namespace", &["apps", "data"]),
        ("x{namespace=\"apps\"}", "pod", &["api", "web"]),
        ("x{namespace=\"data\"}", "pod", &["db", "web"]),
    ])
}

fn text(dashboard: &grafana::model::Dashboard, request: &Request, name: &str) -> String {
    let sources = [data_source("Other", "loki-1", "loki"), data_source("Mine", "prom-1", "prometheus")];
    let metrics = pods();
    evaluate(dashboard, request, &source(&metrics, &sources)).values.get(name).unwrap().text()
}

#[test]
fn variables_get_their_values_after_those_that_they_need() {
    let dashboard = dashboard(&chained());
    let metrics = pods();
    let sources = [data_source("Other", "loki-1", "loki"), data_source("Mine", "prom-1", "prometheus")];
    let evaluated =
        evaluate(&dashboard, &Request::at(NOW_MS).with("namespace", &["data"]), &source(&metrics, &sources));
    assert_eq!(metrics.asked(), ["values of namespace on x", "values of pod on x{namespace=\"data\"}"]);
    let names: Vec<&str> =
        evaluated.variables.iter().map(|variable| variable.variable.name.as_str()).collect();
    assert_eq!(names, ["pod", "namespace", "source", "text", "mode"], "the order of the dashboard stays");
    assert_eq!(evaluated.variables[0].query.as_deref(), Some("label_values(x{namespace=\"data\"}, pod)"));
    for (name, expected) in
        [("pod", "db"), ("namespace", "data"), ("source", "Mine"), ("text", "nothing typed"), ("mode", "a")]
    {
        assert_eq!(evaluated.values.get(name).unwrap().text(), expected, "{name}");
    }
    assert_eq!(evaluated.values.get("source").unwrap().values(), ["prom-1"]);
}

#[test]
fn a_value_counts_also_when_it_is_no_option_unless_what_it_depends_on_was_just_changed() {
    let dashboard = dashboard(&chained());
    for (namespace, pod, changed, expected) in [
        ("data", "gone", None, "gone"),
        ("data", "gone", Some("namespace"), "db"),
        ("data", "web", Some("namespace"), "web"),
        ("data", "gone", Some("text"), "gone"),
        ("data", "gone", Some("pod"), "gone"),
    ] {
        let mut request = Request::at(NOW_MS).with("namespace", &[namespace]).with("pod", &[pod]);
        request.chosen.changed = changed.map(str::to_owned);
        assert_eq!(text(&dashboard, &request, "pod"), expected, "{pod} after a change of {changed:?}");
    }
}

#[test]
fn several_values_and_all_can_be_chosen() {
    let dashboard = dashboard(&chained());
    for (values, expected) in [(&["b", "a"][..], "b + a"), (&["$__all"], "All"), (&["x"], "x")] {
        assert_eq!(text(&dashboard, &Request::at(NOW_MS).with("mode", values), "mode"), expected);
    }
}

#[test]
fn variables_that_need_each_other_are_told_and_nothing_else_breaks() {
    let query = |name: &str, needs: &str| json!({"type": "query", "name": name, "query": format!("label_values({needs}, x)")});
    let value = json!({"title": "t", "templating": {"list": [query("a", "$b"), query("b", "$a")]}, "panels": [
        {"id": 1, "type": "stat", "targets": [{"refId": "A", "expr": "up", "instant": true}]},
    ]});
    let dashboard = dashboard(&value);
    let metrics = MadeUp::default();
    let evaluated = evaluate(&dashboard, &Request::at(NOW_MS), &source(&metrics, &[]));
    assert_eq!(evaluated.problems.len(), 1);
    assert!(evaluated.problems[0].contains("a → b → a"), "{:?}", evaluated.problems);
    assert_eq!(evaluated.panels[0].content(), Content::Data);
}

fn panels(list: &serde_json::Value) -> grafana::model::Dashboard {
    dashboard(&json!({"title": "t", "time": {"from": "now-1h", "to": "now"}, "panels": list}))
}

#[test]
fn equal_queries_are_asked_once_and_both_panels_have_the_answer() {
    let range = |expr: &str| json!([{"refId": "A", "expr": expr, "interval": "1m"}, {"refId": "B", "expr": "up", "instant": true}]);
    let list = json!([
        {"id": 1, "type": "timeseries", "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8}, "targets": range("up")},
        {"id": 2, "type": "timeseries", "gridPos": {"x": 12, "y": 0, "w": 12, "h": 8}, "targets": range("up")},
        {"id": 3, "type": "timeseries", "gridPos": {"x": 0, "y": 8, "w": 12, "h": 8}, "targets": [
            {"refId": "A", "expr": "up", "hide": true}, {"refId": "B", "expr": "  "},
        ]},
    ]);
    let dashboard = panels(&list);
    let metrics = MadeUp::default();
    let evaluated = evaluate(&dashboard, &Request::at(NOW_MS), &source(&metrics, &[]));
    assert_eq!(metrics.asked(), ["instant up at 0", "range up -3600000 to 0 by 60000"]);
    assert_eq!(evaluated.panels[0].frames, evaluated.panels[1].frames);
    assert_eq!((evaluated.panels[0].frames.len(), evaluated.panels[0].step_ms), (2, Some(60_000)));
    assert_eq!(evaluated.panels[0].targets[1].asked, Asked::Instant { at_ms: NOW_MS });
    assert_eq!(evaluated.panels[0].targets[1].samples_read, Some(3));
    assert_eq!((evaluated.panels[0].targets[0].series, evaluated.panels[0].targets[0].points), (1, 61));
    assert_eq!(evaluated.panels[2].targets, []);
    assert_eq!(evaluated.panels[2].content(), Content::Nothing);
}

#[test]
fn the_rate_interval_is_at_least_four_scrape_intervals() {
    let list = json!([{"id": 1, "type": "stat", "targets": [{"refId": "A", "expr": "rate(x[$__rate_interval])", "instant": true}]}]);
    let dashboard = panels(&list);
    let metrics = MadeUp::default();
    evaluate(&dashboard, &Request::at(NOW_MS), &source(&metrics, &[]));
    assert_eq!(metrics.asked(), ["instant rate(x[4m0s]) at 0"]);
}

#[test]
fn errors_stand_at_their_query_and_at_their_panel() {
    let list = json!([
        {"id": 1, "type": "stat", "targets": [{"refId": "A", "expr": "broken", "instant": true}, {"refId": "B", "expr": "up", "instant": true}]},
        {"id": 2, "type": "stat", "targets": [{"refId": "A", "expr": "nothing", "instant": true}], "fieldConfig": {"defaults": {"noValue": "All is well"}}},
        {"id": 3, "type": "stat", "targets": [{"refId": "A", "expr": "x", "datasource": {"type": "loki", "uid": "l"}}]},
        {"id": 4, "type": "stat", "timeFrom": "gibberish", "targets": [{"refId": "A", "expr": "up", "interval": "soon"}]},
        {"id": 5, "type": "text", "options": {"content": "x"}},
        {"id": 6, "type": "heatmap-next", "targets": [{"refId": "A", "expr": "up"}]},
    ]);
    let dashboard = panels(&list);
    let metrics = MadeUp::default();
    let evaluated = evaluate(&dashboard, &Request::at(NOW_MS), &source(&metrics, &[]));
    let panel = |id| evaluated.panels.iter().find(|panel| panel.panel().id == Some(id)).unwrap();
    assert_eq!(panel(1).errors(), ["A: it is broken (mend it)"]);
    assert_eq!(panel(1).targets[0].error.as_ref().unwrap().kind, ErrorKind::Execution);
    assert_eq!((panel(1).content(), panel(2).content()), (Content::Data, Content::Explained("All is well")));
    assert!(panel(3).errors()[0].contains("\"loki\""), "{:?}", panel(3).errors());
    let errors = panel(4).errors();
    assert!(errors.len() == 2 && errors[0].contains("gibberish") && errors[1].contains("soon"), "{errors:?}");
    assert_eq!((panel(5).content(), panel(6).content()), (Content::NotAsked, Content::NotAsked));
}

#[test]
fn a_repeated_panel_asks_for_each_value_and_folded_rows_ask_nothing() {
    let value = json!({"title": "t", "templating": {"list": [
        {"type": "custom", "name": "pod", "query": "a, b", "multi": true, "includeAll": true, "current": {"value": ["$__all"]}},
    ]}, "panels": [
        {"id": 1, "type": "stat", "repeat": "pod", "targets": [{"refId": "A", "expr": "x{pod=~\"$pod\"}", "instant": true, "legendFormat": "of $pod"}]},
        {"id": 2, "type": "row", "title": "folded", "collapsed": true, "panels": [
            {"id": 3, "type": "stat", "targets": [{"refId": "A", "expr": "inside", "instant": true}]},
        ]},
    ]});
    let dashboard = dashboard(&value);
    let asked = |request: &Request| {
        let metrics = MadeUp::default();
        evaluate(&dashboard, request, &source(&metrics, &[]));
        metrics.asked()
    };
    let of_pods = ["instant x{pod=~\"a\"} at 0", "instant x{pod=~\"b\"} at 0"];
    assert_eq!(asked(&Request::at(NOW_MS)), of_pods);
    let opened = Request { toggled_rows: [2].into(), ..Request::at(NOW_MS) };
    assert_eq!(asked(&opened), [&["instant inside at 0"][..], &of_pods].concat());
    let only = Request { only: Some([3].into()), ..opened };
    assert_eq!(asked(&only), ["instant inside at 0"]);
    let metrics = MadeUp::default();
    let evaluated = evaluate(&dashboard, &Request::at(NOW_MS), &source(&metrics, &[]));
    assert_eq!(evaluated.values.get("pod").unwrap().chosen, Chosen::All);
    let own = evaluated.values_of(&evaluated.panels[1]).get("pod").unwrap();
    assert_eq!(own.text(), "b");
    assert_eq!(evaluated.panels[1].frames[0].name.as_deref(), Some("of b"));
}

#[test]
fn a_time_range_that_cannot_be_read_falls_back_to_the_dashboards_own() {
    let dashboard = panels(&json!([]));
    let metrics = MadeUp::default();
    let range = Some(("yesterday".to_owned(), "now".to_owned()));
    let request = Request { range, ..Request::at(NOW_MS) };
    let evaluated = evaluate(&dashboard, &request, &source(&metrics, &[]));
    assert_eq!(evaluated.range.length_ms(), 3_600_000);
    assert_eq!(evaluated.raw_range, ("now-1h".to_owned(), "now".to_owned()));
    assert!(evaluated.problems[0].contains("yesterday"), "{:?}", evaluated.problems);
}

#[test]
fn results_do_not_depend_on_how_many_queries_run_at_once() {
    let targets: Vec<_> = (0..40)
        .map(|n| json!({"refId": format!("A{n}"), "expr": format!("x{n}"), "instant": true}))
        .collect();
    let dashboard = panels(&json!([{"id": 1, "type": "table", "targets": targets}]));
    let metrics = MadeUp::default();
    let one = Source { workers: std::num::NonZeroUsize::MIN, ..source(&metrics, &[]) };
    let eight = Source { workers: std::num::NonZeroUsize::new(8).unwrap(), ..source(&metrics, &[]) };
    let request = Request::at(NOW_MS);
    assert_eq!(evaluate(&dashboard, &request, &one), evaluate(&dashboard, &request, &eight));
}

#[test]
fn an_interruption_reaches_the_store_and_ends_as_an_error_of_its_kind() {
    let dashboard = panels(
        &json!([{"id": 1, "type": "stat", "targets": [{"refId": "A", "expr": "count({__name__=~\".+\"})"}]}]),
    );
    let store = std::sync::Arc::new(tsdb::Store::new(tsdb::Options::default()));
    let service = prometheus_server::QueryService::new(
        store,
        promql::EngineOptions::default(),
        promql::ParseOptions::default(),
    );
    let metrics = dashboard_view::InMemory::new(service);
    let evaluated = evaluate(
        &dashboard,
        &Request::at(NOW_MS),
        &Source { interrupt: &|| Some(Stop::Timeout), ..source(&metrics, &[]) },
    );
    let error = evaluated.panels[0].targets[0].error.as_ref().unwrap();
    assert_eq!(error.kind, ErrorKind::Timeout);
}
