//! An API server for tests, on loopback, without TLS.
//!
//! It keeps objects, knows server-side apply, merge patches, selectors and tables as far as this project needs them, refuses what
//! a real server would refuse (unknown fields, missing namespaces, pods before their service account), and does at once what
//! controllers would do: pods for workloads, service accounts for namespaces. A [`Scenario`] says what goes wrong.

mod controllers;
mod kinds;
mod merge;
mod routes;
mod scenario;
mod store;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

pub use scenario::{Refusal, Scenario};
use store::Store;

/// A running fake. It ends when it is dropped.
pub struct FakeApiServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

/// What the server and its requests have in common.
struct Shared {
    scenario: Scenario,
    begun: Instant,
    state: Mutex<State>,
    /// Tells the one who accepts connections to stop for a while.
    restart: tokio::sync::Notify,
}

#[derive(Default)]
struct State {
    store: Store,
    /// `METHOD path?query` of every request.
    requests: Vec<String>,
    /// How many requests wanted to change something.
    writes: usize,
    /// Until when nobody is served.
    down_until: Option<Instant>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panicked meanwhile fails by itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FakeApiServer {
    /// Starts one in which this happens.
    ///
    /// # Errors
    /// When no port of loopback can be had.
    pub async fn start(scenario: Scenario) -> std::io::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            scenario,
            begun: Instant::now(),
            state: Mutex::default(),
            restart: tokio::sync::Notify::new(),
        });
        let serving = tokio::spawn(serve(Arc::clone(&shared), address, listener));
        Ok(Self { address, shared, serving })
    }

    /// A kubeconfig of it, with a context `fake`.
    pub fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: fake\n\
             clusters:\n- name: fake\n  cluster: {{server: 'http://{}'}}\n\
             users:\n- name: fake\n  user: {{token: fake}}\n\
             contexts:\n- name: fake\n  context: {{cluster: fake, user: fake}}\n",
            self.address
        )
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request until now, `METHOD path?query`.
    pub fn requests(&self) -> Vec<String> {
        self.shared.state().requests.clone()
    }

    /// Forgets the requests until now.
    pub fn forget_requests(&self) {
        self.shared.state().requests.clear();
    }

    /// All objects of a kind, in all namespaces, by name.
    pub fn objects(&self, kind: &str) -> Vec<Value> {
        let state = self.shared.state();
        state.store.of_kind(kind).cloned().collect()
    }

    /// An object by kind, namespace and name.
    pub fn object(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<Value> {
        let is_it = |object: &Value| {
            object["metadata"]["name"] == name && object["metadata"]["namespace"].as_str() == namespace
        };
        self.objects(kind).into_iter().find(is_it)
    }

    /// Puts an object there as it is, with its status, as a controller or somebody else would.
    pub fn put(&self, object: Value) {
        self.shared.state().store.put(object);
    }

    /// Takes an object away, as somebody else would.
    pub fn take(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<Value> {
        self.shared.state().store.take(kind, namespace, name)
    }

    /// Nobody is served for a while, as when the server's container is restarted. The objects stay.
    pub fn restart(&self, lasts: Duration) {
        self.shared.state().down_until = Some(Instant::now() + lasts);
        self.shared.restart.notify_one();
    }
}

impl Drop for FakeApiServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(shared: Arc<Shared>, address: SocketAddr, listener: TcpListener) {
    let mut listener = Some(listener);
    if !shared.scenario.closed.is_zero() {
        listener = None;
        sleep(shared.scenario.closed).await;
    }
    loop {
        let bound = match listener.take() {
            Some(listener) => Ok(listener),
            None => TcpListener::bind(address).await,
        };
        let Ok(bound) = bound else {
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        let router = axum::Router::new().fallback(routes::answer).with_state(Arc::clone(&shared));
        tokio::select! {
            _ = async { axum::serve(bound, router).await } => {}
            () = shared.restart.notified() => {}
        }
        let until = shared.state().down_until;
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }
}
