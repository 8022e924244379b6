//! A cluster through its API server: the fake one, and a real one where there is one.

#![allow(clippy::unwrap_used, reason = "tests")]

mod applying;
mod fleet;
mod provoking;
mod real;
mod rollouts;
mod waiting;

use std::sync::Mutex;
use std::time::Duration;

use cluster_sim::{Action, Request};
use environments::cluster::fake::{FakeApiServer, Scenario};
use environments::cluster::{Cluster, Pace};
use environments::plan::{Ending, Progress, Report, StepName};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

/// Hears what is said.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Report for Heard {
    fn began(&self, _: StepName) {}
    fn progress(&self, _: StepName, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
    fn ended(&self, _: StepName, _: &Ending, _: Duration) {}
    fn note(&self, _: &str) {}
}

impl Heard {
    fn progress(&self) -> Progress<'_> {
        Progress::new("test", self)
    }
    fn has(&self, part: &str) -> bool {
        self.0.lock().unwrap().iter().any(|text| text.contains(part))
    }
}

/// A fake in which this happens, and a cluster that talks to it.
async fn fake(scenario: Scenario) -> (FakeApiServer, Cluster) {
    let server = FakeApiServer::start(scenario).await.unwrap();
    let cluster = Cluster::from_kubeconfig(&server.kubeconfig()).await.unwrap();
    (server, cluster)
}

/// Quick enough for tests.
fn quick() -> Pace {
    Pace {
        concurrency: 8,
        patience: Duration::from_secs(5),
        first_wait: Duration::from_millis(20),
        longest_wait: Duration::from_millis(100),
    }
}

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

fn config_map(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": {"a": "1"}})
}

fn pod(namespace: &str, name: &str) -> Value {
    let container = json!({"name": "main", "image": "registry.example/main:1", "resources": {"limits": {"memory": "1Gi"}}});
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": {"containers": [container]}})
}

fn deployment(namespace: &str, name: &str, replicas: u32) -> Value {
    let labels = json!({"app": name});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod(namespace, name)["spec"]},
        },
    })
}

/// Namespace `shop` with a Deployment of three.
fn shop() -> Vec<Value> {
    // Not in the order in which a server takes them.
    vec![
        deployment("shop", "cart", 3),
        pod("shop", "toolbox"),
        config_map("shop", "settings"),
        namespace("shop"),
    ]
}

/// What steps of a plan do is boxed: all of it has to be allowed to change threads.
#[tokio::test]
async fn everything_can_be_done_by_a_step() {
    fn boxed<'a, T>(future: impl Future<Output = T> + Send + 'a) -> BoxFuture<'a, T> {
        Box::pin(future)
    }
    let (_server, cluster) = fake(Scenario::default()).await;
    let (heard, objects, now) = (Heard::default(), shop(), jiff::Timestamp::UNIX_EPOCH);
    let progress = heard.progress();
    boxed(cluster.wait_ready(Duration::from_secs(5), &progress)).await.unwrap();
    boxed(cluster.apply(&objects, quick(), &progress)).await.unwrap();
    boxed(cluster.wait_for_service_accounts(&["shop".to_owned()], Duration::from_secs(5))).await.unwrap();
    boxed(cluster.wait_running(4, Duration::from_secs(5), &progress)).await.unwrap();
    boxed(cluster.wait_rollouts(&[], Duration::from_secs(5), &progress)).await.unwrap();
    boxed(cluster.prune(&[("v1", "Pod")], &objects, quick())).await.unwrap();
    boxed(cluster.diagnosis("shop", Some("app=cart"))).await;
    boxed(cluster.end_provocations(now)).await.unwrap();
    boxed(cluster.undo(1, now)).await.unwrap_err();
    let request = Request { action: Action::Crash, target: "cart".to_owned(), since: now, until: None };
    boxed(cluster.provoke(&request, now)).await.unwrap();
    boxed(cluster.delete(&objects)).await.unwrap();
}
