// How full a cluster is, and how much of it is promised: for the dashboards about one cluster and about several.
// `labels`: what the shares are of, [] for everything together.
local lib = import '../../lib/index.libsonnet';
local about = lib.about, panels = lib.panels, q = lib.promql,
      target = lib.target, thresholds = lib.thresholds, units = lib.units;

local allocatable(config, labels, resource) =
  local k8s = lib.k8s(config);
  q.sum(labels(config), k8s.node.allocatable(resource, k8s.of.anyNode));

local promised(config, labels, what, resource) =
  local k8s = lib.k8s(config);
  q.ratio(
    q.sum(labels(config), k8s.container[what](resource, k8s.of.clusters)),
    allocatable(config, labels, resource),
  );

{
  queries(labels=function(config) []):: {
    cpuUtilisation(config):: local k8s = lib.k8s(config); k8s.node.cpuUtilisation(labels(config), k8s.of.anyNode),
    cpuRequestsCommitment(config):: promised(config, labels, 'requests', 'cpu'),
    cpuLimitsCommitment(config):: promised(config, labels, 'limits', 'cpu'),
    memoryUtilisation(config):: local k8s = lib.k8s(config); k8s.node.memoryUtilisation(labels(config), k8s.of.anyNode),
    memoryRequestsCommitment(config):: promised(config, labels, 'requests', 'memory'),
    memoryLimitsCommitment(config):: promised(config, labels, 'limits', 'memory'),
  },

  // Six numbers in a line.
  stats(config, queries)::
    local stat(title, description, query, colours) =
      panels.stat(title, description, units.ratio, [target.instant(query(config))])
      + panels.field(colours)
      + panels.decimals(1);
    local promise(of, what, consequence) =
      about(
        '%s of all active pods, as a share of what the nodes can give to pods (allocatable).' % what,
        'k8s_cluster',
        consequence,
        '`allocatable_types_to_report: [%s]`' % of,
      );
    [
      stat(
        'CPU utilisation',
        about(
          'The share of CPU time in which the nodes\' CPUs work: everything but idle, waiting for disks, and stolen.',
          'host_metrics',
          'Above 80 % pods begin to wait for each other: add nodes, or find the namespace that grew.',
        ),
        queries.cpuUtilisation,
        thresholds.saturation(config),
      ),
      stat(
        'CPU requests commitment',
        promise('cpu', 'CPU requests', 'Near 100 % new pods stay Pending: add nodes or lower requests.'),
        queries.cpuRequestsCommitment,
        thresholds.commitment,
      ),
      stat(
        'CPU limits commitment',
        promise(
          'cpu',
          'CPU limits',
          'Above 100 % not everyone can have all at once. That is normal; it costs latency when everyone wants it.',
        ),
        queries.cpuLimitsCommitment,
        thresholds.none,
      ),
      stat(
        'Memory utilisation',
        about(
          'Working set of the nodes, as a share of their memory.',
          'kubelet_stats',
          'Above 90 % kubelets begin to evict pods: add nodes, or find the namespace that grew.',
        ),
        queries.memoryUtilisation,
        thresholds.saturation(config),
      ),
      stat(
        'Memory requests commitment',
        promise('memory', 'Memory requests', 'Near 100 % new pods stay Pending: add nodes or lower requests.'),
        queries.memoryRequestsCommitment,
        thresholds.commitment,
      ),
      stat(
        'Memory limits commitment',
        promise(
          'memory',
          'Memory limits',
          'Above 100 % containers can be killed though none is above its limit. Lower limits towards requests.',
        ),
        queries.memoryLimitsCommitment,
        thresholds.commitment,
      ),
    ],
}
