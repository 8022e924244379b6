//! What environments on a container engine are made with: other programs, their downloads, and the engine itself.
//!
//! | module | what |
//! |---|---|
//! | [`pins`] | which version of everything, where it is, and its hash |
//! | [`Processes`] | running programs |
//! | [`Toolbox`] | finds a program in PATH or in the cache, or downloads it |
//! | [`engine`] | asks a container engine what it is and what it has |
//! | [`registry`] | asks image registries |
//!
//! Unlike the libraries in `crates/`, this one reads the environment, runs programs and asks the network: that is what it is for.
//! With the feature `fakes` it brings the programs, servers and engines that exist in tests only.

mod archive;
mod download;
pub mod engine;
mod hash;
pub mod pins;
mod platform;
mod processes;
pub mod registry;
mod toolbox;
mod version;

pub use download::{DownloadError, Downloader, HTTPS_BUILD, OnProgress, is_local, needs_https};
#[cfg(any(test, feature = "fakes"))]
pub use download::{Patience, server};
pub use hash::{Hasher, ImageDigest, Sha256Sum};
pub use platform::{Os, Platform};
#[cfg(any(test, feature = "fakes"))]
pub use processes::FakeProcesses;
pub use processes::{Finished, Invocation, ProcessFailure, Processes, Stop, SystemProcesses, run_aside};
pub use toolbox::{Missing, Obtainable, Origin, Tool, Toolbox, Unfit, cache_folder, install};
pub use version::Version;
