//! The process that is measured, as the system sees it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// A running server.
pub(crate) struct Child {
    process: std::process::Child,
    pub(crate) address: SocketAddr,
}

impl Child {
    /// Starts it for the API server at `api`; with a backend, it sends host metrics there.
    pub(crate) fn start(api: SocketAddr, backend: Option<SocketAddr>) -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("failed to find the program itself")?;
        let mut process = Command::new(own)
            .args(["--serve", &format!("http://{api}")])
            .args(backend.map(|backend| format!("--otlp-endpoint=http://{backend}")))
            .stdout(Stdio::piped())
            .spawn()
            .context("failed to start the server")?;
        let output = process.stdout.take().context("the server has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).context("failed to read the server's output")?;
        let address = line.trim().parse().context("the server does not say where it is")?;
        Ok(Self { process, address })
    }

    /// Seconds of CPU that it has used.
    pub(crate) fn cpu(&self) -> anyhow::Result<f64> {
        let stat = self.read("stat")?;
        // Behind the name, which stands in brackets.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
        let sum = ticks(11).zip(ticks(12)).map(|(user, system)| user + system).context("no CPU time")?;
        Ok(sum as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    /// Bytes of memory now, and at most so far.
    pub(crate) fn memory(&self) -> anyhow::Result<(u64, u64)> {
        let status = self.read("status")?;
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1_024)
        };
        bytes("VmRSS").zip(bytes("VmHWM")).context("no memory")
    }

    /// Ends it; answers how long that took.
    pub(crate) fn end(mut self) -> anyhow::Result<Duration> {
        let begin = Instant::now();
        let id = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(id, rustix::process::Signal::TERM)
            .context("failed to end the server")?;
        self.process.wait().context("failed to wait for the server")?;
        Ok(begin.elapsed())
    }

    fn read(&self, file: &str) -> anyhow::Result<String> {
        let path = format!("/proc/{}/{file}", self.process.id());
        std::fs::read_to_string(&path).with_context(|| format!("failed to read {path}"))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It has ended already unless something failed here.
        let _ = self.process.kill();
    }
}

/// How many processes want the machine's cores.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{} on {cores} cores", text.split(' ').next().unwrap_or("unknown"))
}
