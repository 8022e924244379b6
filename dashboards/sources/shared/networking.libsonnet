// The Networking dashboards below the cluster: the same rows for a namespace's pods, its workloads, one workload, one pod.
local lib = import '../../lib/index.libsonnet';
local network = import 'network.libsonnet';

local about = lib.about, dashboard = lib.dashboard, panels = lib.panels, q = lib.promql,
      target = lib.target, units = lib.units;

// All of the scope together.
local total(scope, direction) = function(config)
  local k8s = lib.k8s(config);
  k8s.bits(q.sum([], k8s.pod.network(direction, scope.matchers(k8s))));

{
  // options: name, title, description, scope,
  //   variables   function of the config
  //   average     whether to draw the mean per pod; wants parts that have several pods
  //   table       whether to list the parts; wants several parts
  new(options):: {
    local scope = options.scope,
    name: options.name,

    queries: network.queries(scope) + {
      totalReceiveBandwidth:: total(scope, 'receive'),
      totalTransmitBandwidth:: total(scope, 'transmit'),
    },

    variables: options.variables,

    dashboard(config, queries, variables)::
      local net = network.panels(config, queries, scope);
      local now(title, way, query) =
        panels.stat(title, about(
          'Bits %s per second by the %s at the end of the time range.' % [way, scope.of],
          'kubelet_stats',
          'Compare with the graphs below: is that much usual?',
        ), units.bitsPerSecond, [target.instant(query(config))])
        + panels.size(12, 4) + panels.noValue('No running pod');
      local share(title, way, query) =
        panels.bargauge(title, about(
          'Bits %s per second at the end of the time range, per %s.' % [way, scope.each],
          'kubelet_stats',
          'The longest bar is who causes the traffic.',
        ), units.bitsPerSecond, [target.instant(query(config), scope.legend(config))])
        + panels.size(12, 8) + panels.noValue('No running pod');

      dashboard.new(
        config,
        options.name,
        options.title,
        options.description,
        variables,
        [
          dashboard.row('Current', [
            now('Current rate received', 'received', queries.totalReceiveBandwidth),
            now('Current rate sent', 'sent', queries.totalTransmitBandwidth),
          ] + (
            if options.table then [
              share('Current rate received by %s' % scope.each, 'received', queries.networkReceiveBandwidth),
              share('Current rate sent by %s' % scope.each, 'sent', queries.networkTransmitBandwidth),
              net.current(scope.networkKeys(config)),
            ] else []
          )),
          dashboard.row('Bandwidth', net.bandwidth + (if options.average then net.average else [])),
          dashboard.row('Errors', net.errors),
        ],
      ),
  },
}
