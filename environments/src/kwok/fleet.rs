//! The fleet: stages, nodes and workloads of `deploy/kwok/`, at the size that was asked for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use cluster_sim::{Manifests, SimulationOptions};
use futures_util::future::BoxFuture;

use super::cluster::KwokCluster;
use super::{KwokOptions, step};
use crate::cluster::Pace;
use crate::cluster::fleet::Fleet;
use crate::plan::{Progress, State, Step, StepName};

/// 200 pods run 3 s after the apply. Tens of thousands take minutes.
const RUNNING: Duration = Duration::from_secs(60);

/// KWOK brings at least so many pods a second up.
const PODS_A_SECOND: u64 = 50;

/// Reads the fleet's files and scales them.
pub(super) fn fleet(options: &KwokOptions) -> anyhow::Result<Fleet> {
    let manifests = Manifests::parse(&files(&options.fleet)?).map_err(|error| anyhow::anyhow!("{error}"))?;
    // The seed decides about uids and usage, which come from the cluster here.
    Fleet::new(&manifests, &SimulationOptions { nodes: options.nodes, pods: options.pods, seed: 1 })
}

/// Every YAML file of a folder, by name.
fn files(folder: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let failed = || format!("failed to read the fleet's folder {}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(failed)? {
        let path = entry.with_context(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("failed to read the fleet file {}", path.display()))?;
            files.push((path.display().to_string(), text));
        }
    }
    ensure!(!files.is_empty(), "no fleet files: {} holds no *.yaml", folder.display());
    files.sort();
    Ok(files)
}

/// Applies it and waits until its pods run. It goes with the cluster.
pub(super) struct FleetStep {
    cluster: Arc<KwokCluster>,
    fleet: Fleet,
}

impl FleetStep {
    pub(super) fn new(cluster: Arc<KwokCluster>, fleet: Fleet) -> Self {
        Self { cluster, fleet }
    }
}

impl Step for FleetStep {
    fn name(&self) -> StepName {
        step::FLEET
    }

    fn needs(&self) -> &[StepName] {
        &[step::API_SERVER]
    }

    fn look(&self) -> BoxFuture<'_, anyhow::Result<State>> {
        Box::pin(async { self.cluster.client().await?.look_fleet(&self.fleet).await })
    }

    fn up<'a>(&'a self, progress: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async {
            let client = self.cluster.client().await?;
            let pods = self.fleet.first_pods as u64;
            let deadline = RUNNING.saturating_add(Duration::from_secs(pods / PODS_A_SECOND));
            let (applied, running) =
                client.start_fleet(&self.fleet, Pace::default(), deadline, progress).await?;
            let later = self.fleet.pods.saturating_sub(running.total);
            let later =
                if later > 0 { format!(", {later} more with the runs of Jobs") } else { String::new() };
            Ok(format!("{} nodes, {running}{later}; {} objects", self.fleet.nodes, applied.total()))
        })
    }
}
