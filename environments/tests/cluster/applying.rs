//! Applying, deleting, and what can go wrong meanwhile.

use std::io::Write as _;
use std::time::{Duration, Instant};

use environments::cluster::fake::{Refusal, Scenario};
use environments::cluster::{Applied, Pace};
use environments::plan::Removal;
use serde_json::{Value, json};

use super::{Heard, config_map, deployment, fake, namespace, quick, shop};

#[tokio::test]
async fn objects_are_created_then_unchanged_then_changed_and_deleted() {
    let (server, cluster) = fake(Scenario::default()).await;
    let heard = Heard::default();
    let mut objects = shop();
    let applied = cluster.apply(&objects, quick(), &heard.progress()).await.unwrap();
    assert_eq!(applied, Applied { created: 4, changed: 0, unchanged: 0 });
    assert_eq!(applied.to_string(), "4 objects: 4 created, 0 changed, 0 unchanged");
    assert!(heard.has("4 of 4 objects"));
    let applied = cluster.apply(&objects, quick(), &heard.progress()).await.unwrap();
    assert_eq!(applied, Applied { created: 0, changed: 0, unchanged: 4 });
    objects[0]["spec"]["replicas"] = json!(5);
    let applied = cluster.apply(&objects, quick(), &heard.progress()).await.unwrap();
    assert_eq!(applied, Applied { created: 0, changed: 1, unchanged: 3 });
    assert_eq!(server.objects("Pod").len(), 6);
    assert_eq!(cluster.delete(&objects).await.unwrap(), Removal::Removed);
    assert!(server.objects("Pod").is_empty() && server.objects("Deployment").is_empty());
    assert_eq!(cluster.delete(&objects).await.unwrap(), Removal::Nothing);
}

#[tokio::test]
async fn what_others_stand_on_comes_first_and_everything_is_asked_strictly_and_as_us() {
    let (server, cluster) = fake(Scenario::default()).await;
    cluster.apply(&shop(), quick(), &Heard::default().progress()).await.unwrap();
    let patches: Vec<String> =
        server.requests().into_iter().filter(|request| request.starts_with("PATCH")).collect();
    assert_eq!(
        patches[0],
        "PATCH /api/v1/namespaces/shop?fieldManager=kubernetes-mixin-otel&force=true&fieldValidation=Strict"
    );
    assert!(patches[1].starts_with("PATCH /api/v1/namespaces/shop/configmaps/settings?"), "{patches:?}");
}

#[tokio::test]
async fn a_node_is_as_large_as_it_says_and_keeps_the_conditions_of_others() {
    let (server, cluster) = fake(Scenario::default()).await;
    let node = json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "general-0000"},
        "status": {"capacity": {"cpu": "16"}},
    });
    let objects = [node];
    let heard = Heard::default();
    assert_eq!(cluster.apply(&objects, quick(), &heard.progress()).await.unwrap().created, 1);
    let node = server.object("Node", None, "general-0000").unwrap();
    assert_eq!(
        (&node["status"]["capacity"]["cpu"], &node["status"]["phase"]),
        (&json!("16"), &json!("Running"))
    );
    assert_eq!(cluster.apply(&objects, quick(), &heard.progress()).await.unwrap().unchanged, 1);
    assert_eq!(cluster.count().await.unwrap().nodes.ready, 1);
}

#[tokio::test]
async fn trouble_that_goes_away_is_waited_for() {
    for (name, scenario, said) in [
        (
            "starting",
            Scenario { starting: Duration::from_millis(300), ..Scenario::default() },
            "the server is starting",
        ),
        (
            "closed",
            Scenario { closed: Duration::from_millis(300), ..Scenario::default() },
            "onnection refused",
        ),
        ("conflicts", Scenario::conflicts(), "the object has been modified"),
        ("accounts", Scenario::late_service_accounts(), "error looking up service account shop/default"),
        ("restart", Scenario::restarts_after(3), "waiting: "),
    ] {
        let (server, cluster) = fake(scenario).await;
        let heard = Heard::default();
        let applied = cluster.apply(&shop(), quick(), &heard.progress()).await;
        assert_eq!(
            applied.map(|applied| applied.total()).map_err(|error| format!("{name}: {error:#}")),
            Ok(4)
        );
        assert!(heard.has(said), "{name}: {:?}", heard.0.lock().unwrap());
        assert_eq!(server.objects("Pod").len(), 4, "{name}");
    }
}

#[tokio::test]
async fn a_busy_server_is_given_the_time_that_it_names() {
    let (server, cluster) = fake(Scenario::busy()).await;
    let mut objects = vec![namespace("shop")];
    objects.extend((0..5).map(|number| config_map("shop", &format!("settings-{number}"))));
    let begun = Instant::now();
    let applied = cluster.apply(&objects, quick(), &Heard::default().progress()).await.unwrap();
    assert_eq!(applied.created, 6);
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(server.objects("ConfigMap").len(), 5);
}

#[tokio::test]
async fn a_kind_that_is_not_there_yet_is_waited_for_and_one_that_never_comes_is_named() {
    let stage = json!({
        "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage", "metadata": {"name": "a"},
        "spec": {"resourceRef": {"kind": "Pod"}, "next": {}},
    });
    let (server, cluster) = fake(Scenario::late_kind("Stage")).await;
    let heard = Heard::default();
    cluster.apply(std::slice::from_ref(&stage), quick(), &heard.progress()).await.unwrap();
    assert_eq!(server.objects("Stage").len(), 1);
    assert!(heard.has("it has no kind Stage in kwok.x-k8s.io/v1alpha1"));

    let (_server, cluster) =
        fake(Scenario { late_kind: Some(("Stage", Duration::from_secs(600))), ..Scenario::default() }).await;
    let pace = Pace { patience: Duration::from_millis(200), ..quick() };
    let error = cluster.apply(&[stage], pace, &heard.progress()).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "the objects cannot be applied: the API server says: it has no kind Stage in kwok.x-k8s.io/v1alpha1"
    );
}

#[tokio::test]
async fn what_is_refused_is_named_with_its_field_at_once() {
    let refusal = Refusal {
        kind: "Deployment",
        name: "cart",
        field: "spec.template.spec.containers[0].image",
        message: "Required value",
    };
    let (_server, cluster) = fake(Scenario::refuses(refusal)).await;
    let begun = Instant::now();
    let error = cluster.apply(&shop(), quick(), &Heard::default().progress()).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "Deployment shop/cart cannot be applied: the API server says: spec.template.spec.containers[0].image: Required value"
    );
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_misspelt_field_and_an_object_that_is_there_twice_are_errors() {
    let (_server, cluster) = fake(Scenario::default()).await;
    let mut wrong = deployment("shop", "cart", 1);
    wrong["spec"]["replikas"] = json!(2);
    let heard = Heard::default();
    let error =
        cluster.apply(&[namespace("shop"), wrong], quick(), &heard.progress()).await.unwrap_err().to_string();
    assert!(
        error.starts_with("Deployment shop/cart cannot be applied")
            && error.contains("spec.replikas: unknown field"),
        "{error}"
    );
    let twice = [namespace("shop"), namespace("shop")];
    let error = cluster.apply(&twice, quick(), &heard.progress()).await.unwrap_err().to_string();
    assert_eq!(error, "Namespace shop is there twice");
}

#[tokio::test]
async fn patience_ends_with_the_servers_last_words() {
    let (_server, cluster) =
        fake(Scenario { starting: Duration::from_secs(600), ..Scenario::default() }).await;
    let pace = Pace { patience: Duration::from_millis(200), ..quick() };
    let error = cluster.apply(&shop(), pace, &Heard::default().progress()).await.unwrap_err().to_string();
    let address = cluster.address();
    assert_eq!(
        error,
        format!(
            "the objects cannot be applied: the API server at {address} cannot now: 503 Service Unavailable: the server is starting"
        )
    );
}

#[tokio::test]
async fn what_we_no_longer_want_goes_and_what_others_made_stays() {
    let (server, cluster) = fake(Scenario::default()).await;
    let heard = Heard::default();
    let objects = vec![namespace("shop"), config_map("shop", "a"), config_map("shop", "b")];
    cluster.apply(&objects, quick(), &heard.progress()).await.unwrap();
    server.put(config_map("shop", "of-others"));
    let kinds = [("v1", "ConfigMap"), ("example.com/v1", "Nothing")];
    assert_eq!(cluster.prune(&kinds, &objects[..2], quick()).await.unwrap(), 1);
    let names = |objects: Vec<Value>| -> Vec<String> {
        objects.iter().map(|object| object["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(server.objects("ConfigMap")), ["a", "of-others"]);
}

#[tokio::test]
async fn what_cannot_be_changed_is_made_anew() {
    let (server, cluster) = fake(Scenario::default()).await;
    let heard = Heard::default();
    let job = |image: &str| {
        let template =
            json!({"spec": {"containers": [{"name": "main", "image": image}], "restartPolicy": "Never"}});
        json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "import", "namespace": "shop"},
            "spec": {"template": template},
        })
    };
    cluster.apply(&[namespace("shop"), job("a")], quick(), &heard.progress()).await.unwrap();
    let applied = cluster.apply(&[namespace("shop"), job("b")], quick(), &heard.progress()).await.unwrap();
    assert_eq!(applied, Applied { created: 0, changed: 1, unchanged: 1 });
    let pods = server.objects("Pod");
    assert_eq!((pods.len(), &pods[0]["spec"]["containers"][0]["image"]), (1, &json!("b")));
}

#[tokio::test]
async fn many_objects_are_applied_side_by_side() {
    let (_server, cluster) = fake(Scenario { delay: Duration::from_millis(20), ..Scenario::default() }).await;
    let heard = Heard::default();
    let mut objects = vec![namespace("shop")];
    objects.extend((1..250).map(|number| config_map("shop", &format!("settings-{number}"))));
    let mut times = Vec::new();
    for _ in 0..2 {
        let begun = Instant::now();
        assert_eq!(cluster.apply(&objects, Pace::default(), &heard.progress()).await.unwrap().total(), 250);
        times.push(begun.elapsed());
    }
    let _ = writeln!(std::io::stderr(), "250 objects, 20 ms each: {times:?}");
    // One after the other would take five seconds and more.
    assert!(times.iter().all(|time| *time < Duration::from_secs(3)), "{times:?}");
}
