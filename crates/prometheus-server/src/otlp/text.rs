//! The value of an attribute as the text of a label.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::json::{self, Escape};
use otlp::message::{AnyValue, KeyValue, Value};

/// The value as text, as the collector's and Prometheus' library gives it: lists and maps become JSON.
pub(super) fn of_value(value: Option<&AnyValue>) -> String {
    let Some(value) = value.and_then(|any| any.value.as_ref()) else { return String::new() };
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(yes) => yes.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Double(number) => json::text(|out| json::float(out, *number)),
        Value::Bytes(bytes) => BASE64.encode(bytes),
        Value::Array(_) | Value::Map(_) => json::text(|out| write(out, value)),
    }
}

fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::String(text) => json::string(out, text, Escape::Html),
        Value::Bool(yes) => out.extend_from_slice(if *yes { b"true" } else { b"false" }),
        Value::Int(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Double(number) => json::float(out, *number),
        Value::Bytes(bytes) => json::string(out, &BASE64.encode(bytes), Escape::Html),
        Value::Array(array) => {
            list(out, [b'[', b']'], &array.values, |out, item| write_any(out, Some(item)));
        }
        Value::Map(map) => {
            let mut entries: Vec<&KeyValue> = map.values.iter().collect();
            entries.sort_by(|a, b| a.key.cmp(&b.key));
            list(out, [b'{', b'}'], entries, |out, entry| {
                json::string(out, &entry.key, Escape::Html);
                out.push(b':');
                write_any(out, entry.value.as_ref());
            });
        }
    }
}

fn write_any(out: &mut Vec<u8>, value: Option<&AnyValue>) {
    match value.and_then(|any| any.value.as_ref()) {
        Some(value) => write(out, value),
        None => out.extend_from_slice(b"null"),
    }
}

fn list<T>(
    out: &mut Vec<u8>,
    brackets: [u8; 2],
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(brackets[0]);
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(brackets[1]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp::message::{ArrayValue, KeyValueList};

    fn any(value: Value) -> AnyValue {
        AnyValue { value: Some(value) }
    }

    #[test]
    fn values_become_text_as_in_the_collector() {
        let array = ArrayValue {
            values: vec![any(Value::Int(1)), any(Value::String("a\"<".into())), AnyValue::default()],
        };
        let entry = |key: &str, value| KeyValue { key: key.into(), value: Some(any(value)) };
        let map =
            KeyValueList { values: vec![entry("b", Value::Bool(false)), entry("a", Value::Double(0.5))] };
        for (value, text) in [
            (Value::String("x".into()), "x"),
            (Value::Bool(true), "true"),
            (Value::Int(-3), "-3"),
            (Value::Double(1.0), "1"),
            (Value::Double(1e-7), "1e-7"),
            (Value::Double(2.5e21), "2.5e+21"),
            (Value::Bytes(b"foob".to_vec()), "Zm9vYg=="),
            (Value::Array(array), r#"[1,"a\"\u003c",null]"#),
            (Value::Map(map), r#"{"a":0.5,"b":false}"#),
        ] {
            assert_eq!(of_value(Some(&any(value))), text);
        }
        assert_eq!(of_value(None), "");
    }
}
