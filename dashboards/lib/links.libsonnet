// Links from a table's cell to the dashboard about what stands there. They carry the data source, the cluster and the
// time range along, and address dashboards by uid alone, so that a changed title breaks nothing.
function(config) {
  // `values`: variables of the target, by name. `${__data.fields.Pod}` is what stands in the row's column Pod.
  local to(title, name, values) = {
    title: title,
    url: '%s/d/%s?%s' % [
      config.linkPrefix,
      config.uidPrefix + name,
      std.join('&', ['${datasource:queryparam}'] + values + ['${__url_time_range}']),
    ],
    targetBlank: false,
  },
  local cluster = '${cluster:queryparam}',
  local namespaceHere = '${namespace:queryparam}',
  local value(variable, column) = 'var-%s=${__data.fields.%s}' % [variable, column],

  cluster:: to('This cluster', 'cluster', [value('cluster', 'Cluster')]),
  namespacePods:: to('Pods of this namespace', 'namespace-pods', [cluster, value('namespace', 'Namespace')]),
  namespaceNetwork:: to('Network of this namespace', 'net-namespace-pods', [cluster, value('namespace', 'Namespace')]),
  node:: to('This node', 'node-pods', [cluster, value('node', 'Node')]),

  // From dashboards about one namespace.
  pod:: to('This pod', 'pod', [cluster, namespaceHere, value('pod', 'Pod')]),
  podNetwork:: to('Network of this pod', 'net-pod', [cluster, namespaceHere, value('pod', 'Pod')]),
  workload:: to('This workload', 'workload', [cluster, namespaceHere, value('type', 'Kind'), value('workload', 'Workload')]),
  workloadNetwork::
    to('Network of this workload', 'net-workload', [cluster, namespaceHere, value('type', 'Kind'), value('workload', 'Workload')]),

  // From dashboards about several: the namespace stands in the row.
  podOfRow:: to('This pod', 'pod', [cluster, value('namespace', 'Namespace'), value('pod', 'Pod')]),
  workloadOfRow::
    to('This workload', 'workload', [cluster, value('namespace', 'Namespace'), value('type', 'Kind'), value('workload', 'Workload')]),
  claimOfRow:: to('This claim', 'pv', [cluster, value('namespace', 'Namespace'), value('volume', 'Claim')]),

  // The menu at the top of each dashboard: all that carry the mixin's tag.
  menu:: {
    type: 'dashboards',
    title: 'Kubernetes (OTel)',
    tags: [config.tags[0]],
    asDropdown: true,
    includeVars: true,
    keepTime: true,
    targetBlank: false,
    icon: 'external link',
    tooltip: '',
    url: '',
  },
}
