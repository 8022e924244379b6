//! Frames as series over time: named, with their options, stacked, with gaps where points are missing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::color::{Scale, Theme, default_mode};
use crate::display::DisplayProcessor;
use crate::frame::{Field, FieldType, Value};
use crate::model::{FieldIdentity, FieldOptions};

use super::text::{MAX_NAME, cut};
use super::{Context, MAX_SERIES, PanelInput};

/// A line, an area or bars over time.
#[derive(Clone, Debug)]
pub(super) struct Series<'a> {
    /// As people see it.
    pub(super) name: String,
    /// Where it comes from.
    pub(super) field: &'a Field,
    /// How it is shown.
    pub(super) options: FieldOptions,
    /// Its number in the panel, which its colour depends on.
    pub(super) index: usize,
    /// Milliseconds and what is drawn there.
    pub(super) points: Vec<Point>,
}

/// A point; nothing is a gap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    /// Milliseconds since 1970.
    pub(super) ms: i64,
    /// The value itself.
    pub(super) value: Option<f64>,
    /// From where its area reaches: the sum of what it stands on, or nothing for the bottom.
    pub(super) base: Option<f64>,
    /// Where it is drawn: its value and what it stands on.
    pub(super) top: Option<f64>,
}

/// The series of a panel.
#[derive(Clone, Debug, Default)]
pub(super) struct Collected<'a> {
    /// Those that are drawn.
    pub(super) series: Vec<Series<'a>>,
    /// How many are not.
    pub(super) left_out: usize,
    /// Whether there were frames without time.
    pub(super) without_time: bool,
}

impl Series<'_> {
    /// An option of the panel type as text.
    pub(super) fn custom_text(&self, key: &str) -> Option<&str> {
        self.options.custom.get(key)?.as_str()
    }

    /// An option of the panel type as number.
    pub(super) fn custom_number(&self, key: &str) -> Option<f64> {
        self.options.custom.get(key)?.as_f64().filter(|number| number.is_finite())
    }

    /// Whether it is hidden in the picture (`viz`) or in the legend.
    pub(super) fn hidden_from(&self, place: &str) -> bool {
        let nested = self.options.custom.get("hideFrom").and_then(|hide| hide.get(place));
        // Overrides may reach into the object.
        let flat = self.options.custom.get(&format!("hideFrom.{place}"));
        flat.or(nested).and_then(Json::as_bool).unwrap_or(false)
    }

    /// The stack that it belongs to, and whether that shows shares.
    fn stack(&self) -> Option<(String, bool)> {
        let stacking = self.options.custom.get("stacking")?;
        let percent = match stacking.get("mode")?.as_str()? {
            "normal" => false,
            "percent" => true,
            _ => return None,
        };
        let group = stacking.get("group").and_then(Json::as_str).unwrap_or("A");
        Some((group.to_owned(), percent))
    }

    /// Writes its values. `scale` has the ends of the whole panel.
    pub(super) fn processor<'b>(
        &'b self,
        theme: Theme,
        ends: (f64, f64),
        context: &Context<'b>,
    ) -> DisplayProcessor<'b> {
        DisplayProcessor {
            options: &self.options,
            field_type: FieldType::Number,
            scale: Scale::new(&self.options, [ends.0, ends.1], self.index, theme),
            default_color_mode: default_mode("timeseries"),
            clock: context.clock,
        }
    }

    /// Its colour, which may depend on one of its values.
    pub(super) fn color(&self, ends: (f64, f64), context: &Context<'_>) -> String {
        let by = self.options.color.as_ref().and_then(|color| color.series_by.as_deref());
        let values = || self.points.iter().filter_map(|point| point.value);
        let value = match by {
            Some("min") => values().reduce(f64::min),
            Some("max") => values().reduce(f64::max),
            _ => values().next_back(),
        };
        context.appearance.paint(|theme| {
            let processor = self.processor(theme, ends, context);
            processor.scale.color(
                &self.options,
                default_mode("timeseries"),
                value.unwrap_or(f64::NEG_INFINITY),
            )
        })
    }
}

/// Reads the series out of the frames: every field with numbers beside a time.
pub(super) fn collect<'a>(input: &PanelInput<'a>) -> Collected<'a> {
    let mut collected = Collected::default();
    let mut index = 0;
    for frame in input.frames.iter().filter(|frame| frame.rows() > 0) {
        let Some(time) = frame.fields.iter().find(|field| field.field_type == FieldType::Time) else {
            collected.without_time = true;
            continue;
        };
        let names = frame.shown_names();
        for (field, name) in frame.fields.iter().zip(&names) {
            if field.field_type != FieldType::Number {
                continue;
            }
            let identity = FieldIdentity { name, ref_id: &frame.ref_id, field_type: field.field_type.id() };
            let options = input.panel.field_config.options_for(identity);
            let name = options.display_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(name);
            let name = cut(name, MAX_NAME).into_owned();
            let mut series = Series { name, field, options, index, points: Vec::new() };
            index += 1;
            if series.hidden_from("viz") {
                continue;
            }
            if collected.series.len() == MAX_SERIES {
                collected.left_out += 1;
                continue;
            }
            series.points = points(time, &series, input.step_ms);
            collected.series.push(series);
        }
    }
    stack(&mut collected.series);
    collected
}

/// In order of time, with a gap where points are farther apart than they should be.
fn points(time: &Field, series: &Series<'_>, step_ms: Option<i64>) -> Vec<Point> {
    let negative = series.custom_text("transform") == Some("negative-Y");
    let mut pairs: Vec<(i64, Option<f64>)> = time
        .values
        .iter()
        .zip(&series.field.values)
        .filter_map(|(time, value)| {
            let ms = time.as_number().filter(|ms| ms.is_finite())? as i64;
            let value = value.as_number().filter(|value| value.is_finite());
            Some((ms, value.map(|value| if negative { -value } else { value })))
        })
        .collect();
    pairs.sort_by_key(|(ms, _)| *ms);
    let (connect_all, longest) = match series.options.custom.get("spanNulls") {
        Some(Json::Bool(true)) => (true, None),
        // Gaps up to this length are connected.
        Some(Json::Number(ms)) => (false, ms.as_f64()),
        _ => (false, None),
    };
    let mut points: Vec<Point> = Vec::with_capacity(pairs.len());
    let mut last_ms: Option<i64> = None;
    let gap_at = |ms| Point { ms, value: None, base: None, top: None };
    for (ms, value) in pairs {
        let Some(number) = value else {
            if !connect_all && longest.is_none() {
                points.push(gap_at(ms));
            }
            continue;
        };
        if let Some(last) = last_ms {
            let distance = ms.saturating_sub(last);
            let too_long = match (connect_all, longest) {
                (true, _) => false,
                (false, Some(longest)) => distance as f64 > longest,
                // A little more than a step is still no gap.
                (false, None) => step_ms.is_some_and(|step| distance > step.saturating_add(step / 2)),
            };
            if too_long {
                points.push(gap_at(last.saturating_add(distance / 2)));
            }
        }
        last_ms = Some(ms);
        points.push(Point { ms, value: Some(number), base: None, top: Some(number) });
    }
    points
}

/// Puts the series of each stack on top of each other; those below zero hang downwards.
fn stack(series: &mut [Series<'_>]) {
    let mut groups: BTreeMap<(String, bool, bool), Vec<usize>> = BTreeMap::new();
    for (i, one) in series.iter().enumerate() {
        if let Some((group, percent)) = one.stack() {
            let downwards = one.points.iter().filter_map(|point| point.value).all(|value| value <= 0.0)
                && one.points.iter().any(|point| point.value.is_some_and(|value| value < 0.0));
            groups.entry((group, percent, downwards)).or_default().push(i);
        }
    }
    for ((_, percent, _), members) in groups {
        let mut totals: BTreeMap<i64, f64> = BTreeMap::new();
        if percent {
            for point in members.iter().flat_map(|i| &series[*i].points) {
                *totals.entry(point.ms).or_default() += point.value.unwrap_or(0.0).abs();
            }
        }
        // A series without a value at a time adds nothing there.
        let mut sums: BTreeMap<i64, f64> = BTreeMap::new();
        for i in members {
            for point in &mut series[i].points {
                let Some(value) = point.value else { continue };
                let sum = sums.entry(point.ms).or_default();
                let share = match totals.get(&point.ms) {
                    Some(total) if *total > 0.0 => value / total,
                    Some(_) => 0.0,
                    None => value,
                };
                point.base = Some(*sum);
                *sum += share;
                point.top = Some(*sum).filter(|sum| sum.is_finite());
            }
        }
    }
}

/// The ends of the values themselves, over all series.
pub(super) fn value_ends(series: &[Series<'_>]) -> (f64, f64) {
    let values = series.iter().flat_map(|one| &one.points).filter_map(|point| point.value);
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

/// Every time at which there is a value.
pub(super) fn all_times(series: &[Series<'_>]) -> Vec<i64> {
    let times =
        series.iter().flat_map(|one| &one.points).filter(|point| point.value.is_some()).map(|point| point.ms);
    times.collect::<BTreeSet<i64>>().into_iter().collect()
}

/// A value for reducers and formats.
pub(super) fn as_value(value: Option<f64>) -> Value {
    value.map_or(Value::Null, Value::Number)
}
