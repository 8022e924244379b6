//! Variables: most properties are called the same, the numbers of the classic form are words in v2.

use serde_json::{Map, Value};

use super::panel::DataQuery;
use crate::import::ImportError;
use crate::import::part::{Losses, Part};

const TYPES: [(&str, &str); 9] = [
    ("QueryVariable", "query"),
    ("TextVariable", "textbox"),
    ("ConstantVariable", "constant"),
    ("DatasourceVariable", "datasource"),
    ("IntervalVariable", "interval"),
    ("CustomVariable", "custom"),
    ("GroupByVariable", "groupby"),
    ("AdhocVariable", "adhoc"),
    ("SwitchVariable", "switch"),
];

/// The words in the order of their numbers.
const HIDE: [&str; 4] = ["dontHide", "hideLabel", "hideVariable", "inControlsMenu"];
const REFRESH: [&str; 3] = ["never", "onDashboardLoad", "onTimeRangeChanged"];
const SORT: [&str; 9] = [
    "disabled",
    "alphabeticalAsc",
    "alphabeticalDesc",
    "numericalAsc",
    "numericalDesc",
    "alphabeticalCaseInsensitiveAsc",
    "alphabeticalCaseInsensitiveDesc",
    "naturalAsc",
    "naturalDesc",
];

/// A variable in classic form.
pub(super) fn to_classic(mut variable: Part<'_>, losses: &mut Losses) -> Result<Value, ImportError> {
    let kind = variable.text("kind").unwrap_or_default();
    let Some((_, classic_type)) = TYPES.iter().find(|(name, _)| *name == kind) else {
        return variable.error("kind", format!("the variable type {kind:?} is not known"));
    };
    let mut classic = Map::new();
    classic.insert("type".to_owned(), (*classic_type).into());
    let mut spec = variable.needed("spec")?;
    let words: [(&'static str, &[&str]); 3] = [("hide", &HIDE), ("refresh", &REFRESH), ("sort", &SORT)];
    for (key, words) in words {
        match spec.take(key) {
            None => {}
            Some(Value::String(word)) => match words.iter().position(|known| known == word) {
                Some(number) => _ = classic.insert(key.to_owned(), number.into()),
                None => return spec.error(key, format!("{word:?} is not one of {}", words.join(", "))),
            },
            // Interval variables have a true or false here; the classic form has both.
            Some(other) => _ = classic.insert(key.to_owned(), other.clone()),
        }
    }
    match kind {
        "QueryVariable" => query(&mut spec, &mut classic, losses)?,
        "DatasourceVariable" => {
            if let Some(plugin) = spec.take("pluginId") {
                classic.insert("query".to_owned(), plugin.clone());
            }
        }
        _ => {}
    }
    // These two have their data source outside.
    let group = variable.text("group");
    if let Some(mut datasource) = variable.part("datasource")? {
        let mut reference = Map::new();
        if let Some(group) = group {
            reference.insert("type".to_owned(), group.into());
        }
        if let Some(name) = datasource.take("name") {
            reference.insert("uid".to_owned(), name.clone());
        }
        datasource.finish(losses);
        classic.insert("datasource".to_owned(), Value::Object(reference));
    }
    spec.take("origin");
    spec.copy_rest(&mut classic);
    variable.finish(losses);
    Ok(Value::Object(classic))
}

fn query(
    spec: &mut Part<'_>,
    classic: &mut Map<String, Value>,
    losses: &mut Losses,
) -> Result<(), ImportError> {
    let place = spec.place("query");
    let Some(value) = spec.take("query") else { return Ok(()) };
    // v2alpha1 allowed a plain text.
    if value.is_string() {
        classic.insert("query".to_owned(), value.clone());
        return Ok(());
    }
    let mut query = DataQuery::read(Part::of(value, place)?, losses)?;
    if let Some(old) = spec.part("datasource")? {
        query.read_old_datasource(old, losses);
    }
    classic.insert("datasource".to_owned(), query.datasource());
    // A text in the classic form is kept under this name.
    let text = query.spec.get("__legacyStringValue").filter(|value| value.is_string());
    let value = text.cloned().unwrap_or_else(|| Value::Object(query.spec.clone()));
    classic.insert("query".to_owned(), value);
    Ok(())
}
