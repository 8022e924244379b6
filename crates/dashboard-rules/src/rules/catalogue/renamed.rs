//! Metrics that earlier collectors sent under another name.

/// The old name in Prometheus and the new one.
pub(in crate::rules) const RENAMED: &[(&str, &str)] = &[
    ("container_cpu_utilization_ratio", "container_cpu_usage"),
    ("k8s_node_cpu_utilization_ratio", "k8s_node_cpu_usage"),
    ("k8s_pod_cpu_utilization_ratio", "k8s_pod_cpu_usage"),
    ("system_network_dropped_packets_total", "system_network_dropped_total"),
    ("system_disk_ops_total", "system_disk_operations_total"),
];

/// What a metric is called now.
pub(super) fn new_name(old: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(name, _)| *name == old).map(|(_, new)| *new)
}

#[cfg(test)]
mod tests {
    use catalogue::find_by_prometheus_name;

    use super::*;

    #[test]
    fn old_names_are_gone_and_new_ones_are_there() {
        for (old, new) in RENAMED {
            assert!(find_by_prometheus_name(old).is_none(), "{old}");
            assert!(find_by_prometheus_name(new).is_some(), "{new}");
        }
    }
}
