//! Reading dashboards: what is understood, what is forgiven, what is refused.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::time::Instant;

use grafana::model::{
    self, Dashboard, DataSourceRef, DeviationKind, FieldIdentity, GridPos, Mapping, Matcher, NotADashboard,
    OneOrMany, PanelKind, TargetFormat, ThresholdMode, VariableKind, options,
};
use serde_json::{Value, json};

fn read(value: &Value) -> (Dashboard, Vec<String>) {
    let parsed = model::parse(value).unwrap();
    (parsed.dashboard, parsed.deviations.iter().map(ToString::to_string).collect())
}

fn deviations(value: &Value) -> Vec<String> {
    read(value).1
}

fn panel(extra: &Value) -> Value {
    let mut panel =
        json!({"id": 1, "type": "timeseries", "title": "t", "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8}});
    for (key, value) in extra.as_object().unwrap() {
        panel[key] = value.clone();
    }
    json!({"title": "d", "panels": [panel]})
}

#[test]
fn a_dashboard_in_proper_form_is_read_without_deviation() {
    let (dashboard, deviations) = read(&json!({
        "uid": "k8s-otel-cluster", "title": "Cluster", "tags": ["kubernetes"], "schemaVersion": 42, "editable": false,
        "graphTooltip": 1, "refresh": "1m", "time": {"from": "now-1h", "to": "now"}, "timezone": "browser",
        "links": [{"type": "dashboards", "tags": ["kubernetes"], "asDropdown": true, "includeVars": true, "keepTime": true,
                   "targetBlank": false, "title": "Kubernetes", "icon": "external link", "tooltip": "", "url": ""}],
        "templating": {"list": [
            {"type": "datasource", "name": "datasource", "query": "prometheus", "label": "Data source", "hide": 0},
            {"type": "query", "name": "cluster", "query": {"query": "label_values(up, cluster)", "refId": "A"}, "refresh": 2,
             "sort": 1, "multi": true, "includeAll": true, "allValue": ".*", "allowCustomValue": true,
             "datasource": {"type": "prometheus", "uid": "${datasource}"},
             "current": {"text": ["All"], "value": ["$__all"]}},
        ]},
        "annotations": {"list": []},
        "panels": [
            {"type": "row", "title": "CPU", "id": 9, "collapsed": true, "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1},
             "panels": [{"type": "stat", "title": "in row", "id": 2, "gridPos": {"x": 0, "y": 1, "w": 4, "h": 4}}]},
            {"type": "timeseries", "title": "Usage", "id": 1, "gridPos": {"x": 0, "y": 1, "w": 12, "h": 8}, "interval": "1m",
             "datasource": {"type": "prometheus", "uid": "${datasource}"},
             "targets": [{"refId": "A", "expr": "up", "legendFormat": "{{pod}}", "instant": false, "range": true,
                          "datasource": {"type": "prometheus", "uid": "${datasource}"}},
                         {"refId": "B", "expr": "up", "format": "table", "instant": true}],
             "fieldConfig": {"defaults": {"unit": "bytes", "min": 0, "custom": {"stacking": {"mode": "normal"}},
                 "thresholds": {"mode": "absolute", "steps": [{"color": "red", "value": 80}, {"color": "green", "value": null}]}},
                 "overrides": [{"matcher": {"id": "byName", "options": "limit"},
                                "properties": [{"id": "unit", "value": "s"}, {"id": "custom.lineWidth", "value": 2}]}]},
             "options": {"legend": {"displayMode": "table", "calcs": ["max"], "placement": "right"}, "tooltip": {"mode": "multi", "sort": "desc"}},
             "transformations": [{"id": "organize", "options": {"renameByName": {"a": "b"}}}]}
        ]
    }));
    assert_eq!(deviations, Vec::<String>::new());
    assert_eq!(dashboard.uid.as_deref(), Some("k8s-otel-cluster"));
    assert_eq!((dashboard.time.from.as_str(), dashboard.refresh.as_deref()), ("now-1h", Some("1m")));
    let paths: Vec<&str> = dashboard.all_panels().map(|panel| panel.path.as_str()).collect();
    assert_eq!(paths, ["panels[0]", "panels[0].panels[0]", "panels[1]"]);

    let usage = &dashboard.panels[1];
    assert_eq!((&usage.kind, usage.grid()), (&PanelKind::TimeSeries, GridPos { x: 0, y: 1, w: 12, h: 8 }));
    assert!(usage.targets[0].runs_as_range() && !usage.targets[1].runs_as_range());
    assert_eq!(usage.targets[1].format, TargetFormat::Table);
    let source = DataSourceRef { kind: Some("prometheus".into()), uid: Some("${datasource}".into()) };
    assert_eq!(usage.targets[0].datasource, Some(source));
    let thresholds = usage.field_config.defaults.thresholds.as_ref().unwrap();
    assert_eq!(thresholds.mode, ThresholdMode::Absolute);
    let values: Vec<Option<f64>> = thresholds.steps.iter().map(|step| step.value).collect();
    assert_eq!(values, [None, Some(80.0)], "the base comes first");
    assert_eq!(usage.field_config.overrides[0].matcher, Matcher::ByName("limit".into()));
    let legend = options::Legend::of(&usage.options);
    assert_eq!((legend.display_mode.as_str(), legend.show, legend.calcs.len()), ("table", true, 1));

    let cluster = &dashboard.variables[1];
    assert!(cluster.multi && cluster.include_all && cluster.allow_custom_value == Some(true));
    assert_eq!(cluster.all_value.as_deref(), Some(".*"));
    assert_eq!(cluster.current.as_ref().unwrap().value, OneOrMany::Many(vec!["$__all".into()]));
    let VariableKind::Query { query, refresh, sort, .. } = &cluster.kind else { panic!("a query") };
    assert_eq!((query.as_str(), *refresh, *sort), ("label_values(up, cluster)", 2, 1));
    assert_eq!(dashboard.variables[0].shown_label(), "Data source");
}

#[test]
fn overrides_apply_in_order_to_the_fields_that_match() {
    let (dashboard, _) = read(&panel(&json!({"fieldConfig": {
    "defaults": {"unit": "short", "decimals": 1, "custom": {"lineWidth": 1}},
    "overrides": [
        {"matcher": {"id": "byName", "options": "CPU"}, "properties": [{"id": "unit", "value": "percentunit"}]},
        {"matcher": {"id": "byRegexp", "options": "/^c/i"}, "properties": [{"id": "decimals", "value": 3},
            {"id": "custom.lineWidth", "value": 5}]},
        {"matcher": {"id": "byRegexp", "options": "PU"}, "properties": [{"id": "unit", "value": "never"}]},
        {"matcher": {"id": "byFrameRefID", "options": "B"}, "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}}]},
        {"matcher": {"id": "byType", "options": "time"}, "properties": [{"id": "unit", "value": "dateTimeAsIso"}]},
        {"matcher": {"id": "byNames", "options": {}}, "properties": [{"id": "unit", "value": "never"}]},
    ]}})));
    let config = &dashboard.panels[0].field_config;
    let cpu = config.options_for(FieldIdentity { name: "CPU", ref_id: "B", field_type: "number" });
    assert_eq!((cpu.unit.as_deref(), cpu.decimals), (Some("percentunit"), Some(3.0)));
    assert_eq!(cpu.custom["lineWidth"], json!(5));
    assert_eq!(cpu.color.unwrap().fixed.as_deref(), Some("red"));
    let time = config.options_for(FieldIdentity { name: "Time", ref_id: "A", field_type: "time" });
    assert_eq!((time.unit.as_deref(), time.decimals), (Some("dateTimeAsIso"), Some(1.0)));
}

#[test]
fn mappings_of_every_kind_are_read() {
    let result = json!({"text": "OK", "color": "green", "index": 0});
    let (dashboard, deviations) = read(&panel(&json!({"fieldConfig": {"defaults": {"mappings": [
        {"type": "value", "options": {"1": result, "2": {"text": "Bad"}}},
        {"type": "range", "options": {"from": 1, "to": null, "result": result}},
        {"type": "regex", "options": {"pattern": "a(.*)", "result": result}},
        {"type": "special", "options": {"match": "null+nan", "result": result}},
        {"type": 1, "value": "3", "text": "old", "op": "="},
    ]}}})));
    let mappings = &dashboard.panels[0].field_config.defaults.mappings;
    assert_eq!(mappings.len(), 5);
    assert!(matches!(&mappings[0], Mapping::Value(values) if values.len() == 2));
    assert!(matches!(&mappings[1], Mapping::Range { from: Some(1.0), to: None, .. }));
    assert!(matches!(&mappings[3], Mapping::Special { matches, .. } if matches == "null+nan"));
    assert!(matches!(&mappings[4], Mapping::Value(values) if values[0].0 == "3"));
    assert!(
        deviations.iter().any(|said| said.contains("mappings[4]: is a form of older versions")),
        "{deviations:?}"
    );
}

#[test]
fn what_grafana_forgives_is_read_and_noted_with_its_path() {
    let table = [
        (json!({"interval": 60}), "panels[0].interval: should be a string"),
        (json!({"gridPos": null}), "panels[0].gridPos: is missing"),
        (json!({"gridPos": {"x": 0, "y": 0, "w": 12}}), "panels[0].gridPos.h: is missing"),
        (
            json!({"datasource": "Prometheus"}),
            "panels[0].datasource: is a form of older versions; now it is an object with type and uid",
        ),
        (json!({"type": "graph"}), "panels[0].type: is a form of older versions; now it is timeseries"),
        (
            json!({"fieldConfig": {"defaults": {"decimals": "2"}, "overrides": []}}),
            "panels[0].fieldConfig.defaults.decimals: should be a number",
        ),
        (
            json!({"fieldConfig": {"defaults": {"custom": {"lineWidht": 2}}}}),
            "panels[0].fieldConfig.defaults.custom.lineWidht: Grafana has no such property (did you mean lineWidth?)",
        ),
        (
            json!({"options": {"legends": {}}}),
            "panels[0].options.legends: Grafana has no such property (did you mean legend?)",
        ),
        (json!({"targets": [{"expr": "up"}]}), "panels[0].targets[0].refId: is missing"),
        (
            json!({"targets": [{"expr": "up", "refId": "A", "legend": "x"}]}),
            "panels[0].targets[0].legend: Grafana has no such property (did you mean legendFormat?)",
        ),
        (json!({"targets": 5}), "panels[0].targets: must be a list; it has no effect"),
        (
            json!({"fieldConfig": {"overrides": [{"matcher": {"id": "byName", "options": "a"}, "properties": [{"id": "units", "value": "s"}]}]}}),
            "panels[0].fieldConfig.overrides[0].properties[0].id: Grafana has no such property",
        ),
        (json!({"span": 6}), "panels[0].span: Grafana has no such property"),
        (
            json!({"panels": [{"type": "text", "gridPos": {"x": 0, "y": 0, "w": 1, "h": 1}}]}),
            "panels[0].panels: must be absent: only rows have panels; it has no effect",
        ),
    ];
    for (extra, expected) in table {
        assert_eq!(deviations(&panel(&extra)), [expected], "{extra}");
    }
    let variable = json!({"title": "d", "templating": {"list": [{"type": "query", "name": "a", "query": "up", "allowCustom": true, "refresh": true}, {"type": "query"}]}});
    assert_eq!(
        deviations(&variable),
        [
            "templating.list[0].refresh: is a form of older versions; now it is 0, 1 or 2",
            "templating.list[0].allowCustom: Grafana has no such property (did you mean allowCustomValue?)",
            "templating.list[1].name: is missing",
        ]
    );
}

#[test]
fn an_unknown_panel_type_is_kept_whole() {
    let (dashboard, deviations) =
        read(&panel(&json!({"type": "my-panel", "secret": {"a": 1}, "options": {"b": 2}})));
    assert_eq!(dashboard.panels[0].kind, PanelKind::Unknown("my-panel".into()));
    assert_eq!(dashboard.panels[0].extra["secret"], json!({"a": 1}));
    assert_eq!(dashboard.panels[0].options["b"], json!(2));
    assert_eq!(deviations, Vec::<String>::new());
}

#[test]
fn rows_of_old_dashboards_become_a_grid() {
    let (dashboard, deviations) = read(&json!({"title": "old", "rows": [
        {"height": "250px", "panels": [{"type": "graph", "span": 6}, {"type": "graph", "span": 6}, {"type": "graph", "span": 12}]},
        {"height": 60, "panels": [{"type": "text", "span": 3}]},
    ]}));
    let grid: Vec<GridPos> = dashboard.panels.iter().map(model::Panel::grid).collect();
    let at = |x, y, w, h| GridPos { x, y, w, h };
    assert_eq!(grid, [at(0, 0, 12, 9), at(12, 0, 12, 9), at(0, 9, 24, 9), at(0, 18, 6, 2)]);
    assert!(
        deviations.contains(&"rows: is a form of older versions; now it is panels with gridPos".to_owned())
    );
}

#[test]
fn wrappers_are_taken_off_and_other_things_are_refused_by_name() {
    let inner = json!({"title": "t", "panels": []});
    for wrapped in [
        json!({"dashboard": inner, "meta": {}}),
        json!({"apiVersion": "dashboard.grafana.app/v1", "spec": inner}),
    ] {
        assert_eq!(read(&wrapped).0.title, "t");
    }
    let v2 = json!({"apiVersion": "dashboard.grafana.app/v2", "spec": {"elements": {}, "layout": {}}});
    assert_eq!(model::parse(&v2), Err(NotADashboard::V2));
    assert_eq!(model::parse(&json!({"a": 1})), Err(NotADashboard::Nothing));
    assert_eq!(model::parse(&json!([])), Err(NotADashboard::NotAnObject { found: "a list" }));
    let error = model::parse_text("{\n  \"title\": \"t\",\n  \"panels\": [").unwrap_err();
    assert_eq!(error.to_string(), "line 3, column 13: EOF while parsing a list");
    assert!(model::parse_text("").is_err());
    let deep = "[".repeat(100_000);
    assert!(matches!(model::parse_text(&deep), Err(NotADashboard::Json { .. })));
}

#[test]
fn a_hundred_thousand_panels_do_not_hang() {
    let panels: Vec<Value> = (0..100_000)
        .map(|id| json!({"id": id, "type": "stat", "title": "p", "gridPos": {"x": 0, "y": 0, "w": 1, "h": 1}, "odd": 1,
                         "targets": [{"refId": "A", "expr": "up"}]}))
        .collect();
    let value = json!({"title": "big", "panels": panels});
    let start = Instant::now();
    let parsed = model::parse(&value).unwrap();
    assert_eq!(parsed.dashboard.all_panels().count(), 100_000);
    assert_eq!(parsed.deviations.len(), 100_000);
    assert!(matches!(parsed.deviations[0].kind, DeviationKind::UnknownProperty { nearest: None }));
    let elapsed = start.elapsed();
    println!("parsed in {elapsed:?}");
    assert!(elapsed.as_secs() < 30, "{elapsed:?}");
}
