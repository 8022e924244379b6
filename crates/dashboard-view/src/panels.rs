//! Panels: from their targets to queries, from the answers to frames.

use std::time::Duration;

use grafana::frame::{FieldType, Frame, Value};
use grafana::interval::{QuerySettings, QueryTiming, TimeRange, panel_time_range};
use grafana::layout::Placed;
use grafana::model::{Panel, PanelKind, Target};
use grafana::prometheus::{Answer, Series, frames};
use grafana::render::Size;
use grafana::transform;
use grafana::variables::{Style, Values};
use jiff::Timestamp;

use crate::metrics::{MetricsError, StepRange};
use crate::queries::{Answered, Asked, Queries};
use crate::request::{Request, Source};

/// A panel at its place with what its queries gave.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluatedPanel<'d> {
    /// The panel, where it stands, and for which value it is repeated.
    pub placed: Placed<'d>,
    /// The range of time that it shows.
    pub range: TimeRange,
    /// The distance of the points of its range queries; nothing when it has none.
    pub step_ms: Option<i64>,
    /// Its queries, without those that are switched off.
    pub targets: Vec<EvaluatedTarget>,
    /// The answers after the transformations.
    pub frames: Vec<Frame>,
    /// What speaks against it, beside the errors of its queries: transformations, its own time range.
    pub problems: Vec<String>,
    /// What Grafana does with the answers and this does not: its frames are other ones.
    pub unsupported: Vec<String>,
    /// The variables as a copy of a repeated panel sees them; the others see the dashboard's.
    pub own_values: Option<Values>,
    /// Whether its queries were asked: a part of a dashboard can be evaluated alone.
    pub asked: bool,
}

/// A query of a panel and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluatedTarget {
    /// Its name in the panel.
    pub ref_id: String,
    /// As it was sent, with all variables replaced.
    pub query: String,
    /// For when.
    pub asked: Asked,
    /// The distance of points that the range and the width call for, also of instant queries: `$__interval`.
    pub step_ms: i64,
    /// `$__rate_interval`, for people who wonder which window was used.
    pub rate_interval_ms: i64,
    /// How long the answer took. Of equal queries one is asked, and all have its time.
    pub duration: Duration,
    /// How many series came back.
    pub series: usize,
    /// How many points they have together.
    pub points: usize,
    /// How many samples were read for it, where the source tells.
    pub samples_read: Option<u64>,
    /// What the source remarked.
    pub remarks: Vec<String>,
    /// Why there is no answer.
    pub error: Option<MetricsError>,
}

/// What a panel has to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// At least one value.
    Data,
    /// It asks nothing: text, rows, types that are not known, and panels that were left out.
    NotAsked,
    /// Nothing, and the dashboard says what that means (`noValue`).
    Explained(&'a str),
    /// Nothing, or only values that are no numbers, without a word why.
    Nothing,
}

impl EvaluatedPanel<'_> {
    /// The panel as the dashboard has it.
    pub fn panel(&self) -> &Panel {
        self.placed.panel
    }

    /// Everything that went wrong, each as a line.
    pub fn errors(&self) -> Vec<String> {
        let several = self.targets.len() > 1;
        let failed = self.targets.iter().filter_map(|target| {
            let error = target.error.as_ref()?;
            Some(if several { format!("{}: {error}", target.ref_id) } else { error.to_string() })
        });
        failed.chain(self.problems.iter().chain(&self.unsupported).cloned()).collect()
    }

    /// What it has to show. Errors are another matter.
    pub fn content(&self) -> Content<'_> {
        let panel = self.panel();
        if !self.asked || matches!(panel.kind, PanelKind::Row | PanelKind::Text | PanelKind::Unknown(_)) {
            return Content::NotAsked;
        }
        let says_something = |value: &Value| match value {
            Value::Number(number) => !number.is_nan(),
            Value::Null => false,
            Value::Text(_) | Value::Boolean(_) => true,
        };
        let fields = self.frames.iter().flat_map(|frame| &frame.fields);
        let mut values = fields.filter(|field| field.field_type == FieldType::Number);
        if values.any(|field| field.values.iter().any(says_something)) {
            return Content::Data;
        }
        match panel.field_config.defaults.no_value.as_deref() {
            Some(sentence) if !sentence.trim().is_empty() => Content::Explained(sentence),
            _ => Content::Nothing,
        }
    }
}

/// A panel whose queries wait for their answers.
pub(crate) struct Planned<'d> {
    placed: Placed<'d>,
    range: TimeRange,
    targets: Vec<PlannedTarget<'d>>,
    problems: Vec<String>,
    own_values: Option<Values>,
    asked: bool,
}

struct PlannedTarget<'d> {
    target: &'d Target,
    query: String,
    legend: Option<String>,
    asked: Asked,
    timing: QueryTiming,
    number: usize,
}

/// Plans a panel. The timing of `values` is the panel's afterwards.
pub(crate) fn plan<'d>(
    placed: Placed<'d>,
    dashboard_range: TimeRange,
    values: &mut Values,
    request: &Request,
    source: &Source<'_>,
    queries: &mut Queries,
) -> Planned<'d> {
    let panel = placed.panel;
    let mut own_values = placed.repeated.is_some().then(|| placed.values(values));
    let asked = request.wants(panel);
    let mut planned = Planned {
        range: dashboard_range,
        targets: Vec::new(),
        problems: Vec::new(),
        own_values: None,
        asked,
        placed,
    };
    let range = panel_time_range(
        dashboard_range,
        panel.time_from.as_deref(),
        panel.time_shift.as_deref(),
        request.now_ms,
        &request.calendar,
    );
    match range {
        Ok(range) => planned.range = range,
        Err(error) => planned.problems.push(error.to_string()),
    }
    if asked && !matches!(panel.kind, PanelKind::Row | PanelKind::Text | PanelKind::Unknown(_)) {
        let seen = own_values.as_mut().unwrap_or(values);
        for target in panel.targets.iter().filter(|target| !target.hide && !target.expr.trim().is_empty()) {
            match plan_target(&planned, target, seen, request, source, queries) {
                Ok(target) => planned.targets.push(target),
                Err(problem) => planned.problems.push(problem),
            }
        }
    }
    planned.own_values = own_values;
    planned
}

fn plan_target<'d>(
    planned: &Planned<'d>,
    target: &'d Target,
    values: &mut Values,
    request: &Request,
    source: &Source<'_>,
    queries: &mut Queries,
) -> Result<PlannedTarget<'d>, String> {
    let panel = planned.placed.panel;
    let data_source = target.datasource.as_ref().or(panel.datasource.as_ref());
    let kind = data_source.and_then(|data_source| data_source.kind.as_deref());
    if let Some(kind) = kind.filter(|kind| *kind != "prometheus") {
        return Err(format!(
            "{}: queries for the data source type {kind:?} are not run here, only those for prometheus",
            target.ref_id
        ));
    }
    let width = i64::from(Size::on_grid(planned.placed.grid, request.page_width).width);
    // A variable may be how fine it is to be.
    let interval = |text: &Option<String>| text.as_deref().map(|text| values.interpolate(text, Style::Glob));
    let (panel_interval, target_interval) = (interval(&panel.interval), interval(&target.interval));
    let timing = QueryTiming::new(QuerySettings {
        range: planned.range,
        max_data_points: panel.max_data_points.filter(|points| *points > 0).unwrap_or(width),
        panel_interval: panel_interval.as_deref(),
        scrape_interval: Some(source.scrape_interval),
        target_interval: target_interval.as_deref(),
        interval_factor: target.interval_factor,
        utc_offset_seconds: utc_offset(request, planned.range.to_ms),
    });
    let timing = timing.map_err(|error| format!("{}: {error}", target.ref_id))?;
    values.set_timing(&timing);
    let query = values.interpolate(&target.expr, Style::Prometheus);
    let asked = if target.runs_as_range() {
        let QueryTiming { start_ms, end_ms, step_ms, .. } = timing;
        Asked::Range(StepRange { start_ms, end_ms, step_ms })
    } else {
        Asked::Instant { at_ms: planned.range.to_ms }
    };
    Ok(PlannedTarget {
        target,
        legend: target.legend_format.as_deref().map(|legend| values.interpolate(legend, Style::Glob)),
        asked,
        timing,
        number: queries.add(&query, asked),
        query,
    })
}

/// How far the dashboard's zone is from UTC then.
fn utc_offset(request: &Request, at_ms: i64) -> i64 {
    let zone = &request.calendar.zone;
    Timestamp::from_millisecond(at_ms).map_or(0, |at| i64::from(zone.to_offset(at).seconds()))
}

impl<'d> Planned<'d> {
    /// The panel with its answers.
    pub(crate) fn finish(self, answered: &[Answered]) -> EvaluatedPanel<'d> {
        let mut targets = Vec::with_capacity(self.targets.len());
        let mut answers = Vec::with_capacity(self.targets.len());
        for planned in &self.targets {
            let Answered { result, duration } = &answered[planned.number];
            let series: &[Series] =
                result.as_ref().map(|answer| answer.series.as_slice()).unwrap_or_default();
            targets.push(EvaluatedTarget {
                ref_id: planned.target.ref_id.clone(),
                query: planned.query.clone(),
                asked: planned.asked,
                step_ms: planned.timing.step_ms,
                rate_interval_ms: planned.timing.rate_interval_ms,
                duration: *duration,
                series: series.len(),
                points: series.iter().map(|one| one.points.len()).sum(),
                samples_read: result.as_ref().ok().and_then(|answer| answer.samples_read),
                remarks: result.as_ref().map(|answer| answer.remarks.clone()).unwrap_or_default(),
                error: result.as_ref().err().cloned(),
            });
            if result.is_ok() {
                answers.push(Answer {
                    ref_id: &planned.target.ref_id,
                    expr: &planned.query,
                    legend_format: planned.legend.as_deref(),
                    format: planned.target.format.clone(),
                    series: series.to_vec(),
                });
            }
        }
        let (frames, errors) = transform::apply(frames(&answers), &self.placed.panel.transformations);
        let steps = self.targets.iter().filter_map(|planned| match planned.asked {
            Asked::Range(range) => Some(range.step_ms),
            Asked::Instant { .. } => None,
        });
        EvaluatedPanel {
            step_ms: steps.max(),
            placed: self.placed,
            range: self.range,
            targets,
            frames,
            problems: self.problems,
            unsupported: errors.iter().map(ToString::to_string).collect(),
            own_values: self.own_values,
            asked: self.asked,
        }
    }
}
