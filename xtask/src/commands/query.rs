//! `cargo xtask query`: a PromQL query from the shell.

use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};
use labels::METRIC_NAME;
use prometheus_server::{KnownNames, QueryFailure, QueryService, hints, never};
use promql::ast::Expr;
use promql::{ParseError, QueryError, RangeQuery};

use crate::answer::{Answer, Steps};
use crate::commands::{ChosenEnvironment, chosen_real};
use crate::context::Context;
use crate::environment::{EmbeddedOptions, StateFolder, agent, build_embedded};
use crate::features::Feature;
use crate::ui::{BadQuery, Usage, print_result, query_error};

/// Print the answer to a PromQL query as a table.
///
/// Asks the running environment (`cargo xtask kwok`), or one in memory, made for this query alone, when none runs.
#[derive(clap::Args)]
pub(crate) struct Query {
    /// The query, for example 'sum by (k8s_namespace_name) (rate(k8s_pod_cpu_time_seconds_total[5m]))'; "-" reads it from
    /// stdin.
    #[arg(allow_hyphen_values = true)]
    promql: String,

    /// Evaluate over this long until now instead of at this instant, for example 1h.
    #[arg(long, value_name = "DURATION", value_parser = super::parse_duration)]
    range: Option<SignedDuration>,

    /// The time between two steps of --range; a sixtieth of the range by default.
    #[arg(long, value_name = "DURATION", requires = "range", value_parser = super::parse_duration)]
    step: Option<SignedDuration>,

    /// Switch on PromQL that a Prometheus server of default settings refuses, in the environment in memory. One that runs
    /// has its own `cargo xtask kwok --enable-feature`.
    #[arg(long, value_enum, value_name = "NAME", value_delimiter = ',')]
    enable_feature: Vec<Feature>,

    /// How much history the environment in memory has.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = super::parse_duration)]
    backfill: SignedDuration,

    /// Ask this Prometheus-compatible server (http:// only).
    #[arg(long, value_name = "URL", conflicts_with = "name")]
    url: Option<String>,

    #[command(flatten)]
    environment: ChosenEnvironment,
}

/// Range queries end at most this long before now.
const LONGEST_GRID_MS: i64 = 60_000;

/// A Prometheus server evaluates no more steps than this.
const MOST_STEPS: i64 = 11_000;

/// An answer larger than this is refused: a table of it helps nobody.
const LARGEST_ANSWER: u64 = 256 << 20;

/// How long a server may think about a query.
const QUERY_TIMEOUT: Duration = Duration::from_secs(130);

impl Query {
    #[allow(clippy::print_stderr, reason = "a failure with its place is not one line")]
    pub(crate) fn run(mut self, context: &Context) -> anyhow::Result<ExitCode> {
        if self.promql == "-" {
            self.promql = read_query(std::io::stdin().lock())?;
        }
        let server = match self.url.clone() {
            Some(url) if !url.starts_with("http://") => {
                return Err(Usage(format!("--url {url}: only http:// can be asked from here")).into());
            }
            Some(url) => Some(url),
            None => match chosen_real(self.environment.name())? {
                Some(real) => Some(real.prometheus_url),
                None => StateFolder::of_user()?
                    .running(self.environment.name())?
                    .map(|environment| environment.api_url),
            },
        };
        // Read here even when a server evaluates it: the server's message cannot point into the text. What it has switched
        // on is its own affair.
        let options = match server {
            Some(_) => promql::ParseOptions { experimental: true },
            None => Feature::parse_options(&self.enable_feature),
        };
        let expr = promql::parse(&self.promql, options)
            .map_err(|error| BadQuery(query_error(&self.promql, &error)))?;
        let outcome = match server {
            Some(url) => self.ask_server(&url, &expr)?,
            None => match self.ask_memory(context, &expr)? {
                Ok(outcome) => outcome,
                Err(rendered) => {
                    eprintln!("{rendered}");
                    return Ok(ExitCode::FAILURE);
                }
            },
        };
        outcome.print()?;
        Ok(ExitCode::SUCCESS)
    }

    fn ask_server(&self, url: &str, expr: &Expr) -> anyhow::Result<Outcome> {
        // Without a time the server takes its own: a simulation may run at another one than this machine.
        let now = match self.range {
            Some(_) => Some(server_time(url)?),
            None => None,
        };
        let range = now.map(|now| self.steps(now)).transpose()?.flatten();
        let mut parameters = vec![("query", self.promql.clone())];
        let path = match range {
            None => "query",
            Some(range) => {
                parameters.push(("start", seconds(range.start_ms)));
                parameters.push(("end", seconds(range.end_ms)));
                parameters.push(("step", seconds(range.step_ms)));
                "query_range"
            }
        };
        let answer = Answer::from_api(&post(url, path, parameters)?)?;
        Ok(Outcome::new(answer, range, expr, &ServerNames(url)))
    }

    /// The answer, or why the query has none, with its place.
    fn ask_memory(&self, context: &Context, expr: &Expr) -> anyhow::Result<Result<Outcome, String>> {
        let mut options = EmbeddedOptions { backfill: self.backfill, ..EmbeddedOptions::default() };
        if let Some(range) = self.range {
            options.backfill = options.backfill.max(range);
        }
        let environment = build_embedded(context, &options)?;
        let engine = Feature::engine_options(&self.enable_feature, promql::EngineOptions::default());
        let parse = Feature::parse_options(&self.enable_feature);
        let service = QueryService::new(environment.store().clone(), engine, parse)
            .with_scrape_interval(options.interval.unsigned_abs());
        let now = options.clock.now();
        let range = self.steps(now)?;
        let output = match range {
            Some(range) => service.range(&self.promql, range, &never),
            None => service.instant(&self.promql, now.as_millisecond(), &never),
        };
        match output {
            Ok(output) => Ok(Ok(Outcome::new(output.into(), range, expr, &service))),
            Err(QueryFailure::Parse { query, error }) => Err(BadQuery(query_error(&query, &error)).into()),
            Err(QueryFailure::Query(QueryError::Execution { message, span })) => {
                let error = ParseError { message, span, hint: None };
                Ok(Err(query_error(&self.promql, &error)))
            }
            Err(error) => Err(error).context("the query failed"),
        }
    }

    fn steps(&self, now: Timestamp) -> anyhow::Result<Option<RangeQuery>> {
        let Some(range) = self.range else { return Ok(None) };
        let step = match self.step {
            Some(step) if step < SignedDuration::from_millis(1) => {
                let message =
                    "--step is the time from one instant to the next: 1ms or more, for example --step 30s";
                return Err(Usage(message.to_owned()).into());
            }
            Some(step) => step,
            None => (range / 60).max(SignedDuration::from_secs(1)),
        };
        let step_ms = i64::try_from(step.as_millis()).context("the step is too long")?;
        // Whole steps since the epoch, as Grafana asks: the same instants each time. Long steps are not waited for.
        let grid_ms = step_ms.min(LONGEST_GRID_MS);
        let end_ms = now.as_millisecond().div_euclid(grid_ms) * grid_ms;
        let range_ms = i64::try_from(range.as_millis()).context("the range is too long")?;
        if range_ms / step_ms > MOST_STEPS {
            let least = (range_ms - 1).div_euclid(MOST_STEPS * 1_000) + 1;
            return Err(Usage(format!(
                "--step {step:#} is too short for --range {range:#}: a query has at most 11,000 steps; \
                 take --step {least}s or more"
            ))
            .into());
        }
        Ok(Some(RangeQuery { start_ms: end_ms - range_ms.div_euclid(step_ms) * step_ms, end_ms, step_ms }))
    }
}

/// A query from a pipe or a file.
fn read_query(input: impl Read) -> anyhow::Result<String> {
    /// As long as the parser reads.
    const LONGEST: u64 = 4 << 20;
    let mut text = String::new();
    input.take(LONGEST + 1).read_to_string(&mut text).context("failed to read the query from stdin")?;
    Ok(text.trim().to_owned())
}

/// An answer and what there is to say about it.
struct Outcome {
    answer: Answer,
    range: Option<RangeQuery>,
    /// Names that nothing has, and what was probably meant.
    hints: Vec<String>,
}

impl Outcome {
    fn new(answer: Answer, range: Option<RangeQuery>, expr: &Expr, known: &dyn KnownNames) -> Self {
        let hints = hints(expr, answer.series() == Some(0), known);
        Self { answer, range, hints }
    }

    #[allow(clippy::print_stderr, reason = "remarks go to stderr, the result to stdout")]
    fn print(&self) -> anyhow::Result<()> {
        #[allow(clippy::cast_precision_loss, reason = "milliseconds since the epoch stay far below 2^53")]
        let steps = self.range.map(|range| Steps {
            start: range.start_ms as f64 / 1_000.0,
            step: range.step_ms as f64 / 1_000.0,
            count: usize::try_from((range.end_ms - range.start_ms) / range.step_ms + 1).unwrap_or(0),
        });
        let Self { answer, hints, .. } = self;
        if answer.series() != Some(0) {
            print_result(&answer.to_table(steps))?;
        } else if hints.is_empty() {
            eprintln!(
                "no series: nothing matches at this time; `cargo xtask metrics` lists the receivers' metrics"
            );
        } else {
            eprintln!("no series: nothing matches");
        }
        for remark in &answer.remarks {
            eprintln!("{remark}");
        }
        for hint in hints {
            eprintln!("hint: {hint}");
        }
        Ok(())
    }
}

/// The names that a server knows. A question that it does not answer costs a hint, not the query.
struct ServerNames<'u>(&'u str);

impl ServerNames<'_> {
    fn list(&self, path: &str, metric: Option<&str>) -> Vec<String> {
        let ask = || -> anyhow::Result<Vec<String>> {
            let mut request =
                agent(QUERY_TIMEOUT).get(format!("{}/api/v1/{path}", self.0.trim_end_matches('/')));
            if let Some(metric) = metric {
                request = request.query("match[]", format!("{{{METRIC_NAME}={metric:?}}}"));
            }
            let text = request.call()?.body_mut().with_config().limit(LARGEST_ANSWER).read_to_string()?;
            let mut body: serde_json::Value = serde_json::from_str(&text)?;
            Ok(serde_json::from_value(body["data"].take())?)
        };
        ask().unwrap_or_default()
    }
}

impl KnownNames for ServerNames<'_> {
    fn metrics(&self) -> Vec<String> {
        self.list(&format!("label/{METRIC_NAME}/values"), None)
    }

    fn labels(&self, metric: &str) -> Vec<String> {
        self.list("labels", Some(metric))
    }

    fn values(&self, metric: &str, label: &str) -> Vec<String> {
        self.list(&format!("label/{label}/values"), Some(metric))
    }
}

fn server_time(url: &str) -> anyhow::Result<Timestamp> {
    let body = post(url, "query", vec![("query", "time()".to_owned())])?;
    let body: serde_json::Value = serde_json::from_str(&body).context("the answer is not JSON")?;
    let time = body["data"]["result"][0].as_f64().with_context(|| format!("{url} did not tell its time"))?;
    #[allow(clippy::cast_possible_truncation, reason = "a time in milliseconds fits")]
    Timestamp::from_millisecond((time * 1_000.0) as i64).context("the server's time is out of range")
}

fn post(url: &str, path: &str, parameters: Vec<(&str, String)>) -> anyhow::Result<String> {
    let full = format!("{}/api/v1/{path}", url.trim_end_matches('/'));
    let mut answer = agent(QUERY_TIMEOUT)
        .post(&full)
        .send_form(parameters)
        .with_context(|| format!("failed to ask {full}"))?;
    let text = answer.body_mut().with_config().limit(LARGEST_ANSWER).read_to_string().with_context(|| {
        format!("failed to read the answer of {full} (narrow the query if it is too large)")
    })?;
    if !text.starts_with('{') {
        bail!("{full} is no Prometheus API: it answered {}", answer.status());
    }
    Ok(text)
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds since the epoch stay far below 2^53")]
fn seconds(millis: i64) -> String {
    format!("{}", millis as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        query: Query,
    }

    #[test]
    fn a_query_may_begin_with_a_minus_or_come_from_a_pipe() {
        let query =
            |arguments: &[&str]| Cli::try_parse_from([&["query"], arguments].concat()).map(|cli| cli.query);
        assert_eq!(query(&["-1"]).unwrap().promql, "-1");
        assert_eq!(query(&["-sum(up)", "--range", "1h"]).unwrap().promql, "-sum(up)");
        assert_eq!(query(&["-"]).unwrap().promql, "-");
        assert_eq!(read_query(&b"  sum(\n  up)\n"[..]).unwrap(), "sum(\n  up)");
    }

    #[test]
    fn what_is_experimental_has_to_be_switched_on() {
        let cli = Cli::try_parse_from(["query", "1", "--enable-feature", "promql-experimental-functions"]);
        assert_eq!(cli.unwrap().query.enable_feature, [Feature::PromqlExperimentalFunctions]);
        assert!(Cli::try_parse_from(["query", "1", "--enable-feature", "nothing"]).is_err());
    }

    /// A query over `range` seconds.
    fn over(range: i64, step: Option<SignedDuration>) -> Query {
        Query {
            promql: "1".to_owned(),
            range: Some(SignedDuration::from_secs(range)),
            step,
            enable_feature: Vec::new(),
            backfill: SignedDuration::ZERO,
            url: None,
            environment: ChosenEnvironment::default(),
        }
    }

    #[test]
    fn a_bad_step_is_told_with_one_that_is_better() {
        const NONE: &str =
            "--step is the time from one instant to the next: 1ms or more, for example --step 30s";
        for (range, step, message) in [
            (3_600, SignedDuration::ZERO, NONE),
            (3_600, SignedDuration::from_nanos(999_999), NONE),
            (3_600, SignedDuration::from_secs(-30), NONE),
            (
                3_600,
                SignedDuration::from_millis(100),
                "--step 100ms is too short for --range 1h: a query has at most 11,000 steps; take --step 1s or more",
            ),
            (
                864_000,
                SignedDuration::from_secs(60),
                "--step 1m is too short for --range 240h: a query has at most 11,000 steps; take --step 79s or more",
            ),
        ] {
            let error = over(range, Some(step)).steps(Timestamp::UNIX_EPOCH).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
        assert!(over(11_000, Some(SignedDuration::from_secs(1))).steps(Timestamp::UNIX_EPOCH).is_ok());
    }

    #[test]
    fn steps_are_whole_multiples_so_that_two_runs_ask_the_same_instants() {
        let query = |range: i64, step: Option<i64>| over(range, step.map(SignedDuration::from_secs));
        let now = Timestamp::from_millisecond(1_000_000_123).unwrap();
        let hour = query(3600, None).steps(now).unwrap().unwrap();
        assert_eq!((hour.start_ms, hour.end_ms, hour.step_ms), (996_360_000, 999_960_000, 60_000));
        let odd = query(100, Some(30)).steps(now).unwrap().unwrap();
        assert_eq!((odd.end_ms - odd.start_ms, odd.step_ms), (90_000, 30_000));
        let days = query(864_000, None).steps(now).unwrap().unwrap();
        assert!(now.as_millisecond() - days.end_ms < 60_000, "the range ends long before now");
    }
}
