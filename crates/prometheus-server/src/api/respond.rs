//! Answers in Prometheus' JSON.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use labels::Labels;
use promql::{Annotations, QueryOutput, RangeSeries, Sample, Value};

use crate::json::{self, Escape, PairStarts};

/// Prometheus sends no more remarks of a kind than this.
const MAX_REMARKS: usize = 10;

/// A body that is JSON already.
pub(super) fn json_response(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A successful answer around `data`.
pub(super) fn success(annotations: &Annotations, data: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = br#"{"status":"success","data":"#.to_vec();
    data(&mut out);
    remarks(&mut out, "warnings", "warning", &annotations.warnings);
    remarks(&mut out, "infos", "info", &annotations.infos);
    out.push(b'}');
    out
}

fn remarks(out: &mut Vec<u8>, field: &str, kind: &str, remarks: &[String]) {
    if remarks.is_empty() {
        return;
    }
    out.push(b',');
    json::string(out, field, Escape::Html);
    out.push(b':');
    let omitted = remarks.len().saturating_sub(MAX_REMARKS);
    let note = (omitted > 0).then(|| format!("{omitted} more {kind} annotations omitted"));
    let shown = remarks.iter().take(MAX_REMARKS).chain(&note);
    array(out, shown, |out, text| json::string(out, text, Escape::Html));
}

/// `[…]` of anything.
pub(super) fn array<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// `{…}` of texts.
pub(super) fn object<'a>(out: &mut Vec<u8>, fields: impl IntoIterator<Item = (&'a str, &'a str)>) {
    out.push(b'{');
    for (at, (name, value)) in fields.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        json::string(out, name, Escape::Html);
        out.push(b':');
        json::string(out, value, Escape::Html);
    }
    out.push(b'}');
}

/// A label set. Prometheus does not escape for HTML here.
pub(super) fn label_set(out: &mut Vec<u8>, labels: &Labels) {
    out.push(b'{');
    for (at, label) in labels.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        json::string(out, &label.name, Escape::Json);
        out.push(b':');
        json::string(out, &label.value, Escape::Json);
    }
    out.push(b'}');
}

/// A query's value. `at_ms` is the time of a text, which has none of its own.
pub(super) fn query_value(out: &mut Vec<u8>, output: &QueryOutput, at_ms: i64, stats: Option<&Stats>) {
    let kind: &[u8] = match &output.value {
        Value::Scalar(_) => b"scalar",
        Value::String(_) => b"string",
        Value::Vector(_) => b"vector",
        Value::Matrix(_) => b"matrix",
    };
    out.extend_from_slice(br#"{"resultType":""#);
    out.extend_from_slice(kind);
    out.extend_from_slice(br#"","result":"#);
    match &output.value {
        Value::Scalar(point) => pair(out, point.timestamp_ms, |out| json::scalar_value(out, point.value)),
        Value::String(text) => pair(out, at_ms, |out| json::string(out, text, Escape::Html)),
        Value::Vector(samples) => array(out, samples, sample),
        Value::Matrix(series) => {
            // Enough for most answers: growing a large buffer copies it.
            let points: usize = series.iter().map(|series| series.points.len()).sum();
            out.reserve(points * 28 + series.len() * 256);
            let mut starts = PairStarts::default();
            array(out, series, |out, series| range_series(out, series, &mut starts));
        }
    }
    if let Some(stats) = stats {
        out.extend_from_slice(br#","stats":"#);
        stats.write(out);
    }
    out.push(b'}');
}

fn sample(out: &mut Vec<u8>, sample: &Sample) {
    out.extend_from_slice(br#"{"metric":"#);
    label_set(out, &sample.labels);
    out.extend_from_slice(br#","value":"#);
    pair(out, sample.point.timestamp_ms, |out| json::sample_value(out, sample.point.value));
    out.push(b'}');
}

fn range_series(out: &mut Vec<u8>, series: &RangeSeries, starts: &mut PairStarts) {
    out.extend_from_slice(br#"{"metric":"#);
    label_set(out, &series.labels);
    if !series.points.is_empty() {
        out.extend_from_slice(br#","values":"#);
        starts.rewind();
        array(out, &series.points, |out, point| {
            starts.write(out, point.timestamp_ms);
            json::pair_end(out, point.value);
        });
    }
    out.push(b'}');
}

fn pair(out: &mut Vec<u8>, timestamp_ms: i64, value: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'[');
    json::timestamp(out, timestamp_ms);
    out.push(b',');
    value(out);
    out.push(b']');
}

/// What `stats=true` adds to an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Stats {
    /// Milliseconds in the queue.
    pub(super) queued_ms: i64,
    /// Milliseconds in the evaluation.
    pub(super) evaluated_ms: i64,
    /// Samples read from the store.
    pub(super) samples_read: u64,
}

impl Stats {
    /// In Prometheus' fields. The engine does not tell preparation, inner evaluation and sorting apart, nor does it track
    /// its peak; the samples read are an upper bound of that for all but subqueries.
    fn write(&self, out: &mut Vec<u8>) {
        let seconds = |milliseconds: i64| milliseconds.max(0) as f64 / 1000.0;
        out.extend_from_slice(br#"{"timings":{"#);
        for (at, (name, milliseconds)) in [
            ("evalTotalTime", self.evaluated_ms),
            ("resultSortTime", 0),
            ("queryPreparationTime", 0),
            ("innerEvalTime", self.evaluated_ms),
            ("execQueueTime", self.queued_ms),
            ("execTotalTime", self.queued_ms + self.evaluated_ms),
        ]
        .into_iter()
        .enumerate()
        {
            if at > 0 {
                out.push(b',');
            }
            json::string(out, name, Escape::Html);
            out.push(b':');
            json::float(out, seconds(milliseconds));
        }
        out.extend_from_slice(br#"},"samples":{"totalQueryableSamples":"#);
        json::integer(out, self.samples_read);
        out.extend_from_slice(br#","samplesRead":"#);
        json::integer(out, self.samples_read);
        out.extend_from_slice(br#","peakSamples":"#);
        json::integer(out, self.samples_read);
        out.extend_from_slice(b"}}");
    }
}

#[cfg(test)]
mod tests {
    use promql::Point;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn output(value: Value) -> QueryOutput {
        QueryOutput { value, annotations: Annotations::default(), samples_read: 3 }
    }

    #[test]
    fn values_have_prometheus_shapes() {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "<a\"b>")]);
        let point = Point { timestamp_ms: 1_500, value: 1e-7 };
        for (value, expected) in [
            (Value::Scalar(point), r#"{"resultType":"scalar","result":[1.500,"0.0000001"]}"#),
            (Value::String("a<b".into()), r#"{"resultType":"string","result":[7,"a\u003cb"]}"#),
            (Value::Vector(vec![]), r#"{"resultType":"vector","result":[]}"#),
            (
                Value::Vector(vec![
                    Sample { labels: labels.clone(), point },
                    Sample { labels: Labels::empty(), point },
                ]),
                r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"<a\"b>"},"value":[1.500,"1e-07"]},{"metric":{},"value":[1.500,"1e-07"]}]}"#,
            ),
            (
                Value::Matrix(vec![RangeSeries { labels, points: vec![point, point] }]),
                r#"{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"<a\"b>"},"values":[[1.500,"1e-07"],[1.500,"1e-07"]]}]}"#,
            ),
        ] {
            assert_eq!(written(|out| query_value(out, &output(value), 7_000, None)), expected);
        }
    }

    #[test]
    fn remarks_beyond_ten_are_counted() {
        let annotations = Annotations {
            infos: vec!["one".to_owned()],
            warnings: (0..12).map(|at| format!("w{at}")).collect(),
        };
        let text = String::from_utf8(success(&annotations, |out| out.extend_from_slice(b"1"))).unwrap();
        assert_eq!(
            text,
            r#"{"status":"success","data":1,"warnings":["w0","w1","w2","w3","w4","w5","w6","w7","w8","w9","2 more warning annotations omitted"],"infos":["one"]}"#
        );
    }

    #[test]
    fn statistics_are_in_seconds() {
        let stats = Stats { queued_ms: 5, evaluated_ms: 1_250, samples_read: 3 };
        assert_eq!(
            written(|out| stats.write(out)),
            r#"{"timings":{"evalTotalTime":1.25,"resultSortTime":0,"queryPreparationTime":0,"innerEvalTime":1.25,"execQueueTime":0.005,"execTotalTime":1.255},"samples":{"totalQueryableSamples":3,"samplesRead":3,"peakSamples":3}}"#
        );
    }
}
