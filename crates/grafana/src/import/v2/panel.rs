//! Panels, and what they ask.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::import::ImportError;
use crate::import::part::{Losses, Part, key_in};

/// The panels of a dashboard by name; the layout says where each stands.
pub(super) struct Elements<'a> {
    names: &'a Map<String, Value>,
    path: String,
    used: BTreeSet<&'a str>,
}

impl<'a> Elements<'a> {
    pub(super) fn new(part: Part<'a>) -> Self {
        let path = part.path().to_owned();
        Self { names: part.all(), path, used: BTreeSet::new() }
    }

    /// The panel of a name that is referred to at `place`, in classic form and without its place on the page.
    pub(super) fn panel(
        &mut self,
        name: &str,
        place: &str,
        losses: &mut Losses,
    ) -> Result<Map<String, Value>, ImportError> {
        let Some((name, value)) = self.names.get_key_value(name) else {
            let message = format!("there is no element {name:?}");
            return Err(ImportError::NoClassicForm { path: place.to_owned(), message });
        };
        if !self.used.insert(name) {
            let message = format!("the element {name:?} stands on the page twice");
            return Err(ImportError::NoClassicForm { path: place.to_owned(), message });
        }
        let path = key_in(&self.path, name);
        panel(Part::of(value, path)?, losses)
    }

    pub(super) fn report_unused(&self, losses: &mut Losses) {
        for name in self.names.keys().filter(|name| !self.used.contains(name.as_str())) {
            losses.add(key_in(&self.path, name), "no layout shows it");
        }
    }
}

fn panel(mut element: Part<'_>, losses: &mut Losses) -> Result<Map<String, Value>, ImportError> {
    match element.text("kind") {
        Some("Panel") => {}
        Some("LibraryPanel") => {
            return element.error("kind", "is a library panel: unlink it in Grafana, and export again");
        }
        other => return element.error("kind", format!("the kind {:?} is not known", other.unwrap_or(""))),
    }
    let mut spec = element.needed("spec")?;
    let mut panel = Map::new();
    spec.copy(&["id", "title", "description", "links", "transparent"], &mut panel);
    if panel.get("links").is_some_and(|links| links == &json!([])) {
        panel.remove("links");
    }
    for key in ["description", "transparent"] {
        if panel.get(key).is_some_and(|value| value == "" || value == false) {
            panel.remove(key);
        }
    }
    spec.drop_field("subtitle", "the classic form has no subtitles", losses);
    visualisation(spec.needed("vizConfig")?, &mut panel, losses)?;
    if let Some(data) = spec.part("data")? {
        query_group(data, &mut panel, losses)?;
    }
    spec.finish(losses);
    element.finish(losses);
    Ok(panel)
}

fn visualisation(
    mut config: Part<'_>,
    panel: &mut Map<String, Value>,
    losses: &mut Losses,
) -> Result<(), ImportError> {
    let kind = config.text("kind").unwrap_or_default();
    let group = config.text("group");
    let version = config.take("version");
    let mut spec = config.needed("spec")?;
    // Before v2beta1 the kind itself was the type, and the version stood inside.
    let plugin = group.unwrap_or(kind);
    if plugin.is_empty() || plugin == "VizConfig" {
        return config.error("group", "is missing: which type of panel is this?");
    }
    panel.insert("type".to_owned(), plugin.into());
    if let Some(version) = version.or(spec.take("pluginVersion")).filter(|version| *version != "") {
        panel.insert("pluginVersion".to_owned(), version.clone());
    }
    spec.copy(&["options", "fieldConfig"], panel);
    spec.finish(losses);
    config.finish(losses);
    Ok(())
}

fn query_group(
    mut group: Part<'_>,
    panel: &mut Map<String, Value>,
    losses: &mut Losses,
) -> Result<(), ImportError> {
    group.take("kind");
    let mut spec = group.needed("spec")?;
    let mut targets = Vec::new();
    let mut datasources: Vec<Value> = Vec::new();
    for (query, path) in spec.list("queries")? {
        let target = target(Part::of(query, path)?, losses)?;
        if let Some(datasource) = target.get("datasource")
            && !datasources.contains(datasource)
        {
            datasources.push(datasource.clone());
        }
        targets.push(Value::Object(target));
    }
    if !targets.is_empty() {
        panel.insert("targets".to_owned(), Value::Array(targets));
    }
    match datasources.as_slice() {
        [] => {}
        [one] => _ = panel.insert("datasource".to_owned(), one.clone()),
        _ => {
            let mixed = json!({ "type": "mixed", "uid": "-- Mixed --" });
            panel.insert("datasource".to_owned(), mixed);
        }
    }
    let mut transformations = Vec::new();
    for (value, path) in spec.list("transformations")? {
        transformations.push(transformation(Part::of(value, path)?, losses)?);
    }
    if !transformations.is_empty() {
        panel.insert("transformations".to_owned(), Value::Array(transformations));
    }
    if let Some(mut options) = spec.part("queryOptions")? {
        let same = [
            "timeFrom",
            "maxDataPoints",
            "timeShift",
            "queryCachingTTL",
            "interval",
            "cacheTimeout",
            "hideTimeOverride",
        ];
        options.copy(&same, panel);
        options.finish(losses);
    }
    spec.finish(losses);
    group.finish(losses);
    Ok(())
}

fn target(mut query: Part<'_>, losses: &mut Losses) -> Result<Map<String, Value>, ImportError> {
    query.take("kind");
    let mut spec = query.needed("spec")?;
    let mut data = DataQuery::read(spec.needed("query")?, losses)?;
    if let Some(old) = spec.part("datasource")? {
        data.read_old_datasource(old, losses);
    }
    let mut target = data.spec.clone();
    target.insert("datasource".to_owned(), data.datasource());
    target.insert("refId".to_owned(), spec.text("refId").unwrap_or("A").into());
    if spec.flag("hidden") {
        target.insert("hide".to_owned(), true.into());
    }
    spec.finish(losses);
    query.finish(losses);
    Ok(target)
}

fn transformation(mut kind: Part<'_>, losses: &mut Losses) -> Result<Value, ImportError> {
    let name = kind.text("kind").unwrap_or_default();
    let group = kind.text("group");
    let mut spec = kind.needed("spec")?;
    // Before v2 the kind itself was the id, which also stood inside.
    let id = group.or(spec.text("id")).unwrap_or(name);
    if id.is_empty() || id == "Transformation" {
        return kind.error("group", "is missing: which transformation is this?");
    }
    let mut classic = Map::new();
    classic.insert("id".to_owned(), id.into());
    spec.copy(&["disabled", "filter", "topic", "options"], &mut classic);
    spec.finish(losses);
    kind.finish(losses);
    Ok(Value::Object(classic))
}

/// What is asked of a data source.
pub(super) struct DataQuery<'a> {
    /// The type of the data source: `prometheus`.
    pub(super) group: &'a str,
    datasource: Option<&'a str>,
    /// What the data source wants to know.
    pub(super) spec: &'a Map<String, Value>,
}

impl<'a> DataQuery<'a> {
    pub(super) fn read(mut query: Part<'a>, losses: &mut Losses) -> Result<Self, ImportError> {
        let kind = query.text("kind").unwrap_or_default();
        // Before v2beta1 the kind itself was the type.
        let group = query.text("group").unwrap_or(if kind == "DataQuery" { "" } else { kind });
        query.take("version");
        let mut name = None;
        if let Some(mut datasource) = query.part("datasource")? {
            name = datasource.text("name").filter(|name| !name.is_empty());
            datasource.finish(losses);
        }
        let spec = query.needed("spec")?.all();
        query.drop_field("labels", "queries of the classic form have no labels", losses);
        query.finish(losses);
        Ok(Self { group, datasource: name, spec })
    }

    /// v2alpha1 has the data source beside the query.
    pub(super) fn read_old_datasource(&mut self, mut part: Part<'a>, losses: &mut Losses) {
        if let Some(kind) = part.text("type").filter(|_| self.group.is_empty()) {
            self.group = kind;
        }
        self.datasource = self.datasource.or(part.text("uid"));
        part.finish(losses);
    }

    /// In classic form.
    pub(super) fn datasource(&self) -> Value {
        let mut reference = Map::new();
        if !self.group.is_empty() {
            reference.insert("type".to_owned(), self.group.into());
        }
        if let Some(name) = self.datasource {
            reference.insert("uid".to_owned(), name.into());
        }
        Value::Object(reference)
    }
}
