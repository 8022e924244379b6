//! What goes wrong.

use std::time::Duration;

/// What a fake server does. The default is one with which nothing is wrong.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// Nobody listens for so long …
    pub closed: Duration,
    /// … then every answer is 503 for so long.
    pub starting: Duration,
    /// It never says that it is ready.
    pub never_ready: bool,
    /// It does not know these credentials: every answer is 401.
    pub unauthorized: bool,
    /// Each so-and-so-many-th write is answered 429 with `Retry-After: 1`.
    pub busy_every: Option<usize>,
    /// Each so-and-so-many-th write is answered 409.
    pub conflict_every: Option<usize>,
    /// This kind is not there for so long.
    pub late_kind: Option<(&'static str, Duration)>,
    /// Service accounts come so long after their namespace.
    pub late_service_accounts: Duration,
    /// This object is refused.
    pub refusal: Option<Refusal>,
    /// After so many writes, nobody is served for so long.
    pub restart: Option<(usize, Duration)>,
    /// No pod is ever scheduled, and this is why.
    pub unschedulable: Option<&'static str>,
    /// A pause before each answer.
    pub delay: Duration,
}

/// An object that is refused with 422.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The field that is wrong.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: &'static str,
}

const MOMENT: Duration = Duration::from_millis(300);

impl Scenario {
    /// Connections are refused, then every answer is 503, then it is ready.
    pub fn slow_start() -> Self {
        Self { closed: MOMENT, starting: MOMENT, ..Self::default() }
    }

    /// It has too much to do: 429 with `Retry-After`.
    pub fn busy() -> Self {
        Self { busy_every: Some(5), ..Self::default() }
    }

    /// Others write at the same time.
    pub fn conflicts() -> Self {
        Self { conflict_every: Some(3), ..Self::default() }
    }

    /// A CustomResourceDefinition takes a moment.
    pub fn late_kind(kind: &'static str) -> Self {
        Self { late_kind: Some((kind, MOMENT)), ..Self::default() }
    }

    /// The controller manager takes a moment.
    pub fn late_service_accounts() -> Self {
        Self { late_service_accounts: MOMENT, ..Self::default() }
    }

    /// It refuses an object.
    pub fn refuses(refusal: Refusal) -> Self {
        Self { refusal: Some(refusal), ..Self::default() }
    }

    /// It is restarted in the middle.
    pub fn restarts_after(writes: usize) -> Self {
        Self { restart: Some((writes, MOMENT)), ..Self::default() }
    }

    /// It does not get ready.
    pub fn never_ready() -> Self {
        Self { never_ready: true, ..Self::default() }
    }

    /// It belongs to another cluster than the credentials.
    pub fn of_another_cluster() -> Self {
        Self { unauthorized: true, ..Self::default() }
    }

    /// Pods stay Pending.
    pub fn pending_pods() -> Self {
        Self { unschedulable: Some("0/3 nodes are available: 3 Insufficient cpu."), ..Self::default() }
    }
}
