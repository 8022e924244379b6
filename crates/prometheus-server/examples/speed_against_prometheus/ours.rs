//! Our server, in a process of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::Arc;

use prometheus_server::{ApiOptions, ApiState, QueryService, router};
use promql::{EngineOptions, ParseOptions};
use tsdb::{Options, Store};

use crate::server::{Server, free_port};
use crate::{Result, fleet};

/// The argument that makes this program the server: `--serve PORT SERIES`.
pub(crate) const SERVE: &str = "--serve";

/// Starts this program as a server.
pub(crate) fn start(series: usize) -> Result<Server> {
    let port = free_port()?;
    let mut program = Command::new(std::env::current_exe()?);
    program.args([SERVE, &port.to_string(), &series.to_string()]);
    Server::start(program, port, None)
}

/// Loads the fleet and serves it until killed.
pub(crate) fn serve(port: u16, series: usize) -> Result<()> {
    // Loaded series by series, so that each series begins an hour behind.
    let store = Store::new(Options { lag_window_ms: i64::MAX, ..Options::default() });
    fleet::for_each_series::<Box<dyn std::error::Error>>(series, |name, others, values| {
        let mut writer = store.writer();
        let id = writer.intern(&fleet::labels(name, others))?;
        for (time, &value) in fleet::times_ms().zip(values) {
            writer.append(id, time, value)?;
        }
        Ok(())
    })?;
    let service = QueryService::new(Arc::new(store), EngineOptions::default(), ParseOptions::default());
    // All requests say what time they mean.
    let router = router(ApiState::new(service, Arc::new(|| 0), ApiOptions::default()));
    // As `cargo xtask kwok` does: one thread for the sockets, queries beside it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        axum::serve(tokio::net::TcpListener::bind(address).await?, router).await?;
        Ok(())
    })
}
