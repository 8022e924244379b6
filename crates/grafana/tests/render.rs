//! What panels look like, exactly. After an intended change: `UPDATE_EXPECT=1 cargo test -p grafana --test render`, and
//! look at the difference.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use expect_test::{ExpectFile, expect_file};
use grafana::frame::Frame;
use grafana::interval::TimeRange;
use grafana::model::{self, TargetFormat};
use grafana::prometheus::{self, Answer, Series};
use grafana::render::{Appearance, Context, PanelInput, Size, TablePage, panel};
use grafana::units::Clock;
use grafana::variables::Values;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// 2026-03-01T10:00:00Z
const START: i64 = 1_772_359_200_000;
const MINUTE: i64 = 60_000;

/// Two pods, one of which is gone for two minutes.
fn frames(format: TargetFormat) -> Vec<Frame> {
    let point = |minute: i64, value: f64| (START + minute * MINUTE, value);
    let one = |pod: &str, points: Vec<(i64, f64)>| Series {
        labels: [("pod".to_owned(), pod.to_owned())].into(),
        points,
    };
    let mut series = vec![
        one("web", vec![point(0, 0.25), point(1, 0.5), point(2, 0.75), point(3, 0.5), point(4, 0.95)]),
        one("<api>", vec![point(0, 0.125), point(1, 0.25), point(4, 0.25)]),
    ];
    if format == TargetFormat::Table {
        series.iter_mut().for_each(|series| series.points = series.points.split_off(series.points.len() - 1));
    }
    prometheus::frames(&[Answer { ref_id: "A", expr: "x", legend_format: Some("{{pod}}"), format, series }])
}

fn check(description: &Value, format: TargetFormat, expected: &ExpectFile) {
    let dashboard = model::parse(&json!({"title": "t", "panels": [description]})).unwrap().dashboard;
    let (clock, values) = (Clock { now_ms: START, zone: TimeZone::UTC }, Values::default());
    let context = Context { appearance: Appearance::Auto, clock: &clock, values: &values, hover: true };
    let frames = frames(format);
    let input = PanelInput {
        panel: &dashboard.panels[0],
        frames: &frames,
        errors: &[],
        range: TimeRange { from_ms: START, to_ms: START + 4 * MINUTE },
        step_ms: Some(MINUTE),
        table_page: TablePage { number: 1, size: 1 },
        size: Size { width: 400, height: 220 },
    };
    // An element on each line, for people and for differences.
    let drawn = panel(&input, &context).into_string().replace("><", ">\n<");
    expected.assert_eq(&format!("{drawn}\n"));
}

fn described(kind: &str, custom: &Value, options: &Value) -> Value {
    let thresholds = json!({"mode": "absolute", "steps": [
        {"color": "green", "value": null}, {"color": "orange", "value": 0.5}, {"color": "red", "value": 0.9},
    ]});
    json!({
        "id": 7, "type": kind, "title": "CPU utilisation", "description": "How busy the pods are.",
        "fieldConfig": {"defaults": {"unit": "percentunit", "min": 0, "max": 1, "thresholds": thresholds, "custom": custom}},
        "options": options,
    })
}

#[test]
fn lines_over_time() {
    let custom = json!({"fillOpacity": 10, "thresholdsStyle": {"mode": "dashed+area"}});
    let options =
        json!({"legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]}});
    check(
        &described("timeseries", &custom, &options),
        TargetFormat::TimeSeries,
        &expect_file!["render/time-series.html"],
    );
}

#[test]
fn stacked_areas() {
    let custom = json!({"fillOpacity": 40, "stacking": {"mode": "normal", "group": "A"}});
    let options = json!({"legend": {"displayMode": "list", "placement": "right"}});
    check(
        &described("timeseries", &custom, &options),
        TargetFormat::TimeSeries,
        &expect_file!["render/stacked.html"],
    );
}

#[test]
fn large_numbers() {
    let options = json!({"colorMode": "background", "graphMode": "area"});
    check(
        &described("stat", &json!({}), &options),
        TargetFormat::TimeSeries,
        &expect_file!["render/stat.html"],
    );
}

#[test]
fn dials() {
    check(
        &described("gauge", &json!({}), &json!({})),
        TargetFormat::TimeSeries,
        &expect_file!["render/gauge.html"],
    );
}

#[test]
fn bars_side_by_side() {
    let options = json!({"orientation": "horizontal"});
    check(
        &described("bargauge", &json!({}), &options),
        TargetFormat::TimeSeries,
        &expect_file!["render/bar-gauge.html"],
    );
}

#[test]
fn rows_and_columns() {
    let custom = json!({"cellOptions": {"type": "color-text"}});
    let options = json!({"sortBy": [{"displayName": "Value", "desc": true}]});
    check(&described("table", &custom, &options), TargetFormat::Table, &expect_file!["render/table.html"]);
}

#[test]
fn words() {
    let options = json!({"mode": "markdown", "content": "# About\nThe **busy** `pods`, <i>all</i>.\n\n- [more](https://example.org)"});
    check(&described("text", &json!({}), &options), TargetFormat::Table, &expect_file!["render/text.html"]);
}
