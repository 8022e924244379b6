//! Classic JSON as Jsonnet source: with our library's functions where a panel is made of what they make, as plain objects
//! where it is not, and in either case a source that builds to the same dashboard.
//!
//! The source has the form of those in `dashboards/sources`, so that it can be put beside them:
//!
//! ```jsonnet
//! {
//!   name: 'shop',
//!   queries: { orders(config):: 'sum(rate(orders_total[$__rate_interval]))' },
//!   variables(config):: local v = lib.variables(config); [v.datasource],
//!   dashboard(config, queries, variables)::
//!     local panel = { orders: panels.timeseries('Orders', …) };
//!     { title: 'Shop', panels: [place(panel.orders, id=1, x=0, y=0, w=12, h=9)], … },
//! }
//! ```

mod code;
mod common;
mod library;
mod names;
mod page;
mod panel;

use serde_json::{Map, Value};

use crate::json;
use code::{Code, Field, push_quoted};

pub use library::Library;

/// A source that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// What the file is called, without its ending; the mixin's prefix and this are its uid.
    pub name: String,
    /// Sentences at the top.
    head: Vec<String>,
    /// The functions that the body uses.
    helpers: String,
    body: String,
}

/// The parts of the library that a source may name, in the order of the alphabet.
const PARTS: [&str; 7] = ["about", "mappings", "panels", "target", "thresholds", "units", "links"];

impl Source {
    /// The file's text, for a place from which the library's index is imported as `index`.
    pub fn text(&self, index: &str) -> String {
        let mut text = String::new();
        for line in &self.head {
            text.push_str("// ");
            text.extend(line.chars().map(|c| if c.is_control() { ' ' } else { c }));
            text.push('\n');
        }
        text.push_str("local lib = import ");
        push_quoted(&mut text, index);
        text.push_str(";\n\n");
        let uses = |part: &str| {
            let named = [format!("{part}."), format!("{part}(")];
            named.iter().any(|name| self.body.contains(name.as_str()) || self.helpers.contains(name.as_str()))
        };
        let parts: Vec<String> =
            PARTS.iter().filter(|part| uses(part)).map(|part| format!("{part} = lib.{part}")).collect();
        if !parts.is_empty() {
            text.push_str(&format!("local {};\n\n", parts.join(", ")));
        }
        text.push_str(&self.helpers);
        text.push_str(&self.body);
        text.push('\n');
        text
    }
}

/// Writes a classic dashboard as source. `name` is the file's, `from` says where the dashboard came from.
pub fn write(dashboard: &Map<String, Value>, name: &str, from: &str, library: &Library) -> Source {
    let title = dashboard.get("title").and_then(Value::as_str).unwrap_or_default();
    let common = common::Common::of(dashboard);
    let mut writer = panel::Writer::new(library, &common);
    let page = page::write(dashboard, name, &mut writer);
    let queries: Vec<Field> = writer
        .queries()
        .map(|(name, query)| Field::hidden(format!("{name}(config)"), Code::text(query)))
        .collect();
    let mut body = String::from("{\n  name: ");
    push_quoted(&mut body, name);
    body.push_str(",\n\n  queries: ");
    Code::Object(queries).write(&mut body, 2, "queries: ".len());
    body.push_str(",\n\n  variables(config)::");
    if page.variables.needs_library {
        body.push_str(" local v = lib.variables(config);");
    }
    body.push_str("\n    ");
    Code::List(page.variables.list).write(&mut body, 4, 0);
    body.push_str(",\n\n  dashboard(config, queries, variables)::\n    ");
    if !page.panels.is_empty() {
        body.push_str("local panel = ");
        // A line between two panels, since each is a paragraph.
        body.push('{');
        for (i, field) in page.panels.into_iter().enumerate() {
            body.push_str(if i > 0 { "\n\n" } else { "\n" });
            let one = Code::Object(vec![field]);
            let mut text = String::new();
            one.write_fields(&mut text, 4);
            body.push_str(text.trim_start_matches('\n'));
        }
        body.push_str("\n    };\n    ");
    }
    page.dashboard.write_broken(&mut body, 4);
    body.push_str(",\n}");
    Source {
        name: name.to_owned(),
        head: vec![format!("{title}: imported from {from}.")],
        helpers: common.helpers(page.has_rows, page.has_placed),
        body,
    }
}

/// The bytes by which two dashboards are compared: numbers as Jsonnet has them, which are JavaScript's.
pub fn comparable(dashboard: &Value) -> String {
    fn as_floats(value: &Value) -> Value {
        match value {
            Value::Number(number) => number.as_f64().map_or_else(|| value.clone(), Value::from),
            Value::Array(items) => items.iter().map(as_floats).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), as_floats(value))).collect()
            }
            other => other.clone(),
        }
    }
    json::canonical(&as_floats(dashboard))
}
