//! Being told to end: Ctrl-C, and SIGTERM where there is one.

use anyhow::Context as _;

/// The signals that end the program in an orderly way.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// Listened to by those who live on when their terminal closes; nobody acts on it. For all others it stays as it
    /// was, which with `nohup` is ignored.
    #[cfg(unix)]
    _hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    /// Listens from now on. Call it inside the async runtime.
    pub(crate) fn listen(outlives_terminal: bool) -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let hangup = outlives_terminal.then(|| signal(SignalKind::hangup())).transpose();
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("failed to listen for Ctrl-C")?,
            terminate: signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?,
            _hangup: hangup.context("failed to listen for SIGHUP")?,
        })
    }

    /// Waits for one; says which.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "Ctrl-C",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    #[allow(clippy::unnecessary_wraps, reason = "the same signature everywhere")]
    pub(crate) fn listen(_: bool) -> anyhow::Result<Self> {
        Ok(Self {})
    }

    pub(crate) async fn next(&mut self) -> &'static str {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "Ctrl-C"
    }
}
