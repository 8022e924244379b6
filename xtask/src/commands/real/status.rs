//! `status` of environments on a container engine: how each of its parts is, and whether its servers answer.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use environments::cluster::Counts;
use environments::kwok::OPTIONAL;
use environments::plan::{Plan, State, StepName};
use environments::stack::data::{Marker, missing};
use serde::{Deserialize, Serialize};

use super::remains::Place;
use super::{block_on, cluster};
use crate::commands::Format;
use crate::commands::dev::start::plan_of;
use crate::context::Context;
use crate::environment::{EnvironmentName, RealEnvironment, RealEnvironments, RealKind, agent};
use crate::ui::{Table, print_result};

/// Steps that wait for something and leave nothing behind that could be looked at.
const WAITING: [StepName; 3] = ["chart", "rollouts", "data"];

/// Servers on this machine answer within this, or are not whole.
const ANSWER: Duration = Duration::from_secs(5);

/// An environment as `--format json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a EnvironmentName,
    runtime: &'static str,
    is_up: bool,
    /// Who brings it up or takes it down just now.
    #[serde(skip_serializing_if = "Option::is_none")]
    moving: Option<String>,
    since: String,
    page_url: &'a str,
    api_url: &'a str,
    otlp_url: &'a str,
    parts: Vec<Part>,
}

/// A part of it.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Part {
    name: &'static str,
    /// `up`, `different`, `absent`, `silent` or `unknown`.
    state: &'static str,
    detail: String,
}

impl Shown<'_> {
    /// Whether all of it is there and answers.
    fn is_whole(&self) -> bool {
        self.is_up && self.moving.is_none() && self.parts.iter().all(|part| part.state == "up")
    }
}

/// Prints what there is of each. The exit code is that of `status`: 0 when one is whole.
pub(in crate::commands) fn status(
    context: &Context,
    real: &[RealEnvironment],
    format: Format,
) -> anyhow::Result<ExitCode> {
    let environments = RealEnvironments::of_user()?;
    let shown = block_on(async {
        let mut shown = Vec::new();
        for environment in real {
            let parts = match parts_of(context, &environments, environment).await {
                Ok(parts) => parts,
                Err(error) => vec![Part { name: "engine", state: "silent", detail: format!("{error:#}") }],
            };
            shown.push(show(environment, &environments, parts));
        }
        anyhow::Ok(shown)
    })?;
    match format {
        Format::Json => print_result(&format!("{}\n", serde_json::to_string_pretty(&shown)?))?,
        Format::Text => {
            let tables: Vec<String> = shown.iter().map(text).collect();
            print_result(&tables.join("\n"))?;
        }
    }
    Ok(if shown.iter().any(Shown::is_whole) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show<'a>(
    environment: &'a RealEnvironment,
    environments: &RealEnvironments,
    parts: Vec<Part>,
) -> Shown<'a> {
    Shown {
        name: &environment.name,
        runtime: match environment.kind {
            RealKind::Kwok => "docker",
            RealKind::Dev => "k3d",
        },
        is_up: environment.is_up,
        moving: environments.mover(&environment.name).map(|mover| mover.to_string()),
        since: environment.since.strftime("%FT%TZ").to_string(),
        page_url: &environment.grafana_url,
        api_url: &environment.prometheus_url,
        otlp_url: &environment.otlp_url,
        parts,
    }
}

/// How its parts are: those on the engine, and what its servers say.
async fn parts_of(
    context: &Context,
    environments: &RealEnvironments,
    environment: &RealEnvironment,
) -> anyhow::Result<Vec<Part>> {
    let place = Place::of(&Ok(environment.clone()), environments);
    let engine = place.engine(environments).await?;
    let plan: Plan = match environment.kind {
        RealKind::Kwok => place.remains(context, environments, engine).await?,
        RealKind::Dev => plan_of(context, environments, environment, engine)?,
    };
    let looked = plan.look().await.into_iter().filter(|(name, state)| {
        !matches!(state, Ok(State::Absent)) || !(OPTIONAL.contains(name) || WAITING.contains(name))
    });
    let mut parts: Vec<Part> = looked.map(|(name, state)| part(name, state)).collect();
    if environment.kind == RealKind::Kwok {
        parts.push(fleet(environment).await);
    }
    parts.push(grafana(environment.grafana_url.clone()).await);
    parts.push(data(environment).await);
    Ok(parts)
}

fn part(name: &'static str, state: anyhow::Result<State>) -> Part {
    let (state, detail) = match state {
        Ok(State::Up(detail)) => ("up", detail),
        Ok(State::Different(detail)) => ("different", detail),
        Ok(State::Absent) => ("absent", String::new()),
        Err(error) => ("unknown", format!("{error:#}")),
    };
    Part { name, state, detail }
}

/// The nodes and pods of a simulated cluster.
async fn fleet(environment: &RealEnvironment) -> Part {
    let counting = async { cluster(environment).await?.count().await };
    let counts = match tokio::time::timeout(ANSWER, counting).await {
        Ok(counts) => counts,
        Err(_) => Err(anyhow::anyhow!("no answer within {} s", ANSWER.as_secs())),
    };
    let asked = environment.flags["nodes"].as_u64().and_then(|nodes| usize::try_from(nodes).ok());
    part("fleet", counts.map(|counts| fleet_state(&counts, asked.unwrap_or(1))))
}

/// What is provoked may make nodes not ready; it does not make them fewer.
fn fleet_state(counts: &Counts, asked: usize) -> State {
    let (total, ready) = (counts.nodes.total, counts.nodes.ready);
    let detail = format!("{total} nodes, {ready} ready; {}", counts.pods);
    if total >= asked {
        State::Up(detail)
    } else {
        State::Different(format!("{detail}; {asked} were asked for"))
    }
}

/// What Grafana says about its own health.
#[derive(Deserialize)]
struct Health {
    database: String,
    version: String,
}

async fn grafana(base_url: String) -> Part {
    let asking = tokio::task::spawn_blocking(move || ask_grafana(&base_url));
    let (state, detail) = match asking.await.context("the question was given up").and_then(|answer| answer) {
        Ok(health) if health.database == "ok" => ("up", health.version),
        Ok(health) => ("different", format!("{}, database: {}", health.version, health.database)),
        Err(error) => ("silent", format!("{error:#}")),
    };
    Part { name: "Grafana", state, detail }
}

fn ask_grafana(base_url: &str) -> anyhow::Result<Health> {
    let url = format!("{base_url}/api/health");
    let mut answer = agent(ANSWER).get(&url).call().with_context(|| format!("{url} does not answer"))?;
    let text = answer.body_mut().read_to_string().with_context(|| format!("{url} breaks off"))?;
    serde_json::from_str(&text).with_context(|| format!("{url} answers something else"))
}

/// Whether young series of every receiver are there.
async fn data(environment: &RealEnvironment) -> Part {
    let cluster = environment.flags["cluster-name"].as_str().unwrap_or_default();
    let looked = missing(&environment.prometheus_url, &Marker::of_cluster(cluster, 1)).await;
    let (state, detail) = match looked {
        Ok(missing) if missing.is_empty() => ("up", "every receiver sends".to_owned()),
        Ok(missing) => ("absent", format!("nothing young of {}", missing.join(", "))),
        Err(error) => ("silent", format!("{error:#}")),
    };
    Part { name: "data", state, detail }
}

fn text(shown: &Shown<'_>) -> String {
    let mut table = Table::default();
    table.text_column("environment");
    table.text_column(format!("{}: {}", shown.name, shown.runtime));
    let mut row = |name: &str, value: &str| table.row(vec![name.to_owned(), value.to_owned()]);
    row("since", shown.since.trim_end_matches('Z').replace('T', " ").as_str());
    row("page", shown.page_url);
    row("Prometheus API", shown.api_url);
    row("OTLP metrics", shown.otlp_url);
    match &shown.moving {
        Some(moving) => row("start", moving),
        None if !shown.is_up => {
            let down = format!("`cargo xtask down{}`", shown.name.flag());
            row("start", &format!("did not come to its end; start it again to go on, or {down}"));
        }
        None => {}
    }
    for part in &shown.parts {
        let separator = if part.detail.is_empty() { "" } else { ": " };
        row(part.name, &format!("{}{separator}{}", part.state, part.detail));
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use environments::cluster::{NodeCount, PodCount};

    use super::*;
    use crate::environment::Moving;
    use crate::environment::scratch::{Scratch, environment};

    /// A server that answers one request so; its address.
    fn answering(status: &'static str, body: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
            .unwrap();
        });
        format!("http://{address}")
    }

    #[tokio::test]
    async fn grafana_is_up_when_it_says_so_itself() {
        for (status, body, state, detail) in [
            ("200 OK", r#"{"database": "ok", "version": "13.0.1", "commit": "a"}"#, "up", "13.0.1"),
            (
                "503 Service Unavailable",
                r#"{"database": "failing", "version": "13.0.1"}"#,
                "different",
                "13.0.1, database: failing",
            ),
            ("200 OK", "<html>", "silent", "answers something else"),
        ] {
            let part = grafana(answering(status, body)).await;
            assert_eq!(part.state, state, "{part:?}");
            assert!(part.detail.contains(detail), "{part:?}");
        }
        // Nobody listens.
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let part = grafana(format!("http://{gone}")).await;
        assert!(part.state == "silent" && part.detail.contains("/api/health does not answer"), "{part:?}");
    }

    #[tokio::test]
    async fn data_is_there_when_prometheus_has_it_and_not_when_it_does_not_answer() {
        let none = r#"{"status": "success", "data": {"resultType": "vector", "result": []}}"#;
        // One answer, and then nobody.
        let environment =
            RealEnvironment { prometheus_url: answering("200 OK", none), ..environment("kwok") };
        assert_eq!(data(&environment).await.state, "silent");
    }

    #[test]
    fn a_fleet_is_whole_with_the_nodes_that_were_asked_for_ready_or_not() {
        let counts = |total, ready| Counts { nodes: NodeCount { total, ready }, pods: PodCount::default() };
        assert!(
            matches!(fleet_state(&counts(3, 2), 3), State::Up(detail) if detail == "3 nodes, 2 ready; 0 pods")
        );
        assert!(
            matches!(fleet_state(&counts(2, 2), 3), State::Different(detail) if detail.contains("3 were asked for"))
        );
    }

    #[test]
    fn an_environment_is_whole_when_its_start_came_to_its_end_and_every_part_is_up() {
        let scratch = Scratch::new("whole");
        let environments = &scratch.environments;
        let part = |state| Part { name: "LGTM", state, detail: String::new() };
        let up = RealEnvironment { is_up: true, ..environment("kwok") };
        let whole = |environment: &RealEnvironment, states: &[&'static str]| {
            show(environment, environments, states.iter().map(|state| part(*state)).collect()).is_whole()
        };
        assert!(whole(&up, &["up", "up"]));
        for state in ["absent", "different", "silent", "unknown"] {
            assert!(!whole(&up, &["up", state]), "{state}");
        }
        let begun = environment("kwok");
        assert!(!whole(&begun, &["up"]));
        let told = text(&show(&begun, environments, Vec::new()));
        assert!(told.contains("did not come to its end") && told.contains("`cargo xtask down`"), "{told}");
        let _hold = environments.hold(&begun.name, Moving::Up).unwrap();
        assert!(!whole(&up, &["up"]));
        assert!(
            text(&show(&begun, environments, Vec::new())).contains("a start of it is under way (process ")
        );
    }
}
