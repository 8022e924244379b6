//! A whole dashboard as one page that needs nothing else.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::color::Theme;
use crate::interval::TimeRange;
use crate::layout::Placed;
use crate::model::{Dashboard, PanelKind, VariableKind};
use crate::time::moment_format;
use crate::variables::Style;

use super::text::{MAX_NAME, MAX_TITLE, cut};
use super::{Appearance, Context, GAP, LINE, STYLE};

/// What a page shows.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The dashboard.
    pub dashboard: &'a Dashboard,
    /// Its panels at their places, from [`crate::layout::arrange`].
    pub placed: &'a [Placed<'a>],
    /// What [`super::panel`] gave for each of `placed`, in the same order; those of rows are not looked at.
    pub drawn: &'a [Markup],
    /// The range of time that is shown.
    pub range: TimeRange,
    /// More for the head: scripts and styles of the caller. It is not escaped.
    pub head: Option<&'a Markup>,
    /// More for the header: inputs for the variables and the time. It is not escaped, and stands instead of the values.
    pub controls: Option<&'a Markup>,
}

/// Draws the page.
pub fn page(page: &Page<'_>, context: &Context<'_>) -> Markup {
    let theme = theme_class(context);
    html! {
        (DOCTYPE)
        html lang="en" class=[theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (cut(&page.dashboard.title, MAX_NAME)) }
                style { (PreEscaped(STYLE)) }
                @if let Some(head) = page.head { (head) }
            }
            body { (header(page, context)) main { (sections(page, context)) } }
        }
    }
}

/// Draws the page as one picture of a fixed width: an SVG that holds the page, for places that show pictures only.
/// Browsers draw it; programs that know SVG without HTML do not. `head` and `controls` of the page stay out.
pub fn page_as_svg(page: &Page<'_>, context: &Context<'_>, width: u32) -> String {
    let page = Page { head: None, controls: None, ..*page };
    let height = height(&page);
    let drawn = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height) viewBox=(format!("0 0 {width} {height}"))
            class=[theme_class(context)] {
            style { (PreEscaped(STYLE)) }
            foreignObject width="100%" height="100%" {
                div class="body" xmlns="http://www.w3.org/1999/xhtml" {
                    (header(&page, context))
                    main { (sections(&page, context)) }
                }
            }
        }
    };
    // XML has no way to write these.
    let mut text = drawn.into_string();
    text.retain(|character| !character.is_control() || matches!(character, '\n' | '\t'));
    text.retain(|character| !matches!(character, '\u{fffe}' | '\u{ffff}'));
    text
}

/// About how high the page is: the header, the headlines of the rows and the lines of the grids.
fn height(page: &Page<'_>) -> i64 {
    const HEADER: i64 = 100;
    const ROW: i64 = 48;
    let mut total = HEADER;
    for bounds in section_bounds(page).windows(2) {
        let members = &page.placed[bounds[0]..bounds[1]];
        let top = members.iter().map(|placed| placed.grid.y).min().unwrap_or(0);
        let bottom = members.iter().map(|placed| placed.grid.y + placed.grid.h).max().unwrap_or(0);
        let is_row = members.first().is_some_and(is_row);
        total += if is_row {
            ROW + (bottom - top - 1) * i64::from(LINE + GAP)
        } else {
            (bottom - top) * i64::from(LINE + GAP)
        };
    }
    total
}

fn theme_class(context: &Context<'_>) -> Option<&'static str> {
    match context.appearance {
        Appearance::Auto => None,
        Appearance::Fixed(Theme::Dark) => Some("theme-dark"),
        Appearance::Fixed(Theme::Light) => Some("theme-light"),
    }
}

fn header(page: &Page<'_>, context: &Context<'_>) -> Markup {
    let dashboard = page.dashboard;
    html! {
        header class="top" {
            h1 dir="auto" title=(cut(dashboard.description.as_deref().unwrap_or_default(), MAX_TITLE)) {
                (cut(&dashboard.title, MAX_NAME))
            }
            @if let Some(controls) = page.controls { (controls) } @else {
                p class="range" { (range_text(page.range, context)) }
                dl class="variables" { (variables(dashboard, context)) }
            }
        }
    }
}

/// `2026-03-01 10:00:00 to 11:00:00`, with the zone.
fn range_text(range: TimeRange, context: &Context<'_>) -> String {
    let zone = &context.clock.zone;
    let write = |ms: i64, pattern: &str| moment_format(ms, pattern, zone).unwrap_or_else(|| "?".to_owned());
    let day = |ms: i64| write(ms, "YYYY-MM-DD");
    let end = if day(range.from_ms) == day(range.to_ms) { "HH:mm:ss" } else { "YYYY-MM-DD HH:mm:ss" };
    let zone_name = zone.iana_name().map_or_else(|| write(range.to_ms, "Z"), str::to_owned);
    format!("{} to {} ({zone_name})", write(range.from_ms, "YYYY-MM-DD HH:mm:ss"), write(range.to_ms, end))
}

fn variables(dashboard: &Dashboard, context: &Context<'_>) -> Markup {
    /// Where it is not shown at all.
    const HIDDEN: i64 = 2;
    let shown = dashboard.variables.iter().filter(|variable| {
        variable.hide != HIDDEN && !matches!(variable.kind, VariableKind::Constant { .. })
    });
    html! {
        @for variable in shown {
            @if let Some(state) = context.values.get(&variable.name) {
                div {
                    dt { (cut(variable.label.as_deref().filter(|label| !label.is_empty()).unwrap_or(&variable.name), MAX_NAME)) }
                    dd { bdi { (cut(&state.text(), MAX_NAME)) } }
                }
            }
        }
    }
}

fn is_row(placed: &Placed<'_>) -> bool {
    placed.panel.kind == PanelKind::Row
}

/// Where each row begins among the placed panels, and their end.
fn section_bounds(page: &Page<'_>) -> Vec<usize> {
    let mut bounds: Vec<usize> =
        (0..page.placed.len()).filter(|i| *i == 0 || is_row(&page.placed[*i])).collect();
    bounds.push(page.placed.len());
    bounds
}

/// Each row with the panels under it; those before the first row have none.
fn sections(page: &Page<'_>, context: &Context<'_>) -> Markup {
    html! {
        @for bounds in section_bounds(page).windows(2) {
            @let members = bounds[0]..bounds[1];
            @let first = page.placed.get(bounds[0]);
            @if let Some(row) = first.filter(|first| is_row(first)) {
                @let title = context.values.interpolate(&row.panel.title, Style::Glob);
                // With a value, as XML wants it.
                details class="row" open=[(!row.folded).then_some("open")] data-row=[row.panel.id] {
                    summary {
                        bdi { (cut(&title, MAX_NAME)) }
                        @if row.folded {
                            @let count = row.panel.panels.len();
                            span class="count" { " (" (count) (if count == 1 { " panel)" } else { " panels)" }) }
                        }
                    }
                    (grid(page, members.start + 1..members.end, row.grid.y + 1))
                }
            } @else {
                (grid(page, members, 0))
            }
        }
    }
}

fn grid(page: &Page<'_>, members: std::ops::Range<usize>, top: i64) -> Markup {
    html! {
        @if !members.is_empty() {
            div class="grid" {
                @for i in members {
                    @let place = page.placed[i].grid;
                    div class="cell" style=(format!(
                        "--x:{};--y:{};--w:{};--h:{}",
                        place.x + 1, place.y.saturating_sub(top).max(0) + 1, place.w, place.h
                    )) {
                        @if let Some(drawn) = page.drawn.get(i) { (drawn) }
                    }
                }
            }
        }
    }
}
