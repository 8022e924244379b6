//! `cargo xtask dashboards diff`, with a repository of its own and with the shipped dashboards.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::{MIXIN, Run, Workspace, command, shipped};

/// A repository whose one commit has the dashboards of the small mixin; nothing where there is no git.
#[allow(clippy::print_stdout, reason = "what is skipped is said")]
fn repository(name: &str) -> Option<Workspace> {
    let workspace = Workspace::new(name);
    workspace.run(&["build"]).succeeded();
    if git(&workspace, &["init", "--quiet"]).is_none() {
        println!("skipped: there is no git");
        return None;
    }
    git(&workspace, &["add", "."]).unwrap();
    git(&workspace, &["commit", "--quiet", "--message", "before"]).unwrap();
    Some(workspace)
}

fn git(workspace: &Workspace, arguments: &[&str]) -> Option<()> {
    let mut command = Command::new("git");
    command.current_dir(&workspace.0).args(["-c", "user.name=test", "-c", "user.email=test@example.com"]);
    let status = command.args(arguments).status().ok()?;
    assert!(status.success(), "git {arguments:?}");
    Some(())
}

#[test]
fn equal_dashboards_do_not_differ() {
    let Some(workspace) = repository("diff-equal") else { return };
    for format in ["html", "markdown"] {
        let run = workspace.run(&["diff", "HEAD", "--format", format]).succeeded();
        assert!(run.out.contains("No dashboard differs."), "{}", run.out);
        assert!(!run.err.contains("environment"), "{}", run.err);
    }
}

#[test]
fn changes_are_told_in_words_and_nothing_in_a_title_is_markup() {
    let Some(workspace) = repository("diff-words") else { return };
    let hostile = "<script>alert(1)</script>|[x](javascript:alert(1))";
    workspace.write(
        "dashboards/mixin.libsonnet",
        &MIXIN
            .replace("stat('Nodes')", &format!("stat('{hostile}')"))
            .replace("title: 'Two'", "title: 'Two more'"),
    );
    let page = workspace.run(&["diff", "HEAD", "--no-pictures"]).succeeded().out;
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script>"), "{page}");
    assert!(page.contains("Two<ins> more</ins>") || page.contains("<ins> </ins><ins>more</ins>"), "{page}");
    let text = workspace.run(&["diff", "HEAD", "--format", "markdown"]).succeeded().out;
    assert!(text.contains("### &lt;script&gt;alert(1)&lt;/script&gt;\\|\\[x\\]("), "{text}");
    assert!(text.contains("| title | `Two` | `Two more` |"), "{text}");
    assert!(text.contains("Dashboards: 2 changed. Panels that differ in them: 1."), "{text}");
}

#[test]
fn dashboards_that_came_and_went_are_told_and_a_file_can_be_written() {
    let Some(workspace) = repository("diff-came") else { return };
    workspace.write(
        "dashboards/mixin.libsonnet",
        &MIXIN.replace("'two.json'", "'three.json'").replace("dashboard-two", "dashboard-three"),
    );
    let run = workspace.run(&["diff", "HEAD", "--format", "markdown", "--out", "diff.md"]).succeeded();
    assert_eq!(run.out, "diff.md\n");
    let text = workspace.read("diff.md");
    assert!(text.contains("## Two (dashboard-three, added)"), "{text}");
    assert!(text.contains("## Two (dashboard-two, removed)"), "{text}");
}

#[test]
fn a_revision_that_cannot_be_read_is_refused_with_the_reason() {
    let Some(workspace) = repository("diff-bad") else { return };
    git(&workspace, &["rm", "--quiet", "-r", "--cached", "dashboards/generated"]).unwrap();
    git(&workspace, &["commit", "--quiet", "--message", "without"]).unwrap();
    for (revision, expected) in [
        ("nowhere", "\"nowhere\" is neither a folder nor a revision"),
        ("HEAD", "there are no dashboards in HEAD (dashboards/generated)"),
        ("dashboards/lib", "there are no dashboards in dashboards/lib"),
        ("", "is neither a folder nor a revision"),
    ] {
        let run = workspace.run(&["diff", revision, "--no-pictures"]);
        assert_eq!(run.code, Some(2), "{}", run.err);
        assert!(run.err.contains(expected), "{}", run.err);
    }
    workspace.run(&["diff", "HEAD~1", "--no-pictures"]).succeeded();
}

#[test]
fn without_a_repository_or_git_a_folder_can_be_given() {
    let workspace = Workspace::new("diff-folder");
    workspace.run(&["build"]).succeeded();
    let outside = |path: &str| {
        let mut command = workspace.command(&["diff", "HEAD", "--no-pictures"]);
        // A temporary folder may itself lie in a repository.
        Run::of(
            command.env("GIT_CEILING_DIRECTORIES", std::env::temp_dir()).env("PATH", path).output().unwrap(),
        )
    };
    let run = outside("/nowhere");
    assert_eq!(run.code, Some(2), "{}", run.err);
    assert!(run.err.contains("there is no git on this machine: give a folder"), "{}", run.err);
    if Command::new("git").arg("--version").output().is_ok() {
        let run = outside(&std::env::var("PATH").unwrap());
        assert!(run.err.contains("is in no git repository: give a folder"), "{}", run.err);
    }
    let run = workspace.run(&["diff", "dashboards/generated", "--no-pictures"]).succeeded();
    assert!(run.out.contains("No dashboard differs."), "{}", run.out);
}

#[test]
fn pictures_before_and_after_stand_in_the_page_or_in_files_beside_markdown() {
    let folder = Workspace::new("diff-pictures");
    let name = "k8s-otel-net-pod.json";
    for entry in fs::read_dir(shipped().join("dashboards/generated")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let text = fs::read_to_string(&path).unwrap();
            folder.write(&format!("before/{}", path.file_name().unwrap().to_string_lossy()), &text);
        }
    }
    let mut before: Value = serde_json::from_str(&folder.read(&format!("before/{name}"))).unwrap();
    before["panels"][1]["fieldConfig"]["defaults"]["unit"] = "bytes".into();
    before["panels"].as_array_mut().unwrap().pop();
    folder.write(&format!("before/{name}"), &before.to_string());
    let diff = |arguments: &[&str]| {
        let mut command = command(&shipped());
        command.arg("diff").arg(folder.path("before")).args(["--nodes", "3", "--pods", "20"]).args(arguments);
        Run::of(command.output().unwrap()).succeeded()
    };
    let page = diff(&[]).out;
    assert_eq!(
        page.matches("data:image/svg+xml;base64,").count(),
        3,
        "two of the changed panel, one of the new one"
    );
    assert!(page.contains("<th>unit</th>"), "{}", &page[..2000]);
    assert!(!page.contains("<script") && !page.contains("src=\"http"));
    let (pictures, out) = (folder.path("pictures"), folder.path("diff.md"));
    diff(&["--format", "markdown", "--pictures", pictures.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    let text = folder.read("diff.md");
    assert!(text.contains("![before](pictures/k8s-otel-net-pod-1-before.svg)"), "{text}");
    let (old, new) = (
        folder.read("pictures/k8s-otel-net-pod-1-before.svg"),
        folder.read("pictures/k8s-otel-net-pod-1-after.svg"),
    );
    assert!(old.starts_with("<svg ") && new.starts_with("<svg ") && old != new);
}
