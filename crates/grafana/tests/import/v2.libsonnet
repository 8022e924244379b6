// Shop / Overview: imported from a test.
local lib = import '../lib/index.libsonnet';

local panels = lib.panels, target = lib.target;

// What the panels with queries have in common, and their queries.
local common = {
  datasource: { type: 'prometheus', uid: '${datasource}' },
  interval: '1m',
  pluginVersion: '13.2.0',
};
local commonOfQueries = { datasource: { type: 'prometheus', uid: '${datasource}' } };
local finish(panel) =
  (
    if !std.objectHas(panel, 'targets')
    then panel
    else common + panel {
      targets: [
        commonOfQueries { refId: lib.target.refId(i) } + panel.targets[i]
        for i in std.range(0, std.length(panel.targets) - 1)
      ],
    }
  )
  // Without a description: write one.
  + (if std.get(panel, 'description') == '' then { description:: '' } else {});
local place(panel, id, x, y, w, h) =
  finish(panel) { id: id, gridPos: { x: x, y: y, w: w, h: h } };
local row(title, id, y) =
  { type: 'row', title: title, id: id, collapsed: false, panels: [], gridPos: { x: 0, y: y, w: 24, h: 1 } };

{
  name: 'shop-overview',

  queries: { orders(config):: 'sum by (shop) (rate(shop_orders_total{shop=~"$shop"}[$__rate_interval]))' },

  variables(config)::
    [
      {
        type: 'datasource',
        options: [],
        allowCustomValue: true,
        current: { text: '', value: '' },
        hide: 0,
        includeAll: false,
        label: 'Data source',
        multi: false,
        name: 'datasource',
        query: 'prometheus',
        refresh: 1,
        regex: '',
        skipUrlSync: false,
      },
      {
        type: 'query',
        datasource: { type: 'prometheus', uid: '${datasource}' },
        options: [],
        allValue: '.+',
        allowCustomValue: true,
        current: { text: ['All'], value: ['$__all'] },
        definition: 'label_values(shop_orders_total, shop)',
        hide: 1,
        includeAll: true,
        label: 'Shop',
        multi: true,
        name: 'shop',
        query: 'label_values(shop_orders_total, shop)',
        refresh: 2,
        regex: '',
        skipUrlSync: false,
        sort: 1,
      },
      {
        type: 'textbox',
        current: { text: '', value: '' },
        hide: 0,
        name: 'customer',
        query: '',
        skipUrlSync: false,
      },
    ],

  dashboard(config, queries, variables)::
    local panel = {
      notes: panels.text('Notes', '', '# Shop') + { fieldConfig: { defaults: {}, overrides: [] } },

      orders: {
        type: 'timeseries',
        title: 'Orders',
        targets: [target.range(queries.orders(config), '{{shop}}')],
        fieldConfig: { defaults: { unit: 'suffix:orders/s' }, overrides: [] },
        options: { legend: { showLegend: true } },
        transformations: [{ id: 'organize', options: { excludeByName: { Time: true } }, disabled: false }],
        maxDataPoints: 500,
      },

      perShop: {
        type: 'stat',
        title: 'Per shop',
        fieldConfig: { defaults: {}, overrides: [] },
        options: {},
        links: [{ title: 'Shop', url: '/d/shop?${shop:queryparam}' }],
        maxPerRow: 4,
        pluginVersion: '13.2.0',
        repeat: 'shop',
        repeatDirection: 'h',
        transparent: true,
      },
    };
    {
      uid: 'shop-overview',
      title: 'Shop / Overview',
      description: 'What the shop does.',
      tags: ['shop'],
      schemaVersion: 42,
      editable: true,
      graphTooltip: 1,
      refresh: '1m',
      time: { from: 'now-6h', to: 'now' },
      timezone: 'browser',
      annotations: {
        list: [
          {
            type: 'dashboard',
            datasource: { type: 'grafana', uid: '-- Grafana --' },
            builtIn: 1,
            enable: true,
            hide: true,
            iconColor: 'rgba(0, 211, 255, 1)',
            name: 'Annotations & Alerts',
            target: { type: 'dashboard', limit: 100 },
          },
          {
            datasource: { type: 'prometheus', uid: '${datasource}' },
            expr: 'changes(shop_build_info[5m]) > 0',
            enable: true,
            hide: false,
            iconColor: 'red',
            name: 'Releases',
            step: '60s',
            titleFormat: '{{version}}',
          },
        ],
      },
      links: [],
      fiscalYearStartMonth: 0,
      preload: false,
      timepicker: {},
      templating: { list: variables },
      panels: [
        place(panel.notes, id=2, x=0, y=0, w=24, h=4),
        row('Orders', id=4, y=4),
        place(panel.orders, id=1, x=0, y=5, w=12, h=8),
        row('Shop $shop', id=5, y=13)
        + { collapsed: true, panels: [place(panel.perShop, id=3, x=12, y=14, w=6, h=4)], repeat: 'shop' },
      ],
    },
}
