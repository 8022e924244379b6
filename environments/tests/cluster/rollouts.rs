//! Waiting for workloads, and what is said when they do not get ready.

use std::time::Duration;

use environments::cluster::fake::Scenario;
use environments::cluster::{WorkloadKind, WorkloadRef};
use serde_json::json;

use super::{Heard, fake, quick, shop};

const SECOND: Duration = Duration::from_secs(1);

fn cart() -> WorkloadRef {
    WorkloadRef { kind: WorkloadKind::Deployment, namespace: "shop".to_owned(), name: "cart".to_owned() }
}

#[tokio::test]
async fn a_deployment_whose_pods_run_is_done() {
    let (_server, cluster) = fake(Scenario::default()).await;
    let heard = Heard::default();
    cluster.apply(&shop(), quick(), &heard.progress()).await.unwrap();
    cluster.wait_rollouts(&[cart()], SECOND * 3, &heard.progress()).await.unwrap();
}

#[tokio::test]
async fn one_that_does_not_get_ready_tells_of_its_pods_the_events_and_the_logs() {
    let (server, cluster) = fake(Scenario::default()).await;
    let heard = Heard::default();
    cluster.apply(&shop(), quick(), &heard.progress()).await.unwrap();
    let mut pods = server.objects("Pod");
    pods.retain(|pod| pod["metadata"]["labels"]["app"] == "cart");
    let crashed = pods[0]["metadata"]["name"].as_str().unwrap().to_owned();
    pods[0]["status"] = json!({
        "phase": "Running", "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [{"name": "main", "ready": false, "restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}],
    });
    server.put(pods.remove(0));
    for (name, kind, time) in
        [("late", "Warning", "2026-01-01T00:00:02Z"), ("early", "Normal", "2026-01-01T00:00:01Z")]
    {
        server.put(json!({
            "kind": "Event", "metadata": {"name": name, "namespace": "shop"}, "type": kind, "reason": "BackOff",
            "message": name, "lastTimestamp": time, "involvedObject": {"kind": "Pod", "name": crashed},
        }));
    }
    let mut deployment = server.object("Deployment", Some("shop"), "cart").unwrap();
    deployment["status"]["availableReplicas"] = json!(2);
    server.put(deployment);
    let error = cluster.wait_rollouts(&[cart()], SECOND, &heard.progress()).await.unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "Deployment shop/cart is not ready after 1 s: 2 of 3 pods are available
  1 of 3 pods in shop are not ready
    {crashed} (Running): container main: CrashLoopBackOff, last Error with code 1
  last events
    2026-01-01T00:00:02Z pod/{crashed}: BackOff: late
    2026-01-01T00:00:01Z pod/{crashed}: BackOff: early
  log of {crashed}, container main
    the last words of {crashed}"
        )
    );
    assert!(heard.has("0 of 1 ready; Deployment shop/cart: 2 of 3 pods are available"));
}

#[tokio::test]
async fn one_that_is_not_there_is_waited_for_until_the_deadline() {
    let (_server, cluster) = fake(Scenario::default()).await;
    let error =
        cluster.wait_rollouts(&[cart()], SECOND, &Heard::default().progress()).await.unwrap_err().to_string();
    assert!(
        error.starts_with("Deployment shop/cart is not ready after 1 s: deployments \"cart\" not found"),
        "{error}"
    );
}
