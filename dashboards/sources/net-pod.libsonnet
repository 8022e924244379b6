// Networking / Pod
local lib = import '../lib/index.libsonnet';
local scopes = import 'shared/scopes.libsonnet';

(import 'shared/networking.libsonnet').new({
  name: 'net-pod',
  title: 'Networking / Pod',
  description: 'Traffic of one pod.',
  scope: scopes.namespacePods { of: 'pod', matchers(k8s):: k8s.of.pod },
  variables(config):: local v = lib.variables(config); [v.datasource, v.cluster, v.namespace, v.pod],
  average: false,
  table: false,
})
