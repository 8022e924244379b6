use serde_json::json;

use super::*;

fn dashboard(value: Value) -> Dashboard {
    Dashboard::new("a.json", value, Source::Value).unwrap()
}

#[test]
fn queries_are_found_in_panels_rows_variables_and_annotations() {
    let dashboard = dashboard(json!({
        "title": "A",
        "panels": [
            { "type": "row", "panels": [{ "id": 7, "title": "In", "type": "stat", "targets": [{ "refId": "A", "expr": "up" }] }] },
            { "type": "stat", "targets": [
                { "refId": "A", "expr": "sum(x" },
                { "refId": "B", "expr": "{app=\"x\"} |= \"y\"", "datasource": { "type": "loki" } },
            ]},
        ],
        "templating": { "list": [{ "name": "v", "type": "query", "query": { "query": "label_values(up, job)" } }] },
        "annotations": { "list": [{ "name": "a", "expr": "changes(up[5m])" }] },
    }));
    let pointers: Vec<String> = dashboard.queries.iter().map(|query| query.pointer.to_string()).collect();
    assert_eq!(
        pointers,
        [
            "panels[0].panels[0].targets[0].expr",
            "panels[1].targets[0].expr",
            "templating.list[0].query.query",
            "annotations.list[0].expr"
        ]
    );
    for query in &dashboard.queries {
        assert_eq!(query.pointer.of(&dashboard.value), Some(&json!(query.text)));
    }
    assert_eq!(dashboard.panel_of(&dashboard.queries[0]).unwrap().title, "In");
    assert_eq!(dashboard.queries_of(1).count(), 1);
    assert_eq!(dashboard.queries_of(2).count(), 1);
    assert_eq!(dashboard.queries_of(0).count(), 0);
    let place = dashboard.place_of_query(&dashboard.queries[0], Span::new(0, 2));
    assert_eq!((place.panel.unwrap().id, place.ref_id.as_deref()), (Some(7), Some("A")));
}

#[test]
fn panels_are_found_by_index_however_deep() {
    let dashboard = dashboard(json!({ "panels": [
        { "title": "0", "type": "row", "panels": [{ "title": "1" }, { "title": "2" }] }, { "title": "3" },
    ]}));
    for (index, panel) in dashboard.panels() {
        assert_eq!(panel.title, index.to_string());
        assert_eq!(dashboard.panel(index), Some(panel));
    }
    assert_eq!(dashboard.panel(4), None);
}

#[test]
fn a_data_source_is_prometheus_by_its_type_or_by_its_variable() {
    let dashboard = dashboard(json!({ "title": "A", "templating": { "list": [
        { "name": "prom", "type": "datasource", "query": "prometheus" },
        { "name": "logs", "type": "datasource", "query": "loki" },
    ]}}));
    let source = |kind: Option<&str>, uid: Option<&str>| DataSourceRef {
        kind: kind.map(str::to_owned),
        uid: uid.map(str::to_owned),
    };
    for (kind, uid, is) in [
        (Some("prometheus"), Some("x"), true),
        (Some("loki"), Some("x"), false),
        (None, Some("$prom"), true),
        (None, Some("${logs}"), false),
        (Some("datasource"), Some("${prom}"), true),
        (Some("datasource"), Some("-- Dashboard --"), false),
        (None, Some("-- Grafana --"), false),
        (None, Some("my prometheus"), true),
        (None, None, true),
    ] {
        assert_eq!(dashboard.is_prometheus(Some(&source(kind, uid))), is, "{kind:?} {uid:?}");
    }
    assert!(dashboard.is_prometheus(None));
}
