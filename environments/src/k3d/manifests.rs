//! The objects of `deploy/k3d`: read, checked strictly, and filled in with pinned images and LGTM's files.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Deserialize as _;
use serde_json::{Value, json};
use tools::Sha256Sum;
use tools::pins::Pins;

use super::strict;
use crate::cluster::{WorkloadKind, WorkloadRef};
use crate::stack::lgtm::Lgtm;

/// Tells what an object was made from.
pub(super) const ANNOTATION: &str = "kubernetes-mixin-otel/spec";

/// Objects that are applied together.
#[derive(Clone, Debug, PartialEq)]
pub struct Objects(Vec<Value>);

impl Objects {
    /// LGTM, with its files in a ConfigMap and an annotation on its pods that changes with them.
    ///
    /// # Errors
    /// When the file cannot be read, or an object in it is not what Kubernetes takes.
    pub fn lgtm(workspace: &Path, pins: &Pins, lgtm: &Lgtm) -> anyhow::Result<Self> {
        let mut objects = read(workspace, "lgtm.yaml", pins)?;
        let files = json!({ "dashboards.yaml": lgtm.provider, "prometheus.yaml": lgtm.prometheus });
        let hash = Sha256Sum::of(files.to_string().as_bytes()).short();
        for object in &mut objects {
            match object["kind"].as_str() {
                Some("ConfigMap") => object["data"] = files.clone(),
                Some("Deployment") => {
                    // A mount of a single file does not change with its ConfigMap: the pod is made anew.
                    object["spec"]["template"]["metadata"]["annotations"] = json!({ ANNOTATION: hash });
                    object["spec"]["template"]["spec"]["containers"][0]["env"] = lgtm.environment_list();
                }
                _ => {}
            }
        }
        Self::checked(objects, "deploy/k3d/lgtm.yaml")
    }

    /// The sample workloads.
    ///
    /// # Errors
    /// As [`Self::lgtm`].
    pub fn workloads(workspace: &Path, pins: &Pins) -> anyhow::Result<Self> {
        Self::checked(read(workspace, "workloads.yaml", pins)?, "deploy/k3d/workloads.yaml")
    }

    /// Checks them, and marks each with the hash of what it is made from.
    fn checked(mut objects: Vec<Value>, file: &str) -> anyhow::Result<Self> {
        for object in &mut objects {
            let named = name(object);
            strict::check(object).map_err(|wrong| anyhow::anyhow!("{file}: {named}: {wrong}"))?;
            let hash = Sha256Sum::of(object.to_string().as_bytes()).short();
            object["metadata"]["annotations"][ANNOTATION] = json!(hash);
        }
        Ok(Self(objects))
    }

    /// All of them.
    pub fn all(&self) -> &[Value] {
        &self.0
    }

    /// Those that have to come up. Nothing waits for what a Job does.
    pub fn rollouts(&self) -> Vec<WorkloadRef> {
        let text =
            |object: &Value, field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        let rollout = |object: &Value| {
            let kind = match object["kind"].as_str()? {
                "Deployment" => WorkloadKind::Deployment,
                "DaemonSet" => WorkloadKind::DaemonSet,
                "StatefulSet" => WorkloadKind::StatefulSet,
                _ => return None,
            };
            Some(WorkloadRef { kind, namespace: text(object, "namespace"), name: text(object, "name") })
        };
        self.0.iter().filter_map(rollout).collect()
    }
}

/// `Deployment observability/lgtm`.
pub(super) fn name(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or("an object");
    let metadata = &object["metadata"];
    match (metadata["namespace"].as_str(), metadata["name"].as_str()) {
        (Some(namespace), Some(name)) => format!("{kind} {namespace}/{name}"),
        (None, Some(name)) => format!("{kind} {name}"),
        _ => kind.to_owned(),
    }
}

fn read(workspace: &Path, file: &str, pins: &Pins) -> anyhow::Result<Vec<Value>> {
    let path = workspace.join("deploy").join("k3d").join(file);
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let images = pins.images.iter().map(|(name, pin)| (name.as_str(), pin.to_pull())).collect();
    parse(&text, &images).with_context(|| format!("{} is wrong", path.display()))
}

fn parse(text: &str, images: &BTreeMap<&str, String>) -> anyhow::Result<Vec<Value>> {
    let mut objects = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        // Through a mapping of YAML, which refuses a key that is there twice.
        let Some(mapping) = Option::<serde_yaml::Mapping>::deserialize(document)? else { continue };
        let mut object = serde_json::to_value(mapping)?;
        put_images(&mut object, images)?;
        objects.push(object);
    }
    if objects.is_empty() {
        bail!("no objects are in it");
    }
    Ok(objects)
}

/// Puts the pinned image where its name stands.
fn put_images(value: &mut Value, images: &BTreeMap<&str, String>) -> anyhow::Result<()> {
    match value {
        Value::Object(fields) => fields.iter_mut().try_for_each(|(key, value)| match value {
            Value::String(name) if key == "image" => {
                let image = images.get(name.as_str());
                *name =
                    image.with_context(|| format!("image: deploy/pins.yaml has no image {name:?}"))?.clone();
                Ok(())
            }
            value => put_images(value, images),
        }),
        Value::Array(items) => items.iter_mut().try_for_each(|item| put_images(item, images)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images() -> BTreeMap<&'static str, String> {
        [("web", "registry/web@sha256:1".to_owned())].into()
    }

    fn checked(text: &str) -> anyhow::Result<Objects> {
        Objects::checked(parse(text, &images())?, "file.yaml")
    }

    const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  \
                       selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    \
                       spec: {containers: [{name: web, image: web}]}\n";

    #[test]
    fn images_are_those_of_the_pins_and_each_object_has_the_hash_of_what_it_is_made_from() {
        let objects = checked(WEB).unwrap();
        let [web] = objects.all() else { panic!() };
        assert_eq!(web["spec"]["template"]["spec"]["containers"][0]["image"], "registry/web@sha256:1");
        let hash = |objects: &Objects| objects.all()[0]["metadata"]["annotations"][ANNOTATION].clone();
        let scaled = checked(&format!("{WEB}  replicas: 2\n")).unwrap();
        assert!(hash(&objects).is_string());
        assert_ne!(hash(&objects), hash(&scaled));
        assert_eq!(objects.rollouts()[0].to_string(), "Deployment shop/web");
    }

    #[test]
    fn what_an_api_server_would_not_take_is_told_with_its_place() {
        for (from, to, told) in [
            ("spec:\n  selector", "spec:\n  replica: 2\n  selector", "spec.replica: unknown field"),
            ("name: web, image: web", "name: web, image: web, port: 1", "containers[0].port: unknown field"),
            ("image: web", "image: other", "deploy/pins.yaml has no image \"other\""),
            ("kind: Deployment", "kind: Gizmo", "apps/v1 Gizmo is no kind that is applied here"),
            ("kind: Deployment", "kind: Deployment\nkind: Deployment", "duplicate"),
            ("selector: {matchLabels: {app: web}}", "replicas: two", "invalid type"),
        ] {
            assert!(WEB.contains(from), "{from}");
            let error = format!("{:#}", checked(&WEB.replacen(from, to, 1)).unwrap_err());
            assert!(error.contains(told), "{to}: {error}");
        }
        assert!(checked("---\n").is_err());
    }
}
