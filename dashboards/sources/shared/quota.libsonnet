// A namespace's ResourceQuotas: the lines above its usage. Nothing is drawn where there is no quota.
local lib = import '../../lib/index.libsonnet';
local target = lib.target;

local quota(resource) = function(config) local k8s = lib.k8s(config); k8s.quota(resource, k8s.of.namespace);

{
  queries:: {
    cpuQuotaRequests:: quota('requests.cpu'),
    cpuQuotaLimits:: quota('limits.cpu'),
    memoryQuotaRequests:: quota('requests.memory'),
    memoryQuotaLimits:: quota('limits.memory'),
  },

  receivers:: 'kubelet_stats (usage) and k8s_cluster (quotas)',

  // resource: 'cpu' or 'memory'
  lines(config, queries, resource):: [
    target.range(queries[resource + 'QuotaRequests'](config), 'Quota: requests'),
    target.range(queries[resource + 'QuotaLimits'](config), 'Quota: limits'),
  ],
}
