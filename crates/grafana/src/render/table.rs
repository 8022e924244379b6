//! Rows and columns.

use maud::{Markup, html};

use crate::color::{Scale, Theme, default_mode};
use crate::display::DisplayProcessor;
use crate::frame::{Field, FieldType, Frame, Value};
use crate::model::options::table_sort;
use crate::model::{FieldIdentity, FieldOptions};
use crate::transform::compare;

use super::text::{MAX_NAME, MAX_TITLE, cut};
use super::{Context, PanelInput, content, link};

/// How the cells of a column are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Text,
    ColoredText,
    ColoredGround,
    Gauge,
}

/// A column that is shown.
struct Column<'a> {
    field: &'a Field,
    title: String,
    options: FieldOptions,
    cell: Cell,
    align: &'static str,
    /// The ends of its gauge and colours.
    numbers: Vec<f64>,
    /// Its number among the fields of the frame.
    index: usize,
}

/// Draws the panel.
pub(super) fn draw(input: &PanelInput<'_>, context: &Context<'_>) -> Markup {
    let panel = input.panel;
    let wanted = panel.options.get("frameIndex").and_then(serde_json::Value::as_u64).unwrap_or(0);
    let frame = usize::try_from(wanted).ok().and_then(|index| input.frames.get(index));
    let Some(frame) = frame.or_else(|| input.frames.iter().find(|frame| frame.rows() > 0)) else {
        return content::no_data(panel);
    };
    let names = frame.shown_names();
    let columns = columns(input, frame, &names);
    let order = order(input, frame, &columns);
    if order.is_empty() || columns.is_empty() {
        return content::no_data(panel);
    }
    let size = input.table_page.size.max(1);
    let pages = order.len().div_ceil(size);
    let page = input.table_page.number.clamp(1, pages);
    let rows = &order[(page - 1) * size..(page * size).min(order.len())];
    let sorted = table_sort(&panel.options);
    let sorted_by = |title: &str| {
        let (_, down) = sorted.first().filter(|(name, _)| name == title)?;
        Some(if *down { "descending" } else { "ascending" })
    };
    let header = panel.options.get("showHeader").and_then(serde_json::Value::as_bool).unwrap_or(true);
    html! {
        div class="table" {
            table {
                @if header {
                    thead { tr {
                        @for column in &columns {
                            th class=(column.align) style=[column_style(&column.options, columns.len())]
                                aria-sort=[sorted_by(&column.title)] title=(cut(&column.title, MAX_TITLE)) {
                                bdi { (cut(&column.title, MAX_NAME)) }
                            }
                        }
                    } }
                }
                tbody {
                    @for row in rows {
                        tr { @for column in &columns { (cell(column, frame, &names, *row, context)) } }
                    }
                }
            }
        }
        @if pages > 1 {
            nav class="pages" data-page=(page) data-pages=(pages) {
                "Rows " ((page - 1) * size + 1) " to " ((page - 1) * size + rows.len()) " of " (order.len())
            }
        }
        @if input.frames.len() > 1 {
            p class="left-out" { "One table of " (input.frames.len()) " is shown: join or merge the queries." }
        }
    }
}

fn columns<'a>(input: &PanelInput<'_>, frame: &'a Frame, names: &[String]) -> Vec<Column<'a>> {
    let mut columns = Vec::new();
    for (index, (field, name)) in frame.fields.iter().zip(names).enumerate() {
        let identity = FieldIdentity { name, ref_id: &frame.ref_id, field_type: field.field_type.id() };
        let options = input.panel.field_config.options_for(identity);
        let hides = |key: &str| options.custom.get(key).and_then(serde_json::Value::as_bool) == Some(true);
        let hidden = options.custom.get("hideFrom").and_then(|hide| hide.get("viz"));
        if hides("hidden")
            || hides("hideFrom.viz")
            || hidden.and_then(serde_json::Value::as_bool) == Some(true)
        {
            continue;
        }
        let title =
            options.display_name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| name.clone());
        let (cell, align) = (cell_kind(&options), alignment(&options, field.field_type));
        let numbers = field.values.iter().filter_map(Value::as_number).collect();
        columns.push(Column { field, title, options, cell, align, numbers, index });
    }
    columns
}

fn cell_kind(options: &FieldOptions) -> Cell {
    let modern = options.custom.get("cellOptions").and_then(|cell| cell.get("type"));
    let old = options.custom.get("displayMode");
    match modern.or(old).and_then(serde_json::Value::as_str) {
        Some("color-text") => Cell::ColoredText,
        Some("color-background" | "color-background-solid") => Cell::ColoredGround,
        Some("gauge" | "basic" | "gradient-gauge" | "lcd-gauge") => Cell::Gauge,
        _ => Cell::Text,
    }
}

fn alignment(options: &FieldOptions, field_type: FieldType) -> &'static str {
    match options.custom.get("align").and_then(serde_json::Value::as_str) {
        Some("left") => "left",
        Some("center") => "center",
        Some("right") => "right",
        _ if field_type == FieldType::Number => "right",
        _ => "left",
    }
}

/// How wide a column is to be. Where the panel is narrow, a least width is not more than half of an equal share: what needs
/// the room is before the edge, instead of what is empty.
fn column_style(options: &FieldOptions, columns: usize) -> Option<String> {
    let pixels = |key: &str| {
        let given = options.custom.get(key).and_then(serde_json::Value::as_f64);
        given.filter(|pixels| (1.0..=4_000.0).contains(pixels))
    };
    match (pixels("width"), pixels("minWidth")) {
        (Some(width), _) => Some(format!("width:{width}px")),
        (None, Some(width)) => Some(format!("min-width:min({width}px,50cqw/{columns})")),
        _ => None,
    }
}

/// The rows in the order of the option `sortBy`.
fn order(input: &PanelInput<'_>, frame: &Frame, columns: &[Column<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..frame.rows()).collect();
    // Stable: the first one that is named decides at last.
    for (title, down) in table_sort(&input.panel.options).iter().rev() {
        let Some(column) = columns.iter().find(|column| column.title == *title) else { continue };
        order.sort_by(|a, b| {
            let ordering = compare(column.field.values.get(*a), column.field.values.get(*b));
            if *down { ordering.reverse() } else { ordering }
        });
    }
    order
}

fn cell(column: &Column<'_>, frame: &Frame, names: &[String], row: usize, context: &Context<'_>) -> Markup {
    let value = column.field.values.get(row).unwrap_or(&Value::Null);
    let show = |theme: Theme| {
        let processor = DisplayProcessor {
            options: &column.options,
            field_type: column.field.field_type,
            scale: Scale::new(&column.options, column.numbers.iter().copied(), column.index, theme),
            default_color_mode: default_mode("table"),
            clock: context.clock,
        };
        processor.show(value)
    };
    let shown = show(Theme::Dark);
    let full = shown.to_string();
    let color = || context.appearance.paint(|theme| show(theme).color);
    let style = match column.cell {
        Cell::ColoredText => Some(format!("color:{}", color())),
        Cell::ColoredGround => {
            Some(format!("background:{};color:{}", color(), context.appearance.on(|theme| show(theme).color)))
        }
        Cell::Text | Cell::Gauge => None,
    };
    let target = column.options.links.first();
    let address =
        target.and_then(|target| link::of_cell(&target.url, frame, names, column.field, row, context));
    let text = cut(&full, MAX_NAME);
    html! {
        td class=(column.align) style=[style] title=[(text.len() < full.len()).then(|| cut(&full, MAX_TITLE))] {
            @if column.cell == Cell::Gauge && shown.number.is_some() {
                @let share = if shown.percent.is_finite() { shown.percent.clamp(0.0, 1.0) * 100.0 } else { 0.0 };
                span class="in-cell" {
                    span class="track" { span class="fill" style=(format!("--share:{share:.2}%;background:{}", color())) {} }
                    bdi { (text) }
                }
            } @else if let (Some(address), Some(target)) = (address, target) {
                a href=(address) title=(cut(&target.title, MAX_TITLE)) target=[target.target_blank.then_some("_blank")]
                    rel=[target.target_blank.then_some("noopener")] { bdi { (text) } }
            } @else {
                bdi { (text) }
            }
        }
    }
}
