//! OTLP's JSON: field names in lower camel case, 64-bit integers as text or numbers, `NaN` and infinities as text, one
//! field for each variant of a oneof, bytes in base64.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};

use crate::message::{self, Data, NumberValue, Value};

/// A request as JSON has it.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ExportRequest {
    resource_metrics: Vec<message::ResourceMetrics>,
}

/// A derived reader would take a list of the fields' values as well, and an empty list for an empty request.
impl<'de> Deserialize<'de> for message::ExportRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OnlyAnObject;

        impl<'de> Visitor<'de> for OnlyAnObject {
            type Value = ExportRequest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with `resourceMetrics`")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ExportRequest, A::Error> {
                ExportRequest::deserialize(MapAccessDeserializer::new(map))
            }
        }

        let ExportRequest { resource_metrics } = deserializer.deserialize_map(OnlyAnObject)?;
        Ok(Self { resource_metrics })
    }
}

/// A metric as JSON has it.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Metric {
    name: String,
    description: String,
    unit: String,
    gauge: Option<message::Gauge>,
    sum: Option<message::Sum>,
    histogram: Option<message::Histogram>,
    exponential_histogram: Option<message::ExponentialHistogram>,
    summary: Option<message::Summary>,
}

impl From<Metric> for message::Metric {
    fn from(metric: Metric) -> Self {
        let data = (metric.gauge.map(Data::Gauge))
            .or(metric.sum.map(Data::Sum))
            .or(metric.histogram.map(Data::Histogram))
            .or(metric.exponential_histogram.map(Data::ExponentialHistogram))
            .or(metric.summary.map(Data::Summary));
        Self { name: metric.name, description: metric.description, unit: metric.unit, data }
    }
}

/// A number data point as JSON has it.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct NumberDataPoint {
    #[serde(deserialize_with = "unsigned")]
    start_time_unix_nano: u64,
    #[serde(deserialize_with = "unsigned")]
    time_unix_nano: u64,
    attributes: Vec<message::KeyValue>,
    #[serde(deserialize_with = "unsigned_32")]
    flags: u32,
    as_double: Option<Double>,
    as_int: Option<Signed>,
}

impl From<NumberDataPoint> for message::NumberDataPoint {
    fn from(point: NumberDataPoint) -> Self {
        let int = point.as_int.map(|Signed(value)| NumberValue::AsInt(value));
        let value = point.as_double.map(|Double(value)| NumberValue::AsDouble(value)).or(int);
        Self {
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            attributes: point.attributes,
            flags: point.flags,
            value,
        }
    }
}

/// The value of an attribute as JSON has it.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct AnyValue {
    string_value: Option<String>,
    bool_value: Option<bool>,
    int_value: Option<Signed>,
    double_value: Option<Double>,
    array_value: Option<message::ArrayValue>,
    kvlist_value: Option<message::KeyValueList>,
    bytes_value: Option<Bytes>,
}

impl From<AnyValue> for message::AnyValue {
    fn from(any: AnyValue) -> Self {
        let value = (any.string_value.map(Value::String))
            .or(any.bool_value.map(Value::Bool))
            .or(any.int_value.map(|Signed(value)| Value::Int(value)))
            .or(any.double_value.map(|Double(value)| Value::Double(value)))
            .or(any.array_value.map(Value::Array))
            .or(any.kvlist_value.map(Value::Map))
            .or(any.bytes_value.map(|Bytes(bytes)| Value::Bytes(bytes)));
        Self { value }
    }
}

/// A number, or text that says one.
struct NumberVisitor<T> {
    expecting: &'static str,
    of_unsigned: fn(u64) -> Option<T>,
    of_signed: fn(i64) -> Option<T>,
    of_float: fn(f64) -> Option<T>,
    of_text: fn(&str) -> Option<T>,
}

impl<T> Visitor<'_> for NumberVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        (self.of_unsigned)(value).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        (self.of_signed)(value).ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        (self.of_float)(value).ok_or_else(|| E::invalid_value(Unexpected::Float(value), &self))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
        (self.of_text)(value).ok_or_else(|| E::invalid_value(Unexpected::Str(value), &self))
    }
}

/// A whole number that is written like `1e3` or `2.0`.
fn whole(value: f64) -> Option<i64> {
    // Up to here every whole number is a float of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (value.trunc() == value && value.abs() <= EXACT).then_some(value as i64)
}

/// Bytes, in base64 of either alphabet, padded or not.
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Base64;

        impl Visitor<'_> for Base64 {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes in base64")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Bytes, E> {
                let config =
                    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
                let is_url_safe = text.contains(['-', '_']);
                let alphabet = if is_url_safe { alphabet::URL_SAFE } else { alphabet::STANDARD };
                let decoded = GeneralPurpose::new(&alphabet, config).decode(text);
                decoded.map(Bytes).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(Base64)
    }
}

struct Unsigned(u64);
struct Signed(i64);
struct Double(f64);

impl<'de> Deserialize<'de> for Unsigned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor {
            expecting: "a whole number, not negative",
            of_unsigned: |value| Some(Self(value)),
            of_signed: |value| u64::try_from(value).ok().map(Self),
            of_float: |value| u64::try_from(whole(value)?).ok().map(Self),
            of_text: |text| text.parse().ok().map(Self),
        })
    }
}

impl<'de> Deserialize<'de> for Signed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor {
            expecting: "a whole number",
            of_unsigned: |value| i64::try_from(value).ok().map(Self),
            of_signed: |value| Some(Self(value)),
            of_float: |value| whole(value).map(Self),
            of_text: |text| text.parse().ok().map(Self),
        })
    }
}

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor {
            expecting: "a number",
            of_unsigned: |value| Some(Self(value as f64)),
            of_signed: |value| Some(Self(value as f64)),
            of_float: |value| Some(Self(value)),
            // Rust reads `NaN`, `Infinity` and `-Infinity` as JSON spells them.
            of_text: |text| text.parse().ok().map(Self),
        })
    }
}

pub(crate) fn unsigned<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Unsigned::deserialize(deserializer).map(|Unsigned(value)| value)
}

pub(crate) fn unsigned_32<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let Unsigned(value) = Unsigned::deserialize(deserializer)?;
    let too_large = || D::Error::invalid_value(Unexpected::Unsigned(value), &"a number of 32 bits");
    u32::try_from(value).map_err(|_| too_large())
}

pub(crate) fn double<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Double::deserialize(deserializer).map(|Double(value)| value)
}

pub(crate) fn optional_double<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(Option::<Double>::deserialize(deserializer)?.map(|Double(value)| value))
}

pub(crate) fn unsigned_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    let list = Vec::<Unsigned>::deserialize(deserializer)?;
    Ok(list.into_iter().map(|Unsigned(value)| value).collect())
}

pub(crate) fn double_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
    let list = Vec::<Double>::deserialize(deserializer)?;
    Ok(list.into_iter().map(|Double(value)| value).collect())
}

/// The number of an aggregation temporality, or its name.
pub(crate) fn temporality<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    deserializer.deserialize_any(NumberVisitor {
        expecting: "an aggregation temporality",
        of_unsigned: |value| i32::try_from(value).ok(),
        of_signed: |value| i32::try_from(value).ok(),
        of_float: |_| None,
        of_text: |text| match text {
            "AGGREGATION_TEMPORALITY_UNSPECIFIED" => Some(0),
            "AGGREGATION_TEMPORALITY_DELTA" => Some(1),
            "AGGREGATION_TEMPORALITY_CUMULATIVE" => Some(message::CUMULATIVE),
            _ => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use message::{CUMULATIVE, ExportRequest};

    fn read(text: &str) -> Result<ExportRequest, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The only metric of a request with this data.
    fn metric(data: &str) -> message::Metric {
        let text =
            format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"m",{data}}}]}}]}}]}}"#);
        let request = read(&text).unwrap_or_else(|error| panic!("{data}: {error}"));
        request.resource_metrics[0].scope_metrics[0].metrics[0].clone()
    }

    fn value_of(point: &str) -> Option<NumberValue> {
        match metric(&format!(r#""gauge":{{"dataPoints":[{point}]}}"#)).data {
            Some(Data::Gauge(gauge)) => gauge.data_points[0].value,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn numbers_may_be_text() {
        for (point, expected) in [
            (r#"{"asInt":5}"#, NumberValue::AsInt(5)),
            (r#"{"asInt":"-5"}"#, NumberValue::AsInt(-5)),
            (r#"{"asInt":5e2}"#, NumberValue::AsInt(500)),
            (r#"{"asDouble":1.5}"#, NumberValue::AsDouble(1.5)),
            (r#"{"asDouble":3}"#, NumberValue::AsDouble(3.0)),
            (r#"{"asDouble":"1e3"}"#, NumberValue::AsDouble(1000.0)),
            (r#"{"asDouble":"-Infinity"}"#, NumberValue::AsDouble(f64::NEG_INFINITY)),
        ] {
            assert_eq!(value_of(point), Some(expected), "{point}");
        }
        assert!(matches!(value_of(r#"{"asDouble":"NaN"}"#), Some(NumberValue::AsDouble(v)) if v.is_nan()));
        assert_eq!(value_of("{}"), None);
    }

    #[test]
    fn flags_may_be_text_too() {
        for (flags, expected) in [("1", 1), ("\"1\"", 1), ("1.0", 1), ("4294967295", u32::MAX)] {
            let data = format!(r#""gauge":{{"dataPoints":[{{"flags":{flags}}}]}}"#);
            let Some(Data::Gauge(gauge)) = metric(&data).data else { panic!("no gauge") };
            assert_eq!(gauge.data_points[0].flags, expected, "{flags}");
            let data = format!(r#""histogram":{{"dataPoints":[{{"flags":{flags}}}]}}"#);
            let Some(Data::Histogram(histogram)) = metric(&data).data else { panic!("no histogram") };
            assert_eq!(histogram.data_points[0].flags, expected, "{flags}");
            let data = format!(r#""summary":{{"dataPoints":[{{"flags":{flags}}}]}}"#);
            let Some(Data::Summary(summary)) = metric(&data).data else { panic!("no summary") };
            assert_eq!(summary.data_points[0].flags, expected, "{flags}");
        }
    }

    #[test]
    fn bytes_are_base64_of_any_kind() {
        for (text, expected) in [
            ("AP/+", &[0, 0xff, 0xfe][..]),
            ("AP_-", &[0, 0xff, 0xfe]),
            ("YQ==", b"a"),
            ("YQ", b"a"),
            ("", b""),
        ] {
            let any: message::AnyValue =
                serde_json::from_str(&format!(r#"{{"bytesValue":"{text}"}}"#)).unwrap();
            assert_eq!(any.value, Some(Value::Bytes(expected.to_vec())), "{text}");
        }
        let error =
            serde_json::from_str::<message::AnyValue>(r#"{"bytesValue":"a b"}"#).map(drop).unwrap_err();
        assert!(error.to_string().contains("bytes in base64"), "{error}");
    }

    #[test]
    fn a_request_is_an_object() {
        assert_eq!(read("{}").unwrap(), ExportRequest::default());
        for text in ["null", "[]", "[[]]", "5", "\"\"", "true"] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("expected an object with `resourceMetrics` at line 1"), "{text}: {error}");
        }
    }

    #[test]
    fn temporalities_have_numbers_and_names() {
        for temporality in ["2", "\"AGGREGATION_TEMPORALITY_CUMULATIVE\""] {
            let data = format!(r#""sum":{{"aggregationTemporality":{temporality},"isMonotonic":true}}"#);
            let expected =
                message::Sum { aggregation_temporality: CUMULATIVE, is_monotonic: true, data_points: vec![] };
            assert_eq!(metric(&data).data, Some(Data::Sum(expected)));
        }
    }

    #[test]
    fn histograms_and_summaries_are_read() {
        let data = r#""histogram":{"aggregationTemporality":2,"dataPoints":[
            {"timeUnixNano":"7","count":"3","sum":1.5,"bucketCounts":["1",2],"explicitBounds":[0.5],"min":0}]}"#;
        let Some(Data::Histogram(histogram)) = metric(data).data else { panic!("no histogram") };
        let point = &histogram.data_points[0];
        assert_eq!((point.time_unix_nano, point.count, point.sum), (7, 3, Some(1.5)));
        assert_eq!((&point.bucket_counts[..], &point.explicit_bounds[..]), (&[1, 2][..], &[0.5][..]));
        let data = r#""summary":{"dataPoints":[
            {"timeUnixNano":7,"count":3,"sum":"1.5","quantileValues":[{"quantile":0.5,"value":2}]}]}"#;
        let Some(Data::Summary(summary)) = metric(data).data else { panic!("no summary") };
        assert_eq!(summary.data_points[0].quantile_values[0].value, 2.0);
        assert!(matches!(
            metric(r#""exponentialHistogram":{"dataPoints":[{"scale":1}]}"#).data,
            Some(Data::ExponentialHistogram(_))
        ));
    }

    #[test]
    fn entity_references_and_unknown_fields_are_passed_over() {
        let text = r#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"a","value":{"stringValue":"b"}}],
            "entityRefs":[{"type":"k8s.pod","idKeys":["k8s.pod.uid"]}],"droppedAttributesCount":1},"new":{"x":[1]}}]}"#;
        let request = read(text).unwrap();
        let attribute = &request.resource_metrics[0].resource.as_ref().unwrap().attributes[0];
        assert_eq!(attribute.key, "a");
    }

    #[test]
    fn wrong_values_are_errors_with_their_place() {
        for (point, part) in [
            (r#"{"timeUnixNano":-1}"#, "a whole number, not negative"),
            (r#"{"timeUnixNano":"soon"}"#, "string \"soon\""),
            (r#"{"asInt":1.5}"#, "a whole number"),
            (r#"{"flags":4294967296}"#, "a number of 32 bits"),
            (r#"{"asDouble":{}}"#, "a number"),
            (r#"{"attributes":{}}"#, "a sequence"),
        ] {
            let text = format!(
                r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"gauge":{{"dataPoints":[{point}]}}}}]}}]}}]}}"#
            );
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("line 1 column "), "{point}: {error}");
        }
    }
}
