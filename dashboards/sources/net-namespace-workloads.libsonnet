// Networking / Namespace (Workloads)
local lib = import '../lib/index.libsonnet';

(import 'shared/networking.libsonnet').new({
  name: 'net-namespace-workloads',
  title: 'Networking / Namespace (Workloads)',
  description: 'Traffic of one namespace, by workload.',
  scope: (import 'shared/scopes.libsonnet').namespaceWorkloads,
  variables(config):: local v = lib.variables(config); [v.datasource, v.cluster, v.namespace],
  average: true,
  table: true,
})
