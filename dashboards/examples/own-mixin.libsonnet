// How a project of yours uses these dashboards: import the mixin, change settings, change a query, add a panel, leave
// a dashboard out, add one of your own.
local lib = import '../lib/index.libsonnet';
local mixin = import '../mixin.libsonnet';

mixin {
  // Settings: config.libsonnet has them all.
  _config+:: {
    folder: 'Platform',
    tags: ['platform', 'kubernetes'],
    refresh: '5m',
    datasourceFilterRegex: 'Mimir.*',
    links: [{ type: 'link', title: 'Runbooks', url: 'https://runbooks.example', targetBlank: true }],
  },

  _queries+:: {
    // A query: a function of the settings that gives PromQL. Whatever uses it follows, the stat and the bar alike.
    cluster+: {
      cpuUtilisation(config)::
        'sum(rate(node_cpu_seconds_total{cluster=~"$cluster", mode!="idle"}[%(rateInterval)s])) / sum(machine_cpu_cores{cluster=~"$cluster"})' % config,
    },
  },

  grafanaDashboards+:: {
    // A panel more, at the end of a dashboard. Below the last one: y is larger than any other.
    'k8s-otel-pod.json'+: {
      panels+: [
        lib.panels.text('Who to ask', 'Contacts.', 'The team of a namespace is in its label `team`.')
        + { id: 1, gridPos: { x: 0, y: 1000, w: 24, h: 4 } },
      ],
    },

    // One dashboard less: a hidden field is not written.
    'k8s-otel-multicluster.json':: {},

    // One of your own, made of the same parts. Its uid and title are not to look like ours.
    'platform-overview.json':
      local config = $._config { uidPrefix: '', titlePrefix: 'Platform / ', titleSuffix: '' };
      local k8s = lib.k8s(config);
      local variables = lib.variables(config);
      lib.dashboard.new(
        config,
        'platform-overview',
        'Overview',
        'What the platform team looks at first.',
        [variables.datasource, variables.cluster],
        [
          lib.dashboard.row('Usage', [
            lib.panels.stat(
              'CPU in use',
              lib.about('Cores in use by pods.', 'kubelet_stats'),
              lib.units.cores,
              [lib.target.instant(lib.promql.sum([], k8s.pod.cpu(k8s.of.clusters)))],
            ),
          ]),
        ],
      ),
  },
}
