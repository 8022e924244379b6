// Networking / Workload
local lib = import '../lib/index.libsonnet';

(import 'shared/networking.libsonnet').new({
  name: 'net-workload',
  title: 'Networking / Workload',
  description: 'Traffic of one workload, by pod.',
  scope: (import 'shared/scopes.libsonnet').workload,
  variables(config)::
    local v = lib.variables(config);
    [v.datasource, v.cluster, v.namespace, v.workloadType, v.workload],
  average: false,
  table: true,
})
