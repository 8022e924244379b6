//! An engine for tests: Docker's API on a socket, over images, containers and networks in memory, with troubles that can be
//! switched on.
//!
//! It runs on a thread of its own, so that tests may do what they like with their own runtime. What it answers, and in which words,
//! is as of Docker 28.

mod containers;
mod images;
mod networks;
mod server;
mod world;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tools::engine::{Address, Candidate};

use super::Engine;
pub use world::{FakeContainer, FakeFile, FakeImage, FakeNetwork, Program, Status, World};

/// An engine that lives as long as this value.
pub struct FakeEngine {
    shared: Arc<Shared>,
    socket: PathBuf,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
}

/// What the server and the test share.
struct Shared {
    world: Mutex<World>,
    requests: Mutex<Vec<String>>,
    troubles: Mutex<Vec<Switched>>,
}

struct Switched {
    on: String,
    trouble: Trouble,
    once: bool,
}

/// Something that goes wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is refused.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The engine's words.
        message: String,
    },
    /// It begins well, and the engine's words come in the middle: of pulls and imports.
    InStream(String),
    /// The connection ends without an answer, and nothing has been done.
    Cut,
    /// It takes this long, and goes well.
    Slow(Duration),
}

impl Trouble {
    /// A refusal.
    pub fn refused(status: u16, message: &str) -> Self {
        Self::Refused { status, message: message.to_owned() }
    }

    /// There is no space left.
    pub fn disk_full() -> Self {
        Self::refused(500, "mkdir /var/lib/docker/overlay2/5f: no space left on device")
    }

    /// Docker Hub gives no more.
    pub fn rate_limited() -> Self {
        Self::refused(429, "toomanyrequests: You have reached your unauthenticated pull rate limit.")
    }

    /// The registry's name is not found.
    pub fn no_network() -> Self {
        Self::refused(
            500,
            "Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host",
        )
    }

    /// A proxy in front of the engine, or an authorisation plugin, lets nothing through.
    pub fn not_permitted() -> Self {
        Self::refused(403, "authorization denied by plugin: this user may not do that")
    }
}

impl FakeEngine {
    /// An engine with nothing on it but what engines have.
    pub fn start() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // Paths of sockets are short everywhere.
        let socket = std::env::temp_dir().join(format!("kmo-engine-{}-{number}.sock", std::process::id()));
        let _ = std::fs::remove_file(&socket);
        let shared = Arc::new(Shared {
            world: Mutex::new(World::new()),
            requests: Mutex::default(),
            troubles: Mutex::default(),
        });
        let stop = server::start(&socket, Arc::clone(&shared));
        Self { shared, socket, stop: Some(stop) }
    }

    /// Where it is.
    pub fn candidate(&self) -> Candidate {
        Candidate { address: Address::Unix(self.socket.clone()), named_by: "the test".to_owned() }
    }

    /// A client of it.
    pub fn engine(&self) -> Engine {
        Engine::connect(&self.candidate()).unwrap()
    }

    /// Looks at what is on it, or changes it as somebody else would.
    pub fn with<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.shared.world.lock().unwrap())
    }

    /// What it was asked: `POST /containers/create?name=lgtm`, without the API's version.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Those of its requests that change something.
    pub fn changes(&self) -> Vec<String> {
        let mut requests = self.requests();
        requests.retain(|request| !request.starts_with("GET ") && !request.starts_with("HEAD "));
        requests
    }

    /// Lets every request go wrong that begins like this: `POST /containers/create`, or `` for all.
    pub fn fail(&self, on: &str, trouble: Trouble) {
        self.shared.troubles.lock().unwrap().push(Switched { on: on.to_owned(), trouble, once: false });
    }

    /// Lets the next such request go wrong.
    pub fn fail_once(&self, on: &str, trouble: Trouble) {
        self.shared.troubles.lock().unwrap().push(Switched { on: on.to_owned(), trouble, once: true });
    }

    /// Lets everything go well again.
    pub fn recover(&self) {
        self.shared.troubles.lock().unwrap().clear();
    }

    /// Ends it, as when somebody stops the engine: its socket goes.
    pub fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
            let _ = std::fs::remove_file(&self.socket);
        }
    }
}

impl Drop for FakeEngine {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    /// The trouble of a request.
    fn trouble(&self, request: &str) -> Option<Trouble> {
        let mut troubles = self.troubles.lock().unwrap();
        let at = troubles.iter().position(|switched| request.starts_with(&switched.on))?;
        Some(if troubles[at].once { troubles.remove(at).trouble } else { troubles[at].trouble.clone() })
    }
}
