// Compute Resources / Multi-Cluster: the clusters side by side, with a link to each.
local lib = import '../lib/index.libsonnet';
local commitment = import 'shared/commitment.libsonnet';
local network = import 'shared/network.libsonnet';
local resources = import 'shared/resources.libsonnet';
local scope = (import 'shared/scopes.libsonnet').clusters;

local about = lib.about, dashboard = lib.dashboard, panels = lib.panels, q = lib.promql, table = lib.table,
      thresholds = lib.thresholds, units = lib.units;

// The same shares once for all selected clusters, and once for each.
local perCluster = commitment.queries(function(config) [config.clusterLabel]);

{
  name: 'multicluster',

  queries: commitment.queries() + resources.queries(scope) + network.queries(scope) + {
    [name + 'ByCluster']: perCluster[name]
    for name in std.objectFieldsAll(perCluster)
  } + {
    nodesReadyByCluster(config)::
      local k8s = lib.k8s(config);
      q.sum([config.clusterLabel], q.binary(k8s.node.condition('ready', k8s.of.anyNode), '== bool', '1')),
    nodesByCluster(config)::
      local k8s = lib.k8s(config);
      q.count([config.clusterLabel], k8s.node.condition('ready', k8s.of.anyNode)),
    podsByCluster(config)::
      local k8s = lib.k8s(config);
      q.count([config.clusterLabel], k8s.pod.active(k8s.of.clusters)),
  },

  variables(config):: local v = lib.variables(config); [v.datasource, v.cluster],

  dashboard(config, queries, variables)::
    local res = resources.panels(config, queries, scope);
    local net = network.panels(config, queries, scope);

    local overview = table.new(
      'Clusters',
      about(
        'One line per cluster: its size, how much of it is used, and how much is promised to pods. A click on the name opens the cluster.',
        'k8s_cluster, kubelet_stats and host_metrics',
        'A cluster with fewer nodes ready than it has: open it. One whose requests near 100 %: new pods stay Pending there.',
        '`allocatable_types_to_report: [cpu, memory]`',
      ),
      scope.keys(config),
      [
        { title: 'Nodes', unit: units.count, expr: queries.nodesByCluster(config) },
        { title: 'Nodes ready', unit: units.count, expr: queries.nodesReadyByCluster(config) },
        { title: 'Pods', unit: units.count, expr: queries.podsByCluster(config) },
        { title: 'CPU utilisation', unit: units.ratio, expr: queries.cpuUtilisationByCluster(config), gauge: true } + thresholds.saturation(config),
        { title: 'CPU requests', unit: units.ratio, expr: queries.cpuRequestsCommitmentByCluster(config) } + thresholds.commitment,
        { title: 'CPU limits', unit: units.ratio, expr: queries.cpuLimitsCommitmentByCluster(config) },
        { title: 'Memory utilisation', unit: units.ratio, expr: queries.memoryUtilisationByCluster(config), gauge: true } + thresholds.saturation(config),
        { title: 'Memory requests', unit: units.ratio, expr: queries.memoryRequestsCommitmentByCluster(config) } + thresholds.commitment,
        { title: 'Memory limits', unit: units.ratio, expr: queries.memoryLimitsCommitmentByCluster(config) } + thresholds.commitment,
      ],
      sortBy='Nodes',
    );

    dashboard.new(
      config,
      $.name,
      'Compute Resources / Multi-Cluster',
      'The clusters side by side.',
      variables,
      [
        dashboard.row('Overview', commitment.stats(config, queries) + [overview]),
        dashboard.row('CPU', [res.cpuUsage(), res.cpuQuota()]),
        dashboard.row('Memory', [res.memoryUsage(), res.memoryQuota()]),
        dashboard.row('Network', net.bandwidth + net.errors + [net.current(scope.keys(config))]),
      ],
    ),
}
