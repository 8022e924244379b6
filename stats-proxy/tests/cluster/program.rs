//! The program itself.

use std::io::{BufRead as _, BufReader, Lines, Read as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::watching::small;

const TOKEN: &str = "a-token-that-nobody-may-see";

/// A file that is gone afterwards.
pub(crate) struct Temporary(PathBuf);

impl Temporary {
    pub(crate) fn file(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stats-proxy-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    pub(crate) fn kubeconfig(name: &str, server: &str) -> Self {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
             clusters: [{{name: it, cluster: {{server: \"{server}\"}}}}]\n\
             users: [{{name: me, user: {{token: {TOKEN}}}}}]\n\
             contexts: [{{name: here, context: {{cluster: it, user: me}}}}]\n"
        );
        Self::file(name, &text)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A running program that ends with the test, and its log.
pub(crate) struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    /// What it has logged so far.
    pub(crate) log: Vec<String>,
}

impl Program {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = program(arguments).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines, log: Vec::new() }
    }

    /// Waits for an event.
    pub(crate) fn next(&mut self, event: &str) -> Value {
        loop {
            let line = self.lines.next().expect("the program ended").unwrap();
            let value: Value = serde_json::from_str(&line).expect("a line of JSON");
            self.log.push(line);
            if value["message"] == event {
                return value;
            }
        }
    }

    /// Ends it by SIGTERM; answers how long that took.
    #[cfg(unix)]
    pub(crate) fn end(&mut self) -> Duration {
        let begin = Instant::now();
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        assert_eq!(self.next("ending: requests that run are finished")["signal"], "SIGTERM");
        assert!(self.child.wait().unwrap().success());
        let took = begin.elapsed();
        self.log.extend(self.lines.by_ref().map(|line| line.unwrap()));
        took
    }
}

/// What it answers.
pub(crate) fn answer(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

pub(crate) fn program(arguments: &[&str]) -> Command {
    program_at("127.0.0.1:0", arguments)
}

fn program_at(address: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stats-proxy"));
    command
        .args(["--listen", address])
        .args(arguments)
        .env_remove("KUBECONFIG")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .env("HOME", std::env::temp_dir().join("nobody-lives-here"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(unix)]
async fn it_follows_a_kubeconfig_logs_json_without_secrets_and_ends_at_sigterm() {
    let serving = small().serve(0).await;
    let kubeconfig = Temporary::kubeconfig("kubeconfig", &format!("http://{}", serving.address));
    let file = kubeconfig.path();
    let mut program = Program::start(&["--kubeconfig", file, "--log-level", "debug"]);
    let address = program.next("serving")["address"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        program.next("listed");
    }
    assert!(answer(&address, "/nodes/a/stats/summary").contains("\"name\":\"web-1\""));
    let took = program.end();
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(!program.log.iter().any(|line| line.contains(TOKEN)), "{:?}", program.log);
    serving.kill().await;
}

#[test]
fn what_keeps_it_from_starting_is_told_in_one_line() {
    let kubeconfig = Temporary::kubeconfig("unused", "http://127.0.0.1:1");
    let file = kubeconfig.path();
    for (arguments, part) in [
        (vec!["--kubeconfig", "/nowhere/kubeconfig"], "failed to use the kubeconfig /nowhere/kubeconfig"),
        (vec!["--kubeconfig", file, "--context", "there"], "there"),
        (vec![], "neither a kubeconfig (--kubeconfig FILE) nor a pod's service account"),
    ] {
        let output = program(&arguments).output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), log.lines().count()), (Some(1), 1), "{log}");
        let line: Value = serde_json::from_str(log.trim()).unwrap();
        assert_eq!((&line["level"], &line["message"]), (&"ERROR".into(), &"ended".into()));
        assert!(line["reason"].as_str().unwrap().contains(part), "{log}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = program_at(&address, &["--kubeconfig", file]).output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains(&format!("failed to listen on {address} (--listen)")), "{log}");
}
