//! Containers: looking at them, running and removing them.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum, ContainerSummary};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
    RemoveContainerOptionsBuilder, RestartContainerOptionsBuilder, StartContainerOptions,
    StopContainerOptionsBuilder,
};
use scratch_image::CONTENT_LABEL;
use tokio::time::Instant;

use super::body::{self, JOINED_LABEL, Joined, joined_label};
use super::errors::{Fault, failed, told};
use super::spec::{ContainerSpec, ENVIRONMENT_LABEL, SPEC_LABEL, check_name};
use super::{Engine, NetworkMode, Ours, OursKind};
use crate::plan::{Removal, State};

/// How often something that is waited for is looked at.
const PAUSE: Duration = Duration::from_millis(100);

/// How long the removal of a container by somebody else is waited for.
const OTHERS_REMOVAL: Duration = Duration::from_secs(30);

/// How a container is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerState {
    /// Whether its program runs.
    pub running: bool,
    /// In the engine's word: `created`, `running`, `exited`.
    pub status: String,
    /// The code with which its program has ended.
    pub exit_code: Option<i64>,
    /// Whether it was ended because it took more memory than it may.
    pub out_of_memory: bool,
    /// How often the engine has started it again.
    pub restarts: i64,
    /// The ports of its host that lead to it, by its own.
    pub ports: Vec<super::PublishedPort>,
    /// Its labels.
    pub labels: HashMap<String, String>,
}

impl ContainerState {
    fn of(container: &ContainerInspectResponse) -> Self {
        let state = container.state.clone().unwrap_or_default();
        let running = state.running.unwrap_or(false);
        let status = state.status.map_or_else(String::new, |status| status.to_string());
        let ended =
            matches!(state.status, Some(ContainerStateStatusEnum::EXITED | ContainerStateStatusEnum::DEAD));
        Self {
            running,
            status,
            exit_code: state.exit_code.filter(|_| ended),
            out_of_memory: state.oom_killed.unwrap_or(false),
            restarts: container.restart_count.unwrap_or(0),
            ports: published(container),
            labels: labels_of(container).cloned().unwrap_or_default(),
        }
    }

    /// In a few words: `it has ended with code 1`.
    pub fn words(&self) -> String {
        let memory = if self.out_of_memory { ", as it took more memory than it may" } else { "" };
        match (&*self.status, self.exit_code) {
            ("created", _) => "it was never started".to_owned(),
            (_, Some(code)) => format!("it has ended with code {code}{memory}"),
            ("running", _) => "it runs".to_owned(),
            ("restarting", _) => format!("it ends again and again{memory}"),
            (status, _) => format!("it is {status}"),
        }
    }
}

/// The ports of the host that lead to a container that runs.
fn published(container: &ContainerInspectResponse) -> Vec<super::PublishedPort> {
    let ports = container.network_settings.as_ref().and_then(|settings| settings.ports.as_ref());
    let mut published: Vec<_> = ports
        .into_iter()
        .flatten()
        .filter_map(|(port, bindings)| Some((port.split('/').next()?.parse().ok()?, bindings.as_ref()?)))
        .flat_map(|(container, bindings)| {
            let hosts = bindings.iter().filter_map(|binding| binding.host_port.as_ref()?.parse().ok());
            hosts.map(move |host| super::PublishedPort { host, container })
        })
        .collect();
    published.sort_by_key(|port| (port.container, port.host));
    // Once for IPv4 and once for IPv6.
    published.dedup();
    published
}

impl Engine {
    /// What is there of a container.
    ///
    /// # Errors
    /// When a container that is not ours has its name, or the engine does not answer.
    pub async fn look_container(&self, spec: &ContainerSpec) -> anyhow::Result<State> {
        spec.check()?;
        let Some(container) = self.inspect(&spec.name).await? else { return Ok(State::Absent) };
        let labels = labels_of(&container);
        check_ours(&spec.name, labels, Some(&spec.environment))?;
        if labels.and_then(|labels| labels.get(SPEC_LABEL)) != Some(&spec.hash()) {
            let image = container.config.as_ref().and_then(|config| config.image.as_ref());
            let what = if image == Some(&spec.image) { "its settings" } else { "its image" };
            return Ok(State::Different(what.to_owned()));
        }
        let state = ContainerState::of(&container);
        if !state.running || state.status != "running" {
            return Ok(State::Different(state.words()));
        }
        // An image that is made here has the same name in every version. Containers have the labels of their image.
        let content = labels.and_then(|labels| labels.get(CONTENT_LABEL));
        if content.is_some() && self.image_label(&spec.image, CONTENT_LABEL).await?.as_ref() != content {
            return Ok(State::Different("its image".to_owned()));
        }
        if let Some(joined) = spec.joined().next() {
            // Those that are gone are no error here: what depends on them is made anew after them.
            let now = self.ids_of(spec).await?.and_then(|joined| joined_label(&joined));
            if now.as_ref() != labels.and_then(|labels| labels.get(JOINED_LABEL)) {
                return Ok(State::Different(format!(
                    "the container {joined}, whose network or processes it shares"
                )));
            }
        }
        Ok(State::Up(format!("running, {}", spec.image)))
    }

    /// Makes a container, puts its files into it and starts it. If that fails, nothing stays. It goes on to its end when it is
    /// dropped, and [`remove_container`](Self::remove_container) waits for that.
    ///
    /// # Errors
    /// When the image or what it needs is not there, its name or a port is taken, or its program cannot be started.
    pub async fn run(&self, spec: &ContainerSpec) -> anyhow::Result<()> {
        spec.check()?;
        let (engine, spec) = (self.clone(), spec.clone());
        self.to_its_end(&turn(&spec.name), async move { engine.make_and_start(&spec).await }).await
    }

    async fn make_and_start(&self, spec: &ContainerSpec) -> anyhow::Result<()> {
        let name = &spec.name;
        let joined = self.joined(spec).await?;
        let docker = self.docker().await?;
        let options = CreateContainerOptionsBuilder::default().name(name).build();
        let created = docker.create_container(Some(options), body::container(spec, &joined)).await;
        if let Err(error) = created {
            return Err(self.not_created(spec, &error).await);
        }
        let started = async {
            self.write_files(name, &spec.files).await?;
            match docker.start_container(name, None::<StartContainerOptions>).await {
                Ok(()) => Ok(()),
                Err(error) => Err(self.not_started(spec, &error).await),
            }
        };
        if let Err(error) = started.await {
            // What failed is told; that its remains stay is seen by the next look.
            let _ = self.delete(name).await;
            return Err(error);
        }
        Ok(())
    }

    /// Ends a container's program with SIGTERM, or with SIGKILL after `grace`, and removes the container and its volumes.
    ///
    /// # Errors
    /// When it is not ours, or the engine cannot.
    pub async fn remove_container(&self, name: &str, grace: Duration) -> anyhow::Result<Removal> {
        check_name("container", name)?;
        let _turn = self.turns.take(&turn(name)).await;
        let Some(container) = self.inspect(name).await? else { return Ok(Removal::Nothing) };
        check_ours(name, labels_of(&container), None)?;
        let options = StopContainerOptionsBuilder::default().t(seconds(grace)).build();
        // One that has ended already is no error.
        match self.patient(grace).await?.stop_container(name, Some(options)).await {
            Ok(()) => {}
            Err(error) if matches!(Fault::of(&error), Fault::NoContainer) => return Ok(Removal::Removed),
            // Removing it ends it, too.
            Err(error)
                if matches!(Fault::of(&error), Fault::BeingRemoved | Fault::Other | Fault::NotRunning) => {}
            Err(error) => return Err(failed(&format!("stop the container {name}"), &error)),
        }
        self.delete(name).await?;
        Ok(Removal::Removed)
    }

    /// Ends a container's program with SIGTERM, or with SIGKILL after `grace`, whosever it is, and starts it again.
    ///
    /// # Errors
    /// When it is not there, or the engine cannot.
    pub async fn restart_container(&self, name: &str, grace: Duration) -> anyhow::Result<()> {
        check_name("container", name)?;
        let (engine, name) = (self.clone(), name.to_owned());
        let asked = turn(&name);
        let restarting = async move {
            let options = RestartContainerOptionsBuilder::default().t(seconds(grace)).build();
            let restarted = engine.patient(grace).await?.restart_container(&name, Some(options)).await;
            restarted.map_err(|error| failed(&format!("start the container {name} again"), &error))
        };
        self.to_its_end(&asked, restarting).await
    }

    /// How a container is, whosever it is. `None` if it is not there.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn container_state(&self, name: &str) -> anyhow::Result<Option<ContainerState>> {
        check_name("container", name)?;
        Ok(self.inspect(name).await?.as_ref().map(ContainerState::of))
    }

    /// Waits until a container's program has ended.
    ///
    /// # Errors
    /// When it does not end in time, or is not there.
    pub async fn wait_for_end(&self, name: &str, deadline: Duration) -> anyhow::Result<ContainerState> {
        let until = Instant::now() + deadline;
        loop {
            let state = self.container_state(name).await?;
            let state = state.with_context(|| format!("the container {name} was removed while it ran"))?;
            if !state.running {
                return Ok(state);
            }
            ensure!(
                Instant::now() < until,
                "the container {name} did not end within {} s",
                deadline.as_secs()
            );
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The containers of an environment.
    pub(super) async fn containers_of(&self, environment: &str) -> anyhow::Result<Vec<Ours>> {
        let containers = self.list("label", &format!("{ENVIRONMENT_LABEL}={environment}")).await?;
        let ours = containers.into_iter().map(|container| Ours {
            kind: OursKind::Container,
            name: name_of(&container),
            state: container.status.unwrap_or_default(),
        });
        Ok(ours.collect())
    }

    /// Containers that a filter lets through, running or not.
    pub(super) async fn list(&self, filter: &str, value: &str) -> anyhow::Result<Vec<ContainerSummary>> {
        let filters = HashMap::from([(filter.to_owned(), vec![value.to_owned()])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let listed = self.docker().await?.list_containers(Some(options)).await;
        listed.map_err(|error| failed("list the engine's containers", &error))
    }

    async fn inspect(&self, name: &str) -> anyhow::Result<Option<ContainerInspectResponse>> {
        match self.docker().await?.inspect_container(name, None::<InspectContainerOptions>).await {
            Ok(container) => Ok(Some(container)),
            Err(error) if matches!(Fault::of(&error), Fault::NoContainer) => Ok(None),
            Err(error) => Err(failed(&format!("look at the container {name}"), &error)),
        }
    }

    /// The containers that one joins, all of them running.
    async fn joined(&self, spec: &ContainerSpec) -> anyhow::Result<Joined> {
        let name = &spec.name;
        self.ids_of(spec).await?.with_context(|| {
            let others: Vec<&str> = spec.joined().collect();
            let others = others.join(" or ");
            format!("the container {name} shares the network or processes of {others}, which does not run: start that first")
        })
    }

    /// The identifiers of the containers that one joins, if all of them run.
    async fn ids_of(&self, spec: &ContainerSpec) -> anyhow::Result<Option<Joined>> {
        let mut joined = Joined::new();
        for other in spec.joined() {
            check_name("container", other)?;
            let running =
                self.inspect(other).await?.filter(|container| ContainerState::of(container).running);
            let Some(id) = running.and_then(|container| container.id) else { return Ok(None) };
            joined.insert(other.to_owned(), id);
        }
        Ok(Some(joined))
    }

    /// Removes a container at once, whatever it does.
    async fn delete(&self, name: &str) -> anyhow::Result<()> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        match self.docker().await?.remove_container(name, Some(options)).await {
            Ok(()) => Ok(()),
            Err(error) => match Fault::of(&error) {
                Fault::NoContainer => Ok(()),
                Fault::BeingRemoved => self.wait_until_gone(name).await,
                _ => Err(failed(&format!("remove the container {name}"), &error)),
            },
        }
    }

    async fn wait_until_gone(&self, name: &str) -> anyhow::Result<()> {
        let until = Instant::now() + OTHERS_REMOVAL;
        while self.inspect(name).await?.is_some() {
            ensure!(
                Instant::now() < until,
                "the container {name} is being removed by somebody else for {} s: docker rm -f {name}",
                OTHERS_REMOVAL.as_secs()
            );
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Why a container was not made.
    async fn not_created(&self, spec: &ContainerSpec, error: &bollard::errors::Error) -> anyhow::Error {
        let ContainerSpec { name, image, .. } = spec;
        let line = match Fault::of(error) {
            Fault::NameTaken => match self.inspect(name).await {
                Ok(Some(container)) => match check_ours(name, labels_of(&container), Some(&spec.environment))
                {
                    Err(foreign) => return foreign,
                    Ok(()) => {
                        format!("a container named {name} is there already: another command may be at work")
                    }
                },
                _ => format!("the name of the container {name} is taken: docker rm -f {name}"),
            },
            Fault::NoImage => {
                format!("the image {image} for the container {name} is not there: docker pull {image}")
            }
            Fault::NoSource(source) => {
                format!("the container {name} needs {source} of the engine's machine, which is not there")
            }
            Fault::NoNetwork => no_network(spec),
            _ => return failed(&format!("make the container {name}"), error),
        };
        told(line, error)
    }

    /// Why a container was not started.
    async fn not_started(&self, spec: &ContainerSpec, error: &bollard::errors::Error) -> anyhow::Error {
        let ContainerSpec { name, image, .. } = spec;
        let line = match Fault::of(error) {
            Fault::PortTaken(port) => self.port_taken(spec, port).await,
            Fault::PortForbidden(port) => format!(
                "the container {name} cannot be published: the engine may not listen on {} of this machine",
                port_words(spec, port)
            ),
            Fault::NoNetwork => no_network(spec),
            Fault::NoContainer | Fault::NotRunning => {
                let others: Vec<&str> = spec.joined().collect();
                format!("the container {name} needs {} running", others.join(" and "))
            }
            Fault::NoProgram => {
                let program = spec.entrypoint.iter().flatten().chain(&spec.command).next();
                let program =
                    program.map_or_else(|| "its program".to_owned(), |program| format!("{program:?}"));
                format!("the container {name} cannot start: {program} cannot be run in the image {image}")
            }
            Fault::NoSource(source) => {
                format!("the container {name} needs {source} of the engine's machine, which is not there")
            }
            _ => return failed(&format!("start the container {name}"), error),
        };
        told(line, error)
    }

    /// Says who has a port.
    async fn port_taken(&self, spec: &ContainerSpec, port: Option<u16>) -> String {
        let (name, words) = (&spec.name, port_words(spec, port));
        let wanted = |published: u16| match port {
            Some(port) => port == published,
            None => spec.ports.iter().any(|port| port.host == published),
        };
        let holds = |container: &ContainerSummary| {
            let mut ports = container.ports.iter().flatten().filter_map(|port| port.public_port);
            ports.any(wanted) && name_of(container) != *name
        };
        let running = self.list("status", "running").await.unwrap_or_default();
        match running.iter().find(|container| holds(container)) {
            Some(holder) => {
                let (holder, image) = (name_of(holder), holder.image.clone().unwrap_or_default());
                format!(
                    "the container {name} cannot be published: {words} of this machine is taken by the container {holder} \
                     ({image}): docker stop {holder}"
                )
            }
            None => format!(
                "the container {name} cannot be published: {words} of this machine is taken by another program; end it, \
                 or choose another port"
            ),
        }
    }
}

/// What changes of a container are made one after the other by.
fn turn(name: &str) -> String {
    format!("container {name}")
}

/// Rounded up: the engine takes no fractions.
fn seconds(grace: Duration) -> i32 {
    i32::try_from(grace.as_secs() + u64::from(grace.subsec_nanos() > 0)).unwrap_or(i32::MAX)
}

fn port_words(spec: &ContainerSpec, port: Option<u16>) -> String {
    let port = port.or(match spec.ports.as_slice() {
        [only] => Some(only.host),
        _ => None,
    });
    let all = || spec.ports.iter().map(|port| port.host.to_string()).collect::<Vec<_>>().join(", ");
    port.map_or_else(|| format!("one of the ports {}", all()), |port| format!("port {port}"))
}

fn no_network(spec: &ContainerSpec) -> String {
    match &spec.network {
        NetworkMode::Named { network, .. } => {
            format!("the network {network} for the container {} is not there", spec.name)
        }
        NetworkMode::OfContainer(other) => {
            format!("the network of {other} for the container {} is not there", spec.name)
        }
        NetworkMode::None => format!("the container {} needs a network", spec.name),
    }
}

/// The first name of a container in a list, without the slash that the API puts before it.
pub(super) fn name_of(container: &ContainerSummary) -> String {
    let first = container.names.as_ref().and_then(|names| names.first());
    first.map_or_else(
        || "a container without a name".to_owned(),
        |name| name.trim_start_matches('/').to_owned(),
    )
}

fn labels_of(container: &ContainerInspectResponse) -> Option<&HashMap<String, String>> {
    container.config.as_ref()?.labels.as_ref()
}

/// Refuses a container that is not of an environment, or of none of ours.
fn check_ours(
    name: &str,
    labels: Option<&HashMap<String, String>>,
    environment: Option<&str>,
) -> anyhow::Result<()> {
    match (labels.and_then(|labels| labels.get(ENVIRONMENT_LABEL)), environment) {
        (None, _) => bail!(
            "a container named {name} is there that is not ours: docker rename {name} OTHER, or if nobody needs it, \
             docker rm -f {name}"
        ),
        (Some(other), Some(environment)) if other != environment => {
            bail!("the container {name} belongs to the environment {other:?}, not to {environment:?}")
        }
        (Some(_), _) => Ok(()),
    }
}
