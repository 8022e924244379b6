//! Names that want to be more than names.

use std::fs;
use std::path::Path;

use anyhow::ensure;
use serde_json::{Value, json};

use crate::person::{Person, pictures};
use crate::site::NOW_MS;

/// Would be seen from everywhere in the page if anything of it were executed.
const SCRIPT: &str =
    "<script>window.hostile = 1; alert(1)</script><img src=x onerror=\"window.hostile = 2\">";

const LINK: &str = "javascript:window.hostile=3";

fn all() -> [String; 5] {
    [
        SCRIPT.to_owned(),
        format!("\"'></script></textarea></title>{SCRIPT}"),
        "x".repeat(10_000),
        // Whatever follows would stand from right to left.
        "\u{202e}\u{5d0}\u{5d1}\u{5d2} abc".to_owned(),
        "line\nbreak\u{0}\u{7f}".to_owned(),
    ]
}

/// An hour of one series for each of the names.
pub(crate) fn write_series(store: &tsdb::Store) {
    for at_ms in (NOW_MS - 3_600_000..=NOW_MS).step_by(60_000) {
        for (number, name) in all().iter().enumerate() {
            let labels = labels::Labels::from_pairs([("__name__", "hostile"), ("name", name)]);
            let id = store.intern(&labels).unwrap();
            store.append(id, at_ms, number as f64 + 1.0).unwrap();
        }
    }
}

/// A dashboard that has them everywhere, added to the mixin under the file name `mixin`.
pub(crate) fn write_dashboard(folder: &Path, mixin: &str) {
    let text = format!(
        "(import 'mixin.libsonnet') + {{ grafanaDashboards+:: {{ 'hostile.json': {} }} }}\n",
        dashboard()
    );
    fs::write(folder.join(mixin), text).unwrap();
}

fn dashboard() -> Value {
    let long = "long title ".repeat(900);
    let target = |instant: bool| {
        let format = if instant { "table" } else { "time_series" };
        json!([{"refId": "A", "expr": "hostile", "instant": instant, "format": format, "legendFormat": "{{name}}"}])
    };
    let link = json!([{"title": SCRIPT, "url": LINK}]);
    let kinds = ["timeseries", "table", "stat", "gauge", "bargauge", "text", "no such panel <b>"];
    let panels = kinds.iter().zip(1..).zip(all().into_iter().chain([long.clone(), long.clone()])).map(|((kind, id), title)| {
        json!({
            "id": id, "type": kind, "title": title, "description": SCRIPT, "links": link, "targets": target(*kind != "timeseries"),
            "gridPos": {"x": (id - 1) % 2 * 12, "y": (id - 1) / 2 * 8, "w": 12, "h": 8},
            "fieldConfig": {"defaults": {"unit": "suffix:<b>", "links": link}, "overrides": []},
            "options": {
                "tooltip": {"mode": "multi"},
                "mode": if id % 2 == 0 { "html" } else { "markdown" }, "content": format!("{SCRIPT} [a]({LINK})"),
                "legend": {"showLegend": true, "displayMode": "table", "placement": "bottom", "calcs": ["max"]},
            },
        })
    });
    json!({
        "uid": "hostile", "title": format!("{SCRIPT} {long}"), "description": SCRIPT, "tags": [SCRIPT, "x".repeat(10_000)],
        "time": {"from": "now-1h", "to": "now"}, "schemaVersion": 42, "links": [{"type": "link", "title": SCRIPT, "url": LINK}],
        "templating": {"list": [
            {"type": "query", "name": "one", "label": SCRIPT, "query": "label_values(hostile, name)", "refresh": 2},
            {"type": "query", "name": "several", "query": "label_values(hostile, name)", "refresh": 2, "multi": true, "includeAll": true},
            {"type": "textbox", "name": "text", "query": SCRIPT},
        ]},
        "panels": panels.collect::<Vec<Value>>(),
    })
}

pub(crate) async fn names(person: &Person) -> anyhow::Result<Vec<String>> {
    let query = "/explore?query=hostile";
    let typed = "/explore?query=%3Cscript%3Ewindow.hostile=4%3C/script%3E%7B";
    let chosen = "/d/hostile?var-several=%3Cscript%3Ewindow.hostile=5%3C/script%3E&from=%3Cimg+src=x+onerror=alert(1)%3E";
    let mut flaws = Vec::new();
    for address in ["/", "/d/hostile", chosen, "/d/hostile/panel/1", query, typed] {
        person.open(address).await?;
        if address == "/d/hostile" {
            let kinds = person.see("document.querySelectorAll('[data-panel]').length").await?;
            ensure!(kinds == 7, "{kinds} panels are there, not 7");
            // The values under the pointer are drawn by a script.
            person.point_at("[data-panel] .canvas[data-from]", (0.5, 0.5)).await?;
            let shown = person
                .until("the values are shown", "document.getElementById('tooltip')?.textContent")
                .await?;
            ensure!(shown.as_str().is_some_and(|text| text.contains("<script>")), "the tooltip is {shown}");
        }
        let executed = person.see("window.hostile ?? null").await?;
        ensure!(executed.is_null(), "{address}: script {executed} was executed");
        let links = person.see("document.querySelectorAll('a[href^=\"javascript:\" i]').length").await?;
        ensure!(links == 0, "{address} has {links} links that are scripts");
        if pictures().is_some() {
            person.whole_picture(&format!("hostile {address}"), 1_280, "light").await?;
        }
        let layout = person.list("probe.layout()").await?;
        flaws.extend(
            layout
                .into_iter()
                .map(|flaw| format!("{address}: {}", flaw.chars().take(300).collect::<String>())),
        );
    }
    Ok(flaws)
}
