//! Answers of Prometheus as frames, the way Grafana's data source makes them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use crate::frame::{Field, FieldType, Frame, Value, series_name};
use crate::model::TargetFormat;

/// One series of an answer; an instant answer has one point in each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// With `__name__`, if it has one.
    pub labels: BTreeMap<String, String>,
    /// Milliseconds since 1970, and values.
    pub points: Vec<(i64, f64)>,
}

/// A query with its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<'a> {
    /// The target's name in its panel.
    pub ref_id: &'a str,
    /// The query as it was sent: the name of a series without labels.
    pub expr: &'a str,
    /// The target's legend, with variables replaced.
    pub legend_format: Option<&'a str>,
    /// How it is arranged.
    pub format: TargetFormat,
    /// What came back.
    pub series: Vec<Series>,
}

/// Names series by the labels that tell them apart.
const AUTO: &str = "__auto";

/// Makes frames of all answers of a panel together: names depend on each other.
pub fn frames(answers: &[Answer<'_>]) -> Vec<Frame> {
    let tables: Vec<&Answer<'_>> =
        answers.iter().filter(|answer| answer.format == TargetFormat::Table).collect();
    let mut frames = Vec::new();
    let mut auto_named = Vec::new();
    for answer in answers.iter().filter(|answer| answer.format != TargetFormat::Table) {
        for series in &answer.series {
            if answer.legend_format == Some(AUTO) && !series.labels.is_empty() {
                auto_named.push(frames.len());
            }
            frames.push(series_frame(answer, series));
        }
    }
    name_automatically(&mut frames, &auto_named);
    frames.extend(tables.iter().map(|answer| table_frame(answer, tables.len() > 1)));
    frames
}

fn series_frame(answer: &Answer<'_>, series: &Series) -> Frame {
    let name = legend(answer, &series.labels);
    let times = series.points.iter().map(|(time, _)| Value::Number(*time as f64)).collect();
    let values = series.points.iter().map(|(_, value)| Value::Number(*value)).collect();
    let value = Field {
        labels: series.labels.clone(),
        display_name: name.clone(),
        ..Field::new("Value", FieldType::Number, values)
    };
    Frame {
        name,
        ref_id: answer.ref_id.to_owned(),
        fields: vec![Field::new("Time", FieldType::Time, times), value],
    }
}

/// The name that a series gets by the legend of its query; nothing when it is to be named automatically.
fn legend(answer: &Answer<'_>, labels: &BTreeMap<String, String>) -> Option<String> {
    static PLACEHOLDER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\{\{\s*(.+?)\s*\}\}").expect("the pattern is a constant"));
    let name = match answer.legend_format {
        Some(AUTO) if !labels.is_empty() => return None,
        Some(format) if !format.is_empty() && format != AUTO => {
            let replaced = PLACEHOLDER.replace_all(format, |found: &regex::Captures<'_>| {
                labels.get(&found[1]).cloned().unwrap_or_default()
            });
            replaced.into_owned()
        }
        _ => series_name(labels),
    };
    Some(if name == "{}" { answer.expr.to_owned() } else { name })
}

/// When one label is all that series have, its value names them; otherwise all labels do.
fn name_automatically(frames: &mut [Frame], auto_named: &[usize]) {
    let mut labels: BTreeSet<&str> = BTreeSet::new();
    for field in frames.iter().flat_map(|frame| &frame.fields) {
        labels.extend(field.labels.keys().map(String::as_str));
    }
    let single = if labels.len() == 1 { labels.first().map(|label| (*label).to_owned()) } else { None };
    for index in auto_named {
        let frame = &mut frames[*index];
        for field in &mut frame.fields {
            if field.labels.is_empty() {
                continue;
            }
            let name = match single.as_ref().and_then(|label| field.labels.get(label)) {
                Some(value) => value.clone(),
                None => {
                    let pairs: Vec<String> =
                        field.labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
                    format!("{{{}}}", pairs.join(", "))
                }
            };
            frame.name = Some(name.clone());
            field.display_name = Some(name);
        }
    }
}

/// One row for each point, the labels as columns.
fn table_frame(answer: &Answer<'_>, several_tables: bool) -> Frame {
    let mut columns: Vec<&str> = Vec::new();
    let mut known = BTreeSet::new();
    for label in answer.series.iter().flat_map(|series| series.labels.keys()) {
        if known.insert(label.as_str()) {
            columns.push(label);
        }
    }
    let mut rows: Vec<(i64, &Series, f64)> = Vec::new();
    for series in &answer.series {
        rows.extend(series.points.iter().map(|(time, value)| (*time, series, *value)));
    }
    // Stable: an instant answer stays in its order.
    rows.sort_by_key(|(time, ..)| *time);
    let column = |name: &str| {
        let values = rows
            .iter()
            .map(|(_, series, _)| Value::Text(series.labels.get(name).cloned().unwrap_or_default()));
        Field::new(name, FieldType::Text, values.collect())
    };
    let times = rows.iter().map(|(time, ..)| Value::Number(*time as f64)).collect();
    let mut fields = vec![Field::new("Time", FieldType::Time, times)];
    fields.extend(columns.iter().map(|name| column(name)));
    let value = if several_tables { format!("Value #{}", answer.ref_id) } else { "Value".to_owned() };
    let values = rows.iter().map(|(.., value)| Value::Number(*value)).collect();
    fields.push(Field::new(value, FieldType::Number, values));
    Frame { name: None, ref_id: answer.ref_id.to_owned(), fields }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(labels: &[(&str, &str)], points: &[(i64, f64)]) -> Series {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Series { labels, points: points.to_vec() }
    }

    fn answer<'a>(
        ref_id: &'a str,
        legend: Option<&'a str>,
        format: TargetFormat,
        series: Vec<Series>,
    ) -> Answer<'a> {
        Answer { ref_id, expr: "sum(up)", legend_format: legend, format, series }
    }

    fn names(answers: &[Answer<'_>]) -> Vec<String> {
        frames(answers).iter().map(|frame| frame.fields[1].shown_name()).collect()
    }

    #[test]
    fn series_are_named_by_their_legend() {
        let up = || vec![series(&[("__name__", "up"), ("pod", "a"), ("ns", "b")], &[(0, 1.0)])];
        let none = || vec![series(&[], &[(0, 1.0)])];
        let ts = TargetFormat::TimeSeries;
        let table: Vec<(Option<&str>, Vec<Series>, &str)> = vec![
            (None, up(), "up{ns=\"b\", pod=\"a\"}"),
            (Some(""), up(), "up{ns=\"b\", pod=\"a\"}"),
            (Some("{{pod}} in {{ ns }}{{gone}}"), up(), "a in b"),
            (Some("fixed"), up(), "fixed"),
            (Some("__auto"), up(), "{__name__=\"up\", ns=\"b\", pod=\"a\"}"),
            (None, none(), "sum(up)"),
            (Some("__auto"), none(), "sum(up)"),
        ];
        for (legend, series, name) in table {
            assert_eq!(names(&[answer("A", legend, ts.clone(), series)]), [name], "{legend:?}");
        }
    }

    #[test]
    fn automatic_names_use_a_single_label_alone() {
        let pods = vec![series(&[("pod", "a")], &[]), series(&[("pod", "b")], &[])];
        let auto = |ref_id, series| answer(ref_id, Some("__auto"), TargetFormat::TimeSeries, series);
        assert_eq!(names(&[auto("A", pods.clone())]), ["a", "b"]);
        let nodes = vec![series(&[("node", "n")], &[])];
        assert_eq!(
            names(&[auto("A", pods), auto("B", nodes)]),
            ["{pod=\"a\"}", "{pod=\"b\"}", "{node=\"n\"}"]
        );
    }

    #[test]
    fn tables_have_the_labels_as_columns_and_number_their_values_when_there_are_several() {
        let rows = vec![
            series(&[("ns", "a"), ("pod", "x")], &[(5, 1.0)]),
            series(&[("ns", "b"), ("az", "z")], &[(5, 2.0)]),
        ];
        let one = frames(&[answer("A", None, TargetFormat::Table, rows.clone())]);
        assert_eq!(one[0].shown_names(), ["Time", "ns", "pod", "az", "Value"]);
        assert_eq!(one[0].fields[3].values, [Value::from(""), Value::from("z")]);
        assert_eq!(one[0].fields[4].values, [Value::Number(1.0), Value::Number(2.0)]);
        let two = frames(&[
            answer("A", None, TargetFormat::Table, rows),
            answer("B", None, TargetFormat::Table, Vec::new()),
        ]);
        assert_eq!(
            (two[0].fields[4].name.as_str(), two[1].shown_names().join(",")),
            ("Value #A", "Time,Value #B".to_owned())
        );
    }

    #[test]
    fn a_range_as_table_is_sorted_by_time() {
        let rows = vec![series(&[("ns", "a")], &[(1, 1.0), (3, 3.0)]), series(&[("ns", "b")], &[(2, 2.0)])];
        let table = frames(&[answer("A", None, TargetFormat::Table, rows)]);
        assert_eq!(table[0].fields[2].values, [Value::Number(1.0), Value::Number(2.0), Value::Number(3.0)]);
    }
}
