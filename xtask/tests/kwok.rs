//! The commands as a user runs them: the real program, real sockets on loopback, real signals.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "kwok/lifecycle.rs"]
mod lifecycle;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program with a home of its own, so that it neither sees nor disturbs the user's environment.
fn xtask(home: &Home) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.env("HOME", &home.0).env_remove("XDG_STATE_HOME").env("RUST_BACKTRACE", "0");
    command
}

/// How many pods the latest scrape has seen. Without the times it would count those of the last five minutes.
const PODS: &str = "count(max by (k8s_namespace_name, k8s_pod_name) \
     (timestamp(k8s_pod_phase) == scalar(max(timestamp(k8s_pod_phase)))))";

/// A folder that is removed in the end.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("kubernetes-mixin-otel-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running environment, ended with the test.
struct Environment {
    process: Child,
    stderr: BufReader<ChildStderr>,
    api: String,
    otlp: String,
    kubelets: String,
    page: String,
}

impl Environment {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut process = xtask(home)
            .args(["kwok", "--api-port", "0", "--otlp-port", "0", "--stats-port", "0", "--web-port", "0"])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let (mut api, mut otlp, mut kubelets, mut page) = Default::default();
        let mut seen = String::new();
        let mut line = String::new();
        while stderr.read_line(&mut line).unwrap() > 0 {
            let url = || line.split_whitespace().last().unwrap_or_default().to_owned();
            if line.contains("dashboards ") {
                page = url();
            } else if line.contains("Prometheus API ") {
                api = url();
            } else if line.contains("OTLP metrics ") {
                otlp = url();
            } else if line.contains("kubelets ") {
                kubelets = url().trim_end_matches("/nodes/NODE/stats/summary").to_owned();
            } else if line.contains("Ctrl-C ends it") {
                return Self { process, stderr, api, otlp, kubelets, page };
            }
            seen.push_str(&line);
            line.clear();
        }
        let _ = process.kill();
        let code = process.wait().unwrap();
        panic!("the environment did not come up, {code}:\n{seen}");
    }

    fn query(&self, query: &str) -> Value {
        let body = self.post("query", &[("query", query)]).1;
        serde_json::from_str(&body).unwrap()
    }

    fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, String) {
        let mut answer =
            agent().post(format!("{}/api/v1/{path}", self.api)).send_form(form.iter().copied()).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    /// Ends it with a signal; returns its exit code and the rest of what it said.
    #[cfg(unix)]
    fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        (self.process.wait().unwrap().code(), rest)
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(20)))
        .http_status_as_error(false)
        .build()
        .new_agent()
}

fn get(url: &str) -> (u16, String) {
    let mut answer = agent().get(url).call().unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

fn text(output: &Output) -> (String, String) {
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn the_environment_answers_on_all_its_ports_and_ends_cleanly() {
    let home = Home::new("answers");
    let environment = Environment::start(&home, &["--nodes", "5", "--pods", "20", "--backfill", "10m"]);

    let count = environment.query("count(max by (k8s_node_name) (k8s_node_cpu_time_seconds_total))");
    assert_eq!(count["data"]["result"][0]["value"][1], "5", "{count}");
    let count = environment.query(PODS);
    assert_eq!(count["data"]["result"][0]["value"][1], "20", "{count}");

    let (status, body) = environment.post("query", &[("query", "sum(rate(x)")]);
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("parse error"), "{body}");

    let now = environment.query("time()")["data"]["result"][0].as_f64().unwrap();
    let push = format!(
        r#"{{"resourceMetrics":[{{"resource":{{"attributes":[{{"key":"k8s.pod.name","value":{{"stringValue":"mine"}}}}]}},
        "scopeMetrics":[{{"metrics":[{{"name":"my.queue.length","unit":"{{item}}",
        "gauge":{{"dataPoints":[{{"timeUnixNano":"{:.0}","asInt":"7"}}]}}}}]}}]}}]}}"#,
        now * 1e9
    );
    let mut answer =
        agent().post(&environment.otlp).header("Content-Type", "application/json").send(push).unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{:?}", answer.body_mut().read_to_string());
    let pushed = environment.query("my_queue_length");
    assert_eq!(pushed["data"]["result"][0]["metric"]["k8s_pod_name"], "mine", "{pushed}");

    let (status, nodes) = get(&format!("{}/nodes", environment.kubelets));
    assert_eq!(status, 200, "{nodes}");
    let some_node = environment.query("max by (k8s_node_name) (k8s_node_cpu_usage)");
    let name = some_node["data"]["result"][0]["metric"]["k8s_node_name"].as_str().unwrap();
    let (status, summary) = get(&format!("{}/nodes/{name}/stats/summary", environment.kubelets));
    assert_eq!(status, 200, "{summary}");
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["node"]["nodeName"], name);
    let (status, pods) = get(&format!("{}/nodes/{name}/pods", environment.kubelets));
    assert!(status == 200 && pods.starts_with(r#"{"kind":"PodList","#), "{pods}");
    let (status, metrics) = get(&format!("{}/nodes/{name}/metrics/resource", environment.kubelets));
    assert!(status == 200 && metrics.contains("\nnode_cpu_usage_seconds_total "), "{metrics}");
    let (status, body) = get(&format!("{}/stats/summary", environment.kubelets));
    assert!(status == 400 && body.contains("/nodes/"), "{body}");
    let (status, body) = get(&format!("{}/nodes/nowhere/stats/summary", environment.kubelets));
    assert!(status == 404 && body.contains("nowhere"), "{status}: {body}");

    let (status, page) = get(&format!("{}/environment?query=count(k8s_pod_phase)", environment.page));
    assert_eq!(status, 200, "{page}");
    for part in ["5 nodes, 20 pods", "k8s_pod_phase", &*environment.api] {
        assert!(page.contains(part), "{part:?} is missing in the page");
    }

    let status = xtask(&home).arg("status").output().unwrap();
    assert!(status.status.success(), "{:?}", text(&status));
    assert!(text(&status).0.contains("5 nodes, 20 pods"), "{}", text(&status).0);
    let query = xtask(&home).args(["query", "count(k8s_pod_phase)", "--range", "5m"]).output().unwrap();
    assert!(text(&query).0.contains("20"), "{:?}", text(&query));

    #[cfg(unix)]
    {
        let (api, started) = (environment.api.clone(), Instant::now());
        let (code, rest) = environment.end("-TERM");
        assert_eq!(code, Some(0), "{rest}");
        assert!(rest.contains("nothing is left running"), "{rest}");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}: {rest}", started.elapsed());
        assert!(agent().get(api).call().is_err(), "the API still answers");
        let status = xtask(&home).arg("status").output().unwrap();
        assert_eq!(status.status.code(), Some(1), "{:?}", text(&status));
    }
}

#[test]
fn requests_that_a_foreign_page_makes_a_browser_send_are_refused() {
    let home = Home::new("foreign");
    let environment = Environment::start(&home, &["--nodes", "1", "--pods", "1", "--backfill", "1m"]);
    for url in [
        format!("{}/api/v1/query?query=1", environment.api),
        format!("{}/nodes", environment.kubelets),
        format!("{}/api/environment", environment.page),
    ] {
        for (header, value) in [("Host", "evil.example"), ("Origin", "http://evil.example")] {
            let answer = agent().get(&url).header(header, value).call().unwrap();
            assert_eq!(answer.status().as_u16(), 403, "{url} {header}");
        }
        assert_eq!(agent().get(&url).call().unwrap().status().as_u16(), 200, "{url}");
    }
}

#[test]
fn live_scrapes_go_on_after_the_history() {
    let home = Home::new("live");
    let environment =
        Environment::start(&home, &["--nodes", "1", "--pods", "2", "--backfill", "1m", "--interval", "1s"]);
    let newest =
        || environment.query("max(timestamp(k8s_pod_phase))")["data"]["result"][0]["value"][1].clone();
    let (first, deadline) = (newest(), Instant::now() + Duration::from_secs(15));
    while newest() == first {
        assert!(Instant::now() < deadline, "no scrape in 15 s");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_live_scrapes_go_to_another_backend_too() {
    let (there, here) = (Home::new("backend"), Home::new("sender"));
    let small = ["--nodes", "1", "--pods", "2", "--backfill", "1m", "--interval", "1s"];
    let backend = Environment::start(&there, &["--nodes", "1", "--pods", "1", "--backfill", "1m"]);
    let secret = here.0.join("headers");
    std::fs::write(&secret, "authorization=Bearer secret\n").unwrap();
    let headers = format!("@{}", secret.display());
    let out = ["--cluster-name", "sent", "--otlp-endpoint", &backend.otlp, "--otlp-header", &headers];
    let sender = Environment::start(&here, &[&small[..], &out].concat());

    let deadline = Instant::now() + Duration::from_secs(15);
    let count = || backend.query("count(k8s_pod_phase{k8s_cluster_name='sent'})")["data"]["result"].clone();
    while count()[0]["value"][1] != "2" {
        assert!(Instant::now() < deadline, "nothing arrived in 15 s: {}", count());
        std::thread::sleep(Duration::from_millis(100));
    }
    let status = text(&xtask(&here).arg("status").output().unwrap()).0;
    assert!(status.contains(&format!("{}: ", backend.otlp)) && status.contains("points sent"), "{status}");
    drop(backend);
    let deadline = Instant::now() + Duration::from_secs(15);
    let problem = || get(&format!("{}/api/environment", sender.page)).1;
    while !problem().contains("Connection refused") {
        assert!(Instant::now() < deadline, "{}", problem());
        std::thread::sleep(Duration::from_millis(100));
    }
    let newest =
        sender.query("time() - max(timestamp(k8s_pod_phase))")["data"]["result"][0]["value"][1].clone();
    assert!(
        newest.as_str().unwrap().parse::<f64>().unwrap() < 5.0,
        "the scrapes wait for the backend: {newest}"
    );
    #[cfg(unix)]
    {
        let (code, rest) = sender.end("-INT");
        assert_eq!(code, Some(0), "{rest}");
        assert!(rest.contains("OTLP out: ") && !rest.contains("secret"), "{rest}");
    }
}

#[test]
fn the_clock_can_be_set() {
    let home = Home::new("clock");
    let environment = Environment::start(
        &home,
        &["--nodes", "1", "--pods", "2", "--backfill", "1m", "--now", "2026-06-01T12:00:00Z"],
    );
    let time = environment.query("time()")["data"]["result"][0].as_f64().unwrap();
    let noon = 1_780_315_200.0;
    assert!((noon..noon + 60.0).contains(&time), "{time}");
}

#[test]
fn what_cannot_be_is_refused_in_one_line_with_the_remedy() {
    let home = Home::new("refused");
    let broken = home.0.join("fleet");
    std::fs::create_dir_all(&broken).unwrap();
    std::fs::write(
        broken.join("workloads.yaml"),
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  replicas: many\n",
    )
    .unwrap();
    let broken = broken.display().to_string();
    let cases: &[(&[&str], &[&str])] = &[
        (&["kwok", "--nodes", "0"], &["node"]),
        (&["kwok", "--nodes", "1", "--pods", "111"], &["--pods", "111", "110"]),
        (&["kwok", "--pods", "999999999"], &["--pods", "memory", "free"]),
        (&["kwok", "--interval", "0s"], &["--interval"]),
        (&["kwok", "--backfill", "soon"], &["--backfill", "1h30m"]),
        (&["kwok", "--now", "1999-01-01T00:00:00Z"], &["epoch", "2026", "--now"]),
        (&["kwok", "--now", "yesterday"], &["--now"]),
        (&["kwok", "--cluster-name", ""], &["--cluster-name"]),
        (&["kwok", "--fleet", "no/such/folder"], &["no/such/folder"]),
        (&["kwok", "--fleet", &broken], &["workloads.yaml", "7", "replicas"]),
        (&["kwok", "--runtime", "docker"], &["docker", "embedded"]),
        (&["query", "sum(rate(k8s_pod_cpu_time_seconds_total))"], &["^", "[5m]"]),
        (&["query", "k8s_pod_phase{"], &["^"]),
        (&["kwok", "--interval", "10m"], &["--interval", "5m"]),
        (&["kwok", "--backfill", "60d"], &["--backfill", "7d"]),
        (&["kwok", "--nodes", "-1"], &["--nodes"]),
        (
            &["kwok", "--nodes", "5", "--pods", "20", "--stats-node", "nowhere"],
            &["--stats-node", "nowhere", "one is for example"],
        ),
        (&["kwok", "--otlp-endpoint", "localhost:4318"], &["--otlp-endpoint", "http://"]),
        (&["kwok", "--otlp-endpoint", "http://a:b@c"], &["--otlp-header", "authorization"]),
        (&["kwok", "--otlp-header", "a=b"], &["--otlp-endpoint"]),
        (&["query", "up", "--url", "http://127.0.0.1:1"], &["127.0.0.1:1"]),
        (&["query", "up", "--url", "https://127.0.0.1:1"], &["http://"]),
        (&["query", "up", "--range", "1h", "--step", "0s"], &["--step"]),
        (&["metrics", "no_such_metric"], &["no_such_metric", "cargo xtask metrics"]),
        (&["promql-conformance", "no/such/folder"], &["no/such/folder"]),
    ];
    for (arguments, parts) in cases {
        let mut command = xtask(&home);
        command.args(*arguments);
        if arguments[0] == "kwok" {
            command.args(["--api-port", "0", "--otlp-port", "0", "--stats-port", "0", "--web-port", "0"]);
        }
        let output = command.output().unwrap();
        let (stdout, stderr) = text(&output);
        let code = output.status.code();
        assert!(code == Some(1) || code == Some(2), "{arguments:?} ended with {code:?}: {stderr}");
        assert_eq!(stdout, "", "{arguments:?}");
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
        for part in *parts {
            assert!(stderr.contains(part), "{part:?} is missing for {arguments:?}:\n{stderr}");
        }
    }
}

#[test]
fn a_taken_port_ends_the_command_before_anything_starts() {
    let home = Home::new("taken");
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    for flag in ["--api-port", "--otlp-port", "--stats-port", "--web-port"] {
        let mut ports = vec!["--api-port", "0", "--otlp-port", "0", "--stats-port", "0", "--web-port", "0"];
        let at = ports.iter().position(|argument| *argument == flag).unwrap();
        ports[at + 1] = &port;
        let output = xtask(&home).arg("kwok").args(&ports).output().unwrap();
        let (_, stderr) = text(&output);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(&port) && stderr.contains(flag), "{stderr}");
    }
}

#[test]
fn a_query_without_a_running_environment_is_answered_from_memory() {
    let home = Home::new("memory");
    let output = xtask(&home).args(["query", PODS]).output().unwrap();
    let (stdout, stderr) = text(&output);
    assert!(output.status.success(), "{stderr}");
    assert_eq!(stdout, "value\n  200\n");
    let empty = xtask(&home).args(["query", "no_such_metric"]).output().unwrap();
    assert!(empty.status.success());
    assert!(text(&empty).1.contains("no series"), "{:?}", text(&empty));
}

#[cfg(unix)]
#[test]
fn a_query_that_still_computes_does_not_keep_the_environment_alive() {
    let home = Home::new("busy");
    let environment = Environment::start(&home, &["--nodes", "1", "--pods", "1", "--backfill", "1m"]);
    let endless = "max_over_time(max_over_time(vector(1)[1000s:1ms])[1000s:1ms])";
    let url = format!("{}/api/v1/query", environment.api);
    let asking = std::thread::spawn(move || agent().post(url).send_form([("query", endless)]).is_ok());
    std::thread::sleep(Duration::from_millis(500));
    let started = Instant::now();
    let (code, rest) = environment.end("-INT");
    assert_eq!(code, Some(0), "{rest}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    asking.join().unwrap();
}

#[test]
fn of_two_environments_the_one_that_is_left_is_found() {
    let home = Home::new("two");
    let first = Environment::start(&home, &["--nodes", "1", "--pods", "1", "--backfill", "1m"]);
    let small = ["--nodes", "2", "--pods", "3", "--backfill", "1m", "--name", "second"];
    let second = Environment::start(&home, &small);
    let status = || text(&xtask(&home).arg("status").output().unwrap()).0;
    assert!(status().contains("1 nodes, 1 pods") && status().contains("2 nodes, 3 pods"), "{}", status());
    // Killed, not asked to end: it leaves its file behind.
    drop(first);
    assert!(!status().contains("1 nodes, 1 pods") && status().contains("2 nodes, 3 pods"), "{}", status());
    drop(second);
    assert_eq!(xtask(&home).arg("status").output().unwrap().status.code(), Some(1));
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    let home = Home::new("pipe");
    let mut process =
        xtask(&home).arg("metrics").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(process.stdout.take());
    let mut stderr = String::new();
    process.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((process.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
}
