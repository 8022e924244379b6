//! Whether two answers say the same.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// How far apart two values may be, relative to the larger: Prometheus 2 adds and multiplies in another order.
const TOLERANCE: f64 = 1e-6;

/// Compares answers to a query: labels and times exactly, values nearly, in whatever order the series come.
///
/// # Errors
/// The first difference, or why there is none to find.
pub(crate) fn compare(ours: &[u8], theirs: &[u8]) -> Result<(), String> {
    let (ours, theirs) = (Answer::read(ours, "our")?, Answer::read(theirs, "their")?);
    if ours.kind != theirs.kind {
        return Err(format!("our answer is a {}, theirs a {}", ours.kind, theirs.kind));
    }
    if ours.series.is_empty() {
        return Err("the answer is empty".to_owned());
    }
    let ours_only = ours.series.keys().find(|labels| !theirs.series.contains_key(*labels));
    let theirs_only = theirs.series.keys().find(|labels| !ours.series.contains_key(*labels));
    if let Some(labels) = ours_only.or(theirs_only) {
        let who = if ours_only.is_some() { "we" } else { "they" };
        return Err(format!("{labels:?} is something only {who} have"));
    }
    for ((labels, ours), theirs) in ours.series.iter().zip(theirs.series.values()) {
        if ours.len() != theirs.len() {
            return Err(format!("{labels:?} has {} points of ours, {} of theirs", ours.len(), theirs.len()));
        }
        if let Some((ours, theirs)) = ours.iter().zip(theirs).find(|(a, b)| !same(**a, **b)) {
            return Err(format!("{labels:?} is {ours:?} for us, {theirs:?} for them"));
        }
    }
    Ok(())
}

type Labels = BTreeMap<String, String>;
/// Time and value.
type Point = (f64, f64);

struct Answer {
    /// `vector` or `matrix`.
    kind: String,
    series: BTreeMap<Labels, Vec<Point>>,
}

impl Answer {
    fn read(text: &[u8], whose: &str) -> Result<Self, String> {
        let answer: Value =
            serde_json::from_slice(text).map_err(|error| format!("{whose} answer is not JSON: {error}"))?;
        if answer["status"] != "success" {
            return Err(format!("{whose} answer is an error: {}", answer["error"]));
        }
        let data = &answer["data"];
        let kind = data["resultType"].as_str().unwrap_or_default().to_owned();
        let mut series = BTreeMap::new();
        for one in data["result"].as_array().into_iter().flatten() {
            let labels = Labels::deserialize(&one["metric"])
                .map_err(|error| format!("{whose} answer has a series of another form: {error}"))?;
            let points: Option<Vec<Point>> = match &one["values"] {
                Value::Array(points) => points.iter().map(point).collect(),
                _ => point(&one["value"]).map(|point| vec![point]),
            };
            let points =
                points.ok_or_else(|| format!("{labels:?} of {whose} answer has no proper points"))?;
            if series.contains_key(&labels) {
                return Err(format!("{labels:?} is twice in {whose} answer"));
            }
            series.insert(labels, points);
        }
        Ok(Self { kind, series })
    }
}

fn point(json: &Value) -> Option<Point> {
    Some((json[0].as_f64()?, json[1].as_str()?.parse().ok()?))
}

fn same((our_time, ours): Point, (their_time, theirs): Point) -> bool {
    let near = ours == theirs
        || ours.is_nan() && theirs.is_nan()
        || (ours - theirs).abs() <= TOLERANCE * ours.abs().max(theirs.abs());
    our_time == their_time && near
}
