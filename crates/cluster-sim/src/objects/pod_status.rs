//! A pod's status, as KWOK's stages and the scheduler leave it.

use k8s_openapi::api::core::v1::{
    Container, ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStatus, HostIP, Pod,
    PodCondition, PodIP, PodSpec, PodStatus,
};

use super::node::{node_ip, pod_ip};
use super::pod::{Place, qos_class};
use crate::calendar::time;
use crate::span::{FOREVER, Seconds, Span};

/// The status of a pod that no node can take.
pub(crate) fn unschedulable(spec: &PodSpec, created: Seconds, message: &str) -> PodStatus {
    PodStatus {
        phase: Some("Pending".to_owned()),
        qos_class: Some(qos_class(spec).to_owned()),
        conditions: Some(vec![PodCondition {
            message: Some(message.to_owned()),
            reason: Some("Unschedulable".to_owned()),
            observed_generation: Some(1),
            ..condition("PodScheduled", false, created)
        }]),
        ..PodStatus::default()
    }
}

/// How often a container starts anew: how long each of its runs lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Restarts {
    /// The container's position in the spec.
    pub(crate) container: usize,
    /// Seconds from one start to the next.
    pub(crate) period: Seconds,
}

/// The runs of a container, which its memory limit ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    number: i64,
    began: Seconds,
    ends: Seconds,
}

impl Run {
    fn of(period: Option<Seconds>, started: Seconds, at: Seconds) -> Run {
        match period {
            Some(period) if period > 0 => {
                let number = (at - started).max(0) / period;
                Run { number, began: started + number * period, ends: started + (number + 1) * period }
            }
            _ => Run { number: 0, began: started, ends: FOREVER },
        }
    }
}

/// The status of a pod on a node, whose containers first ran at `started`, at the instant `at`.
pub(crate) fn running(
    pod: &Pod,
    place: &Place<'_>,
    started: Seconds,
    restarts: &[Restarts],
    at: Seconds,
) -> Span<PodStatus> {
    let none = PodSpec::default();
    let spec = pod.spec.as_ref().unwrap_or(&none);
    let mut since = started;
    let mut until = FOREVER;
    let mut statuses = Vec::with_capacity(spec.containers.len());
    for (position, container) in spec.containers.iter().enumerate() {
        let restarts = restarts.iter().find(|restarts| restarts.container == position);
        let period = restarts.map(|restarts| restarts.period);
        let run = Run::of(period, started, at);
        since = since.max(run.began);
        until = until.min(run.ends);
        let last = period.filter(|_| run.number > 0).map(|period| killed(run.began - period, run.began));
        statuses.push(container_status(container, running_since(run.began), last, run.number));
    }
    let init_statuses = spec.init_containers.as_ref().map(|containers| {
        let done = ContainerState { terminated: Some(completed(started)), ..ContainerState::default() };
        containers.iter().map(|container| container_status(container, done.clone(), None, 0)).collect()
    });
    let mut status = located(spec, place);
    status.phase = Some("Running".to_owned());
    status.start_time = Some(time(started));
    status.container_statuses = Some(statuses);
    status.init_container_statuses = init_statuses;
    status.conditions = Some(conditions(place, started));
    Span { value: status, since, until }
}

/// Addresses and class.
fn located(spec: &PodSpec, place: &Place<'_>) -> PodStatus {
    let host = node_ip(place.index).to_string();
    let own = if spec.host_network == Some(true) {
        host.clone()
    } else {
        pod_ip(place.index, place.number).to_string()
    };
    PodStatus {
        qos_class: Some(qos_class(spec).to_owned()),
        host_ip: Some(host.clone()),
        host_ips: Some(vec![HostIP { ip: host }]),
        pod_ip: Some(own.clone()),
        pod_ips: Some(vec![PodIP { ip: own }]),
        ..PodStatus::default()
    }
}

fn conditions(place: &Place<'_>, since: Seconds) -> Vec<PodCondition> {
    ["Initialized", "Ready", "ContainersReady", "PodScheduled"]
        .into_iter()
        // Nobody schedules a pod that names its node.
        .filter(|type_| !(place.by_manifest && *type_ == "PodScheduled"))
        .map(|type_| condition(type_, true, since))
        .collect()
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
) -> ContainerStatus {
    ContainerStatus {
        name: container.name.clone(),
        image: container.image.clone().unwrap_or_default(),
        image_id: String::new(),
        ready: true,
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

fn completed(at: Seconds) -> ContainerStateTerminated {
    ContainerStateTerminated {
        exit_code: 0,
        reason: Some("Completed".to_owned()),
        started_at: Some(time(at)),
        finished_at: Some(time(at)),
        ..ContainerStateTerminated::default()
    }
}

fn killed(began: Seconds, ended: Seconds) -> ContainerState {
    ContainerState {
        terminated: Some(ContainerStateTerminated {
            exit_code: 137,
            reason: Some("OOMKilled".to_owned()),
            started_at: Some(time(began)),
            finished_at: Some(time(ended)),
            ..ContainerStateTerminated::default()
        }),
        ..ContainerState::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_follow_each_other_without_a_gap() {
        for (at, run) in [
            (100, Run { number: 0, began: 100, ends: 160 }),
            (159, Run { number: 0, began: 100, ends: 160 }),
            (160, Run { number: 1, began: 160, ends: 220 }),
            (1000, Run { number: 15, began: 1000, ends: 1060 }),
        ] {
            assert_eq!(Run::of(Some(60), 100, at), run);
        }
        assert_eq!(Run::of(None, 100, 1_000_000), Run { number: 0, began: 100, ends: FOREVER });
    }
}
