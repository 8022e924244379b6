//! What holds of every snapshot of every fleet.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use cluster_sim::ClusterObjects;
use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::{Metadata, Resource};
use kubelet_stats::Quantity;

/// Panics unless `objects` are a cluster of `nodes` nodes and `pods` pods that agree with each other.
pub(crate) fn check(objects: &ClusterObjects, nodes: usize, pods: usize) {
    assert_eq!((objects.nodes.len(), objects.pods.len()), (nodes, pods), "nodes and pods");
    let identities = identities(objects);
    check_identities(&identities);
    check_owners(&identities);
    check_counts(objects);
    check_nodes(objects);
    check_quotas(objects);
    check_endpoints(objects);
}

/// What is used of a quota is what active pods request, and the claims that there are.
fn check_quotas(objects: &ClusterObjects) {
    for quota in &objects.resource_quotas {
        let used = quota.status.as_ref().unwrap().used.as_ref().unwrap();
        let in_namespace = |metadata: &ObjectMeta| metadata.namespace == quota.metadata.namespace;
        let pods = || {
            let own = objects.pods.iter().filter(|pod| in_namespace(&pod.metadata));
            own.filter(|pod| matches!(phase(pod), "Pending" | "Running"))
        };
        let claims = objects.persistent_volume_claims.iter().filter(|claim| in_namespace(&claim.metadata));
        let sum = |resource| pods().map(|pod| request(pod, resource)).sum::<i64>();
        for (name, millis) in [
            ("pods", pods().count() as i64 * 1_000),
            ("persistentvolumeclaims", claims.count() as i64 * 1_000),
            ("requests.cpu", sum("cpu")),
            ("requests.memory", sum("memory")),
        ] {
            if let Some(quantity) = used.get(name) {
                assert_eq!(Quantity::try_from(quantity).unwrap().millis(), millis, "{name}");
            }
        }
    }
}

/// The ready endpoints of a Service are the ready pods that it selects.
fn check_endpoints(objects: &ClusterObjects) {
    for slice in &objects.endpoint_slices {
        let name = label(&slice.metadata.labels, "kubernetes.io/service-name");
        let service = objects.services.iter().find(|service| {
            service.metadata.name.as_ref() == name && service.metadata.namespace == slice.metadata.namespace
        });
        let Some(selector) = service.and_then(|service| service.spec.as_ref()?.selector.as_ref()) else {
            continue;
        };
        let selected = objects.pods.iter().filter(|pod| {
            pod.metadata.namespace == slice.metadata.namespace
                && selector.iter().all(|(key, value)| label(&pod.metadata.labels, key) == Some(value))
        });
        let ready = slice.endpoints.iter().flatten().filter(|endpoint| {
            endpoint.conditions.as_ref().is_some_and(|conditions| conditions.ready == Some(true))
        });
        let pods = selected.filter(|pod| phase(pod) == "Running" && is_ready(pod));
        assert_eq!(ready.count(), pods.count(), "endpoints of {name:?}");
    }
}

/// What an object says of itself.
struct Identity<'a> {
    kind: &'static str,
    api_version: &'static str,
    metadata: &'a ObjectMeta,
}

impl Identity<'_> {
    fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap()
    }
}

fn identities(objects: &ClusterObjects) -> Vec<Identity<'_>> {
    fn of<T: Resource + Metadata<Ty = ObjectMeta>>(objects: &[Arc<T>]) -> impl Iterator<Item = Identity<'_>> {
        objects.iter().map(|object| Identity {
            kind: T::KIND,
            api_version: T::API_VERSION,
            metadata: object.metadata(),
        })
    }
    of(&objects.namespaces)
        .chain(of(&objects.nodes))
        .chain(of(&objects.pods))
        .chain(of(&objects.deployments))
        .chain(of(&objects.replica_sets))
        .chain(of(&objects.stateful_sets))
        .chain(of(&objects.daemon_sets))
        .chain(of(&objects.jobs))
        .chain(of(&objects.cron_jobs))
        .chain(of(&objects.horizontal_pod_autoscalers))
        .chain(of(&objects.resource_quotas))
        .chain(of(&objects.replication_controllers))
        .chain(of(&objects.services))
        .chain(of(&objects.endpoint_slices))
        .chain(of(&objects.persistent_volumes))
        .chain(of(&objects.persistent_volume_claims))
        .collect()
}

fn check_identities(identities: &[Identity<'_>]) {
    let (mut uids, mut names) = (HashSet::new(), HashSet::new());
    for identity in identities {
        let Identity { kind, metadata, .. } = identity;
        assert!(uids.insert(metadata.uid.as_deref().unwrap()), "two objects have one uid: {metadata:?}");
        let (namespace, name) = (&metadata.namespace, identity.name());
        assert!(names.insert((kind, namespace, name)), "two are called {kind} {namespace:?}/{name}");
        let in_alphabet = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        assert!(name.len() <= 63 && name.bytes().all(in_alphabet), "{name} is no DNS label");
        assert!(metadata.resource_version.as_deref().unwrap().parse::<u64>().is_ok());
    }
}

fn check_owners(identities: &[Identity<'_>]) {
    let by_uid: HashMap<&str, &Identity<'_>> =
        identities.iter().map(|identity| (identity.metadata.uid.as_deref().unwrap(), identity)).collect();
    for identity in identities {
        for reference in identity.metadata.owner_references.iter().flatten() {
            let Some(owner) = by_uid.get(reference.uid.as_str()) else {
                panic!("{} {} has an owner that is not there", identity.kind, identity.name())
            };
            assert_eq!((&*reference.kind, &*reference.api_version), (owner.kind, owner.api_version));
            assert_eq!(reference.name, owner.name());
            assert_eq!(identity.metadata.namespace, owner.metadata.namespace);
            assert_eq!((reference.controller, reference.block_owner_deletion), (Some(true), Some(true)));
            let created = |identity: &Identity<'_>| identity.metadata.creation_timestamp.as_ref().unwrap().0;
            assert!(created(owner) <= created(identity), "{} is older than its owner", identity.name());
        }
    }
}

/// Pods and ready pods by the uid of their owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    pods: i32,
    ready: i32,
    active: i32,
    succeeded: i32,
    failed: i32,
}

fn check_counts(objects: &ClusterObjects) {
    let mut counts = HashMap::<&str, Count>::new();
    for pod in &objects.pods {
        let Some(owner) = pod.metadata.owner_references.iter().flatten().next() else { continue };
        let count = counts.entry(&owner.uid).or_default();
        count.pods += 1;
        count.ready += i32::from(is_ready(pod) && phase(pod) == "Running");
        count.active += i32::from(matches!(phase(pod), "Pending" | "Running"));
        count.succeeded += i32::from(phase(pod) == "Succeeded");
        count.failed += i32::from(phase(pod) == "Failed");
    }
    let mut of = |uid: &Option<String>| counts.remove(uid.as_deref().unwrap()).unwrap_or_default();
    let mut of_set = HashMap::<&str, Vec<(i32, Count)>>::new();
    for set in &objects.replica_sets {
        let (spec, status, count) =
            (set.spec.as_ref().unwrap(), set.status.as_ref().unwrap(), of(&set.metadata.uid));
        let refused = status.conditions.is_some();
        assert_eq!(
            (status.replicas, status.ready_replicas.unwrap_or(0)),
            (count.pods, count.ready),
            "{:?}",
            set.metadata.name
        );
        assert!(refused || spec.replicas == Some(count.pods), "{:?}", set.metadata.name);
        let owner = set.metadata.owner_references.iter().flatten().next().map_or("", |owner| &owner.uid);
        of_set.entry(owner).or_default().push((spec.replicas.unwrap(), count));
    }
    for deployment in &objects.deployments {
        let (spec, status) = (deployment.spec.as_ref().unwrap(), deployment.status.as_ref().unwrap());
        let sets = &of_set[deployment.metadata.uid.as_deref().unwrap()];
        let sum = |part: fn(&(i32, Count)) -> i32| sets.iter().map(part).sum::<i32>();
        let name = deployment.metadata.name.as_ref().unwrap();
        assert_eq!(spec.replicas.unwrap(), sum(|(desired, _)| *desired), "{name}");
        assert_eq!(status.replicas.unwrap_or(0), sum(|(_, count)| count.pods), "{name}");
        assert_eq!(status.available_replicas.unwrap_or(0), sum(|(_, count)| count.ready), "{name}");
        let missing = spec.replicas.unwrap() - status.ready_replicas.unwrap_or(0);
        assert_eq!(status.unavailable_replicas.unwrap_or(0), missing, "{name}");
    }
    for set in &objects.stateful_sets {
        let (spec, status, count) =
            (set.spec.as_ref().unwrap(), set.status.as_ref().unwrap(), of(&set.metadata.uid));
        assert_eq!(
            (spec.replicas, status.replicas, status.ready_replicas.unwrap_or(0)),
            (Some(count.pods), count.pods, count.ready)
        );
        let updated = status.updated_replicas.unwrap_or(0);
        let both = status.current_replicas.unwrap_or(0) + updated;
        let expected =
            if status.current_revision == status.update_revision { 2 * count.pods } else { count.pods };
        assert_eq!(both, expected);
    }
    for set in &objects.daemon_sets {
        let (status, count) = (set.status.as_ref().unwrap(), of(&set.metadata.uid));
        let numbers = (status.desired_number_scheduled, status.current_number_scheduled, status.number_ready);
        assert_eq!(numbers, (count.pods, count.pods, count.ready));
    }
    for controller in &objects.replication_controllers {
        let (status, count) = (controller.status.as_ref().unwrap(), of(&controller.metadata.uid));
        assert_eq!((status.replicas, status.ready_replicas.unwrap_or(0)), (count.pods, count.ready));
    }
    for job in &objects.jobs {
        let (status, count) = (job.status.as_ref().unwrap(), of(&job.metadata.uid));
        let numbers = [status.active, status.succeeded, status.failed].map(|number| number.unwrap_or(0));
        assert_eq!(numbers, [count.active, count.succeeded, count.failed], "{:?}", job.metadata.name);
    }
    for autoscaler in &objects.horizontal_pod_autoscalers {
        let target = &autoscaler.spec.scale_target_ref.name;
        let deployment = objects.deployments.iter().find(|deployment| {
            deployment.metadata.name.as_ref() == Some(target)
                && deployment.metadata.namespace == autoscaler.metadata.namespace
        });
        let status = autoscaler.status.as_ref().unwrap();
        assert_eq!(status.current_replicas, deployment.unwrap().spec.as_ref().unwrap().replicas);
        let (least, most) = (autoscaler.spec.min_replicas.unwrap(), autoscaler.spec.max_replicas);
        assert!(status.desired_replicas == 0 || (least..=most).contains(&status.desired_replicas));
    }
    assert!(counts.is_empty(), "pods of unknown owners: {counts:?}");
}

fn check_nodes(objects: &ClusterObjects) {
    let mut addresses = HashSet::new();
    let mut on_node = HashMap::<&str, Vec<&Pod>>::new();
    for pod in &objects.pods {
        let (spec, status) = (pod.spec.as_ref().unwrap(), pod.status.as_ref().unwrap());
        let Some(node) = spec.node_name.as_deref() else {
            assert_eq!(phase(pod), "Pending");
            continue;
        };
        on_node.entry(node).or_default().push(pod);
        let Some(ip) = &status.pod_ip else {
            assert_eq!(phase(pod), "Pending");
            continue;
        };
        if spec.host_network == Some(true) {
            assert_eq!(Some(ip), status.host_ip.as_ref());
        } else {
            assert!(addresses.insert(ip), "two pods have {ip}");
        }
    }
    for node in &objects.nodes {
        let pods = on_node.remove(node.metadata.name.as_deref().unwrap()).unwrap_or_default();
        assert!(pods.len() <= 110);
        check_room(node, &pods);
        for pod in pods {
            for (key, value) in pod.spec.as_ref().unwrap().node_selector.iter().flatten() {
                assert_eq!(label(&node.metadata.labels, key), Some(value));
            }
            let zone = "topology.kubernetes.io/zone";
            assert_eq!(label(&pod.metadata.labels, zone), label(&node.metadata.labels, zone));
        }
    }
    assert!(on_node.is_empty(), "pods on unknown nodes");
}

/// What the pods of a node request is there.
fn check_room(node: &Node, pods: &[&Pod]) {
    let allocatable = node.status.as_ref().unwrap().allocatable.as_ref().unwrap();
    for resource in ["cpu", "memory"] {
        let requested: i64 = pods.iter().map(|pod| request(pod, resource)).sum();
        let room = Quantity::try_from(&allocatable[resource]).unwrap().millis();
        assert!(requested <= room, "{resource} of {:?}: {requested} of {room}", node.metadata.name);
    }
}

fn request(pod: &Pod, resource: &str) -> i64 {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let requests =
        containers.filter_map(|container| container.resources.as_ref()?.requests.as_ref()?.get(resource));
    requests.map(|quantity| Quantity::try_from(quantity).unwrap().millis()).sum()
}

pub(crate) fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap()
}

pub(crate) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| &status.conditions).flatten();
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

pub(crate) fn label<'a>(labels: &'a Option<BTreeMap<String, String>>, key: &str) -> Option<&'a String> {
    labels.as_ref()?.get(key)
}
