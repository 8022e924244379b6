//! The server around the kubelets: probes, its own metrics, and its connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use stats_proxy::AllowedHosts;
use stats_proxy::cluster::{Application, ClusterKubelets, Limits, Metrics, Progress, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use crate::objects::{node, pod};
use crate::watching::{Followed, small};

fn application(kubelets: &Arc<ClusterKubelets>, progress: &Arc<Progress>) -> (Router, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new(Arc::clone(kubelets), Arc::clone(progress)));
    let application = Application {
        kubelets: Arc::clone(kubelets),
        progress: Arc::clone(progress),
        metrics: Arc::clone(&metrics),
        hosts: AllowedHosts::loopback(),
        node: None,
    };
    (application.router(), metrics)
}

/// Kubelets that know two nodes without having followed anything.
fn known() -> (Arc<ClusterKubelets>, Arc<Progress>) {
    let kubelets = ClusterKubelets::new(Arc::new(|| "2026-03-14T15:09:26Z".parse().unwrap()));
    for name in ["a", "b"] {
        kubelets.put(serde_json::from_value::<k8s_openapi::api::core::v1::Node>(node(name)).unwrap());
    }
    kubelets.put(serde_json::from_value::<k8s_openapi::api::core::v1::Pod>(pod("web-1", "a")).unwrap());
    (Arc::new(kubelets), Arc::new(Progress::new()))
}

async fn ask_as(router: &Router, method: &str, host: &str, path: &str) -> (u16, String) {
    let request =
        Request::builder().method(method).uri(path).header("host", host).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

pub(crate) async fn ask(router: &Router, path: &str) -> (u16, String) {
    ask_as(router, "GET", "localhost:10250", path).await
}

#[tokio::test]
async fn it_is_ready_while_it_follows_and_lives_and_answers_while_it_cannot() {
    let api = small();
    let mut followed = Followed::new(&api).await;
    let (router, _) = application(&followed.kubelets, &followed.progress);
    followed.until_watched().await;
    let ready = "[+]nodes ok\n[+]pods ok\n[+]persistentvolumeclaims ok\n[+]api ok\nreadyz check passed\n";
    assert_eq!(ask(&router, "/readyz").await, (200, ready.to_owned()));

    followed.kill_server().await;
    followed.until("missed", Followed::troubled).await;
    let (status, text) = ask(&router, "/readyz").await;
    assert_eq!(status, 503, "{text}");
    assert!(text.contains("[-]api nodes cannot be watched since 2026-03-14T15:09:26Z: "), "{text}");
    assert!(text.contains("the objects as they were then\nreadyz check failed\n"), "{text}");
    assert_eq!(ask(&router, "/readyz?exclude=api").await.0, 200);
    assert_eq!(ask(&router, "/livez").await, (200, "ok".to_owned()));
    assert_eq!(ask(&router, "/healthz").await, (200, "ok".to_owned()));
    assert_eq!(ask(&router, "/nodes/a/stats/summary").await.0, 200);

    followed.start_server().await;
    followed.until_watched().await;
    assert_eq!(ask(&router, "/readyz").await, (200, ready.to_owned()));
}

#[tokio::test]
async fn before_everything_is_listed_it_is_not_ready() {
    let (kubelets, progress) = known();
    let (router, _) = application(&kubelets, &progress);
    let (status, text) = ask(&router, "/readyz").await;
    assert_eq!(status, 503);
    assert!(text.starts_with("[-]nodes not listed yet\n[-]pods not listed yet\n"), "{text}");
    assert_eq!(ask(&router, "/readyz?exclude=api").await.0, 503, "that alone is not enough");
    assert_eq!(ask(&router, "/livez").await.0, 200);
}

#[tokio::test]
async fn its_own_metrics_count_what_it_did_and_what_it_knows() {
    let (kubelets, progress) = known();
    let (router, _) = application(&kubelets, &progress);
    ask(&router, "/nodes/a/stats/summary").await;
    ask(&router, "/nodes/b/stats/summary").await;
    ask(&router, "/nodes/c/stats/summary").await;
    ask(&router, "/nothing").await;
    let (status, text) = ask(&router, "/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "stats_proxy_requests_total{route=\"/nodes/{node}/stats/summary\",code=\"200\"} 2",
        "stats_proxy_requests_total{route=\"/nodes/{node}/stats/summary\",code=\"404\"} 1",
        "stats_proxy_requests_total{route=\"other\",code=\"404\"} 1",
        "stats_proxy_request_duration_seconds_count{route=\"/nodes/{node}/stats/summary\"} 3",
        "stats_proxy_objects{kind=\"nodes\"} 2",
        "stats_proxy_objects{kind=\"pods\"} 1",
        "stats_proxy_watch_up{kind=\"pods\"} 1",
        "stats_proxy_watch_synced{kind=\"pods\"} 0",
        "stats_proxy_watch_failures_total{kind=\"pods\"} 0",
        "# TYPE process_resident_memory_bytes gauge",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn everything_but_probes_is_answered_under_its_own_names_only() {
    let (kubelets, progress) = known();
    let (router, _) = application(&kubelets, &progress);
    for (path, status) in [
        ("/metrics", 403),
        ("/nodes", 403),
        ("/nodes/a/stats/summary", 403),
        ("/livez", 200),
        ("/readyz", 503),
    ] {
        assert_eq!(ask_as(&router, "GET", "10.1.2.3:10250", path).await.0, status, "{path}");
    }
    assert_eq!(ask_as(&router, "POST", "localhost", "/metrics").await.0, 405);
    let overview = ask(&router, "/").await.1;
    for path in ["/nodes/NODE/stats/summary", "/metrics", "/livez", "/readyz"] {
        assert!(overview.contains(path), "{overview}");
    }
}

/// A running server; told to stop through the sender, it answers how many connections it cut off.
async fn running(limits: Limits) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<usize>) {
    let (kubelets, progress) = known();
    let (router, metrics) = application(&kubelets, &progress);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = Server { router, limits, metrics };
    let task = tokio::spawn(server.serve(listener, async move {
        let _ = stopped.await;
    }));
    (address, stop, task)
}

/// What the other side says until it is silent, or closes (`true`).
async fn heard(stream: &mut TcpStream, patience: Duration) -> (String, bool) {
    let (mut text, mut buffer) = (Vec::new(), [0; 4_096]);
    loop {
        match tokio::time::timeout(patience, stream.read(&mut buffer)).await {
            Err(_) => return (String::from_utf8_lossy(&text).into_owned(), false),
            Ok(Ok(0) | Err(_)) => return (String::from_utf8_lossy(&text).into_owned(), true),
            Ok(Ok(count)) => text.extend_from_slice(&buffer[..count]),
        }
    }
}

const REQUEST: &[u8] = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n";
const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn connections_beyond_the_most_are_turned_away_until_one_is_free() {
    let (address, _stop, _task) = running(Limits { connections: 2, ..Limits::default() }).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    let mut second = TcpStream::connect(address).await.unwrap();
    for stream in [&mut first, &mut second] {
        stream.write_all(REQUEST).await.unwrap();
        assert!(heard(stream, SHORT).await.0.starts_with("HTTP/1.1 200 OK"));
    }
    let mut third = TcpStream::connect(address).await.unwrap();
    let (text, closed) = heard(&mut third, Duration::from_secs(5)).await;
    assert!(text.starts_with("HTTP/1.1 503 ") && closed, "{text}");
    drop(first);
    for _ in 0..100 {
        let mut fourth = TcpStream::connect(address).await.unwrap();
        fourth.write_all(REQUEST).await.unwrap();
        if heard(&mut fourth, SHORT).await.0.starts_with("HTTP/1.1 200 OK") {
            return;
        }
    }
    panic!("the place of the first connection is never free");
}

#[tokio::test]
async fn a_connection_that_never_asks_is_closed() {
    let (address, _stop, _task) =
        running(Limits { head: Duration::from_millis(200), ..Limits::default() }).await;
    for said in [&b""[..], b"GET /livez HTTP/1.1\r\nhost: loc"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(said).await.unwrap();
        let (text, closed) = heard(&mut stream, Duration::from_secs(10)).await;
        assert!(closed && !text.contains("200 OK"), "{text}");
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let (address, _stop, _task) = running(Limits::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET /livez HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "x".repeat(64 * 1_024));
    let _ = stream.write_all(head.as_bytes()).await;
    let (text, closed) = heard(&mut stream, Duration::from_secs(10)).await;
    assert!(closed && !text.contains("200 OK"), "{text}");
}

#[tokio::test]
async fn told_to_end_it_finishes_and_ends_within_a_second() {
    let (address, stop, task) = running(Limits::default()).await;
    // One connection is idle, another one has half of a request.
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(REQUEST).await.unwrap();
    assert!(heard(&mut idle, SHORT).await.0.starts_with("HTTP/1.1 200 OK"));
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(&REQUEST[..10]).await.unwrap();
    tokio::time::sleep(SHORT).await;
    let begin = Instant::now();
    stop.send(()).unwrap();
    task.await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    assert!(heard(&mut idle, SHORT).await.1, "the idle connection is closed");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
