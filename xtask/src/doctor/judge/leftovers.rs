//! What former environments have left: in this user's files, and in the engine.
//!
//! An environment on an engine is written down before anything of it is made, and forgotten when all of it is gone. So what carries
//! its label and is not written down has been lost sight of, and `cargo xtask down` does not know of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Line, hung};
use crate::doctor::deadline::Observed;
use crate::doctor::probes::{EngineView, Observations, WrittenDown};
use crate::environment::EnvironmentName;
use tools::engine::{Container, EngineState};

/// Everything of ours in an engine carries the name of its environment, but for what kwokctl makes.
const ENVIRONMENT: &str = "kubernetes-mixin-otel.environment";

/// By which KWOK's containers can be told, and Docker Compose's.
const PROJECT: &str = "com.docker.compose.project";

/// By which k3d's containers can be told.
const K3D_CLUSTER: &str = "k3d.cluster";

/// What the clusters of the environments with the usual names are called. Others have the environment's name.
const USUAL_CLUSTER: &str = "kubernetes-mixin-otel";

/// The environment that a container carries the label of.
pub(super) fn environment_of(container: &Container) -> Option<&str> {
    container.label(ENVIRONMENT)
}

/// The environment of this name, if it is written down.
pub(super) fn written_down<'a>(observations: &'a Observations, name: &str) -> Option<&'a EnvironmentName> {
    all_written_down(observations).iter().map(|written| &written.name).find(|known| known.to_string() == name)
}

fn all_written_down(observations: &Observations) -> &[WrittenDown] {
    match &observations.own {
        Observed::Seen(Ok(own)) => &own.written_down,
        _ => &[],
    }
}

/// The command that takes an environment down.
pub(super) fn down(name: &EnvironmentName) -> String {
    format!("cargo xtask down{}", name.flag())
}

/// What is there and should not be, each with the command that removes it.
#[derive(Default)]
struct Found {
    what: Vec<String>,
    fixes: Vec<String>,
}

impl Found {
    fn add(&mut self, what: String, fix: String) {
        self.what.push(what);
        if !self.fixes.contains(&fix) {
            self.fixes.push(fix);
        }
    }
}

pub(super) fn leftovers(observations: &Observations) -> Line {
    const NAME: &str = "leftovers";
    let mut found = Found::default();
    match &observations.own {
        Observed::Seen(Ok(own)) => found.what.extend(own.silent.iter().cloned()),
        Observed::Seen(Err(why)) => found.what.push(why.clone()),
        Observed::TimedOut(deadline) => {
            found.what.push(format!("the environments of this user: {}", hung(*deadline)));
        }
        Observed::Broke => {}
    }
    // Without knowing what is written down nothing can be said to be left over.
    if let (Observed::Seen(EngineView { state: Ok(state), kwok_folders, .. }), Observed::Seen(Ok(_))) =
        (&observations.engine, &observations.own)
    {
        let contents = Contents::of(state, observations);
        contents.environments(state, kwok_folders, observations, &mut found);
        contents.shells(state, kwok_folders, observations, &mut found);
    }
    let Found { what, fixes } = found;
    if what.is_empty() {
        return Line::ok(NAME, "none");
    }
    let fix = (!fixes.is_empty()).then(|| fixes.join("; "));
    Line { fix, ..Line::info(NAME, what.join("; ")) }
}

/// Which tool has made a cluster.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Maker {
    Kwokctl,
    K3d,
}

impl Maker {
    /// What the names of its networks begin with.
    fn prefix(self) -> &'static str {
        match self {
            Self::Kwokctl => "kwok-",
            Self::K3d => "k3d-",
        }
    }

    /// The environment that a cluster would be of, if it is ours.
    fn environment(self, cluster: &str) -> &str {
        match self {
            _ if cluster != USUAL_CLUSTER => cluster,
            Self::Kwokctl => "kwok",
            Self::K3d => "dev",
        }
    }
}

/// What is in the engine, in its order.
struct Contents<'a> {
    engine: String,
    /// The containers of each environment of ours.
    of_environments: BTreeMap<&'a str, Vec<&'a Container>>,
    /// Everybody's clusters.
    clusters: BTreeSet<(Maker, &'a str)>,
}

impl<'a> Contents<'a> {
    fn of(state: &'a EngineState, observations: &Observations) -> Self {
        let labelled = state.containers.iter().filter_map(environment_of);
        let labelled = labelled.chain(state.networks.iter().filter_map(|network| network.label(ENVIRONMENT)));
        let ours: BTreeSet<&str> = labelled.collect();
        let (mut of_environments, mut clusters) = (BTreeMap::<_, Vec<_>>::new(), BTreeSet::new());
        for container in &state.containers {
            let cluster = cluster_of(container);
            clusters.extend(cluster);
            let environment = environment_of(container).or_else(|| {
                let (maker, name) = cluster?;
                let environment = maker.environment(name);
                // Others use these tools too.
                let is_ours = name == USUAL_CLUSTER
                    || ours.contains(environment)
                    || written_down(observations, environment).is_some();
                is_ours.then_some(environment)
            });
            if let Some(environment) = environment {
                of_environments.entry(environment).or_default().push(container);
            }
        }
        Self { engine: state.candidate.address.to_string(), of_environments, clusters }
    }

    /// Environments of which a part is there, or that nobody knows of. A whole one runs, or was stopped on purpose.
    fn environments(
        &self,
        state: &EngineState,
        folders: &[String],
        observations: &Observations,
        found: &mut Found,
    ) {
        for (&environment, containers) in &self.of_environments {
            let all = containers.len();
            let running = containers.iter().filter(|container| container.runs()).count();
            match written_down(observations, environment) {
                Some(name) if running > 0 && running < all => {
                    let what = format!("of the environment {name} only {running} of {all} containers run");
                    found.add(what, down(name));
                }
                Some(_) => {}
                None => {
                    let containers_of = if all == 1 { "container" } else { "containers" };
                    found.add(
                        format!(
                            "{all} {containers_of} of the environment {environment}, which is not written down here"
                        ),
                        removal(containers, state, folders),
                    );
                }
            }
        }
        for WrittenDown { name, engine } in all_written_down(observations) {
            if engine.as_ref() == Some(&self.engine) && !self.of_environments.contains_key(&*name.to_string())
            {
                let what = format!("the environment {name} is written down and has no containers here");
                found.add(what, down(name));
            }
        }
    }

    /// Networks and folders of clusters that are not there.
    fn shells(
        &self,
        state: &EngineState,
        folders: &[String],
        observations: &Observations,
        found: &mut Found,
    ) {
        let fix = |maker: Maker, cluster: &str, otherwise: String| {
            written_down(observations, maker.environment(cluster)).map_or(otherwise, down)
        };
        for name in state.networks.iter().map(|network| &*network.name) {
            let cluster = [Maker::Kwokctl, Maker::K3d]
                .into_iter()
                .find_map(|maker| Some((maker, name.strip_prefix(maker.prefix())?)));
            if let Some((maker, cluster)) = cluster.filter(|cluster| !self.clusters.contains(cluster)) {
                let remove = fix(maker, cluster, format!("docker network rm {name}"));
                found.add(format!("the network {name} has no cluster"), remove);
            }
        }
        for name in folders {
            if !self.clusters.contains(&(Maker::Kwokctl, name)) {
                let delete = format!("kwokctl delete cluster --name {name}");
                found.add(
                    format!("kwokctl's folder of cluster {name} has no containers here"),
                    fix(Maker::Kwokctl, name, delete),
                );
            }
        }
    }
}

/// The commands that remove containers with the clusters they make up. By name, so that they are the same in every shell.
fn removal(containers: &[&Container], state: &EngineState, folders: &[String]) -> String {
    let names: Vec<&str> = containers.iter().map(|container| container.name()).collect();
    let mut commands = vec![format!("docker rm -f {}", names.join(" "))];
    let clusters: BTreeSet<_> = containers.iter().filter_map(|container| cluster_of(container)).collect();
    for (maker, cluster) in clusters {
        let network = format!("{}{cluster}", maker.prefix());
        if state.networks.iter().any(|known| known.name == network) {
            commands.push(format!("docker network rm {network}"));
        }
        if maker == Maker::Kwokctl && folders.iter().any(|folder| folder == cluster) {
            commands.push(format!("kwokctl delete cluster --name {cluster}"));
        }
    }
    commands.join("; ")
}

fn cluster_of(container: &Container) -> Option<(Maker, &str)> {
    let kwok = container.label(PROJECT).and_then(|project| project.strip_prefix(Maker::Kwokctl.prefix()));
    let k3d = container.label(K3D_CLUSTER);
    kwok.map(|name| (Maker::Kwokctl, name)).or(k3d.map(|name| (Maker::K3d, name)))
}
