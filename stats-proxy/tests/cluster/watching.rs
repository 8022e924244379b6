//! A cluster is followed through everything that happens to its API server.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kubelet_stats::summary::Summary;
use serde_json::json;
use stats_proxy::KubeletSource as _;
use stats_proxy::cluster::{self, Clock, ClusterKubelets, Kind, Pace, Progress};
use tokio::task::JoinHandle;

use crate::api::{Api, Behaviour, Serving};
use crate::objects::{claim, node, pod};

/// Fast enough for tests, slow enough for a busy machine.
const PACE: Pace = Pace {
    watch: Duration::from_secs(20),
    grace: Duration::from_secs(5),
    first_wait: Duration::from_millis(10),
    longest_wait: Duration::from_millis(50),
    page: 2,
};

/// Kubelets that follow an API server.
pub(crate) struct Followed {
    api: Api,
    pub(crate) kubelets: Arc<ClusterKubelets>,
    pub(crate) progress: Arc<Progress>,
    task: JoinHandle<()>,
    serving: Option<Serving>,
    port: u16,
}

impl Followed {
    pub(crate) async fn new(api: &Api) -> Self {
        Self::at_pace(api, PACE).await
    }

    async fn at_pace(api: &Api, pace: Pace) -> Self {
        Self::with_clock(api, pace, Arc::new(|| "2026-03-14T15:09:26Z".parse().unwrap())).await
    }

    /// In the time of everybody else.
    pub(crate) async fn now(api: &Api) -> Self {
        Self::with_clock(api, PACE, Arc::new(Timestamp::now)).await
    }

    async fn with_clock(api: &Api, pace: Pace, clock: Clock) -> Self {
        let serving = api.serve(0).await;
        let port = serving.address.port();
        let config = kube::Config::new(format!("http://{}", serving.address).parse().unwrap());
        let progress = Arc::new(Progress::new());
        let client = cluster::client(config, &pace, &progress).unwrap();
        let kubelets = Arc::new(ClusterKubelets::new(clock));
        let (watched, reported) = (Arc::clone(&kubelets), Arc::clone(&progress));
        let task =
            tokio::spawn(async move { match cluster::watch(client, &watched, &reported, &pace).await {} });
        Self { api: api.clone(), kubelets, progress, task, serving: Some(serving), port }
    }

    /// Waits until something is so.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..2_000 {
            if is_so(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not {what} within 20 seconds: {:?} {:?}", self.kubelets.counts(), self.progress);
    }

    async fn until_listed(&self) {
        self.until("listed", |followed| Kind::ALL.iter().all(|kind| followed.progress.of(*kind).listed))
            .await;
    }

    pub(crate) async fn until_watched(&self) {
        self.until_listed().await;
        self.until("watched", |followed| {
            Kind::ALL.iter().all(|kind| {
                let state = followed.progress.of(*kind);
                state.watches > 0 && state.trouble.is_none()
            })
        })
        .await;
    }

    /// Whether nodes and pods cannot be watched.
    pub(crate) fn troubled(&self) -> bool {
        [Kind::Nodes, Kind::Pods].iter().all(|kind| self.progress.of(*kind).trouble.is_some())
    }

    fn pods(&self, node: &str) -> Vec<String> {
        self.kubelets.pods(node).iter().map(|pod| pod.metadata.name.clone().unwrap()).collect()
    }

    pub(crate) async fn kill_server(&mut self) {
        self.serving.take().unwrap().kill().await;
    }

    pub(crate) async fn start_server(&mut self) {
        self.serving = Some(self.api.serve(self.port).await);
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The size of the first pod's volume of a claim.
fn claimed(summary: &Summary) -> Option<u64> {
    let volume = summary.pods[0].volumes.iter().find(|volume| volume.pvc_ref.is_some());
    volume.unwrap().fs.capacity_bytes
}

/// Two nodes and three pods.
pub(crate) fn small() -> Api {
    let api = Api::default();
    api.put("nodes", node("a"));
    api.put("nodes", node("b"));
    for (name, node) in [("web-1", "a"), ("web-2", "a"), ("web-3", "b")] {
        api.put("pods", pod(name, node));
    }
    api.put("persistentvolumeclaims", claim("data", "20Gi"));
    api
}

#[tokio::test]
async fn everything_is_listed_in_pages_and_then_watched() {
    let api = small();
    let followed = Followed::new(&api).await;
    followed.until_watched().await;
    assert_eq!(followed.kubelets.counts(), (2, 3, 1));
    assert_eq!(followed.kubelets.node_names(), ["a", "b"]);
    let asked: Vec<String> =
        api.asked().into_iter().filter(|asked| asked.ends_with("pods") || asked.contains("pods ")).collect();
    assert_eq!(asked, ["list pods", "list pods continue 2", "watch pods from 6"]);
    let summary = followed.kubelets.summary("a").unwrap();
    let pods: Vec<&str> = summary.pods.iter().map(|pod| pod.pod_ref.name.as_str()).collect();
    assert_eq!(pods, ["web-1", "web-2"]);
    assert_eq!(claimed(&summary), Some(20 << 30));

    api.put("pods", pod("web-0", "a"));
    followed.until("there", |followed| followed.pods("a").len() == 3).await;
    assert_eq!(followed.pods("a"), ["web-0", "web-1", "web-2"]);
}

#[tokio::test]
async fn pods_come_change_their_node_end_and_go() {
    let api = small();
    let followed = Followed::new(&api).await;
    followed.until_watched().await;

    // Not bound: no kubelet knows it.
    let mut pending = pod("web-4", "b");
    pending["spec"].as_object_mut().unwrap().remove("nodeName");
    pending["status"] = json!({"phase": "Pending"});
    api.put("pods", pending);
    api.put("pods", pod("web-5", "b"));
    followed.until("there", |followed| followed.pods("b") == ["web-3", "web-5"]).await;
    api.put("pods", pod("web-4", "b"));
    followed.until("bound", |followed| followed.pods("b") == ["web-3", "web-4", "web-5"]).await;

    // Another pod of the same name on another node, as a StatefulSet makes it.
    let mut moved = pod("web-1", "b");
    moved["metadata"]["uid"] = json!("another");
    api.put("pods", moved);
    followed.until("moved", |followed| followed.pods("b").len() == 4).await;
    assert_eq!(followed.pods("a"), ["web-2"]);

    api.delete("pods", "shop/web-2");
    followed.until("gone", |followed| followed.pods("a").is_empty()).await;
    assert_eq!(followed.kubelets.summary("a").unwrap().pods.len(), 0);

    let mut done = pod("web-3", "b");
    done["status"]["phase"] = json!("Succeeded");
    api.put("pods", done);
    let running = |followed: &Followed| followed.kubelets.summary("b").unwrap().pods.len();
    followed.until("ended", |followed| running(followed) == 3).await;
    assert_eq!(followed.pods("b").len(), 4, "it is still bound");
}

#[tokio::test]
async fn what_a_node_counted_stays_when_pods_end_and_go() {
    let api = small();
    let followed = Followed::new(&api).await;
    followed.until_watched().await;
    let counted =
        || followed.kubelets.summary("a").unwrap().node.cpu.unwrap().usage_core_nano_seconds.unwrap();
    let before = counted();
    api.delete("pods", "shop/web-2");
    followed.until("gone", |followed| followed.pods("a").len() == 1).await;
    assert_eq!(counted(), before);
    let mut done = pod("web-1", "a");
    done["status"]["phase"] = json!("Failed");
    api.put("pods", done);
    followed.until("ended", |followed| followed.kubelets.summary("a").unwrap().pods.is_empty()).await;
    assert_eq!(counted(), before);
    api.delete("pods", "shop/web-1");
    followed.until("gone", |followed| followed.pods("a").is_empty()).await;
    assert_eq!(counted(), before, "what had ended was counted already");
    // Another node of the same name has counted nothing.
    let mut another = node("a");
    another["metadata"]["uid"] = json!("another");
    api.put("nodes", another);
    followed
        .until("another", |followed| {
            followed.kubelets.node("a").unwrap().metadata.uid.as_deref() == Some("another")
        })
        .await;
    let uid_alone = counted();
    api.delete("nodes", "a");
    followed.until("gone", |followed| followed.kubelets.node("a").is_none()).await;
    assert_ne!(uid_alone, before);
}

#[tokio::test]
async fn a_cluster_without_nodes_is_followed_until_it_has_some() {
    let api = Api::default();
    let followed = Followed::new(&api).await;
    followed.until_watched().await;
    assert_eq!(followed.kubelets.node_names(), [""; 0]);
    // Its pods are there before it.
    api.put("pods", pod("web-1", "late"));
    followed.until("there", |followed| followed.kubelets.counts().1 == 1).await;
    assert!(followed.kubelets.summary("late").is_none());
    api.put("nodes", node("late"));
    followed
        .until("there", |followed| followed.kubelets.summary("late").is_some_and(|it| it.pods.len() == 1))
        .await;
}

#[tokio::test]
async fn after_a_bookmark_a_watch_goes_on_from_there() {
    let api = small();
    let mut followed = Followed::new(&api).await;
    followed.until_watched().await;
    api.bookmark("pods");
    // It is there once what comes after it is.
    api.put("pods", pod("web-4", "b"));
    followed.until("there", |followed| followed.pods("b").len() == 2).await;
    api.bookmark("pods");
    tokio::time::sleep(Duration::from_millis(200)).await;
    api.asked();
    followed.kill_server().await;
    followed.start_server().await;
    followed.until("watched again", |followed| followed.progress.of(Kind::Pods).watches == 2).await;
    assert!(api.asked().contains(&"watch pods from 9".to_owned()));
    assert_eq!(followed.progress.of(Kind::Pods).lists, 1);
}

#[tokio::test]
async fn while_the_api_server_is_away_kubelets_answer_and_afterwards_nothing_is_missing() {
    let api = small();
    let mut followed = Followed::new(&api).await;
    followed.until_watched().await;
    followed.kill_server().await;
    followed.until("missed", |followed| followed.progress.of(Kind::Pods).trouble.is_some()).await;
    let trouble = followed.progress.of(Kind::Pods).trouble.unwrap();
    assert_eq!(trouble.since, "2026-03-14T15:09:26Z".parse::<Timestamp>().unwrap());
    assert_eq!(followed.kubelets.summary("a").unwrap().pods.len(), 2);

    api.put("pods", pod("web-4", "a"));
    api.delete("pods", "shop/web-1");
    api.delete("nodes", "b");
    followed.start_server().await;
    followed.until("up to date", |followed| followed.pods("a") == ["web-2", "web-4"]).await;
    followed.until("gone", |followed| followed.kubelets.node_names() == ["a"]).await;
    followed.until_watched().await;
    for kind in Kind::ALL {
        assert_eq!(followed.progress.of(kind).lists, 1, "{kind} went on where they were");
    }
}

#[tokio::test]
async fn where_the_version_is_forgotten_everything_is_listed_again_and_what_is_gone_goes() {
    for behaviour in [Behaviour::Good, Behaviour::GoneAsAnswer] {
        let api = small();
        let mut followed = Followed::new(&api).await;
        followed.until_watched().await;
        followed.kill_server().await;
        api.delete("pods", "shop/web-1");
        api.delete("nodes", "b");
        api.delete("persistentvolumeclaims", "shop/data");
        api.compact();
        for kind in Kind::ALL {
            api.behave(kind.name(), behaviour);
        }
        followed.start_server().await;
        followed.until("up to date", |followed| followed.kubelets.counts() == (1, 2, 0)).await;
        followed.until_watched().await;
        assert_eq!(followed.pods("a"), ["web-2"]);
        assert!(followed.kubelets.node("b").is_none());
        assert_eq!(followed.progress.of(Kind::Pods).lists, 2, "{behaviour:?}");
    }
}

#[tokio::test]
async fn in_the_middle_of_a_watch_a_version_may_be_forgotten_too() {
    let api = small();
    let followed = Followed::new(&api).await;
    followed.until_watched().await;
    api.error("pods", 410, "Expired");
    followed.until("listed again", |followed| followed.progress.of(Kind::Pods).lists == 2).await;
    followed.until_watched().await;
    assert_eq!(followed.kubelets.counts(), (2, 3, 1));
}

#[tokio::test]
async fn what_is_forbidden_is_told_and_tried_until_it_is_allowed() {
    let api = small();
    api.behave("pods", Behaviour::Forbidden);
    api.behave("persistentvolumeclaims", Behaviour::Forbidden);
    let followed = Followed::new(&api).await;
    followed.until("refused", |followed| followed.progress.of(Kind::Pods).failures > 2).await;
    let trouble = followed.progress.of(Kind::Pods).trouble.unwrap();
    assert_eq!(
        trouble.reason,
        "403 Forbidden: pods is forbidden: User \"proxy\" cannot list resource \"pods\""
    );
    assert!(!followed.progress.of(Kind::Pods).listed);
    assert!(followed.progress.of(Kind::Nodes).listed);
    api.behave("pods", Behaviour::Good);
    followed.until("allowed", |followed| followed.pods("a").len() == 2).await;
    // Without claims, volumes have a size that is made up.
    assert_eq!(claimed(&followed.kubelets.summary("a").unwrap()), Some(10 << 30));
}

#[tokio::test]
async fn a_watch_that_is_refused_again_and_again_ends_in_a_new_list() {
    let api = small();
    api.behave("pods", Behaviour::NoWatches);
    let followed = Followed::new(&api).await;
    followed.until("listed", |followed| followed.progress.of(Kind::Pods).lists > 2).await;
    api.behave("pods", Behaviour::Good);
    followed.until_watched().await;
    assert_eq!(followed.pods("a"), ["web-1", "web-2"]);
}

#[tokio::test]
async fn an_api_server_that_is_slow_is_waited_for_and_one_that_is_silent_is_not() {
    let api = small();
    api.behave("nodes", Behaviour::Slow(Duration::from_millis(300)));
    let followed = Followed::new(&api).await;
    followed.until_watched().await;
    drop(followed);

    api.behave("nodes", Behaviour::Slow(Duration::from_secs(60)));
    let pace = Pace { watch: Duration::from_secs(1), grace: Duration::ZERO, ..PACE };
    let impatient = Followed::at_pace(&api, Pace { grace: Duration::from_millis(100), ..pace }).await;
    impatient.until("missed", |followed| followed.progress.of(Kind::Nodes).trouble.is_some()).await;
    api.behave("nodes", Behaviour::Good);
    impatient.until_listed().await;
    assert_eq!(impatient.kubelets.counts().0, 2);
}

#[tokio::test]
async fn a_watch_that_ends_in_time_goes_on_without_a_failure() {
    let api = small();
    let followed = Followed::at_pace(&api, Pace { watch: Duration::from_secs(1), ..PACE }).await;
    followed.until("watched again", |followed| followed.progress.of(Kind::Pods).watches >= 3).await;
    let state = followed.progress.of(Kind::Pods);
    assert_eq!((state.lists, state.failures, state.trouble), (1, 0, None));
}
