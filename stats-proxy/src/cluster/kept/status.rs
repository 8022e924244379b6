//! What is kept of a container's status: its life, and the identifier that a collector may ask for.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting, ContainerStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::Shared;

/// The status of a container.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeptStatus {
    name: Arc<str>,
    id: Option<Box<str>>,
    restarts: i32,
    ready: bool,
    state: State,
    /// Whether a former run of it is known.
    ran_before: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Unknown,
    Waiting,
    Running { since: Option<Timestamp> },
    Terminated { exit_code: i32, at: Option<Timestamp> },
}

impl KeptStatus {
    pub(crate) fn of(status: &ContainerStatus, names: &mut Shared<str>) -> Self {
        Self {
            name: names.share(status.name.as_str()),
            id: status.container_id.as_deref().map(Into::into),
            restarts: status.restart_count,
            ready: status.ready,
            state: status.state.as_ref().map_or(State::Unknown, State::of),
            ran_before: status.last_state.as_ref().is_some_and(|state| state.terminated.is_some()),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// When it ended, if it has.
    pub(crate) fn finished(&self) -> Option<Timestamp> {
        match self.state {
            State::Terminated { at, .. } => at,
            _ => None,
        }
    }

    pub(crate) fn status(&self) -> ContainerStatus {
        let ended = || ContainerState {
            terminated: Some(ContainerStateTerminated::default()),
            ..ContainerState::default()
        };
        ContainerStatus {
            name: self.name.to_string(),
            container_id: self.id.as_deref().map(str::to_owned),
            restart_count: self.restarts,
            ready: self.ready,
            state: self.state.state(),
            last_state: self.ran_before.then(ended),
            ..ContainerStatus::default()
        }
    }
}

impl State {
    fn of(state: &ContainerState) -> Self {
        let instant = |time: &Option<Time>| time.as_ref().map(|time| time.0);
        if let Some(running) = &state.running {
            Self::Running { since: instant(&running.started_at) }
        } else if let Some(terminated) = &state.terminated {
            Self::Terminated { exit_code: terminated.exit_code, at: instant(&terminated.finished_at) }
        } else if state.waiting.is_some() {
            Self::Waiting
        } else {
            Self::Unknown
        }
    }

    fn state(&self) -> Option<ContainerState> {
        let mut state = ContainerState::default();
        match *self {
            Self::Unknown => return None,
            Self::Waiting => state.waiting = Some(ContainerStateWaiting::default()),
            Self::Running { since } => {
                state.running = Some(ContainerStateRunning { started_at: since.map(Time) });
            }
            Self::Terminated { exit_code, at } => {
                state.terminated = Some(ContainerStateTerminated {
                    exit_code,
                    finished_at: at.map(Time),
                    ..ContainerStateTerminated::default()
                });
            }
        }
        Some(state)
    }
}
