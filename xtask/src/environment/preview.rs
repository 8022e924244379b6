//! The preview's dashboards: those of the repository, built anew whenever one of their sources is saved.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use anyhow::Context as _;
use dashboard_view::InMemory;
use grafana::dashboards::{Dashboards, Problem};
use grafana::jsonnet::{Evaluator, Roots};
use grafana::model;
use jiff::Timestamp;
use preview::{Options, Preview, Shelf, Shelved};
use prometheus_server::QueryService;

use crate::commands::dashboards::Watched;
use crate::environment::{SimulationClock, time_of_day};
use crate::ui::{Steps, flaw_in, jsonnet_error};

/// The file that has all dashboards.
const MIXIN: &str = "mixin.libsonnet";

/// The preview over an environment's metrics; `page` is where the environment itself is shown.
pub(crate) fn preview(
    shelf: Arc<Shelf>,
    queries: QueryService,
    clock: SimulationClock,
    page: &str,
) -> Preview {
    let began = Instant::now();
    let now_ms = Arc::new(move || clock.now().as_millisecond());
    let options = Options {
        places: vec![("Environment".to_owned(), page.to_owned())],
        ..Options::new(now_ms, Arc::new(move || began.elapsed()))
    };
    Preview::new(shelf, Arc::new(InMemory::new(queries)), options)
}

/// Puts the dashboards of the folder `dashboards` of the workspace on a shelf, and follows their sources in a thread
/// that ends with the process.
pub(crate) fn follow_sources(workspace: &Path) -> anyhow::Result<Arc<Shelf>> {
    // Pages that an earlier process drew are to notice that this is another one.
    let first = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
    let shelf = Arc::new(Shelf::new(first));
    let (ours, workspace) = (Arc::clone(&shelf), workspace.to_owned());
    std::thread::Builder::new()
        .name("dashboards".to_owned())
        .spawn(move || follow(&ours, &workspace))
        .context("failed to start the thread that builds the dashboards")?;
    Ok(shelf)
}

fn follow(shelf: &Shelf, workspace: &Path) {
    let evaluator = match Roots::new(workspace.join("dashboards"), std::iter::empty::<PathBuf>()) {
        Ok(roots) => Evaluator::new(roots),
        Err(error) => return shelf.replace(Err(error.to_string())),
    };
    let mut watched = Watched::default();
    let mut was_broken = false;
    loop {
        let before = watched.now();
        let began = SystemTime::now();
        let mut sources = BTreeSet::new();
        let built = build(&evaluator, workspace, &mut sources);
        tell(&built, &mut was_broken);
        shelf.replace(built);
        watched = Watched::after(&before, &sources, began);
        watched.wait();
    }
}

/// Says in the terminal what the pages show in full.
fn tell(built: &Result<Vec<Shelved>, String>, was_broken: &mut bool) {
    let time = time_of_day(Timestamp::now());
    match built {
        Err(error) => {
            let first: Vec<&str> = error.lines().take(2).map(str::trim).collect();
            let note = format!("{time} the preview keeps the last good dashboards: {}", first.join(" "));
            Steps::new().note(note);
        }
        Ok(_) if *was_broken => Steps::new().note(format!("{time} the dashboards build again")),
        Ok(_) => {}
    }
    *was_broken = built.is_err();
}

/// The dashboards as the sources are now, or everything that is wrong with them, with its places.
fn build(
    evaluator: &Evaluator,
    workspace: &Path,
    sources: &mut BTreeSet<PathBuf>,
) -> Result<Vec<Shelved>, String> {
    let built = Dashboards::from_mixin(evaluator, Path::new(MIXIN));
    *sources = built.files;
    let flaw = |flaw: &str| flaw_in(&format!("dashboards/{MIXIN}"), flaw);
    let dashboards = built.result.map_err(|problems| {
        let told = problems.iter().map(|problem| match problem {
            Problem::Jsonnet(error) => jsonnet_error(error, workspace),
            other => flaw(&other.to_string()),
        });
        told.collect::<Vec<String>>().join("\n")
    })?;
    let folder = folder(evaluator);
    let mut shelved = Vec::with_capacity(dashboards.len());
    for (file, value) in dashboards.iter() {
        let parsed = model::parse(value).map_err(|error| flaw(&format!("{file}: {error}")))?;
        let dashboard = parsed.dashboard;
        shelved.push(Shelved {
            uid: dashboard.uid.clone().unwrap_or_else(|| file.to_owned()),
            folder: folder.clone(),
            dashboard,
        });
    }
    Ok(shelved)
}

/// The folder that the mixin wants to be in.
fn folder(evaluator: &Evaluator) -> String {
    let setting = format!("(import '{MIXIN}')._config.folder");
    let outcome = evaluator.evaluate_snippet("<folder>", &setting);
    let folder = outcome.result.ok().and_then(|folder| folder.as_str().map(str::to_owned));
    folder.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    fn evaluator(folder: &Path) -> Evaluator {
        Evaluator::new(Roots::new(folder, std::iter::empty::<PathBuf>()).unwrap())
    }

    #[test]
    fn the_shipped_dashboards_come_on_the_shelf_with_their_folder() {
        let workspace = workspace();
        let mut sources = BTreeSet::new();
        let built = build(&evaluator(&workspace.join("dashboards")), &workspace, &mut sources).unwrap();
        assert!(built.len() >= 16, "{}", built.len());
        let cluster = built.iter().find(|shelved| shelved.uid == "k8s-otel-cluster").unwrap();
        assert_eq!(cluster.folder, "Kubernetes (OpenTelemetry)");
        assert!(sources.len() > 20, "{sources:?}");
    }

    #[test]
    fn an_error_names_its_place_and_the_file_is_watched_all_the_same() {
        let name = format!("kubernetes-mixin-otel-preview-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(MIXIN), "{\n  grafanaDashboards+:: { a: nothing },\n}\n").unwrap();
        let mut sources = BTreeSet::new();
        let built = build(&evaluator(&folder), &folder, &mut sources);
        std::fs::remove_dir_all(&folder).unwrap();
        let error = built.unwrap_err();
        assert!(error.contains("mixin.libsonnet:2:") && error.contains("^^^^^^^"), "{error}");
        assert_eq!(sources.len(), 1);
    }
}
