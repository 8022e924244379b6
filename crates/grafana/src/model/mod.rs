//! A dashboard as values: classic JSON up to `schemaVersion` 42.
//!
//! Reading forgives what Grafana forgives; each place where it had to is a [`Deviation`] with its path, so that one
//! reading serves the preview, which wants to show something, and the judge, which wants to know. Nothing is lost:
//! what is not modelled is kept in `extra`.

mod field;
mod known;
pub mod options;
mod panel;
mod pattern;
mod reader;
mod variable;

use serde_json::{Map, Value};

pub use field::{
    Color, FieldConfig, FieldIdentity, FieldOptions, Link, Mapping, MappingResult, Matcher, Override,
    ThresholdMode, ThresholdStep, Thresholds,
};
pub use panel::{DataSourceRef, GridPos, Panel, PanelKind, Target, TargetFormat, Transformation};
pub use pattern::Pattern;
pub use reader::{Deviation, DeviationKind};
pub use variable::{Current, OneOrMany, Variable, VariableKind, VariableOption};

use panel::{read_datasource, read_old_rows, read_panels};
use reader::{Object, Path, Report};
use variable::read_variable;

/// A time range as it is written: `now-1h` to `now`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawTimeRange {
    /// The earlier end.
    pub from: String,
    /// The later end.
    pub to: String,
}

impl Default for RawTimeRange {
    fn default() -> Self {
        Self { from: "now-6h".to_owned(), to: "now".to_owned() }
    }
}

/// A link at the top of a dashboard: to an address, or to the dashboards with certain tags.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DashboardLink {
    /// Its text.
    pub title: String,
    /// `link` or `dashboards`.
    pub kind: String,
    /// Where `link` leads.
    pub url: String,
    /// Which dashboards.
    pub tags: Vec<String>,
    /// As a menu.
    pub as_dropdown: bool,
    /// Carries the variables along.
    pub include_vars: bool,
    /// Carries the time range along.
    pub keep_time: bool,
    /// Whether it opens another tab.
    pub target_blank: bool,
    /// The text that appears over it.
    pub tooltip: Option<String>,
    /// Properties that are not modelled.
    pub extra: Map<String, Value>,
}

/// A query whose results are marked on the time axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotation {
    /// Its name.
    pub name: String,
    /// Whether it is switched on.
    pub enable: bool,
    /// Whether its switch is hidden.
    pub hide: bool,
    /// The colour of the marks.
    pub color: Option<String>,
    /// Which data source it asks.
    pub datasource: Option<DataSourceRef>,
    /// PromQL with variables.
    pub expr: Option<String>,
    /// Everything else.
    pub extra: Map<String, Value>,
}

/// A dashboard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dashboard {
    /// Its stable name in addresses.
    pub uid: Option<String>,
    /// Its title.
    pub title: String,
    /// A text about it.
    pub description: Option<String>,
    /// For finding and linking.
    pub tags: Vec<String>,
    /// The range that it opens with.
    pub time: RawTimeRange,
    /// How often it asks again (`1m`); nothing for never.
    pub refresh: Option<String>,
    /// `browser`, `utc` or a name.
    pub timezone: Option<String>,
    /// The version of its form.
    pub schema_version: Option<i64>,
    /// Whether people may change it.
    pub editable: Option<bool>,
    /// 0 each panel its own crosshair, 1 shared crosshair, 2 shared tooltip.
    pub graph_tooltip: Option<i64>,
    /// Links at its top.
    pub links: Vec<DashboardLink>,
    /// In the order in which they are shown.
    pub variables: Vec<Variable>,
    /// Marks on the time axis.
    pub annotations: Vec<Annotation>,
    /// In order; panels folded under a row are inside it.
    pub panels: Vec<Panel>,
    /// The number of the database that it was exported from.
    pub id: Option<i64>,
    /// How often it had been saved.
    pub version: Option<i64>,
    /// Properties that are not modelled.
    pub extra: Map<String, Value>,
}

impl Dashboard {
    /// Every panel, those that are folded under rows too, in reading order of the JSON.
    pub fn all_panels(&self) -> impl Iterator<Item = &Panel> {
        let mut stack: Vec<std::slice::Iter<'_, Panel>> = vec![self.panels.iter()];
        std::iter::from_fn(move || {
            loop {
                let next = stack.last_mut()?.next();
                match next {
                    Some(panel) => {
                        stack.push(panel.panels.iter());
                        return Some(panel);
                    }
                    None => {
                        stack.pop();
                    }
                }
            }
        })
    }
}

/// A dashboard and how it differs from what Grafana itself would have written.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// What could be read.
    pub dashboard: Dashboard,
    /// What had to be forgiven, in the order of reading.
    pub deviations: Vec<Deviation>,
}

/// Why something is no classic dashboard at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotADashboard {
    /// No JSON.
    #[error("line {line}, column {column}: {message}")]
    Json {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// A list, a number or something else.
    #[error("a dashboard is an object, and this is {found}")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
    /// The form of Grafana 13's own storage.
    #[error("this is a dashboard in v2 form; export it as \"Classic\" in Grafana")]
    V2,
    /// An object without anything that a dashboard has.
    #[error("this object has neither panels nor a title: it is no dashboard")]
    Nothing,
}

/// Reads a dashboard from text.
pub fn parse_text(text: &str) -> Result<Parsed, NotADashboard> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        // The place stands in front already.
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        NotADashboard::Json { line, column, message }
    })?;
    parse(&value)
}

/// Reads a dashboard. The wrappers of Grafana's API (`{"dashboard": …}`) and of version 1 resources
/// (`{"apiVersion": …, "spec": …}`) are taken off.
pub fn parse(value: &Value) -> Result<Parsed, NotADashboard> {
    let found = match value {
        Value::Object(_) => None,
        Value::Null => Some("null"),
        Value::Bool(_) => Some("a boolean"),
        Value::Number(_) => Some("a number"),
        Value::String(_) => Some("a string"),
        Value::Array(_) => Some("a list"),
    };
    if let Some(found) = found {
        return Err(NotADashboard::NotAnObject { found });
    }
    let mut inner = value;
    if let Some(dashboard @ Value::Object(_)) = value.get("dashboard") {
        inner = dashboard;
    } else if value.get("apiVersion").is_some()
        && let Some(spec @ Value::Object(_)) = value.get("spec")
    {
        inner = spec;
    }
    if inner.get("elements").is_some() && inner.get("layout").is_some() {
        return Err(NotADashboard::V2);
    }
    if ["panels", "title", "rows", "templating"].iter().all(|key| inner.get(key).is_none()) {
        return Err(NotADashboard::Nothing);
    }
    let report = Report::default();
    let dashboard = Object::new(inner, &Path::ROOT, &report).map(read_dashboard).unwrap_or_default();
    Ok(Parsed { dashboard, deviations: report.into_deviations() })
}

fn read_dashboard(mut object: Object<'_>) -> Dashboard {
    let mut dashboard = Dashboard {
        uid: object.text("uid"),
        title: object.text("title").unwrap_or_default(),
        description: object.text("description"),
        tags: object.texts("tags"),
        time: object.object("time", read_time).unwrap_or_default(),
        refresh: read_refresh(&mut object),
        timezone: object.text("timezone"),
        schema_version: object.integer("schemaVersion"),
        editable: object.flag("editable"),
        graph_tooltip: object.integer("graphTooltip"),
        links: object.each_object("links", |link| Some(read_dashboard_link(link))),
        variables: object
            .object("templating", |mut templating| {
                let variables = templating.each("list", read_variable);
                templating.knows(&["enable"]);
                templating.finish();
                Some(variables)
            })
            .unwrap_or_default(),
        annotations: object
            .object("annotations", |mut annotations| {
                let list = annotations.each_object("list", |annotation| Some(read_annotation(annotation)));
                annotations.knows(&["enable"]);
                annotations.finish();
                Some(list)
            })
            .unwrap_or_default(),
        panels: read_panels(&mut object, "panels", 0),
        id: object.integer("id"),
        version: object.integer("version"),
        extra: Map::new(),
    };
    let old = read_old_rows(&mut object);
    if !old.is_empty() {
        object.note("rows", DeviationKind::Outdated { now: "panels with gridPos" });
        dashboard.panels.extend(old);
    }
    object.knows(&[
        "__inputs",
        "__requires",
        "__elements",
        "fiscalYearStartMonth",
        "liveNow",
        "preload",
        "revision",
        "gnetId",
        "snapshot",
        "style",
        "timepicker",
        "weekStart",
        "iteration",
        "hideControls",
        "sharedCrosshair",
        "originalTitle",
        "scopeMeta",
        "hasUnsavedFolderChange",
        "nav",
        "shared",
        "isSystem",
    ]);
    dashboard.extra = object.finish();
    dashboard
}

fn read_time(mut object: Object<'_>) -> Option<RawTimeRange> {
    let default = RawTimeRange::default();
    let range = RawTimeRange {
        from: object.text("from").unwrap_or(default.from),
        to: object.text("to").unwrap_or(default.to),
    };
    object.finish();
    Some(range)
}

/// `false` and the empty string mean never.
fn read_refresh(object: &mut Object<'_>) -> Option<String> {
    object.with("refresh", |value, path, report| match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Bool(false) => None,
        _ => {
            report.add(path, DeviationKind::WrongType { expected: "a duration" });
            None
        }
    })
}

fn read_dashboard_link(mut object: Object<'_>) -> DashboardLink {
    let link = DashboardLink {
        title: object.text("title").unwrap_or_default(),
        kind: object.text("type").unwrap_or_else(|| "link".to_owned()),
        url: object.text("url").unwrap_or_default(),
        tags: object.texts("tags"),
        as_dropdown: object.flag("asDropdown").unwrap_or(false),
        include_vars: object.flag("includeVars").unwrap_or(false),
        keep_time: object.flag("keepTime").unwrap_or(false),
        target_blank: object.flag("targetBlank").unwrap_or(false),
        tooltip: object.text("tooltip"),
        extra: Map::new(),
    };
    object.knows(&["icon", "placement"]);
    DashboardLink { extra: object.finish(), ..link }
}

fn read_annotation(mut object: Object<'_>) -> Annotation {
    let annotation = Annotation {
        name: object.text("name").unwrap_or_default(),
        enable: object.flag("enable").unwrap_or(true),
        hide: object.flag("hide").unwrap_or(false),
        color: object.text("iconColor"),
        datasource: read_datasource(&mut object),
        expr: object.text("expr"),
        extra: Map::new(),
    };
    Annotation { extra: object.finish_quietly(), ..annotation }
}
