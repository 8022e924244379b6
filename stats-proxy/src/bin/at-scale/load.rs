//! Whoever asks: collectors with a connection for each node, or a few for all.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::api::node_name;

/// A connection that asks one thing after the other.
struct Connection(BufReader<TcpStream>);

impl Connection {
    async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("failed to connect")?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// The status and the body of an answer.
    async fn get(&mut self, path: &str) -> anyhow::Result<(u16, Vec<u8>)> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        self.0.get_mut().write_all(request.as_bytes()).await?;
        let (mut line, mut status, mut length) = (String::new(), 0, 0);
        loop {
            line.clear();
            anyhow::ensure!(self.0.read_line(&mut line).await? > 0, "the server hung up");
            let text = line.trim_end();
            if let Some(rest) = text.strip_prefix("HTTP/1.1 ") {
                status = rest.get(..3).context("no status")?.parse()?;
            } else if let Some(value) = text.strip_prefix("content-length: ") {
                length = value.parse()?;
            } else if text.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await?;
        Ok((status, body))
    }

    async fn summary(&mut self, node: usize) -> anyhow::Result<usize> {
        let (status, body) = self.get(&format!("/nodes/{}/stats/summary", node_name(node))).await?;
        anyhow::ensure!(status == 200, "a summary was answered with {status}");
        Ok(body.len())
    }
}

/// How long answers took.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// The time that this share of them stayed within.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let at = ((self.0.len() as f64 * share).ceil() as usize).clamp(1, self.0.len());
        self.0[at - 1]
    }

    pub(crate) fn milliseconds(time: Duration) -> f64 {
        time.as_secs_f64() * 1_000.0
    }
}

/// Requests to a server for this many nodes.
pub(crate) struct Load {
    address: SocketAddr,
    nodes: usize,
}

impl Load {
    pub(crate) fn new(address: SocketAddr, nodes: usize) -> Self {
        Self { address, nodes }
    }

    /// Waits until everything is listed.
    pub(crate) async fn until_ready(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(600);
        let mut connection = Connection::open(self.address).await?;
        while connection.get("/readyz").await?.0 != 200 {
            anyhow::ensure!(Instant::now() < deadline, "the server is not ready after ten minutes");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// The value of one of the server's own metrics, 0 when it has none of this name.
    pub(crate) async fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let (_, page) = Connection::open(self.address).await?.get("/metrics").await?;
        let page = String::from_utf8(page).context("the metrics are no text")?;
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        Ok(value.unwrap_or_default())
    }

    /// Every node once, `at_once` at a time; how long it took, and how many bytes came.
    pub(crate) async fn sweep(&self, at_once: usize) -> anyhow::Result<(Duration, usize)> {
        let begin = Instant::now();
        let mut workers = JoinSet::new();
        for worker in 0..at_once {
            let (address, nodes) = (self.address, self.nodes);
            workers.spawn(async move {
                let mut connection = Connection::open(address).await?;
                let mut bytes = 0;
                for node in (worker..nodes).step_by(at_once) {
                    bytes += connection.summary(node).await?;
                }
                anyhow::Ok(bytes)
            });
        }
        let bytes: anyhow::Result<Vec<usize>> = workers.join_all().await.into_iter().collect();
        Ok((begin.elapsed(), bytes?.into_iter().sum()))
    }

    /// So many requests a second over so many seconds, each when it is due whether others are answered or not.
    pub(crate) async fn steady(&self, rate: u64, seconds: u64) -> anyhow::Result<Times> {
        /// Each is free again long before it is its turn.
        const CONNECTIONS: u64 = 50;
        let begin = tokio::time::Instant::now() + Duration::from_millis(200);
        let mut workers = JoinSet::new();
        for worker in 0..CONNECTIONS {
            let (address, nodes) = (self.address, self.nodes);
            workers.spawn(async move {
                let mut connection = Connection::open(address).await?;
                let mut times = Vec::new();
                for request in (worker..rate * seconds).step_by(CONNECTIONS as usize) {
                    let due = begin + Duration::from_micros(request * 1_000_000 / rate);
                    tokio::time::sleep_until(due).await;
                    // The timer's own delay is not the server's.
                    let asked = Instant::now();
                    connection.summary((request as usize * 7) % nodes).await?;
                    times.push(asked.elapsed());
                }
                anyhow::Ok(times)
            });
        }
        let times: anyhow::Result<Vec<Vec<Duration>>> = workers.join_all().await.into_iter().collect();
        let mut times = times?.concat();
        times.sort_unstable();
        Ok(Times(times))
    }

    /// All nodes at once, each over a connection of its own that is open already.
    pub(crate) async fn burst(&self) -> anyhow::Result<Duration> {
        let mut connections = Vec::new();
        for _ in 0..self.nodes {
            connections.push(Connection::open(self.address).await?);
        }
        let begin = Instant::now();
        let mut workers = JoinSet::new();
        for (node, mut connection) in connections.into_iter().enumerate() {
            workers.spawn(async move { connection.summary(node).await });
        }
        let answers: anyhow::Result<Vec<usize>> = workers.join_all().await.into_iter().collect();
        answers.map(|_| begin.elapsed())
    }
}
