//! What the live rules look at: every dashboard with its answers, for several choices of its variables.
//!
//! ```text
//! Subject ──choices──► Look (a dashboard, evaluated) ──rules::live──► Findings
//!              │                    ▲
//!              └────► Remembering ──┘  equal queries are asked once, whoever asks them
//! ```
//!
//! Where the answers come from is behind [`Metrics`]: the environment in memory, or a server. The dashboards are looked at
//! side by side, and each look is dropped when the rules have seen it.

mod choices;
mod look;
mod remembering;
mod run;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use dashboard_view::{DataSource, Metrics};

use crate::finding::Finding;
use crate::rule::Rule;
use crate::subject::Subject;

pub use choices::Choice;
pub use look::{Look, Size};
pub use remembering::Remembering;
pub use run::look_at;

/// Where the dashboards find their answers, and how they are looked at.
#[derive(Clone)]
pub struct LiveOptions<'a> {
    /// The rules; those that need no answers are passed over.
    pub rules: Vec<&'static Rule>,
    /// Answers the queries.
    pub metrics: &'a dyn Metrics,
    /// Whether they are those of the simulated environment, which does not have everything that a dashboard may ask for.
    pub is_simulated: bool,
    /// The same measurements, each sent by two collectors. Without it L05 says nothing.
    pub second_collector: Option<&'a dyn Metrics>,
    /// The measurements of a larger environment, for what queries cost. Without it L03 looks at the usual one.
    pub larger: Option<&'a dyn Metrics>,
    /// The simulated environment and its present, to compare a real one with. Without it D02 says nothing.
    pub simulated: Option<(&'a dyn Metrics, i64)>,
    /// What variables of type data source offer.
    pub data_sources: &'a [DataSource],
    /// The present, in milliseconds since 1970.
    pub now_ms: i64,
    /// The time that all dashboards show, as it is written: `now-30m` to `now`.
    pub range: (String, String),
    /// What a query may cost.
    pub budget: Budget,
    /// A stopwatch that runs: the time since any fixed moment.
    pub elapsed: &'a (dyn Fn() -> Duration + Sync),
    /// Told how many dashboards of how many are done.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
    /// How many dashboards are looked at side by side, and so how many queries run at once.
    pub threads: usize,
}

/// What a query may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Series in its answer: nobody reads more, and browsers draw them slowly.
    pub series: usize,
    /// Samples that are read for it, where the source tells.
    pub samples: u64,
}

impl Default for Budget {
    fn default() -> Self {
        // A tenth of what a Prometheus of default settings refuses to load at once.
        Self { series: 1_000, samples: 5_000_000 }
    }
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveReport {
    /// What is wrong, in no order.
    pub findings: Vec<Finding>,
    /// A line for each dashboard, in their order.
    pub rows: Vec<Row>,
    /// Rules that broke down, with what they said.
    pub broken: Vec<String>,
}

/// What one dashboard asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Its file.
    pub file: String,
    /// How many choices of its variables were looked at.
    pub looks: usize,
    /// How many different queries its panels asked.
    pub queries: usize,
    /// How many series came back as it opens.
    pub series: usize,
    /// The query that took longest, and which it was.
    pub slowest: Option<(Duration, String)>,
}

/// Everything that a live rule can ask.
pub struct Live<'a> {
    /// All dashboards.
    pub subject: &'a Subject,
    /// How they are looked at.
    pub options: &'a LiveOptions<'a>,
    metrics: Remembering<'a>,
    second_collector: Option<Remembering<'a>>,
    larger: Option<Remembering<'a>>,
    simulated: Option<Remembering<'a>>,
    /// What is at the other end of links.
    arrivals: Mutex<HashMap<String, Arc<OnceLock<Option<String>>>>>,
}

impl<'a> Live<'a> {
    /// Asks as these options say.
    pub fn new(subject: &'a Subject, options: &'a LiveOptions<'a>) -> Self {
        Self {
            subject,
            options,
            metrics: Remembering::new(options.metrics),
            second_collector: options.second_collector.map(Remembering::new),
            larger: options.larger.map(Remembering::new),
            simulated: options.simulated.map(|(metrics, _)| Remembering::new(metrics)),
            arrivals: Mutex::default(),
        }
    }

    /// What the dashboards are asked of.
    pub fn metrics(&self) -> &Remembering<'a> {
        &self.metrics
    }

    /// The same measurements by two collectors.
    pub fn second_collector(&self) -> Option<&Remembering<'a>> {
        self.second_collector.as_ref()
    }

    /// A larger environment's measurements.
    pub fn larger(&self) -> Option<&Remembering<'a>> {
        self.larger.as_ref()
    }

    /// The simulated environment, beside a real one, and its present.
    pub fn simulated(&self) -> Option<(&Remembering<'a>, i64)> {
        self.simulated.as_ref().zip(self.options.simulated.map(|(_, now_ms)| now_ms))
    }

    /// What is wrong at the other end of a link, found out once for each.
    pub(crate) fn arrival(&self, key: String, find: impl FnOnce() -> Option<String>) -> Option<String> {
        let place = {
            let mut arrivals = self.arrivals.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            Arc::clone(arrivals.entry(key).or_default())
        };
        place.get_or_init(find).clone()
    }
}
