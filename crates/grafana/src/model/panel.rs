//! Panels and what they ask for.

use serde_json::{Map, Value};

use super::field::{FieldConfig, Link, Matcher, read_field_config, read_link, read_matcher};
use super::known;
use super::reader::{DeviationKind, Object, Path, Report, number_of};

/// What a panel draws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PanelKind {
    /// Lines, bars or points over time.
    TimeSeries,
    /// One large number for each field, with a sparkline.
    Stat,
    /// A dial.
    Gauge,
    /// Bars for the last values.
    BarGauge,
    /// Rows and columns.
    Table,
    /// Markdown or HTML.
    Text,
    /// A headline that panels can be folded under.
    Row,
    /// Any other type: kept whole.
    Unknown(String),
}

impl PanelKind {
    fn from_id(id: &str) -> Self {
        match id {
            "timeseries" => Self::TimeSeries,
            "stat" => Self::Stat,
            "gauge" => Self::Gauge,
            "bargauge" => Self::BarGauge,
            "table" => Self::Table,
            "text" => Self::Text,
            "row" => Self::Row,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// The type's id in the JSON.
    pub fn id(&self) -> &str {
        match self {
            Self::TimeSeries => "timeseries",
            Self::Stat => "stat",
            Self::Gauge => "gauge",
            Self::BarGauge => "bargauge",
            Self::Table => "table",
            Self::Text => "text",
            Self::Row => "row",
            Self::Unknown(id) => id,
        }
    }
}

/// A place on the grid of 24 columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GridPos {
    /// The first column, from 0.
    pub x: i64,
    /// The first line, from 0.
    pub y: i64,
    /// Columns.
    pub w: i64,
    /// Lines of 30 pixels.
    pub h: i64,
}

impl Default for GridPos {
    /// What Grafana takes for a panel without.
    fn default() -> Self {
        Self { x: 0, y: 0, w: 6, h: 3 }
    }
}

/// Which data source something asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataSourceRef {
    /// `prometheus`, `datasource`, `grafana` …
    pub kind: Option<String>,
    /// Its uid, often a variable: `${datasource}`. Old dashboards have the name here.
    pub uid: Option<String>,
}

/// How the answer to a query is arranged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TargetFormat {
    /// One frame for each series.
    #[default]
    TimeSeries,
    /// One frame with the labels as columns.
    Table,
    /// Buckets.
    Heatmap,
    /// Something else.
    Other(String),
}

/// A query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Target {
    /// Its name in the panel: `A`, `B` …
    pub ref_id: String,
    /// PromQL with variables.
    pub expr: String,
    /// How series are named: `{{label}}`, `__auto`, or nothing.
    pub legend_format: Option<String>,
    /// How the answer is arranged.
    pub format: TargetFormat,
    /// Asks for one instant, if set.
    pub instant: bool,
    /// Asks for a range, if set. With neither set, Grafana asks for a range.
    pub range: bool,
    /// The shortest step (`1m`), or a variable.
    pub interval: Option<String>,
    /// Multiplies the step.
    pub interval_factor: Option<i64>,
    /// Not run, except when something needs it.
    pub hide: bool,
    /// Also asks for exemplars.
    pub exemplar: bool,
    /// Its own data source.
    pub datasource: Option<DataSourceRef>,
    /// Properties that are not modelled.
    pub extra: Map<String, Value>,
}

impl Target {
    /// Whether Grafana runs it over the range.
    pub fn runs_as_range(&self) -> bool {
        self.range || !self.instant
    }
}

/// A step between the queries and the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Transformation {
    /// `joinByField`, `organize` …
    pub id: String,
    /// Switched off.
    pub disabled: bool,
    /// Which frames it is for.
    pub filter: Option<Matcher>,
    /// Its own options.
    pub options: Value,
}

/// A panel, or a row with the panels that are folded under it.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Unique in its dashboard.
    pub id: Option<i64>,
    /// What it draws.
    pub kind: PanelKind,
    /// With variables.
    pub title: String,
    /// What the little `i` says.
    pub description: Option<String>,
    /// Nothing when the JSON has none; see [`Panel::grid`].
    pub grid_pos: Option<GridPos>,
    /// For the targets that have none.
    pub datasource: Option<DataSourceRef>,
    /// Its queries.
    pub targets: Vec<Target>,
    /// How values are shown.
    pub field_config: FieldConfig,
    /// What the panel type adds, as it is; see the readers of [`super::options`].
    pub options: Map<String, Value>,
    /// Applied in order.
    pub transformations: Vec<Transformation>,
    /// Links in its corner.
    pub links: Vec<Link>,
    /// The shortest step of its queries.
    pub interval: Option<String>,
    /// Instead of the width in pixels.
    pub max_data_points: Option<i64>,
    /// Another time range than the dashboard's: `1h`.
    pub time_from: Option<String>,
    /// Moved into the past: `1d`.
    pub time_shift: Option<String>,
    /// Drawn once for each value of this variable.
    pub repeat: Option<String>,
    /// `h` or `v`.
    pub repeat_direction: Option<String>,
    /// At most so many side by side.
    pub max_per_row: Option<i64>,
    /// Without background.
    pub transparent: bool,
    /// Rows only: folded.
    pub collapsed: bool,
    /// Rows only: the panels that are folded under it.
    pub panels: Vec<Panel>,
    /// Properties that are not modelled.
    pub extra: Map<String, Value>,
    /// The path in the JSON: `panels[3]`, `panels[1].panels[0]`.
    pub path: String,
}

impl Panel {
    /// Where it stands, with Grafana's default.
    pub fn grid(&self) -> GridPos {
        self.grid_pos.unwrap_or_default()
    }
}

/// Panel types that Grafana replaced, and by what.
const OUTDATED: [(&str, &str); 5] = [
    ("graph", "timeseries"),
    ("singlestat", "stat"),
    ("grafana-singlestat-panel", "stat"),
    ("table-old", "table"),
    ("grafana-piechart-panel", "piechart"),
];

/// Rows do not nest in Grafana; this is deep enough for everything that it shows.
const MAX_ROW_DEPTH: usize = 4;

pub(super) fn read_panel(mut object: Object<'_>, path: String, depth: usize) -> Panel {
    let type_id = object.text("type").unwrap_or_else(|| {
        object.note("type", DeviationKind::Missing);
        String::new()
    });
    if let Some((_, now)) = OUTDATED.iter().find(|(old, _)| *old == type_id) {
        object.note("type", DeviationKind::Outdated { now });
    }
    let kind = PanelKind::from_id(&type_id);
    let is_row = kind == PanelKind::Row;
    let known_options = known::options(&type_id);
    let panel = Panel {
        id: object.integer("id"),
        title: object.text("title").unwrap_or_default(),
        description: object.text("description"),
        grid_pos: read_grid_pos(&mut object),
        datasource: read_datasource(&mut object),
        targets: read_targets(&mut object),
        field_config: object
            .object("fieldConfig", |config| Some(read_field_config(config, &type_id)))
            .unwrap_or_default(),
        options: object.free_object("options", known_options),
        transformations: object.each_object("transformations", read_transformation),
        links: object.each_object("links", |link| Some(read_link(link))),
        interval: object.text("interval"),
        max_data_points: object.integer("maxDataPoints"),
        time_from: object.text("timeFrom"),
        time_shift: object.text("timeShift"),
        repeat: object.text("repeat").filter(|name| !name.is_empty()),
        repeat_direction: object.text("repeatDirection"),
        max_per_row: object.integer("maxPerRow"),
        transparent: object.flag("transparent").unwrap_or(false),
        collapsed: object.flag("collapsed").unwrap_or(false),
        panels: read_panels(&mut object, "panels", depth + 1),
        extra: Map::new(),
        kind,
        path,
    };
    if !is_row && !panel.panels.is_empty() {
        object.note("panels", DeviationKind::WrongType { expected: "absent: only rows have panels" });
    }
    object.knows(&[
        "pluginVersion",
        "cacheTimeout",
        "queryCachingTTL",
        "hideTimeOverride",
        "libraryPanel",
        "repeatPanelId",
        "repeatIteration",
        "scopedVars",
        "tags",
        "timeCompare",
    ]);
    // Other types may have anything at the top level.
    let extra = match panel.kind {
        PanelKind::Unknown(_) => object.finish_quietly(),
        _ => object.finish(),
    };
    Panel { extra, ..panel }
}

pub(super) fn read_panels(object: &mut Object<'_>, key: &'static str, depth: usize) -> Vec<Panel> {
    if depth > MAX_ROW_DEPTH {
        object.knows(&[key]);
        return Vec::new();
    }
    object.each(key, |item, item_path, report| {
        let own = item_path.to_string();
        Object::new(item, item_path, report).map(|panel| read_panel(panel, own, depth))
    })
}

fn read_grid_pos(object: &mut Object<'_>) -> Option<GridPos> {
    let position = object.object("gridPos", |mut position| {
        let default = GridPos::default();
        let mut side = |key, default| {
            position.integer(key).unwrap_or_else(|| {
                position.note(key, DeviationKind::Missing);
                default
            })
        };
        let read = GridPos {
            x: side("x", default.x),
            y: side("y", default.y),
            w: side("w", default.w),
            h: side("h", default.h),
        };
        position.knows(&["static"]);
        position.finish();
        Some(read)
    });
    if position.is_none() {
        object.note("gridPos", DeviationKind::Missing);
    }
    position
}

pub(super) fn read_datasource(object: &mut Object<'_>) -> Option<DataSourceRef> {
    object.with("datasource", |value, path, report| match value {
        Value::String(name) => {
            let now = "an object with type and uid";
            report.add(path, DeviationKind::Outdated { now });
            Some(DataSourceRef { kind: None, uid: Some(name.clone()) })
        }
        other => {
            let mut object = Object::new(other, path, report)?;
            let read = DataSourceRef { kind: object.text("type"), uid: object.text("uid") };
            object.knows(&["name", "apiVersion"]);
            object.finish();
            Some(read)
        }
    })
}

fn read_targets(object: &mut Object<'_>) -> Vec<Target> {
    let mut targets = object.each_object("targets", |target| Some(read_target(target)));
    // Grafana names the nameless with the first letter that is free.
    for i in 0..targets.len() {
        if targets[i].ref_id.is_empty() {
            let free = (0..).map(ref_id).find(|name| targets.iter().all(|target| target.ref_id != *name));
            targets[i].ref_id = free.unwrap_or_default();
        }
    }
    targets
}

/// `A` … `Z`, `AA`, `AB` …
fn ref_id(mut number: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'A' + (number % 26) as u8));
        if number < 26 {
            break;
        }
        number = number / 26 - 1;
    }
    letters.iter().rev().collect()
}

fn read_target(mut object: Object<'_>) -> Target {
    let format = match object.text("format").as_deref() {
        None | Some("" | "time_series") => TargetFormat::TimeSeries,
        Some("table") => TargetFormat::Table,
        Some("heatmap") => TargetFormat::Heatmap,
        Some(other) => TargetFormat::Other(other.to_owned()),
    };
    let ref_id = object.text("refId").unwrap_or_else(|| {
        object.note("refId", DeviationKind::Missing);
        String::new()
    });
    let target = Target {
        ref_id,
        expr: object.text("expr").unwrap_or_default(),
        legend_format: object.text("legendFormat"),
        format,
        instant: object.flag("instant").unwrap_or(false),
        range: object.flag("range").unwrap_or(false),
        interval: object.text("interval").filter(|interval| !interval.is_empty()),
        interval_factor: object.integer("intervalFactor"),
        hide: object.flag("hide").unwrap_or(false),
        exemplar: object.flag("exemplar").unwrap_or(false),
        datasource: read_datasource(&mut object),
        extra: Map::new(),
    };
    object.knows(&[
        "editorMode",
        "queryType",
        "disableTextWrap",
        "fullMetaSearch",
        "includeNullMetadata",
        "useBackend",
        "hideLabelNames",
        "key",
        "step",
        "intervalMs",
        "maxDataPoints",
        "utcOffsetSec",
        "adhocFilters",
        "legendFormatMode",
        "scope",
    ]);
    // A query of another data source has its own properties.
    let prometheus = target.datasource.as_ref().is_none_or(|source| {
        source.kind.as_deref().is_none_or(|kind| kind == "prometheus")
            && source.uid.as_deref() != Some("-- Mixed --")
    });
    let extra = if prometheus && !target.expr.is_empty() { object.finish() } else { object.finish_quietly() };
    Target { extra, ..target }
}

fn read_transformation(mut object: Object<'_>) -> Option<Transformation> {
    let Some(id) = object.text("id") else {
        object.note("id", DeviationKind::Missing);
        return None;
    };
    let transformation = Transformation {
        id,
        disabled: object.flag("disabled").unwrap_or(false),
        filter: object.object("filter", read_matcher),
        options: object.get("options").cloned().unwrap_or(Value::Null),
    };
    object.knows(&["topic", "refId"]);
    object.finish();
    Some(transformation)
}

/// Dashboards from before 2018 had rows with panels instead of a grid.
pub(super) fn read_old_rows(object: &mut Object<'_>) -> Vec<Panel> {
    let mut top = 0;
    let rows = object.each("rows", |item, path, report| read_old_row(item, path, report, &mut top));
    rows.into_iter().flatten().collect()
}

fn read_old_row(value: &Value, path: &Path<'_>, report: &Report, top: &mut i64) -> Option<Vec<Panel>> {
    /// Twelve columns became twenty-four, and 30 pixels one line.
    const COLUMNS: f64 = 2.0;
    const LINE: f64 = 30.0;
    let mut row = Object::new(value, path, report)?;
    let row_height = row.get("height").and_then(pixels).unwrap_or(250.0);
    let (mut x, mut lines) = (0, 0);
    let read = row.each("panels", |item, item_path, report| {
        let mut panel = Object::new(item, item_path, report)?;
        panel.knows(&["span", "height"]);
        let span = item.get("span").and_then(number_of).unwrap_or(4.0);
        let height = item.get("height").and_then(pixels).unwrap_or(row_height);
        let (w, h) = (((span * COLUMNS) as i64).clamp(1, 24), ((height / LINE).ceil() as i64).max(1));
        if x + w > 24 {
            *top += lines;
            (x, lines) = (0, 0);
        }
        let mut panel = read_panel(panel, item_path.to_string(), 1);
        panel.grid_pos = Some(GridPos { x, y: *top, w, h });
        x += w;
        lines = lines.max(h);
        Some(panel)
    });
    *top += lines;
    Some(read)
}

/// `250` or `"250px"`.
fn pixels(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.trim_end_matches("px").trim().parse().ok(),
        other => other.as_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_without_name_get_the_next_letter() {
        let names: Vec<String> = [0, 1, 25, 26, 27, 51, 52, 701, 702].into_iter().map(ref_id).collect();
        assert_eq!(names, ["A", "B", "Z", "AA", "AB", "AZ", "BA", "ZZ", "AAA"]);
    }
}
