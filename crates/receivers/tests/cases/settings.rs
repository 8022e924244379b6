//! Switches that no receiver has are refused by name.

use catalogue::Receiver;
use receivers::{
    ExtraLabel, HostMetricsSettings, K8sClusterSettings, KubeletStatsSettings, MetricGroup, MetricSwitches,
    ResourceAttributeSwitches, Scraper,
};

use crate::shared::for_dashboards;

#[test]
fn unknown_switches_are_named() {
    let mut kubelet = KubeletStatsSettings::default();
    let mut cluster = K8sClusterSettings::default();
    for (result, message) in [
        (kubelet.metrics.set("k8s.pod.cpu.tim", true), "kubelet_stats has no metric `k8s.pod.cpu.tim`"),
        (kubelet.metrics.set("k8s.pod.phase", true), "kubelet_stats has no metric `k8s.pod.phase`"),
        (
            kubelet.resource_attributes.set("k8s.pod.color", true),
            "kubelet_stats has no resource attribute `k8s.pod.color`",
        ),
        (
            cluster.metrics.set("k8s.node.condition_ready", false),
            "`k8s.node.condition_ready` is controlled by node_conditions_to_report, not by a switch of its own",
        ),
        (
            cluster.metrics.set("k8s.node.allocatable_cpu", true),
            "`k8s.node.allocatable_cpu` is controlled by allocatable_types_to_report, not by a switch of its own",
        ),
        (
            cluster.set_node_conditions(["Ready", "Happy"]),
            "no metric is known for the node condition `Happy` \
             (Ready, MemoryPressure, DiskPressure, PIDPressure, NetworkUnavailable)",
        ),
        (
            cluster.set_allocatable(["gpu"]),
            "no metric is known for the allocatable resource `gpu` (cpu, memory, ephemeral-storage, pods)",
        ),
        (MetricGroup::parse("pods").map(drop), "`pods` is no metric group (node, pod, container, volume)"),
        (
            ExtraLabel::parse("pod.id").map(drop),
            "`pod.id` is no extra metadata label (container.id, k8s.volume.type)",
        ),
    ] {
        assert_eq!(result.unwrap_err().to_string(), message);
    }
}

#[test]
fn a_switch_overrides_the_default_in_both_directions() {
    let mut switches = MetricSwitches::defaults_of(Receiver::KubeletStats);
    let metric = |name| catalogue::find(name).unwrap();
    assert!(switches.is_on(metric("k8s.pod.cpu.time")) && !switches.is_on(metric("k8s.pod.uptime")));
    switches.set("k8s.pod.cpu.time", false).unwrap();
    switches.set("k8s.pod.uptime", true).unwrap();
    assert!(!switches.is_on(metric("k8s.pod.cpu.time")) && switches.is_on(metric("k8s.pod.uptime")));
}

#[test]
fn resource_attributes_are_on_unless_they_are_opt_in() {
    let mut switches = ResourceAttributeSwitches::defaults_of(Receiver::K8sCluster);
    assert!(switches.is_on("k8s.pod.uid") && !switches.is_on("k8s.pod.qos_class"));
    switches.set("k8s.pod.uid", false).unwrap();
    switches.set("k8s.pod.qos_class", true).unwrap();
    assert!(!switches.is_on("k8s.pod.uid") && switches.is_on("k8s.pod.qos_class"));
}

#[test]
fn a_receivers_configuration_is_read_as_the_collector_reads_it() {
    let settings: KubeletStatsSettings = serde_yaml::from_str(
        "
auth_type: none
endpoint: http://stats-proxy:10250/nodes/`name`
collection_interval: 10s
metric_groups: [node, volume]
extra_metadata_labels: [k8s.volume.type]
collect_all_network_interfaces: { pod: true }
k8s_api_config: { auth_type: kubeConfig }
metrics:
  k8s.node.uptime: { enabled: true }
  k8s.node.cpu.time: { enabled: false }
resource_attributes:
  k8s.pod.uid: { enabled: false }
",
    )
    .unwrap();
    let mut expected = KubeletStatsSettings {
        metric_groups: [MetricGroup::Node, MetricGroup::Volume].into(),
        extra_metadata_labels: [ExtraLabel::VolumeType].into(),
        all_pod_interfaces: true,
        looks_up_claims: true,
        ..KubeletStatsSettings::default()
    };
    expected.metrics.set("k8s.node.uptime", true).unwrap();
    expected.metrics.set("k8s.node.cpu.time", false).unwrap();
    expected.resource_attributes.set("k8s.pod.uid", false).unwrap();
    assert_eq!(settings, expected);

    let settings: K8sClusterSettings = serde_yaml::from_str(
        "
auth_type: kubeConfig
node_conditions_to_report: [Ready, MemoryPressure, DiskPressure, PIDPressure]
allocatable_types_to_report: [cpu, memory, ephemeral-storage, pods]
",
    )
    .unwrap();
    assert_eq!(settings, for_dashboards());
}

#[test]
fn keys_that_only_the_real_receivers_need_mean_nothing_here() {
    let kubelet = "{auth_type: tls, ca_file: /ca, min_version: '1.3', server_name_override: kubelet}";
    assert_eq!(
        serde_yaml::from_str::<KubeletStatsSettings>(kubelet).unwrap(),
        KubeletStatsSettings::default()
    );
    let cluster = "{distribution: kubernetes, metadata_exporters: [signalfx], k8s_leader_elector: e}";
    assert_eq!(serde_yaml::from_str::<K8sClusterSettings>(cluster).unwrap(), K8sClusterSettings::default());
}

#[test]
fn an_empty_configuration_means_the_defaults() {
    assert_eq!(serde_yaml::from_str::<KubeletStatsSettings>("{}").unwrap(), KubeletStatsSettings::default());
    assert_eq!(serde_yaml::from_str::<K8sClusterSettings>("{}").unwrap(), K8sClusterSettings::default());
}

#[test]
fn a_mistake_in_a_configuration_is_named_with_its_place() {
    for (yaml, mistake, place) in [
        ("metric_groups: [node]\nmetric_group: [pod]", "unknown field `metric_group`", "line 2 column 1"),
        (
            "metrics:\n  k8s.node.uptime: {enabled: true}\n  k8s.node.upwards: {enabled: true}",
            "metrics: kubelet_stats has no metric `k8s.node.upwards`",
            "line 3 column 3",
        ),
        (
            "metrics:\n  k8s.node.uptime: {enable: true}",
            "metrics.k8s.node.uptime: unknown field `enable`, expected `enabled`",
            "line 2 column 21",
        ),
        (
            "metrics: {k8s.node.uptime: {enabled: 5}}",
            "invalid type: integer `5`, expected a boolean",
            "line 1 column",
        ),
        (
            "metrics:\n  k8s.node.uptime: {enabled: true}\n  k8s.node.uptime: {enabled: false}",
            "metrics: `k8s.node.uptime` is there twice",
            "line 3 column 3",
        ),
        (
            "metrics:\n  k8s.node.uptime: {enabled: true, attributes: [a]}",
            "metrics.k8s.node.uptime: `attributes` is not supported by the embedded receivers",
            "line 2 column 36",
        ),
        (
            "resource_attributes: {k8s.pod.uid: {enabled: true}, k8s.pod.uid: {enabled: true}}",
            "resource_attributes: `k8s.pod.uid` is there twice",
            "line 1 column 53",
        ),
        // The whole document is the place, and the field says the rest.
        ("metric_groups: [node]\nmetric_groups: [pod]", "duplicate field `metric_groups`", ""),
        ("metric_groups:\n- nodes", "metric_groups: `nodes` is no metric group", "line 2 column 1"),
        (
            "resource_attributes: {k8s.pod.color: {enabled: true}}",
            "resource_attributes: kubelet_stats has no resource attribute `k8s.pod.color`",
            "line 1 column",
        ),
    ] {
        let error = serde_yaml::from_str::<KubeletStatsSettings>(yaml).unwrap_err().to_string();
        assert!(error.contains(mistake) && error.contains(place), "{error}");
    }
    for (yaml, mistake, place) in [
        ("node_conditions_to_report: [Ready, Happy]", "for the node condition `Happy`", "line 1 column"),
        ("namespaces: [shop]", "namespaces: not supported by the embedded receivers", "line 1 column"),
        (
            "distribution: openshift",
            "`openshift` is not supported by the embedded receivers",
            "line 1 column",
        ),
        ("distribution: minikube", "`minikube` is no distribution (kubernetes, openshift)", "line 1 column"),
        ("allocatable_types_to_report:\n- gpu", "for the allocatable resource `gpu`", "line 2 column 1"),
        (
            "metrics:\n  k8s.node.condition_ready: {enabled: true}",
            "is controlled by node_conditions_to_report",
            "line 2 column 3",
        ),
    ] {
        let error = serde_yaml::from_str::<K8sClusterSettings>(yaml).unwrap_err().to_string();
        assert!(error.contains(mistake) && error.contains(place), "{error}");
    }
}

#[test]
fn host_metrics_is_configured_by_scraper() {
    let settings: HostMetricsSettings = serde_yaml::from_str(
        "
collection_interval: 10s
root_path: /hostfs
scrapers:
  load:
  cpu: { metrics: { system.cpu.utilization: { enabled: true } } }
  memory: {}
",
    )
    .unwrap();
    let mut expected = HostMetricsSettings::default();
    expected.scrapers = [Scraper::Cpu, Scraper::Load, Scraper::Memory].into();
    expected.metrics.set("system.cpu.utilization", true).unwrap();
    assert_eq!(settings, expected);
}

#[test]
fn a_mistake_under_a_scraper_is_named_with_its_place() {
    for (yaml, mistake, place) in [
        ("scrapers: {}", "host_metrics needs at least one scraper", "line 1 column 1"),
        ("collection_interval: 10s", "missing field `scrapers`", ""),
        (
            "scrapers:\n  cpu:\n  cpus:",
            "`cpus` is no scraper that is known here (cpu, load,",
            "line 3 column",
        ),
        (
            "scrapers:\n  cpu:\n  process:",
            "`process` is not supported by the embedded receivers",
            "line 3 column 3",
        ),
        ("scrapers:\n  cpu:\n  load:\n  cpu:", "scrapers: `cpu` is there twice", "line 4 column 3"),
        (
            "scrapers:\n  cpu:\n    metrics: {}\n    metrics: {}",
            "`metrics` is there twice",
            "line 4 column 5",
        ),
        (
            "scrapers:\n  cpu:\n    metrics:\n      system.cpu.tim: {enabled: true}",
            "host_metrics has no metric `system.cpu.tim`",
            "line 4 column 7",
        ),
        (
            "scrapers:\n  cpu:\n    metrics:\n      system.memory.limit: {enabled: true}",
            "`system.memory.limit` is a metric of the scraper memory, not of cpu",
            "line 4 column 7",
        ),
        (
            "scrapers:\n  disk:\n    includes: {devices: [sda], match_type: strict}",
            "unknown field `includes` of the scraper disk, expected `metrics`, `include`, `exclude`",
            "line 3 column 5",
        ),
        (
            "scrapers:\n  disk:\n    include: {interfaces: [sda], match_type: strict}",
            "unknown field `interfaces`",
            "line 3 column 15",
        ),
        (
            "scrapers:\n  network:\n    exclude: {interfaces: ['veth('], match_type: regexp}",
            "`veth(` is no regular expression: unclosed group",
            "line 3",
        ),
        (
            "scrapers:\n  network:\n    exclude: {interfaces: [lo], match_type: glob}",
            "unknown variant `glob`",
            "line 3",
        ),
    ] {
        let error = serde_yaml::from_str::<HostMetricsSettings>(yaml).unwrap_err().to_string();
        assert!(error.contains(mistake) && error.contains(place), "{error}");
    }
}
