// Compute Resources / Namespace (Workloads): what the Deployments, StatefulSets, … of one namespace use.
local lib = import '../lib/index.libsonnet';
local network = import 'shared/network.libsonnet';
local quota = import 'shared/quota.libsonnet';
local resources = import 'shared/resources.libsonnet';
local scope = (import 'shared/scopes.libsonnet').namespaceWorkloads;

local about = lib.about, dashboard = lib.dashboard, panels = lib.panels, q = lib.promql,
      target = lib.target, units = lib.units;

{
  name: 'namespace-workloads',

  queries: resources.queries(scope) + network.queries(scope) + quota.queries + {
    runningPodsByWorkload(config)::
      local k8s = lib.k8s(config);
      k8s.workload.runningPods(k8s.of.namespace),

    // Desired, but not available. One query a kind: each has metrics of its own.
    missing(config, kind)::
      local k8s = lib.k8s(config);
      local label = 'k8s_%s_name' % kind;
      local of(metric) = k8s.gauge(metric, [config.clusterLabel, config.namespaceLabel, label], k8s.of.namespace);
      local metrics = {
        deployment: ['k8s_deployment_desired', 'k8s_deployment_available'],
        statefulset: ['k8s_statefulset_desired_pods', 'k8s_statefulset_ready_pods'],
        daemonset: ['k8s_daemonset_desired_scheduled_nodes', 'k8s_daemonset_ready_nodes'],
      }[kind];
      q.sum([label], q.binary(of(metrics[0]), '-', of(metrics[1]))),
  },

  variables(config):: local v = lib.variables(config); [v.datasource, v.cluster, v.namespace],

  dashboard(config, queries, variables)::
    local res = resources.panels(config, queries, scope);
    local net = network.panels(config, queries, scope);
    local runningPods = { title: 'Running pods', unit: units.count, expr: queries.runningPodsByWorkload(config) };

    local missing =
      panels.timeseries('Missing replicas', about(
        'Pods that a workload wants and does not have: of Deployments those not available, of StatefulSets and DaemonSets those not ready.',
        'k8s_cluster',
        'Above 0 for longer than a rollout takes: open the workload, look at its pods\' phases, restarts and waiting reasons.',
      ), units.count, [
        target.range(queries.missing(config, kind), '%s/{{k8s_%s_name}}' % [kind, kind])
        for kind in ['deployment', 'statefulset', 'daemonset']
      ]) + panels.wide(8) + panels.decimals(0) + panels.noValue('No Deployment, StatefulSet or DaemonSet');

    dashboard.new(
      config,
      $.name,
      'Compute Resources / Namespace (Workloads)',
      'What the workloads of one namespace use. A pod without an owner is a workload of its own, of kind pod.',
      variables,
      [
        dashboard.row('Replicas', [missing]),
        dashboard.row(
          'CPU',
          [res.cpuUsage(quota.lines(config, queries, 'cpu'), quota.receivers), res.cpuQuota(first=[runningPods])],
        ),
        dashboard.row(
          'Memory',
          [res.memoryUsage(quota.lines(config, queries, 'memory'), quota.receivers), res.memoryQuota(first=[runningPods])],
        ),
        dashboard.row('Network', [net.current(scope.networkKeys(config))] + net.bandwidth + net.average + net.errors),
      ],
    ),
}
