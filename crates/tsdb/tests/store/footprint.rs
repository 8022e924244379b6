//! What a fleet costs.

use tsdb::{Options, Store};

#[path = "../../fixtures/fleet.rs"]
mod fleet;

/// The store's part of a simulated cluster of 5 nodes and 20 pods after 6 hours.
#[test]
fn a_fleet_costs_less_than_two_bytes_a_sample_and_300_bytes_a_series() {
    let series = fleet::fleet(5, 20);
    let store = Store::new(Options::default());
    let ids: Vec<_> = series.iter().map(|series| store.intern(&series.labels).unwrap()).collect();
    for tick in 0..1440 {
        let mut writer = store.writer();
        for (id, series) in ids.iter().zip(&series) {
            writer.append(*id, fleet::START_MS + tick as i64 * fleet::STEP_MS, series.value(tick)).unwrap();
        }
    }
    let stats = store.stats();
    let memory = stats.memory;
    assert_eq!(stats.samples, 1440 * series.len());
    let per_sample = memory.chunks as f64 / stats.samples as f64;
    assert!(per_sample < 1.5, "{per_sample:.2} bytes a sample: {memory:?}");
    let per_series = (memory.total() - memory.chunks) / series.len();
    assert!(per_series < 300, "{per_series} bytes a series: {memory:?}");
}
