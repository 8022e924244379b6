//! The plan of `cargo xtask dev`: a k3d cluster with LGTM, collectors and sample workloads in it.
//!
//! ```text
//!                    ┌─► kubectl's context
//! k3d cluster ───────┼─► LGTM ───────────────────────┐
//! chart ──────────┐  ├─► sample workloads ───────────┼─► rollouts ─► data
//!                 └──┴─► collector of the cluster ───┤
//!                    └─► collectors of the nodes ────┘
//! ```
//!
//! What is installed in the cluster goes with it: only a step that was changed while the cluster stays is undone by itself.

mod charts;
mod cluster;
mod collectors;
pub mod config;
mod context;
mod failures;
mod logs;
mod manifests;
mod names;
mod objects;
mod program;
mod strict;
mod values;
mod waiting;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use tools::Processes;
use tools::pins::{ImagePin, Pins};

use crate::cluster::kubeconfig::Places;
use crate::engine::Engine;
use crate::plan::{Plan, Step, StepName};
use crate::stack::data::{Marker, Seen};
use crate::stack::fragments::Fragments;
use crate::stack::lgtm::{self, Lgtm};

pub use config::ClusterFile;
pub use failures::{Cause, explain, recognise};
pub use logs::{LogSource, PodLogs, log_sources};
pub use manifests::Objects;
pub use names::{NAMESPACE, Names};
pub use program::{Chart, Helm, K3d, Listed, Release, Runner};
pub use values::{Collector, Values, configuration};

/// What the user chose.
#[derive(Clone, Debug)]
pub struct DevOptions {
    /// What everything is called.
    pub names: Names,
    /// How many nodes there are besides the server.
    pub agents: usize,
    /// `k8s_cluster_name` on every series.
    pub cluster_name: String,
    /// Whether there are sample workloads.
    pub workloads: bool,
    /// Whether kubectl's current context changes.
    pub switch_context: bool,
    /// The published ports.
    pub ports: Ports,
    /// How long to wait for data.
    pub wait: Duration,
    /// Whether no chart may be downloaded.
    pub offline: bool,
}

/// The published ports, all on 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Grafana.
    pub grafana: u16,
    /// OTLP over gRPC.
    pub otlp_grpc: u16,
    /// OTLP over HTTP.
    pub otlp_http: u16,
    /// Prometheus' API.
    pub prometheus: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            grafana: lgtm::GRAFANA_PORT,
            otlp_grpc: lgtm::OTLP_GRPC_PORT,
            otlp_http: lgtm::OTLP_HTTP_PORT,
            prometheus: lgtm::PROMETHEUS_PORT,
        }
    }
}

impl Ports {
    /// Where a port of LGTM is published.
    pub fn published(&self, port: u16) -> u16 {
        match port {
            lgtm::GRAFANA_PORT => self.grafana,
            lgtm::OTLP_GRPC_PORT => self.otlp_grpc,
            lgtm::OTLP_HTTP_PORT => self.otlp_http,
            _ => self.prometheus,
        }
    }

    /// Each with the flag that changes it.
    pub fn flags(&self) -> [(u16, &'static str); 4] {
        [
            (self.grafana, "--grafana-port"),
            (self.otlp_grpc, "--otlp-grpc-port"),
            (self.otlp_http, "--otlp-port"),
            (self.prometheus, "--prometheus-port"),
        ]
    }
}

/// What the steps work with.
#[derive(Clone)]
pub struct Parts {
    /// The container engine, for the logs of the nodes.
    pub engine: Engine,
    /// Its address as `DOCKER_HOST` has it, for k3d.
    pub engine_address: String,
    /// Runs k3d and Helm.
    pub processes: Arc<dyn Processes>,
    /// k3d's program.
    pub k3d: PathBuf,
    /// Helm's program.
    pub helm: PathBuf,
    /// Versions and hashes.
    pub pins: Arc<Pins>,
    /// The repository.
    pub workspace: PathBuf,
    /// The folder of charts that were downloaded.
    pub charts: PathBuf,
    /// The user's kubeconfig files.
    pub kubeconfig: Places,
}

/// A plan, and where its last step tells what has arrived.
pub struct DevPlan {
    /// The steps.
    pub plan: Plan,
    /// What has arrived, once they are up.
    pub seen: Seen,
}

/// What the steps are called: in needs, and to people.
mod step {
    use crate::plan::StepName;

    pub(super) const CLUSTER: StepName = "k3d cluster";
    pub(super) const CONTEXT: StepName = "kubectl's context";
    pub(super) const CHART: StepName = "chart";
    pub(super) const LGTM: StepName = "LGTM";
    pub(super) const COLLECTOR_CLUSTER: StepName = "collector of the cluster";
    pub(super) const COLLECTOR_NODES: StepName = "collectors of the nodes";
    pub(super) const WORKLOADS: StepName = "sample workloads";
    pub(super) const ROLLOUTS: StepName = "rollouts";
    pub(super) const DATA: StepName = "data";
}

/// Whether the cluster was made by this run: what is in it goes with it then.
#[derive(Clone, Debug, Default)]
struct Fresh(Arc<AtomicBool>);

impl Fresh {
    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The address of Prometheus on this machine.
pub fn prometheus_url(ports: &Ports) -> String {
    format!("http://127.0.0.1:{}", ports.prometheus)
}

/// What is to arrive in Prometheus.
pub fn markers(options: &DevOptions) -> Vec<Marker> {
    Marker::of_cluster(&options.cluster_name, options.agents as u64 + 1)
}

/// The steps that bring the environment up.
///
/// # Errors
/// When a file of the workspace cannot be read or is wrong, or k3d would misunderstand a path: before anything is changed.
pub fn plan(options: &DevOptions, parts: &Parts) -> anyhow::Result<DevPlan> {
    let Parts { workspace, pins, .. } = parts;
    let lgtm = Lgtm::read(workspace, pins)?;
    let fragments = Fragments::read(workspace)?;
    let file = cluster_file(options, parts, &lgtm)?;
    let objects = Objects::lgtm(workspace, pins, &lgtm)?;
    let chart = charts::ChartStep::new(options, parts)?;
    let fresh = Fresh::default();
    let cluster = Arc::new(cluster::K3dCluster::new(options.names.clone(), parts)?);
    let mut rollouts = objects.rollouts();
    let mut awaited: Vec<StepName> = vec![step::LGTM, step::COLLECTOR_CLUSTER, step::COLLECTOR_NODES];
    let mut steps: Vec<Box<dyn Step>> =
        vec![Box::new(cluster::ClusterStep::new(&cluster, file, options, &fresh)), Box::new(chart.clone())];
    if options.switch_context {
        steps.push(Box::new(context::ContextStep::new(&options.names, &parts.kubeconfig)));
    }
    steps.push(Box::new(objects::ObjectsStep::new(step::LGTM, objects, &cluster, &fresh)));
    for collector in Collector::ALL {
        let image = pin(pins, values::IMAGE)?;
        let version = chart.version();
        let values = Values::read(workspace, collector, &fragments, image, &version, &options.cluster_name)?;
        steps.push(Box::new(collectors::CollectorStep::new(
            collector, values, &chart, options, parts, &fresh,
        )));
    }
    if options.workloads {
        let workloads = Objects::workloads(workspace, pins)?;
        rollouts.extend(workloads.rollouts());
        awaited.push(step::WORKLOADS);
        steps.push(Box::new(objects::ObjectsStep::new(step::WORKLOADS, workloads, &cluster, &fresh)));
    }
    steps.push(Box::new(waiting::Rollouts::new(rollouts, awaited, &cluster)));
    let seen = Seen::default();
    steps.push(Box::new(waiting::Data::new(options, &cluster, seen.clone())));
    Ok(DevPlan { plan: Plan::new(steps)?, seen })
}

/// The steps that remove whatever there is of an environment, also what a start with other flags has made. What is in the cluster
/// goes with it.
///
/// # Errors
/// When the pins lack an image.
pub fn removal(names: &Names, parts: &Parts) -> anyhow::Result<Plan> {
    let cluster = Arc::new(cluster::K3dCluster::new(names.clone(), parts)?);
    let steps: Vec<Box<dyn Step>> = vec![
        Box::new(cluster::Remains(cluster)),
        Box::new(context::ContextStep::new(names, &parts.kubeconfig)),
    ];
    Ok(Plan::new(steps)?)
}

/// What the cluster is made from.
///
/// # Errors
/// When a file of the workspace cannot be read or is wrong, or k3d would misunderstand a path.
pub fn cluster_file(options: &DevOptions, parts: &Parts, lgtm: &Lgtm) -> anyhow::Result<ClusterFile> {
    let path = parts.workspace.join("deploy").join("k3d").join("cluster.yaml");
    let template =
        std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let settings = config::Settings {
        names: &options.names,
        image: &pin(&parts.pins, "k3s")?.to_pull(),
        agents: options.agents,
        ports: options.ports,
        dashboards: &lgtm.dashboards,
    };
    ClusterFile::new(&template, &settings)
}

fn pin<'a>(pins: &'a Pins, name: &str) -> anyhow::Result<&'a ImagePin> {
    pins.images.get(name).with_context(|| format!("{} has no images.{name}", tools::pins::PINS_FILE))
}
