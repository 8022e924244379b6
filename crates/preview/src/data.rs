//! The data of a panel as tables and as CSV: the values themselves, not as they are written in the panel.

use grafana::frame::{FieldType, Frame, Value};
use grafana::model::Transformation;
use grafana::transform;
use jiff::Timestamp;

/// Frames as few tables as possible: series over time become columns of one.
pub(crate) fn tables(frames: &[Frame]) -> Vec<Frame> {
    let is_series = |frame: &Frame| frame.fields.len() == 2 && frame.fields[0].field_type == FieldType::Time;
    if frames.len() < 2 || !frames.iter().all(is_series) {
        return frames.to_vec();
    }
    let join = Transformation {
        id: "joinByField".to_owned(),
        disabled: false,
        filter: None,
        options: serde_json::json!({"byField": "Time", "mode": "outer"}),
    };
    transform::apply(frames.to_vec(), &[join]).0
}

/// A value of a column as text: times as RFC 3339, numbers with all their digits.
pub(crate) fn text(value: &Value, field_type: FieldType) -> String {
    match value {
        Value::Number(ms) if field_type == FieldType::Time => {
            Timestamp::from_millisecond(*ms as i64).map_or_else(|_| ms.to_string(), |at| at.to_string())
        }
        other => other.to_text(),
    }
}

/// The frames as CSV (RFC 4180), one table after the other with an empty line between.
pub(crate) fn csv(frames: &[Frame]) -> String {
    let mut csv = String::new();
    for (number, frame) in tables(frames).iter().enumerate() {
        if number > 0 {
            csv.push_str("\r\n");
        }
        line(&mut csv, frame.shown_names().iter().map(String::as_str));
        for row in 0..frame.rows() {
            let values = frame
                .fields
                .iter()
                .map(|field| text(field.values.get(row).unwrap_or(&Value::Null), field.field_type));
            let values: Vec<String> = values.collect();
            line(&mut csv, values.iter().map(String::as_str));
        }
    }
    csv
}

fn line<'a>(csv: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (number, cell) in cells.enumerate() {
        if number > 0 {
            csv.push(',');
        }
        if cell.contains([',', '"', '\r', '\n']) {
            csv.push('"');
            csv.push_str(&cell.replace('"', "\"\""));
            csv.push('"');
        } else {
            csv.push_str(cell);
        }
    }
    csv.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use grafana::frame::Field;

    use super::*;

    fn series(name: &str, points: &[(f64, f64)]) -> Frame {
        let times = points.iter().map(|(time, _)| Value::Number(*time)).collect();
        let mut value =
            Field::new("Value", FieldType::Number, points.iter().map(|(_, v)| Value::Number(*v)).collect());
        value.display_name = Some(name.to_owned());
        Frame { fields: vec![Field::new("Time", FieldType::Time, times), value], ..Frame::default() }
    }

    #[test]
    fn series_become_columns_beside_their_time() {
        let csv = csv(&[series("a", &[(0.0, 1.5), (1_000.0, 2.0)]), series("b, \"c\"", &[(1_000.0, 3.0)])]);
        assert_eq!(
            csv,
            "Time,a,\"b, \"\"c\"\"\"\r\n1970-01-01T00:00:00Z,1.5,\r\n1970-01-01T00:00:01Z,2,3\r\n"
        );
    }

    #[test]
    fn tables_stand_one_after_the_other() {
        let table = |name: &str| Frame {
            fields: vec![Field::new(name, FieldType::Text, vec![Value::from("x\ny")])],
            ..Frame::default()
        };
        assert_eq!(csv(&[table("p"), table("q")]), "p\r\n\"x\ny\"\r\n\r\nq\r\n\"x\ny\"\r\n");
        assert_eq!(csv(&[]), "");
    }
}
