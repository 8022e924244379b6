//! A server that runs: its process, and a client of it.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;

use crate::queries::{Query, Window};
use crate::{Result, cpu};

/// A server on the loopback interface. Ends, and takes its files along, when dropped.
pub(crate) struct Server {
    process: Child,
    files: Option<PathBuf>,
    base: String,
    /// Keeps its connection open from one query to the next.
    agent: Agent,
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Server {
    /// Starts a program that will serve at `port`, and waits until it is ready. `files` will be removed in the end.
    pub(crate) fn start(mut program: Command, port: u16, files: Option<PathBuf>) -> Result<Self> {
        let process = program.spawn()?;
        let base = format!("http://127.0.0.1:{port}");
        let mut server = Self { process, files, base, agent: Agent::new_with_defaults() };
        let deadline = Instant::now() + Duration::from_secs(300);
        while server.agent.get(format!("{}/-/ready", server.base)).call().is_err() {
            if let Some(status) = server.process.try_wait()? {
                return Err(format!("{program:?} has ended: {status}").into());
            }
            if Instant::now() > deadline {
                return Err(format!("{program:?} is not ready").into());
            }
            sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// The version it says it has.
    pub(crate) fn version(&self) -> Result<String> {
        let text = self.get("status/buildinfo", &[])?;
        let answer: Value = serde_json::from_slice(&text)?;
        Ok(answer["data"]["version"].as_str().unwrap_or("of unknown version").to_owned())
    }

    /// The answer to a query.
    pub(crate) fn ask(&self, query: Query, window: Window) -> Result<Vec<u8>> {
        let (start, end) = (window.start().to_string(), window.end().to_string());
        if query.instant {
            return self.get("query", &[("query", query.text), ("time", &end)]);
        }
        let step = window.step_seconds().to_string();
        let parameters = [("query", query.text), ("start", &start), ("end", &end), ("step", &step)];
        self.get("query_range", &parameters)
    }

    /// The CPU time that its process has used so far; `None` where that is not known.
    pub(crate) fn cpu_time(&self) -> Result<Option<Duration>> {
        cpu::time_of(self.process.id())
    }

    fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Vec<u8>> {
        let request = self.agent.get(format!("{}/api/v1/{path}", self.base));
        let mut response = request
            .query_pairs(parameters.iter().copied())
            .config()
            // What a server says about an error shows when answers are compared.
            .http_status_as_error(false)
            .build()
            .call()?;
        Ok(response.body_mut().with_config().limit(u64::MAX).read_to_vec()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing can be done about a failure here.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(files) = &self.files {
            let _ = std::fs::remove_dir_all(files);
        }
    }
}
