//! The engine that the test works with: the user's, or one of our own that ends with the test.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use environments::engine::Engine;
use tools::Os;
use tools::engine::{ANSWER_DEADLINE, Address, Candidate, Surroundings, find};

/// An engine begins to answer after 2 s.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// It ends its containers first.
const END_DEADLINE: Duration = Duration::from_secs(20);

/// An engine of our own.
pub(crate) struct Dockerd {
    process: Child,
    folder: PathBuf,
}

/// An engine that answers, or why there is none. Root starts one where Docker is installed and does not run.
pub(crate) async fn engine() -> Result<(Candidate, Option<Dockerd>), String> {
    let absent = match find(&Surroundings::of_user(), Os::current(), ANSWER_DEADLINE).await {
        Ok(engine) => return Ok((engine.candidate, None)),
        Err(error) => error.to_string(),
    };
    // The owner of what every process sees of itself.
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !root {
        return Err(format!("{absent}, and only root starts one"));
    }
    let dockerd =
        Dockerd::start().map_err(|reason| format!("{absent}, and none could be started: {reason}"))?;
    let candidate = Candidate { address: Address::Unix(dockerd.socket()), named_by: "the test".to_owned() };
    let started = Instant::now();
    let engine = loop {
        match Engine::connect(&candidate) {
            Ok(engine) if engine.has_image("none:none").await.is_ok() => break engine,
            _ if started.elapsed() > START_DEADLINE => {
                return Err(format!("{absent}, and dockerd did not answer in time:\n{}", dockerd.log()));
            }
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    };
    drop(engine);
    Ok((candidate, Some(dockerd)))
}

impl Dockerd {
    fn start() -> Result<Self, String> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("kmo-dockerd-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let log = std::fs::File::create(folder.join("log")).map_err(|error| error.to_string())?;
        let at = |name: &str| folder.join(name).display().to_string();
        let process = Command::new("dockerd")
            .args(["--host", &format!("unix://{}", at("docker.sock"))])
            .args(["--data-root", &at("data"), "--exec-root", &at("exec"), "--pidfile", &at("pid")])
            // The test makes its own networks; the usual bridge may be that of another engine.
            .args(["--bridge", "none"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(|error| error.to_string())?)
            .stderr(log)
            .spawn()
            .map_err(|error| format!("dockerd: {error}"))?;
        Ok(Self { process, folder })
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("docker.sock")
    }

    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let told = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) && told.elapsed() < END_DEADLINE {
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
