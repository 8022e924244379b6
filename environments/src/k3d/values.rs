//! The values of the collectors' chart: the files of `deploy/k3d`, with the fragments, the pinned image and the cluster's name.

use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};
use tools::Sha256Sum;
use tools::pins::ImagePin;

use crate::stack::fragments::Fragments;

/// The chart's name in the pins and in its repository.
pub(super) const CHART: &str = "opentelemetry-collector";

/// The collector's image in the pins.
pub(super) const IMAGE: &str = "collector";

/// The variable that the configuration takes the cluster's name from.
const CLUSTER_NAME: &str = "CLUSTER_NAME";

/// A collector, installed as a release of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collector {
    /// Asks the API server: a Deployment.
    Cluster,
    /// Asks the kubelet and looks at the machine: one on every node.
    Nodes,
}

impl Collector {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Cluster, Self::Nodes];

    /// The release, and what its objects are called.
    pub fn release(self) -> &'static str {
        match self {
            Self::Cluster => "collector-cluster",
            Self::Nodes => "collector-nodes",
        }
    }
}

/// The values of a release.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// What Helm reads.
    pub text: String,
    /// Changes with them and with the version of the chart: the release is known by it.
    pub hash: String,
}

impl Values {
    /// Reads the file of a workspace and fills it in.
    ///
    /// # Errors
    /// When it cannot be read, is no YAML, or names a fragment that there is not.
    pub fn read(
        workspace: &Path,
        collector: Collector,
        fragments: &Fragments,
        image: &ImagePin,
        chart_version: &str,
        cluster_name: &str,
    ) -> anyhow::Result<Self> {
        let path = workspace.join("deploy").join("k3d").join(format!("{}.yaml", collector.release()));
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
        let filled = fill_in(&text, fragments, image, cluster_name);
        let text = filled.with_context(|| format!("{} is wrong", path.display()))?;
        let hash = Sha256Sum::of(format!("{chart_version}\n{text}").as_bytes()).short();
        Ok(Self { text, hash })
    }
}

fn fill_in(
    text: &str,
    fragments: &Fragments,
    image: &ImagePin,
    cluster_name: &str,
) -> anyhow::Result<String> {
    // Through a mapping of YAML, which refuses a key that is there twice.
    let values: serde_yaml::Mapping = serde_yaml::from_str(text)?;
    let mut values = serde_json::to_value(values)?;
    fragments.put_into(&mut values)?;
    values["image"] = json!({ "repository": image.image.name(), "tag": image.image.tag() });
    if let Some(digest) = &image.digest {
        values["image"]["digest"] = json!(digest.to_string());
    }
    values["extraEnvs"] = json!([{ "name": CLUSTER_NAME, "value": cluster_name }]);
    Ok(serde_yaml::to_string(&values)?)
}

/// The collector's configuration in the values, before the chart's presets.
///
/// # Errors
/// When the text is no YAML.
pub fn configuration(values: &str) -> anyhow::Result<Value> {
    let mut values: Value = serde_yaml::from_str(values)?;
    Ok(values["config"].take())
}
