//! The page of the environment, beside the preview of the dashboards: what runs, its metrics, a query box. Rendered on
//! the server; no JavaScript.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use catalogue::{MetricDef, MetricKind};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use prometheus_server::{Browse, QueryFailure, QueryService};
use promql::{Interrupt, Stop};
use serde::Deserialize;

use crate::answer::{Answer, AnswerValue, label_names, number};
use crate::environment::{EnvironmentStatus, SimulationClock};
use crate::ui::query_error;

/// What the page shows.
pub(crate) struct Page {
    /// Answers the query box and counts the series.
    pub(crate) queries: QueryService,
    /// The simulation's time.
    pub(crate) clock: SimulationClock,
    /// The numbers that change, as they are now.
    pub(crate) status: Box<dyn Fn() -> EnvironmentStatus + Send + Sync>,
    /// The addresses of the other servers, as (name, URL).
    pub(crate) links: Vec<(&'static str, String)>,
}

/// Where the page is.
pub(crate) const PAGE: &str = "/environment";

/// [`PAGE`] for people, `/api/environment` for `cargo xtask status`.
pub(crate) fn page_router(page: Page) -> Router {
    Router::new()
        .route(PAGE, get(show))
        .route("/api/environment", get(async |State(page): State<Arc<Page>>| Json((page.status)())))
        .with_state(Arc::new(page))
}

#[derive(Deserialize)]
struct Parameters {
    #[serde(default)]
    query: String,
}

/// A table longer than this is cut; the Prometheus API has the rest.
const MOST_ROWS: usize = 200;

const EXAMPLE: &str = "sum by (k8s_namespace_name) (rate(k8s_pod_cpu_time_seconds_total[5m]))";

async fn show(State(page): State<Arc<Page>>, Query(parameters): Query<Parameters>) -> Response {
    // Dropped with this future, when the browser does not wait any longer.
    let waiting = Waiting(Arc::new(AtomicBool::new(true)));
    let (asked, waited_for) = (Instant::now(), Arc::clone(&waiting.0));
    let stop = move || {
        if !waited_for.load(Ordering::Relaxed) {
            Some(Stop::Canceled)
        } else if asked.elapsed() > PATIENCE {
            Some(Stop::Timeout)
        } else {
            None
        }
    };
    // A query may take its time: not on the thread that serves everyone.
    let work = move || render(&page, parameters.query.trim(), &stop);
    let rendered = tokio::task::spawn_blocking(work).await;
    drop(waiting);
    match rendered {
        Ok(markup) => {
            let headers = [
                (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::REFERRER_POLICY, "same-origin"),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, markup.into_string()).into_response()
        }
        Err(_) => axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Says whether somebody still waits for the answer.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// A query of the page may take this long; the API has Prometheus' two minutes.
const PATIENCE: Duration = Duration::from_secs(15);

/// No script, nothing from elsewhere, in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

fn render(page: &Page, query: &str, stop: Interrupt<'_>) -> Markup {
    let status = (page.status)();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "kubernetes-mixin-otel: " (status.cluster_name) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                nav { a href="/" { "Dashboards" } " " a href="/explore" { "Explore" } }
                h1 { "kubernetes-mixin-otel" }
                section {
                    table {
                        @for (name, value) in status.rows() { tr { th { (name) } td { (value) } } }
                        @for (name, url) in &page.links { tr { th { (name) } td { a href=(url) { (url) } } } }
                    }
                }
                section {
                    h2 { "Query" }
                    form action=(PAGE) {
                        input name="query" value=(query) placeholder=(EXAMPLE) aria-label="PromQL" autofocus spellcheck="false";
                        button { "Ask" }
                    }
                    @if !query.is_empty() { (answer(page, query, stop)) }
                }
                (metrics(page))
            }
        }
    }
}

fn answer(page: &Page, query: &str, stop: Interrupt<'_>) -> Markup {
    match page.queries.instant(query, page.clock.now().as_millisecond(), stop) {
        Ok(output) => answer_table(&output.into()),
        Err(QueryFailure::Parse { query, error }) => html! { pre.error { (query_error(&query, &error)) } },
        Err(error) => html! { pre.error { (error) } },
    }
}

fn answer_table(answer: &Answer) -> Markup {
    html! {
        @for remark in &answer.remarks { p.remark { (remark) } }
        @match &answer.value {
            AnswerValue::Scalar(value) => pre { (number(*value)) },
            AnswerValue::Text(text) => pre { (text) },
            AnswerValue::Vector(samples) => {
                @let names = label_names(samples.iter().map(|(labels, _)| labels));
                p { (samples.len()) " series" @if samples.len() > MOST_ROWS { ", the first " (MOST_ROWS) " of them" } }
                div.wide { table.data {
                    thead { tr { th.number { "value" } @for name in &names { th { (name) } } } }
                    @for (labels, value) in samples.iter().take(MOST_ROWS) {
                        tr {
                            td.number { (number(*value)) }
                            @for name in &names { td { (labels.get(name).map_or("", String::as_str)) } }
                        }
                    }
                } }
            },
            AnswerValue::Matrix(series) => {
                p { (series.len()) " series with a range of samples: " (series.iter().map(|(_, points)| points.len()).sum::<usize>())
                    ". Put a function such as rate() around it to get one value for each." }
            },
        }
    }
}

fn metrics(page: &Page) -> Markup {
    let names = page.queries.label_values(labels::METRIC_NAME, &Browse::default()).items;
    html! {
        section {
            h2 { (names.len()) " metrics" }
            div.wide { table.data {
                thead { tr { th { "in Prometheus" } th { "in OpenTelemetry" } th { "type" } th { "unit" } th { "meaning" } } }
                @for name in &names {
                    @let known = catalogue::find_by_prometheus_name(name);
                    tr {
                        td { a href={ "/explore?query=" (urlencode(name)) } { (name) } }
                        td { (known.map_or("", |metric| metric.name)) }
                        td { (known.map_or("", kind)) }
                        td { (known.map_or("", |metric| metric.unit)) }
                        td { (known.map_or("", |metric| metric.description)) }
                    }
                }
            } }
        }
    }
}

fn kind(metric: &MetricDef) -> &'static str {
    match metric.kind {
        MetricKind::Gauge | MetricKind::UpDownCounter => "gauge",
        MetricKind::Counter => "counter",
    }
}

/// For the value of a query parameter.
fn urlencode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: #3274d9; --bad: #d1453b; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 .5rem; } h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; }
table { border-collapse: collapse; } th { text-align: left; font-weight: 600; white-space: nowrap; }
th, td { padding: .15rem 1rem .15rem 0; vertical-align: top; }
.data th, .data td { border-bottom: 1px solid var(--line); } .data tr:hover td { background: var(--soft); }
.data td:last-child { min-width: 14rem; } .number { text-align: right; font-variant-numeric: tabular-nums; } .wide { overflow-x: auto; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
form { display: flex; gap: .5rem; } input { flex: 1; min-width: 0; }
input, button { font: 14px ui-monospace, monospace; padding: .45rem .6rem; border: 1px solid var(--line); border-radius: .3rem; }
pre { background: var(--soft); padding: .6rem; overflow-x: auto; } .error { border-left: .25rem solid var(--bad); }
.remark { color: var(--bad); }
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_parameters_survive_a_link() {
        assert_eq!(urlencode("a{b=\"c d\"}"), "a%7Bb%3D%22c+d%22%7D");
        assert_eq!(urlencode("k8s_pod_cpu_usage"), "k8s_pod_cpu_usage");
    }

    #[test]
    fn label_values_are_text_and_never_markup() {
        let labels = [("pod".to_owned(), "<script>alert(1)</script>".to_owned())].into();
        let answer =
            Answer { value: AnswerValue::Vector(vec![(labels, 1.0)]), remarks: vec!["<b>".to_owned()] };
        let page = answer_table(&answer).into_string();
        assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
    }
}
