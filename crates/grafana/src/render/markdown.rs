//! Text panels: Markdown, of which HTML is shown as it is written and pictures as their description.

use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd};

use crate::model::Panel;
use crate::model::options::text_content;
use crate::variables::Style;

use super::Context;
use super::text::{cut, safe_address};

/// Longer texts are cut.
const MAX_TEXT: usize = 100_000;

/// Draws the panel.
pub(super) fn text_panel(panel: &Panel, context: &Context<'_>) -> Markup {
    let (content, mode) = text_content(&panel.options);
    let content = context.values.interpolate(&content, Style::Glob);
    let content = cut(&content, MAX_TEXT);
    match mode.as_str() {
        "markdown" => html! { div class="text" dir="auto" { (to_html(&content)) } },
        _ => html! { pre class="text" dir="auto" { (content) } },
    }
}

/// Nothing that comes out loads or runs anything.
fn to_html(text: &str) -> Markup {
    let parser = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
    // Whether each link that is open was let through.
    let mut open_links: Vec<bool> = Vec::new();
    let events = parser.filter_map(|event| match event {
        Event::Html(html) | Event::InlineHtml(html) => Some(Event::Text(html)),
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            // Addresses without a scheme of their own: those of mail.
            let address = if link_type == pulldown_cmark::LinkType::Email {
                None
            } else {
                safe_address(&dest_url).map(|address| CowStr::from(address.to_owned()))
            };
            open_links.push(address.is_some());
            address.map(|dest_url| Event::Start(Tag::Link { link_type, dest_url, title, id }))
        }
        Event::End(TagEnd::Link) => open_links.pop().unwrap_or(false).then_some(Event::End(TagEnd::Link)),
        other => Some(other),
    });
    let mut output = String::new();
    pulldown_cmark::html::push_html(&mut output, events);
    PreEscaped(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_harmless_html() {
        let table = [
            ("# A **b**", "<h1>A <strong>b</strong></h1>\n"),
            ("- a\n- `b`", "<ul>\n<li>a</li>\n<li><code>b</code></li>\n</ul>\n"),
            ("[a](https://example.org)", "<p><a href=\"https://example.org\">a</a></p>\n"),
            ("[a](javascript:alert(1))", "<p>a</p>\n"),
            ("![a](https://example.org/x.png)", "<p>a</p>\n"),
            ("a <b onclick=x>b</b>", "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>\n"),
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("[a](<javascript:x> \"t\") & c", "<p>a &amp; c</p>\n"),
        ];
        for (text, expected) in table {
            assert_eq!(to_html(text).into_string(), expected, "{text}");
        }
    }
}
