//! `--live`: the dashboards with their answers, on an environment in memory or on a server.

mod access;
mod environment;
mod server;

use std::time::Instant;

use clap::Args;
use dashboard_rules::live::{Budget, LiveOptions, LiveReport, look_at};
use dashboard_rules::{Rule, Subject};
use dashboard_view::{DataSource, Metrics};

pub(super) use access::ServerArguments;
use server::Server;

use crate::context::Context;
use crate::ui::{Steps, Usage};

/// Queries that a server is asked at once.
const CONCURRENCY: usize = 4;

/// A larger environment takes memory and minutes.
const LARGEST_SCALE: usize = 100;

/// Where answers come from.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct LiveArguments {
    /// Ask for all panels and variables besides, in an environment in memory. The default for our own sources.
    #[arg(long, conflicts_with_all = ["static_only", "self_test"])]
    live: bool,

    #[command(flatten)]
    server: ServerArguments,

    /// Judge what queries cost in an environment N times as large
    #[arg(long, value_name = "N", conflicts_with_all = ["static_only", "self_test", "prometheus"],
          value_parser = clap::value_parser!(u32).range(1..=LARGEST_SCALE as i64))]
    scale: Option<u32>,
}

/// A server that answered at first, and then no more.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct ServerLost(pub(super) String);

impl LiveArguments {
    /// Whether answers are asked for: `ours` says that our own sources are judged.
    pub(super) fn wanted(&self, ours: bool, static_only: bool) -> bool {
        !static_only && (ours || self.live || self.scale.is_some() || self.server.is_given())
    }

    /// Looks at the dashboards with their answers.
    pub(super) fn judge(
        &self,
        subject: &Subject,
        rules: &[&'static Rule],
        threads: usize,
        context: &Context,
        steps: &Steps,
    ) -> anyhow::Result<LiveReport> {
        match self.server.access()? {
            Some(access) => on_server(&Server::new(access), subject, rules, context, steps),
            None => self.in_memory(subject, rules, threads, context, steps),
        }
    }

    fn in_memory(
        &self,
        subject: &Subject,
        rules: &[&'static Rule],
        threads: usize,
        context: &Context,
        steps: &Steps,
    ) -> anyhow::Result<LiveReport> {
        let wants = |id: &str| rules.iter().any(|rule| rule.id == id);
        let (metrics, doubled) = steps.run(
            "build the environment",
            |_| {
                let store = environment::build(context, 1)?;
                let doubled =
                    if wants("L05") { Some(environment::with_second_collector(&store)?) } else { None };
                anyhow::Ok((environment::metrics(store), doubled.map(environment::metrics)))
            },
            |_| "2 clusters, 30 minutes".to_owned(),
        )?;
        let larger = match self.scale {
            Some(scale) if wants("L03") || wants("L01") => Some(steps.run(
                "build the large environment",
                |_| {
                    Ok::<_, anyhow::Error>(environment::metrics(environment::build(context, scale as usize)?))
                },
                |_| format!("{scale} times as large"),
            )?),
            _ => None,
        };
        let asking = Asking {
            metrics: &metrics,
            is_simulated: true,
            second_collector: doubled.as_ref().map(|metrics| metrics as &dyn Metrics),
            larger: larger.as_ref().map(|metrics| metrics as &dyn Metrics),
            simulated: None,
            now_ms: environment::now()?.as_millisecond(),
            threads,
        };
        asking.look(subject, rules, steps)
    }
}

fn on_server(
    server: &Server,
    subject: &Subject,
    rules: &[&'static Rule],
    context: &Context,
    steps: &Steps,
) -> anyhow::Result<LiveReport> {
    let now_ms = steps
        .run("ask the server for its time", |_| server.now().map_err(Usage), |_| String::new())
        .map_err(|error| Usage(format!("--prometheus: {error}")))?;
    let simulated = if rules.iter().any(|rule| rule.id == "D02") {
        let built = steps.run(
            "build the environment to compare with",
            |_| environment::build(context, 1),
            |_| String::new(),
        )?;
        Some((environment::metrics(built), environment::now()?.as_millisecond()))
    } else {
        None
    };
    let asking = Asking {
        metrics: server,
        is_simulated: false,
        second_collector: None,
        larger: None,
        simulated: simulated.as_ref().map(|(metrics, now_ms)| (metrics as &dyn Metrics, *now_ms)),
        now_ms,
        threads: CONCURRENCY,
    };
    let report = asking.look(subject, rules, steps)?;
    match server.given_up() {
        // What was found until then would mislead: most was not asked.
        Some(reason) => Err(ServerLost(reason).into()),
        None => {
            if !report.findings.is_empty() && server.has_just_begun() {
                steps.note(
                    "the server's metrics began less than two minutes ago, and panels with rates are empty until then: judge \
                     again in a moment",
                );
            }
            Ok(report)
        }
    }
}

/// Whom to ask.
struct Asking<'a> {
    metrics: &'a dyn Metrics,
    is_simulated: bool,
    second_collector: Option<&'a dyn Metrics>,
    larger: Option<&'a dyn Metrics>,
    simulated: Option<(&'a dyn Metrics, i64)>,
    now_ms: i64,
    threads: usize,
}

impl Asking<'_> {
    fn look(&self, subject: &Subject, rules: &[&'static Rule], steps: &Steps) -> anyhow::Result<LiveReport> {
        let started = Instant::now();
        let data_sources = [DataSource {
            name: "Prometheus".to_owned(),
            uid: "prometheus".to_owned(),
            kind: "prometheus".to_owned(),
        }];
        steps.run(
            "look at them with their data",
            |progress| {
                let show = std::sync::Mutex::new(progress);
                Ok::<_, anyhow::Error>(look_at(
                    subject,
                    &LiveOptions {
                        rules: rules.to_vec(),
                        metrics: self.metrics,
                        is_simulated: self.is_simulated,
                        second_collector: self.second_collector,
                        larger: self.larger,
                        simulated: self.simulated,
                        data_sources: &data_sources,
                        now_ms: self.now_ms,
                        range: ("now-30m".to_owned(), "now".to_owned()),
                        budget: Budget::default(),
                        elapsed: &|| started.elapsed(),
                        progress: &|done, all| {
                            if let Ok(progress) = show.lock() {
                                progress.show(&format!("{done} of {all}"));
                            }
                        },
                        threads: self.threads,
                    },
                ))
            },
            |report| {
                let looks: usize = report.rows.iter().map(|row| row.looks).sum();
                let queries: usize = report.rows.iter().map(|row| row.queries).sum();
                format!("{looks} looks, {queries} queries")
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use dashboard_rules::rules;

    use super::super::{CheckDashboards, load};
    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        check: CheckDashboards,
    }

    fn wanted(arguments: &[&str]) -> Option<bool> {
        let cli = Cli::try_parse_from([&["check-dashboards"], arguments].concat()).ok()?;
        let CheckDashboards { live, paths, static_only, .. } = cli.check;
        Some(live.wanted(paths.is_empty(), static_only))
    }

    #[test]
    fn answers_are_asked_for_by_default_where_our_own_sources_are_judged() {
        for (arguments, expected) in [
            (&[][..], Some(true)),
            (&["--static"], Some(false)),
            (&["a.json"], Some(false)),
            (&["a.json", "--live"], Some(true)),
            (&["a.json", "--scale", "10"], Some(true)),
            (
                &["a.json", "--prometheus", "http://localhost:9090", "--header", "X-Scope-OrgID: a"],
                Some(true),
            ),
            (&["--static", "--live"], None),
            (&["--static", "--prometheus", "http://localhost:9090"], None),
            (&["--scale", "0"], None),
            (&["--scale", "1000000"], None),
            (&["--header", "a: b"], None),
        ] {
            assert_eq!(wanted(arguments), expected, "{arguments:?}");
        }
    }

    #[test]
    fn our_own_dashboards_show_what_they_should() {
        let context = Context::new().unwrap();
        let subject = load::load(&[], &[], &context).unwrap();
        let rules: Vec<_> = rules::all().collect();
        let report = LiveArguments::default().judge(&subject, &rules, 2, &context, &Steps::new()).unwrap();
        assert!(report.broken.is_empty(), "{:?}", report.broken);
        assert!(report.findings.is_empty(), "{:#?}", report.findings);
        assert!(report.rows.len() >= 16 && report.rows.iter().all(|row| row.looks >= 4 && row.series > 0));
    }
}
