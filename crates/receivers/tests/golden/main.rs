//! The receivers against what a real collector and a real Prometheus made of the same objects and summaries, where that
//! record is at hand.
//!
//! Names, units, types, attributes, resource attributes, values to the last bit, start timestamps and times are
//! compared; no difference is known. One is not seen: the collector sends `k8s.service.publish_not_ready_addresses` as a
//! boolean, ours as text.
//!
//! Of host_metrics the record has no numbers, but everything else: names, units, types, attributes and their values.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it compared and stops at what it cannot read"
)]

mod compare;
mod export;
mod host;
mod otlp;
mod record;
mod replay;
#[path = "../shared/mod.rs"]
mod shared;

use self::compare::assert_equal;
use self::replay::{Golden, Mode};

#[test]
fn kubelet_stats_sends_what_the_collector_sent() {
    for mode in [Mode::Default, Mode::All] {
        let Some(golden) = Golden::read(mode) else { return };
        let what = format!("kubelet_stats, {mode:?}: points");
        assert_equal(&what, &golden.kubelet_points(), &golden.scrape().points);
    }
}

#[test]
fn k8s_cluster_sends_what_the_collector_sent() {
    for mode in [Mode::Default, Mode::All] {
        let Some(golden) = Golden::read(mode) else { return };
        let what = format!("k8s_cluster, {mode:?}: points");
        assert_equal(&what, &golden.cluster_points(), &golden.collect().points);
    }
}

#[test]
fn prometheus_would_store_the_series_that_it_stored() {
    for mode in [Mode::Default, Mode::All] {
        let Some(golden) = Golden::read(mode) else { return };
        let mut found = golden.scrape().series;
        found.extend(golden.collect().series);
        let what = format!("both, {mode:?}: series");
        assert_equal(&what, &golden.series(), &found);
    }
}

#[test]
fn the_messages_are_those_of_the_collector() {
    for mode in [Mode::Default, Mode::All] {
        let Some(golden) = Golden::read(mode) else { return };
        let (real, ours) = (export::real(&golden), export::ours(&golden));
        assert_equal(&format!("both, {mode:?}: points in messages"), &real.points, &ours.points);
        assert_equal(&format!("both, {mode:?}: metrics in messages"), &real.metrics, &ours.metrics);
        assert_eq!(real.resources, ours.resources, "messages about a resource");
    }
}

#[test]
fn host_metrics_sends_what_the_collector_sent() {
    for mode in [Mode::Default, Mode::All] {
        let Some(golden) = Golden::read(mode) else { return };
        let what = format!("host_metrics, {mode:?}: metrics");
        assert_equal(&what, &golden.host_shapes(), &host::shapes(mode));
    }
}
