//! What the settings come to: which metric to send for which field, decided once.

use catalogue::kubelet_stats as metrics;
use catalogue::{MetricDef, Resource};

use crate::settings::{
    ExtraLabel, KubeletStatsSettings, MetricGroup, MetricSwitches, ResourceAttributeSwitches,
};

/// A metric, where it is on.
pub(super) type Wanted = Option<&'static MetricDef>;

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) node_group: bool,
    pub(super) pod_group: bool,
    pub(super) container_group: bool,
    pub(super) volume_group: bool,
    pub(super) node: ObjectMetrics,
    pub(super) system_container: SystemContainerMetrics,
    pub(super) pod: ObjectMetrics,
    pub(super) container: ObjectMetrics,
    pub(super) ephemeral_storage: Wanted,
    pub(super) volume: VolumeMetrics,
    pub(super) container_ids: bool,
    pub(super) volume_types: bool,
    pub(super) looks_up_claims: bool,
    /// Whether any metric needs the requests and limits of a pod's spec.
    pub(super) reserved: bool,
    attributes: ResourceAttributeSwitches,
}

/// What nodes, pods and containers have in common, as far as each has it.
#[derive(Debug)]
pub(super) struct ObjectMetrics {
    pub(super) uptime: Wanted,
    pub(super) cpu: CpuMetrics,
    pub(super) memory: MemoryMetrics,
    pub(super) filesystem: FilesystemMetrics,
    pub(super) network: NetworkMetrics,
}

#[derive(Debug)]
pub(super) struct CpuMetrics {
    pub(super) time: Wanted,
    pub(super) usage: Wanted,
    pub(super) ratios: Ratios,
}

#[derive(Debug)]
pub(super) struct MemoryMetrics {
    pub(super) available: Wanted,
    pub(super) usage: Wanted,
    pub(super) working_set: Wanted,
    pub(super) rss: Wanted,
    pub(super) page_faults: Wanted,
    pub(super) major_page_faults: Wanted,
    pub(super) ratios: Ratios,
}

/// Usage over what the node has, over the limit, over the request.
#[derive(Debug, Default)]
pub(super) struct Ratios {
    pub(super) node: Wanted,
    pub(super) limit: Wanted,
    pub(super) request: Wanted,
}

#[derive(Debug)]
pub(super) struct FilesystemMetrics {
    pub(super) available: Wanted,
    pub(super) capacity: Wanted,
    pub(super) usage: Wanted,
    pub(super) inodes: Wanted,
    pub(super) inodes_free: Wanted,
}

#[derive(Debug, Default)]
pub(super) struct NetworkMetrics {
    pub(super) io: Wanted,
    pub(super) errors: Wanted,
    /// `interfaces` instead of the default interface.
    pub(super) all_interfaces: bool,
}

#[derive(Debug)]
pub(super) struct SystemContainerMetrics {
    pub(super) cpu: CpuMetrics,
    pub(super) memory_usage: Wanted,
    pub(super) memory_working_set: Wanted,
}

impl SystemContainerMetrics {
    pub(super) fn any(&self) -> bool {
        [self.cpu.time, self.cpu.usage, self.memory_usage, self.memory_working_set]
            .iter()
            .any(Option::is_some)
    }
}

#[derive(Debug)]
pub(super) struct VolumeMetrics {
    pub(super) available: Wanted,
    pub(super) capacity: Wanted,
    pub(super) inodes: Wanted,
    pub(super) inodes_free: Wanted,
    pub(super) inodes_used: Wanted,
    pub(super) usage: Wanted,
}

impl Plan {
    pub(super) fn new(settings: &KubeletStatsSettings) -> Self {
        let on = &settings.metrics;
        let group = |group| settings.metric_groups.contains(&group);
        let label = |label| settings.extra_metadata_labels.contains(&label);
        let pod = pod(on, settings.all_pod_interfaces);
        let container = container(on);
        let ratios = [&pod.cpu.ratios, &pod.memory.ratios, &container.cpu.ratios, &container.memory.ratios];
        let reserved = ratios.iter().any(|ratios| ratios.limit.is_some() || ratios.request.is_some());
        Self {
            node_group: group(MetricGroup::Node),
            pod_group: group(MetricGroup::Pod),
            container_group: group(MetricGroup::Container),
            volume_group: group(MetricGroup::Volume),
            node: node(on, settings.all_node_interfaces),
            system_container: SystemContainerMetrics {
                cpu: CpuMetrics {
                    time: on.select(&metrics::SYSTEM_CONTAINER_CPU_TIME),
                    usage: on.select(&metrics::SYSTEM_CONTAINER_CPU_USAGE),
                    ratios: Ratios::default(),
                },
                memory_usage: on.select(&metrics::SYSTEM_CONTAINER_MEMORY_USAGE),
                memory_working_set: on.select(&metrics::SYSTEM_CONTAINER_MEMORY_WORKING_SET),
            },
            pod,
            container,
            ephemeral_storage: on.select(&metrics::CONTAINER_EPHEMERAL_STORAGE_USAGE),
            volume: VolumeMetrics {
                available: on.select(&metrics::VOLUME_AVAILABLE),
                capacity: on.select(&metrics::VOLUME_CAPACITY),
                inodes: on.select(&metrics::VOLUME_INODES),
                inodes_free: on.select(&metrics::VOLUME_INODES_FREE),
                inodes_used: on.select(&metrics::VOLUME_INODES_USED),
                usage: on.select(&metrics::POD_VOLUME_USAGE),
            },
            container_ids: label(ExtraLabel::ContainerId),
            volume_types: label(ExtraLabel::VolumeType),
            looks_up_claims: settings.looks_up_claims,
            reserved,
            attributes: settings.resource_attributes.clone(),
        }
    }

    /// A resource of the receiver's own attributes, as far as they are on, and of those that are added behind it.
    pub(super) fn resource<'a>(
        &self,
        own: impl IntoIterator<Item = (&'static str, &'a str)>,
        added: impl IntoIterator<Item = (&'static str, &'a str)>,
    ) -> Resource {
        let own = own.into_iter().filter(|(key, _)| self.attributes.is_on(key));
        Resource::new(own.chain(added))
    }
}

fn node(on: &MetricSwitches, all_interfaces: bool) -> ObjectMetrics {
    ObjectMetrics {
        uptime: on.select(&metrics::NODE_UPTIME),
        cpu: CpuMetrics {
            time: on.select(&metrics::NODE_CPU_TIME),
            usage: on.select(&metrics::NODE_CPU_USAGE),
            ratios: Ratios::default(),
        },
        memory: MemoryMetrics {
            available: on.select(&metrics::NODE_MEMORY_AVAILABLE),
            usage: on.select(&metrics::NODE_MEMORY_USAGE),
            working_set: on.select(&metrics::NODE_MEMORY_WORKING_SET),
            rss: on.select(&metrics::NODE_MEMORY_RSS),
            page_faults: on.select(&metrics::NODE_MEMORY_PAGE_FAULTS),
            major_page_faults: on.select(&metrics::NODE_MEMORY_MAJOR_PAGE_FAULTS),
            ratios: Ratios::default(),
        },
        filesystem: FilesystemMetrics {
            available: on.select(&metrics::NODE_FILESYSTEM_AVAILABLE),
            capacity: on.select(&metrics::NODE_FILESYSTEM_CAPACITY),
            usage: on.select(&metrics::NODE_FILESYSTEM_USAGE),
            inodes: on.select(&metrics::NODE_FILESYSTEM_INODE_COUNT),
            inodes_free: on.select(&metrics::NODE_FILESYSTEM_INODE_FREE),
        },
        network: NetworkMetrics {
            io: on.select(&metrics::NODE_NETWORK_IO),
            errors: on.select(&metrics::NODE_NETWORK_ERRORS),
            all_interfaces,
        },
    }
}

fn pod(on: &MetricSwitches, all_interfaces: bool) -> ObjectMetrics {
    ObjectMetrics {
        uptime: on.select(&metrics::POD_UPTIME),
        cpu: CpuMetrics {
            time: on.select(&metrics::POD_CPU_TIME),
            usage: on.select(&metrics::POD_CPU_USAGE),
            ratios: Ratios {
                node: on.select(&metrics::POD_CPU_NODE_UTILIZATION),
                limit: on.select(&metrics::POD_CPU_LIMIT_UTILIZATION),
                request: on.select(&metrics::POD_CPU_REQUEST_UTILIZATION),
            },
        },
        memory: MemoryMetrics {
            available: on.select(&metrics::POD_MEMORY_AVAILABLE),
            usage: on.select(&metrics::POD_MEMORY_USAGE),
            working_set: on.select(&metrics::POD_MEMORY_WORKING_SET),
            rss: on.select(&metrics::POD_MEMORY_RSS),
            page_faults: on.select(&metrics::POD_MEMORY_PAGE_FAULTS),
            major_page_faults: on.select(&metrics::POD_MEMORY_MAJOR_PAGE_FAULTS),
            ratios: Ratios {
                node: on.select(&metrics::POD_MEMORY_NODE_UTILIZATION),
                limit: on.select(&metrics::POD_MEMORY_LIMIT_UTILIZATION),
                request: on.select(&metrics::POD_MEMORY_REQUEST_UTILIZATION),
            },
        },
        filesystem: FilesystemMetrics {
            available: on.select(&metrics::POD_FILESYSTEM_AVAILABLE),
            capacity: on.select(&metrics::POD_FILESYSTEM_CAPACITY),
            usage: on.select(&metrics::POD_FILESYSTEM_USAGE),
            inodes: None,
            inodes_free: None,
        },
        network: NetworkMetrics {
            io: on.select(&metrics::POD_NETWORK_IO),
            errors: on.select(&metrics::POD_NETWORK_ERRORS),
            all_interfaces,
        },
    }
}

fn container(on: &MetricSwitches) -> ObjectMetrics {
    ObjectMetrics {
        uptime: on.select(&metrics::CONTAINER_UPTIME),
        cpu: CpuMetrics {
            time: on.select(&metrics::CONTAINER_CPU_TIME),
            usage: on.select(&metrics::CONTAINER_CPU_USAGE),
            ratios: Ratios {
                node: on.select(&metrics::CONTAINER_CPU_NODE_UTILIZATION),
                limit: on.select(&metrics::CONTAINER_CPU_LIMIT_UTILIZATION),
                request: on.select(&metrics::CONTAINER_CPU_REQUEST_UTILIZATION),
            },
        },
        memory: MemoryMetrics {
            available: on.select(&metrics::CONTAINER_MEMORY_AVAILABLE),
            usage: on.select(&metrics::CONTAINER_MEMORY_USAGE),
            working_set: on.select(&metrics::CONTAINER_MEMORY_WORKING_SET),
            rss: on.select(&metrics::CONTAINER_MEMORY_RSS),
            page_faults: on.select(&metrics::CONTAINER_MEMORY_PAGE_FAULTS),
            major_page_faults: on.select(&metrics::CONTAINER_MEMORY_MAJOR_PAGE_FAULTS),
            ratios: Ratios {
                node: on.select(&metrics::CONTAINER_MEMORY_NODE_UTILIZATION),
                limit: on.select(&metrics::CONTAINER_MEMORY_LIMIT_UTILIZATION),
                request: on.select(&metrics::CONTAINER_MEMORY_REQUEST_UTILIZATION),
            },
        },
        filesystem: FilesystemMetrics {
            available: on.select(&metrics::CONTAINER_FILESYSTEM_AVAILABLE),
            capacity: on.select(&metrics::CONTAINER_FILESYSTEM_CAPACITY),
            usage: on.select(&metrics::CONTAINER_FILESYSTEM_USAGE),
            inodes: None,
            inodes_free: None,
        },
        // The kubelet knows no network of a container: it belongs to the pod.
        network: NetworkMetrics::default(),
    }
}
