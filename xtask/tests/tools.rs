//! `doctor` and `pins` as a user runs them: the real program, a home of its own, servers on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// A home folder that is removed in the end.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("kmo-tools-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// The program, which sees neither the user's engine nor the user's proxy.
    fn xtask(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(arguments).env("HOME", &self.0).env("RUST_BACKTRACE", "0");
        command.env("DOCKER_HOST", format!("unix://{}/no-engine.sock", self.0.display()));
        for variable in
            ["XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "DOCKER_CONFIG", "DOCKER_CONTEXT"]
        {
            command.env_remove(variable);
        }
        for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(variable).env_remove(variable.to_lowercase());
        }
        command
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Answers every request with what `answer` makes of its first line.
fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&seen);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let Some(line) = reader.next() else { continue };
            let _headers = reader.take_while(|line| !line.is_empty()).count();
            lines.lock().unwrap().push(line.clone());
            let _ = stream.write_all(&answer(&line));
        }
    });
    (address, seen)
}

fn answer(status: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Of nothing that is served here.
const SHA256: &str = "d6ffe1df81cc04f00781cf9fc6ff7b2a44a79d2d2b5c1b6b2e4d5d1c1e2d6c35";

/// Pins whose files are on a server, for every platform the same.
fn pins(server: &str, kwokctl: &str) -> String {
    let platforms = ["linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64"];
    let downloads: String = platforms
        .iter()
        .map(|platform| {
            format!("      {platform}:\n        url: http://{server}/kwokctl\n        sha256: {kwokctl} # of {platform}\n")
        })
        .collect();
    format!(
        "# kept\ntools:\n  kwokctl:\n    version: 0.8.0\n    minimum: 0.8.0\n    downloads:\n{downloads}  k3d:\n    \
         version: 5.9.0\n    minimum: 5.9.0\n    downloads: {{}}\n  helm:\n    version: 4.2.4\n    minimum: 4.0.0\n    \
         downloads: {{}}\ncharts: {{}}\nimages:\n  a:\n    image: {server}/a:1\n    digest: null\n    megabytes: null\n    for: [kwok]\n"
    )
}

const MANIFEST: &str = r#"{"layers":[{"size":1500000}],"config":{"size":1}}"#;

fn files(body: &'static [u8]) -> (String, Arc<Mutex<Vec<String>>>) {
    serve(move |line| match line.split(' ').nth(1).unwrap_or_default() {
        "/kwokctl" => answer("200 OK", body),
        "/v2/a/manifests/1" => answer("200 OK", MANIFEST.as_bytes()),
        _ => answer("404 Not Found", b""),
    })
}

#[test]
fn pins_update_fills_in_what_is_not_known_and_verify_finds_it_right() {
    let home = Home::new("update");
    let (server, _) = files(b"#!tool");
    let path = home.write("pins.yaml", &pins(&server, "null"));
    let file = path.to_str().unwrap();

    let list = home.xtask(&["pins", "list", "--file", file]).output().unwrap();
    assert!(text(&list.stdout).contains("0 of 4 hashes"), "{}", text(&list.stdout));

    let update = home.xtask(&["pins", "update", "--file", file]).output().unwrap();
    assert!(update.status.success(), "{}", text(&update.stderr));
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written.starts_with("# kept\n") && written.contains("# of linux-amd64"), "{written}");
    assert!(written.contains("megabytes: 2\n") && !written.contains("null"), "{written}");

    let verify = home.xtask(&["pins", "verify", "--file", file]).output().unwrap();
    assert!(verify.status.success(), "{}{}", text(&verify.stdout), text(&verify.stderr));
    let table = text(&verify.stdout);
    for told in ["✓  kwokctl linux-amd64 ", "hash right", "✓  image a ", "digest right"] {
        assert!(table.contains(told), "{told}: {table}");
    }

    // Nothing is left to do.
    let again = home.xtask(&["pins", "update", "--file", file]).output().unwrap();
    assert!(again.status.success() && again.stdout.is_empty());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
}

#[test]
fn pins_verify_fails_where_something_else_or_nothing_is() {
    let home = Home::new("verify");
    let (server, _) = files(b"#!something else");
    let wrong = home.write("wrong.yaml", &pins(&server, SHA256));
    let verify = home.xtask(&["pins", "verify", "--file", wrong.to_str().unwrap()]).output().unwrap();
    assert_eq!(verify.status.code(), Some(1));
    assert!(text(&verify.stdout).contains(&format!("pinned is {SHA256}")), "{}", text(&verify.stdout));
    let quick = ["pins", "verify", "--addresses-only", "--file", wrong.to_str().unwrap()];
    let quick = home.xtask(&quick).output().unwrap();
    assert!(quick.status.success(), "{}", text(&quick.stdout));

    let absent = home.write("absent.yaml", &pins(&server, SHA256).replace("/kwokctl", "/moved"));
    let verify = home.xtask(&["pins", "verify", "--file", absent.to_str().unwrap()]).output().unwrap();
    assert_eq!(verify.status.code(), Some(1));
    assert!(text(&verify.stdout).contains("answered 404: there is no such file"), "{}", text(&verify.stdout));
}

#[test]
fn pins_that_cannot_be_read_are_refused_with_their_place() {
    let home = Home::new("broken");
    let path =
        home.write("pins.yaml", &pins("127.0.0.1:1", "null").replace("version: 5.9.0", "version: five"));
    let list = home.xtask(&["pins", "list", "--file", path.to_str().unwrap()]).output().unwrap();
    assert_eq!(list.status.code(), Some(2));
    let error = text(&list.stderr);
    assert!(error.contains("pins.yaml:") && error.contains("\"five\" is no version"), "{error}");
}

#[cfg(not(feature = "https"))]
#[test]
fn without_tls_the_shipped_pins_are_not_asked_for_and_the_command_that_can_is_said() {
    let home = Home::new("https");
    for action in ["verify", "update"] {
        let output = home.xtask(&["pins", action]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let error = text(&output.stderr);
        let command = format!("`cargo run --quiet --package xtask --features https -- pins {action}`");
        assert!(error.contains(&command), "{error}");
    }
}

#[test]
fn downloads_go_through_the_proxy_of_the_environment() {
    let home = Home::new("proxy");
    let (proxy, seen) = proxy(b"#!tool");
    let text_of = pins("tools.example", "null").replace("tools.example/a:1", "127.0.0.1:1/a:1");
    let path = home.write("pins.yaml", &text_of);
    let proxied = |arguments: &[&str]| {
        let proxy = format!("http://{proxy}");
        home.xtask(arguments).env("HTTP_PROXY", &proxy).env("http_proxy", &proxy).output().unwrap()
    };
    let verify = ["pins", "verify", "--file", path.to_str().unwrap()];
    let output = proxied(&verify);
    assert_eq!(text(&output.stdout).matches("is there, 0.0 MB").count(), 4, "{}", text(&output.stdout));
    let seen = seen.lock().unwrap();
    assert!(seen.iter().all(|line| line.contains("tools.example")) && seen.len() >= 4, "{seen:?}");
}

/// A proxy that answers for every host itself, in a tunnel or not.
fn proxy(body: &'static [u8]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&seen);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            while let Some(line) = reader.next() {
                let _headers = reader.by_ref().take_while(|line| !line.is_empty()).count();
                if line.starts_with("CONNECT ") {
                    lines.lock().unwrap().push(line);
                    let _ = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
                } else {
                    if line.contains("://") {
                        lines.lock().unwrap().push(line);
                    }
                    let _ = stream.write_all(&answer("200 OK", body));
                    break;
                }
            }
        }
    });
    (address, seen)
}

#[test]
fn a_tool_is_fetched_once_and_offline_it_is_said_that_it_is_not_there() {
    let home = Home::new("fetch");
    let (server, seen) = files(b"#!/bin/sh\necho kwokctl version v0.8.0\n");
    let path = home.write("pins.yaml", &pins(&server, "null"));
    let file = path.to_str().unwrap();
    let fetch = |flags: &[&str]| {
        let arguments = [&["pins", "fetch", "kwokctl", "--file", file], flags].concat();
        // PATH has a shell and no tools.
        home.xtask(&arguments).env("PATH", "/nowhere").output().unwrap()
    };
    let unknown = fetch(&[]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("no known sha256"), "{}", text(&unknown.stderr));
    assert!(home.xtask(&["pins", "update", "--file", file]).output().unwrap().status.success());

    let offline = fetch(&["--offline"]);
    assert_eq!(offline.status.code(), Some(1));
    assert!(text(&offline.stderr).contains("--offline forbids"), "{}", text(&offline.stderr));

    let before = seen.lock().unwrap().len();
    let fetched = fetch(&[]);
    assert!(fetched.status.success(), "{}", text(&fetched.stderr));
    assert!(text(&fetched.stdout).contains("the cache"), "{}", text(&fetched.stdout));
    assert!(fetch(&["--offline"]).status.success());
    assert_eq!(seen.lock().unwrap().len(), before + 1);
}

fn doctor(home: &Home, arguments: &[&str]) -> (Output, Value) {
    let arguments = [&["doctor", "--format", "json"], arguments].concat();
    let output = home.xtask(&arguments).output().unwrap();
    let value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr)));
    (output, value)
}

fn probe<'a>(report: &'a Value, name: &str) -> &'a Value {
    let probes = report["probes"].as_array().unwrap();
    probes.iter().find(|probe| probe["name"] == name).unwrap_or_else(|| panic!("{name}: {report}"))
}

#[test]
fn doctor_fails_only_for_an_environment_that_lacks_something_and_each_lack_has_a_command() {
    let home = Home::new("doctor");
    let (output, report) = doctor(&home, &[]);
    assert!(output.status.success(), "{report}");
    assert_eq!((&report["ready"], &report["environment"]), (&Value::Bool(true), &Value::Null));
    assert_eq!(probe(&report, "engine")["state"], "info");
    assert!(
        probe(&report, "--runtime auto")["summary"]
            .as_str()
            .unwrap()
            .starts_with("embedded, as no container engine")
    );

    for environment in ["kwok", "dev"] {
        let (output, report) = doctor(&home, &[environment]);
        assert_eq!(output.status.code(), Some(1), "{report}");
        assert_eq!(
            (&report["ready"], &report["environment"]),
            (&Value::Bool(false), &Value::from(environment))
        );
        let engine = probe(&report, "engine");
        assert_eq!((&engine["state"], &engine["required"]), (&Value::from("failed"), &Value::Bool(true)));
        for probe in report["probes"].as_array().unwrap() {
            assert!(probe["state"] != "failed" || probe["fix"].is_string(), "{probe}");
        }
    }
    let people = home.xtask(&["doctor", "kwok"]).output().unwrap();
    assert!(text(&people.stdout).contains(" ✗ engine") && text(&people.stdout).contains("fix: "));
    assert!(text(&people.stderr).contains("to be mended before `cargo xtask kwok --runtime docker`"));
}

#[test]
fn doctor_is_done_in_time_though_the_engine_hangs_and_says_so() {
    let home = Home::new("hang");
    let socket = home.0.join("hangs.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    thread::spawn(move || {
        let streams: Vec<_> = listener.incoming().map_while(Result::ok).collect();
        drop(streams);
    });
    let started = Instant::now();
    let output = home
        .xtask(&["doctor", "kwok", "--format", "json"])
        .env("DOCKER_HOST", format!("unix://{}", socket.display()))
        .output()
        .unwrap();
    assert!(started.elapsed() < Duration::from_secs(40), "it hung itself");
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let engine = probe(&report, "engine");
    assert!(engine["summary"].as_str().unwrap().contains("did not answer within 3 s"), "{engine}");
}
