//! The cluster itself: made by k3d, known by its labels, started again after a reboot.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::future::BoxFuture;

use super::program::{K3d, Listed, Runner};
use super::{ClusterFile, DevOptions, Fresh, Names, Parts, Ports, failures, pin, step};
use crate::cluster::Cluster;
use crate::engine::Engine;
use crate::plan::{Progress, Removal, State, Step, StepName};

/// k3d waits until k3s says that it runs; the API server is ready some seconds later.
const READY: Duration = Duration::from_secs(120);

/// Where the reason stands when k3s does not come up.
const LOG_LINES: usize = 200;

/// k3d's cluster, as other steps need it.
pub(super) struct K3dCluster {
    names: Names,
    k3d: K3d,
    runner: Runner,
    engine: Engine,
}

impl K3dCluster {
    pub(super) fn new(names: Names, parts: &Parts) -> anyhow::Result<Self> {
        let k3d = K3d {
            program: parts.k3d.clone(),
            engine_address: parts.engine_address.clone(),
            tools_image: pin(&parts.pins, "k3d-tools")?.to_pull(),
        };
        Ok(Self { names, k3d, runner: Runner(Arc::clone(&parts.processes)), engine: parts.engine.clone() })
    }

    /// A client of its API server, with the kubeconfig that was written when it came up.
    pub(super) async fn client(&self) -> anyhow::Result<Cluster> {
        let path = self.names.kubeconfig();
        let kubeconfig = std::fs::read_to_string(&path)
            .with_context(|| format!("failed to read the cluster's kubeconfig {}", path.display()))?;
        Cluster::from_kubeconfig(&kubeconfig).await
    }

    /// What k3d knows of it.
    ///
    /// # Errors
    /// When k3d does not answer, or there is one of this name that is not ours.
    async fn listed(&self) -> anyhow::Result<Option<Listed>> {
        let answer = self.runner.run(self.k3d.list()).await.map_err(|error| failures::explain(error, ""))?;
        let name = self.names.cluster();
        let Some(cluster) = K3d::find(&answer, name)? else { return Ok(None) };
        match cluster.environment() {
            Some(environment) if environment == self.names.environment() => Ok(Some(cluster)),
            Some(other) => {
                bail!("the k3d cluster {name} belongs to the environment {other}: `cargo xtask down {other}`")
            }
            None => bail!(
                "a k3d cluster {name} is there that is not ours: `k3d cluster delete {name}`, or choose another --name"
            ),
        }
    }

    /// What was said in the container of the API server.
    async fn log(&self) -> String {
        // Without a container there is none, and the failure itself is told anyway.
        self.engine.logs_tail(&self.names.server(), LOG_LINES).await.unwrap_or_default()
    }

    /// Writes down how its API server is reached.
    async fn write_kubeconfig(&self) -> anyhow::Result<String> {
        let kubeconfig = self.runner.run(self.k3d.kubeconfig(self.names.cluster())).await?.text();
        write_private(&self.names.kubeconfig(), &kubeconfig)?;
        Ok(kubeconfig)
    }

    async fn remove(&self) -> anyhow::Result<Removal> {
        let there = self.listed().await?.is_some();
        if there {
            let deleting = self.runner.run(self.k3d.delete(self.names.cluster())).await;
            deleting.map_err(|error| failures::explain(error, ""))?;
        }
        let names = &self.names;
        let mut files = vec![names.kubeconfig(), names.cluster_file()];
        files.extend(super::Collector::ALL.map(|collector| names.values_file(collector.release())));
        for file in files {
            remove_file(&file)?;
        }
        match std::fs::remove_dir_all(names.helm_home()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error)
                    .with_context(|| format!("failed to remove {}", names.helm_home().display()));
            }
            _ => {}
        }
        Ok(if there { Removal::Removed } else { Removal::Nothing })
    }
}

/// The cluster as it is asked for.
pub(super) struct ClusterStep {
    cluster: Arc<K3dCluster>,
    file: ClusterFile,
    ports: Ports,
    fresh: Fresh,
}

impl ClusterStep {
    pub(super) fn new(
        cluster: &Arc<K3dCluster>,
        file: ClusterFile,
        options: &DevOptions,
        fresh: &Fresh,
    ) -> Self {
        Self { cluster: Arc::clone(cluster), file, ports: options.ports, fresh: fresh.clone() }
    }

    async fn create(&self, progress: &Progress<'_>) -> anyhow::Result<()> {
        for (port, flag) in self.ports.flags() {
            check_free(port, flag)?;
        }
        let names = &self.cluster.names;
        std::fs::create_dir_all(names.state())
            .with_context(|| format!("failed to make {}", names.state().display()))?;
        let path = names.cluster_file();
        write_private(&path, &self.file.text(free_port()?)?)?;
        self.fresh.set();
        progress.show("k3d pulls k3s and starts it");
        if let Err(error) = self.cluster.runner.run(self.cluster.k3d.create(&path)).await {
            return Err(failures::explain(error, &self.cluster.log().await));
        }
        Ok(())
    }

    async fn come_up(&self, progress: &Progress<'_>) -> anyhow::Result<String> {
        let name = self.cluster.names.cluster();
        match self.cluster.listed().await? {
            None => self.create(progress).await?,
            Some(listed) if listed.runs() => {}
            Some(_) => {
                progress.show("starting it again");
                if let Err(error) = self.cluster.runner.run(self.cluster.k3d.start(name)).await {
                    return Err(failures::explain(error, &self.cluster.log().await));
                }
            }
        }
        let kubeconfig = self.cluster.write_kubeconfig().await?;
        let cluster = Cluster::from_kubeconfig(&kubeconfig).await?;
        if let Err(error) = cluster.wait_ready(READY, progress).await {
            return Err(failures::explain(error, &self.cluster.log().await));
        }
        Ok(format!("{name} at {}", cluster.address()))
    }
}

impl Step for ClusterStep {
    fn name(&self) -> StepName {
        step::CLUSTER
    }

    fn look(&self) -> BoxFuture<'_, anyhow::Result<State>> {
        Box::pin(async {
            let Some(listed) = self.cluster.listed().await? else { return Ok(State::Absent) };
            if listed.spec() != Some(self.file.hash()) {
                return Ok(State::Different("other flags, versions or folders".to_owned()));
            }
            // One that is stopped is started again, and a lost kubeconfig is written again.
            if !listed.runs() || !self.cluster.names.kubeconfig().exists() {
                return Ok(State::Absent);
            }
            let client = self.cluster.client().await?;
            if !client.is_ready().await {
                return Ok(State::Different("its API server does not answer".to_owned()));
            }
            let nodes = listed.nodes();
            let nodes = if nodes == 1 { "1 node".to_owned() } else { format!("{nodes} nodes") };
            Ok(State::Up(format!("{} at {}, {nodes}", self.cluster.names.cluster(), client.address())))
        })
    }

    fn up<'a>(&'a self, progress: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(self.come_up(progress))
    }

    fn down<'a>(&'a self, _: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<Removal>> {
        Box::pin(self.cluster.remove())
    }

    fn can_be_dropped(&self) -> bool {
        false
    }
}

/// Whatever is there of a cluster, to be removed.
pub(super) struct Remains(pub(super) Arc<K3dCluster>);

impl Step for Remains {
    fn name(&self) -> StepName {
        step::CLUSTER
    }

    fn look(&self) -> BoxFuture<'_, anyhow::Result<State>> {
        Box::pin(async {
            Ok(match self.0.listed().await? {
                None => State::Absent,
                Some(listed) if listed.runs() => State::Up(self.0.names.cluster().to_owned()),
                Some(_) => State::Different(format!("{} does not run", self.0.names.cluster())),
            })
        })
    }

    fn up<'a>(&'a self, _: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async { bail!("{} can only be removed here", self.0.names.cluster()) })
    }

    fn down<'a>(&'a self, _: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<Removal>> {
        Box::pin(self.0.remove())
    }

    fn can_be_dropped(&self) -> bool {
        false
    }
}

/// k3d makes everything before the engine refuses a port.
fn check_free(port: u16, flag: &str) -> anyhow::Result<()> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) => bail!(
            "port {port} of 127.0.0.1 cannot be used ({error}): `cargo xtask doctor dev` names who has it; {flag} takes another"
        ),
    }
}

/// A port that nobody has. Somebody may take it until the engine does, which is told then.
fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("failed to find a free port")?;
    Ok(listener.local_addr().context("failed to find a free port")?.port())
}

/// Writes a file for this user alone.
pub(super) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("failed to write {}", path.display()))
}

fn remove_file(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
