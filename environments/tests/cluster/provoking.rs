//! What `cargo xtask sim` does, on objects of the fake.

use cluster_sim::{Action, ProvocationError, Request};
use environments::cluster::Cluster;
use environments::cluster::fake::{FakeApiServer, Scenario};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Heard, fake, quick, shop};

const PROVOKED: &str = "kubernetes-mixin-otel/provoked";
const SPIKE: &str = "kubernetes-mixin-otel/spike";
const FILL: &str = "kubernetes-mixin-otel/fill-volume";

fn now() -> Timestamp {
    "2026-01-31T12:00:00.5Z".parse().unwrap()
}

fn request(action: Action, target: &str) -> Request {
    Request { action, target: target.to_owned(), since: now(), until: None }
}

async fn stage() -> (FakeApiServer, Cluster) {
    let (server, cluster) = fake(Scenario::default()).await;
    let mut objects = shop();
    objects.push(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "general-0000"}}));
    objects.push(json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "cart", "namespace": "shop"},
        "spec": {"minReplicas": 2, "maxReplicas": 6, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}},
    }));
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-search-0", "namespace": "shop"},
        "spec": {"volumeName": "disk-0", "accessModes": ["ReadWriteOnce"]},
    });
    objects.push(claim);
    objects.push(json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "search", "namespace": "shop"},
        "spec": {
            "replicas": 2, "serviceName": "search", "selector": {"matchLabels": {"app": "search"}},
            "template": {"metadata": {"labels": {"app": "search"}}, "spec": {"containers": [{"name": "index", "image": "a"}]}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}],
        },
    }));
    cluster.apply(&objects, quick(), &Heard::default().progress()).await.unwrap();
    (server, cluster)
}

/// The values of a label or annotation on the pods of an application.
fn on_pods(server: &FakeApiServer, app: &str, what: &str, key: &str) -> Vec<Option<String>> {
    let pods = server.objects("Pod");
    let own = pods.iter().filter(|pod| pod["metadata"]["labels"]["app"] == app);
    own.map(|pod| pod["metadata"][what][key].as_str().map(str::to_owned)).collect()
}

fn said(error: &anyhow::Error) -> String {
    assert!(error.downcast_ref::<ProvocationError>().is_some(), "{error:#}");
    error.to_string()
}

#[tokio::test]
async fn a_crash_is_a_label_on_the_pods_that_there_are() {
    let (server, cluster) = stage().await;
    let provocation = cluster.provoke(&request(Action::Crash, "deploy/cart"), now()).await.unwrap();
    assert_eq!((provocation.id, provocation.target.to_string().as_str()), (1, "deployment/shop/cart"));
    assert_eq!(on_pods(&server, "cart", "labels", PROVOKED), vec![Some("crash".to_owned()); 3]);
    assert_eq!(on_pods(&server, "search", "labels", PROVOKED), [None, None]);
    assert_eq!(cluster.provocations().await.unwrap(), std::slice::from_ref(&provocation));
    let error = cluster.provoke(&request(Action::Oom, "cart"), now()).await.unwrap_err();
    assert_eq!(
        said(&error),
        "deployment/shop/cart is under crash already (2026-01-31T12:00:00Z until it is undone); undo 1 first"
    );
    let undone = cluster.undo(1, now() + SignedDuration::from_secs(60)).await.unwrap();
    assert_eq!(undone.until, Some(now() + SignedDuration::from_secs(60)));
    assert_eq!(on_pods(&server, "cart", "labels", PROVOKED), vec![None; 3]);
    let again = cluster.undo(1, now() + SignedDuration::from_secs(90)).await.unwrap_err();
    assert!(said(&again).starts_with("provocation 1 has ended already"));
    assert_eq!(
        said(&cluster.undo(7, now()).await.unwrap_err()),
        "there is no provocation 7: nothing is provoked"
    );
}

#[tokio::test]
async fn ending_everything_leaves_out_what_is_over_already() {
    let (server, cluster) = stage().await;
    let later = |seconds| now() + SignedDuration::from_secs(seconds);
    let crash = Request { until: Some(later(30)), ..request(Action::Crash, "deploy/cart") };
    cluster.provoke(&crash, now()).await.unwrap();
    cluster.provoke(&request(Action::NodeDown, "node/general-0000"), now()).await.unwrap();
    cluster.end_provocations(later(60)).await.unwrap();
    let active = cluster.active_provocations(later(60)).await.unwrap();
    assert_eq!(active.iter().map(|provocation| provocation.id).collect::<Vec<_>>(), [2]);
    let ended = cluster.undo_all(later(60)).await.unwrap();
    assert_eq!(ended.iter().map(|provocation| provocation.id).collect::<Vec<_>>(), [2]);
    let node = server.object("Node", None, "general-0000").unwrap();
    assert_eq!(node["metadata"]["labels"][PROVOKED], Value::Null);
    assert_eq!(cluster.undo_all(later(90)).await.unwrap(), []);
}

#[tokio::test]
async fn running_out_of_memory_is_a_label_and_a_spike_of_the_first_container() {
    let (server, cluster) = stage().await;
    cluster.provoke(&request(Action::Oom, "pod/toolbox"), now()).await.unwrap();
    let metadata = server.object("Pod", Some("shop"), "toolbox").unwrap()["metadata"].clone();
    assert_eq!(metadata["labels"][PROVOKED], "oom");
    assert_eq!(metadata["annotations"][SPIKE], "memory=limit container=main since=2026-01-31T12:00:00Z");
    cluster.undo(1, now() + SignedDuration::from_secs(30)).await.unwrap();
    let metadata = server.object("Pod", Some("shop"), "toolbox").unwrap()["metadata"].clone();
    assert_eq!(metadata["labels"][PROVOKED], Value::Null);
    let ended = "memory=limit container=main since=2026-01-31T12:00:00Z until=2026-01-31T12:00:30Z";
    assert_eq!(metadata["annotations"][SPIKE], ended);
    let error = cluster.provoke(&request(Action::Oom, "search"), now()).await.unwrap_err();
    assert!(said(&error).ends_with("its first container has no memory limit to run into"), "{error}");
}

#[tokio::test]
async fn a_spike_with_an_end_ends_by_itself() {
    let (server, cluster) = stage().await;
    let until = now() + SignedDuration::from_secs(120);
    let action = Action::Spike { cpu: Some("x4".parse().unwrap()), memory: None };
    cluster.provoke(&Request { until: Some(until), ..request(action.clone(), "cart") }, now()).await.unwrap();
    let spike = "cpu=x4 since=2026-01-31T12:00:00Z until=2026-01-31T12:02:00Z".to_owned();
    assert_eq!(on_pods(&server, "cart", "annotations", SPIKE), vec![Some(spike); 3]);
    assert!(cluster.end_provocations(until).await.unwrap().is_empty());
    let error = cluster.provoke(&request(action.clone(), "node/general-0000"), now()).await.unwrap_err();
    assert!(said(&error).contains("an annotation of a node restarts its receiver"), "{error}");
    let node = server.object("Node", None, "general-0000").unwrap();
    server.put(
        json!({"kind": "Node", "metadata": node["metadata"], "status": {"capacity": {"memory": "64Gi"}}}),
    );
    let much = Action::Spike { cpu: None, memory: Some("65Gi".parse().unwrap()) };
    let error = cluster.provoke(&request(much, "pod/toolbox"), now()).await.unwrap_err();
    assert!(
        said(&error).ends_with("memory 69793218560 is more than the 64Gi that the largest node has"),
        "{error}"
    );
    let later = Request { since: until, ..request(action, "cart") };
    let error = cluster.provoke(&later, now()).await.unwrap_err().to_string();
    assert_eq!(error, "on a real cluster things begin now: spike cannot begin at 2026-01-31T12:02:00.5Z");
}

#[tokio::test]
async fn a_full_volume_is_an_annotation_of_the_pod_that_mounts_the_claim() {
    let (server, cluster) = stage().await;
    cluster.provoke(&request(Action::FillVolume { to: None }, "pvc/data-search-0"), now()).await.unwrap();
    assert_eq!(
        on_pods(&server, "search", "annotations", FILL),
        [Some("volume=data to=96% since=2026-01-31T12:00:00Z".to_owned()), None]
    );
    let error =
        cluster.provoke(&request(Action::FillVolume { to: None }, "pod/toolbox"), now()).await.unwrap_err();
    assert!(said(&error).ends_with("it has no volume of a PersistentVolumeClaim"), "{error}");
}

#[tokio::test]
async fn scaling_is_taken_back_at_its_end_and_an_autoscaler_is_heeded() {
    let (server, cluster) = stage().await;
    let until = now() + SignedDuration::from_secs(120);
    let scale = |replicas| Request { until: Some(until), ..request(Action::Scale { replicas }, "cart") };
    let error = cluster.provoke(&scale(9), now()).await.unwrap_err();
    assert_eq!(
        said(&error),
        "scale cannot be done to deployment/shop/cart: the HorizontalPodAutoscaler cart keeps it between 2 and 6 pods, and would take that back"
    );
    cluster.provoke(&scale(5), now()).await.unwrap();
    assert_eq!(on_pods(&server, "cart", "labels", "app").len(), 5);
    assert!(cluster.end_provocations(now()).await.unwrap().is_empty());
    assert_eq!(cluster.end_provocations(until).await.unwrap().len(), 1);
    assert_eq!(on_pods(&server, "cart", "labels", "app").len(), 3);
    assert!(cluster.end_provocations(until).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_rollout_replaces_the_pods_and_undoing_it_brings_the_old_revision_back() {
    let (server, cluster) = stage().await;
    let names = |server: &FakeApiServer| -> Vec<Value> {
        server
            .objects("Pod")
            .iter()
            .filter(|pod| pod["metadata"]["labels"]["app"] == "cart")
            .map(|pod| pod["metadata"]["name"].clone())
            .collect()
    };
    let before = names(&server);
    cluster.provoke(&request(Action::Rollout, "cart"), now()).await.unwrap();
    let during = names(&server);
    assert!(during.len() == 3 && during.iter().all(|name| !before.contains(name)), "{during:?}");
    cluster.undo(1, now()).await.unwrap();
    assert_eq!(names(&server), before);
}

#[tokio::test]
async fn a_node_goes_down_and_comes_back_by_a_label() {
    let (server, cluster) = stage().await;
    cluster.provoke(&request(Action::NodeDown, "general-0000"), now()).await.unwrap();
    let label =
        || server.object("Node", None, "general-0000").unwrap()["metadata"]["labels"][PROVOKED].clone();
    assert_eq!(label(), "node-down");
    cluster.undo(1, now()).await.unwrap();
    assert_eq!(label(), Value::Null);
}

#[tokio::test]
async fn a_target_that_is_not_there_is_told_with_what_is_like_it() {
    let (_server, cluster) = stage().await;
    for (action, target, said_so) in [
        (
            Action::NodeDown,
            "general-0001",
            "there is no node `general-0001`; did you mean node/general-0000?",
        ),
        (
            Action::NodeDown,
            "cart",
            "node-down cannot be done to deployment/shop/cart: it is a Deployment, and this needs a node",
        ),
        (
            Action::Rollout,
            "cat",
            "there is no Deployment, StatefulSet or DaemonSet `cat`; did you mean deployment/shop/cart?",
        ),
    ] {
        let error = cluster.provoke(&request(action, target), now()).await.unwrap_err();
        assert_eq!(said(&error), said_so);
    }
}
