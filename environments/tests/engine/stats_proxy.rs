//! The image of the stats-proxy on a real engine: built, imported, started, asked and ended.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bollard::query_parameters::RemoveImageOptions;
use environments::engine::{ContainerFile, ContainerSpec, NetworkMode, PublishedPort};
use environments::image::{self, StatsProxyImage, architecture_of_this_machine};
use environments::plan::{Progress, Removal, Silent};
use tools::SystemProcesses;

use crate::{GRACE, Place, ask, image as guest_image};

/// A cluster of one node, whose API server is a container at a name that only its network knows. An empty image has no system's
/// certificates, so that a client of TLS has to be given one, even if it is not used.
fn kubeconfig() -> String {
    let cluster = format!("{{server: 'http://api-server:8080', certificate-authority-data: {CERTIFICATE}}}");
    format!(
        "apiVersion: v1
kind: Config
current-context: test
clusters: [{{name: test, cluster: {cluster}}}]
contexts: [{{name: test, context: {{cluster: test, user: test}}}}]
users: [{{name: test, user: {{token: geheim}}}}]
"
    )
}

/// A certificate that signs itself, whose key nobody has.
const CERTIFICATE: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJkVENDQVJ1Z0F3SUJBZ0lVU0lxT05mVW52Vm42cXVFeHU2cDhvVXhoWFg0d0NnWUlLb1pJemowRUF3SXcKRHpFTk1Bc0dBMVVFQXd3RWRHVnpkREFnRncweU5qRXhNak15TURNNU1UTmFHQTh5TVRJMk1UQXpNREl3TXpreApNMW93RHpFTk1Bc0dBMVVFQXd3RWRHVnpkREJaTUJNR0J5cUdTTTQ5QWdFR0NDcUdTTTQ5QXdFSEEwSUFCSFNPCnpkejljMUJ2ejZIVEpCM3NRcEFYVDdiNlV4WE9hNC9kUFlXSkIyMlFuUHdleGNoSEFYblhLdVdaU2VyQmtRRFQKaVhQQk1PQk15Mmtvb2NYOTl2K2pVekJSTUIwR0ExVWREZ1FXQkJTMEV0dGs4Q1BVTGVhR3NBVnI4TTBKRWZEVQpEVEFmQmdOVkhTTUVHREFXZ0JTMEV0dGs4Q1BVTGVhR3NBVnI4TTBKRWZEVURUQVBCZ05WSFJNQkFmOEVCVEFECkFRSC9NQW9HQ0NxR1NNNDlCQU1DQTBnQU1FVUNJUUNpeDdkL0NRMU42eUVTR3ZYWHpyM3R3VGYvZmYzQlBVNDMKelFORExCSnA0QUlnSFhyVE53dXgzYlRzK3BIR0c5d1A5RTEzRkNCVjgrQmF3VlNvNkNTK280MD0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";

#[tokio::test]
#[ignore = "builds the stats-proxy with all optimisations: minutes"]
async fn the_image_of_the_stats_proxy_is_built_imported_started_asked_and_ended() {
    let Some((place, _dockerd)) = Place::new("proxy").await else { return };
    let (engine, progress) = (&place.engine, Progress::new("image", &Silent));
    let cache = std::env::temp_dir().join(place.name("cache"));
    let image = StatsProxyImage {
        workspace: Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned(),
        cache,
        architecture: architecture_of_this_machine().unwrap(),
        processes: Arc::new(SystemProcesses),
    };
    let timed = |what: &str, began: Instant| println!("{what}: {:?}", began.elapsed());
    let began = Instant::now();
    let archive = image.build_archive(None, &progress).await.unwrap();
    timed("built", began);
    let began = Instant::now();
    let same = image.build_archive(None, &progress).await.unwrap();
    timed("built again and packed", began);
    assert_eq!(archive.content, same.content);
    println!("archive: {} bytes", archive.bytes.len());
    assert!(archive.bytes.len() < 25_000_000, "{} bytes", archive.bytes.len());
    let began = Instant::now();
    image::import(engine, archive).await.unwrap();
    timed("imported", began);
    assert!(!image.bring(engine, &progress).await.unwrap().changed);

    engine.create_network(&place.network()).await.unwrap();
    engine.import(guest_image(crate::IMAGE, "").bytes).await.unwrap();
    engine.run(&place.spec("api-server")).await.unwrap();
    let kubeconfig = ContainerFile {
        path: "/etc/kubernetes-mixin-otel/kubeconfig".to_owned(),
        mode: 0o400,
        uid: image::USER,
        gid: image::USER,
        contents: kubeconfig().into_bytes(),
    };
    let listen = ["--listen", "0.0.0.0:10250", "--kubeconfig", &kubeconfig.path].map(str::to_owned);
    let spec = ContainerSpec {
        command: listen.into(),
        ports: vec![PublishedPort { host: 0, container: image::PORT }],
        files: vec![kubeconfig],
        capabilities: Some(Vec::new()),
        security_options: vec!["no-new-privileges".to_owned()],
        read_only_root: true,
        ..ContainerSpec::new(
            &place.environment,
            place.name("proxy"),
            image::NAME,
            NetworkMode::named(place.name("net")),
        )
    };
    let began = Instant::now();
    engine.run(&spec).await.unwrap();
    let port = place.port("proxy").await;
    assert_eq!(ask(port, "/livez"), "ok");
    timed("started and answering", began);
    // It finds its API server by name, and follows it.
    loop {
        let ready = ask(port, "/readyz");
        if ready.ends_with("readyz check passed\n") {
            break;
        }
        let said = engine.logs_tail(&spec.name, 20).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(20), "{ready}\n{said}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    timed("ready", began);
    let summary = ask(port, "/nodes/node-0/stats/summary");
    assert!(summary.contains(r#""nodeName":"node-0""#), "{summary}");
    let version = engine.exec(&spec.name, &["/stats-proxy", "--version"]).await.unwrap();
    assert!(version.code == 0 && version.stdout.starts_with("stats-proxy "), "{version:?}");

    let began = Instant::now();
    assert_eq!(place.remove("proxy").await, Removal::Removed);
    timed("ended and removed", began);
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "SIGTERM did not end it at once: {:?}",
        began.elapsed()
    );

    place.remove("api-server").await;
    assert_eq!(engine.remove_network(&place.network().name).await.unwrap(), Removal::Removed);
    for image in [crate::IMAGE, image::NAME] {
        place.docker.remove_image(image, None::<RemoveImageOptions>, None).await.unwrap();
    }
    assert_eq!(engine.remove_container(&spec.name, GRACE).await.unwrap(), Removal::Nothing);
}
