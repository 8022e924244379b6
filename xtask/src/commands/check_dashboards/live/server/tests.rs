//! Servers that answer well, badly and not at all.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use grafana::interval::TimeRange;
use ureq::http::{HeaderName, HeaderValue};

use super::*;

/// A server that gives every request to `answer`, and says what it was asked. It ends with the test's process.
fn server(answer: impl Fn(&mut TcpStream) + Send + 'static) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, asked) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let _ = sender.send(request_of(&stream));
            answer(&mut stream);
        }
    });
    (url, asked)
}

/// The whole request, head and body: a client may well send the two in pieces.
fn request_of(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if !reader.read_line(&mut line).is_ok_and(|read| read > 0) {
            return request;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        request.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let _ = reader.take(length).read_to_string(&mut request);
    request
}

fn says(status: &'static str, body: &'static str) -> impl Fn(&mut TcpStream) + Send + 'static {
    move |stream| {
        let head =
            format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(body.as_bytes());
    }
}

fn access(url: &str) -> Access {
    let mut token = HeaderValue::from_static("Bearer very-secret");
    token.set_sensitive(true);
    Access {
        base: url.to_owned(),
        headers: vec![(HeaderName::from_static("authorization"), token)],
        local: true,
    }
}

fn ask(server: &Server) -> Result<QueryAnswer, MetricsError> {
    server.instant("up", 1_000, &dashboard_view::never)
}

#[test]
fn an_answer_is_read_and_the_headers_are_sent() {
    let body = r#"{"status":"success","data":{"resultType":"vector","result":[
        {"metric":{"pod":"a"},"value":[1.5,"2.25"]},{"metric":{},"value":[1.5,"+Inf"]}]},"warnings":["careful"]}"#;
    let (url, asked) = server(says("200 OK", body));
    let answer = ask(&Server::new(access(&url))).unwrap();
    assert_eq!(answer.series[0].labels["pod"], "a");
    assert_eq!(answer.series[0].points, [(1_500, 2.25)]);
    assert_eq!(answer.series[1].points[0].1, f64::INFINITY);
    assert_eq!(answer.remarks, ["careful"]);
    let asked = asked.recv().unwrap();
    assert!(asked.starts_with("POST /api/v1/query ") && asked.contains("Bearer very-secret"), "{asked}");
}

#[test]
fn a_server_whose_metrics_have_just_begun_is_told_from_others() {
    for (result, begun) in [(r#"[{"metric":{},"value":[1.5,"50"]}]"#, true), ("[]", false), ("7", false)] {
        let body = format!(r#"{{"status":"success","data":{{"resultType":"vector","result":{result}}}}}"#);
        let (url, asked) = server(says("200 OK", body.leak()));
        assert_eq!(Server::new(access(&url)).has_just_begun(), begun, "{result}");
        let asked = asked.recv().unwrap();
        assert!(asked.contains("offset+2m"), "{asked}");
    }
}

#[test]
fn a_query_that_the_server_refuses_is_the_querys_fault_and_not_the_servers() {
    let body = r#"{"status":"error","errorType":"execution","error":"many-to-many matching"}"#;
    let (url, _asked) = server(says("422 Unprocessable Entity", body));
    let server = Server::new(access(&url));
    for _ in 0..5 {
        let error = ask(&server).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Execution, "many-to-many matching"));
    }
    assert_eq!(server.given_up(), None);
}

#[test]
fn what_is_no_prometheus_is_told_in_words_without_any_secret_and_given_up_soon() {
    for (status, body, expected) in [
        ("200 OK", "<html>Log in</html>", "answers with a page"),
        ("200 OK", "{\"status\":\"succ", "something else than Prometheus"),
        ("200 OK", "{\"status\":\"success\"}", "something else than Prometheus"),
        (
            "200 OK",
            "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[7]}}",
            "something else",
        ),
        (
            "200 OK",
            "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"seven\"]}}",
            "values that are no numbers",
        ),
        ("401 Unauthorized", "", "refuses these credentials (401)"),
        ("403 Forbidden", "very-secret", "refuses these credentials (403)"),
        ("404 Not Found", "", "has no /api/v1"),
        ("302 Found", "", "leads elsewhere (302)"),
        ("500 Internal Server Error", "", "status 500"),
    ] {
        let (url, _asked) = server(says(status, body));
        let server = Server::new(access(&url));
        let error = ask(&server).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Source, "{status} {body}");
        assert!(error.message.contains(expected), "{status} {body}: {}", error.message);
        assert!(!error.message.contains("very-secret"));
    }
    let (url, _asked) = server(says("500 Internal Server Error", ""));
    let server = Server::new(access(&url));
    for _ in 0..PATIENCE {
        assert!(ask(&server).is_err());
    }
    assert!(server.given_up().is_some_and(|reason| reason.contains("status 500")));
}

#[test]
fn a_server_that_is_not_there_is_told_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Server::new(access(&url)).now().unwrap_err();
    assert!(error.contains("cannot be reached"), "{error}");
}

#[test]
fn a_server_that_says_nothing_or_drips_is_not_waited_for() {
    let drip = |stream: &mut TcpStream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        for _ in 0..100 {
            if stream.write_all(b" ").is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
    };
    let silent = |_: &mut TcpStream| thread::sleep(Duration::from_secs(5));
    for (url, _asked) in [server(drip), server(silent)] {
        let begin = Instant::now();
        let error = ask(&Server::with_timeout(access(&url), Duration::from_millis(300))).unwrap_err();
        assert!(error.message.contains("in time"), "{}", error.message);
        assert!(begin.elapsed() < Duration::from_secs(4));
    }
}

#[test]
fn an_endless_answer_is_cut_off() {
    let endless = |stream: &mut TcpStream| {
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"status\":\"success\",\"data\":\"");
        let block = vec![b'x'; 1 << 20];
        while stream.write_all(&block).is_ok() {}
    };
    let (url, _asked) = server(endless);
    let error = ask(&Server::new(access(&url))).unwrap_err();
    assert!(error.message.contains("more than 64 MB"), "{}", error.message);
}

#[test]
fn our_own_api_is_read_as_the_store_itself_answers() {
    let store = Arc::new(tsdb::Store::new(tsdb::Options::default()));
    let labels = labels::Labels::from_pairs([("__name__", "up"), ("pod", "a b\"c")]);
    let id = store.intern(&labels).unwrap();
    for step in 0..10 {
        store.append(id, 1_000_000 + step * 30_000, (step + 1) as f64).unwrap();
    }
    let service = prometheus_server::QueryService::new(
        Arc::clone(&store),
        promql::EngineOptions::default(),
        promql::ParseOptions::default(),
    );
    let memory = dashboard_view::InMemory::new(service.clone());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let state = prometheus_server::ApiState::new(
        service,
        Arc::new(|| 1_270_000),
        prometheus_server::ApiOptions::default(),
    );
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let _ = axum::serve(listener, prometheus_server::router(state)).await;
        });
    });

    let server = Server::new(access(&url));
    assert_eq!(server.now(), Ok(1_270_000));
    let never = &dashboard_view::never;
    let range = StepRange { start_ms: 1_000_000, end_ms: 1_270_000, step_ms: 45_000 };
    for query in ["up", "rate(up[2m])", "sum(up) / 0", "scalar(up)", "nothing"] {
        let (ours, theirs) = (memory.range(query, range, never), server.range(query, range, never));
        assert_eq!(theirs.unwrap().series, ours.unwrap().series, "{query}");
        let (ours, theirs) =
            (memory.instant(query, 1_270_000, never), server.instant(query, 1_270_000, never));
        assert_eq!(theirs.unwrap().series, ours.unwrap().series, "{query}");
    }
    assert_eq!(server.instant("sum(", 0, never).unwrap_err().kind, ErrorKind::Syntax);
    let selection = Selection {
        selectors: vec!["up{pod!=\"\"}".to_owned()],
        range: TimeRange { from_ms: 0, to_ms: 2_000_000 },
    };
    assert_eq!(server.label_values("pod", &selection, never).unwrap(), ["a b\"c"]);
    assert_eq!(server.label_names(&selection, never), memory.label_names(&selection, never));
    assert_eq!(server.series(&selection, never), memory.series(&selection, never));
    assert!(server.label_values("../../x", &selection, never).is_err());
}
