//! What a dashboard is steered with: variables, the range of time, links to others.

use dashboard_view::{EvaluatedDashboard, EvaluatedVariable};
use grafana::model::{DashboardLink, VariableKind};
use grafana::render::{cut, safe_address};
use grafana::variables::{ALL, Chosen, State, Style};
use maud::{Markup, html};

use super::{banner, places};
use crate::Preview;
use crate::address::{Address, with_pairs};
use crate::routes::path_of;
use crate::shelf::Shown;

/// Ranges that one click gives.
pub(super) const QUICK_RANGES: [(&str, &str); 12] = [
    ("now-5m", "Last 5 minutes"),
    ("now-15m", "Last 15 minutes"),
    ("now-30m", "Last 30 minutes"),
    ("now-1h", "Last 1 hour"),
    ("now-3h", "Last 3 hours"),
    ("now-6h", "Last 6 hours"),
    ("now-12h", "Last 12 hours"),
    ("now-24h", "Last 24 hours"),
    ("now-2d", "Last 2 days"),
    ("now-7d", "Last 7 days"),
    ("now/d", "Today so far"),
    ("now/w", "This week so far"),
];

const REFRESH: [&str; 8] = ["5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h"];

/// More options than this are not listed; others can be typed.
const MAX_OPTIONS: usize = 1_000;

/// From this number on a list can be searched.
const SEARCHABLE: usize = 10;

const MAX_NAME: usize = 120;

/// Draws the head of a dashboard, below its title.
pub(super) fn controls(
    evaluated: &EvaluatedDashboard<'_>,
    shown: &Shown,
    preview: &Preview,
    address: &Address,
    zone_name: &str,
) -> Markup {
    html! {
        (places(preview, ""))
        form id="controls" method="get" action=(address.path) data-from=(evaluated.range.from_ms)
            data-to=(evaluated.range.to_ms) {
            div class="inputs" {
                @for variable in &evaluated.variables {
                    @if let Some(state) = evaluated.state(variable) { (input(variable, state)) }
                }
            }
            div class="time" {
                (links(evaluated, shown, address))
                (time(address, &evaluated.raw_range, zone_name))
                (refresh(address.refresh.as_deref()))
            }
            noscript { button { "Apply" } }
        }
        (banner(shown))
        @for problem in &evaluated.problems { p class="problem" role="alert" dir="auto" { (cut(problem, 1_000)) } }
    }
}

/// The range of time: what is shown, how to move it, and how to choose another one.
pub(super) fn time(address: &Address, raw: &(String, String), zone_name: &str) -> Markup {
    html! {
        div class="group" {
            button type="button" data-action="back" title="Earlier" aria-label="Earlier" { "‹" }
            details class="picker when" {
                summary title=(format!("{} to {} ({zone_name})", raw.0, raw.1)) { (range_name(raw)) }
                div class="options" {
                    div class="quick" {
                        @for (from, name) in QUICK_RANGES {
                            a href=(address.at(from, "now").text()) data-range=(from)
                                aria-current=[(raw.0 == from && raw.1 == "now").then_some("true")] { (name) }
                        }
                    }
                    div class="absolute" {
                        label { "From" input name="from" value=(raw.0) autocomplete="off" spellcheck="false"; }
                        label { "To" input name="to" value=(raw.1) autocomplete="off" spellcheck="false"; }
                        p { "now-90m, now/d, 2026-01-31 12:00 or milliseconds; " (zone_name) }
                        button data-action="apply" { "Apply" }
                    }
                }
            }
            button type="button" data-action="forward" title="Later" aria-label="Later" { "›" }
            button type="button" data-action="out" title="Zoom out" aria-label="Zoom out" { "−" }
        }
    }
}

/// `Last 1 hour`, or both ends as they are written.
fn range_name((from, to): &(String, String)) -> String {
    let quick = QUICK_RANGES.iter().find(|(known, _)| known == from && to == "now");
    if let Some((_, name)) = quick {
        return (*name).to_owned();
    }
    let end = |text: &str| {
        let instant = text.parse().ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        match instant {
            Some(instant) => instant.strftime("%F %T UTC").to_string(),
            None => cut(text, 40).into_owned(),
        }
    };
    format!("{} to {}", end(from), end(to))
}

/// Now, and how often without being asked.
pub(super) fn refresh(chosen: Option<&str>) -> Markup {
    let chosen = chosen.unwrap_or_default();
    html! {
        div class="group" {
            button data-action="refresh" title="Refresh" aria-label="Refresh" { "↻" }
            select name="refresh" aria-label="Refresh every" title="Refresh every" {
                option value="" { "Off" }
                @for every in REFRESH { option value=(every) selected[every == chosen] { (every) } }
                @if !chosen.is_empty() && !REFRESH.contains(&chosen) {
                    option value=(cut(chosen, 20)) selected { (cut(chosen, 20)) }
                }
            }
        }
    }
}

fn input(variable: &EvaluatedVariable<'_>, state: &State) -> Markup {
    /// Where it is not shown at all, and where only its label is not.
    const HIDDEN: i64 = 2;
    const WITHOUT_LABEL: i64 = 1;
    let of = variable.variable;
    let name = format!("var-{}", of.name);
    if of.hide == HIDDEN || matches!(of.kind, VariableKind::Constant { .. } | VariableKind::AdHoc { .. }) {
        return html! {
            @if !of.skip_url_sync && of.hide == HIDDEN {
                @for value in state.address_values().iter().take(MAX_OPTIONS) { input type="hidden" name=(name) value=(value); }
            }
        };
    }
    let label = cut(of.shown_label(), MAX_NAME);
    html! {
        div class="variable" data-variable=(of.name) title=[of.description.as_deref().map(|text| cut(text, 500))] {
            @if of.hide != WITHOUT_LABEL { span class="label" dir="auto" { (label) } }
            @if matches!(of.kind, VariableKind::TextBox { .. }) {
                input name=(name) value=(state.values().first().copied().unwrap_or_default()) aria-label=(label)
                    autocomplete="off" spellcheck="false";
            } @else if of.multi {
                (several(&name, &label, state))
            } @else {
                (one(&name, &label, state))
            }
            @if let Some(error) = &variable.error {
                span class="failed" role="alert" tabindex="0" title=(cut(&error.to_string(), 1_000)) {
                    "!" span class="words" dir="auto" { (cut(&error.to_string(), 300)) }
                }
            }
        }
    }
}

fn one(name: &str, label: &str, state: &State) -> Markup {
    let chosen = state.address_values().first().copied().unwrap_or_default().to_owned();
    if state.options.len() > MAX_OPTIONS {
        let list = format!("options-{name}");
        return html! {
            input name=(name) value=(chosen) list=(list) aria-label=(label) autocomplete="off" spellcheck="false";
            datalist id=(list) {
                @for option in state.options.iter().take(MAX_OPTIONS) { option value=(option.value) { (cut(&option.text, MAX_NAME)) } }
            }
        };
    }
    let unknown = chosen != ALL && state.options.iter().all(|option| option.value != chosen);
    html! {
        select name=(name) aria-label=(label) {
            @if unknown { option value=(chosen) selected { (cut(&chosen, MAX_NAME)) } }
            @if state.include_all { option value=(ALL) selected[chosen == ALL] { "All" } }
            @for option in &state.options {
                option value=(option.value) selected[option.value == chosen] { (cut(&option.text, MAX_NAME)) }
            }
        }
    }
}

fn several(name: &str, label: &str, state: &State) -> Markup {
    let chosen = state.address_values();
    let known = |value: &&&str| **value == ALL || state.options.iter().any(|option| option.value == ***value);
    let unknown: Vec<&&str> = chosen.iter().filter(|value| !known(value)).collect();
    let left_out = state.options.len().saturating_sub(MAX_OPTIONS);
    let is_chosen = |value: &str| state.chosen != Chosen::All && chosen.contains(&value);
    html! {
        details class="picker" {
            summary aria-label=(label) { bdi { (cut(&state.text(), 60)) } }
            div class="options" {
                @if state.options.len() > SEARCHABLE {
                    input type="search" class="filter" placeholder="Search" aria-label="Search the values" autocomplete="off";
                }
                @if state.include_all {
                    label { input type="checkbox" name=(name) value=(ALL) checked[state.chosen == Chosen::All]; "All" }
                }
                @for value in unknown { label { input type="checkbox" name=(name) value=(value) checked; bdi { (cut(value, MAX_NAME)) } } }
                @for option in state.options.iter().take(MAX_OPTIONS) {
                    label {
                        input type="checkbox" name=(name) value=(option.value) checked[is_chosen(&option.value)];
                        bdi { (cut(&option.text, MAX_NAME)) }
                    }
                }
                @if left_out > 0 { p { (left_out) " more are not listed" } }
            }
        }
    }
}

/// The dashboard's links: to addresses, and to the dashboards with certain tags.
fn links(evaluated: &EvaluatedDashboard<'_>, shown: &Shown, address: &Address) -> Markup {
    html! {
        @for link in &evaluated.dashboard.links {
            @let pairs = address.carried(link.include_vars, link.keep_time);
            @let targets = targets(link, evaluated, shown, &pairs);
            @if link.as_dropdown || targets.len() > 4 {
                details class="picker links" {
                    summary title=[link.tooltip.as_deref().filter(|text| !text.is_empty())] { (cut(&link.title, MAX_NAME)) }
                    div class="options" {
                        @for (title, target) in &targets { (anchor(title, target, link)) }
                        @if targets.is_empty() { p { "No dashboard has these tags." } }
                    }
                }
            } @else {
                @for (title, target) in &targets { (anchor(title, target, link)) }
            }
        }
    }
}

fn anchor(title: &str, target: &str, link: &DashboardLink) -> Markup {
    html! {
        a href=(target) target=[link.target_blank.then_some("_blank")]
            rel=[link.target_blank.then_some("noopener")] { bdi { (cut(title, MAX_NAME)) } }
    }
}

fn targets(
    link: &DashboardLink,
    evaluated: &EvaluatedDashboard<'_>,
    shown: &Shown,
    pairs: &[(String, String)],
) -> Vec<(String, String)> {
    if link.kind == "dashboards" {
        let has_tags = |tags: &[String]| link.tags.iter().all(|tag| tags.contains(tag));
        let meant = shown.dashboards.iter().filter(|shelved| has_tags(&shelved.dashboard.tags));
        return meant
            .map(|shelved| (shelved.dashboard.title.clone(), with_pairs(&path_of(&shelved.uid), pairs)))
            .collect();
    }
    let url = evaluated.values.interpolate(&link.url, Style::Glob);
    let Some(url) = safe_address(&url) else { return Vec::new() };
    let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let url = match (query.is_empty(), url.contains('?')) {
        (true, _) => url.to_owned(),
        (false, true) => format!("{url}&{query}"),
        (false, false) => format!("{url}?{query}"),
    };
    vec![(link.title.clone(), url)]
}
