// Compute Resources / Nodes Overview: all nodes of a cluster side by side.
local lib = import '../lib/index.libsonnet';
local nodes = import 'shared/nodes.libsonnet';

local about = lib.about, dashboard = lib.dashboard, mappings = lib.mappings, panels = lib.panels, q = lib.promql,
      table = lib.table, target = lib.target, thresholds = lib.thresholds, units = lib.units;

local all(k8s) = k8s.of.anyNode;
local total(what) = function(config) local k8s = lib.k8s(config); q.sum([], what(k8s, all(k8s)));

{
  name: 'nodes',

  queries: nodes.queries(all) + {
    nodeCount(config):: local k8s = lib.k8s(config); q.count([], k8s.node.condition('ready', all(k8s))),
    podCount(config):: local k8s = lib.k8s(config); q.count([], k8s.pod.active(k8s.of.clusters)),
    nodesInCondition(config, name, value)::
      local k8s = lib.k8s(config);
      q.sum([], q.binary(k8s.node.condition(name, all(k8s)), '== bool', '%d' % value)),
    // Neither 1: not ready, or out of reach.
    nodesNotReady(config)::
      local k8s = lib.k8s(config);
      q.sum([], q.binary(k8s.node.condition('ready', all(k8s)), '!= bool', '1')),

    cpuAllocatable:: total(function(k8s, nodes) k8s.node.allocatable('cpu', nodes)),
    cpuRequests:: total(function(k8s, nodes) k8s.container.requests('cpu', k8s.of.clusters)),
    cpuUsage:: total(function(k8s, nodes) k8s.node.cpu(nodes)),
    memoryAllocatable:: total(function(k8s, nodes) k8s.node.allocatable('memory', nodes)),
    memoryRequests:: total(function(k8s, nodes) k8s.container.requests('memory', k8s.of.clusters)),
    memoryUsage:: total(function(k8s, nodes) k8s.node.memory(nodes)),
  },

  variables(config):: local v = lib.variables(config); [v.datasource, v.cluster],

  dashboard(config, queries, variables)::
    local node = '{{%s}}' % config.nodeLabel;

    local count(title, description, query, colours=thresholds.none) =
      panels.stat(title, description, units.count, [target.instant(query)])
      + panels.decimals(0) + panels.field(colours);
    local pressure(resource, name, act) =
      count(resource + ' pressure', about(
        'Nodes whose kubelet says that it runs short of this.',
        'k8s_cluster',
        act,
        '`node_conditions_to_report: [%sPressure]`' % resource,
      ), queries.nodesInCondition(config, name, 1), thresholds.shouldBeZero);

    local counts = [
      count(
        'Nodes',
        about(
          'Nodes that the API server knows.',
          'k8s_cluster',
          'Fewer than expected: an autoscaler took them away, or they never joined.',
        ),
        queries.nodeCount(config),
      ),
      count(
        'Not ready',
        about(
          'Nodes whose kubelet says that it cannot run pods, or says nothing at all.',
          'k8s_cluster',
          'See the table below for which; look at the machine and its kubelet.',
        ),
        queries.nodesNotReady(config),
        thresholds.shouldBeZero,
      ),
      pressure('Memory', 'memory_pressure', 'Open the node and find the pod whose memory grew.'),
      pressure('Disk', 'disk_pressure', 'Open the node; look for logs and images that fill its disk.'),
      pressure('PID', 'pid_pressure', 'Open the node; look for a pod that forks without end.'),
      count(
        'Pods',
        about('Pods of the cluster that are Pending or Running.', 'k8s_cluster', 'The table below has them per node.'),
        queries.podCount(config),
      ),
      panels.timeseries('Nodes and pods', about(
        'How many there are, over time.',
        'k8s_cluster',
        'Nodes that come and go are an autoscaler, or trouble.',
      ), units.count, [
        target.range(queries.nodeCount(config), 'Nodes'),
        target.range(queries.podCount(config), 'Pods'),
      ]) + panels.decimals(0) + panels.wide(6),
    ];

    local line(title, unit, what, description) =
      panels.timeseries(title, description, unit, [
        target.range(queries[what + 'Allocatable'](config), 'Allocatable'),
        target.range(queries[what + 'Requests'](config), 'Requests'),
        target.range(queries[what + 'Usage'](config), 'Usage'),
      ]) + panels.limitLines(['Allocatable']);
    local perNode(title, description, query) =
      panels.timeseries(title, description, units.ratio, [target.range(query(config), node)]) + panels.upTo(1);

    local usage = [
      line('CPU', units.cores, 'cpu', about(
        'What the nodes can give to pods, what pods request, and what the nodes use.',
        'k8s_cluster (allocatable, requests) and kubelet_stats (usage)',
        'Requests near allocatable: new pods stay Pending. Usage far below requests: capacity is reserved in vain.',
        '`allocatable_types_to_report: [cpu]`',
      )),
      line('Memory', units.bytes, 'memory', about(
        'What the nodes can give to pods, what pods request, and the nodes\' working set.',
        'k8s_cluster (allocatable, requests) and kubelet_stats (usage)',
        'Requests near allocatable: new pods stay Pending. Usage far below requests: capacity is reserved in vain.',
        '`allocatable_types_to_report: [memory]`',
      )),
      perNode(
        'CPU utilisation by node',
        about(
          'The share of CPU time in which a node\'s CPUs work: everything but idle, waiting for disks, and stolen.',
          'host_metrics',
          'A node far above the others: open it, look for the pod.',
        ),
        queries.cpuUtilisation,
      ),
      perNode(
        'Memory utilisation by node',
        about(
          'Working set of a node, as a share of its memory.',
          'kubelet_stats',
          'Above 90 % the kubelet begins to evict pods.',
        ),
        queries.memoryUtilisation,
      ),
      perNode(
        'Filesystem utilisation by node',
        about(
          'The share of the kubelet\'s filesystem that is used.',
          'kubelet_stats',
          'Above 85 % the kubelet removes images, then evicts pods.',
        ),
        queries.filesystemUtilisation,
      ),
      panels.timeseries(
        'Load per CPU by node',
        about(
          'Threads that run or want to, over the last minute, per CPU.',
          'host_metrics',
          'Above 1 for long: threads wait for CPUs, or for disks.',
        ),
        units.count,
        [target.range(queries.loadPerCpu(config), node)],
      )
      + panels.decimals(2),
    ];

    local condition(title, name, colours) = { title: title, unit: units.count, expr: queries.condition(config, name) } + colours;
    local overview = table.new(
      'Nodes',
      about(
        'One line per node: conditions, utilisation, pods, load and age. A click on the name opens the node.',
        'k8s_cluster, kubelet_stats and host_metrics',
        'Sort by a column to find the node that stands out.',
        '`node_conditions_to_report: [Ready, MemoryPressure, DiskPressure, PIDPressure]`, `allocatable_types_to_report: [pods]` and `k8s.node.uptime` switched on',
      ),
      [{ label: config.nodeLabel, title: 'Node', link: lib.links(config).node }],
      [
        condition('Ready', 'ready', mappings.goodCondition),
        condition('Memory pressure', 'memory_pressure', mappings.badCondition),
        condition('Disk pressure', 'disk_pressure', mappings.badCondition),
        condition('PID pressure', 'pid_pressure', mappings.badCondition),
        { title: 'CPU', unit: units.ratio, expr: queries.cpuUtilisation(config), gauge: true } + thresholds.saturation(config),
        { title: 'Memory', unit: units.ratio, expr: queries.memoryUtilisation(config), gauge: true } + thresholds.saturation(config),
        { title: 'Filesystem', unit: units.ratio, expr: queries.filesystemUtilisation(config), gauge: true } + thresholds.saturation(config),
        { title: 'Load per CPU', unit: units.count, expr: queries.loadPerCpu(config), decimals: 2 },
        { title: 'Pods', unit: units.count, expr: queries.pods(config), noValue: '0' },
        { title: 'Pods of allocatable', unit: units.ratio, expr: queries.podsOfAllocatable(config), noValue: '0' },
        { title: 'Up for', unit: units.duration, expr: queries.uptime(config) },
      ],
      sortBy='CPU',
    ) + panels.size(24, 12);

    dashboard.new(
      config,
      $.name,
      'Compute Resources / Nodes Overview',
      'All nodes of a cluster side by side.',
      variables,
      [
        dashboard.row('Overview', counts),
        dashboard.row('Nodes', [overview]),
        dashboard.row('Usage', usage),
      ],
    ),
}
