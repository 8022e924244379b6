//! Names of targets, as people write them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The kinds of objects that something can be done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetKind {
    /// A Node.
    Node,
    /// A Pod.
    Pod,
    /// A Deployment.
    Deployment,
    /// A StatefulSet.
    StatefulSet,
    /// A DaemonSet.
    DaemonSet,
    /// A ReplicaSet of the files; those of Deployments are their Deployments' business.
    ReplicaSet,
    /// A ReplicationController.
    ReplicationController,
    /// A Job of the files.
    Job,
    /// A CronJob.
    CronJob,
    /// A PersistentVolumeClaim.
    PersistentVolumeClaim,
}

/// Every kind, its name in a target, other names that kubectl knows, and its name in Kubernetes.
const KINDS: [(TargetKind, &str, &[&str], &str); 10] = [
    (TargetKind::Node, "node", &["nodes", "no"], "Node"),
    (TargetKind::Pod, "pod", &["pods", "po"], "Pod"),
    (TargetKind::Deployment, "deployment", &["deployments", "deploy"], "Deployment"),
    (TargetKind::StatefulSet, "statefulset", &["statefulsets", "sts"], "StatefulSet"),
    (TargetKind::DaemonSet, "daemonset", &["daemonsets", "ds"], "DaemonSet"),
    (TargetKind::ReplicaSet, "replicaset", &["replicasets", "rs"], "ReplicaSet"),
    (
        TargetKind::ReplicationController,
        "replicationcontroller",
        &["replicationcontrollers", "rc"],
        "ReplicationController",
    ),
    (TargetKind::Job, "job", &["jobs"], "Job"),
    (TargetKind::CronJob, "cronjob", &["cronjobs", "cj"], "CronJob"),
    (
        TargetKind::PersistentVolumeClaim,
        "pvc",
        &["persistentvolumeclaim", "persistentvolumeclaims"],
        "PersistentVolumeClaim",
    ),
];

impl TargetKind {
    /// As in Kubernetes: `StatefulSet`.
    pub fn name(self) -> &'static str {
        self.row().3
    }

    /// As in a target: `statefulset`.
    pub fn short(self) -> &'static str {
        self.row().1
    }

    fn row(self) -> &'static (TargetKind, &'static str, &'static [&'static str], &'static str) {
        // The table stands in the order of the variants; a test holds it there.
        &KINDS[self as usize]
    }

    /// By any of its names, in any case.
    fn named(text: &str) -> Option<TargetKind> {
        let text = text.to_ascii_lowercase();
        KINDS.iter().find(|(_, name, others, _)| *name == text || others.contains(&&*text)).map(|row| row.0)
    }
}

/// An object, exactly. Written `node/NAME`, or `KIND/NAMESPACE/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Its kind.
    pub kind: TargetKind,
    /// Its namespace; `None` for a node.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{namespace}/{}", self.kind.short(), self.name),
            None => write!(f, "{}/{}", self.kind.short(), self.name),
        }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Target, String> {
        let wrong = || format!("{text:?} is neither node/NAME nor KIND/NAMESPACE/NAME");
        let (kind, rest) = text.split_once('/').ok_or_else(wrong)?;
        let kind = TargetKind::named(kind).ok_or_else(wrong)?;
        let (namespace, name) = match (kind, rest.split_once('/')) {
            (TargetKind::Node, None) => (None, rest),
            (TargetKind::Node, Some(_)) | (_, None) => return Err(wrong()),
            (_, Some((namespace, name))) => (Some(namespace.to_owned()), name),
        };
        Ok(Target { kind, namespace, name: name.to_owned() })
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Target, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A target as far as somebody wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pattern<'a> {
    pub(super) kind: Option<TargetKind>,
    pub(super) namespace: Option<&'a str>,
    pub(super) name: &'a str,
}

impl<'a> Pattern<'a> {
    /// What `text` may mean: `KIND/NAME` can be `NAMESPACE/NAME`, too. Empty for what cannot be a name.
    pub(super) fn readings(text: &'a str) -> Vec<Pattern<'a>> {
        let parts: Vec<&str> = text.split('/').collect();
        let readings = match parts[..] {
            [name] => vec![Pattern { kind: None, namespace: None, name }],
            [first, name] => {
                let by_kind = TargetKind::named(first);
                by_kind
                    .map(|kind| Pattern { kind: Some(kind), namespace: None, name })
                    .into_iter()
                    .chain([Pattern { kind: None, namespace: Some(first), name }])
                    .collect()
            }
            [kind, namespace, name] => match TargetKind::named(kind) {
                Some(kind) => vec![Pattern { kind: Some(kind), namespace: Some(namespace), name }],
                None => Vec::new(),
            },
            _ => Vec::new(),
        };
        if parts.iter().any(|part| part.is_empty()) { Vec::new() } else { readings }
    }

    pub(super) fn matches(&self, target: &Target) -> bool {
        self.kind.is_none_or(|kind| kind == target.kind)
            && self.namespace.is_none_or(|namespace| target.namespace.as_deref() == Some(namespace))
            && self.name == target.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_kinds_is_in_order() {
        for (position, row) in KINDS.iter().enumerate() {
            assert_eq!(row.0 as usize, position);
            assert_eq!(TargetKind::named(row.1), Some(row.0));
            assert_eq!(TargetKind::named(row.3), Some(row.0), "{}", row.3);
        }
    }

    #[test]
    fn a_target_is_read_as_it_is_written() {
        for text in ["node/general-0003", "deployment/shop/cart", "pvc/shop/data-search-0", "pod/shop/web-1"]
        {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        assert_eq!("sts/shop/search".parse::<Target>().unwrap().to_string(), "statefulset/shop/search");
        for text in ["", "cart", "node/a/b", "deployment/cart", "thing/shop/cart"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_people_write_has_one_reading_or_two() {
        let readings = |text| {
            Pattern::readings(text)
                .iter()
                .map(|pattern| (pattern.kind, pattern.namespace, pattern.name))
                .collect::<Vec<_>>()
        };
        assert_eq!(readings("cart"), [(None, None, "cart")]);
        assert_eq!(readings("shop/cart"), [(None, Some("shop"), "cart")]);
        assert_eq!(readings("sts/x"), [(Some(TargetKind::StatefulSet), None, "x"), (None, Some("sts"), "x")]);
        assert_eq!(readings("deploy/shop/cart"), [(Some(TargetKind::Deployment), Some("shop"), "cart")]);
        for text in ["", "/", "a//b", "a/b/c", "a/b/c/d", "shop/"] {
            assert_eq!(readings(text), [], "{text}");
        }
    }
}
