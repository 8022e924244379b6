//! Containers, images and networks of a container engine.
//!
//! Everything that is made here carries two labels: the environment that it belongs to ([`ENVIRONMENT_LABEL`]) and the hash of
//! what it was made from ([`SPEC_LABEL`]). What has no such label belongs to others: it is never changed, and where it is in the
//! way, the error names it.
//!
//! | module | what |
//! |---|---|
//! | `connection` | the client, which speaks the version of the API that the engine knows |
//! | `spec` | what containers and networks are to be like |
//! | `body` | the same in the words of the API |
//! | `containers`, `networks`, `images` | looking, making, removing |
//! | `files` | putting files into containers |
//! | `inside` | what a container says, and running programs in it |
//! | `turns` | changes that go on to their end |
//! | `errors` | what refusals mean |
//! | `fake` | an engine for tests |

mod body;
mod connection;
mod containers;
mod errors;
#[cfg(all(unix, any(test, feature = "fakes")))]
#[allow(clippy::unwrap_used, reason = "fakes exist in tests only")]
pub mod fake;
mod files;
mod images;
mod inside;
mod loaded;
mod machine;
mod networks;
mod spec;
mod turns;

use std::sync::Arc;

use bollard::Docker;
use tokio::sync::OnceCell;

pub use containers::ContainerState;
pub use inside::ExecOutput;
pub use networks::{Guest, Owner};
pub use spec::{
    BindMount, ContainerFile, ContainerSpec, ENVIRONMENT_LABEL, NetworkMode, NetworkSpec, PidMode,
    PublishedPort, SPEC_LABEL,
};

/// A container engine that is worked with. Clones speak to the same one.
#[derive(Clone, Debug)]
pub struct Engine {
    /// The client. Not to be used before `ready` is.
    docker: Docker,
    /// Where it is, as people know it.
    address: String,
    /// Whether the API's version has been agreed upon.
    ready: Arc<OnceCell<()>>,
    /// Changes that are being made.
    turns: turns::Turns,
}

/// What something of ours on an engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OursKind {
    /// A container.
    Container,
    /// A network.
    Network,
}

/// Something on an engine that belongs to an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ours {
    /// What it is.
    pub kind: OursKind,
    /// Its name.
    pub name: String,
    /// How it is, in the engine's words: `Up 5 minutes`, or a network's driver.
    pub state: String,
}

impl Engine {
    /// The containers and networks that belong to an environment.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn ours(&self, environment: &str) -> anyhow::Result<Vec<Ours>> {
        let (mut ours, networks) =
            tokio::try_join!(self.containers_of(environment), self.networks_of(environment))?;
        ours.extend(networks);
        ours.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(ours)
    }
}
