//! A container engine: which one answers, what it is, and which images it has. It is only asked, never changed.

mod address;
mod auto;
mod client;
#[cfg(all(unix, any(test, feature = "fakes")))]
#[allow(clippy::unwrap_used, reason = "fakes exist in tests only")]
pub mod fake;
mod state;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::time::Duration;

use anyhow::Context as _;

pub use address::{Address, Candidate, Candidates, Surroundings, Unusable};
pub use auto::{AutoRuntime, choose, to_pull};
use client::{Client, ClientError};
pub use state::{Container, Network};
pub use state::{EngineState, PinnedImage, images_present};

use crate::Os;

/// An engine on this machine answers at once; one in a sleeping virtual machine takes a moment.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(3);

/// Why there is no engine to work with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Nobody listens where engines usually do.
    #[error("no container engine runs here: nothing listens at {}", places(.tried))]
    None {
        /// Where was looked.
        tried: Vec<String>,
    },
    /// The one that the user has chosen is not there.
    #[error("no container engine answers at {address} ({named_by}): {reason}")]
    NoAnswer {
        /// The address.
        address: String,
        /// Who named it.
        named_by: String,
        /// What happened.
        reason: String,
    },
    /// One is there, and not for this user.
    #[error("this user may not open the container engine at {address} ({named_by})")]
    NotPermitted {
        /// The address.
        address: String,
        /// Who named it.
        named_by: String,
    },
    /// What the user has configured cannot be used.
    #[error(transparent)]
    Configuration(#[from] Unusable),
}

/// The first place, and how many others: a list of all is longer than a line.
fn places(tried: &[String]) -> String {
    match tried {
        [] => "any usual place".to_owned(),
        [only] => only.clone(),
        [first, others @ ..] => format!("{first}, nor at {} other usual places", others.len()),
    }
}

/// An engine that answers.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Where.
    pub candidate: Candidate,
    client: Client,
}

/// Finds the engine that Docker's own client would talk to, or else the first that answers where engines usually listen.
pub async fn find(surroundings: &Surroundings, os: Os, deadline: Duration) -> Result<Engine, EngineError> {
    match surroundings.candidates(os)? {
        Candidates::Chosen(candidate) => {
            let (address, named_by) = (candidate.address.to_string(), candidate.named_by.clone());
            answer_of(candidate, deadline).await.map_err(|error| match error {
                ClientError::NotPermitted => EngineError::NotPermitted { address, named_by },
                error => EngineError::NoAnswer { address, named_by, reason: error.to_string() },
            })
        }
        Candidates::Usual(usual) => first_of(usual, deadline).await,
    }
}

/// The first that answers. If none does, the most telling reason: one that is there and does not do, before ones that are not.
async fn first_of(usual: Vec<Candidate>, deadline: Duration) -> Result<Engine, EngineError> {
    let tried = usual.iter().map(|candidate| candidate.address.to_string()).collect();
    let mut telling = None;
    for candidate in usual {
        let (address, named_by) = (candidate.address.to_string(), candidate.named_by.clone());
        match answer_of(candidate, deadline).await {
            Ok(engine) => return Ok(engine),
            Err(ClientError::Nothing) => {}
            Err(ClientError::NotPermitted) => {
                telling.get_or_insert(EngineError::NotPermitted { address, named_by });
            }
            Err(error) => {
                let reason = error.to_string();
                telling.get_or_insert(EngineError::NoAnswer { address, named_by, reason });
            }
        }
    }
    Err(telling.unwrap_or(EngineError::None { tried }))
}

async fn answer_of(candidate: Candidate, deadline: Duration) -> Result<Engine, ClientError> {
    let client = Client::new(candidate.address.clone(), deadline);
    client.get_bytes("/_ping").await?;
    Ok(Engine { candidate, client })
}

/// Finds the engine and asks everything, from code that is not asynchronous.
pub fn look(
    surroundings: &Surroundings,
    os: Os,
    deadline: Duration,
) -> anyhow::Result<Result<EngineState, EngineError>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the asynchronous runtime")?;
    Ok(runtime.block_on(async {
        let engine = find(surroundings, os, deadline).await?;
        engine.state().await
    }))
}
