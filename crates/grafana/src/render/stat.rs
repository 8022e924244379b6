//! Large numbers, each with its history behind it.

use maud::{Markup, html};

use crate::model::options::choice;

use super::lines::{Course, Plot, SIDE, SVG};
use super::scale::{Limits, Range};
use super::series::Point;
use super::single::{Single, collect};
use super::text::{MAX_TITLE, cut, width};
use super::{Context, PanelInput, content};

/// What of a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parts {
    name: bool,
    value: bool,
}

/// Draws the panel.
pub(super) fn draw(input: &PanelInput<'_>, context: &Context<'_>) -> Markup {
    let options = &input.panel.options;
    let (singles, left_out) = collect(input, context);
    if singles.is_empty() {
        return content::no_data(input.panel);
    }
    let parts = match choice(options, "textMode", "auto") {
        "value" => Parts { name: false, value: true },
        "name" => Parts { name: true, value: false },
        "value_and_name" => Parts { name: true, value: true },
        "none" => Parts { name: false, value: false },
        _ => Parts { name: singles.len() > 1, value: true },
    };
    let upright = match choice(options, "orientation", "auto") {
        "horizontal" => true,
        "vertical" => false,
        _ => input.size.height > input.size.width,
    };
    let centered = choice(options, "justifyMode", "auto") == "center" || singles.len() == 1;
    let mut class = "stats".to_owned();
    for (add, name) in [(upright, " upright"), (centered, " centered")] {
        if add {
            class.push_str(name);
        }
    }
    html! {
        div class=(class) {
            @for single in &singles { (one(input, single, parts, choice(options, "colorMode", "value"))) }
        }
        @if left_out > 0 { p class="left-out" { (left_out) " more are not drawn." } }
    }
}

fn one(input: &PanelInput<'_>, single: &Single, parts: Parts, color_mode: &str) -> Markup {
    let on_ground = color_mode.starts_with("background");
    let (ground, writing) = match color_mode {
        _ if on_ground => (Some(&single.color), single.contrast.as_str()),
        "none" => (None, "inherit"),
        _ => (None, single.color.as_str()),
    };
    let mut style = format!("--color:{}", if on_ground { &single.contrast } else { &single.color });
    if let Some(ground) = ground {
        style.push_str(&format!(";background:{ground};color:{}", single.contrast));
    }
    let large = if parts.value { single.shown.to_string() } else { single.name.clone() };
    // The unit is written smaller.
    let em = width(&single.shown.text) * 0.6
        + width(&single.shown.suffix) * 0.4
        + width(&single.shown.prefix) * 0.4;
    let em = if parts.value { em } else { width(&large) * 0.6 };
    let wanted = choice(&input.panel.options, "graphMode", "area") == "area";
    let history = if wanted { sparkline(input, single) } else { None };
    html! {
        div class=(if history.is_some() { "stat history" } else { "stat" }) style=(style)
            title=(cut(&format!("{}: {}", single.name, single.shown), MAX_TITLE)) {
            @if let Some(history) = history { (history) }
            @if parts.name && parts.value { bdi class="name" { (single.name) } }
            @if parts.value {
                span class="value" style=(format!("--em:{:.1};color:{writing}", em.max(1.5))) {
                    @if !single.shown.prefix.is_empty() { small { (single.shown.prefix) } }
                    bdi { (single.shown.text) }
                    @if !single.shown.suffix.is_empty() { small { (single.shown.suffix) } }
                }
            } @else if parts.name {
                span class="value" style=(format!("--em:{:.1};color:{writing}", em.max(1.5))) { bdi { (large) } }
            }
        }
    }
}

/// Its history as an area along the bottom; an instant has none.
fn sparkline(input: &PanelInput<'_>, single: &Single) -> Option<Markup> {
    let points: Vec<Point> = single
        .history
        .iter()
        .map(|(ms, value)| Point { ms: *ms, value: *value, base: None, top: *value })
        .collect();
    let values = || points.iter().filter_map(|point| point.value);
    values().nth(1)?;
    let ends = values()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let limits = Limits { min: single.options.min, max: single.options.max, ..Limits::default() };
    let mut range = Range::around(Some(ends), limits);
    // An area that stands on its lowest value, so that small changes are seen.
    range.min = range.min.min(ends.0);
    let plot = Plot { time: input.range, values: range };
    let side = SIDE as i64;
    let standing: Vec<Point> = points.iter().map(|point| Point { base: Some(range.min), ..*point }).collect();
    Some(html! {
        svg xmlns=(SVG) class="sparkline" viewBox=(format!("0 0 {side} {side}")) preserveAspectRatio="none" aria-hidden="true" {
            path class="area" d=(plot.area(&standing, Course::Linear)) {}
            path class="line" d=(plot.line(&points, Course::Linear)) {}
        }
    })
}
