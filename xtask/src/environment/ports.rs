//! Ports are taken before anything else is done, and kept: what was free stays ours.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Context as _;

/// A port that is ours, and what it is for.
#[derive(Debug)]
pub(crate) struct Listener {
    /// The socket, non-blocking, ready for the async runtime.
    pub(crate) socket: TcpListener,
    /// Where it really listens (port 0 asks the system for a free one).
    pub(crate) address: SocketAddr,
}

impl Listener {
    /// The address as a person types it into a browser.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Takes a port on 127.0.0.1. `what` and `flag` name it in the error.
pub(crate) fn bind_loopback(port: u16, what: &str, flag: &str) -> anyhow::Result<Listener> {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
        let fix = format!("choose another with `{flag} PORT` (0 takes any free one)");
        match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                anyhow::anyhow!("port {port} ({what}) is taken by another program: stop it, or {fix}")
            }
            std::io::ErrorKind::PermissionDenied => {
                anyhow::anyhow!("port {port} ({what}) may not be opened by this user: {fix}")
            }
            _ => anyhow::anyhow!("port {port} ({what}) cannot be opened: {error}: {fix}"),
        }
    })?;
    socket.set_nonblocking(true).context("failed to make the socket non-blocking")?;
    let address = socket.local_addr().context("failed to read the socket's address")?;
    Ok(Listener { socket, address })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_its_purpose_and_its_flag() {
        let holder = bind_loopback(0, "the test", "--test-port").unwrap();
        let port = holder.address.port();
        let error = bind_loopback(port, "the Prometheus API", "--api-port").unwrap_err().to_string();
        for part in [&*port.to_string(), "the Prometheus API", "taken", "--api-port"] {
            assert!(error.contains(part), "{part:?} is missing in {error:?}");
        }
    }

    #[test]
    fn ports_are_opened_on_loopback_only() {
        let listener = bind_loopback(0, "the test", "--test-port").unwrap();
        assert!(listener.address.ip().is_loopback());
        assert!(listener.url().starts_with("http://127.0.0.1:"));
    }
}
