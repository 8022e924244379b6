//! The preview on a port of this machine, over a small environment and a copy of the dashboards' sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use cluster_sim::{Manifests, SimulationOptions};
use dashboard_view::InMemory;
use embedded::{CollectorSettings, Environment, EnvironmentOptions};
use grafana::dashboards::Dashboards;
use grafana::jsonnet::{Evaluator, Roots};
use grafana::model;
use jiff::{SignedDuration, Timestamp};
use preview::{Options, Preview, Shelf, Shelved, router};
use prometheus_server::QueryService;

use crate::hostile;
use crate::watch::Watched;

/// The present, which stands still.
pub(crate) const NOW_MS: i64 = 1_780_315_200_000;

/// The mixin with one more dashboard, as somebody adds one who imports ours.
const MIXIN: &str = "with-hostile.libsonnet";

/// A served preview. Ends with the runtime; its folder is removed when it is dropped.
pub(crate) struct Site {
    port: u16,
    folder: Folder,
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Site {
    /// Serves it.
    pub(crate) async fn start() -> Self {
        let folder = Folder(std::env::temp_dir().join(format!("browser-tests-{}", std::process::id())));
        copy(&root().join("dashboards"), &folder.0);
        hostile::write_dashboard(&folder.0, MIXIN);
        let shelf = Arc::new(Shelf::new(1));
        let (ours, sources) = (Arc::clone(&shelf), folder.0.clone());
        std::thread::spawn(move || follow(&ours, &sources));
        let began = Instant::now();
        let options = Options::new(Arc::new(|| NOW_MS), Arc::new(move || began.elapsed()));
        let preview = Preview::new(shelf, Arc::new(InMemory::new(queries())), options);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router(preview)).await });
        Self { port, folder }
    }

    /// Its address, without a slash at the end.
    pub(crate) fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A source that can be changed.
    pub(crate) fn source(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    /// The uids of the dashboards that are shipped.
    pub(crate) fn shipped(&self) -> Vec<String> {
        let files = fs::read_dir(root().join("dashboards/generated")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut uids: Vec<String> =
            names.filter_map(|name| Some(name.strip_suffix(".json")?.to_owned())).collect();
        uids.sort();
        uids
    }
}

/// The workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if target.extension().is_some_and(|extension| extension == "libsonnet") {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Builds the dashboards whenever a source was saved, until the process ends or the folder is removed.
fn follow(shelf: &Shelf, folder: &Path) {
    let evaluator = Evaluator::new(Roots::new(folder, std::iter::empty::<PathBuf>()).unwrap());
    let mut watched = Watched::default();
    while folder.exists() {
        let (before, began) = (watched.now(), SystemTime::now());
        let (built, sources) = build(&evaluator);
        shelf.replace(built);
        watched = Watched::after(&before, &sources, began);
        watched.wait();
    }
}

fn build(evaluator: &Evaluator) -> (Result<Vec<Shelved>, String>, BTreeSet<PathBuf>) {
    let built = Dashboards::from_mixin(evaluator, Path::new(MIXIN));
    let shelve = |value| {
        let dashboard = model::parse(value).unwrap().dashboard;
        Shelved { uid: dashboard.uid.clone().unwrap(), folder: "Kubernetes".to_owned(), dashboard }
    };
    let shelved = match built.result {
        Ok(dashboards) => Ok(dashboards.iter().map(|(_, value)| shelve(value)).collect()),
        Err(problems) => Err(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    };
    (shelved, built.files)
}

/// An hour of a small cluster, and the hostile series.
fn queries() -> QueryService {
    let mut manifests: Vec<(String, String)> = fs::read_dir(root().join("deploy/kwok"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap()))
        .collect();
    manifests.sort();
    let collector = CollectorSettings::FILES.map(|name| {
        (name.to_owned(), fs::read_to_string(root().join("deploy/collector").join(name)).unwrap())
    });
    let options = EnvironmentOptions {
        fleet: SimulationOptions { nodes: 50, pods: 200, seed: 1 },
        clusters: vec!["kwok".to_owned()],
        collector: CollectorSettings::parse(&collector).unwrap(),
        interval: SignedDuration::from_secs(30),
        // The hostile series come afterwards.
        store: tsdb::Options {
            lag_window_ms: i64::try_from(Duration::from_secs(2 * 3_600).as_millis()).unwrap(),
            ..tsdb::Options::default()
        },
    };
    let now = Timestamp::from_millisecond(NOW_MS).unwrap();
    let start = now - SignedDuration::from_mins(65);
    let mut environment = Environment::new(&Manifests::parse(&manifests).unwrap(), &options, start).unwrap();
    environment.advance(now).unwrap();
    hostile::write_series(environment.store());
    QueryService::new(
        Arc::clone(environment.store()),
        promql::EngineOptions::default(),
        promql::ParseOptions::default(),
    )
}
