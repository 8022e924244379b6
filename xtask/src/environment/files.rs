//! The files that describe the fleet and its collector.

use std::path::Path;

use anyhow::Context as _;
use embedded::CollectorSettings;

use crate::ui::Usage;

/// Reads every `*.yaml` of a folder, sorted by name, as (path as people see it, text).
pub(crate) fn read_fleet_files(folder: &Path, root: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let entries = std::fs::read_dir(folder)
        .map_err(|error| Usage(format!("failed to read the fleet's folder {}: {error}", folder.display())))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("failed to list {}", folder.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            let text = std::fs::read_to_string(&path).map_err(|error| {
                Usage(format!("failed to read the fleet file {}: {error}", path.display()))
            })?;
            let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            files.push((shown, text));
        }
    }
    if files.is_empty() {
        return Err(Usage(format!("no fleet files: {} holds no *.yaml", folder.display())).into());
    }
    files.sort();
    Ok(files)
}

/// Reads the collector's fragments, as (path as people see it, text).
pub(crate) fn read_collector_files(folder: &Path, root: &Path) -> anyhow::Result<[(String, String); 3]> {
    let [kubelet_stats, k8s_cluster, host_metrics] = CollectorSettings::FILES;
    let read = |name: &str| {
        let path = folder.join(name);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Usage(format!("failed to read the collector's {}: {error}", path.display())))?;
        anyhow::Ok((path.strip_prefix(root).unwrap_or(&path).display().to_string(), text))
    };
    Ok([read(kubelet_stats)?, read(k8s_cluster)?, read(host_metrics)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_fleet_files_are_found_in_the_order_of_their_names() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let files = read_fleet_files(&root.join("deploy/kwok"), root).unwrap();
        assert!(files.iter().any(|(name, _)| name.ends_with("kwok-pod-template.yaml")));
        assert!(files.is_sorted_by_key(|(name, _)| name.clone()));
        assert!(files.iter().all(|(name, _)| !name.starts_with('/')));
    }

    #[test]
    fn a_missing_or_empty_folder_is_the_users_mistake() {
        for folder in ["no/such/folder", env!("CARGO_MANIFEST_DIR")] {
            let error = read_fleet_files(Path::new(folder), Path::new("/")).unwrap_err();
            assert!(error.downcast_ref::<Usage>().is_some(), "{error}");
        }
    }
}
