//! The client of an engine.

use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};
use tokio::sync::OnceCell;
use tools::engine::{Address, Candidate};

use super::Engine;
use super::errors::{failed, told};

/// How long an engine may take to begin its answer. Starting a container on a busy machine takes the longest.
const ANSWER_DEADLINE: Duration = Duration::from_secs(120);

impl Engine {
    /// The engine that was found. It is not asked yet.
    ///
    /// # Errors
    /// When its socket is gone, or its address is of another system.
    pub fn connect(candidate: &Candidate) -> anyhow::Result<Self> {
        let address = candidate.address.to_string();
        let to = || format!("use the container engine at {address} ({})", candidate.named_by);
        let docker = client(&candidate.address).map_err(|error| failed(&to(), &error))?;
        Ok(Self { docker, address, ready: OnceCell::new().into(), turns: super::turns::Turns::default() })
    }

    /// Where it is, as `DOCKER_HOST` has it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The client, which speaks the engine's version of the API: ours is newer than most engines, and they refuse that.
    pub(super) async fn docker(&self) -> anyhow::Result<&Docker> {
        let agree = async || match self.docker.clone().negotiate_version().await {
            // The version is shared by all clones of a client.
            Ok(_) => Ok(()),
            Err(error) => Err(match super::errors::Fault::of(&error).remedy() {
                Some(remedy) => told(format!("the container engine at {}: {remedy}", self.address), &error),
                None => told(format!("the container engine at {} does not answer", self.address), &error),
            }),
        };
        self.ready.get_or_try_init(agree).await?;
        Ok(&self.docker)
    }

    /// The client with more time for one request.
    pub(super) async fn patient(&self, more: Duration) -> anyhow::Result<Docker> {
        Ok(self.docker().await?.clone().with_timeout(ANSWER_DEADLINE + more))
    }
}

fn client(address: &Address) -> Result<Docker, bollard::errors::Error> {
    let (seconds, version) = (ANSWER_DEADLINE.as_secs(), API_DEFAULT_VERSION);
    match address {
        Address::Tcp(host) => Docker::connect_with_http(&format!("tcp://{host}"), seconds, version),
        #[cfg(unix)]
        Address::Unix(path) => Docker::connect_with_unix(&path.to_string_lossy(), seconds, version),
        #[cfg(windows)]
        Address::Pipe(name) => Docker::connect_with_named_pipe(&name.replace('\\', "/"), seconds, version),
        #[allow(unreachable_patterns, reason = "each system has one of the two")]
        other => Err(bollard::errors::Error::UnsupportedURISchemeError { uri: other.to_string() }),
    }
}
