//! The KWOK cluster: its network, which only this machine can reach, and what kwokctl makes on it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use futures_util::future::BoxFuture;
use tools::{ProcessFailure, Processes};

use super::kwokctl::{Kwokctl, Options};
use super::names::COMPONENTS;
use super::program::Program;
use super::{Names, Parts, stages, step};
use crate::cluster::Cluster;
use crate::engine::{Engine, Guest, NetworkSpec, Owner};
use crate::plan::{Progress, Removal, State, Step, StepName};

/// The API server is there 2 s after its container; on a busy machine later.
const READY: Duration = Duration::from_secs(90);

/// How often a container that has to run is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How long a container of ours may take to end.
pub(super) const STOP: Duration = Duration::from_secs(10);

/// How long KWOK's controller, which keeps nothing, may take to end.
const AT_ONCE: Duration = Duration::from_secs(1);

/// How much of a log is shown when something does not do.
pub(super) const LOG_LINES: usize = 15;

/// Marks what belongs to kwokctl's cluster.
const PROJECT: &str = "com.docker.compose.project";

/// The cluster's network. It is made before kwokctl makes it, bound to 127.0.0.1: kwokctl publishes the API server on every address.
///
/// A cluster that is not as it should be is removed with its network, before anything is put onto the new one.
pub(super) struct Network(pub(super) Arc<KwokCluster>);

impl Step for Network {
    fn name(&self) -> StepName {
        step::NETWORK
    }

    fn needs(&self) -> &[StepName] {
        &[step::PROGRAM]
    }

    fn look(&self) -> BoxFuture<'_, anyhow::Result<State>> {
        Box::pin(async {
            match self.0.state().await? {
                State::Different(what) => Ok(State::Different(format!("the cluster before: {what}"))),
                State::Absent | State::Up(_) => self.0.engine.look_network(&self.0.network).await,
            }
        })
    }

    fn up<'a>(&'a self, _: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async {
            self.0.engine.create_network(&self.0.network).await?;
            Ok(self.0.network.name.clone())
        })
    }

    fn down<'a>(&'a self, progress: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<Removal>> {
        Box::pin(async {
            let cluster = self.0.remove(progress).await?;
            // kwokctl has removed it, if there was a cluster.
            let network = self.0.engine.remove_network(&self.0.network.name).await?;
            Ok(if cluster == Removal::Removed { cluster } else { network })
        })
    }
}

/// kwokctl's cluster, as other steps need it.
pub(super) struct KwokCluster {
    pub(super) names: Names,
    options: Options,
    program: Arc<Program>,
    processes: Arc<dyn Processes>,
    network: NetworkSpec,
    engine: Engine,
    /// Whether this run has made it and KWOK may not know its stages yet.
    just_made: AtomicBool,
}

impl KwokCluster {
    pub(super) fn new(names: Names, options: Options, program: Arc<Program>, parts: &Parts) -> Self {
        let labels = [(PROJECT.to_owned(), names.kwok())].into();
        Self {
            network: NetworkSpec { labels, ..NetworkSpec::new(names.environment(), names.kwok()) },
            names,
            options,
            program,
            processes: Arc::clone(&parts.processes),
            engine: parts.engine.clone(),
            just_made: AtomicBool::new(false),
        }
    }

    /// Its network.
    #[cfg(test)]
    pub(super) fn network(&self) -> &NetworkSpec {
        &self.network
    }

    /// Runs kwokctl on a thread of its own.
    async fn kwokctl<T: Send + 'static>(
        self: &Arc<Self>,
        run: impl FnOnce(&Kwokctl) -> Result<T, ProcessFailure> + Send + 'static,
    ) -> anyhow::Result<T> {
        let this = Arc::clone(self);
        let running = tokio::task::spawn_blocking(move || {
            let program = this.program.path()?;
            let (names, processes) = (this.names.clone(), Arc::clone(&this.processes));
            Ok(run(&Kwokctl::new(program, names, processes, this.engine.address().to_owned()))?)
        });
        running.await.context("kwokctl broke off")?
    }

    /// A client of its API server.
    pub(super) async fn client(&self) -> anyhow::Result<Cluster> {
        Cluster::from_kubeconfig(&self.kubeconfig()?).await
    }

    /// The kubeconfig for this machine. A secret.
    pub(super) fn kubeconfig(&self) -> anyhow::Result<String> {
        let path = self.names.kubeconfig();
        std::fs::read_to_string(&path)
            .with_context(|| format!("failed to read the cluster's kubeconfig {}", path.display()))
    }

    /// The kubeconfig for containers on its network. A secret.
    pub(super) async fn kubeconfig_for_containers(self: &Arc<Self>) -> anyhow::Result<String> {
        self.kwokctl(Kwokctl::kubeconfig_for_containers).await
    }

    /// Whether kwokctl knows the cluster, running or not, and it is ours: on a network that we have made, or of our configuration.
    ///
    /// # Errors
    /// When somebody else has made a cluster of this name.
    async fn exists(self: &Arc<Self>) -> anyhow::Result<bool> {
        if !self.kwokctl(Kwokctl::exists).await? {
            return Ok(false);
        }
        let ours = match self.engine.network_owner(&self.network.name).await? {
            Owner::Environment(environment) => environment == self.names.environment(),
            Owner::SomebodyElse => false,
            Owner::Absent => self.names.kwokctl_configuration().exists(),
        };
        let cluster = self.names.cluster();
        ensure!(
            ours,
            "a KWOK cluster {cluster} is there that is not ours: `kwokctl delete cluster --name {cluster}`, or choose another \
             --name"
        );
        Ok(true)
    }

    /// What is there: kwokctl's word for it, each container, and whether the API server answers.
    async fn state(self: &Arc<Self>) -> anyhow::Result<State> {
        if !self.exists().await? {
            self.refuse_left_overs(true).await?;
            return Ok(State::Absent);
        }
        for component in COMPONENTS {
            let name = self.names.component(component);
            match self.engine.container_state(&name).await? {
                Some(state) if state.running => {}
                Some(_) => return Ok(State::Different(format!("{name} does not run"))),
                None => return Ok(State::Different(format!("{name} is gone"))),
            }
        }
        let written = std::fs::read_to_string(self.names.kwokctl_configuration()).ok();
        if written.is_none_or(|written| self.options.file().is_ok_and(|file| file != written)) {
            return Ok(State::Different("other versions".to_owned()));
        }
        let client = match self.client().await {
            Ok(client) => client,
            Err(error) => return Ok(State::Different(format!("{error:#}"))),
        };
        Ok(State::Up(client.address().to_owned()))
    }

    /// Removes it with everything of ours that is on its network: kwokctl removes that too, and cannot while somebody is on it.
    async fn remove(self: &Arc<Self>, progress: &Progress<'_>) -> anyhow::Result<Removal> {
        let there = self.exists().await?;
        if there {
            let network = self.names.kwok();
            let (ours, strangers) = self.guests().await?;
            if let Some(stranger) = strangers.first() {
                bail!(
                    "{stranger} is on the cluster's network, and is not ours: `docker network disconnect {network} {stranger}`, then \
                     try again"
                );
            }
            for guest in ours {
                self.engine.remove_container(&guest, STOP).await?;
            }
            progress.show("kwokctl delete cluster");
            self.kwokctl(Kwokctl::delete).await?;
        }
        self.refuse_left_overs(false).await?;
        for file in [self.names.kubeconfig(), self.names.kwokctl_configuration()] {
            remove_file(&file)?;
        }
        Ok(if there { Removal::Removed } else { Removal::Nothing })
    }

    /// Refuses containers that have the names of the cluster's although there is no cluster: kwokctl would take them for its own.
    /// Those that it has made itself and forgotten are in the way of everything; those of somebody else only of a new cluster.
    async fn refuse_left_overs(&self, for_a_new_one: bool) -> anyhow::Result<()> {
        let (mut forgotten, mut strange) = (Vec::new(), Vec::new());
        for component in COMPONENTS {
            let name = self.names.component(component);
            if let Some(container) = self.engine.container_state(&name).await? {
                let is_kwokctls =
                    container.labels.get(PROJECT).is_some_and(|label| *label == self.names.kwok());
                (if is_kwokctls { &mut forgotten } else { &mut strange }).push(name);
            }
        }
        ensure!(
            forgotten.is_empty(),
            "kwokctl does not know these containers of its cluster any more: `docker rm -f {}`, then try again",
            forgotten.join(" ")
        );
        ensure!(
            strange.is_empty() || !for_a_new_one,
            "{} is there already and is not ours: if nobody needs it, `docker rm -f {}`, or choose another --name",
            strange.join(", "),
            strange.join(" ")
        );
        Ok(())
    }

    /// Waits until a container of the cluster does not run any more, and says how it ended.
    async fn ended(&self, container: &str) -> anyhow::Error {
        loop {
            tokio::time::sleep(LOOK_AGAIN).await;
            match self.engine.container_state(container).await {
                Ok(Some(state)) if state.running || state.status == "restarting" => {}
                Ok(Some(state)) => {
                    return anyhow::anyhow!("the container {container} does not run: {}", state.words());
                }
                Ok(None) => return anyhow::anyhow!("the container {container} is gone"),
                // An engine that does not answer for a moment says nothing about the container.
                Err(_) => {}
            }
        }
    }

    /// The containers on its network beside kwokctl's: ours, and those of strangers.
    async fn guests(&self) -> anyhow::Result<(Vec<String>, Vec<String>)> {
        let project = self.names.kwok();
        let guests = self.engine.guests(&project).await?;
        let others = guests
            .into_iter()
            .filter(|guest| guest.labels.get(PROJECT).is_none_or(|label| *label != project));
        let (ours, strangers): (Vec<_>, Vec<_>) = others.partition(|guest| guest.ours);
        let names = |guests: Vec<Guest>| guests.into_iter().map(|guest| guest.name).collect();
        Ok((names(ours), names(strangers)))
    }
}

/// Makes the cluster. Its API server takes a moment longer.
pub(super) struct ClusterStep(pub(super) Arc<KwokCluster>);

impl Step for ClusterStep {
    fn name(&self) -> StepName {
        step::CLUSTER
    }

    fn needs(&self) -> &[StepName] {
        &[step::PROGRAM, step::KWOK_IMAGES, step::NETWORK]
    }

    fn look(&self) -> BoxFuture<'_, anyhow::Result<State>> {
        Box::pin(self.0.state())
    }

    fn up<'a>(&'a self, progress: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async {
            write_private(&self.0.names.kwokctl_configuration(), &self.0.options.file()?)?;
            progress.show("kwokctl create cluster");
            self.0.kwokctl(Kwokctl::create).await?;
            self.0.just_made.store(true, Ordering::Relaxed);
            Ok(format!("Kubernetes {}", self.0.options.kubernetes()))
        })
    }

    fn down<'a>(&'a self, progress: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<Removal>> {
        Box::pin(self.0.remove(progress))
    }

    fn can_be_dropped(&self) -> bool {
        false
    }
}

/// Waits until the cluster's API server is ready and KWOK may work.
pub(super) struct ApiServer(pub(super) Arc<KwokCluster>);

impl Step for ApiServer {
    fn name(&self) -> StepName {
        step::API_SERVER
    }

    fn needs(&self) -> &[StepName] {
        &[step::CLUSTER]
    }

    fn look(&self) -> BoxFuture<'_, anyhow::Result<State>> {
        Box::pin(async {
            if self.0.just_made.load(Ordering::Relaxed) {
                return Ok(State::Absent);
            }
            let client = self.0.client().await?;
            let ready = client.is_ready().await && stages::are_known(&client).await?;
            Ok(if ready { State::Up(client.address().to_owned()) } else { State::Absent })
        })
    }

    fn up<'a>(&'a self, progress: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async {
            let client = self.0.client().await?;
            let container = self.0.names.component("kube-apiserver");
            let ready = tokio::select! {
                ready = client.wait_ready(READY, progress) => ready,
                ended = self.0.ended(&container) => Err(ended),
            };
            if let Err(error) = ready {
                let log = self.0.engine.logs_tail(&container, LOG_LINES).await.unwrap_or_default();
                let log: String = log.lines().map(|line| format!("\n  {line}")).collect();
                bail!("{error:#}; its log ends with{}", if log.is_empty() { " nothing" } else { &log });
            }
            stages::ensure(&client, progress).await?;
            // KWOK has asked for stages before there was such a kind, and would ask again after a pause that grows, of 5 s and more.
            if self.0.just_made.swap(false, Ordering::Relaxed) {
                self.0.engine.restart_container(&self.0.names.component("kwok-controller"), AT_ONCE).await?;
            }
            Ok(client.address().to_owned())
        })
    }
}

/// Writes a file that its user alone can read. Its folder is there.
fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let failed = || format!("failed to write {}", path.display());
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).and_then(|mut file| file.write_all(text.as_bytes())).with_context(failed)
}

fn remove_file(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
