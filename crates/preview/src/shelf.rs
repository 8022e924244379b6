//! The dashboards that there are at the moment, and what is wrong with their sources.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use grafana::model::Dashboard;
use tokio::sync::watch;

/// A dashboard as the preview needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shelved {
    /// Its name in addresses.
    pub uid: String,
    /// The folder that it is listed under.
    pub folder: String,
    /// The dashboard.
    pub dashboard: Dashboard,
}

/// Dashboards that can be replaced while they are shown.
#[derive(Debug)]
pub struct Shelf {
    shown: RwLock<Arc<Shown>>,
    version: watch::Sender<Version>,
}

/// Which state of the dashboards it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    /// Nothing has been put on the shelf yet.
    Empty,
    Number(u64),
    /// Nothing will change any more.
    Closed(u64),
}

/// What is on the shelf.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// Changes with everything else.
    pub(crate) version: u64,
    /// The last good ones.
    pub(crate) dashboards: Vec<Shelved>,
    /// Why they are not what the sources say now.
    pub(crate) problem: Option<String>,
}

impl Shown {
    pub(crate) fn find(&self, uid: &str) -> Option<&Shelved> {
        self.dashboards.iter().find(|shelved| shelved.uid == uid)
    }
}

impl Shelf {
    /// An empty one. Versions count from `first`, which is to differ from those of an earlier process: pages that were
    /// opened then shall notice.
    pub fn new(first: u64) -> Self {
        let shown = Shown { version: first, ..Shown::default() };
        Self { shown: RwLock::new(Arc::new(shown)), version: watch::Sender::new(Version::Empty) }
    }

    /// Puts other dashboards on the shelf; with a problem, the last good ones stay. The pages that show them follow.
    pub fn replace(&self, built: Result<Vec<Shelved>, String>) {
        let mut shown = self.shown.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let version = shown.version.wrapping_add(1);
        let next = match built {
            Ok(dashboards) => Shown { version, dashboards, problem: None },
            Err(problem) => Shown { version, dashboards: shown.dashboards.clone(), problem: Some(problem) },
        };
        *shown = Arc::new(next);
        drop(shown);
        self.version.send_modify(|known| {
            if !matches!(known, Version::Closed(_)) {
                *known = Version::Number(version);
            }
        });
    }

    /// Lets go of all pages that wait for a change: the server is about to end.
    pub fn close(&self) {
        let version = self.now().version;
        self.version.send_replace(Version::Closed(version));
    }

    /// What is on it now.
    pub(crate) fn now(&self) -> Arc<Shown> {
        Arc::clone(&self.shown.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// The same, after the first dashboards have come, or this long.
    pub(crate) async fn ready(&self, patience: Duration) -> Arc<Shown> {
        let mut version = self.version.subscribe();
        let come = version.wait_for(|version| *version != Version::Empty);
        // Afterwards an empty shelf is shown.
        let _ = tokio::time::timeout(patience, come).await;
        self.now()
    }

    /// The version, as soon as it is another one than `known`, or after this long.
    pub(crate) async fn other_than(&self, known: u64, patience: Duration) -> u64 {
        let mut version = self.version.subscribe();
        let other = version.wait_for(|version| match version {
            Version::Empty => false,
            Version::Number(number) => *number != known,
            Version::Closed(_) => true,
        });
        let _ = tokio::time::timeout(patience, other).await;
        self.now().version
    }
}
