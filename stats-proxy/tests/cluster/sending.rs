//! Host metrics of a watched cluster on their way to a backend.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use jiff::{SignedDuration, Timestamp};
use otlp::message::{Data, ExportRequest};
use otlp_sender::fakes::{Backend, Reply, Request};
use otlp_sender::{OtlpSender, Pace, SendingStatus, Target};
use serde_json::json;
use stats_proxy::AllowedHosts;
use stats_proxy::cluster::{self, Application, HostAgents, Kind, Metrics};
use tokio::task::JoinHandle;

use crate::api::Behaviour;
use crate::hosts::text;
use crate::objects::node;
use crate::program::{Program, Temporary, answer, program};
use crate::serving::ask;
use crate::watching::{Followed, small};

const INTERVAL: SignedDuration = SignedDuration::from_secs(1);

/// The agents of followed nodes at work.
struct Sending {
    sender: OtlpSender,
    task: JoinHandle<()>,
    said: Arc<Mutex<Vec<String>>>,
}

impl Sending {
    fn of(followed: &Followed, url: &str) -> Self {
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let say = move |status: &SendingStatus| heard.lock().unwrap().push(status.line());
        let pace = Pace { first_wait: Duration::from_millis(20), ..Pace::default() };
        let sender = OtlpSender::start_at_pace(Target::new(url).unwrap(), pace, say).unwrap();
        let agents = agents(followed);
        let (through, progress) = (sender.clone(), Arc::clone(&followed.progress));
        let task = tokio::spawn(async move {
            match cluster::send_host_metrics(agents, through, &progress, INTERVAL).await {}
        });
        Self { sender, task, said }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn agents(followed: &Followed) -> HostAgents {
    HostAgents::new(Arc::clone(&followed.kubelets), "test", HostAgents::usual_settings())
}

/// Waits for a request without holding up the tasks of the test.
async fn next(backend: &Backend) -> Request {
    for _ in 0..2_000 {
        if let Some(request) = backend.came() {
            return request;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no request within 20 seconds");
}

fn nodes(request: &ExportRequest) -> BTreeSet<String> {
    let resources = request.resource_metrics.iter();
    resources
        .map(|resource| {
            let attributes = &resource.resource.as_ref().unwrap().attributes;
            assert_eq!(text(attributes, "host.name"), text(attributes, "k8s.node.name"));
            assert_eq!(text(attributes, "k8s.cluster.name"), "test");
            text(attributes, "k8s.node.name")
        })
        .collect()
}

/// When it was measured.
fn time(request: &ExportRequest) -> Timestamp {
    let points = match request.resource_metrics[0].scope_metrics[0].metrics[0].data.as_ref().unwrap() {
        Data::Gauge(gauge) => &gauge.data_points,
        Data::Sum(sum) => &sum.data_points,
        other => panic!("{other:?}"),
    };
    Timestamp::from_nanosecond(points[0].time_unix_nano.into()).unwrap()
}

#[tokio::test]
async fn what_the_agents_measure_at_a_round_arrives() {
    let api = small();
    let mut lost = node("lost");
    lost["status"]["conditions"] = json!([{"type": "Ready", "status": "Unknown"}]);
    api.put("nodes", lost);
    let followed = Followed::now(&api).await;
    followed.until_watched().await;
    let backend = Backend::new(vec![]);
    let sending = Sending::of(&followed, &backend.url);
    let first = next(&backend).await;
    let at = time(&first.message);
    assert_eq!(at.subsec_nanosecond(), 0, "rounds are at multiples of the interval");
    let mut expected = Vec::new();
    agents(&followed).measure(at, |part| expected.extend(part.into_requests(otlp::BATCH_POINTS)));
    assert_eq!(nodes(&first.message), BTreeSet::from(["a", "b"].map(str::to_owned)));
    assert_eq!([first.message], expected[..]);
    let later = time(&next(&backend).await.message);
    assert!(later > at && later.subsec_nanosecond() == 0, "{later}");
    assert_eq!(*sending.said.lock().unwrap(), [""; 0]);
}

#[tokio::test]
async fn nothing_is_sent_before_nodes_and_pods_are_listed() {
    let api = small();
    api.behave("pods", Behaviour::Forbidden);
    let followed = Followed::now(&api).await;
    let backend = Backend::new(vec![]);
    let _sending = Sending::of(&followed, &backend.url);
    followed.until("listed", |followed| followed.progress.of(Kind::Nodes).listed).await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(backend.came().is_none(), "two rounds without pods were sent");
    api.behave("pods", Behaviour::Good);
    assert_eq!(nodes(&next(&backend).await.message).len(), 2);
}

#[tokio::test]
async fn a_node_that_goes_away_stops_and_a_new_one_begins() {
    let api = small();
    let followed = Followed::now(&api).await;
    let backend = Backend::new(vec![]);
    let _sending = Sending::of(&followed, &backend.url);
    assert_eq!(nodes(&next(&backend).await.message), BTreeSet::from(["a", "b"].map(str::to_owned)));
    api.delete("nodes", "a");
    api.put("nodes", node("c"));
    followed.until("changed", |followed| followed.kubelets.counts().0 == 2).await;
    let wanted = BTreeSet::from(["b", "c"].map(str::to_owned));
    let mut last = BTreeSet::new();
    for _ in 0..3 {
        last = nodes(&next(&backend).await.message);
        if last == wanted {
            break;
        }
    }
    assert_eq!(last, wanted);
}

/// The server of followed nodes whose host metrics are sent.
fn router(followed: &Followed, sending: &Sending) -> Router {
    let metrics = Metrics::new(Arc::clone(&followed.kubelets), Arc::clone(&followed.progress));
    let application = Application {
        kubelets: Arc::clone(&followed.kubelets),
        progress: Arc::clone(&followed.progress),
        metrics: Arc::new(metrics.with_sender(sending.sender.clone())),
        hosts: AllowedHosts::loopback(),
        node: None,
    };
    application.router()
}

#[tokio::test]
async fn a_dead_backend_does_not_disturb_serving_and_shows_in_the_metrics() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let followed = Followed::now(&small()).await;
    followed.until_watched().await;
    let sending = Sending::of(&followed, &format!("http://{nobody}"));
    let router = router(&followed, &sending);
    followed.until("tried", |_| sending.sender.status().failed_tries > 0).await;
    assert_eq!(ask(&router, "/nodes/a/stats/summary").await.0, 200);
    let (status, ready) = ask(&router, "/readyz").await;
    assert_eq!(status, 200, "{ready}");
    let page = ask(&router, "/metrics").await.1;
    for line in [
        "stats_proxy_otlp_up 0.0\n",
        "stats_proxy_otlp_points_total{outcome=\"sent\"} 0\n",
        "stats_proxy_otlp_points_total{outcome=\"dropped\"} 0\n",
    ] {
        assert!(page.contains(line), "{line}{page}");
    }
    assert!(!page.contains("otlp_failed_tries_total 0\n"), "{page}");
    assert!(!page.contains("otlp_last_success"), "{page}");
    let said = sending.said.lock().unwrap().clone();
    assert!(said.len() == 1 && said[0].contains("refused"), "{said:?}");
}

#[tokio::test]
async fn what_is_sent_shows_in_the_metrics() {
    let followed = Followed::now(&small()).await;
    let backend = Backend::new(vec![]);
    let sending = Sending::of(&followed, &backend.url);
    followed.until("sent", |_| sending.sender.status().sent > 0).await;
    let sent = sending.sender.status().sent;
    let page = ask(&router(&followed, &sending), "/metrics").await.1;
    let value = |name: &str| {
        let line = page.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{page}"));
        line.trim().parse::<f64>().unwrap()
    };
    assert!(value("stats_proxy_otlp_points_total{outcome=\"sent\"}") >= sent as f64);
    assert_eq!(value("stats_proxy_otlp_up"), 1.0);
    let age = Timestamp::now().as_second() as f64 - value("stats_proxy_otlp_last_success_timestamp_seconds");
    assert!((-1.0..20.0).contains(&age), "{age}");
}

const SECRET: &str = "Bearer-that-nobody-may-see";

#[tokio::test(flavor = "multi_thread")]
#[cfg(unix)]
async fn the_program_sends_with_headers_from_a_file_and_logs_none_of_them() {
    let serving = small().serve(0).await;
    let kubeconfig = Temporary::kubeconfig("sending", &format!("http://{}", serving.address));
    let headers = Temporary::file("headers", &format!("# of a tenant\nauthorization = {SECRET}\n"));
    let settings = Temporary::file("load", "scrapers: {load: {}}\n");
    let backend = Backend::new(vec![]);
    let given = format!("@{}", headers.path());
    let mut program = Program::start(&[
        "--kubeconfig",
        kubeconfig.path(),
        "--log-level=debug",
        "--cluster-name=test",
        "--collection-interval=1s",
        "--otlp-endpoint",
        &backend.url,
        "--otlp-header",
        &given,
        "--host-metrics",
        settings.path(),
    ]);
    let announced = program.next("host metrics are sent when nodes and pods are listed");
    assert_eq!(
        [&announced["headers"], &announced["cluster"], &announced["interval"]],
        ["authorization", "test", "1s"]
    );
    let address = program.next("serving")["address"].as_str().unwrap().to_owned();
    let request = next(&backend).await;
    assert_eq!(request.headers.get("authorization").map(String::as_str), Some(SECRET));
    assert_eq!((nodes(&request.message).len(), request.points()), (2, 6), "three load averages of two nodes");
    assert!(answer(&address, "/metrics").contains("stats_proxy_otlp_up 1.0"));
    let took = program.end();
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(!program.log.iter().any(|line| line.contains(SECRET)), "{:?}", program.log);
    serving.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(unix)]
async fn a_backend_that_is_silent_holds_up_the_end_for_two_seconds() {
    let serving = small().serve(0).await;
    let kubeconfig = Temporary::kubeconfig("silent", &format!("http://{}", serving.address));
    let backend = Backend::new((0..100).map(|_| Reply::Silence).collect());
    let url = ["--otlp-endpoint", &backend.url];
    let arguments = ["--kubeconfig", kubeconfig.path(), "--collection-interval=1s", url[0], url[1]];
    let mut program = Program::start(&arguments);
    next(&backend).await;
    let took = program.end();
    assert!((Duration::from_secs(2)..Duration::from_secs(4)).contains(&took), "{took:?}");
    let told = "host metrics: points that waited were not sent";
    assert!(program.log.iter().any(|line| line.contains(told)), "{:?}", program.log);
    serving.kill().await;
}

#[test]
fn what_is_wrong_with_the_flags_is_told_at_once() {
    let broken = Temporary::file("broken", "scrapers: {cpu: {metrics: {system.cpu.tim: {enabled: true}}}}\n");
    for (arguments, part) in [
        (["--otlp-endpoint=lgtm:4318", "--cluster-name=a"], "--otlp-endpoint: the URL must begin with http"),
        (
            ["--otlp-endpoint=http://lgtm:4318", "--otlp-header=@/nowhere/file"],
            "--otlp-header: failed to read",
        ),
        (
            ["--otlp-endpoint=https://lgtm:4318", "--host-metrics=/nowhere/file"],
            "--host-metrics /nowhere/file: ",
        ),
        (
            ["--otlp-endpoint=http://lgtm:4318", &format!("--host-metrics={}", broken.path())],
            "system.cpu.tim",
        ),
    ] {
        let output = program(&arguments).output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), log.lines().count()), (Some(1), 1), "{log}");
        assert!(log.contains(part), "{log}");
    }
}
