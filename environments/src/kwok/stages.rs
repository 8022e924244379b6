//! The kind Stage, which tells KWOK how nodes and pods live.
//!
//! kwokctl puts it into the cluster while the API server is still starting, and only logs it when that fails: on a busy machine the
//! cluster then has no such kind, and every node stays NotReady. So it is looked for, and made if it is missing.

use std::time::Duration;

use anyhow::ensure;
use http::Request;
use kube::Error;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::cluster::{Cluster, Pace};
use crate::plan::Progress;

/// Where an API server has its stages.
const STAGES: &str = "/apis/kwok.x-k8s.io/v1alpha1/stages?limit=1";

/// How long a server may take to serve a kind that it has just been given: it needs some tenths of a second …
const SERVED: Duration = Duration::from_secs(30);
/// … and is asked so often.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Whether the cluster knows stages.
pub(super) async fn are_known(cluster: &Cluster) -> anyhow::Result<bool> {
    let request = Request::get(STAGES).body(Vec::new())?;
    match cluster.client().request_text(request).await {
        Ok(_) => Ok(true),
        Err(Error::Api(status)) if status.code == 404 => Ok(false),
        Err(error) => Err(anyhow::Error::from(error).context("failed to ask for KWOK's stages")),
    }
}

/// Makes the kind, if it is missing, and waits until the cluster knows it.
pub(super) async fn ensure(cluster: &Cluster, progress: &Progress<'_>) -> anyhow::Result<()> {
    if are_known(cluster).await? {
        return Ok(());
    }
    cluster.apply(&[definition()], Pace::default(), progress).await?;
    let begun = Instant::now();
    while !are_known(cluster).await? {
        ensure!(
            begun.elapsed() < SERVED,
            "the cluster does not serve KWOK's stages {} s after it was given their kind",
            SERVED.as_secs()
        );
        tokio::time::sleep(ASK_AGAIN).await;
    }
    Ok(())
}

/// As far as an API server has to know it: KWOK itself reads what is in it.
fn definition() -> Value {
    let any = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "stages.kwok.x-k8s.io" },
        "spec": {
            "group": "kwok.x-k8s.io",
            "scope": "Cluster",
            "names": { "kind": "Stage", "listKind": "StageList", "plural": "stages", "singular": "stage" },
            "versions": [{
                "name": "v1alpha1",
                "served": true,
                "storage": true,
                "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": {
                    "type": "object",
                    "required": ["spec"],
                    "properties": { "spec": any, "status": any },
                } },
            }],
        },
    })
}
