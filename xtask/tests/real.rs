//! What the commands do with what is written down about environments on a container engine: the real program, without an engine.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A home with environments written down in it. It is removed in the end.
struct Home(PathBuf);

impl Home {
    fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("kmo-real-{}-{test}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn record(&self, name: &str) -> PathBuf {
        self.0.join("state/kubernetes-mixin-otel/real").join(name).join("environment.json")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.record(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Runs a command: its exit code, and what it printed on stdout and stderr.
    fn run(&self, program: &str, arguments: &[&str], docker_host: &str) -> (Option<i32>, String, String) {
        let output = Command::new(program)
            .args(arguments)
            .env("HOME", &self.0)
            .env("XDG_STATE_HOME", self.0.join("state"))
            .env("DOCKER_HOST", docker_host)
            .env("RUST_BACKTRACE", "0")
            .env("CARGO", "/nowhere/cargo")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const NOBODY: &str = "unix:///nowhere/chosen.sock";

// Elsewhere the state folder does not follow XDG_STATE_HOME.
#[cfg(target_os = "linux")]
#[test]
fn a_damaged_record_is_told_with_its_file_and_never_taken_for_nothing() {
    let home = Home::new("damaged");
    home.write("kwok", "{\"name\": \"kwok\", ");
    let file = home.record("kwok").display().to_string();
    let xtask = env!("CARGO_BIN_EXE_xtask");
    for (arguments, stdout) in [
        (&["status"][..], ""),
        (&["status", "--format", "json"], "[]\n"),
        (&["status", "--name", "kwok"], ""),
        (&["query", "up"], ""),
        (&["logs"], ""),
        (&["kwok", "--runtime", "docker"], ""),
        (&["kwok"], ""),
    ] {
        let (code, out, err) = home.run(xtask, arguments, NOBODY);
        assert_eq!((code, out.as_str()), (Some(1), stdout), "{arguments:?}: {err}");
        assert!(err.contains(&file) && err.contains("`cargo xtask down`"), "{arguments:?}: {err}");
        assert_eq!(err.trim_end().lines().count(), 1, "{arguments:?}: {err}");
    }
    assert!(home.record("kwok").exists());
}

#[cfg(all(target_os = "linux", feature = "clusters"))]
mod on_an_engine {
    use serde_json::{Value, json};
    use tools::engine::fake::{FakeEngine, docker};

    use super::*;

    const XTASK: &str = env!("CARGO_BIN_EXE_xtask-clusters");

    fn record(name: &str, engine: &str) -> String {
        let value: Value = json!({
            "name": name, "kind": "kwok", "since": "2026-11-23T12:00:00Z", "is_up": true,
            "grafana_url": "http://127.0.0.1:1", "prometheus_url": "http://127.0.0.1:1", "otlp_url": "http://127.0.0.1:1",
            "engine": engine, "flags": {"nodes": 1},
        });
        value.to_string()
    }

    #[test]
    fn an_environment_is_asked_for_on_its_own_engine_whichever_is_chosen_now() {
        let home = Home::new("engines");
        let chosen = FakeEngine::start("chosen", docker(json!([])));
        let own = "unix:///nowhere/own.sock";
        home.write("kwok", &record("kwok", own));
        for arguments in [&["down"][..], &["down", "--all"], &["logs"], &["logs", "lgtm"]] {
            let (code, _, err) = home.run(XTASK, arguments, &chosen.host());
            assert_eq!(code, Some(1), "{arguments:?}: {err}");
            assert!(err.contains(own) && err.contains("start it and try again"), "{arguments:?}: {err}");
        }
        let (code, out, err) = home.run(XTASK, &["status"], &chosen.host());
        assert_eq!(code, Some(1), "{err}");
        assert!(out.contains("silent: ") && out.contains(own), "{out}");
        assert!(home.record("kwok").exists(), "it was forgotten although it may run");
        assert_eq!(chosen.requests(), Vec::<String>::new());
    }

    #[test]
    fn a_start_on_another_engine_than_the_environments_is_refused() {
        let home = Home::new("another");
        let chosen = FakeEngine::start("another", docker(json!([])));
        home.write("second", &record("second", "unix:///nowhere/own.sock"));
        let before = std::fs::read_to_string(home.record("second")).unwrap();
        let start = ["kwok", "--runtime", "docker", "--name", "second"];
        let (code, _, err) = home.run(XTASK, &start, &chosen.host());
        assert_eq!(code, Some(1), "{err}");
        assert!(
            err.contains("DOCKER_HOST=unix:///nowhere/own.sock") && err.contains(&chosen.host()),
            "{err}"
        );
        assert_eq!(std::fs::read_to_string(home.record("second")).unwrap(), before);
        // Neither does another command take its name.
        let (code, _, err) = home.run(XTASK, &["dev", "--name", "second"], &chosen.host());
        assert!(code == Some(1) && err.contains("`cargo xtask kwok --runtime docker`"), "{err}");
    }
}

#[test]
fn without_an_engine_a_start_says_so_before_anything_is_built() {
    let home = Home::new("no-engine");
    // By itself, so that the program with the clients of engines would have to be built: by a cargo that is none.
    let alone = home.0.join("xtask").with_extension(std::env::consts::EXE_EXTENSION);
    std::fs::copy(env!("CARGO_BIN_EXE_xtask"), &alone).unwrap();
    for arguments in [&["kwok", "--runtime", "docker"][..], &["dev"]] {
        let (code, stdout, stderr) = home.run(alone.to_str().unwrap(), arguments, NOBODY);
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains("nothing was begun: engine (no container engine answers"), "{stderr}");
    }
}
