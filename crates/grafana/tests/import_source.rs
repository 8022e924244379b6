//! A dashboard becomes source, and the source builds to the same dashboard.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use grafana::import::source::{Library, Source, comparable, write};
use grafana::import::{portable, read, read_text};
use grafana::jsonnet::{Evaluator, Roots};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn library() -> Library {
    let roots = Roots::new(workspace().join("dashboards"), []).unwrap();
    Library::load(Evaluator::new(roots)).unwrap()
}

fn source_of(library: &Library, dashboard: &Value, name: &str) -> Source {
    write(dashboard.as_object().unwrap(), name, "a test", library)
}

/// Writes, builds and compares.
#[track_caller]
fn comes_back(library: &Library, dashboard: &Value, name: &str) -> String {
    let source = source_of(library, dashboard, name);
    let text = source.text("../lib/index.libsonnet");
    let built = library.build(&source).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
    assert_eq!(comparable(&built), comparable(dashboard), "{name}\n{text}");
    text
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

#[test]
fn each_of_our_dashboards_comes_back_from_its_source_and_nearly_all_panels_use_the_library() {
    let library = library();
    let files = json_files(&workspace().join("dashboards/generated"));
    assert!(files.len() >= 16);
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().replace("k8s-otel-", "");
        let dashboard: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let text = comes_back(&library, &dashboard, &name);
        assert!(text.contains("uid: config.uidPrefix + $.name"), "{name}");
        for kind in ["timeseries", "stat", "gauge", "bargauge"] {
            let raw = format!("{{\n        type: '{kind}'");
            assert!(!text.contains(&raw), "{name}: a raw {kind}\n{text}");
        }
        assert!(
            text.contains("[v.datasource, v.cluster") || text.contains("[v.datasource]"),
            "{name}\n{text}"
        );
    }
}

#[test]
fn dashboards_of_several_styles_come_back_from_their_sources() {
    let library = library();
    for file in json_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import")) {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let mut imported =
            read_text(&fs::read(&file).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        portable(&mut imported.dashboard).unwrap();
        comes_back(&library, &imported.dashboard, &name);
    }
}

#[test]
fn a_source_reads_like_those_beside_it() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/v2.json");
    let imported = read_text(&fs::read(file).unwrap()).unwrap();
    let text = comes_back(&library(), &imported.dashboard, "shop-overview");
    expect_test::expect_file!["import/v2.libsonnet"].assert_eq(&text);
}

#[test]
fn odd_values_in_every_place_come_back_too() {
    let library = library();
    for odd in [
        json!({ "title": "No panels" }),
        json!({ "title": "Panels of another kind", "panels": "none" }),
        json!({ "title": "x", "panels": [null, 3, "panel", [], {}] }),
        json!({ "title": "x", "panels": [{ "type": "stat", "targets": "x" }, { "type": "stat", "targets": [1, {}] }] }),
        json!({ "title": "x", "panels": [{ "type": "stat", "size": 3, "key": "y", "targets": [] }] }),
        json!({ "title": "x", "panels": [{ "type": "row" }, { "type": "row", "panels": [{ "type": "row" }] }] }),
        json!({ "title": "x", "panels": [{ "type": "row", "title": "r", "id": 1, "collapsed": true, "y": 3,
            "gridPos": { "x": 0, "y": 0, "w": 24, "h": 1 }, "panels": [{ "type": "text", "id": 2 }] }] }),
        json!({ "title": "x", "templating": { "list": {}, "enable": true }, "panels": [] }),
        json!({ "title": "x", "templating": "x", "links": 1, "tags": null, "uid": 3 }),
        json!({ "title": "'\"\\\n|||\r\n\u{202e}%s $x ${y}", "local": { "self": "import", "a b": 1, "": 2 } }),
        json!({ "title": "x", "panels": [{ "type": "timeseries", "title": "T", "targets": (0..40)
            .map(|i| json!({ "expr": format!("metric_{i}"), "refId": format!("Q{i}") })).collect::<Vec<_>>() }] }),
    ] {
        comes_back(&library, &odd, "odd");
    }
}

#[test]
fn a_title_cannot_leave_its_comment() {
    let text = comes_back(&library(), &json!({ "title": "A\nerror 'out'\r//", "panels": [] }), "odd");
    assert!(text.starts_with("// A error 'out' //: imported from a test.\nlocal lib"), "{text}");
}

fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!(false)),
        Just(json!(-1)),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{}])),
        Just(json!("")),
        "[ -~\n\t]{0,30}".prop_map(Value::from),
    ]
}

fn change(value: &mut Value, place: &mut usize, with: &mut Option<Value>) {
    if *place == 0 {
        if let Some(new) = with.take() {
            *value = new;
        }
        return;
    }
    *place -= 1;
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| change(item, place, with)),
        Value::Object(fields) => fields.values_mut().for_each(|field| change(field, place, with)),
        _ => {}
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_dashboard_that_somebody_changed_anywhere_comes_back(
        changes in prop::collection::vec((any::<Index>(), odd_value()), 1..12),
    ) {
        thread_local! {
            static LIBRARY: Library = library();
        }
        let file = workspace().join("dashboards/generated/k8s-otel-pod.json");
        let mut dashboard: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        for (place, value) in changes {
            // Not the root: that has to stay an object.
            let mut place = 1 + place.index(count(&dashboard) - 1);
            change(&mut dashboard, &mut place, &mut Some(value));
        }
        prop_assert!(read(&dashboard).is_ok());
        LIBRARY.with(|library| comes_back(library, &dashboard, "pod"));
    }
}
