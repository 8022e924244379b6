//! The metrics of host_metrics: one row each, by scraper. The process scraper is left out.

use crate::ValueType::{Double, Int};
use crate::entity::host_metrics::HOST;
use crate::table::{Subject, counter, gauge, metrics, up_down, values};
use crate::{AttributeValues, Receiver, Switch};

const fn scraper(name: &'static str) -> Subject {
    Subject { receiver: Receiver::HostMetrics, entity: &HOST, switch: Switch::Scraper(name) }
}

const CPU: Subject = scraper("cpu");
const LOAD: Subject = scraper("load");
const MEMORY: Subject = scraper("memory");
const DISK: Subject = scraper("disk");
const FILESYSTEM: Subject = scraper("filesystem");
const NETWORK: Subject = scraper("network");
const PAGING: Subject = scraper("paging");
const PROCESSES: Subject = scraper("processes");
const SYSTEM: Subject = scraper("system");

const CPU_STATE: &[AttributeValues] =
    &[values("state", &["idle", "interrupt", "nice", "softirq", "steal", "system", "user", "wait"])];
const MEMORY_STATE: &[AttributeValues] =
    &[values("state", &["buffered", "cached", "free", "slab_reclaimable", "slab_unreclaimable", "used"])];
const PAGE_STATE: &[AttributeValues] = &[values("system.memory.linux.hugepages.state", &["free", "used"])];
const DISK_DIRECTION: &[AttributeValues] = &[values("direction", &["read", "write"])];
const FILESYSTEM_STATE: &[AttributeValues] = &[values("state", &["free", "reserved", "used"])];
const INODE_STATE: &[AttributeValues] = &[values("state", &["free", "used"])];
const NETWORK_DIRECTION: &[AttributeValues] = &[values("direction", &["receive", "transmit"])];
const CONNECTION: &[AttributeValues] = &[
    values("protocol", &["tcp"]),
    values(
        "state",
        &[
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
        ],
    ),
];
const PAGING_STATE: &[AttributeValues] = &[values("state", &["cached", "free", "used"])];
const FAULT_TYPE: &[AttributeValues] = &[values("type", &["major", "minor"])];
const PAGING_OPERATION: &[AttributeValues] =
    &[values("direction", &["page_in", "page_out"]), values("type", &["major", "minor"])];
const PROCESS_STATUS: &[AttributeValues] = &[values(
    "status",
    &[
        "blocked", "daemon", "detached", "idle", "locked", "orphan", "paging", "running", "sleeping",
        "stopped", "system", "unknown", "zombies",
    ],
)];

metrics! {
    /// Frequency of each CPU.
    CPU_FREQUENCY = gauge("system.cpu.frequency", Double, "Hz", CPU).with(&["cpu"]).opt_in();
    /// CPUs as the kernel counts them.
    CPU_LOGICAL_COUNT = up_down("system.cpu.logical.count", Int, "{cpu}", CPU)
        .changed("v0.157.0: on by default");
    /// CPU cores.
    CPU_PHYSICAL_COUNT = up_down("system.cpu.physical.count", Int, "{cpu}", CPU).opt_in();
    /// CPU time by state, summed over all CPUs.
    CPU_TIME = counter("system.cpu.time", Double, "s", CPU)
        .with(&["state"]).of(CPU_STATE).changed(CPU_ATTRIBUTE);
    /// Share of CPU time by state since the last scrape.
    CPU_UTILIZATION = gauge("system.cpu.utilization", Double, "1", CPU)
        .with(&["state"]).of(CPU_STATE).opt_in().changed(CPU_ATTRIBUTE);

    /// Runnable and blocked tasks, averaged over 1 minute.
    LOAD_AVERAGE_1M = gauge("system.cpu.load_average.1m", Double, "{thread}", LOAD);
    /// Runnable and blocked tasks, averaged over 5 minutes.
    LOAD_AVERAGE_5M = gauge("system.cpu.load_average.5m", Double, "{thread}", LOAD);
    /// Runnable and blocked tasks, averaged over 15 minutes.
    LOAD_AVERAGE_15M = gauge("system.cpu.load_average.15m", Double, "{thread}", LOAD);

    /// Memory that could be used without swapping, as the kernel estimates it.
    LINUX_MEMORY_AVAILABLE = up_down("system.linux.memory.available", Int, "By", MEMORY).opt_in();
    /// Memory that waits to be written to disk.
    LINUX_MEMORY_DIRTY = up_down("system.linux.memory.dirty", Int, "By", MEMORY).opt_in();
    /// Memory of the machine.
    MEMORY_LIMIT = up_down("system.memory.limit", Int, "By", MEMORY).opt_in();
    /// Huge pages of the machine.
    HUGEPAGES_LIMIT = up_down("system.memory.linux.hugepages.limit", Int, "{page}", MEMORY)
        .opt_in().since("v0.145.0");
    /// Size of a huge page.
    HUGEPAGES_PAGE_SIZE = up_down("system.memory.linux.hugepages.page_size", Int, "By", MEMORY)
        .opt_in().since("v0.145.0").changed(HUGEPAGES_SUM);
    /// Huge pages promised but not yet handed out.
    HUGEPAGES_RESERVED = up_down("system.memory.linux.hugepages.reserved", Int, "{page}", MEMORY)
        .opt_in().since("v0.145.0").changed(HUGEPAGES_SUM);
    /// Huge pages beyond the configured number.
    HUGEPAGES_SURPLUS = up_down("system.memory.linux.hugepages.surplus", Int, "{page}", MEMORY)
        .opt_in().since("v0.145.0").changed(HUGEPAGES_SUM);
    /// Huge pages by state.
    HUGEPAGES_USAGE = up_down("system.memory.linux.hugepages.usage", Int, "{page}", MEMORY)
        .with(&["system.memory.linux.hugepages.state"]).of(PAGE_STATE).opt_in().since("v0.145.0");
    /// Share of huge pages by state; only where there are any.
    HUGEPAGES_UTILIZATION = gauge("system.memory.linux.hugepages.utilization", Double, "1", MEMORY)
        .with(&["system.memory.linux.hugepages.state"]).of(PAGE_STATE).opt_in().since("v0.145.0");
    /// Memory shared between processes, mostly tmpfs.
    MEMORY_SHARED = up_down("system.memory.linux.shared", Int, "By", MEMORY).opt_in().since("v0.146.0");
    /// Size of a memory page.
    MEMORY_PAGE_SIZE = gauge("system.memory.page_size", Int, "By", MEMORY).opt_in();
    /// Memory by state.
    MEMORY_USAGE = up_down("system.memory.usage", Int, "By", MEMORY).with(&["state"]).of(MEMORY_STATE);
    /// Share of memory by state.
    MEMORY_UTILIZATION = gauge("system.memory.utilization", Double, "1", MEMORY)
        .with(&["state"]).of(MEMORY_STATE).opt_in();

    /// Bytes read and written.
    DISK_IO = counter("system.disk.io", Int, "By", DISK).with(&["device", "direction"]).of(DISK_DIRECTION);
    /// Time in which the disk was busy.
    DISK_IO_TIME = counter("system.disk.io_time", Double, "s", DISK).with(&["device"]);
    /// Operations that were merged into one.
    DISK_MERGED = counter("system.disk.merged", Int, "{operations}", DISK)
        .with(&["device", "direction"]).of(DISK_DIRECTION);
    /// Time that operations took, summed.
    DISK_OPERATION_TIME = counter("system.disk.operation_time", Double, "s", DISK)
        .with(&["device", "direction"]).of(DISK_DIRECTION);
    /// Operations done.
    DISK_OPERATIONS = counter("system.disk.operations", Int, "{operations}", DISK)
        .with(&["device", "direction"]).of(DISK_DIRECTION);
    /// Operations in the queue.
    DISK_PENDING_OPERATIONS = up_down("system.disk.pending_operations", Int, "{operations}", DISK)
        .with(&["device"]);
    /// Time in which the disk was busy, times the length of the queue.
    DISK_WEIGHTED_IO_TIME = counter("system.disk.weighted_io_time", Double, "s", DISK).with(&["device"]);

    /// Inodes by state.
    FILESYSTEM_INODES_USAGE = up_down("system.filesystem.inodes.usage", Int, "{inodes}", FILESYSTEM)
        .with(&["device", "mode", "mountpoint", "type", "state"]).of(INODE_STATE);
    /// Bytes of the filesystem by state.
    FILESYSTEM_USAGE = up_down("system.filesystem.usage", Int, "By", FILESYSTEM)
        .with(&["device", "mode", "mountpoint", "type", "state"]).of(FILESYSTEM_STATE);
    /// Share of the filesystem in use.
    FILESYSTEM_UTILIZATION = gauge("system.filesystem.utilization", Double, "1", FILESYSTEM)
        .with(&["device", "mode", "mountpoint", "type"]).opt_in();

    /// Connections by state.
    NETWORK_CONNECTIONS = up_down("system.network.connections", Int, "{connections}", NETWORK)
        .with(&["protocol", "state"]).of(CONNECTION);
    /// Entries in the connection tracking table.
    NETWORK_CONNTRACK_COUNT = up_down("system.network.conntrack.count", Int, "{entries}", NETWORK).opt_in();
    /// Size of the connection tracking table.
    NETWORK_CONNTRACK_MAX = up_down("system.network.conntrack.max", Int, "{entries}", NETWORK).opt_in();
    /// Packets dropped.
    NETWORK_DROPPED = counter("system.network.dropped", Int, "{packets}", NETWORK)
        .with(&["device", "direction"]).of(NETWORK_DIRECTION);
    /// Receive and transmit errors.
    NETWORK_ERRORS = counter("system.network.errors", Int, "{errors}", NETWORK)
        .with(&["device", "direction"]).of(NETWORK_DIRECTION);
    /// Bytes received and transmitted.
    NETWORK_IO = counter("system.network.io", Int, "By", NETWORK)
        .with(&["device", "direction"]).of(NETWORK_DIRECTION);
    /// Packets received and transmitted.
    NETWORK_PACKETS = counter("system.network.packets", Int, "{packets}", NETWORK)
        .with(&["device", "direction"]).of(NETWORK_DIRECTION);

    /// Page faults.
    PAGING_FAULTS = counter("system.paging.faults", Int, "{faults}", PAGING).with(&["type"]).of(FAULT_TYPE);
    /// Pages moved between memory and disk.
    PAGING_OPERATIONS = counter("system.paging.operations", Int, "{operations}", PAGING)
        .with(&["direction", "type"]).of(PAGING_OPERATION);
    /// Swap by state; only where there is any.
    PAGING_USAGE = up_down("system.paging.usage", Int, "By", PAGING)
        .with(&["device", "state"]).of(PAGING_STATE);
    /// Share of swap by state; only where there is any.
    PAGING_UTILIZATION = gauge("system.paging.utilization", Double, "1", PAGING)
        .with(&["device", "state"]).of(PAGING_STATE).opt_in();

    /// Processes by status; those without any are left out.
    PROCESSES_COUNT = up_down("system.processes.count", Int, "{processes}", PROCESSES)
        .with(&["status"]).of(PROCESS_STATUS);
    /// Processes started since boot.
    PROCESSES_CREATED = counter("system.processes.created", Int, "{processes}", PROCESSES);

    /// Seconds since boot.
    UPTIME = gauge("system.uptime", Double, "s", SYSTEM);
}

const CPU_ATTRIBUTE: &str = "v0.157.0: `cpu` only on request (`attributes: [cpu, state]`); before, always";
const HUGEPAGES_SUM: &str = "v0.149.0: a sum; before, a gauge";
