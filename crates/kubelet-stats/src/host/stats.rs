//! The numbers of a machine. Counters count since its boot.

use jiff::Timestamp;

/// A machine at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct HostStats {
    /// When it booted.
    pub booted: Timestamp,
    /// Seconds since then.
    pub uptime: f64,
    /// Its CPUs.
    pub cpus: CpuCounts,
    /// What they did.
    pub cpu_times: CpuTimes,
    /// Runnable and blocked tasks.
    pub load: LoadAverages,
    /// Its memory.
    pub memory: Memory,
    /// Its disks.
    pub disks: Vec<Disk>,
    /// What is mounted.
    pub filesystems: Vec<Filesystem>,
    /// Its interfaces and connections.
    pub network: Network,
    /// Page faults, and what is moved between memory and disk.
    pub paging: Paging,
    /// Its processes.
    pub processes: Processes,
}

/// How many CPUs, and how fast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CpuCounts {
    /// As the scheduler counts them.
    pub logical: u64,
    /// Cores.
    pub physical: u64,
    /// Hertz, the same of all.
    pub frequency: f64,
}

/// Seconds since boot, summed over all CPUs. Together they are CPUs × uptime.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the kernel's own names")]
pub struct CpuTimes {
    pub user: f64,
    pub nice: f64,
    pub system: f64,
    pub interrupt: f64,
    pub softirq: f64,
    /// The hypervisor gave the CPU to another machine.
    pub steal: f64,
    /// Nothing to do but wait for a disk.
    pub wait: f64,
    pub idle: f64,
}

/// Averages of the number of runnable and blocked tasks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadAverages {
    /// Over one minute.
    pub one: f64,
    /// Over five.
    pub five: f64,
    /// Over fifteen.
    pub fifteen: f64,
}

/// Memory, in bytes. `used`, `free`, `cached` and `buffered` are all of it; the slabs are part of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// All of it.
    pub total: u64,
    /// What is not available: the summary's working set.
    pub used: u64,
    /// What nobody uses for anything.
    pub free: u64,
    /// Files that are kept as long as nobody needs the memory.
    pub cached: u64,
    /// The same of raw blocks.
    pub buffered: u64,
    /// The kernel's own objects that it can do without; part of `cached`.
    pub slab_reclaimable: u64,
    /// Those that it cannot do without; part of `used`.
    pub slab_unreclaimable: u64,
    /// What could be used without swapping.
    pub available: u64,
    /// What waits to be written to disk; part of `cached`.
    pub dirty: u64,
    /// What processes share; part of `cached`.
    pub shared: u64,
    /// Bytes in a page.
    pub page_size: u64,
    /// Huge pages.
    pub huge_pages: HugePages,
}

/// Huge pages: numbers of them, and their size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HugePages {
    /// All.
    pub total: u64,
    /// Not handed out.
    pub free: u64,
    /// Promised.
    pub reserved: u64,
    /// Beyond the configured number.
    pub surplus: u64,
    /// Bytes in one.
    pub page_size: u64,
}

/// A disk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disk {
    /// The kernel's name for it.
    pub device: &'static str,
    /// Reading.
    pub read: DiskDirection,
    /// Writing.
    pub write: DiskDirection,
    /// Seconds in which it was busy.
    pub io_time: f64,
    /// The same, times the length of its queue.
    pub weighted_io_time: f64,
    /// The length of its queue now.
    pub pending: u64,
}

/// What a disk did in one direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiskDirection {
    /// Bytes moved.
    pub bytes: u64,
    /// Operations done.
    pub operations: u64,
    /// Operations that became part of others.
    pub merged: u64,
    /// Seconds that operations took, summed.
    pub time: f64,
}

/// A mounted filesystem: bytes and inodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filesystem {
    /// The device that it is on.
    pub device: &'static str,
    /// Where it is mounted.
    pub mountpoint: &'static str,
    /// For example `ext4`.
    pub kind: &'static str,
    /// `rw` or `ro`.
    pub mode: &'static str,
    /// Bytes that files take.
    pub used: u64,
    /// Bytes that anybody may use.
    pub free: u64,
    /// Bytes that only the superuser may use.
    pub reserved: u64,
    /// Inodes in use.
    pub inodes_used: u64,
    /// Inodes left.
    pub inodes_free: u64,
}

/// The network of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its interfaces.
    pub interfaces: Vec<Interface>,
    /// TCP connections in each of the [`TCP_STATES`].
    pub connections: [u64; TCP_STATES.len()],
    /// Entries in the connection tracking table.
    pub conntrack_count: u64,
    /// Its size.
    pub conntrack_max: u64,
}

/// The states of a TCP connection.
pub const TCP_STATES: [&str; 12] = [
    "CLOSE",
    "CLOSE_WAIT",
    "CLOSING",
    "DELETE",
    "ESTABLISHED",
    "FIN_WAIT_1",
    "FIN_WAIT_2",
    "LAST_ACK",
    "LISTEN",
    "SYN_RECV",
    "SYN_SENT",
    "TIME_WAIT",
];

/// A network interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The kernel's name for it.
    pub device: &'static str,
    /// What came in.
    pub receive: Direction,
    /// What went out.
    pub transmit: Direction,
}

/// What went over an interface in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Direction {
    pub bytes: u64,
    pub packets: u64,
    pub errors: u64,
    pub dropped: u64,
}

/// Page faults, and what was moved between memory and disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// Faults that needed the disk.
    pub major_faults: u64,
    /// Faults that did not.
    pub minor_faults: u64,
    /// Pages read from disk, swap apart.
    pub pages_in: u64,
    /// Pages written to disk, swap apart.
    pub pages_out: u64,
    /// Pages read from swap.
    pub swapped_in: u64,
    /// Pages written to swap.
    pub swapped_out: u64,
    /// Where there is swap.
    pub swaps: Vec<Swap>,
}

/// A device or file that is swapped to, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Swap {
    pub device: &'static str,
    pub used: u64,
    pub free: u64,
}

/// Processes by what they do, and how many there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processes {
    /// On a CPU or ready for one.
    pub running: u64,
    /// Waiting for something to happen.
    pub sleeping: u64,
    /// Waiting for a disk.
    pub blocked: u64,
    /// Threads of the kernel without work.
    pub idle: u64,
    /// Ended, but their parent does not know yet.
    pub zombies: u64,
    /// Started since boot.
    pub created: u64,
}
