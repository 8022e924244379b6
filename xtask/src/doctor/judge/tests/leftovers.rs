//! What former environments have left.

use tools::engine::{Container, Network};

use super::*;

fn container(name: &str, state: &str, labels: &serde_json::Value) -> Container {
    serde_json::from_value(json!({"Names": [format!("/{name}")], "State": state, "Labels": labels})).unwrap()
}

fn network(name: &str, environment: Option<&str>) -> Network {
    let labels = environment.map(|name| json!({"kubernetes-mixin-otel.environment": name}));
    serde_json::from_value(json!({"Name": name, "Labels": labels})).unwrap()
}

/// The labels of what kwokctl makes.
fn of_kwokctl(cluster: &str) -> serde_json::Value {
    json!({"com.docker.compose.project": format!("kwok-{cluster}")})
}

fn leftovers(change: impl FnOnce(&mut Observations)) -> (String, String) {
    let lines = judged(None, Os::Linux, change);
    let line = line(&lines, "leftovers");
    assert_ne!(line.state, Mark::Failed);
    (line.summary.clone(), line.fix.clone().unwrap_or_default())
}

#[test]
fn containers_of_an_environment_that_is_not_written_down_are_left_over() {
    let orphans = |seen: &mut Observations| {
        view(seen).kwok_folders = vec!["kubernetes-mixin-otel".to_owned()];
        state(seen).containers = vec![
            container("kubernetes-mixin-otel-lgtm", "running", &ours("kwok")),
            container("kwok-kubernetes-mixin-otel-etcd", "running", &of_kwokctl("kubernetes-mixin-otel")),
            container("somebodys-etcd", "running", &of_kwokctl("theirs")),
            container("mine", "exited", &json!({"com.docker.compose.project": "mine"})),
        ];
        state(seen).networks = vec![network("kwok-kubernetes-mixin-otel", Some("kwok"))];
    };
    let (summary, fix) = leftovers(orphans);
    assert_eq!(summary, "2 containers of the environment kwok, which is not written down here");
    assert_eq!(
        fix,
        "docker rm -f kubernetes-mixin-otel-lgtm kwok-kubernetes-mixin-otel-etcd; docker network rm \
         kwok-kubernetes-mixin-otel; kwokctl delete cluster --name kubernetes-mixin-otel"
    );
    let (summary, _) = leftovers(|seen| {
        orphans(seen);
        seen.own = written(&["kwok"]);
    });
    assert_eq!(summary, "none");
    // Whoever cannot read what is written down knows of nothing that it is left over.
    let (summary, fix) = leftovers(|seen| {
        orphans(seen);
        seen.own = Observed::Seen(Err("no home folder".to_owned()));
    });
    assert_eq!((&*summary, &*fix), ("no home folder", ""));
}

#[test]
fn what_is_left_of_an_environment_that_is_written_down_goes_with_down() {
    let (summary, fix) = leftovers(|seen| {
        view(seen).kwok_folders = vec!["second".to_owned()];
        state(seen).containers = vec![
            container("second-lgtm", "running", &ours("second")),
            container("second-collector", "exited", &ours("second")),
            container("k3d-kubernetes-mixin-otel-server-0", "exited", &ours("dev")),
        ];
        state(seen).networks = vec![network("kwok-second", Some("second"))];
        seen.own = written(&["second", "dev", "third"]);
    });
    assert_eq!(
        summary,
        "of the environment second only 1 of 2 containers run; the environment third is written down and has no \
         containers here; the network kwok-second has no cluster; kwokctl's folder of cluster second has no containers here"
    );
    assert_eq!(fix, "cargo xtask down --name second; cargo xtask down --name third");
}

#[test]
fn networks_and_folders_of_clusters_that_are_gone_are_found() {
    let (summary, fix) = leftovers(|seen| {
        view(seen).kwok_folders = vec!["whole".to_owned(), "gone".to_owned()];
        state(seen).containers = vec![
            container("kwok-whole-etcd", "running", &of_kwokctl("whole")),
            container("kwok-half-etcd", "running", &of_kwokctl("half")),
            container("kwok-half-kube-apiserver", "exited", &of_kwokctl("half")),
            container("k3d-stopped-server-0", "exited", &json!({"k3d.cluster": "stopped"})),
        ];
        state(seen).networks = ["bridge", "kwok-whole", "kwok-half", "k3d-left", "kwokker"]
            .map(|name| network(name, None))
            .to_vec();
        let silent = vec!["kwok runs but does not answer".to_owned()];
        seen.own = Observed::Seen(Ok(OwnEnvironments { silent, ..OwnEnvironments::default() }));
    });
    // Half a cluster of somebody else is theirs to mend.
    assert_eq!(
        summary,
        "kwok runs but does not answer; the network k3d-left has no cluster; kwokctl's folder of cluster gone has no \
         containers here"
    );
    assert_eq!(fix, "docker network rm k3d-left; kwokctl delete cluster --name gone");
}
