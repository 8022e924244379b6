//! The shipped fleet in an environment, and questions to it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use cluster_sim::{Manifests, SimulationOptions};
use embedded::{CollectorSettings, Environment, EnvironmentOptions, Snapshot};
use jiff::{SignedDuration, Timestamp};
use labels::{Labels, Matcher};
use prometheus_server::{QueryService, never};
use promql::{EngineOptions, ParseOptions, Value};

pub(crate) const INTERVAL: SignedDuration = SignedDuration::from_secs(15);

pub(crate) fn manifests() -> Manifests {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/kwok");
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    Manifests::parse(&files).unwrap()
}

/// What `deploy/collector/` says.
pub(crate) fn collector() -> CollectorSettings {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/collector");
    let files = CollectorSettings::FILES.map(|name| {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        (name.to_owned(), text)
    });
    CollectorSettings::parse(&files).unwrap()
}

pub(crate) fn options(nodes: usize, pods: usize) -> EnvironmentOptions {
    EnvironmentOptions {
        fleet: SimulationOptions { nodes, pods, seed: 1 },
        clusters: vec!["kwok".to_owned()],
        collector: collector(),
        interval: INTERVAL,
        store: tsdb::Options::default(),
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An environment with history from `start` to `end`.
pub(crate) fn environment(size: (usize, usize), start: &str, end: &str) -> Environment {
    let mut environment = Environment::new(&manifests(), &options(size.0, size.1), at(start)).unwrap();
    let scrapes = environment.advance(at(end)).unwrap();
    assert_eq!(scrapes.refused, 0, "the store refused samples");
    environment
}

pub(crate) fn snapshot(environment: &Environment) -> Arc<Snapshot> {
    environment.clusters().next().unwrap().latest()
}

pub(crate) fn queries(environment: &Environment) -> QueryService {
    QueryService::new(Arc::clone(environment.store()), EngineOptions::default(), ParseOptions::default())
}

pub(crate) fn instant(environment: &Environment, query: &str, time: &str) -> Vec<(Labels, f64)> {
    match queries(environment).instant(query, at(time).as_millisecond(), &never).unwrap().value {
        Value::Vector(samples) => samples.into_iter().map(|s| (s.labels, s.point.value)).collect(),
        other => panic!("{query}: {other:?}"),
    }
}

pub(crate) fn single(environment: &Environment, query: &str, time: &str) -> f64 {
    let answer = instant(environment, query, time);
    assert_eq!(answer.len(), 1, "{query}: {answer:?}");
    answer[0].1
}

/// All samples between two instants, by series.
pub(crate) fn samples(
    environment: &Environment,
    start: &str,
    end: &str,
) -> BTreeMap<Labels, Vec<(i64, u64)>> {
    let mut all = BTreeMap::new();
    let everything = [Matcher::new("__name__", labels::MatchOp::Regex, ".+").unwrap()];
    environment.store().select(
        &everything,
        at(start).as_millisecond(),
        at(end).as_millisecond(),
        &mut |series| {
            let samples = series.timestamps.iter().zip(series.values).map(|(t, v)| (*t, v.to_bits()));
            all.insert(series.labels.clone(), samples.collect());
            ControlFlow::Continue(())
        },
    );
    all
}
