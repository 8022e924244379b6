//! Findings as text: for people, and for programs.

mod github;
mod human;
mod json;
mod locate;
mod markdown;
mod sarif;

pub use github::github;
pub use human::human;
pub use json::json;
pub use locate::{Located, locate};
pub use markdown::markdown;
pub use sarif::sarif;

use crate::finding::Place;

/// The panel and the query, for people: `panel "CPU usage" (12), query A`.
fn whereabouts(place: &Place) -> String {
    let panel = place.panel.as_ref().map(|panel| {
        let id = panel.id.map(|id| format!(" ({id})")).unwrap_or_default();
        format!("panel {:?}{id}", panel.title)
    });
    let query =
        place.ref_id.as_ref().filter(|ref_id| !ref_id.is_empty()).map(|ref_id| format!("query {ref_id}"));
    [panel, query].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Text of dashboards without what a terminal would take for a command. Line ends stay.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}
