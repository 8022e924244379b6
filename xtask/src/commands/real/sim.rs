//! `sim` on environments on a container engine: on the real objects of their API server.

use anyhow::Context as _;
use cluster_sim::Request;
use cluster_sim::provocation::ProvocationError;
use environments::cluster::Cluster;
use environments::kwok::Names;
use jiff::{SignedDuration, Timestamp};

use super::{Answered, Asked, block_on};
use crate::context::Context;
use crate::environment::{ActiveProvocation, Provoked, RealEnvironment, RealEnvironments, RealKind, Undone};
use crate::ui::Usage;

/// Does what is asked to the cluster of an environment. What is over ends before, as nobody may have been there to end it.
pub(in crate::commands) fn sim(
    _: &Context,
    environment: &RealEnvironment,
    asked: &Asked,
) -> anyhow::Result<Answered> {
    if environment.kind == RealKind::Dev {
        let message = "the pods of `cargo xtask dev` are real: do to them what you like with kubectl";
        return Err(Usage(message.to_owned()).into());
    }
    block_on(async {
        let cluster = cluster(environment).await?;
        let now = Timestamp::now();
        cluster.end_provocations(now).await?;
        let visible_at = now.checked_add(interval(environment)).unwrap_or(now);
        let active = |provocation| ActiveProvocation { cluster: cluster_name(environment), provocation };
        Ok(match asked {
            Asked::List => {
                let provocations = cluster.active_provocations(now).await?;
                Answered::Listed(provocations.into_iter().map(active).collect())
            }
            Asked::Provoke { action, target, for_seconds } => {
                let lasts = for_seconds.map(|seconds| SignedDuration::from_secs(seconds.into()));
                let until = lasts.map(|lasts| now.checked_add(lasts)).transpose();
                let until = until.context("--for reaches beyond the calendar")?;
                let request = Request { action: action.clone(), target: target.clone(), since: now, until };
                let provocation = cluster.provoke(&request, now).await.map_err(asked_wrongly)?;
                Answered::Provoked(Provoked { provocation: active(provocation), visible_at, clusters: 1 })
            }
            Asked::Undo { id: Some(id) } => {
                let provocation = cluster.undo(*id, now).await.map_err(asked_wrongly)?;
                Answered::Undone(Undone { provocations: vec![active(provocation)], visible_at })
            }
            Asked::Undo { id: None } => {
                let provocations = cluster.undo_all(now).await?;
                Answered::Undone(Undone {
                    provocations: provocations.into_iter().map(active).collect(),
                    visible_at,
                })
            }
        })
    })
}

/// The API server of an environment's cluster.
pub(in crate::commands) async fn cluster(environment: &RealEnvironment) -> anyhow::Result<Cluster> {
    let folder = RealEnvironments::of_user()?.folder(&environment.name);
    let path = Names::new(&environment.name.to_string(), &folder).kubeconfig();
    let kubeconfig = std::fs::read_to_string(&path).with_context(|| {
        format!("{} has no cluster, as {} cannot be read", environment.name, path.display())
    })?;
    Cluster::from_kubeconfig(&kubeconfig).await
}

/// What cannot be done is the user's mistake, not ours.
fn asked_wrongly(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<ProvocationError>() {
        Ok(wrong) => Usage(wrong.to_string()).into(),
        Err(error) => error,
    }
}

fn cluster_name(environment: &RealEnvironment) -> String {
    environment.flags["cluster-name"].as_str().unwrap_or("kwok").to_owned()
}

/// The time between two scrapes.
fn interval(environment: &RealEnvironment) -> SignedDuration {
    let written = environment.flags["interval"].as_str().and_then(|text| text.parse().ok());
    written.unwrap_or(SignedDuration::from_secs(15))
}
