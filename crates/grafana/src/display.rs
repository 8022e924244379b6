//! A value as a panel shows it: mapped, with unit, with colour.

use crate::color::Scale;
use crate::frame::{FieldType, Value};
use crate::json::javascript_number;
use crate::model::{FieldOptions, Mapping, MappingResult};
use crate::units::{self, Clock};

/// A value as a panel shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Display {
    /// What stands before the number.
    pub prefix: String,
    /// The number or text.
    pub text: String,
    /// The unit.
    pub suffix: String,
    /// The number behind it.
    pub number: Option<f64>,
    /// The code of its colour.
    pub color: String,
    /// Where it stands between min and max.
    pub percent: f64,
    /// Whether the text comes from a value mapping.
    pub mapped: bool,
}

impl std::fmt::Display for Display {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}{}", self.prefix, self.text, self.suffix)
    }
}

/// Shows the values of one field.
#[derive(Clone, Copy, Debug)]
pub struct DisplayProcessor<'a> {
    /// How the field is shown.
    pub options: &'a FieldOptions,
    /// What its values are.
    pub field_type: FieldType,
    /// Its ends and its colours.
    pub scale: Scale,
    /// The colour mode of the panel type, see [`crate::color::default_mode`].
    pub default_color_mode: &'a str,
    /// For units of time.
    pub clock: &'a Clock,
}

impl DisplayProcessor<'_> {
    /// Shows one value.
    pub fn show(&self, value: &Value) -> Display {
        let unit = self.unit();
        let number = if unit == Some("string") { None } else { value.as_number() };
        let mut display = Display {
            prefix: String::new(),
            text: String::new(),
            suffix: String::new(),
            number,
            color: String::new(),
            percent: number.map_or(0.0, |number| self.scale.percent(number)),
            mapped: false,
        };
        let mapping = map_value(&self.options.mappings, value);
        let (mapped_text, mapped_color) = mapping.map_or((None, None), |result| (result.text, result.color));
        if let Some(text) = mapped_text {
            display.text = text;
            display.mapped = true;
        } else if let Some(number) = number.filter(|_| !matches!(value, Value::Boolean(_))) {
            let formatted = units::format(unit, number, self.options.decimals, self.clock);
            display.text = formatted.text;
            display.prefix = formatted.prefix;
            display.suffix = formatted.suffix;
            // Digits that nobody asked for are dropped when they are zero.
            let is_text =
                unit.is_some_and(|unit| units::is_date(unit) || units::is_boolean(unit) || unit == "locale");
            if self.options.decimals.is_none() && self.field_type == FieldType::Number && !is_text {
                display.text = without_trailing_zeros(display.text);
            }
        } else {
            display.text = match value {
                Value::Boolean(flag) => {
                    units::format(unit, f64::from(u8::from(*flag)), None, self.clock).text
                }
                other => other.to_text(),
            };
            if display.text.is_empty() {
                display.text = self.options.no_value.clone().unwrap_or_default();
            }
        }
        display.color = match mapped_color {
            Some(color) => crate::color::by_name(&color, self.scale.theme),
            None => {
                self.scale.color(self.options, self.default_color_mode, number.unwrap_or(f64::NEG_INFINITY))
            }
        };
        display
    }

    /// The unit, with the one that the type suggests.
    fn unit(&self) -> Option<&str> {
        let unit = self.options.unit.as_deref().filter(|unit| !unit.is_empty());
        match self.field_type {
            FieldType::Time if !unit.is_some_and(units::is_date) => Some("dateTimeAsSystem"),
            FieldType::Boolean if !unit.is_some_and(units::is_boolean) => Some("bool"),
            FieldType::Text => unit.or(Some("string")),
            _ => unit,
        }
    }
}

/// `1.50` is `1.5` and `60.00` is `60`.
fn without_trailing_zeros(text: String) -> String {
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// The first mapping that is for a value.
pub fn map_value(mappings: &[Mapping], value: &Value) -> Option<MappingResult> {
    mappings.iter().find_map(|mapping| apply(mapping, value))
}

fn apply(mapping: &Mapping, value: &Value) -> Option<MappingResult> {
    match mapping {
        Mapping::Value(results) => {
            let key = match value {
                Value::Null => return None,
                Value::Number(number) => javascript_number(*number),
                other => other.to_text(),
            };
            results.iter().find(|(text, _)| *text == key).map(|(_, result)| result.clone())
        }
        Mapping::Range { from, to, result } => {
            let number = value.as_number().filter(|number| !number.is_nan())?;
            let inside = from.is_none_or(|from| number >= from) && to.is_none_or(|to| number <= to);
            inside.then(|| result.clone())
        }
        Mapping::Regex { pattern, result } => {
            let Value::Text(text) = value else { return None };
            let regex = pattern.regex()?;
            if !regex.is_match(text) {
                return None;
            }
            // `$1` of JavaScript is `${1}` here.
            let replaced = result.text.as_ref().map(|template| {
                let template = braced_groups(template);
                regex.replace(text, template.as_str()).into_owned()
            });
            Some(MappingResult { text: replaced, color: result.color.clone() })
        }
        Mapping::Special { matches, result } => {
            let matched = match (matches.as_str(), value) {
                ("null" | "null+nan", Value::Null) => true,
                ("nan" | "null+nan", Value::Number(number)) => number.is_nan(),
                ("true", Value::Boolean(flag)) => *flag,
                ("false", Value::Boolean(flag)) => !*flag,
                ("true", Value::Text(text)) => text == "true",
                ("false", Value::Text(text)) => text == "false",
                ("empty", Value::Text(text)) => text.is_empty(),
                _ => false,
            };
            matched.then(|| result.clone())
        }
    }
}

/// A number after `$` in braces, so that a letter behind it does not become part of the group's name.
pub(crate) fn braced_groups(template: &str) -> String {
    let mut result = String::with_capacity(template.len());
    let mut characters = template.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '$' {
            result.push(character);
            continue;
        }
        let mut digits = String::new();
        while let Some(digit) = characters.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        match (digits.is_empty(), characters.peek()) {
            (false, _) => result.push_str(&format!("${{{digits}}}")),
            (true, Some('$')) => {
                characters.next();
                result.push_str("$$");
            }
            (true, Some('&')) => {
                characters.next();
                result.push_str("${0}");
            }
            // A dollar sign that stands for itself.
            (true, _) => result.push_str("$$"),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::color::{Theme, by_name};
    use crate::model::{ThresholdMode, ThresholdStep, Thresholds};

    fn show(options: &FieldOptions, field_type: FieldType, value: &Value) -> Display {
        let clock = Clock { now_ms: 0, zone: TimeZone::UTC };
        let scale = Scale { min: 0.0, max: 10.0, series: 0, theme: Theme::Dark };
        DisplayProcessor { options, field_type, scale, default_color_mode: "thresholds", clock: &clock }
            .show(value)
    }

    fn result(text: &str) -> MappingResult {
        MappingResult { text: Some(text.to_owned()), color: Some("red".to_owned()) }
    }

    #[test]
    fn numbers_have_their_unit_and_lose_zeros_that_nobody_asked_for() {
        let bytes = FieldOptions { unit: Some("bytes".to_owned()), ..FieldOptions::default() };
        assert_eq!(show(&bytes, FieldType::Number, &Value::Number(1_536.0)).to_string(), "1.5 KiB");
        let fixed = FieldOptions { decimals: Some(2.0), ..bytes };
        assert_eq!(show(&fixed, FieldType::Number, &Value::Number(1_536.0)).to_string(), "1.50 KiB");
        let plain = FieldOptions::default();
        for (value, text) in [(100.0, "100"), (0.5, "0.5"), (20.0, "20"), (1e21, "1e+21"), (-3.5, "-3.5")] {
            assert_eq!(show(&plain, FieldType::Number, &Value::Number(value)).to_string(), text);
        }
    }

    #[test]
    fn types_suggest_units() {
        let plain = FieldOptions::default();
        assert_eq!(show(&plain, FieldType::Time, &Value::Number(0.0)).text, "1970-01-01 00:00:00");
        assert_eq!(show(&plain, FieldType::Boolean, &Value::Boolean(true)).text, "True");
        assert_eq!(show(&plain, FieldType::Text, &Value::from("12")).text, "12");
        let none = FieldOptions { no_value: Some("none".to_owned()), ..plain };
        assert_eq!(show(&none, FieldType::Number, &Value::Null).text, "none");
    }

    #[test]
    fn the_first_mapping_that_matches_counts() {
        let mappings = vec![
            Mapping::Value(vec![("1".to_owned(), result("Pending")), ("2".to_owned(), result("Running"))]),
            Mapping::Range { from: Some(3.0), to: Some(5.0), result: result("bad") },
            Mapping::Range { from: Some(100.0), to: None, result: result("much") },
            Mapping::Regex { pattern: crate::model::Pattern::new("/^pod-(.*)$/"), result: result("$1x") },
            Mapping::Special { matches: "null+nan".to_owned(), result: result("nothing") },
            Mapping::Special { matches: "empty".to_owned(), result: result("empty") },
        ];
        let options = FieldOptions { mappings, ..FieldOptions::default() };
        let table = [
            (Value::Number(2.0), "Running"),
            (Value::Number(5.0), "bad"),
            (Value::Number(6.0), "6"),
            (Value::Number(1e9), "much"),
            (Value::from("pod-a"), "ax"),
            (Value::Null, "nothing"),
            (Value::Number(f64::NAN), "nothing"),
            (Value::from(""), "empty"),
        ];
        for (value, text) in table {
            let field_type =
                if matches!(value, Value::Text(_)) { FieldType::Text } else { FieldType::Number };
            let shown = show(&options, field_type, &value);
            assert_eq!(shown.to_string(), text, "{value:?}");
            assert_eq!(shown.mapped, text != "6");
            if shown.mapped {
                assert_eq!(shown.color, by_name("red", Theme::Dark));
            }
        }
    }

    #[test]
    fn a_value_without_mapping_takes_the_colour_of_its_threshold() {
        let step = |value, color: &str| ThresholdStep { value, color: color.to_owned() };
        let steps = vec![step(None, "green"), step(Some(5.0), "orange")];
        let thresholds = Some(Thresholds { mode: ThresholdMode::Absolute, steps });
        let options = FieldOptions { thresholds, ..FieldOptions::default() };
        let shown = show(&options, FieldType::Number, &Value::Number(7.5));
        assert_eq!((shown.color.as_str(), shown.percent), ("#FF9830", 0.75));
        assert_eq!(show(&options, FieldType::Number, &Value::Null).color, "#73BF69");
    }

    #[test]
    fn groups_of_javascript_become_groups_of_ours() {
        for (from, to) in
            [("$1x", "${1}x"), ("$12", "${12}"), ("a$", "a$$"), ("$$1", "$$1"), ("$&", "${0}"), ("$x", "$$x")]
        {
            assert_eq!(braced_groups(from), to);
        }
    }
}
