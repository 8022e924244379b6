//! What holds for any node, any pods and any instant.

use crate::fixtures::{node, now, pod, seconds};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kubelet_stats::summary::{ContainerStats, CpuStats, MemoryStats, NetworkStats, Summary};
use kubelet_stats::{Departed, Profile, Surroundings, annotations, summary, summary_in};
use proptest::prelude::*;
use serde_json::json;

/// How a container is doing.
#[derive(Clone, Copy, Debug)]
enum State {
    Running,
    BackOff,
    Done,
}

#[derive(Clone, Debug)]
struct AnyContainer {
    /// Millicores and mebibytes.
    requests: Option<(u64, u64)>,
    /// How many times the request the limit is.
    limits: Option<(u64, u64)>,
    state: State,
    /// Seconds after the pod's start at which it (last) started.
    since: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct AnyPod {
    uid: String,
    profile: Option<Profile>,
    fixed: Option<(u64, u64)>,
    pub(crate) age: i64,
    host_network: bool,
    containers: Vec<AnyContainer>,
}

fn any_container() -> impl Strategy<Value = AnyContainer> {
    let requests = prop::option::of((1..4_000_u64, 8..4_000_u64));
    let limits = prop::option::of((1..4_u64, 1..3_u64));
    let state = prop_oneof![4 => Just(State::Running), 1 => Just(State::BackOff), 1 => Just(State::Done)];
    (requests, limits, state, prop_oneof![Just(0_i64), 0..40_000_i64])
        .prop_map(|(requests, limits, state, since)| AnyContainer { requests, limits, state, since })
}

pub(crate) fn any_pod() -> impl Strategy<Value = AnyPod> {
    let profile = prop::option::of((0..7_usize).prop_map(|at| Profile::all().nth(at).unwrap()));
    let fixed = prop::option::weighted(0.2, (1..2_000_u64, 1..1_000_u64));
    let containers = prop::collection::vec(any_container(), 1..4);
    ("[0-9a-f]{8}-[0-9a-f]{4}", profile, fixed, 0..3_000_000_i64, prop::bool::weighted(0.2), containers)
        .prop_map(|(uid, profile, fixed, age, host_network, containers)| AnyPod {
            uid,
            profile,
            fixed,
            age,
            host_network,
            containers,
        })
}

impl AnyPod {
    fn build(&self) -> Pod {
        let start = now() - seconds(self.age);
        let mut built = pod(&self.uid, start).restart_policy("OnFailure");
        if let Some(profile) = self.profile {
            built = built.annotated(annotations::PROFILE, profile.name());
        }
        if let Some((cpu, memory)) = self.fixed {
            built = built.annotated(annotations::CPU, &format!("{cpu}m"));
            built = built.annotated(annotations::MEMORY, &format!("{memory}Mi"));
        }
        if self.host_network {
            built = built.host_network();
        }
        for (at, container) in self.containers.iter().enumerate() {
            let amounts = |(cpu, memory)| json!({"cpu": format!("{cpu}m"), "memory": format!("{memory}Mi")});
            let mut resources = json!({});
            if let Some(requests) = container.requests {
                resources["requests"] = amounts(requests);
            }
            if let Some((cpu, memory)) = container.limits {
                let requests = container.requests.unwrap_or((100, 64));
                resources["limits"] = amounts((requests.0 * cpu, requests.1 * memory));
            }
            let since = start + seconds(container.since.min(self.age));
            let state = match container.state {
                State::Running => json!({"running": {"startedAt": since}}),
                State::BackOff => json!({"waiting": {"reason": "CrashLoopBackOff"}}),
                State::Done => json!({"terminated": {"exitCode": 0, "finishedAt": since}}),
            };
            built = built.container(&format!("c{at}"), resources, i64::from(container.since > 0), state);
        }
        for (at, source) in
            [json!({"emptyDir": {}}), json!({"projected": {}}), json!({"configMap": {}})].iter().enumerate()
        {
            let mut volume = source.clone();
            volume["name"] = format!("v{at}").into();
            built = built.volume(volume);
        }
        built.build()
    }
}

/// Every cumulative number of an answer, under a name.
fn counters(summary: &Summary) -> Vec<(String, u64)> {
    let mut all = Vec::new();
    let mut cgroup = |name: &str, cpu: &Option<CpuStats>, memory: &Option<MemoryStats>| {
        let (cpu, memory) = (cpu.as_ref().unwrap(), memory.as_ref().unwrap());
        all.push((format!("{name} cpu"), cpu.usage_core_nano_seconds.unwrap()));
        all.push((format!("{name} faults"), memory.page_faults.unwrap()));
        all.push((format!("{name} major faults"), memory.major_page_faults.unwrap()));
        if let Some(psi) = &cpu.psi {
            all.push((format!("{name} some"), psi.some.total));
            all.push((format!("{name} full"), psi.full.total));
        }
    };
    let node = &summary.node;
    cgroup("node", &node.cpu, &node.memory);
    for container in &node.system_containers {
        cgroup(&format!("system {}", container.name), &container.cpu, &container.memory);
    }
    for pod in &summary.pods {
        let uid = &pod.pod_ref.uid;
        cgroup(uid, &pod.cpu, &pod.memory);
        for container in &pod.containers {
            cgroup(&format!("{uid} {}", container.name), &container.cpu, &container.memory);
        }
    }
    let mut network = |name: &str, network: &Option<NetworkStats>| {
        for interface in &network.as_ref().unwrap().interfaces {
            let numbers = [interface.rx_bytes, interface.tx_bytes, interface.rx_errors, interface.tx_errors];
            all.extend(numbers.iter().map(|n| (format!("{name} {}", interface.name), n.unwrap())));
        }
    };
    network("node", &node.network);
    for pod in &summary.pods {
        network(&pod.pod_ref.uid, &pod.network);
    }
    all
}

fn assert_not_fallen(before: &Summary, after: &Summary) -> Result<(), TestCaseError> {
    for ((name, before), (same, after)) in counters(before).into_iter().zip(counters(after)) {
        prop_assert_eq!(&name, &same);
        prop_assert!(before <= after, "{} fell from {} to {}", name, before, after);
    }
    Ok(())
}

/// (core-nanoseconds, nanocores, usage, working set, rss, faults)
type Numbers = [u64; 6];

fn numbers(cpu: &Option<CpuStats>, memory: &Option<MemoryStats>) -> Numbers {
    let (cpu, memory) = (cpu.as_ref().unwrap(), memory.as_ref().unwrap());
    [
        cpu.usage_core_nano_seconds.unwrap(),
        cpu.usage_nano_cores.unwrap(),
        memory.usage_bytes.unwrap(),
        memory.working_set_bytes.unwrap(),
        memory.rss_bytes.unwrap(),
        memory.page_faults.unwrap(),
    ]
}

fn sum<'a>(parts: impl IntoIterator<Item = &'a ContainerStats>) -> Numbers {
    let mut sum = [0; 6];
    for part in parts {
        sum = add(sum, numbers(&part.cpu, &part.memory));
    }
    sum
}

fn add(a: Numbers, b: Numbers) -> Numbers {
    std::array::from_fn(|i| a[i] + b[i])
}

fn at_least(whole: Numbers, parts: Numbers) -> bool {
    whole.iter().zip(parts).all(|(whole, parts)| *whole >= parts)
}

pub(crate) fn build(pods: &[AnyPod]) -> Vec<Pod> {
    pods.iter().map(AnyPod::build).collect()
}

pub(crate) fn at(offset: i64) -> Timestamp {
    now() + seconds(offset)
}

proptest! {
    #[test]
    fn no_counter_ever_falls(pods in prop::collection::vec(any_pod(), 0..5), later in 0..200_000_i64, step in 1..100_000_i64) {
        let (node, pods) = (node("n1"), build(&pods));
        let before = summary(&node, &pods, at(later));
        assert_not_fallen(&before, &summary(&node, &pods, at(later + step)))?;
    }

    #[test]
    fn a_gauge_of_cpu_is_the_growth_of_its_counter(pod in any_pod(), later in 10..200_000_i64) {
        let (node, pods) = (node("n1"), build(&[pod]));
        let (before, after) = (summary(&node, &pods, at(later - 10)), summary(&node, &pods, at(later)));
        let pairs = before.pods[0].containers.iter().zip(&after.pods[0].containers).map(|(a, b)| (&a.cpu, &b.cpu));
        for (a, b) in pairs.chain([(&before.pods[0].cpu, &after.pods[0].cpu), (&before.node.cpu, &after.node.cpu)]) {
            let (a, b) = (a.as_ref().unwrap(), b.as_ref().unwrap());
            let grown = b.usage_core_nano_seconds.unwrap() - a.usage_core_nano_seconds.unwrap();
            // Counters move in steps of 100 µs; the gauge does not.
            let step = 100_000;
            prop_assert!(grown.abs_diff(b.usage_nano_cores.unwrap() * 10) <= step, "{grown} {b:?}");
        }
    }

    #[test]
    fn the_whole_is_at_least_its_parts(pods in prop::collection::vec(any_pod(), 0..5), later in 0..200_000_i64) {
        let pods = build(&pods);
        let summary = summary(&node("n1"), &pods, at(later));
        let node = numbers(&summary.node.cpu, &summary.node.memory);
        prop_assert!(at_least(node, sum(&summary.node.system_containers)));
        let mut of_pods = [0; 6];
        let (mut rx, mut disk, mut inodes) = (0, 0, 0);
        for (entry, pod) in summary.pods.iter().zip(&pods) {
            let whole = numbers(&entry.cpu, &entry.memory);
            prop_assert!(at_least(whole, sum(&entry.containers)), "{whole:?} {:?}", sum(&entry.containers));
            of_pods = add(of_pods, whole);
            let network = entry.network.as_ref().unwrap();
            if pod.spec.as_ref().unwrap().host_network == Some(true) {
                prop_assert_eq!(network, summary.node.network.as_ref().unwrap());
            } else {
                rx += network.default_interface.rx_bytes.unwrap();
            }
            let storage = entry.ephemeral_storage.as_ref().unwrap();
            let parts = entry.containers.iter().flat_map(|c| [&c.rootfs, &c.logs]);
            let parts: u64 = parts.map(|fs| fs.as_ref().unwrap().used_bytes.unwrap()).sum();
            prop_assert!(parts <= storage.used_bytes.unwrap());
            disk += storage.used_bytes.unwrap();
            inodes += storage.inodes_used.unwrap();
        }
        prop_assert!(at_least(node, of_pods));
        prop_assert!(summary.node.network.as_ref().unwrap().default_interface.rx_bytes.unwrap() >= rx);
        let fs = summary.node.fs.as_ref().unwrap();
        prop_assert!(fs.used_bytes.unwrap() >= disk && fs.inodes_used.unwrap() >= inodes);
        prop_assert!(fs.used_bytes.unwrap() + fs.available_bytes.unwrap() <= fs.capacity_bytes.unwrap());
    }

    #[test]
    fn memory_and_cpu_stay_within_their_limits(pod in any_pod(), later in 0..200_000_i64) {
        let summary = summary(&node("n1"), &build(std::slice::from_ref(&pod)), at(later));
        for container in &summary.pods[0].containers {
            let spec = &pod.containers[container.name[1..].parse::<usize>().unwrap()];
            let [_, nanocores, usage, working_set, rss, _] = numbers(&container.cpu, &container.memory);
            prop_assert!(rss <= working_set && working_set <= usage);
            let requests = spec.requests.unwrap_or((100, 64));
            let limits = spec.limits.map(|(cpu, memory)| (requests.0 * cpu, (requests.1 * memory) << 20));
            let available = container.memory.as_ref().unwrap().available_bytes;
            prop_assert_eq!(available, limits.map(|(_, memory)| memory - working_set));
            if let Some((cpu, memory)) = limits {
                prop_assert!(usage <= memory);
                prop_assert!(pod.fixed.is_some() || nanocores <= cpu * 1_000_000 + 2_000, "{nanocores} of {cpu}m");
            }
        }
    }

    #[test]
    fn a_restart_resets_the_container_and_not_its_pod(mut pod in any_pod(), restart in 1..100_000_i64, later in 1..1_000_i64) {
        pod.age = pod.age.max(restart);
        pod.containers.truncate(1);
        let container = &mut pod.containers[0];
        (container.state, container.since) = (State::Running, 0);
        let first = summary(&node("n1"), &[pod.build()], at(later));
        pod.containers[0].since = pod.age - restart + 1;
        let second = summary(&node("n1"), &[pod.build()], at(later));
        prop_assert_eq!(&first.pods[0].cpu, &second.pods[0].cpu);
        let cpu = |s: &Summary| s.pods[0].containers[0].cpu.as_ref().unwrap().usage_core_nano_seconds.unwrap();
        prop_assert!(cpu(&second) < cpu(&first) || pod.age == restart - 1);
        let newer = second.pods[0].containers[0].start_time;
        prop_assert!(newer > first.pods[0].containers[0].start_time);
    }

    #[test]
    fn a_node_goes_on_counting_when_a_pod_leaves(
        pods in prop::collection::vec(any_pod(), 1..4), later in 0..100_000_i64, step in 0..100_i64
    ) {
        let (node, pods) = (node("n1"), build(&pods));
        let before = summary(&node, &pods, at(later));
        let mut departed = Departed::default();
        departed.add(&pods[0], at(later));
        let surroundings = Surroundings { departed: Some(&departed), ..Surroundings::default() };
        let after = summary_in(&surroundings, &node, &pods[1..], at(later + step));
        let node_only = |s: &Summary| Summary { pods: Vec::new(), node: s.node.clone() };
        assert_not_fallen(&node_only(&before), &node_only(&after))?;
    }

    #[test]
    fn an_annotated_pod_uses_exactly_what_it_says(mut pod in any_pod(), cpu in 1..4_000_u64, memory in 1..4_000_u64) {
        pod.fixed = Some((cpu, memory));
        pod.age += 10;
        for container in &mut pod.containers {
            (container.state, container.limits) = (State::Running, None);
        }
        let summary = summary(&node("n1"), &[pod.build()], now());
        let [_, nanocores, usage, working_set, ..] = numbers(&summary.pods[0].cpu, &summary.pods[0].memory);
        prop_assert_eq!((nanocores, usage, working_set), (cpu * 1_000_000, memory << 20, memory << 20));
    }

    #[test]
    fn no_object_and_no_instant_makes_it_panic(
        quantity in "[0-9]{1,22}[EPGMk]?i?|-?[0-9.]{0,5}[a-z]{0,2}", cpu in "[0-9]{0,25}m?", memory in "[0-9]{0,25}[KE]?i?",
        profile in "[a-z-]{0,12}", age in 0..9_000_000_000_i64, second in -377_705_023_201..253_402_207_200_i64
    ) {
        let resources = json!({"requests": {"cpu": quantity, "memory": quantity}, "limits": {"memory": quantity}});
        let at = Timestamp::from_second(second).unwrap();
        let start = at.checked_sub(seconds(age)).unwrap_or(Timestamp::MIN);
        let mut node = node("n1");
        for amount in node.status.as_mut().unwrap().capacity.as_mut().unwrap().values_mut() {
            amount.0.clone_from(&quantity);
        }
        let pod = pod("u", start)
            .annotated(annotations::CPU, &cpu)
            .annotated(annotations::MEMORY, &memory)
            .annotated(annotations::PROFILE, &profile)
            .running("a", resources.clone(), start)
            .running("b", resources, start)
            .volume(json!({"name": "v", "emptyDir": {"sizeLimit": quantity, "medium": "Memory"}}))
            .volume(json!({"name": "w", "emptyDir": {"sizeLimit": quantity}}))
            .build();
        kubelet_stats::pod_problems(&pod);
        kubelet_stats::node_problems(&node);
        let answer = summary(&node, &[pod.clone(), pod], at);
        prop_assert_eq!(answer.pods.len(), 2);
    }
}
