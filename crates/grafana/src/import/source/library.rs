//! What our own Jsonnet library makes of its arguments, found out by asking it, so that nothing about it is said twice.

use std::path::Path;

use serde_json::{Map, Value};

use crate::jsonnet::{self, Evaluator};

/// The questions. Hidden fields are shown, so that variables and thresholds are there.
const QUESTIONS: &str = r"
local lib = import 'lib/index.libsonnet';
local config = (import 'config.libsonnet')._config;
local shown(object) = { [key]: object[key] for key in std.objectFieldsAll(object) if !std.isFunction(object[key]) };
local panels = lib.panels;
{
  panels: {
    [kind]: { plain: panels[kind]('', '', '', []), ratio: panels[kind]('', '', 'percentunit', []) }
    for kind in ['timeseries', 'stat', 'gauge', 'bargauge']
  } + { text: { plain: panels.text('', '', ''), ratio: panels.text('', '', '') } },
  targets: { range: lib.target.range('', ''), instant: lib.target.instant('', ''), table: lib.target.table('') },
  additions: { [name]: panels[name] for name in ['stacked', 'namesOnly', 'showNames'] },
  limitLine: panels.limitLines(['']).fieldConfig.overrides[0].properties,
  thresholds: shown(lib.thresholds) + { 'saturation(config)': lib.thresholds.saturation(config) },
  mappings: shown(lib.mappings),
  units: shown(lib.units),
  variables: shown(lib.variables(config)),
  menu: lib.links(config).menu,
  config: shown(config),
}
";

/// The file that a library is known by.
const INDEX: &str = "lib/index.libsonnet";

/// The library in the evaluator's folders.
pub struct Library {
    evaluator: Evaluator,
    facts: Value,
}

impl Library {
    /// Asks the library.
    pub fn load(evaluator: Evaluator) -> Result<Self, Box<jsonnet::Error>> {
        let facts = evaluator.evaluate_snippet("<the library>", QUESTIONS).result.map_err(Box::new)?;
        Ok(Self { evaluator, facts })
    }

    /// The dashboard that a source gives. Its library is looked for in the evaluator's folders, wherever the source says.
    pub fn build(&self, source: &super::Source) -> Result<Value, Box<jsonnet::Error>> {
        let snippet = format!(
            "local source = (\n{}\n);\nlocal config = (import 'config.libsonnet')._config;\n\
             source.dashboard(config, source.queries, source.variables(config))",
            source.text(INDEX)
        );
        let name = Path::new(&source.name).with_extension("libsonnet");
        self.evaluator.evaluate_snippet(&name.to_string_lossy(), &snippet).result.map_err(Box::new)
    }

    /// What the uids of all dashboards of the mixin begin with.
    pub fn uid_prefix(&self) -> &str {
        self.config("uidPrefix").and_then(Value::as_str).unwrap_or_default()
    }

    fn fact(&self, group: &str) -> Option<&Map<String, Value>> {
        self.facts.get(group).and_then(Value::as_object)
    }

    /// A panel of a type, without title and queries.
    pub(super) fn panel(&self, kind: &str, unit: &str) -> Option<&Map<String, Value>> {
        let which = if unit == "percentunit" { "ratio" } else { "plain" };
        self.fact("panels")?.get(kind)?.get(which)?.as_object()
    }

    /// A query by the name of the function that makes it.
    pub(super) fn target(&self, function: &str) -> Option<&Map<String, Value>> {
        self.fact("targets")?.get(function)?.as_object()
    }

    /// What can be added to panels without arguments.
    pub(super) fn additions(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.fact("additions").into_iter().flatten()
    }

    /// What makes a line one that limits the others.
    pub(super) fn limit_line(&self) -> Option<&Value> {
        self.facts.get("limitLine")
    }

    /// The name under which a group of the library has a value.
    pub(super) fn name_in(&self, group: &'static str, value: &Value) -> Option<&str> {
        let found = self.fact(group)?.iter().find(|(_, known)| *known == value);
        found.map(|(name, _)| name.as_str())
    }

    /// The menu of links.
    pub(super) fn menu(&self) -> Option<&Value> {
        self.facts.get("menu")
    }

    /// A setting.
    pub(super) fn config(&self, key: &str) -> Option<&Value> {
        self.fact("config")?.get(key)
    }
}
