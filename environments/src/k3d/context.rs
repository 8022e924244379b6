//! kubectl's current context: the cluster's while it is there, and the former one again.

use futures_util::future::BoxFuture;

use super::{Names, step};
use crate::cluster::kubeconfig::{self, Entries, Places};
use crate::plan::{Progress, Removal, State, Step, StepName};

pub(super) struct ContextStep {
    names: Names,
    places: Places,
}

impl ContextStep {
    pub(super) fn new(names: &Names, places: &Places) -> Self {
        Self { names: names.clone(), places: places.clone() }
    }

    /// What k3d has said about the cluster, if it is there.
    fn entries(&self) -> anyhow::Result<Option<Entries>> {
        match std::fs::read_to_string(self.names.kubeconfig()) {
            Ok(kubeconfig) => Entries::of_kubeconfig(&kubeconfig, &self.names.k3d()).map(Some),
            Err(_) => Ok(None),
        }
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
            match self.entries()? {
                Some(entries) => kubeconfig::look(&self.places, &entries, true),
                None => Ok(State::Absent),
            }
        })
    }

    fn up<'a>(&'a self, _: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async {
            let name = self.names.k3d();
            let Some(entries) = self.entries()? else {
                anyhow::bail!("{} is gone: `cargo xtask dev` again", self.names.kubeconfig().display());
            };
            let switched = kubeconfig::add(&self.places, &entries, true, &self.names.former_context())?;
            Ok(match switched.former {
                Some(former) => format!("{name}; `down` goes back to {former}"),
                None => name,
            })
        })
    }

    fn down<'a>(&'a self, _: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<Removal>> {
        Box::pin(async {
            let restored =
                kubeconfig::restore(&self.places, &self.names.k3d(), &self.names.former_context())?;
            Ok(if restored.removed { Removal::Removed } else { Removal::Nothing })
        })
    }
}
