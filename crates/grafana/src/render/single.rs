//! Fields as single values: what stat, gauge and bar gauge show.

use crate::color::{Scale, Theme, default_mode};
use crate::display::{Display, DisplayProcessor};
use crate::frame::{Field, FieldType, Frame, Value};
use crate::model::options::ReduceOptions;
use crate::model::{FieldIdentity, FieldOptions, Pattern};
use crate::transform::reduce::reduce;

use super::text::{MAX_NAME, cut};
use super::{Context, MAX_SERIES, PanelInput};

/// A value with its name and colour.
#[derive(Clone, Debug)]
pub(super) struct Single {
    /// As people see it.
    pub(super) name: String,
    /// As it is written.
    pub(super) shown: Display,
    /// Its colour.
    pub(super) color: String,
    /// For writing on its colour.
    pub(super) contrast: String,
    /// Milliseconds and values that it was made of, for a sparkline.
    pub(super) history: Vec<(i64, Option<f64>)>,
    /// How its field is shown.
    pub(super) options: FieldOptions,
    /// The ends of its scale.
    pub(super) ends: (f64, f64),
}

/// The values of a panel, and how many of them are not drawn.
pub(super) fn collect(input: &PanelInput<'_>, context: &Context<'_>) -> (Vec<Single>, usize) {
    let reduction = ReduceOptions::of(&input.panel.options);
    let calc = reduction.calcs.first().map_or("lastNotNull", String::as_str);
    let pattern = Some(&reduction.fields).filter(|fields| !fields.is_empty()).map(Pattern::new);
    let wanted = |field: &Field, name: &str| match &pattern {
        Some(pattern) => pattern.is_match(name),
        None => field.field_type == FieldType::Number,
    };
    let mut found: Vec<(&Frame, &Field, String, Value)> = Vec::new();
    for frame in input.frames.iter().filter(|frame| frame.rows() > 0) {
        let names = frame.shown_names();
        for (field, name) in frame.fields.iter().zip(names) {
            if !wanted(field, &name) {
                continue;
            }
            if reduction.values {
                let rows = frame.rows().min(reduction.limit.unwrap_or(usize::MAX));
                for row in 0..rows {
                    let value = field.values.get(row).cloned().unwrap_or(Value::Null);
                    found.push((
                        frame,
                        field,
                        row_name(frame, field, row).unwrap_or_else(|| name.clone()),
                        value,
                    ));
                }
            } else {
                found.push((frame, field, name, reduce(calc, &field.values)));
            }
        }
    }
    let left_out = found.len().saturating_sub(MAX_SERIES);
    let numbers: Vec<f64> = all_numbers(input);
    let singles = found.into_iter().take(MAX_SERIES).enumerate();
    let singles = singles.map(|(index, (frame, field, name, value))| {
        let identity =
            FieldIdentity { name: &name, ref_id: &frame.ref_id, field_type: field.field_type.id() };
        let options = input.panel.field_config.options_for(identity);
        let show = |theme: Theme| {
            let scale = Scale::new(&options, numbers.iter().copied(), index, theme);
            let default_color_mode = default_mode(input.panel.kind.id());
            let processor = DisplayProcessor {
                options: &options,
                field_type: field.field_type,
                scale,
                default_color_mode,
                clock: context.clock,
            };
            (processor.show(&value), (scale.min, scale.max))
        };
        let (mut shown, ends) = show(Theme::Dark);
        if shown.text.is_empty() {
            shown.text = "–".to_owned();
        }
        shown.text = cut(&shown.text, MAX_NAME).into_owned();
        let own = options.display_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&name);
        Single {
            name: cut(own, MAX_NAME).into_owned(),
            color: context.appearance.paint(|theme| show(theme).0.color),
            contrast: context.appearance.on(|theme| show(theme).0.color),
            history: if reduction.values { Vec::new() } else { history(frame, field) },
            shown,
            ends,
            options,
        }
    });
    (singles.collect(), left_out)
}

/// The texts of a row.
fn row_name(frame: &Frame, own: &Field, row: usize) -> Option<String> {
    let texts =
        frame.fields.iter().filter(|field| field.field_type == FieldType::Text && !std::ptr::eq(*field, own));
    let texts: Vec<String> = texts.filter_map(|field| field.values.get(row)).map(Value::to_text).collect();
    (!texts.is_empty()).then(|| texts.join(" "))
}

fn all_numbers(input: &PanelInput<'_>) -> Vec<f64> {
    let fields = input.frames.iter().flat_map(|frame| &frame.fields);
    let numbers = fields.filter(|field| field.field_type == FieldType::Number);
    numbers.flat_map(|field| &field.values).filter_map(Value::as_number).collect()
}

fn history(frame: &Frame, field: &Field) -> Vec<(i64, Option<f64>)> {
    let Some(time) = frame.fields.iter().find(|field| field.field_type == FieldType::Time) else {
        return Vec::new();
    };
    let points = time.values.iter().zip(&field.values);
    let points = points.filter_map(|(time, value)| {
        let ms = time.as_number().filter(|ms| ms.is_finite())? as i64;
        Some((ms, value.as_number().filter(|value| value.is_finite())))
    });
    points.collect()
}

/// How full a scale is, from 0 to 1.
pub(super) fn share(single: &Single) -> f64 {
    if single.shown.percent.is_finite() { single.shown.percent.clamp(0.0, 1.0) } else { 0.0 }
}
