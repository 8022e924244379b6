//! A panel as source: by the library's function and what differs from it, or as an object, whichever is shorter.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::code::{Code, Field};
use super::common::Common;
use super::library::Library;
use super::names::{Names, camel_case};

/// The order in which an object's fields are written; the rest follows, sorted.
const ORDER: [&str; 18] = [
    "type",
    "title",
    "description",
    "id",
    "gridPos",
    "datasource",
    "interval",
    "targets",
    "refId",
    "expr",
    "legendFormat",
    "fieldConfig",
    "defaults",
    "overrides",
    "unit",
    "options",
    "transformations",
    "links",
];

/// Hidden fields of the library's panels: a property of that name would stay hidden.
const OURS: [&str; 2] = ["size", "key"];

/// Writes panels, and keeps their queries.
pub(super) struct Writer<'a> {
    pub(super) library: &'a Library,
    common: &'a Common,
    pub(super) panel_names: Names,
    query_names: Names,
    queries: Vec<(String, String)>,
    by_query: BTreeMap<String, String>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(library: &'a Library, common: &'a Common) -> Self {
        Self {
            library,
            common,
            panel_names: Names::default(),
            query_names: Names::default(),
            queries: Vec::new(),
            by_query: BTreeMap::new(),
        }
    }

    /// The queries with their names, in the order in which they appeared.
    pub(super) fn queries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.queries.iter().map(|(name, query)| (name.as_str(), query.as_str()))
    }

    /// A panel that `finish` completes, without the properties in `elsewhere`.
    pub(super) fn panel(&mut self, panel: &Map<String, Value>, name: &str, elsewhere: &[&str]) -> Code {
        let mut wanted: Map<String, Value> = panel
            .iter()
            .filter(|(key, _)| !elsewhere.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let targets = wanted.remove("targets").as_ref().map(|targets| self.targets(targets, name));
        let mut hidden = Vec::new();
        if targets.is_some() {
            hidden = take_common(&mut wanted, &self.common.panel);
        }
        let raw = raw(self.library, &wanted, targets.clone(), &hidden);
        match self.by_library(&wanted, targets, hidden) {
            Some(short) if size(&short) < size(&raw) => short,
            _ => raw,
        }
    }

    fn targets(&mut self, targets: &Value, panel: &str) -> Code {
        let Value::Array(targets) = targets else { return Code::literal(targets) };
        let alone = targets.len() == 1;
        let codes = targets.iter().enumerate().map(|(i, target)| match target {
            Value::Object(target) => self.target(target, i, panel, alone),
            other => Code::literal(other),
        });
        Code::List(codes.collect())
    }

    fn target(&mut self, target: &Map<String, Value>, i: usize, panel: &str, alone: bool) -> Code {
        let mut wanted = target.clone();
        let mut hidden = take_common(&mut wanted, &self.common.target);
        let letter =
            u32::try_from(i).ok().filter(|i| *i < 26).and_then(|i| char::from_u32(u32::from('A') + i));
        match wanted.get("refId") {
            Some(Value::String(id)) if Some(id.as_str()) == letter.map(String::from).as_deref() => {
                wanted.remove("refId");
            }
            Some(_) => {}
            None => hidden.push(Field::hidden("refId", Code::word("null"))),
        }
        let query = match wanted.get("expr") {
            Some(Value::String(query)) => {
                let hint = if alone { String::new() } else { query_hint(target, letter) };
                Some(Code::Word(format!("queries.{}(config)", self.query_name(query, panel, &hint))))
            }
            _ => None,
        };
        let mut best = with_expr(&wanted, query.as_ref(), &hidden);
        for function in ["range", "instant", "table"] {
            let (Some(query), Some(made)) = (&query, self.library.target(function)) else { continue };
            let legend = wanted.get("legendFormat").and_then(Value::as_str).unwrap_or_default();
            let mut arguments = vec![query.clone()];
            let mut made = made.clone();
            made.insert("expr".to_owned(), wanted["expr"].clone());
            if function == "range" || (function == "instant" && !legend.is_empty()) {
                arguments.push(Code::text(legend));
                made.insert("legendFormat".to_owned(), legend.into());
            }
            let mut rest = difference(&made, &wanted);
            rest.extend(hidden.iter().cloned());
            let mut parts = vec![Code::call(format!("target.{function}"), arguments)];
            if !rest.is_empty() {
                parts.push(Code::Object(rest));
            }
            let candidate = sum(parts);
            if size(&candidate) < size(&best) {
                best = candidate;
            }
        }
        best
    }

    /// Equal queries have one name.
    fn query_name(&mut self, query: &str, panel: &str, hint: &str) -> &str {
        if !self.by_query.contains_key(query) {
            let name = self.query_names.new_name(&format!("{panel} {hint}"), "query");
            self.queries.push((name.clone(), query.to_owned()));
            self.by_query.insert(query.to_owned(), name);
        }
        &self.by_query[query]
    }

    fn by_library(
        &self,
        wanted: &Map<String, Value>,
        targets: Option<Code>,
        hidden: Vec<Field>,
    ) -> Option<Code> {
        if OURS.iter().any(|key| wanted.contains_key(*key)) {
            return None;
        }
        let text = |key: &str| wanted.get(key).and_then(Value::as_str).unwrap_or_default();
        let (kind, title, description) = (text("type"), text("title"), text("description"));
        let at = |pointer: &str| Value::Object(wanted.clone()).pointer(pointer).cloned();
        let unit = at("/fieldConfig/defaults/unit");
        let unit = unit.as_ref().and_then(Value::as_str).unwrap_or_default();
        let mut made = self.library.panel(kind, unit)?.clone();
        made.insert("title".to_owned(), title.into());
        if wanted.contains_key("description") || !self.common.hides_empty_descriptions {
            made.insert("description".to_owned(), description.into());
        } else {
            made.remove("description");
        }
        let mut arguments = vec![Code::text(title), about(description)];
        if kind == "text" {
            if targets.is_some() {
                return None;
            }
            let content = at("/options/content")?.as_str()?.to_owned();
            made.get_mut("options")?.as_object_mut()?.insert("content".to_owned(), content.clone().into());
            arguments.push(Code::text(content));
        } else {
            let defaults = made.get_mut("fieldConfig")?.get_mut("defaults")?.as_object_mut()?;
            defaults.insert("unit".to_owned(), unit.into());
            made.remove("targets");
            arguments.push(self.unit(unit));
            arguments.push(targets?);
        }
        let mut parts = vec![Code::call(format!("panels.{kind}"), arguments)];
        self.additions(wanted, &mut made, &mut parts);
        let mut rest = difference(&made, wanted);
        rest.extend(hidden);
        if !rest.is_empty() {
            parts.push(Code::Object(rest));
        }
        Some(sum(parts))
    }

    fn unit(&self, unit: &str) -> Code {
        self.library
            .name_in("units", &unit.into())
            .map_or_else(|| Code::text(unit), |name| Code::Word(format!("units.{name}")))
    }

    /// The library's additions that lead from `made` towards `wanted`.
    fn additions(&self, wanted: &Map<String, Value>, made: &mut Map<String, Value>, parts: &mut Vec<Code>) {
        let whole = Value::Object(wanted.clone());
        for (name, addition) in self.library.additions() {
            if has(&whole, addition) && !has(&Value::Object(made.clone()), addition) {
                merge(made, addition);
                parts.push(Code::Word(format!("panels.{name}")));
            }
        }
        let Some(defaults) = whole.pointer("/fieldConfig/defaults").and_then(Value::as_object) else {
            return;
        };
        let Some(own) = made
            .get_mut("fieldConfig")
            .and_then(|config| config.get_mut("defaults"))
            .and_then(Value::as_object_mut)
        else {
            return;
        };
        for (function, property) in [("upTo", "max"), ("decimals", "decimals"), ("noValue", "noValue")] {
            if let Some(value @ (Value::Number(_) | Value::String(_))) = defaults.get(property)
                && !own.contains_key(property)
            {
                own.insert(property.to_owned(), value.clone());
                parts.push(Code::call(format!("panels.{function}"), vec![Code::literal(value)]));
            }
        }
        for group in ["thresholds", "mappings"] {
            if let Some(value) = defaults.get(group)
                && own.get(group) != Some(value)
                && let Some(name) = self
                    .library
                    .name_in(group, &Value::Object(Map::from_iter([(group.to_owned(), value.clone())])))
            {
                own.insert(group.to_owned(), value.clone());
                parts.push(Code::call("panels.field", vec![Code::Word(format!("{group}.{name}"))]));
            }
        }
        self.limit_lines(&whole, made, parts);
    }

    /// Overrides that make lines dashed, where they are the first ones.
    fn limit_lines(&self, whole: &Value, made: &mut Map<String, Value>, parts: &mut Vec<Code>) {
        let (Some(Value::Array(overrides)), Some(properties)) =
            (whole.pointer("/fieldConfig/overrides"), self.library.limit_line())
        else {
            return;
        };
        let lines: Vec<&Value> = overrides
            .iter()
            .take_while(|one| {
                one.get("properties") == Some(properties)
                    && one.as_object().is_some_and(|one| one.len() == 2)
                    && one.get("matcher").is_some_and(|matcher| {
                        matcher.get("id") == Some(&"byName".into())
                            && matcher.as_object().is_some_and(|matcher| matcher.len() == 2)
                            && matcher.get("options").is_some_and(Value::is_string)
                    })
            })
            .collect();
        if lines.is_empty() {
            return;
        }
        let Some(Value::Object(config)) = made.get_mut("fieldConfig") else { return };
        config.insert("overrides".to_owned(), lines.iter().map(|line| (*line).clone()).collect());
        let names = lines.iter().map(|line| Code::literal(&line["matcher"]["options"])).collect();
        parts.push(Code::call("panels.limitLines", vec![Code::List(names)]));
    }
}

/// What to call one of several queries after: its legend, where that is a text, else its letter.
fn query_hint(target: &Map<String, Value>, letter: Option<char>) -> String {
    let legend = target.get("legendFormat").and_then(Value::as_str).unwrap_or_default();
    if !legend.contains("{{") && !camel_case(legend).is_empty() && !legend.starts_with("__") {
        return legend.to_owned();
    }
    letter.map(String::from).unwrap_or_default()
}

/// Takes out what is said at the top; what differs from that in being absent has to be hidden.
fn take_common(wanted: &mut Map<String, Value>, common: &Map<String, Value>) -> Vec<Field> {
    let mut hidden = Vec::new();
    for (key, value) in common {
        match wanted.get(key) {
            Some(own) if own == value => _ = wanted.remove(key),
            Some(_) => {}
            None => hidden.push(Field::hidden(key, Code::word("null"))),
        }
    }
    hidden
}

fn sum(mut parts: Vec<Code>) -> Code {
    if parts.len() == 1 { parts.remove(0) } else { Code::Sum(parts) }
}

fn size(code: &Code) -> usize {
    let mut text = String::new();
    code.write(&mut text, 4, 0);
    text.len()
}

fn raw(library: &Library, wanted: &Map<String, Value>, targets: Option<Code>, hidden: &[Field]) -> Code {
    let mut fields = Vec::new();
    for (name, value) in wanted {
        let code = match (name.as_str(), value) {
            ("description", Value::String(text)) => about(text),
            ("fieldConfig", Value::Object(config)) => field_config(library, config),
            _ => ordered(value),
        };
        fields.push(Field::new(name, code));
    }
    if let Some(targets) = targets {
        fields.push(Field::new("targets", targets));
    }
    sort(&mut fields);
    fields.extend(hidden.iter().cloned());
    Code::Object(fields)
}

fn with_expr(wanted: &Map<String, Value>, query: Option<&Code>, hidden: &[Field]) -> Code {
    let mut fields: Vec<Field> = wanted
        .iter()
        .map(|(name, value)| match (query, name.as_str()) {
            (Some(query), "expr") => Field::new(name, query.clone()),
            _ => Field::new(name, Code::literal(value)),
        })
        .collect();
    sort(&mut fields);
    fields.extend(hidden.iter().cloned());
    Code::Object(fields)
}

fn field_config(library: &Library, config: &Map<String, Value>) -> Code {
    let mut fields: Vec<Field> = config
        .iter()
        .map(|(name, value)| match (name.as_str(), value) {
            ("defaults", Value::Object(defaults)) => {
                let mut inner: Vec<Field> = defaults
                    .iter()
                    .map(|(key, value)| {
                        let unit = if key == "unit" { library.name_in("units", value) } else { None };
                        let named = unit.map(|unit| Code::Word(format!("units.{unit}")));
                        Field::new(key, named.unwrap_or_else(|| ordered(value)))
                    })
                    .collect();
                sort(&mut inner);
                Field::new(name, Code::Object(inner))
            }
            _ => Field::new(name, ordered(value)),
        })
        .collect();
    sort(&mut fields);
    Code::Object(fields)
}

/// A value whose objects begin with what matters.
pub(super) fn ordered(value: &Value) -> Code {
    match value {
        Value::Array(items) => Code::List(items.iter().map(ordered).collect()),
        Value::Object(object) => {
            let mut fields: Vec<Field> =
                object.iter().map(|(name, value)| Field::new(name, ordered(value))).collect();
            sort(&mut fields);
            Code::Object(fields)
        }
        other => Code::literal(other),
    }
}

fn sort(fields: &mut [Field]) {
    let rank = |field: &Field| ORDER.iter().position(|name| *name == field.name).unwrap_or(ORDER.len());
    fields.sort_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| one.name.cmp(&other.name)));
}

/// What has to be added to `made` so that it is `wanted`.
fn difference(made: &Map<String, Value>, wanted: &Map<String, Value>) -> Vec<Field> {
    let mut fields = Vec::new();
    for (name, value) in wanted {
        match (made.get(name), value) {
            (Some(own), value) if own == value => {}
            (Some(Value::Object(own)), Value::Object(value)) => {
                fields.push(Field::adding(name, Code::Object(difference(own, value))));
            }
            (Some(Value::Array(own)), Value::Array(value)) if !own.is_empty() && value.starts_with(own) => {
                let more = value[own.len()..].iter().map(ordered).collect();
                fields.push(Field::adding(name, Code::List(more)));
            }
            (_, value) => fields.push(Field::new(name, ordered(value))),
        }
    }
    sort(&mut fields);
    for name in made.keys().filter(|name| !wanted.contains_key(*name)) {
        fields.push(Field::hidden(name, Code::word("null")));
    }
    fields
}

/// Whether `whole` has everything that `part` has.
fn has(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, value)| whole.get(name).is_some_and(|own| has(own, value)))
        }
        (whole, part) => whole == part,
    }
}

fn merge(made: &mut Map<String, Value>, addition: &Value) {
    let Value::Object(addition) = addition else { return };
    for (name, value) in addition {
        match (made.get_mut(name), value) {
            (Some(Value::Object(own)), Value::Object(_)) => merge(own, value),
            _ => _ = made.insert(name.clone(), value.clone()),
        }
    }
}

/// A description in the form of the library's `about`, or any other text.
fn about(description: &str) -> Code {
    in_form_of_about(description).unwrap_or_else(|| Code::text(description))
}

fn in_form_of_about(description: &str) -> Option<Code> {
    let (before, receiver) = description.rsplit_once("\n\n**Receiver:** ")?;
    let receiver = receiver.strip_suffix('.')?;
    let (meaning, act) = match before.split_once("\n\n**What to do:** ") {
        Some((meaning, act)) => (meaning, act),
        None => (before, ""),
    };
    let (receiver, needs) = receiver.split_once(", with ").unwrap_or((receiver, ""));
    if meaning.is_empty()
        || description.contains("**What to do:** \n")
        || before.ends_with("**What to do:** ")
    {
        return None;
    }
    let mut arguments = vec![Code::text(meaning), Code::text(receiver)];
    if !act.is_empty() {
        arguments.push(Code::text(act));
    }
    if !needs.is_empty() {
        arguments.push(Code::named("needs", Code::text(needs)));
    }
    Some(Code::call("about", arguments))
}
