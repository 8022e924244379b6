//! How watching goes: what is known, and whether the API server can be reached.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// A kind of objects that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Without them there are no kubelets.
    Nodes,
    /// Without them kubelets have nothing to say.
    Pods,
    /// They tell how large volumes are. Where they may not be read, volumes of claims have a size that is made up.
    Claims,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nodes, Self::Pods, Self::Claims];

    /// As the API server calls them.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nodes => "nodes",
            Self::Pods => "pods",
            Self::Claims => "persistentvolumeclaims",
        }
    }

    /// The kind of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How the watch of a kind goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchState {
    /// Whether all objects were listed once.
    pub listed: bool,
    /// What is wrong, if anything is.
    pub trouble: Option<Trouble>,
    /// How often everything was listed.
    pub lists: u64,
    /// How often a watch was begun.
    pub watches: u64,
    /// How often it failed.
    pub failures: u64,
    /// Objects that came, changed or went.
    pub events: u64,
}

/// Something that does not work, since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// When it failed first.
    pub since: Timestamp,
    /// What is wrong.
    pub reason: String,
}

/// How watching goes, for all kinds.
#[derive(Debug, Default)]
pub struct Progress {
    kinds: [Mutex<WatchState>; 3],
}

impl Progress {
    /// Nothing has begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// How it goes with a kind.
    pub fn of(&self, kind: Kind) -> WatchState {
        self.lock(kind).clone()
    }

    /// Everything is about to be listed.
    pub(crate) fn lists(&self, kind: Kind) {
        self.lock(kind).lists += 1;
    }

    /// Everything was listed.
    pub(crate) fn listed(&self, kind: Kind) {
        self.lock(kind).listed = true;
    }

    /// An object came, changed or went.
    pub(crate) fn event(&self, kind: Kind) {
        self.lock(kind).events += 1;
    }

    /// The API server answers; answers what the trouble was, if there was any.
    pub(crate) fn answered(&self, kind: Kind, begins_watch: bool) -> Option<Trouble> {
        let mut state = self.lock(kind);
        state.watches += u64::from(begins_watch);
        state.trouble.take()
    }

    /// It does not work; answers whether that is news.
    pub(crate) fn failed(&self, kind: Kind, reason: &str, now: Timestamp) -> bool {
        let mut state = self.lock(kind);
        state.failures += 1;
        let since = state.trouble.as_ref().map_or(now, |trouble| trouble.since);
        let news = state.trouble.as_ref().is_none_or(|trouble| trouble.reason != reason);
        state.trouble = Some(Trouble { since, reason: reason.to_owned() });
        news
    }

    fn lock(&self, kind: Kind) -> MutexGuard<'_, WatchState> {
        self.kinds[kind as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
