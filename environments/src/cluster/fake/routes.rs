//! What the fake answers.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::controllers::{collect_garbage, follow, selects};
use super::kinds::{self, Kind};
use super::store::{Change, Key};
use super::{Shared, State as Server};

/// The largest body.
const LARGEST: usize = 8 << 20;

/// A request, read.
struct Asked {
    method: Method,
    query: HashMap<String, String>,
    /// As what the answer is wanted: `Table`, `PartialObjectMetadata`, …
    wants: Option<String>,
    is_apply: bool,
    body: Value,
}

/// What a path is about.
enum About {
    /// The kinds of a version.
    Version(String),
    /// All objects of a kind, in one namespace or in all.
    All(&'static Kind, Option<String>),
    /// One object, or a part of it.
    One(&'static Kind, Option<String>, String, Option<String>),
}

/// Answers every request.
pub(super) async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if !shared.scenario.delay.is_zero() {
        tokio::time::sleep(shared.scenario.delay).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let text = |name: header::HeaderName| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let query =
        form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let asked = Asked {
        method: parts.method.clone(),
        query,
        wants: text(header::ACCEPT)
            .split_once(";as=")
            .and_then(|(_, rest)| Some(rest.split(';').next()?.to_owned())),
        is_apply: text(header::CONTENT_TYPE).contains("apply-patch"),
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    };
    let mut server = shared.state();
    server.requests.push(format!("{} {}", parts.method, parts.uri));
    if let Some(response) = trouble(&shared, &mut server, &asked) {
        return response;
    }
    respond(&shared, &mut server, &asked, parts.uri.path())
}

/// What goes wrong with this request.
fn trouble(shared: &Shared, server: &mut Server, asked: &Asked) -> Option<Response> {
    let scenario = &shared.scenario;
    if shared.begun.elapsed() < scenario.closed + scenario.starting {
        return Some((StatusCode::SERVICE_UNAVAILABLE, "the server is starting\n").into_response());
    }
    if server.down_until.is_some_and(|until| Instant::now() < until) {
        return Some(broken());
    }
    if scenario.unauthorized {
        return Some(refuse(401, "Unauthorized", "Unauthorized", &json!({})));
    }
    if asked.method == Method::GET {
        return None;
    }
    server.writes += 1;
    let nth = |every: Option<usize>| every.is_some_and(|every| server.writes.is_multiple_of(every));
    if nth(scenario.busy_every) {
        let body = status(429, "TooManyRequests", "the server has received too many requests", &json!({}));
        return Some(
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")], axum::Json(body)).into_response(),
        );
    }
    if nth(scenario.conflict_every) {
        return Some(refuse(
            409,
            "Conflict",
            "the object has been modified; please apply your changes to the latest version",
            &json!({}),
        ));
    }
    let (writes, lasts) = scenario.restart?;
    if server.writes == writes {
        server.down_until = Some(Instant::now() + lasts);
        shared.restart.notify_one();
        return Some(broken());
    }
    None
}

/// A connection that ends in the middle of an answer.
fn broken() -> Response {
    let cut = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    Response::new(Body::from_stream(stream::iter([Err::<Vec<u8>, _>(cut)])))
}

fn respond(shared: &Shared, server: &mut Server, asked: &Asked, path: &str) -> Response {
    match path {
        "/readyz" if shared.scenario.never_ready => {
            let text = "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n";
            return (StatusCode::INTERNAL_SERVER_ERROR, text).into_response();
        }
        "/readyz" => return "[+]ping ok\nreadyz check passed\n".into_response(),
        "/version" => return axum::Json(json!({"gitVersion": "v1.36.1"})).into_response(),
        _ => {}
    }
    let late =
        shared.scenario.late_kind.filter(|(_, lasts)| shared.begun.elapsed() < *lasts).map(|(kind, _)| kind);
    match about(path) {
        Some(About::Version(version)) => match kinds::resource_list(&version, |kind| late != Some(kind.name))
        {
            Some(list) => axum::Json(list).into_response(),
            None => not_found(),
        },
        Some(About::All(kind, _) | About::One(kind, ..)) if late == Some(kind.name) => not_found(),
        Some(About::All(kind, namespace)) => list(server, asked, kind, namespace.as_deref()),
        Some(About::One(kind, namespace, name, part)) => {
            let key = (kind.name.to_owned(), namespace.unwrap_or_default(), name);
            one(shared, server, asked, &key, part.as_deref())
        }
        None => not_found(),
    }
}

fn about(path: &str) -> Option<About> {
    let mut parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let depth = if parts.first() == Some(&"api") { 2 } else { 3 };
    if parts.len() < depth || !matches!(parts[0], "api" | "apis") {
        return None;
    }
    let version = parts[1..depth].join("/");
    parts.drain(..depth);
    let kind = |plural: &str| kinds::by_plural(&version, plural);
    let owned = |text: &str| Some(text.to_owned());
    match parts[..] {
        [] => Some(About::Version(version)),
        [plural] => Some(About::All(kind(plural)?, None)),
        ["namespaces", namespace, plural] if kind(plural).is_some() => {
            Some(About::All(kind(plural)?, owned(namespace)))
        }
        ["namespaces", namespace, plural, name] if kind(plural).is_some() => {
            Some(About::One(kind(plural)?, owned(namespace), name.to_owned(), None))
        }
        ["namespaces", namespace, plural, name, part] => {
            Some(About::One(kind(plural)?, owned(namespace), name.to_owned(), owned(part)))
        }
        [plural, name] => Some(About::One(kind(plural)?, None, name.to_owned(), None)),
        [plural, name, part] => Some(About::One(kind(plural)?, None, name.to_owned(), owned(part))),
        _ => None,
    }
}

/// A list of objects, in pages, or a table.
fn list(server: &Server, asked: &Asked, kind: &Kind, namespace: Option<&str>) -> Response {
    let terms = |name: &str| -> Vec<(String, Value)> {
        let selector = asked.query.get(name).map(String::as_str).unwrap_or_default();
        let terms = selector.split(',').filter_map(|term| term.split_once('='));
        terms.map(|(key, value)| (key.to_owned(), json!(value))).collect()
    };
    let labels = Value::Object(terms("labelSelector").into_iter().collect());
    let fields = terms("fieldSelector");
    let is_meant = |object: &&Value| {
        namespace.is_none_or(|namespace| object["metadata"]["namespace"] == namespace)
            && selects(&labels, &object["metadata"]["labels"])
            && fields
                .iter()
                .all(|(field, value)| object.pointer(&format!("/{}", field.replace('.', "/"))) == Some(value))
    };
    let meant: Vec<&Value> = server.store.of_kind(kind.name).filter(is_meant).collect();
    if asked.wants.as_deref() == Some("PartialObjectMetadata") {
        return refuse(
            406,
            "NotAcceptable",
            "you requested PartialObjectMetadata, but the requested object is a list",
            &json!({}),
        );
    }
    if asked.wants.as_deref() == Some("Table") {
        let row = |object: &&Value| {
            let is_ready = object["status"]["conditions"][0]["status"] == "True";
            json!({"cells": [object["metadata"]["name"], if is_ready { "Ready" } else { "NotReady" }]})
        };
        let rows: Vec<Value> = meant.iter().map(row).collect();
        let columns = json!([{"name": "Name"}, {"name": "Status"}]);
        return axum::Json(json!({"kind": "Table", "columnDefinitions": columns, "rows": rows}))
            .into_response();
    }
    let number = |name: &str| asked.query.get(name).and_then(|text| text.parse::<usize>().ok());
    let from = number("continue").unwrap_or(0);
    let until = meant.len().min(from + number("limit").unwrap_or(usize::MAX - from));
    let next = if until < meant.len() { until.to_string() } else { String::new() };
    let items = meant.get(from..until).unwrap_or_default();
    axum::Json(json!({
        "kind": format!("{}List", kind.name), "apiVersion": kind.version,
        "metadata": {"continue": next, "resourceVersion": "1"}, "items": items,
    }))
    .into_response()
}

fn one(shared: &Shared, server: &mut Server, asked: &Asked, key: &Key, part: Option<&str>) -> Response {
    let (kind, namespace, name) = key;
    if asked.wants.as_deref() == Some("PartialObjectMetadataList") {
        return refuse(
            406,
            "NotAcceptable",
            "you requested PartialObjectMetadataList, but the requested object is not a list",
            &json!({}),
        );
    }
    if kind == "ServiceAccount" && name == "default" && has_account(shared, server, namespace) {
        return axum::Json(json!({"kind": "ServiceAccount", "metadata": {"name": name}})).into_response();
    }
    match (asked.method.clone(), part) {
        (Method::GET, Some("log")) => match server.store.get(key) {
            Some(_) => format!("the last words of {name}\n").into_response(),
            None => missing(key),
        },
        (Method::GET, _) => match server.store.get(key) {
            Some(object) => axum::Json(object.clone()).into_response(),
            None => missing(key),
        },
        (Method::DELETE, _) => match server.store.take(kind, Some(namespace), name) {
            Some(gone) => {
                collect_garbage(&mut server.store, &gone);
                axum::Json(json!({"kind": "Status", "status": "Success"})).into_response()
            }
            None => missing(key),
        },
        (Method::PATCH, _) => patch(shared, server, asked, key, part),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn patch(shared: &Shared, server: &mut Server, asked: &Asked, key: &Key, part: Option<&str>) -> Response {
    let (kind, _, name) = key;
    let is_there = server.store.get(key).is_some();
    if let Some(response) = forbidden(shared, server, asked, key) {
        return response;
    }
    if !is_there && (!asked.is_apply || part.is_some()) {
        return missing(key);
    }
    let manager = asked.query.get("fieldManager").map(String::as_str).unwrap_or_default();
    let change = if asked.is_apply {
        Change::Apply { manager, object: &asked.body }
    } else {
        Change::Merge(&asked.body)
    };
    let (_, is_new) = server.store.change(key, part == Some("status"), change);
    if is_new && kind == "Namespace" {
        server.store.namespaces.insert(name.clone(), Instant::now());
    }
    follow_up(shared, server, key);
    let object = server.store.get(key).cloned().unwrap_or_default();
    let code = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    (code, axum::Json(object)).into_response()
}

/// Controllers act on what has changed. They see each change once.
fn follow_up(shared: &Shared, server: &mut Server, key: &Key) {
    let Some(object) = server.store.get(key) else { return };
    let status = &object["status"];
    let is_news = match key.0.as_str() {
        "Node" | "Pod" => status["phase"].is_null(),
        _ => status["observedGeneration"] != object["metadata"]["generation"],
    };
    if is_news {
        follow(&mut server.store, key, &shared.scenario);
    }
}

/// Why this object is not let in.
fn forbidden(shared: &Shared, server: &Server, asked: &Asked, key: &Key) -> Option<Response> {
    let (kind, namespace, name) = key;
    if let Some(refusal) = &shared.scenario.refusal
        && refusal.kind == kind
        && refusal.name == name
    {
        let causes = json!({"name": name, "kind": kind, "causes": [{"reason": "FieldValueInvalid", "field": refusal.field, "message": refusal.message}]});
        let message = format!("{kind} {name:?} is invalid: {}: {}", refusal.field, refusal.message);
        return Some(refuse(422, "Invalid", &message, &causes));
    }
    if !namespace.is_empty() && !is_namespace(server, namespace) {
        let details = json!({"name": namespace, "kind": "namespaces"});
        return Some(refuse(404, "NotFound", &format!("namespaces {namespace:?} not found"), &details));
    }
    if kind == "Pod" && !has_account(shared, server, namespace) {
        let message = format!(
            "pods {name:?} is forbidden: error looking up service account {namespace}/default: serviceaccount \"default\" not found"
        );
        return Some(refuse(403, "Forbidden", &message, &json!({"name": name, "kind": "pods"})));
    }
    // A Job cannot change what its pods are like.
    let template = |object: &Value| object["spec"]["template"]["spec"]["containers"].clone();
    if kind == "Job" && is_a_change(server.store.get(key).map(template), &template(&asked.body)) {
        let causes = json!({"name": name, "kind": kind, "causes": [{"field": "spec.template", "message": "field is immutable"}]});
        return Some(refuse(422, "Invalid", &format!("Job {name:?} is invalid"), &causes));
    }
    let wanted = &asked.body["metadata"]["resourceVersion"];
    let there = server.store.get(key).map(|object| &object["metadata"]["resourceVersion"]);
    if !wanted.is_null() && there != Some(wanted) {
        let message = "the object has been modified; please apply your changes to the latest version";
        return Some(refuse(409, "Conflict", message, &json!({"name": name})));
    }
    // What is sent for a status is a part of an object.
    let is_whole = asked.is_apply && asked.body["status"].is_null();
    if is_whole && let Err(finding) = cluster_sim::check_fields(&asked.body) {
        return Some(refuse(400, "BadRequest", &format!("strict decoding error: {finding}"), &json!({})));
    }
    None
}

fn is_a_change(before: Option<Value>, wanted: &Value) -> bool {
    !wanted.is_null() && before.is_some_and(|before| before != *wanted)
}

fn is_namespace(server: &Server, namespace: &str) -> bool {
    matches!(namespace, "default" | "kube-system" | "kube-public" | "kube-node-lease")
        || server.store.namespaces.contains_key(namespace)
}

fn has_account(shared: &Shared, server: &Server, namespace: &str) -> bool {
    let made = server.store.namespaces.get(namespace);
    is_namespace(server, namespace)
        && made.is_none_or(|made| made.elapsed() >= shared.scenario.late_service_accounts)
}

fn missing((kind, _, name): &Key) -> Response {
    let plural = kinds::by_name(kind).map_or("", |kind| kind.plural);
    refuse(404, "NotFound", &format!("{plural} {name:?} not found"), &json!({"name": name, "kind": plural}))
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}

fn status(code: u16, reason: &str, message: &str, details: &Value) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
        "message": message, "details": details,
    })
}

fn refuse(code: u16, reason: &str, message: &str, details: &Value) -> Response {
    let code_of = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (code_of, axum::Json(status(code, reason, message, details))).into_response()
}
