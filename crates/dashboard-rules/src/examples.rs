//! Dashboards for the rules' examples: a small one that keeps to every rule, and what an example changes in it.

use serde_json::{Value, json};

use crate::rule::Example;
use crate::subject::{Dashboard, Source, Style, Subject, Unreadable};

/// The file of the example dashboard.
pub const FILE: &str = "k8s-otel-example.json";

const PODS: &str = r#"sum by (k8s_namespace_name) (
  max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (
    rate(
      k8s_pod_cpu_time_seconds_total{k8s_cluster_name=~"$cluster",k8s_namespace_name=~"$namespace"}[$__rate_interval]
    )
  )
)"#;
const MEMORY: &str = r#"sum by (k8s_namespace_name) (
  max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (
    k8s_pod_memory_working_set_bytes{k8s_cluster_name=~"$cluster",k8s_namespace_name=~"$namespace"}
  )
)"#;
const READY: &str = r#"sum(max by (k8s_cluster_name, k8s_node_name) (k8s_node_condition_ready{k8s_cluster_name=~"$cluster"}))"#;

fn datasource() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

fn target(ref_id: &str, expr: &str, more: Value) -> Value {
    let mut target = json!({ "datasource": datasource(), "expr": expr, "interval": "1m", "refId": ref_id });
    merge(&mut target, more);
    target
}

fn variable(name: &str, label: &str, query: &str, all: &str) -> Value {
    json!({
        "allValue": all,
        "allowCustomValue": true,
        "current": {},
        "datasource": datasource(),
        "definition": query,
        "hide": 0,
        "includeAll": true,
        "label": label,
        "multi": true,
        "name": name,
        "options": [],
        "query": query,
        "refresh": 2,
        "regex": "",
        "skipUrlSync": false,
        "sort": 1,
        "type": "query",
    })
}

fn panel(id: i64, kind: &str, title: &str, about: &str, x: i64, unit: &str, targets: &Value) -> Value {
    json!({
        "id": id,
        "type": kind,
        "title": title,
        "description": about,
        "datasource": datasource(),
        "gridPos": { "x": x, "y": 1, "w": 8, "h": 8 },
        "interval": "1m",
        "fieldConfig": { "defaults": { "unit": unit }, "overrides": [] },
        "options": {},
        "targets": targets,
    })
}

/// A dashboard that keeps to every rule.
pub fn dashboard() -> Value {
    let instant = json!({ "instant": true, "range": false, "legendFormat": "" });
    let table = json!({ "instant": true, "range": false, "legendFormat": "", "format": "table" });
    let mut joined = panel(
        3,
        "table",
        "CPU and memory by namespace",
        "Cores and bytes in use.\n\n**Receiver:** kubelet_stats.",
        16,
        "short",
        &json!([target("A", PODS, table.clone()), target("B", MEMORY, table)]),
    );
    let by_name = |name: &str, unit: &str| json!({ "matcher": { "id": "byName", "options": name }, "properties": [{ "id": "unit", "value": unit }] });
    joined["fieldConfig"]["overrides"] =
        json!([by_name("CPU usage", "suffix:cores"), by_name("Memory usage", "bytes")]);
    joined["transformations"] = json!([
        { "id": "joinByField", "options": { "byField": "k8s_namespace_name", "mode": "outer" } },
        { "id": "organize", "options": {
            "excludeByName": { "Time": true, "Time 1": true, "Time 2": true },
            "indexByName": { "k8s_namespace_name": 0, "Value #A": 1, "Value #B": 2 },
            "renameByName": { "k8s_namespace_name": "Namespace", "Value #A": "CPU usage", "Value #B": "Memory usage" },
        }},
    ]);
    json!({
        "uid": "k8s-otel-example",
        "title": "Kubernetes / Example (OTel)",
        "description": "An example.",
        "tags": ["kubernetes-mixin-otel", "kubernetes", "opentelemetry"],
        "schemaVersion": 42,
        "editable": false,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": { "from": "now-1h", "to": "now" },
        "timezone": "browser",
        "annotations": { "list": [] },
        "links": [{
            "asDropdown": true,
            "icon": "external link",
            "includeVars": true,
            "keepTime": true,
            "tags": ["kubernetes-mixin-otel"],
            "targetBlank": false,
            "title": "Kubernetes (OTel)",
            "tooltip": "",
            "type": "dashboards",
            "url": "",
        }],
        "templating": { "list": [
            {
                "current": {},
                "hide": 0,
                "includeAll": false,
                "label": "Data source",
                "multi": false,
                "name": "datasource",
                "options": [],
                "query": "prometheus",
                "refresh": 1,
                "regex": "",
                "skipUrlSync": false,
                "type": "datasource",
            },
            variable("cluster", "Cluster", "label_values(k8s_node_condition_ready, k8s_cluster_name)", ".*"),
            variable(
                "namespace",
                "Namespace",
                "label_values(k8s_namespace_phase{k8s_cluster_name=~\"$cluster\"}, k8s_namespace_name)",
                ".+",
            ),
        ]},
        "panels": [
            { "id": 4, "type": "row", "title": "Overview", "collapsed": false, "panels": [],
              "gridPos": { "x": 0, "y": 0, "w": 24, "h": 1 } },
            panel(
                1,
                "timeseries",
                "CPU usage",
                "Cores in use.\n\n**Receiver:** kubelet_stats.",
                0,
                "suffix:cores",
                &json!([target("A", PODS, json!({ "instant": false, "range": true, "legendFormat": "{{k8s_namespace_name}}" }))]),
            ),
            panel(
                2,
                "stat",
                "Ready nodes",
                "Nodes that are ready.\n\n**Receiver:** k8s_cluster.",
                8,
                "short",
                &json!([target("A", READY, instant)]),
            ),
            joined,
        ],
    })
}

/// Where the time series, the stat and the table stand in it.
const PANELS: [(&str, usize); 3] = [("timeseries", 1), ("stat", 2), ("table", 3)];
/// Where the variable `namespace` stands.
const NAMESPACE: usize = 2;

/// The files of an example. Patches of examples are constants of the rules, so their mistakes are told in the value.
fn files(example: &Example) -> Vec<(String, Result<Value, String>)> {
    let patch =
        |text: &str| serde_json::from_str::<Value>(text).map_err(|error| format!("{error} in {text}"));
    let patched = |text: &str, way: &dyn Fn(&mut Value) -> Option<&mut Value>| {
        let mut value = dashboard();
        let patch = patch(text)?;
        if let Some(place) = way(&mut value) {
            merge(place, patch);
        }
        Ok(value)
    };
    let of_panel = |kind: &str, text: &str| {
        let index = PANELS.iter().find(|(name, _)| *name == kind).map_or(0, |(_, index)| *index);
        patched(text, &|value| value["panels"].get_mut(index))
    };
    let one = |value| vec![(FILE.to_owned(), value)];
    match example {
        Example::Query(query) => {
            let mut value = dashboard();
            value["panels"][1]["targets"][0]["expr"] = Value::from(*query);
            one(Ok(value))
        }
        Example::Panel(text) => one(of_panel("timeseries", text)),
        Example::Stat(text) => one(of_panel("stat", text)),
        Example::Table(text) => one(of_panel("table", text)),
        Example::Variable(text) => {
            one(patched(text, &|value| value["templating"]["list"].get_mut(NAMESPACE)))
        }
        Example::Dashboard(text) => one(patched(text, &|value| Some(value))),
        Example::Set(texts) => texts
            .iter()
            .enumerate()
            .map(|(index, text)| {
                (format!("k8s-otel-example-{index}.json"), patched(text, &|value| Some(value)))
            })
            .collect(),
        Example::File(_) | Example::None => Vec::new(),
    }
}

/// The dashboards of an example, as if they came from our own sources.
pub fn subject(example: &Example) -> Subject {
    let mut dashboards = Vec::new();
    let mut unreadable = Vec::new();
    if let Example::File(text) = example {
        match crate::subject::read_text(FILE, text) {
            Ok(dashboard) => dashboards.push(dashboard.in_style(Style::House)),
            Err(error) => unreadable.push(error),
        }
    }
    for (file, value) in files(example) {
        let read = value
            .map_err(|message| Unreadable { file: file.clone(), message, line: None })
            .and_then(|value| Dashboard::new(file, value, Source::Value));
        match read {
            Ok(dashboard) => dashboards.push(dashboard.in_style(Style::House)),
            Err(error) => unreadable.push(error),
        }
    }
    let mut subject = Subject::new(dashboards);
    subject.unreadable = unreadable;
    subject
}

/// Applies a JSON merge patch (RFC 7396), with one addition: an object with only numbers as keys changes those items of
/// a list.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    let is_index = |key: &str| key.parse::<usize>().is_ok();
    if let Value::Array(list) = target
        && patch.keys().all(|key| is_index(key))
    {
        for (key, value) in patch {
            let index = key.parse().unwrap_or(usize::MAX);
            if index == list.len() {
                list.push(Value::Null);
            }
            if let Some(item) = list.get_mut(index) {
                merge(item, value);
            }
        }
        return;
    }
    if !target.is_object() {
        *target = json!({});
    }
    if let Value::Object(object) = target {
        for (key, value) in patch {
            if value.is_null() {
                object.remove(&key);
            } else {
                merge(object.entry(key).or_insert(Value::Null), value);
            }
        }
    }
}
