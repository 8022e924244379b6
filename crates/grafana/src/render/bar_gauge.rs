//! A bar for each value, for comparing them.

use maud::{Markup, html};

use crate::model::options::choice;

use super::single::{Single, collect, share};
use super::text::{MAX_TITLE, cut, width};
use super::{Context, PanelInput, content};

/// Draws the panel.
pub(super) fn draw(input: &PanelInput<'_>, context: &Context<'_>) -> Markup {
    let options = &input.panel.options;
    let (singles, left_out) = collect(input, context);
    if singles.is_empty() {
        return content::no_data(input.panel);
    }
    let upright = match choice(options, "orientation", "auto") {
        "horizontal" => false,
        "vertical" => true,
        _ => input.size.width > input.size.height,
    };
    let placement = choice(options, "namePlacement", "auto");
    let flag =
        |key: &str, default: bool| options.get(key).and_then(serde_json::Value::as_bool).unwrap_or(default);
    let named = singles.len() > 1 && placement != "hidden";
    let class = match (upright, placement) {
        (true, _) => "bars upright",
        (false, "top") => "bars named-above",
        (false, _) => "bars",
    };
    // All values stand in a column as wide as the longest.
    let widest = singles.iter().map(|single| width(&single.shown.to_string())).fold(0.0, f64::max);
    html! {
        div class=(class) style=(format!("--value:{:.1}em", widest.clamp(2.0, 14.0) * 0.62)) {
            @for single in &singles {
                (bar(single, named, flag("showUnfilled", true), choice(options, "valueMode", "color")))
            }
        }
        @if left_out > 0 { p class="left-out" { (left_out) " more are not drawn." } }
    }
}

fn bar(single: &Single, named: bool, unfilled: bool, value_mode: &str) -> Markup {
    let value_color = if value_mode == "text" { "inherit" } else { &single.color };
    html! {
        div class="bar" title=(cut(&format!("{}: {}", single.name, single.shown), MAX_TITLE)) {
            @if named { bdi class="name" { (single.name) } }
            div class=(if unfilled { "track" } else { "track empty" }) {
                div class="fill" style=(format!("--share:{:.2}%;background:{}", share(single) * 100.0, single.color)) {}
            }
            @if value_mode != "hidden" {
                span class="value" style=(format!("color:{value_color}")) { bdi { (single.shown) } }
            }
        }
    }
}
