//! Dashboards from elsewhere: what is recognised, how v2 becomes classic, what is refused and how.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use grafana::import::{Adaptation, DEEPEST, ImportError, Imported, Origin, portable, read, read_text};
use grafana::model;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import").join(name)
}

fn v2() -> Value {
    serde_json::from_slice(&fs::read(fixture("v2.json")).unwrap()).unwrap()
}

/// The sample with one place changed.
fn v2_with(pointer: &str, value: Value) -> Value {
    let mut document = v2();
    let place = document.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}"));
    *place = value;
    document
}

fn generated() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboards/generated");
    let mut dashboards: Vec<(String, Value)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
        })
        .collect();
    dashboards.sort_by(|(one, _), (other, _)| one.cmp(other));
    assert!(dashboards.len() >= 16, "{}", dashboards.len());
    dashboards
}

#[test]
fn a_classic_dashboard_stays_as_it_is_in_whichever_wrapper_it_comes() {
    for (name, dashboard) in generated() {
        let wrapped = |document: Value| read(&document).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = |origin| Imported { dashboard: dashboard.clone(), origin, dropped: Vec::new() };
        assert_eq!(wrapped(dashboard.clone()), expected(Origin::Classic));
        let api = json!({ "dashboard": dashboard, "meta": { "isStarred": false, "slug": "x" } });
        assert_eq!(wrapped(api), expected(Origin::Api));
        let resource = json!({
            "apiVersion": "dashboard.grafana.app/v1beta1",
            "kind": "Dashboard",
            "metadata": { "name": "other" },
            "spec": dashboard,
        });
        assert_eq!(wrapped(resource), expected(Origin::V1Resource { version: "v1beta1".to_owned() }));
    }
}

#[test]
fn the_name_of_a_resource_is_the_uid_where_there_is_none_inside() {
    let document = json!({
        "apiVersion": "dashboard.grafana.app/v1",
        "metadata": { "name": "shop-overview" },
        "spec": { "title": "Shop", "panels": [] },
    });
    assert_eq!(read(&document).unwrap().dashboard["uid"], "shop-overview");
    assert_eq!(read(&v2()).unwrap().dashboard["uid"], "shop-overview");
}

#[test]
fn v2_with_rows_becomes_the_classic_dashboard_that_says_the_same() {
    let imported = read(&v2()).unwrap();
    assert_eq!(imported.origin, Origin::V2Resource { version: "v2".to_owned() });
    assert_eq!(imported.dropped, []);
    let dashboard = &imported.dashboard;
    assert_eq!(model::parse(dashboard).unwrap().deviations, []);
    assert_eq!(dashboard["graphTooltip"], 1);
    assert_eq!(dashboard["refresh"], "1m");
    assert_eq!(dashboard["time"], json!({ "from": "now-6h", "to": "now" }));
    let [datasource, shop, customer] = dashboard["templating"]["list"].as_array().unwrap().as_slice() else {
        panic!("three variables")
    };
    assert_eq!((&datasource["type"], &datasource["query"]), (&json!("datasource"), &json!("prometheus")));
    assert_eq!(shop["query"], "label_values(shop_orders_total, shop)");
    assert_eq!(shop["datasource"], json!({ "type": "prometheus", "uid": "${datasource}" }));
    assert_eq!((&shop["hide"], &shop["refresh"], &shop["sort"]), (&json!(1), &json!(2), &json!(1)));
    assert_eq!(customer["type"], "textbox");
    let [built_in, releases] = dashboard["annotations"]["list"].as_array().unwrap().as_slice() else {
        panic!("two annotations")
    };
    assert_eq!((&built_in["builtIn"], &built_in["target"]["limit"]), (&json!(1), &json!(100)));
    assert_eq!(releases["expr"], "changes(shop_build_info[5m]) > 0");
    assert_eq!(releases["step"], "60s");
    let [notes, orders_row, orders, shop_row] = dashboard["panels"].as_array().unwrap().as_slice() else {
        panic!("{}", dashboard["panels"])
    };
    assert_eq!(notes["gridPos"], json!({ "x": 0, "y": 0, "w": 24, "h": 4 }));
    assert_eq!((&orders_row["type"], &orders_row["gridPos"]["y"]), (&json!("row"), &json!(4)));
    assert_eq!(orders["gridPos"], json!({ "x": 0, "y": 5, "w": 12, "h": 8 }));
    assert_eq!(orders["interval"], "1m");
    assert_eq!(orders["datasource"], json!({ "type": "prometheus", "uid": "${datasource}" }));
    assert_eq!(orders["targets"][0]["refId"], "A");
    assert_eq!(orders["transformations"][0]["id"], "organize");
    assert_eq!((&shop_row["collapsed"], &shop_row["repeat"]), (&json!(true), &json!("shop")));
    let inside = &shop_row["panels"][0];
    assert_eq!(inside["gridPos"], json!({ "x": 12, "y": 14, "w": 6, "h": 4 }));
    assert_eq!((&inside["repeat"], &inside["maxPerRow"]), (&json!("shop"), &json!(4)));
}

#[test]
fn a_grid_without_rows_and_one_with_the_rows_of_the_alpha_version_become_panels_with_places_and_numbers() {
    let item = |name: &str, y: i64| {
        json!({ "kind": "GridLayoutItem", "spec": { "x": 0, "y": y, "width": 24, "height": 8,
            "element": { "kind": "ElementReference", "name": name } } })
    };
    let row = |collapsed: bool| {
        json!({ "kind": "GridLayoutRow", "spec": { "y": 16, "collapsed": collapsed, "title": "More",
            "repeat": { "mode": "variable", "value": "shop" }, "elements": [item("panel-3", 2)] } })
    };
    let panels = |items: Value| {
        let document = v2_with("/spec/layout", json!({ "kind": "GridLayout", "spec": { "items": items } }));
        read(&document).unwrap().dashboard["panels"].as_array().unwrap().clone()
    };
    let places = |panels: &[Value]| -> Vec<(Value, Value)> {
        panels.iter().map(|panel| (panel["id"].clone(), panel["gridPos"]["y"].clone())).collect()
    };
    let plain = panels(json!([item("panel-1", 0), item("panel-2", 8)]));
    assert_eq!(places(&plain), [(json!(1), json!(0)), (json!(2), json!(8))]);
    let open = panels(json!([item("panel-1", 0), row(false)]));
    // What stands in a row counts from below its title.
    assert_eq!(places(&open), [(json!(1), json!(0)), (json!(4), json!(16)), (json!(3), json!(19))]);
    assert_eq!(open[1]["repeat"], "shop");
    let folded = panels(json!([item("panel-1", 0), row(true)]));
    assert_eq!(folded.len(), 2);
    assert_eq!(folded[1]["panels"][0]["id"], 3);
}

#[test]
fn the_spec_of_v2_alone_is_recognised_too() {
    let document = v2();
    let imported = read(&document["spec"]).unwrap();
    assert_eq!(imported.origin, Origin::V2Spec);
    let mut whole = read(&document).unwrap().dashboard;
    whole.as_object_mut().unwrap().remove("uid");
    assert_eq!(imported.dashboard, whole);
}

#[test]
fn the_words_of_the_alpha_version_are_understood() {
    let mut document = v2();
    document["apiVersion"] = json!("dashboard.grafana.app/v2alpha1");
    let panel = &mut document["spec"]["elements"]["panel-1"]["spec"];
    let config = panel["vizConfig"].take();
    panel["vizConfig"] = json!({
        "kind": "timeseries",
        "spec": {
            "pluginVersion": "13.2.0",
            "options": config["spec"]["options"],
            "fieldConfig": config["spec"]["fieldConfig"],
        },
    });
    let query = &mut panel["data"]["spec"]["queries"][0]["spec"];
    query["datasource"] = json!({ "type": "prometheus", "uid": "${datasource}" });
    query["query"] = json!({ "kind": "prometheus", "spec": query["query"]["spec"] });
    let organize = &mut panel["data"]["spec"]["transformations"][0];
    organize["spec"]["id"] = json!("organize");
    organize["kind"] = json!("organize");
    organize.as_object_mut().unwrap().remove("group");
    assert_eq!(read(&document).unwrap().dashboard, read(&v2()).unwrap().dashboard);
}

#[test]
fn what_the_classic_form_has_no_place_for_is_reported_with_its_path() {
    let row = "/spec/layout/spec/rows/1/spec";
    let mut document = v2();
    document.pointer_mut(row).unwrap()["conditionalRendering"] =
        json!({ "kind": "ConditionalRenderingGroup" });
    document["spec"]["elements"]["panel-9"] = document["spec"]["elements"]["panel-2"].clone();
    document["spec"]["elements"]["panel-1"]["spec"]["subtitle"] = json!("per second");
    document["spec"]["preferences"] = json!({ "layout": "x" });
    let dropped: Vec<String> = read(&document).unwrap().dropped.iter().map(ToString::to_string).collect();
    assert_eq!(
        dropped,
        [
            "spec.layout.spec.rows[1].spec.conditionalRendering: a classic row is always shown",
            "spec.elements[\"panel-1\"].spec.subtitle: the classic form has no subtitles",
            "spec.elements[\"panel-9\"]: no layout shows it",
            "spec.preferences: the classic form has nothing like it",
        ]
    );
}

/// Changes one place of the sample, and what is said about it.
#[test]
fn what_would_become_another_dashboard_is_refused_with_its_place() {
    let inner = json!({ "kind": "RowsLayout", "spec": { "rows": [] } });
    let library = json!({ "kind": "LibraryPanel", "spec": { "id": 1, "title": "x" } });
    let item = "/spec/layout/spec/rows/1/spec/layout/spec/items/0/spec";
    let cases = [
        (
            "/spec/layout",
            json!({ "kind": "TabsLayout", "spec": { "tabs": [] } }),
            "spec.layout: is a layout with tabs",
        ),
        (
            "/spec/layout",
            json!({ "kind": "AutoGridLayout", "spec": {} }),
            "spec.layout: is an automatic grid",
        ),
        (
            "/spec/layout",
            json!({ "kind": "Spiral", "spec": {} }),
            "spec.layout: is a layout that is not known",
        ),
        ("/spec/layout", json!("grid"), "spec.layout: must be an object"),
        (
            "/spec/layout/spec/rows/1/spec/layout",
            inner,
            "spec.layout.spec.rows[1].spec.layout: is a layout of rows",
        ),
        ("/spec/layout/spec/rows", json!(3), "spec.layout.spec.rows: must be a list"),
        ("/spec/elements/panel-1", library, "spec.elements[\"panel-1\"].kind: is a library panel: unlink"),
        (
            "/spec/elements/panel-1/spec/vizConfig",
            json!({ "kind": "VizConfig", "spec": {} }),
            "which type of panel",
        ),
        (&format!("{item}/element/name"), json!("panel-7"), "there is no element \"panel-7\""),
        (&format!("{item}/element/name"), json!("panel-2"), "stands on the page twice"),
        ("/spec/variables/1/kind", json!("Oracle"), "spec.variables[1].kind: the variable type \"Oracle\""),
        (
            "/spec/variables/1/spec/sort",
            json!("upwards"),
            "\"upwards\" is not one of disabled, alphabeticalAsc",
        ),
    ];
    for (pointer, value, expected) in cases {
        let error = read(&v2_with(pointer, value)).unwrap_err().to_string();
        assert!(error.contains(expected), "{pointer}\n  {error}\n  {expected}");
    }
}

#[test]
fn anything_else_is_refused_by_its_name() {
    let cases = [
        (json!(null), "this is null, not a dashboard"),
        (json!([]), "a list, not"),
        (json!([{ "title": "A", "panels": [] }]), "a list with 1 dashboards"),
        (json!([{ "uid": "a", "type": "dash-db" }]), "the result of a search"),
        (json!({}), "neither panels nor a title"),
        (json!({ "grafanaDashboards": {} }), "a mixin"),
        (json!({ "a.json": { "title": "A" }, "b.json": {} }), "a bundle of 2 dashboards"),
        (json!({ "apiVersion": 1, "providers": [] }), "dashboard providers"),
        (json!({ "apiVersion": 1, "datasources": [] }), "a file of data sources"),
        (json!({ "apiVersion": 1, "groups": [] }), "a file of alert rules"),
        (json!({ "groups": [{ "rules": [] }] }), "alert or recording rules"),
        (json!({ "apiVersion": "v1", "kind": "ConfigMap", "data": {} }), "a ConfigMap"),
        (json!({ "apiVersion": "v1", "kind": "List", "items": [] }), "a list of resources"),
        (
            json!({ "apiVersion": "grafana.integreatly.org/v1beta1", "kind": "GrafanaDashboard" }),
            "`spec.json`",
        ),
        (json!({ "apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule" }), "recording rules"),
        (json!({ "apiVersion": "folder.grafana.app/v1", "kind": "Folder" }), "a folder"),
        (
            json!({ "apiVersion": "dashboard.grafana.app/v0alpha1", "kind": "LibraryPanel" }),
            "a library panel",
        ),
        (json!({ "apiVersion": "dashboard.grafana.app/v7", "spec": {} }), "version \"v7\""),
        (json!({ "apiVersion": "dashboard.grafana.app/v2" }), "spec: is missing"),
        (json!({ "uid": "x", "name": "y", "model": { "type": "stat" } }), "a library panel"),
        (json!({ "type": "stat", "title": "x", "targets": [] }), "a single panel"),
        (json!({ "uid": "x", "title": "y", "hasAcl": false }), "a folder"),
        (json!({ "name": "p", "type": "prometheus", "url": "http://x", "access": "proxy" }), "a data source"),
        (json!({ "message": "Not found" }), "an error of Grafana's API"),
        (json!({ "dashboard": { "panels": [] }, "meta": { "isSnapshot": true } }), "a snapshot"),
    ];
    for (document, expected) in cases {
        let error = read(&document).unwrap_err().to_string();
        assert!(error.contains(expected), "{document}\n  {error}\n  {expected}");
    }
}

#[test]
fn a_text_that_is_no_json_is_refused_by_what_it_is() {
    let cases: [(&[u8], &str); 10] = [
        (b"", "an empty file"),
        (b"apiVersion: 1\nproviders: []\n", "YAML"),
        (b"# rules\n---\ngroups: []\n", "YAML"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"local a = 1; {}", "Jsonnet"),
        (b"\x1f\x8b\x08\x00\xff", "an archive"),
        (b"\xff\xfe{\x00", "UTF-16"),
        (b"\x00\xff", "no text"),
        (b"{\n  \"a\": 1,\n}", "line 3, column 1: trailing comma"),
        (b"{\"title\": \"x\", \"panels\": [", "line 1, column 26: EOF"),
    ];
    for (text, expected) in cases {
        let error = read_text(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\n  {expected}");
    }
    let marked = [b"\xef\xbb\xbf", br#"{ "title": "x", "panels": [] }"#.as_slice()].concat();
    assert_eq!(read_text(&marked).unwrap().origin, Origin::Classic);
}

#[test]
fn size_and_depth_are_bounded() {
    let text = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(read_text(text.as_bytes()), Err(ImportError::TooDeep));
    let mut deep = json!({ "title": "x" });
    for _ in 0..DEEPEST {
        deep = json!({ "panels": [deep] });
    }
    assert_eq!(read(&deep), Err(ImportError::TooDeep));
    let large = vec![b' '; grafana::import::LARGEST_TEXT + 1];
    assert_eq!(read_text(&large), Err(ImportError::TooLarge { bytes: large.len() }));
}

#[test]
fn ten_megabytes_are_read_in_a_few_seconds_even_by_a_busy_machine() {
    let panel = &generated()[0].1["panels"][1];
    let panels = vec![panel.clone(); 1 + 10_000_000 / panel.to_string().len()];
    let text = json!({ "title": "Large", "panels": panels }).to_string();
    assert!(text.len() > 10_000_000);
    let began = Instant::now();
    let mut imported = read_text(text.as_bytes()).unwrap();
    portable(&mut imported.dashboard).unwrap();
    println!("{} bytes in {:?}", text.len(), began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn placeholders_of_an_export_become_variables_and_values() {
    let mut dashboard = json!({
        "__inputs": [
            { "name": "DS_PROMETHEUS", "type": "datasource", "pluginId": "prometheus" },
            { "name": "DS_EXPRESSION", "type": "datasource", "pluginId": "__expr__" },
            { "name": "VAR_JOB", "type": "constant", "value": "node" },
        ],
        "__requires": [{ "type": "grafana" }],
        "__elements": {},
        "id": 17,
        "version": 3,
        "title": "Export",
        "panels": [
            { "datasource": { "type": "prometheus", "uid": "${DS_PROMETHEUS}" }, "title": "${VAR_JOB} ${other}" },
            { "datasource": { "uid": "${DS_EXPRESSION}" } },
        ],
    });
    let adaptations = portable(&mut dashboard).unwrap();
    assert_eq!(dashboard["panels"][0]["datasource"]["uid"], "${datasource}");
    assert_eq!(dashboard["panels"][0]["title"], "node ${other}");
    assert_eq!(dashboard["panels"][1]["datasource"]["uid"], "__expr__");
    assert_eq!(dashboard["templating"]["list"][0]["name"], "datasource");
    for gone in ["__inputs", "__requires", "__elements", "id", "version"] {
        assert_eq!(dashboard.get(gone), None, "{gone}");
    }
    let added = Adaptation::DataSource {
        input: "DS_PROMETHEUS".to_owned(),
        variable: "datasource".to_owned(),
        added: true,
    };
    assert!(adaptations.contains(&added), "{adaptations:?}");
    assert_eq!(portable(&mut dashboard.clone()).unwrap(), []);
}

#[test]
fn an_existing_variable_for_the_data_source_is_used_and_a_name_is_never_taken_twice() {
    let input = json!([{ "name": "DS_X", "type": "datasource", "pluginId": "loki" }]);
    for (variables, expected) in [
        (json!([{ "type": "datasource", "query": "loki", "name": "logs" }]), "${logs}"),
        (
            json!([{ "type": "datasource", "query": "prometheus", "name": "datasource" }]),
            "${datasource_loki}",
        ),
        (json!([{ "type": "custom", "name": "datasource_loki" }]), "${datasource_loki_}"),
        (json!("nonsense"), "${datasource_loki}"),
    ] {
        let mut dashboard = json!({ "title": "x", "__inputs": input, "text": "${DS_X}", "templating": { "list": variables } });
        portable(&mut dashboard).unwrap();
        assert_eq!(dashboard["text"], expected);
    }
}

#[test]
fn a_library_panel_on_a_classic_dashboard_is_refused_with_its_place() {
    let mut dashboard = json!({ "title": "x", "panels": [
        { "type": "row", "panels": [{ "title": "Shared", "libraryPanel": { "uid": "a", "name": "b" } }] },
    ]});
    let error = portable(&mut dashboard).unwrap_err().to_string();
    assert!(error.starts_with("panels[0].panels[0]: \"Shared\" is a library panel"), "{error}");
}

/// Every place of a document, as JSON pointers.
fn pointers(value: &Value) -> Vec<String> {
    fn walk(value: &Value, path: &str, all: &mut Vec<String>) {
        all.push(path.to_owned());
        match value {
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    walk(item, &format!("{path}/{i}"), all);
                }
            }
            Value::Object(fields) => {
                for (key, field) in fields {
                    walk(field, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), all);
                }
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    walk(value, "", &mut all);
    all
}

fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        Just(json!(-1)),
        Just(json!(1e300)),
        Just(json!(i64::MAX)),
        Just(json!("")),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{}])),
        Just(json!({ "kind": "GridLayout", "spec": { "items": [{}] } })),
        any::<String>().prop_map(Value::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_document_that_somebody_broke_is_read_or_refused_and_what_was_read_is_a_dashboard(
        changes in prop::collection::vec((any::<Index>(), odd_value()), 1..6),
        classic in any::<bool>(),
    ) {
        let mut document = v2();
        if classic {
            document = read(&document).unwrap().dashboard;
            document["__inputs"] = json!([{ "name": "DS", "type": "datasource", "pluginId": "prometheus" }]);
        }
        for (place, value) in changes {
            let places = pointers(&document);
            *document.pointer_mut(&places[place.index(places.len())]).unwrap() = value;
        }
        if let Ok(mut imported) = read(&document) {
            prop_assert!(imported.dashboard.is_object());
            prop_assert!(read(&imported.dashboard).is_ok());
            let _ = portable(&mut imported.dashboard);
            prop_assert_eq!(portable(&mut imported.dashboard.clone()).unwrap_or_default(), []);
        }
    }
}
