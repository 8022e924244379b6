//! What is asked of a dashboard, and where.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::time::Duration;

use grafana::interval::Calendar;
use grafana::model::Panel;

use crate::metrics::{Interrupt, Metrics};

/// What somebody wants to see of a dashboard. `Request::at(now)` is the dashboard as it opens.
#[derive(Clone, Debug)]
pub struct Request {
    /// The values of variables.
    pub chosen: Chosen,
    /// The time range as it is written; without one, the dashboard's.
    pub range: Option<(String, String)>,
    /// The present, in milliseconds since 1970.
    pub now_ms: i64,
    /// The zone and the first day of the week.
    pub calendar: Calendar,
    /// How wide the page is, in pixels: decides how many points are asked for.
    pub page_width: u32,
    /// The rows, by the id of their panel, that are folded or open against what was saved.
    pub toggled_rows: BTreeSet<i64>,
    /// Only the panels of these ids are asked for, if there are any; the others are placed without data.
    pub only: Option<BTreeSet<i64>>,
}

/// The chosen values of variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// By variable: what stands in the address, `$__all` for everything. They count also when they are no option.
    pub values: BTreeMap<String, Vec<String>>,
    /// The variable that was just changed: the values of those that depend on it count only as long as they are options.
    pub changed: Option<String>,
}

impl Request {
    /// The dashboard as it opens at this instant on a page of 1,280 pixels.
    pub fn at(now_ms: i64) -> Self {
        Self {
            chosen: Chosen::default(),
            range: None,
            now_ms,
            calendar: Calendar::default(),
            page_width: 1_280,
            toggled_rows: BTreeSet::new(),
            only: None,
        }
    }

    /// The same with a variable at these values.
    #[must_use]
    pub fn with(mut self, variable: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        self.chosen.values.insert(variable.to_owned(), values);
        self
    }

    /// Whether the panels of a row are folded away.
    pub fn is_folded(&self, row: &Panel) -> bool {
        row.collapsed != row.id.is_some_and(|id| self.toggled_rows.contains(&id))
    }

    /// Whether a panel is asked for.
    pub(crate) fn wants(&self, panel: &Panel) -> bool {
        match &self.only {
            None => true,
            Some(ids) => panel.id.is_some_and(|id| ids.contains(&id)),
        }
    }
}

/// A data source that a variable can choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataSource {
    /// As people see it.
    pub name: String,
    /// As queries and addresses name it.
    pub uid: String,
    /// `prometheus`.
    pub kind: String,
}

/// Where the answers come from, and what the evaluation needs from the world.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// Answers all queries.
    pub metrics: &'a dyn Metrics,
    /// What variables of type data source offer.
    pub data_sources: &'a [DataSource],
    /// How often the data source is written to (`60s`): the shortest step, and a quarter of `$__rate_interval`.
    pub scrape_interval: &'a str,
    /// A stopwatch that runs: the time since any fixed moment.
    pub elapsed: &'a (dyn Fn() -> Duration + Sync),
    /// Asked whether to go on.
    pub interrupt: Interrupt<'a>,
    /// How many queries run at once.
    pub workers: NonZeroUsize,
}
