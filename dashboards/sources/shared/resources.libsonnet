// CPU and memory of anything (see scopes.libsonnet): usage over time, and a table of usage, requests and limits.
local lib = import '../../lib/index.libsonnet';
local about = lib.about, panels = lib.panels, q = lib.promql, table = lib.table, target = lib.target, units = lib.units;

{
  // The queries' names are cpuUsageByPod, memoryRequestsByPod and so on, with the scope's suffix.
  queries(scope):: {
    local queries = self,
    local usage(what) = function(config)
      local k8s = lib.k8s(config);
      scope.sum(config, function(kept) k8s[scope.measured][what](scope.matchers(k8s), kept)),
    local declared(what, resource) = function(config)
      local k8s = lib.k8s(config);
      scope.sum(config, function(kept) k8s.container[what](resource, scope.matchers(k8s), kept)),
    local versus(part, whole) = function(config)
      q.ratio(queries[part + scope.suffix](config), queries[whole + scope.suffix](config)),

    ['cpuUsage' + scope.suffix]:: usage('cpu'),
    ['cpuRequests' + scope.suffix]:: declared('requests', 'cpu'),
    ['cpuLimits' + scope.suffix]:: declared('limits', 'cpu'),
    cpuUsageVsRequests:: versus('cpuUsage', 'cpuRequests'),
    cpuUsageVsLimits:: versus('cpuUsage', 'cpuLimits'),

    ['memoryUsage' + scope.suffix]:: usage('memory'),
    ['memoryRequests' + scope.suffix]:: declared('requests', 'memory'),
    ['memoryLimits' + scope.suffix]:: declared('limits', 'memory'),
    memoryUsageVsRequests:: versus('memoryUsage', 'memoryRequests'),
    memoryUsageVsLimits:: versus('memoryUsage', 'memoryLimits'),
    memoryUsageRSS:: usage('rss'),
  },

  // The panels. `lines`: further targets whose lines limit usage; `receivers` and `needs` say where these come from.
  // `first`: columns in front of the others.
  panels(config, queries, scope):: {
    local noPods = 'No running %s' % (if scope.each == 'container' then 'container' else 'pod'),

    local usage(title, description, unit, query, lines) =
      panels.timeseries(title, description, unit, [target.range(query(config), scope.legend(config))] + lines)
      + panels.wide(8)
      + panels.stacked
      + panels.limitLines([line.legendFormat for line in lines])
      + panels.noValue(noPods),

    local quota(title, description, resource, unit, first, last) =
      table.new(
        title,
        description,
        scope.keys(config),
        first + [
          { title: 'Usage', unit: unit, expr: queries[resource + 'Usage' + scope.suffix](config) },
          { title: 'Requests', unit: unit, expr: queries[resource + 'Requests' + scope.suffix](config) },
          { title: 'Usage / requests', unit: units.ratio, expr: queries[resource + 'UsageVsRequests'](config) },
          { title: 'Limits', unit: unit, expr: queries[resource + 'Limits' + scope.suffix](config) },
          { title: 'Usage / limits', unit: units.ratio, expr: queries[resource + 'UsageVsLimits'](config) },
        ] + last,
        sortBy='Usage',
      ) + panels.noValue(noPods),

    cpuUsage(lines=[], receivers=scope.receiver, needs='')::
      usage(
        'CPU usage by %s' % scope.each,
        about(
          'Cores in use, per %s of the %s.' % [scope.each, scope.of],
          receivers,
          'Look for the %s that grew; compare it with its requests and limits in the table below.' % scope.each,
          needs,
        ),
        units.cores,
        queries['cpuUsage' + scope.suffix],
        lines,
      ),

    cpuQuota(first=[])::
      quota(
        'CPU quota by %s' % scope.each,
        about(
          'Cores in use, requested and allowed. Requests and limits are those of pods that are Pending or Running. A share is empty where nothing is requested, or limited; containers without a limit count in usage and not in limits.',
          'k8s_cluster (requests, limits) and, for usage, ' + scope.receiver,
          'Usage far above requests: raise the requests, or neighbours suffer. Far below: lower them, capacity is reserved in vain.',
        ),
        'cpu',
        units.cores,
        first,
        [],
      ),

    memoryUsage(lines=[], receivers=scope.receiver, needs='')::
      usage(
        'Memory usage by %s' % scope.each,
        about(
          'Working set, per %s of the %s: memory that the kernel cannot free at once, which is what evictions and the OOM killer look at.' % [scope.each, scope.of],
          receivers,
          'Steady growth is a leak. Compare with limits in the table below: at its limit a container is killed.',
          needs,
        ),
        units.bytes,
        queries['memoryUsage' + scope.suffix],
        lines,
      ),

    memoryQuota(first=[])::
      quota(
        'Memory quota by %s' % scope.each,
        about(
          'Working set, requested and allowed memory. Requests and limits are those of pods that are Pending or Running. RSS is the part that is not backed by files.',
          'k8s_cluster (requests, limits) and, for usage and RSS, ' + scope.receiver,
          'Usage near limits: the container is killed soon. Usage above requests: the pod is among the first to be evicted when the node runs short.',
        ),
        'memory',
        units.bytes,
        first,
        [{ title: 'RSS', unit: units.bytes, expr: queries.memoryUsageRSS(config) }],
      ),
  },
}
