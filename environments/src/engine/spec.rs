//! What a container or a network of ours is to be like.
//!
//! A specification serialises to the same JSON everywhere, which golden files show and whose hash is a label of what is made from
//! it: that is how one sees later whether what is there is what is asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use anyhow::{bail, ensure};
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};
use tools::Sha256Sum;

/// The label with the name of the environment that a container or network belongs to. What does not have it is not ours.
pub const ENVIRONMENT_LABEL: &str = "kubernetes-mixin-otel.environment";

/// The label with the hash of the specification that a container or network was made from.
pub const SPEC_LABEL: &str = "kubernetes-mixin-otel.spec";

/// The only address of the host at which containers are published.
pub(super) const LOOPBACK: &str = "127.0.0.1";

/// A container. Start from [`ContainerSpec::new`]: what is not set is as engines have it by default.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContainerSpec {
    /// The environment that it belongs to.
    pub environment: String,
    /// Its name, which is its host name too.
    pub name: String,
    /// Its image, which has to be there: `name:tag`, or `name:tag@sha256:…`.
    pub image: String,
    /// The program, instead of the image's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// The program's arguments. None: the image's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Variables of its environment beside the image's. They can be read by everyone who may use the engine: no secrets.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Labels beside ours.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Its network.
    pub network: NetworkMode,
    /// Whose processes it sees, if not only its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<PidMode>,
    /// Ports of the host that lead to it, always at 127.0.0.1.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<PublishedPort>,
    /// Files and folders of the engine's machine that it sees. They have to be there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<BindMount>,
    /// Files that are put into it before it starts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ContainerFile>,
    /// Who runs the program, as `UID` or `UID:GID`, if not the image's user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The only capabilities that it has, without `CAP_`. `None`: the engine's usual ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<String>>,
    /// Options as `docker run --security-opt` takes them: `no-new-privileges`, `apparmor=unconfined`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub security_options: Vec<String>,
    /// Whether its file system cannot be written, but for `tmpfs` and the folders of `files`.
    #[serde(skip_serializing_if = "is_false")]
    pub read_only_root: bool,
    /// Folders in memory, with their options: `/tmp` and `size=16m`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tmpfs: BTreeMap<String, String>,
    /// Bytes of memory that it may take before it is killed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// How many processes and threads it may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids_limit: Option<u32>,
    /// Whether a first process of the engine's hands on signals and reaps what is left behind.
    #[serde(skip_serializing_if = "is_false")]
    pub init: bool,
    /// Whether the engine starts it again when it ends, or when the engine itself starts, until it is stopped.
    #[serde(skip_serializing_if = "is_false")]
    pub restart: bool,
    /// How long it may take to end after SIGTERM when somebody else than us stops it.
    pub stop_seconds: u32,
    /// Names beside those of its network: `host.docker.internal:host-gateway`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_hosts: Vec<String>,
}

/// The network of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkMode {
    /// A network of the engine's.
    Named {
        /// The network's name.
        network: String,
        /// Names of the container on it, beside its own.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        aliases: Vec<String>,
    },
    /// That of another container, which has to run: the same addresses and ports.
    OfContainer(String),
    /// None but its own loopback.
    None,
}

impl NetworkMode {
    /// A network by name, without aliases.
    pub fn named(network: impl Into<String>) -> Self {
        Self::Named { network: network.into(), aliases: Vec::new() }
    }
}

/// Whose processes a container sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PidMode {
    /// Those of another container, which has to run.
    OfContainer(String),
}

/// A port of the host, at 127.0.0.1, that leads to one of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PublishedPort {
    /// The port of the host; 0 takes a free one.
    pub host: u16,
    /// The port that the container's program listens on.
    pub container: u16,
}

/// A file or folder of the engine's machine inside a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BindMount {
    /// Where it is on the machine.
    pub source: PathBuf,
    /// Where the container sees it.
    pub target: String,
    /// Whether the container cannot write it.
    pub read_only: bool,
}

/// A file that is put into a container. Folders that are not there are made, root's.
#[derive(Clone, PartialEq, Eq)]
pub struct ContainerFile {
    /// Where, from the root on.
    pub path: String,
    /// Its permissions: `0o400`.
    pub mode: u32,
    /// The number of its user.
    pub uid: u64,
    /// The number of its group.
    pub gid: u64,
    /// What is in it. It may be secret and is never shown.
    pub contents: Vec<u8>,
}

/// Without the contents, which may be secret: their hash and length.
impl Serialize for ContainerFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut file = serializer.serialize_struct("ContainerFile", 6)?;
        file.serialize_field("path", &self.path)?;
        file.serialize_field("mode", &format!("{:04o}", self.mode))?;
        file.serialize_field("uid", &self.uid)?;
        file.serialize_field("gid", &self.gid)?;
        file.serialize_field("bytes", &self.contents.len())?;
        file.serialize_field("sha256", &Sha256Sum::of(&self.contents).to_string())?;
        file.end()
    }
}

impl fmt::Debug for ContainerFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, mode, uid, gid, contents } = self;
        write!(f, "ContainerFile({path} {mode:04o} {uid}:{gid}, {} bytes)", contents.len())
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl ContainerSpec {
    /// A container of an environment, with an engine's defaults for all else.
    pub fn new(
        environment: impl Into<String>,
        name: impl Into<String>,
        image: impl Into<String>,
        network: NetworkMode,
    ) -> Self {
        Self {
            environment: environment.into(),
            name: name.into(),
            image: image.into(),
            entrypoint: None,
            command: Vec::new(),
            env: BTreeMap::new(),
            labels: BTreeMap::new(),
            network,
            pid: None,
            ports: Vec::new(),
            mounts: Vec::new(),
            files: Vec::new(),
            user: None,
            capabilities: None,
            security_options: Vec::new(),
            read_only_root: false,
            tmpfs: BTreeMap::new(),
            memory: None,
            pids_limit: None,
            init: false,
            restart: false,
            stop_seconds: 10,
            extra_hosts: Vec::new(),
        }
    }

    /// The hash that says whether a container was made from this.
    pub fn hash(&self) -> String {
        hash_of(self)
    }

    /// The containers whose network or processes this one shares.
    pub(super) fn joined(&self) -> impl Iterator<Item = &str> {
        let network = match &self.network {
            NetworkMode::OfContainer(name) => Some(name.as_str()),
            NetworkMode::Named { .. } | NetworkMode::None => None,
        };
        let pid = self.pid.as_ref().map(|PidMode::OfContainer(name)| name.as_str());
        network.into_iter().chain(pid.filter(|name| Some(*name) != network))
    }

    /// Refuses what no engine can do, before anything is changed.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let name = &self.name;
        check_name("container", name)?;
        let publishes = matches!(self.network, NetworkMode::Named { .. });
        ensure!(
            publishes || self.ports.is_empty(),
            "the container {name} has no network of its own to publish ports of"
        );
        for BindMount { source, target, .. } in &self.mounts {
            ensure!(
                is_absolute(target),
                "the container {name}: a mount's place {target:?} is not a path from the root on"
            );
            // Not `is_absolute`: the path is of the engine's machine, which may be of another system than this one.
            ensure!(
                !source.as_os_str().is_empty(),
                "the container {name}: the mount of {target} has no source"
            );
        }
        let at_root = self.files.iter().find(|file| file.path.rfind('/') == Some(0));
        if let Some(file) = at_root.filter(|_| self.read_only_root) {
            bail!("the container {name} cannot write its root, so that {} needs a folder", file.path);
        }
        check_files(name, &self.files)
    }
}

/// Refuses files that cannot be anywhere.
pub(super) fn check_files(container: &str, files: &[ContainerFile]) -> anyhow::Result<()> {
    for ContainerFile { path, mode, .. } in files {
        ensure!(
            is_absolute(path),
            "the container {container}: a file's place {path:?} is not a path from the root on"
        );
        ensure!(*mode <= 0o7777, "the container {container}: {mode:o} are no permissions for {path}");
    }
    Ok(())
}

/// A network that containers of ours are on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NetworkSpec {
    /// The environment that it belongs to.
    pub environment: String,
    /// Its name.
    pub name: String,
    /// Labels beside ours: what kwokctl puts on its network, so that it takes ours for its own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Whether ports of containers on it are published at 127.0.0.1 where nothing else is said, and not to all the world.
    pub publish_on_loopback: bool,
}

impl NetworkSpec {
    /// A network of an environment that publishes on loopback.
    pub fn new(environment: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            environment: environment.into(),
            name: name.into(),
            labels: BTreeMap::new(),
            publish_on_loopback: true,
        }
    }

    /// The hash that says whether a network was made from this.
    pub fn hash(&self) -> String {
        hash_of(self)
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        check_name("network", &self.name)
    }
}

/// Engines put names into paths of requests: nothing else than a name may stand there.
pub(super) fn check_name(what: &str, name: &str) -> anyhow::Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let good = name.len() > 1 && name.chars().all(plain) && !name.starts_with(['_', '.', '-']);
    ensure!(good, "{name:?} is no name of a {what}: letters, digits, and inside . _ -");
    Ok(())
}

fn is_absolute(path: &str) -> bool {
    let below = path.strip_prefix('/');
    below.is_some_and(|below| below.split('/').all(|part| !matches!(part, "" | "." | "..")))
}

fn hash_of(spec: &impl Serialize) -> String {
    let json =
        serde_json::to_vec(spec).expect("a specification has only names as keys and no failing serializer");
    Sha256Sum::of(&json).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> ContainerSpec {
        ContainerSpec::new("default", "collector", "otel/collector:1", NetworkMode::named("kwok-default"))
    }

    #[test]
    fn a_specification_is_short_where_it_asks_for_nothing_special() {
        assert_eq!(
            serde_json::to_string(&spec()).unwrap(),
            r#"{"environment":"default","name":"collector","image":"otel/collector:1","network":{"named":{"network":"kwok-default"}},"stop_seconds":10}"#
        );
    }

    #[test]
    fn every_setting_is_in_the_hash() {
        let file =
            ContainerFile { path: "/a".to_owned(), mode: 0o400, uid: 1, gid: 1, contents: b"a".to_vec() };
        let same = spec().hash();
        assert_eq!(spec().hash(), same);
        let changes: Vec<fn(&mut ContainerSpec)> = vec![
            |spec| spec.environment = "other".to_owned(),
            |spec| spec.image = "otel/collector:2".to_owned(),
            |spec| spec.entrypoint = Some(Vec::new()),
            |spec| spec.command = vec!["--config".to_owned()],
            |spec| spec.env = [("A".to_owned(), "b".to_owned())].into(),
            |spec| spec.labels = [("a".to_owned(), "b".to_owned())].into(),
            |spec| spec.network = NetworkMode::OfContainer("lgtm".to_owned()),
            |spec| {
                spec.network =
                    NetworkMode::Named { network: "kwok-default".to_owned(), aliases: vec!["a".to_owned()] }
            },
            |spec| spec.pid = Some(PidMode::OfContainer("lgtm".to_owned())),
            |spec| spec.ports = vec![PublishedPort { host: 3000, container: 3000 }],
            |spec| {
                let target = "/hostfs".to_owned();
                spec.mounts = vec![BindMount { source: PathBuf::from("/"), target, read_only: true }];
            },
            |spec| spec.user = Some("0".to_owned()),
            |spec| spec.capabilities = Some(Vec::new()),
            |spec| spec.security_options = vec!["no-new-privileges".to_owned()],
            |spec| spec.read_only_root = true,
            |spec| spec.tmpfs = [("/tmp".to_owned(), String::new())].into(),
            |spec| spec.memory = Some(1 << 30),
            |spec| spec.pids_limit = Some(100),
            |spec| spec.init = true,
            |spec| spec.restart = true,
            |spec| spec.stop_seconds = 30,
            |spec| spec.extra_hosts = vec!["host.docker.internal:host-gateway".to_owned()],
        ];
        let mut hashes = std::collections::BTreeSet::from([same]);
        for (number, change) in changes.iter().enumerate() {
            let mut changed = spec();
            change(&mut changed);
            assert!(hashes.insert(changed.hash()), "change {number}");
        }
        for file in [
            file.clone(),
            ContainerFile { path: "/b".to_owned(), ..file.clone() },
            ContainerFile { mode: 0o444, ..file.clone() },
            ContainerFile { uid: 2, ..file.clone() },
            ContainerFile { gid: 2, ..file.clone() },
            ContainerFile { contents: b"b".to_vec(), ..file },
        ] {
            assert!(hashes.insert(ContainerSpec { files: vec![file], ..spec() }.hash()));
        }
    }

    #[test]
    fn what_is_in_a_file_is_not_shown() {
        let contents = b"geheim".to_vec();
        let file =
            ContainerFile { path: "/kubeconfig".to_owned(), mode: 0o400, uid: 10_001, gid: 10_001, contents };
        let spec = ContainerSpec { files: vec![file], ..spec() };
        let (json, debug) = (serde_json::to_string(&spec).unwrap(), format!("{spec:?}"));
        assert!(json.contains(r#""mode":"0400","uid":10001,"gid":10001,"bytes":6,"sha256":"#), "{json}");
        assert!(debug.contains("ContainerFile(/kubeconfig 0400 10001:10001, 6 bytes)"), "{debug}");
        assert!(!json.contains("geheim") && !debug.contains("geheim"));
        assert!(!debug.contains("103, 101"), "the bytes are shown as numbers");
    }

    #[test]
    fn what_no_engine_can_do_is_refused() {
        let file = |path: &str, mode| ContainerFile {
            path: path.to_owned(),
            mode,
            uid: 0,
            gid: 0,
            contents: Vec::new(),
        };
        let mount = |source: &str, target: &str| BindMount {
            source: PathBuf::from(source),
            target: target.to_owned(),
            read_only: true,
        };
        let port = PublishedPort { host: 3000, container: 3000 };
        assert!(spec().check().is_ok());
        for (spec, told) in [
            (ContainerSpec { name: "../images".to_owned(), ..spec() }, "no name of a container"),
            (ContainerSpec { name: "a".to_owned(), ..spec() }, "no name of a container"),
            (
                ContainerSpec {
                    network: NetworkMode::OfContainer("lgtm".to_owned()),
                    ports: vec![port],
                    ..spec()
                },
                "no network of its own",
            ),
            (
                ContainerSpec { network: NetworkMode::None, ports: vec![port], ..spec() },
                "no network of its own",
            ),
            (
                ContainerSpec { mounts: vec![mount("/a", "b")], ..spec() },
                r#""b" is not a path from the root on"#,
            ),
            (ContainerSpec { mounts: vec![mount("", "/b")], ..spec() }, "the mount of /b has no source"),
            (
                ContainerSpec { files: vec![file("/a", 0o400)], read_only_root: true, ..spec() },
                "/a needs a folder",
            ),
            (ContainerSpec { files: vec![file("a", 0o400)], ..spec() }, r#""a" is not a path"#),
            (ContainerSpec { files: vec![file("/a/../b", 0o400)], ..spec() }, "is not a path"),
            (ContainerSpec { files: vec![file("/a/", 0o400)], ..spec() }, "is not a path"),
            (
                ContainerSpec { files: vec![file("/a", 0o100_400)], ..spec() },
                "100400 are no permissions for /a",
            ),
        ] {
            let error = spec.check().unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
        assert!(NetworkSpec::new("default", "kwok-default").check().is_ok());
        assert!(NetworkSpec::new("default", "kwok/default").check().is_err());
    }

    #[test]
    fn containers_that_are_joined_are_named_once() {
        let lgtm = || "lgtm".to_owned();
        let beyla = ContainerSpec {
            network: NetworkMode::OfContainer(lgtm()),
            pid: Some(PidMode::OfContainer(lgtm())),
            ..spec()
        };
        assert_eq!(beyla.joined().collect::<Vec<_>>(), ["lgtm"]);
        assert_eq!(spec().joined().count(), 0);
    }
}
