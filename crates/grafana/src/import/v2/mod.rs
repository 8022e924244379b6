//! From v2, the form in which Grafana 13 stores dashboards, to the classic one.
//!
//! The two say nearly the same in other words. What the classic form cannot say (tabs, automatic grids, library panels)
//! is an error with its place, since leaving it out would give another dashboard; what only changes how something
//! looks or when it is shown is dropped and reported.

mod layout;
mod panel;
mod variable;

use serde_json::{Map, Value, json};

use super::part::{Losses, Part};
use super::{Dropped, ImportError};

/// The version of the classic form that is written.
const SCHEMA_VERSION: i64 = 42;

/// Converts a spec that stands at `path`; `name` is the resource's.
pub(super) fn to_classic(
    spec: &Map<String, Value>,
    name: Option<&str>,
    path: &str,
) -> Result<(Value, Vec<Dropped>), ImportError> {
    let mut losses = Losses::default();
    let mut spec = Part::new(spec, path);
    let mut dashboard = Map::new();
    if let Some(name) = name {
        dashboard.insert("uid".to_owned(), name.into());
    }
    dashboard.insert("schemaVersion".to_owned(), SCHEMA_VERSION.into());
    // These are called the same.
    spec.copy(
        &["title", "description", "tags", "editable", "links", "liveNow", "preload", "revision"],
        &mut dashboard,
    );
    for key in ["links", "tags"] {
        dashboard.entry(key).or_insert_with(|| json!([]));
    }
    let sync = match spec.text("cursorSync") {
        Some("Crosshair") => 1,
        Some("Tooltip") => 2,
        _ => 0,
    };
    dashboard.insert("graphTooltip".to_owned(), sync.into());
    if let Some(settings) = spec.part("timeSettings")? {
        time_settings(settings, &mut dashboard, &mut losses);
    }

    let mut variables = Vec::new();
    for (value, path) in spec.list("variables")? {
        variables.push(variable::to_classic(Part::of(value, path)?, &mut losses)?);
    }
    dashboard.insert("templating".to_owned(), json!({ "list": variables }));
    let mut annotations = Vec::new();
    for (value, path) in spec.list("annotations")? {
        annotations.push(annotation(Part::of(value, path)?, &mut losses)?);
    }
    dashboard.insert("annotations".to_owned(), json!({ "list": annotations }));

    let mut elements = panel::Elements::new(spec.needed("elements")?);
    let mut panels = layout::to_panels(spec.needed("layout")?, &mut elements, &mut losses)?;
    number_rows(&mut panels);
    dashboard.insert("panels".to_owned(), Value::Array(panels));
    elements.report_unused(&mut losses);
    spec.finish(&mut losses);
    Ok((Value::Object(dashboard), losses.into_dropped()))
}

/// Rows have no number in v2; in the classic form they are panels, which have one.
fn number_rows(panels: &mut [Value]) {
    fn largest(panels: &[Value]) -> i64 {
        let own = panels.iter().filter_map(|panel| panel.get("id")?.as_i64()).max();
        let inside =
            panels.iter().filter_map(|panel| panel.get("panels")?.as_array()).map(|inside| largest(inside));
        own.into_iter().chain(inside).max().unwrap_or(0).max(0)
    }
    let mut number = largest(panels);
    for panel in panels {
        if let Value::Object(panel) = panel
            && !panel.contains_key("id")
        {
            number = number.saturating_add(1);
            panel.insert("id".to_owned(), number.into());
        }
    }
}

/// What the list of refresh intervals is when nobody changed it.
const USUAL_INTERVALS: [&str; 10] = ["5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h", "2h", "1d"];

fn time_settings(mut settings: Part<'_>, dashboard: &mut Map<String, Value>, losses: &mut Losses) {
    let from = settings.text("from").unwrap_or("now-6h");
    let to = settings.text("to").unwrap_or("now");
    dashboard.insert("time".to_owned(), json!({ "from": from, "to": to }));
    if let Some(refresh) = settings.take("autoRefresh") {
        dashboard.insert("refresh".to_owned(), refresh.clone());
    }
    settings.copy(&["timezone", "weekStart", "fiscalYearStartMonth"], dashboard);
    let mut picker = Map::new();
    if let Some(intervals) = settings.take("autoRefreshIntervals")
        && *intervals != json!(USUAL_INTERVALS)
    {
        picker.insert("refresh_intervals".to_owned(), intervals.clone());
    }
    if let Some(ranges) = settings.take("quickRanges") {
        picker.insert("quick_ranges".to_owned(), ranges.clone());
    }
    if settings.flag("hideTimepicker") {
        picker.insert("hidden".to_owned(), true.into());
    }
    settings.copy(&["nowDelay"], &mut picker);
    dashboard.insert("timepicker".to_owned(), Value::Object(picker));
    settings.finish(losses);
}

fn annotation(mut kind: Part<'_>, losses: &mut Losses) -> Result<Value, ImportError> {
    kind.take("kind");
    let mut spec = kind.needed("spec")?;
    let mut classic = Map::new();
    spec.copy(&["enable", "hide", "iconColor", "name", "filter", "placement", "mappings"], &mut classic);
    if spec.flag("builtIn") {
        classic.insert("builtIn".to_owned(), 1.into());
        classic.insert("type".to_owned(), "dashboard".into());
    }
    if let Some(query) = spec.part("query")? {
        let query = panel::DataQuery::read(query, losses)?;
        classic.insert("datasource".to_owned(), query.datasource());
        if query.group == "grafana" {
            classic.insert("target".to_owned(), Value::Object(query.spec.clone()));
        } else {
            // In the classic form what a data source wants to know stands beside the name.
            for (key, value) in query.spec {
                classic.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
    }
    if let Some(Value::Object(options)) = spec.take("legacyOptions") {
        for (key, value) in options {
            classic.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    spec.take("datasource");
    spec.finish(losses);
    kind.finish(losses);
    Ok(Value::Object(classic))
}
