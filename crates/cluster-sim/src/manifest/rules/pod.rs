//! Pod specs, of pods and of templates.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Container, PodSpec, Volume};

use super::{Checked, check_quantities, check_quantity, check_within, refuse};
use crate::manifest::names::is_dns_label;
use crate::manifest::path::Path;

/// Checks a pod spec at `path`. `claims` are volumes that its owner adds: a StatefulSet's claim templates.
pub(super) fn check(spec: &PodSpec, claims: &[&str], path: &Path) -> Checked {
    if spec.containers.is_empty() {
        return refuse(path.key("containers"), "a pod needs at least one container");
    }
    let mut volumes: BTreeSet<&str> = claims.iter().copied().collect();
    for (index, volume) in spec.volumes.iter().flatten().enumerate() {
        let path = path.key("volumes").index(index);
        check_volume(volume, &path)?;
        // A StatefulSet's claim replaces a volume of the same name.
        if !volumes.insert(&volume.name) && !claims.contains(&volume.name.as_str()) {
            return refuse(path.key("name"), format!("two volumes are called `{}`", volume.name));
        }
    }
    let mut names = BTreeSet::new();
    let init =
        spec.init_containers.iter().flatten().enumerate().map(|(index, c)| ("initContainers", index, c));
    let main = spec.containers.iter().enumerate().map(|(index, c)| ("containers", index, c));
    for (list, index, container) in init.chain(main) {
        let path = path.key(list).index(index);
        check_container(container, &volumes, &path)?;
        if !names.insert(&container.name) {
            return refuse(path.key("name"), format!("two containers are called `{}`", container.name));
        }
    }
    if let Some(policy) = &spec.restart_policy
        && !matches!(&**policy, "Always" | "OnFailure" | "Never")
    {
        return refuse(path.key("restartPolicy"), format!("`{policy}` is none of Always, OnFailure, Never"));
    }
    check_quantities(spec.overhead.as_ref(), &path.key("overhead"))
}

fn check_container(container: &Container, volumes: &BTreeSet<&str>, path: &Path) -> Checked {
    if container.name.is_empty() {
        return refuse(path.key("name"), "is missing");
    }
    if !is_dns_label(&container.name) {
        return refuse(
            path.key("name"),
            format!("`{}` is no DNS label: a-z, 0-9 and -, at most 63", container.name),
        );
    }
    if container.image.as_deref().is_none_or(str::is_empty) {
        return refuse(path.key("image"), "is missing");
    }
    for (index, mount) in container.volume_mounts.iter().flatten().enumerate() {
        if !volumes.contains(mount.name.as_str()) {
            let path = path.key("volumeMounts").index(index).key("name");
            return refuse(path, format!("the pod has no volume `{}`", mount.name));
        }
    }
    for (index, port) in container.ports.iter().flatten().enumerate() {
        if !(1..=65535).contains(&port.container_port) {
            let path = path.key("ports").index(index).key("containerPort");
            return refuse(path, format!("`{}` is no port, 1 to 65535", port.container_port));
        }
    }
    let Some(resources) = &container.resources else { return Ok(()) };
    let path = path.key("resources");
    check_quantities(resources.limits.as_ref(), &path.key("limits"))?;
    check_quantities(resources.requests.as_ref(), &path.key("requests"))?;
    check_within(resources.requests.as_ref(), resources.limits.as_ref(), &path.key("requests"), "limit")
}

fn check_volume(volume: &Volume, path: &Path) -> Checked {
    if !is_dns_label(&volume.name) {
        return refuse(
            path.key("name"),
            format!("`{}` is no DNS label: a-z, 0-9 and -, at most 63", volume.name),
        );
    }
    // Each source is a field of its own; which one it is does not matter here.
    let sources =
        serde_json::to_value(volume).map_or(0, |tree| tree.as_object().map_or(0, |fields| fields.len() - 1));
    match sources {
        1 => {}
        0 => return refuse(path.clone(), "has no source, such as `emptyDir: {}`"),
        _ => return refuse(path.clone(), "has more than one source"),
    }
    match volume.empty_dir.as_ref().and_then(|empty_dir| empty_dir.size_limit.as_ref()) {
        Some(limit) => check_quantity(limit, &path.then("emptyDir.sizeLimit")),
        None => Ok(()),
    }
}
