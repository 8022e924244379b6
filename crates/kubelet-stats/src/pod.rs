//! A pod with stats at an instant: what its containers and its sandbox use.

use k8s_openapi::api::core::v1::{Container, ContainerState, ContainerStatus, Pod, PodSpec};

use crate::annotations::{self, Fills, Spikes};
use crate::clock::{Looks, seconds};
use crate::cpu::{self, Faults, SideEffects};
use crate::curve::Curve;
use crate::hash::{Aspect, Seed};
use crate::memory::{Consumer, Memory};
use crate::network::{self, Traffic};
use crate::profile::{Profile, seed_of};
use crate::resources::{PAGE, Resources};
use crate::surge::{self, Surge};

/// What a pod uses at an instant.
pub(crate) struct PodUsage<'a> {
    pub(crate) pod: &'a Pod,
    pub(crate) seed: Seed,
    /// Second of its start.
    pub(crate) start: i64,
    /// Those that have run; not all of them need run now.
    pub(crate) containers: Vec<ContainerUsage<'a>>,
    /// Microseconds of CPU since the pod's start: its containers and its sandbox.
    pub(crate) cpu: Looks,
    /// Nanoseconds of waiting for CPU.
    pub(crate) stalls: Looks,
    pub(crate) faults: Faults,
    /// Of the containers that run now, and of the sandbox.
    pub(crate) memory: Memory,
    /// The sum of the limits, if every container has one.
    pub(crate) memory_limit: Option<u64>,
    /// `None` on the host's network.
    pub(crate) traffic: Option<Traffic>,
    pub(crate) processes: u64,
    pub(crate) fills: Fills,
    /// The second that this is about.
    pub(crate) t: i64,
}

/// What a container uses at an instant.
pub(crate) struct ContainerUsage<'a> {
    pub(crate) name: &'a str,
    pub(crate) seed: Seed,
    /// `None` while it does not run.
    pub(crate) running: Option<Running>,
}

/// What a running container uses: counters since its own start, not the pod's.
pub(crate) struct Running {
    /// Second of its start.
    pub(crate) since: i64,
    pub(crate) cpu: Looks,
    pub(crate) stalls: Looks,
    pub(crate) faults: Faults,
    pub(crate) memory: Memory,
    pub(crate) memory_limit: Option<u64>,
}

/// Whether a kubelet reports stats of a pod in its phase.
pub(crate) fn has_stats(pod: &Pod) -> bool {
    matches!(pod.status.as_ref().and_then(|status| status.phase.as_deref()), Some("Running" | "Unknown"))
}

impl<'a> PodUsage<'a> {
    /// What `pod` uses in second `t`, whatever its phase; `None` if it has not started by then.
    pub(crate) fn at(pod: &'a Pod, t: i64) -> Option<Self> {
        let spec = pod.spec.as_ref()?;
        let start = started(pod).filter(|start| *start <= t)?;
        let seed = seed_of(pod);
        let profile = Profile::choose(annotations::get(pod, annotations::PROFILE), seed);
        let fixed = Fixed { cpu: annotations::cpu(pod), memory: annotations::memory(pod) };
        let spikes = annotations::spikes(&pod.metadata);
        let count = long_running(spec).count();
        let mut usage = Self {
            pod,
            seed,
            start,
            containers: Vec::with_capacity(count),
            cpu: Looks::default(),
            stalls: Looks::default(),
            faults: Faults::default(),
            memory: Memory::default(),
            memory_limit: Some(0),
            traffic: None,
            processes: 1,
            fills: annotations::fills(pod),
            t,
        };
        let mut requested = 0;
        for (at, container) in long_running(spec).enumerate() {
            let member = Member {
                container,
                seed: seed.child(&container.name),
                resources: Resources::of(container),
                main: at == 0,
                fixed: fixed.share(at, count),
                spikes: &spikes,
                place: (at, count),
            };
            requested += member.cpu_request();
            usage.memory_limit = usage
                .memory_limit
                .zip(member.resources.memory_limit)
                .map(|(sum, limit)| sum.saturating_add(limit));
            usage.add(&member, profile, t);
        }
        usage.memory_limit = usage.memory_limit.filter(|_| count > 0);
        usage.add_sandbox(&fixed, t);
        if spec.host_network != Some(true) {
            let cpu = fixed.cpu.map_or_else(|| requested as f64 * profile.row().cpu.level, |cpu| cpu as f64);
            usage.traffic = Some(network::of_pod(seed, profile, cpu, start, t));
        }
        Some(usage)
    }

    fn add(&mut self, member: &Member<'a, '_>, profile: Profile, t: i64) {
        let Some(life) = Life::of(self.pod, &member.container.name) else { return };
        let curve = match member.fixed.cpu {
            Some(micros) => Curve::constant(micros as i64),
            None => cpu::curve(self.seed, member.seed, profile, &member.resources),
        };
        let name = &member.container.name;
        let curve = Surge::of_container(curve, member.spikes, name, &member.resources, member.place);
        let effects = SideEffects::of(member.seed);
        let until_end = |second| curve.until(life.ended.map_or(second, |end| second.min(end)));
        let since_pod_start = Looks::of(t, self.start, until_end);
        self.cpu.add(since_pod_start);
        self.stalls.add(effects.stalls(since_pod_start));
        self.faults.add(effects.faults(since_pod_start.now()));

        let since = life.running_since.map(|since| since.max(self.start)).filter(|since| *since <= t);
        let running = since.map(|since| {
            let cpu = Looks::of(t, since, until_end);
            let consumer = Consumer {
                pod: self.seed,
                container: member.seed,
                profile,
                resources: &member.resources,
                main: member.main,
                fixed: member.fixed.memory,
            };
            Running {
                since,
                cpu,
                stalls: effects.stalls(cpu),
                faults: effects.faults(cpu.now()),
                memory: consumer.memory(t, t - since).raised(|usage| {
                    surge::memory(usage, member.spikes, name, &member.resources, member.place, (since, t))
                }),
                memory_limit: member.resources.memory_limit,
            }
        });
        if let Some(running) = &running {
            self.memory.add(running.memory);
            self.processes += member.seed.between(Aspect::Processes, 1, 12);
        }
        self.containers.push(ContainerUsage { name: &member.container.name, seed: member.seed, running });
    }

    /// The pause process and what the runtime does for the pod. Nothing where an annotation says exactly what
    /// the pod uses.
    fn add_sandbox(&mut self, fixed: &Fixed, t: i64) {
        let seed = self.seed.child("sandbox");
        if fixed.cpu.is_none() {
            let level = i128::from(seed.between(Aspect::Sandbox, 80, 300));
            self.cpu.add(Looks::of(t, self.start, |second| i128::from(second) * level));
        }
        if fixed.memory.is_none() {
            let pages = seed.between(Aspect::Sandbox, 130, 220);
            self.memory.add(Memory { usage: pages * PAGE, working_set: (pages - 30) * PAGE, rss: 12 * PAGE });
        }
        self.faults.add(Faults { all: 900, major: 1 });
    }
}

/// A container of the spec that is meant to run as long as the pod.
struct Member<'a, 's> {
    container: &'a Container,
    seed: Seed,
    resources: Resources,
    main: bool,
    fixed: Fixed,
    spikes: &'s Spikes,
    /// Which one of how many.
    place: (usize, usize),
}

impl Member<'_, '_> {
    fn cpu_request(&self) -> u64 {
        self.resources.cpu_request.unwrap_or(100_000)
    }
}

/// Amounts that annotations give: of a pod, or of one of its containers.
struct Fixed {
    cpu: Option<u64>,
    memory: Option<u64>,
}

impl Fixed {
    /// The part of one of `count` containers. The parts add up to the whole: the first ones may have one unit
    /// more.
    fn share(&self, at: usize, count: usize) -> Self {
        let share = |whole: u64| whole / count as u64 + u64::from((at as u64) < whole % count as u64);
        Self { cpu: self.cpu.map(share), memory: self.memory.map(share) }
    }
}

/// Containers, and init containers that are sidecars.
fn long_running(spec: &PodSpec) -> impl Iterator<Item = &Container> {
    let sidecars = spec.init_containers.iter().flatten();
    spec.containers.iter().chain(sidecars.filter(|init| init.restart_policy.as_deref() == Some("Always")))
}

/// The second of a pod's start: when the kubelet took it, else when it was made.
fn started(pod: &Pod) -> Option<i64> {
    let status = pod.status.as_ref()?;
    status.start_time.as_ref().or(pod.metadata.creation_timestamp.as_ref()).map(seconds)
}

/// When a container ran.
struct Life {
    running_since: Option<i64>,
    /// Where it has ended for good.
    ended: Option<i64>,
}

impl Life {
    /// `None` if it never ran.
    ///
    /// A container that waits for its restart counts for its pod as if it ran: how often and how long it was
    /// down before is not known, so its pod's counters would jump when it comes back.
    fn of(pod: &Pod, container: &str) -> Option<Self> {
        let status = pod.status.as_ref()?;
        let mut statuses =
            status.container_statuses.iter().flatten().chain(status.init_container_statuses.iter().flatten());
        let status: &ContainerStatus = statuses.find(|status| status.name == container)?;
        let last = status.last_state.as_ref().is_some_and(|state| state.terminated.is_some());
        let Some(state) = &status.state else {
            return (last || status.restart_count > 0).then_some(Self { running_since: None, ended: None });
        };
        let ran = last || status.restart_count > 0 || state.running.is_some() || state.terminated.is_some();
        ran.then(|| Self {
            running_since: state
                .running
                .as_ref()
                .map(|running| running.started_at.as_ref().map_or(i64::MIN, seconds)),
            ended: ended_for_good(pod, state),
        })
    }
}

fn ended_for_good(pod: &Pod, state: &ContainerState) -> Option<i64> {
    let terminated = state.terminated.as_ref()?;
    let restarts = match pod.spec.as_ref()?.restart_policy.as_deref() {
        Some("Never") => false,
        Some("OnFailure") => terminated.exit_code != 0,
        _ => true,
    };
    terminated.finished_at.as_ref().filter(|_| !restarts).map(seconds)
}
