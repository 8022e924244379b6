//! What `cargo xtask kwok` brings up: the simulated clusters, their store and their servers, in this process. And how other
//! commands find it, ask it and change it.

mod client;
mod clock;
mod control;
mod detach;
mod embedded;
mod files;
mod log;
mod name;
mod otlp_out;
mod page;
mod ports;
mod preview;
mod provocations;
mod real;
mod scale;
mod scraping;
mod servers;
mod serving;
mod signals;
mod state;
mod status;

pub(crate) use client::{agent, ask_change, ask_status};
pub(crate) use clock::SimulationClock;
pub(crate) use control::{Ending, PROVOKE, Provoke, Provoked, SHUTDOWN, UNDO, Undo, Undone};
pub(crate) use detach::{Starter, start_detached};
pub(crate) use embedded::{EmbeddedOptions, build_embedded, environment, estimate, history, read_manifests};
pub(crate) use files::{read_collector_files, read_fleet_files};
pub(crate) use log::LogFile;
pub(crate) use name::EnvironmentName;
pub(crate) use otlp_out::{OtlpOut, Target};
pub(crate) use ports::{Listener, bind_loopback};
pub(crate) use preview::{follow_sources, preview};
pub(crate) use provocations::{ActiveProvocation, play, read_scenario};
#[cfg(all(test, feature = "clusters"))]
pub(crate) use real::scratch;
#[cfg(feature = "clusters")]
pub(crate) use real::{
    BadRecord, Moving, Start, Starting, bring_up, engine_at, find_engine, is_same_engine, take_down,
};
pub(crate) use real::{RealEnvironment, RealEnvironments, RealKind, Record};
pub(crate) use scale::free_memory;
pub(crate) use servers::{Servers, SimulatedKubelets};
pub(crate) use serving::{Listeners, Registration, Serving, show_addresses, time_of_day};
pub(crate) use signals::Signals;
pub(crate) use state::{Presence, RunningEnvironment, StateFolder, silent};
pub(crate) use status::EnvironmentStatus;
