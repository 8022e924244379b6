// The mixin: import this file, and take `grafanaDashboards`.
//
//   _config      settings (config.libsonnet)
//   _queries     per dashboard, its queries as functions of the config
//   _variables   per dashboard, its variables as a function of the config
//
// All of them can be overridden from outside; the dashboards follow. README.md has an example.
local sources = {
  // The keys are those of kubernetes-mixin's hooks, as far as it has such a dashboard.
  cluster: import 'sources/cluster.libsonnet',
  multiCluster: import 'sources/multicluster.libsonnet',
  namespace: import 'sources/namespace-pods.libsonnet',
  workloadNamespace: import 'sources/namespace-workloads.libsonnet',
  workload: import 'sources/workload.libsonnet',
  pod: import 'sources/pod.libsonnet',
  node: import 'sources/node-pods.libsonnet',
  nodesOverview: import 'sources/nodes.libsonnet',
  persistentVolume: import 'sources/pv.libsonnet',
  clusterTotal: import 'sources/net-cluster.libsonnet',
  namespaceByPod: import 'sources/net-namespace-pods.libsonnet',
  namespaceByWorkload: import 'sources/net-namespace-workloads.libsonnet',
  podTotal: import 'sources/net-pod.libsonnet',
  workloadTotal: import 'sources/net-workload.libsonnet',
  health: import 'sources/health.libsonnet',
  telemetry: import 'sources/telemetry.libsonnet',
};

(import 'config.libsonnet') + {
  local mixin = self,

  _queries+:: { [name]: sources[name].queries for name in std.objectFields(sources) },
  _variables+:: { [name]: sources[name].variables for name in std.objectFields(sources) },

  grafanaDashboardFolder:: mixin._config.folder,
  grafanaDashboards+:: {
    [mixin._config.uidPrefix + sources[name].name + '.json']:
      sources[name].dashboard(mixin._config, mixin._queries[name], mixin._variables[name](mixin._config))
    for name in std.objectFields(sources)
  },
}
