//! What stands in a panel that has nothing to draw, and data inside a page.

use maud::{Markup, PreEscaped, html};

use crate::model::Panel;

use super::text::{MAX_TITLE, cut};

/// A sentence in the middle of a panel.
pub(super) fn notice(text: &str) -> Markup {
    html! { p class="notice" dir="auto" { (text) } }
}

/// What the dashboard has for this case, or the usual words.
pub(super) fn no_data(panel: &Panel) -> Markup {
    let own = panel.field_config.defaults.no_value.as_deref().filter(|text| !text.is_empty());
    notice(&cut(own.unwrap_or("No data"), MAX_TITLE))
}

/// A value for a script of the page to read. The signs that would end the element, or break a page that is read as
/// XML, are written as escapes.
pub fn embedded_json(class: &str, value: &serde_json::Value) -> Markup {
    let text = value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    html! { script type="application/json" class=(class) { (PreEscaped(text)) } }
}
