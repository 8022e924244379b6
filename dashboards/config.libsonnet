// Everything that an installation may want to change. Override it where you import the mixin:
//
//   (import 'mixin.libsonnet') + { _config+:: { clusterLabel: 'cluster' } }
{
  _config+:: {
    // --- Labels: what the resource attributes are called after ingestion ---
    clusterLabel: 'k8s_cluster_name',
    namespaceLabel: 'k8s_namespace_name',
    nodeLabel: 'k8s_node_name',
    podLabel: 'k8s_pod_name',
    containerLabel: 'k8s_container_name',

    // The label that names a pod's owner, per kind, from the pod outwards: a Deployment's pod has a ReplicaSet as well,
    // and the last one that is there is the workload. A pod without an owner is a workload of its own.
    workloadLabels: [
      { kind: 'pod', label: 'k8s_pod_name' },
      { kind: 'replicaset', label: 'k8s_replicaset_name' },
      { kind: 'deployment', label: 'k8s_deployment_name' },
      { kind: 'statefulset', label: 'k8s_statefulset_name' },
      { kind: 'daemonset', label: 'k8s_daemonset_name' },
      { kind: 'job', label: 'k8s_job_name' },
      { kind: 'cronjob', label: 'k8s_cronjob_name' },
    ],

    // What tells apart the series of one node's system_cpu_time_seconds_total.
    // Collectors before v0.157, and later ones with `attributes: [cpu, state]`, need ['cpu', 'state'].
    cpuTimeLabels: ['state'],

    // Network devices of a node that carry no traffic of its own: the loopback, the pods' ends, and what overlays put on
    // top of the real ones.
    ignoredDevices: 'lo|(br-|cali|cilium_|cni|docker|dummy|flannel|kube-|lxc|nodelocal|tunl|veth|vxlan).*',
    // Disks that are parts of others, or made of them: what they do is counted at the whole disk already.
    ignoredDisks: '(hd|sd|vd|xvd)[a-z]+[0-9]+|(mmcblk|nvme).+p[0-9]+|(dm-|loop|md|ram|sr|zram).*',

    // --- Time ---
    // The window of rates. Grafana computes $__rate_interval as four times the collection interval, at least; it takes
    // that from the queries' shortest step, which is this:
    rateInterval: '$__rate_interval',
    interval: '1m',
    // OTLP has no word for "this series has ended", so what a pod that went said last would count for five minutes more.
    // This is how long it does instead: two collection intervals. '' is five minutes.
    staleAfter: '2m',
    // How far back a volume's growth is measured.
    trendWindow: '6h',
    refresh: '1m',
    timeFrom: 'now-1h',
    timezone: 'browser',

    // --- Dashboards ---
    // Where the list of namespaces comes from. With tens of thousands of pods k8s_namespace_phase is cheaper.
    namespaceMetric: 'k8s_pod_phase',
    // A pattern for the names of the data sources to choose from: '' is all of type Prometheus.
    datasourceFilterRegex: '',
    uidPrefix: 'k8s-otel-',
    titlePrefix: 'Kubernetes / ',
    titleSuffix: ' (OTel)',
    folder: 'Kubernetes (OpenTelemetry)',
    // The first one also selects what the menu of links at the top offers.
    tags: ['kubernetes-mixin-otel', 'kubernetes', 'opentelemetry'],
    // In front of links between dashboards: '' unless Grafana is served below a path.
    linkPrefix: '',
    // Further links at the top of every dashboard, as in Grafana's JSON.
    links: [],
    editable: false,

    // --- Thresholds ---
    // From here on a resource with a fixed size is yellow, then red.
    saturation: { warning: 0.8, critical: 0.9 },
  },
}
