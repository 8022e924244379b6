//! Whatever somebody hands in: an answer or an error, never a panic.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::time::Duration;

use grafana::frame::{Field, FieldType, Frame, Value};
use grafana::jsonnet::{Evaluator, Limits};
use grafana::model::{self, Transformation};
use grafana::{transform, variables};
use proptest::prelude::*;
use serde_json::Value as Json;

/// The names that mean something somewhere in a dashboard.
const KEYS: [&str; 44] = [
    "title",
    "panels",
    "rows",
    "type",
    "gridPos",
    "x",
    "y",
    "w",
    "h",
    "targets",
    "refId",
    "expr",
    "datasource",
    "uid",
    "fieldConfig",
    "defaults",
    "overrides",
    "matcher",
    "id",
    "options",
    "properties",
    "value",
    "custom",
    "thresholds",
    "steps",
    "color",
    "mode",
    "mappings",
    "result",
    "links",
    "transformations",
    "templating",
    "list",
    "name",
    "query",
    "current",
    "text",
    "annotations",
    "time",
    "span",
    "height",
    "interval",
    "hide",
    "format",
];

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "row",
            "graph",
            "timeseries",
            "table",
            "query",
            "interval",
            "custom",
            "value",
            "range",
            "regex",
            "special",
            "byName",
            "byRegexp",
            "/(/",
            "${x:regex}",
            "$__all",
            "1",
            "-1",
            "1e999",
            "",
        ])
        .prop_map(str::to_owned),
        ".{0,12}",
    ]
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any_text().prop_map(Json::from),
    ];
    leaf.prop_recursive(7, 120, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::vec((prop::sample::select(KEYS.to_vec()), inner), 0..8).prop_map(|fields| {
                Json::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

fn any_frames() -> impl Strategy<Value = Vec<Frame>> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<f64>().prop_map(Value::Number),
        "[a-c]{0,2}".prop_map(Value::Text),
        any::<bool>().prop_map(Value::Boolean),
    ];
    let types = vec![FieldType::Time, FieldType::Number, FieldType::Text, FieldType::Boolean];
    let field = ("[a-c]", prop::sample::select(types), prop::collection::vec(value, 0..4))
        .prop_map(|(name, field_type, values)| Field::new(name, field_type, values));
    let frame = prop::collection::vec(field, 0..4).prop_map(|fields| Frame {
        name: None,
        ref_id: "A".to_owned(),
        fields,
    });
    prop::collection::vec(frame, 0..4)
}

fn any_transformation() -> impl Strategy<Value = Transformation> {
    let ids = vec![
        "joinByField",
        "seriesToColumns",
        "merge",
        "organize",
        "filterFieldsByName",
        "renameByRegex",
        "sortBy",
        "calculateField",
        "groupBy",
        "reduce",
        "labelsToFields",
        "other",
    ];
    let options = prop_oneof![
        any_json(),
        Just(serde_json::json!({"byField": "a", "mode": "inner"})),
        Just(
            serde_json::json!({"byField": "b", "sort": [{"field": "a", "desc": true}], "reducers": ["mean", "delta"]})
        ),
        Just(
            serde_json::json!({"excludeByName": {"a 1": true}, "indexByName": {"b": -1}, "fields": {"a": {"operation": "groupby"}, "b": {"operation": "aggregate", "aggregations": ["last", "sum"]}}})
        ),
        Just(serde_json::json!({"mode": "binary", "binary": {"left": "a", "operator": "/", "right": "b"}})),
    ];
    (prop::sample::select(ids), options).prop_map(|(id, options)| Transformation {
        id: id.to_owned(),
        disabled: false,
        filter: None,
        options,
    })
}

proptest! {
    #[test]
    fn every_json_is_a_dashboard_or_an_error(value in any_json()) {
        for value in [serde_json::json!({"title": "t", "panels": [value], "templating": {"list": [value]}}), value.clone()] {
            let Ok(parsed) = model::parse(&value) else { continue };
            for deviation in &parsed.deviations {
                prop_assert!(!deviation.to_string().is_empty());
            }
            let _ = variables::resolution_order(&parsed.dashboard.variables);
            for panel in parsed.dashboard.all_panels() {
                let field = model::FieldIdentity { name: "a", ref_id: "A", field_type: "number" };
                let _ = panel.field_config.options_for(field);
            }
        }
    }

    #[test]
    fn every_transformation_of_all_frames_gives_frames(
        frames in any_frames(),
        steps in prop::collection::vec(any_transformation(), 0..4),
    ) {
        let (frames, _) = transform::apply(frames, &steps);
        for frame in &frames {
            prop_assert_eq!(frame.shown_names().len(), frame.fields.len());
        }
    }

    #[test]
    fn an_outer_join_has_each_key_once(frames in any_frames()) {
        let options = serde_json::json!({"byField": "a"});
        let join = Transformation { id: "joinByField".to_owned(), disabled: false, filter: None, options };
        let with_key = frames.iter().filter(|frame| frame.position("a").is_some()).count();
        let (joined, errors) = transform::apply(frames, &[join]);
        prop_assert!(errors.is_empty());
        if with_key > 1 {
            let keys: Vec<String> = joined[0].fields[0].values.iter().map(|value| format!("{value:?}")).collect();
            let unique: std::collections::HashSet<&String> = keys.iter().collect();
            prop_assert_eq!(unique.len(), keys.len());
            for field in &joined[0].fields {
                prop_assert_eq!(field.values.len(), keys.len());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_text_is_a_value_or_an_error(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", "(", ")", "a", "b", ":", "::", "+:", ",", ";", "local ", "= ", "if ", "then ", "else ",
                "for x in ", "self", "super", "$", ".", "function(x) ", "1", "'s'", "\"t", "|||\n", "std.", "length", "+", "%",
                "error ", "assert ", "import 'x'", "importstr 'y'", "é", "\u{0}", "/*", "//", "\n",
            ]),
            0..24,
        ),
    ) {
        let limits = Limits { time: Duration::from_secs(20), ..Limits::default() };
        let text = words.concat();
        if let Err(error) = Evaluator::without_files().limits(limits).evaluate_snippet("t", &text).result {
            prop_assert!(error.kind != grafana::jsonnet::ErrorKind::Engine, "{}: {}", text, error);
            prop_assert!(!error.to_string().is_empty());
            for place in error.place.iter().chain(error.stack.iter().filter_map(|frame| frame.place.as_ref())) {
                let _ = (place.line(), place.column(), place.text(), place.line_text());
            }
        }
    }
}
