//! The command line of kwokctl 0.8, which makes the simulated cluster's API server and controllers.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use tools::pins::{PINS_FILE, Pins};
use tools::{Invocation, ProcessFailure, Processes};

use super::names::Names;

/// Creating takes 4 s where the images are there; a busy machine takes longer.
const CREATE: Duration = Duration::from_secs(180);

/// Everything else is done in a second or two.
const OTHERS: Duration = Duration::from_secs(60);

/// What kwokctl is told in a file of ours, in place of the user's own `~/.kwok/kwok.yaml`, which could say anything.
///
/// Stages are API objects here, so that they can be changed while the cluster runs: the fleet's files hold the full set. Without
/// limits on the components' own requests, ten Deployments of twenty pods each are up in 3 s, with them in 10 s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Options {
    runtime: &'static str,
    /// With its `v`.
    kube_version: String,
    #[serde(rename = "enableCRDs")]
    enable_crds: [&'static str; 1],
    #[serde(rename = "disableQPSLimits")]
    disable_qps_limits: bool,
    quiet_pull: bool,
    etcd_image: String,
    kube_apiserver_image: String,
    kube_controller_manager_image: String,
    kube_scheduler_image: String,
    kwok_controller_image: String,
}

impl Options {
    /// The pinned images, by digest where that is known. kwokctl pulls those that are not there.
    ///
    /// # Errors
    /// When the pins lack one.
    pub(super) fn of(pins: &Pins) -> anyhow::Result<Self> {
        let image = |name: &str| {
            let pin = pins.images.get(name).with_context(|| format!("{PINS_FILE} has no images.{name}"))?;
            anyhow::Ok(pin)
        };
        let to_pull = |name| anyhow::Ok(image(name)?.to_pull());
        Ok(Self {
            runtime: "docker",
            kube_version: image("kube-apiserver")?.image.tag().to_owned(),
            enable_crds: ["Stage"],
            disable_qps_limits: true,
            quiet_pull: true,
            etcd_image: to_pull("etcd")?,
            kube_apiserver_image: to_pull("kube-apiserver")?,
            kube_controller_manager_image: to_pull("kube-controller-manager")?,
            kube_scheduler_image: to_pull("kube-scheduler")?,
            kwok_controller_image: to_pull("kwok")?,
        })
    }

    /// The version of Kubernetes, with its `v`.
    pub(super) fn kubernetes(&self) -> &str {
        &self.kube_version
    }

    /// The images, as they are to be pulled.
    pub(super) fn images(&self) -> [&str; 5] {
        [
            &self.etcd_image,
            &self.kube_apiserver_image,
            &self.kube_controller_manager_image,
            &self.kube_scheduler_image,
            &self.kwok_controller_image,
        ]
    }

    /// The file's text.
    ///
    /// # Errors
    /// None in practice: every field is text or a switch.
    pub(super) fn file(&self) -> anyhow::Result<String> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Configuration<'a> {
            api_version: &'static str,
            kind: &'static str,
            options: &'a Options,
        }
        let configuration = Configuration {
            api_version: "config.kwok.x-k8s.io/v1alpha1",
            kind: "KwokctlConfiguration",
            options: self,
        };
        let yaml =
            serde_yaml::to_string(&configuration).context("failed to write kwokctl's configuration")?;
        Ok(format!("# Written by `cargo xtask kwok`, for kwokctl.\n{yaml}"))
    }
}

/// Runs kwokctl for one cluster.
pub(super) struct Kwokctl {
    program: PathBuf,
    names: Names,
    processes: Arc<dyn Processes>,
    docker_host: String,
}

impl Kwokctl {
    /// For the cluster of these names. kwokctl runs `docker`, which is told where the engine is that we have found.
    pub(super) fn new(
        program: PathBuf,
        names: Names,
        processes: Arc<dyn Processes>,
        docker_host: String,
    ) -> Self {
        Self { program, names, processes, docker_host }
    }

    fn invocation(&self, arguments: &[&str], deadline: Duration) -> Invocation {
        Invocation::new(&self.program)
            .args(["--name", &self.names.cluster()])
            .args(arguments)
            .env("DOCKER_HOST", &self.docker_host)
            .within(deadline)
    }

    /// Makes the cluster from the configuration file, which has to be there: kwokctl refuses every command that names a file that
    /// is not, so the others name none.
    ///
    /// Whether the cluster is ready has to be asked for: kwokctl's own `--wait` needs kubectl, downloads it where there is none,
    /// and says only in its log that it has failed.
    pub(super) fn create(&self) -> Result<(), ProcessFailure> {
        let invocation = self
            .invocation(&["create", "cluster", "--config"], CREATE)
            .args([self.names.kwokctl_configuration()])
            .args(["--kubeconfig"])
            .args([self.names.kubeconfig()]);
        self.processes.run(&invocation).map(drop)
    }

    /// Removes the cluster. One that is not there is none, without an error.
    pub(super) fn delete(&self) -> Result<(), ProcessFailure> {
        let invocation =
            self.invocation(&["delete", "cluster", "--kubeconfig"], OTHERS).args([self.names.kubeconfig()]);
        self.processes.run(&invocation).map(drop)
    }

    /// Whether kwokctl knows the cluster, running or not.
    pub(super) fn exists(&self) -> Result<bool, ProcessFailure> {
        let listed = self.processes.run(&self.invocation(&["get", "clusters"], OTHERS))?.text();
        Ok(listed.lines().any(|line| line.trim() == self.names.cluster()))
    }

    /// The kubeconfig with which containers on the cluster's network reach it: full TLS, certificates inside. It is a secret.
    pub(super) fn kubeconfig_for_containers(&self) -> Result<String, ProcessFailure> {
        let invocation = self.invocation(&["get", "kubeconfig", "--host", &self.names.api_server()], OTHERS);
        Ok(self.processes.run(&invocation)?.text())
    }
}
