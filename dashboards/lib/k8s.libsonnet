// What the receivers measure, as PromQL: one function per quantity, the same in all dashboards, so that a namespace is
// exactly the sum of its pods, and the cluster the sum of its namespaces.
//
// Each takes a list of matchers (see `of` below), and answers one series per object:
//   - `max by (identity)` around every metric, because two collectors, a restarted one, or a pod that was made anew under
//     the same name would otherwise count twice;
//   - with every label in it that tells series of one object apart (interface, device, direction, state), to be summed
//     away by who asks.
//
// The config is the mixin's `_config`.
local q = import 'promql.libsonnet';

function(config) {
  local k8s = self,

  // --- Identities ---
  local cluster = config.clusterLabel,
  local podIdentity = [cluster, config.namespaceLabel, config.podLabel],
  local containerIdentity = podIdentity + [config.containerLabel],
  local nodeIdentity = [cluster, config.nodeLabel],
  local claimLabel = 'k8s_persistentvolumeclaim_name',
  local claimIdentity = [cluster, config.namespaceLabel, claimLabel],
  local ownerLabels = [owner.label for owner in config.workloadLabels if owner.kind != 'pod'],

  identity:: { pod: podIdentity, container: containerIdentity, node: nodeIdentity, claim: claimIdentity },
  claimLabel:: claimLabel,

  // --- Matchers: which objects. `=` where the variable has one value, `=~` where it may have several or all. ---
  of:: {
    local clusters = ['%s=~"$cluster"' % cluster],
    clusters:: clusters,
    namespace:: clusters + ['%s="$namespace"' % config.namespaceLabel],
    namespaces:: clusters + ['%s=~"$namespace"' % config.namespaceLabel],
    pod:: self.namespace + ['%s="$pod"' % config.podLabel],
    nodes:: clusters + ['%s=~"$node"' % config.nodeLabel],
    // Every node: host_metrics from a machine outside the cluster has no node name.
    anyNode:: clusters + ['%s!=""' % config.nodeLabel],
    // The variable `type` is a kind, and so a part of the label's name.
    workload:: self.namespace + ['k8s_${type}_name="$workload"'],
    claims:: self.namespaces + ['%s=~"$volume"' % claimLabel],
  },

  // --- Building blocks ---
  // The newest value of a gauge.
  gauge(metric, identity, matchers):: q.max(identity, q.select(metric, matchers)),
  // The same of pods and containers, which come and go all the time: nothing of those that went.
  live(metric, identity, matchers):: q.max(identity, recent(metric, matchers)),
  local recent(metric, matchers) =
    local series = q.select(metric, matchers);
    if config.staleAfter == '' then series else q.call('last_over_time', ['%s[%s]' % [series, config.staleAfter]]),
  // How fast a counter grows, per second.
  rate(metric, identity, matchers)::
    q.max(identity, q.call('rate', ['%s[%s]' % [q.select(metric, matchers), config.rateInterval]])),

  // --- Pods ---
  pod:: {
    // In cores.
    cpu(matchers, extra=[]):: k8s.rate('k8s_pod_cpu_time_seconds_total', podIdentity + extra, matchers),
    // The working set: what the kubelet looks at when it evicts.
    memory(matchers, extra=[]):: k8s.live('k8s_pod_memory_working_set_bytes', podIdentity + extra, matchers),
    rss(matchers, extra=[]):: k8s.live('k8s_pod_memory_rss_bytes', podIdentity + extra, matchers),
    ephemeralStorage(matchers):: k8s.live('k8s_pod_filesystem_usage_bytes', podIdentity, matchers),
    // In bytes per second, per interface.
    network(direction, matchers, extra=[])::
      k8s.rate(
        'k8s_pod_network_io_bytes_total',
        podIdentity + ['interface'] + extra,
        matchers + ['direction="%s"' % direction],
      ),
    networkErrors(direction, matchers, extra=[])::
      k8s.rate(
        'k8s_pod_network_errors_total',
        podIdentity + ['interface'] + extra,
        matchers + ['direction="%s"' % direction],
      ),
    // 1 Pending, 2 Running, 3 Succeeded, 4 Failed, 5 Unknown. The smallest: a pod that was made anew under its old name
    // is alive, though its predecessor is still to be seen for some time.
    phase(matchers, extra=[]):: q.min(podIdentity + extra, recent('k8s_pod_phase', matchers)),
    // Pending or Running: those whose requests count.
    active(matchers, extra=[]):: q.binary(self.phase(matchers, extra), '<=', '2'),
  },

  // --- Containers ---
  container:: {
    // cAdvisor's metrics have the same names, and series for whole pods besides: those have no container's name here.
    local named = ['%s!=""' % config.containerLabel],
    cpu(matchers, extra=[]):: k8s.rate('container_cpu_time_seconds_total', containerIdentity + extra, matchers + named),
    memory(matchers, extra=[])::
      k8s.live('container_memory_working_set_bytes', containerIdentity + extra, matchers + named),
    rss(matchers, extra=[]):: k8s.live('container_memory_rss_bytes', containerIdentity + extra, matchers + named),
    filesystem(matchers):: k8s.live('container_filesystem_usage_bytes', containerIdentity, matchers + named),
    restarts(matchers):: k8s.live('k8s_container_restarts', containerIdentity, matchers),
    ready(matchers):: k8s.live('k8s_container_ready', containerIdentity, matchers),

    // What the active pods' containers ask for, and what they may take at most. `resource` is 'cpu' or 'memory'.
    local declared(metric, matchers, extra) =
      q.binary(
        k8s.live(metric, containerIdentity + extra, matchers),
        'and on (%s)' % std.join(', ', podIdentity),
        q.parens(k8s.pod.active(matchers)),
      ),
    requests(resource, matchers, extra=[])::
      local metric = { cpu: 'k8s_container_cpu_request', memory: 'k8s_container_memory_request_bytes' }[resource];
      declared(metric, matchers, extra),
    limits(resource, matchers, extra=[])::
      local metric = { cpu: 'k8s_container_cpu_limit', memory: 'k8s_container_memory_limit_bytes' }[resource];
      declared(metric, matchers, extra),
  },

  // --- Nodes ---
  node:: {
    gauge(metric, matchers):: k8s.gauge(metric, nodeIdentity, matchers),
    cpu(matchers):: k8s.rate('k8s_node_cpu_time_seconds_total', nodeIdentity, matchers),
    memory(matchers):: self.gauge('k8s_node_memory_working_set_bytes', matchers),
    // `resource` is 'cpu', 'memory' or 'pods'.
    allocatable(resource, matchers)::
      local metrics = {
        cpu: 'k8s_node_allocatable_cpu',
        memory: 'k8s_node_allocatable_memory_bytes',
        pods: 'k8s_node_allocatable_pods',
      };
      self.gauge(metrics[resource], matchers),
    // 1 is true, 0 false, -1 unknown.
    condition(name, matchers):: self.gauge('k8s_node_condition_' + name, matchers),

    network(direction, matchers)::
      k8s.rate(
        'k8s_node_network_io_bytes_total',
        nodeIdentity + ['interface'],
        matchers + ['direction="%s"' % direction],
      ),
    // A counter of host_metrics per network device: system_network_packets_total and its like.
    device(metric, direction, matchers)::
      k8s.rate(
        metric,
        nodeIdentity + ['device'],
        matchers + ['direction="%s"' % direction, 'device!~"%s"' % config.ignoredDevices],
      ),
    // A counter of host_metrics per disk. `labels`: what tells apart the series of one disk.
    disk(metric, matchers, labels=['direction'])::
      k8s.rate(metric, nodeIdentity + ['device'] + labels, matchers + ['device!~"%s"' % config.ignoredDisks]),

    // The share of CPU time in which the CPUs neither idle, nor wait for disks, nor work for another virtual machine.
    // `labels`: of what the share is, [] for all nodes together.
    cpuUtilisation(labels, matchers)::
      q.binary('1', '-', q.parens(q.ratio(
        q.sum(
          labels,
          k8s.rate(
            'system_cpu_time_seconds_total',
            nodeIdentity + config.cpuTimeLabels,
            matchers + ['state=~"idle|wait|steal"'],
          ),
        ),
        q.sum(labels, self.gauge('system_cpu_logical_count', matchers)),
      ))),
    // The kubelet computes available as capacity - working set.
    memoryUtilisation(labels, matchers)::
      q.ratio(
        q.sum(labels, self.memory(matchers)),
        q.parens(q.binary(
          q.sum(labels, self.memory(matchers)),
          '+',
          q.sum(labels, self.gauge('k8s_node_memory_available_bytes', matchers)),
        )),
      ),
  },

  // --- Claims: a volume that several pods mount is measured once for each of them ---
  claim:: {
    gauge(metric, matchers):: k8s.gauge(metric, claimIdentity, matchers + ['%s!=""' % claimLabel]),
    capacity(matchers):: self.gauge('k8s_volume_capacity_bytes', matchers),
    available(matchers):: self.gauge('k8s_volume_available_bytes', matchers),
    // Not `k8s_pod_volume_usage_bytes`: what the filesystem keeps for itself and for root is not available either.
    used(matchers):: q.binary(self.capacity(matchers), '-', self.available(matchers)),
    usedRatio(matchers):: q.ratio(q.parens(self.used(matchers)), self.capacity(matchers)),
    // `_ratio` stands at their end because their unit is 1; they are numbers of inodes.
    inodesRatio(matchers)::
      q.ratio(self.gauge('k8s_volume_inodes_used_ratio', matchers), self.gauge('k8s_volume_inodes_ratio', matchers)),
  },

  // --- Workloads ---
  workload:: {
    labels:: ['workload', 'workload_type'],
    // The labels that `named` needs to find on its input.
    owners:: ownerLabels,
    // Sets `workload` and `workload_type` from the owner's labels. Not laid out in promtool's way: fourteen nested
    // calls would be seventy lines, of which nobody could see that they say one thing per kind.
    named(body)::
      local open = std.repeat('label_replace(', 2 * std.length(config.workloadLabels));
      local close = [
        '  "workload", "$1", "%(label)s", "(.+)"), "workload_type", "%(kind)s", "%(label)s", ".+")' % owner
        for owner in config.workloadLabels
      ];
      open + '\n' + indent(body) + ',\n' + std.join(',\n', close),
    local indent(text) = '  ' + std.strReplace(text, '\n', '\n  '),

    // The sum per workload of something that has one series per pod, container or interface.
    sum(body):: q.sum(self.labels, self.named(body)),
    avg(body):: q.avg(self.labels, self.named(body)),
    count(body):: q.count(self.labels, self.named(body)),
    runningPods(matchers):: self.count(q.binary(k8s.pod.phase(matchers, ownerLabels), '==', '2')),
  },

  // The tightest of a namespace's quotas. The receiver sends names that end in `.cpu` in millicores.
  quota(resource, matchers)::
    local hard = q.min(
      [],
      k8s.gauge(
        'k8s_resource_quota_hard_limit',
        [cluster, config.namespaceLabel, 'k8s_resourcequota_name'],
        matchers + ['resource="%s"' % resource],
      ),
    );
    if std.endsWith(resource, '.cpu') then q.binary(hard, '/', '1000') else hard,

  // Network metrics count bytes, and people think of bandwidth in bits.
  bits(bytes):: q.binary('8', '*', bytes),
}
