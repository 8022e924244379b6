//! The plan of `cargo xtask kwok --runtime docker`: KWOK, LGTM, stats-proxy, collector and Beyla in containers.
//!
//! ```text
//! kwokctl ──► network ─┬─► KWOK cluster ─┬─► kubectl's context
//! images of KWOK ──────│────────┘        └─► API server ─┬─► fleet ───────┐
//! image of stats-proxy │                                 └─► stats-proxy ─┼─► collector ─► data
//! image of LGTM ───────┴─► LGTM ──────────────────────────────────────────┤                 ▲
//! image of the collector ─────────────────────────────────────────────────┘   Beyla ────────┘
//! ```
//!
//! What is not joined runs side by side. Beyla sits in LGTM's processes; the image of stats-proxy is needed by stats-proxy.

mod cluster;
pub mod collector;
mod containers;
mod context;
mod data;
mod fleet;
mod images;
mod kwokctl;
mod names;
mod program;
mod stages;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tools::pins::{ImagePin, Pins};
use tools::{Processes, Tool};

use crate::cluster::kubeconfig::Places;
use crate::engine::Engine;
use crate::plan::{Plan, Step, StepName};
use crate::stack::data::Seen;
use crate::stack::fragments::Fragments;
use crate::stack::lgtm::Lgtm;

pub use names::Names;

/// What the user chose.
#[derive(Clone, Debug)]
pub struct KwokOptions {
    /// What everything is called.
    pub names: Names,
    /// How many nodes.
    pub nodes: usize,
    /// How many pods.
    pub pods: usize,
    /// `k8s_cluster_name` on every series.
    pub cluster_name: String,
    /// The time between two scrapes.
    pub interval: Duration,
    /// The folder with the fleet's manifests.
    pub fleet: PathBuf,
    /// The folder with the collector's configuration.
    pub collector: PathBuf,
    /// Where Grafana and OTLP listen, on 127.0.0.1.
    pub ports: Ports,
    /// Whether Grafana and Prometheus are traced.
    pub beyla: bool,
    /// Whether the current context of kubectl becomes the cluster's.
    pub switch_context: bool,
    /// How long to wait for data.
    pub wait: Duration,
    /// Whether nothing may be downloaded.
    pub offline: bool,
}

/// The published ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Grafana.
    pub grafana: u16,
    /// OTLP over gRPC.
    pub otlp_grpc: u16,
    /// OTLP over HTTP.
    pub otlp_http: u16,
}

/// What the steps work with.
#[derive(Clone)]
pub struct Parts {
    /// The container engine.
    pub engine: Engine,
    /// The name of the machine that it runs on.
    pub machine: String,
    /// Runs kwokctl and cargo.
    pub processes: Arc<dyn Processes>,
    /// A kwokctl to take; without one it is found or downloaded.
    pub kwokctl: Option<Tool>,
    /// The user's kubeconfigs.
    pub kubeconfigs: Places,
    /// Versions and hashes.
    pub pins: Arc<Pins>,
    /// The repository.
    pub workspace: PathBuf,
}

/// A plan, and where its last step tells what has arrived.
pub struct KwokPlan {
    /// The steps.
    pub plan: Plan,
    /// What has arrived, once they are up.
    pub seen: Seen,
}

mod step {
    //! What the steps are called: in needs, and to people.
    use crate::plan::StepName;

    pub(super) const PROGRAM: StepName = "kwokctl";
    pub(super) const KWOK_IMAGES: StepName = "images of KWOK";
    pub(super) const LGTM_IMAGE: StepName = "image of LGTM";
    pub(super) const COLLECTOR_IMAGE: StepName = "image of the collector";
    pub(super) const BEYLA_IMAGE: StepName = "image of Beyla";
    pub(super) const PROXY_IMAGE: StepName = "image of stats-proxy";
    pub(super) const NETWORK: StepName = "network";
    pub(super) const CLUSTER: StepName = "KWOK cluster";
    pub(super) const API_SERVER: StepName = "API server";
    pub(super) const CONTEXT: StepName = "kubectl's context";
    pub(super) const FLEET: StepName = "fleet";
    pub(super) const LGTM: StepName = "LGTM";
    pub(super) const PROXY: StepName = "stats-proxy";
    pub(super) const COLLECTOR: StepName = "collector";
    pub(super) const BEYLA: StepName = "Beyla";
    pub(super) const DATA: StepName = "data";
}

/// The steps that not every environment has.
pub const OPTIONAL: [StepName; 2] = [step::CONTEXT, step::BEYLA];

/// The steps that bring the environment up.
///
/// # Errors
/// When a file of the workspace cannot be read or is wrong: before anything is changed.
pub fn plan(options: &KwokOptions, parts: &Parts) -> anyhow::Result<KwokPlan> {
    let kwokctl_options = kwokctl::Options::of(&parts.pins)?;
    let lgtm = Lgtm::read(&parts.workspace, &parts.pins)?;
    let fragments = Fragments::read(&parts.workspace)?;
    let configuration = collector::configuration(&options.collector, &fragments)?;
    let fleet = fleet::fleet(options)?;
    let collector_image = pin(&parts.pins, "collector")?.to_pull();
    let beyla_image = pin(&parts.pins, "beyla")?.to_pull();
    let program = Arc::new(program::Program::new(parts, options.offline));
    let cluster = Arc::new(cluster::KwokCluster::new(
        options.names.clone(),
        kwokctl_options.clone(),
        Arc::clone(&program),
        parts,
    ));
    let images = |name, images: &[&str]| {
        Box::new(images::Images::new(name, images, options.offline, &parts.engine)) as Box<dyn Step>
    };
    let seen = Seen::default();
    let mut steps: Vec<Box<dyn Step>> = vec![
        Box::new(program::ProgramStep(Arc::clone(&program))),
        images(step::KWOK_IMAGES, &kwokctl_options.images()),
        images(step::LGTM_IMAGE, &[&lgtm.image.to_pull()]),
        images(step::COLLECTOR_IMAGE, &[&collector_image]),
        Box::new(images::ProxyImage::new(parts)?),
        Box::new(cluster::Network(Arc::clone(&cluster))),
        Box::new(cluster::ClusterStep(Arc::clone(&cluster))),
        Box::new(cluster::ApiServer(Arc::clone(&cluster))),
    ];
    if options.switch_context {
        steps.push(Box::new(context::ContextStep {
            cluster: Arc::clone(&cluster),
            places: parts.kubeconfigs.clone(),
        }));
    }
    steps.push(Box::new(fleet::FleetStep::new(Arc::clone(&cluster), fleet)));
    let containers = containers::Containers { options, parts, cluster: &cluster };
    steps.push(containers.lgtm(&lgtm));
    steps.push(containers.stats_proxy());
    steps.push(containers.collector(&collector_image, configuration));
    if options.beyla {
        steps.push(images(step::BEYLA_IMAGE, &[&beyla_image]));
        steps.push(containers.beyla(&beyla_image, &lgtm));
    }
    steps.push(Box::new(data::Data::new(options, seen.clone())));
    Ok(KwokPlan { plan: Plan::new(steps)?, seen })
}

/// The steps that remove whatever there is of an environment, also what a start with other flags has made. They need no file of
/// the workspace but the pins.
///
/// # Errors
/// When the pins lack an image.
pub fn removal(names: &Names, parts: &Parts) -> anyhow::Result<Plan> {
    let program = Arc::new(program::Program::new(parts, false));
    let options = kwokctl::Options::of(&parts.pins)?;
    let images = images::Images::new(step::KWOK_IMAGES, &options.images(), true, &parts.engine);
    let cluster = Arc::new(cluster::KwokCluster::new(names.clone(), options, Arc::clone(&program), parts));
    let mut steps: Vec<Box<dyn Step>> = vec![
        Box::new(program::ProgramStep(program)),
        Box::new(images),
        Box::new(cluster::Network(Arc::clone(&cluster))),
        Box::new(cluster::ClusterStep(Arc::clone(&cluster))),
        Box::new(cluster::ApiServer(Arc::clone(&cluster))),
        Box::new(context::ContextStep { cluster: Arc::clone(&cluster), places: parts.kubeconfigs.clone() }),
    ];
    steps.extend(containers::removals(names, &parts.engine));
    Ok(Plan::new(steps)?)
}

fn pin<'a>(pins: &'a Pins, name: &str) -> anyhow::Result<&'a ImagePin> {
    pins.images.get(name).with_context(|| format!("{} has no images.{name}", tools::pins::PINS_FILE))
}
