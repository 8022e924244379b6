//! The real fleet is the embedded one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use cluster_sim::{ClusterObjects, Manifests, Simulation, SimulationOptions};
use environments::cluster::Pace;
use environments::cluster::fake::Scenario;
use environments::cluster::fleet::Fleet;
use environments::plan::State;
use serde_json::Value;

use super::{Heard, fake};

/// Nodes, pods and seed.
const SIZES: [(usize, usize, u64); 7] =
    [(50, 200, 1), (50, 200, 7), (1, 0, 1), (3, 20, 2), (10, 60, 3), (120, 1_000, 4), (300, 150, 5)];

fn manifests() -> Manifests {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kwok");
    let names = ["stages.yaml", "node-template.yaml", "workloads.yaml", "kwok-pod-template.yaml"];
    let files = names.map(|name| (name, std::fs::read_to_string(folder.join(name)).unwrap()));
    Manifests::parse(&files).unwrap()
}

fn fleet(nodes: usize, pods: usize, seed: u64) -> (Fleet, std::sync::Arc<ClusterObjects>) {
    let (manifests, options) = (manifests(), SimulationOptions { nodes, pods, seed });
    let mut simulation = Simulation::new(&manifests, &options).unwrap();
    let embedded = simulation.at(simulation.epoch()).unwrap();
    (Fleet::new(&manifests, &options).unwrap(), embedded)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// `NAMESPACE/NAME` of every object of a kind.
fn names(objects: &[Value], kind: &str) -> BTreeSet<String> {
    of_kind(objects, kind).map(name).collect()
}

fn name(object: &Value) -> String {
    format!("{}/{}", text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"]))
}

fn of_kind<'a>(objects: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    objects.iter().filter(move |object| object["kind"] == kind)
}

fn trees<K: serde::Serialize>(objects: &[std::sync::Arc<K>]) -> Vec<Value> {
    objects.iter().map(|object| serde_json::to_value(&**object).unwrap()).collect()
}

/// Those that nothing controls.
fn of_nobody(objects: Vec<Value>) -> impl Iterator<Item = Value> {
    objects.into_iter().filter(|object| object["metadata"]["ownerReferences"].is_null())
}

/// How many pods of each top owner there are, `KIND NAMESPACE/NAME`; bare pods count as one owner.
fn pods_by_owner(embedded: &ClusterObjects) -> BTreeMap<String, usize> {
    let mut above = BTreeMap::new();
    for object in trees(&embedded.replica_sets).into_iter().chain(trees(&embedded.jobs)) {
        if let Some(owner) = object["metadata"]["ownerReferences"].get(0) {
            let key = (text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"]));
            above.insert(key, (text(&owner["kind"]), text(&owner["name"])));
        }
    }
    let mut counts = BTreeMap::new();
    for pod in trees(&embedded.pods) {
        let namespace = text(&pod["metadata"]["namespace"]);
        let owner = match pod["metadata"]["ownerReferences"].get(0) {
            None => "nobody".to_owned(),
            Some(owner) => {
                let direct = (text(&owner["kind"]), text(&owner["name"]));
                let (kind, name) =
                    above.get(&(namespace.clone(), direct.1.clone())).cloned().unwrap_or(direct);
                format!("{kind} {namespace}/{name}")
            }
        };
        *counts.entry(owner).or_insert(0) += 1;
    }
    counts
}

/// Whether what a DaemonSet's or pod's `nodeSelector` wants is there.
fn is_for(node: &Value, daemon_set: &Value) -> bool {
    let selector = daemon_set["spec"]["template"]["spec"]["nodeSelector"].as_object();
    selector.is_none_or(|wanted| wanted.iter().all(|(key, value)| node["metadata"]["labels"][key] == *value))
}

#[test]
fn the_nodes_are_those_of_the_embedded_fleet() {
    for (nodes, pods, seed) in SIZES {
        let (fleet, embedded) = fleet(nodes, pods, seed);
        let real: Vec<&Value> = of_kind(&fleet.objects, "Node").collect();
        assert_eq!((real.len(), fleet.nodes), (nodes, nodes));
        for (real, embedded) in real.iter().zip(trees(&embedded.nodes)) {
            for part in ["labels", "annotations"] {
                let mut more = embedded["metadata"][part].as_object().cloned().unwrap_or_default();
                for (key, value) in real["metadata"][part].as_object().into_iter().flatten() {
                    assert_eq!(more.remove(key).as_ref(), Some(value), "{} {key}", name(real));
                }
                // What the node controller writes.
                more.retain(|key, _| {
                    !key.starts_with("beta.kubernetes.io/") && key != "node.alpha.kubernetes.io/ttl"
                });
                more.remove("kubernetes-mixin-otel/booted-at");
                assert!(more.is_empty(), "{}: {more:?}", name(real));
            }
            for field in ["capacity", "allocatable"] {
                assert_eq!(real["status"][field], embedded["status"][field], "{}", name(real));
            }
        }
    }
}

#[test]
fn the_workloads_and_everything_else_are_those_of_the_embedded_fleet() {
    for (nodes, pods, seed) in SIZES {
        let (fleet, embedded) = fleet(nodes, pods, seed);
        let objects = &fleet.objects;
        let same = |kind: &str, embedded: Vec<Value>| {
            let embedded: BTreeSet<String> = of_nobody(embedded).map(|object| name(&object)).collect();
            assert_eq!(names(objects, kind), embedded, "{kind} of {nodes}, {pods}, {seed}");
        };
        same("Deployment", trees(&embedded.deployments));
        same("StatefulSet", trees(&embedded.stateful_sets));
        same("DaemonSet", trees(&embedded.daemon_sets));
        same("ReplicaSet", trees(&embedded.replica_sets));
        same("ReplicationController", trees(&embedded.replication_controllers));
        same("Job", trees(&embedded.jobs));
        same("CronJob", trees(&embedded.cron_jobs));
        same("HorizontalPodAutoscaler", trees(&embedded.horizontal_pod_autoscalers));
        same("ResourceQuota", trees(&embedded.resource_quotas));
        same("PersistentVolume", trees(&embedded.persistent_volumes));
        let system = |object: &Value| {
            ["default", "kube-system", "kube-public", "kube-node-lease"]
                .contains(&object["metadata"]["name"].as_str().unwrap())
        };
        same("Namespace", trees(&embedded.namespaces).into_iter().filter(|object| !system(object)).collect());
        // The API server's own.
        same(
            "Service",
            trees(&embedded.services)
                .into_iter()
                .filter(|object| name(object) != "default/kubernetes")
                .collect(),
        );
    }
}

#[test]
fn the_controllers_make_exactly_as_many_pods_as_the_embedded_fleet_has() {
    for (nodes, pods, seed) in SIZES {
        let (fleet, embedded) = fleet(nodes, pods, seed);
        let objects = &fleet.objects;
        let there = pods_by_owner(&embedded);
        let count = |owner: &str| there.get(owner).copied().unwrap_or(0);
        let refused: BTreeSet<String> = trees(&embedded.replica_sets)
            .iter()
            .filter(|set| set["status"]["conditions"].to_string().contains("ReplicaFailure"))
            .map(|set| text(&set["metadata"]["ownerReferences"][0]["name"]))
            .collect();
        let autoscaled: BTreeSet<String> = of_kind(objects, "HorizontalPodAutoscaler")
            .map(|object| text(&object["spec"]["scaleTargetRef"]["name"]))
            .collect();
        // What autoscalers have moved at this instant is shared with the spare Deployment.
        let (mut moving_real, mut moving_embedded, mut total) = (0, 0, 0);
        for object in objects {
            let kind = text(&object["kind"]);
            let owner = format!("{kind} {}", name(object));
            let spec = &object["spec"];
            let number =
                |field: &str, default: u64| usize::try_from(spec[field].as_u64().unwrap_or(default)).unwrap();
            let own_name = text(&object["metadata"]["name"]);
            let made = match kind.as_str() {
                "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" => {
                    let wanted = number("replicas", 1);
                    let is_spare =
                        object["metadata"]["annotations"]["kubernetes-mixin-otel/scaling"] == "spare";
                    if is_spare || autoscaled.contains(&own_name) {
                        moving_real += wanted;
                        moving_embedded += count(&owner);
                        total += wanted;
                        continue;
                    }
                    // A quota refuses the same ones to the controllers.
                    if refused.contains(&own_name) { wanted.min(count(&owner)) } else { wanted }
                }
                "DaemonSet" => of_kind(objects, "Node").filter(|node| is_for(node, object)).count(),
                "Job" if spec["suspend"] == true => 0,
                "Job"
                    if spec["template"]["metadata"]["labels"]["kubernetes-mixin-otel/stage"] == "failed" =>
                {
                    number("backoffLimit", 6) + 1
                }
                "Job" => number("completions", 1),
                "CronJob" if spec["suspend"] == true => 0,
                // Those of rare runs have had fewer.
                "CronJob" => number("successfulJobsHistoryLimit", 3).min(count(&owner)),
                _ => continue,
            };
            assert_eq!(made, count(&owner), "{owner} of {nodes}, {pods}, {seed}");
            total += made;
        }
        assert_eq!(moving_real, moving_embedded, "{nodes}, {pods}, {seed}");
        let bare = names(objects, "Pod");
        assert_eq!(bare.len(), count("nobody"), "{nodes}, {pods}, {seed}");
        assert_eq!((total + bare.len(), fleet.pods), (pods, pods), "{nodes}, {pods}, {seed}");
        assert!(fleet.first_pods <= pods);
    }
}

#[test]
fn every_object_is_taken_strictly_and_has_nothing_that_a_server_makes() {
    for (nodes, pods, seed) in SIZES {
        let (fleet, _) = fleet(nodes, pods, seed);
        for object in &fleet.objects {
            assert_eq!(cluster_sim::check_fields(object), Ok(()), "{}", name(object));
            let metadata = object["metadata"].as_object().unwrap();
            for field in [
                "uid",
                "resourceVersion",
                "creationTimestamp",
                "generation",
                "managedFields",
                "ownerReferences",
                "selfLink",
            ] {
                assert!(!metadata.contains_key(field), "{}: {field}", name(object));
            }
            let status: Vec<&String> =
                object["status"].as_object().into_iter().flatten().map(|(field, _)| field).collect();
            let is_node = object["kind"] == "Node";
            assert_eq!(
                status,
                if is_node { vec!["allocatable", "capacity"] } else { vec![] },
                "{}",
                name(object)
            );
            assert!(is_node || object["spec"]["nodeName"].is_null(), "{}", name(object));
        }
    }
}

#[tokio::test]
async fn a_fleet_is_applied_found_again_and_made_smaller() {
    let (server, cluster) = fake(Scenario { delay: Duration::from_millis(4), ..Scenario::default() }).await;
    let heard = Heard::default();
    let (large, _) = fleet(50, 200, 1);
    assert_eq!(cluster.look_fleet(&large).await.unwrap(), State::Absent);
    let begun = Instant::now();
    let applied = cluster.apply_fleet(&large, Pace::default(), &heard.progress()).await.unwrap();
    let first = begun.elapsed();
    assert_eq!((applied.created, applied.total()), (large.objects.len(), large.objects.len()));
    assert!(matches!(cluster.look_fleet(&large).await.unwrap(), State::Up(_)));
    cluster.wait_running(large.first_pods, Duration::from_secs(5), &heard.progress()).await.unwrap();
    let begun = Instant::now();
    let again = cluster.apply_fleet(&large, Pace::default(), &heard.progress()).await.unwrap();
    assert_eq!(again.unchanged, large.objects.len(), "{again}");
    let _ = writeln!(
        std::io::stderr(),
        "{} objects: {first:?} for the first time, {:?} again",
        large.objects.len(),
        begun.elapsed()
    );
    assert!(first < Duration::from_secs(10), "{first:?}");

    let (small, _) = fleet(10, 60, 1);
    let State::Different(what) = cluster.look_fleet(&small).await.unwrap() else { panic!() };
    assert_eq!(what, "50 nodes and 200 pods, not 10 nodes and 60 pods");
    cluster.apply_fleet(&small, Pace::default(), &heard.progress()).await.unwrap();
    assert_eq!(server.objects("Node").len(), 10);
    assert!(matches!(cluster.look_fleet(&small).await.unwrap(), State::Up(_)));
    server.take("Node", None, "general-0000").unwrap();
    let State::Different(what) = cluster.look_fleet(&small).await.unwrap() else { panic!() };
    assert_eq!(what, "9 of 10 nodes are there");
}

#[tokio::test]
async fn pods_start_at_once_while_a_fleet_starts_and_slowly_later() {
    let (server, cluster) = fake(Scenario::default()).await;
    let heard = Heard::default();
    let (fleet, _) = fleet(10, 60, 1);
    let (applied, running) = cluster
        .start_fleet(&fleet, Pace::default(), Duration::from_secs(5), &heard.progress())
        .await
        .unwrap();
    assert_eq!(applied.created, fleet.objects.len());
    assert!(running.started() >= fleet.first_pods);
    let starts: Vec<String> =
        server.requests().into_iter().filter(|request| request.contains("/stages/pod-starts?")).collect();
    assert_eq!(starts.len(), 2, "{starts:?}");
    let stages = |objects: &[Value]| -> Vec<Value> {
        of_kind(objects, "Stage").map(|stage| stage["spec"].clone()).collect()
    };
    let mut asked = fleet.objects.clone();
    asked.sort_by_key(name);
    assert_eq!(stages(&server.objects("Stage")), stages(&asked));
    assert!(matches!(cluster.look_fleet(&fleet).await.unwrap(), State::Up(_)));
}

#[tokio::test]
async fn a_fleet_whose_pods_do_not_run_is_not_there_yet() {
    let (_server, cluster) = fake(Scenario::pending_pods()).await;
    let (fleet, _) = fleet(3, 20, 1);
    let deadline = Duration::from_millis(500);
    let error = cluster
        .start_fleet(&fleet, Pace::default(), deadline, &Heard::default().progress())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("0/3 nodes are available"), "{error}");
    assert_eq!(cluster.look_fleet(&fleet).await.unwrap(), State::Absent);
}
