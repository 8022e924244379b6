//! A pod's status, as the scheduler and KWOK's stages leave it.

use k8s_openapi::api::core::v1::{
    Container, ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting,
    ContainerStatus, HostIP, PodCondition, PodIP, PodSpec, PodStatus,
};

use super::node::{node_ip, pod_ip};
use super::pod::{Place, qos_class};
use crate::life::{self, Course, Crash, End, Life, Restarts, Standing, Story, Trouble, period_of};
use crate::time::calendar::time;
use crate::time::span::{Seconds, Span};

/// The status of a pod that no node can take.
pub(crate) fn unschedulable(spec: &PodSpec, created: Seconds, message: &str) -> PodStatus {
    PodStatus {
        conditions: Some(vec![PodCondition {
            message: Some(message.to_owned()),
            reason: Some("Unschedulable".to_owned()),
            observed_generation: Some(1),
            ..condition("PodScheduled", false, created)
        }]),
        ..pending(spec)
    }
}

fn pending(spec: &PodSpec) -> PodStatus {
    PodStatus {
        phase: Some("Pending".to_owned()),
        qos_class: Some(qos_class(spec).to_owned()),
        ..PodStatus::default()
    }
}

/// The status of a pod on a node, while `standing` holds.
pub(crate) fn placed(
    spec: &PodSpec,
    place: &Place<'_>,
    life: &Life,
    standing: &Span<Standing>,
    at: Seconds,
) -> Span<PodStatus> {
    let here = Writer { spec, place };
    let fixed = Span { value: (), since: standing.since, until: standing.until };
    match &life.course {
        Course::Unschedulable => fixed.map(|()| pending(spec)),
        Course::NoImage => fixed.map(|()| here.without_image(life.created)),
        Course::Runs { started, .. } | Course::Crashes { started } | Course::Ends { started, .. }
            if at < *started =>
        {
            fixed.map(|()| here.bound(life.created))
        }
        Course::Runs { started, restarts } => here.running(*started, restarts, &life.troubles, standing, at),
        Course::Crashes { started } => {
            let crash = life::crash(*started, at);
            crash.map(|crash| here.crashing(*started, crash, standing)).within(&fixed)
        }
        Course::Ends { started, ended, .. } if at < *ended => here.running(*started, &[], &[], standing, at),
        Course::Ends { started, ended, end } => fixed.map(|()| here.ended(*started, *ended, *end)),
    }
}

/// Writes statuses of one pod.
struct Writer<'a> {
    spec: &'a PodSpec,
    place: &'a Place<'a>,
}

impl Writer<'_> {
    /// Bound to a node, not started yet.
    fn bound(&self, created: Seconds) -> PodStatus {
        let scheduled = (!self.place.by_manifest).then(|| vec![condition("PodScheduled", true, created)]);
        PodStatus { conditions: scheduled, ..pending(self.spec) }
    }

    /// Started, but the first container's image cannot be had.
    fn without_image(&self, created: Seconds) -> PodStatus {
        let waiting = |container: &Container| ContainerStateWaiting {
            reason: Some("ImagePullBackOff".to_owned()),
            message: Some(format!(
                "Back-off pulling image \"{}\"",
                container.image.as_deref().unwrap_or_default()
            )),
        };
        let state = |position: usize, container: &Container| {
            if position == 0 {
                let state = ContainerState { waiting: Some(waiting(container)), ..ContainerState::default() };
                container_status(container, state, None, 0, false)
            } else {
                container_status(container, running_since(created), None, 0, true)
            }
        };
        self.started("Pending", created, self.containers(state), created, false)
    }

    fn running(
        &self,
        started: Seconds,
        restarts: &[Restarts],
        troubles: &[Trouble],
        standing: &Span<Standing>,
        at: Seconds,
    ) -> Span<PodStatus> {
        let (mut since, mut until) = (standing.since, standing.until);
        let statuses = self.containers(|position, spec| {
            let troubles = if position == 0 { troubles } else { &[] };
            let story = Story { started, period: period_of(restarts, position), troubles };
            let run = story.container(at);
            since = since.max(run.since);
            until = until.min(run.until);
            let run = run.value;
            let last = run.last.map(|last| terminated(last.exit_code, last.reason, last.began, last.ended));
            let state = match run.waits {
                Some(back_off) => backing_off(spec, back_off),
                None => running_since(run.began),
            };
            container_status(spec, state, last, run.restarts, run.ready)
        });
        let status =
            self.started("Running", started, statuses, standing.since.max(started), standing.value.ready);
        Span { value: status, since, until }
    }

    fn crashing(&self, started: Seconds, crash: Crash, standing: &Span<Standing>) -> PodStatus {
        let statuses = self.containers(|position, container| {
            if position > 0 {
                return container_status(container, running_since(started), None, 0, true);
            }
            let last = |ended| terminated(1, "Error", crash.began, ended);
            match crash.ended {
                None => {
                    // The run before this one ended when its back-off began.
                    let before = life::crash(started, crash.began - 1).value;
                    let last = before
                        .ended
                        .filter(|_| crash.restarts > 0)
                        .map(|ended| terminated(1, "Error", before.began, ended));
                    container_status(container, running_since(crash.began), last, crash.restarts, true)
                }
                Some(ended) => {
                    let state = backing_off(container, life::CRASH_WAITS);
                    container_status(container, state, Some(last(ended)), crash.restarts, false)
                }
            }
        });
        self.started("Running", started, statuses, standing.since, standing.value.ready)
    }

    fn ended(&self, started: Seconds, ended: Seconds, end: End) -> PodStatus {
        let (phase, code, reason) = match end {
            End::Success => ("Succeeded", 0, "Completed"),
            End::Failure => ("Failed", 1, "Error"),
            End::Eviction => ("Failed", 137, "Error"),
        };
        let statuses = self.containers(|_, container| {
            let state = terminated(code, reason, started, ended);
            let status = container_status(container, state, None, 0, false);
            ContainerStatus { started: Some(false), ..status }
        });
        let mut status = self.started(phase, started, statuses, ended, end == End::Success);
        if end == End::Eviction {
            status.reason = Some("Evicted".to_owned());
            status.message = Some("The node was low on resource: memory.".to_owned());
        }
        status
    }

    fn containers(
        &self,
        mut status: impl FnMut(usize, &Container) -> ContainerStatus,
    ) -> Vec<ContainerStatus> {
        self.spec
            .containers
            .iter()
            .enumerate()
            .map(|(position, container)| status(position, container))
            .collect()
    }

    /// The status of a pod that has started: its conditions are from then, readiness from `ready_since`.
    fn started(
        &self,
        phase: &str,
        started: Seconds,
        containers: Vec<ContainerStatus>,
        ready_since: Seconds,
        ready: bool,
    ) -> PodStatus {
        let init = self.spec.init_containers.as_ref().map(|containers| {
            let done = terminated(0, "Completed", started, started);
            containers
                .iter()
                .map(|container| container_status(container, done.clone(), None, 0, true))
                .collect()
        });
        let containers_run = containers.iter().all(|container| container.ready);
        let conditions = ["Initialized", "Ready", "ContainersReady", "PodScheduled"]
            .into_iter()
            // Nobody schedules a pod that names its node.
            .filter(|type_| !(self.place.by_manifest && *type_ == "PodScheduled"))
            .map(|type_| match type_ {
                // The node controller takes readiness from pods of a lost node; their containers run on.
                "ContainersReady" if containers_run && !ready => condition(type_, true, started),
                "Ready" | "ContainersReady" => condition(type_, ready, ready_since),
                _ => condition(type_, true, started),
            });
        let host = node_ip(self.place.index).to_string();
        let own = if self.spec.host_network == Some(true) {
            host.clone()
        } else {
            pod_ip(self.place.index, self.place.number).to_string()
        };
        PodStatus {
            phase: Some(phase.to_owned()),
            qos_class: Some(qos_class(self.spec).to_owned()),
            start_time: Some(time(started)),
            conditions: Some(conditions.collect()),
            container_statuses: Some(containers),
            init_container_statuses: init,
            host_ip: Some(host.clone()),
            host_ips: Some(vec![HostIP { ip: host }]),
            pod_ip: Some(own.clone()),
            pod_ips: Some(vec![PodIP { ip: own }]),
            ..PodStatus::default()
        }
    }
}

fn condition(type_: &str, holds: bool, since: Seconds) -> PodCondition {
    PodCondition {
        type_: type_.to_owned(),
        status: if holds { "True" } else { "False" }.to_owned(),
        last_transition_time: Some(time(since)),
        ..PodCondition::default()
    }
}

fn container_status(
    container: &Container,
    state: ContainerState,
    last: Option<ContainerState>,
    restarts: i64,
    ready: bool,
) -> ContainerStatus {
    ContainerStatus {
        name: container.name.clone(),
        image: container.image.clone().unwrap_or_default(),
        image_id: String::new(),
        ready,
        restart_count: i32::try_from(restarts).unwrap_or(i32::MAX),
        state: Some(state),
        last_state: Some(last.unwrap_or_default()),
        ..ContainerStatus::default()
    }
}

fn running_since(began: Seconds) -> ContainerState {
    ContainerState {
        running: Some(ContainerStateRunning { started_at: Some(time(began)) }),
        ..ContainerState::default()
    }
}

/// A container that the kubelet starts again only after so many seconds.
fn backing_off(container: &Container, seconds: Seconds) -> ContainerState {
    // As Go writes a duration.
    let (minutes, rest) = (seconds / 60, seconds % 60);
    let duration = if minutes > 0 { format!("{minutes}m{rest}s") } else { format!("{rest}s") };
    let waiting = ContainerStateWaiting {
        reason: Some("CrashLoopBackOff".to_owned()),
        message: Some(format!("back-off {duration} restarting failed container={}", container.name)),
    };
    ContainerState { waiting: Some(waiting), ..ContainerState::default() }
}

fn terminated(exit_code: i32, reason: &str, began: Seconds, ended: Seconds) -> ContainerState {
    ContainerState {
        terminated: Some(ContainerStateTerminated {
            exit_code,
            reason: Some(reason.to_owned()),
            started_at: Some(time(began)),
            finished_at: Some(time(ended)),
            ..ContainerStateTerminated::default()
        }),
        ..ContainerState::default()
    }
}
