//! Specifications in the words of the engine's API.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HostConfig, Mount, MountType, NetworkCreateRequest,
    NetworkingConfig, PortBinding, RestartPolicy, RestartPolicyNameEnum,
};

use super::spec::{
    BindMount, ContainerSpec, ENVIRONMENT_LABEL, LOOPBACK, NetworkMode, NetworkSpec, PidMode, SPEC_LABEL,
};

/// The label with the identifiers of the containers whose network or processes a container shares: when one of them is made
/// anew under its old name, the other is left with nothing.
pub(super) const JOINED_LABEL: &str = "kubernetes-mixin-otel.joined";

/// The containers that a container joins: names and identifiers.
pub(super) type Joined = BTreeMap<String, String>;

/// What the label of joined containers says.
pub(super) fn joined_label(joined: &Joined) -> Option<String> {
    let ids: Vec<&str> = joined.values().map(String::as_str).collect();
    (!ids.is_empty()).then(|| ids.join(","))
}

/// The request that makes a container.
pub(super) fn container(spec: &ContainerSpec, joined: &Joined) -> ContainerCreateBody {
    let mut labels = labels(&spec.labels, &spec.environment, spec.hash());
    if let Some(ids) = joined_label(joined) {
        labels.insert(JOINED_LABEL.to_owned(), ids);
    }
    // By its identifier: a name could become that of another one.
    let of_container = |name: &String| format!("container:{}", joined.get(name).unwrap_or(name));
    let (network_mode, networking_config) = match &spec.network {
        NetworkMode::Named { network, aliases } => {
            let endpoint = EndpointSettings { aliases: some(aliases), ..EndpointSettings::default() };
            let endpoints_config = Some(HashMap::from([(network.clone(), endpoint)]));
            (network.clone(), Some(NetworkingConfig { endpoints_config }))
        }
        NetworkMode::OfContainer(name) => (of_container(name), None),
        NetworkMode::None => ("none".to_owned(), None),
    };
    // One that shares another's network has its host name too.
    let hostname = networking_config.is_some().then(|| spec.name.clone());
    let exposed = (!spec.ports.is_empty())
        .then(|| spec.ports.iter().map(|port| format!("{}/tcp", port.container)).collect());
    let host_config = HostConfig {
        network_mode: Some(network_mode),
        pid_mode: spec.pid.as_ref().map(|PidMode::OfContainer(name)| of_container(name)),
        port_bindings: port_bindings(spec),
        mounts: mounts(spec),
        cap_drop: spec.capabilities.as_ref().map(|_| vec!["ALL".to_owned()]),
        cap_add: spec.capabilities.clone().filter(|capabilities| !capabilities.is_empty()),
        security_opt: some(&spec.security_options),
        readonly_rootfs: spec.read_only_root.then_some(true),
        tmpfs: (!spec.tmpfs.is_empty()).then(|| hash_map(&spec.tmpfs)),
        memory: spec.memory.map(clamped),
        // As much as memory: no swap. With another limit, programs become slow instead of being ended.
        memory_swap: spec.memory.map(clamped),
        pids_limit: spec.pids_limit.map(i64::from),
        init: spec.init.then_some(true),
        restart_policy: spec.restart.then_some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::UNLESS_STOPPED),
            maximum_retry_count: None,
        }),
        extra_hosts: some(&spec.extra_hosts),
        ..HostConfig::default()
    };
    ContainerCreateBody {
        hostname,
        image: Some(spec.image.clone()),
        entrypoint: spec.entrypoint.clone(),
        cmd: some(&spec.command),
        env: some(&spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()),
        labels: Some(labels),
        user: spec.user.clone(),
        stop_timeout: Some(i64::from(spec.stop_seconds)),
        exposed_ports: exposed,
        host_config: Some(host_config),
        networking_config,
        ..ContainerCreateBody::default()
    }
}

fn port_bindings(spec: &ContainerSpec) -> Option<HashMap<String, Option<Vec<PortBinding>>>> {
    let mut bindings: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
    for port in &spec.ports {
        let binding =
            PortBinding { host_ip: Some(LOOPBACK.to_owned()), host_port: Some(port.host.to_string()) };
        bindings.entry(format!("{}/tcp", port.container)).or_default().get_or_insert_default().push(binding);
    }
    (!bindings.is_empty()).then_some(bindings)
}

/// What is mounted. A bind of this form has to have its source, where the older form makes an empty folder of root's. Where the
/// root cannot be written, the folders of files become volumes, which go with the container.
fn mounts(spec: &ContainerSpec) -> Option<Vec<Mount>> {
    let binds = spec.mounts.iter().map(|BindMount { source, target, read_only }| Mount {
        typ: Some(MountType::BIND),
        source: Some(source.to_string_lossy().into_owned()),
        target: Some(target.clone()),
        read_only: Some(*read_only),
        ..Mount::default()
    });
    let volumes = volumes(spec).into_iter().map(|target| Mount {
        typ: Some(MountType::VOLUME),
        target: Some(target.to_owned()),
        ..Mount::default()
    });
    some(&binds.chain(volumes).collect::<Vec<_>>())
}

/// The folders of files, where the root cannot be written.
fn volumes(spec: &ContainerSpec) -> BTreeSet<&str> {
    if !spec.read_only_root {
        return BTreeSet::new();
    }
    spec.files.iter().filter_map(|file| file.path.rsplit_once('/')).map(|(folder, _)| folder).collect()
}

/// The request that makes a network.
pub(super) fn network(spec: &NetworkSpec) -> NetworkCreateRequest {
    let options = spec.publish_on_loopback.then(|| {
        HashMap::from([("com.docker.network.bridge.host_binding_ipv4".to_owned(), LOOPBACK.to_owned())])
    });
    NetworkCreateRequest {
        name: spec.name.clone(),
        driver: Some("bridge".to_owned()),
        options,
        labels: Some(labels(&spec.labels, &spec.environment, spec.hash())),
        ..NetworkCreateRequest::default()
    }
}

fn labels(labels: &BTreeMap<String, String>, environment: &str, hash: String) -> HashMap<String, String> {
    let mut labels = hash_map(labels);
    labels.insert(ENVIRONMENT_LABEL.to_owned(), environment.to_owned());
    labels.insert(SPEC_LABEL.to_owned(), hash);
    labels
}

fn hash_map(map: &BTreeMap<String, String>) -> HashMap<String, String> {
    map.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn some<T: Clone>(list: &[T]) -> Option<Vec<T>> {
    (!list.is_empty()).then(|| list.to_vec())
}

fn clamped(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
