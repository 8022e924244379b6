//! `cargo xtask check-dashboards` as a user runs it: on the shipped dashboards, on files that are none, and on one that
//! can be mended.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A folder that is removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("kubernetes-mixin-otel-check-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.0.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        file
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(arguments: &[&str], paths: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("check-dashboards").args(arguments).args(paths).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Wrong in three ways, of which two have one remedy alone; written by hand, so not in canonical form.
const PODS: &str = r#"{
    "uid": "pods-example", "title": "Pods", "schemaVersion": 42, "refresh": "5s",
    "templating": { "list": [
        { "name": "datasource", "type": "datasource", "query": "prometheus" },
        { "name": "pod", "type": "query", "query": "label_values(kube_pod_info, pod)", "refresh": 0,
          "datasource": { "type": "prometheus", "uid": "${datasource}" } }
    ] },
    "panels": [
        { "id": 1, "type": "timeseries", "title": "Restarts",
          "datasource": { "type": "prometheus", "uid": "${datasource}" },
          "gridPos": { "x": 0, "y": 0, "w": 24, "h": 8 },
          "targets": [{ "refId": "A", "expr": "sum(kube_pod_container_status_restarts_total{pod=\"$pod\"}" }] }
    ]
}
"#;

#[test]
fn the_shipped_dashboards_have_no_findings() {
    let output = run(&["--deny", "infos"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}\n{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("k8s-otel-cluster.json"), "{}", stdout(&output));
}

#[test]
fn every_format_tells_the_same_findings() {
    let scratch = Scratch::new("formats");
    let file = scratch.write("pods.json", PODS);
    let in_format = |format: &str| {
        let output = run(&["--format", format], &[&file]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        stdout(&output)
    };
    let human = in_format("human");
    assert!(human.contains("error[Q01]"), "{human}");
    assert!(human.contains("pods.json"), "{human}");
    let json: Value = serde_json::from_str(&in_format("json")).unwrap();
    let findings = json["findings"].as_array().unwrap();
    let broken = findings.iter().find(|finding| finding["rule"] == "Q01").unwrap();
    let line = PODS.lines().position(|line| line.contains("restarts_total")).unwrap() + 1;
    assert_eq!(broken["line"], line, "{broken}");
    assert_eq!(broken["panel"]["title"], "Restarts");
    let sarif: Value = serde_json::from_str(&in_format("sarif")).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), findings.len());
    let github = in_format("github");
    assert_eq!(github.lines().count(), findings.len(), "{github}");
    assert!(github.contains(&format!(",line={line},")), "{github}");
    assert!(in_format("markdown").contains("| Q01 |"));
}

#[test]
fn fix_mends_what_has_one_remedy_and_leaves_the_rest_as_it_was_written() {
    let scratch = Scratch::new("fix");
    let file = scratch.write("pods.json", PODS);
    let output = run(&["--fix"], &[&file]);
    assert!(stderr(&output).contains("mended"), "{}", stderr(&output));
    let mended = fs::read_to_string(&file).unwrap();
    assert_eq!(mended, PODS.replace("\"5s\"", "\"1m\"").replace("\"refresh\": 0", "\"refresh\": 2"));
    run(&["--fix"], &[&file]);
    assert_eq!(fs::read_to_string(&file).unwrap(), mended);
}

#[cfg(unix)]
#[test]
fn a_mended_file_is_for_those_who_could_read_it_before() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::new("mode");
    let file = scratch.write("pods.json", PODS);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    run(&["--fix"], &[&file]);
    assert_ne!(fs::read_to_string(&file).unwrap(), PODS);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn fix_says_which_files_it_cannot_write() {
    let scratch = Scratch::new("v2");
    let file = scratch.write(
        "v2.json",
        r#"{ "apiVersion": "dashboard.grafana.app/v2beta1", "kind": "Dashboard", "metadata": { "name": "a" },
             "spec": { "title": "A", "elements": {}, "layout": { "kind": "GridLayout", "spec": { "items": [] } } } }"#,
    );
    let output = run(&["--fix"], &[&file]);
    assert!(stderr(&output).contains("this is the form v2"), "{}", stderr(&output));
}

#[test]
fn one_of_our_own_dashboards_is_judged_alone_with_the_others_as_targets_of_its_links() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let file = root.join("dashboards/generated/k8s-otel-pv.json");
    let output = run(&["--deny", "infos"], &[&file]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

#[test]
fn a_mixin_finds_what_was_fetched_beside_it_and_learns_of_other_folders() {
    let scratch = Scratch::new("vendor");
    scratch.write("vendor/lib.libsonnet", "{ title: 'A' }");
    let mixin = "{ grafanaDashboards+:: { 'a.json': { uid: 'a' } + (import 'lib.libsonnet') } }";
    for name in ["mixin.libsonnet", "sources/mixin.libsonnet"] {
        let output = run(&["--rule", "J01"], &[&scratch.write(name, mixin)]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", stdout(&output));
    }
    let output = run(&[], &[&scratch.write("other.libsonnet", "import 'nowhere.libsonnet'")]);
    assert!(stdout(&output).contains("-J FOLDER"), "{}", stdout(&output));
}

/// Tells its time once, and is gone.
fn dying_server() -> String {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        drop(listener);
        let mut request = [0; 4096];
        let _ = stream.read(&mut request);
        let body =
            r#"{"status":"success","data":{"resultType":"scalar","result":[1780315200,"1780315200"]}}"#;
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:";
        let _ = write!(stream, "{head} {}\r\n\r\n{body}", body.len());
    });
    format!("http://{address}")
}

#[test]
fn what_is_found_without_answers_is_told_even_if_the_server_dies() {
    let scratch = Scratch::new("dying");
    let mut pods: Value = serde_json::from_str(PODS).unwrap();
    for id in 2..9 {
        let panel = serde_json::json!({ "id": id, "type": "stat", "targets": [{ "refId": "A", "expr": format!("a{id}") }] });
        pods["panels"].as_array_mut().unwrap().push(panel);
    }
    let file = scratch.write("pods.json", &pods.to_string());
    let output = run(&["--prometheus", &dying_server()], &[&file]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stdout(&output).contains("error[Q01]"), "{}", stdout(&output));
    assert!(stderr(&output).contains("judged without answers"), "{}", stderr(&output));
}

#[test]
fn programs_get_all_findings_and_a_thousand_panels_of_one_id_are_mended_at_once() {
    let scratch = Scratch::new("many");
    let panels: Vec<Value> = (0..1_200)
        .map(|row| {
            serde_json::json!({ "id": 1, "type": "text", "title": "T", "gridPos": { "x": 0, "y": row, "w": 24, "h": 1 } })
        })
        .collect();
    let value =
        serde_json::json!({ "uid": "many-panels", "title": "A", "schemaVersion": 42, "panels": panels });
    let file = scratch.write("many.json", &value.to_string());
    let json: Value =
        serde_json::from_str(&stdout(&run(&["--rule", "P01", "--format", "json"], &[&file]))).unwrap();
    assert_eq!(json["findings"].as_array().unwrap().len(), 1_199);
    let output = run(&["--rule", "P01", "--fix"], &[&file]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stderr(&output).contains("and 1179 more"), "{}", stderr(&output));
}

#[test]
fn one_rule_can_be_asked_for_and_an_unknown_one_is_refused() {
    let scratch = Scratch::new("rule");
    let file = scratch.write("pods.json", PODS);
    let output = run(&["--rule", "v02", "--format", "github"], &[&file]);
    assert_eq!((output.status.code(), stdout(&output).lines().count()), (Some(0), 1), "{}", stdout(&output));
    assert_eq!(run(&["--rule", "v02", "--deny", "warnings"], &[&file]).status.code(), Some(1));
    let output = run(&["--rule", "X99"], &[&file]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("there is no rule \"X99\""), "{}", stderr(&output));
}

#[test]
fn bad_input_is_told_with_its_place() {
    let scratch = Scratch::new("bad");
    let empty = scratch.write("empty.json", "");
    let cut = scratch.write("cut.json", &PODS[..PODS.len() / 2]);
    let list = scratch.write("list.json", "[1, 2]");
    let broken = scratch.write("broken.libsonnet", "{\n  grafanaDashboards: nothing,\n}\n");
    for (file, part) in [
        (&empty, "the file is empty"),
        (&cut, "this is no JSON"),
        (&list, "list"),
        (&broken, "broken.libsonnet:2:22"),
    ] {
        let output = run(&[], &[file]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(stdout(&output).contains(part), "{part}: {}", stdout(&output));
    }
    let nothing = scratch.0.join("nothing");
    fs::create_dir(&nothing).unwrap();
    for path in [&nothing, &scratch.0.join("is-not-there.json")] {
        let output = run(&[], &[path]);
        assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
        assert!(
            stderr(&output).starts_with(" ✗") || stderr(&output).contains("error: "),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn a_folder_is_searched_for_dashboards_and_other_json_in_it_passed_over() {
    let scratch = Scratch::new("folder");
    scratch.write("a/pods.json", PODS);
    scratch.write("a/package.json", "{ \"name\": \"x\" }");
    scratch.write("a/node_modules/x/deep.json", PODS);
    // A ring of links must not be followed.
    #[cfg(unix)]
    std::os::unix::fs::symlink(&scratch.0, scratch.0.join("a/ring")).unwrap();
    let output = run(&["--format", "json"], &[&scratch.0]);
    let json: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let files: std::collections::BTreeSet<&str> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["dashboard"].as_str().unwrap())
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
}

#[test]
fn a_hidden_field_of_jsonnet_suppresses_a_finding_until_its_day() {
    let scratch = Scratch::new("suppressed");
    let mixin = |until: &str| {
        let text = format!(
            "{{ grafanaDashboards+:: {{ 'a.json': {{ uid: 'a-dashboard', title: 'A', schemaVersion: 42, panels: [{{
                id: 1, type: 'text', title: 'T', gridPos: {{ x: 0, y: 0, w: 30, h: 4 }},
                suppressed:: [{{ rule: 'P03', reason: 'the wall has 30 columns', until: '{until}' }}],
            }}] }} }} }}"
        );
        let file = scratch.write("mixin.libsonnet", &text);
        run(&["--format", "github"], &[&file])
    };
    let output = mixin("2999-12-31");
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), ""), "{}", stderr(&output));
    let output = mixin("2000-01-01");
    assert!(stdout(&output).contains("P03") && stdout(&output).contains("expired"), "{}", stdout(&output));
}

#[test]
fn rules_are_explained() {
    let explain = |id: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask")).args(["explain", id]).output().unwrap();
        (output.status.code(), stdout(&output))
    };
    let (code, text) = explain("J02");
    assert!(code == Some(0) && text.contains("But so"), "{text}");
    assert_eq!(explain("nonsense").0, Some(2));
}
