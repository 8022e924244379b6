//! Senders that hang, on real sockets.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use catalogue::prometheus;
use prometheus_server::otlp::{OtlpIngester, OtlpState, otlp_router};
use prometheus_server::{ApiOptions, router};

use crate::fixture::{COLLECTOR_PATH, NOW_MS, PROMETHEUS_PATH, protobuf, store};
use crate::support::state_of;

/// Serves until the process ends.
fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    address
}

/// A sender that says it will send so much, and sends this.
fn sender(to: SocketAddr, path: &str, length: usize, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(to).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {to}\r\nContent-Type: application/x-protobuf\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    stream
}

#[test]
fn senders_that_hang_keep_nobody_else_from_being_served() {
    let store = store();
    let ingester = Arc::new(OtlpIngester::new(Arc::clone(&store), prometheus::promoted()));
    let otlp = OtlpState::new(ingester, Arc::new(|| NOW_MS));
    let options = ApiOptions { otlp: Some(otlp.clone()), ..ApiOptions::default() };
    let ports = [
        (serve(router(state_of(store, options))), PROMETHEUS_PATH),
        (serve(otlp_router(otlp)), COLLECTOR_PATH),
    ];
    let body = protobuf();
    let hanging: Vec<TcpStream> = ports
        .iter()
        .flat_map(|(address, path)| (0..8).map(|_| sender(*address, path, body.len(), &body[..10])))
        .collect();
    // They are all being waited for.
    std::thread::sleep(Duration::from_millis(100));
    for (address, path) in ports {
        let begin = Instant::now();
        let mut healthy = sender(address, path, body.len(), &body);
        healthy.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut answer = String::new();
        healthy.read_to_string(&mut answer).expect("an answer while others hang");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
        assert!(begin.elapsed() < Duration::from_secs(20), "{path}: {:?}", begin.elapsed());
    }
    drop(hanging);
}
