// What a dashboard is about, and by what it breaks that down. The same panels serve a cluster by its namespaces, a
// namespace by its pods, a pod by its containers and so on: resources.libsonnet and network.libsonnet write them once,
// and a scope says
//
//   of, each     words for titles: "CPU usage by {each}", "… of the {of}"
//   suffix       the end of the queries' names: cpuUsage{suffix}
//   measured     whose usage is added up: 'pod' or 'container' (from lib/k8s.libsonnet)
//   matchers     which objects
//   sum, avg     how series of pods or containers become one per {each}; `series` takes labels to be kept besides
//   legend       names of the lines
//   receiver     who sends the usage, for descriptions
//   keys         the first columns of tables, with a link to the next dashboard; networkKeys: the same for networking
local lib = import '../../lib/index.libsonnet';
local q = lib.promql;

local byLabels(labelsOf) = {
  measured: 'pod',
  receiver: 'kubelet_stats',
  sum(config, series):: q.sum(labelsOf(config), series([])),
  avg(config, series):: q.avg(labelsOf(config), series([])),
};

local byWorkload = {
  measured: 'pod',
  receiver: 'kubelet_stats; the owners\' names come from the processor k8s_attributes',
  local workload(config) = lib.k8s(config).workload,
  sum(config, series):: workload(config).sum(series(workload(config).owners)),
  avg(config, series):: workload(config).avg(series(workload(config).owners)),
  legend(config):: '{{workload_type}}/{{workload}}',
  local keysTo(link) = [{ label: 'workload', title: 'Workload', link: link }, { label: 'workload_type', title: 'Kind' }],
  keys(config):: keysTo(lib.links(config).workload),
  networkKeys(config):: keysTo(lib.links(config).workloadNetwork),
};

local podKeys(config, link) = [{ label: config.podLabel, title: 'Pod', link: link }];
local byPod = byLabels(function(config) [config.podLabel]) + {
  each: 'pod',
  suffix: 'ByPod',
  legend(config):: '{{%s}}' % config.podLabel,
  keys(config):: podKeys(config, lib.links(config).pod),
  networkKeys(config):: podKeys(config, lib.links(config).podNetwork),
};

{
  clusters: byLabels(function(config) [config.clusterLabel]) + {
    of: 'selected clusters',
    each: 'cluster',
    suffix: 'ByCluster',
    matchers(k8s):: k8s.of.clusters,
    legend(config):: '{{%s}}' % config.clusterLabel,
    keys(config):: [{ label: config.clusterLabel, title: 'Cluster', link: lib.links(config).cluster }],
    networkKeys(config):: self.keys(config),
  },

  cluster: byLabels(function(config) [config.namespaceLabel]) + {
    of: 'cluster',
    each: 'namespace',
    suffix: 'ByNamespace',
    matchers(k8s):: k8s.of.clusters,
    legend(config):: '{{%s}}' % config.namespaceLabel,
    local keysTo(config, link) = [{ label: config.namespaceLabel, title: 'Namespace', link: link }],
    keys(config):: keysTo(config, lib.links(config).namespacePods),
    networkKeys(config):: keysTo(config, lib.links(config).namespaceNetwork),
  },

  namespacePods: byPod { of: 'namespace', matchers(k8s):: k8s.of.namespace },

  namespaceWorkloads: byWorkload {
    of: 'namespace',
    each: 'workload',
    suffix: 'ByWorkload',
    matchers(k8s):: k8s.of.namespace,
  },

  workload: byPod { of: 'workload', matchers(k8s):: k8s.of.workload },

  pod: byLabels(function(config) [config.containerLabel]) + {
    of: 'pod',
    each: 'container',
    suffix: 'ByContainer',
    measured: 'container',
    matchers(k8s):: k8s.of.pod,
    legend(config):: '{{%s}}' % config.containerLabel,
    keys(config):: [{ label: config.containerLabel, title: 'Container' }],
  },

  // Pods have their namespace's name beside theirs here: two namespaces may have pods of one name.
  node: byLabels(function(config) [config.namespaceLabel, config.podLabel]) + {
    of: 'selected nodes',
    each: 'pod',
    suffix: 'ByPod',
    matchers(k8s):: k8s.of.nodes,
    legend(config):: '{{%s}}/{{%s}}' % [config.namespaceLabel, config.podLabel],
    keys(config):: [
      { label: config.podLabel, title: 'Pod', link: lib.links(config).podOfRow },
      { label: config.namespaceLabel, title: 'Namespace', link: lib.links(config).namespacePods },
    ],
  },
}
