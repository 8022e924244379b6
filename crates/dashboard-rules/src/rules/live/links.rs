//! Follows the links of a dashboard, as somebody does who clicks on the first row.

use std::collections::BTreeMap;

use dashboard_view::{Content, EvaluatedPanel};
use grafana::frame::{Field, Frame, Value};
use grafana::variables::{Style, references};

use super::foreign;
use crate::finding::{Findings, Place};
use crate::live::{Choice, Live, Look};
use crate::rules::panels::urls;
use crate::subject::Dashboard;

/// Tells which links lead to nothing.
pub(super) fn follow(look: &Look<'_>, live: &Live<'_>, findings: &mut Findings<'_>) {
    for (place, url) in urls::all(look.dashboard) {
        let Some(read) = urls::read(url) else { continue };
        // A dashboard that is not there is told by P08.
        let Some(target) = live.subject.with_uid(read.uid).next() else { continue };
        let address = match clicked(look, &place, url) {
            Clicked::Address(address) => address,
            Clicked::NoRow => continue,
            Clicked::NoColumn(column) => {
                let message = format!(
                    "the link takes its value from the column {column:?}, which is not among those that are shown: name one of them"
                );
                findings.add(place, message);
                continue;
            }
        };
        let values = values_of(&address, target);
        let key = format!("{} {values:?}", read.uid);
        let found = live.arrival(key, || arrive(target, Choice { values: values.clone() }, live));
        if let Some(problem) = found {
            let title = &target.model.title;
            findings
                .add(place, format!("the link leads to {title:?}, where {problem}: carry the right value"));
        }
    }
}

/// What a click finds out.
enum Clicked {
    /// The address with its values.
    Address(String),
    /// There is nothing to click on now.
    NoRow,
    /// There is, but the address asks for another column.
    NoColumn(String),
}

/// The address behind the first value of the panel that has the link, or of the dashboard's own link.
fn clicked(look: &Look<'_>, place: &Place, url: &str) -> Clicked {
    let panel = place.panel.as_ref().and_then(|name| {
        look.panels().find(|panel| panel.panel().id == name.id && panel.placed.repeated.is_none())
    });
    let mut filled = String::with_capacity(url.len());
    let mut copied = 0;
    for reference in references(url) {
        if !matches!(reference.name, "__data" | "__value" | "__field" | "__series") {
            continue;
        }
        let Some(panel) = panel else { return Clicked::NoRow };
        let value = match first_value(panel, reference.name, reference.field) {
            Ok(Some(value)) => value,
            Ok(None) => return Clicked::NoRow,
            Err(column) => return Clicked::NoColumn(column),
        };
        filled.push_str(&url[copied..reference.range.start]);
        filled.push_str(&encoded(&value));
        copied = reference.range.end;
    }
    filled.push_str(&url[copied..]);
    let values = panel.map_or(&look.view.values, |panel| look.view.values_of(panel));
    Clicked::Address(values.interpolate(&filled, Style::Glob))
}

/// What a reference of a link stands for at the first value that has it.
fn first_value(panel: &EvaluatedPanel<'_>, name: &str, path: Option<&str>) -> Result<Option<String>, String> {
    let frame = panel.frames.iter().find(|frame| frame.rows() > 0);
    let Some(frame) = frame else { return Ok(None) };
    let path = path.unwrap_or_default();
    if name == "__data" {
        let Some(column) = path.strip_prefix("fields") else { return Ok(None) };
        let column = match column.strip_prefix('.') {
            Some(column) => column,
            None => column.trim_matches(['[', ']', '"', '\'']),
        };
        let Some(field) = column_of(frame, column) else { return Err(column.to_owned()) };
        return Ok(field.values.iter().map(Value::to_text).find(|text| !text.is_empty()));
    }
    let Some(field) = frame.fields.last() else { return Ok(None) };
    Ok(match (name, path) {
        ("__field" | "__series", "name") => Some(field.shown_name()),
        ("__field", path) => match path.strip_prefix("labels.") {
            Some(label) => match field.labels.get(label) {
                Some(value) => Some(value.clone()),
                None => return Err(label.to_owned()),
            },
            None => None,
        },
        _ => field.values.first().map(Value::to_text),
    })
}

fn column_of<'f>(frame: &'f Frame, column: &str) -> Option<&'f Field> {
    let at = frame.shown_names().iter().position(|name| name == column);
    let at = at.or_else(|| frame.position(column)).or_else(|| column.parse().ok())?;
    frame.fields.get(at)
}

/// The values that an address carries for the variables of a dashboard.
fn values_of(address: &str, target: &Dashboard) -> BTreeMap<String, Vec<String>> {
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let query = address.split_once('?').map_or("", |(_, query)| query);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let Some(name) = name.strip_prefix("var-") else { continue };
        if target.variable(name).is_some() {
            values.entry(name.to_owned()).or_default().push(decoded(value));
        }
    }
    values
}

/// What is wrong at the other end; nothing when all is well.
fn arrive(target: &Dashboard, choice: Choice, live: &Live<'_>) -> Option<String> {
    let look = Look::of_panels(target, choice, None, live);
    if foreign::lacks_something(&look, live) {
        return None;
    }
    for variable in &look.view.variables {
        let name = &variable.variable.name;
        let (Some(state), Some(carried)) = (look.view.state(variable), look.choice.values.get(name)) else {
            continue;
        };
        for value in carried {
            let known = state.options.iter().any(|option| option.value == *value || option.text == *value);
            if !known && value != grafana::variables::ALL {
                return Some(format!("${name} does not know the value {value:?}"));
            }
        }
    }
    let something = look.panels().any(|panel| panel.content() == Content::Data);
    (!something).then(|| format!("{} no panel has data", look.choice.text()))
}

fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let code = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, code) {
            (b'%', Some(code)) => {
                bytes.push(code);
                rest = &after[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            (other, _) => {
                bytes.push(*other);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_again() {
        for text in ["", "apps", "a b&c=d%", "ä/ö+${x}"] {
            assert_eq!(decoded(&encoded(text)), text);
        }
        assert_eq!(decoded("%zz+%4"), "%zz %4");
    }
}
