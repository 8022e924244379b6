//! Sets of dashboards out of Jsonnet: their names, their uids, their bytes.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::path::Path;

use grafana::dashboards::{Dashboards, Problem};
use serde_json::json;
use support::Folder;

fn messages(result: Result<Dashboards, Vec<Problem>>) -> Vec<String> {
    result.unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn a_mixin_gives_the_dashboards_of_its_hidden_field() {
    let mixin = "(import 'lib.libsonnet') + { grafanaDashboards+:: { 'b.json': { uid: 'b', title: $._config.title } } }";
    let lib = "{ _config+:: { title: 'B' }, grafanaDashboards+:: { 'a.json': { uid: 'a', panels: [] } } }";
    let folder = Folder::new(&[("mixin.libsonnet", mixin), ("lib.libsonnet", lib)]);
    let built = Dashboards::from_mixin(&folder.evaluator(), Path::new("mixin.libsonnet"));
    let dashboards = built.result.unwrap();
    let files: Vec<(&str, String)> = dashboards.rendered().collect();
    assert_eq!(files[0], ("a.json", "{\n  \"panels\": [],\n  \"uid\": \"a\"\n}\n".to_owned()));
    assert_eq!(files[1], ("b.json", "{\n  \"title\": \"B\",\n  \"uid\": \"b\"\n}\n".to_owned()));
    assert!(built.files.contains(&folder.path("lib.libsonnet")));
}

#[test]
fn a_consumer_overrides_the_configuration_and_adds_a_dashboard() {
    let mixin = "{ _config+:: { cluster: 'cluster' },\n  grafanaDashboards+:: { 'a.json': { uid: 'a', title: $._config.cluster } } }";
    let consumer = "(import 'mixin/mixin.libsonnet') + { _config+:: { cluster: 'k8s' }, grafanaDashboards+:: { 'mine.json': { uid: 'mine' } } }";
    let folder = Folder::new(&[("vendor/mixin/mixin.libsonnet", mixin), ("my.libsonnet", consumer)]);
    let roots = grafana::jsonnet::Roots::new(&folder.0, [folder.path("vendor")]).unwrap();
    let built = Dashboards::from_mixin(&grafana::jsonnet::Evaluator::new(roots), Path::new("my.libsonnet"));
    let dashboards = built.result.unwrap();
    assert_eq!(dashboards.get("a.json").unwrap()["title"], json!("k8s"));
    assert_eq!(dashboards.len(), 2);
}

#[test]
fn a_folder_gives_one_dashboard_a_file_or_several() {
    let folder = Folder::new(&[
        ("set/one.jsonnet", "{ uid: 'one', panels: [] }"),
        ("set/many.jsonnet", "{ ['%s.json' % uid]: { uid: uid } for uid in ['x', 'y'] }"),
        ("set/lib.libsonnet", "error 'not evaluated'"),
    ]);
    let built = Dashboards::from_folder(&folder.evaluator(), &folder.path("set"));
    let names: Vec<String> = built.result.unwrap().iter().map(|(file, _)| file.to_owned()).collect();
    assert_eq!(names, ["one.json", "x.json", "y.json"]);
    assert!(built.files.contains(&folder.path("set/many.jsonnet")));
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let folder = Folder::new(&[
        ("a.jsonnet", "{ title: 'no uid' }"),
        ("b.jsonnet", "{ uid: 'same', title: 'b' }"),
        ("c.jsonnet", "{ uid: 'same', title: 'c' }"),
        ("d.jsonnet", "{ 'b.json': { uid: 'd' }, '../e.json': {}, 'f.json': 1 }"),
        ("g.jsonnet", "{ uid: 'a b', title: 'g' }"),
        ("h.jsonnet", "[]"),
        ("i.jsonnet", "{ uid: 'i', title: 'i' + self.subtitle }"),
    ]);
    let built = Dashboards::from_folder(&folder.evaluator(), &folder.0);
    assert_eq!(
        messages(built.result),
        [
            "\"../e.json\" is no name for a dashboard: use letters, digits, '.', '-' and '_', with .json at the end",
            "b.json is made twice, by b.jsonnet and by d.jsonnet",
            "d.jsonnet: f.json is no dashboard: expected an object",
            "h.jsonnet: expected an object of dashboards by file name",
            "i.jsonnet:1:26: the object has no field subtitle",
            "a.json has no uid: give it a stable one of at most 40 letters, digits, '-' and '_'",
            "b.json and c.json have the same uid \"same\"",
            "the uid \"a b\" of g.json is not valid: at most 40 letters, digits, '-' and '_'",
        ]
    );
    assert!(built.files.contains(&folder.path("i.jsonnet")), "a broken file is watched");
}

#[test]
fn a_missing_folder_and_a_missing_mixin_are_problems() {
    let folder = Folder::new(&[("no.libsonnet", "{}")]);
    let built = Dashboards::from_folder(&folder.evaluator(), &folder.path("gone"));
    assert!(messages(built.result)[0].starts_with("cannot read "));
    let built = Dashboards::from_mixin(&folder.evaluator(), Path::new("gone.libsonnet"));
    assert!(messages(built.result)[0].contains("there is no such file"));
    let built = Dashboards::from_mixin(&folder.evaluator(), Path::new("no.libsonnet"));
    assert!(messages(built.result)[0].contains("the object has no field grafanaDashboards"));
}
