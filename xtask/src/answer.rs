//! A query's answer, wherever it came from: this process or a Prometheus API.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail};
use promql::{QueryOutput, Value};

use crate::ui::{Table, sparkline};

/// Labels by name. Names and values are untrusted text.
pub(crate) type LabelMap = BTreeMap<String, String>;

/// What a query answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// The value.
    pub(crate) value: AnswerValue,
    /// Infos and warnings, as Prometheus words them.
    pub(crate) remarks: Vec<String>,
}

/// The value of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AnswerValue {
    /// A number.
    Scalar(f64),
    /// Text.
    Text(String),
    /// One number for each series.
    Vector(Vec<(LabelMap, f64)>),
    /// Samples (seconds since the epoch, value) for each series.
    Matrix(Vec<(LabelMap, Vec<(f64, f64)>)>),
}

/// The steps of a range query, for the places of a sparkline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    /// Seconds since the epoch.
    pub(crate) start: f64,
    /// Seconds.
    pub(crate) step: f64,
    /// How many.
    pub(crate) count: usize,
}

impl From<QueryOutput> for Answer {
    fn from(output: QueryOutput) -> Self {
        let map = |labels: &labels::Labels| -> LabelMap {
            labels.iter().map(|label| (label.name.to_string(), label.value.to_string())).collect()
        };
        let value = match output.value {
            Value::Scalar(point) => AnswerValue::Scalar(point.value),
            Value::String(text) => AnswerValue::Text(text),
            Value::Vector(samples) => {
                AnswerValue::Vector(samples.iter().map(|s| (map(&s.labels), s.point.value)).collect())
            }
            Value::Matrix(series) => AnswerValue::Matrix(
                series
                    .iter()
                    .map(|s| {
                        (
                            map(&s.labels),
                            s.points.iter().map(|p| (seconds(p.timestamp_ms), p.value)).collect(),
                        )
                    })
                    .collect(),
            ),
        };
        let remarks = output.annotations.warnings.into_iter().chain(output.annotations.infos).collect();
        Self { value, remarks }
    }
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds since the epoch stay far below 2^53")]
fn seconds(timestamp_ms: i64) -> f64 {
    timestamp_ms as f64 / 1_000.0
}

impl Answer {
    /// Reads the body of `/api/v1/query` or `/api/v1/query_range`. An error of the API becomes an error here.
    pub(crate) fn from_api(body: &str) -> anyhow::Result<Self> {
        let body: serde_json::Value = serde_json::from_str(body).context("the answer is not JSON")?;
        if body["status"] != "success" {
            let kind = body["errorType"].as_str().unwrap_or("error");
            bail!("{kind}: {}", body["error"].as_str().unwrap_or("the server gave no reason"));
        }
        let data = &body["data"];
        let result = &data["result"];
        let value = match data["resultType"].as_str() {
            Some("scalar") => AnswerValue::Scalar(sample(result)?.1),
            Some("string") => AnswerValue::Text(result[1].as_str().unwrap_or_default().to_owned()),
            Some("vector") => {
                AnswerValue::Vector(each(result, |s| Ok((label_map(s), sample(&s["value"])?.1)))?)
            }
            Some("matrix") => {
                AnswerValue::Matrix(each(result, |s| Ok((label_map(s), each(&s["values"], sample)?)))?)
            }
            other => bail!("the answer has a result type that is not known here: {other:?}"),
        };
        let remarks = ["warnings", "infos"]
            .iter()
            .filter_map(|kind| body[*kind].as_array())
            .flatten()
            .filter_map(|text| text.as_str().map(str::to_owned))
            .collect();
        Ok(Self { value, remarks })
    }

    /// The answer as text for stdout. `steps` are those of a range query.
    pub(crate) fn to_table(&self, steps: Option<Steps>) -> String {
        match &self.value {
            AnswerValue::Scalar(value) => format!("{}\n", number(*value)),
            AnswerValue::Text(text) => format!("{text}\n"),
            AnswerValue::Vector(samples) => {
                let mut table = Table::default();
                let names = add_label_columns(&mut table, samples.iter().map(|(labels, _)| labels));
                table.number_column("value");
                for (labels, value) in samples {
                    table.row(label_cells(&names, labels).chain([number(*value)]).collect());
                }
                table.render()
            }
            AnswerValue::Matrix(series) => {
                let mut table = Table::default();
                let names = add_label_columns(&mut table, series.iter().map(|(labels, _)| labels));
                for column in ["samples", "min", "avg", "max", "last"] {
                    table.number_column(column);
                }
                table.text_column("");
                for (labels, points) in series {
                    let cells =
                        label_cells(&names, labels).chain(summary_cells(points)).chain([line(points, steps)]);
                    table.row(cells.collect());
                }
                table.render()
            }
        }
    }

    /// How many series it has; `None` for a number or text.
    pub(crate) fn series(&self) -> Option<usize> {
        match &self.value {
            AnswerValue::Scalar(_) | AnswerValue::Text(_) => None,
            AnswerValue::Vector(samples) => Some(samples.len()),
            AnswerValue::Matrix(series) => Some(series.len()),
        }
    }
}

/// The names of all labels that occur, in the order in which they are shown: the metric's name first.
pub(crate) fn label_names<'a>(sets: impl Iterator<Item = &'a LabelMap>) -> Vec<String> {
    let names: BTreeSet<&str> = sets.flat_map(|labels| labels.keys().map(String::as_str)).collect();
    names.into_iter().map(str::to_owned).collect()
}

fn add_label_columns<'a>(table: &mut Table, sets: impl Iterator<Item = &'a LabelMap>) -> Vec<String> {
    let names = label_names(sets);
    for name in &names {
        table.text_column(name.clone());
    }
    names
}

fn label_cells<'a>(names: &'a [String], labels: &'a LabelMap) -> impl Iterator<Item = String> + 'a {
    names.iter().map(|name| labels.get(name).map_or_else(String::new, |value| printable(value)))
}

/// Label values come from anywhere: control characters would move the cursor.
fn printable(text: &str) -> String {
    if text.chars().any(char::is_control) { text.escape_debug().to_string() } else { text.to_owned() }
}

fn summary_cells(points: &[(f64, f64)]) -> [String; 5] {
    let values = || points.iter().map(|(_, value)| *value);
    #[allow(clippy::cast_precision_loss, reason = "a count of samples")]
    let average = values().sum::<f64>() / points.len() as f64;
    [
        points.len().to_string(),
        number(values().fold(f64::NAN, f64::min)),
        number(average),
        number(values().fold(f64::NAN, f64::max)),
        number(values().next_back().unwrap_or(f64::NAN)),
    ]
}

const SPARKLINE_WIDTH: usize = 40;

fn line(points: &[(f64, f64)], steps: Option<Steps>) -> String {
    let Some(steps) = steps else {
        return sparkline(points.iter().map(|(_, value)| Some(*value)), SPARKLINE_WIDTH);
    };
    let mut rest = points.iter().peekable();
    #[allow(clippy::cast_precision_loss, reason = "at most 11,000 steps")]
    let at_steps = (0..steps.count).map(|step| {
        let at = steps.start + step as f64 * steps.step + steps.step / 2.0;
        rest.next_if(|(time, _)| *time < at).map(|(_, value)| *value)
    });
    sparkline(at_steps, SPARKLINE_WIDTH)
}

/// A number for people: at most six significant digits, whole numbers whole.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return match value {
            v if v.is_nan() => "NaN".to_owned(),
            v if v > 0.0 => "+Inf".to_owned(),
            _ => "-Inf".to_owned(),
        };
    }
    let magnitude = value.abs();
    if value == value.trunc() && magnitude < 1e15 {
        format!("{value:.0}")
    } else if !(1e-4..1e15).contains(&magnitude) {
        format!("{value:.5e}")
    } else {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 10 after the clamp"
        )]
        let decimals = (5.0 - magnitude.log10().floor()).clamp(0.0, 10.0) as usize;
        let text = format!("{value:.decimals$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    }
}

fn each<T>(
    array: &serde_json::Value,
    read: impl Fn(&serde_json::Value) -> anyhow::Result<T>,
) -> anyhow::Result<Vec<T>> {
    array.as_array().context("the answer's result is not a list")?.iter().map(read).collect()
}

fn sample(pair: &serde_json::Value) -> anyhow::Result<(f64, f64)> {
    let time = pair[0].as_f64().context("a sample without a time")?;
    let text = pair[1].as_str().context("a sample without a value")?;
    Ok((time, text.parse().with_context(|| format!("a sample's value is not a number: {text:?}"))?))
}

fn label_map(series: &serde_json::Value) -> LabelMap {
    let labels = series["metric"].as_object();
    labels
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_exact_where_people_expect_it() {
        for (value, text) in [
            (0.0, "0"),
            (200.0, "200"),
            (274_877_906_944.0, "274877906944"),
            (1.5, "1.5"),
            (0.1 + 0.2, "0.3"),
            (1234.5678, "1234.57"),
            (0.000_012_3, "1.23000e-5"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_vector_becomes_a_table_with_a_column_for_each_label() {
        let answer = Answer::from_api(
            r#"{"status":"success","data":{"resultType":"vector","result":[
                {"metric":{"pod":"a","zone":"z1"},"value":[1.5,"2"]},{"metric":{"pod":"b"},"value":[1.5,"NaN"]}]}}"#,
        )
        .unwrap();
        assert_eq!(answer.to_table(None), "pod  zone  value\na    z1        2\nb            NaN\n");
        assert_eq!(answer.series(), Some(2));
    }

    #[test]
    fn a_matrix_becomes_a_table_with_a_summary_and_a_line_that_shows_gaps() {
        let answer = Answer::from_api(
            r#"{"status":"success","data":{"resultType":"matrix","result":[
                {"metric":{"pod":"a"},"values":[[0,"1"],[120,"3"]]}]},"infos":["PromQL info: x"]}"#,
        )
        .unwrap();
        let steps = Steps { start: 0.0, step: 60.0, count: 3 };
        let table = answer.to_table(Some(steps));
        assert_eq!(table, "pod  samples  min  avg  max  last\na          2    1    2    3     3  ▁ █\n");
        assert_eq!(answer.remarks, ["PromQL info: x"]);
    }

    #[test]
    fn an_error_of_the_api_is_an_error() {
        let error =
            Answer::from_api(r#"{"status":"error","errorType":"bad_data","error":"1:2: no"}"#).unwrap_err();
        assert_eq!(error.to_string(), "bad_data: 1:2: no");
        assert!(Answer::from_api("<html>").is_err());
        assert!(
            Answer::from_api(r#"{"status":"success","data":{"resultType":"vector","result":[{}]}}"#).is_err()
        );
    }

    #[test]
    fn control_characters_in_labels_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
    }
}
