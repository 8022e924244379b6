//! Mistakes in panels.

use grafana::model::{Panel, PanelKind};
use serde_json::json;

use super::Operator;
use crate::fix::{Change, Edit};
use crate::pointer::Pointer;
use crate::subject::Dashboard;

/// One mistake in each panel for which `make` gives one.
fn each(dashboard: &Dashboard, make: impl Fn(&Panel, &Pointer) -> Option<Vec<Edit>>) -> Vec<Vec<Edit>> {
    let panels = dashboard.panels().filter(|(_, panel)| panel.kind != PanelKind::Row);
    panels.filter_map(|(_, panel)| make(panel, &Pointer::from_path(&panel.path))).collect()
}

fn one(pointer: Pointer, change: Change) -> Option<Vec<Edit>> {
    Some(vec![Edit { pointer, change }])
}

/// One mistake in each target.
fn each_target(
    dashboard: &Dashboard,
    make: impl Fn(&Panel, usize, &Pointer) -> Option<Vec<Edit>>,
) -> Vec<Vec<Edit>> {
    let mut found = Vec::new();
    for (_, panel) in dashboard.panels() {
        let targets = Pointer::from_path(&panel.path).key("targets");
        found.extend((0..panel.targets.len()).filter_map(|index| make(panel, index, &targets.index(index))));
    }
    found
}

pub(super) const OPERATORS: &[Operator] = &[
    Operator {
        name: "misspell a property of a panel",
        rules: &["J02"],
        places: |dashboard, _| {
            each(dashboard, |_, at| one(at.key("gridPos"), Change::Rename("gridPoss".to_owned())))
        },
    },
    Operator {
        name: "duplicate a panel id",
        rules: &["P01"],
        places: |dashboard, _| {
            let first = dashboard.panels().next().and_then(|(_, panel)| panel.id);
            each(dashboard, |panel, at| {
                (panel.id != first).then(|| one(at.key("id"), Change::Set(json!(first)))).flatten()
            })
        },
    },
    Operator {
        name: "fix a data source",
        rules: &["P02"],
        places: |dashboard, _| {
            each_target(dashboard, |_, _, at| {
                one(
                    at.key("datasource"),
                    Change::Set(json!({ "type": "prometheus", "uid": "PBFA97CFB590B2093" })),
                )
            })
        },
    },
    Operator {
        name: "give the data source a wrong type",
        rules: &["P02"],
        places: |dashboard, _| {
            each(dashboard, |panel, at| {
                panel.datasource.as_ref()?;
                one(at.key("datasource").key("type"), Change::Set(json!("datasource")))
            })
        },
    },
    Operator {
        name: "overlap the grid",
        rules: &["P03"],
        places: |dashboard, _| {
            let mut before: Option<&Panel> = None;
            let mut found = Vec::new();
            for panel in &dashboard.model.panels {
                if let Some(place) = before.and_then(|before| before.grid_pos) {
                    let value = json!({ "x": place.x, "y": place.y, "w": place.w, "h": place.h });
                    found.extend(one(Pointer::from_path(&panel.path).key("gridPos"), Change::Set(value)));
                }
                before = Some(panel);
            }
            found
        },
    },
    Operator {
        name: "widen a panel beyond the grid",
        rules: &["P03"],
        places: |dashboard, _| {
            each(dashboard, |_, at| one(at.key("gridPos").key("w"), Change::Set(json!(25))))
        },
    },
    Operator {
        name: "delete a title or a description",
        rules: &["P04"],
        places: |dashboard, _| {
            let has_data = |panel: &Panel| (panel.kind != PanelKind::Text).then_some(());
            let mut found = each(dashboard, |panel, at| {
                has_data(panel)?;
                one(at.key("description"), Change::Remove)
            });
            found.extend(each(dashboard, |panel, at| {
                has_data(panel)?;
                one(at.key("title"), Change::Set(json!("")))
            }));
            found
        },
    },
    Operator {
        name: "use an old panel type",
        rules: &["P05"],
        places: |dashboard, _| {
            each(dashboard, |panel, at| {
                let old = match panel.kind {
                    PanelKind::TimeSeries => "graph",
                    PanelKind::Stat => "singlestat",
                    PanelKind::Table => "table-old",
                    _ => return None,
                };
                one(at.key("type"), Change::Set(json!(old)))
            })
        },
    },
    Operator {
        name: "duplicate a refId",
        rules: &["P06"],
        places: |dashboard, _| {
            each_target(dashboard, |panel, index, at| {
                let before = &panel.targets.get(index.checked_sub(1)?)?.ref_id;
                one(at.key("refId"), Change::Set(json!(before)))
            })
        },
    },
    Operator {
        name: "remove all queries of a panel",
        rules: &["P06"],
        places: |dashboard, _| {
            each(dashboard, |panel, at| {
                (!panel.targets.is_empty()).then(|| one(at.key("targets"), Change::Set(json!([])))).flatten()
            })
        },
    },
    Operator {
        name: "swap range and instant",
        rules: &["P07"],
        places: |dashboard, _| {
            each_target(dashboard, |panel, index, at| {
                // A bar gauge or a stat with a sparkline may ask for either.
                let draws = panel.kind == PanelKind::TimeSeries && panel.transformations.is_empty();
                let table = panel.kind == PanelKind::Table;
                let range = panel.targets[index].runs_as_range();
                let set =
                    |key: &str, value: bool| Edit { pointer: at.key(key), change: Change::Set(json!(value)) };
                (draws || table).then(|| vec![set("range", !range), set("instant", range)])
            })
        },
    },
    Operator {
        name: "lead a link nowhere",
        rules: &["P08"],
        places: |dashboard, _| in_urls(dashboard, "/d/k8s-otel-", "/d/k8s-otell-"),
    },
    Operator {
        name: "misspell a variable in a link",
        rules: &["P08"],
        places: |dashboard, _| in_urls(dashboard, "&var-", "&var-x"),
    },
    Operator {
        name: "multiply a percentunit by 100",
        rules: &["P09", "U01", "U02"],
        places: |dashboard, _| {
            let mut found = Vec::new();
            for query in &dashboard.queries {
                let Some(panel) = dashboard.panel_of(query) else { continue };
                let unit = panel.field_config.defaults.unit.as_deref();
                if unit == Some("percentunit") && panel.kind != PanelKind::Table {
                    found.extend(one(
                        query.pointer.clone(),
                        Change::Set(json!(format!("100 * ({})", query.text))),
                    ));
                }
            }
            found
        },
    },
    Operator {
        name: "forget the name of a column",
        rules: &["T01"],
        places: |dashboard, _| in_organize(dashboard, "renameByName", |column| column.starts_with("Value #")),
    },
    Operator {
        name: "leave a time in a table",
        rules: &["T01"],
        places: |dashboard, _| {
            // A joined table has numbered times alone, and one with a single query only the other.
            in_organize(dashboard, "excludeByName", |column| column == "Time 1" || column == "Time 2")
        },
    },
];

/// Replaces the first occurrence of a part in each address of a panel.
fn in_urls(dashboard: &Dashboard, part: &str, by: &str) -> Vec<Vec<Edit>> {
    let mut found = Vec::new();
    for (_, panel) in dashboard.panels() {
        let at = Pointer::from_path(&panel.path);
        let Some(value) = at.of(&dashboard.value) else { continue };
        texts(value, &at, &mut |pointer, text| {
            if pointer.as_str().ends_with("/url") && text.contains(part) {
                found.extend(one(pointer.clone(), Change::Set(json!(text.replacen(part, by, 1)))));
            }
        });
    }
    found
}

fn texts(value: &serde_json::Value, at: &Pointer, see: &mut impl FnMut(&Pointer, &str)) {
    match value {
        serde_json::Value::String(text) => see(at, text),
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| texts(item, &at.index(index), see));
        }
        serde_json::Value::Object(object) => {
            object.iter().for_each(|(key, item)| texts(item, &at.key(key), see));
        }
        _ => {}
    }
}

/// Removes entries of organize steps in tables.
fn in_organize(dashboard: &Dashboard, map: &str, is: impl Fn(&str) -> bool) -> Vec<Vec<Edit>> {
    let mut found = Vec::new();
    for (_, panel) in dashboard.panels().filter(|(_, panel)| panel.kind == PanelKind::Table) {
        let joined = panel.transformations.iter().any(|step| step.id == "joinByField");
        for (index, step) in
            panel.transformations.iter().enumerate().filter(|(_, step)| step.id == "organize")
        {
            let Some(names) = step.options.get(map).and_then(|names| names.as_object()) else { continue };
            for name in names.keys().filter(|name| is(name)) {
                // Where there is one query, its times and values have no number.
                if !joined || panel.targets.len() < 2 {
                    continue;
                }
                let at = Pointer::from_path(&panel.path)
                    .key("transformations")
                    .index(index)
                    .key("options")
                    .key(map);
                found.extend(one(at.key(name), Change::Remove));
            }
        }
    }
    found
}
