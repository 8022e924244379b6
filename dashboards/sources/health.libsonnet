// Workload Health: what needs a person's attention, across namespaces.
local lib = import '../lib/index.libsonnet';

local about = lib.about, dashboard = lib.dashboard, panels = lib.panels, q = lib.promql,
      table = lib.table, target = lib.target, thresholds = lib.thresholds, units = lib.units;

local reason = 'k8s_container_status_reason';

// Gauges of k8s_cluster about objects that are no pods.
local object(config, metric, labels) =
  local k8s = lib.k8s(config);
  k8s.gauge(metric, [config.clusterLabel, config.namespaceLabel] + labels, k8s.of.namespaces);

// Workloads of all kinds in one list: each kind has metrics of its own. `what`: 'desired' or 'available'.
local workloads(config, what) =
  local metrics = {
    desired: ['k8s_deployment_desired', 'k8s_statefulset_desired_pods', 'k8s_daemonset_desired_scheduled_nodes'],
    available: ['k8s_deployment_available', 'k8s_statefulset_ready_pods', 'k8s_daemonset_ready_nodes'],
  }[what];
  q.either([
    object(config, metrics[0], ['k8s_deployment_name']),
    object(config, metrics[1], ['k8s_statefulset_name']),
    object(config, metrics[2], ['k8s_daemonset_name']),
  ]);

{
  name: 'health',

  queries: {
    podsInPhase(config, phase)::
      local k8s = lib.k8s(config);
      q.sum([], q.binary(k8s.pod.phase(k8s.of.namespaces), '== bool', '%d' % phase)),
    // Of running pods: those of a finished Job are not ready either.
    containersNotReady(config)::
      local k8s = lib.k8s(config);
      q.sum([], q.binary(
        q.parens(q.binary(k8s.container.ready(k8s.of.namespaces), '== bool', '0')),
        'and on (%s)' % std.join(', ', k8s.identity.pod),
        q.parens(q.binary(k8s.pod.phase(k8s.of.namespaces), '==', '2')),
      )),
    // The receiver sends a gauge, but its value is a counter's: increase() is right.
    restarts(config, labels)::
      local k8s = lib.k8s(config);
      q.sum(
        labels,
        q.max(
          k8s.identity.container,
          q.call('increase', [q.select('k8s_container_restarts', k8s.of.namespaces) + '[$__range]']),
        ),
      ),
    restartsTop(config)::
      q.call('topk', ['20', self.restarts(config, [config.namespaceLabel, config.podLabel, config.containerLabel])]),
    containersByReason(config)::
      local k8s = lib.k8s(config);
      q.sum([reason], k8s.live(reason, k8s.identity.container + [reason], k8s.of.namespaces)),
    // Restarts of the containers that wait or ended badly, with the reason beside them.
    troubledContainers(config)::
      local k8s = lib.k8s(config);
      local troubled = q.parens(q.binary(
        k8s.live(reason, k8s.identity.container + [reason], k8s.of.namespaces + ['%s!="Completed"' % reason]),
        '>',
        '0',
      ));
      q.max(
        [config.namespaceLabel, config.podLabel, config.containerLabel, reason],
        q.binary(
          troubled,
          '* on (%s) group_left ()' % std.join(', ', k8s.identity.container),
          k8s.container.restarts(k8s.of.namespaces),
        ),
      ),

    desired(config)::
      local k8s = lib.k8s(config);
      q.max([config.namespaceLabel] + k8s.workload.labels, k8s.workload.named(workloads(config, 'desired'))),
    available(config)::
      local k8s = lib.k8s(config);
      q.max([config.namespaceLabel] + k8s.workload.labels, k8s.workload.named(workloads(config, 'available'))),
    missing(config):: q.binary(self.desired(config), '-', self.available(config)),
    workloadsBehind(config)::
      q.sum([], q.binary(q.parens(workloads(config, 'desired')), '> bool', q.parens(workloads(config, 'available')))),

    job(config, metric):: q.max([config.namespaceLabel, 'k8s_job_name'], object(config, metric, ['k8s_job_name'])),
    jobsFailed(config):: q.sum([], q.binary(object(config, 'k8s_job_failed_pods', ['k8s_job_name']), '> bool', '0')),

    autoscaler(config, metric)::
      q.max([config.namespaceLabel, 'k8s_hpa_name'], object(config, metric, ['k8s_hpa_name'])),
    autoscalerOfMax(config):: q.ratio(
      self.autoscaler(config, 'k8s_hpa_current_replicas'),
      self.autoscaler(config, 'k8s_hpa_max_replicas'),
    ),
    autoscalersAtMax(config)::
      q.sum([], q.binary(
        object(config, 'k8s_hpa_current_replicas', ['k8s_hpa_name']),
        '>= bool',
        object(config, 'k8s_hpa_max_replicas', ['k8s_hpa_name']),
      )),

    // Whatever the resource is counted in: the share has no unit.
    quotaUsed(config)::
      local labels = ['k8s_resourcequota_name', 'resource'];
      q.max([config.namespaceLabel] + labels, q.ratio(
        object(config, 'k8s_resource_quota_used', labels),
        object(config, 'k8s_resource_quota_hard_limit', labels),
      )),
  },

  variables(config):: local v = lib.variables(config); [v.datasource, v.cluster, v.namespaces],

  dashboard(config, queries, variables)::
    local count(title, description, query, colours) =
      panels.stat(title, description, units.count, [target.instant(query)])
      + panels.decimals(0) + panels.field(colours) + panels.size(3, 4) + panels.noValue('0');
    local namespaceKey = { label: config.namespaceLabel, title: 'Namespace', link: lib.links(config).namespacePods };
    local podKey = { label: config.podLabel, title: 'Pod', link: lib.links(config).podOfRow };
    local containerKey = { label: config.containerLabel, title: 'Container' };

    local summary = [
      count(
        'Pods pending',
        about(
          'Pods that wait for a node or for their images.',
          'k8s_cluster',
          'See the table of waiting containers; without an entry there, the pod waits for a node: `kubectl describe pod`.',
        ),
        queries.podsInPhase(config, 1),
        thresholds.betterZero,
      ),
      count(
        'Pods failed',
        about(
          'Pods that ended with an error, or were evicted, and are kept.',
          'k8s_cluster',
          'Read their logs, then delete them.',
        ),
        queries.podsInPhase(config, 4),
        thresholds.shouldBeZero,
      ),
      count(
        'Pods unknown',
        about('Pods whose node does not answer.', 'k8s_cluster', 'Look at the node, see Nodes Overview.'),
        queries.podsInPhase(config, 5),
        thresholds.shouldBeZero,
      ),
      count(
        'Containers not ready',
        about(
          'Containers of running pods that do not pass their readiness probe, or do not run.',
          'k8s_cluster',
          'They get no traffic. See the table of waiting containers, and restarts.',
        ),
        queries.containersNotReady(config),
        thresholds.shouldBeZero,
      ),
      count(
        'Workloads behind',
        about(
          'Deployments, StatefulSets and DaemonSets with fewer pods available than desired.',
          'k8s_cluster',
          'During rollouts that is normal; otherwise see the table of workloads.',
        ),
        queries.workloadsBehind(config),
        thresholds.shouldBeZero,
      ),
      count(
        'Jobs with failed pods',
        about(
          'Jobs of which at least one pod failed.',
          'k8s_cluster',
          'See the table of jobs; a job may have succeeded at a later try.',
        ),
        queries.jobsFailed(config),
        thresholds.betterZero,
      ),
      count(
        'Autoscalers at maximum',
        about(
          'HorizontalPodAutoscalers that cannot add pods any more.',
          'k8s_cluster',
          'Raise the maximum, or give each pod more.',
        ),
        queries.autoscalersAtMax(config),
        thresholds.betterZero,
      ),
      count(
        'Restarts',
        about('Restarts of containers within the time range.', 'k8s_cluster', 'See the table of restarts for which.'),
        queries.restarts(config, []),
        thresholds.betterZero,
      ),
    ];

    local pods = [
      panels.timeseries('Pods not running', about(
        'Pods that are Pending, Failed or Unknown, over time.',
        'k8s_cluster',
        'A step upwards and no way back is what to look for.',
      ), units.count, [
        target.range(queries.podsInPhase(config, 1), 'Pending'),
        target.range(queries.podsInPhase(config, 4), 'Failed'),
        target.range(queries.podsInPhase(config, 5), 'Unknown'),
      ]) + panels.decimals(0),
      panels.timeseries('Containers by reason', about(
        'Containers by why they wait or have ended. Completed is how a Job\'s containers should end.',
        'k8s_cluster',
        'OOMKilled: raise the memory limit or find the leak. CrashLoopBackOff: read the logs. ImagePullBackOff: the image\'s name, or the right to pull it.',
        '`k8s.container.status.reason` switched on',
      ), units.count, [target.range(queries.containersByReason(config), '{{%s}}' % reason)]) + panels.decimals(0) + panels.fromZero,
      table.new(
        'Waiting and badly ended containers',
        about(
          'Containers that wait or have ended with an error, why, and how often they were restarted.',
          'k8s_cluster',
          'See the graph above for what a reason asks for.',
          '`k8s.container.status.reason` switched on',
        ),
        [podKey, namespaceKey, containerKey, { label: reason, title: 'Reason' }],
        [{ title: 'Restarts', unit: units.count, expr: queries.troubledContainers(config), decimals: 0 }],
      ) + panels.size(12, 9) + panels.noValue('No container waits'),
      table.new(
        'Most restarts',
        about(
          'The twenty containers with the most restarts within the time range.',
          'k8s_cluster',
          'Read the logs of the previous run: `kubectl logs --previous`.',
        ),
        [podKey, namespaceKey, containerKey],
        [{ title: 'Restarts', unit: units.count, expr: queries.restartsTop(config), decimals: 0 } + thresholds.betterZero],
      ) + panels.size(12, 9) + panels.noValue('No container'),
    ];

    local workloadTable = table.new(
      'Workloads',
      about(
        'Deployments, StatefulSets and DaemonSets: pods wanted, and pods available (of StatefulSets and DaemonSets: ready).',
        'k8s_cluster',
        'Those that miss pods stand at the top. A click on the name opens the workload.',
      ),
      [
        { label: 'workload', title: 'Workload', link: lib.links(config).workloadOfRow },
        { label: 'workload_type', title: 'Kind' },
        namespaceKey,
      ],
      [
        { title: 'Missing', unit: units.count, expr: queries.missing(config), decimals: 0 } + thresholds.shouldBeZero,
        { title: 'Desired', unit: units.count, expr: queries.desired(config), decimals: 0 },
        { title: 'Available', unit: units.count, expr: queries.available(config), decimals: 0 },
      ],
    ) + panels.noValue('No workload');

    local jobsAndAutoscalers = [
      table.new(
        'Jobs',
        about(
          'Pods of each Job: those that run, succeeded and failed.',
          'k8s_cluster',
          'Failed without succeeded: read the logs of its last pod.',
        ),
        [{ label: 'k8s_job_name', title: 'Job' }, namespaceKey],
        [
          { title: 'Failed', unit: units.count, expr: queries.job(config, 'k8s_job_failed_pods'), decimals: 0 } + thresholds.betterZero,
          { title: 'Active', unit: units.count, expr: queries.job(config, 'k8s_job_active_pods'), decimals: 0 },
          { title: 'Succeeded', unit: units.count, expr: queries.job(config, 'k8s_job_successful_pods'), decimals: 0 },
        ],
      ) + panels.size(12, 8) + panels.noValue('No Job'),
      table.new(
        'Autoscalers',
        about(
          'HorizontalPodAutoscalers: pods that there are, that the autoscaler wants, and its limits.',
          'k8s_cluster',
          'At 100 % of the maximum: raise it, or give each pod more.',
        ),
        [{ label: 'k8s_hpa_name', title: 'Autoscaler' }, namespaceKey],
        [
          { title: 'Of maximum', unit: units.ratio, expr: queries.autoscalerOfMax(config), gauge: true } + thresholds.commitment,
          { title: 'Current', unit: units.count, expr: queries.autoscaler(config, 'k8s_hpa_current_replicas'), decimals: 0 },
          { title: 'Desired', unit: units.count, expr: queries.autoscaler(config, 'k8s_hpa_desired_replicas'), decimals: 0 },
          { title: 'Minimum', unit: units.count, expr: queries.autoscaler(config, 'k8s_hpa_min_replicas'), decimals: 0 },
          { title: 'Maximum', unit: units.count, expr: queries.autoscaler(config, 'k8s_hpa_max_replicas'), decimals: 0 },
        ],
      ) + panels.size(12, 8) + panels.noValue('No autoscaler'),
    ];

    local quotas = [
      panels.bargauge('Quota used', about(
        'How much of each ResourceQuota is used, per resource.',
        'k8s_cluster',
        'At 100 % new pods are refused: they never exist, only their ReplicaSet\'s events say so. Raise the quota or clean up.',
      ), units.ratio, [
        target.instant(queries.quotaUsed(config), '{{%s}}/{{k8s_resourcequota_name}}: {{resource}}' % config.namespaceLabel),
      ])
      + panels.size(24, 8) + panels.upTo(1) + panels.decimals(1)
      + panels.field(thresholds.saturation(config)) + panels.noValue('No quota'),
    ];

    dashboard.new(
      config,
      $.name,
      'Workload Health',
      'What needs a person\'s attention: pods that do not run, containers that restart, workloads that are behind.',
      variables,
      [
        dashboard.row('Overview', summary),
        dashboard.row('Pods and containers', pods),
        dashboard.row('Workloads', [workloadTable]),
        dashboard.row('Jobs and autoscalers', jobsAndAutoscalers),
        dashboard.row('Quotas', quotas),
      ],
    ),
}
