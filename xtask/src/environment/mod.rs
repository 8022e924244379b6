//! What `cargo xtask kwok` brings up: the simulated cluster, its store and its servers, in this process.

mod clock;
mod embedded;
mod files;
mod page;
mod ports;
mod servers;
mod state;
mod status;

pub(crate) use clock::SimulationClock;
pub(crate) use embedded::{EmbeddedOptions, build_embedded, environment, history, read_manifests};
pub(crate) use files::read_fleet_files;
pub(crate) use page::{Page, page_router};
pub(crate) use ports::{Listener, bind_loopback};
pub(crate) use servers::{Servers, SimulatedKubelets};
pub(crate) use state::{RunningEnvironment, StateFolder, agent};
pub(crate) use status::EnvironmentStatus;
