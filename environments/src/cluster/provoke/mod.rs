//! What `cargo xtask sim` does, on real objects.
//!
//! The requests are those of the embedded simulation ([`cluster_sim::Request`]), and so are the words for what cannot be. What
//! makes things happen are the labels and annotations that the simulation's own objects carry, put on real ones:
//!
//! | action | what is changed | who acts on it |
//! |---|---|---|
//! | `crash`, `oom` | the label `kubernetes-mixin-otel/provoked` of pods; for `oom` a spike as well | KWOK's stages; stats-proxy |
//! | `spike` | the annotation `kubernetes-mixin-otel/spike` of pods | stats-proxy |
//! | `fill-volume` | the annotation `kubernetes-mixin-otel/fill-volume` of the pods that mount the claim | stats-proxy |
//! | `scale` | `spec.replicas` | the controllers |
//! | `rollout` | `kubectl.kubernetes.io/restartedAt` of the template, as `kubectl rollout restart` does | the controllers |
//! | `node-down` | the label `kubernetes-mixin-otel/provoked` of the node | KWOK's stages |
//!
//! What differs from the simulation, because the objects are real: it begins now, not in the past or the future; `crash`, `oom`
//! and `spike` of a workload are done to the pods that there are, not to those that replace them; a spike of a node is refused (an
//! annotation of a node restarts its receiver); after five minutes the node controller evicts the pods of a node that is down.
//! `crash`, `oom`, `scale`, `rollout` and `node-down` end when somebody calls [`Cluster::end_provocations`] after their time;
//! `spike` and `fill-volume` end by themselves.
//!
//! What is provoked is written down in a ConfigMap, before it is done: it can be undone from any terminal, also when the program
//! that did it was ended in the middle.

mod deeds;
mod ledger;
mod marks;
mod scene;

use cluster_sim::provocation::choose;
use cluster_sim::{Provocation, ProvocationError, Request};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use super::exchange::{Call, Trouble, TroubleKind};
use super::{Cluster, Pace};
use deeds::Patch;
use ledger::Record;
use scene::Scene;

/// Who writes what is provoked.
const MANAGER: &str = "kubernetes-mixin-otel-sim";
/// A beginning that is this far from now is another one.
const NOW: SignedDuration = SignedDuration::from_secs(5);

impl Cluster {
    /// Makes something happen, now. On an error nothing stays of it; if the server lets nothing be taken back either, it is among
    /// the [`Cluster::provocations`], and can be undone later.
    ///
    /// # Errors
    /// A [`ProvocationError`], which can be downcast to, where the request is at fault: no such target, one that this cannot be
    /// done to, one that something is being done to already. Else when the server does not do it.
    pub async fn provoke(&self, request: &Request, now: Timestamp) -> anyhow::Result<Provocation> {
        let since = Timestamp::from_second(now.as_second()).unwrap_or(now);
        if now.duration_until(request.since).abs() > NOW {
            anyhow::bail!(
                "on a real cluster things begin now: {} cannot begin at {}",
                request.action.name(),
                request.since
            );
        }
        if let Some(until) = request.until.filter(|until| *until <= since) {
            return Err(ProvocationError::EndsBeforeItBegins { since, until }.into());
        }
        let failed = |trouble: Trouble| {
            trouble.error(
                &format!("{} of {} cannot be provoked", request.action.name(), request.target),
                &self.address,
            )
        };
        let scene = Scene::look(self).await.map_err(failed)?;
        let chosen = choose(&request.action, &request.target, since, &scene.things, |thing| &thing.target)?;
        let thing = &scene.things[chosen];
        let mut ledger = self.ledger().await.map_err(failed)?;
        let provocation = Provocation {
            id: ledger.next_id(),
            action: request.action.clone(),
            target: thing.target.clone(),
            since,
            until: request.until,
        };
        let deed = self.deed(&provocation, thing).await?;
        let record = Record { provocation: provocation.clone(), pods: deed.pods, former: deed.former };
        ledger.refuse_conflicts(&record, since)?;
        ledger.add(record.clone());
        self.write_ledger(&mut ledger).await.map_err(failed)?;
        if let Err(trouble) = self.patch_all(deed.patches).await {
            // As far as it goes: the server is in trouble already.
            if self.take_back(&record, since).await.is_ok() {
                ledger.forget(provocation.id);
                let _ = self.write_ledger(&mut ledger).await;
            }
            return Err(failed(trouble));
        }
        Ok(provocation)
    }

    /// Ends a provocation now, and answers with how it is then.
    ///
    /// # Errors
    /// A [`ProvocationError`] when there is none of this number, or when it is over. Else when the server does not do it.
    pub async fn undo(&self, id: u32, now: Timestamp) -> anyhow::Result<Provocation> {
        let failed =
            |trouble: Trouble| trouble.error(&format!("provocation {id} cannot be undone"), &self.address);
        let mut ledger = self.ledger().await.map_err(failed)?;
        let record = ledger.find(id, now)?.clone();
        self.take_back(&record, now).await.map_err(failed)?;
        let provocation = ledger.end(id, now).unwrap_or(record.provocation);
        self.write_ledger(&mut ledger).await.map_err(failed)?;
        Ok(provocation)
    }

    /// Ends everything that is not over, and answers with how it is then.
    ///
    /// # Errors
    /// When the server does not do it. What was ended by then stays so.
    pub async fn undo_all(&self, now: Timestamp) -> anyhow::Result<Vec<Provocation>> {
        let mut ended = Vec::new();
        for Provocation { id, .. } in self.active_provocations(now).await? {
            ended.push(self.undo(id, now).await?);
        }
        Ok(ended)
    }

    /// What is provoked and not over, in the order of its numbers.
    ///
    /// # Errors
    /// When the server does not say.
    pub async fn active_provocations(&self, now: Timestamp) -> anyhow::Result<Vec<Provocation>> {
        let mut provocations = self.provocations().await?;
        provocations.retain(|provocation| provocation.until.is_none_or(|until| until > now));
        Ok(provocations)
    }

    /// Everything that was provoked, in the order of its numbers; what is over, too, the latest hundred at least.
    ///
    /// # Errors
    /// When the server does not say.
    pub async fn provocations(&self) -> anyhow::Result<Vec<Provocation>> {
        let ledger = self.ledger().await;
        let ledger =
            ledger.map_err(|trouble| trouble.error("what is provoked cannot be asked for", &self.address))?;
        Ok(ledger.records().map(|record| record.provocation.clone()).collect())
    }

    /// Takes back what should have ended by now, and answers with what that was. For whoever runs the environment, every few
    /// seconds.
    ///
    /// # Errors
    /// When the server does not do it. What was not taken back is next time.
    pub async fn end_provocations(&self, now: Timestamp) -> anyhow::Result<Vec<Provocation>> {
        let failed = |trouble: Trouble| trouble.error("what is provoked cannot be ended", &self.address);
        let mut ledger = self.ledger().await.map_err(failed)?;
        let due: Vec<Record> = ledger.due(now).cloned().collect();
        for record in &due {
            self.take_back(record, now).await.map_err(failed)?;
            ledger.settle(record.provocation.id);
        }
        if !due.is_empty() {
            self.write_ledger(&mut ledger).await.map_err(failed)?;
        }
        Ok(due.into_iter().map(|record| record.provocation).collect())
    }

    /// Makes all of these changes; objects that are gone meanwhile are no trouble.
    async fn patch_all(&self, patches: Vec<Patch>) -> Result<(), Trouble> {
        let pace = Pace::default();
        let patched = patches.into_iter().map(|patch| async move {
            let call = Call::merge(&patch.path, &patch.change, MANAGER);
            match self.insist(&call, &pace).await {
                Err(trouble) if trouble.kind != TroubleKind::NotFound => Err(trouble),
                _ => Ok(()),
            }
        });
        stream::iter(patched).buffer_unordered(pace.concurrency).try_collect::<Vec<()>>().await.map(|_| ())
    }
}
