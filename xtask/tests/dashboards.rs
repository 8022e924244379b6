//! `cargo xtask dashboards` as a user runs it, on a small mixin in a folder of its own and on the shipped one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "dashboards/diff.rs"]
mod diff;
#[path = "dashboards/import.rs"]
mod import;
#[path = "dashboards/readme.rs"]
mod readme;
#[path = "dashboards/render.rs"]
mod render;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::Value;

const MIXIN: &str = "\
local panels = import 'lib/panels.libsonnet';
{
  grafanaDashboards+:: {
    'one.json': { uid: 'dashboard-one', title: 'One', panels: [panels.stat('Nodes')] },
    'two.json': {
      uid: 'dashboard-two',
      title: 'Two',
      panels: [],
      templating: { list: [{ name: 'cluster', type: 'query' }] },
    },
  },
}
";

const PANELS: &str = "\
{
  stat(title):: { type: 'stat', title: title, id: 1 },
}
";

/// A workspace with nothing but a small mixin in it. Removed in the end.
struct Workspace(PathBuf);

impl Workspace {
    fn new(name: &str) -> Self {
        let name = format!("kubernetes-mixin-otel-dashboards-{}-{name}", std::process::id());
        let workspace = Self(std::env::temp_dir().join(name));
        workspace.write("dashboards/mixin.libsonnet", MIXIN);
        workspace.write("dashboards/lib/panels.libsonnet", PANELS);
        workspace
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    fn mixin(&self, from: &str, to: &str) {
        assert!(MIXIN.contains(from), "{from}");
        self.write("dashboards/mixin.libsonnet", &MIXIN.replace(from, to));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(&self.0);
        command.args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().unwrap())
    }

    /// The names in the folder of generated files.
    fn generated(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("dashboards/generated")).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn modified(&self, file: &str) -> SystemTime {
        fs::metadata(self.path(file)).unwrap().modified().unwrap()
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The real workspace.
fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The program, as if `workspace` were the folder it was built from.
fn command(workspace: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.env("CARGO_MANIFEST_DIR", workspace.join("xtask")).current_dir(workspace);
    command.env("RUST_BACKTRACE", "0").stdin(Stdio::null()).arg("dashboards");
    command
}

/// How a command ended and what it said.
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Run {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn failed_with(self, parts: &[&str]) -> Self {
        assert_eq!(self.code, Some(1), "{}{}", self.out, self.err);
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is not in:\n{}", self.err);
        }
        self
    }
}

#[test]
fn a_build_writes_canonical_json_and_a_second_one_touches_nothing() {
    let workspace = Workspace::new("build");
    let run = workspace.run(&["build"]).succeeded();
    assert_eq!(workspace.generated(), ["FILES", "one.json", "two.json"]);
    let text = workspace.read("dashboards/generated/one.json");
    assert!(
        text.starts_with("{\n  \"panels\": [\n    {\n      \"id\": 1,\n") && text.ends_with("}\n"),
        "{text}"
    );
    let rows: Vec<Vec<&str>> = run.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["dashboard", "panels", "bytes", "change"]);
    assert_eq!(rows[1], ["one.json", "1", &text.len().to_string(), "new"]);
    assert_eq!(rows[2][..2], ["two.json", "0"]);
    assert!(
        run.err.contains("2 dashboards, 1 panels, 2 files differed (") && run.err.contains(" ms)"),
        "{}",
        run.err
    );

    let before = workspace.modified("dashboards/generated/one.json");
    thread::sleep(Duration::from_millis(20));
    let run = workspace.run(&["build"]).succeeded();
    assert!(run.err.contains("no file differs"), "{}", run.err);
    assert!(!run.out.contains("new") && !run.out.contains("changed"), "{}", run.out);
    assert_eq!(workspace.modified("dashboards/generated/one.json"), before);
}

#[test]
fn only_what_changed_is_written() {
    let workspace = Workspace::new("changed");
    workspace.run(&["build"]).succeeded();
    let before = workspace.modified("dashboards/generated/two.json");
    workspace.mixin("Nodes", "Pods");
    let run = workspace.run(&["build"]).succeeded();
    assert!(
        run.out.lines().any(|line| line.starts_with("one.json") && line.ends_with("changed")),
        "{}",
        run.out
    );
    assert!(workspace.read("dashboards/generated/one.json").contains("\"Pods\""));
    assert_eq!(workspace.modified("dashboards/generated/two.json"), before);
    assert_eq!(workspace.generated(), ["FILES", "one.json", "two.json"], "nothing is left lying about");
}

#[test]
fn a_check_succeeds_after_a_build_and_shows_what_differs_after_an_edit() {
    let workspace = Workspace::new("check");
    workspace.run(&["build"]).succeeded();
    let run = workspace.run(&["build", "--check"]).succeeded();
    assert_eq!(run.out, "");

    workspace.mixin("Nodes", "Pods");
    let run = workspace
        .run(&["build", "--check"])
        .failed_with(&["1 file differed", "`cargo xtask dashboards build`"]);
    assert!(run.out.contains("dashboards/generated/one.json differs\n"), "{}", run.out);
    assert!(
        run.out.contains("-       \"title\": \"Nodes\",\n  +       \"title\": \"Pods\",\n"),
        "{}",
        run.out
    );
    assert!(!run.out.contains("two.json"), "{}", run.out);
    assert!(workspace.read("dashboards/generated/one.json").contains("Nodes"), "a check writes nothing");
}

#[test]
fn a_check_writes_nothing_where_nothing_has_been_built() {
    let workspace = Workspace::new("nothing");
    let run = workspace.run(&["build", "--check"]).failed_with(&[]);
    assert!(run.out.contains("dashboards/generated/one.json is missing\n"), "{}", run.out);
    assert!(!workspace.path("dashboards/generated").exists());
}

#[test]
fn the_file_of_a_removed_dashboard_goes_and_other_peoples_files_stay() {
    let workspace = Workspace::new("removed");
    workspace.run(&["build"]).succeeded();
    // The very form that a build would give it.
    let mine = workspace.read("dashboards/generated/one.json");
    workspace.write("dashboards/generated/mine.json", &mine);
    workspace.write("dashboards/generated/notes.txt", "notes");
    workspace.mixin("'two.json': {", "'two.json':: {");

    let run = workspace.run(&["build", "--check"]).failed_with(&[]);
    assert!(run.out.contains("two.json is no longer made\n"), "{}", run.out);
    assert!(run.out.contains("mine.json is none of these dashboards"), "{}", run.out);

    let run = workspace.run(&["build"]).succeeded();
    assert!(
        run.out.lines().any(|line| line.starts_with("two.json") && line.ends_with("removed")),
        "{}",
        run.out
    );
    assert!(run.err.contains("left alone: dashboards/generated/mine.json"), "{}", run.err);
    assert_eq!(workspace.generated(), ["FILES", "mine.json", "notes.txt", "one.json"]);
    assert_eq!(workspace.read("dashboards/generated/mine.json"), mine);
}

#[test]
fn a_file_that_somebody_else_wrote_is_not_overwritten() {
    let workspace = Workspace::new("foreign");
    workspace.write("dashboards/generated/one.json", "{\"mine\": true}");
    workspace
        .run(&["build"])
        .failed_with(&["dashboards/generated/one.json exists and was not written by this command"]);
    assert_eq!(workspace.read("dashboards/generated/one.json"), "{\"mine\": true}");
    assert_eq!(workspace.generated(), ["one.json"]);
}

#[test]
fn a_list_that_was_tampered_with_removes_nothing_outside_the_folder() {
    let workspace = Workspace::new("tampered");
    workspace.run(&["build"]).succeeded();
    workspace.write("dashboards/precious.json", "{}");
    workspace.write("dashboards/generated/FILES", "../precious.json\none.json\ntwo.json\n");
    workspace.run(&["build"]).succeeded();
    assert!(workspace.path("dashboards/precious.json").exists());
}

#[test]
fn a_syntax_error_shows_its_place_and_keeps_the_files() {
    let workspace = Workspace::new("syntax");
    workspace.run(&["build"]).succeeded();
    let before = workspace.read("dashboards/generated/one.json");
    workspace
        .write("dashboards/lib/panels.libsonnet", "{\n  stat(title):: { type: 'stat' title: title },\n}\n");
    let run = workspace.run(&["build"]).failed_with(&[
        "error: ",
        "--> dashboards/lib/panels.libsonnet:2:",
        "2 |   stat(title):: { type: 'stat' title: title },",
        "^",
        "in variable panels, dashboards/mixin.libsonnet:4:",
    ]);
    assert_eq!(run.out, "");
    assert_eq!(workspace.read("dashboards/generated/one.json"), before);
    assert_eq!(workspace.generated(), ["FILES", "one.json", "two.json"]);
}

#[test]
fn an_error_in_a_library_is_told_with_the_way_that_led_there() {
    let workspace = Workspace::new("assert");
    workspace.write(
        "dashboards/lib/panels.libsonnet",
        "{\n  stat(title):: assert title != 'Nodes' : 'no such title'; { type: 'stat' },\n}\n",
    );
    let run =
        workspace.run(&["build"]).failed_with(&["no such title", "dashboards/lib/panels.libsonnet:2:17"]);
    let place = |part| run.err.find(part).unwrap_or_else(|| panic!("{part:?} is not in:\n{}", run.err));
    assert!(place("dashboards/mixin.libsonnet:4:") < place("in field panels"), "{}", run.err);
    assert!(place("in field panels") < place("in field one.json"), "{}", run.err);
}

#[test]
fn dashboards_that_cannot_live_together_are_named() {
    let workspace = Workspace::new("flaws");
    for (from, to, parts) in [
        ("uid: 'dashboard-two',", "", &["two.json has no uid"][..]),
        (
            "'dashboard-two'",
            "'dashboard-one'",
            &["one.json and two.json have the same uid \"dashboard-one\""],
        ),
        ("'dashboard-two'", "'two'", &["the uid \"two\" of two.json (Two) is not valid: use 8 to 40"]),
        ("'dashboard-two'", "'Dashboard Two'", &["the uid \"Dashboard Two\" of two.json is not valid"]),
        ("title: 'Two'", "title: 'One'", &["one.json and two.json have the same title \"One\""]),
        ("'two.json': {", "'../two.json': {", &["\"../two.json\" is no name for a dashboard"]),
        ("grafanaDashboards+", "grafanaDashboard", &["no field grafanaDashboards"]),
    ] {
        workspace.mixin(from, to);
        for command in [&["build"][..], &["build", "--check"], &["list"]] {
            let run = workspace.run(command).failed_with(parts);
            assert!(run.err.contains("mixin.libsonnet"), "{}", run.err);
        }
        assert!(!workspace.path("dashboards/generated").exists(), "{to}");
    }
}

#[test]
fn what_grafana_would_ignore_is_told_and_built_all_the_same() {
    let workspace = Workspace::new("ignored");
    workspace.mixin("title: 'Two',", "title: 'Two', refrehs: '1m',");
    let run = workspace.run(&["build"]).succeeded();
    assert!(
        run.err.contains("two.json: refrehs: Grafana has no such property (did you mean refresh?)"),
        "{}",
        run.err
    );
}

#[test]
fn a_list_is_a_table_or_json() {
    let workspace = Workspace::new("list");
    let run = workspace.run(&["list"]).succeeded();
    assert_eq!(
        run.out,
        "uid            title  panels  variables  file\n\
         dashboard-one  One         1             one.json\n\
         dashboard-two  Two         0  cluster    two.json\n"
    );
    let run = workspace.run(&["list", "--format", "json"]).succeeded();
    let list: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(
        list[1],
        serde_json::json!({
            "uid": "dashboard-two", "title": "Two", "panels": 0, "variables": ["cluster"], "file": "two.json",
        })
    );
    assert!(!workspace.path("dashboards/generated").exists());
}

#[test]
fn titles_cannot_command_the_terminal() {
    let workspace = Workspace::new("hostile");
    workspace.mixin("title: 'Two'", "title: '\\u001b[2J\\n<script>' + std.trace('\\u001b[2J', '')");
    for command in [&["list"][..], &["build"], &["build", "--check"]] {
        let run = workspace.run(command).succeeded();
        assert!(!run.out.contains('\u{1b}') && !run.err.contains('\u{1b}'), "{}{}", run.out, run.err);
    }
    let list: Value = serde_json::from_str(&workspace.run(&["list", "--format", "json"]).out).unwrap();
    assert_eq!(list[1]["title"], "\u{1b}[2J\n<script>", "programs get it as it is");
}

#[test]
fn a_project_of_its_own_imports_the_mixin_and_builds_into_a_folder_of_its_own() {
    let workspace = Workspace::new("consumer");
    workspace.write(
        "platform/main.libsonnet",
        "(import 'mixin.libsonnet') + { grafanaDashboards+:: { 'two.json':: {}, 'three.json': (import 'three.libsonnet') } }\n",
    );
    workspace.write("shared/three.libsonnet", "{ uid: 'dashboard-three', title: 'Three', panels: [] }\n");
    let mixin = ["build", "--mixin", "platform/main.libsonnet", "-J", "shared"];
    let run = workspace.run(&mixin);
    assert_eq!(run.code, Some(2), "{}", run.err);
    assert!(run.err.contains("--mixin needs --out"), "{}", run.err);
    workspace.run(&[&mixin[..], &["--out", "platform/generated"]].concat()).succeeded();
    assert!(workspace.path("platform/generated/three.json").exists());
    assert!(workspace.path("platform/generated/one.json").exists());
    assert!(!workspace.path("platform/generated/two.json").exists());
    assert!(!workspace.path("dashboards/generated").exists());
}

/// A program that watches, ended with the test.
struct Watching {
    process: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(workspace: &Workspace) -> Self {
        let mut command = workspace.command(&["build", "--watch"]);
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        // Ends with the process, whose end closes the pipe.
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { process, lines }
    }

    /// Waits until it says something.
    #[track_caller]
    fn says(&self, part: &str) {
        let mut said = String::new();
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(20)) {
            if line.contains(part) {
                return;
            }
            said.push_str(&line);
            said.push('\n');
        }
        panic!("{part:?} was not said, but:\n{said}");
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn watching_builds_after_each_save_and_a_broken_save_keeps_the_last_good_files() {
    let workspace = Workspace::new("watch");
    let watching = Watching::start(&workspace);
    watching.says("2 files differed");
    watching.says("watching ");

    workspace.write("dashboards/lib/panels.libsonnet", &PANELS.replace("id: 1", "id: 2"));
    watching.says("1 file differed");
    let good = workspace.read("dashboards/generated/one.json");
    assert!(good.contains("\"id\": 2"), "{good}");

    workspace.write("dashboards/lib/panels.libsonnet", "{ stat(title):: ");
    watching.says("--> dashboards/lib/panels.libsonnet:1:");
    watching.says("the files stay as they were");
    assert_eq!(workspace.read("dashboards/generated/one.json"), good);

    fs::remove_file(workspace.path("dashboards/lib/panels.libsonnet")).unwrap();
    watching.says("--> dashboards/mixin.libsonnet:1:");

    workspace.write("dashboards/lib/panels.libsonnet", &PANELS.replace("id: 1", "id: 3"));
    watching.says("1 file differed");
    assert!(workspace.read("dashboards/generated/one.json").contains("\"id\": 3"));
}

#[test]
fn the_shipped_dashboards_are_what_their_sources_give() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let run = Run::of(command(root).args(["build", "--check"]).output().unwrap());
    assert_eq!(run.code, Some(0), "`cargo xtask dashboards build` mends it\n{}{}", run.out, run.err);
    assert!(!run.err.contains("Grafana has no such property"), "{}", run.err);
}

#[test]
fn the_shipped_example_of_a_project_of_its_own_builds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let run =
        command(root).args(["list", "--mixin", "dashboards/examples/own-mixin.libsonnet"]).output().unwrap();
    assert!(Run::of(run).succeeded().out.contains("platform-overview"));
}

#[test]
fn the_provisioning_files_for_grafana_fit_what_is_built() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let provider = fs::read_to_string(root.join("deploy/lgtm/dashboards.yaml")).unwrap();
    let config = fs::read_to_string(root.join("dashboards/config.libsonnet")).unwrap();
    let folder = provider.lines().find_map(|line| line.trim().strip_prefix("folder: ")).unwrap();
    assert!(config.contains(&format!("folder: '{folder}'")), "{folder}");
    // What the comment tells to mount is what the provider reads.
    let path = provider.lines().find_map(|line| line.trim().strip_prefix("path: ")).unwrap();
    assert!(provider.contains(&format!("-v ./dashboards/generated:{path}:ro")), "{path}");
}
