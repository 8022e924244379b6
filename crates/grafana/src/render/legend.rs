//! The names of the series, as a list or as a table with numbers.

use maud::{Markup, html};

use crate::color::Theme;
use crate::frame::Value;
use crate::model::options::Legend;
use crate::transform::compare;
use crate::transform::reduce::{reduce, title};

use super::series::{Series, as_value};
use super::text::{MAX_NAME, MAX_TITLE, cut};
use super::{Context, link};

/// A line of the legend.
struct Entry<'a> {
    series: &'a Series<'a>,
    number: usize,
    color: &'a str,
    /// For each calculation: its result, and as it is written.
    results: Vec<(Value, String)>,
}

/// Draws the legend of these series, which have these colours.
pub(super) fn draw(
    legend: &Legend,
    series: &[Series<'_>],
    colors: &[String],
    ends: (f64, f64),
    context: &Context<'_>,
) -> Markup {
    let mut entries: Vec<Entry<'_>> = series
        .iter()
        .zip(colors)
        .enumerate()
        .filter(|(_, (series, _))| !series.hidden_from("legend"))
        .map(|(number, (series, color))| {
            let values: Vec<Value> = series.points.iter().map(|point| as_value(point.value)).collect();
            let processor = series.processor(Theme::Dark, ends, context);
            let result = |calc: &String| {
                let result = reduce(calc, &values);
                let shown = cut(&processor.show(&result).to_string(), MAX_NAME).into_owned();
                (result, shown)
            };
            Entry { series, number, color, results: legend.calcs.iter().map(result).collect() }
        })
        .collect();
    sort(&mut entries, legend);
    if legend.display_mode == "table" {
        table(legend, &entries, context)
    } else {
        list(legend, &entries, context)
    }
}

/// By the column that the dashboard names; a list keeps the order of the queries.
fn sort(entries: &mut [Entry<'_>], legend: &Legend) {
    let Some(by) = legend.sort_by.as_deref() else { return };
    if by == "Name" {
        entries.sort_by_key(|entry| entry.series.name.to_lowercase());
    } else if let Some(column) = legend.calcs.iter().position(|calc| title(calc) == by) {
        entries.sort_by(|a, b| compare(Some(&a.results[column].0), Some(&b.results[column].0)));
    } else {
        return;
    }
    if legend.sort_desc {
        entries.reverse();
    }
}

fn name(entry: &Entry<'_>, context: &Context<'_>) -> Markup {
    let target = entry.series.options.links.first();
    let address = target.and_then(|target| link::of_series(&target.url, entry.series.field, context));
    html! {
        i class="swatch" style=(format!("background:{}", entry.color)) {}
        @if let (Some(address), Some(target)) = (address, target) {
            a class="name" href=(address) title=(cut(&target.title, MAX_TITLE)) target=[target.target_blank.then_some("_blank")]
                rel=[target.target_blank.then_some("noopener")] { bdi { (entry.series.name) } }
        } @else {
            bdi class="name" title=(cut(&entry.series.name, MAX_TITLE)) { (entry.series.name) }
        }
    }
}

fn list(legend: &Legend, entries: &[Entry<'_>], context: &Context<'_>) -> Markup {
    html! {
        ul class="legend list" {
            @for entry in entries {
                li data-series=(entry.number) {
                    (name(entry, context))
                    @for (calc, (_, shown)) in legend.calcs.iter().zip(&entry.results) {
                        span class="calc" { (cut(title(calc), MAX_NAME)) ": " b { (shown) } }
                    }
                }
            }
        }
    }
}

fn table(legend: &Legend, entries: &[Entry<'_>], context: &Context<'_>) -> Markup {
    let sorted_by = |column: &str| {
        (legend.sort_by.as_deref() == Some(column)).then_some(if legend.sort_desc {
            "descending"
        } else {
            "ascending"
        })
    };
    html! {
        div class="legend" {
            table {
                thead {
                    tr {
                        th aria-sort=[sorted_by("Name")] { "Name" }
                        @for calc in &legend.calcs { th class="number" aria-sort=[sorted_by(title(calc))] { (cut(title(calc), MAX_NAME)) } }
                    }
                }
                tbody {
                    @for entry in entries {
                        tr data-series=(entry.number) {
                            td { div class="named" { (name(entry, context)) } }
                            @for (_, shown) in &entry.results { td class="number" { (shown) } }
                        }
                    }
                }
            }
        }
    }
}
