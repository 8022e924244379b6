// Compute Resources / Namespace (Pods): what the pods of one namespace use.
local lib = import '../lib/index.libsonnet';
local network = import 'shared/network.libsonnet';
local quota = import 'shared/quota.libsonnet';
local resources = import 'shared/resources.libsonnet';
local scope = (import 'shared/scopes.libsonnet').namespacePods;

local about = lib.about, dashboard = lib.dashboard, panels = lib.panels, q = lib.promql, target = lib.target,
      thresholds = lib.thresholds, units = lib.units;

// Usage of all pods to what all containers declare: of the sums, since a sum of shares is none.
local utilisation(measure, what, resource) = function(config)
  local k8s = lib.k8s(config);
  q.ratio(
    q.sum([], k8s.pod[measure](k8s.of.namespace)),
    q.sum([], k8s.container[what](resource, k8s.of.namespace)),
  );

{
  name: 'namespace-pods',

  queries: resources.queries(scope) + network.queries(scope) + quota.queries + {
    cpuUtilisationFromRequests:: utilisation('cpu', 'requests', 'cpu'),
    cpuUtilisationFromLimits:: utilisation('cpu', 'limits', 'cpu'),
    memoryUtilisationFromRequests:: utilisation('memory', 'requests', 'memory'),
    memoryUtilisationFromLimits:: utilisation('memory', 'limits', 'memory'),
    ephemeralStorageByPod(config)::
      local k8s = lib.k8s(config);
      q.sum([config.podLabel], k8s.pod.ephemeralStorage(k8s.of.namespace)),
  },

  variables(config):: local v = lib.variables(config); [v.datasource, v.cluster, v.namespace],

  dashboard(config, queries, variables)::
    local res = resources.panels(config, queries, scope);
    local net = network.panels(config, queries, scope);

    local stat(title, description, query, colours=thresholds.none) =
      panels.stat(title, description, units.ratio, [target.instant(query(config))])
      + panels.size(6, 4)
      + panels.decimals(1)
      + panels.noValue('Nothing declared')
      + panels.field(colours);

    local overview = [
      stat('CPU utilisation (from requests)', about(
        'Cores in use by the namespace\'s pods, as a share of what they request.',
        'kubelet_stats (usage) and k8s_cluster (requests)',
        'Far above 100 %: raise the requests, or the scheduler packs too densely. Far below: lower them.',
      ), queries.cpuUtilisationFromRequests),
      stat('CPU utilisation (from limits)', about(
        'Cores in use by the namespace\'s pods, as a share of what they may use at most. Above 100 % is possible where some containers have no limit.',
        'kubelet_stats (usage) and k8s_cluster (limits)',
        'Near 100 % containers are throttled: see the table for which.',
      ), queries.cpuUtilisationFromLimits),
      stat('Memory utilisation (from requests)', about(
        'Working set of the namespace\'s pods, as a share of what they request.',
        'kubelet_stats (usage) and k8s_cluster (requests)',
        'Above 100 % these pods are evicted first when a node runs short: raise the requests.',
      ), queries.memoryUtilisationFromRequests),
      stat('Memory utilisation (from limits)', about(
        'Working set of the namespace\'s pods, as a share of what they may use at most. Above 100 % is possible where some containers have no limit.',
        'kubelet_stats (usage) and k8s_cluster (limits)',
        'Near 100 % containers are killed: see the table for which.',
      ), queries.memoryUtilisationFromLimits, thresholds.saturation(config)),
    ];

    local storage = [
      panels.timeseries('Ephemeral storage by pod', about(
        'Space on the nodes\' own disks: writable layers, logs, emptyDir volumes.',
        'kubelet_stats',
        'If it grows steadily, look for logs that are not rotated. Above its limit a pod is evicted.',
      ), units.bytes, [target.range(queries.ephemeralStorageByPod(config), scope.legend(config))])
      + panels.wide(8) + panels.stacked + panels.noValue('No running pod'),
    ];
    local rss =
      panels.timeseries('Memory without page cache (RSS) by pod', about(
        'Anonymous memory: heaps and stacks, without what is backed by files.',
        'kubelet_stats',
        'Growth here that never falls is a leak; working set alone may also grow by active page cache.',
      ), units.bytes, [target.range(queries.memoryUsageRSS(config), scope.legend(config))])
      + panels.wide(8) + panels.stacked + panels.noValue('No running pod');

    dashboard.new(
      config,
      $.name,
      'Compute Resources / Namespace (Pods)',
      'What the pods of one namespace use, and what they declared.',
      variables,
      [
        dashboard.row('Overview', overview),
        dashboard.row('CPU', [res.cpuUsage(quota.lines(config, queries, 'cpu'), quota.receivers), res.cpuQuota()]),
        dashboard.row(
          'Memory',
          [res.memoryUsage(quota.lines(config, queries, 'memory'), quota.receivers), res.memoryQuota(), rss],
        ),
        dashboard.row('Network', [net.current(scope.networkKeys(config))] + net.bandwidth + net.errors),
        dashboard.row('Ephemeral storage', storage),
      ],
    ),
}
