//! What is provoked happens when it should, to whom it should, and everything else goes on.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::sync::Arc;

use cluster_sim::{Action, ClusterObjects, Manifests, Provocation, Request, Simulation, SimulationOptions};
use common::consistency::{check, is_ready, phase};
use common::{after, simulation};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kubelet_stats::annotations::{BOOTED_AT, FILL, SPIKE};

/// A fleet of 50 nodes and 200 pods, 30 hours after its epoch, when nothing was provoked yet.
struct Fleet {
    simulation: Simulation,
    start: Timestamp,
}

fn fleet() -> Fleet {
    let simulation = simulation(50, 200, 1);
    let start = after(&simulation, 30);
    Fleet { simulation, start }
}

impl Fleet {
    fn time(&self, seconds: i64) -> Timestamp {
        self.start + SignedDuration::from_secs(seconds)
    }

    fn request(&self, action: Action, target: &str, since: i64, until: Option<i64>) -> Request {
        Request {
            action,
            target: target.to_owned(),
            since: self.time(since),
            until: until.map(|until| self.time(until)),
        }
    }

    fn provoke(&mut self, action: Action, target: &str, since: i64, until: Option<i64>) -> Provocation {
        let request = self.request(action, target, since, until);
        self.simulation.provoke(&request).unwrap_or_else(|error| panic!("{error}"))
    }

    fn refusal(&mut self, action: Action, target: &str, since: i64, until: Option<i64>) -> String {
        let request = self.request(action, target, since, until);
        match self.simulation.provoke(&request) {
            Ok(provocation) => panic!("{provocation:?} should be refused"),
            Err(error) => error.to_string(),
        }
    }

    fn at(&mut self, seconds: i64) -> Arc<ClusterObjects> {
        let at = self.time(seconds);
        self.simulation.at(at).unwrap()
    }

    /// The same, checked.
    fn with_pods(&mut self, seconds: i64, pods: usize) -> Arc<ClusterObjects> {
        let objects = self.at(seconds);
        check(&objects, 50, pods);
        objects
    }
}

fn spike() -> Action {
    Action::Spike { cpu: None, memory: None }
}

fn pods_of<'a>(objects: &'a ClusterObjects, prefix: &str) -> Vec<&'a Arc<Pod>> {
    let named = |pod: &&Arc<Pod>| pod.metadata.name.as_deref().unwrap().starts_with(prefix);
    objects.pods.iter().filter(named).collect()
}

fn pod<'a>(objects: &'a ClusterObjects, name: &str) -> &'a Arc<Pod> {
    objects.pods.iter().find(|pod| pod.metadata.name.as_deref() == Some(name)).unwrap()
}

fn first(pod: &Pod) -> &ContainerStatus {
    &pod.status.as_ref().unwrap().container_statuses.as_ref().unwrap()[0]
}

fn deployment<'a>(objects: &'a ClusterObjects, name: &str) -> &'a Deployment {
    objects.deployments.iter().find(|object| object.metadata.name.as_deref() == Some(name)).unwrap()
}

fn name(pod: &Pod) -> String {
    pod.metadata.name.clone().unwrap()
}

fn node_ready(objects: &ClusterObjects, name: &str) -> String {
    let node = objects.nodes.iter().find(|node| node.metadata.name.as_deref() == Some(name)).unwrap();
    let conditions = node.status.as_ref().unwrap().conditions.as_ref().unwrap();
    conditions.iter().find(|condition| condition.type_ == "Ready").unwrap().status.clone()
}

#[test]
fn a_node_that_is_down_is_silent_and_its_pods_are_not_ready_until_it_is_back() {
    let mut fleet = fleet();
    let node = "general-0003";
    fleet.provoke(Action::NodeDown, node, 600, Some(1_200));
    let on_node = |objects: &ClusterObjects| -> Vec<bool> {
        let on = |pod: &&Arc<Pod>| {
            pod.spec.as_ref().unwrap().node_name.as_deref() == Some(node) && phase(pod) == "Running"
        };
        objects.pods.iter().filter(on).map(|pod| is_ready(pod)).collect()
    };
    let before = fleet.with_pods(599, 200);
    assert_eq!((node_ready(&before, node), on_node(&before).contains(&true)), ("True".to_owned(), true));
    for second in [600, 900, 1_199] {
        let down = fleet.with_pods(second, 200);
        assert_eq!((node_ready(&down, node), on_node(&down).contains(&true)), ("Unknown".to_owned(), false));
        assert_eq!(node_ready(&down, "general-0004"), "True");
    }
    let back = fleet.with_pods(1_200, 200);
    assert_eq!((node_ready(&back, node), on_node(&back).contains(&true)), ("True".to_owned(), true));
}

#[test]
fn a_node_that_is_kept_down_boots_when_it_may_come_back() {
    let mut fleet = fleet();
    let booted = |objects: &ClusterObjects| -> Vec<Option<String>> {
        let at = |node: &Arc<k8s_openapi::api::core::v1::Node>| {
            node.metadata.annotations.as_ref().and_then(|all| all.get(BOOTED_AT)).cloned()
        };
        objects.nodes.iter().map(at).collect()
    };
    // The next boot of any node.
    let mut before = booted(&fleet.at(0));
    let (index, boot) = (1..5_000)
        .find_map(|minute| {
            let now = booted(&fleet.at(minute * 60));
            let index = (0..now.len()).find(|&index| now[index] != before[index]);
            before.clone_from(&now);
            Some((index?, now[index?].clone()?.parse::<Timestamp>().unwrap()))
        })
        .unwrap();
    let boot = boot.as_second() - fleet.start.as_second();
    let name = fleet.at(boot).nodes[index].metadata.name.clone().unwrap();
    fleet.provoke(Action::NodeDown, &name, boot - 20, Some(boot + 400));
    for second in [boot - 20, boot, boot + 399] {
        let objects = fleet.with_pods(second, 200);
        assert_eq!(node_ready(&objects, &name), "Unknown");
        assert!(booted(&objects)[index] < Some(fleet.time(boot).to_string()));
    }
    let back = fleet.with_pods(boot + 400, 200);
    let at = fleet.time(boot + 400);
    assert_eq!(booted(&back)[index], Some(at.to_string()));
    let of_node = |pod: &&Arc<Pod>| {
        let owned_by_job = pod.metadata.owner_references.iter().flatten().any(|owner| owner.kind == "Job");
        pod.spec.as_ref().unwrap().node_name.as_ref() == Some(&name) && !owned_by_job
    };
    for pod in back.pods.iter().filter(of_node) {
        assert_eq!(pod.metadata.creation_timestamp.as_ref().unwrap().0, at);
    }
}

#[test]
fn a_crashing_pod_is_not_ready_and_restarts_until_it_is_undone() {
    let mut fleet = fleet();
    let victim = name(pods_of(&fleet.at(0), "storefront-")[0]);
    let provocation = fleet.provoke(Action::Crash, &victim, 60, None);
    assert_eq!(provocation.target.to_string(), format!("pod/shop/{victim}"));
    let before = first(pod(&fleet.with_pods(59, 200), &victim)).clone();
    assert!(before.ready);
    let mut counts = Vec::new();
    for second in [60, 75, 120, 400, 660] {
        let objects = fleet.with_pods(second, 200);
        let pod = pod(&objects, &victim);
        assert!(!first(pod).ready && !is_ready(pod) && phase(pod) == "Running");
        counts.push(first(pod).restart_count - before.restart_count);
        let others = deployment(&objects, "storefront").status.as_ref().unwrap().unavailable_replicas;
        assert_eq!(others, Some(1));
    }
    assert_eq!(counts, [0, 1, 2, 5, 5]);
    let waiting = first(pod(&fleet.at(660), &victim)).clone();
    assert_eq!(waiting.state.unwrap().waiting.unwrap().reason.as_deref(), Some("CrashLoopBackOff"));
    assert_eq!(waiting.last_state.unwrap().terminated.unwrap().reason.as_deref(), Some("Error"));

    let at = fleet.time(661);
    fleet.simulation.undo(provocation.id, at).unwrap();
    let back = fleet.with_pods(661, 200);
    assert!(is_ready(pod(&back, &victim)));
    assert_eq!(first(pod(&back, &victim)).restart_count - before.restart_count, 6);
    // What was, was.
    assert!(!is_ready(pod(&fleet.at(660), &victim)));
}

#[test]
fn a_workload_out_of_memory_climbs_to_its_limit_and_is_killed() {
    let mut fleet = fleet();
    fleet.provoke(Action::Oom, "deployment/shop/cart", 60, Some(360));
    let climbing = fleet.with_pods(75, 200);
    for pod in pods_of(&climbing, "cart-") {
        if !is_ready(pod) {
            continue;
        }
        let node = climbing
            .nodes
            .iter()
            .find(|node| node.metadata.name == pod.spec.as_ref().unwrap().node_name)
            .unwrap();
        let summary = kubelet_stats::summary(node, &[Arc::clone(pod)], fleet.time(75));
        let memory = summary.pods[0].containers[0].memory.clone().unwrap();
        let limit = memory.working_set_bytes.unwrap() + memory.available_bytes.unwrap();
        let used = memory.usage_bytes.unwrap();
        assert!(used as f64 / limit as f64 > 0.97, "{used} of {limit}");
    }
    let killed = fleet.with_pods(95, 200);
    let mut seen = 0;
    for pod in pods_of(&killed, "cart-") {
        let status = first(pod);
        let Some(last) = status.last_state.as_ref().and_then(|state| state.terminated.as_ref()) else {
            continue;
        };
        assert_eq!((last.reason.as_deref(), last.exit_code), (Some("OOMKilled"), 137));
        seen += 1;
    }
    assert!(seen >= 5);
    let back = fleet.with_pods(400, 200);
    assert!(pods_of(&back, "cart-").iter().filter(|pod| is_ready(pod)).count() >= 5);
}

#[test]
fn a_scaled_workload_has_as_many_pods_as_it_is_told() {
    for (target, up, down) in
        [("shop/catalogue", 14, 3), ("replicaset/legacy-reports", 4, 0), ("rc/legacy-ftp", 5, 1)]
    {
        let mut fleet = fleet();
        let name = target.rsplit('/').next().unwrap();
        let count = |objects: &ClusterObjects| pods_of(objects, &format!("{name}-")).len();
        let size = count(&fleet.at(0));
        let before = pods_of(&fleet.at(99), &format!("{name}-"))
            .iter()
            .map(|pod| pod.metadata.uid.clone())
            .collect::<Vec<_>>();
        fleet.provoke(Action::Scale { replicas: up }, target, 100, Some(200));
        fleet.provoke(Action::Scale { replicas: down }, target, 200, Some(300));
        for (second, wanted) in [
            (99, size),
            (100, up as usize),
            (150, up as usize),
            (200, down as usize),
            (299, down as usize),
            (300, size),
        ] {
            let objects = fleet.with_pods(second, 200 - size + wanted);
            assert_eq!(count(&objects), wanted, "{target} at {second}");
            if second == 150 {
                assert!(pods_of(&objects, &format!("{name}-")).iter().all(|pod| is_ready(pod)));
            }
        }
        // The first ones were never gone.
        let after: Vec<_> =
            pods_of(&fleet.at(310), &format!("{name}-")).iter().map(|pod| pod.metadata.uid.clone()).collect();
        assert_eq!(before.iter().filter(|uid| after.contains(uid)).count(), down as usize);
    }
}

#[test]
fn pods_that_no_node_has_room_for_wait_and_those_that_a_quota_refuses_are_refused() {
    let mut fleet = fleet();
    let image_search = |objects: &ClusterObjects| {
        let pods = pods_of(objects, "image-search-");
        (pods.len(), pods.iter().filter(|pod| is_ready(pod)).count())
    };
    assert_eq!(image_search(&fleet.at(0)), (3, 2), "one GPU node has two GPUs");
    fleet.provoke(Action::Scale { replicas: 5 }, "image-search", 60, Some(600));
    assert_eq!(image_search(&fleet.with_pods(120, 202)), (5, 2));
    let waiting = fleet.at(120);
    let message = pods_of(&waiting, "image-search-")
        .iter()
        .filter_map(|pod| pod.status.as_ref()?.conditions.as_ref()?.first()?.message.clone())
        .next_back()
        .unwrap();
    assert!(message.starts_with("0/50 nodes are available"), "{message}");

    let error = fleet.refusal(Action::Scale { replicas: 400 }, "payouts", 60, None);
    let reason = "scale cannot be done to deployment/payments/payouts: exceeded quota: payments, requested: ";
    assert!(error.starts_with(reason) && error.contains("; it can have "), "{error}");
    let most: u32 = error.rsplit("it can have ").next().unwrap().split(' ').next().unwrap().parse().unwrap();
    fleet.provoke(Action::Scale { replicas: most }, "payouts", 60, None);
    fleet.at(90);
    // What one took, the other cannot have.
    let error = fleet.refusal(Action::Scale { replicas: 100 }, "webhook-relay", 80, None);
    assert!(error.contains("exceeded quota"), "{error}");
    // Its claims count, too: the quota has room for ten of them.
    let error = fleet.refusal(Action::Scale { replicas: 30 }, "sts/payments/ledger", 60, None);
    assert!(error.contains("exceeded quota: payments, requested: "), "{error}");
}

#[test]
fn a_stateful_set_that_is_scaled_up_gets_storage_and_keeps_it() {
    let mut fleet = fleet();
    let storage = |objects: &ClusterObjects| {
        let claims = objects.persistent_volume_claims.iter();
        let claims =
            claims.filter(|claim| claim.metadata.name.as_deref().unwrap().starts_with("data-search-"));
        let bound = claims.filter(|claim| claim.spec.as_ref().unwrap().volume_name.is_some()).count();
        let volumes = objects.persistent_volumes.iter();
        let named =
            volumes.filter(|volume| volume.metadata.name.as_deref().unwrap().starts_with("search-data-"));
        (bound, named.count())
    };
    fleet.provoke(Action::Scale { replicas: 5 }, "sts/shop/search", 60, Some(600));
    assert_eq!(storage(&fleet.with_pods(59, 200)), (3, 3));
    let up = fleet.with_pods(120, 202);
    assert_eq!((storage(&up), is_ready(pod(&up, "search-4"))), ((5, 5), true));
    fleet.provoke(Action::FillVolume { to: None }, "pvc/shop/data-search-4", 130, Some(500));
    let full = fleet.at(130);
    assert!(pod(&full, "search-4").metadata.annotations.as_ref().unwrap().contains_key(FILL));
    assert_eq!(storage(&fleet.with_pods(600, 200)), (5, 5));
    // The second time they are there already.
    fleet.provoke(Action::Scale { replicas: 6 }, "sts/shop/search", 700, None);
    assert_eq!(storage(&fleet.with_pods(720, 203)), (6, 6));
    let claim = |objects: &ClusterObjects| {
        let mut claims = objects.persistent_volume_claims.iter();
        claims.find(|claim| claim.metadata.name.as_deref() == Some("data-search-4")).cloned()
    };
    assert_eq!(claim(&up), claim(&fleet.at(720)));
}

#[test]
fn one_volume_is_not_filled_twice_at_a_time_whoever_mounts_it() {
    let mut fleet = fleet();
    fleet.provoke(Action::FillVolume { to: None }, "pod/shop/search-0", 60, Some(120));
    let error = fleet.refusal(Action::FillVolume { to: Some(99) }, "pvc/shop/data-search-0", 100, None);
    assert!(error.starts_with("pod/shop/search-0 is under fill-volume already ("), "{error}");
    fleet.provoke(Action::FillVolume { to: Some(99) }, "pvc/shop/data-search-0", 120, None);
    fleet.provoke(Action::FillVolume { to: Some(99) }, "pvc/shop/data-search-1", 60, None);
}

#[test]
fn a_name_that_several_have_must_be_told_apart() {
    let workload = |kind: &str, namespace: &str| {
        format!(
            "---\napiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: web, namespace: {namespace}}}\nspec:\n  \
             replicas: 1\n  selector: {{matchLabels: {{is: {kind}}}}}\n  template:\n    \
             metadata: {{labels: {{is: {kind}}}}}\n    spec: {{containers: [{{name: main, image: a}}]}}\n"
        )
    };
    let text = [
        "apiVersion: v1\nkind: Node\nmetadata: {name: n}\nstatus:\n  capacity: {cpu: 4, memory: 8Gi, pods: 110}\n  \
         allocatable: {cpu: 4, memory: 8Gi, pods: 110}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: job}\n"
            .to_owned(),
        workload("Deployment", "default"),
        workload("Deployment", "job"),
        workload("StatefulSet", "job"),
    ]
    .concat();
    let manifests = Manifests::parse(&[("alike.yaml", text)]).unwrap_or_else(|error| panic!("{error}"));
    let mut simulation =
        Simulation::new(&manifests, &SimulationOptions { nodes: 1, pods: 3, seed: 1 }).unwrap();
    let since = after(&simulation, 1);
    let mut rollout = |target: &str| {
        let request = Request { action: Action::Rollout, target: target.to_owned(), since, until: None };
        let provocation = simulation.provoke(&request).map_err(|error| error.to_string())?;
        simulation.undo(provocation.id, since).unwrap();
        Ok::<String, String>(provocation.target.to_string())
    };
    for (target, meant) in [
        ("default/web", Ok("deployment/default/web")),
        ("deployment/job/web", Ok("deployment/job/web")),
        ("sts/web", Ok("statefulset/job/web")),
        (" Deployments/default/web ", Ok("deployment/default/web")),
        (
            "web",
            Err(
                "`web` may be deployment/default/web, deployment/job/web or statefulset/job/web: write one of them",
            ),
        ),
        (
            "deploy/web",
            Err("`deploy/web` may be deployment/default/web or deployment/job/web: write one of them"),
        ),
        // A namespace that is called like a kind.
        ("job/web", Err("`job/web` may be deployment/job/web or statefulset/job/web: write one of them")),
    ] {
        assert_eq!(rollout(target), meant.map(str::to_owned).map_err(str::to_owned), "{target}");
    }
}

#[test]
fn times_count_to_the_next_whole_second() {
    let mut fleet = fleet();
    let request = Request {
        since: fleet.time(60) + SignedDuration::from_millis(1),
        until: Some(fleet.time(70) + SignedDuration::from_millis(999)),
        ..fleet.request(Action::NodeDown, "general-0001", 0, None)
    };
    let provocation = fleet.simulation.provoke(&request).unwrap();
    assert_eq!((provocation.since, provocation.until), (fleet.time(61), Some(fleet.time(71))));
    let text = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request);
    let text = serde_json::to_string(&provocation).unwrap();
    assert_eq!(serde_json::from_str::<Provocation>(&text).unwrap(), provocation);
    assert!(
        text.starts_with("{\"id\":1,\"action\":\"node-down\",\"target\":\"node/general-0001\",\"since\":"),
        "{text}"
    );
}

#[test]
fn a_rollout_replaces_the_pods_one_by_one_by_those_of_a_new_replica_set() {
    let mut fleet = fleet();
    let sets = |objects: &ClusterObjects| -> Vec<i32> {
        let of = |set: &&Arc<k8s_openapi::api::apps::v1::ReplicaSet>| {
            set.metadata.name.as_deref().unwrap().starts_with("catalogue-")
        };
        objects.replica_sets.iter().filter(of).map(|set| set.status.as_ref().unwrap().replicas).collect()
    };
    let size = sets(&fleet.at(0))[0];
    let rollout = fleet.provoke(Action::Rollout, "catalogue", 100, None);
    assert_eq!(sets(&fleet.with_pods(99, 200)), [size]);
    assert_eq!(sets(&fleet.with_pods(100, 200)), [size - 1, 1]);
    assert_eq!(sets(&fleet.with_pods(131, 200)), [size - 2, 2]);
    assert_eq!(sets(&fleet.with_pods(2_000, 200)), [0, size]);
    let revision = |objects: &ClusterObjects| {
        deployment(objects, "catalogue").metadata.annotations.as_ref().unwrap()["deployment.kubernetes.io/revision"].clone()
    };
    assert_eq!((revision(&fleet.at(99)), revision(&fleet.at(100))), ("1".to_owned(), "2".to_owned()));
    // It is rolled back by yet another revision.
    let at = fleet.time(2_100);
    fleet.simulation.undo(rollout.id, at).unwrap();
    assert_eq!(sets(&fleet.with_pods(2_100, 200)), [0, size - 1, 1]);
}

#[test]
fn a_rollout_of_a_daemon_set_goes_from_node_to_node_whatever_their_numbers_are() {
    let mut fleet = fleet();
    // Its nodes are among the last of the fleet.
    fleet.provoke(Action::Rollout, "daemonset/ingress", 100, None);
    let names = |objects: &ClusterObjects| -> Vec<String> {
        pods_of(objects, "ingress-").into_iter().map(|pod| name(pod)).collect()
    };
    let old = names(&fleet.at(99));
    assert!(old.len() > 2, "{old:?}");
    for (step, second) in [100, 130, 160].into_iter().enumerate() {
        let new = names(&fleet.with_pods(second, 200));
        assert_eq!(new.iter().filter(|name| !old.contains(name)).count(), step + 1, "at {second}");
    }
}

#[test]
fn a_spike_and_a_full_volume_are_annotations_of_the_pods_that_are_there() {
    let mut fleet = fleet();
    fleet.provoke(spike(), "statefulset/search", 100, Some(200));
    fleet.provoke(Action::FillVolume { to: None }, "pod/shop/search-0", 100, Some(200));
    let annotation = |objects: &ClusterObjects, name: &str, key: &str| {
        pod(objects, name).metadata.annotations.as_ref().and_then(|all| all.get(key)).cloned()
    };
    let (since, until) = (fleet.time(100), fleet.time(200));
    for (second, spike, fill) in [
        (99, None, None),
        (100, Some(format!("cpu=limit since={since}")), Some(format!("to=96% since={since}"))),
        (
            200,
            Some(format!("cpu=limit since={since} until={until}")),
            Some(format!("to=96% since={since} until={until}")),
        ),
    ] {
        let objects = fleet.with_pods(second, 200);
        assert_eq!(annotation(&objects, "search-1", SPIKE), spike, "at {second}");
        let filled = annotation(&objects, "search-0", FILL);
        assert_eq!(filled.as_ref().map(|text| text.split_once(' ').unwrap().1.to_owned()), fill);
        assert_eq!(annotation(&objects, "search-1", FILL), None);
    }
}

#[test]
fn what_cannot_be_done_is_refused_with_a_reason_and_nothing_changes() {
    let mut fleet = fleet();
    let before = fleet.at(50);
    let epoch = fleet.simulation.epoch();
    let deployment = |replicas| Action::Scale { replicas };
    fleet.provoke(Action::Crash, "deployment/shop/images", 1_000, Some(2_000));
    let victim = name(pods_of(&fleet.at(1_500), "images-")[0]);
    for (action, target, since, until, message) in [
        (
            Action::NodeDown,
            "general-03",
            60,
            None,
            "there is no node `general-03`; did you mean node/general-0003?",
        ),
        (Action::NodeDown, "nothing-like-it", 60, None, "there is no node `nothing-like-it`"),
        (Action::NodeDown, "", 60, None, "there is no node ``"),
        (
            Action::NodeDown,
            "cart",
            60,
            None,
            "node-down cannot be done to deployment/shop/cart: it is a Deployment, and this needs a node",
        ),
        (
            Action::Rollout,
            "job/payments/ledger-migration",
            60,
            None,
            "rollout cannot be done to job/payments/ledger-migration: it is a Job, and this needs a Deployment, StatefulSet or DaemonSet",
        ),
        (
            Action::Rollout,
            "deploy/shop/crat",
            60,
            None,
            "there is no Deployment, StatefulSet or DaemonSet `deploy/shop/crat`; did you mean deployment/shop/cart?",
        ),
        (
            deployment(5),
            "storefront",
            60,
            None,
            "scale cannot be done to deployment/shop/storefront: a HorizontalPodAutoscaler scales it",
        ),
        (
            deployment(5),
            "overprovisioning",
            60,
            None,
            "scale cannot be done to deployment/kube-system/overprovisioning: it has what autoscalers leave of their pods",
        ),
        (
            deployment(6_000),
            "catalogue",
            60,
            None,
            "scale cannot be done to deployment/shop/catalogue: 5992 more pods do not fit on 50 nodes, 110 on each: there is room for 5300",
        ),
        (
            Action::FillVolume { to: Some(50) },
            "search-0",
            60,
            None,
            "fill-volume cannot be done to pod/shop/search-0: 50 % is not 95 % to 100 %",
        ),
        (
            Action::FillVolume { to: None },
            "video-archive",
            60,
            None,
            "fill-volume cannot be done to pvc/shop/video-archive: it is not bound to a volume",
        ),
        (
            Action::Crash,
            "address-check",
            60,
            None,
            "crash cannot be done to deployment/logistics/address-check: it is in a crash loop already, by its manifest",
        ),
        (
            Action::Crash,
            "gift-cards",
            60,
            None,
            "crash cannot be done to deployment/shop/gift-cards: it does not run: its image cannot be had",
        ),
        (Action::Crash, "cart", 100, Some(100), "it would end at"),
        (
            Action::Oom,
            "deployment/shop/images",
            1_999,
            None,
            "deployment/shop/images is under crash already (",
        ),
        (spike(), &victim, 1_500, None, "deployment/shop/images is under crash already ("),
    ] {
        let error = fleet.refusal(action, target, since, until);
        assert!(error.starts_with(message), "{target}: {error}");
        if error.contains("already (") {
            assert!(error.ends_with("undo 1 first"), "{error}");
        }
    }
    let too_early =
        Request { since: epoch - SignedDuration::from_secs(1), ..fleet.request(spike(), "cart", 0, None) };
    let error = fleet.simulation.provoke(&too_early).unwrap_err().to_string();
    assert!(error.contains("before this fleet's epoch"), "{error}");
    // A pod that comes only later, and one that is gone by then.
    let error = fleet.refusal(Action::Crash, "pod/shop/storefront-gone", 60, None);
    assert!(
        error.starts_with("there is no pod or long-running workload `pod/shop/storefront-gone` at 20"),
        "{error}"
    );
    // Touching is not overlapping.
    fleet.provoke(Action::Oom, "deployment/shop/images", 2_000, None);

    assert_eq!(*fleet.at(50), *before);
    assert_eq!(fleet.simulation.provocations().count(), 2);
}

#[test]
fn an_undo_says_what_it_cannot_do() {
    let mut fleet = fleet();
    let at = fleet.time(150);
    let error = fleet.simulation.undo(1, at).unwrap_err().to_string();
    assert_eq!(error, "there is no provocation 1: nothing is provoked");
    fleet.provoke(spike(), "cart", 0, Some(100));
    fleet.provoke(spike(), "catalogue", 0, None);
    let error = fleet.simulation.undo(7, at).unwrap_err().to_string();
    assert_eq!(error, "there is no provocation 7; there are 2");
    let error = fleet.simulation.undo(1, at).unwrap_err().to_string();
    assert!(error.starts_with("provocation 1 has ended already, at "), "{error}");
    // What has not begun never happens.
    let scaled = fleet.provoke(Action::Scale { replicas: 9 }, "images", 500, None);
    fleet.simulation.undo(scaled.id, at).unwrap();
    fleet.with_pods(600, 200);
    let scaled = fleet.provoke(Action::Scale { replicas: 7 }, "images", 500, None);
    fleet.with_pods(600, 203);
    fleet.simulation.undo(scaled.id, at).unwrap();
    let later = fleet.provoke(Action::NodeDown, "general-0001", 500, None);
    fleet.simulation.undo(later.id, at).unwrap();
    assert_eq!(node_ready(&fleet.at(600), "general-0001"), "True");
    assert_eq!(fleet.simulation.provocations().map(|provocation| provocation.id).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn where_nothing_runs_nothing_can_be_done() {
    let mut fleet = fleet();
    let running = |objects: &ClusterObjects, prefix: &str| {
        pods_of(objects, prefix).iter().any(|pod| phase(pod) == "Running")
    };
    let error = fleet.refusal(spike(), "job/payments/ledger-migration", 60, None);
    assert_eq!(
        error,
        "spike cannot be done to job/payments/ledger-migration: it has ended; nothing of it runs"
    );
    // A CronJob runs now and then. Just before its next run nothing of it does.
    let mut second = 0;
    while running(&fleet.at(second), "order-export-") {
        second += 30;
    }
    let error = fleet.refusal(spike(), "cronjob/order-export", second, None);
    let (reason, next) = error.rsplit_once(' ').unwrap();
    assert!(reason.contains("nothing of it runs at 20"), "{error}");
    assert!(reason.ends_with("; its next run begins at"), "{error}");
    let next: Timestamp = next.parse().unwrap();
    let offset = (next - fleet.time(0)).total(jiff::Unit::Second).unwrap() as i64;
    fleet.provoke(spike(), "cronjob/order-export", offset, Some(offset + 600));
    let objects = fleet.at(offset + 20);
    let spiked = pods_of(&objects, "order-export-")
        .into_iter()
        .any(|pod| phase(pod) == "Running" && pod.metadata.annotations.as_ref().unwrap().contains_key(SPIKE));
    assert!(spiked);
    // A workload that was scaled to nothing.
    fleet.provoke(Action::Scale { replicas: 0 }, "catalogue", 100, Some(2_000));
    let error = fleet.refusal(Action::Crash, "catalogue", 200, None);
    assert!(
        error.starts_with("crash cannot be done to deployment/shop/catalogue: nothing of it runs at 20"),
        "{error}"
    );
}

#[test]
fn more_than_a_node_has_cannot_be_taken() {
    let mut fleet = fleet();
    let cpu = |text: &str| Action::Spike { cpu: Some(text.parse().unwrap()), memory: None };
    let error = fleet.refusal(cpu("100"), "deployment/shop/images", 60, None);
    assert_eq!(
        error,
        "spike cannot be done to deployment/shop/images: cpu 100 is more than the 32 that the largest node has"
    );
    let error = fleet.refusal(cpu("17"), "general-0003", 60, None);
    assert_eq!(error, "spike cannot be done to node/general-0003: cpu 17 is more than the 16 that it has");
    let memory = Action::Spike { cpu: None, memory: Some("1Pi".parse().unwrap()) };
    let error = fleet.refusal(memory, "deployment/shop/images", 60, None);
    assert!(error.contains("memory 1125899906842624 is more than the "), "{error}");
    fleet.provoke(cpu("31"), "deployment/shop/images", 60, None);
}

#[test]
fn while_a_workload_is_being_rolled_out_or_back_one_is_told_until_when() {
    let mut fleet = fleet();
    let rollout = fleet.provoke(Action::Rollout, "catalogue", 100, None);
    let out = fleet.refusal(Action::Scale { replicas: 3 }, "catalogue", 120, None);
    assert!(
        out.starts_with(&format!(
            "deployment/shop/catalogue is being rolled out from {} to ",
            fleet.time(100)
        )),
        "{out}"
    );
    let at = fleet.time(2_000);
    fleet.simulation.undo(rollout.id, at).unwrap();
    for action in [Action::Scale { replicas: 3 }, Action::Rollout] {
        let back = fleet.refusal(action.clone(), "catalogue", 2_010, None);
        let text = back.strip_prefix(&format!(
            "deployment/shop/catalogue is being rolled back from {} to ",
            fleet.time(2_000)
        ));
        let until = text.and_then(|text| text.strip_suffix(": wait for that"));
        let until: Timestamp = until.unwrap_or_else(|| panic!("{back}")).parse().unwrap();
        // Who waits may.
        let request = Request { action, target: "catalogue".to_owned(), since: until, until: None };
        let provocation = fleet.simulation.provoke(&request).unwrap_or_else(|error| panic!("{error}"));
        fleet.simulation.undo(provocation.id, until).unwrap();
    }
}
