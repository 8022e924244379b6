//! Canonical JSON: the same value gives the same bytes on every machine, in the form in which Grafana exports it.
//!
//! Keys are sorted, the indentation is two spaces, numbers are written as JavaScript writes them, and the text ends
//! with a line end, so that the differences between two versions are the ones that somebody made.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// Writes a value in canonical form.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value, 0);
    text.push('\n');
    text
}

fn write_value(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => write_number(text, number),
        Value::String(string) => write_string(text, string),
        Value::Array(items) if items.is_empty() => text.push_str("[]"),
        Value::Array(items) => {
            text.push('[');
            for (i, item) in items.iter().enumerate() {
                start_line(text, i, depth + 1);
                write_value(text, item, depth + 1);
            }
            end_lines(text, depth);
            text.push(']');
        }
        Value::Object(object) if object.is_empty() => text.push_str("{}"),
        Value::Object(object) => {
            let mut fields: Vec<(&String, &Value)> = object.iter().collect();
            // Sorted here, whatever order the map keeps.
            fields.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (i, (name, value)) in fields.into_iter().enumerate() {
                start_line(text, i, depth + 1);
                write_string(text, name);
                text.push_str(": ");
                write_value(text, value, depth + 1);
            }
            end_lines(text, depth);
            text.push('}');
        }
    }
}

fn start_line(text: &mut String, i: usize, depth: usize) {
    text.push_str(if i == 0 { "\n" } else { ",\n" });
    indent(text, depth);
}

fn end_lines(text: &mut String, depth: usize) {
    text.push('\n');
    indent(text, depth);
}

fn indent(text: &mut String, depth: usize) {
    for _ in 0..depth {
        text.push_str("  ");
    }
}

fn write_number(text: &mut String, number: &Number) {
    match number.as_f64() {
        Some(value) if !number.is_i64() && !number.is_u64() => text.push_str(&javascript_number(value)),
        // Integers keep their digits, also the ones that JavaScript would round.
        _ => {
            let _ = write!(text, "{number}");
        }
    }
}

/// A number in the shortest form that reads back as the same number, with an exponent where JavaScript has one.
pub fn javascript_number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        // Without the sign, as JSON.stringify has it.
        "0".to_owned()
    } else if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else if (1e-6..1e21).contains(&size) {
        format!("{value}")
    } else {
        let text = format!("{value:e}");
        if size >= 1.0 { text.replace('e', "e+") } else { text }
    }
}

fn write_string(text: &mut String, string: &str) {
    text.push('"');
    // Most strings need no escape.
    if !string.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        text.push_str(string);
        text.push('"');
        return;
    }
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            control if (control as u32) < 0x20 => {
                let _ = write!(text, "\\u{:04x}", control as u32);
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_sorted_and_indented_by_two() {
        let value = json!({"b": [1, {"d": [], "c": {}}], "a": "x"});
        let expected = "{\n  \"a\": \"x\",\n  \"b\": [\n    1,\n    {\n      \"c\": {},\n      \"d\": []\n    }\n  ]\n}\n";
        assert_eq!(canonical(&value), expected);
    }

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        let table = [
            (0.1, "0.1"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (0.000001, "0.000001"),
            (0.0000001, "1e-7"),
            (-0.0, "0"),
            (123456789.125, "123456789.125"),
        ];
        for (value, text) in table {
            assert_eq!(javascript_number(value), text);
        }
        assert_eq!(canonical(&json!(9_007_199_254_740_993_i64)), "9007199254740993\n");
        assert_eq!(canonical(&json!(1.0)), "1\n");
    }

    #[test]
    fn strings_escape_what_json_demands_and_nothing_else() {
        let value = json!("a\"b\\c\n\t\u{1}é<>/");
        assert_eq!(canonical(&value), "\"a\\\"b\\\\c\\n\\t\\u0001é<>/\"\n");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            // With few digits: the reader of JSON may miss the last bit of longer ones.
            (any::<i32>(), 0..9_i32)
                .prop_map(|(digits, exponent)| Value::from(f64::from(digits) / 10_f64.powi(exponent))),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn canonical_text_reads_back_as_the_same_value_and_stays_as_it_is(value in any_json()) {
            let text = canonical(&value);
            let back: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(canonical(&back), text);
        }
    }
}
