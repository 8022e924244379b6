// Networking / Cluster: traffic by namespace, and what only the nodes know: packets, drops, connections.
local lib = import '../lib/index.libsonnet';
local network = import 'shared/network.libsonnet';
local scope = (import 'shared/scopes.libsonnet').cluster;

local about = lib.about, dashboard = lib.dashboard, panels = lib.panels, q = lib.promql, table = lib.table,
      target = lib.target, units = lib.units;

// A counter of host_metrics, for all nodes together or for each.
local ofDevices(labels, metric) = function(config, direction)
  local k8s = lib.k8s(config);
  q.sum(labels(config), k8s.node.device(metric, direction, k8s.of.anyNode));
local together(config) = [];
local each(config) = [config.nodeLabel];

{
  name: 'net-cluster',

  queries: network.queries(scope) + {
    packets:: ofDevices(together, 'system_network_packets_total'),
    packetsDropped:: ofDevices(together, 'system_network_dropped_total'),
    packetsByNode:: ofDevices(each, 'system_network_packets_total'),
    packetsDroppedByNode:: ofDevices(each, 'system_network_dropped_total'),
    receivedByNode(config)::
      local k8s = lib.k8s(config);
      k8s.bits(q.sum([config.nodeLabel], k8s.node.network('receive', k8s.of.anyNode))),
    sentByNode(config)::
      local k8s = lib.k8s(config);
      k8s.bits(q.sum([config.nodeLabel], k8s.node.network('transmit', k8s.of.anyNode))),
    connections(config)::
      local k8s = lib.k8s(config);
      q.sum(
        ['state'],
        k8s.gauge('system_network_connections', k8s.identity.node + ['protocol', 'state'], k8s.of.anyNode),
      ),
  },

  variables(config):: local v = lib.variables(config); [v.datasource, v.cluster],

  dashboard(config, queries, variables)::
    local net = network.panels(config, queries, scope);
    local bothWays(query) = [
      target.range(query(config, 'receive'), 'Received'),
      target.range(query(config, 'transmit'), 'Sent'),
    ];

    local current(title, direction, query) =
      panels.bargauge(title, about(
        'Bits %s per second at the end of the time range, per namespace.' % direction,
        'kubelet_stats',
        'The longest bar is who causes the traffic.',
      ), units.bitsPerSecond, [target.instant(query(config), scope.legend(config))]) + panels.size(12, 7);

    local nodes = [
      panels.timeseries('Packets of nodes', about(
        'Packets per second, all network devices of all nodes together. Pods have no such metric.',
        'host_metrics',
        'Many packets with little bandwidth cost CPU time: look for chatty pods.',
      ), units.packetsPerSecond, bothWays(queries.packets)) + panels.fromZero,
      panels.timeseries('Packets dropped by nodes', about(
        'Packets that the nodes\' kernels threw away, per second. Pods have no such metric.',
        'host_metrics',
        'Above 0 for long: see the table below for the node; its queues are too short or its CPUs too busy.',
      ), units.packetsPerSecond, bothWays(queries.packetsDropped)),
      panels.timeseries('TCP connections of nodes', about(
        'Connections of the nodes themselves by state. Those of pods with a network of their own are not among them.',
        'host_metrics',
        'Many in SYN_SENT: something that is called does not answer. Many in CLOSE_WAIT: a program leaks connections.',
      ), units.count, [target.range(queries.connections(config), '{{state}}')]) + panels.wide(8) + panels.decimals(0),
      table.new(
        'Current network usage by node',
        about(
          'Traffic of the nodes\' own interfaces at the end of the time range.',
          'kubelet_stats (bandwidth) and host_metrics (packets)',
          'Sort by drops to find the node in trouble.',
        ),
        [{ label: config.nodeLabel, title: 'Node', link: lib.links(config).node }],
        [
          { title: 'Received', unit: units.bitsPerSecond, expr: queries.receivedByNode(config) },
          { title: 'Sent', unit: units.bitsPerSecond, expr: queries.sentByNode(config) },
          { title: 'Packets received', unit: units.packetsPerSecond, expr: queries.packetsByNode(config, 'receive') },
          { title: 'Packets sent', unit: units.packetsPerSecond, expr: queries.packetsByNode(config, 'transmit') },
          { title: 'Received and dropped', unit: units.packetsPerSecond, expr: queries.packetsDroppedByNode(config, 'receive') },
          { title: 'Dropped before sending', unit: units.packetsPerSecond, expr: queries.packetsDroppedByNode(config, 'transmit') },
        ],
      ),
    ];

    dashboard.new(
      config,
      $.name,
      'Networking / Cluster',
      'Traffic by namespace; packets, drops and connections of the nodes.',
      variables,
      [
        dashboard.row('Current', [
          current('Current rate received', 'received', queries.networkReceiveBandwidth),
          current('Current rate sent', 'sent', queries.networkTransmitBandwidth),
          net.current(scope.networkKeys(config)),
        ]),
        dashboard.row('Bandwidth', net.bandwidth + net.average),
        dashboard.row('Errors', net.errors),
        dashboard.row('Nodes', nodes),
      ],
    ),
}
