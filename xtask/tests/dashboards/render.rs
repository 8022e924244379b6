//! `cargo xtask dashboards render`, with the shipped dashboards and a small cluster.

use std::fs;

use super::{Run, Workspace, command, shipped};

const SMALL: [&str; 4] = ["--nodes", "3", "--pods", "20"];

fn render(folder: &Workspace, out: &str, arguments: &[&str]) -> Run {
    let mut command = command(&shipped());
    command.arg("render").args(arguments).args(SMALL).arg("--out").arg(folder.path(out));
    Run::of(command.output().unwrap())
}

#[test]
fn a_dashboard_is_one_file_that_needs_no_other_and_the_same_each_time() {
    let folder = Workspace::new("render");
    let run = render(&folder, "one", &["k8s-otel-pod", "k8s-otel-net-cluster.json"]).succeeded();
    assert!(
        run.out.contains("one/k8s-otel-pod.svg") && run.out.contains("one/k8s-otel-net-cluster.svg"),
        "{}",
        run.out
    );
    assert!(run.err.contains("✓ draw k8s-otel-pod: "), "{}", run.err);
    assert!(!run.err.contains('•'), "no panel has an error: {}", run.err);
    render(&folder, "two", &["k8s-otel-pod", "k8s-otel-net-cluster.json"]).succeeded();
    for name in ["k8s-otel-pod.svg", "k8s-otel-net-cluster.svg"] {
        let text = folder.read(&format!("one/{name}"));
        assert!(text == folder.read(&format!("two/{name}")), "{name} differs from run to run");
        assert!(text.starts_with("<svg "), "{name}");
        for outside in ["<script", "<link", "@import", "src=\"http", "url(http"] {
            assert!(!text.contains(outside), "{name} has {outside}");
        }
        assert!(text.contains("class=\"theme-dark\"") && text.contains("<path"), "{name}");
    }
    render(&folder, "other", &["k8s-otel-pod", "--seed", "2"]).succeeded();
    assert!(folder.read("one/k8s-otel-pod.svg") != folder.read("other/k8s-otel-pod.svg"));
}

#[test]
fn form_colours_range_and_variables_can_be_chosen() {
    let folder = Workspace::new("render-chosen");
    let arguments = ["k8s-otel-namespace-pods", "--format", "html", "--theme", "light", "--range", "30m"];
    render(&folder, "out", &[&arguments[..], &["--var", "namespace=kube-system"]].concat()).succeeded();
    let text = folder.read("out/k8s-otel-namespace-pods.html");
    assert!(text.starts_with("<!DOCTYPE html>") && text.contains("theme-light"), "{}", &text[..200]);
    assert!(text.contains("11:30:00") && text.contains("kube-system"));
    assert!(!text.contains("<script"));
}

#[test]
fn what_is_not_there_is_refused_with_what_was_probably_meant() {
    let folder = Workspace::new("render-bad");
    for (arguments, expected) in [
        (vec!["k8s-otel-pdo"], "there is no dashboard \"k8s-otel-pdo\"; did you mean k8s-otel-pod?"),
        (vec!["nothing-like-it"], "`cargo xtask dashboards list` shows all of them"),
        (vec!["k8s-otel-pod", "--var", "namespaec=x"], "did you mean namespace?"),
        (vec!["k8s-otel-pod", "--var", "namespace"], "give NAME=VALUE"),
        (vec!["--range", "yesterday"], "--range, --from, --to: "),
        (vec!["--from", "now", "--to", "now-1h"], "--range, --from, --to: "),
        (vec!["--to", "now+1h"], "--to is in the future"),
        (vec!["--range", "1h", "--from", "now-1h"], "cannot be used with"),
    ] {
        let run = render(&folder, "out", &arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {}", run.err);
        assert!(run.err.contains(expected), "{arguments:?}: {}", run.err);
    }
    folder.write("file", "");
    render(&folder, "file/out", &["k8s-otel-pod"]).failed_with(&["failed to make "]);
    assert!(fs::read(folder.path("file")).unwrap().is_empty());
}
