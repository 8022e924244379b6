//! An engine for tests: a socket with the answers of a real one.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// Listens on a socket of its own until the test ends.
pub struct FakeEngine {
    /// Its socket.
    pub socket: PathBuf,
    requests: Arc<Mutex<Vec<String>>>,
}

/// What it answers on each path, with the status.
pub type Answers = BTreeMap<&'static str, (u16, Value)>;

/// The answers of a Docker Engine 28 with these images.
pub fn docker(images: Value) -> Answers {
    BTreeMap::from([
        ("/_ping", (200, json!("OK"))),
        (
            "/version",
            (
                200,
                json!({"Version": "28.2.2", "ApiVersion": "1.50", "MinAPIVersion": "1.24", "Os": "linux",
                "Platform": {"Name": "Docker Engine - Community"}, "Components": [{"Name": "Engine"}]}),
            ),
        ),
        (
            "/info",
            (
                200,
                json!({"OperatingSystem": "Debian GNU/Linux 12", "OSType": "linux", "MemTotal": 16_000_000_000_u64,
                "CgroupVersion": "2", "DockerRootDir": "/var/lib/docker", "SystemTime": "2026-11-23T12:00:00.5Z",
                "SecurityOptions": ["name=seccomp,profile=builtin"]}),
            ),
        ),
        ("/images/json", (200, images)),
        ("/containers/json?all=true", (200, json!([]))),
        ("/networks", (200, json!([{"Name": "bridge"}]))),
    ])
}

impl FakeEngine {
    /// Starts one.
    pub fn start(name: &str, answers: Answers) -> Self {
        Self::start_with(name, move |path, stream| {
            let (status, body) = match answers.get(path) {
                Some((status, body)) => (*status, body.to_string()),
                None => (404, json!({"message": "page not found"}).to_string()),
            };
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            // A client that has gone is none of the engine's business.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        })
    }

    /// Starts one that does with a connection what `answer` does.
    pub fn start_with(name: &str, answer: impl Fn(&str, &mut UnixStream) + Send + Sync + 'static) -> Self {
        // Paths of sockets are short everywhere.
        let socket = std::env::temp_dir().join(format!("kmo-{}-{name}.sock", std::process::id()));
        let _ = std::fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, seen, answer) = (stream.unwrap(), Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                    let Some(line) = lines.next() else { return };
                    let _headers = lines.take_while(|line| !line.is_empty()).count();
                    seen.lock().unwrap().push(line.clone());
                    answer(line.split(' ').nth(1).unwrap_or_default(), &mut stream);
                });
            }
        });
        Self { socket, requests }
    }

    /// What `DOCKER_HOST` has to be for it.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// What it was asked.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for FakeEngine {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.socket);
    }
}
