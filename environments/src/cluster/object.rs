//! Which object a manifest is about.

use std::fmt;

use anyhow::Context as _;
use serde_json::Value;

/// An object, by kind and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// Such as `apps/v1`.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// As written; a namespaced object without one is in `default`.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl ObjectName {
    /// Of a manifest.
    ///
    /// # Errors
    /// When it has no `apiVersion`, `kind` or `metadata.name`.
    pub fn of(object: &Value) -> anyhow::Result<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let kind = text("/kind").context("an object without kind cannot be applied")?;
        let name = text("/metadata/name")
            .with_context(|| format!("a {kind} without metadata.name cannot be applied"))?;
        let api_version = text("/apiVersion")
            .with_context(|| format!("{kind} {name} has no apiVersion and cannot be applied"))?;
        Ok(Self { api_version, kind, namespace: text("/metadata/namespace"), name })
    }

    /// In which of the four turns it is applied: what others stand on comes first.
    pub(crate) fn turn(&self) -> usize {
        match self.kind.as_str() {
            "Namespace" | "CustomResourceDefinition" => 0,
            "Stage" | "Node" | "PersistentVolume" | "StorageClass" | "PriorityClass" | "ClusterRole"
            | "ClusterRoleBinding" | "IngressClass" | "RuntimeClass" => 1,
            "ServiceAccount"
            | "ConfigMap"
            | "Secret"
            | "ResourceQuota"
            | "LimitRange"
            | "PersistentVolumeClaim"
            | "Service"
            | "Role"
            | "RoleBinding"
            | "NetworkPolicy"
            | "PodDisruptionBudget" => 2,
            _ => 3,
        }
    }
}

/// How many turns there are.
pub(crate) const TURNS: usize = 4;

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_says_what_it_lacks() {
        let named = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "b"}});
        assert_eq!(ObjectName::of(&named).unwrap().to_string(), "Pod b/a");
        for (object, message) in [
            (json!({}), "an object without kind cannot be applied"),
            (json!({"kind": "Pod"}), "a Pod without metadata.name cannot be applied"),
            (
                json!({"kind": "Pod", "metadata": {"name": "a"}}),
                "Pod a has no apiVersion and cannot be applied",
            ),
        ] {
            assert_eq!(ObjectName::of(&object).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn what_others_stand_on_is_applied_first() {
        let turns = ["Namespace", "Node", "ResourceQuota", "Deployment", "Pod", "HorizontalPodAutoscaler"]
            .map(|kind| {
                ObjectName {
                    api_version: String::new(),
                    kind: kind.to_owned(),
                    namespace: None,
                    name: String::new(),
                }
                .turn()
            });
        assert_eq!(turns, [0, 1, 2, 3, 3, 3]);
        assert!(turns.iter().all(|turn| *turn < TURNS));
    }
}
