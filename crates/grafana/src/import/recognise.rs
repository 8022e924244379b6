//! What a document is: a dashboard in one of its forms, or something else that has a name.

use serde_json::{Map, Value};

use super::{ImportError, Origin};

/// A document that is a dashboard.
pub(super) enum Form<'a> {
    /// Classic.
    Classic {
        /// In which field of the document; nothing for the document itself.
        inside: Option<&'static str>,
        /// The name of the resource around it.
        name: Option<&'a str>,
    },
    /// v2.
    V2 {
        spec: &'a Map<String, Value>,
        name: Option<&'a str>,
        /// Where the spec stands in the document.
        path: &'static str,
    },
}

const GROUP: &str = "dashboard.grafana.app/";

const EXPORT_ONE: &str = "export one dashboard from Grafana (Export, as code, Classic)";
const TAKE_PARTS: &str = "give its dashboards one at a time, each as a file";
const NOTHING_TO_IMPORT: &str = "only dashboards can be imported";

/// Recognises a dashboard; names what else it is.
pub(super) fn recognise(document: &Value) -> Result<(Form<'_>, Origin), ImportError> {
    let object = match document {
        Value::Object(object) => object,
        Value::Array(items) => return Err(list(items)),
        Value::Null => return Err(something_else("null", EXPORT_ONE)),
        Value::Bool(_) => return Err(something_else("a boolean", EXPORT_ONE)),
        Value::Number(_) => return Err(something_else("a number", EXPORT_ONE)),
        Value::String(_) => return Err(something_else("a text", EXPORT_ONE)),
    };
    if let Some(version) = object.get("apiVersion") {
        return resource(object, version);
    }
    if let Some(Value::Object(dashboard)) = object.get("dashboard") {
        let is_snapshot = object
            .get("meta")
            .and_then(|meta| meta.get("isSnapshot"))
            .is_some_and(|value| value == &Value::Bool(true));
        if is_snapshot {
            return Err(something_else(
                "a snapshot",
                "it holds data instead of queries; export the dashboard itself",
            ));
        }
        if is_v2(dashboard) {
            return Ok((Form::V2 { spec: dashboard, name: None, path: "dashboard" }, Origin::V2Spec));
        }
        return Ok((Form::Classic { inside: Some("dashboard"), name: None }, Origin::Api));
    }
    if is_v2(object) {
        return Ok((Form::V2 { spec: object, name: None, path: "" }, Origin::V2Spec));
    }
    if let Some(error) = named(object) {
        return Err(error);
    }
    if is_classic(object) {
        return Ok((Form::Classic { inside: None, name: None }, Origin::Classic));
    }
    Err(something_else("an object with neither panels nor a title", EXPORT_ONE))
}

/// Anything with `apiVersion`: a resource of Grafana or of Kubernetes, or a provisioning file.
fn resource<'a>(
    object: &'a Map<String, Value>,
    api_version: &Value,
) -> Result<(Form<'a>, Origin), ImportError> {
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    let Some(api_version) = api_version.as_str() else {
        return Err(provisioning(object));
    };
    let name = object.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Value::as_str);
    let Some(version) = api_version.strip_prefix(GROUP) else {
        return Err(kubernetes(object, api_version, kind));
    };
    if kind == "LibraryPanel" {
        return Err(library_panel());
    }
    if !matches!(kind, "Dashboard" | "") {
        return Err(something_else(&format!("a resource of kind {kind:?}"), NOTHING_TO_IMPORT));
    }
    let Some(Value::Object(fields)) = object.get("spec") else {
        return Err(ImportError::NoClassicForm {
            path: "spec".to_owned(),
            message: "is missing: there is no dashboard in this resource".to_owned(),
        });
    };
    let version = version.to_owned();
    if is_v2(fields) || version.starts_with("v2") {
        return Ok((Form::V2 { spec: fields, name, path: "spec" }, Origin::V2Resource { version }));
    }
    if version.starts_with("v0") || version.starts_with("v1") {
        return Ok((Form::Classic { inside: Some("spec"), name }, Origin::V1Resource { version }));
    }
    Err(something_else(
        &format!("a dashboard of version {version:?}"),
        "only v0, v1 and v2 are known; export it as \"Classic\" in Grafana",
    ))
}

/// The files that Grafana reads from `provisioning/` have a number there.
fn provisioning(object: &Map<String, Value>) -> ImportError {
    let found = [
        ("providers", "the configuration of dashboard providers"),
        ("datasources", "a file of data sources"),
        ("groups", "a file of alert rules"),
        ("contactPoints", "a file of contact points"),
        ("policies", "a file of notification policies"),
    ]
    .into_iter()
    .find(|(key, _)| object.contains_key(*key));
    something_else(found.map_or("a provisioning file", |(_, name)| name), NOTHING_TO_IMPORT)
}

fn kubernetes(object: &Map<String, Value>, api_version: &str, kind: &str) -> ImportError {
    match kind {
        "ConfigMap" => something_else("a ConfigMap", "take the JSON out of its `data`"),
        "GrafanaDashboard" => {
            something_else("a resource of the Grafana operator", "take the JSON out of its `spec.json`")
        }
        "Folder" => something_else("a folder", NOTHING_TO_IMPORT),
        "PrometheusRule" => something_else("a set of alert and recording rules", NOTHING_TO_IMPORT),
        "List" => something_else("a list of resources", TAKE_PARTS),
        "" if object.contains_key("items") => something_else("a list of resources", TAKE_PARTS),
        _ => something_else(&format!("a resource of kind {kind:?} ({api_version})"), NOTHING_TO_IMPORT),
    }
}

fn list(items: &[Value]) -> ImportError {
    let is_search = items.first().is_some_and(|item| item.get("type") == Some(&Value::from("dash-db")));
    if is_search {
        return something_else("the result of a search for dashboards", EXPORT_ONE);
    }
    let dashboards = items.iter().filter_map(Value::as_object).filter(|item| is_classic(item)).count();
    if dashboards > 0 {
        return something_else(&format!("a list with {dashboards} dashboards"), TAKE_PARTS);
    }
    something_else("a list", EXPORT_ONE)
}

/// Things without `apiVersion` that have a name.
fn named(object: &Map<String, Value>) -> Option<ImportError> {
    let has = |key: &str| object.contains_key(key);
    let found = if has("grafanaDashboards") || has("grafanaDashboards+") || has("_config") {
        something_else("a mixin", "build it (`dashboards build --mixin FILE`), and give one of the files")
    } else if !object.is_empty()
        && object.iter().all(|(key, value)| key.ends_with(".json") && value.is_object())
    {
        something_else(&format!("a bundle of {} dashboards", object.len()), TAKE_PARTS)
    } else if has("model") || (has("result") && has_model(object.get("result"))) {
        library_panel()
    } else if has("groups") {
        something_else("a set of alert or recording rules", NOTHING_TO_IMPORT)
    } else if has("hasAcl") || has("parentUid") {
        something_else("a folder", NOTHING_TO_IMPORT)
    } else if has("access") && has("url") {
        something_else("a data source", NOTHING_TO_IMPORT)
    } else if has("message") && object.len() <= 4 && !is_classic(object) {
        something_else("an error of Grafana's API", "ask again, with a token that may read the dashboard")
    } else if !has("panels")
        && !has("rows")
        && !has("templating")
        && object.get("type").is_some_and(Value::is_string)
        && (has("targets") || has("fieldConfig") || has("gridPos"))
    {
        something_else("a single panel", "export the dashboard that it is on")
    } else {
        return None;
    };
    Some(found)
}

fn has_model(value: Option<&Value>) -> bool {
    value.is_some_and(|value| value.get("model").is_some() || value.get("elements").is_some())
}

fn library_panel() -> ImportError {
    something_else("a library panel", "unlink it from its library on a dashboard, and export that one")
}

fn is_v2(object: &Map<String, Value>) -> bool {
    object.get("elements").is_some_and(Value::is_object) && object.contains_key("layout")
}

fn is_classic(object: &Map<String, Value>) -> bool {
    ["panels", "rows", "templating", "schemaVersion", "title"].iter().any(|key| object.contains_key(*key))
}

fn something_else(found: &str, instead: &'static str) -> ImportError {
    ImportError::SomethingElse { found: found.to_owned(), instead }
}

/// The error about a text that is no JSON; names the forms that people mistake for it.
pub(super) fn no_json(bytes: &[u8], error: &serde_json::Error) -> ImportError {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let instead = "export the dashboard as JSON";
        if bytes.starts_with(&[0x1f, 0x8b]) || bytes.starts_with(b"PK") {
            return ImportError::NotJson { found: "an archive", instead: "unpack it first" };
        }
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return ImportError::NotJson { found: "text in UTF-16", instead: "save it as UTF-8" };
        }
        return ImportError::NotJson { found: "no text", instead };
    };
    let start = text.trim_start();
    let first_line =
        start.lines().find(|line| !line.trim_start().starts_with('#')).unwrap_or_default().trim_end();
    if start.is_empty() {
        return ImportError::NotJson { found: "an empty file", instead: "export the dashboard again" };
    }
    if start.starts_with('<') {
        let instead = "probably a page for logging in; ask with a token";
        return ImportError::NotJson { found: "a web page", instead };
    }
    if ["local ", "//", "(import", "import ", "function"].iter().any(|word| start.starts_with(word)) {
        let instead = "it is a source already; put it beside the others";
        return ImportError::NotJson { found: "Jsonnet", instead };
    }
    if first_line == "---" || (is_yaml_key(first_line) && !start.starts_with(['{', '['])) {
        let instead = "convert it (`yq -o json`), or export the dashboard as JSON";
        return ImportError::NotJson { found: "YAML", instead };
    }
    // The place stands in front already.
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default().to_owned();
    if message.starts_with("recursion limit") {
        return ImportError::TooDeep;
    }
    ImportError::Json { line: error.line(), column: error.column(), message }
}

/// `apiVersion: 1`
fn is_yaml_key(line: &str) -> bool {
    line.split_once(':').is_some_and(|(key, rest)| {
        !key.is_empty()
            && (rest.is_empty() || rest.starts_with(' '))
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
    })
}
