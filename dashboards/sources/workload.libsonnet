// Compute Resources / Workload: the pods of one Deployment, StatefulSet, DaemonSet, Job, CronJob or ReplicaSet.
local lib = import '../lib/index.libsonnet';
local network = import 'shared/network.libsonnet';
local resources = import 'shared/resources.libsonnet';
local scope = (import 'shared/scopes.libsonnet').workload;

local about = lib.about, dashboard = lib.dashboard, panels = lib.panels, q = lib.promql, target = lib.target,
      thresholds = lib.thresholds, units = lib.units;

// A kind has metrics of its own for how many pods it wants and has. The label in the matcher is of one kind, so at most
// one of these finds something.
local ofKind(config, metrics) =
  local k8s = lib.k8s(config);
  local identity = [config.clusterLabel, config.namespaceLabel, 'k8s_${type}_name'];
  q.either([q.sum([], k8s.gauge(metric, identity, k8s.of.workload)) for metric in metrics]);

{
  name: 'workload',

  queries: resources.queries(scope) + network.queries(scope) + {
    desired(config):: ofKind(config, [
      'k8s_deployment_desired',
      'k8s_statefulset_desired_pods',
      'k8s_daemonset_desired_scheduled_nodes',
      'k8s_replicaset_desired',
      'k8s_job_desired_successful_pods',
    ]),
    available(config):: ofKind(config, [
      'k8s_deployment_available',
      'k8s_statefulset_ready_pods',
      'k8s_daemonset_ready_nodes',
      'k8s_replicaset_available',
      'k8s_job_successful_pods',
    ]),
    podsInPhase(config, phase)::
      local k8s = lib.k8s(config);
      q.sum([], q.binary(k8s.pod.phase(k8s.of.workload), '== bool', '%d' % phase)),
    restarts(config)::
      local k8s = lib.k8s(config);
      q.sum([], k8s.container.restarts(k8s.of.workload)),
    restartsByPod(config)::
      local k8s = lib.k8s(config);
      q.sum([config.podLabel], k8s.container.restarts(k8s.of.workload)),
  },

  variables(config)::
    local v = lib.variables(config);
    [v.datasource, v.cluster, v.namespace, v.workloadType, v.workload],

  dashboard(config, queries, variables)::
    local res = resources.panels(config, queries, scope);
    local net = network.panels(config, queries, scope);

    local count(title, description, query) =
      panels.stat(title, description, units.count, [target.instant(query)])
      + panels.decimals(0) + panels.noValue('No pod');

    local replicas = [
      count('Desired', about(
        'Pods that the workload wants: replicas, nodes of a DaemonSet, completions of a Job. CronJobs and single pods have no such number.',
        'k8s_cluster',
        'If it is not what you set, an autoscaler set it.',
      ), queries.desired(config)) + panels.noValue('Not set'),
      count('Available', about(
        'Pods that are there for use: available of Deployments and ReplicaSets, ready of StatefulSets and DaemonSets, succeeded of Jobs.',
        'k8s_cluster',
        'Fewer than desired for longer than a rollout takes: look at the pods below.',
      ), queries.available(config)) + panels.noValue('Not known'),
      count('Pending', about(
        'Pods that wait for a node, or for their images.',
        'k8s_cluster',
        'Above 0 for long: `kubectl describe pod` says which resource, taint or image it is.',
      ), queries.podsInPhase(config, 1)) + panels.field(thresholds.betterZero),
      count('Running', about(
        'Pods with at least one container running. A crash-looping pod is Running, too.',
        'k8s_cluster',
        'Compare with desired.',
      ), queries.podsInPhase(config, 2)),
      count('Failed', about(
        'Pods that ended with an error and are kept.',
        'k8s_cluster',
        'Read the logs of one of them before it is cleaned up.',
      ), queries.podsInPhase(config, 4)) + panels.field(thresholds.shouldBeZero),
      count('Restarts', about(
        'Restarts of all containers since their pods were made.',
        'k8s_cluster',
        'If it grows: the graph beside the replicas says since when, and which pod.',
      ), queries.restarts(config)),
      panels.timeseries('Replicas', about(
        'Desired and available pods over time.',
        'k8s_cluster',
        'The gap between the lines during rollouts should be no larger than maxUnavailable.',
      ), units.count, [
        target.range(queries.desired(config), 'Desired'),
        target.range(queries.available(config), 'Available'),
        target.range(queries.podsInPhase(config, 2), 'Running'),
      ]) + panels.decimals(0) + panels.fromZero + panels.noValue('No pod'),
      panels.timeseries('Restarts by pod', about(
        'Restarts of a pod\'s containers since it was made. Steps upwards are restarts.',
        'k8s_cluster',
        'Steps at equal distances are a crash loop; steps when memory reaches its limit are OOM kills.',
      ), units.count, [target.range(queries.restartsByPod(config), scope.legend(config))])
      + panels.decimals(0) + panels.noValue('No pod'),
    ];

    dashboard.new(
      config,
      $.name,
      'Compute Resources / Workload',
      'The pods of one workload: replicas, usage, network.',
      variables,
      [
        dashboard.row('Replicas', replicas),
        dashboard.row('CPU', [res.cpuUsage(), res.cpuQuota()]),
        dashboard.row('Memory', [res.memoryUsage(), res.memoryQuota()]),
        dashboard.row('Network', [net.current(scope.networkKeys(config))] + net.bandwidth + net.errors),
      ],
    ),
}
