//! Against a real API server, when `KUBECONFIG_FOR_TESTS` names the kubeconfig of one that may be changed.

use std::io::Write as _;
use std::time::Duration;

use environments::cluster::Cluster;

use super::{Heard, config_map, namespace, quick};

/// Tells why a test does nothing.
fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

#[tokio::test]
async fn a_real_server_takes_what_we_send_and_tells_what_has_changed() {
    let Some(path) = std::env::var_os("KUBECONFIG_FOR_TESTS") else {
        return skip("KUBECONFIG_FOR_TESTS names no kubeconfig");
    };
    let text = std::fs::read_to_string(&path).unwrap();
    let cluster = Cluster::from_kubeconfig(&text).await.unwrap();
    let heard = Heard::default();
    cluster.wait_ready(Duration::from_secs(30), &heard.progress()).await.unwrap();
    let name = format!("mixin-test-{}", std::process::id());
    let mut objects = vec![namespace(&name), config_map(&name, "a")];
    assert_eq!(cluster.apply(&objects, quick(), &heard.progress()).await.unwrap().created, 2);
    assert_eq!(cluster.apply(&objects, quick(), &heard.progress()).await.unwrap().unchanged, 2);
    objects[1]["data"]["a"] = serde_json::json!("2");
    assert_eq!(cluster.apply(&objects, quick(), &heard.progress()).await.unwrap().changed, 1);
    cluster.count().await.unwrap();
    cluster.delete(&objects).await.unwrap();
}
