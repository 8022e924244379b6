//! What is on the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::engine::ExecOutput;

/// What a program that is run in a container does: by the container's name and the arguments.
type OnExec = Arc<dyn Fn(&str, &[String]) -> ExecOutput + Send + Sync>;

/// Everything on an engine.
pub struct World {
    /// Images by name and tag.
    pub images: BTreeMap<String, FakeImage>,
    /// Images that can be pulled, with their layers' bytes.
    pub registry: BTreeMap<String, Vec<u64>>,
    /// Containers by name.
    pub containers: BTreeMap<String, FakeContainer>,
    /// Networks by name.
    pub networks: BTreeMap<String, FakeNetwork>,
    /// Ports of the machine that other programs have.
    pub taken_ports: BTreeSet<u16>,
    /// Paths of the machine that are not there when they are to be mounted.
    pub missing_paths: BTreeSet<String>,
    /// What the programs of containers do, by the container's name. Others run until they are stopped.
    pub programs: BTreeMap<String, Program>,
    /// Programs that are run in containers, by what they were given, and what came of them.
    pub(super) execs: BTreeMap<String, (String, Vec<String>, i64)>,
    on_exec: OnExec,
    numbers: u64,
}

/// An image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FakeImage {
    /// Its identifier.
    pub id: String,
    /// Its labels, which containers of it have too.
    pub labels: BTreeMap<String, String>,
}

/// What a container's program does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// It says this and runs until it is stopped.
    Runs(String),
    /// It says this and ends with this code.
    Ends(String, i64),
    /// It takes more memory than it may.
    Eats,
}

/// How a container is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It was never started.
    Created,
    /// Its program runs.
    Running,
    /// Its program has ended with this code.
    Exited(i64),
}

/// A container.
#[derive(Clone, Debug)]
pub struct FakeContainer {
    /// Its identifier.
    pub id: String,
    /// The request that it was made with.
    pub body: Value,
    /// Its labels, with those of its image.
    pub labels: BTreeMap<String, String>,
    /// How it is.
    pub status: Status,
    /// Whether it was ended because of its memory.
    pub out_of_memory: bool,
    /// Files that were put into it, by path.
    pub files: BTreeMap<String, FakeFile>,
    /// What it has said.
    pub log: String,
    /// Its networks, by name.
    pub networks: BTreeSet<String>,
}

/// A file in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeFile {
    /// Its permissions.
    pub mode: u32,
    /// Its user.
    pub uid: u64,
    /// Its group.
    pub gid: u64,
    /// What is in it.
    pub contents: Vec<u8>,
}

/// A network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FakeNetwork {
    /// Its identifier.
    pub id: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Options of its driver.
    pub options: BTreeMap<String, String>,
}

impl World {
    pub(super) fn new() -> Self {
        let mut world = Self {
            images: BTreeMap::new(),
            registry: BTreeMap::new(),
            containers: BTreeMap::new(),
            networks: BTreeMap::new(),
            taken_ports: BTreeSet::new(),
            missing_paths: BTreeSet::new(),
            programs: BTreeMap::new(),
            execs: BTreeMap::new(),
            on_exec: Arc::new(|_, _| ExecOutput::default()),
            numbers: 0,
        };
        for network in ["bridge", "host", "none"] {
            world.add_network(network, &[]);
        }
        world
    }

    /// An identifier that was not there yet.
    pub(super) fn id(&mut self) -> String {
        self.numbers += 1;
        format!("{:064x}", self.numbers)
    }

    /// Adds an image that is there.
    pub fn add_image(&mut self, name: &str) {
        let id = format!("sha256:{}", self.id());
        self.images.insert(name.to_owned(), FakeImage { id, labels: BTreeMap::new() });
    }

    /// Adds an image that can be pulled, of layers of so many bytes.
    pub fn add_to_registry(&mut self, name: &str, layers: &[u64]) {
        self.registry.insert(name.to_owned(), layers.to_vec());
    }

    /// Adds a network, as somebody else would.
    pub fn add_network(&mut self, name: &str, labels: &[(&str, &str)]) {
        let network = FakeNetwork { id: self.id(), labels: owned(labels), options: BTreeMap::new() };
        self.networks.insert(name.to_owned(), network);
    }

    /// Adds a container that runs, as somebody else would: kwokctl, or the user.
    pub fn add_container(&mut self, name: &str, image: &str, network: &str, labels: &[(&str, &str)]) {
        let container = FakeContainer {
            id: self.id(),
            body: serde_json::json!({ "Image": image, "HostConfig": { "NetworkMode": network } }),
            labels: owned(labels),
            status: Status::Running,
            out_of_memory: false,
            files: BTreeMap::new(),
            log: String::new(),
            networks: [network.to_owned()].into(),
        };
        self.containers.insert(name.to_owned(), container);
    }

    /// Says what programs do that are run in containers.
    pub fn on_exec(&mut self, answer: impl Fn(&str, &[String]) -> ExecOutput + Send + Sync + 'static) {
        self.on_exec = Arc::new(answer);
    }

    pub(super) fn exec(&self, container: &str, arguments: &[String]) -> ExecOutput {
        (self.on_exec)(container, arguments)
    }

    /// Ends the program of a container, as when it fails.
    pub fn end_container(&mut self, name: &str, code: i64) {
        if let Some(container) = self.containers.get_mut(name) {
            container.status = Status::Exited(code);
        }
    }

    /// The name of a container, by that or by its identifier.
    pub(super) fn find(&self, name_or_id: &str) -> Option<String> {
        let found = self
            .containers
            .iter()
            .find(|(name, container)| *name == name_or_id || container.id == name_or_id);
        found.map(|(name, _)| name.clone())
    }

    /// An image by name and tag, by identifier, or by a name with a digest.
    pub(super) fn image(&self, wanted: &str) -> Option<(&String, &FakeImage)> {
        let found = |(name, image): &(&String, &FakeImage)| *name == wanted || image.id == wanted;
        self.images.iter().find(found)
    }

    /// The containers on a network.
    pub fn guests(&self, network: &str) -> Vec<&str> {
        let guests = self.containers.iter().filter(|(_, container)| container.networks.contains(network));
        guests.map(|(name, _)| name.as_str()).collect()
    }
}

impl FakeContainer {
    /// The ports of the machine that lead to it, each with its own.
    pub fn ports(&self) -> Vec<(u16, u16)> {
        let bindings = self.body["HostConfig"]["PortBindings"].as_object();
        let ports = bindings.into_iter().flatten().flat_map(|(port, bindings)| {
            let own = port.split('/').next().and_then(|port| port.parse().ok());
            let hosts = bindings.as_array().into_iter().flatten();
            hosts.filter_map(move |binding| Some((binding["HostPort"].as_str()?.parse().ok()?, own?)))
        });
        ports.collect()
    }

    /// A text of the request that it was made with: `/HostConfig/NetworkMode`.
    pub fn asked(&self, pointer: &str) -> Option<&str> {
        self.body.pointer(pointer)?.as_str()
    }
}

fn owned(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
    labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}
