//! What host_metrics says of a machine.

use catalogue::Receiver;
use expect_test::expect;
use kubelet_stats::host::{
    CpuCounts, CpuTimes, Direction, Disk, DiskDirection, Filesystem, HostStats, HugePages, Interface,
    LoadAverages, Memory, Network, Paging, Processes, Swap, TCP_STATES,
};
use receivers::{HostMetricsReceiver, HostMetricsSettings, MetricSwitches};

use crate::support::{Lines, NOW, STARTED, at};

/// A small machine that has something of everything, `seconds` after its boot.
pub(crate) fn machine(seconds: f64) -> HostStats {
    let direction = |bytes| Direction { bytes, packets: bytes / 100, errors: 2, dropped: 1 };
    let moved = |operations: u64| DiskDirection {
        bytes: operations * 4_096,
        operations,
        merged: operations / 10,
        time: 0.5,
    };
    HostStats {
        booted: at(STARTED),
        uptime: seconds,
        cpus: CpuCounts { logical: 2, physical: 1, frequency: 2.4e9 },
        cpu_times: CpuTimes {
            user: seconds * 0.5,
            nice: 0.0,
            system: seconds * 0.25,
            interrupt: 0.0,
            softirq: 0.0,
            steal: 0.0,
            wait: seconds * 0.25,
            idle: seconds,
        },
        load: LoadAverages { one: 1.5, five: 1.25, fifteen: 1.0 },
        memory: Memory {
            total: 1_000,
            used: 500,
            free: 250,
            cached: 200,
            buffered: 50,
            slab_reclaimable: 20,
            slab_unreclaimable: 10,
            available: 500,
            dirty: 5,
            shared: 4,
            page_size: 4_096,
            huge_pages: HugePages { total: 4, free: 3, reserved: 1, surplus: 0, page_size: 2_097_152 },
        },
        disks: vec![Disk {
            device: "sda",
            read: moved(100),
            write: moved(200),
            io_time: 0.75,
            weighted_io_time: 1.0,
            pending: 1,
        }],
        filesystems: vec![Filesystem {
            device: "/dev/sda1",
            mountpoint: "/",
            kind: "ext4",
            mode: "rw",
            used: 300,
            free: 900,
            reserved: 50,
            inodes_used: 10,
            inodes_free: 90,
        }],
        network: Network {
            interfaces: vec![Interface {
                device: "eth0",
                receive: direction(1_000),
                transmit: direction(2_000),
            }],
            connections: TCP_STATES.map(|state| if state == "LISTEN" { 3 } else { 0 }),
            conntrack_count: 7,
            conntrack_max: 100,
        },
        paging: Paging {
            major_faults: 1,
            minor_faults: 2,
            pages_in: 3,
            pages_out: 4,
            swapped_in: 5,
            swapped_out: 6,
            swaps: vec![Swap { device: "/dev/sda2", used: 1, free: 3 }],
        },
        processes: Processes { running: 1, sleeping: 20, blocked: 0, idle: 5, zombies: 0, created: 1_000 },
    }
}

/// What a second look at the machine gives.
fn scraped(settings: &HostMetricsSettings) -> String {
    let mut receiver = HostMetricsReceiver::new("n", "c", settings);
    let mut lines = Lines::default();
    receiver.scrape(&machine(3_540.0), at(NOW), &mut lines);
    lines.take();
    receiver.scrape(&machine(3_600.0), at(NOW), &mut lines);
    lines.take()
}

#[test]
fn a_machine_says_this_by_default() {
    expect![[r#"
        host.name=n k8s.cluster.name=c k8s.node.name=n
          system.cpu.time{state=user} 1800.0 at 09:00:00 since 08:00:00
          system.cpu.time{state=system} 900.0 at 09:00:00 since 08:00:00
          system.cpu.time{state=idle} 3600.0 at 09:00:00 since 08:00:00
          system.cpu.time{state=interrupt} 0.0 at 09:00:00 since 08:00:00
          system.cpu.time{state=nice} 0.0 at 09:00:00 since 08:00:00
          system.cpu.time{state=softirq} 0.0 at 09:00:00 since 08:00:00
          system.cpu.time{state=steal} 0.0 at 09:00:00 since 08:00:00
          system.cpu.time{state=wait} 900.0 at 09:00:00 since 08:00:00
          system.cpu.logical.count 2 at 09:00:00 since 08:00:00
          system.cpu.load_average.1m 1.5 at 09:00:00 since 08:00:00
          system.cpu.load_average.5m 1.25 at 09:00:00 since 08:00:00
          system.cpu.load_average.15m 1.0 at 09:00:00 since 08:00:00
          system.memory.usage{state=used} 500 at 09:00:00 since 08:00:00
          system.memory.usage{state=free} 250 at 09:00:00 since 08:00:00
          system.memory.usage{state=buffered} 50 at 09:00:00 since 08:00:00
          system.memory.usage{state=cached} 200 at 09:00:00 since 08:00:00
          system.memory.usage{state=slab_reclaimable} 20 at 09:00:00 since 08:00:00
          system.memory.usage{state=slab_unreclaimable} 10 at 09:00:00 since 08:00:00
          system.disk.io{device=sda,direction=read} 409600 at 09:00:00 since 08:00:00
          system.disk.operations{device=sda,direction=read} 100 at 09:00:00 since 08:00:00
          system.disk.merged{device=sda,direction=read} 10 at 09:00:00 since 08:00:00
          system.disk.operation_time{device=sda,direction=read} 0.5 at 09:00:00 since 08:00:00
          system.disk.io{device=sda,direction=write} 819200 at 09:00:00 since 08:00:00
          system.disk.operations{device=sda,direction=write} 200 at 09:00:00 since 08:00:00
          system.disk.merged{device=sda,direction=write} 20 at 09:00:00 since 08:00:00
          system.disk.operation_time{device=sda,direction=write} 0.5 at 09:00:00 since 08:00:00
          system.disk.io_time{device=sda} 0.75 at 09:00:00 since 08:00:00
          system.disk.weighted_io_time{device=sda} 1.0 at 09:00:00 since 08:00:00
          system.disk.pending_operations{device=sda} 1 at 09:00:00 since 08:00:00
          system.filesystem.usage{device=/dev/sda1,mode=rw,mountpoint=/,type=ext4,state=used} 300 at 09:00:00 since 08:00:00
          system.filesystem.usage{device=/dev/sda1,mode=rw,mountpoint=/,type=ext4,state=free} 900 at 09:00:00 since 08:00:00
          system.filesystem.usage{device=/dev/sda1,mode=rw,mountpoint=/,type=ext4,state=reserved} 50 at 09:00:00 since 08:00:00
          system.filesystem.inodes.usage{device=/dev/sda1,mode=rw,mountpoint=/,type=ext4,state=used} 10 at 09:00:00 since 08:00:00
          system.filesystem.inodes.usage{device=/dev/sda1,mode=rw,mountpoint=/,type=ext4,state=free} 90 at 09:00:00 since 08:00:00
          system.network.io{device=eth0,direction=receive} 1000 at 09:00:00 since 08:00:00
          system.network.packets{device=eth0,direction=receive} 10 at 09:00:00 since 08:00:00
          system.network.errors{device=eth0,direction=receive} 2 at 09:00:00 since 08:00:00
          system.network.dropped{device=eth0,direction=receive} 1 at 09:00:00 since 08:00:00
          system.network.io{device=eth0,direction=transmit} 2000 at 09:00:00 since 08:00:00
          system.network.packets{device=eth0,direction=transmit} 20 at 09:00:00 since 08:00:00
          system.network.errors{device=eth0,direction=transmit} 2 at 09:00:00 since 08:00:00
          system.network.dropped{device=eth0,direction=transmit} 1 at 09:00:00 since 08:00:00
          system.network.connections{protocol=tcp,state=CLOSE} 0 at 09:00:00 since 08:00:00
          system.network.connections{protocol=tcp,state=CLOSE_WAIT} 0 at 09:00:00 since 08:00:00
          system.network.connections{protocol=tcp,state=CLOSING} 0 at 09:00:00 since 08:00:00
          system.network.connections{protocol=tcp,state=DELETE} 0 at 09:00:00 since 08:00:00
          system.network.connections{protocol=tcp,state=ESTABLISHED} 0 at 09:00:00 since 08:00:00
          system.network.connections{protocol=tcp,state=FIN_WAIT_1} 0 at 09:00:00 since 08:00:00
          system.network.connections{protocol=tcp,state=FIN_WAIT_2} 0 at 09:00:00 since 08:00:00
          system.network.connections{protocol=tcp,state=LAST_ACK} 0 at 09:00:00 since 08:00:00
          system.network.connections{protocol=tcp,state=LISTEN} 3 at 09:00:00 since 08:00:00
          system.network.connections{protocol=tcp,state=SYN_RECV} 0 at 09:00:00 since 08:00:00
          system.network.connections{protocol=tcp,state=SYN_SENT} 0 at 09:00:00 since 08:00:00
          system.network.connections{protocol=tcp,state=TIME_WAIT} 0 at 09:00:00 since 08:00:00
          system.paging.faults{type=major} 1 at 09:00:00 since 08:00:00
          system.paging.faults{type=minor} 2 at 09:00:00 since 08:00:00
          system.paging.operations{direction=page_in,type=major} 5 at 09:00:00 since 08:00:00
          system.paging.operations{direction=page_out,type=major} 6 at 09:00:00 since 08:00:00
          system.paging.operations{direction=page_in,type=minor} 3 at 09:00:00 since 08:00:00
          system.paging.operations{direction=page_out,type=minor} 4 at 09:00:00 since 08:00:00
          system.paging.usage{device=/dev/sda2,state=used} 1 at 09:00:00 since 08:00:00
          system.paging.usage{device=/dev/sda2,state=free} 3 at 09:00:00 since 08:00:00
          system.processes.count{status=running} 1 at 09:00:00 since 08:00:00
          system.processes.count{status=blocked} 0 at 09:00:00 since 08:00:00
          system.processes.count{status=sleeping} 20 at 09:00:00 since 08:00:00
          system.processes.count{status=idle} 5 at 09:00:00 since 08:00:00
          system.processes.created 1000 at 09:00:00 since 08:00:00
          system.uptime 3600.0 at 09:00:00 since 08:00:00
    "#]].assert_eq(&scraped(&HostMetricsSettings::default()));
}

#[test]
fn a_machine_says_this_besides_when_asked() {
    let default = scraped(&HostMetricsSettings::default());
    let mut settings = HostMetricsSettings::default();
    settings.metrics = MetricSwitches::all_on(Receiver::HostMetrics);
    let all = scraped(&settings);
    let known: Vec<&str> = default.lines().collect();
    let besides: String =
        all.lines().filter(|line| !known.contains(line)).map(|line| format!("{}\n", line.trim())).collect();
    expect![[r#"
        system.cpu.utilization{state=user} 0.25 at 09:00:00 since 08:00:00
        system.cpu.utilization{state=system} 0.125 at 09:00:00 since 08:00:00
        system.cpu.utilization{state=idle} 0.5 at 09:00:00 since 08:00:00
        system.cpu.utilization{state=interrupt} 0.0 at 09:00:00 since 08:00:00
        system.cpu.utilization{state=nice} 0.0 at 09:00:00 since 08:00:00
        system.cpu.utilization{state=softirq} 0.0 at 09:00:00 since 08:00:00
        system.cpu.utilization{state=steal} 0.0 at 09:00:00 since 08:00:00
        system.cpu.utilization{state=wait} 0.125 at 09:00:00 since 08:00:00
        system.cpu.physical.count 1 at 09:00:00 since 08:00:00
        system.cpu.frequency{cpu=cpu0} 2400000000.0 at 09:00:00 since 08:00:00
        system.cpu.frequency{cpu=cpu1} 2400000000.0 at 09:00:00 since 08:00:00
        system.memory.utilization{state=used} 0.5 at 09:00:00 since 08:00:00
        system.memory.utilization{state=free} 0.25 at 09:00:00 since 08:00:00
        system.memory.utilization{state=buffered} 0.05 at 09:00:00 since 08:00:00
        system.memory.utilization{state=cached} 0.2 at 09:00:00 since 08:00:00
        system.memory.utilization{state=slab_reclaimable} 0.02 at 09:00:00 since 08:00:00
        system.memory.utilization{state=slab_unreclaimable} 0.01 at 09:00:00 since 08:00:00
        system.memory.limit 1000 at 09:00:00 since 08:00:00
        system.memory.page_size 4096 at 09:00:00 since 08:00:00
        system.linux.memory.available 500 at 09:00:00 since 08:00:00
        system.linux.memory.dirty 5 at 09:00:00 since 08:00:00
        system.memory.linux.shared 4 at 09:00:00 since 08:00:00
        system.memory.linux.hugepages.limit 4 at 09:00:00 since 08:00:00
        system.memory.linux.hugepages.page_size 2097152 at 09:00:00 since 08:00:00
        system.memory.linux.hugepages.reserved 1 at 09:00:00 since 08:00:00
        system.memory.linux.hugepages.surplus 0 at 09:00:00 since 08:00:00
        system.memory.linux.hugepages.usage{system.memory.linux.hugepages.state=used} 1 at 09:00:00 since 08:00:00
        system.memory.linux.hugepages.utilization{system.memory.linux.hugepages.state=used} 0.25 at 09:00:00 since 08:00:00
        system.memory.linux.hugepages.usage{system.memory.linux.hugepages.state=free} 3 at 09:00:00 since 08:00:00
        system.memory.linux.hugepages.utilization{system.memory.linux.hugepages.state=free} 0.75 at 09:00:00 since 08:00:00
        system.filesystem.utilization{device=/dev/sda1,mode=rw,mountpoint=/,type=ext4} 0.25 at 09:00:00 since 08:00:00
        system.network.conntrack.count 7 at 09:00:00 since 08:00:00
        system.network.conntrack.max 100 at 09:00:00 since 08:00:00
        system.paging.utilization{device=/dev/sda2,state=used} 0.25 at 09:00:00 since 08:00:00
        system.paging.utilization{device=/dev/sda2,state=free} 0.75 at 09:00:00 since 08:00:00
    "#]].assert_eq(&besides);
}

#[test]
fn only_the_scrapers_devices_and_metrics_that_are_wanted_are_sent() {
    for (yaml, expected) in [
        ("scrapers: {system: }", &["system.uptime 3600.0"][..]),
        (
            "scrapers: {load: {cpu_average: true, metrics: {system.cpu.load_average.5m: {enabled: false}}}}",
            &["system.cpu.load_average.1m 0.75", "system.cpu.load_average.15m 0.5"],
        ),
        ("scrapers: {disk: {exclude: {devices: [sda], match_type: strict}}}", &[]),
        ("scrapers: {filesystem: {include_fs_types: {fs_types: [xfs, btrfs], match_type: strict}}}", &[]),
        ("scrapers: {filesystem: {exclude_mount_points: {mount_points: [^/$], match_type: regexp}}}", &[]),
        ("scrapers: {filesystem: {exclude_devices: {devices: [sda], match_type: regexp}}}", &[]),
        (
            "scrapers: {disk: {include: {devices: [^sd], match_type: regexp}, metrics: {
                system.disk.io: {enabled: false}, system.disk.io_time: {enabled: false},
                system.disk.merged: {enabled: false}, system.disk.operation_time: {enabled: false},
                system.disk.operations: {enabled: false}, system.disk.weighted_io_time: {enabled: false}}}}",
            &["system.disk.pending_operations{device=sda} 1"],
        ),
    ] {
        let settings: HostMetricsSettings = serde_yaml::from_str(yaml).unwrap();
        let text = scraped(&settings);
        let lines: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("  "))
            .map(|line| line.split(" at ").next().unwrap())
            .collect();
        assert_eq!(lines, expected, "{yaml}");
    }
}
