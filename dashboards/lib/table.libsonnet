// A table: one row per object, one query per column.
//
//   table.new('CPU quota', about('…', '…'),
//     keys=[{ label: 'k8s_pod_name', title: 'Pod', link: links.pod }],
//     columns=[
//       { title: 'Usage', unit: units.cores, expr: '…' },
//       { title: 'Limits', unit: units.cores, expr: '…' },
//     ])
//
// Every query keeps exactly the labels of the keys (`sum by (k8s_pod_name) (…)`), otherwise rows do not meet.
// A key may have: link (from links.libsonnet). A column may have: thresholds, mappings (from the files of that name),
// decimals, noValue (in an empty cell), gauge (true: a bar in the cell, for ratios). What stands there instead of the
// whole table when it has no rows says panels.noValue.
local panels = import 'panels.libsonnet';
local target = import 'target.libsonnet';

// With one query Grafana calls its values `Value`, with several `Value #A`, `Value #B`, …
local valueName(columns, n) = if std.length(columns) == 1 then 'Value' else 'Value #' + target.refId(n);

local property(id, value) = { id: id, value: value };

local columnOverride(column) = {
  matcher: { id: 'byName', options: column.title },
  properties:
    [property('unit', column.unit)]
    + (if std.objectHas(column, 'decimals') then [property('decimals', column.decimals)] else [])
    + [property('noValue', std.get(column, 'noValue', '–'))]
    + (if std.objectHas(column, 'mappings') then [
         property('mappings', column.mappings),
         property('custom.cellOptions', { type: 'color-text' }),
       ] else [])
    + (if std.objectHas(column, 'thresholds') then [property('thresholds', column.thresholds)] else [])
    + (if std.get(column, 'gauge', false) then [
         property('custom.cellOptions', { type: 'gauge', mode: 'basic', valueDisplayMode: 'text' }),
         property('min', 0),
         property('max', 1),
       ] else if std.objectHas(column, 'thresholds') then [
         property('custom.cellOptions', { type: 'color-text' }),
       ] else []),
};

local keyOverride(key) = {
  matcher: { id: 'byName', options: key.title },
  properties:
    [property('custom.minWidth', 140)]
    + (if std.objectHas(key, 'link') then [property('links', [key.link])] else []),
};

{
  new(title, description, keys, columns, sortBy=columns[0].title)::
    local n = std.length(columns);
    // One label identifies a row: join on it. Several: rows that agree in all of them are merged.
    local join =
      if n == 1 then []
      else if std.length(keys) == 1
      then [{ id: 'joinByField', options: { byField: keys[0].label, mode: 'outer' } }]
      else [{ id: 'merge', options: {} }];
    // Each query brings its instant along; joined, they are numbered.
    local times = ['Time'] + (if n > 1 && std.length(keys) == 1 then ['Time %d' % i for i in std.range(1, n)] else []);
    local names = [key.label for key in keys] + [valueName(columns, i) for i in std.range(0, n - 1)];
    local titles = [key.title for key in keys] + [column.title for column in columns];

    panels.timeseries(title, description, 'short', [target.table(column.expr) for column in columns]) + {
      type: 'table',
      size:: { w: 24, h: 8 },
      fieldConfig: {
        defaults: {
          unit: 'short',
          color: { mode: 'thresholds' },
          thresholds: { mode: 'absolute', steps: [{ color: 'text', value: null }] },
          custom: { align: 'auto', filterable: true },
        },
        overrides: [keyOverride(key) for key in keys] + [columnOverride(column) for column in columns],
      },
      options: {
        showHeader: true,
        cellHeight: 'sm',
        enablePagination: true,
        sortBy: [{ displayName: sortBy, desc: true }],
      },
      transformations: join + [{
        id: 'organize',
        options: {
          excludeByName: { [time]: true for time in times },
          includeByName: {},
          indexByName: { [names[i]]: i for i in std.range(0, std.length(names) - 1) },
          renameByName: { [names[i]]: titles[i] for i in std.range(0, std.length(names) - 1) },
        },
      }],
    },
}
