//! What nearly all panels and queries of a dashboard say alike: said once, at the top of the source.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::code::{Code, Field};

/// Properties that are worth saying once.
const OF_PANELS: [&str; 3] = ["datasource", "interval", "pluginVersion"];
const OF_TARGETS: [&str; 4] = ["datasource", "interval", "editorMode", "exemplar"];

/// What panels with queries, and their queries, say alike.
pub(super) struct Common {
    pub(super) panel: Map<String, Value>,
    pub(super) target: Map<String, Value>,
    /// Whether an empty description stands for none. The library's panels always have one.
    pub(super) hides_empty_descriptions: bool,
}

impl Common {
    pub(super) fn of(dashboard: &Map<String, Value>) -> Self {
        let mut panels = Vec::new();
        collect(dashboard.get("panels"), &mut panels);
        let targets: Vec<&Map<String, Value>> = panels
            .iter()
            .filter_map(|panel| panel.get("targets").and_then(Value::as_array))
            .flatten()
            .filter_map(Value::as_object)
            .collect();
        let describes = |panel: &&&Map<String, Value>| panel.contains_key("description");
        Self {
            panel: usual(&panels, &OF_PANELS),
            target: usual(&targets, &OF_TARGETS),
            hides_empty_descriptions: !has_empty_description(dashboard.get("panels"))
                && panels.iter().filter(describes).count() < panels.len(),
        }
    }

    /// The functions that put panels on the page.
    pub(super) fn helpers(&self, rows: bool, placed: bool) -> String {
        let mut text = String::new();
        if placed {
            let object = |values: &Map<String, Value>| {
                Code::Object(
                    values.iter().map(|(name, value)| Field::new(name, Code::literal(value))).collect(),
                )
            };
            text.push_str(
                "// What the panels with queries have in common, and their queries.\nlocal common = ",
            );
            object(&self.panel).write(&mut text, 0, "local common = ".len());
            text.push_str(";\nlocal commonOfQueries = ");
            object(&self.target).write(&mut text, 0, "local commonOfQueries = ".len());
            text.push_str(
                ";\nlocal finish(panel) =\n  \
                 (\n    \
                 if !std.objectHas(panel, 'targets')\n    \
                 then panel\n    \
                 else common + panel {\n      \
                 targets: [\n        \
                 commonOfQueries { refId: lib.target.refId(i) } + panel.targets[i]\n        \
                 for i in std.range(0, std.length(panel.targets) - 1)\n      \
                 ],\n    \
                 }\n  \
                 )",
            );
            if self.hides_empty_descriptions {
                text.push_str(
                    "\n  // Without a description: write one.\n  \
                     + (if std.get(panel, 'description') == '' then { description:: '' } else {})",
                );
            }
            text.push_str(
                ";\n\
                 local place(panel, id, x, y, w, h) =\n  \
                 finish(panel) { id: id, gridPos: { x: x, y: y, w: w, h: h } };\n",
            );
        }
        if rows {
            text.push_str(
                "local row(title, id, y) =\n  \
                 { type: 'row', title: title, id: id, collapsed: false, panels: [], \
                 gridPos: { x: 0, y: y, w: 24, h: 1 } };\n",
            );
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }
}

fn collect<'a>(panels: Option<&'a Value>, all: &mut Vec<&'a Map<String, Value>>) {
    for panel in panels.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object) {
        if panel.contains_key("targets") {
            all.push(panel);
        }
        collect(panel.get("panels"), all);
    }
}

/// Whether a panel has a description without a word, which has to stay.
fn has_empty_description(panels: Option<&Value>) -> bool {
    panels.and_then(Value::as_array).into_iter().flatten().any(|panel| {
        panel.get("description") == Some(&"".into()) || has_empty_description(panel.get("panels"))
    })
}

/// The value of each property that more than half of the objects have.
fn usual(objects: &[&Map<String, Value>], properties: &[&str]) -> Map<String, Value> {
    let mut usual = Map::new();
    for property in properties {
        let mut counts: BTreeMap<String, (usize, &Value)> = BTreeMap::new();
        for value in objects.iter().filter_map(|object| object.get(*property)) {
            counts.entry(value.to_string()).or_insert((0, value)).0 += 1;
        }
        if let Some((count, value)) = counts.into_values().max_by_key(|(count, _)| *count)
            && 2 * count > objects.len()
        {
            usual.insert((*property).to_owned(), value.clone());
        }
    }
    usual
}
