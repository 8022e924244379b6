//! What metrics are about: the resources of the receivers and their attributes.

/// When a resource attribute is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presence {
    /// Unless switched off under `resource_attributes`.
    Default,
    /// Only when switched on under `resource_attributes`.
    OptIn,
    /// Only with this entry in `extra_metadata_labels`.
    ExtraLabel(&'static str),
}

/// An attribute of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceAttribute {
    /// Its key, for example `k8s.pod.name`.
    pub key: &'static str,
    /// When it is there.
    pub presence: Presence,
}

/// A kind of thing that a receiver measures.
///
/// Each receiver has its own: a container of kubelet_stats carries other attributes than one of k8s_cluster. Attributes
/// that other parts of a collector add (`k8s.cluster.name`, the node and workload names of a pod) are not listed.
#[derive(Debug, PartialEq, Eq)]
pub struct Entity {
    /// Its name, for example `pod`.
    pub name: &'static str,
    /// The attributes that tell two of them apart to a reader: names, not uids.
    pub identity: &'static [&'static str],
    /// The attributes that its receiver sets.
    pub attributes: &'static [ResourceAttribute],
}

const fn always(key: &'static str) -> ResourceAttribute {
    ResourceAttribute { key, presence: Presence::Default }
}

const fn opt_in(key: &'static str) -> ResourceAttribute {
    ResourceAttribute { key, presence: Presence::OptIn }
}

const fn extra(key: &'static str, label: &'static str) -> ResourceAttribute {
    ResourceAttribute { key, presence: Presence::ExtraLabel(label) }
}

/// The resources of kubelet_stats.
pub mod kubelet_stats {
    use super::{Entity, always, extra, opt_in};

    /// A node.
    pub static NODE: Entity =
        Entity { name: "node", identity: &["k8s.node.name"], attributes: &[always("k8s.node.name")] };

    /// A process group of a node that is no pod: the kubelet, the container runtime.
    pub static SYSTEM_CONTAINER: Entity = Entity {
        name: "system container",
        identity: &["k8s.node.name", "k8s.node.system_container.name"],
        attributes: &[always("k8s.node.name"), always("k8s.node.system_container.name")],
    };

    /// A pod.
    pub static POD: Entity = Entity {
        name: "pod",
        identity: &["k8s.namespace.name", "k8s.pod.name"],
        attributes: &[always("k8s.pod.uid"), always("k8s.pod.name"), always("k8s.namespace.name")],
    };

    /// A container.
    pub static CONTAINER: Entity = Entity {
        name: "container",
        identity: &["k8s.namespace.name", "k8s.pod.name", "k8s.container.name"],
        attributes: &[
            always("k8s.pod.uid"),
            always("k8s.pod.name"),
            always("k8s.namespace.name"),
            always("k8s.container.name"),
            extra("container.id", "container.id"),
        ],
    };

    /// A volume of a pod.
    pub static VOLUME: Entity = Entity {
        name: "volume",
        identity: &["k8s.namespace.name", "k8s.pod.name", "k8s.volume.name"],
        attributes: &[
            always("k8s.pod.uid"),
            always("k8s.pod.name"),
            always("k8s.namespace.name"),
            always("k8s.volume.name"),
            extra("k8s.volume.type", "k8s.volume.type"),
            extra("k8s.persistentvolumeclaim.name", "k8s.volume.type"),
            opt_in("aws.volume.id"),
            opt_in("fs.type"),
            opt_in("gce.pd.name"),
            opt_in("glusterfs.endpoints.name"),
            opt_in("glusterfs.path"),
            opt_in("partition"),
        ],
    };
}

/// The resources of k8s_cluster.
pub mod k8s_cluster {
    use super::{Entity, always, opt_in};

    /// A container, from its pod's spec and status.
    pub static CONTAINER: Entity = Entity {
        name: "container",
        identity: &["k8s.namespace.name", "k8s.pod.name", "k8s.container.name"],
        attributes: &[
            opt_in("k8s.container.status.last_terminated_reason"),
            always("k8s.pod.uid"),
            always("k8s.pod.name"),
            always("k8s.node.name"),
            always("k8s.namespace.name"),
            always("container.id"),
            always("k8s.container.name"),
            always("container.image.name"),
            always("container.image.tag"),
        ],
    };

    /// A pod.
    pub static POD: Entity = Entity {
        name: "pod",
        identity: &["k8s.namespace.name", "k8s.pod.name"],
        attributes: &[
            always("k8s.namespace.name"),
            always("k8s.node.name"),
            always("k8s.pod.name"),
            always("k8s.pod.uid"),
            opt_in("k8s.pod.qos_class"),
        ],
    };

    /// A node.
    pub static NODE: Entity = Entity {
        name: "node",
        identity: &["k8s.node.name"],
        attributes: &[
            always("k8s.node.uid"),
            always("k8s.node.name"),
            opt_in("k8s.kubelet.version"),
            opt_in("os.type"),
            opt_in("container.runtime"),
            opt_in("container.runtime.version"),
            opt_in("os.description"),
        ],
    };

    /// A namespace.
    pub static NAMESPACE: Entity = Entity {
        name: "namespace",
        identity: &["k8s.namespace.name"],
        attributes: &[always("k8s.namespace.uid"), always("k8s.namespace.name")],
    };

    /// A Deployment.
    pub static DEPLOYMENT: Entity = Entity {
        name: "deployment",
        identity: &["k8s.namespace.name", "k8s.deployment.name"],
        attributes: &[
            always("k8s.deployment.name"),
            always("k8s.deployment.uid"),
            always("k8s.namespace.name"),
        ],
    };

    /// A ReplicaSet.
    pub static REPLICA_SET: Entity = Entity {
        name: "replicaset",
        identity: &["k8s.namespace.name", "k8s.replicaset.name"],
        attributes: &[
            always("k8s.namespace.name"),
            always("k8s.replicaset.name"),
            always("k8s.replicaset.uid"),
        ],
    };

    /// A ReplicationController.
    pub static REPLICATION_CONTROLLER: Entity = Entity {
        name: "replication controller",
        identity: &["k8s.namespace.name", "k8s.replicationcontroller.name"],
        attributes: &[
            always("k8s.namespace.name"),
            always("k8s.replicationcontroller.name"),
            always("k8s.replicationcontroller.uid"),
        ],
    };

    /// A StatefulSet.
    pub static STATEFUL_SET: Entity = Entity {
        name: "statefulset",
        identity: &["k8s.namespace.name", "k8s.statefulset.name"],
        attributes: &[
            always("k8s.statefulset.uid"),
            always("k8s.statefulset.name"),
            always("k8s.namespace.name"),
        ],
    };

    /// A DaemonSet.
    pub static DAEMON_SET: Entity = Entity {
        name: "daemonset",
        identity: &["k8s.namespace.name", "k8s.daemonset.name"],
        attributes: &[
            always("k8s.namespace.name"),
            always("k8s.daemonset.name"),
            always("k8s.daemonset.uid"),
        ],
    };

    /// A Job.
    pub static JOB: Entity = Entity {
        name: "job",
        identity: &["k8s.namespace.name", "k8s.job.name"],
        attributes: &[always("k8s.namespace.name"), always("k8s.job.name"), always("k8s.job.uid")],
    };

    /// A CronJob.
    pub static CRON_JOB: Entity = Entity {
        name: "cronjob",
        identity: &["k8s.namespace.name", "k8s.cronjob.name"],
        attributes: &[always("k8s.namespace.name"), always("k8s.cronjob.uid"), always("k8s.cronjob.name")],
    };

    /// A HorizontalPodAutoscaler.
    pub static HPA: Entity = Entity {
        name: "hpa",
        identity: &["k8s.namespace.name", "k8s.hpa.name"],
        attributes: &[
            always("k8s.hpa.uid"),
            always("k8s.hpa.name"),
            always("k8s.namespace.name"),
            opt_in("k8s.hpa.scaletargetref.apiversion"),
            opt_in("k8s.hpa.scaletargetref.kind"),
            opt_in("k8s.hpa.scaletargetref.name"),
        ],
    };

    /// A ResourceQuota.
    pub static RESOURCE_QUOTA: Entity = Entity {
        name: "resource quota",
        identity: &["k8s.namespace.name", "k8s.resourcequota.name"],
        attributes: &[
            always("k8s.resourcequota.uid"),
            always("k8s.resourcequota.name"),
            always("k8s.namespace.name"),
        ],
    };

    /// A PersistentVolume.
    pub static PERSISTENT_VOLUME: Entity = Entity {
        name: "persistent volume",
        identity: &["k8s.persistentvolume.name"],
        attributes: &[
            always("k8s.persistentvolume.name"),
            always("k8s.persistentvolume.uid"),
            always("k8s.storageclass.name"),
            opt_in("k8s.persistentvolume.reclaim_policy"),
        ],
    };

    /// A PersistentVolumeClaim.
    pub static PERSISTENT_VOLUME_CLAIM: Entity = Entity {
        name: "persistent volume claim",
        identity: &["k8s.namespace.name", "k8s.persistentvolumeclaim.name"],
        attributes: &[
            always("k8s.persistentvolumeclaim.name"),
            always("k8s.persistentvolumeclaim.uid"),
            always("k8s.namespace.name"),
            always("k8s.storageclass.name"),
        ],
    };

    /// A Service.
    pub static SERVICE: Entity = Entity {
        name: "service",
        identity: &["k8s.namespace.name", "k8s.service.name"],
        attributes: &[
            always("k8s.service.name"),
            always("k8s.service.uid"),
            always("k8s.namespace.name"),
            always("k8s.service.type"),
            opt_in("k8s.service.publish_not_ready_addresses"),
            opt_in("k8s.service.traffic_distribution"),
        ],
    };

    /// An OpenShift ClusterResourceQuota.
    pub static CLUSTER_QUOTA: Entity = Entity {
        name: "cluster quota",
        identity: &["openshift.clusterquota.name"],
        attributes: &[always("openshift.clusterquota.name"), always("openshift.clusterquota.uid")],
    };
}

/// The resource of host_metrics.
pub mod host_metrics {
    use super::Entity;

    /// The machine that the collector runs on. The receiver itself sets no attributes: `k8s.node.name` and `host.name`
    /// are added behind it.
    pub static HOST: Entity = Entity { name: "host", identity: &[], attributes: &[] };
}
