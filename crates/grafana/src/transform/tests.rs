use serde_json::{Value as Json, json};

use super::*;

fn texts(name: &str, values: &[&str]) -> Field {
    Field::new(name, FieldType::Text, values.iter().map(|value| Value::from(*value)).collect())
}

fn numbers(name: &str, values: &[f64]) -> Field {
    Field::new(name, FieldType::Number, values.iter().map(|value| Value::Number(*value)).collect())
}

fn times(values: &[f64]) -> Field {
    Field { field_type: FieldType::Time, ..numbers("Time", values) }
}

fn frame(ref_id: &str, fields: Vec<Field>) -> Frame {
    Frame { name: None, ref_id: ref_id.to_owned(), fields }
}

fn run(frames: Vec<Frame>, steps: &Json) -> Vec<Frame> {
    let (frames, errors) = apply(frames, &transformations(steps));
    assert_eq!(errors, []);
    frames
}

fn transformations(steps: &Json) -> Vec<Transformation> {
    let steps = steps.as_array().unwrap().iter();
    steps
        .map(|step| Transformation {
            id: step["id"].as_str().unwrap().to_owned(),
            disabled: step["disabled"].as_bool().unwrap_or(false),
            filter: None,
            options: step["options"].clone(),
        })
        .collect()
}

/// A frame as lines of text: names, then rows.
fn written(frame: &Frame) -> Vec<String> {
    let mut lines = vec![frame.shown_names().join(" | ")];
    for row in 0..frame.rows() {
        let cells: Vec<String> = frame.fields.iter().map(|field| field.values[row].to_text()).collect();
        lines.push(cells.join(" | "));
    }
    lines
}

fn namespaces() -> Vec<Frame> {
    vec![
        frame("A", vec![times(&[5.0, 5.0]), texts("ns", &["b", "a"]), numbers("Value #A", &[1.0, 2.0])]),
        frame("B", vec![times(&[5.0, 5.0]), texts("ns", &["a", "c"]), numbers("Value #B", &[3.0, 4.0])]),
    ]
}

#[test]
fn an_outer_join_has_every_key_and_numbers_equal_names() {
    let joined =
        run(namespaces(), &json!([{"id": "joinByField", "options": {"byField": "ns", "mode": "outer"}}]));
    assert_eq!(
        written(&joined[0]),
        [
            "ns | Time 1 | Value #A | Time 2 | Value #B",
            "b | 5 | 1 |  | ",
            "a | 5 | 2 | 5 | 3",
            "c |  |  | 5 | 4"
        ]
    );
}

#[test]
fn an_inner_join_has_only_common_keys_in_every_combination() {
    let mut frames = namespaces();
    frames[1] = frame("B", vec![texts("ns", &["a", "a", "c"]), numbers("Value #B", &[3.0, 4.0, 5.0])]);
    let joined = run(frames, &json!([{"id": "joinByField", "options": {"byField": "ns", "mode": "inner"}}]));
    assert_eq!(written(&joined[0]), ["ns | Time | Value #A | Value #B", "a | 5 | 2 | 3", "a | 5 | 2 | 4"]);
}

#[test]
fn series_are_joined_by_time_in_order() {
    let frames = vec![
        frame("A", vec![times(&[1.0, 3.0]), numbers("a", &[1.0, 3.0])]),
        frame("B", vec![times(&[2.0, 3.0]), numbers("b", &[2.0, 30.0])]),
        frame("C", vec![texts("x", &["no time"])]),
    ];
    let joined = run(frames, &json!([{"id": "seriesToColumns", "options": {}}]));
    assert_eq!(written(&joined[0]), ["Time | a | b", "1 | 1 | ", "2 |  | 2", "3 | 3 | 30"]);
}

#[test]
fn a_join_on_a_field_that_nobody_has_changes_nothing() {
    let frames = namespaces();
    let same = run(frames.clone(), &json!([{"id": "joinByField", "options": {"byField": "gone"}}]));
    assert_eq!(same, frames);
}

#[test]
fn the_tables_of_kubernetes_mixins_come_out_as_they_are_meant() {
    let table = run(
        namespaces(),
        &json!([
            {"id": "joinByField", "options": {"byField": "ns", "mode": "outer"}},
            {"id": "organize", "options": {
                "excludeByName": {"Time 1": true, "Time 2": true, "ns": false},
                "indexByName": {"ns": 0, "Value #B": 1, "Value #A": 2},
                "renameByName": {"ns": "Namespace", "Value #A": "Pods", "Value #B": "Workloads"}}},
            {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": "Namespace", "desc": true}]}},
        ]),
    );
    assert_eq!(written(&table[0]), ["Namespace | Workloads | Pods", "c | 4 | ", "b |  | 1", "a | 3 | 2"]);
}

#[test]
fn merge_puts_rows_together_that_contradict_each_other_nowhere() {
    let merged = run(namespaces(), &json!([{"id": "merge", "options": {}}]));
    assert_eq!(
        written(&merged[0]),
        ["Time | ns | Value #A | Value #B", "5 | b | 1 | ", "5 | a | 2 | 3", "5 | c |  | 4"]
    );
    let apart = vec![frame("A", vec![texts("a", &["x"])]), frame("B", vec![texts("b", &["y"])])];
    assert_eq!(run(apart.clone(), &json!([{"id": "merge", "options": {}}])), apart);
}

#[test]
fn fields_are_filtered_and_renamed_by_name_and_pattern() {
    let fields = || {
        vec![frame(
            "A",
            vec![
                times(&[1.0]),
                numbers("cpu_used", &[1.0]),
                numbers("cpu_free", &[2.0]),
                numbers("mem", &[3.0]),
            ],
        )]
    };
    let table = [
        (
            json!({"id": "filterFieldsByName", "options": {"include": {"names": ["Time", "mem"]}}}),
            "Time | mem",
        ),
        (
            json!({"id": "filterFieldsByName", "options": {"include": {"pattern": "/^cpu/"}}}),
            "cpu_used | cpu_free",
        ),
        (
            json!({"id": "filterFieldsByName", "options": {"exclude": {"pattern": ".*free", "names": ["mem"]}}}),
            "Time | cpu_used",
        ),
        (
            json!({"id": "renameByRegex", "options": {"regex": "cpu_(.*)", "renamePattern": "$1 CPU"}}),
            "Time | used CPU | free CPU | mem",
        ),
        (json!({"id": "organize", "options": {"includeByName": {"mem": true, "Time": true}}}), "Time | mem"),
        (
            json!({"id": "organize", "options": {"renameByName": {"mem": ""}}}),
            "Time | cpu_used | cpu_free | mem",
        ),
    ];
    for (step, names) in table {
        assert_eq!(run(fields(), &json!([step]))[0].shown_names().join(" | "), names, "{step}");
    }
}

#[test]
fn rows_are_grouped_in_the_order_in_which_they_occur() {
    let rows = vec![frame(
        "A",
        vec![
            texts("ns", &["b", "a", "b"]),
            texts("pod", &["x", "y", "z"]),
            numbers("Value", &[1.0, 2.0, 5.0]),
        ],
    )];
    let options = json!({"fields": {
        "ns": {"operation": "groupby", "aggregations": []},
        "Value": {"operation": "aggregate", "aggregations": ["sum", "max"]},
        "pod": {"operation": "aggregate", "aggregations": ["count", "lastNotNull"]}}});
    let grouped = run(rows, &json!([{"id": "groupBy", "options": options}]));
    assert_eq!(
        written(&grouped[0]),
        [
            "ns | pod (count) | pod (lastNotNull) | Value (sum) | Value (max)",
            "b | 2 | z | 6 | 5",
            "a | 1 | y | 2 | 2"
        ]
    );
}

#[test]
fn fields_are_computed_from_rows_and_from_operands() {
    let rows =
        || vec![frame("A", vec![times(&[1.0, 2.0]), numbers("a", &[1.0, 2.0]), numbers("b", &[10.0, 0.0])])];
    let table = [
        (
            json!({"mode": "reduceRow", "reduce": {"reducer": "sum"}}),
            "Time | a | b | Total",
            "1 | 1 | 10 | 11",
        ),
        (
            json!({"mode": "reduceRow", "reduce": {"reducer": "max", "include": ["a"]}, "alias": "m"}),
            "Time | a | b | m",
            "1 | 1 | 10 | 1",
        ),
        (
            json!({"mode": "binary", "binary": {"left": "b", "operator": "/", "right": "a"}, "replaceFields": true}),
            "Time | b / a",
            "1 | 10",
        ),
        (
            json!({"mode": "binary", "binary": {"left": {"matcher": {"id": "byName", "options": "b"}}, "operator": "*", "right": {"fixed": "2"}}, "alias": "twice"}),
            "Time | a | b | twice",
            "1 | 1 | 10 | 20",
        ),
        (
            json!({"mode": "binary", "binary": {"left": "gone", "operator": "+", "right": "1"}}),
            "Time | a | b",
            "1 | 1 | 10",
        ),
    ];
    for (options, names, first) in table {
        let result = run(rows(), &json!([{"id": "calculateField", "options": options}]));
        assert_eq!(written(&result[0])[..2], [names, first], "{options}");
    }
}

#[test]
fn series_are_reduced_to_rows_or_to_single_values() {
    let mut a = numbers("Value", &[1.0, 3.0]);
    a.display_name = Some("a".to_owned());
    a.labels.insert("ns".to_owned(), "x".to_owned());
    let frames =
        vec![frame("A", vec![times(&[1.0, 2.0]), a]), frame("B", vec![times(&[1.0]), numbers("b", &[7.0])])];
    let rows =
        run(frames.clone(), &json!([{"id": "reduce", "options": {"reducers": ["lastNotNull", "mean"]}}]));
    assert_eq!(written(&rows[0]), ["Field | Last * | Mean", "a | 3 | 2", "b | 7 | 7"]);
    let labels = run(
        frames.clone(),
        &json!([{"id": "reduce", "options": {"reducers": ["max"], "labelsToFields": true}}]),
    );
    assert_eq!(written(&labels[0]), ["Field | ns | Max", "a | x | 3", "b |  | 7"]);
    let single =
        run(frames, &json!([{"id": "reduce", "options": {"reducers": ["max"], "mode": "reduceFields"}}]));
    assert_eq!(written(&single[0]), ["a", "3"]);
}

#[test]
fn labels_become_columns_of_one_table() {
    let series = |pod: &str, value: f64| {
        let mut field = numbers("Value", &[value]);
        field.labels = [("pod", pod), ("ns", "n")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
        frame("A", vec![times(&[1.0]), field])
    };
    let table = run(
        vec![series("a", 1.0), series("b", 2.0)],
        &json!([{"id": "labelsToFields", "options": {"mode": "columns", "keepLabels": ["pod"]}}]),
    );
    assert_eq!(written(&table[0]), ["Time | pod | Value", "1 | a | 1", "1 | b | 2"]);
}

#[test]
fn what_cannot_be_applied_is_said_and_the_rest_is_applied() {
    let steps = json!([
        {"id": "rowsToFields", "options": {}},
        {"id": "sortBy", "disabled": true, "options": {"sort": [{"field": "ns"}]}},
        {"id": "renameByRegex", "options": {"regex": "(", "renamePattern": "x"}},
        {"id": "calculateField", "options": {"mode": "windowFunctions"}},
        {"id": "filterFieldsByName", "options": {"include": {"names": ["ns"]}}},
    ]);
    let (frames, errors) = apply(namespaces(), &transformations(&steps));
    let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "the transformation \"rowsToFields\" is not supported here; in Grafana it works",
            "the transformation \"renameByRegex\" has an invalid regular expression \"(\"",
            "the transformation \"calculateField\" has the mode \"windowFunctions\", which is not supported here",
        ]
    );
    assert_eq!(written(&frames[0]), ["ns", "b", "a"]);
}

#[test]
fn empty_frames_pass_through_everything() {
    for id in [
        "joinByField",
        "merge",
        "organize",
        "filterFieldsByName",
        "sortBy",
        "calculateField",
        "groupBy",
        "reduce",
        "labelsToFields",
    ] {
        let steps = json!([{"id": id, "options": {"byField": "ns", "reducers": ["max"]}}]);
        run(Vec::new(), &steps);
        run(vec![frame("A", Vec::new())], &steps);
        run(vec![frame("A", vec![texts("ns", &[])]), frame("B", vec![texts("ns", &[])])], &steps);
    }
}
