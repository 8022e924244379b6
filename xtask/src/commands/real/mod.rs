//! What starts, `down`, `status`, `logs` and `sim` do with environments on a container engine. The program without their clients hands
//! over.

#[cfg(feature = "clusters")]
mod arrived;
#[cfg(feature = "clusters")]
mod down;
#[cfg(not(feature = "clusters"))]
mod handing_over;
#[cfg(feature = "clusters")]
mod logs;
#[cfg(feature = "clusters")]
mod remains;
#[cfg(feature = "clusters")]
mod sim;
#[cfg(feature = "clusters")]
mod start;
#[cfg(feature = "clusters")]
mod status;

use cluster_sim::Action;

#[cfg(feature = "clusters")]
use arrived::arrived_table;
#[cfg(feature = "clusters")]
pub(super) use down::down;
#[cfg(not(feature = "clusters"))]
pub(super) use handing_over::{down, logs, sim, start, status};
#[cfg(feature = "clusters")]
pub(super) use logs::logs;
#[cfg(feature = "clusters")]
pub(super) use sim::{cluster, sim};
#[cfg(feature = "clusters")]
pub(super) use start::{Kubectl, OnEngine, Plans, Wanted, start};
#[cfg(feature = "clusters")]
pub(super) use status::status;

use crate::environment::{ActiveProvocation, Provoked, Undone};

/// Which log, and how much of it.
#[cfg_attr(not(feature = "clusters"), expect(dead_code, reason = "who hands over reads nothing"))]
pub(super) struct LogRequest<'a> {
    /// A part of the environment; all without one.
    pub(super) part: Option<&'a str>,
    /// Only so many lines.
    pub(super) lines: Option<usize>,
    /// Go on until Ctrl-C.
    pub(super) follow: bool,
}

/// What is to be done to a cluster.
pub(super) enum Asked {
    /// Something is to happen.
    Provoke {
        /// What.
        action: Action,
        /// To whom, as people write it.
        target: String,
        /// For how long; without it until it is undone.
        for_seconds: Option<u32>,
    },
    /// What happens is to be shown.
    List,
    /// Something is to end: that of this number, or everything.
    Undo {
        /// Its number.
        id: Option<u32>,
    },
}

/// What was done.
#[cfg_attr(not(feature = "clusters"), expect(dead_code, reason = "the other program answers"))]
pub(super) enum Answered {
    /// Something happens.
    Provoked(Provoked),
    /// What happens.
    Listed(Vec<ActiveProvocation>),
    /// What has ended.
    Undone(Undone),
    /// The other program has answered.
    #[cfg(not(feature = "clusters"))]
    Elsewhere(std::process::ExitCode),
}

/// Does asynchronous work to its end. A program that still runs on a thread is not waited for: it has been told to end, or is done.
#[cfg(feature = "clusters")]
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    use anyhow::Context as _;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the async runtime")?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome
}
