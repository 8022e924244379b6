//! A range query is nothing but an instant query at each step.

#[path = "against_prometheus/data.rs"]
mod data;
#[path = "against_prometheus/queries.rs"]
#[allow(dead_code, reason = "the differences to a certain version matter to the other test only")]
mod queries;

use std::collections::BTreeMap;

use labels::Labels;
use promql::{Engine, EngineOptions, MemoryStorage, ParseOptions, RangeQuery, Value, parse, stale_nan};

const MINUTE: i64 = 60_000;

/// The samples of all series at one step, by their bits: NaN is NaN.
type Step = BTreeMap<Labels, u64>;

fn storage() -> MemoryStorage {
    let mut storage = MemoryStorage::new();
    for (labels, samples) in data::series() {
        let last = samples.last().map(|&(time, _)| time);
        for (time, value) in samples {
            storage.insert(&labels, time, value);
        }
        // What a store does when a target goes away.
        if let Some(last) = last {
            storage.insert(&labels, last + 15_000, stale_nan());
        }
    }
    storage
}

fn bits(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

#[test]
fn each_step_of_a_range_query_is_an_instant_query() {
    let storage = storage();
    let from = data::START + 40 * MINUTE + 7_000;
    let range = RangeQuery { start_ms: from, end_ms: from + 90 * MINUTE, step_ms: 7 * MINUTE };
    let steps: Vec<i64> =
        (0..).map(|step| from + step * range.step_ms).take_while(|&at| at <= range.end_ms).collect();
    for delayed_name_removal in [false, true] {
        let engine = Engine::new(EngineOptions { delayed_name_removal, ..EngineOptions::default() });
        for query in queries::all() {
            // These mean something else for each of the instants.
            if query.contains("start()") || query.contains("end()") {
                continue;
            }
            let Ok(expr) = parse(&query, ParseOptions::default()) else { continue };
            let instants: Vec<Result<Step, String>> = steps
                .iter()
                .map(|&at| {
                    match engine.instant(&storage, &expr, at, &|| None).map_err(|e| e.to_string())?.value {
                        Value::Vector(samples) => Ok(samples
                            .into_iter()
                            .map(|sample| (sample.labels, bits(sample.point.value)))
                            .collect()),
                        Value::Scalar(point) => Ok(Step::from([(Labels::empty(), bits(point.value))])),
                        other => Err(format!("no vector: {other:?}")),
                    }
                })
                .collect();
            match engine.range(&storage, &expr, range, &|| None).map(|output| output.value) {
                Ok(Value::Matrix(series)) => {
                    let mut by_step = vec![Step::new(); steps.len()];
                    for series in series {
                        for point in series.points {
                            let step = (point.timestamp_ms - from) / range.step_ms;
                            by_step[step as usize].insert(series.labels.clone(), bits(point.value));
                        }
                    }
                    for ((at, instant), step) in steps.iter().zip(instants).zip(by_step) {
                        assert_eq!(instant.as_ref(), Ok(&step), "{query} at {at}");
                    }
                }
                // Some rules look at all steps together.
                Err(error) if error.to_string().ends_with("the same labelset") => {}
                other => assert!(instants.iter().any(Result::is_err), "{query}: {other:?}"),
            }
        }
    }
}
