// Network traffic of anything that consists of pods (see scopes.libsonnet). The kubelet counts bytes and errors per pod
// and interface; packets it counts per node only, see sources/net-cluster.libsonnet.
local lib = import '../../lib/index.libsonnet';
local about = lib.about, panels = lib.panels, q = lib.promql, table = lib.table, target = lib.target, units = lib.units;

{
  queries(scope):: {
    local bandwidth(direction) = function(config)
      local k8s = lib.k8s(config);
      k8s.bits(scope.sum(config, function(kept) k8s.pod.network(direction, scope.matchers(k8s), kept))),
    local average(direction) = function(config)
      local k8s = lib.k8s(config);
      // Interfaces are added up before the mean is taken, so that it is one of pods.
      k8s.bits(
        scope.avg(config, function(kept) q.sum(
          k8s.identity.pod + kept,
          k8s.pod.network(direction, scope.matchers(k8s), kept),
        )),
      ),
    local errors(direction) = function(config)
      local k8s = lib.k8s(config);
      scope.sum(config, function(kept) k8s.pod.networkErrors(direction, scope.matchers(k8s), kept)),

    networkReceiveBandwidth:: bandwidth('receive'),
    networkTransmitBandwidth:: bandwidth('transmit'),
    averagePodReceiveBandwidth:: average('receive'),
    averagePodTransmitBandwidth:: average('transmit'),
    networkReceiveErrors:: errors('receive'),
    networkTransmitErrors:: errors('transmit'),
  },

  panels(config, queries, scope):: {
    local ts(title, description, unit, query) =
      panels.timeseries(title, description, unit, [target.range(query(config), scope.legend(config))])
      + panels.noValue('No running pod'),

    bandwidth:: [
      ts('Receive bandwidth', about(
        'Bits received per second, per %s of the %s.' % [scope.each, scope.of],
        scope.receiver,
        'A sudden change without one in load is worth a look at who talks to whom.',
      ), units.bitsPerSecond, queries.networkReceiveBandwidth) + panels.stacked,
      ts('Transmit bandwidth', about(
        'Bits sent per second, per %s of the %s.' % [scope.each, scope.of],
        scope.receiver,
        'A sudden change without one in load is worth a look at who talks to whom.',
      ), units.bitsPerSecond, queries.networkTransmitBandwidth) + panels.stacked,
    ],

    average:: [
      ts('Average receive bandwidth per pod', about(
        'Bits received per second by a pod on average, per %s. Network belongs to pods: there is none per container.' % scope.each,
        scope.receiver,
        'If it grows while the number of pods stays, each pod has more to do: think about scaling.',
      ), units.bitsPerSecond, queries.averagePodReceiveBandwidth),
      ts('Average transmit bandwidth per pod', about(
        'Bits sent per second by a pod on average, per %s. Network belongs to pods: there is none per container.' % scope.each,
        scope.receiver,
        'If it grows while the number of pods stays, each pod has more to do: think about scaling.',
      ), units.bitsPerSecond, queries.averagePodTransmitBandwidth),
    ],

    errors:: [
      ts('Receive errors', about(
        'Packets that arrived broken, per second and %s. These are errors: packets dropped are counted per node only.' % scope.each,
        scope.receiver,
        'Anything above 0 for long: look at the nodes, their network cards and the overlay network\'s MTU.',
      ), units.errorsPerSecond, queries.networkReceiveErrors),
      ts('Transmit errors', about(
        'Packets that could not be sent, per second and %s. These are errors: packets dropped are counted per node only.' % scope.each,
        scope.receiver,
        'Anything above 0 for long: look at the nodes, their network cards and the overlay network\'s MTU.',
      ), units.errorsPerSecond, queries.networkTransmitErrors),
    ],

    current(keys)::
      table.new(
        'Current network usage',
        about(
          'Traffic and errors at the end of the time range, per %s.' % scope.each,
          scope.receiver,
          'Sort by a column to find who causes the traffic.',
        ),
        keys,
        [
          { title: 'Received', unit: units.bitsPerSecond, expr: queries.networkReceiveBandwidth(config) },
          { title: 'Sent', unit: units.bitsPerSecond, expr: queries.networkTransmitBandwidth(config) },
          { title: 'Receive errors', unit: units.errorsPerSecond, expr: queries.networkReceiveErrors(config) },
          { title: 'Transmit errors', unit: units.errorsPerSecond, expr: queries.networkTransmitErrors(config) },
        ],
      ) + panels.noValue('No running pod'),
  },
}
