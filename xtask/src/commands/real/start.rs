//! How an environment on a container engine is started, whichever it is.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use environments::engine::Engine;
use environments::plan::{OnFailure, Plan};
use environments::stack::data::Seen;
use jiff::Timestamp;

use super::{arrived_table, block_on};
use crate::commands::dashboards::watch_shipped;
use crate::commands::doctor::what_is_missing;
use crate::context::Context;
use crate::doctor::Asked;
use crate::environment::{
    EnvironmentName, Moving, RealEnvironment, RealEnvironments, RealKind, Signals, Start, Starting, bring_up,
    find_engine, is_same_engine,
};
use crate::ui::{Steps, print_result};

/// What the user has asked for, as far as it is the same for all environments.
pub(in crate::commands) struct Wanted {
    /// What to call it.
    pub(in crate::commands) name: EnvironmentName,
    /// Which one.
    pub(in crate::commands) kind: RealKind,
    /// What has to be there before anything is begun.
    pub(in crate::commands) needs: Asked,
    /// Where Grafana is to listen, on 127.0.0.1 as all of them.
    pub(in crate::commands) grafana_port: u16,
    /// The Prometheus API.
    pub(in crate::commands) prometheus_url: String,
    /// Where OTLP over HTTP is taken.
    pub(in crate::commands) otlp_port: u16,
    /// Where OTLP over gRPC is taken.
    pub(in crate::commands) otlp_grpc_port: u16,
    /// How kubectl gets at the cluster.
    pub(in crate::commands) kubectl: Kubectl,
    /// Whether what there is stays when the start fails.
    pub(in crate::commands) retain: bool,
    /// Whether to return once it is up.
    pub(in crate::commands) detach: bool,
    /// The flags that make it another environment.
    pub(in crate::commands) flags: serde_json::Value,
}

/// How kubectl gets at the cluster.
pub(in crate::commands) enum Kubectl {
    /// This is its current context.
    Context(String),
    /// With this kubeconfig.
    Kubeconfig(PathBuf),
}

/// The steps of an environment.
pub(in crate::commands) struct Plans {
    /// Those that bring it up.
    pub(in crate::commands) plan: Plan,
    /// Those that find and remove whatever there is of it.
    pub(in crate::commands) remains: Plan,
    /// What has arrived, once it is up.
    pub(in crate::commands) seen: Seen,
}

/// A command that starts an environment on a container engine.
pub(in crate::commands) trait OnEngine {
    /// What the user has asked for.
    fn wanted(&self, environments: &RealEnvironments) -> anyhow::Result<Wanted>;

    /// Its steps, on an engine.
    async fn plans(
        &self,
        context: &Context,
        environments: &RealEnvironments,
        engine: Engine,
    ) -> anyhow::Result<Plans>;

    /// What is to be done while dashboards are built anew. Never returns.
    async fn meanwhile(&self, _: &RealEnvironment, _: &Steps) {
        std::future::pending::<()>().await;
    }
}

/// Brings the environment up, and stays to build dashboards anew unless it is to return.
pub(in crate::commands) fn start(command: &impl OnEngine, context: &Context) -> anyhow::Result<ExitCode> {
    block_on(run(command, context))
}

async fn run(command: &impl OnEngine, context: &Context) -> anyhow::Result<ExitCode> {
    let steps = Steps::new();
    let environments = RealEnvironments::of_user()?;
    let wanted = command.wanted(&environments)?;
    let hold = environments.hold(&wanted.name, Moving::Up)?;
    let before = environments.read(&wanted.name)?;
    match &before {
        Some(before) if before.kind != wanted.kind => {
            bail!(
                "{} is an environment of `cargo xtask {}`: choose another --name",
                before.name,
                command_of(before.kind)
            );
        }
        Some(_) => {}
        // What is there already has its ports and its images.
        None => what_is_missing(context, wanted.needs)?,
    }
    let engine = find_engine().await?;
    if let Some(before) = &before {
        check_engine(before, engine.address())?;
    }
    let mut environment = record(&wanted, before.as_ref(), engine.address());
    let Plans { plan, remains, seen } = command.plans(context, &environments, engine).await?;
    let starting = Starting {
        plan: &plan,
        remains: &remains,
        environments: &environments,
        on_failure: if wanted.retain { OnFailure::Keep } else { OnFailure::RollBack },
        verbose: context.was_given("verbose"),
    };
    if let Start::Ended(code) = bring_up(&starting, &mut environment).await? {
        return Ok(code);
    }
    // Whoever watches holds up nobody.
    drop(hold);
    if let Some(arrived) = seen.arrived() {
        print_result(&arrived_table(&arrived))?;
    }
    tell_addresses(&wanted, &environment, &steps);
    let down = format!("`cargo xtask down{}`", wanted.name.flag());
    if wanted.detach {
        steps.note(format!("{down} ends it"));
        return Ok(ExitCode::SUCCESS);
    }
    steps.note(format!(
        "dashboards are built anew when they are saved; Ctrl-C ends that, {down} ends all of it"
    ));
    let mut signals = Signals::listen(false)?;
    watch_shipped(context)?;
    tokio::select! {
        _ = signals.next() => {}
        () = command.meanwhile(&environment, &steps) => {}
    }
    steps.note(format!("the environment goes on: {down} ends it"));
    Ok(ExitCode::SUCCESS)
}

/// What is written down about it.
fn record(wanted: &Wanted, before: Option<&RealEnvironment>, engine: &str) -> RealEnvironment {
    RealEnvironment {
        name: wanted.name.clone(),
        kind: wanted.kind,
        since: before.map_or_else(Timestamp::now, |before| before.since),
        is_up: false,
        grafana_url: format!("http://127.0.0.1:{}", wanted.grafana_port),
        prometheus_url: wanted.prometheus_url.clone(),
        otlp_url: format!("http://127.0.0.1:{}", wanted.otlp_port),
        engine: engine.to_owned(),
        flags: wanted.flags.clone(),
    }
}

/// An environment is on one engine: a second one of its name on another would be found by nobody.
fn check_engine(before: &RealEnvironment, chosen: &str) -> anyhow::Result<()> {
    let (name, engine) = (&before.name, &before.engine);
    if is_same_engine(engine, chosen) {
        return Ok(());
    }
    bail!(
        "{name} is on the container engine at {engine}, and the one that is chosen now is at {chosen}: DOCKER_HOST={engine} goes on \
         with it there, `cargo xtask down{}` removes it there",
        name.flag()
    )
}

fn tell_addresses(wanted: &Wanted, environment: &RealEnvironment, steps: &Steps) {
    steps.note(format!("Grafana:        {}", environment.grafana_url));
    steps.note(format!("Prometheus API: {} (`cargo xtask query` asks it)", environment.prometheus_url));
    steps.note(format!(
        "OTLP:           {} and 127.0.0.1:{} (gRPC)",
        environment.otlp_url, wanted.otlp_grpc_port
    ));
    match &wanted.kubectl {
        Kubectl::Context(context) => steps.note(format!("kubectl's context is {context}")),
        Kubectl::Kubeconfig(file) => steps.note(format!("kubectl --kubeconfig {}", file.display())),
    }
}

/// The command that starts it.
fn command_of(kind: RealKind) -> &'static str {
    match kind {
        RealKind::Kwok => "kwok --runtime docker",
        RealKind::Dev => "dev",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        Wanted {
            name: "second".parse().unwrap(),
            kind: RealKind::Dev,
            needs: Asked::default(),
            grafana_port: 3001,
            prometheus_url: "http://127.0.0.1:9091".to_owned(),
            otlp_port: 4320,
            otlp_grpc_port: 4319,
            kubectl: Kubectl::Context("k3d-second".to_owned()),
            retain: false,
            detach: false,
            flags: serde_json::json!({"agents": 1}),
        }
    }

    #[test]
    fn an_environment_is_not_started_a_second_time_on_another_engine() {
        let before = record(&wanted(), None, "unix:///one.sock");
        assert!(check_engine(&before, "unix:///one.sock").is_ok());
        let told = check_engine(&before, "tcp://other:2375").unwrap_err().to_string();
        for part in [
            "unix:///one.sock",
            "tcp://other:2375",
            "DOCKER_HOST=unix:///one.sock",
            "`cargo xtask down --name second`",
        ] {
            assert!(told.contains(part), "{told}");
        }
        assert!(!told.contains('\n'));
    }

    #[test]
    fn what_is_written_down_says_where_it_answers_and_since_when_it_was_asked_for_first() {
        let first =
            RealEnvironment { since: Timestamp::UNIX_EPOCH, ..record(&wanted(), None, "unix:///one.sock") };
        let again = record(&wanted(), Some(&first), "unix:///one.sock");
        assert_eq!(again, first);
        assert_eq!(
            (again.grafana_url.as_str(), again.otlp_url.as_str()),
            ("http://127.0.0.1:3001", "http://127.0.0.1:4320")
        );
    }
}
