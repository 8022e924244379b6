//! Dials: an arc between the ends of the scale.

use maud::{Markup, html};

use crate::model::options::choice;

use super::lines::SVG;
use super::single::{Single, collect, share};
use super::text::{MAX_TITLE, cut, width};
use super::{Context, PanelInput, content, paint};

/// Two thirds of a circle around (100, 100), open at the bottom: of the value, and of the thresholds around it.
const ARC: &str = "M35.91 137A74 74 0 1 1 164.09 137";
const RING: &str = "M23.79 144A88 88 0 1 1 176.21 144";
/// Of the value's writing, in units of the picture.
const ROOM: f64 = 118.0;

/// Draws the panel.
pub(super) fn draw(input: &PanelInput<'_>, context: &Context<'_>) -> Markup {
    let options = &input.panel.options;
    let (singles, left_out) = collect(input, context);
    if singles.is_empty() {
        return content::no_data(input.panel);
    }
    let flag =
        |key: &str, default: bool| options.get(key).and_then(serde_json::Value::as_bool).unwrap_or(default);
    let upright = match choice(options, "orientation", "auto") {
        "horizontal" => true,
        "vertical" => false,
        _ => input.size.height > input.size.width,
    };
    html! {
        div class=(if upright { "gauges upright" } else { "gauges" }) {
            @for single in &singles {
                figure class="gauge" title=(cut(&format!("{}: {}", single.name, single.shown), MAX_TITLE)) {
                    (dial(single, flag("showThresholdMarkers", true), context))
                    @if singles.len() > 1 { figcaption { bdi class="name" { (single.name) } } }
                }
            }
        }
        @if left_out > 0 { p class="left-out" { (left_out) " more are not drawn." } }
    }
}

fn dial(single: &Single, markers: bool, context: &Context<'_>) -> Markup {
    let text = single.shown.to_string();
    let size = (ROOM / (width(&text).max(1.0) * 0.58)).clamp(8.0, 34.0);
    html! {
        svg xmlns=(SVG) viewBox="8 8 184 146" role="img" aria-label=(text) {
            path class="track" d=(ARC) {}
            @let share = share(single) * 100.0;
            @if share > 0.0 {
                path class="arc" d=(ARC) pathLength="100" stroke-dasharray=(format!("{share:.2} 200"))
                    style=(format!("stroke:{}", single.color)) {}
            }
            @if markers { (ring(single, context)) }
            text class="value" x="100" y="112" text-anchor="middle" font-size=(format!("{size:.1}"))
                style=(format!("fill:{}", single.color)) { (text) }
        }
    }
}

/// The colours of the thresholds along the scale.
fn ring(single: &Single, context: &Context<'_>) -> Markup {
    let Some(thresholds) = &single.options.thresholds else { return html! {} };
    let (min, max) = single.ends;
    let place = |value: f64| {
        let place = (value - min) / (max - min) * 100.0;
        if place.is_nan() { 0.0 } else { place.clamp(0.0, 100.0) }
    };
    let bounds = paint::bounds(thresholds, min, max);
    html! {
        @for (i, (from, color)) in bounds.iter().enumerate() {
            @let (from, to) = (place(*from), bounds.get(i + 1).map_or(100.0, |(to, _)| place(*to)));
            @if to > from {
                path class="ring" d=(RING) pathLength="100" style=(format!("stroke:{}", context.appearance.named(color)))
                    stroke-dasharray=(format!("{:.2} 200", to - from)) stroke-dashoffset=(format!("{:.2}", -from)) {}
            }
        }
    }
}
