//! The container engine that everything goes to.

use environments::engine::Engine;
use tools::Os;
use tools::engine::{ANSWER_DEADLINE, Surroundings, find};

/// Finds the engine that Docker's own client would talk to, or the first where engines usually listen.
pub(crate) async fn find_engine() -> anyhow::Result<Engine> {
    let found = find(&Surroundings::of_user(), Os::current(), ANSWER_DEADLINE).await.map_err(|error| {
        anyhow::anyhow!("{error}: `cargo xtask doctor kwok` says what is missing, and how to mend it")
    })?;
    Engine::connect(&found.candidate)
}
