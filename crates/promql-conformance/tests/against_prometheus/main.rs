//! The same samples and queries in a real Prometheus and here must give the same answers.
//!
//! Needs `prometheus` and `promtool` on the PATH; where they are missing, the test says so and passes.

mod data;
mod queries;
mod server;

use std::collections::BTreeMap;

use promql::{Engine, MemoryStorage, ParseOptions, RangeQuery, Value, parse};
use serde_json::Value as Json;

use server::Server;

/// The relative difference that rounding may make.
const TOLERANCE: f64 = 1e-8;

/// When queries are evaluated, in milliseconds: seconds behind a minute, so that no step of a subquery falls on the left
/// edge of a window, which belonged to the window until Prometheus 3.
const INSTANTS: [i64; 2] = [data::START + 47 * 60_000 + 7_000, data::START + 101 * 60_000 + 37_000];
const RANGE: RangeQuery = RangeQuery {
    start_ms: data::START + 20 * 60_000 + 7_000,
    end_ms: data::START + 125 * 60_000 + 7_000,
    step_ms: 90_000,
};

/// Labels and samples.
type Series = (BTreeMap<String, String>, Vec<(i64, f64)>);

/// An answer: series with their samples, or that there is none.
#[derive(Debug, PartialEq)]
enum Answer {
    Series(Vec<Series>),
    Error,
}

#[test]
fn prometheus_gives_the_same_answers() {
    let Some(server) = Server::start(&data::series()) else {
        println!("skipped: prometheus and promtool are not on the PATH");
        return;
    };
    let mut storage = MemoryStorage::new();
    for (labels, samples) in data::series() {
        for (time, value) in samples {
            storage.insert(&labels, time, value);
        }
    }
    let queries = queries::all();
    assert!(queries.len() >= 300, "{} queries", queries.len());
    let mut differences = Vec::new();
    let (mut compared, mut empty, mut errors) = (0, 0, 0);
    for query in &queries {
        let ordered = query.starts_with("sort");
        for (mode, theirs, ours) in both(&server, &storage, query) {
            compared += 1;
            match &theirs {
                Answer::Error => errors += 1,
                Answer::Series(series) if series.is_empty() => empty += 1,
                Answer::Series(_) => {}
            }
            if let Err(difference) = same(theirs, ours, ordered && mode != "range") {
                differences.push(format!("{mode} {query}\n    {difference}"));
            }
        }
    }
    println!("{compared} answers compared: {empty} empty, {errors} errors, {} differ", differences.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(empty + errors < compared / 4, "most queries should find something");
}

#[test]
fn the_known_differences_to_prometheus_2_are_still_there() {
    let Some(server) = Server::start(&data::series()) else {
        println!("skipped: prometheus and promtool are not on the PATH");
        return;
    };
    if !server.version().starts_with("2.") {
        println!("skipped: this is Prometheus {}", server.version());
        return;
    }
    let mut storage = MemoryStorage::new();
    for (labels, samples) in data::series() {
        for (time, value) in samples {
            storage.insert(&labels, time, value);
        }
    }
    for (query, reason) in queries::DIFFERENCES {
        let differs =
            both(&server, &storage, query).any(|(_, theirs, ours)| same(theirs, ours, false).is_err());
        assert!(differs, "{query}: agrees, although {reason}");
    }
}

/// The answers of both sides to a query, in all modes.
fn both<'a>(
    server: &'a Server,
    storage: &'a MemoryStorage,
    query: &'a str,
) -> impl Iterator<Item = (&'static str, Answer, Answer)> + 'a {
    let engine = Engine::default();
    let instants = INSTANTS.into_iter().map(Some).chain([None]);
    instants.map(move |instant| {
        let expr = parse(query, ParseOptions::default());
        let (theirs, value) = match instant {
            Some(at) => {
                let value = expr.map(|expr| engine.instant(storage, &expr, at, &|| None));
                (server.instant(query, at), value)
            }
            None => {
                let value = expr.map(|expr| engine.range(storage, &expr, RANGE, &|| None));
                (server.range(query, RANGE), value)
            }
        };
        let ours = match value {
            Ok(Ok(output)) => from_value(output.value, instant.unwrap_or_default()),
            _ => Answer::Error,
        };
        (if instant.is_some() { "instant" } else { "range" }, from_json(&theirs), ours)
    })
}

fn from_value(value: Value, at: i64) -> Answer {
    let map =
        |labels: &labels::Labels| labels.iter().map(|l| (l.name.to_string(), l.value.to_string())).collect();
    Answer::Series(match value {
        Value::Scalar(point) => vec![(BTreeMap::new(), vec![(at, point.value)])],
        Value::String(_) => Vec::new(),
        Value::Vector(samples) => {
            samples.iter().map(|sample| (map(&sample.labels), vec![(at, sample.point.value)])).collect()
        }
        Value::Matrix(series) => series
            .iter()
            .map(|series| {
                let points = series.points.iter().map(|point| (point.timestamp_ms, point.value));
                (map(&series.labels), points.collect())
            })
            .collect(),
    })
}

fn from_json(json: &Json) -> Answer {
    if json["status"] != "success" {
        return Answer::Error;
    }
    let point = |point: &Json| {
        let seconds = point[0].as_f64().expect("a time");
        let value = point[1].as_str().expect("a value").parse().expect("a number");
        ((seconds * 1000.0).round() as i64, value)
    };
    let result = &json["data"]["result"];
    if json["data"]["resultType"] == "scalar" {
        return Answer::Series(vec![(BTreeMap::new(), vec![point(result)])]);
    }
    let series = result.as_array().expect("a list").iter().map(|series| {
        let labels = series["metric"].as_object().expect("labels").iter();
        let labels = labels.map(|(name, value)| (name.clone(), value.as_str().expect("a value").to_owned()));
        let points = match &series["values"] {
            Json::Array(points) => points.iter().map(point).collect(),
            _ => vec![point(&series["value"])],
        };
        (labels.collect(), points)
    });
    Answer::Series(series.collect())
}

fn same(theirs: Answer, ours: Answer, ordered: bool) -> Result<(), String> {
    let (mut theirs, mut ours) = match (theirs, ours) {
        (Answer::Error, Answer::Error) => return Ok(()),
        (Answer::Series(theirs), Answer::Series(ours)) => (theirs, ours),
        (theirs, ours) => return Err(format!("theirs {theirs:?}, ours {ours:?}")),
    };
    if !ordered {
        theirs.sort_by(|left, right| left.0.cmp(&right.0));
        ours.sort_by(|left, right| left.0.cmp(&right.0));
    }
    if theirs.len() != ours.len() {
        return Err(format!("theirs has {} series, ours {}: {theirs:?} {ours:?}", theirs.len(), ours.len()));
    }
    for ((labels, theirs), (our_labels, ours)) in theirs.iter().zip(&ours) {
        if labels != our_labels {
            return Err(format!("theirs {labels:?}, ours {our_labels:?}"));
        }
        if theirs.len() != ours.len() {
            return Err(format!("{labels:?}: theirs has {} samples, ours {}", theirs.len(), ours.len()));
        }
        for (&(time, value), &(our_time, our_value)) in theirs.iter().zip(ours) {
            if time != our_time || !nearly_equal(value, our_value) {
                return Err(format!("{labels:?}: theirs {value} at {time}, ours {our_value} at {our_time}"));
            }
        }
    }
    Ok(())
}

fn nearly_equal(left: f64, right: f64) -> bool {
    if left == right || (left.is_nan() && right.is_nan()) {
        return true;
    }
    // What should be zero is what rounding has left of numbers around a thousand.
    (left - right).abs() <= TOLERANCE * left.abs().max(right.abs()).max(1e-3)
}
