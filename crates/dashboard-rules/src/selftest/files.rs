//! Mistakes in a dashboard as a whole.

use serde_json::json;

use super::Operator;
use crate::fix::{Change, Edit};
use crate::pointer::Pointer;

fn set(path: &str, value: serde_json::Value) -> Vec<Edit> {
    vec![Edit { pointer: Pointer::from_path(path), change: Change::Set(value) }]
}

pub(super) const OPERATORS: &[Operator] = &[
    Operator {
        name: "make schemaVersion 99",
        rules: &["J01"],
        places: |_, _| vec![set("schemaVersion", json!(99))],
    },
    Operator {
        name: "misspell a property of the dashboard",
        rules: &["J02"],
        places: |_, _| {
            vec![vec![Edit {
                pointer: Pointer::from_path("graphTooltip"),
                change: Change::Rename("graphToolTip".to_owned()),
            }]]
        },
    },
    Operator {
        name: "leave the id, version or inputs of an export",
        rules: &["J03"],
        places: |_, _| {
            vec![set("id", json!(12)), set("version", json!(3)), set("__inputs", json!([{ "name": "DS" }]))]
        },
    },
    Operator {
        name: "remove, shorten or capitalise the uid",
        rules: &["J04"],
        places: |dashboard, _| {
            let uid = dashboard.model.uid.clone().unwrap_or_default();
            vec![
                vec![Edit { pointer: Pointer::from_path("uid"), change: Change::Remove }],
                set("uid", json!("short")),
                set("uid", json!(uid.to_uppercase())),
            ]
        },
    },
    Operator {
        name: "take the uid or the title of another dashboard",
        rules: &["J05"],
        places: |dashboard, subject| {
            let other = subject.dashboards.iter().find(|other| other.file != dashboard.file);
            other.map_or_else(Vec::new, |other| {
                vec![
                    set("uid", json!(other.model.uid)),
                    set("title", json!(other.model.title)),
                    set("uid", json!("efa86fd1d0c121a26444b636a3f509a8")),
                ]
            })
        },
    },
    Operator {
        name: "make it editable, hasty, unconnected",
        rules: &["J06"],
        places: |_, _| {
            vec![
                set("editable", json!(true)),
                set("refresh", json!("5s")),
                set("graphTooltip", json!(0)),
                set("links", json!([])),
                set("tags", json!([])),
            ]
        },
    },
    Operator {
        name: "suppress what is not there",
        rules: &["S01", "P04"],
        places: |_, _| {
            vec![set("suppressed", json!([{ "rule": "P04", "reason": "so", "until": "2999-12-31" }]))]
        },
    },
];
