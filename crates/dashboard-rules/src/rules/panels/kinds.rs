//! What kinds of panels there are.

use grafana::model::Panel;

/// The panel types that come with Grafana 12 and 13.
const CORE: [&str; 28] = [
    "alertlist",
    "annolist",
    "barchart",
    "bargauge",
    "candlestick",
    "canvas",
    "dashlist",
    "datagrid",
    "debug",
    "flamegraph",
    "gauge",
    "geomap",
    "gettingstarted",
    "heatmap",
    "histogram",
    "live",
    "logs",
    "news",
    "nodeGraph",
    "piechart",
    "row",
    "stat",
    "state-timeline",
    "status-history",
    "table",
    "text",
    "timeseries",
    "traces",
];
const CORE_TOO: [&str; 3] = ["trend", "welcome", "xychart"];

/// Those that Grafana has replaced, and by what.
const REPLACED: [(&str, &str); 7] = [
    ("graph", "timeseries"),
    ("singlestat", "stat"),
    ("grafana-singlestat-panel", "stat"),
    ("table-old", "table"),
    ("grafana-piechart-panel", "piechart"),
    ("grafana-worldmap-panel", "geomap"),
    ("natel-discrete-panel", "state-timeline"),
];

/// Those that show something without asking a data source.
const WITHOUT_DATA: [&str; 12] = [
    "alertlist",
    "annolist",
    "canvas",
    "dashlist",
    "gettingstarted",
    "live",
    "news",
    "row",
    "text",
    "welcome",
    "debug",
    "pluginlist",
];

/// Whether Grafana brings this type along.
pub(crate) fn is_core(kind: &str) -> bool {
    CORE.contains(&kind) || CORE_TOO.contains(&kind)
}

/// What took the place of this type.
pub(super) fn replaced_by(kind: &str) -> Option<&'static str> {
    REPLACED.iter().find(|(old, _)| *old == kind).map(|(_, new)| *new)
}

/// Whether the panel shows what queries give.
pub(super) fn asks_for_data(panel: &Panel) -> bool {
    let kind = panel.kind.id();
    !WITHOUT_DATA.contains(&kind) && (is_core(kind) || replaced_by(kind).is_some()) && !is_from_library(panel)
}

/// Whether the panel is kept in Grafana's library, so that the file holds only its name.
pub(super) fn is_from_library(panel: &Panel) -> bool {
    panel.extra.contains_key("libraryPanel") || panel.kind.id() == "library-panel-ref"
}
