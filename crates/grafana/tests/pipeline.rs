//! From a source in Jsonnet to the cells of a table: everything in this crate together.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::path::Path;

use grafana::color::{Scale, Theme, default_mode};
use grafana::dashboards::Dashboards;
use grafana::display::DisplayProcessor;
use grafana::interval::{Calendar, QuerySettings, QueryTiming, parse_time_range};
use grafana::model::{self, Dashboard, FieldIdentity, Panel};
use grafana::prometheus::{self, Answer, Series};
use grafana::transform;
use grafana::units::Clock;
use grafana::variables::{self, State, Style, Values};
use jiff::tz::TimeZone;
use support::Folder;

const NOW: i64 = 1_756_000_000_000;

const LIBRARY: &str = r#"{
  local source = { type: 'prometheus', uid: '${datasource}' },
  variable(name, query):: {
    type: 'query', name: name, query: query, datasource: source, refresh: 2, sort: 1,
    multi: true, includeAll: true, allValue: '.+', current: { text: ['All'], value: ['$__all'] },
  },
  table(title, queries):: {
    type: 'table', title: title, gridPos: { x: 0, y: 0, w: 24, h: 8 }, interval: '1m', datasource: source,
    targets: [
      { refId: std.char(std.codepoint('A') + i), expr: queries[i].expr, format: 'table', instant: true, datasource: source }
      for i in std.range(0, std.length(queries) - 1)
    ],
    transformations: [
      { id: 'joinByField', options: { byField: 'k8s_namespace_name', mode: 'outer' } },
      { id: 'organize', options: {
        excludeByName: { ['Time %d' % i]: true for i in std.range(1, std.length(queries)) },
        renameByName: { k8s_namespace_name: 'Namespace' } + { ['Value #' + std.char(65 + i)]: queries[i].title for i in std.range(0, std.length(queries) - 1) },
      } },
      { id: 'sortBy', options: { sort: [{ field: 'Memory', desc: true }] } },
    ],
    fieldConfig: { defaults: { unit: 'none' }, overrides: [
      { matcher: { id: 'byName', options: query.title }, properties: [{ id: 'unit', value: query.unit }] }
      for query in queries
    ] },
  },
}"#;

const MIXIN: &str = r#"local lib = import 'lib/dash.libsonnet'; {
  grafanaDashboards+:: { 'namespaces.json': {
    uid: 'k8s-otel-namespaces', title: 'Namespaces', schemaVersion: 42, time: { from: 'now-1h', to: 'now' },
    templating: { list: [
      lib.variable('namespace', 'label_values(k8s_namespace_phase{k8s_cluster_name=~"$cluster"}, k8s_namespace_name)'),
      lib.variable('cluster', 'label_values(k8s_node_condition_ready, k8s_cluster_name)'),
    ] },
    panels: [lib.table('Namespaces', [
      { title: 'CPU', unit: 'suffix:cores', expr: 'sum by (k8s_namespace_name) (rate(k8s_pod_cpu_time_seconds_total{k8s_namespace_name=~"$namespace"}[$__rate_interval]))' },
      { title: 'Memory', unit: 'bytes', expr: 'sum by (k8s_namespace_name) (k8s_pod_memory_working_set_bytes{k8s_namespace_name=~"$namespace"})' },
    ])],
  } },
}"#;

fn dashboard() -> Dashboard {
    let folder = Folder::new(&[("mixin.libsonnet", MIXIN), ("lib/dash.libsonnet", LIBRARY)]);
    let built = Dashboards::from_mixin(&folder.evaluator(), Path::new("mixin.libsonnet"));
    let parsed = model::parse(built.result.unwrap().get("namespaces.json").unwrap()).unwrap();
    assert_eq!(parsed.deviations, [], "our own form is the proper form");
    parsed.dashboard
}

/// What a server would answer to the query of a variable or of a panel.
fn series(rows: &[(&str, f64)]) -> Vec<Series> {
    let one = |(name, value): &(&str, f64)| Series {
        labels: [("k8s_namespace_name".to_owned(), (*name).to_owned())].into(),
        points: vec![(NOW, *value)],
    };
    rows.iter().map(one).collect()
}

fn choose(dashboard: &Dashboard, selected: Option<&[String]>) -> Values {
    let mut values = Values::default();
    for index in variables::resolution_order(&dashboard.variables).unwrap() {
        let variable = &dashboard.variables[index];
        let answers: &[&str] =
            if variable.name == "cluster" { &["prod"] } else { &["web", "kube-system", "web"] };
        let options = variables::options_from(answers.iter().map(|text| (*text).to_owned()), "", 1).unwrap();
        values.insert(State::new(variable, options, selected.filter(|_| variable.name == "namespace")));
    }
    values
}

fn cells(panel: &Panel, answers: &[Answer<'_>]) -> Vec<Vec<String>> {
    let (frames, errors) = transform::apply(prometheus::frames(answers), &panel.transformations);
    assert_eq!(errors, []);
    let frame = &frames[0];
    let clock = Clock { now_ms: NOW, zone: TimeZone::UTC };
    let names = frame.shown_names();
    let mut lines = vec![names.clone()];
    lines.resize(frame.rows() + 1, Vec::new());
    for (field, name) in frame.fields.iter().zip(&names) {
        let identity = FieldIdentity { name, ref_id: &frame.ref_id, field_type: field.field_type.id() };
        let options = panel.field_config.options_for(identity);
        let numbers = field.values.iter().filter_map(grafana::frame::Value::as_number);
        let processor = DisplayProcessor {
            options: &options,
            field_type: field.field_type,
            scale: Scale::new(&options, numbers, 0, Theme::Dark),
            default_color_mode: default_mode(panel.kind.id()),
            clock: &clock,
        };
        for (row, value) in field.values.iter().enumerate() {
            lines[row + 1].push(processor.show(value).to_string());
        }
    }
    lines
}

#[test]
fn a_source_becomes_queries_and_answers_become_cells() {
    let dashboard = dashboard();
    let panel = &dashboard.panels[0];
    let range =
        parse_time_range(&dashboard.time.from, &dashboard.time.to, NOW, &Calendar::default()).unwrap();
    let mut values = choose(&dashboard, None);
    let timing = QueryTiming::new(QuerySettings {
        range,
        max_data_points: 800,
        panel_interval: panel.interval.as_deref(),
        scrape_interval: Some("60s"),
        target_interval: None,
        interval_factor: None,
        utc_offset_seconds: 0,
    })
    .unwrap();
    values.set_timing(&timing);
    let queries: Vec<String> =
        panel.targets.iter().map(|target| values.interpolate(&target.expr, Style::Prometheus)).collect();
    assert_eq!(
        queries[0],
        "sum by (k8s_namespace_name) (rate(k8s_pod_cpu_time_seconds_total{k8s_namespace_name=~\".+\"}[4m0s]))"
    );
    let answer = |i: usize, rows: &[(&str, f64)]| Answer {
        ref_id: &panel.targets[i].ref_id,
        expr: &queries[i],
        legend_format: None,
        format: panel.targets[i].format.clone(),
        series: series(rows),
    };
    let answers = [
        answer(0, &[("kube-system", 1.5), ("web", 0.25)]),
        answer(1, &[("web", 3_221_225_472.0), ("kube-system", 268_435_456.0), ("idle", 0.0)]),
    ];
    let expected = [
        ["Namespace", "CPU", "Memory"],
        ["web", "0.25 cores", "3 GiB"],
        ["kube-system", "1.5 cores", "256 MiB"],
        ["idle", "", "0 B"],
    ];
    assert_eq!(cells(panel, &answers), expected);
}

#[test]
fn chosen_values_reach_the_query_and_the_address() {
    let dashboard = dashboard();
    let selected = ["web".to_owned(), "kube.system".to_owned()];
    let values = choose(&dashboard, Some(&selected));
    let query = values.interpolate(&dashboard.panels[0].targets[1].expr, Style::Prometheus);
    assert!(query.contains(r#"k8s_namespace_name=~"(web|kube\\.system)""#), "{query}");
    let link =
        values.interpolate("/d/k8s-otel-pods?${namespace:queryparam}&${cluster:queryparam}", Style::Glob);
    assert_eq!(link, "/d/k8s-otel-pods?var-namespace=web&var-namespace=kube.system&var-cluster=%24__all");
}

#[test]
fn no_answer_at_all_is_a_table_without_rows() {
    let dashboard = dashboard();
    let panel = &dashboard.panels[0];
    let none = |ref_id| Answer {
        ref_id,
        expr: "x",
        legend_format: None,
        format: model::TargetFormat::Table,
        series: Vec::new(),
    };
    // There is nothing to join by, as in Grafana: the first query's columns remain.
    assert_eq!(cells(panel, &[none("A"), none("B")]), [["Time", "CPU"]]);
}
