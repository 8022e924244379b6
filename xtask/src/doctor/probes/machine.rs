//! Memory, disk and kernel of this machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::environment::free_memory;
use tools::{Invocation, Os, Processes};

/// Space on a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Disk {
    /// Free for this user.
    pub(crate) free: u64,
    /// What was looked at.
    pub(crate) folder: PathBuf,
}

/// How many watches of files there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inotify {
    /// Sets of watches of one user.
    pub(crate) instances: u64,
    /// Watches of one user.
    pub(crate) watches: u64,
}

/// Whether the kernel describes its types, which eBPF programs need to run on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Btf {
    /// It does.
    Yes {
        /// `6.1.0-18-amd64`.
        kernel: String,
    },
    /// It does not.
    No {
        /// What is lacking.
        why: String,
    },
    /// Containers run on another kernel than this one.
    #[cfg_attr(target_os = "linux", allow(dead_code, reason = "here they run on this one"))]
    OtherKernel,
}

pub(super) fn memory() -> Option<u64> {
    free_memory()
}

/// The space around a folder, which need not exist yet.
pub(super) fn disk(folder: &Path, os: Os, processes: &dyn Processes) -> Result<Disk, String> {
    if os == Os::Windows {
        return Err("not looked at on Windows".to_owned());
    }
    let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(folder);
    // POSIX fixes the form of the output with these flags.
    let df = Invocation::new("df")
        .args(["-P", "-k"])
        .args([there])
        .env("LC_ALL", "C")
        .within(Duration::from_secs(4));
    let output = processes.run(&df).map_err(|failure| failure.to_string())?;
    let free = free_in(&output.text()).ok_or_else(|| format!("df said {:?}", output.text()))?;
    Ok(Disk { free, folder: there.to_owned() })
}

/// The fourth number of the second line is what is available, in kibibytes. The name of the disk before them may have blanks, so
/// they are counted from the percentage.
fn free_in(output: &str) -> Option<u64> {
    let fields: Vec<&str> = output.lines().nth(1)?.split_whitespace().collect();
    let percentage = fields.iter().position(|field| field.ends_with('%'))?;
    fields.get(percentage.checked_sub(1)?)?.parse::<u64>().ok()?.checked_mul(1024)
}

/// `None` where there is no inotify.
pub(super) fn inotify() -> Option<Inotify> {
    let limit = |name: &str| -> Option<u64> {
        std::fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).ok()?.trim().parse().ok()
    };
    Some(Inotify { instances: limit("max_user_instances")?, watches: limit("max_user_watches")? })
}

#[cfg(target_os = "linux")]
pub(super) fn btf() -> Btf {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    judge_kernel(release.trim(), Path::new("/sys/kernel/btf/vmlinux").exists())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn btf() -> Btf {
    Btf::OtherKernel
}

/// From 5.8 on, with its types.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "other systems' kernels run no containers"))]
fn judge_kernel(release: &str, types: bool) -> Btf {
    let mut numbers = release.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or_default());
    let version = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    if version < (5, 8) {
        Btf::No { why: format!("kernel {release} is older than 5.8") }
    } else if !types {
        Btf::No { why: format!("kernel {release} was built without BTF: /sys/kernel/btf/vmlinux is missing") }
    } else {
        Btf::Yes { kernel: release.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tools::FakeProcesses;

    #[test]
    fn free_space_is_read_from_the_form_that_posix_fixes() {
        for (output, free) in [
            (
                "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 264220544 46024672 50031860 48% /\n",
                Some(50_031_860),
            ),
            (
                "Filesystem 1024-blocks Used Available Capacity Mounted on\nmap auto_home 0 0 7 100% /System/Volumes\n",
                Some(7),
            ),
            ("Filesystem\n", None),
            ("", None),
        ] {
            assert_eq!(free_in(output), free.map(|kibibytes: u64| kibibytes * 1024), "{output}");
        }
    }

    #[test]
    fn the_space_of_a_folder_that_is_not_there_yet_is_that_of_the_one_above() {
        let df = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/a 9 4 5 48% /\n";
        let processes = FakeProcesses::default().with("df", df);
        let folder = std::env::temp_dir().join("kubernetes-mixin-otel-not-there/below");
        let disk = disk(&folder, Os::Linux, &processes).unwrap();
        assert_eq!((disk.free, disk.folder), (5 * 1024, std::env::temp_dir()));
        let run = &processes.runs()[0];
        assert_eq!(run.to_string(), format!("df -P -k {}", std::env::temp_dir().display()));
        assert_eq!(run.environment, [("LC_ALL".to_owned(), "C".into())]);
    }

    #[test]
    fn ebpf_needs_a_new_kernel_with_its_types() {
        assert!(matches!(judge_kernel("6.1.0-18-amd64", true), Btf::Yes { .. }));
        assert!(matches!(judge_kernel("5.8.0", true), Btf::Yes { .. }));
        for (release, types, told) in [
            ("5.4.0-100-generic", true, "older than 5.8"),
            ("6.1.0", false, "without BTF"),
            ("", true, "older"),
        ] {
            let Btf::No { why } = judge_kernel(release, types) else { panic!("{release}") };
            assert!(why.contains(told), "{why}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_kernel_tells_its_limits() {
        assert!(inotify().is_none_or(|limits| limits.instances > 0 && limits.watches > 0));
    }
}
