// A dashboard from its rows: fills in what is equal for all panels, numbers them and lays them out.
local layout = import 'layout.libsonnet';
local linksOf = import 'links.libsonnet';
local target = import 'target.libsonnet';

local datasource = { type: 'prometheus', uid: '${datasource}' };

// Links and annotations refer to panels by number, so a panel keeps its number when others come and go: it is made from
// the panel's key.
local number(key) = 1 + std.parseHex(std.substr(std.md5(key), 0, 6));

local finishTargets(config, targets) = [
  targets[i] + { refId: target.refId(i), datasource: datasource, interval: config.interval }
  for i in std.range(0, std.length(targets) - 1)
];

// The version whose options the panels have: without one Grafana takes a panel for an old one, and migrates it.
local pluginVersion = '12.0.0';

local finishPanel(config, row, panel) =
  panel + { id: number(row.title + ' / ' + panel.key), pluginVersion: pluginVersion } + (
    if std.objectHas(panel, 'targets')
    then { datasource: datasource, interval: config.interval, targets: finishTargets(config, panel.targets) }
    else {}
  );

{
  // A headline and the panels below it.
  row(title, panels, collapsed=false):: { title: title, panels: panels, collapsed: collapsed },

  // name: of the file, and the end of the uid. title: without the mixin's prefix and suffix.
  new(config, name, title, description, variables, rows)::
    local numbered = [
      row {
        headline: { type: 'row', id: number('row ' + row.title), title: row.title },
        panels: [finishPanel(config, row, panel) for panel in row.panels],
      }
      for row in rows
    ];
    local ids = [row.headline.id for row in numbered] + [panel.id for row in numbered for panel in row.panels];
    assert std.length(std.set(ids)) == std.length(ids) :
           'dashboard "%s": two panels of one row have the same title; give one of them another panels.key' % title;
    {
      uid: config.uidPrefix + name,
      title: config.titlePrefix + title + config.titleSuffix,
      description: description,
      tags: config.tags,
      schemaVersion: 42,
      editable: config.editable,
      graphTooltip: 1,  // one crosshair for all panels
      refresh: config.refresh,
      time: { from: config.timeFrom, to: 'now' },
      timezone: config.timezone,
      annotations: { list: [] },
      links: [linksOf(config).menu] + config.links,
      templating: { list: variables },
      panels: layout.place(numbered),
    },
}
