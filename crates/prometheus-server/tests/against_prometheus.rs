//! The same data and the same requests to a real Prometheus (Debian's 2.42 is enough): the same answers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use serde_json::Value;

use support::{Answer, T0, T1, api, data, get, post};

/// A running server, killed when the test ends, and its files, removed.
struct Prometheus {
    child: Child,
    directory: PathBuf,
    base: String,
    agent: ureq::Agent,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
fn skipped(tool: &str) {
    println!("skipped: {tool} is not on PATH");
}

/// [`data`] as OpenMetrics text.
fn open_metrics() -> String {
    let mut families: BTreeMap<&str, String> = BTreeMap::new();
    for series in data() {
        let name = series.labels[0].1;
        let labels: Vec<String> =
            series.labels[1..].iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
        let text = families.entry(name).or_default();
        for (seconds, value) in series.samples {
            let value =
                if value.is_nan() { "NaN".to_owned() } else { format!("{value:?}").replace("inf", "Inf") };
            writeln!(text, "{name}{{{}}} {value} {seconds}", labels.join(",")).unwrap();
        }
    }
    families.into_values().chain(["# EOF\n".to_owned()]).collect()
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

impl Prometheus {
    /// `None`, aloud, where the binaries are missing.
    fn start() -> Option<Self> {
        for tool in ["promtool", "prometheus"] {
            if Command::new(tool).arg("--version").output().is_err() {
                skipped(tool);
                return None;
            }
        }
        let directory = std::env::temp_dir().join(format!("prometheus-server-test-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("data.om"), open_metrics()).unwrap();
        std::fs::write(directory.join("prometheus.yml"), "").unwrap();
        let blocks = directory.join("blocks");
        let import = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&directory.join("data.om"), &blocks])
            .output()
            .unwrap();
        assert!(import.status.success(), "{}", String::from_utf8_lossy(&import.stderr));
        Some(Self::serve(directory, &blocks))
    }

    fn serve(directory: PathBuf, blocks: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", directory.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", blocks.display()))
            .arg("--storage.tsdb.retention.time=100y")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let server = Self { child, directory, base: format!("http://127.0.0.1:{port}"), agent };
        let deadline = Instant::now() + Duration::from_secs(30);
        while server.agent.get(format!("{}/-/ready", server.base)).call().map_or(true, |r| r.status() != 200)
        {
            assert!(Instant::now() < deadline, "prometheus is not ready after 30 s");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    fn get(&self, path: &str) -> Reply {
        let response = self.agent.get(format!("{}{path}", self.base)).call().unwrap();
        Reply { status: response.status().as_u16(), text: response.into_body().read_to_string().unwrap() }
    }

    fn post(&self, path: &str, form: &str) -> Reply {
        let request = self.agent.post(format!("{}{path}", self.base));
        let response = request.content_type("application/x-www-form-urlencoded").send(form).unwrap();
        Reply { status: response.status().as_u16(), text: response.into_body().read_to_string().unwrap() }
    }
}

/// The lines of a data file, without remarks.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn queries() -> impl Iterator<Item = &'static str> {
    lines(include_str!("data/queries.promql"))
}

fn encoded(query: &str) -> String {
    form_urlencoded::byte_serialize(query.as_bytes()).collect()
}

/// Both servers, and what they were found to answer differently.
struct Comparison {
    api: Router,
    prometheus: Prometheus,
    compared: usize,
    differences: Vec<String>,
}

impl Comparison {
    async fn get(&mut self, path: &str) {
        let ours = Reply::of(&get(&self.api, path).await);
        let theirs = self.prometheus.get(path);
        self.compare(path, &ours, &theirs);
    }

    async fn post(&mut self, path: &str, form: &str) {
        let ours = Reply::of(&post(&self.api, path, form).await);
        let theirs = self.prometheus.post(path, form);
        self.compare(&format!("{path} {form}"), &ours, &theirs);
    }

    /// Compares what the servers say about themselves: the fields, not their values.
    async fn get_shape(&mut self, path: &str) {
        let ours = Reply::of(&get(&self.api, path).await);
        let theirs = self.prometheus.get(path);
        self.compare(path, &ours.shape(), &theirs.shape());
    }

    fn compare(&mut self, request: &str, ours: &Reply, theirs: &Reply) {
        self.compared += 1;
        let (our_json, their_json) = (ours.comparable(), theirs.comparable());
        if ours.status != theirs.status || !equal(&our_json, &their_json) {
            let line = |who, status, json: &Value| {
                let json: String = json.to_string().chars().take(600).collect();
                format!("  {who} {status} {json}")
            };
            let ours = line("ours  ", ours.status, &our_json);
            let theirs = line("theirs", theirs.status, &their_json);
            self.differences.push(format!("{request}\n{ours}\n{theirs}"));
        }
    }
}

#[tokio::test]
async fn answers_equal_those_of_a_real_prometheus() {
    let Some(prometheus) = Prometheus::start() else { return };
    let mut comparison = Comparison { api: api(), prometheus, compared: 0, differences: Vec::new() };
    for path in lines(include_str!("data/requests.txt")) {
        let path = path.replace("{t0}", &T0.to_string()).replace("{t1}", &T1.to_string());
        comparison.get(&path).await;
    }
    // 2.42 wrote large numbers with an exponent here.
    let formatted = queries().filter(|query| !query.contains("1e") && !query.contains("(14357"));
    for query in formatted.chain(lines(include_str!("data/long.promql"))) {
        comparison.get(&format!("/api/v1/format_query?query={}", encoded(query))).await;
    }
    for query in queries().chain(lines(include_str!("data/errors.promql"))).chain(["up\n+\n*"]) {
        let query = encoded(query);
        // Never at the time of a sample: windows were closed at both ends before Prometheus 3.
        for time in [T0 + 10, T0 + 330, T1] {
            comparison.post("/api/v1/query", &format!("query={query}&time={time}.5")).await;
        }
        let form = format!("query={query}&start={}.5&end={T1}&step=37", T0 + 5);
        comparison.post("/api/v1/query_range", &form).await;
    }
    for path in ["status/buildinfo", "status/config", "status/tsdb"] {
        comparison.get_shape(&format!("/api/v1/{path}")).await;
    }
    let Comparison { compared, differences, .. } = comparison;
    let report = differences.join("\n");
    assert!(differences.is_empty(), "{} of {compared} answers differ:\n{report}", differences.len());
}

/// An answer of either server.
struct Reply {
    status: u16,
    text: String,
}

impl Reply {
    fn of(answer: &Answer) -> Self {
        Self { status: answer.status.as_u16(), text: answer.text().to_owned() }
    }

    /// The fields of the answer without their values.
    fn shape(&self) -> Self {
        fn shape_of(value: &Value) -> Value {
            match value {
                Value::Object(fields) => {
                    fields.iter().map(|(name, value)| (name.clone(), shape_of(value))).collect()
                }
                // The statistics of 2.42 leave blocks out, so that its lists are empty.
                Value::Array(_) => Value::Array(Vec::new()),
                Value::String(_) => "text".into(),
                Value::Number(_) => "number".into(),
                other => other.clone(),
            }
        }
        let shape = shape_of(&serde_json::from_str(&self.text).unwrap());
        Self { status: self.status, text: shape.to_string() }
    }

    /// The answer without what is known to differ.
    fn comparable(&self) -> Value {
        let mut answer = serde_json::from_str(&self.text).unwrap_or_else(|_| Value::from(self.text.as_str()));
        if let Some(fields) = answer.as_object_mut() {
            // 2.42 made no such remarks.
            fields.remove("infos");
            fields.remove("warnings");
        }
        if let Some(Value::String(error)) = answer.get_mut("error") {
            *error = comparable_error(error);
        }
        answer
    }
}

fn comparable_error(error: &str) -> String {
    // What exactly is said about a query that cannot be read is our parser's own: it points at the guilty part instead
    // of at the end of the text, and says what it expected.
    if error.contains("parse error: ") {
        return "parse error".to_owned();
    }
    // Since 3.x the two series of this message have an order.
    let error = error.split_once(" hand-side of the operation: [").map_or(error, |(message, _)| message);
    // 2.42 wrote it so, and named the parameter in `query` only.
    error.replace("Invalid time value", "invalid time value").replace("invalid parameter \"query\": ", "")
}

/// Equal, numbers to 1e-8: the order of operations in `rate` has changed since 2.42.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        (Value::String(a), Value::String(b)) if a != b => match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(a), Ok(b)) => (a - b).abs() <= 1e-8 * a.abs().max(b.abs()),
            _ => false,
        },
        _ => a == b,
    }
}
