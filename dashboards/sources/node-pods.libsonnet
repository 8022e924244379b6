// Compute Resources / Node (Pods): one node or a few, and the pods on them.
local lib = import '../lib/index.libsonnet';
local nodes = import 'shared/nodes.libsonnet';
local resources = import 'shared/resources.libsonnet';
local scope = (import 'shared/scopes.libsonnet').node;

local about = lib.about, dashboard = lib.dashboard, mappings = lib.mappings, panels = lib.panels, q = lib.promql,
      target = lib.target, thresholds = lib.thresholds, units = lib.units;

local selected(k8s) = k8s.of.nodes;
local perNode(what) = function(config) local k8s = lib.k8s(config); what(config, k8s, selected(k8s));

// For counters of host_metrics with a device and a direction.
local perDevice(metric) = function(config, direction)
  local k8s = lib.k8s(config);
  q.sum([config.nodeLabel, 'device'], k8s.node.device(metric, direction, selected(k8s)));
local perDisk(metric) = perNode(
  function(config, k8s, nodes) q.sum([config.nodeLabel, 'device', 'direction'], k8s.node.disk(metric, nodes)),
);

{
  name: 'node-pods',

  queries: resources.queries(scope) + nodes.queries(selected) + {
    // All selected nodes together: lines above the usage of all pods on them.
    local total(what) = function(config) local k8s = lib.k8s(config); q.sum([], what(k8s, selected(k8s))),
    cpuAllocatable:: total(function(k8s, nodes) k8s.node.allocatable('cpu', nodes)),
    memoryAllocatable:: total(function(k8s, nodes) k8s.node.allocatable('memory', nodes)),
    cpuCapacity:: total(function(k8s, nodes) k8s.node.gauge('system_cpu_logical_count', nodes)),
    memoryCapacity:: total(function(k8s, nodes) k8s.node.gauge('system_memory_limit_bytes', nodes)),

    // What runs on a node and in no pod: the kubelet, the container runtime, the system's own services.
    cpuOutsidePods:: perNode(function(config, k8s, nodes)
      local byNode(series) = q.sum([config.nodeLabel], series);
      q.binary(byNode(k8s.node.cpu(nodes)), '-', byNode(k8s.pod.cpu(nodes, [config.nodeLabel])))),
    memoryOutsidePods:: perNode(function(config, k8s, nodes)
      local byNode(series) = q.sum([config.nodeLabel], series);
      q.binary(byNode(k8s.node.memory(nodes)), '-', byNode(k8s.pod.memory(nodes, [config.nodeLabel])))),
    // Summed over nodes: how the memory of a machine is used, in the kernel's own terms.
    memoryByState:: perNode(
      function(config, k8s, nodes) q.sum(
        ['state'],
        k8s.gauge('system_memory_usage_bytes', k8s.identity.node + ['state'], nodes),
      ),
    ),

    networkReceiveBandwidth:: perNode(
      function(config, k8s, nodes) k8s.bits(q.sum([config.nodeLabel, 'interface'], k8s.node.network('receive', nodes))),
    ),
    networkTransmitBandwidth:: perNode(
      function(config, k8s, nodes) k8s.bits(
        q.sum([config.nodeLabel, 'interface'], k8s.node.network('transmit', nodes)),
      ),
    ),
    packets:: perDevice('system_network_packets_total'),
    packetsDropped:: perDevice('system_network_dropped_total'),

    diskOperations:: perDisk('system_disk_operations_total'),
    diskThroughput:: perDisk('system_disk_io_bytes_total'),
    // Seconds of work per second: the share of time in which a disk is busy.
    diskBusy:: perNode(function(config, k8s, nodes) q.sum(
      [config.nodeLabel, 'device'],
      k8s.node.disk('system_disk_io_time_seconds_total', nodes, labels=[]),
    )),
  },

  variables(config):: local v = lib.variables(config); [v.datasource, v.cluster, v.node],

  dashboard(config, queries, variables)::
    local res = resources.panels(config, queries, scope);
    local node = '{{%s}}' % config.nodeLabel;

    local condition(title, name, meaning, act, needs, colours) =
      panels.stat(
        title,
        about(meaning, 'k8s_cluster', act, needs),
        units.count,
        [target.instant(queries.condition(config, name), node)],
      ) + panels.field(colours) + panels.size(3, 4);
    local share(title, description, query) =
      panels.gauge(title, description, units.ratio, [target.instant(query(config), node)])
      + panels.upTo(1) + panels.decimals(1) + panels.field(thresholds.saturation(config));
    local pressure(resource, act, type) =
      condition(
        resource + ' pressure',
        std.asciiLower(resource) + '_pressure',
        'Whether the kubelet runs short of %s, so that it evicts pods or takes no new ones.' % type,
        act,
        '`node_conditions_to_report: [%sPressure]`' % resource,
        mappings.badCondition,
      );

    local strip = [
      condition(
        'Ready',
        'ready',
        'Whether the kubelet says that the node can run pods.',
        'Not ready: is the machine up, does its kubelet reach the API server? Its pods are moved after five minutes.',
        '',
        mappings.goodCondition,
      ),
      pressure('Memory', 'Find the pod whose memory grew, below.', 'memory'),
      pressure('Disk', 'Look for logs and images that fill the disk, see ephemeral storage per pod.', 'disk space'),
      pressure('PID', 'Look for a pod that forks without end.', 'process numbers'),
      panels.stat('Up for', about(
        'Since the node was started.',
        'kubelet_stats',
        'Shorter than expected: it was restarted, see its system log for why.',
        '`k8s.node.uptime` switched on',
      ), units.duration, [target.instant(queries.uptime(config), node)]),
      panels.stat('Load per CPU', about(
        'Threads that run or want to, over the last minute, per CPU.',
        'host_metrics',
        'Above 1 for long: threads wait for CPUs, or for disks.',
      ), units.count, [target.instant(queries.loadPerCpu(config), node)])
      + panels.decimals(2) + panels.field(thresholds.commitment),
      panels.stat('Pods', about(
        'Pods on the node that are Pending or Running.',
        'k8s_cluster',
        'See the tables below for which they are.',
      ), units.count, [target.instant(queries.pods(config), node)]) + panels.decimals(0) + panels.noValue('0'),
      share('CPU utilisation', about(
        'The share of CPU time in which the node\'s CPUs work: everything but idle, waiting for disks, and stolen.',
        'host_metrics',
        'Above 80 % pods begin to wait for each other.',
      ), queries.cpuUtilisation),
      share('Memory utilisation', about(
        'Working set of the node, as a share of its memory.',
        'kubelet_stats',
        'Above 90 % the kubelet begins to evict pods.',
      ), queries.memoryUtilisation),
      share('Filesystem utilisation', about(
        'The share of the kubelet\'s filesystem that is used.',
        'kubelet_stats',
        'Above 85 % the kubelet removes images, then evicts pods.',
      ), queries.filesystemUtilisation),
      share('Pods of allocatable', about(
        'Pods on the node, as a share of how many the kubelet accepts.',
        'k8s_cluster',
        'Near 100 % the node takes no further pod, however much CPU and memory is free.',
        '`allocatable_types_to_report: [pods]`',
      ), queries.podsOfAllocatable) + panels.noValue('0'),
    ];

    // What the machine has, and what of it the kubelet gives to pods.
    local limits(resource) = [
      target.range(queries[resource + 'Allocatable'](config), 'Allocatable'),
      target.range(queries[resource + 'Capacity'](config), 'Capacity'),
    ];
    local limitReceivers = 'kubelet_stats (usage), k8s_cluster (allocatable) and host_metrics (capacity)';
    local outside(what, unit, query) =
      panels.timeseries(what + ' outside pods', about(
        'What the node uses beyond its pods: kubelet, container runtime, the system\'s own services.',
        'kubelet_stats',
        'If it is more than what is reserved (capacity - allocatable), raise the kubelet\'s reservations.',
      ), unit, [target.range(query(config), node)]) + panels.wide(7) + panels.noValue('No running pod');
    local rss =
      panels.timeseries('Memory without page cache (RSS) by pod', about(
        'Anonymous memory: heaps and stacks, without what is backed by files.',
        'kubelet_stats',
        'Growth that never falls is a leak.',
      ), units.bytes, [target.range(queries.memoryUsageRSS(config), scope.legend(config))])
      + panels.stacked + panels.noValue('No running pod');
    local states =
      panels.timeseries('Memory by state', about(
        'All memory of the machines, as the kernel accounts for it. Free and cached memory is there for programs, and most of slab_reclaimable.',
        'host_metrics',
        'When cached and free are nearly gone, programs wait for the disk.',
      ), units.bytes, [target.range(queries.memoryByState(config), '{{state}}')]);

    local ts(title, description, unit, targets) = panels.timeseries(title, description, unit, targets);
    local bothWays(query) = [
      target.range(query(config, 'receive'), node + ' {{device}} received'),
      target.range(query(config, 'transmit'), node + ' {{device}} sent'),
    ];
    local network = [
      ts(
        'Receive bandwidth',
        about(
          'Bits received per second, per network interface.',
          'kubelet_stats',
          'Near the interface\'s speed: spread the pods that cause it over more nodes.',
        ),
        units.bitsPerSecond,
        [target.range(queries.networkReceiveBandwidth(config), node + ' {{interface}}')],
      ),
      ts(
        'Transmit bandwidth',
        about(
          'Bits sent per second, per network interface.',
          'kubelet_stats',
          'Near the interface\'s speed: spread the pods that cause it over more nodes.',
        ),
        units.bitsPerSecond,
        [target.range(queries.networkTransmitBandwidth(config), node + ' {{interface}}')],
      ),
      ts(
        'Packets',
        about(
          'Packets per second, per network device.',
          'host_metrics',
          'Many packets with little bandwidth cost CPU time: look for chatty pods.',
        ),
        units.packetsPerSecond,
        bothWays(queries.packets),
      ),
      ts(
        'Packets dropped',
        about(
          'Packets that the kernel threw away, per second and network device.',
          'host_metrics',
          'Above 0 for long: queues are too short, or the CPUs too busy to empty them.',
        ),
        units.packetsPerSecond,
        bothWays(queries.packetsDropped),
      ),
    ];
    local disks = [
      ts(
        'Disk operations',
        about(
          'Reads and writes per second, per disk.',
          'host_metrics',
          'Near what the disk can do, everything on the node waits.',
        ),
        units.operationsPerSecond,
        [target.range(queries.diskOperations(config), node + ' {{device}} {{direction}}')],
      ) + panels.size(8, 8) + panels.namesOnly,
      ts(
        'Disk throughput',
        about(
          'Bytes read and written per second, per disk.',
          'host_metrics',
          'Near what the disk can do, everything on the node waits.',
        ),
        units.bytesPerSecond,
        [target.range(queries.diskThroughput(config), node + ' {{device}} {{direction}}')],
      ) + panels.size(8, 8) + panels.namesOnly,
      ts(
        'Disk busy',
        about(
          'The share of time in which a disk has something to do.',
          'host_metrics',
          'Near 100 %, and not an SSD that works on many requests at once: the disk is the bottleneck.',
        ),
        units.ratio,
        [target.range(queries.diskBusy(config), node + ' {{device}}')],
      ) + panels.size(8, 8) + panels.namesOnly,
    ];

    dashboard.new(
      config,
      $.name,
      'Compute Resources / Node (Pods)',
      'One node or a few: its condition, and what its pods use.',
      variables,
      [
        dashboard.row('Node', strip),
        dashboard.row('CPU', [
          res.cpuUsage(limits('cpu'), limitReceivers, '`allocatable_types_to_report: [cpu]`'),
          res.cpuQuota(),
          outside('CPU', units.cores, queries.cpuOutsidePods),
        ]),
        dashboard.row('Memory', [
          res.memoryUsage(
            limits('memory'),
            limitReceivers,
            '`allocatable_types_to_report: [memory]` and `system.memory.limit` switched on',
          ),
          rss,
          states,
          res.memoryQuota(),
          outside('Memory', units.bytes, queries.memoryOutsidePods),
        ]),
        dashboard.row('Network', network),
        dashboard.row('Disks', disks),
      ],
    ),
}
