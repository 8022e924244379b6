//! `cargo xtask dashboards import`, with the shipped library and folders of its own for what it writes.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use super::{Run, Workspace, command, shipped};

/// Runs `dashboards import` on a document in a file, with our library.
fn import(folder: &Workspace, document: &str, arguments: &[&str]) -> Run {
    folder.write("export.json", document);
    import_file(folder.path("export.json"), arguments)
}

fn import_file(file: PathBuf, arguments: &[&str]) -> Run {
    Run::of(command(&shipped()).arg("import").arg(file).args(arguments).output().unwrap())
}

fn v2_sample() -> Value {
    let file = shipped().join("crates/grafana/tests/import/v2.json");
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn an_imported_dashboard_builds_to_the_bytes_that_it_had() {
    let folder = Workspace::new("import-same");
    let original = shipped().join("dashboards/generated/k8s-otel-pod.json");
    let out = folder.path("platform");
    let run = import_file(original.clone(), &["--out", out.to_str().unwrap()]).succeeded();
    assert_eq!(run.out.trim_end(), out.join("pod.libsonnet").to_str().unwrap());
    assert!(run.err.contains("to build it: local pod = import 'pod.libsonnet'; …"), "{}", run.err);
    // As the hint says.
    folder.write(
        "platform/mixin.libsonnet",
        "local pod = import 'pod.libsonnet';\n\
         (import 'config.libsonnet') {\n  grafanaDashboards+:: {\n    \
         'pod.json': pod.dashboard($._config, pod.queries, pod.variables($._config)),\n  },\n}\n",
    );
    let (mixin, generated) = (folder.path("platform/mixin.libsonnet"), folder.path("generated"));
    let build = ["build", "--mixin", mixin.to_str().unwrap(), "--out", generated.to_str().unwrap()];
    Run::of(command(&shipped()).args(build).output().unwrap()).succeeded();
    assert_eq!(
        fs::read_to_string(generated.join("pod.json")).unwrap(),
        fs::read_to_string(original).unwrap()
    );
}

#[test]
fn an_imported_dashboard_can_be_written_to_stdout_and_read_from_stdin() {
    let mut child: Child = command(&shipped())
        .args(["import", "-", "--out", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let document = v2_sample().to_string();
    child.stdin.take().unwrap().write_all(document.as_bytes()).unwrap();
    let run = Run::of(child.wait_with_output().unwrap()).succeeded();
    assert!(run.err.contains("import stdin: a resource (v2), 3 panels, 3 variables ("), "{}", run.err);
    assert!(run.out.starts_with("// Shop / Overview: imported from stdin.\n"), "{}", run.out);
    assert!(run.out.contains("local lib = import '../lib/index.libsonnet';"), "{}", run.out);
}

#[test]
fn a_source_that_is_there_is_replaced_only_by_force() {
    let folder = Workspace::new("import-force");
    let out = folder.path("sources");
    let arguments = ["--out", out.to_str().unwrap()];
    let document = v2_sample().to_string();
    import(&folder, &document, &arguments).succeeded();
    folder.write("sources/shop-overview.libsonnet", "// by hand\n");
    import(&folder, &document, &arguments)
        .failed_with(&["this source is there already: --force replaces it"]);
    assert_eq!(folder.read("sources/shop-overview.libsonnet"), "// by hand\n");
    import(&folder, &document, &[arguments.as_slice(), &["--force"]].concat()).succeeded();
    assert!(folder.read("sources/shop-overview.libsonnet").contains("name: 'shop-overview'"));
    import(&folder, &document, &[arguments.as_slice(), &["--uid", "k8s-otel-shop"]].concat()).succeeded();
    assert!(folder.read("sources/shop.libsonnet").contains("uid: config.uidPrefix + $.name"));
}

#[test]
fn what_the_classic_form_cannot_say_is_refused_unless_it_may_be_left_out() {
    let folder = Workspace::new("import-lossy");
    let mut document = v2_sample();
    document["spec"]["elements"]["panel-1"]["spec"]["subtitle"] = json!("per second");
    let document = document.to_string();
    import(&folder, &document, &["--out", "-"]).failed_with(&[
        "spec.elements[\"panel-1\"].spec.subtitle: the classic form has no subtitles",
        "--lossy",
    ]);
    let run = import(&folder, &document, &["--out", "-", "--lossy"]).succeeded();
    assert!(run.err.contains("left out: spec.elements[\"panel-1\"].spec.subtitle"), "{}", run.err);
}

#[test]
fn placeholders_of_an_export_are_told_with_what_became_of_them() {
    let file = shipped().join("crates/grafana/tests/import/old-export.json");
    let run = import_file(file.clone(), &["--out", "-"]);
    run.failed_with(&["the uid \"rYdddlPWk\" is not valid here", "--uid k8s-otel-node-an-old-export"]);
    let run = import_file(file, &["--out", "-", "--uid", "k8s-otel-node-an-old-export"]).succeeded();
    assert!(run.err.contains("${DS_PROMETHEUS} became ${datasource}, a new variable"), "{}", run.err);
    assert!(run.err.contains("version removed: it belongs to one Grafana"), "{}", run.err);
    assert!(!run.out.contains("DS_PROMETHEUS"), "{}", run.out);
}

#[test]
fn bad_input_is_refused_with_its_name_and_nothing_is_written() {
    let folder = Workspace::new("import-bad");
    let out = folder.path("out");
    let hostile = json!({ "title": "\u{1b}[2J", "kind": "\u{1b}[2J", "apiVersion": "\u{1b}[2J" }).to_string();
    let tabs = {
        let mut document = v2_sample();
        document["spec"]["layout"] = json!({ "kind": "TabsLayout", "spec": { "tabs": [] } });
        document.to_string()
    };
    let cases = [
        ("", "an empty file"),
        ("{", "line 1, column 1: EOF"),
        ("apiVersion: 1\nproviders: []\n", "YAML"),
        ("[]", "a list"),
        ("{\"grafanaDashboards\": {}}", "a mixin"),
        ("{\"groups\": []}", "alert or recording rules"),
        (
            "{\"kind\": \"LibraryPanel\", \"apiVersion\": \"dashboard.grafana.app/v0alpha1\"}",
            "a library panel",
        ),
        (
            "{\"title\": \"No uid\", \"panels\": []}",
            "the dashboard has no uid; choose one: --uid k8s-otel-no-uid",
        ),
        (&tabs, "spec.layout: is a layout with tabs"),
        (&hostile, "a resource of kind"),
    ];
    for (document, expected) in cases {
        let run = import(&folder, document, &["--out", out.to_str().unwrap()]);
        assert!(!run.err.contains('\u{1b}'), "{}", run.err);
        run.failed_with(&[expected]);
        assert!(!out.exists());
    }
    for (arguments, expected) in [
        (vec!["import", "/nowhere.json"], "there is no file /nowhere.json"),
        (vec!["import", "/tmp"], "/tmp is a folder; give one file"),
        (vec!["import", "/dev/null", "--uid", "UID"], "use 8 to 40 of a-z, 0-9 and '-'"),
    ] {
        let run = Run::of(command(&shipped()).args(arguments).output().unwrap());
        assert_eq!(run.code, Some(2), "{}", run.err);
        assert!(run.err.contains(expected), "{}", run.err);
    }
}

#[test]
fn ten_megabytes_are_imported_or_refused_but_nothing_is_lost() {
    let folder = Workspace::new("import-large");
    let panel = json!({ "type": "stat", "title": "Panel", "targets": [{ "expr": "x".repeat(20_000), "refId": "A" }] });
    let document =
        json!({ "title": "Large", "uid": "large-dashboard", "panels": vec![panel; 500] }).to_string();
    assert!(document.len() > 10_000_000);
    let run = import(&folder, &document, &["--out", "-"]).succeeded();
    assert_eq!(run.out.matches("place(panel.").count() + run.out.matches("finish(panel.").count(), 500);
}
