//! What the rules look at: dashboards as JSON and as a model, with every query parsed once.

mod query;
mod spans;
mod substitution;

use std::collections::HashMap;
use std::sync::Arc;

use grafana::import::{self, ImportError, Origin};
use grafana::interval::TimeRange;
use grafana::model::{self, DataSourceRef, Deviation, Panel, Target, Variable, VariableKind};
use grafana::variables::{own_options, references};
use promql::ast::Span;
use serde_json::Value;

pub use query::{Owner, Query};
pub use substitution::{is_open, variables_in, written};

use crate::finding::{PanelName, Place};
use crate::pointer::Pointer;
use crate::suppression::{self, Suppression};

/// The dashboards that are judged together.
#[derive(Debug, Default)]
pub struct Subject {
    /// Those that could be read.
    pub dashboards: Vec<Dashboard>,
    /// Those that could not.
    pub unreadable: Vec<Unreadable>,
    /// Others that are there and not judged: what links may lead to.
    pub elsewhere: Vec<Dashboard>,
    /// The day on which they are judged, for what expires.
    pub today: Option<jiff::civil::Date>,
    by_uid: HashMap<String, Vec<usize>>,
}

/// A file that holds no dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The file.
    pub file: String,
    /// Why.
    pub message: String,
    /// Line and column from 1, if there is a place.
    pub line: Option<(usize, usize)>,
}

/// Whose customs a dashboard has to keep to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Those that hold for every dashboard.
    #[default]
    Any,
    /// Ours besides: it comes from our sources, and users install it as a file.
    House,
}

/// Where a dashboard was read.
#[derive(Clone, Debug, Default)]
pub enum Source {
    /// From this text of a JSON file; the dashboard is at `wrapper` in it.
    Json {
        /// The file's text.
        text: Arc<str>,
        /// Where in it: the root, `/dashboard` or `/spec`.
        wrapper: Pointer,
    },
    /// Made by Jsonnet.
    Jsonnet {
        /// The source that is about this dashboard, as far as it is known, and its text.
        written: Option<(String, Arc<str>)>,
        /// The text of the generated file, where there is one; with `None` inside where it is missing.
        generated: Option<(String, Option<Arc<str>>)>,
    },
    /// From a value: converted from another form, or made up.
    #[default]
    Value,
}

/// A dashboard that can be judged.
#[derive(Debug, Default)]
pub struct Dashboard {
    /// Its file's name, as messages have it.
    pub file: String,
    /// Where it was read.
    pub source: Source,
    /// Whose customs hold.
    pub style: Style,
    /// In classic form.
    pub value: Value,
    /// The same as a model.
    pub model: model::Dashboard,
    /// What reading it had to forgive.
    pub deviations: Vec<Deviation>,
    /// Every query to Prometheus: of panels, variables and annotations, in this order.
    pub queries: Vec<Query>,
    /// What it asks not to be told.
    pub suppressions: Vec<Suppression>,
    /// The same dashboard before a change, where one is known.
    pub before: Option<Value>,
    /// The way to each panel through `model.panels`.
    ways: Vec<Vec<usize>>,
}

impl Subject {
    /// Dashboards that belong together.
    pub fn new(dashboards: Vec<Dashboard>) -> Self {
        let mut subject = Self { dashboards, ..Self::default() };
        subject.index();
        subject
    }

    fn index(&mut self) {
        self.by_uid.clear();
        for (index, dashboard) in self.dashboards.iter().enumerate() {
            if let Some(uid) = &dashboard.model.uid {
                self.by_uid.entry(uid.clone()).or_default().push(index);
            }
        }
    }

    /// Puts another dashboard in the place of one, and gives back that one; nothing where there is none.
    pub fn replace(&mut self, index: usize, dashboard: Dashboard) -> Option<Dashboard> {
        let place = self.dashboards.get_mut(index)?;
        let same = place.model.uid == dashboard.model.uid;
        let old = std::mem::replace(place, dashboard);
        if !same {
            self.index();
        }
        Some(old)
    }

    /// The dashboards with this uid.
    pub fn with_uid<'s>(&'s self, uid: &'s str) -> impl Iterator<Item = &'s Dashboard> {
        let judged =
            self.by_uid.get(uid).into_iter().flatten().filter_map(|index| self.dashboards.get(*index));
        judged.chain(self.elsewhere.iter().filter(move |other| other.model.uid.as_deref() == Some(uid)))
    }

    /// How many queries there are.
    pub fn queries(&self) -> usize {
        self.dashboards.iter().map(|dashboard| dashboard.queries.len()).sum()
    }
}

impl Dashboard {
    /// Reads a dashboard that is JSON already, in classic form without a wrapper.
    ///
    /// # Errors
    /// When it is no dashboard.
    pub fn new(file: impl Into<String>, value: Value, source: Source) -> Result<Self, Unreadable> {
        let file = file.into();
        let parsed = match model::parse(&value) {
            Ok(parsed) => parsed,
            Err(error) => return Err(Unreadable { file, message: error.to_string(), line: None }),
        };
        let suppressions = suppression::from_json(&value);
        let mut dashboard = Self {
            file,
            source,
            suppressions,
            model: parsed.dashboard,
            deviations: parsed.deviations,
            value,
            ..Self::default()
        };
        dashboard.ways = ways(&dashboard.model.panels);
        dashboard.queries = dashboard.read_queries();
        Ok(dashboard)
    }

    /// The same, judged by other customs.
    #[must_use]
    pub fn in_style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    /// Every panel, rows and those folded under them too, with its index.
    pub fn panels(&self) -> impl Iterator<Item = (usize, &Panel)> {
        self.model.all_panels().enumerate()
    }

    /// The panel of this index.
    pub fn panel(&self, index: usize) -> Option<&Panel> {
        let (first, rest) = self.ways.get(index)?.split_first()?;
        rest.iter().try_fold(self.model.panels.get(*first)?, |panel, step| panel.panels.get(*step))
    }

    /// The variable of this name.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.model.variables.iter().find(|variable| variable.name == name)
    }

    /// The panel that asks a query.
    pub fn panel_of(&self, query: &Query) -> Option<&Panel> {
        match query.owner {
            Owner::Target { panel, .. } => self.panel(panel),
            _ => None,
        }
    }

    /// The target that a query is of.
    pub fn target_of(&self, query: &Query) -> Option<&Target> {
        match query.owner {
            Owner::Target { panel, target } => self.panel(panel)?.targets.get(target),
            _ => None,
        }
    }

    /// The queries of a panel, by its index.
    pub fn queries_of(&self, panel: usize) -> impl Iterator<Item = &Query> {
        // They stand in the order of the panels.
        let begin = self.queries.partition_point(|query| match query.owner {
            Owner::Target { panel: other, .. } => other < panel,
            _ => false,
        });
        self.queries[begin..].iter().take_while(
            move |query| matches!(query.owner, Owner::Target { panel: other, .. } if other == panel),
        )
    }

    /// The dashboard as a whole.
    pub fn place(&self) -> Place {
        Place::file(self.file.clone())
    }

    /// Somewhere in it, outside of panels.
    pub fn place_at(&self, pointer: Pointer) -> Place {
        Place { pointer, ..self.place() }
    }

    /// A panel, or with [`Place::key`] something in it.
    pub fn place_of_panel(&self, panel: &Panel) -> Place {
        Place { panel: Some(panel_name(panel)), ..self.place_at(Pointer::from_path(&panel.path)) }
    }

    /// Somewhere in it, with the panel and the target that it lies in, if it does.
    pub fn place_around(&self, pointer: &Pointer) -> Place {
        let steps: Vec<String> = pointer.steps().collect();
        let index = |at: usize| steps.get(at).and_then(|step| step.parse::<usize>().ok());
        let mut place = self.place_at(pointer.clone());
        let (mut panels, mut at, mut panel) = (&self.model.panels, 0, None);
        // Old dashboards have their panels in rows, where paths are other ones than the model's.
        while steps.get(at).is_some_and(|step| step == "panels") && self.value.get("rows").is_none() {
            let Some(found) = index(at + 1).and_then(|index| panels.get(index)) else { break };
            (panel, panels, at) = (Some(found), &found.panels, at + 2);
        }
        if let Some(panel) = panel {
            place.panel = Some(panel_name(panel));
            if steps.get(at).is_some_and(|step| step == "targets") {
                place.ref_id = index(at + 1)
                    .and_then(|index| panel.targets.get(index))
                    .map(|target| target.ref_id.clone());
            }
        }
        place
    }

    /// A target of a panel.
    pub fn place_of_target(&self, panel: &Panel, target: usize) -> Place {
        let ref_id = panel.targets.get(target).map(|target| target.ref_id.clone());
        Place { ref_id, ..self.place_of_panel(panel).key("targets").index(target) }
    }

    /// A variable.
    pub fn place_of_variable(&self, variable: &Variable) -> Place {
        self.place_at(Pointer::from_path(&variable.path))
    }

    /// A part of a query.
    pub fn place_of_query(&self, query: &Query, span: Span) -> Place {
        let mut place = self.place_at(query.pointer.clone()).span(span);
        if let Some(panel) = self.panel_of(query) {
            place.panel = Some(panel_name(panel));
        }
        place.ref_id = self.target_of(query).map(|target| target.ref_id.clone());
        place
    }

    /// Whether a query goes to a Prometheus, as far as can be told.
    pub fn is_prometheus(&self, source: Option<&DataSourceRef>) -> bool {
        let Some(source) = source else { return true };
        match source.kind.as_deref() {
            Some("prometheus") => true,
            // Built-in sources, except where the uid shows that something else was meant.
            Some("datasource") | None => match source.uid.as_deref() {
                Some(uid) => match references(uid).next().and_then(|reference| self.variable(reference.name))
                {
                    Some(Variable { kind: VariableKind::DataSource { query, .. }, .. }) => {
                        query == "prometheus"
                    }
                    _ => source.kind.is_none() && !uid.starts_with("--") && uid != "grafana",
                },
                None => source.kind.is_none(),
            },
            Some(_) => false,
        }
    }

    /// The values that a variable offers without asking anybody.
    fn own_values(&self, name: &str) -> Vec<String> {
        let range = TimeRange { from_ms: 0, to_ms: 3_600_000 };
        let options = self.variable(name).and_then(|variable| own_options(variable, range, None));
        options.unwrap_or_default().into_iter().map(|option| option.value).collect()
    }

    fn read_queries(&self) -> Vec<Query> {
        let mut queries = Vec::new();
        let values = |name: &str| self.own_values(name);
        for (panel_index, panel) in self.panels() {
            let base = Pointer::from_path(&panel.path).key("targets");
            // A panel of logs asks in the language of logs.
            if panel.kind.id() == "logs" {
                continue;
            }
            for (index, target) in panel.targets.iter().enumerate() {
                let source = target.datasource.as_ref().or(panel.datasource.as_ref());
                if !target.expr.is_empty() && self.is_prometheus(source) {
                    let owner = Owner::Target { panel: panel_index, target: index };
                    queries.push(Query::new(
                        owner,
                        base.index(index).key("expr"),
                        target.expr.clone(),
                        &values,
                    ));
                }
            }
        }
        for (index, variable) in self.model.variables.iter().enumerate() {
            if let VariableKind::Query { query, datasource, .. } = &variable.kind
                && self.is_prometheus(datasource.as_ref())
            {
                let pointer = Pointer::from_path(&variable.path).key("query");
                // The editor's own form has the text inside an object.
                let inside = pointer.of(&self.value).is_some_and(Value::is_object);
                let pointer = if inside { pointer.key("query") } else { pointer };
                queries.push(Query::of_variable(index, pointer, query.clone(), &values));
            }
        }
        for (index, annotation) in self.model.annotations.iter().enumerate() {
            if let Some(expr) = annotation.expr.as_ref().filter(|expr| !expr.is_empty())
                && self.is_prometheus(annotation.datasource.as_ref())
            {
                let pointer = Pointer::root().key("annotations").key("list").index(index).key("expr");
                queries.push(Query::new(Owner::Annotation(index), pointer, expr.clone(), &values));
            }
        }
        queries
    }
}

/// Reads a dashboard from a JSON text in any of Grafana's forms.
///
/// # Errors
/// With the place, when the text is no JSON or holds no dashboard.
pub fn read_text(file: impl Into<String>, text: &str) -> Result<Dashboard, Unreadable> {
    let file = file.into();
    if text.trim().is_empty() {
        return Err(Unreadable { file, message: "the file is empty".to_owned(), line: None });
    }
    let imported = match import::read_text(text.as_bytes()) {
        Ok(imported) => imported,
        Err(ImportError::Json { line, column, message }) => {
            let message = format!("this is no JSON: {message}");
            return Err(Unreadable { file, message, line: Some((line, column)) });
        }
        Err(error) => return Err(Unreadable { file, message: error.to_string(), line: None }),
    };
    let wrapper = match imported.origin {
        Origin::Classic => Some(Pointer::root()),
        Origin::Api => Some(Pointer::root().key("dashboard")),
        Origin::V1Resource { .. } => Some(Pointer::root().key("spec")),
        // What was converted stands elsewhere in the text.
        Origin::V2Resource { .. } | Origin::V2Spec => None,
    };
    let source = wrapper.map_or(Source::Value, |wrapper| Source::Json { text: text.into(), wrapper });
    Dashboard::new(file, imported.dashboard, source)
}

/// A panel as people know it.
pub fn panel_name(panel: &Panel) -> PanelName {
    let title = if panel.title.is_empty() { format!("({})", panel.kind.id()) } else { panel.title.clone() };
    PanelName { id: panel.id, title }
}

/// The way to each panel, in the order of [`model::Dashboard::all_panels`].
fn ways(panels: &[Panel]) -> Vec<Vec<usize>> {
    fn add(panels: &[Panel], way: &mut Vec<usize>, ways: &mut Vec<Vec<usize>>) {
        for (index, panel) in panels.iter().enumerate() {
            way.push(index);
            ways.push(way.clone());
            add(&panel.panels, way, ways);
            way.pop();
        }
    }
    let mut ways = Vec::new();
    add(panels, &mut Vec::new(), &mut ways);
    ways
}

#[cfg(test)]
mod tests;
