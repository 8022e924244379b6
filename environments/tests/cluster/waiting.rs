//! Waiting for the server, its controllers, and pods.

use std::time::{Duration, Instant};

use environments::cluster::Cluster;
use environments::cluster::fake::Scenario;

use super::{Heard, fake, namespace, quick, shop};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_server_that_comes_up_slowly_is_waited_for() {
    let (_server, cluster) = fake(Scenario::slow_start()).await;
    let heard = Heard::default();
    assert!(!cluster.is_ready().await);
    cluster.wait_ready(SECOND * 5, &heard.progress()).await.unwrap();
    assert!(heard.has("onnection refused") && heard.has("503"), "{:?}", heard.0.lock().unwrap());
    assert!(cluster.is_ready().await);
    assert_eq!(cluster.version().await.unwrap(), "v1.36.1");
}

#[tokio::test]
async fn a_server_that_does_not_get_ready_says_which_checks_fail() {
    let (_server, cluster) = fake(Scenario::never_ready()).await;
    let begun = Instant::now();
    let error = cluster.wait_ready(SECOND, &Heard::default().progress()).await.unwrap_err().to_string();
    let address = cluster.address();
    assert_eq!(
        error,
        format!(
            "the API server at {address} was not ready within 1 s: these checks fail: etcd (is its container running? see its log)"
        )
    );
    assert!(begun.elapsed() < SECOND * 3);
}

#[tokio::test]
async fn credentials_of_another_cluster_are_an_error_at_once() {
    let (_server, cluster) = fake(Scenario::of_another_cluster()).await;
    let begun = Instant::now();
    let error = cluster.wait_ready(SECOND * 30, &Heard::default().progress()).await.unwrap_err().to_string();
    assert!(error.contains("does not accept these credentials: Unauthorized"), "{error}");
    assert!(begun.elapsed() < SECOND * 5);
}

#[tokio::test]
async fn nodes_are_waited_for() {
    let (server, cluster) = fake(Scenario::default()).await;
    let heard = Heard::default();
    for number in 0..3 {
        let ready = if number < 2 { "True" } else { "False" };
        server.put(serde_json::json!({
            "kind": "Node", "metadata": {"name": format!("general-{number}")},
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        }));
    }
    let count = cluster.wait_nodes(2, SECOND, &heard.progress()).await.unwrap();
    assert_eq!((count.total, count.ready), (3, 2));
    let error = cluster.wait_nodes(3, SECOND, &heard.progress()).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "2 of 3 nodes ready (3 are there) after 1 s (on KWOK: are its stages there? kubectl get stages)"
    );
}

#[tokio::test]
async fn service_accounts_that_come_late_are_waited_for_and_those_that_never_come_are_named() {
    let (_server, cluster) = fake(Scenario::late_service_accounts()).await;
    cluster.apply(&[namespace("shop")], quick(), &Heard::default().progress()).await.unwrap();
    let namespaces = ["shop".to_owned(), "default".to_owned()];
    cluster.wait_for_service_accounts(&namespaces, SECOND * 5).await.unwrap();
    let error =
        cluster.wait_for_service_accounts(&["nowhere".to_owned()], SECOND / 2).await.unwrap_err().to_string();
    assert!(error.starts_with("namespace nowhere has no service account `default` after"), "{error}");
}

#[tokio::test]
async fn pods_are_counted_by_phase_and_waited_for() {
    let (server, cluster) = fake(Scenario::default()).await;
    let heard = Heard::default();
    cluster.apply(&shop(), quick(), &heard.progress()).await.unwrap();
    let count = cluster.wait_running(4, SECOND, &heard.progress()).await.unwrap();
    assert_eq!((count.total, count.running), (4, 4));
    let mut pod = server.object("Pod", Some("shop"), "toolbox").unwrap();
    pod["status"] = serde_json::json!({"phase": "Failed"});
    server.put(pod);
    let count = cluster.count().await.unwrap().pods;
    assert_eq!((count.running, count.failed, count.started()), (3, 1, 4));
}

#[tokio::test]
async fn pods_that_stay_pending_say_what_they_wait_for() {
    let (_server, cluster) = fake(Scenario::pending_pods()).await;
    let heard = Heard::default();
    cluster.apply(&shop(), quick(), &heard.progress()).await.unwrap();
    let error = cluster.wait_running(4, SECOND, &heard.progress()).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "0 of 4 pods run after 1 s: 4 pods (4 pending); 4 wait: 0/3 nodes are available: 3 Insufficient cpu."
    );
    assert!(heard.has("0 of 4 pods"));
}

#[tokio::test]
async fn counting_goes_on_over_a_restart() {
    let (server, cluster) = fake(Scenario::default()).await;
    let heard = Heard::default();
    cluster.apply(&shop(), quick(), &heard.progress()).await.unwrap();
    server.restart(SECOND / 2);
    cluster.wait_running(4, SECOND * 5, &heard.progress()).await.unwrap();
    assert!(heard.has("waiting: "));
}

#[tokio::test]
async fn what_is_no_kubeconfig_or_names_nobody_is_an_error() {
    for (text, said) in [
        ("a: [", "the cluster's kubeconfig cannot be read"),
        ("apiVersion: v1\nkind: Config\n", "the cluster's kubeconfig cannot be used"),
    ] {
        assert_eq!(Cluster::from_kubeconfig(text).await.unwrap_err().to_string(), said);
    }
}
