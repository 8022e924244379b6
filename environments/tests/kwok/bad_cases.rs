//! What goes wrong: the message, and that both `kwok` and `down` work afterwards.

use environments::cluster::fake::{Refusal, Scenario};
use environments::engine::fake::{Program, Trouble};
use environments::plan::{Failed, Reason, Undone};

use crate::laboratory::{CLUSTER, COLLECTOR, LGTM, Laboratory};

/// The step that failed, and everything that is told.
fn told(failed: &Failed) -> (&'static str, String) {
    match &failed.reason {
        Reason::Step(step, error) => (*step, format!("{error:#}")),
        Reason::Interrupted => ("", "interrupted".to_owned()),
    }
}

fn rolled_back(failed: &Failed) -> bool {
    matches!(&failed.undone, Undone::RolledBack(left) if left.is_empty())
}

#[tokio::test]
async fn troubles_of_the_engine_are_told_rolled_back_and_gone_with_their_cause() {
    let cases: [(&str, Trouble, &str); 4] = [
        ("POST /images/create", Trouble::disk_full(), "no space left"),
        ("POST /images/create", Trouble::rate_limited(), "rate limit"),
        ("POST /networks/create", Trouble::not_permitted(), "this user may not"),
        ("POST /containers/create", Trouble::Cut, "engine"),
    ];
    for (request, trouble, word) in cases {
        let lab = Laboratory::new().await;
        lab.engine.fail(request, trouble.clone());
        let failed = lab.up().await.unwrap_err();
        let (step, message) = told(&failed);
        assert!(message.to_lowercase().contains(word), "{trouble:?} at {step}: {message}");
        assert!(rolled_back(&failed), "{failed:?}");
        assert_eq!(lab.left(), Vec::<String>::new(), "{trouble:?}");
        lab.engine.recover();
        lab.up().await.unwrap();
        assert!(lab.down().await.failed.is_empty());
    }
}

#[tokio::test]
async fn an_image_that_is_missing_offline_is_named() {
    let mut lab = Laboratory::new().await;
    lab.options.offline = true;
    let (step, message) = told(&lab.up().await.unwrap_err());
    assert!(step.starts_with("image"), "{step}");
    assert!(message.contains("does not have") && message.contains("leave --offline out"), "{message}");
    assert_eq!(lab.left(), Vec::<String>::new());
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let lab = Laboratory::new().await;
    lab.engine.with(|world| world.taken_ports.insert(4318));
    let (step, message) = told(&lab.up().await.unwrap_err());
    assert_eq!(step, "LGTM");
    assert!(message.contains("4318"), "{message}");
    assert_eq!(lab.left(), Vec::<String>::new());
}

#[tokio::test]
async fn a_container_of_somebody_else_under_our_name_is_left_alone() {
    let lab = Laboratory::new().await;
    lab.engine.with(|world| world.add_container(LGTM, "nginx", "bridge", &[]));
    let (step, message) = told(&lab.up().await.unwrap_err());
    assert_eq!(step, "LGTM");
    assert!(message.contains(LGTM) && message.contains("docker rm"), "{message}");
    assert_eq!(lab.left(), [LGTM], "it is not ours");
}

#[tokio::test]
async fn a_container_of_somebody_else_under_the_name_of_a_component_is_left_alone() {
    let lab = Laboratory::new().await;
    let name = format!("{CLUSTER}-kube-apiserver");
    lab.engine.with(|world| world.add_container(&name, "nginx", "bridge", &[]));
    let (_, message) = told(&lab.up().await.unwrap_err());
    assert!(message.contains(&name) && message.contains("docker rm -f"), "{message}");
    assert!(!lab.kwokctl().contains(&"create cluster".to_owned()), "kwokctl would take it for its own");
    assert_eq!(lab.left(), [name.as_str()], "it is not ours");
    assert!(lab.down().await.failed.is_empty());
    assert_eq!(lab.left(), [name.as_str()], "it is not ours");
}

#[tokio::test]
async fn a_kwok_cluster_of_somebody_else_under_our_name_is_left_alone() {
    let lab = Laboratory::new().await;
    lab.somebody_makes_a_cluster();
    let before = lab.left();
    let (_, message) = told(&lab.up().await.unwrap_err());
    assert!(message.contains("not ours") && message.contains("kwokctl delete cluster --name"), "{message}");
    assert_eq!(lab.left(), before);
    let told: Vec<String> = lab.down().await.failed.iter().map(|(_, error)| format!("{error:#}")).collect();
    assert!(told.iter().any(|message| message.contains("not ours")), "{told:?}");
    assert_eq!(lab.left(), before);
}

#[tokio::test]
async fn an_api_server_whose_container_ends_is_not_waited_for() {
    let lab = Laboratory::with(Scenario { never_ready: true, ..Scenario::default() }).await;
    let name = format!("{CLUSTER}-kube-apiserver");
    lab.engine.with(|world| world.programs.insert(name, Program::Ends(String::new(), 137)));
    let (step, message) = told(&lab.up().await.unwrap_err());
    assert_eq!(step, "API server");
    assert!(message.contains("kube-apiserver does not run: it has ended with code 137"), "{message}");
    assert_eq!(lab.left(), Vec::<String>::new());
}

#[tokio::test]
async fn a_container_that_ends_at_once_is_told_with_its_last_words() {
    let lab = Laboratory::new().await;
    lab.engine.with(|world| {
        let words = "Error: invalid configuration: processors::batch has no field \"timeot\"\n".to_owned();
        world.programs.insert(COLLECTOR.to_owned(), Program::Ends(words, 1));
    });
    let failed = lab.up().await.unwrap_err();
    let (step, message) = told(&failed);
    assert_eq!(step, "collector");
    assert!(message.contains("ended with code 1") && message.contains("no field \"timeot\""), "{message}");
    assert_eq!(lab.left(), Vec::<String>::new());
}

#[tokio::test]
async fn an_object_that_is_refused_is_named_with_its_field() {
    let refusal = Refusal {
        kind: "Deployment",
        name: "cart",
        field: "spec.replicas",
        message: "Invalid value: -1: must be greater than or equal to 0",
    };
    let lab = Laboratory::with(Scenario::refuses(refusal)).await;
    let (step, message) = told(&lab.up().await.unwrap_err());
    assert_eq!(step, "fleet");
    assert!(message.contains("cart") && message.contains("spec.replicas"), "{message}");
    assert_eq!(lab.left(), Vec::<String>::new());
}

#[tokio::test]
async fn an_api_server_that_goes_away_for_a_moment_is_waited_for() {
    let lab = Laboratory::with(Scenario {
        restart: Some((30, std::time::Duration::from_secs(1))),
        ..Scenario::default()
    })
    .await;
    lab.up().await.unwrap();
    assert_eq!(lab.api.objects("Node").len(), 5);
}

#[tokio::test]
async fn a_stranger_on_the_clusters_network_is_named_and_nothing_is_half_removed() {
    let lab = Laboratory::new().await;
    lab.up().await.unwrap();
    lab.engine.with(|world| world.add_container("debugging", "alpine", CLUSTER, &[]));
    let downed = lab.down().await;
    let messages: Vec<String> = downed.failed.iter().map(|(_, error)| format!("{error:#}")).collect();
    let command = format!("docker network disconnect {CLUSTER} debugging");
    assert!(messages.iter().any(|message| message.contains(&command)), "{messages:?}");
    assert!(!lab.kwokctl().contains(&"delete cluster".to_owned()), "kwokctl would have left half of it");
    lab.engine.with(|world| world.containers.remove("debugging"));
    assert!(lab.down().await.failed.is_empty());
    assert_eq!(lab.left(), Vec::<String>::new());
}
