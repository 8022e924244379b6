//! The volumes of the fleet in `deploy/kwok/`, as the collector reads them from here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalogue::{Attribute, MetricDef, Point, Resource, Sink};
use cluster_sim::{Manifests, Simulation, SimulationOptions};
use embedded::{CollectorSettings, Snapshot};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::List;
use k8s_openapi::api::core::v1::{Node, Pod};
use kubelet_stats::Departed;
use kubelet_stats::summary::Summary;
use receivers::{KubeletStatsReceiver, PodMetadata};
use stats_proxy::{AllowedHosts, KubeletSource, router};
use tower::ServiceExt;

use crate::cluster::request;

/// The fleet at an instant.
struct Fleet {
    snapshot: Snapshot,
    at: Timestamp,
}

impl KubeletSource for Fleet {
    fn node_names(&self) -> Vec<String> {
        self.snapshot.node_names().map(str::to_owned).collect()
    }

    fn node(&self, name: &str) -> Option<Arc<Node>> {
        self.snapshot.node(name).cloned()
    }

    fn pods(&self, node: &str) -> Vec<Arc<Pod>> {
        self.snapshot.pods_of(node).unwrap_or_default().to_vec()
    }

    fn summary(&self, node: &str) -> Option<Summary> {
        self.snapshot.summary(node, self.at)
    }
}

fn deploy(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(folder)
}

fn manifests() -> Manifests {
    let mut files: Vec<(String, String)> = std::fs::read_dir(deploy("kwok"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    Manifests::parse(&files).unwrap()
}

fn collector() -> CollectorSettings {
    let read = |name: &str| std::fs::read_to_string(deploy("collector").join(name)).unwrap();
    CollectorSettings::parse(&CollectorSettings::FILES.map(|name| (name.to_owned(), read(name)))).unwrap()
}

/// What was measured of each volume, by the attributes of its resource.
#[derive(Default)]
struct Volumes(BTreeMap<BTreeMap<&'static str, String>, BTreeMap<&'static str, f64>>);

impl Sink for Volumes {
    fn record(&mut self, resource: &Resource, metric: &'static MetricDef, _: &[Attribute<'_>], point: Point) {
        if resource.get("k8s.volume.name").is_some() {
            let attributes = resource.attributes().map(|(key, value)| (key, value.to_owned())).collect();
            self.0.entry(attributes).or_default().insert(metric.name, point.value.as_f64());
        }
    }
}

/// The default fleet.
fn simulation() -> Simulation {
    let options = SimulationOptions { nodes: 50, pods: 200, seed: 1 };
    Simulation::new(&manifests(), &options).unwrap()
}

fn fleet(simulation: &mut Simulation, at: Timestamp) -> Fleet {
    Fleet { snapshot: Snapshot::new(simulation.at(at).unwrap(), |_| Departed::default()), at }
}

/// One scrape of every node: its summary and its pods are read over HTTP.
async fn scraped() -> Volumes {
    let mut simulation = simulation();
    let at = simulation.epoch() + SignedDuration::from_hours(24 * 7);
    let fleet = fleet(&mut simulation, at);
    let objects = Arc::clone(fleet.snapshot.objects());
    let nodes = fleet.node_names();
    let router = router(Arc::new(fleet), AllowedHosts::loopback(), None);
    let settings = collector().kubelet_stats;
    let mut volumes = Volumes::default();
    for node in nodes {
        let read = async |path: &str| {
            let request = request("GET", &format!("/nodes/{node}/{path}"));
            let response = router.clone().oneshot(request).await.unwrap();
            let found = response.status().is_success();
            (found, axum::body::to_bytes(response.into_body(), 1 << 24).await.unwrap())
        };
        let (answers, summary) = read("stats/summary").await;
        if !answers {
            // A lost node: the collector has an error and no data.
            continue;
        }
        let summary: Summary = serde_json::from_slice(&summary).unwrap();
        let pods: List<Pod> = serde_json::from_slice(&read("pods").await.1).unwrap();
        let pods: Vec<Arc<Pod>> = pods.items.into_iter().map(Arc::new).collect();
        let mut metadata = PodMetadata::new();
        metadata.update(&pods);
        metadata.update_claims(&objects.persistent_volume_claims, &objects.persistent_volumes);
        let mut receiver = KubeletStatsReceiver::new(&node, "uid", "kwok", &settings, at);
        receiver.scrape(&summary, at, &metadata, &mut volumes);
    }
    volumes
}

#[tokio::test]
async fn volumes_of_every_type_have_data() {
    let Volumes(volumes) = scraped().await;
    let of_publisher: BTreeMap<&str, (Option<&str>, Option<&str>)> = volumes
        .keys()
        .filter(|attributes| attributes["k8s.pod.name"].starts_with("asset-publisher-"))
        .map(|attributes| {
            let get = |key| attributes.get(key).map(String::as_str);
            (&*attributes["k8s.volume.name"], (get("k8s.volume.type"), get("k8s.persistentvolumeclaim.name")))
        })
        .filter(|(name, _)| !name.starts_with("kube-api-access-"))
        .collect();
    let expected = BTreeMap::from([
        ("assets", (Some("persistentVolumeClaim"), Some("shared-assets"))),
        ("scratch", (Some("emptyDir"), None)),
        ("cache", (Some("emptyDir"), None)),
        ("settings", (Some("configMap"), None)),
        ("key", (Some("secret"), None)),
        ("identity", (Some("downwardAPI"), None)),
        // The receiver has no name for these types.
        ("everything", (None, None)),
        ("archive", (None, None)),
    ]);
    assert_eq!(of_publisher, expected, "host-logs is a hostPath, which no kubelet measures");
    let metrics: BTreeSet<&str> = [
        "k8s.volume.available",
        "k8s.volume.capacity",
        "k8s.volume.inodes",
        "k8s.volume.inodes.free",
        "k8s.volume.inodes.used",
        "k8s.pod.volume.usage",
    ]
    .into();
    for (attributes, values) in &volumes {
        assert_eq!(values.keys().copied().collect::<BTreeSet<_>>(), metrics, "{attributes:?}");
        assert!(
            values["k8s.volume.available"] <= values["k8s.volume.capacity"],
            "{attributes:?}: {values:?}"
        );
        assert!(values["k8s.pod.volume.usage"] > 0.0, "{attributes:?}: {values:?}");
    }
}

#[tokio::test]
async fn claims_have_the_size_that_they_were_given_and_one_is_nearly_full() {
    let Volumes(volumes) = scraped().await;
    let claims: BTreeMap<&str, (f64, f64)> = volumes
        .iter()
        .filter_map(|(attributes, values)| {
            let share = values["k8s.pod.volume.usage"] / values["k8s.volume.capacity"];
            let claim = attributes.get("k8s.persistentvolumeclaim.name")?;
            Some((claim.as_str(), (values["k8s.volume.capacity"] / f64::from(1 << 30), share)))
        })
        .collect();
    assert!(claims.len() >= 5, "{claims:?}");
    for (claim, (gigabytes, _)) in &claims {
        let size = match *claim {
            "shared-assets" => 20.0,
            _ if claim.starts_with("data-search-") => 30.0,
            _ if claim.starts_with("data-ledger-") => 50.0,
            _ if claim.starts_with("data-metrics-store-") => 100.0,
            _ => panic!("{claim} is new: what is its size?"),
        };
        assert_eq!(*gigabytes, size, "{claim}");
    }
    let nearly_full: Vec<&str> =
        claims.iter().filter(|(_, (_, share))| *share > 0.9).map(|(claim, _)| *claim).collect();
    assert_eq!(nearly_full, ["data-ledger-0"], "{claims:?}");
}

#[tokio::test]
async fn a_node_that_the_fleet_loses_does_not_answer_until_it_is_back() {
    let mut simulation = simulation();
    let start = simulation.epoch() + SignedDuration::from_hours(24 * 7);
    let status = async |fleet: Fleet, node: &str| {
        let router = router(Arc::new(fleet), AllowedHosts::loopback(), None);
        let summary = request("GET", &format!("/nodes/{node}/stats/summary"));
        router.oneshot(summary).await.unwrap().status().as_u16()
    };
    let silent = |fleet: &Fleet| fleet.node_names().into_iter().find(|node| fleet.summary(node).is_none());
    let mut instants = (0..24 * 60).map(|minute| start + SignedDuration::from_mins(minute));
    let (node, lost_at) = instants
        .find_map(|at| Some((silent(&fleet(&mut simulation, at))?, at)))
        .expect("a day on which a node is lost");
    assert_eq!(status(fleet(&mut simulation, lost_at), &node).await, 503, "{node} at {lost_at}");
    let back =
        instants.find(|at| fleet(&mut simulation, *at).summary(&node).is_some()).expect("it comes back");
    assert_eq!(status(fleet(&mut simulation, back), &node).await, 200, "{node} at {back}");
}
