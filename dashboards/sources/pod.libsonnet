// Compute Resources / Pod: one pod and its containers.
local lib = import '../lib/index.libsonnet';
local network = import 'shared/network.libsonnet';
local resources = import 'shared/resources.libsonnet';
local scopes = import 'shared/scopes.libsonnet';

local about = lib.about, dashboard = lib.dashboard, mappings = lib.mappings, panels = lib.panels, q = lib.promql,
      target = lib.target, units = lib.units;

local scope = scopes.pod;
// Network belongs to the pod as a whole.
local networkScope = scopes.namespacePods { matchers(k8s):: k8s.of.pod };

local ofPod(what) = function(config) local k8s = lib.k8s(config); q.sum([], what(k8s, k8s.of.pod));

{
  name: 'pod',

  queries: resources.queries(scope) + network.queries(networkScope) + {
    // --- The strip at the top ---
    phase(config):: local k8s = lib.k8s(config); q.min([], k8s.pod.phase(k8s.of.pod)),
    node(config)::
      local k8s = lib.k8s(config);
      local scheduled = k8s.of.pod + ['%s!=""' % config.nodeLabel];
      q.max([config.nodeLabel], k8s.pod.phase(scheduled, [config.nodeLabel])),
    owner(config)::
      local k8s = lib.k8s(config);
      k8s.workload.count(k8s.pod.phase(k8s.of.pod, k8s.workload.owners)),
    uptime(config)::
      local k8s = lib.k8s(config);
      q.max([], k8s.live('k8s_pod_uptime_seconds_total', k8s.identity.pod, k8s.of.pod)),
    containersReady:: ofPod(function(k8s, pod) k8s.container.ready(pod)),
    containers(config):: local k8s = lib.k8s(config); q.count([], k8s.container.ready(k8s.of.pod)),
    restarts:: ofPod(function(k8s, pod) k8s.container.restarts(pod)),
    reasons(config)::
      local k8s = lib.k8s(config);
      q.binary(
        q.sum(
          ['k8s_container_status_reason'],
          k8s.live(
            'k8s_container_status_reason',
            k8s.identity.container + ['k8s_container_status_reason'],
            k8s.of.pod,
          ),
        ),
        '>',
        '0',
      ),

    // --- Requests and limits of the pod, as lines ---
    cpuRequests:: ofPod(function(k8s, pod) k8s.container.requests('cpu', pod)),
    cpuLimits:: ofPod(function(k8s, pod) k8s.container.limits('cpu', pod)),
    memoryRequests:: ofPod(function(k8s, pod) k8s.container.requests('memory', pod)),
    memoryLimits:: ofPod(function(k8s, pod) k8s.container.limits('memory', pod)),

    // --- Containers ---
    filesystemByContainer(config)::
      local k8s = lib.k8s(config);
      q.sum([config.containerLabel], k8s.container.filesystem(k8s.of.pod)),
    ephemeralStorage:: ofPod(function(k8s, pod) k8s.pod.ephemeralStorage(pod)),
    volumeUsage(config)::
      local k8s = lib.k8s(config);
      q.sum(
        ['k8s_volume_name'],
        k8s.gauge('k8s_pod_volume_usage_bytes', k8s.identity.pod + ['k8s_volume_name'], k8s.of.pod),
      ),
    restartsByContainer(config)::
      local k8s = lib.k8s(config);
      q.sum([config.containerLabel], k8s.container.restarts(k8s.of.pod)),
    readyByContainer(config)::
      local k8s = lib.k8s(config);
      q.min([config.containerLabel], k8s.container.ready(k8s.of.pod)),
  },

  variables(config):: local v = lib.variables(config); [v.datasource, v.cluster, v.namespace, v.pod],

  dashboard(config, queries, variables)::
    local res = resources.panels(config, queries, scope);
    local net = network.panels(config, queries, networkScope);
    local byContainer(title, description, unit, query) =
      panels.timeseries(title, description, unit, [target.range(query(config), scope.legend(config))]);

    // A pod that has gone stays in the list of the time range.
    local gone = panels.noValue('Gone');
    local strip = [
      panels.stat(
        'Phase',
        about(
          'Where the pod is in its life. A crash-looping pod is Running.',
          'k8s_cluster',
          'Pending: `kubectl describe pod` says for what it waits. Failed: read its logs.',
        ),
        units.count,
        [target.instant(queries.phase(config))],
      ) + panels.field(mappings.podPhase) + panels.size(3, 4) + gone,
      panels.stat(
        'Node',
        about('The node that the pod was given to.', 'k8s_cluster', 'Without a node the pod waits for one that fits.'),
        units.count,
        [target.instant(queries.node(config), '{{%s}}' % config.nodeLabel)],
      ) + panels.showNames + panels.size(4, 4) + panels.noValue('No node'),
      panels.stat(
        'Workload',
        about(
          'Who made the pod, and will make another one in its place. A pod without an owner is not made again.',
          'k8s_cluster; the owners\' names come from the processor k8s_attributes',
          'Change the workload, not the pod.',
        ),
        units.count,
        [target.instant(queries.owner(config), '{{workload_type}}/{{workload}}')],
      ) + panels.showNames + panels.size(5, 4) + gone,
      panels.stat(
        'Age',
        about(
          'Since the pod was started.',
          'kubelet_stats',
          'Younger than its workload\'s last rollout: it was evicted, or its node went away.',
          '`k8s.pod.uptime` switched on',
        ),
        units.duration,
        [target.instant(queries.uptime(config))],
      ) + panels.size(4, 4) + panels.noValue('Does not run'),
      panels.stat(
        'Containers ready',
        about(
          'Containers that pass their readiness probes, and all containers.',
          'k8s_cluster',
          'If they differ, the pod gets no traffic from Services: see readiness below for which container.',
        ),
        units.count,
        [target.instant(queries.containersReady(config), 'Ready'), target.instant(queries.containers(config), 'All')],
      ) + panels.size(4, 4) + gone,
      panels.stat(
        'Restarts',
        about(
          'Restarts of the pod\'s containers since it was made.',
          'k8s_cluster',
          'See restarts below for when; waiting reasons for why.',
        ),
        units.count,
        [target.instant(queries.restarts(config))],
      ) + panels.decimals(0) + panels.size(4, 4) + gone,
    ];

    local limitLines(of) = [
      target.range(queries[of + 'Requests'](config), 'Requests'),
      target.range(queries[of + 'Limits'](config), 'Limits'),
    ];
    local limitReceivers = 'kubelet_stats (usage) and k8s_cluster (requests, limits)';
    local cpuVsLimit =
      byContainer('CPU usage / limit by container', about(
        'Cores in use, as a share of the container\'s limit. Not throttling: the kubelet\'s summary does not count that; a container near 100 % is being throttled.',
        'kubelet_stats (usage) and k8s_cluster (limits)',
        'Near 100 %: raise or remove the limit.',
      ), units.ratio, queries.cpuUsageVsLimits) + panels.wide(7) + panels.noValue('No limit');
    local memoryVsLimit =
      byContainer('Memory usage / limit by container', about(
        'Working set, as a share of the container\'s limit.',
        'kubelet_stats (usage) and k8s_cluster (limits)',
        'At 100 % the container is killed: raise the limit, or find the leak.',
      ), units.ratio, queries.memoryUsageVsLimits) + panels.noValue('No limit');
    local rss =
      byContainer('Memory without page cache (RSS) by container', about(
        'Anonymous memory: heaps and stacks, without what is backed by files.',
        'kubelet_stats',
        'Growth that never falls is a leak.',
      ), units.bytes, queries.memoryUsageRSS) + panels.stacked + panels.noValue('No running container');

    local storage = [
      byContainer('Writable layer by container', about(
        'What a container wrote outside its volumes.',
        'kubelet_stats',
        'If it grows, the container writes to where it should not: mount a volume there.',
      ), units.bytes, queries.filesystemByContainer)
      + panels.size(8, 8) + panels.namesOnly + panels.noValue('No running container'),
      panels.timeseries('Ephemeral storage', about(
        'Space on the node\'s own disk: writable layers, logs and emptyDir volumes of the pod together.',
        'kubelet_stats',
        'Above its limit the pod is evicted.',
      ), units.bytes, [target.range(queries.ephemeralStorage(config), 'Used')])
      + panels.size(8, 8) + panels.namesOnly + panels.noValue('No running container'),
      panels.timeseries('Volumes', about(
        'Space used in the pod\'s volumes, by the name that the pod gives them.',
        'kubelet_stats',
        'How full a claim is says the dashboard Persistent Volumes.',
        'the metric group `volume` and `k8s.pod.volume.usage` switched on',
      ), units.bytes, [target.range(queries.volumeUsage(config), '{{k8s_volume_name}}')])
      + panels.size(8, 8) + panels.namesOnly + panels.noValue('No volume'),
    ];

    local state = [
      byContainer('Restarts by container', about(
        'Restarts since the pod was made. Steps upwards are restarts.',
        'k8s_cluster',
        'Steps at equal distances are a crash loop; steps when memory reaches its limit are OOM kills.',
      ), units.count, queries.restartsByContainer)
      + panels.size(8, 8) + panels.namesOnly + panels.decimals(0) + panels.noValue('No container'),
      byContainer('Readiness by container', about(
        '1 while the container passes its readiness probe, 0 while it does not.',
        'k8s_cluster',
        'Flapping: the probe\'s timeout is too short, or the container is overloaded.',
      ), units.count, queries.readyByContainer)
      + panels.size(8, 8) + panels.namesOnly + panels.decimals(0) + panels.upTo(1) + panels.noValue('No container'),
      panels.timeseries('Waiting or ended because of', about(
        'Containers by why they wait or have ended: CrashLoopBackOff, ImagePullBackOff, OOMKilled and so on.',
        'k8s_cluster',
        'OOMKilled: raise the memory limit or find the leak. ImagePullBackOff: the image\'s name, or the right to pull it.',
        '`k8s.container.status.reason` switched on',
      ), units.count, [target.range(queries.reasons(config), '{{k8s_container_status_reason}}')])
      + panels.size(8, 8) + panels.namesOnly + panels.decimals(0) + panels.noValue('All containers run'),
    ];

    dashboard.new(
      config,
      $.name,
      'Compute Resources / Pod',
      'One pod and its containers.',
      variables,
      [
        dashboard.row('Pod', strip),
        dashboard.row('CPU', [res.cpuUsage(limitLines('cpu'), limitReceivers), cpuVsLimit, res.cpuQuota()]),
        dashboard.row(
          'Memory',
          [res.memoryUsage(limitLines('memory'), limitReceivers), rss, memoryVsLimit, res.memoryQuota()],
        ),
        dashboard.row('State', state),
        dashboard.row('Network', net.bandwidth + net.errors),
        dashboard.row('Storage', storage),
      ],
    ),
}
