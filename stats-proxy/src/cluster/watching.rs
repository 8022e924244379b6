//! Follows what happens in a cluster.

use std::convert::Infallible;
use std::error::Error as _;
use std::fmt::{Debug, Write as _};
use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::{Node, PersistentVolumeClaim, Pod};
use kube::client::ClientBuilder;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tracing::{info, warn};

use super::objects::Keep;
use super::observing::Observing;
use super::pace::Pace;
use super::progress::{Kind, Progress};
use super::source::ClusterKubelets;

/// So many refusals of a watch in a row, and everything is listed again: the version to go on from may be no good.
const REFUSALS: u32 = 3;

/// A client of the API server at `config`, whose answers `progress` is told about.
///
/// # Errors
/// When certificates or credentials cannot be used.
pub fn client(mut config: kube::Config, pace: &Pace, progress: &Arc<Progress>) -> kube::Result<Client> {
    // Without a bound, a list that is never answered would be waited for for ever.
    config.read_timeout = Some(pace.watch + pace.grace);
    config.reset_reader_on_write = true;
    config.connect_timeout = Some(pace.grace);
    Ok(ClientBuilder::try_from(config)?.with_layer(&Observing(Arc::clone(progress))).build())
}

/// Tells `kubelets` about the nodes, pods and claims of a cluster, for ever: what fails is tried again.
pub async fn watch(
    client: Client,
    kubelets: &ClusterKubelets,
    progress: &Progress,
    pace: &Pace,
) -> Infallible {
    let nodes = follow::<Node>(Kind::Nodes, &client, kubelets, progress, pace);
    let pods = follow::<Pod>(Kind::Pods, &client, kubelets, progress, pace);
    let claims = follow::<PersistentVolumeClaim>(Kind::Claims, &client, kubelets, progress, pace);
    tokio::select! {
        never = nodes => never,
        never = pods => never,
        never = claims => never,
    }
}

async fn follow<K>(
    kind: Kind,
    client: &Client,
    kubelets: &ClusterKubelets,
    progress: &Progress,
    pace: &Pace,
) -> Infallible
where
    K: Resource<DynamicType = ()> + Keep + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let api = Api::<K>::all(client.clone());
    let seconds = u32::try_from(pace.watch.as_secs()).unwrap_or(u32::MAX).max(1);
    let config = watcher::Config::default().timeout(seconds).page_size(pace.page);
    let mut failures = 0;
    loop {
        let mut events = pin!(watcher(api.clone(), config.clone()));
        let mut refusals = 0;
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    (failures, refusals) = (0, 0);
                    take(kind, event, kubelets, progress);
                }
                Err(error) => {
                    let reason = reason(&error);
                    if progress.failed(kind, &reason, kubelets.now()) {
                        warn!(%kind, reason, "watching fails; it is tried again");
                    }
                    refusals = if is_refusal(&error) { refusals + 1 } else { 0 };
                    tokio::time::sleep(pace.wait(failures)).await;
                    failures = failures.saturating_add(1);
                    if is_gone(&error) || refusals >= REFUSALS {
                        break;
                    }
                }
            }
        }
    }
}

fn take<K: Keep>(kind: Kind, event: Event<K>, kubelets: &ClusterKubelets, progress: &Progress) {
    match event {
        Event::Init => {
            progress.lists(kind);
            kubelets.change(|objects, _| K::begin(objects));
        }
        Event::InitApply(object) => kubelets.change(|objects, now| object.put(objects, now)),
        Event::InitDone => {
            kubelets.change(|objects, now| K::end(objects, now));
            progress.listed(kind);
            let (nodes, pods, claims) = kubelets.counts();
            info!(%kind, nodes, pods, claims, "listed");
        }
        Event::Apply(object) => {
            progress.event(kind);
            kubelets.change(|objects, now| object.put(objects, now));
        }
        Event::Delete(object) => {
            progress.event(kind);
            kubelets.change(|objects, now| object.remove(objects, now));
        }
    }
}

/// Whether the API server answered that it will not begin a watch.
fn is_refusal(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(_)))
}

/// Whether the version to go on from is too old. As an event the watcher knows it; as an answer it would ask for the same
/// again.
fn is_gone(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if status.code == 410)
}

/// What is wrong, in one line, as the API server or the connection says it.
fn reason(error: &watcher::Error) -> String {
    use watcher::Error::{InitialListFailed, NoResourceVersion, WatchError, WatchFailed, WatchStartFailed};
    let said = |status: &kube::core::Status| format!("{} {}: {}", status.code, status.reason, status.message);
    match error {
        WatchError(status) => said(status),
        InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error) => match error {
            kube::Error::Api(status) => said(status),
            other => chain(other),
        },
        NoResourceVersion => error.to_string(),
    }
}

/// An error with its causes, each once.
fn chain(error: &kube::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            // Writing to a string does not fail.
            let _ = write!(text, ": {said}");
        }
        cause = error.source();
    }
    text
}
