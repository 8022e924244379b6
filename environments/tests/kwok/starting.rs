//! Starting, starting again, and ending.

use environments::engine::fake::Status;
use environments::plan::State;

use crate::laboratory::{CLUSTER, COLLECTOR, LGTM, Laboratory, PROJECT, PROXY, PROXY_IMAGE};

#[tokio::test]
async fn everything_comes_up_and_nothing_is_reachable_from_outside() {
    let lab = Laboratory::new().await;
    let upped = lab.up().await.unwrap();
    assert_eq!(upped.changed.last(), Some(&"data"));
    assert_eq!(lab.current_context(), CLUSTER);
    lab.engine.with(|world| {
        assert!(world.images.contains_key(PROXY_IMAGE));
        let network = &world.networks[CLUSTER];
        assert_eq!(network.options["com.docker.network.bridge.host_binding_ipv4"], "127.0.0.1");
        // kwokctl takes it for its own.
        assert_eq!(network.labels[PROJECT], CLUSTER);
        for name in [LGTM, PROXY, COLLECTOR] {
            assert_eq!(world.containers[name].status, Status::Running, "{name}");
        }
        assert_eq!(world.containers[LGTM].ports().len(), 3);
        assert!(world.containers[PROXY].ports().is_empty() && world.containers[COLLECTOR].ports().is_empty());
        for (name, user) in [(PROXY, 65_532), (COLLECTOR, 10_001)] {
            let file = &world.containers[name].files["/etc/kubernetes-mixin-otel/kubeconfig"];
            assert_eq!((file.mode & 0o777, file.uid), (0o400, user), "{name}");
        }
    });
    assert_eq!(lab.api.objects("Node").len(), 5);
    // KWOK reads the stages at once, and not after a pause.
    let restarts = lab.engine.changes().into_iter().filter(|change| change.contains("restart"));
    assert_eq!(restarts.collect::<Vec<_>>().len(), 1);
}

#[tokio::test]
async fn a_second_start_changes_nothing_and_other_flags_change_only_what_they_are_about() {
    let mut lab = Laboratory::new().await;
    lab.up().await.unwrap();
    let (before, runs) = (lab.engine.changes().len(), lab.kwokctl().len());
    let again = lab.up().await.unwrap();
    assert_eq!(again.changed, ["data"], "waiting for data is all there is to do");
    assert_eq!(lab.engine.changes().len(), before, "{:?}", &lab.engine.changes()[before..]);
    assert!(!lab.kwokctl()[runs..].contains(&"create cluster".to_owned()));

    lab.options.interval = std::time::Duration::from_secs(30);
    let other = lab.up().await.unwrap();
    assert_eq!(other.changed, ["stats-proxy", "collector", "data"]);

    lab.options.nodes = 6;
    let larger = lab.up().await.unwrap();
    assert_eq!(larger.changed, ["fleet", "data"]);
    assert_eq!(lab.api.objects("Node").len(), 6);
}

#[tokio::test]
async fn down_leaves_nothing_behind_and_can_be_repeated() {
    let lab = Laboratory::new().await;
    lab.up().await.unwrap();
    let downed = lab.down().await;
    assert!(downed.failed.is_empty(), "{:?}", downed.failed);
    assert_eq!(lab.left(), Vec::<String>::new());
    assert_eq!(lab.current_context(), "work");
    let again = lab.down().await;
    assert!(again.failed.is_empty() && again.removed.is_empty(), "{again:?}");
}

#[tokio::test]
async fn a_context_that_the_user_has_chosen_meanwhile_stays() {
    let lab = Laboratory::new().await;
    lab.up().await.unwrap();
    let text = serde_yaml::to_string(&lab.user_kubeconfig()).unwrap();
    lab.write_kubeconfig(&text.replace(&format!("current-context: {CLUSTER}"), "current-context: work"));
    assert_eq!(lab.current_context(), "work");
    assert!(lab.down().await.failed.is_empty());
    assert_eq!(lab.left(), Vec::<String>::new());
}

#[tokio::test]
async fn a_cluster_that_lost_a_component_is_made_anew_with_all_that_is_on_its_network() {
    let lab = Laboratory::new().await;
    lab.up().await.unwrap();
    let etcd = format!("{CLUSTER}-etcd");
    lab.engine.with(|world| world.containers.remove(&etcd));
    let looked = lab.plan().look().await;
    let network = looked.iter().find(|(name, _)| *name == "network").unwrap();
    assert!(
        matches!(&network.1, Ok(State::Different(what)) if what.contains(&format!("{etcd} is gone"))),
        "{network:?}"
    );
    let upped = lab.up().await.unwrap();
    for step in ["network", "KWOK cluster", "LGTM", "stats-proxy", "collector"] {
        assert!(upped.changed.contains(&step), "{step}: {upped:?}");
    }
    assert!(lab.containers().contains(&etcd));
    assert!(lab.down().await.failed.is_empty());
    assert_eq!(lab.left(), Vec::<String>::new());
}

#[tokio::test]
async fn an_interrupt_in_the_middle_of_any_step_leaves_nothing_behind() {
    let steps: Vec<_> = Laboratory::new().await.plan().names().collect();
    let interrupts = steps.into_iter().map(|step| async move {
        let lab = Laboratory::new().await;
        let failed = lab.interrupted_at(step).await.unwrap_err();
        let left: Vec<_> = lab.left();
        assert!(left.is_empty(), "interrupted at {step}: {left:?}, {failed:?}");
        // And it can be started afterwards.
        lab.up().await.unwrap();
    });
    futures_util::future::join_all(interrupts).await;
}
