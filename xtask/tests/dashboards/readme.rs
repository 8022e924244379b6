//! The instructions in `dashboards/README.md`, followed to the letter.

use std::fs;
use std::path::Path;

use super::{Workspace, shipped};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

/// The blocks of Jsonnet under a heading, without the indentation that they have in a list.
fn blocks(readme: &str, heading: &str) -> Vec<String> {
    let section = readme.split(heading).nth(1).unwrap().split("\n## ").next().unwrap();
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in section.lines() {
        match (&mut block, line.trim()) {
            (None, "```jsonnet") => block = Some(String::new()),
            (None, _) => {}
            (Some(_), "```") => blocks.extend(block.take()),
            (Some(block), _) => *block += &format!("{line}\n"),
        }
    }
    blocks
}

#[test]
fn whoever_follows_the_readme_gets_the_panel() {
    let workspace = Workspace::new("readme");
    copy(&shipped().join("dashboards"), &workspace.path("dashboards"));
    let readme = workspace.read("dashboards/README.md");
    let blocks = blocks(&readme, "## Add a panel");
    let [query, panel] = blocks.as_slice() else { panic!("two blocks: {blocks:?}") };

    let source = "dashboards/sources/namespace-pods.libsonnet";
    let before = workspace.read(source);
    let line = "    cpuUtilisationFromRequests:: ";
    let row = "res.memoryQuota(), rss],";
    assert!(before.matches(line).count() == 1 && before.matches(row).count() == 1, "the README names these");
    let after = before.replace(line, &format!("{query}{line}"));
    workspace.write(source, &after.replace(row, &format!("res.memoryQuota(), rss,\n{panel}],")));

    let run = workspace.run(&["build"]).succeeded();
    assert!(run.err.contains("1 file differed"), "{}", run.err);
    assert!(!run.err.contains("Grafana has no such property"), "{}", run.err);
    let built = workspace.read("dashboards/generated/k8s-otel-namespace-pods.json");
    assert!(built.contains("\"title\": \"Major page faults by pod\""));
    assert!(built.contains("k8s_pod_memory_major_page_faults_ratio{"));
}
