//! Connections: no more than a limit, none that hangs for ever, and an orderly end.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::{debug, warn};

use super::metrics::Metrics;

/// Bounds on connections.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// So many may be open.
    pub connections: usize,
    /// So long one may be open without a whole request's head: longer than collectors wait between two requests.
    pub head: Duration,
    /// So long a client may take nothing of what was sent to it.
    pub stalled: Duration,
    /// So long requests may take that run when the server is told to end.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            head: Duration::from_secs(90),
            stalled: Duration::from_secs(30),
            drain: Duration::from_millis(800),
        }
    }
}

impl Limits {
    /// Lets the process have as many files open as it needs, or as many as the system lets it have: each connection is
    /// one. Where they do not suffice, connections wait to be accepted.
    pub fn allow_open_files(&self) {
        #[cfg(unix)]
        {
            use rustix::process::{Resource, getrlimit, setrlimit};
            // The API server's connections, standard streams and the like.
            const OTHERS: u64 = 64;
            let mut limit = getrlimit(Resource::Nofile);
            let wanted = self.connections as u64 + OTHERS;
            let possible = limit.maximum.map_or(wanted, |most| most.min(wanted));
            if limit.current.is_some_and(|current| current < possible) {
                limit.current = Some(possible);
                if let Err(error) = setrlimit(Resource::Nofile, limit) {
                    warn!(%error, "the limit of open files stays as it is");
                }
            }
            if possible < wanted {
                warn!(possible, wanted, "the system allows fewer open files than connections");
            }
        }
    }
}

/// Bytes of a request's head, and of what is written at once.
const BUFFER: usize = 16 * 1024;
/// Where no connection can be accepted, for want of file descriptors say, it is tried again after this.
const BREATH: Duration = Duration::from_millis(50);
const TOO_MANY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";

/// A server.
pub struct Server {
    /// What it answers.
    pub router: Router,
    /// Its bounds.
    pub limits: Limits,
    /// Where connections are counted.
    pub metrics: Arc<Metrics>,
}

impl Server {
    /// Serves until `stop`; answers how many connections were cut off at the end.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) -> usize {
        let Self { router, limits, metrics } = self;
        let permits = Arc::new(Semaphore::new(limits.connections));
        let graceful = GracefulShutdown::new();
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut stop => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            };
            let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
                metrics.turned_away();
                turn_away(stream);
                continue;
            };
            if let Err(error) = bound(&stream, limits.stalled) {
                debug!(%error, "a connection has no time-outs");
            }
            let open = Open::new(&metrics, permit);
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.head)
                .max_buf_size(BUFFER)
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                // A client that goes away is no matter.
                let _ = connection.await;
                drop(open);
            });
        }
        drop(listener);
        let drained = tokio::time::timeout(limits.drain, graceful.shutdown()).await;
        drained.map_or_else(|_| limits.connections - permits.available_permits(), |()| 0)
    }
}

/// A connection that counts.
struct Open {
    metrics: Arc<Metrics>,
    _permit: OwnedSemaphorePermit,
}

impl Open {
    fn new(metrics: &Arc<Metrics>, permit: OwnedSemaphorePermit) -> Self {
        metrics.connected();
        Self { metrics: Arc::clone(metrics), _permit: permit }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.metrics.disconnected();
    }
}

/// Says that there are too many, as far as the client listens.
fn turn_away(mut stream: TcpStream) {
    tokio::spawn(async move {
        let _ = tokio::time::timeout(BREATH, stream.write_all(TOO_MANY)).await;
    });
}

/// Lets the system end connections whose other side is gone or takes nothing.
fn bound(stream: &TcpStream, stalled: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    {
        use rustix::net::sockopt;
        let milliseconds = u32::try_from(stalled.as_millis()).unwrap_or(u32::MAX);
        sockopt::set_tcp_user_timeout(stream, milliseconds)?;
        sockopt::set_socket_keepalive(stream, true)?;
        sockopt::set_tcp_keepidle(stream, stalled)?;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = stalled;
    Ok(())
}
