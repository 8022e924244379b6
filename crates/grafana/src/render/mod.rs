//! Panels and whole dashboards as HTML with SVG in it.
//!
//! Values go in, text comes out: nothing here asks a server or knows the time, and equal input gives equal bytes.
//!
//! What is measured by the browser stays there. A plot is an SVG that stretches to the room that it gets, with its lines
//! kept at their width, and the words around it are HTML at places in per cent; a large number gets its size from the
//! box around it. So one text is right for a phone and for a wide screen, without a script.
//!
//! Every colour that depends on the theme is written as `light-dark(…)` when the reader's system or a class on the page
//! decides; with a fixed theme it is a plain code.

mod bar_gauge;
mod content;
mod gauge;
mod legend;
mod lines;
mod link;
mod markdown;
mod page;
mod paint;
mod scale;
mod series;
mod single;
mod stat;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod time_axis;
mod time_series;

use maud::{Markup, html};

use crate::color::Theme;
use crate::frame::Frame;
use crate::interval::TimeRange;
use crate::model::{GridPos, Panel, PanelKind};
use crate::units::Clock;
use crate::variables::{Style, Values};

pub use content::embedded_json;
pub use markdown::{markdown, markdown_words};
pub use page::{Page, page, page_as_svg};
pub use scale::{Range, ticks};
pub use text::{cut, safe_address};
pub use time_axis::{TimeTick, time_ticks};

/// The style that all panels need; it stands in every page.
pub const STYLE: &str = include_str!("style.css");

/// More series than this are not drawn; how many were left out is said.
pub const MAX_SERIES: usize = 100;

/// Who decides between dark and light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Appearance {
    /// The reader's system, or the class `theme-dark` or `theme-light` on the page.
    #[default]
    Auto,
    /// Always this one.
    Fixed(Theme),
}

/// What all panels of a dashboard share.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Dark, light or both.
    pub appearance: Appearance,
    /// The instant of drawing and the zone, for dates.
    pub clock: &'a Clock,
    /// The variables, for titles, texts and links.
    pub values: &'a Values,
    /// Whether plots carry their values, formatted, for a script that shows them under the pointer.
    pub hover: bool,
}

/// Pixels that a panel is expected to get: decides how many ticks fit. It may get others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// From side to side.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

/// Pixels of a line of the grid.
const LINE: u32 = 30;
/// Pixels between the lines and the columns of the grid.
const GAP: u32 = 8;

impl Size {
    /// Of a panel on the grid of a page that is so wide.
    pub fn on_grid(grid: GridPos, page_width: u32) -> Self {
        let lines = u32::try_from(grid.h.clamp(1, 10_000)).unwrap_or(1);
        let columns = u32::try_from(grid.w.clamp(1, 24)).unwrap_or(1);
        let column = page_width.saturating_sub(23 * GAP) / 24;
        Self { width: columns * column + (columns - 1) * GAP, height: lines * LINE + (lines - 1) * GAP }
    }
}

/// Which rows of a table are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TablePage {
    /// From 1; one that does not exist is the last.
    pub number: usize,
    /// Rows on each.
    pub size: usize,
}

impl Default for TablePage {
    fn default() -> Self {
        Self { number: 1, size: 50 }
    }
}

/// A panel with what its queries gave.
#[derive(Clone, Copy, Debug)]
pub struct PanelInput<'a> {
    /// What to draw.
    pub panel: &'a Panel,
    /// The answers, transformed.
    pub frames: &'a [Frame],
    /// What went wrong: drawn in the panel, instead of the picture when there are no frames.
    pub errors: &'a [String],
    /// The panel's own time range.
    pub range: TimeRange,
    /// The distance of the points that were asked for: a longer one is a gap.
    pub step_ms: Option<i64>,
    /// For tables.
    pub table_page: TablePage,
    /// How large it is expected to be.
    pub size: Size,
}

/// A panel with its frame, title, description and links.
pub fn panel(input: &PanelInput<'_>, context: &Context<'_>) -> Markup {
    let panel = input.panel;
    let title = context.values.interpolate(&panel.title, Style::Glob);
    let description = panel.description.as_ref().map(|text| context.values.interpolate(text, Style::Glob));
    let description = description.map(|text| markdown_words(&text));
    html! {
        section class=(if panel.transparent { "panel transparent" } else { "panel" })
            data-panel=[panel.id] data-type=(cut(panel.kind.id(), 40)) {
            @if !title.is_empty() || description.is_some() || !panel.links.is_empty() {
                header {
                    h3 dir="auto" title=(cut(&title, text::MAX_TITLE)) { (cut(&title, text::MAX_NAME)) }
                    @if let Some(description) = description.filter(|text| !text.is_empty()) {
                        span class="info" tabindex="0" role="img" aria-label=(cut(&description, text::MAX_TITLE))
                            title=(cut(&description, text::MAX_TITLE)) { "i" }
                    }
                    @for link in &panel.links {
                        @if let Some(address) = link::plain(&link.url, context) {
                            a class="corner" href=(address) target=[link.target_blank.then_some("_blank")]
                                rel=[link.target_blank.then_some("noopener")] { (cut(&link.title, text::MAX_NAME)) }
                        }
                    }
                }
            }
            @if !input.errors.is_empty() {
                ul class="errors" role="alert" {
                    @for error in input.errors.iter().take(text::MAX_ERRORS) { li dir="auto" { (cut(error, text::MAX_ERROR)) } }
                    @if input.errors.len() > text::MAX_ERRORS {
                        li { (input.errors.len() - text::MAX_ERRORS) " more" }
                    }
                }
            }
            (picture(input, context))
        }
    }
}

/// What a panel draws inside its frame.
pub fn picture(input: &PanelInput<'_>, context: &Context<'_>) -> Markup {
    let panel = input.panel;
    match &panel.kind {
        PanelKind::Text => return markdown::text_panel(panel, context),
        PanelKind::Row => return html! {},
        PanelKind::Unknown(id) => {
            return content::notice(&format!(
                "The panel type \"{}\" is not drawn here. Grafana draws it if it has the plugin.",
                cut(id, text::MAX_NAME)
            ));
        }
        _ => {}
    }
    if input.frames.iter().all(|frame| frame.rows() == 0) {
        // With an error above, "No data" would be a second reason.
        if !input.errors.is_empty() {
            return html! {};
        }
        return content::no_data(panel);
    }
    match &panel.kind {
        PanelKind::TimeSeries => time_series::draw(input, context),
        PanelKind::Stat => stat::draw(input, context),
        PanelKind::Gauge => gauge::draw(input, context),
        PanelKind::BarGauge => bar_gauge::draw(input, context),
        PanelKind::Table => table::draw(input, context),
        PanelKind::Text | PanelKind::Row | PanelKind::Unknown(_) => html! {},
    }
}
