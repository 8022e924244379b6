//! The pages.

mod controls;
mod dashboard;
mod explore;
mod inspect;
mod list;

use grafana::render::{self, cut};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::Preview;
use crate::shelf::Shown;

pub(crate) use dashboard::dashboard;
pub(crate) use explore::explore;
pub(crate) use inspect::{inspect, panel_csv};
pub(crate) use list::list;

/// What a script adds to the pages.
pub(crate) const SCRIPT: &str = include_str!("../assets/preview.js");

/// What the pages need beside the style of the panels.
pub(crate) const STYLE: &str = include_str!("../assets/preview.css");

/// Pages are drawn for about this width, in pixels; the browser adapts them to its own.
pub(crate) const PAGE_WIDTH: u32 = 1_280;

/// A longer error of the sources is cut.
const MAX_PROBLEM: usize = 20_000;

/// Who looks at a page.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reader {
    /// How many minutes from UTC, if a script has told already.
    pub(crate) utc_offset: Option<i32>,
}

/// What stands in the head of every page: style, script, and what the script needs to know.
fn head(shown: &Shown, address: Option<&str>, reader: Reader) -> Markup {
    html! {
        meta name="preview-version" content=(shown.version);
        meta name="utc-offset" content=(reader.utc_offset.map_or_else(String::new, |minutes| minutes.to_string()));
        @if let Some(address) = address { meta name="address" content=(address); }
        link rel="icon" href="data:,";
        link rel="stylesheet" href="/preview/preview.css";
        // Not later: the theme is to be there before something is painted.
        script src="/preview/preview.js" {}
    }
}

/// The way to the other pages.
fn places(preview: &Preview, here: &str) -> Markup {
    html! {
        nav class="places" {
            @let ours = [("Dashboards".to_owned(), "/".to_owned()), ("Explore".to_owned(), "/explore".to_owned())];
            @for (name, address) in ours.iter().chain(&preview.options.places) {
                a href=(address) aria-current=[(address == here).then_some("page")] { (name) }
            }
            button type="button" data-action="theme" title="Dark or light" aria-label="Dark or light" { "◐" }
        }
    }
}

/// What is wrong with the sources. Its place is there also when nothing is: a script puts it there later.
fn banner(shown: &Shown) -> Markup {
    html! {
        div id="banner-place" {
            @if let Some(problem) = &shown.problem {
                div id="banner" role="alert" {
                    p { "The sources have an error. What you see is the last good version." }
                    pre { (cut(problem, MAX_PROBLEM)) }
                }
            }
        }
    }
}

/// A page that is no dashboard.
fn shell(
    shown: &Shown,
    preview: &Preview,
    title: &str,
    (here, address): (&str, Option<&str>),
    reader: Reader,
    content: &Markup,
) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(render::STYLE)) }
                (head(shown, address, reader))
            }
            body class="plain" {
                header class="top" { h1 { (title) } (places(preview, here)) (banner(shown)) }
                main { (content) }
            }
        }
    }
}

/// A page with a sentence.
pub(crate) fn message(shown: &Shown, preview: &Preview, title: &str, text: &str) -> Markup {
    let content = html! {
        p class="lead" { (text) }
        p { a href="/" { "All dashboards" } }
    };
    shell(shown, preview, title, ("", None), Reader::default(), &content)
}
