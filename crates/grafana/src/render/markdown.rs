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

/// Markdown as it is drawn in a text panel. Nothing that comes out loads or runs anything.
pub fn markdown(text: &str) -> Markup {
    to_html(&cut(text, MAX_TEXT))
}

/// The words of a Markdown text without its marks, for places that show nothing but text.
pub fn markdown_words(text: &str) -> String {
    let mut words = String::new();
    for event in Parser::new_ext(&cut(text, MAX_TEXT), Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                words.push_str(&text);
            }
            Event::SoftBreak => words.push(' '),
            Event::HardBreak | Event::End(TagEnd::Item) => words.push('\n'),
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_)) => words.push_str("\n\n"),
            _ => {}
        }
    }
    words.truncate(words.trim_end().len());
    words
}

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
    fn the_words_of_a_text_have_no_marks() {
        for (text, expected) in [
            ("plain", "plain"),
            ("A **b** `c`.\n\n**Do:** x\ny", "A b c.\n\nDo: x y"),
            ("- a\n- b", "a\nb"),
            ("[a](https://example.org) <b>", "a <b>"),
            ("", ""),
        ] {
            assert_eq!(markdown_words(text), expected, "{text}");
        }
    }

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
