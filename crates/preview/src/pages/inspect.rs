//! A panel from behind: what it asked, how long that took, and what came back.

use dashboard_view::{
    Asked, EvaluatedDashboard, EvaluatedPanel, EvaluatedTarget, Interrupt, Request, evaluate,
};
use grafana::frame::{FieldType, Frame, Value};
use grafana::model::Dashboard;
use grafana::render::{cut, markdown};
use grafana::variables::Style;
use maud::{Markup, html};

use super::dashboard::{clock, explore_address, request, settle};
use super::{Reader, shell};
use crate::address::Address;
use crate::shelf::Shown;
use crate::{Preview, caret, data};

/// Rows of data on one page.
const ROWS: usize = 100;
/// Columns of data, and tables.
const MAX_COLUMNS: usize = 100;
const MAX_TABLES: usize = 20;

/// Draws the page; nothing when there is no such panel.
pub(crate) fn inspect(
    shown: &Shown,
    preview: &Preview,
    (uid, id): (&str, i64),
    address: &Address,
    reader: Reader,
    interrupt: Interrupt<'_>,
) -> Option<Markup> {
    let dashboard = &shown.find(uid)?.dashboard;
    let evaluated = evaluate_panel(dashboard, preview, id, address, reader, interrupt);
    let panel = found(&evaluated, id, address.copy)?;
    let settled = Address { copy: address.copy, ..settle(address, &evaluated) };
    let values = evaluated.values_of(panel);
    let title = values.interpolate(&panel.panel().title, Style::Glob);
    let title = if title.is_empty() { format!("Panel {id}") } else { cut(&title, 120).into_owned() };
    let place = settled.on(format!("{}/panel/{id}", settled.path));
    let back = Address { copy: 0, ..settled.clone() };
    let number = address.pages.get(&id).copied().unwrap_or(1).max(1);
    let content = html! {
        p { a href=(back.text()) { "← " bdi { (cut(&dashboard.title, 120)) } } }
        @if let Some(description) = &panel.panel().description {
            div class="lead" dir="auto" { (markdown(&cut(&values.interpolate(description, Style::Glob), 2_000))) }
        }
        @for problem in &panel.problems { p class="problem" role="alert" dir="auto" { (cut(problem, 1_000)) } }
        section class="box" {
            h2 { "Queries" }
            @for target in &panel.targets { (query(target, &settled)) }
            @if panel.targets.is_empty() { p { "This panel asks nothing." } }
        }
        section class="box" {
            h2 { "Data" }
            p { a data-link="csv" href=(place.on(format!("{}/data.csv", place.path)).text()) { "as CSV" } }
            (tables(&data::tables(&panel.frames), number, |page| {
                let pages = [(id, page)].into();
                Address { pages, ..place.clone() }.text()
            }))
        }
    };
    Some(shell(shown, preview, &title, ("", Some(&place.text())), reader, &content))
}

/// The data of a panel as CSV; nothing when there is no such panel.
pub(crate) fn panel_csv(
    shown: &Shown,
    preview: &Preview,
    (uid, id): (&str, i64),
    address: &Address,
    reader: Reader,
    interrupt: Interrupt<'_>,
) -> Option<String> {
    let dashboard = &shown.find(uid)?.dashboard;
    let evaluated = evaluate_panel(dashboard, preview, id, address, reader, interrupt);
    Some(data::csv(&found(&evaluated, id, address.copy)?.frames))
}

fn evaluate_panel<'d>(
    dashboard: &'d Dashboard,
    preview: &Preview,
    id: i64,
    address: &Address,
    reader: Reader,
    interrupt: Interrupt<'_>,
) -> EvaluatedDashboard<'d> {
    let clock = clock(preview, dashboard, reader);
    let mut request = Request { only: Some([id].into()), ..request(dashboard, address, &clock) };
    // It can be looked at also while it is folded away.
    let folded = dashboard.panels.iter().filter(|row| row.collapsed);
    request.toggled_rows = folded.filter_map(|row| row.id).collect();
    evaluate(dashboard, &request, &preview.source(interrupt))
}

fn found<'a, 'd>(
    evaluated: &'a EvaluatedDashboard<'d>,
    id: i64,
    copy: usize,
) -> Option<&'a EvaluatedPanel<'d>> {
    evaluated.panels.iter().filter(|panel| panel.panel().id == Some(id)).nth(copy)
}

fn query(target: &EvaluatedTarget, address: &Address) -> Markup {
    let seconds = |ms: i64| format!("{} s", ms as f64 / 1_000.0);
    let at =
        |ms: i64| jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |at| at.to_string());
    html! {
        article class="query" data-query=(target.ref_id) {
            h3 { (cut(&target.ref_id, 40)) " " a data-link="explore" href=(explore_address(&target.query, address)) { "Explore" } }
            pre class="promql" { (cut(&target.query, 20_000)) }
            @if let Some(error) = &target.error { pre class="caret" role="alert" { (cut(&caret::marked(&target.query, error), 20_000)) } }
            dl {
                @match target.asked {
                    Asked::Instant { at_ms } => { dt { "at" } dd { (at(at_ms)) } },
                    Asked::Range(range) => {
                        dt { "from" } dd { (at(range.start_ms)) }
                        dt { "to" } dd { (at(range.end_ms)) }
                        dt { "step" } dd { (seconds(range.step_ms)) }
                    },
                }
                dt { "$__interval" } dd { (seconds(target.step_ms)) }
                dt { "$__rate_interval" } dd { (seconds(target.rate_interval_ms)) }
                dt { "time" } dd { (format!("{:.1} ms", target.duration.as_secs_f64() * 1_000.0)) }
                dt { "series" } dd { (target.series) }
                dt { "points" } dd { (target.points) }
                @if let Some(read) = target.samples_read { dt { "samples read" } dd { (read) } }
            }
            @for remark in target.remarks.iter().take(10) { p class="remark" dir="auto" { (cut(remark, 500)) } }
        }
    }
}

/// The data themselves, a page of each table.
pub(super) fn tables(frames: &[Frame], number: usize, address_of: impl Fn(usize) -> String) -> Markup {
    let longest = frames.iter().map(Frame::rows).max().unwrap_or(0);
    let pages = longest.div_ceil(ROWS).max(1);
    let number = number.min(pages);
    let rows = (number - 1) * ROWS..number * ROWS;
    html! {
        @if pages > 1 {
            nav class="paging" {
                @if number > 1 { a href=(address_of(number - 1)) { "‹ Previous" } }
                span { "Rows " (rows.start + 1) " to " (rows.end.min(longest)) " of " (longest) }
                @if number < pages { a href=(address_of(number + 1)) { "Next ›" } }
            }
        }
        @for frame in frames.iter().take(MAX_TABLES) { (table(frame, rows.clone())) }
        @if frames.len() > MAX_TABLES { p { (frames.len() - MAX_TABLES) " more tables are in the CSV." } }
        @if frames.iter().all(|frame| frame.rows() == 0) { p { "No data." } }
    }
}

fn table(frame: &Frame, rows: std::ops::Range<usize>) -> Markup {
    let names = frame.shown_names();
    let right = |field_type: FieldType| (field_type == FieldType::Number).then_some("number");
    html! {
        div class="wide" {
            table class="data" {
                thead { tr {
                    @for (field, name) in frame.fields.iter().zip(&names).take(MAX_COLUMNS) {
                        th class=[right(field.field_type)] { bdi { (cut(name, 120)) } }
                    }
                } }
                tbody {
                    @for row in rows.start..rows.end.min(frame.rows()) {
                        tr {
                            @for field in frame.fields.iter().take(MAX_COLUMNS) {
                                @let text = data::text(field.values.get(row).unwrap_or(&Value::Null), field.field_type);
                                td class=[right(field.field_type)] { bdi { (cut(&text, 200)) } }
                            }
                        }
                    }
                }
            }
        }
        @if frame.fields.len() > MAX_COLUMNS { p { (frame.fields.len() - MAX_COLUMNS) " more columns are in the CSV." } }
    }
}
