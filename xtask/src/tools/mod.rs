//! What environments on a container engine are made with: other programs, their downloads, and the engine itself.
//!
//! | module | what |
//! |---|---|
//! | [`pins`] | which version of everything, where it is, and its hash |
//! | [`Processes`] | running programs |
//! | [`Toolbox`] | finds a program in PATH or in the cache, or downloads it |
//! | [`engine`] | asks a container engine what it is and what it has |
//! | [`registry`] | asks image registries |

mod archive;
mod download;
pub(crate) mod engine;
mod hash;
pub(crate) mod pins;
mod platform;
mod processes;
pub(crate) mod registry;
mod toolbox;
mod version;

pub(crate) use download::{DownloadError, Downloader, HTTPS_BUILD, OnProgress, is_local, needs_https};
#[cfg(test)]
pub(crate) use download::{Patience, server};
pub(crate) use hash::{Hasher, ImageDigest, Sha256Sum};
pub(crate) use platform::{Os, Platform};
#[cfg(test)]
pub(crate) use processes::FakeProcesses;
pub(crate) use processes::{Finished, Invocation, ProcessFailure, Processes, SystemProcesses};
pub(crate) use toolbox::{Missing, Obtainable, Origin, Tool, Toolbox, cache_folder, install};
pub(crate) use version::Version;
