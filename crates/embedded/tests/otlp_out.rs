//! A second sink gets what the store gets: the fleet sent by OTLP makes the same series as the fleet stored directly.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};

use catalogue::{Attribute, MetricDef, Point, Resource, Sink, prometheus};
use cluster_sim::{Manifests, SimulationOptions};
use embedded::{CollectorSettings, Environment, EnvironmentOptions, ScrapeSink};
use jiff::{SignedDuration, Timestamp};
use labels::{Labels, MatchOp, Matcher};
use otlp::{BATCH_POINTS, OtlpSink, Scrape};
use prometheus_server::otlp::OtlpIngester;
use prost::Message;
use tsdb::{Options, Store};

/// The text of each YAML file of a folder.
fn files(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(folder);
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn environment(start: Timestamp) -> Environment {
    let fragments: BTreeMap<String, String> = files("collector").into_iter().collect();
    let fragments = CollectorSettings::FILES.map(|name| (name.to_owned(), fragments[name].clone()));
    let options = EnvironmentOptions {
        fleet: SimulationOptions { nodes: 10, pods: 60, seed: 1 },
        clusters: vec!["one".to_owned(), "two".to_owned()],
        collector: CollectorSettings::parse(&fragments).unwrap(),
        interval: SignedDuration::from_secs(15),
        store: Options::default(),
    };
    Environment::new(&Manifests::parse(&files("kwok")).unwrap(), &options, start).unwrap()
}

/// Keeps the scrapes.
#[derive(Default)]
struct Outlet {
    sink: OtlpSink,
    scrapes: Arc<Mutex<Vec<Scrape>>>,
}

impl Sink for Outlet {
    fn record(
        &mut self,
        resource: &Resource,
        metric: &'static MetricDef,
        attributes: &[Attribute<'_>],
        point: Point,
    ) {
        self.sink.record(resource, metric, attributes, point);
    }
}

impl ScrapeSink for Outlet {
    fn scraped(&mut self) {
        self.scrapes.lock().unwrap().push(self.sink.take());
    }
}

/// Series and samples, values by their bits.
fn contents(store: &Store) -> BTreeMap<Labels, Vec<(i64, u64)>> {
    let mut contents = BTreeMap::new();
    let all = [Matcher::new("__name__", MatchOp::NotEqual, "").unwrap()];
    store.select(&all, i64::MIN, i64::MAX, &mut |series| {
        let values = series.values.iter().map(|value| value.to_bits());
        contents.insert(series.labels.clone(), series.timestamps.iter().copied().zip(values).collect());
        ControlFlow::Continue(())
    });
    contents
}

#[test]
fn the_fleet_by_otlp_makes_the_series_of_the_fleet_in_the_store() {
    let start: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    let end = start + SignedDuration::from_mins(2);
    let mut environment = environment(start);
    let scrapes = Arc::default();
    environment.also_send_to(Box::new(Outlet { scrapes: Arc::clone(&scrapes), ..Outlet::default() }));
    let made = environment.advance(end).unwrap();

    let by_otlp = Arc::new(Store::new(Options::default()));
    let ingester = OtlpIngester::new(Arc::clone(&by_otlp), prometheus::promoted());
    let scrapes = std::mem::take(&mut *scrapes.lock().unwrap());
    assert_eq!(scrapes.len() as u64, made.rounds);
    assert_eq!(scrapes.iter().map(|scrape| scrape.len() as u64).sum::<u64>(), made.samples);
    for request in scrapes.into_iter().flat_map(|scrape| scrape.into_requests(BATCH_POINTS)) {
        ingester.ingest_protobuf(request.encode_to_vec().into(), end.as_millisecond()).unwrap();
    }

    let (directly, by_otlp) = (contents(environment.store()), contents(&by_otlp));
    assert!(directly.len() > 5_000, "{} series", directly.len());
    let differing = directly.iter().find(|(labels, samples)| by_otlp.get(labels) != Some(samples));
    assert_eq!(differing, None);
    assert_eq!(directly.len(), by_otlp.len());
}

#[test]
fn a_sink_that_comes_later_gets_nothing_of_what_was() {
    let start: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    let mut environment = environment(start);
    environment.advance(start).unwrap();
    let scrapes = Arc::default();
    environment.also_send_to(Box::new(Outlet { scrapes: Arc::clone(&scrapes), ..Outlet::default() }));
    environment.advance(start).unwrap();
    assert_eq!(scrapes.lock().unwrap().len(), 0);
    environment.advance(start + SignedDuration::from_secs(15)).unwrap();
    assert_eq!(scrapes.lock().unwrap().len(), 1);
}
