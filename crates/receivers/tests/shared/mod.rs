//! Settings that several tests want.

use receivers::K8sClusterSettings;

/// What the dashboards need beyond the defaults: the pressure conditions, and what nodes can allocate.
pub(crate) fn for_dashboards() -> K8sClusterSettings {
    let mut settings = K8sClusterSettings::default();
    settings.set_node_conditions(["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"]).unwrap();
    settings.set_allocatable(["cpu", "memory", "ephemeral-storage", "pods"]).unwrap();
    settings
}
