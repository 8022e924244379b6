//! A fake API server on loopback: lists in pages, watches, versions, and everything that goes wrong with them.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// What an API server knows, and how it behaves. It outlives the server that shows it, as etcd does.
#[derive(Clone, Default)]
pub(crate) struct Api(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State_>,
    changed: Changed,
}

struct Changed(watch::Sender<u64>);

impl Default for Changed {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

#[derive(Default)]
struct State_ {
    version: u64,
    /// By kind, then namespace and name.
    objects: BTreeMap<String, BTreeMap<String, Value>>,
    /// What happened, in order.
    events: Vec<Happened>,
    /// Versions before this one are forgotten.
    oldest: u64,
    behaviour: HashMap<String, Behaviour>,
    asked: Vec<String>,
}

#[derive(Clone)]
struct Happened {
    version: u64,
    kind: String,
    event: Value,
}

/// How requests for a kind are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Good,
    /// 403.
    Forbidden,
    /// Nothing for so long, and then as it should be.
    Slow(Duration),
    /// A watch from a version that is forgotten gets 410 as an answer, not as an event.
    GoneAsAnswer,
    /// Watches, but not lists, get 500.
    NoWatches,
}

impl Api {
    /// Makes or changes an object.
    pub(crate) fn put(&self, kind: &str, mut object: Value) {
        let mut state = self.0.state.lock().unwrap();
        state.version += 1;
        let version = state.version;
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        let known = state.objects.entry(kind.to_owned()).or_default().insert(key(&object), object.clone());
        let what = if known.is_some() { "MODIFIED" } else { "ADDED" };
        state.happened(kind, json!({"type": what, "object": object}));
        self.0.changed.0.send_replace(version);
    }

    /// Removes an object.
    pub(crate) fn delete(&self, kind: &str, name: &str) {
        let mut state = self.0.state.lock().unwrap();
        state.version += 1;
        let version = state.version;
        let mut object = state.objects.get_mut(kind).unwrap().remove(name).expect("an object of this name");
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        state.happened(kind, json!({"type": "DELETED", "object": object}));
        self.0.changed.0.send_replace(version);
    }

    /// Tells watchers of a kind how far they are.
    pub(crate) fn bookmark(&self, kind: &str) {
        let mut state = self.0.state.lock().unwrap();
        state.version += 1;
        let version = state.version;
        let object =
            json!({"kind": "X", "apiVersion": "v1", "metadata": {"resourceVersion": version.to_string()}});
        state.happened(kind, json!({"type": "BOOKMARK", "object": object}));
        self.0.changed.0.send_replace(version);
    }

    /// Forgets everything that happened.
    pub(crate) fn compact(&self) {
        let mut state = self.0.state.lock().unwrap();
        state.version += 1;
        state.oldest = state.version;
        state.events.clear();
    }

    /// Tells watchers of a kind that something is wrong.
    pub(crate) fn error(&self, kind: &str, code: u16, reason: &str) {
        let mut state = self.0.state.lock().unwrap();
        state.version += 1;
        let version = state.version;
        state.happened(kind, json!({"type": "ERROR", "object": status(code, reason, reason)}));
        self.0.changed.0.send_replace(version);
    }

    /// From now on, requests for a kind are answered so.
    pub(crate) fn behave(&self, kind: &str, behaviour: Behaviour) {
        self.0.state.lock().unwrap().behaviour.insert(kind.to_owned(), behaviour);
    }

    /// The requests that came, as paths with the parts of the query that matter; and forgets them.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.state.lock().unwrap().asked)
    }

    /// Shows it at a port; 0 takes any free one.
    pub(crate) async fn serve(&self, port: u16) -> Serving {
        let router = Router::new().route("/api/v1/{kind}", get(answer)).with_state(self.clone());
        let listener = loop {
            match TcpListener::bind(("127.0.0.1", port)).await {
                Ok(listener) => break listener,
                // Its own last connections may still have the port.
                Err(error) if port != 0 => {
                    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => panic!("{error}"),
            }
        };
        let address = listener.local_addr().unwrap();
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let (stream, _) = accepted.unwrap();
                        let service = hyper_util::service::TowerToHyperService::new(router.clone());
                        let stream = hyper_util::rt::TokioIo::new(stream);
                        let connection = hyper::server::conn::http1::Builder::new().serve_connection(stream, service);
                        connections.spawn(async move { drop(connection.await) });
                    }
                    _ = stopped.changed() => return,
                }
            }
        });
        Serving { address, stop, task }
    }
}

/// A server. Where it ends, its connections break.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Serving {
    pub(crate) async fn kill(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap();
    }
}

impl State_ {
    fn happened(&mut self, kind: &str, event: Value) {
        let (version, kind) = (self.version, kind.to_owned());
        self.events.push(Happened { version, kind, event });
    }
}

fn key(object: &Value) -> String {
    let metadata = &object["metadata"];
    match metadata["namespace"].as_str() {
        Some(namespace) => format!("{namespace}/{}", metadata["name"].as_str().unwrap()),
        None => metadata["name"].as_str().unwrap().to_owned(),
    }
}

fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code, "reason": reason,
        "message": message})
}

fn failure(code: u16, reason: &str, message: &str) -> Response {
    let code_ = StatusCode::from_u16(code).unwrap();
    (code_, axum::Json(status(code, reason, message))).into_response()
}

async fn answer(
    State(api): State<Api>,
    Path(kind): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let watches = query.get("watch").is_some_and(|watch| watch == "true");
    let version: Option<u64> = query.get("resourceVersion").and_then(|version| version.parse().ok());
    let behaviour = {
        let mut state = api.0.state.lock().unwrap();
        let from = version.map(|version| format!(" from {version}")).unwrap_or_default();
        let more = query.get("continue").map(|from| format!(" continue {from}")).unwrap_or_default();
        let what = if watches { "watch" } else { "list" };
        state.asked.push(format!("{what} {kind}{}{more}", if watches { from } else { String::new() }));
        state.behaviour.get(&kind).copied().unwrap_or(Behaviour::Good)
    };
    match behaviour {
        Behaviour::Forbidden => {
            let message = format!("{kind} is forbidden: User \"proxy\" cannot list resource \"{kind}\"");
            return failure(403, "Forbidden", &message);
        }
        Behaviour::NoWatches if watches => return failure(500, "InternalError", "no watches today"),
        Behaviour::Slow(time) => tokio::time::sleep(time).await,
        _ => {}
    }
    if watches {
        let seconds = query.get("timeoutSeconds").and_then(|seconds| seconds.parse().ok()).unwrap_or(300);
        return watching(&api, kind, version.unwrap_or(0), behaviour, Duration::from_secs(seconds));
    }
    let limit: usize = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
    let from: usize = query.get("continue").and_then(|from| from.parse().ok()).unwrap_or(0);
    let state = api.0.state.lock().unwrap();
    let all: Vec<&Value> = state.objects.get(&kind).into_iter().flat_map(BTreeMap::values).collect();
    let page: Vec<&Value> = all.iter().copied().skip(from).take(limit).collect();
    let next = from + page.len();
    let more = if next < all.len() { next.to_string() } else { String::new() };
    let list = json!({"kind": "List", "apiVersion": "v1", "items": page,
        "metadata": {"resourceVersion": state.version.to_string(), "continue": more}});
    axum::Json(list).into_response()
}

fn watching(api: &Api, kind: String, from: u64, behaviour: Behaviour, lasts: Duration) -> Response {
    let gone = from < api.0.state.lock().unwrap().oldest;
    if gone && behaviour == Behaviour::GoneAsAnswer {
        return failure(410, "Expired", "too old resource version");
    }
    let (lines, receiver) = mpsc::channel::<Result<String, std::convert::Infallible>>(1_000);
    let (api, mut changed) = (api.clone(), api.0.changed.0.subscribe());
    tokio::spawn(async move {
        if gone {
            let event =
                json!({"type": "ERROR", "object": status(410, "Expired", "too old resource version")});
            let _ = lines.send(Ok(format!("{event}\n"))).await;
            return;
        }
        let end = tokio::time::Instant::now() + lasts;
        let mut sent = from;
        loop {
            let news: Vec<Happened> = {
                let state = api.0.state.lock().unwrap();
                state
                    .events
                    .iter()
                    .filter(|event| event.version > sent && event.kind == kind)
                    .cloned()
                    .collect()
            };
            for Happened { version, event, .. } in news {
                sent = version;
                if lines.send(Ok(format!("{event}\n"))).await.is_err() {
                    return;
                }
            }
            tokio::select! {
                _ = changed.changed() => {}
                () = lines.closed() => return,
                () = tokio::time::sleep_until(end) => return,
            }
        }
    });
    let lines =
        futures_util::stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
    Body::from_stream(lines).into_response()
}
