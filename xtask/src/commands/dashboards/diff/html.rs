//! The differences as one page that needs nothing else.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::compare::{DashboardChange, PanelChange, PropertyChange};
use super::words::{Piece, by_words, cut};
use super::{Pictures, Report};

const STYLE: &str = r"
:root { color-scheme: light dark; --line: #8884; --less: #f8514933; --more: #3fb95033; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1320px; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h2 { border-bottom: 1px solid var(--line); margin-top: 2.5rem; }
h2 small, h3 small { font-weight: normal; opacity: .7; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; }
th { width: 13rem; text-align: left; vertical-align: top; font-weight: normal; opacity: .8; }
th, td { border-top: 1px solid var(--line); padding: .3rem .5rem; }
pre { margin: 0; white-space: pre-wrap; font: 13px/1.45 ui-monospace, monospace; }
del { background: var(--less); } ins { background: var(--more); text-decoration: none; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 1rem; margin: 1rem 0; }
figure { margin: 0; min-width: 0; } img { max-width: 100%; height: auto; border: 1px solid var(--line); border-radius: 3px; }
figcaption { font-size: 13px; opacity: .7; }
";

/// Writes the page.
pub(super) fn page(report: &Report<'_>) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Dashboards since " (report.since) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Dashboards since " (report.since) }
                p { (report.summary()) }
                @for change in &report.changes { (dashboard(change, &report.pictures)) }
            }
        }
    }
    .into_string()
}

fn dashboard(change: &DashboardChange<'_>, pictures: &Pictures) -> Markup {
    html! {
        section id=(change.uid) {
            h2 dir="auto" { (change.title()) " " small { (change.uid) ", " (change.kind().word()) } }
            (properties(&change.properties))
            @if let Some(picture) = pictures.dashboards.get(change.uid) { (figure(picture, "now")) }
            @for (i, one) in change.panels.iter().enumerate() {
                (panel(one, pictures.panels.get(&(change.uid.to_owned(), i))))
            }
        }
    }
}

fn panel(change: &PanelChange<'_>, pictures: Option<&super::BeforeAndAfter>) -> Markup {
    html! {
        article {
            h3 dir="auto" {
                (change.title()) " " small { (change.panel_type()) ", " (change.kind().word()) }
            }
            (properties(&change.properties))
            @if let Some(pictures) = pictures {
                div class="pictures" {
                    @if let Some(before) = &pictures.before { (figure(before, "before")) }
                    @if let Some(after) = &pictures.after { (figure(after, "after")) }
                }
            }
        }
    }
}

fn figure(svg: &str, when: &str) -> Markup {
    html! {
        figure { img src=(data_address(svg)) alt=(when) loading="lazy"; figcaption { (when) } }
    }
}

/// The picture inside the page. As an image it can neither run anything nor meet the names of another picture.
fn data_address(svg: &str) -> String {
    use base64::Engine as _;
    format!("data:image/svg+xml;base64,{}", base64::engine::general_purpose::STANDARD.encode(svg))
}

fn properties(changes: &[PropertyChange]) -> Markup {
    html! {
        @if !changes.is_empty() {
            table {
                @for change in changes {
                    tr { th { (change.name) } td { pre dir="auto" { (property(change)) } } }
                }
            }
        }
    }
}

fn property(change: &PropertyChange) -> Markup {
    match (&change.before, &change.after) {
        // Of a single word nothing is the same.
        (Some(before), Some(after))
            if !before.contains(char::is_whitespace) && !after.contains(char::is_whitespace) =>
        {
            html! { del { (cut(before)) } " → " ins { (cut(after)) } }
        }
        (Some(before), Some(after)) => html! {
            @for (piece, text) in by_words(before, after) {
                @match piece {
                    Piece::Same => { (text) }
                    Piece::Removed => { del { (text) } }
                    Piece::Added => { ins { (text) } }
                }
            }
        },
        (Some(before), None) => html! { del { (cut(before)) } },
        (None, Some(after)) => html! { ins { (cut(after)) } },
        (None, None) => html! {},
    }
}
