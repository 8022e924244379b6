//! Lines, areas, bars and points over time.

use maud::{Markup, html};
use serde_json::{Value as Json, json};

use crate::model::FieldOptions;
use crate::model::options::{Legend, Tooltip};
use crate::units::{self, Clock, Formatted};

use super::lines::{Course, Plot, SIDE, SVG};
use super::scale::{Limits, Range, ticks};
use super::series::{Series, all_times, as_value, collect, value_ends};
use super::text::{MAX_NAME, cut, width};
use super::time_axis::{TimeTick, time_ticks};
use super::{Context, PanelInput, content, legend, paint};

/// Pixels from tick to tick, upwards.
const TICK_HEIGHT: u32 = 30;
/// Characters beside a tick.
const MAX_TICK: usize = 24;
/// Pixels that a digit takes under an axis.
const DIGIT: f64 = 6.5;

/// Draws the panel.
pub(super) fn draw(input: &PanelInput<'_>, context: &Context<'_>) -> Markup {
    let collected = collect(input);
    let series = &collected.series;
    let Some(first) = series.first() else {
        return if collected.without_time {
            content::notice("The data has no time: it cannot be drawn over time.")
        } else {
            content::no_data(input.panel)
        };
    };
    let ends = value_ends(series);
    let colors: Vec<String> = series.iter().map(|series| series.color(ends, context)).collect();
    let shown_legend = Legend::of(&input.panel.options);
    let beside = shown_legend.placement == "right";
    let plot = Plot { time: input.range, values: Range::around(drawn_ends(input, series), limits(first)) };
    let room = room(input, &shown_legend, series.len());
    let unit = if is_percent(first) { Some("percentunit") } else { first.options.unit.as_deref() };
    let up = ticks(plot.values, (room.1 / TICK_HEIGHT).clamp(2, 12) as usize, is_binary(unit));
    let up: Vec<(f64, String)> = up
        .into_iter()
        .map(|tick| (tick, tick_text(unit, first.options.decimals, tick, context.clock)))
        .collect();
    let along = time_marks(input, room.0, context);
    html! {
        div class=(if beside { "graph beside" } else { "graph" }) {
            div class="plot" {
                @if let Some(label) = first.custom_text("axisLabel").filter(|label| !label.is_empty()) {
                    div class="axis-label" dir="auto" { (cut(label, 80)) }
                }
                div class="y" aria-hidden="true" {
                    @for (tick, text) in &up {
                        // The first gives the column its width, the second is seen.
                        b { (text) }
                        i style=(format!("bottom:{:.2}%", plot.values.place(*tick) * 100.0)) { (text) }
                    }
                }
                div class="canvas" data-from=(input.range.from_ms) data-to=(input.range.to_ms)
                    data-min=(plot.values.min) data-max=(plot.values.max) {
                    (svg(&plot, series, &colors, &up, &along, context))
                }
                div class="x" aria-hidden="true" {
                    @for (i, tick) in along.iter().enumerate() {
                        i class=(mark_class(i, &along, plot.across(tick.ms)))
                            style=(format!("left:{:.2}%", plot.across(tick.ms) * 100.0)) { (tick.text) }
                    }
                }
            }
            @if shown_legend.show { (legend::draw(&shown_legend, series, &colors, ends, context)) }
        }
        @if collected.left_out > 0 {
            p class="left-out" { "The first " (series.len()) " series are drawn, " (collected.left_out) " more are not." }
        }
        @if context.hover { (hover_data(input, series, &colors, ends, context)) }
    }
}

/// About how many pixels the plot gets.
fn room(input: &PanelInput<'_>, legend: &Legend, series: usize) -> (u32, u32) {
    let (width, height) = (input.size.width.saturating_sub(80), input.size.height.saturating_sub(64));
    if !legend.show {
        return (width, height);
    }
    if legend.placement == "right" {
        return (width * 3 / 5, height);
    }
    let lines = if legend.display_mode == "table" { series + 1 } else { 1 };
    let used = u32::try_from(lines).unwrap_or(u32::MAX).saturating_mul(22).min(input.size.height * 2 / 5);
    (width, height.saturating_sub(used))
}

fn is_percent(series: &Series<'_>) -> bool {
    let mode = series.options.custom.get("stacking").and_then(|stacking| stacking.get("mode"));
    mode.and_then(Json::as_str) == Some("percent")
}

/// Units that count in 1,024.
fn is_binary(unit: Option<&str>) -> bool {
    unit.is_some_and(|unit| {
        matches!(
            unit,
            "bytes" | "kbytes" | "mbytes" | "gbytes" | "tbytes" | "pbytes" | "bits" | "binBps" | "binbps"
        ) || (unit.ends_with("iBs") || unit.ends_with("ibits"))
    })
}

fn limits(first: &Series<'_>) -> Limits {
    let FieldOptions { min, max, .. } = first.options;
    Limits {
        min,
        max,
        soft_min: first.custom_number("axisSoftMin"),
        soft_max: first.custom_number("axisSoftMax").or(is_percent(first).then_some(1.0)),
        centered: first.options.custom.get("axisCenteredZero").and_then(Json::as_bool).unwrap_or(false),
    }
}

/// The lowest and highest place that something is drawn at, in the range of time.
fn drawn_ends(input: &PanelInput<'_>, series: &[Series<'_>]) -> Option<(f64, f64)> {
    let inside = |ms: i64| (input.range.from_ms..=input.range.to_ms).contains(&ms);
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for one in series {
        for point in one.points.iter().filter(|point| inside(point.ms)) {
            // Bars stand on zero: their length is what is compared.
            let ground = (one.custom_text("drawStyle") == Some("bars")).then_some(0.0);
            for value in
                [point.top, point.base.or(ground).filter(|_| point.top.is_some())].into_iter().flatten()
            {
                low = low.min(value);
                high = high.max(value);
            }
        }
    }
    (low <= high).then_some((low, high))
}

/// With the digits that the tick needs, and no others.
fn tick_text(unit: Option<&str>, decimals: Option<f64>, tick: f64, clock: &Clock) -> String {
    /// More would be noise.
    const MOST: u8 = 8;
    let format = |digits: u8| units::format(unit, tick, Some(f64::from(digits)), clock);
    let number = |formatted: &Formatted| formatted.text.parse::<f64>().ok();
    let exact = number(&format(MOST));
    let enough = (0..MOST).find(|digits| match (number(&format(*digits)), exact) {
        (Some(short), Some(exact)) => (short - exact).abs() <= exact.abs() * 1e-4,
        _ => true,
    });
    let digits = f64::from(enough.unwrap_or(MOST));
    let digits = decimals.filter(|given| *given >= digits).unwrap_or(digits);
    cut(&units::format(unit, tick, Some(digits), clock).to_string(), MAX_TICK).into_owned()
}

fn mark_width(tick: &TimeTick) -> f64 {
    width(&tick.text) * DIGIT + 26.0
}

fn time_marks(input: &PanelInput<'_>, room: u32, context: &Context<'_>) -> Vec<TimeTick> {
    let zone = &context.clock.zone;
    let most = |width: f64| (f64::from(room) / width).clamp(2.0, 24.0) as usize;
    let ticks = time_ticks(input.range, most(60.0), zone);
    match ticks.first().map(mark_width) {
        // Dates need more room than times.
        Some(width) if width > 60.0 => time_ticks(input.range, most(width), zone),
        _ => ticks,
    }
}

/// In a narrower panel every second or only every fourth mark is shown: `wN` needs N times 50 pixels.
fn mark_class(i: usize, marks: &[TimeTick], across: f64) -> String {
    let all = marks.iter().map(mark_width).fold(0.0, f64::max) * marks.len() as f64 + 60.0;
    let needed = match i % 4 {
        0 => 0.0,
        2 => all / 2.0,
        _ => all,
    };
    let step = (needed / 50.0).ceil().clamp(0.0, 20.0) as u32;
    format!("w{step}{}", if across > 0.97 { " last" } else { "" })
}

fn svg(
    plot: &Plot,
    series: &[Series<'_>],
    colors: &[String],
    up: &[(f64, String)],
    along: &[TimeTick],
    context: &Context<'_>,
) -> Markup {
    let side = SIDE as i64;
    let mut grid: String = up.iter().map(|(tick, _)| format!("M0 {}H{side}", plot.y(*tick))).collect();
    grid.extend(along.iter().map(|tick| format!("M{} 0V{side}", (plot.across(tick.ms) * SIDE).round())));
    html! {
        svg xmlns=(SVG) viewBox=(format!("0 0 {side} {side}")) preserveAspectRatio="none" role="img"
            aria-label=(format!("{} series over time", series.len())) {
            path class="lines" d=(grid) {}
            @if let Some(first) = series.first() { (thresholds(plot, first, side, context)) }
            // The first series stands in front, and on its stack at the bottom.
            @for (number, (series, color)) in series.iter().zip(colors).enumerate().rev() {
                g data-series=(number) { (one(plot, series, color)) }
            }
        }
    }
}

fn one(plot: &Plot, series: &Series<'_>, color: &str) -> Markup {
    let style = series.custom_text("drawStyle").unwrap_or("line");
    let course = Course::of(series.custom_text("lineInterpolation"));
    let line_width = series.custom_number("lineWidth").unwrap_or(1.0).clamp(0.0, 10.0);
    let opacity = series.custom_number("fillOpacity").unwrap_or(0.0).clamp(0.0, 100.0) / 100.0;
    let filled = opacity > 0.0;
    let stroke = format!("stroke:{color};stroke-width:{line_width}{}", dashes(series));
    let fill = format!("fill:{color};fill-opacity:{opacity}");
    let size = series.custom_number("pointSize").unwrap_or(5.0).clamp(1.0, 40.0);
    let points = style == "points" || series.custom_text("showPoints") == Some("always");
    html! {
        @if style == "bars" {
            path class="bars" d=(plot.bars(&series.points)) style=(format!("{fill};{stroke}")) {}
        } @else if style != "points" {
            @if filled { path class="area" d=(plot.area(&series.points, course)) style=(fill) {} }
            @let line = plot.line(&series.points, course);
            @if line_width > 0.0 && !line.is_empty() { path class="line" d=(line) style=(stroke) {} }
        }
        @if style != "bars" {
            @let dots = plot.dots(&series.points, points);
            @if !dots.is_empty() {
                path class="line" d=(dots) style=(format!("stroke:{color};stroke-width:{size}")) {}
            }
        }
    }
}

/// The option `lineStyle`.
fn dashes(series: &Series<'_>) -> String {
    let Some(style) = series.options.custom.get("lineStyle") else { return String::new() };
    let lengths = |default: &[f64]| {
        let given: Vec<f64> = style
            .get("dash")
            .and_then(Json::as_array)
            .map(|lengths| {
                lengths
                    .iter()
                    .filter_map(Json::as_f64)
                    .filter(|length| (0.0..=1_000.0).contains(length))
                    .collect()
            })
            .unwrap_or_default();
        let lengths = if given.is_empty() { default.to_vec() } else { given };
        lengths.iter().take(8).map(f64::to_string).collect::<Vec<_>>().join(" ")
    };
    match style.get("fill").and_then(Json::as_str) {
        Some("dash") => format!(";stroke-dasharray:{}", lengths(&[10.0, 10.0])),
        Some("dot") => format!(";stroke-dasharray:{}", lengths(&[0.0, 6.0])),
        _ => String::new(),
    }
}

/// The option `thresholdsStyle`: lines where values become bad, and areas.
fn thresholds(plot: &Plot, first: &Series<'_>, side: i64, context: &Context<'_>) -> Markup {
    let mode = first.options.custom.get("thresholdsStyle").and_then(|style| style.get("mode"));
    let mode = mode.and_then(Json::as_str).unwrap_or("off");
    let Some(thresholds) = first.options.thresholds.as_ref().filter(|_| mode != "off") else {
        return html! {};
    };
    let Range { min, max } = plot.values;
    let bounds = paint::bounds(thresholds, min, max);
    html! {
        @for (i, (from, color)) in bounds.iter().enumerate() {
            @let color = context.appearance.named(color);
            @let to = bounds.get(i + 1).map_or(max, |(to, _)| *to).min(max);
            @let from_inside = from.max(min);
            @if mode.contains("area") && from_inside < to {
                rect class="threshold" x="0" width=(side) y=(plot.y(to)) height=(plot.y(from_inside) - plot.y(to))
                    style=(format!("fill:{color}")) {}
            }
            @if mode != "area" && (min..=max).contains(from) {
                path class=(if mode.starts_with("dashed") { "threshold-line dashed" } else { "threshold-line" })
                    d=(format!("M0 {}H{side}", plot.y(*from))) style=(format!("stroke:{color}")) {}
            }
        }
    }
}

/// What a script needs to show the values under the pointer: `times`, and for each series a value and its text at each of
/// them (null where there is none), and `tops` where a stack draws it elsewhere than at its value.
fn hover_data(
    input: &PanelInput<'_>,
    series: &[Series<'_>],
    colors: &[String],
    ends: (f64, f64),
    context: &Context<'_>,
) -> Markup {
    let times = all_times(series);
    let one = |(series, color): (&Series<'_>, &String)| {
        let processor = series.processor(crate::color::Theme::Dark, ends, context);
        let mut points = series.points.iter().filter(|point| point.value.is_some()).peekable();
        let (mut values, mut tops, mut texts) = (Vec::new(), Vec::new(), Vec::<String>::new());
        for time in &times {
            let mut found = None;
            // Of several points at one time the last one counts.
            while let Some(point) = points.next_if(|point| point.ms <= *time) {
                found = Some(point);
            }
            let Some((value, top)) = found.and_then(|point| Some((point.value?, point.top?))) else {
                values.push(Json::Null);
                tops.push(Json::Null);
                texts.push(String::new());
                continue;
            };
            values.push(short_number(value));
            tops.push(short_number(top));
            texts.push(cut(&processor.show(&as_value(Some(value))).to_string(), MAX_NAME).into_owned());
        }
        let mut object = json!({"name": series.name, "color": color, "values": values, "texts": texts});
        if series.points.iter().any(|point| point.base.is_some()) {
            object["tops"] = Json::Array(tops);
        }
        object
    };
    let tooltip = Tooltip::of(&input.panel.options);
    let list: Vec<Json> =
        series.iter().zip(colors).filter(|(series, _)| !series.hidden_from("tooltip")).map(one).collect();
    content::embedded_json(
        "hover",
        &json!({"mode": tooltip.mode, "sort": tooltip.sort, "times": times, "series": list}),
    )
}

/// Enough digits for a place in a picture.
fn short_number(value: f64) -> Json {
    format!("{value:.6e}").parse::<f64>().map_or(Json::Null, Json::from)
}
