//! The whole dashboard.

use grafana::interval::{TimeRange, parse_time_range};
use grafana::layout::{Placed, arrange};
use grafana::model::Dashboard;
use grafana::variables::{State, Values};

use crate::panels::{EvaluatedPanel, plan};
use crate::queries::Queries;
use crate::request::{Request, Source};
use crate::variables::{EvaluatedVariable, resolve};

/// A dashboard with everything that its panels show.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluatedDashboard<'d> {
    /// What was evaluated.
    pub dashboard: &'d Dashboard,
    /// The range of time that it shows.
    pub range: TimeRange,
    /// The same as it is written: `now-1h` to `now`.
    pub raw_range: (String, String),
    /// In the order of the dashboard; see [`EvaluatedDashboard::state`] for what is chosen.
    pub variables: Vec<EvaluatedVariable<'d>>,
    /// What all texts refer to, with the variables' states.
    pub values: Values,
    /// In reading order; rows are among them, and what is folded away is not.
    pub panels: Vec<EvaluatedPanel<'d>>,
    /// What is wrong with the dashboard or the request as a whole.
    pub problems: Vec<String>,
}

impl<'d> EvaluatedDashboard<'d> {
    /// The options of a variable, and what is chosen.
    pub fn state(&self, variable: &EvaluatedVariable<'_>) -> Option<&State> {
        self.values.get(&variable.variable.name)
    }

    /// The variables as a panel sees them.
    pub fn values_of<'a>(&'a self, panel: &'a EvaluatedPanel<'_>) -> &'a Values {
        panel.own_values.as_ref().unwrap_or(&self.values)
    }

    /// The places of the panels, in their order.
    pub fn placed(&self) -> Vec<Placed<'d>> {
        self.panels.iter().map(|panel| panel.placed.clone()).collect()
    }
}

/// Evaluates a dashboard. Equal requests to equal data give equal results, but for the durations.
pub fn evaluate<'d>(
    dashboard: &'d Dashboard,
    request: &Request,
    source: &Source<'_>,
) -> EvaluatedDashboard<'d> {
    let mut problems = Vec::new();
    let (range, raw_range) = time_range(dashboard, request, &mut problems);
    let mut values = Values::default();
    values.set_range(range, &raw_range.0, &raw_range.1);
    values.set_built_in("__dashboard", dashboard.title.clone());
    set_length(&mut values, range);
    let variables = resolve(&dashboard.variables, &request.chosen, range, source, &mut values, &mut problems);

    let placed = arrange(&dashboard.panels, &values, |row| request.is_folded(row));
    let mut queries = Queries::default();
    // The timing is different for each panel, and no property of the dashboard.
    let mut seen_by_panels = values.clone();
    let planned: Vec<_> = placed
        .into_iter()
        .map(|placed| plan(placed, range, &mut seen_by_panels, request, source, &mut queries))
        .collect();
    let answered = queries.run(source);
    let panels = planned.into_iter().map(|panel| panel.finish(&answered)).collect();
    EvaluatedDashboard { dashboard, range, raw_range, variables, values, panels, problems }
}

/// The length of the range: the one timing that the queries of variables have.
fn set_length(values: &mut Values, range: TimeRange) {
    let length_ms = range.length_ms();
    let seconds = (length_ms as f64 / 1_000.0).round();
    values.set_built_in("__range", format!("{seconds}s"));
    values.set_built_in("__range_s", seconds.to_string());
    values.set_built_in("__range_ms", length_ms.to_string());
}

/// What was asked for; if that cannot be read, what the dashboard says; if that cannot be read either, an hour.
fn time_range(
    dashboard: &Dashboard,
    request: &Request,
    problems: &mut Vec<String>,
) -> (TimeRange, (String, String)) {
    let own = (dashboard.time.from.clone(), dashboard.time.to.clone());
    let hour = ("now-1h".to_owned(), "now".to_owned());
    for (from, to) in request.range.iter().cloned().chain([own, hour]) {
        match parse_time_range(&from, &to, request.now_ms, &request.calendar) {
            Ok(range) => return (range, (from, to)),
            Err(error) => problems.push(error.to_string()),
        }
    }
    // A present that is beyond all calendars.
    let to_ms = request.now_ms;
    let range = TimeRange { from_ms: to_ms.saturating_sub(3_600_000), to_ms };
    (range, (range.from_ms.to_string(), range.to_ms.to_string()))
}
