//! The socket, and which request is answered by whom.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::UnixListener;
use tokio::sync::oneshot;

use super::{Shared, Trouble, containers, images, networks};

/// What is sent, in pieces.
type Body = StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>;

/// An answer.
pub(super) type Answer = Response<Body>;

/// A request, without the API's version.
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
    /// The connection itself, for programs whose outputs come over it.
    pub(super) upgrade: Option<hyper::upgrade::OnUpgrade>,
}

impl Asked {
    /// What the body says.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(super) fn query(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// The values that a filter lets through.
    pub(super) fn filter(&self, name: &str) -> Vec<String> {
        let filters: Value = serde_json::from_str(self.query("filters")).unwrap_or_default();
        match &filters[name] {
            Value::Array(values) => {
                values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
            }
            // The older form, a map of flags.
            Value::Object(flags) => flags.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }
}

/// Listens on a thread of its own until it is told to stop.
pub(super) fn start(socket: &Path, shared: Arc<Shared>) -> oneshot::Sender<()> {
    let (stop, stopped) = oneshot::channel();
    let listener = std::os::unix::net::UnixListener::bind(socket).unwrap();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // What still runs when it ends is dropped, and its connections with it.
        runtime.block_on(async {
            tokio::select! {
                () = listen(UnixListener::from_std(listener).unwrap(), shared) => {}
                _ = stopped => {}
            }
        });
    });
    stop
}

async fn listen(listener: UnixListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let shared = Arc::clone(&shared);
        let serve = service_fn(move |request| {
            let shared = Arc::clone(&shared);
            async move { exchange(request, shared).await }
        });
        tokio::spawn(async move {
            // A connection that is cut on purpose ends in an error.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), serve).with_upgrades().await;
        });
    }
}

async fn exchange(mut request: Request<Incoming>, shared: Arc<Shared>) -> io::Result<Answer> {
    let upgrade = request.headers().contains_key("upgrade").then(|| hyper::upgrade::on(&mut request));
    let method = request.method().to_string();
    let path = request.uri().path();
    // /v1.50/containers/json
    let versioned = path.strip_prefix("/v1.").and_then(|rest| rest.find('/').map(|at| rest[at..].to_owned()));
    let path = versioned.unwrap_or_else(|| path.to_owned());
    let query = request.uri().query().unwrap_or_default().to_owned();
    let shown = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
    let shown = format!("{method} {shown}");
    shared.requests.lock().unwrap().push(shown.clone());
    let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let body = request.collect().await.map_err(io::Error::other)?.to_bytes().to_vec();
    match shared.trouble(&shown) {
        None => {}
        Some(Trouble::Cut) => return Err(io::ErrorKind::ConnectionAborted.into()),
        Some(Trouble::Refused { status, message }) => return Ok(refused(status, &message)),
        Some(Trouble::InStream(message)) => {
            let line = json!({ "errorDetail": { "message": message }, "error": message });
            return Ok(lines(&[json!({ "status": "Pulling from test", "id": "1" }), line]));
        }
        Some(Trouble::Slow(time)) => tokio::time::sleep(time).await,
    }
    Ok(answer(Asked { method, path, query, body, upgrade }, &shared))
}

fn answer(asked: Asked, shared: &Arc<Shared>) -> Answer {
    let path = asked.path.clone();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match (&*asked.method, parts.as_slice()) {
        ("GET", ["_ping"]) => plain(200, b"OK"),
        ("GET", ["version"]) => ok(&json!({
            "Version": "28.2.2", "ApiVersion": "1.50", "MinAPIVersion": "1.24", "Os": "linux", "Arch": "amd64",
            "Platform": { "Name": "Docker Engine - Community" }, "Components": [{ "Name": "Engine", "Version": "28.2.2" }],
        })),
        ("GET", ["info"]) => ok(&json!({
            "OperatingSystem": "Debian GNU/Linux 12", "OSType": "linux", "MemTotal": 16_000_000_000_u64, "CgroupVersion": "2",
            "DockerRootDir": "/var/lib/docker", "SecurityOptions": ["name=seccomp,profile=builtin"],
        })),
        (_, ["images", ..]) => images::answer(&asked, &parts, shared),
        (_, ["networks", ..]) => networks::answer(&asked, &parts, shared),
        (_, ["containers" | "exec", ..]) => containers::answer(asked, &parts, shared),
        _ => refused(404, "page not found"),
    }
}

/// A value.
pub(super) fn ok(value: &Value) -> Answer {
    json_answer(200, value)
}

/// A value with another status than 200.
pub(super) fn json_answer(status: u16, value: &Value) -> Answer {
    plain(status, value.to_string().as_bytes())
}

/// Done, and there is nothing to say about it.
pub(super) fn done() -> Answer {
    plain(204, b"")
}

/// An error, in the engine's words.
pub(super) fn refused(status: u16, message: &str) -> Answer {
    json_answer(status, &json!({ "message": message }))
}

/// Values, one on each line.
pub(super) fn lines(values: &[Value]) -> Answer {
    let text: String = values.iter().map(|value| format!("{value}\r\n")).collect();
    plain(200, text.as_bytes())
}

/// Bytes.
pub(super) fn plain(status: u16, bytes: &[u8]) -> Answer {
    let piece = (!bytes.is_empty()).then(|| Bytes::copy_from_slice(bytes));
    pieces(status, stream::iter(piece).boxed())
}

/// Bytes as they come.
pub(super) fn pieces(status: u16, pieces: BoxStream<'static, Bytes>) -> Answer {
    let frames = pieces.map(|piece| Ok(Frame::data(piece))).boxed();
    Response::builder().status(status).body(StreamBody::new(frames)).unwrap()
}

/// A piece of what a program says, as engines mark it: 1 for its first output, 2 for the other.
pub(super) fn framed(output: u8, text: &str) -> Bytes {
    let mut piece = vec![output, 0, 0, 0];
    piece.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
    piece.extend(text.as_bytes());
    piece.into()
}

/// How often something that goes on is looked at.
pub(super) const PAUSE: Duration = Duration::from_millis(10);
