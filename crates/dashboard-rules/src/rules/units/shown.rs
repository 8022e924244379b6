//! In which unit a panel shows the answer to a query, and under which name.

use grafana::model::options::ReduceOptions;
use grafana::model::{FieldIdentity, Matcher, Panel, PanelKind, Pattern};
use grafana::transform::Step;
use serde_json::Value;

use crate::pointer::Pointer;
use crate::subject::{Dashboard, Query};

/// How the values of a query appear.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Appearance {
    /// The column's or line's name; labels in it are left as they are written.
    pub(super) name: String,
    /// The unit; `None` where none is set.
    pub(super) unit: Option<String>,
    /// Where the unit stands, or would stand.
    pub(super) pointer: Pointer,
    /// The largest value of the scale.
    pub(super) max: Option<f64>,
}

/// How the values of a query appear in its panel; `None` where that cannot be told.
pub(super) fn appearance(dashboard: &Dashboard, query: &Query) -> Option<Appearance> {
    let panel = dashboard.panel_of(query)?;
    let target = dashboard.target_of(query)?;
    if target.hide {
        return None;
    }
    let is_table = panel.kind == PanelKind::Table;
    if !is_table
        && !matches!(
            panel.kind,
            PanelKind::TimeSeries | PanelKind::Stat | PanelKind::Gauge | PanelKind::BarGauge
        )
    {
        return None;
    }
    let legend = target.legend_format.as_deref().filter(|legend| *legend != "__auto").unwrap_or_default();
    let alone = panel.targets.iter().filter(|target| !target.hide).count() == 1;
    let first = match (is_table, alone) {
        (false, _) => legend.to_owned(),
        (true, true) => "Value".to_owned(),
        (true, false) => format!("Value #{}", target.ref_id),
    };
    let mut names = vec![first];
    if is_table && alone {
        // A table of one query may also have been told which it is.
        names.push(format!("Value #{}", target.ref_id));
    }
    let names = transformed(panel, names)?;
    // Where overrides match by one of the names, that is the name.
    let chosen = names
        .iter()
        .find(|name| {
            panel.field_config.overrides.iter().any(|exception| {
                !matches!(exception.matcher, Matcher::ByType(_))
                    && exception.matcher.matches(identity(name, &target.ref_id))
            })
        })
        .or(names.first())?
        .clone();
    if is_left_out(panel, &chosen) {
        return None;
    }
    let options = panel.field_config.options_for(identity(&chosen, &target.ref_id));
    // A matcher that is not modelled may set anything.
    let unknown = panel.field_config.overrides.iter().any(|exception| {
        matches!(exception.matcher, Matcher::Other { .. })
            && exception.properties.iter().any(|(id, _)| id == "unit")
    });
    // A name made of labels may match more than it seems.
    let may_match = chosen.contains("{{")
        && panel.field_config.overrides.iter().any(|exception| {
            exception.properties.iter().any(|(id, _)| id == "unit")
                && matches!(exception.matcher, Matcher::ByName(_))
        });
    if unknown || may_match {
        return None;
    }
    let base = Pointer::from_path(&panel.path).key("fieldConfig");
    Some(Appearance {
        pointer: unit_pointer(dashboard, panel, &base, &chosen, &target.ref_id),
        name: if chosen == "Value" || chosen.starts_with("Value #") { String::new() } else { chosen },
        unit: options.unit,
        max: options.max,
    })
}

/// Whether a panel that shows fields by name shows others than this one: the time, say.
fn is_left_out(panel: &Panel, name: &str) -> bool {
    if !matches!(panel.kind, PanelKind::Stat | PanelKind::Gauge | PanelKind::BarGauge) {
        return false;
    }
    let fields = ReduceOptions::of(&panel.options).fields;
    !fields.is_empty() && !Pattern::new(fields).is_match(name)
}

fn identity<'a>(name: &'a str, ref_id: &'a str) -> FieldIdentity<'a> {
    FieldIdentity { name, ref_id, field_type: "number" }
}

/// The names after the panel's transformations; `None` where they compute something else, or leave it out.
fn transformed(panel: &Panel, mut names: Vec<String>) -> Option<Vec<String>> {
    for transformation in panel.transformations.iter().filter(|transformation| !transformation.disabled) {
        match Step::of(transformation).ok()? {
            Step::JoinByField { .. } | Step::Merge | Step::SortBy { .. } | Step::LabelsToFields { .. } => {}
            Step::FilterFieldsByName { .. } => {}
            Step::Organize { exclude, rename, .. } => {
                names.retain(|name| !exclude.contains(name));
                if names.is_empty() {
                    return None;
                }
                if let Some(new) = names.iter().find_map(|name| rename.get(name)) {
                    names = vec![new.clone()];
                }
            }
            Step::RenameByRegex { .. }
            | Step::CalculateField { .. }
            | Step::GroupBy(_)
            | Step::Reduce { .. } => return None,
        }
    }
    Some(names)
}

/// The last override that sets the unit of this field, or the default.
fn unit_pointer(dashboard: &Dashboard, panel: &Panel, base: &Pointer, name: &str, ref_id: &str) -> Pointer {
    let setting = panel.field_config.overrides.iter().enumerate().rev().find(|(_, exception)| {
        exception.matcher.matches(identity(name, ref_id))
            && exception.properties.iter().any(|(id, _)| id == "unit")
    });
    if let Some((index, _)) = setting {
        let properties = base.key("overrides").index(index).key("properties");
        let place = properties
            .of(&dashboard.value)
            .and_then(Value::as_array)
            .and_then(|list| list.iter().position(|property| property["id"] == "unit"));
        if let Some(place) = place {
            return properties.index(place).key("value");
        }
    }
    base.key("defaults").key("unit")
}
