//! The files that describe the fleet and its collector.

use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

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
    let shown = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
    if let Some((misnamed, right)) = misnamed_fragment(folder) {
        let message = format!("{}: nobody reads a file of this name; it is called {right}", shown(&misnamed));
        return Err(Usage(message).into());
    }
    let read = |name: &str| {
        let path = folder.join(name);
        let bytes = std::fs::read(&path)
            .map_err(|error| Usage(format!("failed to read the collector's {}: {error}", path.display())))?;
        let text = String::from_utf8(bytes)
            .map_err(|error| Usage(format!("{}:{}", shown(&path), not_utf_8(&error))))?;
        anyhow::Ok((shown(&path), text))
    };
    Ok([read(kubelet_stats)?, read(k8s_cluster)?, read(host_metrics)?])
}

/// A file whose name is nearly a fragment's, as with the receivers' older names: `kubeletstats.yaml`, `host-metrics.yml`.
/// What is there besides is nobody's business: a folder may hold a collector's whole configuration.
fn misnamed_fragment(folder: &Path) -> Option<(PathBuf, &'static str)> {
    let plain = |name: &str| {
        let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"))?;
        Some(stem.to_ascii_lowercase().replace(['_', '-', '.'], ""))
    };
    let entries = std::fs::read_dir(folder).ok()?;
    entries.flatten().find_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let meant = CollectorSettings::FILES.into_iter().find(|right| plain(right) == plain(&name))?;
        (meant != name).then(|| (entry.path(), meant))
    })
}

/// `LINE:COLUMN: what is wrong`, as far as the text goes.
fn not_utf_8(error: &FromUtf8Error) -> String {
    let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
    let line = good.split(|byte| *byte == b'\n').next_back().unwrap_or_default();
    let lines = good.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = String::from_utf8_lossy(line).chars().count() + 1;
    format!("{lines}:{column}: the file is no UTF-8: save it with that encoding")
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

    /// A folder with these files, for as long as `look` takes.
    fn with_files<T>(name: &str, files: &[(&str, &[u8])], look: impl FnOnce(&Path) -> T) -> T {
        let folder =
            std::env::temp_dir().join(format!("kubernetes-mixin-otel-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (file, bytes) in files {
            std::fs::write(folder.join(file), bytes).unwrap();
        }
        let seen = look(&folder);
        std::fs::remove_dir_all(&folder).unwrap();
        seen
    }

    #[test]
    fn a_fragment_under_nearly_its_name_is_told_how_it_is_called() {
        for (misnamed, right) in [
            ("kubeletstats.yaml", "kubelet_stats.yaml"),
            ("k8s-cluster.yml", "k8s_cluster.yaml"),
            ("host_metrics.yml", "host_metrics.yaml"),
        ] {
            let good = CollectorSettings::FILES.map(|name| (name, &b"{}"[..]));
            let error = with_files("misnamed", &[&good[..], &[(misnamed, &b"{}"[..])]].concat(), |folder| {
                read_collector_files(folder, folder).unwrap_err()
            });
            let expected = format!("{misnamed}: nobody reads a file of this name; it is called {right}");
            assert_eq!(error.downcast_ref::<Usage>().map(ToString::to_string), Some(expected));
        }
        let good = CollectorSettings::FILES.map(|name| (name, &b"{}"[..]));
        with_files("others", &[&good[..], &[("collector.yaml", &b"x"[..])]].concat(), |folder| {
            read_collector_files(folder, folder).unwrap();
        });
    }

    #[test]
    fn a_fragment_in_another_encoding_is_told_where() {
        let files = [
            ("kubelet_stats.yaml", &b"# \xc3\xa4\n# \xc3\xa4\xff\n{}"[..]),
            ("k8s_cluster.yaml", &b"{}"[..]),
            ("host_metrics.yaml", &b"{}"[..]),
        ];
        let error =
            with_files("encoding", &files, |folder| read_collector_files(folder, folder).unwrap_err());
        let expected = "kubelet_stats.yaml:2:4: the file is no UTF-8: save it with that encoding";
        assert_eq!(error.downcast_ref::<Usage>().map(ToString::to_string).as_deref(), Some(expected));
    }
}
