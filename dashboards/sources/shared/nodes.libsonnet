// Queries about nodes that both node dashboards ask, per node.
local lib = import '../../lib/index.libsonnet';
local q = lib.promql;

// matchers: which nodes
{
  queries(matchers):: {
    local perNode(what) = function(config) local k8s = lib.k8s(config); what(config, k8s, matchers(k8s)),

    condition(config, name)::
      local k8s = lib.k8s(config);
      q.min([config.nodeLabel], k8s.node.condition(name, matchers(k8s))),
    uptime:: perNode(
      function(config, k8s, nodes) q.max([config.nodeLabel], k8s.node.gauge('k8s_node_uptime_seconds_total', nodes)),
    ),
    cpuUtilisation:: perNode(function(config, k8s, nodes) k8s.node.cpuUtilisation([config.nodeLabel], nodes)),
    memoryUtilisation:: perNode(function(config, k8s, nodes) k8s.node.memoryUtilisation([config.nodeLabel], nodes)),
    filesystemUtilisation:: perNode(function(config, k8s, nodes) q.ratio(
      q.sum([config.nodeLabel], k8s.node.gauge('k8s_node_filesystem_usage_bytes', nodes)),
      q.sum([config.nodeLabel], k8s.node.gauge('k8s_node_filesystem_capacity_bytes', nodes)),
    )),
    // Above 1 there is more to run than there are CPUs.
    loadPerCpu:: perNode(function(config, k8s, nodes) q.ratio(
      q.sum([config.nodeLabel], k8s.node.gauge('system_cpu_load_average_1m', nodes)),
      q.sum([config.nodeLabel], k8s.node.gauge('system_cpu_logical_count', nodes)),
    )),
    // `min by (pod, node)`: a pod that was made anew on another node is one on each, for some minutes.
    pods:: perNode(function(config, k8s, nodes) q.count([config.nodeLabel], k8s.pod.active(nodes, [config.nodeLabel]))),
    podsOfAllocatable:: perNode(function(config, k8s, nodes) q.ratio(
      q.count([config.nodeLabel], k8s.pod.active(nodes, [config.nodeLabel])),
      q.sum([config.nodeLabel], k8s.node.allocatable('pods', nodes)),
    )),
  },
}
