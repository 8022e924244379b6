//! The dashboard around its panels, and their places.

use serde_json::{Map, Value, json};

use super::code::{Code, Field};
use super::panel::{Writer, ordered};

/// A page as source.
pub(super) struct Page {
    pub(super) variables: Variables,
    /// Each panel under its name.
    pub(super) panels: Vec<Field>,
    pub(super) dashboard: Code,
    pub(super) has_rows: bool,
    pub(super) has_placed: bool,
}

/// The variables, and whether one is the library's.
pub(super) struct Variables {
    pub(super) list: Vec<Code>,
    pub(super) needs_library: bool,
}

/// The order of a dashboard's own properties; the panels come last.
const ORDER: [&str; 14] = [
    "uid",
    "title",
    "description",
    "tags",
    "schemaVersion",
    "editable",
    "graphTooltip",
    "refresh",
    "time",
    "timezone",
    "annotations",
    "links",
    "templating",
    "panels",
];

pub(super) fn write(dashboard: &Map<String, Value>, name: &str, writer: &mut Writer<'_>) -> Page {
    let mut page = Page {
        variables: Variables { list: Vec::new(), needs_library: false },
        panels: Vec::new(),
        dashboard: Code::Object(Vec::new()),
        has_rows: false,
        has_placed: false,
    };
    let mut fields = Vec::new();
    for (key, value) in dashboard {
        let code = match (key.as_str(), value) {
            ("uid", Value::String(uid)) if is_ours(uid, name, writer) => {
                Code::word("config.uidPrefix + $.name")
            }
            ("tags", tags) if writer.library.config("tags") == Some(tags) => Code::word("config.tags"),
            ("links", Value::Array(links)) => Code::List(
                links
                    .iter()
                    .map(|link| {
                        if writer.library.menu() == Some(link) {
                            Code::word("links(config).menu")
                        } else {
                            ordered(link)
                        }
                    })
                    .collect(),
            ),
            ("templating", Value::Object(templating)) => page.templating(templating, writer),
            ("panels", Value::Array(panels)) => page.list(panels, writer),
            _ => ordered(value),
        };
        fields.push(Field::new(key, code));
    }
    let rank = |name: &str| match ORDER.iter().position(|known| *known == name) {
        Some(place) if place < ORDER.len() - 2 => place,
        Some(place) => place + 1,
        None => ORDER.len() - 2,
    };
    fields.sort_by(|one, other| {
        rank(&one.name).cmp(&rank(&other.name)).then_with(|| one.name.cmp(&other.name))
    });
    page.dashboard = Code::Object(fields);
    page
}

/// Whether a uid is what the mixin would give to a source of that name.
fn is_ours(uid: &str, name: &str, writer: &Writer<'_>) -> bool {
    uid.strip_prefix(writer.library.uid_prefix()) == Some(name)
}

impl Page {
    fn templating(&mut self, templating: &Map<String, Value>, writer: &Writer<'_>) -> Code {
        let mut fields = Vec::new();
        for (key, value) in templating {
            let code = match (key.as_str(), value) {
                ("list", Value::Array(list)) => {
                    for variable in list {
                        let code = match writer.library.name_in("variables", variable) {
                            Some(name) => {
                                self.variables.needs_library = true;
                                Code::Word(format!("v.{name}"))
                            }
                            None => ordered(variable),
                        };
                        self.variables.list.push(code);
                    }
                    Code::word("variables")
                }
                _ => ordered(value),
            };
            fields.push(Field::new(key, code));
        }
        Code::Object(fields)
    }

    fn list(&mut self, panels: &[Value], writer: &mut Writer<'_>) -> Code {
        let codes = panels.iter().map(|panel| match panel {
            Value::Object(object) if object.get("type") == Some(&"row".into()) => self.row(object, writer),
            Value::Object(object) => self.placed(object, writer),
            other => ordered(other),
        });
        Code::List(codes.collect())
    }

    /// A panel, which gets a name, and its place.
    fn placed(&mut self, panel: &Map<String, Value>, writer: &mut Writer<'_>) -> Code {
        let title = panel.get("title").and_then(Value::as_str).unwrap_or_default();
        let name = writer.panel_names.new_name(title, "panel");
        let regular = panel.get("targets").is_none_or(|targets| {
            targets.as_array().is_some_and(|targets| targets.iter().all(Value::is_object))
        });
        if !regular {
            self.panels.push(Field::new(&name, ordered(&Value::Object(panel.clone()))));
            return Code::Word(format!("panel.{name}"));
        }
        self.has_placed = true;
        let place = panel.get("id").filter(|id| id.is_number()).zip(panel.get("gridPos").and_then(place));
        let Some((id, place)) = place else {
            self.panels.push(Field::new(&name, writer.panel(panel, &name, &[])));
            return Code::call("finish", vec![Code::Word(format!("panel.{name}"))]);
        };
        self.panels.push(Field::new(&name, writer.panel(panel, &name, &["id", "gridPos"])));
        let mut arguments = vec![Code::Word(format!("panel.{name}")), Code::named("id", Code::literal(id))];
        for (key, value) in ["x", "y", "w", "h"].into_iter().zip(place) {
            arguments.push(Code::named(key, Code::literal(value)));
        }
        Code::call("place", arguments)
    }

    fn row(&mut self, row: &Map<String, Value>, writer: &mut Writer<'_>) -> Code {
        let title = row.get("title").and_then(Value::as_str);
        let id = row.get("id").filter(|id| id.is_number());
        let y = row.get("gridPos").and_then(place).filter(|[x, _, w, h]| {
            (x.as_f64(), w.as_f64(), h.as_f64()) == (Some(0.0), Some(24.0), Some(1.0))
        });
        let inside = match row.get("panels") {
            Some(Value::Array(panels)) if !panels.is_empty() => Some(self.list(panels, writer)),
            _ => None,
        };
        let known = ["type", "title", "id", "collapsed", "panels", "gridPos"];
        let is_usual = known.iter().all(|key| row.contains_key(*key)) && row["panels"].is_array();
        let mut rest: Vec<Field> = row
            .iter()
            .filter(|(key, value)| {
                !is_usual
                    || !known.contains(&key.as_str())
                    || (*key == "collapsed" && **value != json!(false))
                    || (*key == "panels" && inside.is_some())
            })
            .map(|(key, value)| match (key.as_str(), &inside) {
                ("panels", Some(inside)) => Field::new(key, inside.clone()),
                _ => Field::new(key, ordered(value)),
            })
            .collect();
        if let (true, Some(title), Some(id), Some([_, y, ..])) = (is_usual, title, id, y) {
            self.has_rows = true;
            let arguments = vec![
                Code::text(title),
                Code::named("id", Code::literal(id)),
                Code::named("y", Code::literal(y)),
            ];
            let call = Code::call("row", arguments);
            return if rest.is_empty() { call } else { Code::Sum(vec![call, Code::Object(rest)]) };
        }
        if is_usual {
            rest = row
                .iter()
                .map(|(key, value)| match (key.as_str(), &inside) {
                    ("panels", Some(inside)) => Field::new(key, inside.clone()),
                    _ => Field::new(key, ordered(value)),
                })
                .collect();
        }
        Code::Object(rest)
    }
}

/// The four numbers of a place, where there are no others.
fn place(grid: &Value) -> Option<[&Value; 4]> {
    let grid = grid.as_object().filter(|grid| grid.len() == 4)?;
    let number = |key: &str| grid.get(key).filter(|value| value.is_number());
    Some([number("x")?, number("y")?, number("w")?, number("h")?])
}
