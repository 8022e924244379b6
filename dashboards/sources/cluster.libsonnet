// Compute Resources / Cluster: how full the cluster is, and which namespace uses it.
local lib = import '../lib/index.libsonnet';
local commitment = import 'shared/commitment.libsonnet';
local network = import 'shared/network.libsonnet';
local resources = import 'shared/resources.libsonnet';
local scope = (import 'shared/scopes.libsonnet').cluster;

local about = lib.about, dashboard = lib.dashboard, panels = lib.panels, q = lib.promql, table = lib.table,
      target = lib.target, units = lib.units;

// 1 Pending … 5 Unknown, see k8s.pod.phase.
local phases = [
  { name: 'Pending', value: 1 },
  { name: 'Running', value: 2 },
  { name: 'Succeeded', value: 3 },
  { name: 'Failed', value: 4 },
  { name: 'Unknown', value: 5 },
];

{
  name: 'cluster',

  queries: commitment.queries() + resources.queries(scope) + network.queries(scope) + {
    // --- Overview ---
    cpuUsageCommitment(config)::
      local k8s = lib.k8s(config);
      q.ratio(
        q.sum([], k8s.node.cpu(k8s.of.anyNode)),
        q.sum([], k8s.node.allocatable('cpu', k8s.of.anyNode)),
      ),
    memoryUsageCommitment(config)::
      local k8s = lib.k8s(config);
      q.ratio(
        q.sum([], k8s.node.memory(k8s.of.anyNode)),
        q.sum([], k8s.node.allocatable('memory', k8s.of.anyNode)),
      ),
    nodesReady(config)::
      local k8s = lib.k8s(config);
      q.sum([], q.binary(k8s.node.condition('ready', k8s.of.anyNode), '== bool', '1')),
    nodes(config)::
      local k8s = lib.k8s(config);
      q.count([], k8s.node.condition('ready', k8s.of.anyNode)),
    podsInPhase(config, phase)::
      local k8s = lib.k8s(config);
      q.sum([], q.binary(k8s.pod.phase(k8s.of.clusters), '== bool', '%d' % phase)),

    // --- Table columns ---
    podsByNamespace(config)::
      local k8s = lib.k8s(config);
      q.count([config.namespaceLabel], k8s.pod.active(k8s.of.clusters)),
    // Objects of each kind; a ReplicaSet of a Deployment is none of its own, nor is a Job of a CronJob.
    workloadsByNamespace(config)::
      local k8s = lib.k8s(config);
      local objects(metric, name) =
        k8s.gauge(metric, [config.clusterLabel, config.namespaceLabel, name], k8s.of.clusters);
      q.count([config.namespaceLabel], q.either([
        objects('k8s_deployment_desired', 'k8s_deployment_name'),
        objects('k8s_statefulset_desired_pods', 'k8s_statefulset_name'),
        objects('k8s_daemonset_desired_scheduled_nodes', 'k8s_daemonset_name'),
        objects('k8s_cronjob_active_jobs', 'k8s_cronjob_name'),
      ])),

    // --- Nodes' disks and ephemeral storage ---
    diskOperations(config)::
      local k8s = lib.k8s(config);
      q.sum(['direction'], k8s.node.disk('system_disk_operations_total', k8s.of.anyNode)),
    diskThroughput(config)::
      local k8s = lib.k8s(config);
      q.sum(['direction'], k8s.node.disk('system_disk_io_bytes_total', k8s.of.anyNode)),
    diskOfNode(config, metric, direction)::
      local k8s = lib.k8s(config);
      q.sum([config.nodeLabel], k8s.node.disk(metric, k8s.of.anyNode + ['direction="%s"' % direction])),
    ephemeralStorageByNamespace(config)::
      local k8s = lib.k8s(config);
      q.sum([config.namespaceLabel], k8s.pod.ephemeralStorage(k8s.of.clusters)),
  },

  variables(config):: local v = lib.variables(config); [v.datasource, v.cluster],

  dashboard(config, queries, variables)::
    local res = resources.panels(config, queries, scope);
    local net = network.panels(config, queries, scope);

    local shares(title, description, of) =
      panels.bargauge(title, description, units.ratio, [
        target.instant(queries[of + 'UsageCommitment'](config), 'Usage'),
        target.instant(queries[of + 'RequestsCommitment'](config), 'Requests'),
        target.instant(queries[of + 'LimitsCommitment'](config), 'Limits'),
      ]) + panels.decimals(1) + panels.upTo(1);

    local overview = commitment.stats(config, queries) + [
      shares('CPU of allocatable', about(
        'Usage of the nodes, and requests and limits of all active pods, as shares of what the nodes can give to pods.',
        'kubelet_stats (usage) and k8s_cluster',
        'Usage far below requests: capacity is reserved in vain, lower requests. Limits above 100 % are normal.',
        '`allocatable_types_to_report: [cpu]`',
      ), 'cpu'),
      shares('Memory of allocatable', about(
        'Usage of the nodes, and requests and limits of all active pods, as shares of what the nodes can give to pods.',
        'kubelet_stats (usage) and k8s_cluster',
        'Usage far below requests: capacity is reserved in vain, lower requests. Limits above 100 %: see memory limits commitment.',
        '`allocatable_types_to_report: [memory]`',
      ), 'memory'),
      panels.stat(
        'Nodes ready',
        about(
          'Nodes whose kubelet says that it can run pods, and all nodes.',
          'k8s_cluster',
          'If they differ, see Nodes Overview for which node and why.',
        ),
        units.count,
        [target.instant(queries.nodesReady(config), 'Ready'), target.instant(queries.nodes(config), 'All')],
      ) + panels.size(3, 6),
      panels.bargauge(
        'Pods by phase',
        about(
          'Pods by the phase of their life. Crash-looping pods are Running here; Workload Health finds them.',
          'k8s_cluster',
          'Pending or Failed pods: see Workload Health for which, and why.',
        ),
        units.count,
        [target.instant(queries.podsInPhase(config, phase.value), phase.name) for phase in phases],
      ) + panels.size(5, 6) + panels.decimals(0),
    ];

    local disks = [
      panels.timeseries('Disk operations of nodes', about(
        'Reads and writes per second, all disks of all nodes together. Pods have no such metric: the kubelet does not count it.',
        'host_metrics',
        'If it nears what the disks can do, everything on these nodes waits: see the table for the node.',
      ), units.operationsPerSecond, [target.range(queries.diskOperations(config), '{{direction}}')]),
      panels.timeseries('Disk throughput of nodes', about(
        'Bytes read and written per second, all disks of all nodes together. Pods have no such metric.',
        'host_metrics',
        'If it nears what the disks can do, everything on these nodes waits: see the table for the node.',
      ), units.bytesPerSecond, [target.range(queries.diskThroughput(config), '{{direction}}')]),
      table.new(
        'Current disk usage by node',
        about(
          'Operations and bytes per second at the end of the time range.',
          'host_metrics',
          'Sort by a column to find the busiest node.',
        ),
        [{ label: config.nodeLabel, title: 'Node', link: lib.links(config).node }],
        [
          { title: 'Reads', unit: units.operationsPerSecond, expr: queries.diskOfNode(config, 'system_disk_operations_total', 'read') },
          { title: 'Writes', unit: units.operationsPerSecond, expr: queries.diskOfNode(config, 'system_disk_operations_total', 'write') },
          { title: 'Bytes read', unit: units.bytesPerSecond, expr: queries.diskOfNode(config, 'system_disk_io_bytes_total', 'read') },
          { title: 'Bytes written', unit: units.bytesPerSecond, expr: queries.diskOfNode(config, 'system_disk_io_bytes_total', 'write') },
        ],
      ),
    ];

    local ephemeral = [
      panels.timeseries('Ephemeral storage by namespace', about(
        'Space on the nodes\' own disks that pods use: writable layers, logs, emptyDir volumes.',
        'kubelet_stats',
        'If it grows steadily, look for logs that are not rotated. A node whose disk is full evicts pods.',
      ), units.bytes, [target.range(queries.ephemeralStorageByNamespace(config), scope.legend(config))])
      + panels.wide(8) + panels.stacked,
    ];

    dashboard.new(
      config,
      $.name,
      'Compute Resources / Cluster',
      'How full the cluster is, and which namespace uses it.',
      variables,
      [
        dashboard.row('Overview', overview),
        dashboard.row('CPU', [
          res.cpuUsage(),
          res.cpuQuota(first=[
            { title: 'Pods', unit: units.count, expr: queries.podsByNamespace(config) },
            { title: 'Workloads', unit: units.count, expr: queries.workloadsByNamespace(config) },
          ]),
        ]),
        dashboard.row('Memory', [res.memoryUsage(), res.memoryQuota()]),
        dashboard.row('Network', net.bandwidth + net.average + net.errors + [net.current(scope.networkKeys(config))]),
        dashboard.row('Disks of nodes', disks),
        dashboard.row('Ephemeral storage', ephemeral),
      ],
    ),
}
