//! One change at a time to a container or a network, to its end.
//!
//! A request that nobody waits for any more, as after Ctrl-C, is not taken back: an engine may go on and make a container just
//! after somebody has looked whether it is there. So changes go on by themselves when they are dropped, and what undoes them waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use tokio::sync::OwnedMutexGuard;

use super::Engine;

/// Whose turn it is, by what is changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>);

impl Turns {
    /// Waits for the turn to change something.
    pub(super) async fn take(&self, what: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(what.to_owned()).or_default())
        };
        turn.lock_owned().await
    }
}

impl Engine {
    /// Does something that goes on to its end even if this is dropped.
    pub(super) async fn to_its_end<T: Send + 'static>(
        &self,
        what: &str,
        work: impl Future<Output = anyhow::Result<T>> + Send + 'static,
    ) -> anyhow::Result<T> {
        let turn = self.turns.take(what).await;
        let done = tokio::spawn(async move {
            let _turn = turn;
            work.await
        });
        done.await.context("a change of the engine's was given up, as the program ends")?
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_change_waits_for_another_of_the_same_and_for_no_other() {
        let turns = Turns::default();
        let first = turns.take("container a").await;
        let _other = turns.take("container b").await;
        let waiting = tokio::time::timeout(Duration::from_secs(1), turns.take("container a"));
        assert!(waiting.await.is_err(), "two had the same turn");
        drop(first);
        turns.take("container a").await;
    }
}
