//! Addresses with variables in them, of panels and of values.

use crate::frame::{Field, Frame, Value};
use crate::variables::{Style, percent_encode, references};

use super::Context;
use super::text::safe_address;

/// Where a link of a panel leads; nothing when it may not.
pub(super) fn plain(url: &str, context: &Context<'_>) -> Option<String> {
    safe_address(&context.values.interpolate(url, Style::Glob)).map(str::to_owned)
}

/// Where a link of a value leads: `${__data.fields.Pod}` is what stands in the row's column `Pod`.
pub(super) fn of_cell(
    url: &str,
    frame: &Frame,
    names: &[String],
    field: &Field,
    row: usize,
    context: &Context<'_>,
) -> Option<String> {
    let mut replaced = String::with_capacity(url.len());
    let mut copied = 0;
    for reference in references(url) {
        let value = match (reference.name, reference.field) {
            ("__data", Some(path)) => from_row(path, frame, names, row),
            ("__value", Some("raw" | "text" | "numeric")) | ("__value", None) => {
                Some(field.values.get(row).map(Value::to_text).unwrap_or_default())
            }
            ("__value", Some("time")) => from_row("fields[Time]", frame, names, row),
            ("__field", Some("name")) | ("__series", Some("name")) => Some(field.shown_name()),
            ("__field", Some(path)) => Some(
                path.strip_prefix("labels.")
                    .and_then(|label| field.labels.get(label))
                    .cloned()
                    .unwrap_or_default(),
            ),
            _ => None,
        };
        let Some(value) = value else { continue };
        replaced.push_str(&url[copied..reference.range.start]);
        // Encoded, so that a value can neither add parameters nor refer to variables.
        replaced.push_str(&percent_encode(&value));
        copied = reference.range.end;
    }
    replaced.push_str(&url[copied..]);
    plain(&replaced, context)
}

/// Where a link of a series leads, that is of its last value.
pub(super) fn of_series(url: &str, field: &Field, context: &Context<'_>) -> Option<String> {
    let frame = Frame { fields: vec![field.clone()], ..Frame::default() };
    let last = field.values.len().saturating_sub(1);
    of_cell(url, &frame, &frame.shown_names(), field, last, context)
}

/// `fields.Pod`, `fields["Pod"]` or `fields[2]`.
fn from_row(path: &str, frame: &Frame, names: &[String], row: usize) -> Option<String> {
    let path = path.strip_prefix("fields")?;
    let (name, number) = match path.strip_prefix('.') {
        Some(name) => (name, None),
        None => {
            let inner = path.strip_prefix('[')?.strip_suffix(']')?;
            (inner.trim_matches(['"', '\'']), inner.parse::<usize>().ok())
        }
    };
    let place = names.iter().position(|known| known == name);
    let place = place.or_else(|| frame.position(name)).or(number)?;
    Some(frame.fields.get(place)?.values.get(row).map(Value::to_text).unwrap_or_default())
}
