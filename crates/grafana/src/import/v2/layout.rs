//! From a tree of layouts to places on one page.

use serde_json::{Map, Value, json};

use super::panel::Elements;
use crate::import::ImportError;
use crate::import::part::{Losses, Part};

/// The columns of a page.
const COLUMNS: i64 = 24;

/// The classic list of panels.
pub(super) fn to_panels(
    mut layout: Part<'_>,
    elements: &mut Elements<'_>,
    losses: &mut Losses,
) -> Result<Vec<Value>, ImportError> {
    let kind = layout.text("kind").unwrap_or_default();
    let spec = layout.needed("spec")?;
    let panels = match kind {
        "GridLayout" => grid(spec, 0, elements, losses)?.panels,
        "RowsLayout" => rows(spec, elements, losses)?,
        other => return Err(refuse(&layout, other)),
    };
    layout.finish(losses);
    Ok(panels)
}

fn refuse(layout: &Part<'_>, kind: &str) -> ImportError {
    let what = match kind {
        "TabsLayout" => "is a layout with tabs",
        "AutoGridLayout" => "is an automatic grid",
        "RowsLayout" => "is a layout of rows inside a row",
        _ => "is a layout that is not known",
    };
    let message = format!(
        "{what}; the classic form has a grid and rows only: change the layout in Grafana, and export again"
    );
    ImportError::NoClassicForm { path: layout.path().to_owned(), message }
}

/// Panels and how far down they reach.
struct Placed {
    panels: Vec<Value>,
    end: i64,
}

/// A grid that begins at line `top`.
fn grid(
    mut spec: Part<'_>,
    top: i64,
    elements: &mut Elements<'_>,
    losses: &mut Losses,
) -> Result<Placed, ImportError> {
    let mut placed = Placed { panels: Vec::new(), end: top };
    for (value, path) in spec.list("items")? {
        let mut item = Part::of(value, path)?;
        match item.text("kind") {
            Some("GridLayoutItem") | None => {
                let (panel, end) = grid_item(item.needed("spec")?, top, elements, losses)?;
                placed.panels.push(Value::Object(panel));
                placed.end = placed.end.max(end);
            }
            // v2alpha1 had rows on the grid.
            Some("GridLayoutRow") => {
                let row = grid_row(item.needed("spec")?, top, elements, losses)?;
                placed.panels.extend(row.panels);
                placed.end = placed.end.max(row.end);
            }
            Some(other) => return item.error("kind", format!("the kind {other:?} is not known")),
        }
        item.finish(losses);
    }
    spec.finish(losses);
    Ok(placed)
}

fn grid_item(
    mut spec: Part<'_>,
    top: i64,
    elements: &mut Elements<'_>,
    losses: &mut Losses,
) -> Result<(Map<String, Value>, i64), ImportError> {
    let (x, y) = (spec.grid("x"), top + spec.grid("y"));
    let (w, h) = (spec.grid("width"), spec.grid("height"));
    let mut element = spec.needed("element")?;
    element.take("kind");
    let Some(name) = element.text("name") else {
        return element.error("name", "is missing: which element stands here?");
    };
    let mut panel = elements.panel(name, &element.place("name"), losses)?;
    element.finish(losses);
    panel.insert("gridPos".to_owned(), json!({ "x": x, "y": y, "w": w, "h": h }));
    if let Some(mut repeat) = spec.part("repeat")? {
        repeat_by_variable(&mut repeat, &mut panel)?;
        if let Some(direction) = repeat.take("direction") {
            panel.insert("repeatDirection".to_owned(), direction.clone());
        }
        repeat.copy(&["maxPerRow"], &mut panel);
        repeat.finish(losses);
    }
    spec.finish(losses);
    Ok((panel, y + h))
}

fn repeat_by_variable(repeat: &mut Part<'_>, panel: &mut Map<String, Value>) -> Result<(), ImportError> {
    match (repeat.text("mode"), repeat.text("value")) {
        (Some("variable") | None, Some(variable)) => {
            panel.insert("repeat".to_owned(), variable.into());
            Ok(())
        }
        (Some("variable") | None, None) => repeat.error("value", "is missing: repeat by which variable?"),
        (Some(mode), _) => repeat.error("mode", format!("is {mode:?}; only \"variable\" has a classic form")),
    }
}

/// The line of a row's title.
fn headline(title: &str, y: i64, collapsed: bool) -> Map<String, Value> {
    let mut row = Map::new();
    row.insert("type".to_owned(), "row".into());
    row.insert("title".to_owned(), title.into());
    row.insert("collapsed".to_owned(), collapsed.into());
    row.insert("gridPos".to_owned(), json!({ "x": 0, "y": y, "w": COLUMNS, "h": 1 }));
    row
}

/// A headline and its panels: inside it while it is collapsed, after it otherwise.
fn with_headline(mut row: Map<String, Value>, y: i64, collapsed: bool, inside: Placed) -> Placed {
    if collapsed {
        row.insert("panels".to_owned(), Value::Array(inside.panels));
        Placed { panels: vec![Value::Object(row)], end: y + 1 }
    } else {
        row.insert("panels".to_owned(), json!([]));
        let mut panels = vec![Value::Object(row)];
        panels.extend(inside.panels);
        Placed { panels, end: inside.end.max(y + 1) }
    }
}

fn grid_row(
    mut spec: Part<'_>,
    top: i64,
    elements: &mut Elements<'_>,
    losses: &mut Losses,
) -> Result<Placed, ImportError> {
    let y = top + spec.grid("y");
    let collapsed = spec.flag("collapsed");
    let mut row = headline(spec.text("title").unwrap_or_default(), y, collapsed);
    if let Some(mut repeat) = spec.part("repeat")? {
        repeat_by_variable(&mut repeat, &mut row)?;
        repeat.finish(losses);
    }
    let mut inside = Placed { panels: Vec::new(), end: y + 1 };
    for (value, path) in spec.list("elements")? {
        let mut item = Part::of(value, path)?;
        item.take("kind");
        let (panel, end) = grid_item(item.needed("spec")?, y + 1, elements, losses)?;
        inside.panels.push(Value::Object(panel));
        inside.end = inside.end.max(end);
        item.finish(losses);
    }
    spec.finish(losses);
    Ok(with_headline(row, y, collapsed, inside))
}

fn rows(
    mut spec: Part<'_>,
    elements: &mut Elements<'_>,
    losses: &mut Losses,
) -> Result<Vec<Value>, ImportError> {
    let mut panels: Vec<Value> = Vec::new();
    let mut y = 0;
    for (value, path) in spec.list("rows")? {
        let mut kind = Part::of(value, path)?;
        kind.take("kind");
        let mut row_spec = kind.needed("spec")?;
        let row = row(&mut row_spec, y, panels.is_empty(), elements, losses)?;
        panels.extend(row.panels);
        y = row.end;
        row_spec.finish(losses);
        kind.finish(losses);
    }
    spec.finish(losses);
    Ok(panels)
}

fn row(
    spec: &mut Part<'_>,
    y: i64,
    first: bool,
    elements: &mut Elements<'_>,
    losses: &mut Losses,
) -> Result<Placed, ImportError> {
    let mut layout = spec.needed("layout")?;
    let kind = layout.text("kind").unwrap_or_default();
    if kind != "GridLayout" {
        return Err(refuse(&layout, kind));
    }
    if spec.take("variables").is_some_and(|variables| variables != &json!([])) {
        return spec.error(
            "variables",
            "a row has variables of its own; in the classic form all belong to the dashboard",
        );
    }
    spec.drop_field("conditionalRendering", "a classic row is always shown", losses);
    spec.drop_field("fillScreen", "classic panels have a fixed height", losses);
    let collapsed = spec.flag("collapse");
    let title = spec.text("title").unwrap_or_default();
    let hidden = spec.flag("hideHeader");
    let repeat = spec.part("repeat")?;
    // What stands above all rows has no headline in the classic form either.
    if hidden && first && !collapsed && repeat.is_none() {
        let inside = grid(layout.needed("spec")?, y, elements, losses)?;
        layout.finish(losses);
        return Ok(inside);
    }
    if hidden {
        losses.add(spec.place("hideHeader"), "a classic row below others has a headline");
    }
    let mut row = headline(title, y, collapsed);
    if let Some(mut repeat) = repeat {
        repeat_by_variable(&mut repeat, &mut row)?;
        repeat.finish(losses);
    }
    let inside = grid(layout.needed("spec")?, y + 1, elements, losses)?;
    layout.finish(losses);
    Ok(with_headline(row, y, collapsed, inside))
}
