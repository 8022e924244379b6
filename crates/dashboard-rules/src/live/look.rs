//! A dashboard with its answers.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use dashboard_view::{
    EvaluatedDashboard, EvaluatedPanel, EvaluatedTarget, Metrics, Request, Source, evaluate, never,
};
use grafana::model::Panel;

use super::{Choice, Live};
use crate::finding::Place;
use crate::subject::Dashboard;

/// Which environment is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// The usual one.
    Usual,
    /// The larger one, for what queries cost.
    Larger,
}

/// A dashboard, evaluated for one choice of its variables.
pub struct Look<'a> {
    /// The dashboard.
    pub dashboard: &'a Dashboard,
    /// The choice.
    pub choice: Choice,
    /// Its place among the looks at this dashboard: 0 is as it opens.
    pub number: usize,
    /// Where it was asked.
    pub size: Size,
    /// What came out.
    pub view: EvaluatedDashboard<'a>,
}

impl<'a> Look<'a> {
    /// Looks at a dashboard.
    pub fn new(dashboard: &'a Dashboard, choice: Choice, number: usize, size: Size, live: &Live<'_>) -> Self {
        let metrics = match size {
            Size::Usual => live.metrics(),
            Size::Larger => live.larger().unwrap_or(live.metrics()),
        };
        let view = evaluate_with(dashboard, &choice, None, live, metrics, live.options.now_ms);
        Self { dashboard, choice, number, size, view }
    }

    /// Looks at some panels of a dashboard for the sake of another; at all of them without a choice.
    pub(crate) fn of_panels(
        dashboard: &'a Dashboard,
        choice: Choice,
        only: Option<BTreeSet<i64>>,
        live: &Live<'_>,
    ) -> Self {
        let view = evaluate_with(dashboard, &choice, only, live, live.metrics(), live.options.now_ms);
        Self { dashboard, choice, number: 0, size: Size::Usual, view }
    }

    /// Looks at a dashboard in the simulated environment, beside a real one.
    pub(crate) fn simulated(
        dashboard: &'a Dashboard,
        choice: Choice,
        metrics: &dyn Metrics,
        now_ms: i64,
        live: &Live<'_>,
    ) -> Self {
        let view = evaluate_with(dashboard, &choice, None, live, metrics, now_ms);
        Self { dashboard, choice, number: 0, size: Size::Usual, view }
    }

    /// The panels that were asked, with their queries.
    pub fn panels(&self) -> impl Iterator<Item = &EvaluatedPanel<'a>> {
        self.view.panels.iter().filter(|panel| panel.asked)
    }

    /// Whether all queries of a panel go to a Prometheus: others are not asked here.
    pub fn is_asked_whole(&self, panel: &EvaluatedPanel<'_>) -> bool {
        let panel = panel.panel();
        panel.targets.iter().all(|target| {
            self.dashboard.is_prometheus(target.datasource.as_ref().or(panel.datasource.as_ref()))
        })
    }

    /// The panels' queries.
    pub fn targets(&self) -> impl Iterator<Item = (&EvaluatedPanel<'a>, &EvaluatedTarget)> {
        self.panels().flat_map(|panel| panel.targets.iter().map(move |target| (panel, target)))
    }

    /// A panel's place.
    pub fn place(&self, panel: &EvaluatedPanel<'_>) -> Place {
        self.dashboard.place_of_panel(panel.panel())
    }

    /// The place of a query's text.
    pub fn place_of_target(&self, panel: &EvaluatedPanel<'_>, target: &EvaluatedTarget) -> Place {
        let panel = panel.panel();
        match panel.targets.iter().position(|one| one.ref_id == target.ref_id) {
            Some(index) => self.dashboard.place_of_target(panel, index).key("expr"),
            None => self.dashboard.place_of_panel(panel),
        }
    }

    /// The same choice in another dashboard, as far as it has these variables: what it is for this one is for that one.
    pub fn choice_for(&self, other: &Dashboard) -> Choice {
        let mut values = BTreeMap::new();
        for variable in &other.model.variables {
            if let Some(state) = self.view.values.get(&variable.name) {
                let chosen = state.address_values().into_iter().map(str::to_owned).collect();
                values.insert(variable.name.clone(), chosen);
            }
        }
        Choice { values }
    }
}

/// Evaluates a dashboard, with all its rows open; of its panels only these, if there are any.
pub(crate) fn evaluate_with<'d>(
    dashboard: &'d Dashboard,
    choice: &Choice,
    only: Option<BTreeSet<i64>>,
    live: &Live<'_>,
    metrics: &dyn Metrics,
    now_ms: i64,
) -> EvaluatedDashboard<'d> {
    let options = live.options;
    let source = Source {
        metrics,
        data_sources: options.data_sources,
        scrape_interval: "60s",
        elapsed: options.elapsed,
        interrupt: &never,
        // Dashboards are looked at side by side already.
        workers: NonZeroUsize::MIN,
    };
    let mut request = Request::at(now_ms);
    request.chosen.values.clone_from(&choice.values);
    request.range = Some(options.range.clone());
    request.toggled_rows =
        dashboard.model.panels.iter().filter(|row| row.collapsed).filter_map(|row: &Panel| row.id).collect();
    request.only = only;
    evaluate(&dashboard.model, &request, &source)
}
