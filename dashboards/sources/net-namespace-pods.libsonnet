// Networking / Namespace (Pods)
local lib = import '../lib/index.libsonnet';

(import 'shared/networking.libsonnet').new({
  name: 'net-namespace-pods',
  title: 'Networking / Namespace (Pods)',
  description: 'Traffic of one namespace, by pod.',
  scope: (import 'shared/scopes.libsonnet').namespacePods,
  variables(config):: local v = lib.variables(config); [v.datasource, v.cluster, v.namespace],
  average: false,
  table: true,
})
