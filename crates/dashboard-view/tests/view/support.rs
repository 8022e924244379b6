//! Metrics that are made up and remember what they were asked, and the shipped environment.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster_sim::{Manifests, SimulationOptions};
use dashboard_view::{
    DataSource, ErrorKind, InMemory, Interrupt, Metrics, MetricsError, QueryAnswer, Selection, Source,
    StepRange, never,
};
use embedded::{CollectorSettings, Environment, EnvironmentOptions};
use grafana::model::{self, Dashboard};
use grafana::prometheus::Series;
use jiff::{SignedDuration, Timestamp};
use prometheus_server::QueryService;

/// The present of all tests.
pub(crate) const NOW_MS: i64 = 1_780_315_200_000;

/// Answers every query with one series, lists labels from a table, fails where it is told to.
#[derive(Default)]
pub(crate) struct MadeUp {
    /// The values of labels, by selector and label.
    pub(crate) labels: BTreeMap<(&'static str, &'static str), Vec<&'static str>>,
    /// What was asked, sorted.
    asked: Mutex<Vec<String>>,
}

impl MadeUp {
    pub(crate) fn with_labels(list: &[(&'static str, &'static str, &[&'static str])]) -> Self {
        let labels =
            list.iter().map(|(selector, label, values)| ((*selector, *label), values.to_vec())).collect();
        Self { labels, ..Self::default() }
    }

    /// Everything that was asked until now, sorted.
    pub(crate) fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort();
        asked
    }

    fn remember(&self, what: String) {
        self.asked.lock().unwrap().push(what);
    }
}

impl Metrics for MadeUp {
    fn instant(
        &self,
        query: &str,
        at_ms: i64,
        _interrupt: Interrupt<'_>,
    ) -> Result<QueryAnswer, MetricsError> {
        self.remember(format!("instant {query} at {}", at_ms - NOW_MS));
        if query == "broken" {
            let error = MetricsError::new(ErrorKind::Execution, "it is broken");
            return Err(MetricsError { hint: Some("mend it".to_owned()), ..error });
        }
        let labels = BTreeMap::from([("pod".to_owned(), "a".to_owned())]);
        let points = if query == "nothing" { vec![] } else { vec![(at_ms, 7.0)] };
        Ok(QueryAnswer {
            series: if points.is_empty() { vec![] } else { vec![Series { labels, points }] },
            remarks: Vec::new(),
            samples_read: Some(3),
        })
    }

    fn range(
        &self,
        query: &str,
        range: StepRange,
        _interrupt: Interrupt<'_>,
    ) -> Result<QueryAnswer, MetricsError> {
        let StepRange { start_ms, end_ms, step_ms } = range;
        self.remember(format!("range {query} {} to {} by {step_ms}", start_ms - NOW_MS, end_ms - NOW_MS));
        let times = (start_ms..=end_ms).step_by(usize::try_from(step_ms).unwrap());
        let points = times.map(|time| (time, 1.0)).collect();
        let labels = BTreeMap::from([("pod".to_owned(), "a".to_owned())]);
        Ok(QueryAnswer { series: vec![Series { labels, points }], ..QueryAnswer::default() })
    }

    fn label_values(
        &self,
        label: &str,
        selection: &Selection,
        _interrupt: Interrupt<'_>,
    ) -> Result<Vec<String>, MetricsError> {
        let selector = selection.selectors.first().map_or("", String::as_str);
        self.remember(format!("values of {label} on {selector}"));
        let found = self.labels.iter().find(|((s, l), _)| *s == selector && *l == label);
        Ok(found.map(|(_, values)| values.iter().map(ToString::to_string).collect()).unwrap_or_default())
    }

    fn label_names(
        &self,
        _selection: &Selection,
        _interrupt: Interrupt<'_>,
    ) -> Result<Vec<String>, MetricsError> {
        Ok(vec!["namespace".to_owned(), "pod".to_owned()])
    }

    fn series(
        &self,
        _selection: &Selection,
        _interrupt: Interrupt<'_>,
    ) -> Result<Vec<BTreeMap<String, String>>, MetricsError> {
        Ok(vec![BTreeMap::from([
            ("__name__".to_owned(), "up".to_owned()),
            ("pod".to_owned(), "a".to_owned()),
        ])])
    }
}

/// A source with a stopwatch that stands still.
pub(crate) fn source<'a>(metrics: &'a dyn Metrics, data_sources: &'a [DataSource]) -> Source<'a> {
    Source {
        metrics,
        data_sources,
        scrape_interval: "60s",
        elapsed: &|| Duration::ZERO,
        interrupt: &never,
        workers: NonZeroUsize::new(2).unwrap(),
    }
}

pub(crate) fn data_source(name: &str, uid: &str, kind: &str) -> DataSource {
    DataSource { name: name.to_owned(), uid: uid.to_owned(), kind: kind.to_owned() }
}

pub(crate) fn dashboard(value: &serde_json::Value) -> Dashboard {
    model::parse(value).unwrap().dashboard
}

/// The dashboards that we ship, by file.
pub(crate) fn generated() -> Vec<(String, Dashboard)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboards/generated");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let read = |file: &std::path::PathBuf| {
        let parsed = model::parse_text(&std::fs::read_to_string(file).unwrap()).unwrap();
        (file.file_name().unwrap().to_string_lossy().into_owned(), parsed.dashboard)
    };
    files.iter().map(read).collect()
}

/// The default environment with an hour and a quarter of history up to [`NOW_MS`].
pub(crate) fn environment() -> InMemory {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files: Vec<(String, String)> = std::fs::read_dir(root.join("deploy/kwok"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    let collector = CollectorSettings::FILES.map(|name| {
        (name.to_owned(), std::fs::read_to_string(root.join("deploy/collector").join(name)).unwrap())
    });
    let options = EnvironmentOptions {
        fleet: SimulationOptions { nodes: 50, pods: 200, seed: 1 },
        clusters: vec!["kwok".to_owned()],
        collector: CollectorSettings::parse(&collector).unwrap(),
        interval: SignedDuration::from_secs(15),
        store: tsdb::Options::default(),
    };
    let now = Timestamp::from_millisecond(NOW_MS).unwrap();
    let start = now - SignedDuration::from_mins(65);
    let mut environment = Environment::new(&Manifests::parse(&files).unwrap(), &options, start).unwrap();
    environment.advance(now).unwrap();
    InMemory::new(QueryService::new(
        Arc::clone(environment.store()),
        promql::EngineOptions::default(),
        promql::ParseOptions::default(),
    ))
}
