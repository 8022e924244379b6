// Telemetry Health: why a panel elsewhere is empty. Which receivers send, which settings are on, how old the data is.
local lib = import '../lib/index.libsonnet';

local about = lib.about, dashboard = lib.dashboard, panels = lib.panels, q = lib.promql, table = lib.table,
      target = lib.target, thresholds = lib.thresholds, units = lib.units;

// One metric of each receiver that is there whenever the receiver is.
local receivers = [
  { name: 'kubelet_stats', metric: 'k8s_node_cpu_time_seconds_total' },
  { name: 'k8s_cluster', metric: 'k8s_node_condition_ready' },
  { name: 'host_metrics', metric: 'system_cpu_time_seconds_total' },
];

// What the dashboards need beyond the receivers' defaults.
local optional = [
  {
    name: 'Allocatable',
    metric: 'k8s_node_allocatable_cpu',
    receiver: 'k8s_cluster',
    needs: '`allocatable_types_to_report: [cpu, memory, ephemeral-storage, pods]`',
  },
  {
    name: 'Node conditions',
    metric: 'k8s_node_condition_memory_pressure',
    receiver: 'k8s_cluster',
    needs: '`node_conditions_to_report: [Ready, MemoryPressure, DiskPressure, PIDPressure]`',
  },
  {
    name: 'Container reasons',
    metric: 'k8s_container_status_reason',
    receiver: 'k8s_cluster',
    needs: '`k8s.container.status.reason` switched on',
  },
  {
    name: 'Phases of claims',
    metric: 'k8s_persistentvolumeclaim_status_phase',
    receiver: 'k8s_cluster',
    needs: '`k8s.persistentvolumeclaim.status.phase` switched on, and the right to list claims',
  },
  {
    name: 'Requests of claims',
    metric: 'k8s_persistentvolumeclaim_storage_request_bytes',
    receiver: 'k8s_cluster',
    needs: '`k8s.persistentvolumeclaim.storage.request` switched on, and the right to list claims',
  },
  {
    name: 'Phases of volumes',
    metric: 'k8s_persistentvolume_status_phase',
    receiver: 'k8s_cluster',
    needs: '`k8s.persistentvolume.status.phase` switched on, and the right to list volumes',
  },
  {
    name: 'Volumes',
    metric: 'k8s_volume_capacity_bytes',
    receiver: 'kubelet_stats',
    needs: 'the metric group `volume`',
  },
  {
    name: 'Volume usage',
    metric: 'k8s_pod_volume_usage_bytes',
    receiver: 'kubelet_stats',
    needs: '`k8s.pod.volume.usage` switched on',
  },
  {
    name: 'Age of pods',
    metric: 'k8s_pod_uptime_seconds_total',
    receiver: 'kubelet_stats',
    needs: '`k8s.pod.uptime` switched on',
  },
  {
    name: 'Age of nodes',
    metric: 'k8s_node_uptime_seconds_total',
    receiver: 'kubelet_stats',
    needs: '`k8s.node.uptime` switched on',
  },
  {
    name: 'CPUs of machines',
    metric: 'system_cpu_logical_count',
    receiver: 'host_metrics',
    needs: '`system.cpu.logical.count` switched on before collector v0.157',
  },
  {
    name: 'Memory of machines',
    metric: 'system_memory_limit_bytes',
    receiver: 'host_metrics',
    needs: '`system.memory.limit` switched on',
  },
];

local seriesOf(config, metric, extra=[]) =
  local k8s = lib.k8s(config);
  q.count([], q.select(metric, k8s.of.clusters + extra));

{
  name: 'telemetry',

  queries: {
    sampleAge(config, metric)::
      local k8s = lib.k8s(config);
      q.binary('time()', '-', q.max([], q.call('timestamp', [q.select(metric, k8s.of.clusters)]))),
    series(config, metric):: seriesOf(config, metric),
    nodesWith(config, metric):: local k8s = lib.k8s(config); q.count([], k8s.node.gauge(metric, k8s.of.anyNode)),
    // 1 is right. 2: two collectors send the same, or one was restarted within the last five minutes.
    copies(config)::
      local k8s = lib.k8s(config);
      q.ratio(
        q.count([], q.select('k8s_pod_phase', k8s.of.clusters)),
        q.count([], k8s.gauge('k8s_pod_phase', k8s.identity.pod, k8s.of.clusters)),
      ),
    podsWithNode(config)::
      local k8s = lib.k8s(config);
      q.ratio(
        q.count([], q.select('k8s_pod_cpu_time_seconds_total', k8s.of.anyNode)),
        q.count([], q.select('k8s_pod_cpu_time_seconds_total', k8s.of.clusters)),
      ),
    podsWithOwner(config)::
      local k8s = lib.k8s(config);
      local withoutOwner = ['%s=""' % label for label in k8s.workload.owners];
      q.ratio(
        q.count([], q.binary(
          q.select('k8s_pod_cpu_time_seconds_total', k8s.of.clusters),
          'unless',
          q.select('k8s_pod_cpu_time_seconds_total', k8s.of.clusters + withoutOwner),
        )),
        q.count([], q.select('k8s_pod_cpu_time_seconds_total', k8s.of.clusters)),
      ),
    claimsNamed(config)::
      local k8s = lib.k8s(config);
      seriesOf(config, 'k8s_volume_capacity_bytes', ['%s!=""' % k8s.claimLabel]),
    seriesByMetric(config)::
      local k8s = lib.k8s(config);
      q.count(['__name__'], q.select('', ['__name__=~"(k8s|container|system)_.+"'] + k8s.of.clusters)),
  },

  variables(config):: local v = lib.variables(config); [v.datasource, v.cluster],

  dashboard(config, queries, variables)::
    local missing = panels.noValue('missing');
    local count(title, description, query, colours) =
      panels.stat(title, description, units.count, [target.instant(query)])
      + panels.decimals(0) + panels.field(colours) + missing;

    local howToRead = panels.text('How to read this', 'What this dashboard is for.', |||
      **A panel elsewhere is empty?** Its description names the receiver that it needs, and the setting. Here you see whether that arrives:
      a number is the count of series, *missing* means that nothing came within the last five minutes.
      The settings that all dashboards need stand in the repository, in `deploy/collector`.
    |||) + panels.size(24, 3);

    local age(receiver) =
      panels.stat('Last sample of %s' % receiver.name, about(
        'How old the newest sample is.',
        receiver.name,
        'Older than two collection intervals: look at the collector\'s own log. Missing: the receiver is not in a pipeline, or may not reach its source.',
      ), units.seconds, [target.instant(queries.sampleAge(config, receiver.metric))])
      + panels.decimals(0) + missing + panels.size(8, 4)
      + panels.field(
        { thresholds: { mode: 'absolute', steps: [{ color: 'green', value: null }, { color: 'yellow', value: 120 }, { color: 'red', value: 240 }] } },
      );
    local nodes(receiver) =
      count('Nodes seen by %s' % receiver.name, about(
        'Nodes of which this receiver sends something.',
        receiver.name,
        'Fewer than k8s_cluster sees: some nodes run no collector, or their kubelet refuses it.',
      ), queries.nodesWith(config, receiver.metric), thresholds.shouldExist) + panels.size(8, 4);

    local share(title, description, query) =
      panels.stat(
        title,
        description,
        units.ratio,
        [target.instant(query(config))],
      ) + panels.decimals(1) + missing + panels.size(6, 4);
    local identity = [
      share('Pod series with a node', about(
        'Series of pods that carry a node\'s name.',
        'kubelet_stats; the name comes from the receiver\'s resource or the processor k8s_attributes',
        'Below 100 % node dashboards miss pods: give k8s_attributes `k8s.node.name` to extract.',
      ), queries.podsWithNode),
      share('Pod series with an owner', about(
        'Series of pods that carry the name of their workload. Single pods have none, so 100 % is not to be expected.',
        'kubelet_stats; the names come from the processor k8s_attributes',
        'Near 0 %: the processor is missing, or has no pod_association by `k8s.pod.uid`.',
      ), queries.podsWithOwner),
      panels.stat('Copies of each series', about(
        'Series per pod. Dashboards count each pod once, however many copies there are.',
        'k8s_cluster',
        'Above 1: two collectors run k8s_cluster; switch on leader election. Just after a restart of the collector it is normal.',
      ), units.count, [target.instant(queries.copies(config))]) + panels.decimals(2) + missing + panels.size(6, 4),
      count('Volume series with a claim', about(
        'Series of volumes that carry a claim\'s name.',
        'kubelet_stats',
        'Missing though there are claims: the label is not promoted when Prometheus ingests OTLP, see `deploy/lgtm/prometheus.yaml`.',
        'the metric group `volume` and `extra_metadata_labels: [k8s.volume.type]`',
      ), queries.claimsNamed(config), thresholds.shouldExist) + panels.size(6, 4),
    ];

    local settings = [
      count(one.name, about(
        'Series of `%s`.' % one.metric,
        one.receiver,
        'If it is missing: switch it on in the collector\'s configuration.',
        one.needs,
      ), queries.series(config, one.metric), thresholds.shouldExist)
      for one in optional
    ];

    local volume = [
      table.new(
        'Series by metric',
        about(
          'How many series each metric has: what the store has to hold.',
          'all three receivers',
          'A metric that you see in no dashboard, and that has many series, can be switched off in the collector.',
        ),
        [{ label: '__name__', title: 'Metric' }],
        [{ title: 'Series', unit: units.count, expr: queries.seriesByMetric(config), decimals: 0 }],
      ) + panels.size(24, 12),
    ];

    dashboard.new(
      config,
      $.name,
      'Telemetry Health',
      'Why a panel elsewhere is empty: which receivers send, which settings are on, how old the data is.',
      variables,
      [
        dashboard.row('Receivers', [howToRead] + [age(one) for one in receivers] + [nodes(one) for one in receivers]),
        dashboard.row('Settings that are off by default', settings),
        dashboard.row('Identity', identity),
        dashboard.row('Series', volume),
      ],
    ),
}
