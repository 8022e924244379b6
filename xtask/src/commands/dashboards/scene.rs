//! What dashboards are drawn from when no environment runs: the embedded one, made anew at a fixed instant, so that the
//! same seed gives the same picture on every machine.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use clap::{Args, ValueEnum};
use dashboard_view::{DataSource, EvaluatedDashboard, InMemory, Request, Source, evaluate, never};
use grafana::color::Theme;
use grafana::interval::{Calendar, parse_time_range};
use grafana::model::Dashboard;
use grafana::render::{self, Appearance, Page, PanelInput, Size, TablePage};
use grafana::units::Clock;
use grafana::variables::Values;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, PreEscaped, html};
use prometheus_server::QueryService;

use crate::context::Context;
use crate::environment::{EmbeddedOptions, SimulationClock, environment, estimate, read_manifests};
use crate::ui::{Steps, Usage};

/// The pictures' width in pixels.
pub(super) const WIDTH: u32 = 1_280;

/// Every scene takes place then, unless it is said otherwise: a picture changes only when a dashboard does.
const THEN: &str = "2026-06-01T12:00:00Z";

/// What is shown.
#[derive(Args)]
pub(super) struct SceneArguments {
    /// How much time the dashboards show, up to now: 15m, 1h, 6h [default: what each of them says]
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["from", "to"])]
    range: Option<String>,

    /// Where the time range begins: now-1h, or an instant.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,

    /// Where it ends [default: now]
    #[arg(long, value_name = "TIME")]
    to: Option<String>,

    /// The value of a variable; can be given several times, also for one variable. $__all is all of them.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    variables: Vec<String>,

    /// The colours.
    #[arg(long, value_enum, default_value = "dark")]
    theme: Colours,

    /// How many nodes the cluster has.
    #[arg(long, value_name = "N", default_value_t = 50)]
    nodes: usize,

    /// How many pods.
    #[arg(long, value_name = "M", default_value_t = 200)]
    pods: usize,

    /// Which fleet.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// The present.
    #[arg(long, value_name = "RFC3339", default_value = THEN)]
    now: Timestamp,
}

#[derive(Clone, Copy, ValueEnum)]
enum Colours {
    Dark,
    Light,
}

/// An environment, and what is asked of each dashboard.
pub(super) struct Scene {
    metrics: InMemory,
    data_sources: Vec<DataSource>,
    request: Request,
    clock: Clock,
    theme: Theme,
    workers: NonZeroUsize,
}

impl SceneArguments {
    /// The values of variables by name.
    pub(super) fn variables(&self) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for text in &self.variables {
            let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
                return Err(
                    Usage(format!("--var {text:?}: give NAME=VALUE, for example namespace=apps")).into()
                );
            };
            values.entry(name.to_owned()).or_default().push(value.to_owned());
        }
        Ok(values)
    }

    /// The time range as Grafana writes it, and how far back it reaches.
    fn range(&self) -> anyhow::Result<(Option<(String, String)>, SignedDuration)> {
        let range = match (&self.range, &self.from, &self.to) {
            (None, None, None) => return Ok((None, SignedDuration::ZERO)),
            (Some(length), ..) => (format!("now-{length}"), "now".to_owned()),
            (None, from, to) => (
                from.clone().unwrap_or_else(|| "now-1h".to_owned()),
                to.clone().unwrap_or_else(|| "now".to_owned()),
            ),
        };
        let now_ms = self.now.as_millisecond();
        let parsed = parse_time_range(&range.0, &range.1, now_ms, &calendar())
            .map_err(|error| Usage(format!("--range, --from, --to: {error}")))?;
        if parsed.to_ms > now_ms {
            return Err(Usage("--to is in the future; the present is --now".to_owned()).into());
        }
        Ok((Some(range), SignedDuration::from_millis(now_ms.saturating_sub(parsed.from_ms))))
    }

    /// Makes the environment and its history.
    pub(super) fn build(&self, context: &Context, steps: &Steps) -> anyhow::Result<Scene> {
        let (range, reach) = self.range()?;
        let variables = self.variables()?;
        let options = EmbeddedOptions {
            nodes: self.nodes,
            pods: self.pods,
            seed: self.seed,
            backfill: EmbeddedOptions::default().backfill.max(reach),
            clock: SimulationClock::starting_at(Some(self.now)),
            ..EmbeddedOptions::default()
        };
        let environment = steps.run(
            "build the environment",
            |progress| {
                let manifests = read_manifests(context, &options)?;
                let estimate = estimate(&options)?;
                let mut environment = environment(context, &manifests, &options, &estimate, self.now)?;
                let whole = self.now.duration_since(environment.next_scrape()).as_secs().max(1);
                while environment.next_scrape() <= self.now {
                    // In slices of five minutes, so that progress can be shown.
                    let next = environment.next_scrape() + SignedDuration::from_mins(5);
                    environment.advance(next.min(self.now))?;
                    let left = self.now.duration_since(environment.next_scrape()).as_secs().max(0);
                    progress.show(&format!("{} %", 100 - 100 * left / whole));
                }
                anyhow::Ok(environment)
            },
            |_| format!("{} nodes, {} pods, seed {}", self.nodes, self.pods, self.seed),
        )?;
        let service = QueryService::new(
            environment.store().clone(),
            promql::EngineOptions::default(),
            promql::ParseOptions::default(),
        );
        let mut request = Request::at(self.now.as_millisecond());
        request.chosen.values = variables;
        request.range = range;
        request.calendar = calendar();
        request.page_width = WIDTH;
        Ok(Scene {
            metrics: InMemory::new(service),
            data_sources: vec![DataSource {
                name: "Prometheus".to_owned(),
                uid: "prometheus".to_owned(),
                kind: "prometheus".to_owned(),
            }],
            request,
            clock: Clock { now_ms: self.now.as_millisecond(), zone: TimeZone::UTC },
            theme: match self.theme {
                Colours::Dark => Theme::Dark,
                Colours::Light => Theme::Light,
            },
            workers: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        })
    }
}

/// Pictures are the same everywhere, so they know no zone but UTC.
fn calendar() -> Calendar {
    Calendar { zone: TimeZone::UTC, ..Calendar::default() }
}

impl Scene {
    /// Asks for what a dashboard shows; of the panels with these ids only, if they are given: then all rows are open.
    pub(super) fn evaluate<'d>(
        &self,
        dashboard: &'d Dashboard,
        only: Option<BTreeSet<i64>>,
    ) -> EvaluatedDashboard<'d> {
        let source = Source {
            metrics: &self.metrics,
            data_sources: &self.data_sources,
            scrape_interval: "60s",
            // Durations would differ each time.
            elapsed: &|| Duration::ZERO,
            interrupt: &never,
            workers: self.workers,
        };
        let folded = dashboard.panels.iter().filter(|panel| only.is_some() && panel.collapsed);
        let toggled_rows = folded.filter_map(|row| row.id).collect();
        evaluate(dashboard, &Request { only, toggled_rows, ..self.request.clone() }, &source)
    }

    /// The whole dashboard as one page of HTML.
    pub(super) fn html(&self, evaluated: &EvaluatedDashboard<'_>) -> String {
        self.with_page(evaluated, |page, context| render::page(page, context).into_string())
    }

    /// The whole dashboard as one picture.
    pub(super) fn svg(&self, evaluated: &EvaluatedDashboard<'_>) -> String {
        self.with_page(evaluated, |page, context| render::page_as_svg(page, context, WIDTH))
    }

    fn with_page<T>(
        &self,
        evaluated: &EvaluatedDashboard<'_>,
        draw: impl FnOnce(&Page<'_>, &render::Context<'_>) -> T,
    ) -> T {
        let drawn: Vec<Markup> = (0..evaluated.panels.len()).map(|i| self.panel(evaluated, i)).collect();
        let placed = evaluated.placed();
        let page = Page {
            dashboard: evaluated.dashboard,
            placed: &placed,
            drawn: &drawn,
            range: evaluated.range,
            head: None,
            controls: None,
        };
        draw(&page, &self.context(&evaluated.values))
    }

    /// One panel, by its place among the evaluated ones.
    pub(super) fn panel(&self, evaluated: &EvaluatedDashboard<'_>, i: usize) -> Markup {
        let panel = &evaluated.panels[i];
        let input = PanelInput {
            panel: panel.panel(),
            frames: &panel.frames,
            errors: &panel.errors(),
            range: panel.range,
            step_ms: panel.step_ms,
            table_page: TablePage::default(),
            size: Size::on_grid(panel.placed.grid, WIDTH),
        };
        render::panel(&input, &self.context(evaluated.values_of(panel)))
    }

    /// One panel as a picture of its own.
    pub(super) fn panel_svg(&self, evaluated: &EvaluatedDashboard<'_>, i: usize) -> String {
        let Size { width, height } = Size::on_grid(evaluated.panels[i].placed.grid, WIDTH);
        let class = match self.theme {
            Theme::Dark => "theme-dark",
            Theme::Light => "theme-light",
        };
        let drawn = html! {
            svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
                viewBox=(format!("0 0 {width} {height}")) class=(class) {
                style { (PreEscaped(render::STYLE)) }
                foreignObject width="100%" height="100%" {
                    // The page's own margin is not part of a panel.
                    div class="body" style=(format!("height: {height}px; padding: 0; display: grid"))
                        xmlns="http://www.w3.org/1999/xhtml" { (self.panel(evaluated, i)) }
                }
            }
        };
        // XML has no way to write these.
        let mut text = drawn.into_string();
        text.retain(|c| {
            (!c.is_control() || matches!(c, '\n' | '\t')) && !matches!(c, '\u{fffe}' | '\u{ffff}')
        });
        text
    }

    fn context<'a>(&'a self, values: &'a Values) -> render::Context<'a> {
        render::Context {
            appearance: Appearance::Fixed(self.theme),
            clock: &self.clock,
            values,
            hover: false,
        }
    }
}
