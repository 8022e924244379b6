//! Taking out of a dashboard what belongs to the Grafana that it was exported from.

use std::fmt;

use serde_json::{Map, Value, json};

use super::ImportError;
use super::part::says_something;

/// Something that was changed on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adaptation {
    /// A property that means something in one Grafana only.
    Removed {
        /// Its name.
        property: &'static str,
    },
    /// `${DS_…}`, for which Grafana asks when it imports a file, became a variable.
    DataSource {
        /// The placeholder.
        input: String,
        /// The variable.
        variable: String,
        /// Whether there was none before.
        added: bool,
    },
    /// `${VAR_…}`, a constant, became its value.
    Constant {
        /// The placeholder.
        input: String,
        /// What stands there now.
        value: String,
    },
}

impl fmt::Display for Adaptation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed { property } => write!(f, "{property} removed: it belongs to one Grafana"),
            Self::DataSource { input, variable, added: true } => {
                write!(f, "${{{input}}} became ${{{variable}}}, a new variable for the data source")
            }
            Self::DataSource { input, variable, added: false } => {
                write!(f, "${{{input}}} became ${{{variable}}}")
            }
            Self::Constant { input, value } => write!(f, "${{{input}}} became {value:?}"),
        }
    }
}

/// Properties that say something about one Grafana only. `id` is the number in its database.
const OF_ONE_GRAFANA: [&str; 6] = ["id", "version", "iteration", "gnetId", "__requires", "__elements"];

/// Makes a classic dashboard fit for any Grafana: no numbers of a database, no placeholders that only the import dialogue
/// fills in. What cannot be made so (library panels) is an error with its place.
pub fn portable(dashboard: &mut Value) -> Result<Vec<Adaptation>, ImportError> {
    let mut adaptations = Vec::new();
    let Value::Object(fields) = dashboard else { return Ok(adaptations) };
    refuse_library_panels(fields)?;
    for property in OF_ONE_GRAFANA {
        if let Some(value) = fields.remove(property)
            && says_something(&value)
        {
            adaptations.push(Adaptation::Removed { property });
        }
    }
    let Some(Value::Array(inputs)) = fields.remove("__inputs") else { return Ok(adaptations) };
    let mut replacements = Vec::new();
    for (i, input) in inputs.iter().enumerate() {
        let text = |key: &str| input.get(key).and_then(Value::as_str).unwrap_or_default();
        let (name, value) = (text("name"), text("value"));
        match text("type") {
            _ if name.is_empty() => {}
            "datasource" if text("pluginId") == "__expr__" => {
                replacements.push((format!("${{{name}}}"), "__expr__".to_owned()));
            }
            "datasource" => {
                let (variable, added) = datasource_variable(fields, text("pluginId"));
                replacements.push((format!("${{{name}}}"), format!("${{{variable}}}")));
                adaptations.push(Adaptation::DataSource { input: name.to_owned(), variable, added });
            }
            "constant" => {
                replacements.push((format!("${{{name}}}"), value.to_owned()));
                adaptations.push(Adaptation::Constant { input: name.to_owned(), value: value.to_owned() });
            }
            other => {
                return Err(ImportError::NoClassicForm {
                    path: format!("__inputs[{i}]"),
                    message: format!("an input of type {other:?} is not known"),
                });
            }
        }
    }
    for value in fields.values_mut() {
        replace(value, &replacements);
    }
    Ok(adaptations)
}

/// The variable that chooses a data source of a type; made when there is none.
fn datasource_variable(dashboard: &mut Map<String, Value>, plugin: &str) -> (String, bool) {
    let templating = dashboard.entry("templating").or_insert_with(|| json!({}));
    if !templating.is_object() {
        *templating = json!({});
    }
    let list = &mut templating["list"];
    if !list.is_array() {
        *list = json!([]);
    }
    let empty = &mut Vec::new();
    let list = list.as_array_mut().unwrap_or(empty);
    let text = |variable: &Value, key: &str| variable.get(key).and_then(Value::as_str).map(str::to_owned);
    let known = list.iter().find(|variable| {
        text(variable, "type").as_deref() == Some("datasource")
            && text(variable, "query").as_deref() == Some(plugin)
    });
    if let Some(name) = known.and_then(|variable| text(variable, "name")) {
        return (name, false);
    }
    let taken = |name: &str| list.iter().any(|variable| text(variable, "name").as_deref() == Some(name));
    let mut name = "datasource".to_owned();
    if plugin != "prometheus" || taken(&name) {
        let plugin: String =
            plugin.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        name = format!("datasource_{plugin}");
    }
    while taken(&name) {
        name.push('_');
    }
    list.insert(
        0,
        json!({
            "type": "datasource",
            "name": name,
            "label": "Data source",
            "query": plugin,
            "regex": "",
            "refresh": 1,
            "hide": 0,
            "multi": false,
            "includeAll": false,
            "current": {},
            "options": [],
            "skipUrlSync": false,
        }),
    );
    (name, true)
}

fn replace(value: &mut Value, replacements: &[(String, String)]) {
    match value {
        Value::String(text) if text.contains("${") => {
            for (from, to) in replacements {
                if text.contains(from.as_str()) {
                    *text = text.replace(from.as_str(), to);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, replacements)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, replacements)),
        _ => {}
    }
}

fn refuse_library_panels(dashboard: &Map<String, Value>) -> Result<(), ImportError> {
    fn look(panels: Option<&Value>, path: &str) -> Result<(), ImportError> {
        let Some(Value::Array(panels)) = panels else { return Ok(()) };
        for (i, panel) in panels.iter().enumerate() {
            let path = format!("{path}[{i}]");
            if panel.get("libraryPanel").is_some_and(|library| !library.is_null()) {
                let title = panel.get("title").and_then(Value::as_str).unwrap_or_default();
                return Err(ImportError::NoClassicForm {
                    path,
                    message: format!(
                        "{title:?} is a library panel, which a file does not hold: unlink it in Grafana, and export again"
                    ),
                });
            }
            look(panel.get("panels"), &format!("{path}.panels"))?;
        }
        Ok(())
    }
    look(dashboard.get("panels"), "panels")
}
