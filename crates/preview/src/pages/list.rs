//! The dashboards that there are.

use std::collections::{BTreeMap, BTreeSet};

use grafana::model::PanelKind;
use grafana::render::cut;
use maud::{Markup, html};

use super::{Reader, shell};
use crate::address::{Address, with_pairs};
use crate::routes::path_of;
use crate::shelf::Shown;
use crate::{Preview, Shelved};

/// A longer title is cut: the others are to be seen, too.
const MAX_TITLE: usize = 200;

/// Draws the list. `q` are words that title, uid, tags or folder have; `tag` is a tag.
pub(crate) fn list(shown: &Shown, preview: &Preview, address: &Address) -> Markup {
    let parameter = |name: &str| address.others.get(name).map(String::as_str).unwrap_or_default();
    let (words, tag) = (parameter("q"), parameter("tag"));
    let mut folders: BTreeMap<&str, Vec<&Shelved>> = BTreeMap::new();
    for shelved in shown.dashboards.iter().filter(|shelved| is_meant(shelved, words, tag)) {
        folders.entry(&shelved.folder).or_default().push(shelved);
    }
    for dashboards in folders.values_mut() {
        dashboards.sort_by(|a, b| a.dashboard.title.cmp(&b.dashboard.title));
    }
    let tags: BTreeSet<&str> =
        shown.dashboards.iter().flat_map(|shelved| &shelved.dashboard.tags).map(String::as_str).collect();
    let content = html! {
        form id="search" method="get" action="/" role="search" {
            input type="search" name="q" value=(words) placeholder="Search by title, tag or folder"
                aria-label="Search dashboards" autocomplete="off";
            select name="tag" aria-label="Tag" {
                option value="" { "All tags" }
                @for one in &tags { option value=(one) selected[*one == tag] { (cut(one, 80)) } }
            }
            button { "Search" }
        }
        div id="dashboards" {
            @for (folder, dashboards) in &folders {
                section class="folder" {
                    h2 dir="auto" { (cut(if folder.is_empty() { "General" } else { folder }, MAX_TITLE)) }
                    ul {
                        @for shelved in dashboards { (item(shelved)) }
                    }
                }
            }
            @if folders.is_empty() {
                p class="lead" {
                    @if shown.dashboards.is_empty() { "There is no dashboard." } @else { "No dashboard fits." }
                }
            }
        }
    };
    shell(shown, preview, "Dashboards", ("/", Some(&address.text())), Reader::default(), &content)
}

fn item(shelved: &Shelved) -> Markup {
    let dashboard = &shelved.dashboard;
    let panels = dashboard.all_panels().filter(|panel| panel.kind != PanelKind::Row).count();
    html! {
        li {
            a data-dashboard=(shelved.uid) href=(path_of(&shelved.uid)) {
                bdi { (cut(if dashboard.title.is_empty() { &shelved.uid } else { &dashboard.title }, MAX_TITLE)) }
            }
            span class="tags" {
                @for tag in dashboard.tags.iter().take(8) {
                    a class="tag" href=(with_pairs("/", &[("tag".to_owned(), tag.clone())])) { (cut(tag, 40)) }
                }
            }
            @if let Some(text) = dashboard.description.as_deref().filter(|text| !text.is_empty()) {
                p dir="auto" { (cut(text, 300)) }
            }
            span class="count" { (panels) " panels" }
        }
    }
}

fn is_meant(shelved: &Shelved, words: &str, tag: &str) -> bool {
    let dashboard = &shelved.dashboard;
    let text = format!("{} {} {} {}", dashboard.title, shelved.uid, shelved.folder, dashboard.tags.join(" "))
        .to_lowercase();
    words.split_whitespace().all(|word| text.contains(&word.to_lowercase()))
        && (tag.is_empty() || dashboard.tags.iter().any(|own| own == tag))
}
