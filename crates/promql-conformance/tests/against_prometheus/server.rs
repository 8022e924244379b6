//! A Prometheus server on the loopback interface, for the time of a test.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use labels::{Label, Labels, METRIC_NAME};
use promql::RangeQuery;
use serde_json::Value as Json;

/// A running server. Ends, and takes its directory along, when dropped.
pub(crate) struct Server {
    process: Child,
    directory: PathBuf,
    address: String,
}

impl Server {
    /// Starts a server that has these series; `None` where the programs are not installed.
    pub(crate) fn start(series: &[(Labels, Vec<(i64, f64)>)]) -> Option<Self> {
        let installed = |program| {
            let status =
                Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        };
        if !installed("prometheus") || !installed("promtool") {
            return None;
        }
        // Bound and released again: free, unless somebody takes it within the next moments.
        let address = TcpListener::bind("127.0.0.1:0")
            .expect("a free port")
            .local_addr()
            .expect("an address")
            .to_string();
        let port = address.rsplit(':').next().expect("a port");
        let directory =
            std::env::temp_dir().join(format!("promql-against-prometheus-{}-{port}", std::process::id()));
        fs::create_dir_all(&directory).expect("a temporary directory");
        load(&directory, series);
        let config = directory.join("prometheus.yml");
        fs::write(&config, "global: {}\n").expect("the configuration can be written");
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
            .arg("--storage.tsdb.retention.time=100y")
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus starts");
        let server = Self { process, directory, address };
        for _ in 0..300 {
            if server.get("/-/ready", &[]).is_ok() {
                return Some(server);
            }
            sleep(Duration::from_millis(100));
        }
        panic!("prometheus is not ready after 30 s");
    }

    /// The server's version.
    pub(crate) fn version(&self) -> String {
        let text = self.get("/api/v1/status/buildinfo", &[]).expect("the server answers");
        let json: Json = serde_json::from_str(&text).expect("JSON");
        json["data"]["version"].as_str().unwrap_or_default().to_owned()
    }

    /// The answer to an instant query.
    pub(crate) fn instant(&self, query: &str, at: i64) -> Json {
        self.query("/api/v1/query", &[("query", query), ("time", &seconds(at))])
    }

    /// The answer to a range query.
    pub(crate) fn range(&self, query: &str, range: RangeQuery) -> Json {
        let (start, end) = (seconds(range.start_ms), seconds(range.end_ms));
        let step = seconds(range.step_ms);
        self.query(
            "/api/v1/query_range",
            &[("query", query), ("start", &start), ("end", &end), ("step", &step)],
        )
    }

    fn query(&self, path: &str, parameters: &[(&str, &str)]) -> Json {
        let text = self.get(path, parameters).expect("the server answers");
        serde_json::from_str(&text).expect("JSON")
    }

    fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<String, ureq::Error> {
        // Errors of queries come with a status, too, and are read like any other answer.
        let readable = path.starts_with("/api/");
        let request = ureq::get(format!("http://{}{path}", self.address))
            .query_pairs(parameters.iter().copied())
            .config()
            .http_status_as_error(!readable)
            .build();
        request.call()?.body_mut().with_config().limit(1 << 30).read_to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing can be done about a failure here.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// Writes blocks for the server.
fn load(directory: &Path, series: &[(Labels, Vec<(i64, f64)>)]) {
    let mut text = String::new();
    for (labels, samples) in series {
        let mut name = String::new();
        let mut pairs = Vec::new();
        for Label { name: label, value } in labels {
            if &**label == METRIC_NAME {
                name = value.to_string();
            } else {
                pairs.push(format!("{label}={value:?}"));
            }
        }
        for &(time, value) in samples {
            let value = if value.is_infinite() {
                format!("{value:+}").replace("inf", "Inf")
            } else {
                value.to_string()
            };
            writeln!(text, "{name}{{{}}} {value} {}", pairs.join(","), seconds(time))
                .expect("a string takes all");
        }
    }
    text.push_str("# EOF\n");
    let input = directory.join("samples.om");
    fs::write(&input, text).expect("the samples can be written");
    let output = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics"])
        .arg(&input)
        .arg(directory.join("data"))
        .output()
        .expect("promtool starts");
    assert!(output.status.success(), "promtool: {}", String::from_utf8_lossy(&output.stderr));
}
