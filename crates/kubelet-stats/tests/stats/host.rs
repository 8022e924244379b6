//! What the machine of a node says, against what its kubelet says at the same instant.

use crate::fixtures::{node, now, pod, resources, seconds};
use crate::invariants::{any_pod, at, build};
use k8s_openapi::api::core::v1::{Node, Pod};
use kubelet_stats::host::{CpuTimes, Direction, DiskDirection, HostStats};
use kubelet_stats::summary::Summary;
use kubelet_stats::{Departed, Surroundings, host, host_in, summary, summary_and_host_in};
use proptest::prelude::*;
use serde_json::json;

/// Enough CPUs for any pods of these tests.
fn large_node() -> Node {
    let mut node = node("n1");
    let capacity = node.status.as_mut().unwrap().capacity.as_mut().unwrap();
    capacity.get_mut("cpu").unwrap().0 = "256".to_owned();
    node
}

fn busy(times: &CpuTimes) -> f64 {
    times.user + times.nice + times.system + times.interrupt + times.softirq
}

fn all(times: &CpuTimes) -> f64 {
    busy(times) + times.steal + times.wait + times.idle
}

/// Every counter of a machine, under a name.
fn counters(host: &HostStats) -> Vec<(String, f64)> {
    let times = &host.cpu_times;
    let mut all: Vec<(String, f64)> = [
        ("user", times.user),
        ("nice", times.nice),
        ("system", times.system),
        ("interrupt", times.interrupt),
        ("softirq", times.softirq),
        ("steal", times.steal),
        ("wait", times.wait),
        ("idle", times.idle),
        ("major faults", host.paging.major_faults as f64),
        ("minor faults", host.paging.minor_faults as f64),
        ("pages in", host.paging.pages_in as f64),
        ("pages out", host.paging.pages_out as f64),
        ("processes created", host.processes.created as f64),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    for disk in &host.disks {
        let mut add = |name: &str, value: f64| all.push((format!("{} {name}", disk.device), value));
        for (name, DiskDirection { bytes, operations, merged, time }) in
            [("read", disk.read), ("write", disk.write)]
        {
            add(&format!("{name} bytes"), bytes as f64);
            add(&format!("{name} operations"), operations as f64);
            add(&format!("{name} merged"), merged as f64);
            add(&format!("{name} time"), time);
        }
        add("io time", disk.io_time);
        add("weighted io time", disk.weighted_io_time);
    }
    for interface in &host.network.interfaces {
        for (name, Direction { bytes, packets, errors, dropped }) in
            [("receive", interface.receive), ("transmit", interface.transmit)]
        {
            let numbers = [("bytes", bytes), ("packets", packets), ("errors", errors), ("dropped", dropped)];
            let named = numbers.map(|(what, n)| (format!("{} {name} {what}", interface.device), n as f64));
            all.extend(named);
        }
    }
    all
}

fn assert_not_fallen(before: &HostStats, after: &HostStats) -> Result<(), TestCaseError> {
    for ((name, before), (same, after)) in counters(before).into_iter().zip(counters(after)) {
        prop_assert_eq!(&name, &same);
        prop_assert!(before <= after, "{} fell from {} to {}", name, before, after);
    }
    Ok(())
}

fn both(node: &Node, pods: &[Pod], offset: i64) -> (Summary, HostStats) {
    (summary(node, pods, at(offset)), host(node, pods, at(offset)))
}

proptest! {
    #[test]
    fn no_counter_of_a_machine_ever_falls(
        pods in prop::collection::vec(any_pod(), 0..5), later in 0..200_000_i64, step in 1..100_000_i64
    ) {
        let (node, pods) = (large_node(), build(&pods));
        assert_not_fallen(&host(&node, &pods, at(later)), &host(&node, &pods, at(later + step)))?;
    }

    #[test]
    fn a_machine_goes_on_counting_when_a_pod_leaves(
        pods in prop::collection::vec(any_pod(), 1..4), later in 0..100_000_i64, step in 0..100_i64
    ) {
        let (node, pods) = (large_node(), build(&pods));
        let mut departed = Departed::default();
        departed.add(&pods[0], at(later));
        let surroundings = Surroundings { departed: Some(&departed), ..Surroundings::default() };
        let after = host_in(&surroundings, &node, &pods[1..], at(later + step));
        assert_not_fallen(&host(&node, &pods, at(later)), &after)?;
    }

    #[test]
    fn busy_cpus_are_the_cpu_time_of_the_summary_and_all_of_them_the_uptime(
        pods in prop::collection::vec(any_pod(), 0..5), later in 0..200_000_i64
    ) {
        let (node, mut pods) = (large_node(), pods);
        // Younger than the node: nobody can have used its CPUs before it was there.
        for pod in &mut pods {
            pod.age %= 1_000_000;
        }
        let (summary, host) = both(&node, &build(&pods), later);
        let cpu = summary.node.cpu.unwrap().usage_core_nano_seconds.unwrap() as f64 / 1e9;
        let total = host.cpus.logical as f64 * host.uptime;
        // Each state is cut off at a tick of 10 ms.
        prop_assert!((0.0..0.06).contains(&(cpu - busy(&host.cpu_times))), "{cpu} {:?}", host.cpu_times);
        prop_assert!((0.0..0.09).contains(&(total - all(&host.cpu_times))), "{total} {:?}", host.cpu_times);
    }

    #[test]
    fn memory_is_the_summarys(pods in prop::collection::vec(any_pod(), 0..5), later in 0..200_000_i64) {
        let (summary, host) = both(&node("n1"), &build(&pods), later);
        let (kubelet, memory) = (summary.node.memory.unwrap(), host.memory);
        prop_assert_eq!(memory.used + memory.free + memory.cached + memory.buffered, memory.total);
        prop_assert_eq!(memory.total, 32 << 30);
        prop_assert_eq!(memory.available, kubelet.available_bytes.unwrap());
        if kubelet.usage_bytes.unwrap() <= memory.total {
            prop_assert_eq!(memory.used, kubelet.working_set_bytes.unwrap());
            prop_assert_eq!(memory.total - memory.free, kubelet.usage_bytes.unwrap());
        }
        prop_assert!(memory.slab_reclaimable + memory.dirty + memory.shared <= memory.cached);
        prop_assert!(memory.slab_unreclaimable <= memory.used);
    }

    #[test]
    fn filesystem_interfaces_faults_and_processes_are_the_summarys(
        pods in prop::collection::vec(any_pod(), 0..5), later in 0..200_000_i64
    ) {
        let (summary, host) = both(&node("n1"), &build(&pods), later);
        let (fs, root) = (summary.node.fs.unwrap(), host.filesystems[0]);
        prop_assert_eq!((root.used, root.free), (fs.used_bytes.unwrap(), fs.available_bytes.unwrap()));
        prop_assert_eq!(root.used + root.free + root.reserved, fs.capacity_bytes.unwrap());
        prop_assert_eq!((root.inodes_free, root.inodes_used + root.inodes_free), (fs.inodes_free.unwrap(), fs.inodes.unwrap()));
        for stats in &summary.node.network.unwrap().interfaces {
            let ours = host.network.interfaces.iter().find(|ours| ours.device == stats.name).unwrap();
            prop_assert_eq!((ours.receive.bytes, ours.receive.errors), (stats.rx_bytes.unwrap(), stats.rx_errors.unwrap()));
            prop_assert_eq!((ours.transmit.bytes, ours.transmit.errors), (stats.tx_bytes.unwrap(), stats.tx_errors.unwrap()));
        }
        let lo = host.network.interfaces.iter().find(|interface| interface.device == "lo").unwrap();
        prop_assert_eq!(lo.receive, lo.transmit);
        let memory = summary.node.memory.unwrap();
        prop_assert_eq!(host.paging.major_faults, memory.major_page_faults.unwrap());
        prop_assert_eq!(host.paging.major_faults + host.paging.minor_faults, memory.page_faults.unwrap());
        let processes = host.processes;
        let all = processes.running + processes.sleeping + processes.blocked + processes.idle;
        prop_assert_eq!(all as i64, summary.node.rlimit.unwrap().running_processes.unwrap());
    }

    #[test]
    fn a_disk_is_never_busy_for_longer_than_time_passes(
        pods in prop::collection::vec(any_pod(), 0..5), later in 0..200_000_i64, step in 1..100_000_i64
    ) {
        let (node, pods) = (large_node(), build(&pods));
        let (before, after) = (host(&node, &pods, at(later)), host(&node, &pods, at(later + step)));
        let worked = after.disks[0].io_time - before.disks[0].io_time;
        prop_assert!(worked > 0.0 && worked < step as f64, "{worked} of {step}");
        // While it is busy, at least one operation is under way.
        let disk = after.disks[0];
        prop_assert!(disk.weighted_io_time + 0.01 >= disk.io_time, "{:?}", disk);
    }

    #[test]
    fn both_answers_at_once_are_the_same_as_one_by_one(
        pods in prop::collection::vec(any_pod(), 0..3), later in 0..200_000_i64
    ) {
        let (node, pods) = (node("n1"), build(&pods));
        prop_assert_eq!(
            summary_and_host_in(&Surroundings::default(), &node, &pods, at(later)),
            both(&node, &pods, later)
        );
    }

    #[test]
    fn no_quantity_and_no_instant_makes_it_panic(
        quantity in "[0-9]{0,22}[EPGMk]?i?m?", age in 0..9_000_000_000_i64, second in -377_705_023_201..253_402_207_200_i64
    ) {
        let at = jiff::Timestamp::from_second(second).unwrap();
        let start = at.checked_sub(seconds(age)).unwrap_or(jiff::Timestamp::MIN);
        let mut node = node("n1");
        for amount in node.status.as_mut().unwrap().capacity.as_mut().unwrap().values_mut() {
            amount.0.clone_from(&quantity);
        }
        let pod = pod("u", start).running("a", json!({"limits": {"memory": quantity, "cpu": quantity}}), start).build();
        let host = host(&node, &[pod.clone(), pod], at);
        prop_assert!(host.cpus.logical >= 1 && host.cpu_times.idle >= 0.0);
    }
}

#[test]
fn pods_that_use_more_cpus_than_there_are_leave_no_idle_time() {
    let node = node("n1");
    let start = now() - seconds(3_600 * 24 * 13);
    let greedy = pod("greedy", start)
        .annotated(kubelet_stats::annotations::CPU, "9")
        .running("a", json!({}), start)
        .build();
    assert_eq!(host(&node, &[greedy], now()).cpu_times.idle, 0.0);
}

#[test]
fn load_averages_are_the_cpus_in_use_lately() {
    let start = now() - seconds(86_400);
    let steady = |cpu: &str| {
        pod("steady", start)
            .annotated(kubelet_stats::annotations::CPU, cpu)
            .running("a", resources("1", "1Gi", "8", "2Gi"), start)
            .build()
    };
    let load = |cpu| host(&node("n1"), &[steady(cpu)], now()).load;
    let (calm, lively) = (load("100m"), load("5"));
    for (calm, lively) in [(calm.one, lively.one), (calm.five, lively.five), (calm.fifteen, lively.fifteen)] {
        assert!((4.9..5.9).contains(&(lively - calm)), "{calm} {lively}");
    }
    // A pod that has just started has not been seen by the longer averages for long.
    let young = now() - seconds(60);
    let pod = pod("young", young)
        .annotated(kubelet_stats::annotations::CPU, "6")
        .running("a", json!({}), young)
        .build();
    let load = host(&node("n1"), &[pod], now()).load;
    assert!(load.one > 2.0 * load.five && load.five > 2.0 * load.fifteen, "{load:?}");
}

#[test]
fn cores_and_cpus_follow_capacity_and_architecture() {
    for (cpu, arch, logical, physical) in
        [("16", "amd64", 16, 8), ("16", "arm64", 16, 16), ("3", "amd64", 3, 3), ("1500m", "amd64", 2, 1)]
    {
        let mut node = node("n1");
        node.metadata.labels = Some([("kubernetes.io/arch".to_owned(), arch.to_owned())].into());
        let capacity = node.status.as_mut().unwrap().capacity.as_mut().unwrap();
        capacity.get_mut("cpu").unwrap().0 = cpu.to_owned();
        let cpus = host::<Pod>(&node, &[], now()).cpus;
        assert_eq!((cpus.logical, cpus.physical), (logical, physical), "{cpu} {arch}");
    }
}
