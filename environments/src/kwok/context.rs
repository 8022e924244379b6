//! kubectl's current context: the cluster's while it is there, and then the former one again.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::cluster::KwokCluster;
use super::step;
use crate::cluster::kubeconfig::{Entries, Places, add, look, restore};
use crate::plan::{Progress, Removal, State, Step, StepName};

/// Switches the context, and back.
pub(super) struct ContextStep {
    pub(super) cluster: Arc<KwokCluster>,
    pub(super) places: Places,
}

impl ContextStep {
    fn entries(&self) -> anyhow::Result<Entries> {
        Entries::of_kubeconfig(&self.cluster.kubeconfig()?, &self.cluster.names.kwok())
    }
}

impl Step for ContextStep {
    fn name(&self) -> StepName {
        step::CONTEXT
    }

    fn needs(&self) -> &[StepName] {
        &[step::CLUSTER]
    }

    fn look(&self) -> BoxFuture<'_, anyhow::Result<State>> {
        Box::pin(async {
            Ok(match look(&self.places, &self.entries()?, true)? {
                // It is put right where it is: what the user had before stays remembered.
                State::Different(_) => State::Absent,
                state => state,
            })
        })
    }

    fn up<'a>(&'a self, _: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async {
            let names = &self.cluster.names;
            let switched = add(&self.places, &self.entries()?, true, &names.former_context())?;
            let before =
                switched.former.map(|former| format!(", before it was {former}")).unwrap_or_default();
            Ok(format!("{}{before}", names.kwok()))
        })
    }

    fn down<'a>(&'a self, _: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<Removal>> {
        Box::pin(async {
            let names = &self.cluster.names;
            let restored = restore(&self.places, &names.kwok(), &names.former_context())?;
            Ok(if restored.removed { Removal::Removed } else { Removal::Nothing })
        })
    }
}
