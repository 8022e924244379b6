//! Any PromQL, as graph and as table.

use dashboard_view::{EvaluatedDashboard, Interrupt, Metrics, Request, Selection, evaluate};
use grafana::interval::Calendar;
use grafana::model::{self, Dashboard, GridPos};
use grafana::render::{self, Appearance, Context, PanelInput, Size, TablePage, cut};
use grafana::units::Clock;
use maud::{Markup, html};
use serde_json::json;

use super::controls::{refresh, time};
use super::dashboard::{clock, summary, zone_name};
use super::{PAGE_WIDTH, Reader, shell};
use crate::address::{Address, with_pairs};
use crate::shelf::Shown;
use crate::{Preview, caret};

const EXAMPLE: &str = "sum by (k8s_namespace_name) (rate(k8s_pod_cpu_time_seconds_total[5m]))";

/// Metrics that are listed; all are found by typing.
const MAX_METRICS: usize = 2_000;

/// The ids of the two panels.
const GRAPH: i64 = 1;
const TABLE: i64 = 2;

/// Draws the page.
pub(crate) fn explore(
    shown: &Shown,
    preview: &Preview,
    address: &Address,
    reader: Reader,
    interrupt: Interrupt<'_>,
) -> Markup {
    let query = address.others.get("query").map_or("", |query| query.trim());
    let dashboard = dashboard(query);
    let clock = clock(preview, &dashboard, reader);
    let request = Request {
        range: address.range.clone(),
        calendar: Calendar { zone: clock.zone.clone(), ..Calendar::default() },
        page_width: PAGE_WIDTH,
        ..Request::at(clock.now_ms)
    };
    let evaluated = evaluate(&dashboard, &request, &preview.source(interrupt));
    let raw = &evaluated.raw_range;
    let settled = address.at(&raw.0, &raw.1);
    let content = html! {
        form id="controls" class="explore" method="get" action="/explore" data-from=(evaluated.range.from_ms)
            data-to=(evaluated.range.to_ms) {
            div id="explore" {
                textarea name="query" rows=(query.lines().count().clamp(2, 12)) placeholder=(EXAMPLE) aria-label="PromQL"
                    spellcheck="false" autocapitalize="off" { (query) }
            }
            div class="time" {
                (time(&settled, raw, &zone_name(&clock.zone)))
                (refresh(address.refresh.as_deref()))
                button class="main" { "Run" }
            }
        }
        @for problem in &evaluated.problems { p class="problem" role="alert" dir="auto" { (cut(problem, 1_000)) } }
        @if !query.is_empty() { (answer(&evaluated, query, &settled, &clock)) }
        (metrics(preview, &evaluated, interrupt, &settled))
    };
    shell(shown, preview, "Explore", ("/explore", Some(&settled.text())), reader, &content)
}

/// The query twice: over the range, and at its end.
fn dashboard(query: &str) -> Dashboard {
    let target = |instant: bool| {
        json!([{
            "refId": "A", "expr": query, "instant": instant, "range": !instant,
            "format": if instant { "table" } else { "time_series" },
        }])
    };
    let value = json!({
        "title": "Explore", "time": {"from": "now-1h", "to": "now"}, "timezone": "browser",
        "panels": [
            {
                "id": GRAPH, "type": "timeseries", "title": "Graph", "targets": target(false),
                "gridPos": {"x": 0, "y": 0, "w": 24, "h": 12},
                "fieldConfig": {"defaults": {"unit": "short", "custom": {"lineWidth": 1, "fillOpacity": 8, "showPoints": "auto"}}},
                "options": {
                    "legend": {"showLegend": true, "displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
                    "tooltip": {"mode": "multi", "sort": "desc"},
                },
            },
            {
                "id": TABLE, "type": "table", "title": "Table", "targets": target(true),
                "gridPos": {"x": 0, "y": 12, "w": 24, "h": 12},
                "transformations": [{"id": "organize", "options": {"excludeByName": {"Time": true}}}],
            },
        ],
    });
    model::parse(&value).map(|parsed| parsed.dashboard).unwrap_or_default()
}

fn answer(evaluated: &EvaluatedDashboard<'_>, query: &str, address: &Address, clock: &Clock) -> Markup {
    let context = Context { appearance: Appearance::Auto, clock, values: &evaluated.values, hover: true };
    let targets = evaluated.panels.iter().flat_map(|panel| &panel.targets);
    let mut errors: Vec<String> =
        targets.filter_map(|target| Some(caret::marked(&target.query, target.error.as_ref()?))).collect();
    // Both panels have the same to say about a query that is none.
    errors.dedup();
    html! {
        @for error in &errors { pre class="caret" role="alert" dir="ltr" { (cut(error, 20_000)) } }
        div class="answers" data-query=(cut(query, 1_000)) {
            @for panel in evaluated.panels.iter().filter(|panel| panel.errors().is_empty()) {
                @let id = panel.panel().id.unwrap_or(GRAPH);
                @let number = address.pages.get(&id).copied().unwrap_or(1);
                @let grid = GridPos { x: 0, y: 0, w: 24, h: 12 };
                @let input = PanelInput {
                    panel: panel.panel(), frames: &panel.frames, errors: &[], range: panel.range, step_ms: panel.step_ms,
                    table_page: TablePage { number, size: 100 }, size: Size::on_grid(grid, PAGE_WIDTH),
                };
                div class="answer" { (render::panel(&input, &context)) }
                p class="facts" {
                    @for target in &panel.targets {
                        (summary(target))
                        @for remark in target.remarks.iter().take(10) { br; span class="remark" dir="auto" { (cut(remark, 500)) } }
                    }
                }
            }
        }
    }
}

/// All metrics, to begin with.
fn metrics(
    preview: &Preview,
    evaluated: &EvaluatedDashboard<'_>,
    interrupt: Interrupt<'_>,
    address: &Address,
) -> Markup {
    let selection = Selection { selectors: Vec::new(), range: evaluated.range };
    let metrics: &dyn Metrics = &*preview.metrics;
    let names = metrics.label_values("__name__", &selection, interrupt);
    html! {
        details class="metrics" {
            @match &names {
                Ok(names) => {
                    summary { (names.len()) " metrics" }
                    input type="search" class="filter" placeholder="Search" aria-label="Search the metrics" autocomplete="off";
                    div class="options" {
                        @for name in names.iter().take(MAX_METRICS) {
                            @let mut pairs = vec![("query".to_owned(), name.clone())];
                            @let () = pairs.extend(address.carried(false, true));
                            a href=(with_pairs("/explore", &pairs)) { (cut(name, 200)) }
                        }
                        @if names.len() > MAX_METRICS { p { (names.len() - MAX_METRICS) " more are not listed" } }
                    }
                },
                Err(error) => { summary { "Metrics" } p class="problem" { (cut(&error.to_string(), 500)) } },
            }
        }
    }
}
