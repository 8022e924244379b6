// The variables at the top of a dashboard. Each is filtered by those before it: cluster, then namespace, then pod.
// The metrics that they ask have one series per object.
local k8sOf = import 'k8s.libsonnet';
local q = import 'promql.libsonnet';

local datasource = { type: 'prometheus', uid: '${datasource}' };

local query(name, label, text) = {
  type: 'query',
  name: name,
  label: label,
  datasource: datasource,
  query: text,
  definition: text,
  regex: '',
  refresh: 2,  // also when the time range changes: objects come and go
  sort: 1,  // alphabetically
  hide: 0,
  multi: false,
  includeAll: false,
  allowCustomValue: true,
  current: {},
  options: [],
  skipUrlSync: false,
};

// Several values, or all of them: queries have to match with `=~`.
local several(all) = {
  multi: true,
  includeAll: true,
  allValue: all,
  current: { text: ['All'], value: ['$__all'] },
};

function(config) {
  local k8s = k8sOf(config),
  local labelValues(metric, matchers, label) = 'label_values(%s, %s)' % [q.select(metric, matchers), label],

  datasource:: {
    type: 'datasource',
    name: 'datasource',
    label: 'Data source',
    query: 'prometheus',
    regex: config.datasourceFilterRegex,
    refresh: 1,
    hide: 0,
    multi: false,
    includeAll: false,
    current: {},
    options: [],
    skipUrlSync: false,
  },

  // All is `.*`, which is also right for a collector that sends no cluster name.
  cluster::
    query('cluster', 'Cluster', labelValues('k8s_node_condition_ready', [], config.clusterLabel)) + several('.*'),

  // Those that have pods. `k8s_namespace_phase` would be cheaper and has the others, too: with `default`, which is the
  // first in the list and empty in many clusters, a dashboard would open without any data.
  local namespaces(metric, matchers) =
    query('namespace', 'Namespace', labelValues(metric, k8s.of.clusters + matchers, config.namespaceLabel)),
  namespace:: namespaces(config.namespaceMetric, []),
  namespaces:: self.namespace + several('.+'),
  // Those that have claims.
  namespacesOfClaims:: namespaces('k8s_volume_capacity_bytes', ['%s!=""' % k8s.claimLabel]) + several('.+'),

  pod:: query('pod', 'Pod', labelValues('k8s_pod_phase', k8s.of.namespace, config.podLabel)),

  node::
    query('node', 'Node', labelValues('k8s_node_condition_ready', k8s.of.clusters, config.nodeLabel)) + { multi: true },

  claim::
    query('volume', 'Claim', labelValues('k8s_volume_capacity_bytes', k8s.of.namespaces + ['%s!=""' % k8s.claimLabel], k8s.claimLabel))
    + several('.+'),

  // The kinds of workloads that the namespace has, and those of one kind. A kind is a part of a label's name, so the
  // second list is cheap to ask for. On one line: Grafana looks for `query_result(…)` on one.
  workloadType::
    local kinds = q.count(
      ['workload_type'],
      k8s.workload.named(k8s.pod.phase(k8s.of.namespace, k8s.workload.owners)),
    );
    query('type', 'Kind', 'query_result(%s)' % q.oneLine(kinds)) + { regex: '/workload_type="([^"]+)"/' },
  workload:: query('workload', 'Workload', labelValues('k8s_pod_phase', k8s.of.namespace, 'k8s_${type}_name')),
}
