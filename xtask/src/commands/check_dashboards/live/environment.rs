//! The environment in memory that the dashboards are judged on: made anew at a fixed instant, so that two runs find the
//! same.

use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::Context as _;
use dashboard_view::InMemory;
use jiff::{SignedDuration, Timestamp};
use labels::Labels;
use prometheus_server::QueryService;
use tsdb::Store;

use crate::context::Context;
use crate::environment::{EmbeddedOptions, SimulationClock, build_embedded};

/// The present of the environment.
pub(super) const NOW: &str = "2026-06-01T12:00:00Z";

/// What there is to be seen.
pub(super) const HISTORY: SignedDuration = SignedDuration::from_mins(30);

/// Two clusters, whose nodes and namespaces have the same names: a join without the cluster's label finds two partners.
const CLUSTERS: usize = 2;
const NODES: usize = 25;
const PODS: usize = 120;

/// What tells a second collector's series apart.
const COLLECTOR: (&str, &str) = ("service_instance_id", "second-collector");

/// The environment's present.
pub(super) fn now() -> anyhow::Result<Timestamp> {
    NOW.parse().context("the environment's present is no instant")
}

/// Makes an environment, so many times as large as usual.
pub(super) fn build(context: &Context, scale: usize) -> anyhow::Result<Arc<Store>> {
    let options = EmbeddedOptions {
        nodes: NODES.saturating_mul(scale),
        pods: PODS.saturating_mul(scale),
        clusters: CLUSTERS,
        backfill: HISTORY,
        interval: SignedDuration::from_secs(30),
        clock: SimulationClock::starting_at(Some(now()?)),
        ..EmbeddedOptions::default()
    };
    Ok(Arc::clone(build_embedded(context, &options)?.store()))
}

/// Answers from a store.
pub(super) fn metrics(store: Arc<Store>) -> InMemory {
    InMemory::new(QueryService::new(store, promql::EngineOptions::default(), promql::ParseOptions::default()))
}

/// Everything in a store a second time, as another collector sends it.
pub(super) fn with_second_collector(store: &Store) -> anyhow::Result<Arc<Store>> {
    let both = Store::new(tsdb::Options::default());
    let mut refused = None;
    store.select(&[], i64::MIN, i64::MAX, &mut |series| {
        let (name, value) = COLLECTOR;
        let mut second = series.labels.to_builder();
        second.set(name, value);
        let copied = copy(&both, series.labels, &series).and_then(|()| copy(&both, &second.build(), &series));
        match copied {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                refused = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    refused.map_or(Ok(Arc::new(both)), Err)
}

fn copy(store: &Store, labels: &Labels, series: &tsdb::SeriesView<'_>) -> anyhow::Result<()> {
    let mut writer = store.writer();
    let id = writer.intern(labels)?;
    for (time, value) in series.timestamps.iter().zip(series.values) {
        writer.append(id, *time, *value)?;
    }
    Ok(())
}
