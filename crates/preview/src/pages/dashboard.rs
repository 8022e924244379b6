//! A dashboard.

use std::collections::BTreeSet;

use dashboard_view::{Asked, EvaluatedDashboard, EvaluatedPanel, Interrupt, Request, evaluate};
use grafana::interval::Calendar;
use grafana::model::{Dashboard, Panel, PanelKind};
use grafana::render::{self, Appearance, Context, Page, PanelInput, Size, TablePage, cut};
use grafana::units::Clock;
use grafana::variables::Style;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::controls::controls;
use super::{PAGE_WIDTH, Reader, head};
use crate::Preview;
use crate::address::{Address, with_pairs, zone};
use crate::shelf::Shown;

/// Rows of a table on one page.
const TABLE_ROWS: usize = 50;

/// Draws a dashboard; nothing when there is none of this uid.
pub(crate) fn dashboard(
    shown: &Shown,
    preview: &Preview,
    uid: &str,
    address: &Address,
    reader: Reader,
    interrupt: Interrupt<'_>,
) -> Option<Markup> {
    let dashboard = &shown.find(uid)?.dashboard;
    let mut address = address.clone();
    // What is in the address counts, also when it says that there is no refresh.
    if address.refresh.is_none() && address.range.is_none() && address.chosen.values.is_empty() {
        address.refresh.clone_from(&dashboard.refresh);
    }
    let clock = clock(preview, dashboard, reader);
    let request = request(dashboard, &address, &clock);
    let evaluated = evaluate(dashboard, &request, &preview.source(interrupt));
    let address = settle(&address, &evaluated);
    let drawn = draw_panels(&evaluated, &address, &clock, preview.options.workers.get());
    let placed = evaluated.placed();
    let context =
        Context { appearance: Appearance::Auto, clock: &clock, values: &evaluated.values, hover: true };
    let page = Page {
        dashboard,
        placed: &placed,
        drawn: &drawn,
        range: evaluated.range,
        head: Some(&head(shown, Some(&address.text()), reader)),
        controls: Some(&controls(&evaluated, shown, preview, &address, &zone_name(&clock.zone))),
    };
    Some(render::page(&page, &context))
}

/// The present and the zone of a dashboard for a reader.
pub(super) fn clock(preview: &Preview, dashboard: &Dashboard, reader: Reader) -> Clock {
    Clock {
        now_ms: (preview.options.now_ms)(),
        zone: zone(dashboard.timezone.as_deref(), reader.utc_offset.unwrap_or(0)),
    }
}

/// `UTC`, `UTC+01`.
pub(super) fn zone_name(zone: &TimeZone) -> String {
    let offset = zone.to_offset(jiff::Timestamp::UNIX_EPOCH);
    if offset.seconds() == 0 { "UTC".to_owned() } else { format!("UTC{offset}") }
}

/// What the address asks of the dashboard.
pub(super) fn request(dashboard: &Dashboard, address: &Address, clock: &Clock) -> Request {
    let rows = |panel: &&Panel| panel.kind == PanelKind::Row;
    let rows: BTreeSet<i64> = dashboard.panels.iter().filter(rows).filter_map(|row| row.id).collect();
    Request {
        chosen: address.chosen.clone(),
        range: address.range.clone(),
        calendar: Calendar { zone: clock.zone.clone(), ..Calendar::default() },
        page_width: PAGE_WIDTH,
        toggled_rows: address.rows.intersection(&rows).copied().collect(),
        ..Request::at(clock.now_ms)
    }
}

/// The address that leads to exactly this.
pub(super) fn settle(address: &Address, evaluated: &EvaluatedDashboard<'_>) -> Address {
    let skipped = evaluated.dashboard.variables.iter().filter(|variable| variable.skip_url_sync);
    let hidden = skipped.map(|variable| variable.name.clone()).collect();
    let settled = address.settled(&evaluated.values, &hidden);
    let (from, to) = &evaluated.raw_range;
    settled.at(from, to)
}

/// Every panel with its menu, in their order; nothing for rows. Several threads draw, each every so many panels: the
/// values of a plot with a hundred series are most of a page.
fn draw_panels(
    evaluated: &EvaluatedDashboard<'_>,
    address: &Address,
    clock: &Clock,
    workers: usize,
) -> Vec<Markup> {
    let panels = &evaluated.panels;
    let draw = |number: usize| {
        let panel = &panels[number];
        if panel.panel().kind == PanelKind::Row {
            return html! {};
        }
        let copy = panels[..number].iter().filter(|other| other.panel().id == panel.panel().id).count();
        html! {
            (menu(panel, copy, address, evaluated))
            (draw_panel(panel, address, clock, evaluated))
        }
    };
    let share = &|worker: usize| -> Vec<(usize, Markup)> {
        (worker..panels.len()).step_by(workers).map(|number| (number, draw(number))).collect()
    };
    let mut drawn = std::thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|worker| scope.spawn(move || share(worker))).collect();
        let mut drawn = share(0);
        for other in others {
            match other.join() {
                Ok(more) => drawn.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        drawn
    });
    drawn.sort_by_key(|(number, _)| *number);
    drawn.into_iter().map(|(_, markup)| markup).collect()
}

fn draw_panel(
    evaluated: &EvaluatedPanel<'_>,
    address: &Address,
    clock: &Clock,
    dashboard: &EvaluatedDashboard<'_>,
) -> Markup {
    let panel = sorted(evaluated.panel(), address);
    let number = panel.id.and_then(|id| address.pages.get(&id)).copied().unwrap_or(1);
    let errors = evaluated.errors();
    let input = PanelInput {
        panel: &panel,
        frames: &evaluated.frames,
        errors: &errors,
        range: evaluated.range,
        step_ms: evaluated.step_ms,
        table_page: TablePage { number, size: TABLE_ROWS },
        size: Size::on_grid(evaluated.placed.grid, PAGE_WIDTH),
    };
    let values = dashboard.values_of(evaluated);
    render::panel(&input, &Context { appearance: Appearance::Auto, clock, values, hover: true })
}

/// The panel with the order of rows that the reader wants.
fn sorted<'a>(panel: &'a Panel, address: &Address) -> std::borrow::Cow<'a, Panel> {
    let wanted = panel.id.and_then(|id| address.sorts.get(&id));
    let Some((column, down)) = wanted.filter(|_| panel.kind == PanelKind::Table) else {
        return std::borrow::Cow::Borrowed(panel);
    };
    let mut own = panel.clone();
    let order = serde_json::json!([{"displayName": column, "desc": down}]);
    own.options.insert("sortBy".to_owned(), order);
    std::borrow::Cow::Owned(own)
}

/// What else can be done with a panel.
fn menu(
    evaluated: &EvaluatedPanel<'_>,
    copy: usize,
    address: &Address,
    dashboard: &EvaluatedDashboard<'_>,
) -> Markup {
    let panel = evaluated.panel();
    let Some(id) = panel.id.filter(|_| panel.kind != PanelKind::Text) else { return html! {} };
    let place = Address { copy, ..address.on(format!("{}/panel/{id}", address.path)) };
    let data = place.on(format!("{}/data.csv", place.path));
    let title = dashboard.values_of(evaluated).interpolate(&panel.title, Style::Glob);
    html! {
        details class="menu" data-menu=(id) {
            summary title="Menu" aria-label=(format!("Menu of {}", cut(&title, 120))) { "⋮" }
            div class="options" {
                a data-link="inspect" href=(place.text()) { "Queries, data, times" }
                @for target in evaluated.targets.iter().take(10) {
                    a data-link="explore" href=(explore_address(&target.query, address)) {
                        "Explore" @if evaluated.targets.len() > 1 { " query " (cut(&target.ref_id, 20)) }
                    }
                }
                a data-link="csv" href=(data.text()) { "Data as CSV" }
                @let times: Vec<String> = evaluated.targets.iter().map(summary).collect();
                @for line in times.iter().take(10) { p { (line) } }
            }
        }
    }
}

/// Where a query can be played with, in the same range.
pub(super) fn explore_address(query: &str, address: &Address) -> String {
    let mut pairs = vec![("query".to_owned(), query.to_owned())];
    pairs.extend(address.carried(false, true));
    with_pairs("/explore", &pairs)
}

/// `A: 12 series, 732 points, 4.1 ms`.
pub(super) fn summary(target: &dashboard_view::EvaluatedTarget) -> String {
    let kind = match target.asked {
        Asked::Instant { .. } => String::new(),
        Asked::Range(range) => format!(", each {} s", range.step_ms as f64 / 1_000.0),
    };
    let samples = target.samples_read.map(|read| format!(", {read} samples read")).unwrap_or_default();
    let ms = target.duration.as_secs_f64() * 1_000.0;
    format!(
        "{}: {} series, {} points{kind}{samples}, {ms:.1} ms",
        cut(&target.ref_id, 20),
        target.series,
        target.points
    )
}
